"""Few-shot: how fast a linear probe learns from a handful of pictures a class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from rsclip_lab.environment import progress
from rsclip_lab.evaluation.probes.inputs import checked_sides
from rsclip_lab.evaluation.probes.linear import linear_probe

SHOTS = (1, 4, 8, 16, 32)
FEW_SHOT_C = 10.0  # for unit vectors: on the samples within two points of the best of 1 to 1000, from 1 shot to 16


def few_shot(
    train_features,
    train_labels,
    test_features,
    test_labels,
    shots: Sequence[int] | None = None,
    draws: int = 5,
    seed: int = 0,
    C: float = FEW_SHOT_C,
) -> pd.DataFrame:
    """Accuracy of a linear probe on k pictures a class, one row a k, over `draws` draws of these pictures.

    Columns `shots`, `accuracy` (mean of the draws), `low`, `high` (its 95 % t interval: the luck of drawing
    pictures to learn from, not of the test pictures; NaN for one draw), `draws`, and `fewer`, the classes that have
    fewer than k pictures and gave all of theirs. shots: by default 1, 4, 8 and 16, and 32 where a class has so many,
    as in RemoteCLIP's few-shot figure (Liu et al. 2024, arXiv:2306.11029); a k above what any class has is left out
    of the default. Draw d of 4 pictures is part of draw d of 8, and every model given the same labels and seed
    learns from the same pictures. C is fixed, as one picture leaves none to choose it on.
    Raises ValueError as `linear_probe` does, and for shots or draws below 1.
    """
    train, labels, test, test_labels = checked_sides(train_features, train_labels, test_features, test_labels)
    names, pictures = np.unique(labels, return_counts=True)
    shots = [k for k in SHOTS if k <= pictures.max()] if shots is None else sorted(set(shots))
    if not shots or shots[0] < 1 or draws < 1:
        raise ValueError(f"shots {shots} and {draws} draws: give at least one of each, 1 or more")
    found = {k: [] for k in shots}
    for draw in progress(range(draws), desc="few-shot"):
        place = _places(labels, np.random.default_rng([seed, draw]))
        for k in shots:
            rows = np.flatnonzero(place < k)
            found[k].append(linear_probe(train[rows], labels[rows], test, test_labels, C=C).accuracy)
    fewer = {k: [str(name) for name in names[pictures < k]] for k in shots}
    return pd.DataFrame([{"shots": k, **_mean(found[k]), "draws": draws, "fewer": fewer[k]} for k in shots])


def _places(labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """[n]: each picture's place in a random order of its class, from 0."""
    order = random.permutation(len(labels))
    place = np.empty(len(labels), dtype=int)
    place[order] = pd.Series(order).groupby(labels[order]).cumcount()
    return place


def _mean(accuracies: list[float]) -> dict[str, float]:
    """Student's interval of a mean, within 0…1."""
    from scipy.stats import t

    mean, count = float(np.mean(accuracies)), len(accuracies)
    if count == 1:
        return {"accuracy": mean, "low": float("nan"), "high": float("nan")}
    half = t.ppf(0.975, count - 1) * np.std(accuracies, ddof=1) / np.sqrt(count)
    return {"accuracy": mean, "low": max(0.0, mean - half), "high": min(1.0, mean + half)}
