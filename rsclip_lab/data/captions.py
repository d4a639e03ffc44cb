"""Captions become one table: `image`, `caption`, `image_id`, `split`, `label`, one row a caption."""

import csv
import io
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd

COLUMNS = ["image", "caption", "image_id", "split", "label"]
FILE_NAMES = ("filename", "file_name", "file", "filepath", "image", "image_path", "path")
CAPTION_NAMES = ("caption", "captions", "text", "title", "sentence")
SPLIT_NAMES = {"training": "train", "valid": "val", "validation": "val", "dev": "val", "testing": "test"}
IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".jp2"}
# A Chinese character in GB18030 is two bytes, the second nearly always above 0xA0. In western single-byte text a
# lone high byte is followed by a plain letter; GB18030 would swallow both as one (wrong) character.
CHINESE_PAIR, WESTERN_PAIR = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]"), re.compile(rb"[\x80-\xfe][\x00-\x7f]")


class CaptionError(ValueError):
    """A caption file or table that cannot be used; the message names file, row, cause and remedy."""


def read_captions(
    source: str | Path, image_dir: str | Path | None = None, split: str | None = None
) -> pd.DataFrame:
    """The captions of a CSV file as a table, one row a caption.

    source: a CSV (or .tsv) file, or a folder with `caption.csv` and `images/`. The first column is the file
    name and the second the caption, as in the tutorial; columns named `filename`, `caption`, `label`, `split`
    are found in any position; a file without a header line is read by position.
    image_dir: where the pictures are; by default `images/` beside the file, else the file's folder.
    split: keep only this one ("train", "val" or "test").

    Gives `image` (absolute path), `caption`, `image_id` (one number a distinct picture, the same whichever
    split is read), `split` and `label` (None where unknown). Whether the pictures exist and open is `audit`'s
    to say.
    Raises CaptionError for a missing file or folder, an empty table, a missing column, a malformed row.
    """
    path = _caption_file(Path(source))
    folder = _image_folder(path, image_dir)
    header, rows = _header_and_rows(path, folder)
    columns = _find_columns(header, path)
    table = pd.DataFrame([_record(row, line, columns, len(header), path) for line, row in rows])
    if table.empty:
        raise CaptionError(f"{path}: no captions in it; expected rows of file name, caption")
    lines = [line for line, _ in rows]
    names = zip(table.pop("file"), lines, strict=True)
    table["image"] = [_image_path(name, folder, path, line) for name, line in names]
    table["image_id"] = pd.factorize(table["image"])[0]
    for name in ("split", "label"):  # plain strings and None, whichever way this pandas would store them
        table[name] = pd.Series(table[name].astype(object).where(table[name].notna(), None), dtype=object)
    return select_split(table[COLUMNS], split, source=str(path))


def select_split(captions: pd.DataFrame, split: str | None, source: str = "captions") -> pd.DataFrame:
    """The rows of one split, numbered from 0; all for None. Raises CaptionError where there are none."""
    if split is None:
        return captions.reset_index(drop=True)
    chosen = captions[captions["split"] == split_name(split)]
    if chosen.empty:
        there = ", ".join(sorted(captions["split"].dropna().unique())) or "none named; see split_by_image"
        raise CaptionError(f"{source}: no rows of split {split!r}; splits there: {there}")
    return chosen.reset_index(drop=True)


def distinct_images(captions: pd.DataFrame) -> pd.DataFrame:
    """One row a picture: `image`, `image_id`, `split`, `label`, in the order of first appearance."""
    pictures = captions[["image", "image_id", "split", "label"]]
    # By path: tables put together count their image_id from 0 each.
    return pictures.drop_duplicates("image").reset_index(drop=True)


def split_by_image(
    captions: pd.DataFrame, validation: float = 0.1, test: float = 0.2, seed: int = 0
) -> pd.DataFrame:
    """The table with `split` drawn anew: one for all captions of a picture, in the same shares in each label.

    Splitting caption rows instead would put one picture's captions on both sides. The same seed gives the
    same split.
    """
    if validation < 0 or test < 0 or validation + test >= 1:
        raise CaptionError(
            f"validation={validation} and test={test} leave nothing to train on; make them smaller"
        )
    pictures = distinct_images(captions)
    split = pd.Series("train", index=pictures.index, dtype=object)
    random = np.random.default_rng(seed)
    for _, group in pictures.groupby("label", dropna=False, sort=True):
        order = random.permutation(group.index.to_numpy())
        to_test, to_validation = round(len(order) * test), round(len(order) * validation)
        split[order[:to_test]] = "test"
        split[order[to_test : to_test + to_validation]] = "val"
    by_image = dict(zip(pictures["image"], split, strict=True))
    return captions.assign(split=pd.Series([by_image[i] for i in captions["image"]], captions.index, dtype=object))


def split_name(name: str) -> str:
    """ "train", "val" or "test" for the usual ways to write them; any other name in lower case."""
    name = name.strip().lower()
    return SPLIT_NAMES.get(name, name)


def _caption_file(source: Path) -> Path:
    path = source / "caption.csv" if source.is_dir() else source
    if path.is_file():
        return path
    if source.is_dir():
        raise CaptionError(
            f"{source}: no caption.csv in this folder; put one there, or name the CSV file itself"
        )
    raise CaptionError(
        f"{source}: no such file or folder; expected a CSV, or a folder with caption.csv and images/"
    )


def _image_folder(path: Path, image_dir: str | Path | None) -> Path:
    if image_dir is None:
        beside = path.parent / "images"
        return beside if beside.is_dir() else path.parent
    if not Path(image_dir).is_dir():
        raise CaptionError(f"{image_dir}: no such image folder; correct image_dir")
    return Path(image_dir)


def _header_and_rows(path: Path, folder: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header's cells (made up where the file has none) and the rows with their line numbers."""
    reader = csv.reader(
        io.StringIO(_text(path), newline=""),
        strict=True,
        delimiter="\t" if path.suffix.lower() == ".tsv" else ",",
    )
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise CaptionError(
            f"{path}, line {reader.line_num}: {error}; "
            "put captions with commas or quotes in double quotes, and double the quotes inside"
        ) from error
    if not rows:
        raise CaptionError(f"{path}: the file is empty; expected rows of file name, caption")
    first = [cell.strip() for cell in rows[0][1]]
    _require_separator(path, rows, reader.dialect.delimiter)
    if Path(first[0]).suffix.lower() in IMAGE_SUFFIXES or (first[0] and (folder / first[0]).is_file()):
        return ["filename", "caption", *(f"column {n}" for n in range(3, len(first) + 1))][: len(first)], rows
    return first, rows[1:]


def _require_separator(path: Path, rows: list[tuple[int, list[str]]], delimiter: str) -> None:
    """Refuse a file whose first cells all hold another separator: reading it would give wrong names and captions."""
    for other in {";", "\t", ","} - {delimiter}:
        if all(other in row[0] for _, row in rows[:20]):
            name = {"\t": "tabs", ";": "semicolons", ",": "commas"}[other]
            raise CaptionError(
                f"{path}, line {rows[0][0]}: the cells seem to be separated by {name}; "
                "save it with commas (.csv) or tabs (.tsv) between them"
            )


def _text(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("gb18030")  # spreadsheets exported in Chinese locales
    except UnicodeDecodeError:
        text = None
    if text is None or len(WESTERN_PAIR.findall(CHINESE_PAIR.sub(b"", data))) > len(CHINESE_PAIR.findall(data)):
        raise CaptionError(f"{path}: neither UTF-8 nor GB18030 text; save it as UTF-8")
    return text


def _find_columns(header: list[str], path: Path) -> dict[str, int]:
    """The position of `file`, `caption`, and where there are such columns of `label` and `split`."""
    names = [cell.lower() for cell in header]
    position = {name: names.index(name) for name in ("label", "split") if name in names}
    file = next((names.index(name) for name in FILE_NAMES if name in names), None)
    caption = next((names.index(name) for name in CAPTION_NAMES if name in names), None)
    if file is None and caption is None and len(names) > 1 and not {0, 1} & set(position.values()):
        file, caption = 0, 1  # a header in other words: the tutorial's order
    if file is None and caption != 0 and 0 not in position.values():
        file = 0
    for what, found, name in (("file names", file, "filename"), ("captions", caption, "caption")):
        if found is None:
            raise CaptionError(f'{path}, line 1: no column of {what} among {header}; name it "{name}"')
    return {"file": file, "caption": caption, **position}


def _record(
    row: list[str], line: int, columns: dict[str, int], width: int, path: Path
) -> dict[str, str | None]:
    if len(row) != width:
        raise CaptionError(
            f"{path}, line {line}: {len(row)} cells where {width} are expected; "
            "put captions with commas in double quotes"
        )
    cells = {name: row[column].strip() for name, column in columns.items()}
    if not cells["file"]:
        raise CaptionError(f"{path}, line {line}: no file name; fill it in or remove the row")
    split, label = cells.get("split"), cells.get("label")
    return cells | {"split": split_name(split) if split else None, "label": label or None}


def _image_path(name: str, folder: Path, source: Path, line: int) -> str:
    """Where the picture is; file names sometimes carry a folder of the machine they come from.

    A name that leads out of the image folder is refused: a table from somebody else could name any file.
    """
    path, bare = folder / name, folder / name.replace("\\", "/").rpartition("/")[2]
    place = os.path.abspath(bare if bare.exists() and not path.exists() else path)
    root = os.path.abspath(folder)
    if os.path.commonpath([root, place]) != root:
        raise CaptionError(
            f"{source}, line {line}: {name!r} leads out of the image folder {root}; "
            "name files inside it, or give their folder as image_dir"
        )
    return place
