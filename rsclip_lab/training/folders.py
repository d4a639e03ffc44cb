"""The folder of a run: written whole or not at all, with what a reader needs to repeat it."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from rsclip_lab.data.disk import new_folder


def save_run(run) -> None:
    """Write the model, history.csv, validation.csv and config.json to run.folder, all of them or nothing.

    `load_model(run.folder)` reads the model back.
    """
    with new_folder(run.folder) as stage:
        run.model.save(stage)
        run.history.to_csv(stage / "history.csv", index=False)
        if len(run.validation):
            run.validation.to_csv(stage / "validation.csv", index=False)
        described = {"config": run.config.to_dict(), "seconds": round(run.seconds, 1)} | run.notes
        (stage / "config.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")


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
