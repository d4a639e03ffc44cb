"""How much of a measured share is luck: intervals for one model, and for the difference of two."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

NORMAL_95 = 1.959964  # 97.5 % point of the normal distribution
DRAWS = 4000  # of a bootstrap: the ends of its interval then move by a few hundredths of its width with the seed
AT_A_TIME = 10_000_000  # drawn pictures held in memory at once, 80 MB
ALPHA = 0.05  # differences that luck alone gives less often than this count as found


def wilson_interval(share: float, total: int, z: float = NORMAL_95) -> tuple[float, float]:
    """Interval (low, high) of the true share, given `share` right answers among `total` independent pictures.

    Wilson's score interval (Wilson 1927, JASA 22): stays within 0…1 and holds near them, where the textbook
    p ± 2 standard errors shrinks to nothing. z: 1.96 for 95 %. Raises ValueError without a picture.
    """
    if total < 1 or not 0 <= share <= 1:
        found = f"share {share} of {total} pictures"
        raise ValueError(f"{found}: give a share from 0 to 1 and at least one picture")
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2)) / (1 + z**2 / total)
    return float(max(0, middle - half)), float(min(1, middle + half))


def bootstrap_interval(
    values: Sequence,
    statistic: Callable[[np.ndarray], float | np.ndarray] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = 0.95,
) -> tuple:
    """Interval (low, high) of a statistic of independent pictures: the percentile bootstrap (Efron 1979).

    values: [pictures] or [pictures, columns], one row a picture with all that belongs to it, for pictures are drawn
    and not what hangs on them: its five captions are found or missed together, so their recall is drawn by picture
    (`recall_rows`), and two models' answers to it stay a pair.
    statistic: rows as drawn [pictures, …] -> a number, or several, and then low and high are arrays; None: the mean.
    Equal to scipy.stats.bootstrap's percentile method with the random numbers of the seed.
    Raises ValueError without pictures, for values that are not finite, and a level that is no share.
    """
    values = _finite_rows(values)
    if draws < 1 or not 0 < level < 1:
        raise ValueError(f"{draws} draws at level {level}: give at least one draw and a level between 0 and 1")
    random, pictures = np.random.default_rng(seed), len(values)
    at_once = max(1, AT_A_TIME // values.size)
    found = []
    while len(found) < draws:
        drawn = random.integers(0, pictures, (min(at_once, draws - len(found)), pictures))
        if statistic is None:
            found += list(values[drawn].reshape(len(drawn), -1).mean(axis=1))
        else:
            found += [statistic(values[rows]) for rows in drawn]
    low, high = np.percentile(found, [50 * (1 - level), 50 * (1 + level)], axis=0)
    return (low, high) if low.ndim else (float(low), float(high))


def _finite_rows(values: Sequence) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.ndim not in (1, 2) or values.size == 0:
        raise ValueError(f"values {values.shape}: give one row a picture, of at least one picture")
    if not np.isfinite(values).all():
        raise ValueError("values that are not finite have no interval: leave out pictures that were not measured")
    return values


def paired_difference(
    first: Sequence[bool], second: Sequence[bool], draws: int = DRAWS, seed: int = 0
) -> dict[str, float]:
    """{"difference", "low", "high"}: share of right answers of `second` minus that of `first`, same pictures.

    low, high: 95 % percentile bootstrap over pictures, each drawn with both its answers.
    Pictures that both models get right, or both wrong, cancel out, which two separate intervals cannot do.
    """
    first, second = _same_pictures(first, second)
    low, high = bootstrap_interval(second - first, draws=draws, seed=seed)
    return {"difference": float((second - first).mean()), "low": low, "high": high}


def _same_pictures(first: Sequence[bool], second: Sequence[bool]) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if first.shape != second.shape or first.ndim != 1 or len(first) == 0:
        shapes = f"answers {first.shape} and {second.shape}"
        raise ValueError(f"{shapes}: give one a picture, on the same pictures")
    return first, second


@dataclass(frozen=True)
class PairedTest:
    """Two models on the same pictures: how often which of them is right, and whether that can be luck.

    both, only_first, only_second, neither: counts of pictures. difference, low, high: share of right answers of the
    second minus that of the first, with its 95 % interval. p: how often luck alone would part the two this far.
    """

    both: int
    only_first: int
    only_second: int
    neither: int
    difference: float
    low: float
    high: float
    p: float

    @property
    def verdict(self) -> str:
        """Of the second model, in words."""
        return verdict(self.difference, self.p)

    def __str__(self) -> str:
        return (
            f"{self.verdict}: {self.difference:+.3f} [{self.low:+.3f}, {self.high:+.3f}], p = {self.p:.2g}; pictures "
            f"won {self.only_second}, lost {self.only_first}, right in both {self.both}, wrong in both {self.neither}"
        )


def paired_test(first: Sequence[bool], second: Sequence[bool], draws: int = DRAWS, seed: int = 0) -> PairedTest:
    """Is `second` better than `first`? Right answers (True) of both on the same pictures.

    p is that of McNemar's test (McNemar 1947, Psychometrika 12) in its exact form: of the pictures that only one of
    the two gets right, luck alone gives each to either like a coin, whatever their number. The interval is that of
    `paired_difference`. Of several tests at once some find what is not there: correct their p by `holm`.
    Raises ValueError for answers that are not on the same pictures, or neither right (1) nor wrong (0).
    """
    answers = _same_pictures(first, second)
    if any(not np.isin(one, (0, 1)).all() for one in answers):
        raise ValueError("answers must be right (True) or wrong (False): leave out pictures without an answer")
    one, other = (answer.astype(bool) for answer in answers)
    both, only_first = int((one & other).sum()), int((one & ~other).sum())
    only_second, neither = int((other & ~one).sum()), int((~one & ~other).sum())
    gain = paired_difference(first, second, draws, seed)
    return PairedTest(both, only_first, only_second, neither, **gain, p=_coin_p(only_first, only_second))


def _coin_p(heads: int, tails: int) -> float:
    """How often a fair coin thrown as often falls at least as unevenly; in whole numbers, so without rounding."""
    throws = heads + tails
    if heads == tails:
        return 1.0
    ways = tail = 1
    for thrown in range(min(heads, tails)):
        ways = ways * (throws - thrown) // (thrown + 1)
        tail += ways
    return min(1.0, tail / 2 ** (throws - 1))


def verdict(difference: float, p: float) -> str:
    """ "better", "worse" or "no evidence of a difference", at the 5 % level."""
    if not p < ALPHA:
        return "no evidence of a difference"
    return "better" if difference > 0 else "worse"


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values of several tests made at once, each corrected for all of them (Holm 1979, Scand. J. Stat. 6).

    With 5 % as the bar afterwards, luck gives even one of them in no more than 5 % of cases. NaN, of what was not
    tested, stays NaN and does not count. Raises ValueError for what is no p value.
    """
    p_values = np.asarray(p_values, dtype=float)
    if ((p_values < 0) | (p_values > 1)).any():
        raise ValueError(f"p values lie between 0 and 1: {p_values.tolist()}")
    corrected = np.full(p_values.shape, np.nan)
    order = [place for place in np.argsort(p_values) if not np.isnan(p_values[place])]
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[place]))
        corrected[place] = largest
    return corrected.tolist()
