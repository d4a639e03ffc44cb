"""Pictures of files in a panel, each decoded once; and words for what cannot be shown."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable
from pathlib import Path

from matplotlib.figure import Figure

from rsclip_lab.data import ImageError
from rsclip_lab.evaluation.record import drawn_folders
from rsclip_lab.search.pictures import stamp_of
from rsclip_lab.show.style import GREY, lecture_style, new_figure
from rsclip_lab.show.widgets.pieces import Kept, picture_html

MOST = 256  # pictures kept; of 256 pixels they take some 5 MB
# A square for each picture, whatever its shape, and the same square for words in its place.
STYLE = """<style>
.rsclip-panel .rsclip-square img, .rsclip-panel .rsclip-missing { width: 100%; aspect-ratio: 1; object-fit: contain;
  background: rgba(128, 128, 128, 0.12); box-sizing: border-box; display: block; }
.rsclip-panel .rsclip-missing { border: 2px dashed #767676; padding: 0.6em; overflow: auto; display: flex;
  align-items: center; background: none; }
.rsclip-missing small { display: block; margin-top: 0.4em; font-size: 0.87em; }
</style>"""


class Thumbnails:
    """HTML of picture files. A file is decoded again only when it has changed, or after `most` others."""

    def __init__(self, side: int = 256, most: int = MOST) -> None:
        self.side, self.kept = side, Kept(most)

    def of(self, image: str, alt: str) -> str:
        """An <img> with the words for who cannot see it; for what is no picture, words in its place."""
        return self.kept.get((image, stamp_of(image), alt), lambda: self._made(image, alt))

    def _made(self, image: str, alt: str) -> str:
        try:
            return picture_html(image, alt, self.side)
        except ImageError as error:
            what = "cannot be read" if os.path.isfile(image) else "no longer there"
            return missing_html(f"{Path(image).name}: {what}", str(error))


def missing_html(title: str, cause: str = "") -> str:
    """Where a picture would be: what is the matter with it."""
    more = f"<small>{html.escape(cause)}</small>" if cause else ""
    return f"<div class='rsclip-missing'><div><b>{html.escape(title)}</b>{more}</div></div>"


def drawn_note(images: Iterable[str]) -> str:
    """What is to stand beside numbers of pictures of the embedded samples; empty for others."""
    folders, of_images = drawn_folders(), {Path(image).parent for image in images}
    if not of_images & folders:
        return ""
    return " (drawn pictures)" if of_images <= folders else " (some of the pictures are drawn)"


@lecture_style
def blank_figure(text: str) -> Figure:
    """For a panel that has nothing to show yet, in words."""
    figure = new_figure(8, 2)
    figure.text(0.5, 0.5, text, ha="center", va="center", size=16, color=GREY)
    return figure
