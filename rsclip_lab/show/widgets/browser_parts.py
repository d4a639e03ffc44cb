"""Parts of the data browser: a caption to edit, a filter, and in words what the audit found."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import ipywidgets as widgets
from matplotlib.figure import Figure

from rsclip_lab.data import ImageError, open_image
from rsclip_lab.show.pictures import plot_batch
from rsclip_lab.show.widgets.filters import SEVERITY_WORDS, Finding, in_words


class CaptionField:
    """One caption of the picture at hand: a field to change it in, and in words whether it was changed."""

    def __init__(self, number: int, changed: Callable[[int, str], None]) -> None:
        self.field = widgets.Textarea(description=f"Caption {number}", rows=2, continuous_update=False)
        self.field.layout = {"width": "100%", "margin": "2px 0"}
        self.field.add_class("rsclip-above")
        self.mark = widgets.HTML()
        self.row: int | None = None
        self.root = widgets.VBox([self.field, self.mark])
        self.root.add_class("rsclip-caption")
        self.field.observe(lambda change: self.row is not None and changed(self.row, change["new"]), "value")

    def show(self, row: int, text: str, before: str | None) -> None:
        self.row = None  # what is written into the field now is no edit
        self.field.value = text
        self.field.placeholder = "no caption: write one"
        words = "" if before is None else f"<b>Edited.</b> It was: {html.escape(before or '(empty)')}"
        self.mark.value = words and f"<div class='rsclip-words'>{words}</div>"
        self.row = row


def dropdown(name: str, width: str, every: str, options: list[tuple[str, str]]) -> widgets.Dropdown:
    field = widgets.Dropdown(description=name, options=[(every, ""), *options], value="")
    field.layout.width = width
    field.add_class("rsclip-above")
    return field


def findings_html(findings: Sequence[Finding], of_table: Sequence[Finding], rows: Sequence[int], edited) -> str:
    """What the audit says of a picture with these rows, and of the whole table. edited: the rows with edits."""
    words = "<b>The audit found nothing here.</b>"
    if findings:
        items = "".join(_item(one, rows, one.row in edited) for one in findings)
        words = f"<b>The audit says:</b><ul>{items}</ul>"
    if of_table:
        items = "".join(_item(one, (), False) for one in of_table)
        words += f"<details><summary>and of the whole table ({len(of_table)})</summary><ul>{items}</ul></details>"
    return f"<div class='rsclip-words'>{words}</div>"


def _item(found: Finding, rows: Sequence[int], edited: bool) -> str:
    where = f", caption {rows.index(found.row) + 1}" if found.row in rows and len(rows) > 1 else ""
    name = f"{SEVERITY_WORDS[found.severity]}: {in_words(found.kind)}{where}"
    after = " <i>(said before your edit)</i>" if edited else ""
    return (
        f"<li><b>{html.escape(name)}</b>{after}<br>{html.escape(found.detail)}<br>"
        f"Remedy: {html.escape(found.remedy)}</li>"
    )


def contact_sheet(captions: Mapping[str, str]) -> Figure:
    """{image: caption} as a figure; a picture that cannot be read is told of under an empty place."""
    pictures, lines = [], []
    for image, caption in captions.items():
        try:
            pictures.append(open_image(image))
            lines.append(caption)
        except ImageError:
            pictures.append(None)
            lines.append(f"{Path(image).name}: cannot be read")
    return plot_batch(pictures, lines)
