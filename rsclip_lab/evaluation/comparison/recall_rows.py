"""Retrieval picture by picture: what a bootstrap of recalls draws, and the recalls of what it drew."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from rsclip_lab.evaluation.retrieval import retrieval_ranks

KS = (1, 5, 10)
DIRECTIONS = ("image_to_text", "text_to_image")
WIDTH = 2 * len(KS) + 1


def recall_rows(image_features: Tensor, text_features: Tensor, image_of_text: Sequence[int]) -> np.ndarray:
    """[images, 7], one row a picture with its captions: whether one of them is among the k = 1, 5, 10 nearest texts,
    how many of them have it among the k nearest pictures, and how many there are.

    Arguments as of `retrieval_recall`. Captions of one picture are found or missed together, so they are no
    independent draws; pictures are.
    """
    ranks = retrieval_ranks(image_features, text_features, image_of_text)
    image_of_text = np.asarray(image_of_text)
    pictures, texts = len(image_features), len(text_features)
    rows = [ranks["image_to_text"] <= min(k, texts) for k in KS]
    rows += [np.bincount(image_of_text, ranks["text_to_image"] <= k, pictures) for k in KS]
    return np.column_stack([*rows, np.bincount(image_of_text, minlength=pictures)]).astype(float)


def recalls_of(rows: np.ndarray) -> np.ndarray:
    """The six recalls of `recall_rows` as drawn: image to text at 1, 5, 10, then text to image."""
    sums = rows.sum(axis=0)
    return np.concatenate([sums[: len(KS)] / len(rows), sums[len(KS) : -1] / max(1.0, sums[-1])])


def recall_names() -> list[str]:
    """Of the columns of `recalls_of`: "image_to_text 1", …"""
    return [f"{direction} {k}" for direction in DIRECTIONS for k in KS]
