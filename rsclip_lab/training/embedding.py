"""A batch through both towers and back, in one piece or in chunks, in one process or in several: the gradients are
those of the loss of the whole batch in any case.

Chunks (gradient caching; Gao et al. 2021, arXiv:2101.06983): embed chunk after chunk without keeping the graph; take
the loss of all features and its gradient with respect to them; embed each chunk once more, with the same random
numbers, and send its part of that gradient back through it. The memory is that of a chunk, the price a second
forward pass. It is exact for networks that treat each picture by itself; batch norm in training mode does not.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from rsclip_lab.environment import Precision
from rsclip_lab.training.processes import World


@dataclass
class Embedding:
    """One tower's features of a batch.

    features: [rows of all processes, dim] unit vectors, a leaf whose `.grad` a loss fills; `backward` sends that
    gradient through the tower.
    """

    features: Tensor
    world: World
    forward: Callable[[slice], Tensor]  # features of some of this process's rows, with a graph
    chunks: list[slice]
    graph: Tensor | None = None  # this process's features with their graph, when there is but one chunk
    random_states: list = field(default_factory=list)

    def backward(self) -> None:
        """Add to the tower's gradients what `features.grad` asks for."""
        if self.features.grad is None:
            return
        gradient = self.features.grad[self.world.share]
        if self.graph is not None:
            self.graph.backward(gradient)
            return
        with torch.random.fork_rng(_gpus(self.features.device)):
            for rows, random_state in zip(self.chunks, self.random_states, strict=True):
                set_random_state(random_state, self.features.device)
                self.forward(rows).backward(gradient[rows])


def embed(
    tower: Callable[[Tensor], Tensor],
    inputs: Tensor,
    total: int,
    device: torch.device,
    precision: Precision,
    chunk_size: int = 0,
    world: World | None = None,
    learns: bool = True,
) -> Embedding:
    """Features of `inputs`, this process's share of `total` rows, gathered from all processes.

    tower: inputs of some rows -> unit float32 features, such as `Clip.image_features`. learns: whether gradients
    are to go back through it.
    """
    world = world or World()

    def forward(rows: slice) -> Tensor:
        with precision.context(), attention(device):
            return tower(inputs[rows]).float()

    size = chunk_size or len(inputs)
    chunks = [slice(start, min(start + size, len(inputs))) for start in range(0, len(inputs), max(1, size))]
    graph, states = None, []
    if len(chunks) == 1 and learns:
        graph = forward(chunks[0])
        mine = graph.detach()
    else:
        parts = []
        with torch.no_grad():
            for rows in chunks:
                states.append(random_state_of(device))
                parts.append(forward(rows))
        mine = torch.cat(parts)
    features = world.gather(mine, total).requires_grad_(learns)
    return Embedding(features, world, forward, chunks, graph, states)


def random_state_of(device: torch.device) -> tuple[Tensor, Tensor | None]:
    """What dropout draws from on this device, and on the CPU."""
    return torch.get_rng_state(), torch.cuda.get_rng_state(device) if device.type == "cuda" else None


def set_random_state(state: tuple[Tensor, Tensor | None], device: torch.device) -> None:
    torch.set_rng_state(state[0])
    if state[1] is not None:
        torch.cuda.set_rng_state(state[1], device)


def _gpus(device: torch.device) -> list[torch.device]:
    return [device] if device.type == "cuda" else []


def attention(device: torch.device) -> AbstractContextManager:
    """On a CPU, attention as plain matrix products: for sequences as short as a caption or 50 patches
    the backward pass of torch's fused CPU kernel is slow
    (measured on small towers, a whole training step: 4.0 against 5.5 ms a picture)."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()


def require_exact(net: nn.Module, chunk_size: int, batch_size: int, world: World) -> None:
    """Raise ValueError where a network's batch norm, in training mode, would make chunks or processes wrong."""
    parts = world.size > 1 or 0 < chunk_size < batch_size
    norms = [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.training]
    if parts and norms:
        raise ValueError(
            f"chunk_size={chunk_size}, {world.size} process(es): {len(norms)} batch norms in training mode take "
            "their statistics from each part of a batch by itself, which gives other gradients than the whole batch; "
            "keep their statistics with freeze_batch_norm=True, or train with chunk_size=0 in one process"
        )
