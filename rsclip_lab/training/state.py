"""Where a run stands: what the loop changes, and callbacks read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from rsclip_lab.environment import Precision
from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.processes import World


@dataclass
class TrainingState:
    """Where a run stands.

    model: is trained. base: what it started from; it stays as it is. world: the processes that train together.
    epoch: epochs done. step: optimizer steps done. record: the newest row of `history`, which has one row a step;
    `validation` has one row an epoch. stop: why the run is to end before its last step, or None; a callback may set
    it, and the loop ends after the step or epoch at hand.
    optimizer, scaler and ema (or None) are made by `training.network.preparation.prepare`, base_features by
    `training.loop.train`; they are what a checkpoint keeps besides the weights. began: when, by `time.perf_counter`;
    as much earlier as the run has trained before it was resumed.
    """

    model: object
    base: object
    config: FinetuneConfig
    precision: Precision
    steps_per_epoch: int
    world: World = World()
    epoch: int = 0
    step: int = 0
    record: dict = field(default_factory=dict)
    history: list[dict] = field(default_factory=list)
    validation: list[dict] = field(default_factory=list)
    stop: str | None = None
    optimizer: torch.optim.Optimizer | None = None
    scaler: torch.amp.GradScaler | None = None
    ema: object | None = None
    base_features: object | None = None
    began: float = field(default_factory=time.perf_counter)

    @property
    def total_steps(self) -> int:
        return self.steps_per_epoch * self.config.epochs

    @property
    def step_in_epoch(self) -> int:
        """Steps done of the epoch at hand."""
        return self.step - self.epoch * self.steps_per_epoch

    @property
    def seconds(self) -> float:
        """How long the run has taken so far."""
        return time.perf_counter() - self.began


def notify(callbacks: Sequence, event: str, state: TrainingState) -> None:
    """Call `event` on those callbacks that have it, in order."""
    for callback in callbacks:
        getattr(callback, event, lambda state: None)(state)


def stopping(state: TrainingState) -> bool:
    """Whether the run is to end, because a callback of any process said so; the reason is then known to all."""
    if not state.world.any(bool(state.stop), state.model.device):
        return False
    state.stop = next(filter(None, state.world.from_all(state.stop)))
    return True


class TrainingStopped(RuntimeError):
    """A run that ended before its time; `run` holds what there is of it, its model with the last good weights, or of
    a run that is validated those of its best epoch.

    Raised by the loop and by callbacks between two steps, when the weights are those of whole steps; the loop calls
    `on_stop` then.
    """

    run = None


class Diverged(TrainingStopped, FloatingPointError):
    """The loss or a gradient is no number any more."""


class Collapsed(TrainingStopped):
    """Pictures and captions that do not match have become alike: everything is about to be one point."""


class NotSaved(TrainingStopped):
    """A checkpoint could not be written."""


class Interrupted(KeyboardInterrupt):
    """A run that Ctrl-C or SIGTERM ended after a whole step; `run` holds what there is of it."""

    run = None
