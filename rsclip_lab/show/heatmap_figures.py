"""Where in a picture a text is, drawn over it; and how often the brightest place is right."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rsclip_lab.evaluation.intervals import wilson_interval
from rsclip_lab.evaluation.localisation import Localisation
from rsclip_lab.show.pictures import picture_array, show_picture
from rsclip_lab.show.style import BLUE, DARK, GREY, ORANGE, lecture_style, new_figure

COLOURS = "viridis"  # even in lightness; white lines and marks stand out from all of it but the top
MOST_KINDS = 14
IN_A_ROW = 6  # panels


@lecture_style
def plot_heatmap(image, heatmaps: Mapping[str, np.ndarray], boxes: Mapping[str, Sequence] | None = None) -> Figure:
    """The picture, then one panel a text: its heatmap over the grey picture, with a cross at the highest place.

    heatmaps: {text: [height, width] in 0…1, as `text_heatmap` gives it}; the colours always run from 0 to 1, so that
    panels and figures can be compared. boxes: {text: [n, 4]}, left, top, right, bottom in pixels, drawn as frames.
    Raises ValueError without a heatmap, and for one that does not have the picture's size.
    """
    picture = picture_array(image)
    if not heatmaps:
        raise ValueError("no heatmap to draw: give {text: text_heatmap(model, image, text)}")
    for text, heatmap in heatmaps.items():
        if np.shape(heatmap) != picture.shape[:2]:
            sizes = f"{list(np.shape(heatmap))} over a picture {list(picture.shape[:2])}"
            raise ValueError(f"{text!r}: a heatmap {sizes}; give [height, width] of the picture")
    aspect, panels = picture.shape[0] / picture.shape[1], 1 + len(heatmaps)
    columns = min(panels, IN_A_ROW)
    rows = -(-panels // columns)
    figure = new_figure(3.6 * columns + 1.4, rows * (float(np.clip(3.6 * aspect, 1.5, 9)) + 1.5))
    first, *others = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in others[len(heatmaps) :]:
        axes.remove()
    others = others[: len(heatmaps)]
    show_picture(first, picture)
    first.set_title("the picture")
    for axes, (text, heatmap) in zip(others, heatmaps.items(), strict=True):
        shown = draw_heatmap(axes, picture, heatmap, (boxes or {}).get(text, ()))
        axes.set_title(textwrap.fill(text, 24))
    bar = figure.colorbar(shown, ax=[first, *others], shrink=0.8 / rows, ticks=[0, 0.5, 1])
    bar.ax.set_yticklabels(["0", "½ fits like\nany words", "1 fits"])
    bar.outline.set_visible(False)
    return figure


def draw_heatmap(axes: Axes, picture: np.ndarray, heatmap: np.ndarray, boxes: Sequence = ()):
    """A heatmap over its grey picture, true boxes as white frames, a cross at the highest place."""
    axes.axis("off")
    axes.set_anchor("N")
    axes.imshow(np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8))
    shown = axes.imshow(heatmap, cmap=COLOURS, vmin=0, vmax=1, alpha=0.6)
    for left, top, right, bottom in boxes:
        for colour, width in ((DARK, 3.5), ("white", 1.8)):  # a dark rim, to be seen on bright places, too
            frame = Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, fill=False, edgecolor=colour)
            frame.set_linewidth(width)
            axes.add_patch(frame)
    row, column = np.unravel_index(np.argmax(heatmap), np.shape(heatmap))
    axes.plot(column, row, "X", color=ORANGE, markersize=15, markeredgecolor="white", markeredgewidth=1.5)
    return shown


@lecture_style
def plot_localisation(results: Mapping[str, Localisation]) -> Figure:
    """How often the pointing game is won: by the models, by the picture's centre, and by a pixel drawn at random.

    results: {"heatmap": what `localisation` gives, …}, all on the same questions. On the left the shares, with 95 %
    Wilson intervals for what points at one place; on the right the kinds most asked about, the first result against
    the centre.
    """
    if not results:
        raise ValueError("no result to draw: give {name: localisation(…)}")
    first = next(iter(results.values()))
    kinds = first.by_kind.head(MOST_KINDS)
    figure = new_figure(14, max(4.2, 1.6 + 0.4 * len(kinds)))
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
    _draw_shares(left, results, first.summary)
    _draw_kinds(right, kinds, next(iter(results)))
    return figure


def _draw_shares(axes: Axes, results: Mapping[str, Localisation], same: Mapping[str, float]) -> None:
    rows = [(name, result.summary["pointing"], BLUE) for name, result in results.items()]
    rows += [("centre of the picture", same["centre"], ORANGE), ("a random pixel", same["random"], GREY)]
    highest = max(wilson_interval(share, same["questions"])[1] for _, share, _ in rows)
    for row, (name, share, colour) in enumerate(rows):
        axes.barh(row, share, 0.6, color=colour)
        low, high = wilson_interval(share, same["questions"]) if name != "a random pixel" else (share, share)
        axes.plot([low, high], [row, row], color=DARK, linewidth=2)
        axes.text(high + 0.015 * highest, row, f"{100 * share:.0f} %", va="center")
    axes.set_yticks(range(len(rows)), [textwrap.fill(name, 18) for name, *_ in rows])
    axes.set(xlim=(0, 1.2 * highest), ylim=(len(rows) - 0.4, -0.6), xlabel=f"hits, {same['questions']} questions")
    axes.set_title("the highest place lies in a true box")
    _in_percent(axes)


def _draw_kinds(axes: Axes, kinds, name: str) -> None:
    places = range(len(kinds))
    axes.hlines(places, kinds["centre"], kinds["pointing"], color=DARK, linewidth=1.5, zorder=1)
    axes.scatter(kinds["centre"], places, s=90, color=ORANGE, marker="s", label="centre", zorder=2)
    axes.scatter(kinds["pointing"], places, s=90, color=BLUE, label=name, zorder=3)
    axes.set_yticks(places, [f"{kind} ({count})" for kind, count in kinds["questions"].items()])
    axes.set(xlim=(-0.03, 1.03), ylim=(len(kinds) - 0.4, -0.6), xlabel="hits")
    axes.set_title("by kind (questions)")
    axes.legend(loc="best", frameon=True, framealpha=0.9)
    _in_percent(axes)


def _in_percent(axes: Axes) -> None:
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %" if value <= 1 else "")
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x")
