"""The folder that pictures lie in: its files found by the names that sources have for them."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NoReturn

from rsclip_lab.data.formats.signatures import IMAGE_SUFFIXES
from rsclip_lab.data.readers.class_names import bare_name, class_words
from rsclip_lab.data.readers.file_names import ABSOLUTE, Lookalikes, may_be_one, tails_of
from rsclip_lab.data.table import CaptionError, is_split, split_name

PLAIN = re.compile(r"(?!\.\.?$)[^/\\:\0]+")  # a file name that can only mean a file in the folder itself


def split_of_file(name: str) -> str | None:
    """The split that a file's own name says: "textaug_train_rsicd.jsonl" gives "train"; None where it says none."""
    words = class_words(os.path.splitext(bare_name(name))[0]).split()
    said = {split_name(word) for word in words if is_split(word)}
    return said.pop() if len(said) == 1 else None


def split_of_path(path: str) -> str | None:
    """The split that one of the path's folders is named after: "val" for `images/val2017/a.jpg`."""
    return next((split for part in Path(path).parts[:-1] if (split := split_of_file(part))), None)


def refuse_unlistable(error: OSError) -> NoReturn:
    """Raise CaptionError for a folder that cannot be listed: what is in it must not be missed in silence."""
    cause = error.strerror or error
    raise CaptionError(f"{error.filename}: cannot be listed ({cause}); make it readable, or move it away") from error


class ImageFolder:
    """The folder that file names of a source mean; each of its folders is listed once, never each file asked for.

    On a mounted drive a question a file would take minutes for a large set.
    """

    def __init__(self, root: str | Path):
        self.root = os.path.abspath(root)
        self._entries: dict[str, frozenset[str]] = {}
        self._known: dict[str, str] = {}
        self._lookalikes: dict[str, Lookalikes] = {}
        self._meant: dict[str, str] = {}  # {place: the longest name that was shortened to it}

    @classmethod
    def beside(cls, source: Path, image_dir: str | Path | None = None) -> ImageFolder:
        """`image_dir` where one is given; else `images/` beside the source file (or beside the folder `annotations`
        that it is in) or in the source folder, or the only folder there whose name ends in "images" or "imgs"; else
        that place itself."""
        if image_dir is not None:
            if not Path(image_dir).is_dir():
                raise CaptionError(f"{image_dir}: no such image folder; correct image_dir")
            return cls(image_dir)
        folder = source if source.is_dir() else source.parent
        if folder != source and folder.name.lower() == "annotations":  # COCO's, beside the folders of its pictures
            folder = folder.parent
        try:
            called = [one for one in sorted(folder.iterdir()) if one.name.lower().endswith(("images", "imgs"))]
        except OSError as error:
            refuse_unlistable(error)
        called = [one for one in called if one.is_dir()]
        exact = [one for one in called if one.name == "images"]
        return cls((exact or called)[0] if exact or len(called) == 1 else folder)

    def has(self, path: str) -> bool:
        """Whether there is a file (or folder) at this absolute path."""
        folder, name = os.path.split(path)
        return name in self._listed(folder)

    def _listed(self, folder: str) -> frozenset[str]:
        if folder not in self._entries:
            try:
                self._entries[folder] = frozenset(os.listdir(folder))
            except (OSError, ValueError):  # no such folder; a name with a null byte
                self._entries[folder] = frozenset()
        return self._entries[folder]

    def find(self, name: str) -> str | None:
        """The path of the file in the folder that a name of another machine means; None where there is none.

        That is the longest end of the name that is there: for `C:\\data\\train\\a.jpg` perhaps `train/a.jpg`. Its
        parts may differ from what is there in case, Unicode form and URL escapes, and lack the ending, as long as
        only one entry will do.
        """
        return next((found for tail in tails_of(name) if (found := self._descend(tail))), None)

    def _descend(self, parts: tuple[str, ...]) -> str | None:
        place = self.root
        for part in parts:
            entries = self._listed(place)
            if part not in entries:
                if place not in self._lookalikes:
                    self._lookalikes[place] = Lookalikes(entries)
                part = self._lookalikes[place].only(part)
            if part is None:
                return None
            place = os.path.join(place, part)
        return place

    def below(self, name: str, split: str | None = None) -> str | None:
        """What to call the one picture of this bare name in the folders below, or the one in those of a split, such
        as `train2017`; None where there is none or several."""
        found = self._below.get(name, [])
        found = [one for one in found if split_of_path(one) == split] if len(found) > 1 else found
        return found[0] if len(found) == 1 else None

    @cached_property
    def _below(self) -> dict[str, list[str]]:
        names = defaultdict(list)
        for picture in self.pictures:
            names[os.path.basename(picture)].append(os.path.relpath(picture, self.root))
        return names

    def path_of(self, name: str, source: Path, where: str) -> str:
        """Where the picture is; file names sometimes carry a folder of the machine they come from.

        A name that leads out of the folder is refused: a table from somebody else could name any file.
        Whether the picture exists is `audit`'s to say.
        """
        if name not in self._known:
            self._known[name] = self._resolved(name, source, where)
        return self._known[name]

    def new_path(self, name: str, source: Path, where: str) -> str:
        """Where a picture of this name is to be written, inside the folder; `path_of` gives the same from then on."""
        self._known[name] = self._inside(self._place(name, source, where), name, source, where)
        return self._known[name]

    def _resolved(self, name: str, source: Path, where: str) -> str:
        plain = PLAIN.fullmatch(name)
        if plain and name in self._listed(self.root):
            return os.path.join(self.root, name)
        place = self._place(name, source, where)
        if not plain and self._holds(place) and self.has(place):
            return place
        if found := self.find(name):
            self._require_one(found, name, source, where)
            return found
        if ABSOLUTE.match(name) and ".." not in name and not self.has(place) and (tails := tails_of(name)):
            place = self._place(tails[-1][0], source, where)  # on another machine, and not here: the audit's
        return self._inside(place, name, source, where)

    def _require_one(self, place: str, name: str, source: Path, where: str) -> None:
        """Raise CaptionError where names of different files were shortened to one."""
        other = self._meant.setdefault(place, name)
        if not may_be_one(name, other):
            raise CaptionError(
                f"{source}, {where}: {name[:200]!r} and {other[:200]!r} would both be {place}; "
                "put each picture into the folder, and under the name, that is written there"
            )
        self._meant[place] = max(name, other, key=len)

    def _place(self, name: str, source: Path, where: str) -> str:
        if not name or "\0" in name:
            raise CaptionError(f"{source}, {where}: no file name ({name[:200]!r}); fill it in or remove the row")
        return os.path.abspath(os.path.join(self.root, name))

    def _inside(self, place: str, name: str, source: Path, where: str) -> str:
        if not self._holds(place):
            raise CaptionError(
                f"{source}, {where}: {name[:200]!r} leads out of the image folder {self.root}; "
                "name files inside it, or give their folder as image_dir"
            )
        return place

    def _holds(self, place: str) -> bool:
        return place.startswith(self.root.rstrip(os.sep) + os.sep)

    @cached_property
    def pictures(self) -> list[str]:
        """Every picture under the folder, as sorted absolute paths; hidden files and folders are left out.

        Raises CaptionError for a folder that cannot be listed.
        """
        found = []
        for folder, names in self._folders():
            found += [
                os.path.join(folder, name)
                for name in names
                if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES and not name.startswith(".")
            ]
        return sorted(found)

    def _folders(self) -> Iterator[tuple[str, list[str]]]:
        """The root and the folders in it with their files, and then those that links lead to; none of them twice,
        nor one that holds the root, as links may lead in circles."""
        root = Path(os.path.realpath(self.root))
        seen, starts = set(map(str, root.parents)), [self.root]
        for start in starts:
            for folder, below, names in os.walk(start, onerror=refuse_unlistable):
                self._entries[folder] = frozenset(below + names)
                real = os.path.realpath(folder)
                if real in seen:
                    below.clear()
                    continue
                seen.add(real)
                below[:] = sorted(name for name in below if not name.startswith((".", "__MACOSX")))
                starts += filter(os.path.islink, (os.path.join(folder, name) for name in below))
                yield folder, names
