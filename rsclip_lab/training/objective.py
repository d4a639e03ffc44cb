"""What a step minimises, and what it is watched by: the configured loss of a batch's features."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.fetch import TrainingBatch
from rsclip_lab.training.losses import (
    clip_loss,
    clip_loss_floor,
    feature_distillation,
    negatives_floor,
    positives_only_loss,
    siglip_loss,
)


def batch_loss(images: Tensor, texts: Tensor, net: nn.Module, batch: TrainingBatch, config: FinetuneConfig) -> Tensor:
    """The configured loss of the features of one batch, in float32. images: [batch, dim]; texts: [distinct, dim]."""
    if config.loss == "positives_only":
        return positives_only_loss(images, texts[batch.caption_ids])
    scale = net.logit_scale.exp()
    texts, caption_ids = compared(texts, batch, config)
    if config.loss == "siglip":
        return siglip_loss(images, texts, scale, net.logit_bias, caption_ids)
    return clip_loss(images, texts, scale, caption_ids)


def compared(texts: Tensor, batch: TrainingBatch, config: FinetuneConfig) -> tuple[Tensor, Tensor | None]:
    """The text rows that the batch's pictures are compared with, and the row of each picture's own (None: picture i
    has row i).

    Either every distinct caption once; or, with shared_captions="negatives", one row a picture, so that an equal
    caption of another picture is a negative, as in open_clip's ClipLoss.
    """
    if config.shared_captions == "negatives":
        return texts[batch.caption_ids], None
    return texts, batch.caption_ids


def loss_floor(batch: TrainingBatch, config: FinetuneConfig) -> Tensor:
    """The least value that the configured loss can take with the captions of this batch."""
    if config.loss != "positives_only" and config.shared_captions == "negatives":
        return negatives_floor(batch.caption_ids, config.loss)
    if config.loss == "clip":
        return clip_loss_floor(batch.caption_ids)
    return torch.zeros((), device=batch.caption_ids.device)


def replay_drift(
    images: Tensor, texts: Tensor, base_images: Tensor, base_texts: Tensor, batch: TrainingBatch
) -> Tensor:
    """How far the replayed pictures and their captions have moved from where the base model has them, on average.

    base_images: [replayed, dim]; base_texts: [replayed captions, dim].
    """
    images_moved = feature_distillation(images[-batch.replayed :], base_images)
    texts_moved = feature_distillation(texts[batch.replayed_captions.to(texts.device)], base_texts)
    return (images_moved + texts_moved) / 2


@torch.no_grad()
def measure(
    images: Tensor,
    texts: Tensor,
    batch: TrainingBatch,
    config: FinetuneConfig,
    numbers: dict[str, Tensor],
    drift: Tensor | None = None,
) -> dict[str, float]:
    """The measured columns of one step, brought to the CPU in one transfer: `numbers`, what the features tell, and
    `drift` where the loss has it."""
    cosine = images @ texts.T  # [batch, distinct]
    own = cosine.gather(1, batch.caption_ids[:, None])
    others = cosine.numel() - len(cosine)
    values = {
        **numbers,
        "floor": loss_floor(batch, config),
        "batch_recall": (cosine.argmax(1) == batch.caption_ids).float().mean(),
        "off_diagonal_cosine": (cosine.sum() - own.sum()) / others if others else cosine.new_tensor(math.nan),
    }
    if drift is not None:
        values["replay_drift"] = drift
    numbers = torch.stack([value.detach().float() for value in values.values()]).tolist()
    return dict(zip(values, numbers, strict=True))
