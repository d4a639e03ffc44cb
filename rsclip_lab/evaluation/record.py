"""What was measured, and on which pictures: a record in the model's description, for its card."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd

from rsclip_lab.data import CaptionError
from rsclip_lab.data.sample import SAMPLES, sample_folder
from rsclip_lab.models import Clip
from rsclip_lab.models.saved.description import plain

MOST_LABELS = 100  # to be listed: more are no kinds, but names


def record_metrics(
    model: Clip, captions: pd.DataFrame | None = None, control: pd.DataFrame | None = None, /, **metrics
) -> None:
    """Note in the model's description what was measured, before it is saved, exported or pushed with its card.

    `record_metrics(mixed, test, control, base=evaluate(base, test, control), mixed=evaluate(mixed, test, control))`:
    the tables measured on, where there are any, and by name what each model reached. Replaces an earlier record.
    Kept as `models.saved.description.plain` gives it: numpy's and torch's numbers as numbers, the k of `topk` as
    text, NaN as None. Raises TypeError for what has no such form.
    """
    found = {"metrics": plain(metrics), "measured_on": describe_tables(captions=captions, control=control)}
    model.description |= found


def describe_tables(**tables: pd.DataFrame | None) -> dict[str, dict]:
    """`describe_table` of each that there is."""
    return {name: describe_table(table) for name, table in tables.items() if table is not None}


def describe_table(captions: pd.DataFrame) -> dict:
    """Counts, the kinds, `table_hash`, and a note where pictures are this project's drawings.

    labelled: how many of the pictures have a kind, where any has.
    """
    images = captions["image"].unique()
    described = {"pictures": len(images), "captions": len(captions), "sha256": table_hash(captions)}
    kinds = captions.set_index("image")["label"].dropna().astype(str)
    kinds = kinds[kinds != ""]
    if 0 < kinds.nunique() <= MOST_LABELS:
        described |= {"labels": sorted(kinds.unique()), "labelled": kinds.index.nunique()}
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
