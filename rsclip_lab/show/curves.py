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
    PURPLE,
    RED,
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
    draw_loss(left, history, batch_size)
    left.set(xlabel="step", ylabel="loss")
    right.plot(history["step"], history["batch_recall"], color=GREEN, label="R@1 in the batch")
    cosine = history["off_diagonal_cosine"]
    right.plot(history["step"], cosine, color=DARK, linestyle="--", label="off-diagonal cosine")
    right.axhline(0, color=GREY, linewidth=1)
    right.set(xlabel="step", ylim=(min(-0.1, cosine.min() - 0.05), 1.05))
    right.legend()
    return figure


@lecture_style
def plot_run(run) -> Figure:
    """All that a `Run` was watched by, step by step, in six panels; with validation also its recall after each epoch.

    A run of an earlier version has no panel of its speed.
    """
    history, config = run.history, run.config
    figure = new_figure(15, 7.5)
    loss, recall, cosine, scale, gradient, speed = figure.subplots(2, 3, sharex=True).flat
    draw_loss(loss, history, config.batch_size if config.loss == "clip" else None)
    draw_recall(recall, history, run.validation)
    draw_smoothed(cosine, history["step"], history["off_diagonal_cosine"], DARK)
    if config.collapse_alarm is not None and config.collapse_alarm < 1:
        cosine.axhline(config.collapse_alarm, color=RED, linestyle="--", label="collapse alarm")
        cosine.legend(loc="center right")
    cosine.axhline(0, color=GREY, linewidth=1)
    cosine.set_ylim(min(-0.15, history["off_diagonal_cosine"].min() - 0.05), 1.05)
    scale.plot(history["step"], history["logit_scale"], color=BLUE)
    draw_smoothed(gradient, history["step"], history["grad_norm"], BLUE)
    gradient.axhline(config.max_grad_norm, color=ORANGE, linestyle="--", label="clipped to this length")
    gradient.set_ylim(0, None)
    gradient.legend()
    titles = ["loss", "recall", "off-diagonal cosine", "logit scale (1 / temperature)", "gradient norm"]
    if "waiting" in history:
        draw_speed(speed, history)
        titles.append("pictures a second")
    else:
        speed.set_axis_off()
    for axes, title in zip(figure.axes, titles, strict=False):
        axes.set_title(title)
    for axes in (scale, gradient, speed):
        axes.set_xlabel("step")
    return figure


def draw_loss(axes: Axes, history: pd.DataFrame, batch_size: int | None) -> None:
    """The loss between knowing nothing, where a batch size is given, and its floor."""
    axes.plot(history["step"], history["loss"], color=BLUE, label="loss")
    floor = smoothed(history["floor"])
    axes.plot(history["step"], floor, color=GREY, linestyle=":", label="floor (shared captions)")
    if batch_size is not None:
        draw_chance(axes, batch_size)
    low, high = min(0, history["loss"].min()), axes.get_ylim()[1]
    axes.set_ylim(low, high + 0.35 * (high - low))  # room for the legend
    axes.legend(loc="upper right")


def draw_chance(axes: Axes, batch_size: int) -> None:
    """The contrastive loss of a model that cannot tell the pictures of a batch apart."""
    label = f"ln({batch_size}): knows nothing"
    axes.axhline(np.log(batch_size), color=ORANGE, linestyle="--", label=label)


def draw_smoothed(axes: Axes, steps: pd.Series, values: pd.Series, colour: str, label: str | None = None) -> None:
    """A noisy series in a pale line and its running mean in a strong one."""
    axes.plot(steps, values, color=colour, alpha=0.3, linewidth=1)
    axes.plot(steps, smoothed(values, max(5, len(values) // 20)), color=colour, label=label)


def draw_recall(axes: Axes, history: pd.DataFrame, validation: pd.DataFrame) -> None:
    """Recall within each step's batch, and on the validation captions after each epoch."""
    draw_smoothed(axes, history["step"], history["batch_recall"], GREEN, "R@1 in the batch")
    if len(validation):
        last_steps = history.groupby("epoch")["step"].max()
        label = "mean recall, validation"
        axes.plot(last_steps[validation["epoch"]], validation["mean_recall"], "o--", color=PURPLE, label=label)
    axes.set_ylim(0, 1.05)
    axes.legend()


def draw_speed(axes: Axes, history: pd.DataFrame) -> None:
    """Pictures a second, and on an axis of its own the share of time spent waiting for them."""
    draw_smoothed(axes, history["step"], history["samples_per_second"], BLUE)
    axes.set_ylim(0, 1.3 * history["samples_per_second"].max())  # room for the legend
    other = axes.twinx()
    draw_smoothed(other, history["step"], 100 * history["waiting"], ORANGE, "% waiting for data")
    other.set_ylim(0, 100)
    other.spines["right"].set_visible(True)
    other.legend(loc="upper right")


@lecture_style
def plot_comparison(histories: Mapping[str, pd.DataFrame], batch_size: int | None = None) -> Figure:
    """Several runs side by side: their losses (left), and the off-diagonal cosine of their batches (right).

    histories: {"positives_only": run.history, "clip": run.history, …}. A falling loss looks like success in
    every run; only the right panel shows which one pulls everything into one point. batch_size: draws ln(batch_size).
    """
    figure = new_figure(12, 4.5)
    left, right = figure.subplots(1, 2)
    for place, (name, history) in enumerate(histories.items()):
        left.plot(history["step"], history["loss"], color=run_colour(name, place), label=run_name(name))
    if batch_size is not None:
        draw_chance(left, batch_size)
    left.set(xlabel="step", ylabel="loss", title="the loss falls …")
    left.legend()
    draw_cosines(right, histories)
    right.set_title("… but do texts stay apart?")
    return figure


def draw_cosines(axes: Axes, histories: Mapping[str, pd.DataFrame]) -> None:
    """Off-diagonal cosine of each step's batch, one line a run."""
    for place, (name, history) in enumerate(histories.items()):
        colour, cosine = run_colour(name, place), smoothed(history["off_diagonal_cosine"])
        axes.plot(history["step"], cosine, color=colour, label=run_name(name))
    axes.axhline(1, color=GREY, linestyle=":", linewidth=1.5)
    axes.axhline(0, color=GREY, linewidth=1)
    lowest = min(history["off_diagonal_cosine"].min() for history in histories.values())
    axes.set(xlabel="step", ylabel="off-diagonal cosine", ylim=(min(-0.15, lowest - 0.05), 1.12))
    axes.legend(loc="lower right")  # lines run from the middle up


def smoothed(values: pd.Series, steps: int = 5) -> pd.Series:
    """A running mean, so that a line of noisy batches can be read."""
    return values.rolling(steps, min_periods=1, center=True).mean()
