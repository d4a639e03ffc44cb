"""Ctrl-C and SIGTERM: the step at hand is finished, so that nothing is lost."""

from __future__ import annotations

import signal
import threading

from rsclip_lab.training.processes import ProcessLost
from rsclip_lab.training.state import Interrupted, TrainingState

SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class Interruption:
    """From the first step on, a signal ends the run after the step at hand; a second one interrupts at once.

    The context manager around a training, and the last of its callbacks, which raises Interrupted. A signal that
    comes when nothing looks for it any more, as the run is being saved, is only noted as `received`.
    Signals that are ignored stay so (nohup), and a thread other than the main one cannot catch any.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self.former: dict = {}

    def __enter__(self) -> Interruption:
        return self

    def on_start(self, state: TrainingState) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in SIGNALS:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):  # None: a library's own, not to be restored
                self.former[number] = signal.signal(number, self._receive)

    def on_step(self, state: TrainingState) -> None:
        if state.world.any(self.received is not None, state.model.device):
            raise Interrupted(f"{self.cause}: stopped after step {state.step} of {state.total_steps}")

    on_epoch = on_step

    @property
    def cause(self) -> str:
        """Which signal it was."""
        return SIGNALS.get(self.received, "another process")

    def __exit__(self, kind, error, traceback) -> None:
        for number, handler in self.former.items():
            signal.signal(number, handler)
        if self.received == signal.SIGTERM and isinstance(error, ProcessLost):
            # torchrun's, for another process has died: nothing is left to finish, nor to say.
            signal.raise_signal(signal.SIGTERM)

    def _receive(self, number: int, frame) -> None:
        if self.received:
            raise KeyboardInterrupt(
                f"{SIGNALS[number]}, the second signal: interrupted at once; what was saved before is kept, and in a "
                "run's folder the same call goes on from there"
            )
        self.received = number
