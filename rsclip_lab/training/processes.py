"""Several processes that train one network: who they are, and what they tell each other.

Every process holds the whole network and the plan of every batch. It embeds its share of the batch's pictures and
distinct captions; features are gathered, so that the loss is that of the whole batch in every process; and
the gradients of the towers are summed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True)
class World:
    """The processes of a run and this one's place among them; with size 1, the default, nothing is ever sent."""

    rank: int = 0
    size: int = 1

    @classmethod
    def joined(cls) -> World:
        """The processes that torchrun has started, or this one alone."""
        if not dist.is_initialized():
            return cls()
        return cls(dist.get_rank(), dist.get_world_size())

    @property
    def first(self) -> bool:
        """Whether this process writes and prints."""
        return self.rank == 0

    @property
    def share(self) -> slice:
        """Which of the rows of a batch this process takes: every `size`th, so that replayed ones are shared, too."""
        return slice(self.rank, None, self.size)

    def gather(self, mine: Tensor, total: int) -> Tensor:
        """All `total` rows, in the batch's order, of which `mine` are this process's share."""
        if self.size == 1:
            return mine
        most = -(-total // self.size)
        padded = mine.new_zeros(most, *mine.shape[1:])
        padded[: len(mine)] = mine
        rows = [torch.empty_like(padded) for _ in range(self.size)]
        dist.all_gather(rows, padded)
        return torch.stack(rows, dim=1).flatten(0, 1)[:total]  # row r of process p stood at r * size + p

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by the sum over the processes; one that had nothing to embed adds zeros."""
        if self.size == 1:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            dist.all_reduce(parameter.grad)

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether it is so in any process."""
        if self.size == 1:
            return flag
        flags = torch.tensor([float(flag)], device=device)
        dist.all_reduce(flags, dist.ReduceOp.MAX)
        return bool(flags.item())

    def from_first(self, value):
        """What the first process has: a picklable value, the same for all."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]


def started_by_torchrun() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ
