"""Files that are missing, cannot be read, or are not what their name says."""

from __future__ import annotations

import functools
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from rsclip_lab.checks.kinds import Problem, counted, quoted
from rsclip_lab.checks.names import FolderNames, folder_of
from rsclip_lab.checks.pictures import Picture
from rsclip_lab.data.formats.signatures import IMAGE_SUFFIXES, SUFFIXES

NEARLY_ALL = 0.9  # when more of a folder's pictures are missing, it is the folder that is wrong


def file_problems(pictures: Sequence[Picture]) -> Iterator[Problem]:
    missing = [picture for picture in pictures if picture.error and not os.path.exists(picture.path)]
    gone = {picture.path for picture in missing}
    for picture in pictures:
        if picture.error and picture.path not in gone:
            yield Problem("unreadable_picture", picture.row, picture.path, *_cause_and_remedy(picture))
    names = functools.cache(FolderNames)
    if _nearly_all(missing, pictures):
        yield _missing_folder(_common_folder(missing), missing, pictures, names)
    else:
        yield from _missing_here_and_there(pictures, gone, names)


def _missing_here_and_there(pictures: Sequence[Picture], gone: set[str], names) -> Iterator[Problem]:
    folders = defaultdict(list)
    for picture in pictures:
        folders[folder_of(picture.path)].append(picture)
    for folder, some in folders.items():
        missing = [picture for picture in some if picture.path in gone]
        if _nearly_all(missing, some):
            yield _missing_folder(folder, missing, some, names)
        else:
            for picture in missing:
                yield Problem("missing_file", picture.row, picture.path, names(folder).said_of(picture.name))


def _nearly_all(missing: Sequence[Picture], pictures: Sequence[Picture]) -> bool:
    return len(missing) > max(1, NEARLY_ALL * len(pictures))


def _common_folder(pictures: Sequence[Picture]) -> str:
    folders = {folder_of(picture.path) for picture in pictures}
    try:
        return os.path.commonpath(folders)
    except ValueError:  # of several drives
        return min(folders)


def _missing_folder(folder: str, missing: Sequence[Picture], pictures: Sequence[Picture], names) -> Problem:
    there, first = len(pictures) - len(missing), missing[0]
    share, verb = (f"only {there:,}", "are") if there > 1 else ("only 1" if there else "none", "is")
    detail = f"{share} of {counted(len(pictures), 'picture')} {verb} in {folder}"
    if not os.path.isdir(folder):
        detail += ": the folder does not exist"
    elif nearest := names(folder_of(first.path)).nearest(first.name):
        detail += f": no {quoted(first.name)}, but there is {quoted(nearest)}"
    return Problem("missing_folder", None, folder, detail)


def _cause_and_remedy(picture: Picture) -> tuple[str, str | None]:
    """The parts of "file: cause; remedy", without the path."""
    said = picture.error.replace(picture.path, picture.name).removeprefix(picture.name).lstrip(":, ")
    cause, _, remedy = said.partition("; ")
    return cause, remedy or None


def suffix_problems(pictures: Sequence[Picture]) -> Iterator[Problem]:
    """pictures: readable ones."""
    for picture in pictures:
        suffix, format = Path(picture.path).suffix.lower(), picture.look.stored.format
        if suffix in IMAGE_SUFFIXES and suffix not in SUFFIXES[format]:
            yield Problem("wrong_suffix", picture.row, picture.path, f"named {suffix}, but its content is {format}")
