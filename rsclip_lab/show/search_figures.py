"""What searches found: each query on the left, its pictures in their order beside it."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rsclip_lab.data import ImageError
from rsclip_lab.search.results import shortened
from rsclip_lab.show.pictures import picture_array, write_under
from rsclip_lab.show.style import DARK, GREEN, GREY, RED, lecture_style, new_figure

SIDE, WORDS, LETTERS = 1.9, 0.62, 16  # inches of a picture and of the lines under it; letters in a line of a query
LONGEST = 120  # letters of a query that are shown


@lecture_style
def plot_results(
    results: Sequence,
    most: int = 6,
    wanted: Sequence[str | None] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """One row a query: its text or picture, then the first `most` pictures found, with rank and cosine.

    results: of `SearchIndex.search_text` and `search_image` (anything with `query`, `images` and `scores`); one of
    them or many. wanted: for each query the label that its pictures should have, None where there is none; with
    labels: {image: label}, by which each picture is framed and marked right (✓) or wrong (✗).
    Raises ValueError for no results, or another number of wanted labels.
    """
    results = [results] if hasattr(results, "scores") else list(results)
    if not results or most < 1:
        raise ValueError("nothing to show: give one result of a search at least, and most=1 or more")
    wanted = [None] * len(results) if wanted is None else list(wanted)
    if len(wanted) != len(results):
        raise ValueError(f"{len(results)} results and {len(wanted)} wanted labels; give one a result, or None")
    columns = 1 + max(1, min(most, max(map(len, results))))
    figure = new_figure(SIDE * columns, (SIDE + WORDS) * len(results))
    grid = figure.subplots(len(results), columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for (query, *places), found, label in zip(grid, results, wanted, strict=True):
        _draw_query(query, found.query)
        for rank, (axes, image, score) in enumerate(zip(places, found.images, found.scores, strict=False), 1):
            _draw_found(axes, image, f"{rank}. cosine {score:.2f}", label, (labels or {}).get(image))
    return figure


def _draw_query(axes: Axes, query: str) -> None:
    """A picture where the query is the path of one, else its text."""
    if os.path.isfile(query) and _draw_picture(axes, query):
        write_under(axes, [("query", DARK)])
        return
    text = textwrap.fill(shortened(query, LONGEST), LETTERS)
    size = 14 if text.count("\n") < 6 else 10
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", size=size, weight="bold", wrap=True)


def _draw_found(axes: Axes, image: str, words: str, wanted: str | None, label: str | None) -> None:
    if not _draw_picture(axes, image):
        cause = "cannot be read" if os.path.isfile(image) else "no longer there"
        _frame(axes, ls="--", ec=GREY)
        axes.text(0.5, 0.5, cause, transform=axes.transAxes, ha="center", va="center", size=12, color=GREY)
        axes.set_box_aspect(1)
    lines = [(words, DARK)]
    if wanted is not None and label is not None:
        right = label == wanted
        colour = GREEN if right else RED
        lines.append((f"{'✓' if right else '✗'} {label}", colour))
        _frame(axes, lw=5, ec=colour)
    elif label is not None:
        lines.append((label, DARK))
    write_under(axes, lines, bold_first=False)


def _frame(axes: Axes, **line) -> None:
    axes.add_patch(Rectangle((0, 0), 1, 1, transform=axes.transAxes, fill=False, clip_on=False, **line))


def _draw_picture(axes: Axes, image: str) -> bool:
    axes.set_anchor("N")  # what room is left is for words below
    try:
        axes.imshow(picture_array(image))
    except ImageError:
        return False
    return True
