"""Runs what a learner wrote so that it can neither hang the notebook nor disturb what comes after it."""

from __future__ import annotations

import contextlib
import ctypes
import random
import threading
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import torch

SECONDS = 10.0  # for a whole check; the package needs a few milliseconds for it
PATIENCE = 0.5  # seconds for code to stop once it has been told to


class Stopped(RuntimeError):
    """The code did not come back, or tried to end the session."""


class Interrupted(Exception):
    """The user pressed stop while the check ran."""


class OutOfTime(BaseException):
    """Raised inside the code that takes too long. Not an Exception, so that `except Exception` lets it through."""


def guarded(work: Callable[[], object], seconds: float | None = None) -> object:
    """What work() returns, or raises, computed on a thread of its own with the random states put back afterwards.

    A thread, because it can be left behind on every system and in every notebook; a signal works on the main thread
    of Unix only. Python code is stopped by an exception in it; code that is busy outside Python ends by itself,
    later. Raises Stopped after `seconds` (SECONDS by default), and Interrupted where the user stops it.
    """
    seconds = SECONDS if seconds is None else seconds
    found: dict[str, object] = {}

    def run() -> None:
        with contextlib.suppress(OutOfTime):  # told to stop once more, while it already did
            try:
                found["value"] = work()
            except BaseException as error:  # handed on below, on the thread that asked
                found["error"] = error

    with random_states_kept(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the outcome says what is wrong
        thread = threading.Thread(target=run, daemon=True, name="exercise check")
        thread.start()
        try:
            thread.join(seconds)
        except KeyboardInterrupt as interrupt:
            stop(thread)
            raise Interrupted from interrupt
        if thread.is_alive():
            stop(thread)
            raise Stopped(
                f"stopped after {seconds:g} seconds, and the inputs are small. Is there a loop that does not end, "
                "or one over all pairs that a product of matrices could do?"
            )
    if isinstance(error := found.get("error"), Exception):
        raise error
    if error is not None:
        raise Stopped(f"it raised {type(error).__name__}, which would end the session; return a value instead")
    return found["value"]


def stop(thread: threading.Thread) -> None:
    """Raise OutOfTime in it, again where it was swallowed; give up after PATIENCE."""
    for _ in range(5):
        if thread.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(OutOfTime))
            thread.join(PATIENCE / 5)


@contextlib.contextmanager
def random_states_kept() -> Iterator[None]:
    """The random numbers after it are those that would have come without it."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else None
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
