"""Files that are missing, cannot be read, or are not what their name says."""

from __future__ import annotations

import difflib
import functools
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from rsclip_lab.checks.kinds import Problem, quoted
from rsclip_lab.checks.pictures import Picture
from rsclip_lab.data.signatures import SUFFIXES

MAX_NAMES, MAX_SEARCHES = 5000, 50  # of a folder; comparing every letter of more would take minutes

DIGITS = re.compile(r"\d+")  # ship_12.jpg is not ship_13.jpg with a slip of the pen
ALL_SUFFIXES = {suffix for suffixes in SUFFIXES.values() for suffix in suffixes}


def file_problems(pictures: Sequence[Picture]) -> Iterator[Problem]:
    folders = functools.cache(_Names)
    for picture in pictures:
        if picture.error is None:
            continue
        if os.path.exists(picture.path):
            yield Problem("unreadable_picture", picture.row, picture.path, *_cause_and_remedy(picture))
        else:
            folder = folders(os.path.dirname(picture.path))
            yield Problem("missing_file", picture.row, picture.path, folder.said_of(picture.name))


def _cause_and_remedy(picture: Picture) -> tuple[str, str | None]:
    """The parts of "file: cause; remedy", without the path."""
    said = picture.error.replace(picture.path, picture.name).removeprefix(picture.name).lstrip(":, ")
    cause, _, remedy = said.partition("; ")
    return cause, remedy or None


class _Names:
    """The names in one folder, to find what a missing one may have meant."""

    def __init__(self, folder: str):
        self.folder = Path(folder).name
        try:
            self.names = sorted(os.listdir(folder))
        except (OSError, ValueError):  # no such folder; a name with a null byte
            self.names = None
        stems = {Path(name).stem.casefold(): name for name in self.names or ()}
        self.searches = MAX_SEARCHES
        self.by_spelling = stems | {name.casefold(): name for name in self.names or ()}

    def said_of(self, missing: str) -> str:
        if self.names is None:
            return f"the folder {quoted(self.folder)} does not exist"
        nearest = self._nearest(missing)
        return f"no such file; there is {quoted(nearest)}" if nearest else "no such file, nor one of a similar name"

    def _nearest(self, missing: str) -> str | None:
        """The name that differs in its capitals only, or in its suffix, or else in a letter or two."""
        for spelling in (missing.casefold(), Path(missing).stem.casefold()):
            if spelling in self.by_spelling:
                return self.by_spelling[spelling]
        self.searches -= 1
        if self.searches < 0 or len(self.names) > MAX_NAMES:
            return None
        numbered_alike = [name for name in self.names if DIGITS.findall(name) == DIGITS.findall(missing)]
        return next(iter(difflib.get_close_matches(missing, numbered_alike, 1, 0.85)), None)


def suffix_problems(pictures: Sequence[Picture]) -> Iterator[Problem]:
    """pictures: readable ones."""
    for picture in pictures:
        suffix, format = Path(picture.path).suffix.lower(), picture.look.stored.format
        if suffix in ALL_SUFFIXES and suffix not in SUFFIXES[format]:
            yield Problem("wrong_suffix", picture.row, picture.path, f"named {suffix}, but its content is {format}")
