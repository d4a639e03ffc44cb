"""Weight files and data sets: fetched, compared with what was expected, and described."""

import hashlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from rsclip_lab.data import fetch_data, read_captions
from rsclip_lab.data.public import SETS
from rsclip_lab.data.table import CaptionError
from rsclip_lab.environment import in_threads, progress
from rsclip_lab.models import HubModel, ModelError
from rsclip_lab.models.hub.files import commit_of, discard
from rsclip_lab.models.sources import hub_entry
from rsclip_lab.models.weights import sha256_of

SIZE_TOLERANCE = 0.02  # megabytes as a page shows them are rounded


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def in_words(error: Exception) -> str:
    """One paragraph, in which the home folder stays private: the results are made to be published."""
    words = " ".join(str(error).split()).replace(str(Path.home()), "~")
    return words[:600] or type(error).__name__


def fetch_weights(entry: HubModel) -> dict:
    """Fetch one file and compare it with what the zoo expects: facts, and `ok` or the `error` in words."""
    row = {
        "repository": entry.repository,
        "revision": entry.revision,
        "file": entry.filename,
        "expected": {"megabytes": entry.megabytes, "bytes": entry.bytes, "sha256": entry.sha256},
        "activation": entry.activation,
        "date": now(),
    }
    start = time.perf_counter()
    try:
        path = hub_entry(entry).weights  # the file that load_model reads, which for a tag may have another ending
        row |= {"file": str(Path(entry.filename).with_name(path.name)), "commit": commit_of(path)}
        row |= {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        if fault := _fault(entry, row):
            discard(path)
            raise ModelError(f"{fault}; removed: fetch it again, and do not use it if that repeats")
    except Exception as error:  # of the network, the disk, the hub: the other files are still to be fetched
        row["error"] = in_words(error)
    return row | {"ok": "error" not in row, "seconds": round(time.perf_counter() - start, 1)}


def _fault(entry: HubModel, found: dict) -> str | None:
    """What tells the file from the expected one: hash and exact size, or where neither is known the rough size."""
    if entry.sha256 or entry.bytes:
        for name, expected in (("sha256", entry.sha256), ("bytes", entry.bytes)):
            if expected and found[name] != expected:
                return f"not the expected file: {name} {found[name]}, expected {expected}"
    elif entry.megabytes:
        megabytes = found["bytes"] / 1e6
        if abs(megabytes - entry.megabytes) > max(1, SIZE_TOLERANCE * entry.megabytes):
            return f"not the expected file: {megabytes:.1f} MB, expected {entry.megabytes}"
    return None


def read_data(name: str, given: Mapping[str, Path], by_hand: Mapping[str, str]) -> tuple[pd.DataFrame | None, dict]:
    """The captions of a data set and its description; None and the `error` in words where it cannot be had."""
    row = {"from": "the user's files", "date": now()}
    if name not in given:
        known = SETS.get(name)
        row["from"] = f"{known.repository} at {known.revision}" if known else None
    try:
        captions = _captions(name, given, by_hand)
        row |= {"pictures": int(captions["image"].nunique()), "captions": len(captions)}
        row |= {"sha256": data_sha256(captions)}
    except Exception as error:  # the other data sets are still to be read
        return None, row | {"ok": False, "error": in_words(error)}
    return captions, row | {"ok": True}


def _captions(name: str, given: Mapping[str, Path], by_hand: Mapping[str, str]) -> pd.DataFrame:
    if name in given:
        return read_captions(given[name])
    if name in SETS:
        return fetch_data(name)
    place = f" from {by_hand[name]}" if name in by_hand else ""
    how = f"data={{{name!r}: …}}, on the command line --data {name}=…"
    raise CaptionError(f"{name} cannot be fetched by itself: get it{place} and say where it lies ({how})")


def data_sha256(captions: pd.DataFrame) -> str:
    """A hash of all that a number depends on: captions, splits, file names, and the bytes of the pictures."""
    digest = hashlib.sha256()
    images = captions["image"].unique()
    for image, sha256 in zip(images, progress(in_threads(sha256_of, images), len(images), "hashing"), strict=True):
        digest.update(f"{_place(image)}\t{sha256}\n".encode())
    for row in captions[["image", "caption", "split"]].itertuples(index=False):
        digest.update(f"{_place(row.image)}\t{row.caption}\t{row.split}\n".encode())
    return digest.hexdigest()


def _place(image: str) -> str:
    """File and folder name, which may say the class; where the set lies on this machine does not matter."""
    return "/".join(Path(image).parts[-2:])
