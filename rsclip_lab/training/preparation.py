"""A network made ready to be trained, and afterwards ready to be used again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import nn

from rsclip_lab.training.config import MAX_LOGIT_SCALE, FinetuneConfig
from rsclip_lab.training.optimizers import make_optimizer
from rsclip_lab.training.state import TrainingState


def prepare(state: TrainingState) -> None:
    """Fast memory layout, frozen parts without gradients, and what takes the steps."""
    net, config, device = state.model.net, state.config, state.model.device
    net.to(memory_format=torch.channels_last)
    freeze(net, config)
    clamp_temperature(net, config)
    state.optimizer = make_optimizer(net, config, device)
    state.scaler = torch.amp.GradScaler(device.type, enabled=state.precision.scaler)


def freeze(net: nn.Module, config: FinetuneConfig) -> None:
    """Leave frozen parts without gradients."""
    frozen = {"image": config.freeze_image == "all", "text": config.freeze_text == "all"}
    frozen["temperature"] = config.freeze_temperature
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(not frozen[part_of(name)])


@torch.no_grad()
def clamp_temperature(net: nn.Module, config: FinetuneConfig) -> None:
    """CLIP's bound, where CLIP's loss trains the logit scale; SigLIP's published networks lie beyond it."""
    if config.loss == "clip" and net.logit_scale.requires_grad:
        net.logit_scale.clamp_(max=math.log(MAX_LOGIT_SCALE))


def part_of(name: str) -> str:
    """Of which part of the network a parameter is: "image", "text" or "temperature"."""
    return "image" if name.startswith("visual.") else "temperature" if name.startswith("logit_") else "text"


def trained_parameters(net: nn.Module) -> list[nn.Parameter]:
    return [p for p in net.parameters() if p.requires_grad]


def tower_parameters(net: nn.Module) -> Iterator[nn.Parameter]:
    """The trained ones of both towers; temperature and bias have the gradient of the whole batch in every process."""
    return (p for name, p in net.named_parameters() if p.requires_grad and part_of(name) != "temperature")


def set_training_mode(net: nn.Module, config: FinetuneConfig) -> None:
    """Training mode; batch norms keep their statistics when so configured, for small batches spoil them."""
    net.train()
    for module in net.modules():
        if config.freeze_batch_norm and isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def finish(state: TrainingState, say_so: Callable[[], None]) -> None:
    """The weights that the run ends with; evaluation mode, plain memory layout, no gradients held."""
    net = state.model.net
    try:
        say_so()
    finally:
        net.eval()
        net.to(memory_format=torch.contiguous_format)
        for parameter in net.parameters():
            parameter.requires_grad_(True).grad = None
