"""What every reader gives, and how it becomes the table: records, and the folder their pictures lie in."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PureWindowsPath

import pandas as pd

from rsclip_lab.data.table import COLUMNS, CaptionError, split_name

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".jp2"}


@dataclass(frozen=True)
class Record:
    """One caption as a source has it. file: the name written there; where: "line 3", "image 17", for messages."""

    file: str
    caption: str
    where: str
    split: str | None = None
    label: str | None = None


class ImageFolder:
    """The folder that file names of a source mean; each of its folders is listed once, never each file asked for.

    On a mounted drive a question a file would take minutes for a large set.
    """

    def __init__(self, root: str | Path):
        self.root = os.path.abspath(root)
        self._entries: dict[str, frozenset[str]] = {}
        self._known: dict[str, str] = {}

    @classmethod
    def beside(cls, source: Path, image_dir: str | Path | None = None) -> ImageFolder:
        """`image_dir` where one is given; else `images/` beside the source file, else the file's own folder."""
        if image_dir is not None:
            if not Path(image_dir).is_dir():
                raise CaptionError(f"{image_dir}: no such image folder; correct image_dir")
            return cls(image_dir)
        folder = source if source.is_dir() else source.parent
        return cls(folder / "images" if (folder / "images").is_dir() else folder)

    def has(self, path: str) -> bool:
        """Whether there is a file (or folder) at this absolute path."""
        folder, name = os.path.split(path)
        if folder not in self._entries:
            try:
                self._entries[folder] = frozenset(os.listdir(folder))
            except (OSError, ValueError):  # no such folder; a name with a null byte
                self._entries[folder] = frozenset()
        return name in self._entries[folder]

    def path_of(self, name: str, source: Path, where: str) -> str:
        """Where the picture is; file names sometimes carry a folder of the machine they come from.

        A name that leads out of the folder is refused: a table from somebody else could name any file.
        Whether the picture exists is `audit`'s to say.
        """
        if name not in self._known:
            self._known[name] = self._resolved(name, source, where)
        return self._known[name]

    def _resolved(self, name: str, source: Path, where: str) -> str:
        if not name or "\0" in name:
            raise CaptionError(f"{source}, {where}: no file name ({name!r}); fill it in or remove the row")
        place = os.path.abspath(os.path.join(self.root, name))
        if not self._inside(place) or not self.has(place):
            bare = os.path.join(self.root, PureWindowsPath(name).name)
            place = bare if self.has(bare) else place
        if not self._inside(place):
            raise CaptionError(
                f"{source}, {where}: {name!r} leads out of the image folder {self.root}; "
                "name files inside it, or give their folder as image_dir"
            )
        return place

    def _inside(self, place: str) -> bool:
        return place.startswith(self.root.rstrip(os.sep) + os.sep)

    @cached_property
    def pictures(self) -> list[str]:
        """Every picture under the folder, as sorted absolute paths."""
        found = []
        for folder, _, names in os.walk(self.root):
            found += [os.path.join(folder, name) for name in names if Path(name).suffix.lower() in IMAGE_SUFFIXES]
        return sorted(found)


def table_of(records: Iterable[Record], folder: ImageFolder, source: Path) -> pd.DataFrame:
    """The table of the records, in their order. Raises CaptionError where there are none."""
    rows = [
        (folder.path_of(one.file, source, one.where), one.caption, one.split and split_name(one.split), one.label)
        for one in records
    ]
    if not rows:
        raise CaptionError(f"{source}: no captions in it; expected a file name and a caption for each picture")
    table = pd.DataFrame(rows, columns=["image", "caption", "split", "label"], dtype=object)
    table["image_id"] = pd.factorize(table["image"])[0]
    return table[COLUMNS]
