"""What a run starts from: by this two calls, or two processes, are known to be of one run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from rsclip_lab.evaluation.record import describe_tables
from rsclip_lab.models.saved.description import plain
from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.processes import World

NO_MATTER = {"save_minutes"}  # fields of the configuration that do not change what a run comes to
TABLES = ("captions", "replay", "validation")


def describe_inputs(model, precision, **tables: pd.DataFrame | None) -> dict:
    """What a reader needs to repeat the run: base model, data with their hashes, device, versions, when it began."""
    return {
        "base_model": model.name,
        "base_weights_sha256": fingerprint(model),
        "data": describe_tables(**tables),
        "device": str(model.device),
        "precision": precision.reason,
        "dtype": str(precision.dtype).removeprefix("torch."),
        "versions": {name: version(name) for name in ("torch", "open_clip_torch", "timm", "numpy")},
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def fingerprint(model) -> str:
    """A hash of the network's weights: a base model that was trained anew keeps its name, not its weights."""
    digest = hashlib.sha256()
    for name, value in sorted(model.net.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def start_of(record: dict) -> str:
    """A hash of what the run of this record started from; a checkpoint has it, to be known as that run's own."""
    config = {name: value for name, value in record["config"].items() if name not in NO_MATTER}
    tables = {name: table["sha256"] for name, table in record["data"].items()}
    parts = [config, tables, record["base_weights_sha256"]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def require_same_start(folder: Path, was: dict, now: dict) -> None:
    """Raise FileExistsError, with what differs, unless the run of the record `was` began like that of `now`."""
    differing = [f"{name} was {old}, now {new}" for name, old, new in differences(was, now)]
    if differing:
        raise FileExistsError(
            f"{folder}: holds an unfinished run that began otherwise: {'; '.join(differing)}. Go on with what it "
            "began with, or name another folder, or remove this one"
        )


def require_alike(record: dict, world: World) -> None:
    """Raise ValueError, with what differs, in all processes unless each was given the same to train."""
    names = ("config", "data", "base_model", "base_weights_sha256")
    first, *others = world.from_all({name: record[name] for name in names})
    for number, other in enumerate(others, 2):
        found = differences(first, other)
        if differing := [f"{name} is {one} in process 1, {two} in process {number}" for name, one, two in found]:
            raise ValueError(
                f"the {world.size} processes were not given the same to train: {'; '.join(differing)}. Each would "
                "train a network of its own; call finetune with the same model, tables and configuration in all"
            )


def differences(one: dict, other: dict) -> Iterator[tuple[str, str, str]]:
    """Name, value in `one`, value in `other` of what differs between the starts of two runs."""
    before = plain(FinetuneConfig().to_dict()) | one["config"]  # written by a version with fewer fields, perhaps
    for name in sorted({*before, *other["config"]} - NO_MATTER):
        if before.get(name) != other["config"].get(name):
            yield name, repr(before.get(name)), repr(other["config"].get(name))
    for name in TABLES:
        old, new = (_table_in_words(record["data"].get(name)) for record in (one, other))
        if old != new:
            yield f"the {name} table", old, new
    old, new = (f"{record['base_model']} (weights {record['base_weights_sha256'][:8]}…)" for record in (one, other))
    if one["base_weights_sha256"] != other["base_weights_sha256"]:
        yield "the model", old, new


def _table_in_words(table: dict | None) -> str:
    return f"{table['captions']} captions ({table['sha256'][:8]}…)" if table else "none"
