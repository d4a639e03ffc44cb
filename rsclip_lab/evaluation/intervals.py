"""How much of a measured share is luck: intervals for one model, and for the difference of two."""

from collections.abc import Sequence

import numpy as np

NORMAL_95 = 1.959964  # 97.5 % point of the normal distribution


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


def paired_difference(
    first: Sequence[bool], second: Sequence[bool], draws: int = 4000, seed: int = 0
) -> dict[str, float]:
    """{"difference", "low", "high"}: share of right answers of `second` minus that of `first`, same pictures.

    low, high: 95 % percentile bootstrap (Efron 1979) over pictures, each drawn with both its answers.
    Pictures that both models get right, or both wrong, cancel out, which two separate intervals cannot do.
    """
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if first.shape != second.shape or first.ndim != 1 or len(first) == 0:
        shapes = f"answers {first.shape} and {second.shape}"
        raise ValueError(f"{shapes}: give one a picture, on the same pictures")
    gain = second - first
    drawn = np.random.default_rng(seed).integers(0, len(gain), (draws, len(gain)))
    low, high = np.percentile(gain[drawn].mean(axis=1), [2.5, 97.5])
    return {"difference": float(gain.mean()), "low": float(low), "high": float(high)}
