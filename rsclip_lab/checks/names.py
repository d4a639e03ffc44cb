"""What a missing file may have been called."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

from rsclip_lab.checks.kinds import quoted

MAX_NAMES, MAX_SEARCHES = 5000, 50  # of a folder; comparing every letter of more would take minutes
DIGITS = re.compile(r"\d+")  # ship_12.jpg is not ship_13.jpg with a slip of the pen


def folder_of(image: str | Path) -> str:
    """The whole path of the folder a picture lies in, or should."""
    return os.path.dirname(os.path.abspath(image))


class FolderNames:
    """The names in one folder, to find what a missing one may have meant."""

    def __init__(self, folder: str):
        self.folder = folder
        try:
            self.names = sorted(os.listdir(folder))
        except (OSError, ValueError):  # no such folder; a name with a null byte
            self.names = None
        stems = {Path(name).stem.casefold(): name for name in self.names or ()}
        self.searches = MAX_SEARCHES
        self.by_spelling = stems | {name.casefold(): name for name in self.names or ()}

    def said_of(self, missing: str) -> str:
        if self.names is None:
            return f"the folder {quoted(self.folder, 1000)} does not exist"
        nearest = self.nearest(missing)
        return f"no such file; there is {quoted(nearest)}" if nearest else "no such file, nor one of a similar name"

    def nearest(self, missing: str) -> str | None:
        """The name that differs in its capitals only, or in its suffix, or else in a letter or two."""
        for spelling in (missing.casefold(), Path(missing).stem.casefold()):
            if spelling in self.by_spelling:
                return self.by_spelling[spelling]
        self.searches -= 1
        if self.searches < 0 or self.names is None or len(self.names) > MAX_NAMES:
            return None
        numbered_alike = [name for name in self.names if DIGITS.findall(name) == DIGITS.findall(missing)]
        return next(iter(difflib.get_close_matches(missing, numbered_alike, 1, 0.85)), None)
