"""JSON and JSON lines: the files of RSICD, UCM, Sydney, RSITMD and NWPU captions, and the simpler forms people write.

The first four are in the form of Karpathy & Fei-Fei (2015): `{"images": [{"filename", "split", "sentences": [{"raw",
"tokens"}]}]}`.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rsclip_lab.data.readers.records import IMAGE_SUFFIXES, ImageFolder, Record, named_fields
from rsclip_lab.data.readers.text import open_text
from rsclip_lab.data.table import CaptionError

MAX_BYTES = 100_000_000  # one document is parsed whole, into some ten times its size; lines one by one
MAX_LINE = 10_000_000  # characters
LISTS = ("images", "data", "annotations")  # the keys under which a document may keep its entries
KINDS = {type(None): "null", bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}


def read_json(path: Path, folder: ImageFolder) -> Iterator[Record]:
    """The captions of a JSON file: a list of entries (below "images" or not), an object of file names with their
    captions, or of classes with their entries; or lines, as `read_json_lines` takes them.

    An entry has a file name and one or several captions, under the usual names, perhaps `split` and `label`. Raises
    CaptionError for anything else.
    """
    try:
        with open_text(path, MAX_BYTES) as file:
            document = _parse(file.read(), str(path))
    except _MoreThanOne:
        yield from read_json_lines(path, folder)
        return
    for where, entry in _entries(document, path, folder):
        yield from records_of_entry(entry, where, path)


def read_json_lines(path: Path, folder: ImageFolder) -> Iterator[Record]:
    """The captions of a file with an entry, such as `{"filename": …, "captions": […]}`, in every line."""
    with open_text(path) as file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE), ""), start=1):
            where = f"line {number}"
            if len(line) == MAX_LINE:
                raise CaptionError(f"{path}, {where}: longer than {MAX_LINE} characters; write one entry a line")
            if line.strip():
                yield from records_of_entry(_parse(line, f"{path}, {where}"), where, path)


class _MoreThanOne(CaptionError):
    """The text goes on in the line after a value of one line: these may be JSON lines."""


def _parse(text: str, place: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        before = text[: error.pos]
        is_line = error.msg == "Extra data" and "\n" in before and "\n" not in before.strip()
        kind = _MoreThanOne if is_line else CaptionError
        at = f", line {error.lineno}" if "\n" in text.strip() else ""
        raise kind(f"{place}{at}, column {error.colno}: no JSON ({error.msg}); correct or remove it") from error
    except RecursionError as error:
        raise CaptionError(f"{place}: nested too deeply for captions; write a list of entries") from error
    except MemoryError as error:
        raise CaptionError(f"{place}: too large for the memory; write one entry a line (.jsonl)") from error
    except ValueError as error:  # of the two hooks, and of numbers with thousands of digits
        raise CaptionError(f"{place}: {error}; correct or remove it") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):  # Python would keep the last and say nothing
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"the key {twice[:80]!r} occurs twice in one object")
    return result


def _constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


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
    """The entries of `{file name: captions}`, `{file name: entry}` or `{class: [entries]}` (NWPU-Captions)."""
    pictures = sum(Path(name).suffix.lower() in IMAGE_SUFFIXES for name in document)
    for name, value in document.items():
        if 2 * pictures >= len(document):
            yield {**value, "filename": name} if isinstance(value, dict) else {"filename": name, "captions": value}
        elif isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
            yield from ({"label": name, **entry} for entry in value)
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
    file = _text(values[fields.file], f"{place}: the file name")
    name = f"{place} ({file[:80]})"
    split, label = (
        None if at is None or values[at] in (None, "") else _text(_number_as_text(values[at]), f"{name}: the {what}")
        for at, what in ((fields.split, "split"), (fields.label, "label"))
    )
    captions = [text for at in fields.captions for text in _texts(values[at], f"{name}: the caption")]
    if not captions:
        if not fields.captions and label is None:
            raise CaptionError(f'{name}: no caption among the keys {keys}; name it "caption" or "captions"')
        captions = [""] if fields.captions else [None]
    for caption in captions:
        yield Record(file, caption, where, split, label)


def _texts(value: Any, what: str) -> list[str]:
    """The captions in a text, in a sentence `{"raw": …, "tokens": […]}`, or in a list of either."""
    items = value if isinstance(value, list) else [value]
    return [_sentence(item, what) if isinstance(item, dict) else _text(item, what) for item in items] or [""]


def _sentence(sentence: dict[str, Any], what: str) -> str:
    named, tokens = named_fields(tuple(sentence)).captions, sentence.get("tokens")
    text = _text(list(sentence.values())[named[0]], what) if named else ""
    if not text and isinstance(tokens, list):
        return " ".join(_text(token, f"{what}, in its tokens,") for token in tokens)
    if not named:
        raise CaptionError(f'{what} is an object without "raw" and "tokens"; write the text itself')
    return text


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
