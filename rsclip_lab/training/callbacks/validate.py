"""What a run has learned so far, on pictures that it does not train on."""

from __future__ import annotations

import pandas as pd
import torch

from rsclip_lab.evaluation.evaluate import TestTable, measure
from rsclip_lab.training.network.averaging import averaged
from rsclip_lab.training.state import TrainingState


class Validate:
    """After each epoch: metrics on held-out captions; in the end the weights of the best epoch come back.

    Best is the highest mean recall. With config.patience the run stops after that many epochs
    without a better one. Where weights are averaged, the average is measured and kept.
    """

    METRICS = ("mean_recall", "top1", "off_diagonal_cosine")

    def __init__(self, captions: pd.DataFrame) -> None:
        self.table = TestTable.of(captions)
        self.best = -1.0
        self.best_epoch = -1
        self.weights: dict = {}

    def on_start(self, state: TrainingState) -> None:
        if state.world.first:
            self.table = self.table.decoded(state.model)

    def on_epoch(self, state: TrainingState) -> None:
        with averaged(state):
            measured = state.world.by_first(lambda: measure(state.model, self.table))
            metrics = {name: float(measured[name]) for name in self.METRICS}
            if metrics["mean_recall"] > self.best:
                self.best, self.best_epoch = metrics["mean_recall"], state.epoch
                self.weights = copied(state.model.net.state_dict())
        state.validation.append({"epoch": state.epoch, **metrics})
        last = state.epoch + 1 == state.config.epochs
        if 0 < state.config.patience <= state.epoch - self.best_epoch and not last:
            state.stop = f"no better validation recall for {state.config.patience} epochs"

    def on_end(self, state: TrainingState) -> None:
        if self.weights:  # none when the run broke off within its first epoch
            state.model.net.load_state_dict(self.weights)

    def state_dict(self) -> dict:
        """What a checkpoint keeps."""
        return {"best": self.best, "best_epoch": self.best_epoch, "weights": self.weights}

    def load_state_dict(self, state: dict) -> None:
        self.best, self.best_epoch, self.weights = state["best"], state["best_epoch"], state["weights"]


def copied(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """On the CPU, contiguous, each in memory of its own: neither the GPU's memory nor a file's format minds them."""
    own = {"device": "cpu", "copy": True, "memory_format": torch.contiguous_format}
    return {name: value.detach().to(**own) for name, value in weights.items()}
