"""`SearchWidget`: ask a collection by words or by a picture, and go on from what was found."""

from __future__ import annotations

import html
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import ipywidgets as widgets
import pandas as pd
from matplotlib.figure import Figure

from rsclip_lab.data.images import ImageLike, image_name
from rsclip_lab.search.pictures import absolute
from rsclip_lab.search.queries import checked_k
from rsclip_lab.search.results import SearchResults, shortened
from rsclip_lab.show.search_figures import plot_results
from rsclip_lab.show.widgets.found import Found
from rsclip_lab.show.widgets.panel import Panel
from rsclip_lab.show.widgets.pieces import forget_upload, newest_upload, opened, picture_html, upload_button
from rsclip_lab.show.widgets.thumbnails import STYLE as PICTURES
from rsclip_lab.show.widgets.thumbnails import Thumbnails, blank_figure, drawn_note

FORMER = 50  # queries that one can go back to
COLUMNS_IN_FIGURE = 6
STYLE = """<style>
.rsclip-square p { margin: 0.3em 0 0; }
.rsclip-asked { display: flex; gap: 0.8em; align-items: center; min-height: 2.4em; }
.rsclip-panel .rsclip-asked img { height: 64px; width: auto; }
.rsclip-panel .rsclip-asked .rsclip-missing { width: 64px; font-size: 0.6em; padding: 0; }
</style>"""


@dataclass(frozen=True)
class Query:
    """What was asked: a text, or a picture with what it is called. typed: a text that may still be in the making."""

    words: str
    picture: ImageLike | None = None
    typed: bool = False


class SearchWidget(Panel):
    """A panel over a `SearchIndex` or `SearchDatabase`: words or an upload in, the k nearest pictures out.

    labels: {image: label}, or a table of captions with `image` and `label`, for words under the pictures.
    `results` are the `SearchResults` shown, None before the first query; `ask`, `ask_picture`, `more_like` and
    `back` do in code what the panel's fields and buttons do. Raises TypeError for what is no index, or k no number;
    ValueError for k < 1.
    """

    title = "Search"

    def __init__(self, index, labels: Mapping[str, str] | pd.DataFrame | None = None, k: int = 8) -> None:
        super().__init__()
        if not hasattr(index, "search_text") or not hasattr(index, "search_image"):
            raise TypeError(f"SearchWidget takes an index, as of SearchIndex.build(model, images), not {index!r:.80}")
        self.index, self.k, self.labels = index, checked_k(k, sys.maxsize), labels_by_path(labels)
        self.results: SearchResults | None = None
        self.query: Query | None = None
        self.former: list[Query] = []
        self.mind = ""  # what is to be minded with the results shown
        self.thumbnails = Thumbnails()
        self._make_fields()
        self.places = [Found(self.more_like) for _ in range(self.k)]
        columns = "repeat(auto-fill, minmax(190px, 1fr))"
        grid = widgets.Layout(grid_template_columns=columns, grid_gap="16px 12px", overflow="visible")
        line = widgets.HBox([self.text, self.upload, self.return_button], layout=widgets.Layout(flex_flow="row wrap"))
        found = widgets.GridBox([place.root for place in self.places], layout=grid)
        self.lay_out(widgets.HTML(PICTURES + STYLE, layout={"display": "none"}), line, self.asked, found)
        self._show()

    def _make_fields(self) -> None:
        self.text = widgets.Text(
            description="Look for",
            placeholder="such as: boats in a harbour",
            layout=widgets.Layout(flex="1 1 360px", width="auto"),
            style={"description_width": "70px"},
        )
        self.text.observe(self._typed, "value")
        self.text.on_msg(self._entered)  # Text.on_submit says the same, and in ipywidgets 8 a warning with it
        self.upload = upload_button()
        self.upload.layout.width = "200px"
        self.upload.observe(self._uploaded, "value")
        self.return_button = widgets.Button(layout=widgets.Layout(width="auto", max_width="280px"))
        self.return_button.on_click(lambda _: self.back())
        self.asked = widgets.HTML()

    def ask(self, text: str, typed: bool = False) -> None:
        """Search by a text. typed: it may still be in the making, and is not kept to go back to."""
        self._search(Query(text, typed=typed))

    def ask_picture(self, image: ImageLike, name: str | None = None) -> None:
        """Search by a picture: a path, a PIL image or a uint8 array [h, w, 3]."""
        self._search(Query(name or Path(image_name(image)).name, image))

    def more_like(self, image: str) -> None:
        """Search by a picture that was found, without finding itself."""
        self.ask_picture(image)

    def back(self) -> None:
        """To the query before this one."""
        if self.former:
            self._search(self.former[-1], forward=False)

    def figure(self) -> Figure:
        """The query and its first pictures, `show.plot_results`."""
        if self.results is None:
            return blank_figure("Search: nothing asked yet")
        if not len(self.results):
            return blank_figure("Search: no other picture is stored")
        return plot_results(self.results, min(self.k, COLUMNS_IN_FIGURE), labels=self.labels)

    def _search(self, query: Query, forward: bool = True) -> None:
        with self.working("Searching"):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                self.results = self._found(query)
            said = [str(one.message) for one in caught if issubclass(one.category, UserWarning)]
            self.mind = "Mind: " + ". ".join(said) if said else ""
            self._remember(query, forward)
            self.say(self.mind)
        self._show()

    def _found(self, query: Query) -> SearchResults:
        if query.picture is None:
            return self.index.search_text(query.words, self.k)
        return self.index.search_image(query.picture, self.k, itself=False)

    def _remember(self, query: Query, forward: bool) -> None:
        if not forward:
            self.former.pop()
        elif self.query is not None and not (self.query.typed and query.typed):
            self.former = [*self.former, self.query][-FORMER:]
        self.query = query
        self.text.value = query.words if query.picture is None else ""

    def _typed(self, change: dict) -> None:
        """The box has another text: it is asked for when typing pauses. Nothing is asked by an empty box; what was
        wrong with the former text goes with it."""
        if not change["new"].strip() or self._is_answered(change["new"]):
            return self.say(self.mind)
        self.soon(self._ask_typed)

    def _ask_typed(self) -> None:
        if self.text.value.strip() and not self._is_answered(self.text.value):
            self.ask(self.text.value, typed=True)

    def _entered(self, _, content: dict, buffers) -> None:
        if content.get("event") != "submit":
            return
        if self._is_answered(self.text.value):
            self.query = replace(self.query, typed=False)  # meant: one can go back to it
        else:
            self.ask(self.text.value)

    def _is_answered(self, text: str) -> bool:
        return self.query is not None and self.query.picture is None and self.query.words == text

    def _uploaded(self, _) -> None:
        if not self.upload.value:
            return
        picture = None
        with self.working("Reading the picture"):
            try:
                upload = newest_upload(self.upload)
            finally:
                forget_upload(self.upload)
            picture = opened(upload)
        if picture is not None:
            self.ask_picture(picture, picture.filename)

    def _show(self) -> None:
        """The query in words, the results, and the way back."""
        found = list(self.results or ())
        for rank, place in enumerate(self.places, 1):
            if rank <= len(found):
                image, cosine = found[rank - 1]
                place.show(rank, image, cosine, self.labels.get(image), self.thumbnails)
            else:
                place.hide()
        self.asked.value = self._heading()
        self.return_button.layout.display = None if self.former else "none"
        if self.former:
            words = quoted(self.former[-1])
            self.return_button.description = f"Back to {shortened(words, 30)}"
            self.return_button.tooltip = f"show again what was found for {words}"

    def _heading(self) -> str:
        stored = f"{len(self.index):,} picture{'' if len(self.index) == 1 else 's'}"
        if self.query is None:
            return asked_html(f"{stored} to search in: type what to look for, or upload a picture.")
        if not len(self.results):
            return asked_html(f"No other picture is stored than {quoted(self.query)}.")
        how = "nearest to" if self.query.picture is None else "most like"
        words = f"{len(self.results)} of {stored}, {how} {quoted(self.query)}{drawn_note(self.results.images)}"
        return asked_html(words, self._asked_picture())

    def _asked_picture(self) -> str:
        picture, name = self.query.picture, self.query.words
        if picture is None:
            return ""
        if isinstance(picture, (str, Path)):
            return self.thumbnails.of(str(picture), f"the picture asked with, {name}")
        return picture_html(picture, f"the picture asked with, {name}")


def quoted(query: Query) -> str:
    return f"“{shortened(query.words, 80)}”" if query.picture is None else query.words


def asked_html(words: str, picture: str = "") -> str:
    """The line above the results; screen readers read it aloud."""
    return f"<div class='rsclip-asked' role='status'>{picture}<span>{html.escape(words)}</span></div>"


def labels_by_path(labels: Mapping[str, str] | pd.DataFrame | None) -> dict[str, str]:
    """{absolute path: label} of those that have one. Raises TypeError for what is neither table nor mapping."""
    if labels is None:
        return {}
    if isinstance(labels, pd.DataFrame):
        labels = dict(zip(labels["image"], labels["label"], strict=True)) if "label" in labels else {}
    if not isinstance(labels, Mapping):
        raise TypeError(f"labels are {{image: label}} or a table with image and label, not {labels!r:.80}")
    return {absolute(image): str(label) for image, label in labels.items() if not pd.isna(label)}
