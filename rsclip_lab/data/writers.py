"""Tables of captions as files that `read_captions` reads back: CSV, and JSON lines with a picture a line."""

import csv
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pandas as pd

from rsclip_lab.data.readers.records import ImageFolder
from rsclip_lab.data.table import CaptionError


def write_csv(captions: pd.DataFrame, path: str | Path, image_dir: str | Path | None = None) -> str:
    """Write the columns filename, caption, label, split, a row a caption (tabs between them in a .tsv file).

    image_dir: the folder that the file names start from. By default the one in which `read_captions` would look
    for the pictures of a file at `path`, or, where they lie elsewhere, the deepest folder that holds them all.
    Gives that folder: what to pass to `read_captions` as image_dir. The file is there as a whole or not at all.
    Raises CaptionError for an empty table or a picture outside image_dir.
    """
    path = Path(path)
    root, names = _names(captions, path, image_dir)
    columns = [names, *(captions[name] for name in ("caption", "label", "split"))]
    with _replacing(path) as file:
        writer = csv.writer(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", lineterminator="\n")
        writer.writerow(["filename", "caption", "label", "split"])
        writer.writerows(["" if pd.isna(cell) else cell for cell in row] for row in zip(*columns, strict=True))
    return root


def write_json_lines(captions: pd.DataFrame, path: str | Path, image_dir: str | Path | None = None) -> str:
    """Write one line a picture: {"filename": …, "captions": […], "split": …, "label": …}, the last two where known.

    Captions without text are left out. image_dir, the folder given back and the errors are as in `write_csv`.
    """
    path = Path(path)
    root, names = _names(captions, path, image_dir)
    lines: dict[tuple, list[str]] = {}
    for name, caption, split, label in zip(
        names, captions["caption"], captions["split"], captions["label"], strict=True
    ):
        if isinstance(caption, str) and caption.strip():
            known = {"split": split, "label": label}
            about = tuple((key, value) for key, value in known.items() if not pd.isna(value))
            lines.setdefault((name, about), []).append(caption)
    with _replacing(path) as file:
        for (name, about), said in lines.items():
            file.write(json.dumps({"filename": name, "captions": said, **dict(about)}, ensure_ascii=False) + "\n")
    return root


def _names(captions: pd.DataFrame, path: Path, image_dir: str | Path | None) -> tuple[str, list[str]]:
    """The folder that the file names start from, and the names with forward slashes, one a row."""
    images = captions["image"].tolist()
    if not images:
        raise CaptionError(f"{path}: the table to write is empty; check the split it was made from")
    path.parent.mkdir(parents=True, exist_ok=True)
    root = ImageFolder.beside(path, image_dir).root
    outside = next((image for image in images if not image.startswith(_prefix(root))), None)
    if outside is not None and image_dir is not None:
        raise CaptionError(f"{outside}: not in the image folder {root}; name a folder that holds every picture")
    if outside is not None:
        root = os.path.commonpath([os.path.dirname(image) for image in set(images)])
    return root, [image[len(_prefix(root)) :].replace(os.sep, "/") for image in images]


def _prefix(folder: str) -> str:
    return folder.rstrip(os.sep) + os.sep


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """A file to write that takes the place of `path` when the block ends well, and leaves nothing otherwise."""
    part = path.with_name(f".{path.name}-{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
