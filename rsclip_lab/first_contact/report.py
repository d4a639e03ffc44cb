"""first_contact.json and first_contact.md: the same results for a program and for a reader."""

import json
import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

JSON, MARKDOWN = "first_contact.json", "first_contact.md"


def write_results(results: dict, folder: Path) -> None:
    """Both files, each written beside its place and then renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / JSON, json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    _write(folder / MARKDOWN, as_markdown(results))


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def read_results(folder: Path) -> dict:
    """What an earlier call left; {} if nothing. Raises ValueError for a file that it did not write."""
    path = folder / JSON
    if not path.exists():
        return {}
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        return {part: dict(results[part]) for part in ("files", "data", "measured")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not the results of an earlier call ({error}); move it away") from error


def as_markdown(results: dict) -> str:
    """The tables a human reads, and where, when and with what they were made."""
    published = results["published"]
    machine = ", ".join(f"{item} {value}" for item, value in results["machine"].items())
    sections = [
        "# First contact",
        f"{results['date']}, on {machine}. Published numbers: {published['file']} (sha256 {published['sha256']}). "
        "Shares in percent, measured in float32; differences in points, measured - published.",
        "## Published and measured",
        _table(NUMBERS, list(_number_lines(results["numbers"]))),
        "## Which activation the weights were made for",
        _table(ACTIVATION, [_activation_cells(row) for row in results["activation"]]),
        "## Weight files",
        _table(FILES, [_file_cells(name, row) for name, row in results["files"].items()]),
        "## Data sets",
        _table(DATA, [_data_cells(name, row) for name, row in results["data"].items()]),
    ]
    return "\n\n".join(sections) + "\n"


NUMBERS = ("model", "data", "metric", "published", "measured", "difference", "95 % interval", "of", "reading")
ACTIVATION = ("model", "data", "metric", "published", "QuickGELU", "GELU", "nearer", "by", "reading")
FILES = ("model", "repository", "file", "commit", "MB", "sha256", "seconds", "reading")
DATA = ("data", "from", "pictures", "captions", "sha256", "reading")


def _number_lines(rows: list[dict]) -> Iterator[list[str]]:
    """One line a number; one for all that are missing of a model on a data set for one reason."""

    def line(row: dict) -> tuple:
        return row["model"], row["data"], row["reading"] if row["measured"] is None else row["metric"]

    for _, group in groupby(rows, key=line):
        first, *others = group
        if others:
            yield [first["model"], first["data"], f"{1 + len(others)} numbers", *[""] * 5, first["reading"]]
        else:
            yield _number_cells(first)


def _number_cells(row: dict) -> list[str]:
    interval = "" if row.get("low") is None else f"{row['low']:.1f} – {row['high']:.1f}"
    difference = f"{row['difference']:+.2f}" if "difference" in row else ""
    of = str(row.get("queries", ""))
    numbers = [f"{row['published']:g}", _percent(row["measured"]), difference, interval, of]
    return [row["model"], row["data"], row["metric"], *numbers, row["reading"]]


def _activation_cells(row: dict) -> list[str]:
    numbers = [f"{row['published']:g}", _percent(row["QuickGELU"]), _percent(row["GELU"])]
    return [row["model"], row["data"], row["metric"], *numbers, row["nearer"], f"{row['by']:.2f}", row["reading"]]


def _file_cells(name: str, row: dict) -> list[str]:
    size = f"{row['bytes'] / 1e6:.1f}" if "bytes" in row else ""
    verified = "as expected" if row["expected"]["sha256"] else "no hash was known beforehand"
    commit = row.get("commit") or row["revision"]
    facts = [commit, size, row.get("sha256", ""), f"{row['seconds']:.1f}"]
    return [name, row["repository"], row["file"], *facts, row.get("error", verified)]


def _data_cells(name: str, row: dict) -> list[str]:
    counts = [str(row.get("pictures", "")), str(row.get("captions", "")), row.get("sha256", "")]
    return [name, row["from"] or "", *counts, row.get("error", "read")]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _table(names: Sequence[str], rows: list[list[str]]) -> str:
    lines = [list(names), ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
