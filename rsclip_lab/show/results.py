"""Results as tables and plots: before and after, top-k, confusions, weight interpolation, similarities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rsclip_lab.evaluation.interpolation import new_metric, recommended_alpha
from rsclip_lab.models.publish.card_words import METRICS
from rsclip_lab.show.style import BLUE, GREY, ORANGE, PURPLE, lecture_style, new_figure, run_colour, run_name

METRIC_NAMES = METRICS | {"seconds": "seconds"}  # a card has the same words
ACCURACIES = ("top1", "coast_top1", "all_top1", "control_top1", "land_top1")


def before_after_table(results: Mapping[str, Mapping]) -> pd.DataFrame:
    """One row a run, one column a metric, in words: the table of the course.

    results: {"base": metrics, "clip": metrics, …}, the dictionaries of `evaluate` or of course.json's "runs".
    Metrics that a run lacks stay empty; what is no single number (the recall at each k) is left out.
    """
    known = [name for name in METRIC_NAMES if any(name in metrics for metrics in results.values())]
    rows = [[metrics.get(name, np.nan) for name in known] for metrics in results.values()]
    table = pd.DataFrame(rows, [run_name(name) for name in results], [METRIC_NAMES[name] for name in known])
    return table.astype(float).round(3).rename_axis("run")


@lecture_style
def plot_before_after(results: Mapping[str, Mapping]) -> Figure:
    """Accuracies as bars, one group a metric, one bar a run; `results` as in `before_after_table`."""
    figure = new_figure(11, 4.8)
    draw_before_after(figure.subplots(), results)
    return figure


def draw_before_after(axes: Axes, results: Mapping[str, Mapping]) -> None:
    metrics = [name for name in ACCURACIES if any(name in found for found in results.values())]
    width = 0.84 / len(results)
    for place, (run, found) in enumerate(results.items()):
        at = np.arange(len(metrics)) + (place - (len(results) - 1) / 2) * width
        heights = [found.get(name, np.nan) for name in metrics]
        bars = axes.bar(at, heights, width * 0.94, color=run_colour(run, place), label=run_name(run))
        axes.bar_label(bars, [f"{100 * height:.0f}" for height in heights], padding=2, fontsize=12)
    axes.set_xticks(range(len(metrics)), [METRIC_NAMES[name].replace(", ", ",\n") for name in metrics])
    axes.set(ylabel="right answers", ylim=(0, 1.08))
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.2), ncols=2, columnspacing=1.2)


@lecture_style
def plot_topk(results: Mapping[str, Mapping[int, float]], chance: int | None = None) -> Figure:
    """Top-k accuracy against k, one line a run. results: {"base": {1: 0.2, 3: 0.4, …}, …}.

    chance: the number of classes; draws k / classes, what guessing gives.
    """
    figure = new_figure(7.5, 4.8)
    axes = figure.subplots()
    ks = sorted({k for topk in results.values() for k in topk})
    for place, (run, topk) in enumerate(results.items()):
        shares = [topk.get(k, np.nan) for k in ks]
        axes.plot(range(len(ks)), shares, "o-", color=run_colour(run, place), label=run_name(run))
    if chance is not None:
        axes.plot(range(len(ks)), [min(1, k / chance) for k in ks], ":", color=GREY, label="chance")
    axes.set_xticks(range(len(ks)), [str(k) for k in ks])
    axes.set(xlabel="k", ylabel="right answer among the first k", ylim=(0, 1.04))
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1))  # beside the lines, which may run anywhere
    return figure


@lecture_style
def plot_confusion(labels: Sequence[str], predicted: Sequence[str], class_names: Sequence[str]) -> Figure:
    """How often a picture of each kind (row) was taken for each kind (column), in percent of the row."""
    place = {name: row for row, name in enumerate(class_names)}
    counts = np.zeros((len(place), len(place)))
    np.add.at(counts, ([place[name] for name in labels], [place[name] for name in predicted]), 1)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    side = 4 + 0.45 * len(place)
    figure = new_figure(side + 1, side)
    axes = figure.subplots()
    draw_matrix(axes, shares, [f"{100 * share:.0f}" if share else "" for share in shares.flat], high=1)
    axes.set_xticks(range(len(place)), class_names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(place)), class_names)
    axes.set(xlabel="predicted", ylabel="truth")
    return figure


@lecture_style
def plot_similarity_matrix(
    similarity, images: Sequence[str] | None = None, texts: Sequence[str] | None = None
) -> Figure:
    """Cosines [images, texts] as a matrix with its numbers where there is room.

    images, texts: names of the rows and columns; numbers without them.
    """
    similarity = np.asarray(similarity, dtype=float)
    rows, columns = similarity.shape
    figure = new_figure(4 + 0.7 * min(columns, 14), 2.5 + 0.6 * min(rows, 14))
    axes = figure.subplots()
    numbers = [f"{value:.2f}" for value in similarity.flat] if similarity.size <= 144 else None
    image = draw_matrix(axes, similarity, numbers)
    figure.colorbar(image, ax=axes, label="cosine")
    if texts is not None:
        axes.set_xticks(range(columns), texts, rotation=40, ha="right", rotation_mode="anchor")
    if images is not None:
        axes.set_yticks(range(rows), images)
    axes.set(xlabel="" if texts is not None else "text", ylabel="" if images is not None else "image")
    return figure


def draw_matrix(axes: Axes, values: np.ndarray, numbers: Sequence[str] | None, high: float | None = None):
    """A matrix in a colour scale that is even in lightness, with `numbers` in its cells."""
    image = axes.imshow(values, cmap="cividis", vmin=None if high is None else 0, vmax=high, aspect="auto")
    middle = np.mean(image.get_clim())
    size = 13 if len(values) <= 12 else 10
    for (row, column), text in zip(np.ndindex(values.shape), numbers or (), strict=False):
        colour = "white" if values[row, column] < middle else "black"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    return image


@lecture_style
def plot_interpolation(sweep: pd.DataFrame, chosen: float | None = None) -> Figure:
    """`interpolation_sweep`: what is gained of the new and lost of the old, from base (0) to tuned (1).

    chosen: the alpha to mark; None: the one that `recommended_alpha` gives.
    """
    figure = new_figure(8.5, 4.8)
    axes = figure.subplots()
    new = new_metric(sweep)
    lines = {
        new: (BLUE, "o-", "new kinds" if new == "top1" else "new pairs (mean recall)"),
        "control_top1": (ORANGE, "s-", "old kinds"),
        "all_top1": (PURPLE, "^--", "new among all"),
    }
    for name, (colour, marks, words) in lines.items():
        if name in sweep and sweep[name].notna().any():
            axes.plot(sweep["alpha"], sweep[name], marks, color=colour, label=words, markersize=8)
    words = "alpha = {:g}" if chosen is not None else "recommended: {:g}"
    chosen = recommended_alpha(sweep) if chosen is None else chosen
    axes.axvline(chosen, color=GREY, linestyle=":", label=words.format(chosen))
    axes.set(xlabel="alpha: 0 = base weights, 1 = tuned weights", ylabel="right answers", ylim=(0, 1.04))
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1))  # beside the lines, which may run anywhere
    return figure
