"""File names as another machine wrote them, and the entry of a folder here that they mean."""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import unquote

from rsclip_lab.data.formats.signatures import IMAGE_SUFFIXES

ABSOLUTE = re.compile(r"[A-Za-z]:[/\\]|[/\\]")


def parts_of(name: str) -> tuple[str, ...]:
    """The folders and the file of a name, whichever system wrote it."""
    return tuple(part for part in re.split(r"[/\\]", name) if part not in ("", "."))


def tails_of(name: str) -> list[tuple[str, ...]]:
    """What a name may mean in another place, the longest first: `data/train/a.jpg` gives itself, `train/a.jpg` and
    `a.jpg`. None of them leads upwards."""
    parts = parts_of(name)
    return [parts[start:] for start in range(len(parts)) if ".." not in parts[start:]]


def may_be_one(name: str, other: str) -> bool:
    """Whether two names can mean one file: one is the other with more folders before it, but for its writing."""
    short, long = sorted(([_key(unquote(part)) for part in parts_of(one)] for one in (name, other)), key=len)
    return long[len(long) - len(short) :] == short


class Lookalikes:
    """The entries of one folder by what is left when case, Unicode form, URL escapes and endings are set aside."""

    def __init__(self, entries: Iterable[str]):
        self._whole, self._stem = defaultdict(list), defaultdict(list)
        for entry in sorted(entries):
            stem, suffix = os.path.splitext(entry)
            self._whole[_key(entry)].append(entry)
            if suffix.lower() in IMAGE_SUFFIXES:
                self._stem[_key(stem)].append(entry)

    def only(self, name: str) -> str | None:
        """The one entry that the name can mean; None for several or none. Only a name without a picture's ending
        can mean a picture by its stem."""
        by_stem = os.path.splitext(name)[1].lower() not in IMAGE_SUFFIXES
        found = self._whole.get(_key(name)) or self._whole.get(_key(unquote(name)))
        found = found or (self._stem.get(_key(name)) if by_stem else None) or []
        return found[0] if len(found) == 1 else None


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
