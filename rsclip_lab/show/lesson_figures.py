"""What lessons 04 and 05 look at: what a loss does to a similarity matrix, and how sure a result is."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rsclip_lab.evaluation import wilson_interval
from rsclip_lab.show.results import draw_matrix
from rsclip_lab.show.style import BLUE, DARK, GREY, lecture_style, new_figure, run_colour, run_name


@lecture_style
def plot_similarity_matrices(
    matrices: Mapping[str, np.ndarray], images: Sequence[str], texts: Sequence[str] | None = None
) -> Figure:
    """The cosines [images, texts] of several models beside each other, in one colour scale that ends at 1.

    A model that works is bright on the diagonal only; one that has collapsed is bright all over.
    """
    texts = images if texts is None else texts
    matrices = {name: np.asarray(matrix, dtype=float) for name, matrix in matrices.items()}
    low = min(0.0, *(matrix.min() for matrix in matrices.values()))
    figure = new_figure(2.5 + 4.6 * len(matrices), 2.4 + 0.42 * len(images))
    panels = figure.subplots(1, len(matrices), squeeze=False)[0]
    for panel, (name, matrix) in zip(panels, matrices.items(), strict=True):
        drawn = draw_matrix(panel, matrix, None)
        drawn.set_clim(low, 1)
        panel.set(title=run_name(name), yticks=range(len(images)), yticklabels=[""] * len(images))
        panel.set_xticks(range(len(texts)), texts, rotation=45, ha="right", fontsize=11)
    panels[0].set_yticks(range(len(images)), [textwrap.fill(name, 20) for name in images])
    figure.colorbar(drawn, ax=list(panels), label="cosine", shrink=0.9)
    return figure


@lecture_style
def plot_loss_pieces(cosines, logit_scale: float) -> Figure:
    """The contrastive loss of one small batch in three steps: cosines, and the softmax of the scaled cosines
    along the rows (which text fits this picture?) and along the columns (which picture fits this text?).

    cosines: [batch, batch], row i and column i a pair. The loss is the mean of -ln over the two diagonals.
    """
    cosines = np.asarray(cosines, dtype=float)
    steps = {"cosines": cosines}
    for name, axis in (("row", 1), ("column", 0)):
        steps[f"softmax along each {name}"] = softmax(logit_scale * cosines, axis)
    figure = new_figure(5 * len(steps), 4.6)
    for panel, (title, values) in zip(figure.subplots(1, len(steps)), steps.items(), strict=True):
        draw_matrix(panel, values, [f"{value:.2f}" for value in values.flat], high=1)
        places = range(len(values))
        panel.set_xticks(places, [f"text {n + 1}" for n in places])
        panel.set_yticks(places, [f"picture {n + 1}" for n in places])
        panel.set_title(title)
    return figure


def softmax(logits: np.ndarray, axis: int) -> np.ndarray:
    """Shares that sum to 1 along `axis`."""
    powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def topk_table(topk: Mapping[str, Mapping[int, float]], pictures: int) -> pd.DataFrame:
    """One row a run, one column a k: the accuracy and its 95 % Wilson interval, as "0.843 [0.82, 0.86]".

    topk: {"base": {1: 0.2, 3: 0.4, …}, …} as `topk_accuracy` gives it; pictures: how many were measured.
    """
    rows = {
        run_name(run): [with_interval(share, pictures) for share in shares.values()] for run, shares in topk.items()
    }
    ks = next(iter(topk.values()))
    return pd.DataFrame.from_dict(rows, orient="index", columns=[f"k={k}" for k in ks]).rename_axis("run")


def with_interval(share: float, pictures: int) -> str:
    low, high = wilson_interval(share, pictures)
    return f"{share:.3f} [{low:.2f}, {high:.2f}]"


def recall_table(results: Mapping[str, Mapping]) -> pd.DataFrame:
    """One row a run: R@k in percent, image to text and text to image, and their mean, as papers print them.

    results: {"base": what `evaluate` gives, …}.
    """
    columns = {}
    for run, metrics in results.items():
        values = {
            (words, f"R@{k}"): share
            for direction, words in (("image_to_text", "image → text"), ("text_to_image", "text → image"))
            for k, share in metrics["recall"][direction].items()
        }
        columns[run_name(run)] = values | {("", "mean recall"): metrics["mean_recall"]}
    return (100 * pd.DataFrame(columns)).T.round(1).rename_axis("run")


@lecture_style
def plot_intervals(shares: Mapping[str, Mapping[str, float]], pictures: Mapping[str, int]) -> Figure:
    """Accuracies as dots with their 95 % Wilson intervals, one panel a test set, one row a run.

    shares: {"coast": {"base": 0.2, "clip": 0.9, …}, "land": {…}}; pictures: {"coast": 180, "land": 280}.
    """
    runs = list(next(iter(shares.values())))
    figure = new_figure(6 * len(shares), 1.6 + 0.55 * len(runs))
    panels = figure.subplots(1, len(shares), sharey=True, squeeze=False)[0]
    for panel, (name, found) in zip(panels, shares.items(), strict=True):
        for row, run in enumerate(runs):
            colour = run_colour(run, row)
            panel.plot(wilson_interval(found[run], pictures[name]), [row, row], color=colour, linewidth=4)
            panel.plot(found[run], row, "o", color=colour, markersize=11)
        panel.set(xlim=(-0.02, 1.02), xlabel=f"top-1, {name} ({pictures[name]} pictures)")
        panel.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        panel.grid(axis="x")
    panels[0].set_yticks(range(len(runs)), [run_name(run) for run in runs])
    panels[0].set_ylim(len(runs) - 0.5, -0.5)
    return figure


@lecture_style
def plot_per_class(before: Mapping[str, float], after: Mapping[str, float]) -> Figure:
    """Accuracy of each kind before (grey) and after (blue), joined by a line; the most gained on top."""
    kinds = sorted(before, key=lambda kind: before[kind] - after[kind])
    figure = new_figure(10, 1.6 + 0.42 * len(kinds))
    axes = figure.subplots()
    for row, kind in enumerate(kinds):
        axes.plot([before[kind], after[kind]], [row, row], color=DARK, linewidth=1.5, zorder=1)
    for name, shares, colour, mark in (("before", before, GREY, "o"), ("after", after, BLUE, "D")):
        values = [shares[kind] for kind in kinds]
        axes.scatter(values, range(len(kinds)), s=110, color=colour, label=name, marker=mark, zorder=2)
    axes.set_yticks(range(len(kinds)), kinds)
    axes.set(xlim=(-0.03, 1.03), ylim=(len(kinds) - 0.5, -0.5), xlabel="right answers")
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure
