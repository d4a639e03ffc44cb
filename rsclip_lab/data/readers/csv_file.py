"""CSV and TSV files: file name and caption in any columns, with a header line or without."""

import csv
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

from rsclip_lab.data.readers.records import IMAGE_SUFFIXES, ImageFolder, Record
from rsclip_lab.data.table import CaptionError

FILE_NAMES = ("filename", "file_name", "file", "filepath", "image", "image_path", "path")
CAPTION_NAMES = ("caption", "captions", "text", "title", "sentence")
# A Chinese character in GB18030 is two bytes, the second nearly always above 0xA0. In western single-byte text a
# lone high byte is followed by a plain letter; GB18030 would swallow both as one (wrong) character.
CHINESE_PAIR, WESTERN_PAIR = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]"), re.compile(rb"[\x80-\xfe][\x00-\x7f]")


def read_csv(path: Path, folder: ImageFolder) -> Iterator[Record]:
    """The rows of a CSV or TSV file; the first column is the file name and the second the caption, unless columns
    named `filename`, `caption`, `label`, `split` say otherwise. Raises CaptionError for what is malformed."""
    header, rows = _header_and_rows(path, folder)
    columns = _find_columns(header, path)
    for line, row in rows:
        yield _record(row, line, columns, len(header), path)


def _header_and_rows(path: Path, folder: ImageFolder) -> tuple[list[str], list[tuple[int, list[str]]]]:
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
    named = first[0] and folder.has(os.path.join(folder.root, first[0]))
    if named or Path(first[0]).suffix.lower() in IMAGE_SUFFIXES:
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


def _record(row: list[str], line: int, columns: dict[str, int], width: int, path: Path) -> Record:
    where = f"line {line}"
    if len(row) != width:
        raise CaptionError(
            f"{path}, {where}: {len(row)} cells where {width} are expected; put captions with commas in double quotes"
        )
    cells = {name: row[column].strip() for name, column in columns.items()}
    if not cells["file"]:
        raise CaptionError(f"{path}, {where}: no file name; fill it in or remove the row")
    return Record(cells["file"], cells["caption"], where, cells.get("split") or None, cells.get("label") or None)
