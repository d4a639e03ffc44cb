"""Random inputs of the checks, the same in every session."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def normal(generator: torch.Generator, *shape: int) -> Tensor:
    """Standard normal, float32, on the CPU whatever the default device is."""
    return torch.randn(*shape, generator=generator, dtype=torch.float32, device="cpu")


def unit(generator: torch.Generator, *shape: int) -> Tensor:
    """Unit vectors along the last dimension."""
    return F.normalize(normal(generator, *shape), dim=-1)


def pairs(generator: torch.Generator, batch: int, dim: int) -> tuple[Tensor, Tensor]:
    """Unit features [batch, dim] of pictures and of texts; row by row a pair, somewhat similar."""
    pictures = unit(generator, batch, dim)
    texts = F.normalize(pictures + 0.8 * unit(generator, batch, dim), dim=-1)
    return pictures, texts


def order(generator: torch.Generator, count: int) -> list[int]:
    """The numbers 0 … count - 1, shuffled."""
    return torch.randperm(count, generator=generator, device="cpu").tolist()
