"""The folder of a run: written whole or not at all, with what a reader needs to repeat it."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from rsclip_lab.data import CaptionError
from rsclip_lab.data.disk import new_folder
from rsclip_lab.data.sample import SAMPLES, sample_folder

MOST_LABELS = 100  # to be listed: more are no kinds, but names


def save_run(run) -> None:
    """Write the model, whose clip.json has the record of the training, history.csv and validation.csv to run.folder,
    all of them or nothing.

    `load_model(run.folder)` reads the model back, `load_run(run.folder)` the run.
    """
    with new_folder(run.folder) as stage:
        run.model.save(stage)
        run.history.to_csv(stage / "history.csv", index=False)
        if len(run.validation):
            run.validation.to_csv(stage / "validation.csv", index=False)


def describe_inputs(model, precision, **tables: pd.DataFrame | None) -> dict:
    """What a reader needs to repeat the run: base model, data with their hashes, device, versions."""
    return {
        "base_model": model.name,
        "base_weights_sha256": fingerprint(model),
        "data": describe_tables(**tables),
        "device": str(model.device),
        "precision": precision.reason,
        "versions": {name: version(name) for name in ("torch", "open_clip_torch", "timm", "numpy")},
    }


def describe_tables(**tables: pd.DataFrame | None) -> dict[str, dict]:
    """`describe_table` of each that there is."""
    return {name: describe_table(table) for name, table in tables.items() if table is not None}


def describe_table(captions: pd.DataFrame) -> dict:
    """Counts, the kinds, `table_hash`, and a note where pictures are this project's drawings."""
    images = captions["image"].unique()
    described = {"pictures": len(images), "captions": len(captions), "sha256": table_hash(captions)}
    labels = sorted({str(label) for label in captions["label"].dropna()} - {""})
    if 0 < len(labels) <= MOST_LABELS:
        described["labels"] = labels
    folders = drawn_folders()
    if drawn := sum(Path(image).parent in folders for image in images):
        described["note"] = f"{drawn} of {len(images)} pictures are drawn by rsclip-lab's generator, not photographed"
    return described


def table_hash(captions: pd.DataFrame) -> str:
    """SHA-256 of file names and captions in order, not of the pixels."""
    rows = zip(captions["image"], captions["caption"], strict=True)
    return hashlib.sha256("\n".join(f"{Path(image).name}\t{caption}" for image, caption in rows).encode()).hexdigest()


def drawn_folders() -> set[Path]:
    """Where the pictures of the embedded samples lie."""
    try:
        return {sample_folder(name) / "images" for name in SAMPLES}
    except CaptionError:  # this installation has none
        return set()


def fingerprint(model) -> str:
    """A hash of the network's weights: a base model that was trained anew keeps its name, not its weights."""
    digest = hashlib.sha256()
    for name, value in sorted(model.net.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
