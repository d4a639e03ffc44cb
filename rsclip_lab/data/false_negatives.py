"""How many rows of a batch have their caption at another row too: punished as wrong though it is right."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

import numpy as np
import pandas as pd

BATCH_SIZES = (32, 64, 256, 1024)
NOT_A_WORD = re.compile(r"[^\w\s]|_")


def same_text(caption: str) -> str:
    """What captions that say the same have in common: small letters, no punctuation, single spaces."""
    return " ".join(NOT_A_WORD.sub("", caption).lower().split())


def false_negative_shares(captions: pd.DataFrame, batch_sizes=BATCH_SIZES) -> pd.DataFrame:
    """The expected share (0 to 1) of a batch's rows whose caption another row of the batch has too.

    captions: the table of `read_captions`; rows that are no text are left out. A batch is so many different
    pictures, each with one of its captions drawn at random. One row a batch size, columns `exact` (equal strings)
    and `normalised` (equal but for case and punctuation, see `same_text`). Computed in closed form, not simulated; a
    batch larger than the set is the whole set.
    """
    rows = captions[captions["caption"].map(lambda text: isinstance(text, str)).astype(bool)]
    texts = rows["caption"]
    forms = {"exact": texts, "normalised": texts.map({text: same_text(text) for text in texts.unique()})}
    shares = {form: _expected(rows["image"], texts, batch_sizes) for form, texts in forms.items()}
    return pd.DataFrame(shares, index=pd.Index(batch_sizes, name="batch_size"))


def _expected(images: pd.Series, texts: pd.Series, batch_sizes) -> np.ndarray:
    """For a row with caption c, let K of the other pictures have drawn c as well: a sum of independent draws, the
    chance of each being the share of its captions that are c. None of the K is in the batch with chance
    C(n - 1 - K, b - 1) / C(n - 1, b - 1)."""
    count = images.nunique()
    if count < 2:
        return np.zeros(len(batch_sizes))
    chances = (1 / images.map(images.value_counts())).groupby([texts.to_numpy(), images.to_numpy()]).sum().round(9)
    carriers = defaultdict(list)
    for (text, _), chance in chances.items():
        carriers[text].append(chance)
    # Many captions are carried alike, by two pictures with one in five each, say.
    alike = Counter(tuple(sorted(Counter(some).items())) for some in carriers.values() if len(some) > 1)
    nobody = np.stack([_nobody_else(count, min(size, count)) for size in batch_sizes])
    expected = np.zeros(len(batch_sizes))
    for kinds, times in alike.items():
        for chance, number in kinds:
            others = _distribution([(c, k - (c == chance)) for c, k in kinds])
            expected += times * number * chance * (1 - nobody[:, : len(others)] @ others)
    return expected / count


def _nobody_else(count: int, size: int) -> np.ndarray:
    """For K = 0 … count - 1: the chance that none of K given pictures is among the size - 1 others of a batch."""
    left = np.arange(count - 1, 0, -1)
    return np.concatenate([[1.0], np.cumprod(np.clip(left - (size - 1), 0, None) / left)])


def _distribution(kinds: list[tuple[float, int]]) -> np.ndarray:
    """Of how many come true of `number` events of each `chance`: a sum of binomial variables."""
    from scipy.signal import convolve
    from scipy.stats import binom

    total = np.ones(1)
    for chance, number in kinds:
        if number:
            total = convolve(total, binom.pmf(np.arange(number + 1), number, min(chance, 1)))
    return total
