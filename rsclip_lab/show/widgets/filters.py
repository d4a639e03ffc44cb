"""Which pictures of a table are looked at: by split, label, words in a caption, and what the audit found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd

from rsclip_lab.data import CaptionError

UNNAMED = "not named"
SEVERITY_WORDS = {"error": "Error", "warning": "Warning", "info": "Good to know"}


@dataclass(frozen=True)
class Finding:
    """One problem of an audit. row: its position in the table from 0, None for the picture as a whole."""

    kind: str
    severity: str
    detail: str
    remedy: str
    row: int | None


class Pictures:
    """The pictures of a table in the order of their first row, each with its rows and what the audit says of it.

    table: `image`, `split` and `label`, a row a caption. report: of `audit`, of the same table.
    Raises CaptionError for a report of another table.
    """

    def __init__(self, table: pd.DataFrame, report=None) -> None:
        self.rows_of: dict[object, list[int]] = {}
        for row, image in enumerate(table["image"]):
            self.rows_of.setdefault(image if isinstance(image, str) else str(image or ""), []).append(row)
        self.images = list(self.rows_of)
        self.splits, self.labels = ([_name(value) for value in table[column]] for column in ("split", "label"))
        self.findings: dict[str, list[Finding]] = {}
        self.of_table: list[Finding] = []
        if report is not None:
            _require_report_of(table, report)
            self._sort_in(table, report.problems)

    def _sort_in(self, table: pd.DataFrame, problems: pd.DataFrame) -> None:
        """The problems to the pictures they are of; what is of none is of the table."""
        position, image_of = (
            row_positions(table),
            {row: image for image, rows in self.rows_of.items() for row in rows},
        )
        for problem in problems.itertuples(index=False):
            row = None if pd.isna(problem.row) else position.get(int(problem.row))
            image = problem.file if problem.file in self.rows_of else image_of.get(row)
            found = Finding(problem.kind, problem.severity, problem.detail, problem.remedy, row)
            (self.of_table if image is None else self.findings.setdefault(image, [])).append(found)

    def choices(self, names: list[str]) -> list[tuple[str, str]]:
        """Of a split or label: (words with the number of pictures, name), by name; nothing where none is named."""
        if set(names) <= {UNNAMED}:
            return []
        counts = {name: 0 for name in sorted(set(names), key=lambda name: (name == UNNAMED, name))}
        for rows in self.rows_of.values():
            for name in {names[row] for row in rows}:
                counts[name] += 1
        return [(f"{name} ({count:,})", name) for name, count in counts.items()]

    def kinds(self) -> list[tuple[str, str]]:
        """Of the problems: (words with severity and number of pictures, kind), worst first."""
        counts: dict[tuple[int, str], int] = {}
        order = list(SEVERITY_WORDS)
        for findings in self.findings.values():
            for key in {(order.index(one.severity), one.kind) for one in findings}:
                counts[key] = counts.get(key, 0) + 1
        named = sorted(counts.items())
        return [
            (f"{SEVERITY_WORDS[order[severity]]}: {in_words(kind)} ({count:,})", kind)
            for (severity, kind), count in named
        ]

    def chosen(self, split: str, label: str, kind: str, words: str, text: Callable[[int], str]) -> list[str]:
        """The pictures with a caption of that split and label that has all the words; empty: any.

        kind: of a problem of the picture, "any" for all pictures with one. text: gives the caption of a row.
        """
        wanted = words.lower().split()

        def fits(row: int) -> bool:
            if split not in ("", self.splits[row]) or label not in ("", self.labels[row]):
                return False
            return not wanted or all(word in text(row).lower() for word in wanted)

        return [image for image in self.with_kind(kind) if any(fits(row) for row in self.rows_of[image])]

    def with_kind(self, kind: str) -> Iterable[str]:
        if not kind:
            return self.images
        found = self.findings
        return [one for one in self.images if any(kind in ("any", each.kind) for each in found.get(one, ()))]


def row_positions(table: pd.DataFrame) -> dict[int, int]:
    """{what an audit calls a row: its position}, by the rule of `AuditReport.problems`."""
    index = table.index
    plain = not index.is_unique or not pd.api.types.is_integer_dtype(index)
    return {int(name): row for row, name in enumerate(range(len(table)) if plain else index)}


def in_words(kind: str) -> str:
    return kind.replace("_", " ")


def _name(value: object) -> str:
    missing = value is None or (pd.api.types.is_scalar(value) and pd.isna(value))
    return UNNAMED if missing or not str(value).strip() else str(value)


def _require_report_of(table: pd.DataFrame, report) -> None:
    problems = getattr(report, "problems", None)
    if not isinstance(problems, pd.DataFrame):
        raise CaptionError(f"report is {type(report).__name__}, not what lab.audit(captions) gives; pass that")
    audited = getattr(report, "audited", None)
    if audited is not None and list(map(str, audited["image"])) != list(map(str, table["image"])):
        raise CaptionError(
            "the report is of another table; audit this one: DataBrowser(captions, lab.audit(captions))"
        )
