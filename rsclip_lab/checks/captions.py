"""Captions that say nothing, say the wrong thing, or are not what somebody wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from rsclip_lab.checks.kinds import Problem, counted, quoted
from rsclip_lab.data.formats.signatures import IMAGE_SUFFIXES
from rsclip_lab.data.wording.directions import names_direction, turned
from rsclip_lab.environment import progress

PLACEHOLDERS = {
    "nan", "none", "null", "nil", "n/a", "na", "undefined", "unknown", "todo", "tbd", "caption", "no caption", "text",
}  # fmt: skip
FILE_NAME = re.compile(rf"[\w-](?:{'|'.join(map(re.escape, sorted(IMAGE_SUFFIXES)))})\b", re.I)
# "train/airport_1", "test_012": the word alone may be a train, or a test track.
SPLIT_NAME = re.compile(r"\b(?:train|training|val|valid|validation|test|testing)(?:[/\\]\w|[_-]\d)", re.I)
HTML = re.compile(
    r"</?(?:a|b|br|div|em|font|i|img|li|p|span|strong|sub|sup|td|tr|u|ul)\b[^<>]*>"
    r"|&(?:amp|apos|gt|lt|nbsp|quot|#\d+);",
    re.I,
)
MIRROR, SWAP = 3, 4  # of the eight turns; which words can be rewritten depends on whether the axes are swapped only
BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
WESTERN = re.compile(r"[\x80-\xff]")
MIN_LETTERS = 6  # of a caption, to judge by the share of accents: "été" is a word


def caption_problems(captions: pd.DataFrame) -> Iterator[Problem]:
    """captions: with `caption` as it is in the table and `text`, None where that is not a text with content."""
    for row, file, caption, text in captions[["image", "caption", "text"]].itertuples():
        if text is None:
            yield _without_text(row, file, caption)
        elif text.strip().lower() in PLACEHOLDERS or not any(map(str.isalpha, text)):
            yield Problem("placeholder_caption", row, file, f"{quoted(text)} describes nothing")
        else:
            yield from _remains(row, file, text)


def _without_text(row: int, file: str, caption: object) -> Problem:
    if caption is None or caption is pd.NA or caption is pd.NaT or isinstance(caption, float) and caption != caption:
        return Problem("empty_caption", row, file, "no caption")
    if isinstance(caption, str):
        return Problem("empty_caption", row, file, "no caption" if not caption else "spaces only")
    return Problem("not_text", row, file, f"{quoted(caption)} is of type {type(caption).__name__}")


def _remains(row: int, file: str, text: str) -> Iterator[Problem]:
    if _is_name_of(Path(file), text) or FILE_NAME.search(text) or SPLIT_NAME.search(text):
        yield Problem("file_name_caption", row, file, f"{quoted(text)} names a file or a split")
    if found := HTML.search(text):
        yield Problem("html_remains", row, file, f"{quoted(found[0])} in {quoted(text)}")
    if any(_is_damaged(part) for part in BEYOND_ASCII.findall(text)) or _is_of_another_script(text):
        yield Problem("damaged_text", row, file, f"letters read in a wrong encoding: {quoted(text)}")


def _is_name_of(path: Path, text: str) -> bool:
    """Whether the caption is the file's name, with a number in it: "harbour" at harbour.jpg is a caption."""
    alike = [re.sub(r"[\s_-]+", " ", name).strip().lower() for name in (text, path.stem)]
    return alike[0] == alike[1] and any(map(str.isdigit, text))


def _is_damaged(letters: str) -> bool:
    """Whether letters beyond ASCII are UTF-8 that was read as western single bytes, or were lost altogether.

    Read back into bytes they are then valid UTF-8, which real accented letters practically never are.
    """
    if "\ufffd" in letters:
        return True
    for encoding in ("cp1252", "latin-1"):
        try:
            letters.encode(encoding).decode("utf-8")
            return True
        except UnicodeError:
            continue
    return False


def _is_of_another_script(text: str) -> bool:
    """Whether most signs are western ones beyond ASCII: Cyrillic, Greek or Chinese single bytes look like that.

    No language has so many accents.
    """
    signs = "".join(text.split())
    return len(signs) >= MIN_LETTERS and len(WESTERN.findall(signs)) > len(signs) / 2


def shared_captions(captions: pd.DataFrame) -> Iterator[Problem]:
    pictures = captions.dropna(subset="text").groupby("text")["image"].nunique()
    shared = pictures[pictures > 1]
    if len(shared):
        most = shared.idxmax()
        stand = "stands" if len(shared) == 1 else "stand"
        detail = f"{len(shared):,} of {counted(len(pictures), 'distinct caption')} {stand} at several pictures, "
        row = captions.index[captions["text"] == most][0]
        yield Problem("shared_caption", row, None, f"{detail}{quoted(most)} at {shared.max():,}")


def direction_problems(captions: pd.DataFrame) -> Iterator[Problem]:
    texts = captions["text"].dropna()
    distinct = texts.drop_duplicates()
    naming = [text for text in progress(distinct, desc="directions") if names_direction(text)]
    if not naming:
        return
    mirrored, swapped = ({text for text in naming if turned(text, turn) is not None} for turn in (MIRROR, SWAP))
    rows = texts[texts.isin(naming)]
    never = sum(text not in mirrored and text not in swapped for text in rows)
    some = sum((text in mirrored) != (text in swapped) for text in rows)
    detail = f"{counted(len(rows), 'caption')} of {len(captions):,} name{'s' * (len(rows) == 1)} a direction; "
    detail += f"{never:,} of them cannot be rewritten for a turned picture, {some:,} for some turns only"
    yield Problem("directions", rows.index[0], captions.at[rows.index[0], "image"], detail)
