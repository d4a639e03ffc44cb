"""The part of a panel in which a picture is chosen: by kind, one after another, or from one's own files."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

import ipywidgets as widgets

from rsclip_lab.show.widgets.choices import Choice, given, kinds, of_kind
from rsclip_lab.show.widgets.panel import Panel
from rsclip_lab.show.widgets.pieces import (
    drawn_html,
    forget_upload,
    newest_upload,
    opened,
    picture_html,
    upload_button,
)

SIDE = 480  # pixels of the picture as it is sent; shown smaller, so that it is sharp on fine screens


class PicturePicker:
    """Widgets to choose a picture; `changed` is called when another is shown. `choice` is the one that is."""

    def __init__(self, panel: Panel, offered: Sequence[Choice], changed: Callable[[], None]) -> None:
        self.panel, self.offered, self.changed = panel, list(offered), changed
        self.choice: Choice | None = None
        self.row = 0  # of the pictures of the kind
        options = kinds(self.offered)
        self.kind = widgets.Dropdown(options=options, value=options[1 if len(options) > 1 else 0][1])
        self.kind.description = "Pictures of"
        self.before = widgets.Button(description="‹ Previous", tooltip="The previous picture of this kind")
        self.after = widgets.Button(description="Next ›", tooltip="The next picture of this kind")
        self.upload = upload_button()
        self.place, self.view, self.about = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self._listen()

    @property
    def box(self) -> widgets.VBox:
        """All of it, in the order of the Tab key."""
        self.kind.add_class("rsclip-above")
        self.view.add_class("rsclip-picture")
        for button in (self.before, self.after):
            button.layout = {"width": "auto"}
        for wide in (self.kind, self.upload):
            wide.layout = {"width": "auto"}
        steps = widgets.HBox([self.before, self.after, self.place])
        steps.add_class("rsclip-line")
        return widgets.VBox([self.kind, steps, self.upload, self.view, self.about])

    @property
    def of_this_kind(self) -> list[Choice]:
        return of_kind(self.offered, self.kind.value)

    def _listen(self) -> None:
        self.kind.observe(lambda change: self.step_to(0), "value")
        self.before.on_click(lambda button: self.step_to(self.row - 1))
        self.after.on_click(lambda button: self.step_to(self.row + 1))
        self.upload.observe(lambda change: self._take_upload(), "value")

    def step_to(self, row: int) -> None:
        """Show a picture of the kind, by its number; after the last comes the first. One that cannot be read is told
        of, and counts as passed."""
        self.row = row % len(self.of_this_kind)
        with self.panel.working("Reading the picture"):
            self.choose(self.of_this_kind[self.row], f"{self.row + 1} of {len(self.of_this_kind)}")

    def _take_upload(self) -> None:
        if not self.upload.value:
            return
        with self.panel.working("Reading the picture"):
            try:
                upload = newest_upload(self.upload)
            finally:
                forget_upload(self.upload)
            self.choose(given(opened(upload), upload.name))

    def choose(self, choice: Choice, place: str = "") -> None:
        """Show this picture. Raises ImageError where it cannot be read, and the former stays."""
        shown = picture_html(choice.image, choice.alt, SIDE)
        self.choice = choice
        self.view.value = shown
        self.place.value = f"<span style='white-space:nowrap'>{place}</span>"
        self.about.value = f"<div class='rsclip-small'>{html.escape(choice.origin)}</div>"
        self.changed()

    def show_again(self) -> None:
        """The picture itself, in place of what was drawn over it."""
        self.view.value = picture_html(self.choice.image, self.choice.alt, SIDE)

    def show_drawn(self, drawn, alt: str) -> None:
        """A PIL picture in its place."""
        self.view.value = drawn_html(drawn, alt)
