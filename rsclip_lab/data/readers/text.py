"""Text files in the encodings people save them in, and JSON text with the faults it may have."""

import codecs
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from rsclip_lab.data.readers.notes import note
from rsclip_lab.data.table import CaptionError

MAX_BYTES = 1_000_000_000  # text; the five million captions of RS5M are about half of it
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
GUESSES = ("gb18030", "cp1252")
CHUNK = 1 << 20
# GB18030 writes a common Chinese character or punctuation mark as two high bytes, in these ranges. Accented letters
# of western single-byte text mostly stand alone; two in a row ("größe") fall outside, being lower case.
CHINESE = re.compile(rb"[\xa1-\xa3\xb0-\xd7][\xa1-\xfe]|[\xd8-\xf7][\xa1-\xba\xbc-\xbf]")
# What UTF-8 makes of an accented letter among plain ones, and of anything beyond; rare by chance in other encodings.
UTF8 = re.compile(
    rb"(?<![\x80-\xff])[\xc2-\xdf][\x80-\xbf](?![\x80-\xff])|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
HIGH = re.compile(rb"[\x80-\xff]")


def open_text(path: Path, max_bytes: int = MAX_BYTES) -> TextIO:
    """The file opened for reading as text, its line ends as they are, in the encoding `encoding_of` finds."""
    return open(path, encoding=encoding_of(path, max_bytes), newline="")


def open_captions(path: Path, encoding: str | None = None, max_bytes: int = MAX_BYTES) -> TextIO:
    """As `open_text`, in the stated encoding where there is one; else a warning says so where it had to be guessed.

    Raises CaptionError also for text that is not in the stated encoding.
    """
    if encoding is None:
        encoding = encoding_of(path, max_bytes)
        if encoding in GUESSES:
            note(f'{path}: read as {encoding}, a guess; give encoding="utf-8" or another where characters look wrong')
    elif (broken := _undecodable(data := _content(path, max_bytes), encoding)) is not None:
        line = _line(data, broken)
        raise CaptionError(f"{path}, line {line}: bytes that are not {encoding}; give another encoding, or None")
    return open(path, encoding=encoding, newline="")


def encoding_of(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """What `path` is written in: UTF-8 or UTF-16 by its mark, else UTF-8, GB18030 (Chinese) or cp1252 (western).

    Raises CaptionError for a file that cannot be read, is larger than `max_bytes`, holds null bytes, is UTF-8 but
    for a few bytes, or is none of these.
    """
    data = _content(path, max_bytes)
    marked = next((name for mark, name in MARKS.items() if data.startswith(mark)), None)
    if marked is None and b"\0" in data:
        line = _line(data, data.index(0))
        raise CaptionError(f"{path}, line {line}: a null byte, so this is no text; save it as UTF-8")
    broken = _undecodable(data, marked or "utf-8")
    if broken is None:
        return marked or "utf-8"
    if marked or _mostly_utf8(data[max(0, broken - CHUNK) : broken + CHUNK]):
        raise CaptionError(
            f"{path}, line {_line(data, broken)}: bytes that are not {marked or 'UTF-8'}, as the rest is; "
            "correct the line, or save the file again as UTF-8"
        )
    chinese, other = len(CHINESE.findall(data)), len(HIGH.findall(CHINESE.sub(b"", data)))
    found = "gb18030" if chinese > other else "cp1252"
    if _undecodable(data, found) is not None:
        raise CaptionError(f"{path}: neither UTF-8 nor GB18030 nor Windows-1252 text; save it as UTF-8")
    return found


def _content(path: Path, max_bytes: int) -> bytes:
    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise CaptionError(
                f"{path}: {size / 1e9:.1f} GB of text, more than the limit of {max_bytes / 1e9:g} GB; "
                "cut it into several files, or stream the set as shards"
            )
        return path.read_bytes()
    except OSError as error:
        raise CaptionError(f"{path}: cannot be read ({error.strerror or error}); check the file") from error


def _undecodable(data: bytes, encoding: str) -> int | None:
    """Where the first byte is that `encoding` cannot read; None where it reads all. Never holds the whole text."""
    decoder = codecs.getincrementaldecoder(encoding)()
    for start in range(0, len(data) + 1, CHUNK):
        chunk = data[start : start + CHUNK]
        try:
            decoder.decode(chunk, final=start + CHUNK > len(data))
        except UnicodeDecodeError as error:
            return start + error.start - (len(error.object) - len(chunk))  # its object begins with what was left over
    return None


def _mostly_utf8(data: bytes) -> bool:
    """Whether there are more than twice as many characters that only UTF-8 writes so as places where it fails."""
    return len(UTF8.findall(data)) > 2 * data.decode("utf-8", "replace").count("\ufffd")


def _line(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1


class SeveralValues(CaptionError):
    """After a JSON value of one line the text goes on in the next: these may be JSON lines."""


def parse_json(
    text: str,
    path: Path,
    line: int | None = None,
    object_hook: Callable[[dict[str, Any]], Any] | None = None,
    allow_nan: bool = False,
) -> Any:
    """The value that a JSON text holds.

    line: of the file, where the text is no more than one; object_hook: what to keep of an object; allow_nan: whether
    NaN and Infinity, which are no JSON but Python and others write them, are numbers.
    Raises CaptionError for what is no JSON, a key that occurs twice in an object (Python would keep the last and say
    nothing), and what does not fit into memory.
    """

    def object_of(pairs: list[tuple[str, Any]]) -> Any:
        result = dict(pairs)
        if len(result) < len(pairs):
            twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
            raise ValueError(f"the key {twice[:80]!r} occurs twice in one object")
        return object_hook(result) if object_hook else result

    place = str(path) if line is None else f"{path}, line {line}"
    try:
        return json.loads(text, object_pairs_hook=object_of, parse_constant=float if allow_nan else _refuse_constant)
    except json.JSONDecodeError as error:
        raise _not_json(error, path, line or 1) from error
    except RecursionError as error:
        raise CaptionError(f"{place}: nested without end; write a list of entries") from error
    except MemoryError as error:
        raise CaptionError(f"{place}: too large for the memory; write one entry a line (.jsonl)") from error
    except ValueError as error:  # of the two hooks, and of numbers with thousands of digits
        raise CaptionError(f"{place}: {error}; correct or remove it") from error


def _not_json(error: json.JSONDecodeError, path: Path, first_line: int) -> CaptionError:
    before = error.doc[: error.pos]
    is_line = error.msg == "Extra data" and "\n" in before and "\n" not in before.strip()
    place = f"{path}, line {first_line + error.lineno - 1}, column {error.colno}"
    return (SeveralValues if is_line else CaptionError)(f"{place}: not JSON ({error.msg}); correct or remove it")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")
