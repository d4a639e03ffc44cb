"""The folder of a run: written whole or not at all, with what a reader needs to repeat it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

import pandas as pd


def check_new_folder(folder: Path) -> None:
    """Raise FileExistsError unless a run can be written to `folder`: absent, or empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder}: holds something already; name another folder for this run, or remove it")


def save_run(run) -> None:
    """Write the model, history.csv, validation.csv and config.json to run.folder, all of them or nothing.

    `load_model(run.folder)` reads the model back.
    """
    check_new_folder(run.folder)
    run.folder.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f".{run.folder.name}-", dir=run.folder.parent))
    try:
        run.model.save(stage)
        run.history.to_csv(stage / "history.csv", index=False)
        if len(run.validation):
            run.validation.to_csv(stage / "validation.csv", index=False)
        described = {"config": run.config.to_dict(), "seconds": round(run.seconds, 1)} | run.notes
        (stage / "config.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
        stage.chmod(0o755)  # mkdtemp's folder is private to its maker
        if run.folder.exists():
            run.folder.rmdir()
        os.replace(stage, run.folder)
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        raise


def describe_inputs(model, captions: pd.DataFrame, replay: pd.DataFrame | None, precision) -> dict:
    """What a reader needs to repeat the run: base model, data with their hash, device, versions."""
    tables = {"captions": captions} if replay is None else {"captions": captions, "replay": replay}
    return {
        "base_model": model.name,
        "data": {name: describe_table(table) for name, table in tables.items()},
        "device": str(model.device),
        "precision": precision.reason,
        "versions": {name: version(name) for name in ("torch", "open_clip_torch", "timm", "numpy")},
    }


def describe_table(captions: pd.DataFrame) -> dict:
    """Counts, and a hash of file names and captions in order (not of the pixels)."""
    rows = zip(captions["image"], captions["caption"], strict=True)
    names = [f"{Path(image).name}\t{caption}" for image, caption in rows]
    return {
        "pictures": int(captions["image"].nunique()),
        "captions": len(captions),
        "sha256": hashlib.sha256("\n".join(names).encode()).hexdigest(),
    }
