"""What the tests of the readers share."""

import pytest
from PIL import Image


@pytest.fixture
def write(tmp_path):
    """Writes a caption.csv (or another file) beside an images folder with a.png, b.png and c.png; gives its path."""
    (tmp_path / "images").mkdir()
    for name in "abc":
        Image.new("RGB", (4, 4), "green").save(tmp_path / "images" / f"{name}.png")

    def write_text(text, encoding="utf-8", name="caption.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write_text
