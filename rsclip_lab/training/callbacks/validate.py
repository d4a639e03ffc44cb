"""What a run has learned so far, on pictures that it does not train on."""

from __future__ import annotations

import pandas as pd

from rsclip_lab.evaluation.evaluate import TestTable, measure
from rsclip_lab.training.state import TrainingState


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
        if 0 < state.config.patience <= state.epoch - self.best_epoch:
            state.stop = f"no better validation recall for {state.config.patience} epochs"

    def on_end(self, state: TrainingState) -> None:
        if self.weights:  # none when the run broke off within its first epoch
            state.model.net.load_state_dict(self.weights)
