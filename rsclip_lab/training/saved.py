"""Runs that outlive their notebook: keep one in a folder, read it back, train only where there is none."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd

from rsclip_lab.data.disk import check_new_folder
from rsclip_lab.models import load_model
from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.folders import describe_table, save_run
from rsclip_lab.training.run import Run, finetune

BASE_WEIGHTS = "base_weights_sha256"


def keep_run(run: Run, folder: str | Path, base) -> Run:
    """Save `run` to `folder` with a fingerprint of `base`, the model it started from; gives the saved run.

    A run that stands there already is replaced; FileExistsError when the folder holds anything else.
    """
    folder = Path(folder)
    if (folder / "config.json").is_file() and (folder / "clip.json").is_file():
        shutil.rmtree(folder)
    check_new_folder(folder)
    run = replace(run, folder=folder, notes=run.notes | {BASE_WEIGHTS: fingerprint(base)})
    save_run(run)
    return run


def load_run(folder: str | Path, device: str = "auto") -> Run:
    """The run saved in `folder`, its model on `device`. Raises FileNotFoundError where there is none."""
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(f"{folder}: no run here (no config.json); fine-tune first, or correct the path")
    notes = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    # Runs that were kept before there was distillation had none.
    config, seconds = FinetuneConfig(**({"distillation": 0.0} | notes.pop("config"))), notes.pop("seconds")
    history, validation = (read_table(folder / name) for name in ("history.csv", "validation.csv"))
    return Run(load_model(folder, device), history, validation, config, seconds, notes, folder)


def load_or_finetune(
    folder: str | Path,
    model,
    captions: pd.DataFrame,
    config: FinetuneConfig | None = None,
    replay: pd.DataFrame | None = None,
    progress: bool = True,
) -> Run:
    """The run kept in `folder`, if it had this model, data and configuration; else a new one, kept there.

    Only the number of epochs may differ: a kept run is taken as it is, see its `.config.epochs`.
    """
    config = (config or FinetuneConfig()).resolved(model)
    if (Path(folder) / "config.json").is_file():
        kept = load_run(folder, str(model.device))
        if same_start(kept, model, captions, replay) and replace(kept.config, epochs=config.epochs) == config:
            return kept
    return keep_run(finetune(model, captions, config, replay=replay, progress=progress), folder, model)


def same_start(run: Run, model, captions: pd.DataFrame, replay: pd.DataFrame | None) -> bool:
    """Whether `run` was trained on these tables from exactly the weights of `model`."""
    tables = {"captions": captions} if replay is None else {"captions": captions, "replay": replay}
    data = {name: describe_table(table) for name, table in tables.items()}
    return run.notes.get(BASE_WEIGHTS) == fingerprint(model) and run.notes.get("data") == data


def fingerprint(model) -> str:
    """A hash of the network's weights: a base model that was trained anew keeps its name, not its weights."""
    digest = hashlib.sha256()
    for name, value in sorted(model.net.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def read_table(path: Path) -> pd.DataFrame:
    """A CSV of the run's folder, empty where the run had nothing to write."""
    return pd.read_csv(path) if path.is_file() else pd.DataFrame()
