"""How sure a model may be, and how much the wording matters: reliability diagrams, accuracy by template."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rsclip_lab.evaluation.calibration import error_of
from rsclip_lab.evaluation.prompts.prompt_table import ENSEMBLE
from rsclip_lab.show.style import BLUE, DARK, GREY, ORANGE, RED, in_lines, lecture_style, new_figure, run_name


@lecture_style
def plot_reliability(reliability: pd.DataFrame | Mapping[str, pd.DataFrame]) -> Figure:
    """Accuracy against confidence, bin by bin, with the pictures of each bin under it.

    reliability: a `reliability_table`, or several, {"base": table, "clip": table}, side by side. On the diagonal a
    probability is the share of right answers; the orange gap is over-confidence, the blue one the opposite.
    """
    tables = {"": reliability} if isinstance(reliability, pd.DataFrame) else dict(reliability)
    figure = new_figure(3 + 4.6 * len(tables), 6)
    panels = figure.subplots(2, len(tables), squeeze=False, height_ratios=(3, 1), sharex=True, sharey="row")
    for column, (run, table) in enumerate(tables.items()):
        draw_reliability(panels[0, column], table)
        draw_counts(panels[1, column], table)
        error = f"calibration error {error_of(table):.3f}"
        panels[0, column].set_title(f"{in_lines(run_name(run), 24)}\n{error}" if run else error)
    panels[0, 0].set(ylabel="right answers")
    panels[1, 0].set(ylabel="answers")
    panels[0, -1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def draw_reliability(axes: Axes, table: pd.DataFrame) -> None:
    table = table[table["pictures"] > 0]
    width = table["high"] - table["low"]
    middle = table["low"] + width / 2
    axes.plot([0, 1], [0, 1], ":", color=DARK, label="as sure as right")
    for sign, colour, words in ((1, ORANGE, "too sure"), (-1, BLUE, "not sure enough")):
        gap = np.where(
            sign * (table["confidence"] - table["accuracy"]) > 0, table["accuracy"] - table["confidence"], 0
        )
        axes.bar(middle, gap, width * 0.9, bottom=table["confidence"], color=colour, alpha=0.45, label=words)
    axes.plot(table["confidence"], table["accuracy"], "o-", color=DARK, label="accuracy", markersize=7)
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")


def draw_counts(axes: Axes, table: pd.DataFrame) -> None:
    width = table["high"] - table["low"]
    axes.bar(table["low"] + width / 2, table["pictures"], width * 0.9, color=GREY)
    axes.set(xlabel="probability of the answer", xticks=(0.2, 0.4, 0.6, 0.8))  # 0 and 1 would meet the next panel's
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")


@lecture_style
def plot_prompt_table(table: pd.DataFrame) -> Figure:
    """Top-1 accuracy of each template as a dot with its 95 % Wilson interval, the ensemble as a diamond and a line.

    table: as `prompt_table` gives it; the best template on top, the ensemble last. Beside each template, how many
    answers it changes.
    """
    ensemble = table[table["template"] == ENSEMBLE]
    single = table[table["template"] != ENSEMBLE].sort_values("top1", ascending=False, kind="stable")
    rows = pd.concat([single, ensemble])
    figure = new_figure(11, 1.8 + 0.5 * len(rows))
    axes = figure.subplots()
    for place, row in enumerate(rows.itertuples(index=False)):
        is_ensemble = row.template == ENSEMBLE
        colour = RED if is_ensemble else BLUE
        axes.plot([row.low, row.high], [place, place], color=colour, linewidth=4, alpha=0.6)
        axes.plot(row.top1, place, "D" if is_ensemble else "o", color=colour, markersize=11)
        words = f"{100 * row.top1:.1f} %" + ("" if is_ensemble else f", {100 * row.changed:.0f} % other answers")
        axes.annotate(words, (1.01, place), xycoords=("axes fraction", "data"), va="center", fontsize=12)
    for top1 in ensemble["top1"]:
        axes.axvline(top1, color=RED, linestyle=":", linewidth=1.5)
    axes.set_yticks(range(len(rows)), [in_lines(name, 48) for name in rows["template"]])
    axes.set(ylim=(len(rows) - 0.5, -0.5), xlabel=f"top-1 of {rows['pictures'].iloc[0]} pictures")
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))  # whole percents
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.grid(axis="x")
    return figure
