"""A run's state on the disk, whole at any moment: a run that is killed goes on as if it had never stopped.

In the run's folder: checkpoint.pt, the last state; best-EPOCH.safetensors, the weights of the best epoch so far, when
the run is validated; history.csv and validation.csv as of that state, for those who look on. The best weights are
written before the checkpoint that names their epoch, and former ones removed after it, so the two always agree.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file

from rsclip_lab.data.disk import in_words, replacing
from rsclip_lab.training.embedding import random_state_of, set_random_state
from rsclip_lab.training.saved.checkpoint_file import (
    VALIDATE,
    best_file,
    go_on_from,
    read_checkpoint,
    require_plain,
    unusable,
)
from rsclip_lab.training.saved.folders import BEST, CHECKPOINT, write_tables
from rsclip_lab.training.state import NotSaved, TrainingState


class Checkpoints:
    """Saves a run every config.save_minutes and when it is stopped; the last of the callbacks but `Interruption`.

    callbacks: those before it. What they remember is kept, too: `state_dict()` of those that have it, plain values
    and tensors, is given to `load_state_dict` of the one of the same class after its `on_start`.
    Without a folder it keeps nothing. start: of the run, by `training.saved.start.start_of`.
    saved: the step after which the run was saved last, or None. trouble: why the last save failed, or "".
    """

    def __init__(self, folder: Path | None, callbacks: Sequence, start: str = "") -> None:
        self.folder, self.callbacks, self.start = folder, callbacks, start
        self.saved: int | None = None
        self.best: str | None = None  # the file of the best weights, if it is this run's
        self.trouble = ""
        self.former: dict = {}

    def restore(self, state: TrainingState) -> None:
        """Put a prepared state where the last checkpoint, if there is any, stands; the rest follows in `on_start`."""
        former = state.world.by_first(lambda: read_checkpoint(self.folder, self.start)) if self.folder else None
        if former is None:
            return
        with self._understood():
            go_on_from(former, state)
            for validation in former["callbacks"].get(VALIDATE, [])[:1]:
                self.best = best_file(validation)
            if state.world.first:
                print(going_on(state, former["dtype"]))
        self.former, self.saved = former, state.step

    def on_start(self, state: TrainingState) -> None:
        for callback in self.callbacks:
            if hasattr(callback, "state_dict") and not hasattr(callback, "load_state_dict"):
                raise TypeError(f"{class_name(callback)} has a state_dict, but no load_state_dict to go on with it")
        if self.former:
            with self._understood():
                self._remind(state)
        self.former, self.looked = {}, False
        require_plain(self._remembered(), "a checkpoint")
        self.saved_at = time.monotonic()
        self._note(state, state.epoch)

    def on_step(self, state: TrainingState) -> None:
        if not self.looked:  # what cannot be kept is told now, not when the first checkpoint is due
            require_plain({"callbacks": self._remembered(), "history": plain_rows([state.record])}, "a checkpoint")
            self.looked = True
        self._note(state, state.epoch)
        self._save_when_due(state)

    def on_epoch(self, state: TrainingState) -> None:
        self._note(state, state.epoch + 1)
        self._save_when_due(state)

    def on_stop(self, state: TrainingState) -> None:
        if self.trouble or not self.folder:
            return
        if self.step != state.step:  # a callback stopped the run before this one heard of the step
            self._note(state, state.epoch)
        with suppress(NotSaved):  # the reason for stopping is what is to be told
            self._save(state)

    @property
    def kept(self) -> str:
        """In words what is on the disk."""
        if not self.folder:
            return "nothing is on the disk, as no folder was given"
        if self.saved is None:
            return f"{self.folder} has no checkpoint"
        return f"{self.folder} has the checkpoint after step {self.saved}" + (self.trouble and f" ({self.trouble})")

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """ModelError for whatever a checkpoint of other contents makes those say who go on from it."""
        try:
            yield
        except Exception as error:
            raise unusable(self.folder / CHECKPOINT, error) from None

    def _remind(self, state: TrainingState) -> None:
        """What was known besides the state: features of the base, what callbacks remember, random numbers."""
        state.base_features.load_state_dict(self.former["base_features"])
        for name, states in self.former["callbacks"].items():
            for callback, kept in zip(self._of_class(name), states, strict=False):
                callback.load_state_dict(kept)
        states = self.former["random"]
        set_random_states(states[state.world.rank % len(states)], state.model.device)

    def _note(self, state: TrainingState, epoch: int) -> None:
        """Where the run stands between two steps. A step that breaks off has drawn random numbers already."""
        self.step, self.epoch, self.random = state.step, epoch, random_states(state.model.device)

    def _save_when_due(self, state: TrainingState) -> None:
        if not self.folder:
            return
        due = time.monotonic() - self.saved_at >= 60 * state.config.save_minutes
        if state.world.any(due and state.world.first, state.model.device):
            self._save(state)

    def _save(self, state: TrainingState) -> None:
        contents = self._contents(state)
        try:
            state.world.by_first(lambda: self._write(contents))
        except NotSaved as error:
            self.trouble = str(error)
            raise NotSaved(f"step {state.step} could not be saved: {error}") from None
        self.saved, self.saved_at = self.step, time.monotonic()

    def _contents(self, state: TrainingState) -> dict:
        return {
            "start": self.start,
            "step": self.step,
            "epoch": self.epoch,
            "stop": state.stop,
            "seconds": state.seconds,
            "dtype": str(state.precision.dtype),
            "history": plain_rows(state.history),
            "validation": plain_rows(row for row in state.validation if row["epoch"] < self.epoch),
            "net": state.model.net.state_dict(),
            "optimizer": state.optimizer.state_dict()["state"],
            "scaler": state.scaler.state_dict(),
            "ema": None if state.ema is None else state.ema.state_dict(),
            "base_features": state.base_features.state_dict(),
            "random": state.world.from_all(self.random),
            "callbacks": self._remembered(),
        }

    def _remembered(self) -> dict[str, list[dict]]:
        names = {class_name(callback) for callback in self.callbacks}
        found = {name: [callback.state_dict() for callback in self._of_class(name)] for name in names}
        return {name: states for name, states in found.items() if states}

    def _of_class(self, name: str) -> list:
        """The callbacks of a class that remember something."""
        return [one for one in self.callbacks if class_name(one) == name and hasattr(one, "state_dict")]

    def _write(self, contents: dict) -> None:
        """NotSaved, and what was there before, where the disk does not take it."""
        looked_at = {name: contents[name] for name in ("callbacks", "validation", "stop")}
        require_plain(looked_at | {"history": contents["history"][self.saved or 0 :]}, "a checkpoint")
        with in_words(self.folder, NotSaved):
            best = self._write_best(contents["callbacks"].get(VALIDATE, []))
            write_tables(self.folder, pd.DataFrame(contents["history"]), pd.DataFrame(contents["validation"]))
            with replacing(self.folder / CHECKPOINT) as part, part.open("wb") as file:
                torch.save(contents, file)
            for former in self.folder.glob(BEST):
                if former.name != best:
                    former.unlink()

    def _write_best(self, validations: list[dict]) -> str | None:
        """Move the best weights from what the first Validate remembers to a file of their own; gives its name."""
        if not validations:
            return None
        name, weights = best_file(validations[0]), validations[0].pop("weights")
        if weights and name != self.best:
            with replacing(self.folder / name) as part:
                save_file(weights, part)
            self.best = name
        return name


def class_name(callback: object) -> str:
    """With its module: a callback of one's own may have the name of one of ours."""
    return f"{type(callback).__module__}.{type(callback).__qualname__}"


def plain_rows(rows: Iterable[dict]) -> list[dict]:
    """With Python's numbers where a callback has written numpy's."""
    return [{k: v.item() if isinstance(v, np.generic) else v for k, v in row.items()} for row in rows]


def going_on(state: TrainingState, former_dtype: str) -> str:
    """A line for who resumes a run."""
    epoch = min(state.epoch + 1, state.config.epochs)
    line = f"going on after step {state.step} of {state.total_steps}, epoch {epoch}"
    if former_dtype != str(state.precision.dtype):
        line += f"; the numbers were {former_dtype.removeprefix('torch.')} so far, now {state.precision.reason}"
    return line


def random_states(device: torch.device) -> dict:
    """Of all generators that a step may draw from, as plain values and tensors."""
    name, keys, *rest = np.random.get_state()
    numpy, python = (name, keys.tolist(), *rest), random.getstate()
    return {"torch": random_state_of(device), "device": device.type, "numpy": numpy, "python": python}


def set_random_states(states: dict, device: torch.device) -> None:
    """As `random_states` gave them, perhaps on another kind of device, whose own generator is left alone then."""
    cpu, own = states["torch"]
    set_random_state((cpu, own if device.type == states["device"] else None), device)
    np.random.set_state(states["numpy"])
    random.setstate(states["python"])
