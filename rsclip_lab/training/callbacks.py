"""What hangs on the training loop: anything with some of on_start, on_step, on_epoch, on_end(state).

The loop calls them; they read the state, and may set `state.stop = True` to end the run after the epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from rsclip_lab.environment import Precision, progress
from rsclip_lab.evaluation.evaluate import TestTable, measure
from rsclip_lab.training.config import FinetuneConfig


@dataclass
class TrainingState:
    """Where a run stands. `model` is trained, `base` is what it started from and stays as it is;
    `record` is the newest row of `history`, `validation` has one row an epoch."""

    model: object
    base: object
    config: FinetuneConfig
    precision: Precision
    steps_per_epoch: int
    total_steps: int
    epoch: int = 0
    step: int = 0
    record: dict = field(default_factory=dict)
    history: list[dict] = field(default_factory=list)
    validation: list[dict] = field(default_factory=list)
    stop: bool = False


def notify(callbacks: Sequence, event: str, state: TrainingState) -> None:
    """Call `event` on those callbacks that have it, in order."""
    for callback in callbacks:
        getattr(callback, event, lambda state: None)(state)


class ProgressBar:
    """One bar over the steps of the run, with the loss and the recall within the batch."""

    def __init__(self, description: str = "fine-tune") -> None:
        self.description = description

    def on_start(self, state: TrainingState) -> None:
        self.bar = progress(total=state.total_steps, desc=self.description)

    def on_step(self, state: TrainingState) -> None:
        record = state.record
        text = f"epoch {state.epoch + 1} loss {record['loss']:.3f} R@1 {record['batch_recall']:.2f}"
        self.bar.set_postfix_str(text, refresh=False)
        self.bar.update()

    def on_end(self, state: TrainingState) -> None:
        self.bar.close()


class Validate:
    """After each epoch: metrics on held-out captions; in the end the weights of the best epoch come back.

    Best is the highest mean recall. With config.patience the run stops after that many epochs
    without a better one.
    """

    METRICS = ("mean_recall", "top1", "off_diagonal_cosine")

    def __init__(self, captions: pd.DataFrame) -> None:
        self.table = TestTable.of(captions)
        self.best = -1.0
        self.best_epoch = -1
        self.weights: dict = {}

    def on_start(self, state: TrainingState) -> None:
        self.table = self.table.decoded(state.model)

    def on_epoch(self, state: TrainingState) -> None:
        metrics = measure(state.model, self.table)
        state.validation.append({"epoch": state.epoch} | {name: metrics[name] for name in self.METRICS})
        if metrics["mean_recall"] > self.best:
            self.best, self.best_epoch = metrics["mean_recall"], state.epoch
            self.weights = {k: v.detach().clone() for k, v in state.model.net.state_dict().items()}
        state.stop = state.stop or 0 < state.config.patience <= state.epoch - self.best_epoch

    def on_end(self, state: TrainingState) -> None:
        if self.weights:  # none when the run broke off within its first epoch
            state.model.net.load_state_dict(self.weights)
