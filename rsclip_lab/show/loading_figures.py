"""How files become batches: boxes that become captions, what a pass costs, captions that meet in a batch."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from rsclip_lab.show.pictures import show_picture
from rsclip_lab.show.style import BLUE, CYCLE, DARK, ORANGE, lecture_style, new_figure


@lecture_style
def plot_boxes(image, boxes: Sequence, captions: Sequence[str]) -> Figure:
    """A picture with its boxes, a colour a kind, and beside it the captions that were made of them.

    boxes: with `kind`, `left`, `top`, `right`, `bottom` in pixels, as the detection readers have them.
    """
    figure = new_figure(11, 4.2)
    picture, words = figure.subplots(1, 2, width_ratios=[1, 1.5])
    show_picture(picture, image)
    kinds = list(dict.fromkeys(box.kind for box in boxes))
    for box in boxes:
        colour = CYCLE[kinds.index(box.kind) % len(CYCLE)]
        corner, size = (box.left - 0.5, box.top - 0.5), (box.right - box.left, box.bottom - box.top)
        picture.add_patch(Rectangle(corner, *size, fill=False, edgecolor=colour, linewidth=2))
    words.axis("off")
    for place, kind in enumerate(kinds):
        count = sum(box.kind == kind for box in boxes)
        words.plot([], [], "s", color=CYCLE[place % len(CYCLE)], markersize=12, label=f"{kind}: {count}")
    words.legend(loc="upper left", ncols=2, borderaxespad=0)
    lines = [textwrap.fill(caption, 52, subsequent_indent="   ") for caption in captions]
    words.text(0, 0.8, "\n".join(lines), va="top", color=DARK, transform=words.transAxes, linespacing=1.6)
    return figure


@lecture_style
def plot_passes(seconds: Mapping[str, tuple[float, float]], passes: int = 10) -> Figure:
    """How long a set takes to read again and again: seconds are {way: (first pass, every later one)}."""
    figure = new_figure(10, 4.5)
    axes = figure.subplots()
    numbers, colours = np.arange(passes + 1), (ORANGE, BLUE, *CYCLE[2:])
    for place, (name, (first, later)) in enumerate(seconds.items()):
        total = np.where(numbers > 0, first + later * (numbers - 1), 0)
        axes.plot(numbers, total, marker="o", linewidth=2.5, color=colours[place % len(colours)], label=name)
        axes.annotate(f"{total[-1]:.1f} s", (passes, total[-1]), (8, 0), textcoords="offset points", va="center")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="passes over the pictures", ylabel="seconds, all passes", xlim=(0, passes * 1.12))
    axes.legend(loc="upper left")
    return figure


@lecture_style
def plot_false_negatives(shares: Mapping[str, pd.Series]) -> Figure:
    """Rows of a batch that share their caption with another row, against the batch size; shares from 0 to 1.

    shares: {set or way of drawing: Series indexed by batch size}.
    """
    figure = new_figure(10, 4.5)
    axes = figure.subplots()
    for place, (name, values) in enumerate(shares.items()):
        colour = CYCLE[place % len(CYCLE)]
        axes.plot(values.index, 100 * values.to_numpy(), marker="o", linewidth=2.5, color=colour, label=name)
    sizes = sorted({size for values in shares.values() for size in values.index})
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.set(xlabel="pictures in a batch", ylabel="false negatives, % of the rows", ylim=(-2, None))
    axes.legend()
    return figure
