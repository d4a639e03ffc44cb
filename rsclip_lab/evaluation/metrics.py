"""Numbers from plain scores and features: top-k accuracy and the cosine that betrays a collapse."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

# What labels and `image_of_text` must hold, for `whole_numbers`.
CLASS_NUMBERS = ("labels", "the class number of each row, as class_names.index(label)")
IMAGE_ROWS = ("image_of_text", 'the row of each text\'s image, as pd.factorize(captions["image"])[0]')


def topk_accuracy(scores, labels, ks: Iterable[int] = (1, 3, 5, 10)) -> dict[int, float]:
    """{k: share of the rows whose label is among the k highest scores}.

    `scores` [n, classes] and `labels` [n] (class numbers) are tensors or arrays. Equal scores rank in class
    order, so a network that gives every class the same score is right on the first class only. With k at or
    above the number of classes the accuracy is 1. Raises ValueError for labels that are no class numbers, and scores
    that are not finite.
    """
    scores, labels = as_tensor(scores), whole_numbers(labels, *CLASS_NUMBERS)
    if scores.ndim != 2 or labels.shape != scores.shape[:1] or len(labels) == 0:
        shapes = f"scores {list(scores.shape)} and labels {list(labels.shape)}"
        raise ValueError(f"{shapes}: give [n, classes] and [n], n at least 1")
    if labels.min() < 0 or labels.max() >= scores.shape[1]:
        raise ValueError(f"labels must be class numbers from 0 to {scores.shape[1] - 1}")
    require_finite(scores, "scores")
    ranking = scores.argsort(dim=1, descending=True, stable=True)
    rank = (ranking == labels[:, None]).int().argmax(dim=1)
    return {k: (rank < k).float().mean().item() for k in ks}


def as_tensor(values) -> Tensor:
    """A tensor of tensors, lists, arrays or tables; read-only arrays, as pandas gives them, are copied."""
    return values if isinstance(values, Tensor) else torch.from_numpy(np.array(values))


def whole_numbers(values, what: str, wanted: str) -> Tensor:
    """`values` as int64; ValueError, saying that `what` must hold `wanted`, for text and for fractions."""
    try:
        numbers = as_tensor(values)
    except (TypeError, ValueError):  # text and None; lists of several lengths
        numbers = None
    if numbers is None or numbers.is_floating_point() and not torch.equal(numbers, numbers.floor()):
        raise ValueError(f"{what} must hold whole numbers: give {wanted}")
    return numbers.long()


def off_diagonal_cosine(
    image_features: Tensor,
    text_features: Tensor,
    image_of_text: Sequence[int] | Sequence[Sequence[int]],
) -> float:
    """Mean cosine of image × text over the pairs that do not belong together, from -1 to 1.

    Features are unit vectors [images, dim] and [texts, dim]; `image_of_text[t]` is the image of text t, or
    the list of its images where one caption fits several. Near 1 all features have shrunk to one point,
    whatever the loss says. NaN when every pair matches. Raises ValueError for another number of entries than of
    texts, and for an entry that is no row of an image.
    """
    image_features, text_features = (as_tensor(side).double() for side in (image_features, text_features))
    texts, images = _matching_pairs(image_of_text, len(image_features), len(text_features))
    # The sum over all pairs is one product of sums, so no [images, texts] matrix is needed.
    everything = image_features.sum(dim=0) @ text_features.sum(dim=0)
    matching = (image_features[images] * text_features[texts]).sum()
    others = len(image_features) * len(text_features) - len(texts)
    return ((everything - matching) / others).item() if others else float("nan")


def require_finite(values: Tensor, what: str) -> None:
    """ValueError when `values` holds NaN or infinity, which a ranking would silently order."""
    if not torch.isfinite(values).all():
        raise ValueError(f"the {what} are not finite: the network diverged; lower its learning rate")


def require_image_rows(rows: Tensor, images: int) -> None:
    """ValueError for a number that is no row of so many images."""
    if len(rows) and (rows.min() < 0 or rows.max() >= images):
        raise ValueError(f"image_of_text must hold rows of image_features, 0 to {images - 1}")


def _matching_pairs(image_of_text, images: int, texts: int) -> tuple[Tensor, Tensor]:
    """(text, image) of every pair that belongs together, each pair once: int64 [pairs] both."""
    if len(image_of_text) != texts:
        raise ValueError(f"{len(image_of_text)} entries in image_of_text for {texts} texts: give one entry a text")
    if isinstance(image_of_text, Tensor):
        image_of_text = image_of_text.tolist()
    is_one = [isinstance(entry, str) or not hasattr(entry, "__iter__") for entry in image_of_text]
    entries = [[entry] if one else entry for entry, one in zip(image_of_text, is_one, strict=True)]
    text_of_pair = [text for text, entry in enumerate(entries) for _ in entry]
    image_of_pair = whole_numbers([image for entry in entries for image in entry], *IMAGE_ROWS)
    require_image_rows(image_of_pair, images)
    pairs = set(zip(text_of_pair, image_of_pair.tolist(), strict=True))
    return torch.tensor(sorted(pairs), dtype=torch.long).reshape(-1, 2).unbind(dim=1)
