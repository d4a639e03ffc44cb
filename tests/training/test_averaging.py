"""The running average is the one of its formula, and the network gets its own weights back."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from rsclip_lab.training import FinetuneConfig, finetune
from rsclip_lab.training.network.averaging import WeightAverage, averaged


@pytest.fixture
def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


@torch.no_grad()
def moved(net, seed):
    generator = torch.Generator().manual_seed(seed)
    for parameter in net.parameters():
        if parameter.requires_grad:
            parameter += torch.randn(parameter.shape, generator=generator)


def values(net):
    return {name: value.clone() for name, value in net.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("decay", [0.05, 0.5, 0.999])
def test_the_average_is_that_of_the_formula_with_its_first_steps(net, decay):
    average = WeightAverage(net, decay)
    expected = {name: p.detach().double().numpy().copy() for name, p in net.named_parameters()}
    for step in range(30):
        moved(net, step)
        average.update(net)
        kept = min(decay, (1 + step) / (10 + step))
        for name, parameter in net.named_parameters():
            expected[name] = kept * expected[name] + (1 - kept) * parameter.detach().double().numpy()
    average.copy_to(net)
    for name, parameter in net.named_parameters():
        np.testing.assert_allclose(parameter.detach().numpy(), expected[name], rtol=1e-5, atol=1e-6)


def test_a_short_run_does_not_end_where_it_began(net):
    average, start = WeightAverage(net, 0.9999), values(net)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 1
    for _ in range(20):
        average.update(net)
    average.copy_to(net)
    assert (net[0].weight - start["0.weight"]).min() > 0.99


def test_inside_the_block_the_net_is_the_average_and_afterwards_itself_again(net):
    average, start = WeightAverage(net, 0.9), values(net)
    moved(net, 0)
    own = values(net)
    with pytest.raises(KeyError), average.in_place_of(net):
        assert same(values(net), start) and not same(values(net), own)
        raise KeyError
    assert same(values(net), own)


def test_statistics_are_the_nets_own_and_frozen_weights_are_not_averaged(net):
    net[0].requires_grad_(False)
    average = WeightAverage(net, 0.9)
    assert list(average.weights) == ["1.weight", "1.bias", "2.weight", "2.bias"]
    net(torch.randn(8, 3))
    statistics = net[1].running_mean.clone()
    assert statistics.any()
    average.copy_to(net)
    assert torch.equal(net[1].running_mean, statistics)


def test_a_saved_average_goes_on_exactly(net, tmp_path):
    average = WeightAverage(net, 0.9)
    for step in range(5):
        moved(net, step)
        average.update(net)
    torch.save(average.state_dict(), tmp_path / "average.pt")
    resumed = WeightAverage(net, 0.9)
    resumed.load_state_dict(torch.load(tmp_path / "average.pt", weights_only=True))
    for one in (average, resumed):
        one.update(net)
    assert resumed.steps == average.steps == 6 and same(resumed.weights, average.weights)
    net[0].requires_grad_(False)
    with pytest.raises(ValueError, match="2 names .* in one of the two only"):
        WeightAverage(net, 0.9).load_state_dict(average.state_dict())


def test_a_run_without_an_average_is_measured_as_it_is(net):
    state = SimpleNamespace(ema=None, model=SimpleNamespace(net=net))
    before = values(net)
    with averaged(state):
        assert same(values(net), before)
    state.ema = WeightAverage(net, 0.9)
    moved(net, 1)
    with averaged(state):
        assert same(values(net), before)


def test_a_run_ends_with_the_average_of_its_weights(random_clip, picture_folder):
    from rsclip_lab.data import read_captions

    captions, seen = read_captions(picture_folder, split="train"), []

    class Keep:
        def on_step(self, state):
            seen.append({name: p.detach().clone() for name, p in state.model.net.named_parameters()})

    config = FinetuneConfig(epochs=4, batch_size=3, learning_rate=1e-3, ema=0.6, freeze_text=1, precision="fp32")
    run = finetune(random_clip, captions, config, callbacks=[Keep()], progress=False)
    expected = dict(random_clip.net.named_parameters())
    for step, weights in enumerate(seen):
        kept = min(0.6, (1 + step) / (10 + step))
        expected = {name: torch.lerp(weights[name], expected[name].detach(), kept) for name in weights}
    assert len(seen) == 8
    for name, parameter in run.model.net.named_parameters():
        torch.testing.assert_close(parameter.detach(), expected[name], rtol=1e-5, atol=1e-6)
    assert not torch.allclose(run.model.net.visual.proj, seen[-1]["visual.proj"], atol=1e-5)
