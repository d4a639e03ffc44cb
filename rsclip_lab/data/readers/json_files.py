"""JSON and JSON lines: the files of RSICD, UCM, Sydney, RSITMD and NWPU captions, and the simpler forms people write.

The first four are in the form of Karpathy & Fei-Fei (2015): `{"images": [{"filename", "split", "sentences": [{"raw",
"tokens"}]}]}`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rsclip_lab.data.formats.signatures import IMAGE_SUFFIXES
from rsclip_lab.data.readers.image_folder import ImageFolder
from rsclip_lab.data.readers.records import Record, named_fields
from rsclip_lab.data.readers.text import SeveralValues, open_captions, parse_json
from rsclip_lab.data.table import CaptionError, is_split

MAX_BYTES = 100_000_000  # one document is parsed whole, into some ten times its size; lines one by one
MAX_LINE = 10_000_000  # characters
LISTS = ("images", "data", "annotations")  # the keys under which a document may keep its entries
KINDS = {type(None): "null", bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}


def read_json(path: Path, folder: ImageFolder, encoding: str | None = None) -> Iterator[Record]:
    """The captions of a JSON file: a list of entries (below "images" or not), an object of file names with their
    captions, or of classes with their entries; or lines, as `read_json_lines` takes them.

    An entry has a file name and one or several captions, under the usual names, perhaps `split` and `label`. Raises
    CaptionError for anything else.
    """
    try:
        with open_captions(path, encoding, MAX_BYTES) as file:
            document = parse_json(file.read(), path, allow_nan=True)
    except SeveralValues:
        yield from read_json_lines(path, folder, encoding)
        return
    for where, entry in _entries(document, path, folder):
        yield from records_of_entry(entry, where, path)


def read_json_lines(path: Path, folder: ImageFolder, encoding: str | None = None) -> Iterator[Record]:
    """The captions of a file with an entry, such as `{"filename": …, "captions": […]}`, in every line."""
    with open_captions(path, encoding) as file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE), ""), start=1):
            where = f"line {number}"
            if len(line) == MAX_LINE:
                raise CaptionError(f"{path}, {where}: longer than {MAX_LINE} characters; write one entry a line")
            if line.strip():
                yield from records_of_entry(parse_json(line.rstrip(), path, number, allow_nan=True), where, path)


def _entries(document: Any, path: Path, folder: ImageFolder) -> Iterator[tuple[str, Any]]:
    """("image 17", its entry) for all entries of a document."""
    if isinstance(document, dict):
        listed = next((document[key] for key in LISTS if isinstance(document.get(key), list)), None)
        entries = listed if listed is not None else list(_of_object(document, path, folder))
    elif isinstance(document, list):
        entries = document
    else:
        raise CaptionError(f"{path}: {_kind(document)} where a list of entries is expected; see read_captions")
    for number, entry in enumerate(entries, start=1):
        yield f"image {number}", entry


def _of_object(document: dict[str, Any], path: Path, folder: ImageFolder) -> Iterator[dict[str, Any]]:
    """The entries of `{file name: captions}`, `{file name: entry}`, `{split: [entries]}` or `{class: [entries]}`
    (NWPU-Captions)."""
    key = "split" if all(map(is_split, document)) else "label"
    pictures = sum(Path(name).suffix.lower() in IMAGE_SUFFIXES for name in document)
    for name, value in document.items():
        if 2 * pictures >= len(document):
            yield {**value, "filename": name} if isinstance(value, dict) else {"filename": name, "captions": value}
        elif isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
            yield from ({key: name, **entry} for entry in value)
        else:
            raise CaptionError(
                f"{path}, key {name[:80]!r}: neither the file name of a picture nor a class with a list of entries; "
                'expected {"images": […]}, a list of entries, or {file name: captions}'
            )


def records_of_entry(entry: Any, where: str, path: Path) -> Iterator[Record]:
    """The captions of `{"filename": …, "captions": […], "split": …, "label": …}`; names and forms may vary."""
    place = f"{path}, {where}"
    if not isinstance(entry, dict):
        raise CaptionError(f'{place}: {_kind(entry)} is no {{"filename": …, "captions": […]}}; correct or remove it')
    fields, values = named_fields(tuple(entry)), list(entry.values())
    keys = str([key[:40] for key in list(entry)[:12]])
    if fields.file is None:
        raise CaptionError(f'{place}: no file name among the keys {keys}; name it "filename"')
    file = _file(entry, values[fields.file], f"{place}: the file name")
    name = f"{place} ({file[:80]})"
    split, label = (
        None if at is None or _is_blank(values[at]) else _text(_number_as_text(values[at]), f"{name}: the {what}")
        for at, what in ((fields.split, "split"), (fields.label, "label"))
    )
    captions = [text for at in fields.captions for text in _texts(values[at], f"{name}: the caption")]
    if not captions:
        if not fields.captions and label is None:
            raise CaptionError(f'{name}: no caption among the keys {keys}; name it "caption" or "captions"')
        captions = [""] if fields.captions else [None]
    for caption in captions:
        yield Record(file, caption, where, "train" if split == "restval" else split, label)  # Karpathy's COCO


def _file(entry: dict[str, Any], value: Any, what: str) -> str:
    """The file name, below the `filepath` that Karpathy's file for COCO gives as a folder beside it."""
    folder = entry.get("filepath")
    if isinstance(folder, str) and "filename" in entry and Path(folder).suffix.lower() not in IMAGE_SUFFIXES:
        return f"{_text(folder, what)}/{_text(value, what)}"
    return _text(value, what)


def _texts(value: Any, what: str) -> list[str]:
    """The captions in a text, in a sentence `{"raw": …, "tokens": […]}`, or in a list of either; none in a null
    or in NaN, as pandas writes an empty cell."""
    items = value if isinstance(value, list) else [value]
    filled = (item for item in items if item == "" or not _is_blank(item))
    return [_sentence(item, what) if isinstance(item, dict) else _text(item, what) for item in filled]


def _sentence(sentence: dict[str, Any], what: str) -> str:
    named, tokens = named_fields(tuple(sentence)).captions, sentence.get("tokens")
    text = _text(list(sentence.values())[named[0]], what) if named else ""
    if not text and isinstance(tokens, list):
        return " ".join(_text(token, f"{what}, in its tokens,") for token in tokens)
    if not named:
        raise CaptionError(f'{what} is an object without "raw" and "tokens"; write the text itself')
    return text


def _is_blank(value: Any) -> bool:
    return value is None or value == "" or value != value


def _number_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise CaptionError(f"{what} is {_kind(value)}, not text; correct it or remove the entry")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise CaptionError(f"{what} holds half a character (a lone surrogate); save it as UTF-8 again") from error
    return value.strip()


def _kind(value: Any) -> str:
    return KINDS.get(type(value), "an object")
