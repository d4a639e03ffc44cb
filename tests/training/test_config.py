"""The configuration refuses what cannot work, and the schedule is the one it says."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from rsclip_lab.training import FinetuneConfig, learning_rate_at, suggested_learning_rate
from rsclip_lab.training.config import SMALL_RATE


@pytest.mark.parametrize(
    "bad",
    [
        {"epochs": 0},
        {"batch_size": 1},
        {"learning_rate": 0.0},
        {"warmup": 1.0},
        {"loss": "cosine"},
        {"replay_share": 1.0},
        {"distillation": -1.0},
        {"distillation": float("inf")},
        {"freeze_image": "everything"},
        {"min_crop": 0.0},
        {"precision": "int8"},
        {"optimizer": "adafactor", "lora_rank": 4},
        {"seed": 2**32},
    ],
)
def test_a_value_that_cannot_work_is_named(bad):
    name = next(iter(bad))
    with pytest.raises(ValueError, match=rf"{name}=.*must be"):
        FinetuneConfig(**bad)


def test_a_batch_of_one_is_refused_with_the_reason():
    with pytest.raises(ValueError, match="no negatives"):
        FinetuneConfig(batch_size=1)


def test_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        FinetuneConfig().epochs = 3


@pytest.mark.parametrize("total", [1, 2, 10, 400])
def test_the_rate_rises_to_the_peak_then_falls_towards_zero(total):
    config = FinetuneConfig(learning_rate=1e-3, warmup=0.2)
    rates = [learning_rate_at(step, total, config) for step in range(total)]
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(1e-3)
    assert top <= 0.2 * total
    assert rates[: top + 1] == sorted(rates[: top + 1]) and rates[top:] == sorted(rates[top:], reverse=True)
    assert min(rates) > 0  # no step is wasted
    assert total < 10 or rates[-1] < 0.1e-3


def test_schedules_are_those_of_their_names():
    def rates(schedule):
        config = FinetuneConfig(learning_rate=0.8, warmup=0.2, schedule=schedule)
        return [learning_rate_at(step, 10, config) for step in range(10)]

    rise, done = [0.8 / 3, 1.6 / 3], np.arange(8) / 8
    np.testing.assert_allclose(rates("linear"), [*rise, *(0.8 * (1 - done))])
    np.testing.assert_allclose(rates("cosine"), [*rise, *(0.4 * (1 + np.cos(np.pi * done)))])
    np.testing.assert_allclose(rates("constant"), [*rise, *([0.8] * 8)])


def test_small_networks_get_the_larger_rate():
    def model(parameters):
        return SimpleNamespace(net=torch.nn.Embedding(parameters, 1, device="meta"))

    assert suggested_learning_rate(model(14_000_000)) == SMALL_RATE
    assert suggested_learning_rate(model(150_000_000)) == 5e-6
    assert FinetuneConfig().resolved(model(150_000_000)).learning_rate == 5e-6
    assert FinetuneConfig(learning_rate=1e-2).resolved(model(150_000_000)).learning_rate == 1e-2
    assert FinetuneConfig(lora_rank=4).resolved(model(150_000_000)).learning_rate == 2e-4
    assert FinetuneConfig(lora_rank=4).resolved(model(14_000_000)).learning_rate == SMALL_RATE
    assert FinetuneConfig(optimizer="adafactor").resolved(model(150_000_000)).learning_rate == 15 * 5e-6
    assert FinetuneConfig().resolved(model(150_000_000)).freeze_batch_norm is True
    assert FinetuneConfig().resolved(model(14_000_000)).freeze_batch_norm is False
    assert FinetuneConfig(freeze_batch_norm=True).resolved(model(14_000_000)).freeze_batch_norm is True


@pytest.mark.parametrize(
    "wrong", [{"batch_size": "32"}, {"flip": "no"}, {"epochs": 1.5}, {"epochs": True}, {"seed": None}]
)
def test_values_of_another_type_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(TypeError, match=f"FinetuneConfig.{name}=.*{name} must be"):
        FinetuneConfig(**wrong)
    assert FinetuneConfig(weight_decay=0).weight_decay == 0 and FinetuneConfig(learning_rate=None)
