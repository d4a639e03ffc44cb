"""The pictures that a panel offers: the drawn sample's, one's own, or a table's, each with its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rsclip_lab.data import CaptionError, sample
from rsclip_lab.data.images import ImageLike
from rsclip_lab.data.sample import SAMPLES
from rsclip_lab.data.table import text_of
from rsclip_lab.models.inputs import as_list_of_images

ALL = "all"  # the kind that all pictures are of


@dataclass(frozen=True, eq=False)
class Choice:
    """A picture to choose: what it is of, where it came from (a sentence), and words for who cannot see it."""

    image: ImageLike
    kind: str = ""
    origin: str = ""
    alt: str = "the chosen picture"

    @property
    def key(self):
        """By which its vector is kept: a file's path; what is no file is only itself."""
        return str(self.image) if isinstance(self.image, (str, Path)) else self

    @property
    def name(self) -> str:
        """Of its file; empty where it is none."""
        return Path(self.image).name if isinstance(self.image, (str, Path)) else ""


def choices(images=None) -> list[Choice]:
    """What is offered: by default the test pictures of both drawn samples.

    images: paths, PIL pictures or arrays, or a table with `image` and perhaps `label` and `caption`. Raises
    CaptionError for a table without `image`, ValueError where there is no picture.
    """
    if images is None:
        return [choice for name in SAMPLES for choice in _of_sample(name)]
    if isinstance(images, pd.DataFrame):
        found = _of_table(images)
    else:
        found = [given(image) for image in as_list_of_images(images)]
    if not found:
        raise ValueError("no picture to choose from: give images=[…], or leave it out for the drawn sample")
    return found


def given(image: ImageLike, name: str = "") -> Choice:
    """A picture that somebody brings, whose content nobody has described."""
    name = name or Choice(image).name
    said = f"your picture {name}".rstrip()
    return Choice(image, origin=f"{said[0].upper()}{said[1:]}.", alt=f"{said}, not described")


def _of_sample(name: str) -> list[Choice]:
    pictures = sample(name, split="test").drop_duplicates("image")
    origin = f"A drawn picture, no photograph: from the {name} sample, which this project drew, test split."
    return [
        Choice(
            row.image, f"{row.label} ({name})", f"{origin} Its label: {row.label}.", f"drawn picture: {row.caption}"
        )
        for row in pictures.itertuples()
    ]


def _of_table(table: pd.DataFrame) -> list[Choice]:
    if "image" not in table:
        raise CaptionError("the table of pictures has no column image; make it with read_captions")
    columns = [column for column in ("image", "label", "caption") if column in table]
    rows = table[columns].drop_duplicates("image").to_dict("records")
    return [_of_row(number, row) for number, row in enumerate(rows)]


def _of_row(number: int, row: dict) -> Choice:
    label, caption = (text_of(row.get(column), f"row {number}: the {column}") for column in ("label", "caption"))
    plain = given(row["image"])
    said = f" Its label: {label}." if label else ""
    return Choice(row["image"], label or "", plain.origin + said, caption or label or plain.alt)


def kinds(offered: Sequence[Choice]) -> list[tuple[str, str]]:
    """Options (words, kind) to choose among the kinds, all of them first; one where no picture has a kind."""
    found = dict.fromkeys(choice.kind for choice in offered if choice.kind)
    words = f"all {len(offered)} pictures" if len(offered) != 1 else "all: 1 picture"
    return [(words, ALL), *((kind, kind) for kind in found)]


def of_kind(offered: Sequence[Choice], kind: str) -> list[Choice]:
    return [choice for choice in offered if kind in (ALL, choice.kind)]
