"""CSV and TSV files: file name and captions in any columns, with a header line or without."""

import csv
import os
import re
from collections.abc import Iterable, Iterator
from itertools import chain, count, islice
from pathlib import Path

from rsclip_lab.data.formats.signatures import IMAGE_SUFFIXES
from rsclip_lab.data.readers.cells import captions_of_cell
from rsclip_lab.data.readers.image_folder import ImageFolder
from rsclip_lab.data.readers.notes import note
from rsclip_lab.data.readers.records import Fields, Record, named_fields, plain_name
from rsclip_lab.data.readers.text import open_captions
from rsclip_lab.data.table import CaptionError, is_split

SEPARATORS = (",", "\t", ";", "|")
UNQUOTED = "\t|"  # files with these seldom quote, so there a cell may begin with a quoted word
QUOTED_WORD = re.compile(r'\s*"(?:[^"]|"")*"(?!")\s*\S')
SENTENCE = re.compile(r"#\d+$")  # Flickr8k's "a.jpg#0", the first caption of a.jpg
SPLIT_NAMES = ("set", "subset", "fold", "partition")  # columns of these names hold splits, or something else
SAMPLE = 100  # rows that show which columns hold what
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # written without spaces: each counts as a word
Row = tuple[int, list[str]]  # the number of the line it begins in, its cells


def read_csv(path: Path, folder: ImageFolder, encoding: str | None = None) -> Iterator[Record]:
    """The captions of a CSV or TSV file, separated by commas, tabs, semicolons or bars.

    Columns named `filename`, `caption` (or `caption_1`, `caption_2`…), `label`, `split` are found in any position;
    else file names are told by their ending and captions by their many words: without a header all such columns
    are captions, with one only the wordiest, and a warning names the others. A cell with a list of captions gives
    several. Without a column of captions, they are None and made from the label. Comments (#) and Excel's `sep=;`
    before the first row are skipped. Raises CaptionError for what is malformed.
    """
    with open_captions(path, encoding) as file:
        skipped, stated, start = _preamble(file)
        separator = stated or _separator(file, path)
        file.seek(start)
        lines = _with_quotes(file, separator) if separator in UNQUOTED else file
        rows = _rows(csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True), path, skipped)
        first = list(islice(rows, SAMPLE))
        if not first:
            raise CaptionError(f"{path}: the file is empty; expected rows of file name, caption")
        header = _header(first, folder, path)
        body = first[1:] if header else first
        names = header or [f"column {number}" for number, _ in enumerate(first[0][1], start=1)]
        fields = _fields(names, [row for _, row in body], folder, f"{path}, line {first[0][0]}", not header)
        for line, row in chain(body, rows):
            yield from _records(row, f"line {line}", names, fields, path)


def _preamble(file) -> tuple[int, str | None, int]:
    """How many comments and `sep=;` lines come first, the separator they state, and where the rows begin."""
    stated = None
    for skipped in count():
        start = file.tell()
        line = file.readline()
        if found := re.fullmatch(r"sep=(.)\s*", line):
            stated = found[1]
        elif not _is_comment(line):
            file.seek(start)
            return skipped, stated, start


def _is_comment(line: str) -> bool:
    cells = re.split(r"[,;|\t]", line)
    return line.startswith("#") and cells[0] != "#" and not any(map(_names_image, cells))


def _with_quotes(lines: Iterable[str], separator: str) -> Iterator[str]:
    """The lines with cells such as `"Dock 5" is empty` put in quotes as a whole."""
    inside = False  # a cell of several lines
    for line in lines:
        if not inside and '"' in line and _breaks_off(line, separator):
            cells = line.rstrip("\r\n").split(separator)
            ending = line[len(line.rstrip("\r\n")) :]
            quoted = ('"' + cell.replace('"', '""') + '"' if QUOTED_WORD.match(cell) else cell for cell in cells)
            line = separator.join(quoted) + ending
        inside ^= line.count('"') % 2 == 1
        yield line


def _breaks_off(line: str, separator: str) -> bool:
    """Whether a quoted cell of the line ends before the next separator."""
    try:
        next(csv.reader([line], delimiter=separator, strict=True, skipinitialspace=True), None)
    except csv.Error as error:
        return "expected after" in str(error)  # not where a cell goes on in the next line
    return False


def _separator(file, path: Path) -> str:
    """What stands between the cells: splitting there shows file names or the names of columns, in most rows.

    In doubt it is what the file's suffix says.
    """
    lines = list(islice(file, SAMPLE))

    def evidence(separator: str) -> tuple[bool, int, int]:
        try:
            rows = list(filter(any, csv.reader(lines, delimiter=separator, skipinitialspace=True)))
        except csv.Error:
            return False, 0, 0
        names = named_fields(tuple(rows[0])) if rows else None
        named = bool(names and len(rows[0]) > 1 and (names.file is not None or names.captions))
        return named, sum(any(map(_names_image, row)) for row in rows), sum(len(row) > 1 for row in rows)

    own = "\t" if path.suffix.lower() == ".tsv" else ","
    return max([own, *(other for other in SEPARATORS if other != own)], key=evidence)


def _rows(reader, path: Path, skipped: int) -> Iterator[Row]:
    """The rows that are not blank. `reader` counts the lines it has read, and a row may be several."""
    while True:
        line = skipped + reader.line_num + 1
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


def _fields(names: list[str], rows: list[list[str]], folder: ImageFolder, place: str, all_wordy: bool) -> Fields:
    """What each column holds, by its name, else by what most of its cells look like.

    all_wordy: whether every column with many words holds captions, rather than the wordiest.
    """
    named = named_fields(tuple(names))
    split = named.split if named.split is not None else _of_splits(names, rows)
    taken = {*named.captions, named.label, split, named.file}
    cells = {
        column: [row[column].strip() for row in rows if len(row) > column]
        for column in range(len(names))
        if column not in taken
    }
    file = named.file if named.file is not None else _of_pictures(cells, folder)
    cells.pop(file, None)
    wordy = _wordy(cells, named.label is None and not named.captions)
    captions = named.captions or (tuple(sorted(wordy)) if all_wordy else wordy[:1])
    for what, missing, name in (
        ("file names", file is None, "filename"),
        ("captions", not captions and named.label is None, "caption"),
    ):
        if missing:
            raise CaptionError(f'{place}: no column of {what} among {_short(names)}; name it "{name}"')
    if ignored := sorted(set(wordy) - set(captions)):
        note(
            f"{place}: columns not read as captions: {_short([names[column] for column in ignored])}; "
            "name them caption_1, caption_2 and so on if they are"
        )
    return Fields(file, captions, named.label, split)


def _of_splits(names: list[str], rows: list[list[str]]) -> int | None:
    """The column called `set` or the like, if splits are all that is in it."""
    for column, name in enumerate(names):
        values = {row[column].strip() for row in rows if len(row) > column} - {""}
        if plain_name(name) in SPLIT_NAMES and values and all(map(is_split, values)):
            return column
    return None


def _of_pictures(cells: dict[int, list[str]], folder: ImageFolder) -> int | None:
    """The column that names pictures in at least half its rows, else the first column, as in the tutorial."""
    pictures = {column: sum(_is_picture(cell, folder) for cell in cells[column]) for column in cells}
    endings = {column: sum(map(_names_image, cells[column])) for column in cells}
    best = max(pictures, key=lambda column: pictures[column] + endings[column], default=None)
    if best is not None and 2 * pictures[best] >= max(len(cells[best]), 1):
        return best
    return 0 if 0 in cells else None


def _wordy(cells: dict[int, list[str]], alone_suffices: bool) -> tuple[int, ...]:
    """The columns with two words a filled cell or more, the wordiest first; else the only one with any, if that
    suffices."""

    def words(column: int) -> int:
        texts = (cell for cell in cells[column] if any(map(str.isalpha, cell)))
        return sum(len(text.split()) + len(CJK.findall(text)) for text in texts)

    worded = {column: number for column in cells if (number := words(column))}
    order = sorted(worded, key=worded.get, reverse=True)
    enough = tuple(column for column in order if worded[column] >= 2 * sum(map(bool, cells[column])))
    return enough or (tuple(order) if alone_suffices and len(order) == 1 else ())


def _require_width(row: list[str], where: str, names: list[str], fields: Fields, path: Path) -> None:
    place = f"{path}, {where}: {len(row)} cells where {len(names)} are expected"
    if any(map(str.strip, row[len(names) :])):
        raise CaptionError(f"{place}; put captions with separators in double quotes")
    if len(row) < len(names):
        of = f" for {row[fields.file].strip()[:200]!r}" if fields.file < len(row) else ""
        raise CaptionError(f"{place}: no {_short(names[len(row) :])}{of}; fill in what is missing or remove the row")


def _records(row: list[str], where: str, names: list[str], fields: Fields, path: Path) -> Iterator[Record]:
    _require_width(row, where, names, fields, path)
    file = SENTENCE.sub("", row[fields.file].strip())
    if not file:
        raise CaptionError(f"{path}, {where}: no file name; fill it in or remove the row")
    split = row[fields.split].strip() or None if fields.split is not None else None
    label = row[fields.label].strip() or None if fields.label is not None else None
    if not fields.captions and label is None:
        raise CaptionError(f"{path}, {where}: neither a caption nor a label; fill one in or remove the row")
    texts = [text for column in fields.captions for text in captions_of_cell(row[column].strip())]
    filled = [text for text in texts if text] or texts[:1] or [None]  # a blank caption_5 is no caption
    for text in filled:
        yield Record(file, text, where, split, label)


def _is_picture(cell: str, folder: ImageFolder) -> bool:
    return _names_image(cell) or folder.find(cell.strip()) is not None


def _names_image(cell: str) -> bool:
    """Whether this looks like the file name of a picture, and of one only."""
    suffix = os.path.splitext(SENTENCE.sub("", cell.strip()))[1].lower()
    return suffix in IMAGE_SUFFIXES and not any(map(cell.__contains__, SEPARATORS))


def _short(names: list[str]) -> str:
    return str([name[:40] for name in names[:12]])
