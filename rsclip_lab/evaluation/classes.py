"""Which classes are recognised, and what the others are taken for: tables from scores and labels."""

from collections.abc import Sequence
from numbers import Integral

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from rsclip_lab.evaluation.intervals import wilson_interval
from rsclip_lab.evaluation.metrics import CLASS_NUMBERS, as_tensor, require_finite, whole_numbers


def per_class_table(scores, labels, class_names: Sequence[str]) -> pd.DataFrame:
    """One row a class, in the order of `class_names`: how many of its pictures are right, and the usual mistake.

    `scores` [n, classes]; `labels` [n], class names or numbers. Columns `class`, `pictures`, `right`, `accuracy`,
    `low` and `high` (95 % Wilson interval), `mistaken_for` (the class that most of the wrong ones are taken for, the
    first of equals; None where none is wrong) and `mistakes` (how often). A class without a picture has no accuracy
    (NaN). Raises ValueError as `confusion`.
    """
    counts = confusion(scores, class_numbers(labels, class_names))
    if len(counts) != len(class_names):
        raise ValueError(f"{len(counts)} columns of scores for {len(class_names)} class names: give one a class")
    right, pictures = counts.diagonal(), counts.sum(axis=1)
    wrong = counts - np.diag(right)
    mistaken_for = [
        class_names[place] if row[place] else None for place, row in zip(wrong.argmax(1), wrong, strict=True)
    ]
    return pd.DataFrame({"class": list(class_names), "pictures": pictures, "right": right}).assign(
        accuracy=_shares(counts),
        low=[_interval(*one)[0] for one in zip(right, pictures, strict=True)],
        high=[_interval(*one)[1] for one in zip(right, pictures, strict=True)],
        mistaken_for=pd.Series(mistaken_for, dtype=object),
        mistakes=wrong.max(axis=1),
    )


def mean_per_class(scores, labels) -> float:
    """The mean of the classes' accuracies, each class counting the same however many pictures it has.

    Classes without a picture are left out: scikit-learn's balanced accuracy, CLIP_benchmark's mean per class recall.
    `scores` [n, classes], `labels` [n] class numbers. Raises ValueError as `confusion`.
    """
    return float(np.nanmean(_shares(confusion(scores, labels))))


def confusion(scores, labels) -> np.ndarray:
    """Counts [classes, classes]: pictures of the row's class that were taken for the column's.

    `scores` [n, classes], `labels` [n] class numbers; of equal scores the first class is taken, as in
    `topk_accuracy`. Raises ValueError for other shapes, numbers that are no class, and scores that are not finite.
    """
    scores, labels = checked_scores(scores, labels)
    counts = np.zeros((scores.shape[1],) * 2, dtype=np.int64)
    np.add.at(counts, (labels.numpy(), top1(scores)), 1)
    return counts


def top1(scores) -> np.ndarray:
    """The class number with the highest score of each row; the first of equals."""
    return as_tensor(scores).detach().cpu().double().numpy().argmax(axis=1)


def class_numbers(labels, class_names: Sequence[str]) -> Tensor:
    """Labels as class numbers int64 [n]: names are looked up, numbers stay. ValueError for a name that is unknown."""
    labels = labels.tolist() if hasattr(labels, "tolist") else list(labels)
    place = {name: number for number, name in enumerate(class_names)}
    if unknown := sorted({label for label in labels if isinstance(label, str)} - set(place)):
        raise ValueError(f"labels that are not among the class names: {', '.join(unknown)}; add them")
    numbers = [place[label] if isinstance(label, str) else label for label in labels]
    for number in numbers:
        if not isinstance(number, Integral):
            remedy = "give a class name or number for each picture, and leave out the rest"
            raise ValueError(f"a label is {number!r}: {remedy}")
    return torch.tensor(numbers, dtype=torch.long)


def checked_scores(scores, labels) -> tuple[Tensor, Tensor]:
    """`scores` [n, classes] and `labels` int64 [n] as tensors on the CPU; ValueError where they are not that."""
    scores, labels = as_tensor(scores).detach().cpu(), whole_numbers(labels, *CLASS_NUMBERS).cpu()
    if scores.ndim != 2 or labels.shape != scores.shape[:1] or 0 in scores.shape:
        shapes = f"scores {list(scores.shape)} and labels {list(labels.shape)}"
        raise ValueError(f"{shapes}: give [n, classes] and [n], n at least 1")
    if labels.min() < 0 or labels.max() >= scores.shape[1]:
        raise ValueError(f"labels must be class numbers from 0 to {scores.shape[1] - 1}")
    require_finite(scores, "scores")
    return scores, labels


def _interval(right: int, pictures: int) -> tuple[float, float]:
    return wilson_interval(right / pictures, int(pictures)) if pictures else (np.nan, np.nan)


def _shares(counts: np.ndarray) -> np.ndarray:
    """The accuracy of each class; NaN for one without a picture."""
    pictures = counts.sum(axis=1)
    return np.divide(counts.diagonal(), pictures, out=np.full(len(counts), np.nan), where=pictures > 0)
