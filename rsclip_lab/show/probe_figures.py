"""What probes found: accuracy against pictures a class, and counts taken for other counts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rsclip_lab.evaluation.probes import CountingResult
from rsclip_lab.show.results import draw_matrix
from rsclip_lab.show.style import GREY, in_lines, lecture_style, new_figure, run_colour, run_name


@lecture_style
def plot_few_shot(tables: Mapping[str, pd.DataFrame], zero_shot: Mapping[str, float] | None = None) -> Figure:
    """Accuracy against pictures a class, one line a model, with the interval over draws as a band.

    tables: {"base": what `few_shot` gives, …}; zero_shot: {"base": accuracy without any training picture, …}, drawn
    as a dashed line in the model's colour. Where a line crosses its dashed one, so many pictures are worth the words.
    """
    if not tables:
        raise ValueError("no table to draw: give {name: what few_shot gives}")
    figure = new_figure(9.5, 5)
    axes = figure.subplots()
    for place, (name, table) in enumerate(tables.items()):
        colour = run_colour(name, place)
        axes.fill_between(table["shots"], table["low"], table["high"], color=colour, alpha=0.18, linewidth=0)
        label = in_lines(run_name(name), 24)
        axes.plot(table["shots"], table["accuracy"], "o-", color=colour, label=label, markersize=8)
        if zero_shot is not None and name in zero_shot:
            axes.axhline(zero_shot[name], color=colour, linestyle="--", label=f"{label}, zero-shot")
    shots = sorted({k for table in tables.values() for k in table["shots"]})
    axes.set_xscale("log", base=2)
    axes.set_xticks(shots, [str(k) for k in shots])
    axes.minorticks_off()
    axes.set(xlabel="training pictures a class", ylabel="right answers", ylim=(0, 1.04))
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1))  # beside the lines, which may run anywhere
    return figure


@lecture_style
def plot_counting(counted: CountingResult) -> Figure:
    """How often so many objects (row) were taken for so many (column), in percent of the row, with the row's size.

    Who can count is bright on the diagonal; a bright column is a number that is said whatever the picture shows.
    """
    confusion = counted.confusion()
    rows = confusion.sum(axis=1)
    shares = confusion.div(rows.where(rows > 0), axis=0).to_numpy()
    figure = new_figure(8.6, 7)
    axes = figure.subplots()
    numbers = [f"{100 * share:.0f}" if share > 0 else "" for share in shares.flat]
    image = draw_matrix(axes, np.nan_to_num(shares), numbers, high=1)
    bar = figure.colorbar(image, ax=axes, label="share of the row", shrink=0.8)
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    places = range(len(confusion))
    axes.set_xticks(places, [str(number) for number in confusion.columns])
    axes.set_yticks(places, [f"{number}  (n = {rows[number]})" for number in confusion.index])
    for place, number in enumerate(confusion.index):
        if not rows[number]:
            axes.get_yticklabels()[place].set_color(GREY)
    axes.set(xlabel="objects said", ylabel="objects there")
    shares = [f"{100 * one:.0f} %" for one in (counted.accuracy, counted.chance, counted.always_the_commonest)]
    axes.set_title("{} right (guessing: {}, always the commonest: {})".format(*shares), fontsize=13)
    return figure
