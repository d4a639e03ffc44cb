"""Kinds of arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg
from tyro.constructors import PrimitiveConstructorSpec

MODEL = "a name of `rsclip-lab models`, ViT-B-32:TAG, hf-hub:OWNER/NAME, or the folder of a run or model"


def read_by(read: Callable[[str], object], metavar: str) -> PrimitiveConstructorSpec:
    """What `read` makes of an argument's text; its ValueError is a fault of the command line."""
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=lambda words: read(words[0]),
        is_instance=lambda value: True,
        str_from_instance=lambda value: [str(value)],
    )


def several(read: Callable[[str], object], metavar: str) -> PrimitiveConstructorSpec:
    """One argument or more, as a tuple of what `read` makes of each."""

    def read_all(words: list[str]) -> tuple:
        if not words:
            raise ValueError("name at least one")
        return tuple(map(read, words))

    return PrimitiveConstructorSpec(
        nargs="*",
        metavar=f"{metavar} …",
        instance_from_str=read_all,
        is_instance=lambda value: True,
        str_from_instance=lambda value: [str(one) for one in value],
    )


def optional(metavar: str):
    """An option that may be left out, which its metavar alone then tells."""
    return arg(metavar=metavar, help_behavior_hint="")


def new_file(text: str) -> Path:
    path = Path(text).expanduser()
    if path.exists():
        raise ValueError(f"{path} is there already; name a new file")
    return path


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(f"{number}: must be 1 or more")
    return number


def named_place(text: str) -> tuple[str, str]:
    name, separator, place = text.partition("=")
    if not (name and separator and place):
        raise ValueError(f"{text!r}: write NAME=PLACE, such as rsitmd=my/rsitmd")
    return name, place


Count = Annotated[int, read_by(positive, "N")]
NamedPlace = Annotated[tuple[str, str], read_by(named_place, "NAME=PLACE")]
NewFile = Annotated[Path | None, read_by(new_file, "FILE"), arg(help_behavior_hint="")]
Data = Annotated[Path, arg(metavar="DATA")]
Folder = Annotated[Path, arg(metavar="FOLDER")]
OptionalData = Annotated[Path | None, optional("DATA")]
OptionalFolder = Annotated[Path | None, optional("FOLDER")]
Texts = Annotated[tuple[str, ...], optional("TEXT …")]
Model = Annotated[str, arg(metavar="MODEL", help=MODEL)]
SeveralModels = Annotated[tuple[str, ...], several(str, "MODEL"), arg(help=MODEL, help_behavior_hint="(one or more)")]
Pictures = Annotated[tuple[Path, ...], several(Path, "PICTURE"), arg(help_behavior_hint="(one or more)")]
Device = Annotated[str, arg(metavar="DEVICE", help="auto, cuda, mps or cpu")]


@dataclass(frozen=True, kw_only=True)
class OnCaptions:
    """A command that takes pictures with captions."""

    # pictures with captions in any form that read_captions takes: a folder with caption.csv and images/, one
    # folder a class, a CSV, JSON, JSON lines or parquet file, detection annotations
    data: Positional[Data]
    images: OptionalFolder = None  # the pictures, if not beside the data

    def captions(self):
        """The table of `read_captions`."""
        from rsclip_lab.data import read_captions

        return read_captions(self.data, self.images)


def with_split(captions, seed: int):
    """The table with the splits that it names, or else drawn: the same for training as for evaluation."""
    from rsclip_lab.data import CaptionError, split_by_image

    without = captions["split"].isna()
    if without.all():
        return split_by_image(captions, seed=seed)
    if without.any():
        raise CaptionError(
            f"{without.sum()} of {len(captions)} captions name no split, the others do: fill in train, val or test "
            "everywhere, or nowhere, and the pictures are then divided at random"
        )
    return captions
