"""The losses of the course: CLIP's symmetric one, SigLIP's, what holds old knowledge, and the counter-example."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def clip_loss(
    image_features: Tensor,
    text_features: Tensor,
    logit_scale: Tensor | float,
    caption_ids: Tensor | None = None,
) -> Tensor:
    """CLIP's symmetric cross-entropy over one batch (Radford et al. 2021, arXiv:2103.00020, figure 3).

    image_features: [batch, dim] unit vectors.
    text_features: [batch, dim] unit vectors; with `caption_ids`, [distinct, dim], one row a distinct caption.
    logit_scale: exp of the learned temperature, e.g. 100.
    caption_ids: [batch] integers; image i belongs to row caption_ids[i] of text_features.

    Pictures that share a caption are then no negatives of each other: each distinct caption spreads its
    probability evenly over its pictures. The floor of that loss is not 0 but `clip_loss_floor(caption_ids)`.
    A text row to which no picture belongs is a negative for every picture and has no row of its own.
    Returns a scalar. Raises ValueError where the shapes cannot belong together.
    """
    check_shapes(image_features, text_features, caption_ids)
    logits = logit_scale * image_features @ text_features.T  # [batch, distinct]
    if caption_ids is None:
        caption_ids = torch.arange(len(logits), device=logits.device)
    pictures_of_caption = torch.bincount(caption_ids, minlength=logits.shape[1])  # |P_u|
    image_to_text = F.cross_entropy(logits, caption_ids)
    own = logits.log_softmax(dim=0).gather(1, caption_ids[:, None]).squeeze(1)  # log p(picture i | its caption)
    text_to_image = -(own / pictures_of_caption[caption_ids]).sum() / (pictures_of_caption > 0).sum()
    return (image_to_text + text_to_image) / 2


def clip_loss_floor(caption_ids: Tensor) -> Tensor:
    """The least value `clip_loss` can take for these caption_ids [batch]: half the mean of ln|P_u|.

    0 when all captions of the batch are distinct.
    """
    pictures_of_caption = torch.bincount(caption_ids)
    return pictures_of_caption[pictures_of_caption > 0].log().mean() / 2


def negatives_floor(caption_ids: Tensor, loss: str = "clip") -> Tensor:
    """The least value of `clip_loss`, or of `siglip_loss`, where a caption that k pictures share is taken for k - 1
    negatives of each: called without caption_ids, on features that repeat.

    The k equal texts cannot be told apart, so at best each gets 1/k of the answer: ln k a picture in "clip", and
    k times the entropy of one yes among k questions, ln k + (k - 1) ln(k / (k - 1)), in "siglip".
    0 when all captions of the batch are distinct.
    """
    shared = torch.bincount(caption_ids)[caption_ids].float()  # k of each picture
    floor = shared.log()
    if loss == "siglip":
        floor = floor + torch.xlogy(shared - 1, shared / (shared - 1).clamp(min=1))
    return floor.mean()


def feature_distillation(features: Tensor, base_features: Tensor) -> Tensor:
    """1 - mean cosine between a tuned model's features and its base model's, of the same pictures or texts.

    Added to `clip_loss` for replayed pairs it holds what the base model knew (learning without forgetting,
    Li & Hoiem 2016, arXiv:1606.09282; in CLIP's feature space, Zheng et al. 2023, arXiv:2303.06628).
    Unlike `positives_only_loss` it cannot be cheated: the base model's features stay apart.
    features, base_features: [n, dim] unit vectors, row by row the same picture or text. Returns a scalar.
    """
    check_shapes(features, base_features, None)
    return 1 - (features * base_features).sum(dim=1).mean()


def siglip_loss(
    image_features: Tensor,
    text_features: Tensor,
    logit_scale: Tensor | float,
    logit_bias: Tensor | float,
    caption_ids: Tensor | None = None,
) -> Tensor:
    """SigLIP's loss: each picture with each text is a yes-or-no question (Zhai et al. 2023, arXiv:2303.15343).

    Arguments as in `clip_loss`, and logit_bias, which is added to the scaled cosines. Summed over all pairs, divided
    by the number of pictures. Pictures that share a caption are all yes. Returns a scalar. Raises ValueError as
    `clip_loss` does.
    """
    check_shapes(image_features, text_features, caption_ids)
    logits = logit_scale * image_features @ text_features.T + logit_bias  # [batch, distinct]
    if caption_ids is None:
        caption_ids = torch.arange(len(logits), device=logits.device)
    signs = torch.full_like(logits, -1.0).scatter_(1, caption_ids[:, None], 1.0)
    return -F.logsigmoid(signs * logits).sum() / len(logits)


def positives_only_loss(image_features: Tensor, text_features: Tensor) -> Tensor:
    """1 - mean cosine of the matching pairs: a COUNTER-EXAMPLE, do not train with it.

    Nothing pushes different pictures and texts apart, so the cheapest solution is one point for everything:
    the loss goes to 0, and the cosine of pairs that do not match goes to 1 with it.
    image_features, text_features: [batch, dim] unit vectors, row by row a pair. Returns a scalar.
    """
    check_shapes(image_features, text_features, None)
    return 1 - (image_features * text_features).sum(dim=1).mean()


def check_shapes(image_features: Tensor, text_features: Tensor, caption_ids: Tensor | None) -> None:
    """Raise ValueError, in words, when features and caption_ids cannot belong to one batch."""
    images, texts = tuple(image_features.shape), tuple(text_features.shape)
    if len(images) != 2 or len(texts) != 2 or images[1] != texts[1]:
        raise ValueError(f"features must be [batch, dim] with one dim: got images {images}, texts {texts}")
    if caption_ids is None and images[0] != texts[0]:
        raise ValueError(
            f"{images[0]} images but {texts[0]} texts: without caption_ids row i of both is a pair; "
            "with distinct captions pass caption_ids, the row of each image's caption"
        )
    if caption_ids is not None and tuple(caption_ids.shape) != images[:1]:
        raise ValueError(f"caption_ids must be [{images[0]}], one an image: got {tuple(caption_ids.shape)}")
