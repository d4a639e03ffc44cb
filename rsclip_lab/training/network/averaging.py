"""Weights averaged over the steps of a run: steadier than the last ones (Polyak & Juditsky 1992; with exponential
weights, as here, Tarvainen & Valpola 2017, arXiv:1703.01780)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from rsclip_lab.training.state import TrainingState


class WeightAverage:
    """A running average of the trained weights of one network, which starts with the weights that it has now.

    decay: how much of the average each step keeps. In the first steps it is less, (1 + n) / (10 + n) after n steps,
    so that a run shorter than 1 / (1 - decay) steps does not end with the weights it began with.
    Frozen weights do not move and have no average; batch-norm statistics are averages already, so the network's own
    stand beside the averaged weights.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.weights = {name: p.detach().clone() for name, p in net.named_parameters() if p.requires_grad}

    def update(self, net: nn.Module) -> None:
        """Take in the weights after one more step."""
        kept = min(self.decay, (1 + self.steps) / (10 + self.steps))
        get_ema_multi_avg_fn(kept)(list(self.weights.values()), self._weights_of(net), self.steps)
        self.steps += 1

    @torch.no_grad()
    def copy_to(self, net: nn.Module) -> None:
        """Give `net` the averaged weights."""
        for weight, average in zip(self._weights_of(net), self.weights.values(), strict=True):
            weight.copy_(average)

    @contextmanager
    def in_place_of(self, net: nn.Module) -> Iterator[None]:
        """Inside the block `net` has the averaged weights, afterwards its own again."""
        weights = self._weights_of(net)
        own = [weight.clone() for weight in weights]
        self.copy_to(net)
        try:
            yield
        finally:
            for weight, value in zip(weights, own, strict=True):
                weight.copy_(value)

    def state_dict(self) -> dict:
        """What a checkpoint keeps."""
        return {"steps": self.steps, "weights": dict(self.weights)}

    def load_state_dict(self, state: dict) -> None:
        """Go on from what `state_dict` gave. ValueError where that was of another network or other frozen parts."""
        if other := state["weights"].keys() ^ self.weights.keys():
            raise ValueError(
                f"the averaged weights are of another network, or of one frozen elsewhere: {len(other)} names are in "
                f"one of the two only ({', '.join(sorted(other)[:3])}); resume with the configuration of the run"
            )
        self.steps = state["steps"]
        for name, average in self.weights.items():
            average.copy_(state["weights"][name])

    def _weights_of(self, net: nn.Module) -> list[Tensor]:
        parameters = dict(net.named_parameters())
        return [parameters[name].detach() for name in self.weights]


def averaged(state: TrainingState) -> AbstractContextManager:
    """Inside the block the trained network has its averaged weights, where the run averages them."""
    return nullcontext() if state.ema is None else state.ema.in_place_of(state.model.net)
