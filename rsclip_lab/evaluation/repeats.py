"""How sure is a mean over several runs? Two kinds of luck come together: that of training, which other seeds would
show, and that of the test pictures, which other pictures would show."""

from collections.abc import Sequence

import numpy as np

from rsclip_lab.evaluation.intervals import NORMAL_95, wilson_interval


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval (low, high) of the mean of independent values: Student's t. NaN for a single value, which says
    nothing of its own luck. With two it is wide, 12.7 standard errors to each side; with three 4.3."""
    values = _numbers(values)
    half = _students_half(values) if len(values) > 1 else np.nan
    return float(values.mean() - half), float(values.mean() + half)


def repeated_share_interval(shares: Sequence[float], pictures: int) -> tuple[float, float]:
    """95 % interval (low, high) of the share of right answers that other seeds on other pictures would have.

    shares: one a seed, 0 to 1, all measured on the same `pictures`. Student's t over the seeds and Wilson's interval
    over the pictures are put together as independent: their distances from the mean add in squares (MOVER; Zou &
    Donner 2008, Statistics in Medicine 27). A little wide, for pictures that are hard under one seed only count in
    both. With one seed it is Wilson's alone, and the luck of training is not in it.
    Raises ValueError without a share or a picture.
    """
    shares = _numbers(shares)
    mean = float(shares.mean())
    low, high = wilson_interval(mean, pictures)
    half = _students_half(shares) if len(shares) > 1 else 0.0
    return max(0.0, mean - float(np.hypot(mean - low, half))), min(1.0, mean + float(np.hypot(high - mean, half)))


def paired_effect(gains) -> dict[str, float]:
    """{"difference", "low", "high"}: the mean of `gains` [pairs, pictures] and its 95 % interval.

    gains: for each pair of runs that differ in one thing alone, and each picture, right answers of the second minus
    those of the first: -1, 0 or 1. Student's t over the means of the pairs and the normal interval over those of the
    pictures, put together in squares as in `repeated_share_interval`. With one pair the pictures' alone.
    Raises ValueError for anything but a table with rows and columns.
    """
    gains = np.asarray(gains, dtype=float)
    if gains.ndim != 2 or 0 in gains.shape:
        raise ValueError(f"gains of shape {list(gains.shape)}: give [pairs, pictures], at least one of each")
    mean, by_picture = float(gains.mean()), gains.mean(axis=0)
    over_pairs = _students_half(gains.mean(axis=1)) if len(gains) > 1 else 0.0
    over_pictures = NORMAL_95 * by_picture.std(ddof=1) / np.sqrt(len(by_picture)) if len(by_picture) > 1 else 0.0
    half = float(np.hypot(over_pairs, over_pictures))
    return {"difference": mean, "low": mean - half, "high": mean + half}


def _students_half(values: np.ndarray) -> float:
    """Half the width of Student's 95 % interval of the mean."""
    from scipy.stats import t

    return float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))


def _numbers(values: Sequence[float]) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"values of shape {list(values.shape)}: give a list of at least one number, one a run")
    return values
