"""The optimizers are torch's, the groups are those of the field, and rates shrink with the depth."""

from dataclasses import replace

import pytest
import torch
from conftest import TINY_ARCHITECTURE as TINY
from torch import nn

from rsclip_lab.models.architecture import build_network
from rsclip_lab.training import FinetuneConfig
from rsclip_lab.training.network.layers import part_of, tower_of
from rsclip_lab.training.network.optimizers import is_decayed, lr_shares, make_optimizer, parameter_groups

CPU = torch.device("cpu")


class Small(nn.Module):
    """A net with a norm, biases, a matrix and a temperature."""

    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.first, self.ln, self.last = nn.Linear(5, 7), nn.LayerNorm(7), nn.Linear(7, 3, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(2.6))

    def forward(self, x):
        return self.logit_scale.exp() * self.last(self.ln(self.first(x)).tanh())


def stepped(net, optimizer, steps=8):
    """The weights after some steps on random regressions, each of another rate."""
    generator = torch.Generator().manual_seed(1)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = group["lr"] * (0.9 if step % 2 else 1.2)
        x, y = torch.randn(16, 5, generator=generator), torch.randn(16, 3, generator=generator)
        optimizer.zero_grad()
        (net(x) - y).square().mean().backward()
        optimizer.step()
    return {name: p.detach().clone() for name, p in net.named_parameters()}


BY_HAND = {
    "adamw": lambda groups, rate: torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), eps=1e-6, foreach=False),
    "adam": lambda groups, rate: torch.optim.Adam(groups, lr=rate, betas=(0.9, 0.98), eps=1e-6, foreach=False),
    "adafactor": lambda groups, rate: torch.optim.Adafactor(groups, lr=rate),
}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", BY_HAND)
def test_each_optimizer_moves_the_weights_as_torchs_own(name, seed):
    config = FinetuneConfig(optimizer=name, learning_rate=0.03, weight_decay=0.3)
    ours, theirs = Small(seed), Small(seed)
    matrices = [theirs.first.weight, theirs.last.weight]
    others = [theirs.first.bias, *theirs.ln.parameters(), theirs.logit_scale]
    groups = [{"params": matrices, "weight_decay": 0.3}, {"params": others, "weight_decay": 0.0}]
    start = {n: p.detach().clone() for n, p in ours.named_parameters()}
    weights = stepped(ours, make_optimizer(ours, config, CPU))
    expected = stepped(theirs, BY_HAND[name](groups, 0.03))
    for part, value in weights.items():
        torch.testing.assert_close(value, expected[part], rtol=1e-5, atol=1e-6)
        assert not torch.equal(value, start[part]), part


def test_adam_decays_through_the_gradient_and_adamw_beside_it():
    def after(optimizer, decay):
        config = FinetuneConfig(optimizer=optimizer, learning_rate=0.03, weight_decay=decay)
        net = Small(0)
        return stepped(net, make_optimizer(net, config, CPU), steps=1)["first.weight"]

    start, factor = Small(0).first.weight.detach(), 1.2 * 0.03 * 0.5
    torch.testing.assert_close(after("adamw", 0.5), after("adamw", 0.0) - factor * start)
    assert not torch.allclose(after("adam", 0.5), after("adam", 0.0) - factor * start, atol=1e-3)
    assert not torch.equal(after("adam", 0.5), after("adam", 0.0))


@pytest.mark.parametrize("name", BY_HAND)
def test_without_a_gradient_only_matrices_shrink(name):
    net = build_network(TINY | {"custom_text": True, "init_logit_bias": -10})
    config = FinetuneConfig(optimizer=name, learning_rate=0.01, weight_decay=0.5)
    before = {part: p.detach().clone() for part, p in net.named_parameters()}
    optimizer = make_optimizer(net, config, CPU)
    for parameter in net.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for part, parameter in net.named_parameters():
        decays = parameter.ndim >= 2
        assert torch.equal(parameter, before[part]) is not decays, part
        if decays and name != "adam":  # whose decay, the only gradient here, is scaled to the learning rate
            torch.testing.assert_close(parameter.detach(), before[part] * (1 - 0.01 * 0.5))


def test_the_rule_is_that_of_open_clips_training():
    """As open_clip_train.main writes it; no decay on a bias table of two dimensions, nor on a scale of three."""
    net = build_network(TINY)
    names = {name: p for name, p in net.named_parameters()}
    names |= {
        "visual.trunk.relative_position_bias_table": torch.zeros(9, 2),
        "attn.logit_scale": torch.zeros(2, 1, 1),
    }
    excluded = {
        n for n, p in names.items() if p.ndim < 2 or "bn" in n or "ln" in n or "bias" in n or "logit_scale" in n
    }
    assert {name for name, p in names.items() if not is_decayed(name, p)} == excluded
    assert "visual.class_embedding" in excluded and "positional_embedding" not in excluded


def test_frozen_parameters_are_in_no_group_and_each_other_one_is_in_one():
    net = build_network(TINY)
    net.visual.requires_grad_(False)
    grouped = [id(p) for group in parameter_groups(net, FinetuneConfig(learning_rate=0.1)) for p in group["params"]]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == {id(p) for p in net.parameters() if p.requires_grad}


def test_rates_shrink_layer_by_layer_away_from_the_output():
    net = build_network(TINY)
    config = FinetuneConfig(learning_rate=0.1, layer_decay=0.5)
    rates = {id(p): group for group in parameter_groups(net, config) for p in group["params"]}
    expected = {
        "visual.conv1.weight": 0.5**3,
        "visual.class_embedding": 0.5**3,
        "visual.ln_pre.bias": 0.5**3,
        "visual.transformer.resblocks.0.attn.in_proj_weight": 0.5**2,
        "visual.transformer.resblocks.1.mlp.c_fc.bias": 0.5,
        "visual.ln_post.weight": 1,
        "visual.proj": 1,
        "token_embedding.weight": 0.5**3,
        "transformer.resblocks.0.ln_1.weight": 0.5**2,
        "transformer.resblocks.1.ln_1.weight": 0.5,
        "ln_final.bias": 1,
        "text_projection": 1,
        "logit_scale": 1,
    }
    for name, parameter in net.named_parameters():
        group = rates[id(parameter)]
        assert group["lr"] == pytest.approx(0.1 * group["lr_share"])
        if name in expected:
            assert group["lr_share"] == expected.pop(name), name
    assert not expected
    assert all(group["lr_share"] == 1 for group in parameter_groups(net, replace(config, layer_decay=1.0)))


def test_each_layers_first_step_of_adam_is_its_rate():
    """Adam's first step has the learning rate's length for every number: the rates can be read off the weights."""
    net = build_network(TINY)
    config = FinetuneConfig(optimizer="adam", learning_rate=1e-2, layer_decay=0.5, weight_decay=0.0)
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    optimizer = make_optimizer(net, config, CPU)
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    for name, parameter in net.named_parameters():
        part = part_of(name)
        share = 1.0 if part == "temperature" else 0.5 ** tower_of(net, part).before_output(name)
        torch.testing.assert_close(
            before[name] - parameter, torch.full_like(parameter, 1e-2 * share), rtol=1e-3, atol=1e-6
        )


def test_unknown_depth_matters_only_to_layer_wise_rates_of_a_trained_tower():
    net = build_network(TINY)
    net.visual.transformer = nn.Sequential(nn.Linear(3, 4))
    assert lr_shares(net, FinetuneConfig()) == {}
    with pytest.raises(ValueError, match="does not say which of its parameters.*layer_decay=1"):
        lr_shares(net, FinetuneConfig(layer_decay=0.9))
    shares = lr_shares(net, FinetuneConfig(layer_decay=0.9, freeze_image="all"))
    assert set(shares.values()) == {1.0, 0.9, 0.9**2, 0.9**3}
