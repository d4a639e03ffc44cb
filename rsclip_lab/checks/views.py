"""The report for the eye: in a terminal, and in a notebook with small pictures of the worst."""

from __future__ import annotations

import base64
import html
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from rsclip_lab.checks.kinds import SEVERITIES, counted
from rsclip_lab.checks.pictures import THUMBNAIL_SIDE

WIDTHS = {"severity": 8, "kind": 19, "count": 6, "example": 37, "remedy": 26}  # with gaps, 100 columns
PICTURES = 8  # shown of the worst
LONGEST = 160  # letters of an example
COLOURS = {"error": "#d6453d", "warning": "#d98e04", "info": "#4a8fd6"}  # legible on white and on black


class Group(NamedTuple):
    """All problems of one kind, as one row."""

    severity: str
    kind: str
    count: str
    example: str
    remedy: str


def groups(problems: pd.DataFrame) -> list[Group]:
    """In the order of the problems; the example is the first."""
    return [
        Group(some["severity"].iloc[0], kind, f"{len(some):,}", _example(some.iloc[0]), some["remedy"].iloc[0])
        for kind, some in problems.groupby("kind", sort=False)
    ]


def _example(problem: pd.Series) -> str:
    said = problem["detail"]
    if not pd.isna(problem["row"]):
        file = f", {Path(problem['file']).name}" if isinstance(problem["file"], str) else ""
        said = f"row {problem['row']}{file}: {said}"
    said = "".join(letter if letter.isprintable() else "\ufffd" for letter in said)
    return said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"


def title(report) -> str:
    counts = report.problems["severity"].value_counts()
    found = [counted(counts[s], s) if s != "info" else f"{counts[s]:,} info" for s in SEVERITIES if s in counts]
    return f"{counted(report.images, 'picture')}, {counted(report.captions, 'caption')}: " + (
        ", ".join(found) or "no problems"
    )


def false_negatives(report) -> str:
    """One sentence; empty where no caption is repeated."""
    shares = report.false_negatives
    if not (shares["normalised"] > 0).any():
        return ""
    said = ", ".join(f"{100 * share:.1f} % of {size:,}" for size, share in shares["normalised"].items())
    return f"Rows of a batch whose caption another row has too (one caption a picture, at random): {said}"


def as_text(report) -> str:
    """Aligned, and wrapped to 100 columns."""
    lines = [title(report)]
    if len(report.problems):
        lines += _wrapped(Group(*Group._fields))
        lines += [line for group in groups(report.problems) for line in _wrapped(group)]
    lines += textwrap.wrap(false_negatives(report), 100)
    return "\n".join(lines)


def _wrapped(group: Group) -> list[str]:
    cells = [textwrap.wrap(cell, WIDTHS[name]) or [""] for name, cell in group._asdict().items()]
    lines = []
    for line in range(max(map(len, cells))):
        parts = [
            (cell[line] if line < len(cell) else "").ljust(width)
            for cell, width in zip(cells, WIDTHS.values(), strict=True)
        ]
        lines.append(" ".join(parts).rstrip())
    return lines


def as_html(report) -> str:
    """A short table, and the worst pictures under it as embedded thumbnails; colours follow the page's theme."""
    parts = [f"<p><b>{html.escape(title(report))}</b></p>"]
    if len(report.problems):
        head = "".join(f"<th style='text-align:left;padding:3px 8px'>{name}</th>" for name in Group._fields)
        rows = "".join(map(_row, groups(report.problems)))
        body = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
        parts.append(f"<table style='border-collapse:collapse'>{body}</table>")
        parts.append(_tiles(report.problems, report.thumbnails))
    if said := false_negatives(report):
        parts.append(f"<p>{html.escape(said)}</p>")
    return f"<div style='color:inherit'>{''.join(parts)}</div>"


def _row(group: Group) -> str:
    left = "text-align:left;white-space:normal;padding:3px 8px"
    mark = f"border-left:6px solid {COLOURS[group.severity]}"
    cells = "".join(f"<td style='{left}'>{html.escape(cell)}</td>" for cell in group[1:])
    return f"<tr><td style='{left};{mark}'>{group.severity}</td>{cells}</tr>"


def worst(problems: pd.DataFrame) -> pd.DataFrame:
    """Pictures of errors and warnings, `file` and `kind`: the first of every kind, then more of the same."""
    bad = problems[(problems["severity"] != "info") & problems["file"].notna() & problems["row"].notna()]
    bad = bad.assign(turn=bad.groupby("kind").cumcount()).sort_values("turn", kind="stable")
    return bad.drop_duplicates("file").head(PICTURES)[["file", "kind"]]


def _tiles(problems: pd.DataFrame, thumbnails: Mapping[str, bytes]) -> str:
    some = worst(problems).itertuples(index=False)
    tiles = "".join(_tile(file, kind, thumbnails.get(file)) for file, kind in some)
    return f"<div style='display:flex;flex-wrap:wrap;gap:8px'>{tiles}</div>" if tiles else ""


def _tile(file: str, kind: str, thumbnail: bytes | None) -> str:
    size = f"width:{THUMBNAIL_SIDE}px;height:{THUMBNAIL_SIDE}px"
    if thumbnail:
        data = base64.b64encode(thumbnail).decode()
        picture = f"<img alt='' style='{size};object-fit:contain' src='data:image/jpeg;base64,{data}'>"
    else:
        picture = f"<div style='{size};background:#888'></div>"
    under = f"<br>{html.escape(kind)}<br>{html.escape(Path(file).name[:40])}"
    return f"<div style='width:120px;font-size:11px;overflow-wrap:anywhere'>{picture}{under}</div>"
