"""Linear probe: how much a linear classifier reads out of frozen features."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from rsclip_lab.environment import progress
from rsclip_lab.evaluation.probes.inputs import as_array, checked_sides
from rsclip_lab.evaluation.probes.result import ProbeResult

POWERS_OF_TEN = tuple(10.0**power for power in range(-2, 5))
HELD_OUT = 0.2  # share of each class's training pictures on which C is chosen
ITERATIONS = 1000  # of L-BFGS, as in CLIP's paper


def linear_probe(
    train_features,
    train_labels,
    test_features,
    test_labels,
    C: float | Sequence[float] = POWERS_OF_TEN,
    validation: tuple | None = None,
    seed: int = 0,
) -> ProbeResult:
    """Logistic regression on features [n, dim] and labels [n], scikit-learn's, as in CLIP's linear probe.

    C, the inverse strength of the L2 penalty, is given, or chosen among several: the one with the most right
    answers on `validation` (features, labels), else on a fifth of each class's training pictures, drawn with `seed`;
    of equals the smallest. The test pictures never choose. The classifier is then trained on all training pictures.
    Radford et al. 2021, appendix A.3, search 96 values from 1e-6 to 1e6; here are powers of ten, which for unit
    vectors lie around the best.
    Raises ValueError for sides that do not fit each other, and where C is to be chosen with one picture a class.
    """
    train, labels, test, test_labels = checked_sides(train_features, train_labels, test_features, test_labels)
    train, test = train.double().cpu().numpy(), test.double().cpu().numpy()
    choices = sorted({float(one) for one in np.atleast_1d(C)})
    if not choices or choices[0] <= 0:
        raise ValueError(f"C is {C}: give a number above 0, or several to choose among")
    chosen = choices[0] if len(choices) == 1 else _best(choices, train, labels, validation, seed)
    classifier = fitted(train, labels, chosen)
    return ProbeResult("linear", classifier.classes_, test_labels, classifier.predict_proba(test), {"C": chosen})


def fitted(features: np.ndarray, labels: np.ndarray, C: float):
    """scikit-learn's LogisticRegression, trained."""
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():  # one picture a class looks like a regression to it
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        return LogisticRegression(C=C, max_iter=ITERATIONS).fit(features, labels)


def _best(choices: list[float], train: np.ndarray, labels: np.ndarray, validation: tuple | None, seed: int) -> float:
    if validation is None:
        held_out = hold_out(labels, seed)
        validation, train, labels = (train[held_out], labels[held_out]), train[~held_out], labels[~held_out]
    else:
        _, _, features, names = checked_sides(train, labels, *validation)
        validation = features.double().cpu().numpy(), names
    shares = [fitted(train, labels, C).score(*validation) for C in progress(choices, desc="choosing C")]
    return choices[int(np.argmax(shares))]


def hold_out(labels, seed: int = 0, share: float = HELD_OUT) -> np.ndarray:
    """[n] bool: about `share` of each class, drawn with `seed`; at least one picture of each, and never the last."""
    labels, random = as_array(labels), np.random.default_rng(seed)
    held_out = np.zeros(len(labels), dtype=bool)
    for name in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == name))
        held_out[rows[: min(len(rows) - 1, max(1, round(share * len(rows))))]] = True
    if not held_out.any():
        raise ValueError("each class has one training picture, so none is left to choose C on: give C, or validation")
    return held_out
