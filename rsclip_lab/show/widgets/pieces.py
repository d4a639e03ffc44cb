"""Small parts of panels: pictures with words for who cannot see them, and uploads of ipywidgets 7 and 8."""

from __future__ import annotations

import base64
import html
import io
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
from matplotlib.figure import Figure
from PIL import Image

from rsclip_lab.data import ImageError, open_image
from rsclip_lab.data.images import ImageLike

MOST_BYTES = 5_000_000  # of an upload: a notebook's connection takes ten million, and a third goes into encoding
FILES = "image/*,.tif,.tiff,.jp2"


@dataclass(frozen=True)
class Upload:
    """A file that was chosen in an upload button."""

    name: str
    content: bytes


def upload_button() -> widgets.FileUpload:
    """The button for one's own picture. It says how much it takes: a notebook drops larger files without a word."""
    button = widgets.FileUpload(accept=FILES, multiple=False, description="Your own picture\n")
    button.add_class("rsclip-upload")  # keeps the count that follows out of sight
    if button.has_trait("tooltip"):  # since ipywidgets 8
        button.tooltip = f"A picture file of up to {MOST_BYTES / 1e6:.0f} MB"
    return button


def newest_upload(button: widgets.FileUpload) -> Upload | None:
    """The last of the button's files, whichever ipywidgets it is of; None while there is none.

    Raises ValueError for one of more than `MOST_BYTES`, with what to do.
    """
    value = button.value
    if not value:
        return None
    if isinstance(value, Mapping):  # ipywidgets 7: {name: {"metadata": …, "content": bytes}}
        name, file = list(value.items())[-1]
    else:  # ipywidgets 8: ({"name": …, "content": memoryview}, …)
        file = value[-1]
        name = file["name"]
    content = bytes(file["content"])
    if len(content) > MOST_BYTES:
        size, most = len(content) / 1e6, MOST_BYTES / 1e6
        raise ValueError(
            f"{name} has {size:.1f} MB, and an upload takes {most:.0f}: crop it or save it smaller, or use its "
            "path in code"
        )
    return Upload(name, content)


def opened(upload: Upload) -> Image.Image:
    """The uploaded picture, by whose name results and errors call it. Raises ImageError."""
    try:
        picture = open_image(upload.content)
    except ImageError as error:
        raise ImageError(str(error).replace("<bytes>", upload.name)) from error
    picture.filename = f"uploaded {upload.name}"
    return picture


def picture_html(image: ImageLike, alt: str, side: int = 256) -> str:
    """An <img> of the picture, at most `side` pixels long, with the words for who cannot see it.

    Raises ImageError for what cannot be read.
    """
    picture = open_image(image)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return drawn_html(picture, alt)


def drawn_html(picture: Image.Image, alt: str) -> str:
    """An <img> of a picture as it is."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    source = base64.b64encode(buffer.getvalue()).decode()
    width, height = picture.size
    return f"<img alt='{html.escape(alt)}' width={width} height={height} src='data:image/jpeg;base64,{source}'>"


def forget_upload(button: widgets.FileUpload) -> None:
    """Empty the button: the page drops the file's bytes, and the same file can be chosen again."""
    if isinstance(button.value, Mapping):  # ipywidgets 7
        button.metadata, button.data = [], []
        button.set_trait("value", {})
        button._counter = 0
    else:
        button.value = ()


class Kept:
    """What was made for the last `most` keys: made once, handed out again, the longest unused forgotten first."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.made: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What is kept for the key, else what `make()` gives; an error of it is kept for nobody."""
        if key not in self.made:
            self.put(key, make())
        self.made.move_to_end(key)
        return self.made[key]

    def put(self, key: Hashable, value: Any) -> None:
        self.made[key] = value
        while len(self.made) > self.most:
            self.made.popitem(last=False)


def figure_html(figure: Figure, alt: str) -> str:
    """An <img> of a figure as a notebook shows it, with the words for who cannot see it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    source = base64.b64encode(buffer.getvalue()).decode()
    return f"<img alt='{html.escape(alt)}' src='data:image/png;base64,{source}'>"
