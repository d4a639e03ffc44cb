"""How a run in a thread of its own is watched, and stopped."""

from __future__ import annotations

import time
from collections.abc import Callable

from rsclip_lab.show.live import GrowingCurves

EVERY = 0.25  # seconds between two signs of life
STOPPED = "stopped in the training panel"


class Watcher:
    """What a run's thread and the panel share: the callback of `finetune` that tells how far it is, and stops."""

    def __init__(self, name: str, curves: GrowingCurves, tell: Callable[[], None]) -> None:
        """tell: called in the run's thread when there is something to show."""
        self.name, self.curves, self.tell = name, curves, tell
        self.state = None  # of the run, once it trains
        self.stop_wanted = False
        self.began = self.told = 0.0

    def on_start(self, state) -> None:
        self.state, self.began = state, time.perf_counter()
        self.curves.begin(self.name, state)
        self._look(state)

    def on_step(self, state) -> None:
        self._look(state)
        if time.perf_counter() - self.told > EVERY:
            self.told = time.perf_counter()
            self.tell()

    def on_epoch(self, state) -> None:
        self._look(state)

    def _look(self, state) -> None:
        if self.stop_wanted:
            state.stop = STOPPED

    def words(self, done: bool = False) -> str:
        """How far the run is, in one line."""
        state = self.state
        if state is None or not state.history:
            return "" if done else "reading the pictures …"
        step, row, total = len(state.history), state.history[-1], state.total_steps
        seconds = time.perf_counter() - self.began
        left = seconds / step * (total - step)
        when = f"{seconds:.0f} s" if done else f"about {left:.0f} s left"
        measured = (
            f", mean recall {state.validation[-1]['mean_recall']:.2f} in validation" if state.validation else ""
        )
        return (
            f"Step {step} of {total}, epoch {row['epoch'] + 1} of {state.config.epochs}: loss {row['loss']:.2f}, "
            f"R@1 in the batch {row['batch_recall']:.2f}, off-diagonal cosine {row['off_diagonal_cosine']:.2f}"
            f"{measured}; {when}"
        )
