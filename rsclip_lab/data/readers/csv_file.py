"""CSV and TSV files: file name and captions in any columns, with a header line or without."""

import ast
import csv
import json
import os
import re
from collections.abc import Iterator
from io import StringIO
from itertools import chain, islice
from pathlib import Path

from rsclip_lab.data.readers.class_names import bare_name
from rsclip_lab.data.readers.records import IMAGE_SUFFIXES, Fields, ImageFolder, Record, named_fields
from rsclip_lab.data.readers.text import open_text
from rsclip_lab.data.table import CaptionError

SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons"}
SAMPLE = 100  # rows that show which columns hold what
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # written without spaces: each counts as a word
QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.S)
Row = tuple[int, list[str]]  # the number of the line it begins in, its cells


def read_csv(path: Path, folder: ImageFolder) -> Iterator[Record]:
    """The captions of a CSV or TSV file, separated by commas, tabs or semicolons.

    Columns named `filename`, `caption` (or `caption_1`, `caption_2`…), `label`, `split` are found in any position;
    else file names are told by their ending and captions by their many words. A cell with a list of captions gives
    several. Without a column of captions, they are None and made from the label. Raises CaptionError for what is
    malformed.
    """
    with open_text(path) as file:
        separator = _separator(file, path)
        file.seek(0)
        rows = _rows(csv.reader(file, delimiter=separator, strict=True, skipinitialspace=True), path)
        first = list(islice(rows, SAMPLE))
        if not first:
            raise CaptionError(f"{path}: the file is empty; expected rows of file name, caption")
        header = _header(first, folder, path)
        body = first[1:] if header else first
        names = header or [f"column {number}" for number, _ in enumerate(first[0][1], start=1)]
        fields = _fields(names, [row for _, row in body], folder, f"{path}, line {first[0][0]}")
        for line, row in chain(body, rows):
            yield from _records(row, f"line {line}", len(names), fields, path)


def _separator(file, path: Path) -> str:
    """What stands between the cells: splitting there shows file names or the names of columns, in most rows.

    In doubt it is what the file's suffix says.
    """
    lines = "".join(islice(file, SAMPLE))

    def evidence(separator: str) -> tuple[bool, int, int]:
        try:
            rows = list(filter(any, csv.reader(StringIO(lines, ""), delimiter=separator, skipinitialspace=True)))
        except csv.Error:
            return False, 0, 0
        names = named_fields(tuple(rows[0])) if rows else None
        named = bool(names and len(rows[0]) > 1 and (names.file is not None or names.captions))
        return named, sum(any(map(_names_image, row)) for row in rows), sum(len(row) > 1 for row in rows)

    own = "\t" if path.suffix.lower() == ".tsv" else ","
    return max([own, *(other for other in SEPARATORS if other != own)], key=evidence)


def _rows(reader, path: Path) -> Iterator[Row]:
    """The rows that are not blank. `reader` counts the lines it has read, and a row may be several."""
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise CaptionError(
                f"{path}, line {line}: {error}; "
                "put captions with separators or quotes in double quotes, and double the quotes inside"
            ) from error
        if row is None:
            return
        if any(map(str.strip, row)):
            yield line, row


def _header(first: list[Row], folder: ImageFolder, path: Path) -> list[str] | None:
    """The names of the columns, without blank ones at the end; None where the first row is a caption already."""
    cells = [cell.strip() for cell in first[0][1]]
    if any(map(_names_image, cells)):
        return None
    named = named_fields(tuple(cells))
    if named.file is None and not named.captions:
        if any(_is_picture(cell, folder) for cell in cells):
            return None
        if not any(_is_picture(cell, folder) for _, row in first[1:] for cell in row):
            raise CaptionError(
                f"{path}, line {first[0][0]}: no column of file names among {_short(cells)}; "
                'name the columns "filename" and "caption", or write the names of the pictures with their endings'
            )
    while not cells[-1]:
        cells.pop()
    return cells


def _fields(names: list[str], rows: list[list[str]], folder: ImageFolder, place: str) -> Fields:
    """What each column holds, by its name, else by what most of its cells look like."""
    named = named_fields(tuple(names))
    taken = {*named.captions, named.label, named.split, named.file}
    cells = {
        column: [row[column].strip() for row in rows if len(row) > column]
        for column in range(len(names))
        if column not in taken
    }
    file = named.file if named.file is not None else _of_pictures(cells, folder)
    cells.pop(file, None)
    captions = named.captions or _wordiest(cells, named.label is None)
    for what, missing, name in (
        ("file names", file is None, "filename"),
        ("captions", not captions and named.label is None, "caption"),
    ):
        if missing:
            raise CaptionError(f'{place}: no column of {what} among {_short(names)}; name it "{name}"')
    return Fields(file, captions, named.label, named.split)


def _of_pictures(cells: dict[int, list[str]], folder: ImageFolder) -> int | None:
    """The column that names pictures in at least half its rows, else the first column, as in the tutorial."""
    pictures = {column: sum(_is_picture(cell, folder) for cell in cells[column]) for column in cells}
    best = max(pictures, key=pictures.get, default=None)
    if best is not None and 2 * pictures[best] >= max(len(cells[best]), 1):
        return best
    return 0 if 0 in cells else None


def _wordiest(cells: dict[int, list[str]], alone_suffices: bool) -> tuple[int, ...]:
    """The column with the most words: two a row or more, or it is the only one with any and `alone_suffices`."""

    def words(column: int) -> int:
        texts = (cell for cell in cells[column] if any(map(str.isalpha, cell)))
        return sum(len(text.split()) + len(CJK.findall(text)) for text in texts)

    worded = {column: count for column in cells if (count := words(column))}
    best = max(worded, key=worded.get, default=None)
    enough = best is not None and (worded[best] >= 2 * len(cells[best]) or (alone_suffices and len(worded) == 1))
    return (best,) if enough else ()


def _records(row: list[str], where: str, width: int, fields: Fields, path: Path) -> Iterator[Record]:
    if len(row) < width or any(map(str.strip, row[width:])):
        raise CaptionError(
            f"{path}, {where}: {len(row)} cells where {width} are expected; "
            "put captions with separators in double quotes"
        )
    file = row[fields.file].strip()
    if not file:
        raise CaptionError(f"{path}, {where}: no file name; fill it in or remove the row")
    split = row[fields.split].strip() or None if fields.split is not None else None
    label = row[fields.label].strip() or None if fields.label is not None else None
    if not fields.captions and label is None:
        raise CaptionError(f"{path}, {where}: neither a caption nor a label; fill one in or remove the row")
    texts = [text for column in fields.captions for text in _texts(row[column].strip())]
    filled = [text for text in texts if text] or texts[:1] or [None]  # a blank caption_5 is no caption
    for text in filled:
        yield Record(file, text, where, split, label)


def _texts(cell: str) -> list[str]:
    """The captions in a cell: itself, or the items of a list as JSON, Python or numpy write it."""
    if not (cell.startswith("[") and cell.endswith("]")):
        return [cell]
    try:
        listed = json.loads(cell)
    except (ValueError, RecursionError):
        listed = _literals(cell[1:-1])
    if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
        return [cell]
    return [item.strip() for item in listed] or [""]


def _literals(inside: str) -> list[str] | None:
    """The quoted strings of a list; numpy writes no commas between them, and Python would join those to one."""
    if QUOTED.sub("", inside).strip(", \n\r\t"):
        return None
    try:
        return [ast.literal_eval(text) for text in QUOTED.findall(inside)]
    except (ValueError, SyntaxError):  # a line break in a string, a broken escape
        return None


def _is_picture(cell: str, folder: ImageFolder) -> bool:
    return _names_image(cell) or folder.has(os.path.join(folder.root, bare_name(cell.strip())))


def _names_image(cell: str) -> bool:
    """Whether this looks like the file name of a picture, and of one only."""
    return os.path.splitext(cell.strip())[1].lower() in IMAGE_SUFFIXES and not any(map(cell.__contains__, SEPARATORS))


def _short(names: list[str]) -> str:
    return str([name[:40] for name in names[:12]])
