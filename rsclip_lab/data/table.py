"""The one table of captions: `image`, `caption`, `image_id`, `split`, `label`, one row a caption."""

import math
import numbers
import os
from collections.abc import Sequence

import numpy as np
import pandas as pd

COLUMNS = ["image", "caption", "image_id", "split", "label"]
SPLITS = ("train", "val", "test")
SPLIT_NAMES = {"training": "train", "valid": "val", "validation": "val", "dev": "val", "testing": "test"}


class CaptionError(ValueError):
    """A caption file or table that cannot be used; the message names file, row, cause and remedy."""


def require_columns(
    captions: pd.DataFrame, name: str = "the table of captions", columns: Sequence[str] = COLUMNS
) -> None:
    """Raise CaptionError for what is no table, or lacks one of `columns`; by default: what `read_captions` gives."""
    if not isinstance(captions, pd.DataFrame):
        raise CaptionError(f"{name} is no table but {type(captions).__name__}; make it with read_captions")
    if missing := [column for column in columns if column not in captions]:
        raise CaptionError(f"{name} has no column {', '.join(missing)}; make it with read_captions")


def text_of(value: object, where: str) -> str | None:
    """A cell of the table as text: numbers are written out (7.0, as a column with gaps holds 7, without its point),
    None for what is unknown. Raises CaptionError, beginning with `where`, for anything else."""
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    if isinstance(value, numbers.Real) and not math.isnan(value):
        return str(int(value) if float(value).is_integer() else value)
    if value is None or pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    raise CaptionError(f"{where}: {type(value).__name__} is neither text nor a number; write it as text")


def select_split(captions: pd.DataFrame, split: str | None, source: str = "captions") -> pd.DataFrame:
    """The rows of one split, numbered from 0; all for None. Raises CaptionError where there are none."""
    if split is None:
        return captions.reset_index(drop=True)
    chosen = captions[captions["split"] == split_name(split)]
    if chosen.empty:
        there = ", ".join(sorted(captions["split"].dropna().unique())) or "none named; see split_by_image"
        raise CaptionError(f"{source}: no rows of split {split!r}; splits there: {there}")
    return chosen.reset_index(drop=True)


def distinct_images(captions: pd.DataFrame) -> pd.DataFrame:
    """One row a picture: `image`, `image_id`, `split`, `label`, in the order of first appearance."""
    pictures = captions[["image", "image_id", "split", "label"]]
    # By path: tables put together count their image_id from 0 each.
    return pictures.drop_duplicates("image").reset_index(drop=True)


def split_by_image(captions: pd.DataFrame, validation: float = 0.1, test: float = 0.2, seed: int = 0) -> pd.DataFrame:
    """The table with `split` drawn anew: one for all captions of a picture, in the same shares in each label.

    Splitting caption rows instead would put one picture's captions on both sides. The same seed gives the
    same split.
    """
    if validation < 0 or test < 0 or validation + test >= 1:
        raise CaptionError(f"validation={validation} and test={test} leave nothing to train on; make them smaller")
    pictures = distinct_images(captions)
    split = pd.Series("train", index=pictures.index, dtype=object)
    random = np.random.default_rng(seed)
    groups = [group.index.to_numpy() for _, group in pictures.groupby("label", dropna=False, sort=True)]
    shuffled = [random.permutation(groups[place]) for place in random.permutation(len(groups))]
    order = np.concatenate([np.empty(0, dtype=int), *shuffled])
    in_test = _evenly(len(order), test)
    rest = order[~in_test]
    split[order[in_test]] = "test"
    split[rest[_evenly(len(rest), validation / (1 - test))]] = "val"
    by_image = dict(zip(pictures["image"], split, strict=True))
    return captions.assign(split=pd.Series([by_image[i] for i in captions["image"]], captions.index, dtype=object))


def _evenly(count: int, share: float) -> np.ndarray:
    """Which of `count` places to take: spread, so that each run of them, a label's, gives its share."""
    return np.diff(np.floor(np.arange(count + 1) * share + 0.5)) > 0


def split_name(name: str) -> str:
    """ "train", "val" or "test" for the usual ways to write them; any other name in lower case."""
    name = name.strip().lower()
    return SPLIT_NAMES.get(name, name)


def is_split(name: str) -> bool:
    """Whether this is one of SPLITS or a usual way to write it, as of a folder."""
    return split_name(name) in SPLITS
