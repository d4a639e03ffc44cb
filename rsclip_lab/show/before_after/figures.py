"""The figures of the before/after report: plain results in, a Figure out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rsclip_lab.evaluation.intervals import wilson_interval
from rsclip_lab.show.style import BLUE, DARK, GREEN, GREY, RED, in_lines, lecture_style, new_figure

LOOKS = {"before": (GREY, "o"), "after": (BLUE, "D")}
MOST_KINDS = 20  # of a figure: ten from the top, ten from the bottom


def report_figures(comparison) -> dict[str, Figure]:
    """{name: Figure} of a `Comparison`; what was not measured has none."""
    figures = {"differences": plot_differences(comparison.metrics)}
    if not comparison.own.empty:
        figures["topk"] = plot_answers_topk(comparison.own, comparison.classes)
        figures["classes"] = plot_kinds(comparison.per_class)
    if not comparison.control.empty:
        figures["control"] = plot_kinds(comparison.control_per_class)
    figures["retrieval"] = plot_recalls(comparison.metrics)
    if comparison.reliability:
        figures["calibration"] = plot_both_reliabilities(comparison.reliability)
    return figures


@lecture_style
def plot_differences(metrics: pd.DataFrame) -> Figure:
    """What each metric gained, in points, with its 95 % interval; right of 0 is better. One row of `metrics` each."""
    rows = metrics[metrics["low"].notna()]
    figure = new_figure(10, 1.3 + 0.42 * len(rows))
    axes = figure.subplots()
    colours = {"better": GREEN, "worse": RED}
    for place, row in enumerate(rows.itertuples()):
        colour = colours.get(row.verdict, GREY)
        axes.plot([100 * row.low, 100 * row.high], [place, place], color=colour, linewidth=5, solid_capstyle="round")
        axes.plot(100 * row.difference, place, "o", color=colour, markersize=10)
    axes.axvline(0, color=DARK, linewidth=1.5, linestyle=":")
    axes.set_yticks(range(len(rows)), rows["metric"])
    axes.set(ylim=(len(rows) - 0.5, -0.5), xlabel="after minus before, in points")
    axes.grid(axis="x")
    return figure


@lecture_style
def plot_answers_topk(answers: pd.DataFrame, classes: int, ks: Sequence[int] = (1, 3, 5, 10)) -> Figure:
    """Top-k accuracy before and after, with 95 % Wilson intervals, and what guessing among `classes` gives."""
    ks = [k for k in ks if k < classes] or [1]
    figure = new_figure(8.5, 4.4)
    axes, at = figure.subplots(), np.arange(len(ks))
    for (side, (colour, mark)), shift in zip(LOOKS.items(), (-0.04, 0.04), strict=True):
        shares = [float((answers[f"{side}_rank"] <= k).mean()) for k in ks]
        ends = np.array([wilson_interval(share, len(answers)) for share in shares])
        axes.vlines(at + shift, *ends.T, color=colour, linewidth=4, alpha=0.45)
        axes.plot(at + shift, shares, f"{mark}-", color=colour, label=side, markersize=9)
    axes.plot(at, [min(1, k / classes) for k in ks], ":", color=GREY, label="guessing")
    axes.set_xticks(at, [str(k) for k in ks])
    axes.set(xlabel="k", ylabel="true kind among the first k", ylim=(0, 1.04))
    axes.yaxis.set_major_formatter(percent)
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1))
    return figure


def plot_kinds(per_class: pd.DataFrame) -> Figure:
    """Accuracy of each kind before and after, the most improved on top; of many kinds the ends of the list."""
    if len(per_class) > MOST_KINDS:
        per_class = pd.concat([per_class.head(MOST_KINDS // 2), per_class.tail(MOST_KINDS // 2)])
    return plot_pairs(per_class.index, per_class["before"], per_class["after"], "right answers")


def plot_recalls(metrics: pd.DataFrame) -> Figure:
    """Mean recall and the six recalls it is the mean of, before and after."""
    rows = metrics[[name == "mean_recall" or "_to_" in name for name in metrics.index]]
    return plot_pairs(rows["metric"], rows["before"], rows["after"], "found among the first k")


@lecture_style
def plot_pairs(names: Sequence[str], before: Sequence[float], after: Sequence[float], said: str) -> Figure:
    """One row a name: two marks, joined by a line."""
    names = [in_lines(name) for name in names]
    most_lines = 1 + max(name.count("\n") for name in names)
    figure = new_figure(10, 1.5 + (0.18 + 0.22 * most_lines) * len(names))
    axes, rows = figure.subplots(), np.arange(len(names))
    axes.hlines(rows, before, after, color=DARK, linewidth=1.5, zorder=1)
    for (side, (colour, mark)), values in zip(LOOKS.items(), (before, after), strict=True):
        axes.scatter(values, rows, s=110, color=colour, label=side, marker=mark, zorder=2)
    axes.set_yticks(rows, names)
    top = next(end for end in (0.1, 0.2, 0.5, 1) if end >= max(*before, *after) - 1e-9)  # small recalls fill it, too
    axes.set(xlim=(-0.03 * top, 1.03 * top), ylim=(len(names) - 0.5, -0.5), xlabel=said)
    axes.xaxis.set_major_formatter(percent)
    axes.grid(axis="x")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


@lecture_style
def plot_both_reliabilities(reliability: Mapping[str, pd.DataFrame]) -> Figure:
    """How sure the answers are and how many of them are right, before and after; honest is on the diagonal.

    reliability: {"before": `reliability_table`, "after": …}. The size of a mark tells how many answers are in a bin.
    """
    figure = new_figure(7.5, 5)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], ":", color=DARK, linewidth=1.5, label="as sure as right")
    for side, table in reliability.items():
        colour, mark = LOOKS[side]
        draw_reliability(axes, table[table["pictures"] > 0], side, colour, mark)
    axes.set(xlim=(0, 1.02), ylim=(-0.02, 1.04), xlabel="how sure (probability)", ylabel="right answers")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(percent)
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1))
    return figure


def draw_reliability(axes: Axes, filled: pd.DataFrame, side: str, colour: str, mark: str) -> None:
    sizes = 30 + 270 * filled["pictures"] / filled["pictures"].sum()
    axes.plot(filled["confidence"], filled["accuracy"], color=colour, linewidth=2, marker=mark, label=side)
    axes.scatter(filled["confidence"], filled["accuracy"], s=sizes, color=colour, marker=mark, alpha=0.5)


def percent(value: float, _: int) -> str:
    """A share as matplotlib's formatters write it."""
    return f"{100 * value:.0f} %"
