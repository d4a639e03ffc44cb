"""`DataBrowser`: look through a table of captions, with what the audit says, and correct captions in a copy."""

from __future__ import annotations

import html
from pathlib import Path

import ipywidgets as widgets
import pandas as pd
from matplotlib.figure import Figure

from rsclip_lab.show.widgets.browser_parts import CaptionField, contact_sheet, dropdown, findings_html
from rsclip_lab.show.widgets.edits import EditedCaptions
from rsclip_lab.show.widgets.filters import Pictures
from rsclip_lab.show.widgets.panel import Panel
from rsclip_lab.show.widgets.thumbnails import STYLE as PICTURES
from rsclip_lab.show.widgets.thumbnails import Thumbnails, blank_figure

SIDE = 360  # pixels of the picture
MOST_CAPTIONS = 20  # of one picture that get a field
IN_FIGURE = 8
FILE = "captions_edited.csv"
STYLE = """<style>
.rsclip-panel .rsclip-caption textarea { min-height: 3.4em; font-family: inherit; }
.rsclip-words ul { margin: 0.2em 0 0.6em; padding-left: 1.2em; }
.rsclip-words li { margin-bottom: 0.4em; }
</style>"""


class DataBrowser(Panel):
    """A panel over a table of captions, picture by picture.

    captions: as `read_captions` gives them; `split`, `label` and `image_id` may be missing. report: of `audit`, of
    the same table. folder: where the copy is saved unless its field names another place; by default the current one.
    `captions` is the table with the edits made here, a copy; `edits` has one row an edited caption. `chosen` are the
    pictures that fit the filters, `image` the one that is shown; `show_picture`, `edit`, `undo` and `save` do in code
    what fields and buttons do. Raises CaptionError for what is no table, and for a report of another one.
    """

    title = "Data browser"

    def __init__(self, captions: pd.DataFrame, report=None, folder: str | Path | None = None) -> None:
        super().__init__()
        self._refused = False  # whether the last edit was, which the message says
        self._table = EditedCaptions(captions)
        self.pictures = Pictures(self._table.original, report)
        self.audited = report is not None
        self.thumbnails = Thumbnails(SIDE, most=32)
        self.chosen: list[str] = self.pictures.images
        self.place = 0
        self.fields: list[CaptionField] = []
        self._make_filters()
        self._make_steps()
        self._make_saving(Path(folder) if folder is not None else Path())
        self.picture, self.facts, self.said = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.editors = widgets.VBox()
        left = widgets.VBox([self.picture, self.facts], layout=widgets.Layout(flex="0 1 340px", min_width="240px"))
        right = widgets.VBox(
            [self.editors, self.said],
            layout=widgets.Layout(flex="1 1 400px", overflow="visible", margin="0 0 0 16px"),
        )
        # To the top of both, and below one another in a narrow window.
        both = widgets.HBox([left, right], layout=widgets.Layout(flex_flow="row wrap", align_items="flex-start"))
        self.lay_out(
            widgets.HTML(PICTURES + STYLE, layout={"display": "none"}), self.filters, self.steps, both, self.saving
        )
        self._show()

    def _make_filters(self) -> None:
        pictures = self.pictures
        every = f"all ({len(pictures.images):,})"
        kinds = pictures.kinds()
        if kinds:
            kinds.insert(0, (f"any problem ({len(pictures.findings):,})", "any"))
        self.split = dropdown("Split", "150px", every, pictures.choices(pictures.splits))
        self.label = dropdown("Label", "190px", every, pictures.choices(pictures.labels))
        self.kind = dropdown("Problem", "280px", every, kinds)
        self.words = widgets.Text(
            description="Words",
            placeholder="in a caption",
            layout=widgets.Layout(width="160px"),
        )
        self.words.add_class("rsclip-above")
        all_fields = [self.split, self.label, self.kind, self.words]
        used = [field for field in all_fields if field is self.words or len(field.options) > 1]
        self.filters = widgets.HBox(used, layout=widgets.Layout(flex_flow="row wrap", grid_gap="4px 14px"))
        for field in all_fields:
            field.observe(lambda _: self.soon(self._filter), "value")

    def _make_steps(self) -> None:
        size = widgets.Layout(width="104px", height="34px")
        self.back = widgets.Button(description="‹ Previous", layout=size)
        self.forth = widgets.Button(description="Next ›", layout=size)
        self.back.tooltip, self.forth.tooltip = "the picture before this one", "the picture after this one"
        self.back.on_click(lambda _: self.show_picture(self.place - 1))
        self.forth.on_click(lambda _: self.show_picture(self.place + 1))
        self.number = widgets.BoundedIntText(
            1, 1, max(1, len(self.chosen)), description="Go to", layout=widgets.Layout(width="150px")
        )
        self.number.style.description_width = "50px"
        self.number.observe(self._number_given, "value")
        self.count = widgets.HTML()
        row = widgets.Layout(flex_flow="row wrap", align_items="center")
        self.steps = widgets.HBox([self.back, self.forth, self.number, self.count], layout=row)

    def _make_saving(self, folder: Path) -> None:
        self.path = widgets.Text(
            str(folder.expanduser() / FILE),
            description="Save to",
            layout=widgets.Layout(flex="1 1 360px", width="auto"),
            style={"description_width": "60px"},
        )
        size = widgets.Layout(width="150px", height="34px")
        self.save_button = widgets.Button(description="Save a copy", layout=size)
        self.undo_button = widgets.Button(description="Undo last edit", layout=size)
        self.save_button.tooltip = "write all captions, with the edits, to a new CSV file"
        self.save_button.on_click(lambda _: self.save())
        self.undo_button.on_click(lambda _: self.undo())
        self.state = widgets.HTML()
        fields = [self.path, self.save_button, self.undo_button]
        line = widgets.HBox(fields, layout=widgets.Layout(flex_flow="row wrap"))
        self.saving = widgets.VBox([line, self.state])

    @property
    def captions(self) -> pd.DataFrame:
        """The table with the edits, a copy of its own each time."""
        return self._table.table.copy()

    @property
    def edits(self) -> pd.DataFrame:
        """One row an edited caption: `row` (its index in the table), `file`, `before`, `after`."""
        table = self._table
        rows = [
            (table.table.index[row], table.table["image"].iat[row], table.before(row), text)
            for row, text in table.edited.items()
        ]
        return pd.DataFrame(rows, columns=["row", "file", "before", "after"])

    @property
    def image(self) -> str | None:
        """The picture that is shown, None while none fits the filters."""
        return self.chosen[self.place] if self.chosen else None

    def show_picture(self, place: int) -> None:
        """The picture at that place, from 0, of those that fit the filters; the nearest where there is none."""
        if not self._refused:  # which is said while somebody goes on already
            self.say()
        self._refused = False
        self.place = max(0, min(place, len(self.chosen) - 1))
        self._show()

    def edit(self, row: int, text: str) -> None:
        """Give the row at that position, from 0, another caption."""
        self._refused = True
        with self.working():
            self._table.edit(row, text)
            self._refused = False
        self._show()  # an edit that was refused is taken out of its field

    def undo(self) -> None:
        """Take the last edit back, and show its picture."""
        self.say()
        if (row := self._table.undo()) is None:
            return
        image = next(one for one, rows in self.pictures.rows_of.items() if row in rows)
        if image in self.chosen:
            self.place = self.chosen.index(image)
        self._show()

    def save(self, path: str | Path | None = None) -> None:
        """Write the edited table as CSV, by default to the path in the field; never over a file not its own."""
        if path is not None:
            self.path.value = str(path)
        said = ""
        with self.working("Saving"):
            written, image_dir = self._table.write(self.path.value)
            said = f"Saved {len(self._table.table):,} captions. Read them with: " + (
                f"lab.read_captions({str(written)!r}, image_dir={image_dir!r})"
            )
        if said:
            self.say(said)
        self._show_state()

    def figure(self) -> Figure:
        """A contact sheet that begins with the picture shown, `show.plot_batch`."""
        images = self.chosen[self.place : self.place + IN_FIGURE]
        if not images:
            return blank_figure("Data browser: no picture fits these filters")
        return contact_sheet({image: self._table.text(self.pictures.rows_of[image][0]) for image in images})

    def _filter(self) -> None:
        with self.working():
            choice = self.split.value, self.label.value, self.kind.value, self.words.value
            former = self.image
            self.chosen = self.pictures.chosen(*choice, self._table.text)
            self.place = self.chosen.index(former) if former in self.chosen else 0
            self._show()

    def _number_given(self, change: dict) -> None:
        if change["new"] != self.place + 1:
            self.show_picture(change["new"] - 1)

    def _show(self) -> None:
        many, image = len(self.chosen), self.image
        self.number.max, self.number.value = max(1, many), self.place + 1
        self.back.disabled, self.forth.disabled = self.place == 0, self.place >= many - 1
        counted = f"picture <b>{self.place + 1:,} of {many:,}</b>" if many else "<b>no picture fits these filters</b>"
        self.count.value = f"<div class='rsclip-words' role='status'>{counted}</div>"
        self._show_captions([] if image is None else self.pictures.rows_of[image])
        self.picture.value = self.facts.value = self.said.value = ""
        if image is not None:
            self._show_picture(image)
        self._show_state()

    def _show_picture(self, image: str) -> None:
        row = self.pictures.rows_of[image][0]
        alt = self._table.text(row) or f"{Path(image).name}, a picture without a caption"
        picture = self.thumbnails.of(image, alt) if image else self.thumbnails.of("no file name", alt)
        self.picture.value = f"<div class='rsclip-square'>{picture}</div>"
        facts = [Path(image).name, f"label: {self.pictures.labels[row]}", f"split: {self.pictures.splits[row]}"]
        facts = [facts[0], *(one for one in facts[1:] if not one.endswith("not named"))]
        self.facts.value = f"<div class='rsclip-words'>{' · '.join(map(html.escape, facts))}</div>"
        if self.audited:
            pictures = self.pictures
            findings, rows = pictures.findings.get(image, []), pictures.rows_of[image]
            self.said.value = findings_html(findings, pictures.of_table, rows, self._table.edited)

    def _show_captions(self, rows: list[int]) -> None:
        shown = rows[:MOST_CAPTIONS]
        while len(self.fields) < len(shown):
            self.fields.append(CaptionField(len(self.fields) + 1, self.edit))
        for field, row in zip(self.fields, shown, strict=False):
            field.show(row, self._table.text(row), self._table.before(row))
        roots = [field.root for field in self.fields[: len(shown)]]
        if len(rows) > len(shown):
            roots.append(widgets.HTML(f"and {len(rows) - len(shown)} more captions, which have no field here"))
        if list(self.editors.children) != roots:
            self.editors.children = roots

    def _show_state(self) -> None:
        table = self._table
        many, self.undo_button.disabled = len(table.edited), not table.steps
        words = f"{many} caption{'' if many == 1 else 's'} edited" if many else "nothing edited"
        if many or table.saved:
            words += ", not saved yet" if table.unsaved else ", saved"
        self.state.value = (
            f"<div class='rsclip-words' role='status'>{words}. The original file is never changed.</div>"
        )
