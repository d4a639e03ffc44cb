"""What every reader gives, and how it becomes the table: records, and the folder their pictures lie in."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import pandas as pd

from rsclip_lab.data.prompts import DEFAULT_TEMPLATES
from rsclip_lab.data.readers.class_names import bare_name, class_words
from rsclip_lab.data.table import COLUMNS, CaptionError, split_name

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".jp2"}
# Names of columns and keys, the likelier first, without spaces and signs; captions may be numbered.
FILE_NAMES = ("filename", "filepath", "file", "imagepath", "imagename", "imagefile", "image", "img", "path", "name")
CAPTION_NAMES = ("caption", "sentence", "raw", "text", "description", "title")
LABEL_NAMES = ("classname", "labelname", "label", "class", "category")  # "Label" may be a number
PLAIN = re.compile(r"(?!\.\.?$)[^/\\:\0]+")  # a file name that can only mean a file in the folder itself


@dataclass(frozen=True)
class Record:
    """One caption as a source has it. file: the name written there; where: "line 3", "image 17", for messages.

    caption: None where the source has labels only; the table then gets one row a template.
    """

    file: str
    caption: str | None
    where: str
    split: str | None = None
    label: str | None = None


@dataclass(frozen=True)
class Fields:
    """Positions, among the names of columns or keys, of what a caption needs; None or empty where there is none."""

    file: int | None
    captions: tuple[int, ...]
    label: int | None
    split: int | None


@lru_cache(maxsize=256)
def named_fields(names: tuple[str, ...]) -> Fields:
    """The fields that can be told by their names: `filename`, `caption` or `caption_1` to `caption_5`, `label`…"""
    plain = [re.sub(r"[\s_.-]", "", name).lower() for name in names]
    place = {name: position for position, name in reversed(list(enumerate(plain)))}
    captions: tuple[int, ...] = ()
    for wanted in CAPTION_NAMES:
        pattern = re.compile(rf"{wanted}s?\d{{0,3}}")
        captions = captions or tuple(n for n, name in enumerate(plain) if pattern.fullmatch(name))
    file, label = (next((place[n] for n in known if n in place), None) for known in (FILE_NAMES, LABEL_NAMES))
    return Fields(file, captions, label, place.get("split"))


def split_of_file(name: str) -> str | None:
    """The split that a file's own name says: "textaug_train_rsicd.jsonl" gives "train"; None where it says none."""
    words = class_words(os.path.splitext(bare_name(name))[0]).split()
    said = {split_name(word) for word in words} & {"train", "val", "test"}
    return said.pop() if len(said) == 1 else None


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
        """`image_dir` where one is given; else `images/` beside the source file or in the source folder, or the only
        folder there whose name ends in "images" or "imgs"; else that place itself."""
        if image_dir is not None:
            if not Path(image_dir).is_dir():
                raise CaptionError(f"{image_dir}: no such image folder; correct image_dir")
            return cls(image_dir)
        folder = source if source.is_dir() else source.parent
        called = [one for one in sorted(folder.iterdir()) if one.name.lower().endswith(("images", "imgs"))]
        called = [one for one in called if one.is_dir()]
        exact = [one for one in called if one.name == "images"]
        return cls((exact or called)[0] if exact or len(called) == 1 else folder)

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

    def new_path(self, name: str, source: Path, where: str) -> str:
        """Where a picture of this name is to be written, inside the folder; `path_of` gives the same from then on."""
        self._known[name] = self._inside(self._place(name, source, where), name, source, where)
        return self._known[name]

    def _resolved(self, name: str, source: Path, where: str) -> str:
        if PLAIN.fullmatch(name):
            return os.path.join(self.root, name)
        place = self._place(name, source, where)
        if not self._holds(place) or not self.has(place):
            bare = os.path.join(self.root, bare_name(name))
            place = bare if self.has(bare) else place
        return self._inside(place, name, source, where)

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
        """Every picture under the folder, as sorted absolute paths; hidden files and folders are left out."""
        found = []
        for folder, below, names in os.walk(self.root):
            self._entries[folder] = frozenset(below + names)
            below[:] = [name for name in below if not name.startswith((".", "__MACOSX"))]
            found += [
                os.path.join(folder, name)
                for name in names
                if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES and not name.startswith(".")
            ]
        return sorted(found)


def table_of(
    records: Iterable[Record], folder: ImageFolder, source: Path, templates: Sequence[str] = DEFAULT_TEMPLATES
) -> pd.DataFrame:
    """The table of the records, in their order. Raises CaptionError where there are none."""
    rows = [
        (folder.path_of(one.file, source, one.where), caption, one.split and split_name(one.split), label)
        for one in records
        for caption, label in _captions_and_label(one, templates)
    ]
    if not rows:
        raise CaptionError(f"{source}: no captions in it; expected a file name and a caption for each picture")
    table = pd.DataFrame(rows, columns=["image", "caption", "split", "label"], dtype=object)
    table["image_id"] = pd.factorize(table["image"])[0]
    return table[COLUMNS]


def _captions_and_label(record: Record, templates: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    if record.caption is not None:
        yield record.caption, record.label
        return
    words = class_words(record.label)
    yield from ((template.replace("{label}", words), words) for template in templates)
