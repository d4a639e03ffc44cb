"""A saved index: data files named by their content, and index.json, which says which of them make it up.

    index.json             the model, the sizes, and name and SHA-256 of each of the others
    vectors-HASH.npy       float32 [n, dim], mapped into memory when it is opened
    images-HASH.json       paths, sizes and times of change; what could not be read
    neighbours-HASH.faiss  the approximate index, where there is one

Each content is looked through before it is used: a damaged or foreign file ends in a SearchIndexError.
"""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import numpy as np

from rsclip_lab.data.disk import named_folder
from rsclip_lab.environment import in_threads
from rsclip_lab.models import ModelError
from rsclip_lab.models.weights import sha256_of
from rsclip_lab.search.identity import ModelIdentity
from rsclip_lab.search.inverted_file import KINDS, InvertedFile, faiss_or_none

INDEX, FORMAT = "index.json", "rsclip-lab search index 1"
HEAD = json.dumps({"format": FORMAT}, indent=2).removesuffix("\n}")  # what an index.json of ours begins with
LOADED_FROM = "loaded_from"  # in index.json, where that is known: the name or place that load_model was given
SUFFIXES = {"vectors": ".npy", "images": ".json", "neighbours": ".faiss"}
DATA = re.compile(r"(?P<kind>vectors|images|neighbours)-[0-9a-f]{16}\.[a-z]+")
REMEDY = "build the index again (SearchIndex.build with the same folder), or take a copy of it"


class SearchIndexError(ValueError):
    """A folder that holds no whole index; the message names the file, the cause and the remedy."""


def data_name(kind: str, digest: str) -> str:
    return f"{kind}-{digest[:16]}{SUFFIXES[kind]}"


def is_index(path: str | Path) -> bool:
    """Whether there is a saved index in the folder, whole or not: its index.json may be empty or cut short."""
    try:
        text = (Path(path).expanduser() / INDEX).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    try:
        return json.loads(text).get("format") == FORMAT
    except (ValueError, RecursionError):
        return text.startswith(HEAD) or HEAD.startswith(text)
    except AttributeError:
        return False


def require_place(path: str | Path) -> Path:
    """The folder that is named, once an index may be written into it.

    Raises NotADirectoryError for a file's path, SearchIndexError where another program's index.json stands.
    """
    folder = named_folder(path)
    if folder.is_file():
        raise NotADirectoryError(f"{folder}: is a file, and an index is a folder; name another one")
    if (folder / INDEX).exists() and not is_index(folder):
        raise SearchIndexError(f"{folder / INDEX} is no search index and stands in the way: name another folder")
    return folder


def words_or_none(folder: Path) -> dict | None:
    """What index.json says; None where there is none, or a damaged one, which may be written over."""
    try:
        return read_words(folder)
    except SearchIndexError:
        return None


def read_words(folder: Path) -> dict:
    """What index.json says; SearchIndexError where there is none, or one that `write_index` cannot have written."""
    path = folder / INDEX
    if not path.is_file():
        raise SearchIndexError(f"no search index in {folder}: no {INDEX}; give a folder that save() wrote")
    words = _read_json(path)
    if not isinstance(words, dict) or words.get("format") != FORMAT or not isinstance(words.get("files"), dict):
        raise SearchIndexError(f"{path} is not of a search index of this version: {REMEDY}")
    files = words["files"]
    good = {"vectors", "images"} <= {*files} <= {*SUFFIXES} and all(map(_is_record, files, files.values()))
    if not good or not _is_count(words.get("count")):
        raise SearchIndexError(f"{path} does not name the files of its index: {REMEDY}")
    if "neighbours" in files and not (_is_count(words.get("lists_read")) and _is_recall(words.get("recall"))):
        raise SearchIndexError(f"{path} does not say how its neighbours are found (lists_read, recall): {REMEDY}")
    if not isinstance(words.get(LOADED_FROM, ""), str):
        raise SearchIndexError(f"{path} does not say where its model lies ({LOADED_FROM}): {REMEDY}")
    try:
        ModelIdentity.from_dict(words.get("model"))
    except ModelError as error:
        raise SearchIndexError(f"{path}: {error}") from None
    return words


def _is_count(value) -> bool:
    return type(value) is int and value >= 1


def _is_recall(value) -> bool:
    shares = value.values() if isinstance(value, dict) and {*value} == {*KINDS} else [None]
    return all(type(share) in (int, float) and 0 <= share <= 1 for share in shares)


def _is_record(kind: str, record) -> bool:
    if not isinstance(record, dict) or not all(isinstance(record.get(key), str) for key in ("name", "sha256")):
        return False
    return record["name"] == data_name(kind, record["sha256"]) and bool(DATA.fullmatch(record["name"]))


def read_data(folder: Path, words: dict, dim: int) -> tuple[np.ndarray, dict]:
    """The vectors, mapped from their file, and what is in the file of images, once the hashes of all are right."""
    for _ in in_threads(lambda record: _check(folder, record), words["files"].values()):
        pass
    path = folder / words["files"]["vectors"]["name"]
    try:
        vectors = np.lib.format.open_memmap(path, mode="r").view(np.ndarray)
    except (ValueError, OSError, EOFError, ArithmeticError, TypeError) as error:
        raise SearchIndexError(f"{path} holds no vectors ({error}): {REMEDY}") from None
    if vectors.dtype != np.float32 or vectors.shape != (words["count"], dim):
        raise SearchIndexError(f"{path} does not hold {words['count']} vectors of {dim}: {REMEDY}")
    return vectors, _read_images(folder / words["files"]["images"]["name"], len(vectors))


def _read_images(path: Path, count: int) -> dict:
    images = _read_json(path)
    lists = [images.get(key) if isinstance(images, dict) else None for key in ("images", "stamps", "unreadable")]
    good = all(isinstance(one, list) for one in lists)
    if not good or not _are_pictures(lists[0], count) or not _are_stamps(lists[1], count):
        raise SearchIndexError(f"{path} does not name the pictures of {count} vectors: {REMEDY}")
    if not all(isinstance(one, list) and [*map(type, one)] == [str, str] for one in lists[2]):
        raise SearchIndexError(f"{path} does not say which pictures were unreadable: {REMEDY}")
    return images


def _are_pictures(paths: list, count: int) -> bool:
    return all(isinstance(path, str) for path in paths) and len({*paths}) == len(paths) == count


def _are_stamps(stamps: list, count: int) -> bool:
    return len(stamps) == count and all(
        isinstance(stamp, list) and [*map(type, stamp)] == [int, int] for stamp in stamps
    )


def read_approximate(folder: Path, words: dict, dim: int) -> InvertedFile | None:
    """The approximate index, where there is one, and faiss to read it."""
    if "neighbours" not in words["files"]:
        return None
    if faiss_or_none() is None:
        warnings.warn(
            "the index was built with faiss, which is not installed: all pictures are compared, which takes longer; "
            'pip install "rsclip-lab[search]"',
            stacklevel=4,
        )
        return None
    path = folder / words["files"]["neighbours"]["name"]
    try:
        return InvertedFile.read(path, words["count"], dim, words["lists_read"], words["recall"])
    except ValueError as error:
        raise SearchIndexError(str(error)) from None


def _check(folder: Path, record: dict) -> None:
    path = folder / record["name"]
    if not path.is_file():
        raise SearchIndexError(f"{path} is missing: {REMEDY}")
    try:
        digest = sha256_of(path)
    except OSError as error:
        raise SearchIndexError(f"{path} cannot be read ({error.strerror}): {REMEDY}") from None
    if digest != record["sha256"]:
        raise SearchIndexError(f"{path} has been changed since it was saved (its SHA-256 is another): {REMEDY}")


def _read_json(path: Path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SearchIndexError(f"{path} is not readable JSON ({error}): {REMEDY}") from None
