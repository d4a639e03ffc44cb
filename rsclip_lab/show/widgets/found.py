"""One result of a search in its panel."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets

from rsclip_lab.show.widgets.thumbnails import Thumbnails


class Found:
    """The place of one result: its picture, rank, cosine and label, and a button that asks with it."""

    def __init__(self, ask: Callable[[str], None]) -> None:
        self.shown = widgets.HTML()
        self.more = widgets.Button(description="More like this", layout=widgets.Layout(width="auto", height="34px"))
        self.more.on_click(lambda _: ask(self.image))
        self.image = ""
        self.root = widgets.VBox([self.shown, self.more])

    def show(self, rank: int, image: str, cosine: float, label: str | None, thumbnails: Thumbnails) -> None:
        name = Path(image).name
        picture = thumbnails.of(image, f"{name}, labelled {label}" if label else name)
        lines = [f"<b>{rank}.</b> cosine {cosine:.2f}", *([html.escape(label)] if label else []), html.escape(name)]
        self.image = image
        self.shown.value = f"<div class='rsclip-square'>{picture}<p>{'<br>'.join(lines)}</p></div>"
        self.more.tooltip = f"search for pictures like {name}"
        self.root.layout.display = None

    def hide(self) -> None:
        self.root.layout.display = "none"
