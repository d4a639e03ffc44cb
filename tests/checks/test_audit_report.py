"""What one sees of a report: short, escaped, without places of this machine."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rsclip_lab import checks
from rsclip_lab.checks import audit
from rsclip_lab.data import open_image, read_captions


@pytest.fixture
def captions(picture_folder):
    return read_captions(picture_folder)


def test_problems_are_grouped_by_kind_and_lines_are_short(captions):
    captions.loc[[4, 6, 8], "caption"] = ""
    report = audit(captions)
    text = str(report)
    assert re.search(r"^error +empty_caption +3 +row 4, harbour_2|^error +empty_caption +3 +row 4", text, re.M)
    assert max(map(len, text.splitlines())) <= 100 and "3 errors" in text.splitlines()[0]
    assert text.count("empty_caption") == 1 and len(report.problems[report.problems["kind"] == "empty_caption"]) == 3


def test_a_notebook_sees_escaped_text_pictures_and_no_paths(captions, tmp_path):
    captions.loc[4, "caption"] = "<script>alert(1)</script> <b>bold</b> &amp;"
    (tmp_path / "pictures" / "images" / "beach_0.png").write_bytes(b"")
    Image.new("RGB", (64, 64)).save(captions.loc[2, "image"])
    page = audit(captions)._repr_html_()
    assert "<script" not in page and "&lt;b&gt;" in page and str(tmp_path) not in page
    assert page.count("data:image/jpeg") >= 1 and "background:#888" in page  # the unreadable one is a grey tile
    assert len(page) < 60_000 and "background:white" not in page


def test_showing_a_report_decodes_nothing(captions, monkeypatch):
    big = Image.fromarray(np.random.default_rng(0).integers(0, 256, (100, 300, 3), dtype=np.uint8))
    big.resize((300 * 25, 100 * 25)).save(captions.loc[0, "image"])
    big.save(captions.loc[2, "image"])
    opened = []
    for module in (checks.pictures, checks.report):
        monkeypatch.setattr(module, "open_image", lambda path: opened.append(path) or open_image(path))
    report = audit(captions)
    assert set(opened) == set(captions["image"]) and opened.count(captions.loc[0, "image"]) == 1  # the big one
    for file in captions["image"].unique():
        Path(file).unlink()
    page = report._repr_html_()
    assert report._repr_html_() == page and page.count("data:image/jpeg") == 3 and "background:#888" not in page
    shown = Image.open(io.BytesIO(report.thumbnails[captions.loc[0, "image"]]))
    assert shown.size == (72, 24) and len(report.thumbnails) == 3


def test_a_thousand_faults_and_captions_without_end_stay_a_short_page(captions):
    long = captions.loc[captions.index.repeat(40)].assign(caption="&amp;" + "x" * 5000).reset_index(drop=True)
    report = audit(long)
    assert len(report.problems) > 900 and len(report._repr_html_()) < 60_000 and len(str(report)) < 6_000


def test_sound_data_says_so_in_a_line(captions):
    varied = captions.assign(caption=[f"view {'abcdefghijklmnopqrstuvwxyz'[i]} of it" for i in range(24)], label=None)
    for file in varied["image"].unique():
        Image.open(file).resize((50, 50)).save(file)
    report = audit(varied, batch_size=2)
    assert str(report) == "12 pictures, 24 captions: no problems" and "<table" not in report._repr_html_()
