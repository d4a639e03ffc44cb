"""Recall@k of image-text retrieval, several captions an image."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from rsclip_lab.evaluation.metrics import IMAGE_ROWS, as_tensor, require_finite, require_image_rows, whole_numbers
from rsclip_lab.evaluation.ranking import answers_ahead

CHUNK = 2**18  # scores at a time on a CPU, 1 MB: larger ones leave its cache, smaller ones keep its cores waiting
GPU_CHUNK = 2**25


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
    directions and all k. Of equal scores `retrieval_ranks` tells which is nearer. Raises ValueError as that does,
    and for a k below 1 or none.
    """
    ks = tuple(ks)
    if not ks or min(ks) < 1:
        raise ValueError(f"recall at k for ks={ks}: give at least one k, each 1 or more")
    ranks = retrieval_ranks(image_features, text_features, image_of_text)
    answers = {"image_to_text": len(text_features), "text_to_image": len(image_features)}
    recall = {
        direction: {k: float(np.mean(found <= min(k, answers[direction]))) for k in ks}
        for direction, found in ranks.items()
    }
    values = [value for direction in recall.values() for value in direction.values()]
    return {**recall, "mean_recall": sum(values) / len(values)}


def retrieval_ranks(
    image_features: Tensor, text_features: Tensor, image_of_text: Sequence[int]
) -> dict[str, np.ndarray]:
    """The rank of the right answer to each query, 1 the first: "image_to_text" [images], "text_to_image" [texts].

    Arguments as in `retrieval_recall`. An image's right answer is the nearest of its own captions; one without a
    caption has rank texts + 1. Ranks of two models on the same pairs can be compared query by query.
    Answers of one score rank in the order of their images, the captions of one image in the order given: a network
    that gives every pair the same score finds no more than chance does. `torch.topk`, by which CLIP_benchmark
    ranks, takes equal ones as it comes upon them; results differ there and nowhere else.
    A rank is one more than the number of answers ahead, so nothing is sorted; each score is computed once for both
    directions, on the device of the image features, and at most `CHUNK` are kept (`GPU_CHUNK` on a GPU), or as many
    as the image with the most captions has.
    Raises ValueError without images or texts, for an entry of `image_of_text` that is no row of an image, for
    features of two lengths, and for what is not finite.
    """
    images, texts = as_tensor(image_features), as_tensor(text_features)
    image_of_text = whole_numbers(image_of_text, *IMAGE_ROWS)
    _check(images, texts, image_of_text)
    chunk = CHUNK if images.device.type == "cpu" else GPU_CHUNK
    to_images, to_texts = answers_ahead(images, texts.to(images.device), image_of_text.to(images.device), chunk)
    return {"image_to_text": (to_images + 1).cpu().numpy(), "text_to_image": (to_texts + 1).cpu().numpy()}


def _check(images: Tensor, texts: Tensor, image_of_text: Tensor) -> None:
    if len(images) == 0 or len(texts) == 0 or image_of_text.shape != texts.shape[:1]:
        raise ValueError(
            f"{len(images)} images, {len(texts)} texts and {len(image_of_text)} entries in image_of_text: "
            "give at least one of each, and one entry a text"
        )
    if images.ndim != 2 or texts.shape[1:] != images.shape[1:]:
        shapes = f"image features {list(images.shape)} and text features {list(texts.shape)}"
        raise ValueError(f"{shapes}: give [images, dim] and [texts, dim] of one model")
    require_image_rows(image_of_text, len(images))
    for features, what in ((images, "image features"), (texts, "text features")):
        if not torch.isfinite(features.sum()):  # one look at all values, where the full test takes four
            require_finite(features, what)
