"""The audit of a caption table and its report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from rsclip_lab.checks import balance, duplicates, files, pixels, tokens, views
from rsclip_lab.checks import captions as texts
from rsclip_lab.checks.kinds import KINDS, SEVERITIES, Problem, quoted
from rsclip_lab.checks.language import language_problems
from rsclip_lab.checks.pictures import Picture, look_at_all, thumbnail_of
from rsclip_lab.checks.repair import Repair, repair
from rsclip_lab.data.false_negatives import BATCH_SIZES, false_negative_shares
from rsclip_lab.data.images import open_image
from rsclip_lab.data.table import require_columns

COLUMNS = ["row", "file", "kind", "severity", "detail", "remedy"]


@dataclass(frozen=True, repr=False)
class AuditReport:
    """What `audit` found. It shows itself grouped by kind; `problems` has every single finding.

    problems: one row a problem, worst first: `row` (its index in the table of captions, or its position from 0 where
    that index has duplicates or is not of whole numbers; empty where the whole table is meant), `file`, `kind`,
    `severity` ("error": training would fail or mislead, "warning": it would suffer, "info"), `detail`, `remedy`.
    images, captions: how many there are. false_negatives: share (0 to 1) of a training batch's rows whose caption
    another row has too, when one caption is drawn at random for each picture; one row a batch size, columns `exact`
    (equal strings) and `normalised` (in small letters, without punctuation); expected values in closed form.
    audited: the table, as it was. thumbnails: JPEGs of the pictures that it shows, by their path.
    """

    problems: pd.DataFrame
    images: int
    captions: int
    false_negatives: pd.DataFrame
    audited: pd.DataFrame
    tokenizer: object = None
    thumbnails: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing was found that would break training or falsify what is measured."""
        return not (self.problems["severity"] == "error").any()

    def fix(self, cut_captions: str = "leave") -> Repair:
        """The table without what is beyond use: `.captions`, numbered from 0, and `.log` of every row touched.

        Removed are missing, unreadable, tiny and blank pictures; captions that are empty, no text or a placeholder;
        rows that are there already; pictures of which another split has a copy, from the split that must not know
        it (kept is the one in train, else in test); and all but the first file of a picture repeated in one split.
        The captions of a removed file go with it: they may have been written for another picture. Near copies
        within a split stay.
        cut_captions: "leave" them as they are, or "shorten" them to the last whole sentence, or phrase, that the
        model reads. Audit the result again: its rows have new numbers.
        Raises ValueError for another word, and for "shorten" after an audit without a model; CaptionError where
        nothing would be left, as when all pictures are sought in a wrong folder.
        """
        return repair(self.audited, self.problems, cut_captions, self.tokenizer)

    def __str__(self) -> str:
        return views.as_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return views.as_html(self)


def audit(
    captions: pd.DataFrame, model=None, batch_size: int = 32, language: str | None = "en"
) -> AuditReport:
    """Look at every picture and caption of a table and report what is wrong; no content makes it raise.

    captions: as `read_captions` gives them. model: a `Clip`; with it, captions longer than its context length
    and pictures smaller than its image size are found too. batch_size: pictures of a training batch, for the
    check that there are enough. language: "en", which CLIP's text encoder knows, or None for a model that knows
    others. Every picture is decoded once, on several threads; up to eight, unless large, again to be shown.
    Raises CaptionError for what is no table with the columns of `read_captions`, TypeError for a model that is
    not loaded.
    """
    _require_table_and_model(captions, model)
    audited = captions.copy()
    if not audited.index.is_unique or not pd.api.types.is_integer_dtype(audited.index):  # tables put together
        audited = audited.reset_index(drop=True)
    table = _tidied(audited)
    named = table[table["image"] != ""]
    pictures = _looked_at(named)
    problems = [
        *balance.set_problems(table, batch_size),
        *(Problem("no_file_name", row, None, "no file name") for row in table.index[table["image"] == ""]),
        *_picture_problems(named, pictures, model),
        *balance.repeated_rows(named),
        *balance.class_problems(named),
        *_text_problems(table, model, language),
    ]
    sizes = sorted({*BATCH_SIZES, batch_size})
    training = balance.training_rows(named)
    shares = false_negative_shares(training.assign(caption=training["text"]), sizes)
    tokenizer = model and model.tokenizer
    found = _as_table(problems)
    thumbnails = _thumbnails(views.worst(found)["file"], pictures)
    return AuditReport(found, len(pictures), len(table), shares, audited, tokenizer, thumbnails)


def _require_table_and_model(captions: object, model: object) -> None:
    require_columns(captions)
    if model is not None and not hasattr(model, "tokenizer"):
        name = model if isinstance(model, str) else "tiny"
        raise TypeError(f"model is {quoted(model)}, not a loaded one; load it first: load_model({name!r})")


def _tidied(captions: pd.DataFrame) -> pd.DataFrame:
    """The table with `image`, `split` and `label` text or None, and `text`: the caption where it is one with content.

    Tables come from everywhere: a cell may hold anything.
    """

    def text_or_none(value: object) -> str | None:
        missing = value is None or (pd.api.types.is_scalar(value) and pd.isna(value))
        return None if missing else str(value)

    columns = {
        "image": [str(value) if isinstance(value, (str, Path)) else "" for value in captions["image"]],
        "text": [value if isinstance(value, str) and value.strip() else None for value in captions["caption"]],
        "split": list(map(text_or_none, captions["split"])),
        "label": list(map(text_or_none, captions["label"])),
    }
    series = {name: pd.Series(values, captions.index, dtype=object) for name, values in columns.items()}
    return captions[["caption"]].assign(**series)


def _looked_at(table: pd.DataFrame) -> list[Picture]:
    first = table.drop_duplicates("image")
    return look_at_all(first.index.tolist(), first["image"].tolist())


def _thumbnails(files: Iterable[str], pictures: Sequence[Picture]) -> dict[str, bytes]:
    """Of the readable ones among the files; only small pictures are decoded again."""
    looks = {picture.path: picture.look for picture in pictures if picture.look}
    return {file: looks[file].thumbnail or thumbnail_of(open_image(file)) for file in files if file in looks}


def _picture_problems(table: pd.DataFrame, pictures: Sequence[Picture], model) -> Iterator[Problem]:
    yield from files.file_problems(pictures)
    readable = [picture for picture in pictures if picture.look]
    yield from duplicates.duplicate_problems(table, readable)
    yield from pixels.size_problems(readable, model and model.image_size)
    yield from pixels.pixel_problems(readable)
    yield from pixels.format_problems(readable)
    yield from files.suffix_problems(readable)


def _text_problems(table: pd.DataFrame, model, language: str | None) -> Iterator[Problem]:
    yield from texts.caption_problems(table)
    yield from texts.shared_captions(table)
    if model is not None:
        yield from tokens.cut_captions(table, model.tokenizer)
    if language == "en":
        yield from language_problems(table)
    yield from texts.direction_problems(table)


def _as_table(problems: Iterable[Problem]) -> pd.DataFrame:
    rows = [
        (one.row, one.file, one.kind, KINDS[one.kind].severity, one.detail, one.remedy or KINDS[one.kind].remedy)
        for one in problems
    ]
    rows.sort(key=lambda row: SEVERITIES.index(row[3]))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"row": "Int64"})
