"""What the page is made from: models by their places, tables, an index on disk; made once, read by every visitor."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from rsclip_lab.checks import AuditReport, audit
from rsclip_lab.data import CaptionError, distinct_images, read_captions, sample, split_by_image
from rsclip_lab.models import Clip, load_model, models
from rsclip_lab.search import SearchIndex
from rsclip_lab.search.identity import model_identity
from rsclip_lab.search.pictures import picture_paths

DRAWN = "the embedded sample, drawn by a program: nothing here is a photograph"
FILE = "prepared.pickle"


@dataclass(frozen=True)
class Prepared:
    """model, base: what `load_model` takes, from any folder. base: shown beside the model, where given.

    pictures: table with `image` (and `label`) to predict and to search; None for the sample's.
    captions, replay, validation: tables to look through and to train with; None where there are no captions.
    report: of `audit`, on the captions. index: folder of the saved search index. home: where `rsclip-lab app` was
    called, for files that are written. source: where the pictures come from, in words.
    """

    model: str
    base: str | None
    device: str
    source: str
    pictures: pd.DataFrame
    captions: pd.DataFrame | None
    replay: pd.DataFrame | None = None
    report: AuditReport | None = None
    index: Path = Path()
    home: Path = Path()

    @property
    def drawn(self) -> bool:
        return self.source == DRAWN

    def part(self, split: str) -> pd.DataFrame | None:
        """The captions of a split; None where it has none."""
        rows = self.captions[self.captions["split"] == split]
        return rows if len(rows) else None

    def write(self, folder: Path) -> None:
        (folder / FILE).write_bytes(pickle.dumps(self))

    @classmethod
    def read(cls, folder: str | Path) -> Prepared:
        """What `write` wrote, in a folder that only this user can write to."""
        return pickle.loads((Path(folder) / FILE).read_bytes())


def prepare(
    model: str,
    base: str | None = None,
    pictures: Path | None = None,
    folder: Path = Path("outputs/app"),
    device: str = "auto",
    tell: Callable[[str], None] = print,
) -> Prepared:
    """Load what must be loadable, look the captions through, embed the pictures.

    pictures: in any form that `read_captions` takes, or a folder of pictures without captions.
    folder: keeps the search index, one a model and place of the pictures; the next time only new and changed
    pictures are embedded.
    Raises ModelError, CaptionError, ImageError as those steps do, before anything is served.
    """
    found = of_sample(model, base, device) if pictures is None else of_folder(model, base, device, pictures)
    clip = load_model(found.model, device)
    if found.base is not None:
        load_model(found.base, device)
    tell(f"Model: {clip.name}. Pictures: {found.source}.")
    if found.captions is not None:
        found = replace(found, report=replace(audit(found.captions, clip), tokenizer=None))
    return replace(found, index=build_index(clip, found, folder), home=Path.cwd())


def build_index(clip: Clip, found: Prepared, folder: Path) -> Path:
    """The folder of the index, built or brought up to date; another page's is not touched."""
    source = hashlib.sha256(found.source.encode(errors="surrogateescape")).hexdigest()
    place = Path(os.path.abspath(folder)) / f"{model_identity(clip).key[:12]}-{source[:12]}"
    SearchIndex.build(clip, found.pictures, folder=place)
    return place


def of_sample(model: str, base: str | None, device: str) -> Prepared:
    coast, land = sample("coast"), sample("land")
    both = pd.concat([table[table["split"] == "test"] for table in (coast, land)], ignore_index=True)
    replay = land[land["split"] == "train"]
    return Prepared(place_of(model), place_of(base), device, DRAWN, distinct_images(both), coast, replay)


def of_folder(model: str, base: str | None, device: str, source: Path) -> Prepared:
    """A data set with captions, or else the pictures alone."""
    source = Path(os.path.abspath(os.path.expanduser(source)))
    try:
        captions = read_captions(source)
    except CaptionError:
        if not source.is_dir():
            raise
        pictures, captions = pd.DataFrame({"image": picture_paths(source)}), None
    else:
        if captions["split"].isna().all():
            captions = split_by_image(captions, seed=0)
        pictures = distinct_images(captions)
    return Prepared(place_of(model), place_of(base), device, str(source), pictures, captions)


def place_of(model: str | None) -> str | None:
    """What `load_model` takes for the same model when it is called in another folder."""
    path = os.path.abspath(os.path.expanduser(model)) if model else ""
    return path if path and os.path.exists(path) and model not in set(models()["name"]) else model
