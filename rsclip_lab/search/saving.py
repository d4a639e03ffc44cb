"""Saving an index: its files are written in a private folder, then put in their places under a lock.

index.json takes its place last, at one stroke, and what the former one named is removed after that: a save that is
killed at any moment leaves the former index whole. Files that no index wrote are never touched.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from filelock import FileLock

from rsclip_lab.data.disk import in_words, named_folder, replacing, require_free
from rsclip_lab.models.weights import sha256_of
from rsclip_lab.search.saved import (
    DATA,
    FORMAT,
    INDEX,
    LOADED_FROM,
    SUFFIXES,
    data_name,
    read_words,
    require_place,
    words_or_none,
)

LOCK, STAGE = ".index.lock", ".index-saving-"


def write_index(path: str | Path, words: dict, vectors: np.ndarray, images: dict, neighbours=None) -> Path:
    """words: what index.json says besides. neighbours: an `InvertedFile`, or None. Several processes may save at
    once; the last one's index stays.

    Raises SearchIndexError where another program's index.json stands, NotADirectoryError for a file's path,
    CaptionError when the disk does not take it.
    """
    folder = require_place(path)
    with in_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            require_free(folder, vectors.nbytes + (vectors.nbytes // 4 if neighbours else 0))
            former = _names(words_or_none(folder))
            with TemporaryDirectory(prefix=STAGE, dir=folder, ignore_cleanup_errors=True) as stage:
                _stage_and_place(folder, Path(stage), words, vectors, images, neighbours)
            _sweep(folder, former)
    return folder


def _stage_and_place(folder: Path, stage: Path, words: dict, vectors, images, neighbours) -> None:
    files = {
        "vectors": _write(stage, "vectors", lambda file: _save_array(file, vectors)),
        "images": _write(stage, "images", lambda file: file.write_text(json.dumps(images), encoding="utf-8")),
    }
    if neighbours is not None:
        files["neighbours"] = _write(stage, "neighbours", neighbours.write)
    with replacing(stage / INDEX) as beside:
        _write_words(beside, {**words, "files": files})
    for name in (*_names({"files": files}), INDEX):
        os.replace(stage / name, folder / name)


def note_model_place(path: str | Path, place: str) -> None:
    """Put into the index.json that is there what its model was loaded by."""
    folder = named_folder(path)
    with in_words(folder), _alone(folder):
        words = {**read_words(folder), LOADED_FROM: place}
        with replacing(folder / INDEX) as beside:
            _write_words(beside, words)


def _write_words(path: Path, words: dict) -> None:
    path.write_text(json.dumps({"format": FORMAT, **words}, indent=2) + "\n", encoding="utf-8")


def _write(stage: Path, kind: str, write: Callable[[Path], object]) -> dict[str, str]:
    """Write a data file under the name of its content; {"name", "sha256"}."""
    with replacing(stage / f"{kind}{SUFFIXES[kind]}") as beside:
        write(beside)
    digest = sha256_of(stage / f"{kind}{SUFFIXES[kind]}")
    os.rename(stage / f"{kind}{SUFFIXES[kind]}", stage / data_name(kind, digest))
    return {"name": data_name(kind, digest), "sha256": digest}


def _save_array(path: Path, array: np.ndarray) -> None:
    """As np.save, whose errors do not say that the disk is full."""
    array = np.ascontiguousarray(array)
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.data)


def _names(words: dict | None) -> set[str]:
    return {record["name"] for record in words["files"].values()} if words else set()


def _sweep(folder: Path, former: set[str]) -> None:
    """Remove what the former index named, and what a save that was killed has left."""
    named = _names(words_or_none(folder))
    for path in folder.iterdir():
        with suppress(OSError):  # somebody else on Windows has it open
            if path.name.startswith(STAGE):
                shutil.rmtree(path)
            elif path.name not in named and (path.name in former or _is_left_over(path)):
                path.unlink()


def _is_left_over(path: Path) -> bool:
    """Whether it has the name that its content gives a file of an index; nobody else's has."""
    found = DATA.fullmatch(path.name)
    return bool(found) and path.is_file() and path.name == data_name(found["kind"], sha256_of(path))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One writer of the folder at a time; the others wait. The lock's file stays: another may be waiting for it."""
    lock = FileLock(folder / LOCK)
    with suppress(NotImplementedError):  # what some mounted drives say; nobody can be told from others there
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
