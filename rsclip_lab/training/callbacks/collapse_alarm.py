"""Stops a run in which everything becomes one point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from rsclip_lab.training.state import Collapsed, TrainingState

WINDOW = 10  # steps whose mean counts: a single batch says little


class CollapseAlarm:
    """Raises Collapsed when the off-diagonal cosine of the last WINDOW steps is at config.collapse_alarm or above it.

    Published CLIPs have a mean image-text cosine of 0.1 to 0.35, and a healthy training stays below 0.5. A run is
    left alone during its warmup. One that begins at the alarm or above it, as a collapsed network that is trained
    further does, has half of its steps to come at least half the way down.
    It remembers nothing but the history, so a resumed run is judged as a whole. With collapse_alarm 1 it never fires.
    It cannot see pictures that become one point while the captions become another one: then the cosine is
    anything, but the loss stays at the one of knowing nothing.
    """

    def on_step(self, state: TrainingState) -> None:
        alarm = state.config.collapse_alarm
        warmup = int(state.config.warmup * state.total_steps)
        if alarm >= 1 or state.step < warmup + WINDOW:
            return
        newest, first = mean_cosine(state.history[-WINDOW:]), mean_cosine(state.history[:1])
        if first >= alarm:
            if state.step < state.total_steps / 2:
                return
            alarm = (alarm + first) / 2
        if newest >= alarm:
            raise Collapsed(explanation(state, newest, first))


def mean_cosine(rows: Sequence[dict]) -> float:
    """Of those steps that have one, as a batch with a single caption has none; NaN for no such step."""
    cosines = [row["off_diagonal_cosine"] for row in rows]
    return fmean([cosine for cosine in cosines if not math.isnan(cosine)] or [math.nan])


def explanation(state: TrainingState, newest: float, first: float) -> str:
    """What has happened, what it means, and what to do."""
    config = state.config
    causes = [
        f"a learning rate that is too high (learning_rate is {config.learning_rate:g}: try a tenth)",
        "captions that nearly all say the same",
    ]
    if config.loss == "positives_only":
        causes.insert(0, "a loss without negatives (loss is 'positives_only': take 'clip')")
    return (
        f"step {state.record['step']}: the off-diagonal cosine, the mean cosine of pictures with captions that are "
        f"not theirs, was {newest:.2f} over the last {WINDOW} steps (at first {first:.2f}; the alarm is at "
        f"{config.collapse_alarm:g}). Everything is becoming one point: soon each query finds the same pictures, "
        f"whatever the loss says. Likely causes: {', or '.join(causes)}. To train on all the same: collapse_alarm=1"
    )
