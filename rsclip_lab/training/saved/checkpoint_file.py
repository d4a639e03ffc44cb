"""A checkpoint read back: nothing in it is executed, and nothing but the state of the very same run is accepted."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from rsclip_lab.environment import first_line
from rsclip_lab.models import ModelError
from rsclip_lab.training.callbacks.validate import Validate
from rsclip_lab.training.saved.folders import BEST, CHECKPOINT
from rsclip_lab.training.state import TrainingState

VALIDATE = f"{Validate.__module__}.{Validate.__qualname__}"  # under this name a checkpoint has what it remembers
PLAIN = (dict, list, tuple, str, int, float, bool, type(None))


def read_checkpoint(folder: Path, start: str) -> dict | None:
    """The last state of the run in `folder`, None where it has none; ModelError for a file that is none, or that of
    a run with another `start` (see `training.saved.start.start_of`)."""
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        if found["start"] != start:
            raise ValueError("it is of a run with another configuration, model or tables")
        for validation in found["callbacks"].get(VALIDATE, [])[:1]:
            known = validation["best_epoch"] >= 0
            validation["weights"] = load_file(folder / best_file(validation)) if known else {}
    except Exception as error:  # of zipfile, pickle, torch and safetensors, over bytes of any kind
        raise unusable(path, error) from None
    return found


def go_on_from(former: dict, state: TrainingState) -> None:
    """Put a prepared state where a checkpoint stands; ValueError, KeyError, … for what no such run can have kept."""
    _require_place(former, state)
    _require_weights(former["callbacks"].get(VALIDATE, [])[:1], state.model.net.state_dict())
    state.model.net.load_state_dict(former["net"])
    groups = state.optimizer.state_dict()["param_groups"]  # of the same configuration, for this device
    state.optimizer.load_state_dict({"state": former["optimizer"], "param_groups": groups})
    if former["scaler"]:  # empty where gradients were not scaled
        state.scaler.load_state_dict(former["scaler"])
    if state.ema is not None:
        state.ema.load_state_dict(former["ema"])
    for name in ("step", "epoch", "stop", "history", "validation"):
        setattr(state, name, former[name])
    state.record = state.history[-1] if state.history else {}
    state.began -= former["seconds"]


def _require_place(former: dict, state: TrainingState) -> None:
    step, epoch, size = former["step"], former["epoch"], state.steps_per_epoch
    if not 0 <= epoch <= state.config.epochs or not epoch * size <= step <= (epoch + 1) * size:
        raise ValueError(f"step {step} of epoch {epoch} is none of this run")
    if step > state.total_steps or [row["step"] for row in former["history"]] != list(range(step)):
        raise ValueError(f"its history is not that of {step} steps")
    if not all(row["epoch"] < epoch for row in former["validation"]):
        raise ValueError("it was measured after epochs that it has not trained")
    if not isinstance(former["stop"], str | None):
        raise ValueError(f"it ended because of {former['stop']!r:.80}")


def _require_weights(validations: list[dict], net: dict[str, Tensor]) -> None:
    """ValueError for best weights of another network: they would be loaded when all is trained."""
    for validation in validations:
        weights = validation["weights"]
        shapes = {name: value.shape for name, value in weights.items()}
        if weights and shapes != {name: value.shape for name, value in net.items()}:
            raise ValueError(f"{best_file(validation)} has the weights of another network")


def best_file(validation: dict) -> str:
    """The name of the file of the best weights, by what `Validate` remembers."""
    return BEST.replace("*", f"{validation['best_epoch']:d}")


def unusable(path: Path, error: Exception) -> ModelError:
    """What to raise for a checkpoint that is none, or cannot be gone on from."""
    said = f"{type(error).__name__}: {first_line(error)}"
    if isinstance(error, pickle.UnpicklingError):  # torch speaks of its versions, and of how to execute it
        said = "it is no file of plain values and tensors"
    return ModelError(
        f"{path}: not the checkpoint of this run, or damaged ({said}); nothing in it was executed. Remove it to "
        "train from the first step, or name another folder"
    )


def require_plain(value: object, where: str) -> None:
    """Raise TypeError for what `torch.load(weights_only=True)` would refuse."""
    parts = value.items() if type(value) is dict else enumerate(value) if type(value) in (list, tuple) else ()
    for name, part in parts:
        require_plain(part, f"{where}, {name}")
    if not isinstance(value, torch.Tensor) and type(value) not in PLAIN:
        raise TypeError(
            f"{where}: {value!r:.80} cannot be kept; let a callback's state_dict() and what it adds to the history "
            "be plain values and tensors, such as float(x) for a number of numpy's"
        )
