"""Training, step by step: the loss against knowing nothing, and the cosine that betrays a collapse."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rsclip_lab.show.style import (
    BLUE,
    DARK,
    GREEN,
    GREY,
    ORANGE,
    lecture_style,
    new_figure,
    run_colour,
    run_name,
)


@lecture_style
def plot_history(history: pd.DataFrame, batch_size: int | None = None) -> Figure:
    """Loss (left), recall within the batch and off-diagonal cosine (right), step by step.

    history: of a `Run`. With batch_size the left panel has the line ln(batch_size), the loss of a model that
    cannot tell the pictures of a batch apart; the dotted line is the floor that shared captions leave.
    """
    figure = new_figure(12, 4.5)
    left, right = figure.subplots(1, 2)
    left.plot(history["step"], history["loss"], color=BLUE, label="loss")
    left.plot(
        history["step"],
        smoothed(history["floor"]),
        color=GREY,
        linestyle=":",
        label="floor (shared captions)",
    )
    if batch_size is not None:
        left.axhline(
            np.log(batch_size), color=ORANGE, linestyle="--", label=f"ln({batch_size}): knows nothing"
        )
    left.set(xlabel="step", ylabel="loss", ylim=(min(0, history["loss"].min()), None))
    left.legend()
    right.plot(history["step"], history["batch_recall"], color=GREEN, label="R@1 in the batch")
    right.plot(
        history["step"],
        history["off_diagonal_cosine"],
        color=DARK,
        linestyle="--",
        label="off-diagonal cosine",
    )
    right.axhline(0, color=GREY, linewidth=1)
    right.set(xlabel="step", ylim=(min(-0.1, history["off_diagonal_cosine"].min() - 0.05), 1.05))
    right.legend()
    return figure


@lecture_style
def plot_comparison(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """Several runs side by side: their losses (left), and the off-diagonal cosine of their batches (right).

    histories: {"positives_only": run.history, "clip": run.history, …}. A falling loss looks like success in
    every run; only the right panel shows which one pulls everything into one point.
    """
    figure = new_figure(12, 4.5)
    left, right = figure.subplots(1, 2)
    for place, (name, history) in enumerate(histories.items()):
        left.plot(history["step"], history["loss"], color=run_colour(name, place), label=run_name(name))
    left.set(xlabel="step", ylabel="loss", title="the loss falls …")
    left.legend()
    draw_cosines(right, histories)
    right.set_title("… but do texts stay apart?")
    return figure


def draw_cosines(axes: Axes, histories: Mapping[str, pd.DataFrame]) -> None:
    """Off-diagonal cosine of each step's batch, one line a run, named at the line's end."""
    for place, (name, history) in enumerate(histories.items()):
        colour, cosine = run_colour(name, place), smoothed(history["off_diagonal_cosine"])
        axes.plot(history["step"], cosine, color=colour, label=run_name(name))
    axes.axhline(1, color=GREY, linestyle=":", linewidth=1.5)
    axes.axhline(0, color=GREY, linewidth=1)
    lowest = min(history["off_diagonal_cosine"].min() for history in histories.values())
    axes.set(xlabel="step", ylabel="off-diagonal cosine", ylim=(min(-0.15, lowest - 0.05), 1.12))
    axes.legend(loc="center right")


def smoothed(values: pd.Series, steps: int = 5) -> pd.Series:
    """A running mean, so that a line of noisy batches can be read."""
    return values.rolling(steps, min_periods=1, center=True).mean()
