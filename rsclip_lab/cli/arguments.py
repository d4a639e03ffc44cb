"""Options that several commands share."""

from __future__ import annotations

import argparse
import ast
import re
from dataclasses import MISSING, fields
from pathlib import Path

DATA_FORMS = (
    "pictures with captions in any form that read_captions takes: a folder with caption.csv and images/, one "
    "folder a class, a CSV, JSON, JSON lines or parquet file, detection annotations"
)
KINDS = {"int": int, "float": float, "str": str}


def add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, help=DATA_FORMS)
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="the pictures, if not beside the data")


def new_file(text: str) -> Path:
    path = Path(text)
    if path.exists():
        raise argparse.ArgumentTypeError(f"{path} is there already; name a new file")
    return path


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def add_config(parser: argparse.ArgumentParser) -> None:
    """One option for each field of FinetuneConfig, with the same name, default and comment.

    Read from its source text, as importing it would import torch, and the help should come at once.
    """
    source = Path(__file__).parents[1].joinpath("training", "config.py").read_text("utf-8")
    body = source.partition("class FinetuneConfig")[2].partition("\n    def ")[0]
    group = parser.add_argument_group("fine-tuning", "the fields of FinetuneConfig")
    for name, kind, default, comment in re.findall(r"^    (\w+): (\w+).*? = (\S+)  # (.*)$", body, re.MULTILINE):
        how = {"action": argparse.BooleanOptionalAction} if kind == "bool" else {"type": KINDS[kind]}
        value = ast.literal_eval(default)
        words = comment.replace("None: ", "by default ") if value is None else f"{comment} (default {value})"
        option = f"--{name.replace('_', '-')}"
        group.add_argument(option, default=MISSING, help=words.replace("%", "%%"), **how)


def config_from(chosen: argparse.Namespace):
    """The FinetuneConfig that the options name; what was not given keeps its default."""
    from rsclip_lab.training import FinetuneConfig

    given = {field.name: getattr(chosen, field.name) for field in fields(FinetuneConfig)}
    return FinetuneConfig(**{name: value for name, value in given.items() if value is not MISSING})


def written(path: Path, folder: str) -> str:
    return f"Written: {path}, with file names that start from {folder}"
