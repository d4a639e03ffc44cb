"""Object counting: does the number in a caption mean anything to the model."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch

from rsclip_lab.data.readers.detection.english import NUMBERS, noun
from rsclip_lab.data.wording.prompts import CaptionError
from rsclip_lab.environment import progress
from rsclip_lab.evaluation.tables import require_filled
from rsclip_lab.models import Clip
from rsclip_lab.models.inputs import require_loaded

ONE_TO_TEN = ("one", *NUMBERS)
TEMPLATE = "a satellite view of {things}"
COLUMNS = ["image", "kind", "count"]
PAIRS = 2**14  # of a picture and a kind, scored at a time


@dataclass(frozen=True, eq=False)
class CountingResult:
    """Zero-shot counting from one to ten.

    table: `image`, `kind`, `count`, `predicted`, one row a kind in a picture; left_out: how many rows of the counts
    lie outside one to ten.
    """

    table: pd.DataFrame = field(repr=False)
    left_out: int
    chance = 1 / len(ONE_TO_TEN)  # what guessing gives

    @property
    def correct(self) -> np.ndarray:
        """[rows] bool, for `paired_difference`."""
        return (self.table["count"] == self.table["predicted"]).to_numpy()

    @property
    def accuracy(self) -> float:
        return float(self.correct.mean())

    @property
    def mean_per_count(self) -> float:
        """The mean of the accuracies of the counts that occur: who always says "one" has 1 / their number."""
        return float(pd.Series(self.correct).groupby(self.table["count"].to_numpy()).mean().mean())

    @property
    def always_the_commonest(self) -> float:
        """The accuracy of who knows the commonest count and nothing else: often well above chance."""
        return float(self.table["count"].value_counts(normalize=True).max())

    @property
    def mean_absolute_error(self) -> float:
        """By how many objects the answers are off."""
        return float((self.table["count"] - self.table["predicted"]).abs().mean())

    def confusion(self) -> pd.DataFrame:
        """Rows that have each count (row) and were taken for each count (column), 1 to 10."""
        numbers = range(1, len(ONE_TO_TEN) + 1)
        found = pd.crosstab(self.table["count"], self.table["predicted"])
        return found.reindex(index=numbers, columns=numbers, fill_value=0)

    def per_kind(self) -> pd.DataFrame:
        """One row a kind, the most frequent first: `pictures`, `accuracy`, `mean_absolute_error`."""
        off = (self.table["count"] - self.table["predicted"]).abs()
        rows = self.table.assign(correct=self.correct, off=off).groupby("kind")
        means = {"accuracy": ("correct", "mean"), "mean_absolute_error": ("off", "mean")}
        found = rows.agg(pictures=("count", "size"), **means)
        return found.sort_values("pictures", ascending=False, kind="stable")

    def summary(self) -> pd.DataFrame:
        """One row of all its numbers."""
        names = ["accuracy", "mean_per_count", "mean_absolute_error", "chance", "always_the_commonest", "left_out"]
        return pd.DataFrame([{"rows": len(self.table), **{name: getattr(self, name) for name in names}}])

    def _repr_html_(self) -> str:
        return self.summary().round(3).to_html(index=False)


def counting_accuracy(model: Clip, counts: pd.DataFrame, template: str = TEMPLATE) -> CountingResult:
    """Zero-shot counting: of "one small boat", "two small boats" … "ten small boats", which fits the picture best?

    counts: columns `image`, `kind`, `count`, one row a kind in a picture, as `sample_counts` gives them (select the
    split first); rows beyond ten are left out. template: a sentence with {things}. Each picture and each sentence is
    encoded once. As RemoteCLIP's object counting, which puts the ten number words into a caption (Liu et al. 2024,
    arXiv:2306.11029, RemoteCount).
    Raises ValueError for a table without these columns or without a row from one to ten, for counts that are text
    and rows without a picture or a kind, CaptionError for a template without {things}.
    """
    require_loaded(model, "counting_accuracy")
    if not isinstance(template, str) or "{things}" not in template:
        raise CaptionError(f'template {template!r} lacks {{things}}; write it where "two small boats" goes')
    if missing := [column for column in COLUMNS if column not in counts]:
        raise ValueError(f"the counts lack {', '.join(missing)}: give the columns {', '.join(COLUMNS)}")
    require_numbers(counts["count"])
    within = counts[counts["count"].isin(range(1, len(ONE_TO_TEN) + 1))]
    if within.empty:
        raise ValueError(f"none of {len(counts)} rows has a count from 1 to 10: check the split that was asked for")
    require_filled(within, ["image", "kind"], "the counts")
    table = within[COLUMNS].reset_index(drop=True).astype({"count": int})
    return CountingResult(table.assign(predicted=_predicted(model, table, template)), len(counts) - len(table))


def require_numbers(counts: pd.Series) -> None:
    """ValueError for a count that is text, which no number equals."""
    for row, count in counts.items():
        if isinstance(count, str):
            remedy = 'give whole numbers, as counts["count"].astype(int) makes them'
            raise ValueError(f"the counts, row {row}: the count is {count!r}, which is text; {remedy}")


def _predicted(model: Clip, table: pd.DataFrame, template: str) -> np.ndarray:
    """Numbers from 1 to 10, one a row."""
    image_of_row, images = pd.factorize(table["image"])
    kind_of_row, kinds = pd.factorize(table["kind"])
    sentences = [template.replace("{things}", things) for kind in kinds for things in things_of(kind)]
    texts = model.encode_texts(sentences).view(len(kinds), len(ONE_TO_TEN), -1)
    features = model.encode_images(list(images))
    best = []
    for first in progress(range(0, len(table), PAIRS), desc="counting"):
        rows = slice(first, first + PAIRS)
        cosines = torch.einsum("rd,rnd->rn", features[image_of_row[rows]], texts[kind_of_row[rows]])
        best.append(cosines.argmax(dim=1) + 1)
    return torch.cat(best).numpy()


def things_of(kind: str) -> list[str]:
    """["one small boat", "two small boats", … "ten small boats"]."""
    one, several = noun(kind)
    return [f"{number} {one if number == 'one' else several}" for number in ONE_TO_TEN]
