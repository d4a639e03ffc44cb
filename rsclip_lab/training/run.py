"""`finetune`: check, decode and tokenise once, train, keep the run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from rsclip_lab.checks import require_trainable, require_usable
from rsclip_lab.data.disk import check_new_folder
from rsclip_lab.environment import Precision, select_precision, set_seed
from rsclip_lab.evaluation.record import record_metrics
from rsclip_lab.models.saved.description import plain
from rsclip_lab.models.saved.files import update_description
from rsclip_lab.models.saved.provenance import describe_finetuned
from rsclip_lab.training.batches import CaptionBatches
from rsclip_lab.training.callbacks import ProgressBar, Validate
from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.fetch import BatchSource
from rsclip_lab.training.folders import describe_inputs, save_run
from rsclip_lab.training.loop import train
from rsclip_lab.training.state import TrainingState


@dataclass(frozen=True)
class Run:
    """What `finetune` gives back.

    model: the tuned Clip; its description holds the record of the run, and keeps it wherever the model is saved.
    history: one row a step. validation: one row an epoch, empty without a validation table.
    folder: where it is saved, or None.
    """

    model: object
    history: pd.DataFrame
    validation: pd.DataFrame
    folder: Path | None = None

    @property
    def notes(self) -> dict:
        """The record: config, base model, data with their hashes, device, precision, versions, steps, seconds."""
        return self.model.description["training"]

    @property
    def config(self) -> FinetuneConfig:
        """The configuration, with the learning rate that was used."""
        return FinetuneConfig.from_dict(self.notes["config"])

    @property
    def seconds(self) -> float:
        """All of `finetune`."""
        return self.notes["seconds"]

    def record(self, captions: pd.DataFrame | None = None, control: pd.DataFrame | None = None, /, **metrics) -> None:
        """`record_metrics` of the tuned model and, if the run is saved, in its clip.json.

        `run.record(test, control, base=evaluate(base, test, control), tuned=evaluate(run.model, test, control))`
        """
        record_metrics(self.model, captions, control, **metrics)
        if self.folder:
            update_description(self.folder, self.model.description)

    def __repr__(self) -> str:
        last = self.history.iloc[-1]
        return (
            f"Run({len(self.history)} steps in {self.seconds:.0f} s, loss {last.loss:.3f}, "
            f"R@1 in the batch {last.batch_recall:.2f}, off-diagonal cosine {last.off_diagonal_cosine:.2f}, "
            f"folder={str(self.folder) if self.folder else None})"
        )


def finetune(
    model,
    captions: pd.DataFrame,
    config: FinetuneConfig | None = None,
    validation: pd.DataFrame | None = None,
    replay: pd.DataFrame | None = None,
    folder: str | Path | None = None,
    callbacks: Sequence = (),
    progress: bool = True,
    cache: str | Path | None = None,
) -> Run:
    """Train a copy of `model` on a table of captions; the model passed in stays as it is.

    captions: the table of `read_captions`, only the rows to train on.
    validation: rows to measure after each epoch; the run then ends with the weights of its best epoch.
    replay: rows of earlier data, mixed into every batch against forgetting; their features are held near those
    of `model` (config.distillation).
    folder: where to save the run. callbacks: see `training.callbacks`. cache: a folder to keep decoded pictures in,
    so that the next run need not decode them.
    The history has one row a step: step, epoch, learning_rate, loss, floor (the least the loss can be with
    this batch's captions), logit_scale, grad_norm, batch_recall (share of the batch's pictures whose own
    caption is the nearest), off_diagonal_cosine (mean cosine of the batch's non-matching pairs); with replay
    and distillation also replay_drift (1 - mean cosine of the replayed pairs' features with those of the base model),
    which the loss then includes, times its weight. With batch norm it is not quite 0 at the start: training goes
    by the statistics of its batch, the base model by its own.

    Raises CaptionError before training when a table cannot be trained on, ValueError when all pictures of `replay`
    are in `captions` as well, FileExistsError for a folder
    in use, FloatingPointError when the loss stops being a number.
    """
    start = time.perf_counter()
    folder = None if folder is None else Path(folder)
    if folder:
        check_new_folder(folder)
    if not hasattr(model, "net"):
        raise TypeError(f"finetune takes a loaded model, not {model!r}: finetune(load_model({model!r}), …)")
    config = (config or FinetuneConfig()).resolved(model)
    require_trainable(captions, config.batch_size)
    for name, table in (("the replay table", replay), ("the validation table", validation)):
        if table is not None:
            require_usable(table, name)
    precision = select_precision(model.device) if config.precision == "auto" else full_precision()
    inputs = describe_inputs(model, precision, captions=captions, replay=replay, validation=validation)
    notes = {"config": plain(config.to_dict())} | inputs
    set_seed(config.seed)
    batches = CaptionBatches(
        captions, config.batch_size, config.seed, replay, config.replay_share, config.distinct_captions
    )
    state = TrainingState(model.copy(), model, config, precision, batches.steps_per_epoch)
    hooks = [*standard_callbacks(validation, progress), *callbacks]
    train(state, BatchSource(state.model, batches, config, progress, cache), hooks)

    notes |= {"steps": len(state.history), "seconds": round(time.perf_counter() - start, 2)}
    state.model.description = describe_finetuned(model.description, notes)
    run = Run(state.model, pd.DataFrame(state.history), pd.DataFrame(state.validation), folder)
    if folder:
        save_run(run)
    return run


def standard_callbacks(validation: pd.DataFrame | None, progress: bool) -> list:
    """The callbacks that `finetune`'s own arguments ask for."""
    return ([ProgressBar()] if progress else []) + ([] if validation is None else [Validate(validation)])


def full_precision() -> Precision:
    """float32 throughout, whatever the device could do."""
    return Precision(dtype=torch.float32, autocast=False, scaler=False, reason="fp32: asked for in the configuration")
