"""SigLIP's loss for a network that was trained without it: the bias it adds to the logits, and where that starts."""

from __future__ import annotations

from contextlib import closing

import torch
from torch import Tensor, nn

from rsclip_lab.models.clip import evaluating
from rsclip_lab.training.fetch import BatchSource
from rsclip_lab.training.loop import embed_batch
from rsclip_lab.training.objective import compared
from rsclip_lab.training.state import TrainingState

HALVINGS = 60  # of a bracket some hundred wide: beyond float32


def add_logit_bias(state: TrainingState, source: BatchSource) -> None:
    """Where SigLIP's loss is to train a network without `logit_bias`, give it one.

    It is a parameter, so call this before `prepare` makes the optimizer; it starts at the `balanced_bias` of the
    run's first batch, as the network in evaluation mode sees it, which the seed repeats. The architecture in the
    model's description names it, so that `save` and `load_model` keep it. Zero-shot answers do not change: a softmax
    over prompts is the same with and without a bias.
    """
    model = state.model
    if state.config.loss != "siglip" or model.net.logit_bias is not None:
        return
    with closing(source.epoch(0)) as batches, evaluating(model.net), torch.no_grad():
        batch = next(batches)
        images, texts = embed_batch(state, batch)
        rows, _ = compared(texts.features, batch, state.config)
    bias = balanced_bias(model.logit_scale * images.features @ rows.T)
    model.net.logit_bias = nn.Parameter(torch.full_like(model.net.logit_scale, bias))
    model.description["architecture"]["init_logit_bias"] = bias


def balanced_bias(logits: Tensor) -> float:
    """The bias b at which the mean of sigmoid(logits + b) is the share of true pairs; logits: [batch, texts].

    Each picture has one text that counts as its own, so that share is 1 / texts. Nearly all pairs are false,
    and from any other start the first steps would be spent on learning just that (Zhai et al. 2023,
    arXiv:2303.15343, section 3.2, who begin at -10 with a scale of 10). Found by bisection.
    """
    logits = logits.detach().double().cpu()
    share = torch.tensor(1 / max(2, logits.shape[1]), dtype=torch.float64)  # with one caption nothing is false
    low, high = share.logit() - logits.max(), share.logit() - logits.min()  # all pairs below the share, and above
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        too_high = (logits + middle).sigmoid().mean() > share
        low, high = (low, middle) if too_high else (middle, high)
    return float((low + high) / 2)
