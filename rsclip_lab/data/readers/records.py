"""What every reader gives, and how it becomes the table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

from rsclip_lab.data.readers.class_names import class_words
from rsclip_lab.data.readers.image_folder import ImageFolder
from rsclip_lab.data.readers.notes import note
from rsclip_lab.data.table import COLUMNS, CaptionError, split_name
from rsclip_lab.data.wording.prompts import DEFAULT_TEMPLATES

# Names of columns and keys, the likelier first, without spaces and signs; captions may be numbered.
FILE_NAMES = ("filename", "filepath", "file", "imagepath", "imagename", "imagefile", "image", "img", "path", "name")
CAPTION_NAMES = ("caption", "sentence", "raw", "text", "description", "title", "comment")
LABEL_NAMES = ("classname", "labelname", "label", "class", "category")  # "Label" may be a number
NUMBER = re.compile(r"\s*[0-9]+(\.0*)?\s*")


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
    plain = [plain_name(name) for name in names]
    place = {name: position for position, name in reversed(list(enumerate(plain)))}
    captions: tuple[int, ...] = ()
    for wanted in CAPTION_NAMES:
        pattern = re.compile(rf"{wanted}s?[\s_.-]*(\d{{0,3}}|(?<=[\s_.-])(?!id)[a-z]{{2}})")  # caption_2, caption_en
        captions = captions or tuple(n for n, name in enumerate(names) if pattern.fullmatch(name.strip().lower()))
    file, label = (next((place[n] for n in known if n in place), None) for known in (FILE_NAMES, LABEL_NAMES))
    return Fields(file, captions, label, place.get("split"))


def plain_name(name: str) -> str:
    """A name of a column or key in lower case, without spaces and signs."""
    return re.sub(r"[\s_.-]", "", name).lower()


def table_of(
    records: Iterable[Record], folder: ImageFolder, source: Path, templates: Sequence[str] = DEFAULT_TEMPLATES
) -> pd.DataFrame:
    """The table of the records, in their order. Raises CaptionError where there are none.

    Warns where captions are made from labels that are numbers.
    """
    numbered = []
    rows = [
        (folder.path_of(one.file, source, one.where), caption, split and split_name(split), _known(label))
        for one in _watched(records, numbered)
        for split in [_known(one.split)]
        for caption, label in _captions_and_label(one, templates)
    ]
    if not rows:
        raise CaptionError(f"{source}: no captions in it; expected a file name and a caption for each picture")
    if numbered and all(numbered):
        note(f"{source}: the labels are numbers, captions made from them mean nothing; give their names")
    table = pd.DataFrame(rows, columns=["image", "caption", "split", "label"], dtype=object)
    table["image_id"] = pd.factorize(table["image"])[0]
    return table[COLUMNS]


def _known(text: str | None) -> str | None:
    """A split or a label; None for one that is blank."""
    return (text or "").strip() or None


def _watched(records: Iterable[Record], numbered: list[bool]) -> Iterator[Record]:
    """The records; adds to `numbered`, for each without a caption, whether its label is a number."""
    for record in records:
        if record.caption is None:
            numbered.append(bool(NUMBER.fullmatch(record.label)))
        yield record


def _captions_and_label(record: Record, templates: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    if record.caption is not None:
        yield record.caption, record.label
        return
    words = class_words(record.label)
    yield from ((template.replace("{label}", words), words) for template in templates)
