"""Tables of captions as files that `read_captions` reads back: CSV, and JSON lines with a picture a line."""

import csv
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pandas as pd

from rsclip_lab.data.readers.image_folder import ImageFolder
from rsclip_lab.data.table import CaptionError, require_columns, text_of

Row = tuple[str, str | None, str | None, str | None]  # name of the file, caption, label, split
NO_TEXT = re.compile("[\0\ud800-\udfff]")


def write_csv(captions: pd.DataFrame, path: str | Path, image_dir: str | Path | None = None) -> str:
    """Write the columns filename, caption, label, split, a row a caption (tabs between them in a .tsv file).

    image_dir: the folder that the file names start from. By default the one in which `read_captions` would look
    for the pictures of a file at `path`, or, where they lie elsewhere, the deepest folder that holds them all.
    Gives that folder: what to pass to `read_captions` as image_dir. The file is there as a whole or not at all.
    Numbers are written as text. Raises CaptionError for an empty table, one without the columns of `read_captions`,
    a cell that is no text or that a file cannot hold, or a picture outside image_dir.
    """
    path = Path(os.path.expanduser(path))
    root, rows = _rows(captions, path, image_dir)
    cells = [(name, _one_caption(caption or ""), label or "", split or "") for name, caption, label, split in rows]
    # Python's writer leaves a lone carriage return unquoted, which would end the row.
    quoting = csv.QUOTE_ALL if any("\r" in cell for row in cells for cell in row) else csv.QUOTE_MINIMAL
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    with _replacing(path) as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n", quoting=quoting)
        writer.writerow(["filename", "caption", "label", "split"])
        writer.writerows(cells)
    return root


def _one_caption(text: str) -> str:
    """The caption, as a list of one where it is in brackets: `read_captions` takes that for a list of captions."""
    stripped = text.strip()
    return json.dumps([text], ensure_ascii=False) if stripped.startswith("[") and stripped.endswith("]") else text


def write_json_lines(captions: pd.DataFrame, path: str | Path, image_dir: str | Path | None = None) -> str:
    """Write one line a picture: {"filename": …, "captions": […], "split": …, "label": …}, the last two where known.

    Captions without text are left out. image_dir, the folder given back and the errors are as in `write_csv`.
    """
    path = Path(os.path.expanduser(path))
    root, rows = _rows(captions, path, image_dir)
    lines: dict[tuple, list[str]] = {}
    for name, caption, label, split in rows:
        if caption and caption.strip():
            about = tuple((key, value) for key, value in {"split": split, "label": label}.items() if value)
            lines.setdefault((name, about), []).append(caption)
    with _replacing(path) as file:
        for (name, about), said in lines.items():
            file.write(json.dumps({"filename": name, "captions": said, **dict(about)}, ensure_ascii=False) + "\n")
    return root


def _rows(captions: pd.DataFrame, path: Path, image_dir: str | Path | None) -> tuple[str, list[Row]]:
    """The folder that the file names start from, and the rows as text, their file names with forward slashes."""
    require_columns(captions, f"{path}: the table to write")
    if captions.empty:
        raise CaptionError(f"{path}: the table to write is empty; check the split it was made from")
    columns = [_texts(captions, name, path) for name in ("image", "caption", "label", "split")]
    if None in columns[0]:
        row = captions.index[columns[0].index(None)]
        raise CaptionError(f"{path}, row {row} of the table to write: no file name; fill it in or remove the row")
    images = [os.path.abspath(image) for image in columns[0]]
    root = _root(images, path, image_dir)
    names = [image[len(_prefix(root)) :].replace(os.sep, "/") for image in images]
    return root, list(zip(names, *columns[1:], strict=True))


def _texts(captions: pd.DataFrame, column: str, path: Path) -> list[str | None]:
    """The cells of a column as text that a file can hold."""
    texts = []
    for row, value in captions[column].items():
        text = text_of(value, f"{path}, row {row} of the table to write: the {column}")
        if text and NO_TEXT.search(text):
            raise CaptionError(
                f"{path}, row {row} of the table to write: the {column} holds a null byte or half a character "
                "(a lone surrogate); correct it or remove the row"
            )
        texts.append(text)
    return texts


def _root(images: list[str], path: Path, image_dir: str | Path | None) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    root = ImageFolder.beside(path, None if image_dir is None else os.path.expanduser(image_dir)).root
    outside = next((image for image in images if not image.startswith(_prefix(root))), None)
    if outside is None:
        return root
    if image_dir is not None:
        raise CaptionError(f"{outside}: not in the image folder {root}; name a folder that holds every picture")
    return os.path.commonpath([os.path.dirname(image) for image in set(images)])


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
