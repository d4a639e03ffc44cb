"""Which pictures are meant: a list of paths, a table of captions or a folder; and whether a file has changed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from rsclip_lab.data import CaptionError
from rsclip_lab.data.readers.image_folder import ImageFolder

GONE = (0, 0)  # of a file that is not there
Stamp = tuple[int, int]  # bytes and time of the last change in ns: one of them changes when the picture does
Pictures = str | Path | Sequence[str | Path] | pd.DataFrame


def picture_paths(images: Pictures) -> list[str]:
    """Absolute paths in the order given, each once. images: paths, a table with a column `image`, a folder (all
    pictures below it, sorted), or one path.

    Raises CaptionError for an empty collection, a folder or table without pictures, FileNotFoundError for a single
    path where nothing is, TypeError for what has no path.
    """
    if isinstance(images, (str, os.PathLike)):
        return _of_path(absolute(images))
    if isinstance(images, pd.DataFrame):
        if "image" not in images:
            raise CaptionError("the table has no column 'image'; make it with read_captions")
        images = images["image"].tolist()
    try:
        paths = list(images)
    except TypeError:
        raise TypeError(f"{_kind(images)} is no collection of pictures: give paths, a table or a folder") from None
    for row, path in enumerate(paths):
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"picture {row} is {_kind(path)}, not a path; an index finds pictures by their files")
    if not paths:
        raise CaptionError("no pictures: the collection is empty; give paths, a table of captions or a folder")
    return list(dict.fromkeys(map(absolute, paths)))


def absolute(path: str | os.PathLike) -> str:
    """With ~ for the home."""
    return os.path.abspath(os.path.expanduser(path))


def _of_path(path: str) -> list[str]:
    if os.path.isdir(path):
        if not (found := ImageFolder(path).pictures):
            raise CaptionError(f"{path}: no pictures in this folder or below it; name another one")
        return found
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path}: no such folder or picture; correct the path")
    return [path]


def stamp_of(path: str) -> Stamp:
    """GONE where there is no such file."""
    try:
        facts = os.stat(path)
        return facts.st_size, facts.st_mtime_ns
    except (OSError, ValueError):
        return GONE


def is_utf8(path: str) -> bool:
    """Whether it can be written as such; what a disk calls its files need not be."""
    try:
        return bool(path.encode())
    except UnicodeEncodeError:
        return False


def _kind(value) -> str:
    return f"a {type(value).__name__}"
