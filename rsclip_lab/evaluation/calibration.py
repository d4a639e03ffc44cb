"""Is a probability of 0.8 right in 80 of 100 cases? Reliability, its error, and the temperature that mends it.

Guo et al., "On Calibration of Modern Neural Networks", 2017, arXiv:1706.04599.
"""

from numbers import Integral

import numpy as np
import pandas as pd

from rsclip_lab.evaluation.classes import checked_scores, top1
from rsclip_lab.evaluation.metrics import CLASS_NUMBERS, as_tensor, whole_numbers

BINS = 15  # as in the paper
STEPS = 40  # of halving: the temperature to nine digits


def reliability_table(probabilities, labels, bins: int = BINS) -> pd.DataFrame:
    """One row a bin of equal width: how sure the answers in it are on average, and how many of them are right.

    `probabilities` [n, classes] from 0 to 1. `labels` [n] class numbers: of each picture the highest probability
    counts, and whether that class is the true one. Or `labels` [n, classes] of 0 and 1, where several may be true:
    then every probability counts, and whether its class is true.
    Columns `low`, `high` (the bin is above low and up to high; the first has 0 as well), `pictures` (answers in it),
    `confidence` and `accuracy` (NaN in an empty bin). Raises ValueError for other shapes and values.
    """
    if not isinstance(bins, Integral) or bins < 1:
        raise ValueError(f"{bins!r} bins: give a whole number, at least 1")
    confidence, right = _answers(probabilities, labels)
    edges = np.linspace(0, 1, bins + 1)
    place = np.searchsorted(edges[1:-1], confidence)
    count = np.bincount(place, minlength=bins)
    means = [
        np.divide(np.bincount(place, values, bins), count, out=np.full(bins, np.nan), where=count > 0)
        for values in (confidence, right)
    ]
    columns = {"low": edges[:-1], "high": edges[1:], "pictures": count, "confidence": means[0], "accuracy": means[1]}
    return pd.DataFrame(columns)


def calibration_error(probabilities, labels, bins: int = BINS) -> float:
    """Expected calibration error: how far confidence and accuracy lie apart, from 0 to 1, a mean over all answers.

    The bins' |accuracy − confidence|, weighted with their pictures; arguments as `reliability_table`. It depends on
    the number of bins, and few pictures make it larger than it is: compare only what was measured alike.
    """
    return error_of(reliability_table(probabilities, labels, bins))


def error_of(reliability: pd.DataFrame) -> float:
    """The expected calibration error of a `reliability_table`."""
    filled = reliability[reliability["pictures"] > 0]
    apart = (filled["accuracy"] - filled["confidence"]).abs()
    return float((apart * filled["pictures"]).sum() / filled["pictures"].sum())


def fitted_temperature(scores, labels, low: float = 1e-3, high: float = 1e3) -> float:
    """The number to divide logits by so that their softmax is least surprised by the labels (temperature scaling).

    `scores` [n, classes] logits of validation pictures, `labels` [n] class numbers. Above 1: the model was too sure.
    No answer changes, only how sure it is. The mean of −log softmax(scores / T)[label] is convex in 1 / T, so
    halving on its slope finds the least between `low` and `high`; an end where it lies beyond (all answers right).
    """
    scores, labels = checked_scores(scores, labels)
    scores = scores.double()
    true = scores.gather(1, labels[:, None]).mean()
    low, high = np.log(low), np.log(high)
    for _ in range(STEPS):
        middle = (low + high) / 2
        weights = (scores / np.exp(middle)).softmax(dim=1)
        too_sure = (weights * scores).sum(dim=1).mean() > true
        low, high = (middle, high) if too_sure else (low, middle)
    return float(np.exp((low + high) / 2))


def _answers(probabilities, labels) -> tuple[np.ndarray, np.ndarray]:
    """The confidence of each answer and whether it is right, float64 [answers] both."""
    probabilities, labels = as_tensor(probabilities).detach().cpu(), whole_numbers(labels, *CLASS_NUMBERS).cpu()
    if labels.ndim < 2:
        probabilities, labels = checked_scores(probabilities, labels)
    elif labels.shape != probabilities.shape or labels.numel() == 0 or not ((labels == 0) | (labels == 1)).all():
        shapes = f"probabilities {list(probabilities.shape)} and labels {list(labels.shape)}"
        raise ValueError(f"{shapes}: give [n, classes] and [n], or twice [n, classes], the labels 0 or 1")
    probabilities = probabilities.double().numpy()
    if not (probabilities.min() >= 0 and probabilities.max() <= 1 + 1e-6):
        raise ValueError("probabilities must lie from 0 to 1: give softmax or sigmoid of the scores")
    probabilities = probabilities.clip(0, 1)
    if labels.ndim == 2:
        return probabilities.ravel(), labels.double().numpy().ravel()
    return probabilities.max(axis=1), (top1(probabilities) == labels.numpy()).astype(float)
