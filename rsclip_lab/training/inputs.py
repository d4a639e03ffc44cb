"""What a fine-tuning is given, looked at before anything is done."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

import pandas as pd

from rsclip_lab.checks import require_trainable, require_usable
from rsclip_lab.data import CaptionError
from rsclip_lab.models.inputs import require_loaded
from rsclip_lab.models.saved.description import plain
from rsclip_lab.training.callbacks import Validate
from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.processes import World

HOOKS = ("on_start", "on_step", "on_epoch", "on_stop", "on_end")


def require_kinds(caller: str, model, config, callbacks=(), **tables: object) -> None:
    """Raise TypeError for arguments of `caller` that are not what stands in their place: swapped ones, most often."""
    require_loaded(model, caller)
    if not isinstance(config, FinetuneConfig | None):
        raise TypeError(f"{caller}(config=…): takes a FinetuneConfig, not {_short(config)}")
    for name, table in tables.items():
        if not isinstance(table, pd.DataFrame | None) or (table is None and name == "captions"):
            raise TypeError(f"{caller}({name}=…): takes a table as read_captions gives it, not {_short(table)}")
    if isinstance(callbacks, str) or not isinstance(callbacks, Iterable):
        raise TypeError(f"{caller}(callbacks=…): takes a list of callbacks, not {_short(callbacks)}")
    for callback in callbacks:
        if isinstance(callback, type) or not any(hasattr(callback, hook) for hook in HOOKS):
            raise TypeError(
                f"{caller}(callbacks=…): {_short(callback)} is no object that has one of {', '.join(HOOKS)}; of a "
                "class give an instance, of a LivePlot its .of(name)"
            )


def _short(value: object) -> str:
    return f"a table of {len(value)} rows" if isinstance(value, pd.DataFrame) else f"{value!r:.80}"


def checked(
    model,
    captions: pd.DataFrame,
    config: FinetuneConfig | None,
    validation: pd.DataFrame | None,
    replay: pd.DataFrame | None,
    callbacks: Sequence,
    world: World,
) -> FinetuneConfig:
    """The configuration with nothing left open; raises what can be known to go wrong before anything is done."""
    config = (config or FinetuneConfig()).resolved(model)
    config = FinetuneConfig.from_dict(plain(config.to_dict()))  # numpy's numbers would come into the history
    world.require_shares(config.batch_size)
    require_trainable(captions, config.batch_size)
    if replay is not None:
        require_usable(replay, "the replay table")
    if validation is not None:
        require_validation(validation, captions)
    elif config.patience and not any(isinstance(one, Validate) for one in callbacks):
        raise ValueError(
            f"FinetuneConfig(patience={config.patience}): to stop early, a run must be measured on captions that it "
            "does not train on; give it a validation table, or take patience=0"
        )
    return config


def require_validation(validation: pd.DataFrame, captions: pd.DataFrame) -> None:
    """CaptionError for a table by which no epoch is better than another; a warning of pictures also trained on."""
    require_usable(validation, "the validation table")
    pictures, texts = (validation[name].nunique() for name in ("image", "caption"))
    if min(pictures, texts) < 2:
        raise CaptionError(
            f"the validation table has {pictures} different pictures and {texts} different captions: with one there "
            "is nothing to be confused with, and every epoch is as good as any; give it some fifty, or leave it out"
        )
    if both := len(set(validation["image"]) & set(captions["image"])):
        warnings.warn(
            f"{both} of the {pictures} validation pictures are trained on as well, and will look known; split by "
            "picture (split_by_image) to see what the run does for others",
            stacklevel=4,
        )
