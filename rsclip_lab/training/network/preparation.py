"""A network made ready to be trained, and afterwards ready to be used again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from rsclip_lab.environment import first_line
from rsclip_lab.training.config import MAX_LOGIT_SCALE, FinetuneConfig
from rsclip_lab.training.network.averaging import WeightAverage
from rsclip_lab.training.network.layers import frozen_part, part_of
from rsclip_lab.training.network.lora import add_lora, lora_targets, merge_lora, require_peft
from rsclip_lab.training.network.optimizers import lr_shares, make_optimizer
from rsclip_lab.training.processes import World
from rsclip_lab.training.state import TrainingState

BatchNorm = nn.modules.batchnorm._BatchNorm  # the class that all of torch's are of


def prepare(state: TrainingState) -> None:
    """Frozen parts without gradients, low-rank additions, fast memory layout, and what takes the steps.

    Raises what `require_possible` does, with the network as it was.
    """
    net, config, device = state.model.net, state.config, state.model.device
    require_possible(net, config, device)
    try:
        freeze(net, config)
        if config.lora_rank:
            add_lora(net, config)
        clamp_temperature(net, config)
        state.optimizer = make_optimizer(net, config, device)
        state.scaler = torch.amp.GradScaler(device.type, enabled=state.precision.scaler)
        state.ema = WeightAverage(net, config.ema) if config.ema else None
        if is_convolutional(net):
            net.to(memory_format=torch.channels_last)
        if config.compile:
            compile_towers(net)
    except BaseException:
        restore(net, state.base.net)
        raise


def require_possible(net: nn.Module, config: FinetuneConfig, device: torch.device) -> None:
    """Raise ValueError where the configuration asks for what this network or this machine has not, and ImportError
    for low-rank additions without peft. Nothing is changed, so this may come long before `prepare`."""
    frozen_part(net, config)
    lr_shares(net, config)
    if config.lora_rank:
        require_peft()
        lora_targets(net, config)
    if config.compile:
        require_compiler(device)


def finish(state: TrainingState, say_so: Callable[[], None]) -> None:
    """The weights that the run ends with, averaged where it averages; then `say_so`; then a network like the base."""
    net = state.model.net
    try:
        if state.ema is not None:
            state.ema.copy_to(net)
        say_so()
    finally:
        restore(net, state.base.net)


def restore(net: nn.Module, base: nn.Module) -> None:
    """Low-rank additions merged, nothing compiled, evaluation mode, plain memory layout, no gradients held; what can
    be trained is what can be in `base`, a network of the same names but for a bias that SigLIP's loss has added."""
    merge_lora(net)
    net.eval()
    net.to(memory_format=torch.contiguous_format)
    learns = {name: parameter.requires_grad for name, parameter in base.named_parameters()}
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(learns.get(name, True)).grad = None
    for tower in towers(net):
        tower._compiled_call_impl = None  # what nn.Module.compile sets; torch has no function to take it back


def freeze(net: nn.Module, config: FinetuneConfig) -> None:
    """Leave frozen parts without gradients. ValueError for a depth that a tower has not."""
    frozen = frozen_part(net, config)
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(parameter.requires_grad and not frozen(name))


def set_training_mode(net: nn.Module, config: FinetuneConfig) -> None:
    """Training mode, but for frozen parts: no dropout there, and batch norms keep their statistics.

    With freeze_batch_norm all batch norms do, for small batches spoil them.
    """
    net.train()
    frozen = frozen_part(net, config)
    for name, module in net.named_modules():
        if (name and frozen(name)) or (isinstance(module, BatchNorm) and config.freeze_batch_norm):
            module.training = False


def require_exact(net: nn.Module, config: FinetuneConfig, world: World) -> None:
    """Raise ValueError where chunks or processes would give other gradients than the whole batch does: a batch norm
    that `set_training_mode` sets to training normalises each picture by all that it sees at once."""
    frozen = frozen_part(net, config)
    norms = sum(isinstance(module, BatchNorm) and not frozen(name) for name, module in net.named_modules())
    parts = [f"chunk_size={config.chunk_size}"] * (0 < config.chunk_size < config.batch_size)
    parts += [f"{world.size} processes"] * (world.size > 1)
    if norms and parts and not config.freeze_batch_norm:
        raise ValueError(
            f"{' and '.join(parts)}: each part of the batch would go through the network's {norms} batch norms by "
            "itself, and they normalise by what they see, so the gradients would not be those of the whole batch; "
            "keep their statistics fixed with freeze_batch_norm=True, or train with chunk_size=0 in one process"
        )


def batch_statistics(net: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """The statistics of batch norms in training mode, each with a copy: every forward pass changes them."""
    norms = (module for module in net.modules() if isinstance(module, BatchNorm) and module.training)
    return [(buffer, buffer.clone()) for norm in norms for buffer in norm.buffers()]


@torch.no_grad()
def clamp_temperature(net: nn.Module, config: FinetuneConfig) -> None:
    """CLIP's bound, where CLIP's loss trains the logit scale; SigLIP's published networks lie beyond it."""
    if config.loss == "clip" and net.logit_scale.requires_grad:
        net.logit_scale.clamp_(max=math.log(MAX_LOGIT_SCALE))


def trained_parameters(net: nn.Module) -> list[nn.Parameter]:
    return [p for p in net.parameters() if p.requires_grad]


def trained_count(net: nn.Module) -> int:
    """How many numbers are trained."""
    return sum(parameter.numel() for parameter in trained_parameters(net))


def tower_parameters(net: nn.Module) -> Iterator[nn.Parameter]:
    """The trained ones of both towers; temperature and bias have the gradient of the whole batch in every process."""
    return (p for name, p in net.named_parameters() if p.requires_grad and part_of(name) != "temperature")


def temperature_parameters(net: nn.Module) -> Iterator[nn.Parameter]:
    """The trained ones of temperature and bias."""
    return (p for name, p in net.named_parameters() if p.requires_grad and part_of(name) == "temperature")


def is_convolutional(net: nn.Module) -> bool:
    """Whether the memory layout matters: a vision transformer's only convolution cuts the picture into patches."""
    return sum(isinstance(module, nn.Conv2d) for module in net.modules()) > 1


def towers(net: nn.Module) -> tuple[nn.Module, nn.Module]:
    """What `Clip` calls for features of pictures, and of texts (of CLIP's own text tower its layers)."""
    return net.visual, net.text if hasattr(net, "text") else net.transformer


def require_compiler(device: torch.device) -> None:
    """ValueError where torch.compile does not work."""
    try:
        torch.compile(lambda x: x + 1)(torch.ones(2, device=device))
    except RuntimeError as error:
        raise ValueError(
            f"compile=True: torch.compile does not work here ({first_line(error)}); it wants a C++ compiler, and "
            "Triton on a GPU: install them, or take compile=False"
        ) from error


def compile_towers(net: nn.Module) -> None:
    """Compile both towers in place: names stay.

    Batches of captions differ in number and length, so these are symbols from the start; pictures have one size, and
    batches of them two or three.
    """
    torch.compiler.reset()  # a former run's graphs would count towards the limit, after which nothing is compiled
    visual, text = towers(net)
    visual.compile()
    text.compile(dynamic=True)
