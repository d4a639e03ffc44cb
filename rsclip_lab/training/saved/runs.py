"""Runs that outlive their notebook: keep one in a folder, read it back, train only what is not there yet."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from rsclip_lab.data.disk import check_new_folder, named_folder
from rsclip_lab.evaluation.record import table_hash
from rsclip_lab.models import ModelError, load_model
from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.inputs import require_kinds
from rsclip_lab.training.processes import World, join_processes
from rsclip_lab.training.run import finetune
from rsclip_lab.training.saved.folders import is_run, is_unfinished, save_run
from rsclip_lab.training.saved.outcome import Run
from rsclip_lab.training.saved.start import fingerprint


def keep_run(run: Run, folder: str | Path) -> Run:
    """Save `run` to `folder`; gives the saved run.

    A run that stands there already is replaced when the new one is saved; FileExistsError when the folder holds
    anything else.
    """
    folder = named_folder(folder)
    settle(folder)
    place = next_to(folder, ".{}.saving") if is_run(folder) else folder
    check_new_folder(place)
    save_run(replace(run, folder=place))
    if place != folder:
        take_the_place(place, folder)
    return replace(run, folder=folder)


def load_run(folder: str | Path, device: str = "auto") -> Run:
    """The run saved in `folder`, its model on `device`.

    Raises FileNotFoundError where there is none, ModelError where its model or record cannot be read.
    """
    folder = named_folder(folder)
    if is_unfinished(folder):
        raise FileNotFoundError(
            f"{folder}: holds a run that is not finished; go on with it by the call that began it: "
            f'finetune(…, folder="{folder}")'
        )
    if not is_run(folder):
        raise FileNotFoundError(f"{folder}: no run here (no history.csv); fine-tune first, or correct the path")
    history, validation = (read_table(folder / name) for name in ("history.csv", "validation.csv"))
    run = Run(load_model(folder, device), history, validation, folder)
    try:
        FinetuneConfig.from_dict(run.notes["config"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            f"{folder / 'clip.json'}: no record of a training that this version of rsclip-lab knows ({error}); "
            "load the model alone with load_model, or fine-tune again"
        ) from None
    return run


@join_processes()
def load_or_finetune(
    folder: str | Path,
    model,
    captions: pd.DataFrame,
    config: FinetuneConfig | None = None,
    replay: pd.DataFrame | None = None,
    progress: bool = True,
    callbacks: Sequence = (),
    any_epochs: bool = False,
    validation: pd.DataFrame | None = None,
) -> Run:
    """The run kept in `folder`, if it had this model, data and configuration; else a new one, kept there.

    An unfinished one goes on (see `finetune`). A finished one with another model, data or configuration is replaced
    when the new one, in FOLDER-new until then, is finished. An unfinished one is not, for it may be hours of work:
    FileExistsError, with what differs.
    callbacks: of the training, if there is any. any_epochs: take a kept run whatever its `.config.epochs`.
    validation: as for `finetune`; None takes a kept run however it was validated.
    """
    tables = {"captions": captions, "replay": replay, "validation": validation}
    require_kinds("load_or_finetune", model, config, callbacks, **tables)
    config, folder = (config or FinetuneConfig()).resolved(model), named_folder(folder)
    World.joined().by_first(lambda: settle(folder))
    how = {"replay": replay, "validation": validation, "progress": progress, "callbacks": callbacks}
    if not is_run(folder):
        return finetune(model, captions, config, folder=folder, **how)
    kept = load_run(folder, str(model.device))
    asked = replace(config, save_minutes=kept.config.save_minutes)
    if any_epochs:
        asked = replace(asked, epochs=kept.config.epochs)
    if same_start(kept, model, **tables) and kept.config == asked:
        return kept
    run = load_or_finetune(beside(folder), model, captions, config, **how)
    World.joined().by_first(lambda: take_the_place(beside(folder), folder))
    return replace(run, folder=run.folder and folder)


def take_the_place(new: Path, folder: Path) -> None:
    """Put the run in `new` where another one is; at any moment one of them is whole."""
    os.replace(folder, aside(folder))
    os.replace(new, folder)
    shutil.rmtree(aside(folder))


def settle(folder: Path) -> None:
    """Finish what a process that was killed in `take_the_place` has begun."""
    former, new = aside(folder), beside(folder)
    if not former.exists():
        return
    if not folder.exists():
        os.replace(new if is_run(new) else former, folder)
    shutil.rmtree(former, ignore_errors=True)


def beside(folder: Path) -> Path:
    """Where the successor of the run in `folder` is trained."""
    return next_to(folder, "{}-new")


def aside(folder: Path) -> Path:
    """Where the run in `folder` is for the moment in which its successor takes its place."""
    return next_to(folder, ".{}.replaced")


def next_to(folder: Path, name: str) -> Path:
    """Another folder in the same place, its name made of this one's."""
    folder = folder.absolute()
    return folder.with_name(name.format(folder.name))


def same_start(run: Run, model, **tables: pd.DataFrame | None) -> bool:
    """Whether `run` was trained on these tables from exactly the weights of `model`."""
    asked = {name: table_hash(table) for name, table in tables.items() if table is not None}
    used = {name: table["sha256"] for name, table in run.notes.get("data", {}).items()}
    if "validation" not in asked:  # it only chooses the epoch
        used.pop("validation", None)
    return used == asked and run.notes.get("base_weights_sha256") == fingerprint(model)


def read_table(path: Path) -> pd.DataFrame:
    """A CSV of the run's folder, empty where the run had nothing to write."""
    try:
        table, written = pd.read_csv(path), pd.read_csv(path, dtype=str)
    except (FileNotFoundError, pd.errors.EmptyDataError):  # empty: a callback ended it before its first step
        return pd.DataFrame()
    for name in table.select_dtypes("float"):  # pandas 2 reads some numbers as their neighbours, Python none
        table[name] = [float(number) for number in written[name]]
    return table
