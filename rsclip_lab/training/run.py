"""`finetune`: check, decode and tokenise once, train, keep the run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import torch

from rsclip_lab.data.disk import named_folder
from rsclip_lab.environment import FORMATS, Precision, emulates_bfloat16, select_precision, set_seed
from rsclip_lab.models import ModelError
from rsclip_lab.models.saved.description import plain
from rsclip_lab.training.batches import CaptionBatches
from rsclip_lab.training.callbacks import CollapseAlarm, ProgressBar, Validate, tensorboard_callbacks
from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.fetch import BatchSource
from rsclip_lab.training.inputs import checked, require_kinds
from rsclip_lab.training.interruption import Interruption
from rsclip_lab.training.loop import train
from rsclip_lab.training.network.preparation import prepare, require_exact, require_possible
from rsclip_lab.training.network.siglip_bias import add_logit_bias
from rsclip_lab.training.processes import World, device_of_this_process, join_processes
from rsclip_lab.training.saved.alone import alone_in
from rsclip_lab.training.saved.checkpoints import Checkpoints
from rsclip_lab.training.saved.folders import begin_run, finish_run, run_to_go_on_with
from rsclip_lab.training.saved.outcome import Run, in_full, late, not_kept, run_so_far
from rsclip_lab.training.saved.start import describe_inputs, require_alike, require_same_start, start_of
from rsclip_lab.training.state import Interrupted, TrainingState, TrainingStopped


@join_processes()
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
    folder: where to keep the run. Every config.save_minutes its state is saved there; called again with the same
    model, tables and configuration, `finetune` goes on from the last one, and ends with the weights it would have had
    without a break. When it is finished the folder has the model, its record and the history (`load_run`); the
    last state and the weights of the best epoch are removed, as nothing needs them any more.
    callbacks: see `training.callbacks`. cache: a folder to keep decoded pictures in,
    so that the next run need not decode them.
    The history has one row a step: step, epoch, learning_rate, loss, floor (the least the loss can be with
    this batch's captions), logit_scale, grad_norm, batch_recall (share of the batch's pictures whose own
    caption is the nearest), off_diagonal_cosine (mean cosine of the batch's non-matching pairs); with replay
    and distillation also replay_drift (1 - mean cosine of the replayed pairs' features with those of the base model),
    which the loss then includes, times its weight. With batch norm it is not quite 0 at the start: training goes
    by the statistics of its batch, the base model by its own.
    Under torchrun it is to be called in every process; the first one measures, prints and writes.

    Raises CaptionError before training when a table cannot be trained on, ValueError when all pictures of `replay`
    are in `captions` as well, FileExistsError for a folder in use, a finished run or one that began otherwise.
    Diverged (a FloatingPointError) when the loss stops being a number, Collapsed, NotSaved, and Interrupted (a
    KeyboardInterrupt) for the first Ctrl-C or SIGTERM come after a whole step: what there is of the run is saved in
    its folder and in the error's `run`. A second Ctrl-C interrupts at once.
    """
    began, world = time.perf_counter(), World.joined()
    require_kinds("finetune", model, config, callbacks, captions=captions, validation=validation, replay=replay)
    device, cache = device_of_this_process(model.device), cache and named_folder(cache)
    folder = None if folder is None else named_folder(folder)
    former = world.by_first(lambda: run_to_go_on_with(folder)) if folder else None
    config = checked(model, captions, config, validation, replay, callbacks, world)
    require_possible(model.net, config, device)
    require_exact(model.net, config, world)
    precision = world.from_first(chosen_precision(device, config, former))
    inputs = describe_inputs(model, precision, captions=captions, replay=replay, validation=validation)
    notes = {"config": plain(config.to_dict()), **inputs, "device": str(device), "processes": world.size}
    require_alike(notes, world)
    if former:
        require_same_start(folder, former, notes)
        notes |= since(former, notes)
    batches = CaptionBatches.configured(captions, replay, config)
    hooks = [*standard_callbacks(validation, progress, folder), *callbacks, CollapseAlarm()]

    with ExitStack() as stack:
        if folder:
            world.by_first(lambda: stack.enter_context(alone_in(folder)))
            world.by_first(lambda: begin_run(folder, notes, former))
        set_seed(config.seed)
        base = model if device == model.device else model.copy().to(device)
        state = TrainingState(base.copy(), base, config, precision, batches.steps_per_epoch, world, began=began)
        source = BatchSource(state.model, batches, config, progress and world.first, cache, world)
        checkpoints = Checkpoints(folder, hooks, start_of(former or notes))
        return trained(state, source, checkpoints, notes)


def trained(state: TrainingState, source: BatchSource, checkpoints: Checkpoints, notes: dict) -> Run:
    """Train from the first step, or from the last checkpoint; keep what comes out, or what there is."""
    folder = checkpoints.folder
    add_logit_bias(state, source)
    prepare(state)
    torch.manual_seed(state.config.seed + state.world.rank)  # dropout differs from process to process
    checkpoints.restore(state)
    with Interruption() as interruption:
        try:
            train(state, source, [*checkpoints.callbacks, checkpoints, interruption])
        except (TrainingStopped, Interrupted) as error:
            error.run = run_so_far(state, notes, stop=str(error))
            error.args = (in_full(error, checkpoints, state),)
            raise
        except Exception as error:  # of a callback, or for want of memory
            error.run = run_so_far(state, notes, stop=str(error))
            error.add_note(f"What there is of the run is in this error's .run; {checkpoints.kept}")
            raise
        run = run_so_far(state, notes, state.stop, folder if state.world.first else None)
        try:
            state.world.by_first(lambda: folder and finish_run(run))
        except (ModelError, OSError) as error:
            raise not_kept(error, run, checkpoints) from error
    if interruption.received:
        raise late(interruption, run)
    return run


def since(former: dict, now: dict) -> dict:
    """What the record of a run that goes on keeps of how it began: when, and what the first machine had that this one
    has not."""
    machine = ("device", "dtype", "versions", "processes")
    other = {name: former[name] for name in machine if name in former and former[name] != now[name]}
    return {"started": former["started"], **({"began_with": other} if other else {})}


def standard_callbacks(validation: pd.DataFrame | None, progress: bool, folder: Path | None) -> list:
    """The callbacks that `finetune`'s own arguments ask for."""
    measured = [] if validation is None else [Validate(validation)]
    return [*([ProgressBar()] if progress else []), *measured, *tensorboard_callbacks(folder)]


def chosen_precision(device: torch.device, config: FinetuneConfig, former: dict | None) -> Precision:
    """By the configuration; with "auto" a run that goes on keeps its number format where the device is fast in it."""
    chosen = select_precision(device, config.precision)
    names = {str(dtype).removeprefix("torch."): name for name, dtype in FORMATS.items()}
    wanted = names.get(former["dtype"]) if former and config.precision == "auto" else None
    if wanted is None or FORMATS[wanted] == chosen.dtype:
        return chosen
    if wanted == "bf16" and emulates_bfloat16(device):
        return chosen
    try:
        return select_precision(device, wanted)
    except ValueError:  # float16 without CUDA
        return chosen
