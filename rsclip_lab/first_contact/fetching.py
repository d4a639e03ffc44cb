"""Weight files and data sets: fetched, compared with what was expected, and described."""

import hashlib
import os
import re
import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePath

import pandas as pd

from rsclip_lab.data import fetch_data, read_captions
from rsclip_lab.data.public import RECORD, SETS
from rsclip_lab.data.table import CaptionError
from rsclip_lab.environment import in_threads, progress
from rsclip_lab.models import HubModel, ModelError
from rsclip_lab.models.hub.files import commit_of, discard
from rsclip_lab.models.sources import hub_entry
from rsclip_lab.models.weights import sha256_of

SIZE_TOLERANCE = 0.02  # megabytes as a page shows them are rounded
# An absolute path, not the one in an address; a folder's name may hold spaces ("My Drive"), but not at its ends.
PATH = re.compile(
    r"""(?<![\w./\\])(?:~|[A-Za-z]:)?[\\/](?![\\/])"""
    r"""(?:(?!\s)[^\\/:;,'"()]+(?<!\s)[\\/]+)*[^\s\\/:;,'"()]+"""
)
FOR_LESSONS = ", or work with lab.sample('coast')"  # which `fetch_data` advises, and no number was published on


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def in_words(error: Exception) -> str:
    """One paragraph without this machine's folders: the results are made to be published."""
    words = " ".join(str(error).split()).replace(FOR_LESSONS, "")
    return PATH.sub(_end_of_path, words)[:600] or type(error).__name__


def _end_of_path(found: re.Match) -> str:
    """The last two parts, without the first two of the path, which may be somebody's home folder."""
    parts = re.findall(r"[^\\/]+", found[0].removeprefix("~"))
    return "…/" + "/".join(parts[2:][-2:] or parts[-1:])


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


def announce(entries: Collection[HubModel], sets: Collection[str], by_hand: Mapping[str, str]) -> None:
    """Say how much there is to fetch, and what cannot be fetched; `sets` are those that the user has not given."""
    gigabytes = sum((entry.bytes or 1e6 * (entry.megabytes or 0)) / 1e9 for entry in entries)
    print(f"weight files: {len(entries)}, together about {gigabytes:.1f} GB, less what the hub's cache holds")
    known = [SETS[name] for name in sets if name in SETS and not Path("data", name, RECORD).is_file()]
    if known:
        print("data sets to fetch: " + ", ".join(f"{chosen.name} ({chosen.megabytes} MB)" for chosen in known))
    for name in sets:
        if name not in SETS:
            print(_get_it(name, by_hand), flush=True)


def read_given(name: str, place: Path) -> tuple[pd.DataFrame, dict]:
    """The captions that the user has, and their description. Raises CaptionError for what cannot be read."""
    try:
        captions = read_captions(place)
        return captions, {"from": "the user's files", "date": now(), **_contents(captions), "ok": True}
    except (ValueError, OSError) as error:
        raise CaptionError(f"{name}: {error}") from error


def fetch_set(name: str, by_hand: Mapping[str, str]) -> tuple[pd.DataFrame | None, dict]:
    """The captions of a public set and their description; None and the `error` in words where it cannot be had."""
    known = SETS.get(name)
    row = {"from": f"{known.repository} at {known.revision}" if known else None, "date": now()}
    try:
        if known is None:
            raise CaptionError(_get_it(name, by_hand))
        captions = fetch_data(name)
        return captions, row | _contents(captions) | {"ok": True}
    except Exception as error:  # the other data sets are still to be read
        return None, row | {"ok": False, "error": in_words(error)}


def _get_it(name: str, by_hand: Mapping[str, str]) -> str:
    place = f" from {by_hand[name]}" if name in by_hand else ""
    how = f"data={{{name!r}: …}}, on the command line --data {name}=…"
    return f"{name} cannot be fetched by itself: get it{place} and say where it lies ({how})"


def _contents(captions: pd.DataFrame) -> dict:
    counts = {"pictures": int(captions["image"].nunique()), "captions": len(captions)}
    return counts | {"sha256": data_sha256(captions)}


def data_sha256(captions: pd.DataFrame) -> str:
    """A hash of all that a number depends on: captions, splits, file names, and the bytes of the pictures.

    Names count from the folder that holds all pictures, as folders in it may be classes; where it lies, and what it
    is called there, does not matter.
    """
    digest = hashlib.sha256()
    images = captions["image"].unique()
    folder = os.path.commonpath({os.path.dirname(image) for image in images})
    names = {image: PurePath(image).relative_to(folder).as_posix() for image in images}
    for image, sha256 in zip(images, progress(in_threads(sha256_of, images), len(images), "hashing"), strict=True):
        digest.update(f"{names[image]}\t{sha256}\n".encode())
    for row in captions[["image", "caption", "split"]].itertuples(index=False):
        digest.update(f"{names[row.image]}\t{row.caption}\t{row.split}\n".encode())
    return digest.hexdigest()
