"""A saved index: data files named by their content, and index.json, which says which of them make it up.

    index.json             the model, the sizes, and name and SHA-256 of each of the others
    vectors-HASH.npy       float32 [n, dim], mapped into memory when it is opened
    images-HASH.json       paths, sizes and times of change; what could not be read
    neighbours-HASH.faiss  the approximate index, where there is one

Saving writes new data files beside the old ones, then replaces index.json at one stroke, then removes what it no
longer names: a save that is killed at any moment leaves the former index whole.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rsclip_lab.data.disk import in_words, named_folder, replacing, require_free
from rsclip_lab.environment import in_threads
from rsclip_lab.models.weights import sha256_of

INDEX, FORMAT = "index.json", "rsclip-lab search index 1"
DATA = re.compile(r"\.?(vectors|images|neighbours)(-[0-9a-f]{16})?\.(npy|json|faiss)(\.part)?")
SUFFIXES = {"vectors": ".npy", "images": ".json", "neighbours": ".faiss"}
REMEDY = "build the index again (SearchIndex.build with the same folder), or take a copy of it"


class SearchIndexError(ValueError):
    """A folder that holds no whole index; the message names the file, the cause and the remedy."""


def write_index(path: str | Path, words: dict, vectors: np.ndarray, images: dict, neighbours=None) -> Path:
    """words: what index.json says besides. neighbours: an `InvertedFile`, or None.

    Raises SearchIndexError where another program's index.json stands, CaptionError when the disk does not take it.
    """
    folder = named_folder(path)
    if (folder / INDEX).exists() and not is_index(folder):
        raise SearchIndexError(f"{folder / INDEX} is no search index and stands in the way: name another folder")
    with in_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
        require_free(folder, vectors.nbytes + (vectors.nbytes // 4 if neighbours else 0))
        files = {
            "vectors": _write(folder, "vectors", lambda file: _save_array(file, vectors)),
            "images": _write(folder, "images", lambda file: file.write_text(json.dumps(images), encoding="utf-8")),
        }
        if neighbours is not None:
            files["neighbours"] = _write(folder, "neighbours", neighbours.write)
        with replacing(folder / INDEX) as beside:
            text = json.dumps({"format": FORMAT, **words, "files": files}, indent=2, ensure_ascii=False)
            beside.write_text(text + "\n", encoding="utf-8")
        _sweep(folder, {file["name"] for file in files.values()})
    return folder


def _write(folder: Path, kind: str, write: Callable[[Path], object]) -> dict[str, str]:
    """Write a data file under the name of its content; {"name", "sha256"}."""
    with replacing(folder / f"{kind}{SUFFIXES[kind]}") as beside:
        write(beside)
        digest = sha256_of(beside)
    name = f"{kind}-{digest[:16]}{SUFFIXES[kind]}"
    os.replace(folder / f"{kind}{SUFFIXES[kind]}", folder / name)
    return {"name": name, "sha256": digest}


def _save_array(path: Path, array: np.ndarray) -> None:
    with open(path, "wb") as file:
        np.save(file, array, allow_pickle=False)


def _sweep(folder: Path, named: set[str]) -> None:
    for path in folder.iterdir():
        if DATA.fullmatch(path.name) and path.name not in named:
            with contextlib.suppress(OSError):  # somebody else on Windows has it open
                path.unlink()


def is_index(path: str | Path) -> bool:
    """Whether there is a saved index in the folder, whole or not."""
    try:
        return _read_json(Path(path).expanduser() / INDEX).get("format") == FORMAT
    except (SearchIndexError, AttributeError):
        return False


def read_words(folder: Path) -> dict:
    """What index.json says; SearchIndexError where there is none, or one that `write_index` cannot have written."""
    if not (folder / INDEX).is_file():
        raise SearchIndexError(f"no search index in {folder}: no {INDEX}; give a folder that save() wrote")
    words = _read_json(folder / INDEX)
    if not isinstance(words, dict) or words.get("format") != FORMAT or not isinstance(words.get("files"), dict):
        raise SearchIndexError(f"{folder / INDEX} is not of a search index of this version: {REMEDY}")
    files = words["files"]
    good = {"vectors", "images"} <= {*files} <= {*SUFFIXES} and all(map(_is_record, files, files.values()))
    if not good or type(words.get("count")) is not int or words["count"] < 1:
        raise SearchIndexError(f"{folder / INDEX} does not name the files of its index: {REMEDY}")
    return words


def _is_record(kind: str, record) -> bool:
    if not isinstance(record, dict) or not all(isinstance(record.get(key), str) for key in ("name", "sha256")):
        return False
    name = f"{kind}-{record['sha256'][:16]}{SUFFIXES[kind]}"
    return record["name"] == name and bool(DATA.fullmatch(name))


def read_data(folder: Path, words: dict, dim: int) -> tuple[np.ndarray, dict]:
    """The vectors, mapped from their file, and what is in the file of images, once the hashes of all are right."""
    for _ in in_threads(lambda record: _check(folder, record), words["files"].values()):
        pass
    path = folder / words["files"]["vectors"]["name"]
    try:
        vectors = np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)
    except (ValueError, OSError) as error:
        raise SearchIndexError(f"{path} holds no vectors ({error}): {REMEDY}") from None
    if vectors.dtype != np.float32 or vectors.shape != (words["count"], dim):
        raise SearchIndexError(f"{path} does not hold {words['count']} vectors of {dim}: {REMEDY}")
    images = _read_json(path := folder / words["files"]["images"]["name"])
    if not isinstance(images, dict) or not len(images.get("images", ())) == len(images["stamps"]) == len(vectors):
        raise SearchIndexError(f"{path} does not name the pictures of {len(vectors)} vectors: {REMEDY}")
    return vectors, images


def _check(folder: Path, record: dict) -> None:
    path = folder / record["name"]
    if not path.is_file():
        raise SearchIndexError(f"{path} is missing: {REMEDY}")
    if sha256_of(path) != record["sha256"]:
        raise SearchIndexError(f"{path} has been changed since it was saved (its SHA-256 is another): {REMEDY}")


def _read_json(path: Path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SearchIndexError(f"{path} is not readable JSON ({error}): {REMEDY}") from None
