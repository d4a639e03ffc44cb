"""What takes the steps: torch's optimizers, with groups of parameters that are treated alike."""

from __future__ import annotations

import torch
from torch import nn

from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.network.layers import part_of, tower_of

BETAS, EPS = (0.9, 0.98), 1e-6  # of CLIP's vision transformers (Radford et al. 2021, arXiv:2103.00020, table 19)
FUSED = ("cpu", "cuda")  # devices with all of a step in one kernel


def make_optimizer(net: nn.Module, config: FinetuneConfig, device: torch.device) -> torch.optim.Optimizer:
    """The configured optimizer of what is trained; the loop gives each group its `lr_share` of the schedule's rate.

    adamw, adam: a step moves each number by about the learning rate. adamw shrinks weights by learning_rate *
    weight_decay a step beside it (Loshchilov & Hutter 2019, arXiv:1711.05101), adam adds weight_decay * weight to the
    gradient, as torch.optim.Adam does.
    adafactor (Shazeer & Stern 2018, arXiv:1804.04235; torch.optim.Adafactor): keeps sums of rows and columns instead
    of two numbers a weight. Its learning rate is relative: a step moves a matrix by about learning_rate times the
    root mean square of its numbers (of at least 0.001), so it wants one 15 to 50 times larger than Adam's. It
    decays as adamw does.
    """
    groups = parameter_groups(net, config)
    if config.optimizer == "adafactor":
        return torch.optim.Adafactor(groups, lr=config.learning_rate)
    kind = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[config.optimizer]
    return kind(groups, lr=config.learning_rate, betas=BETAS, eps=EPS, fused=device.type in FUSED)


def parameter_groups(net: nn.Module, config: FinetuneConfig) -> list[dict]:
    """The trained parameters in groups of equal `weight_decay` and equal `lr_share` of the learning rate.

    Raises ValueError where layer_decay is below 1 and the depth of a tower's layers is not known.
    """
    shares = lr_shares(net, config)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in net.named_parameters():
        if parameter.requires_grad:
            decay = config.weight_decay if is_decayed(name, parameter) else 0.0
            groups.setdefault((decay, shares.get(name, 1.0)), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": decay, "lr_share": share, "lr": config.learning_rate * share}
        for (decay, share), parameters in groups.items()
    ]


def is_decayed(name: str, parameter: nn.Parameter) -> bool:
    """open_clip_train's rule: no decay on vectors and numbers, nor on norms, biases and logit scales of any shape.

    Positional embeddings, which are matrices, are decayed, and a class embedding, a vector, is not.
    """
    return parameter.ndim >= 2 and not any(part in name for part in ("bn", "ln", "bias", "logit_scale"))


def lr_shares(net: nn.Module, config: FinetuneConfig) -> dict[str, float]:
    """Of each parameter of the trained towers the share of the learning rate that its depth leaves it.

    What stands after the last layer has all of it, each layer layer_decay times the share of the next, the stem the
    least (Bao et al. 2022, BEiT, arXiv:2106.08254). What is not in the dictionary has all of it, too.
    """
    if config.layer_decay == 1:
        return {}
    parts = [part for part in ("image", "text") if getattr(config, f"freeze_{part}") != "all"]
    towers = {part: tower_of(net, part) for part in parts}
    return {
        name: config.layer_decay ** towers[part].before_output(name)
        for name, _ in net.named_parameters()
        if (part := part_of(name)) in towers
    }
