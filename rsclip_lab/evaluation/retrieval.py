"""Recall@k of image-text retrieval, several captions an image."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from rsclip_lab.evaluation.metrics import require_finite

CHUNK = 1024  # queries at a time: the score matrix of a large test set would not fit into memory whole


def retrieval_recall(
    image_features: Tensor,
    text_features: Tensor,
    image_of_text: Sequence[int],
    ks: Iterable[int] = (1, 5, 10),
) -> dict:
    """{"image_to_text": {k: …}, "text_to_image": {k: …}, "mean_recall": …}, each a share from 0 to 1.

    Features are unit vectors [images, dim] and [texts, dim]; `image_of_text` [texts] is the row of each
    caption's image. An image counts at k when at least one of its captions is among the k nearest texts, a
    caption when its image is among the k nearest images: the definition of CLIP_benchmark and of the
    published tables. An image without a caption is never found. `mean_recall` is the mean over both
    directions and all k.
    """
    ks = tuple(ks)
    image_of_text = torch.as_tensor(image_of_text).long()
    _check(image_features, text_features, image_of_text)
    images = torch.arange(len(image_features))
    recall = {
        "image_to_text": _recall(image_features, text_features, images, image_of_text, ks),
        "text_to_image": _recall(text_features, image_features, image_of_text, images, ks),
    }
    values = [value for direction in recall.values() for value in direction.values()]
    return {**recall, "mean_recall": sum(values) / len(values)}


def _recall(
    queries: Tensor, answers: Tensor, query_ids: Tensor, answer_ids: Tensor, ks: tuple[int, ...]
) -> dict[int, float]:
    """{k: share of queries with an answer of their own id among the k nearest}."""
    found = {k: 0 for k in ks}
    most = min(max(ks), len(answers))
    for query, ids in zip(queries.split(CHUNK), query_ids.split(CHUNK), strict=True):
        nearest = (query @ answers.T).topk(most, dim=1).indices
        hits = answer_ids[nearest] == ids[:, None]
        for k in ks:
            found[k] += hits[:, :k].any(dim=1).sum().item()
    return {k: count / len(queries) for k, count in found.items()}


def _check(image_features: Tensor, text_features: Tensor, image_of_text: Tensor) -> None:
    images, texts = len(image_features), len(text_features)
    if images == 0 or texts == 0 or image_of_text.shape != (texts,):
        raise ValueError(
            f"{images} images, {texts} texts and {len(image_of_text)} entries in image_of_text: "
            "give at least one of each, and one entry a text"
        )
    if image_of_text.min() < 0 or image_of_text.max() >= images:
        raise ValueError(f"image_of_text must hold rows of image_features, 0 to {images - 1}")
    require_finite(image_features, "image features")
    require_finite(text_features, "text features")
