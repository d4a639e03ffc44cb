"""What a probe takes: features with their labels, checked and in one form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rsclip_lab.evaluation.metrics import as_tensor, require_finite


def checked_sides(train_features, train_labels, test_features, test_labels) -> tuple:
    """(train features, train labels, test features, test labels): float tensors [n, dim], arrays [n].

    Raises ValueError for an empty side, sides of different lengths or dimensions, missing labels, a single class to
    learn, test labels that training never shows, and features that are not finite.
    """
    train, train_names = _checked_side(train_features, train_labels, "training")
    test, test_names = _checked_side(test_features, test_labels, "test")
    if train.shape[1] != test.shape[1]:
        lengths = f"training features have {train.shape[1]} values, test features {test.shape[1]}"
        raise ValueError(f"{lengths}: encode both with one model")
    known = set(train_names.tolist())
    if len(known) < 2:
        raise ValueError(f"all training labels are {known.pop()!r}: a probe needs two classes or more")
    if unknown := sorted(map(str, set(test_names.tolist()) - known)):
        remedy = "leave them out, or add training pictures of them"
        raise ValueError(f"test labels that no training picture has: {', '.join(unknown[:5])}; {remedy}")
    return train, train_names, test.to(train.device), test_names


def _checked_side(features, labels, side: str) -> tuple[Tensor, np.ndarray]:
    features, labels = as_tensor(features).detach(), as_array(labels)
    if features.ndim != 2 or labels.shape != features.shape[:1] or len(labels) == 0:
        shapes = f"{side} features {list(features.shape)} and labels {list(labels.shape)}"
        raise ValueError(f"{shapes}: give [n, dim] and [n], n at least 1")
    if missing := sum(label is None or label != label for label in labels.tolist()):
        raise ValueError(f"{missing} of the {side} labels are missing: leave those pictures out")
    features = features if features.dtype == torch.float64 else features.float()
    require_finite(features, f"{side} features")
    return features, labels


def as_array(labels: Sequence | Tensor) -> np.ndarray:
    """Labels, numbers or names, as an array."""
    return labels.cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
