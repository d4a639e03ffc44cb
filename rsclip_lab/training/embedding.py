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
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from rsclip_lab.environment import Precision
from rsclip_lab.training.processes import World


@dataclass
class Embedding:
    """One tower's features of a batch.

    features: [rows of all processes, dim] unit vectors, a leaf whose `.grad` a loss fills; `backward` sends that
    gradient, scaled as the loss was, through the tower.
    """

    features: Tensor
    world: World
    forward: Callable[[slice], Tensor]  # features of some of this process's rows, with a graph
    chunks: list[slice]  # of this process's rows; none where it has no row
    graph: Tensor | None = None  # this process's features with their graph, when there is but one chunk
    random_states: list[tuple] = field(default_factory=list)  # before each chunk, when there are several

    def backward(self) -> None:
        """Add to the tower's gradients what `features.grad` asks for."""
        if self.features.grad is None:
            return
        gradient = self.features.grad[self.world.share]
        if self.graph is not None:
            send_back(self.graph, gradient)
            return
        device = self.features.device
        now = random_state_of(device)
        for rows, before in zip(self.chunks, self.random_states, strict=True):
            set_random_state(before, device)
            send_back(self.forward(rows), gradient[rows])
        set_random_state(now, device)


def embed(
    tower: Callable[[Tensor], Tensor],
    inputs: Tensor,
    shape: tuple[int, int],
    device: torch.device,
    precision: Precision,
    chunk_size: int = 0,
    world: World | None = None,
    learns: bool = True,
) -> Embedding:
    """Features of `inputs`, this process's share of the batch, gathered from all processes.

    tower: inputs of some rows -> unit float32 features, such as `Clip.image_features`. shape: of the features of the
    whole batch, rows of all processes and dim. chunk_size: rows at a time, 0 for all. learns: whether gradients are
    to go back through the tower.
    """
    world = world or World()

    def forward(rows: slice) -> Tensor:
        with precision.context(), attention(device):
            torch.clear_autocast_cache()  # in another autocast it would hold former weights
            return tower(inputs[rows])

    size = chunk_size or max(1, len(inputs))
    chunks = [slice(start, min(start + size, len(inputs))) for start in range(0, len(inputs), size)]
    graph, states = None, []
    if len(chunks) == 1 and learns:
        graph = forward(chunks[0])
        mine = graph.detach()
    else:
        mine = torch.empty(len(inputs), shape[1], device=device)
        for rows in chunks:
            states.append(random_state_of(device))
            with torch.no_grad():
                mine[rows] = forward(rows)
    features = world.gather(mine, shape[0]).requires_grad_(learns)
    return Embedding(features, world, forward, chunks, graph, states)


def send_back(features: Tensor, gradient: Tensor) -> None:
    """Through the network that gave the features, if anything there is trained."""
    if features.requires_grad:
        features.backward(gradient)


def random_state_of(device: torch.device) -> tuple[Tensor, Tensor | None]:
    """What dropout draws from: the CPU's generator and, where the device has one of its own, that one's."""
    if device.type == "cuda":
        return torch.get_rng_state(), torch.cuda.get_rng_state(device)
    return torch.get_rng_state(), torch.mps.get_rng_state() if device.type == "mps" else None


def set_random_state(state: tuple[Tensor, Tensor | None], device: torch.device) -> None:
    """Go on with the random numbers that came after `random_state_of` gave this state."""
    cpu, own = state
    torch.set_rng_state(cpu)
    if own is not None:
        torch.mps.set_rng_state(own) if device.type == "mps" else torch.cuda.set_rng_state(own, device)


def attention(device: torch.device) -> AbstractContextManager:
    """On a CPU, attention as plain matrix products: for sequences as short as a caption or 50 patches
    the backward pass of torch's fused CPU kernel is slow
    (measured on small towers, a whole training step: 4.0 against 5.5 ms a picture)."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()
