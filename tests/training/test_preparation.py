"""What a run does to a network before it trains, and that nothing of it is left afterwards."""

import shutil
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest
import torch
from conftest import TINY_ARCHITECTURE as TINY
from small_runs import CONFIG as SMALL
from small_runs import At, assert_same, small_run
from test_layers import RESNET
from torch._dynamo.utils import counters

from rsclip_lab.data import read_captions
from rsclip_lab.environment import select_precision
from rsclip_lab.models import new_clip
from rsclip_lab.training import Diverged, FinetuneConfig, finetune
from rsclip_lab.training.network.preparation import (
    compile_towers,
    finish,
    is_convolutional,
    prepare,
    restore,
    set_training_mode,
    towers,
)
from rsclip_lab.training.state import TrainingState

QUICK = FinetuneConfig(epochs=2, batch_size=3, learning_rate=1e-3, augment=False, precision="fp32")
ONE_LAYER = TINY | {part: TINY[part] | {"layers": 1} for part in ("vision_cfg", "text_cfg")}
CHANNELS_LAST = torch.channels_last


def state_of(clip, config):
    return TrainingState(clip.copy(), clip, config.resolved(clip), select_precision("cpu", "fp32"), steps_per_epoch=1)


def facts(net):
    """All that a run may change of a network besides its values."""
    modules = dict(net.named_modules())
    return {
        "parameters": {n: (p.requires_grad, p.grad, p.stride(), type(p)) for n, p in net.named_parameters()},
        "names": list(net.state_dict()),
        "classes": {name: type(module) for name, module in modules.items()},
        "training": [name for name, module in modules.items() if module.training],
        "compiled": [name for name, module in modules.items() if module._compiled_call_impl],
        "hooks": [
            name for name, m in modules.items() if m._forward_hooks or m._forward_pre_hooks or m._backward_hooks
        ],
        "attributes": set(vars(net)),
    }


CONFIGS = [
    FinetuneConfig(),
    FinetuneConfig(freeze_image="all", freeze_text=1, freeze_temperature=True, freeze_batch_norm=False),
    FinetuneConfig(freeze_image="all", lora_rank=2, ema=0.9, optimizer="adam"),
]


@pytest.mark.parametrize("config", CONFIGS, ids=["all weights", "frozen", "lora"])
def test_afterwards_the_network_is_as_it_was_but_for_its_values(config):
    clip = new_clip(RESNET)
    clip.net.visual.attnpool.positional_embedding.requires_grad_(False)
    state = state_of(clip, config)
    net, before = state.model.net, facts(state.model.net)
    prepare(state)
    set_training_mode(net, state.config)
    for parameter in net.parameters():
        parameter.grad = torch.zeros_like(parameter) if parameter.requires_grad else None
    assert facts(net) != before

    def broken():
        raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        finish(state, broken)
    assert facts(net) == before == facts(clip.net)
    assert all(torch.equal(value, clip.net.state_dict()[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize("bad", [{"freeze_image": 9}, {"lora_rank": 2}, {"freeze_image": 1, "lora_rank": 2}])
def test_what_cannot_be_prepared_leaves_the_network_as_it_was(bad):
    state = state_of(new_clip(RESNET), FinetuneConfig(**bad))
    before = facts(state.model.net)
    with pytest.raises(ValueError, match=next(iter(bad)) if "lora_rank" not in bad else "lora_rank=2"):
        prepare(state)
    assert facts(state.model.net) == before


def test_the_average_is_in_the_network_when_the_run_is_over(random_clip):
    state = state_of(random_clip, FinetuneConfig(ema=0.9))
    prepare(state)
    with torch.no_grad():
        state.model.net.visual.proj += 1
    said = []
    finish(state, lambda: said.append(state.model.net.visual.proj.detach().clone()))
    assert torch.equal(said[0], random_clip.net.visual.proj) and torch.equal(state.model.net.visual.proj, said[0])


def test_the_memory_layout_changes_only_where_there_are_convolutions_to_gain_by_it(random_clip):
    resnet = new_clip(RESNET)
    assert is_convolutional(resnet.net) and not is_convolutional(random_clip.net)
    for clip in (resnet, random_clip):
        state = state_of(clip, FinetuneConfig())
        prepare(state)
        weights = [p for p in state.model.net.parameters() if p.ndim == 4 and min(p.shape) > 1]
        assert all(p.is_contiguous(memory_format=CHANNELS_LAST) for p in weights) is (clip is resnet)


def test_a_locked_resnet_keeps_its_weights_and_its_statistics(picture_folder):
    captions = read_captions(picture_folder, split="train")
    clip = new_clip(RESNET)
    run = finetune(clip, captions, replace(QUICK, freeze_image="all", freeze_batch_norm=False), progress=False)
    before, after = clip.net.state_dict(), run.model.net.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert not any(name.startswith("visual.") for name in moved)
    assert {"logit_scale", "text_projection", "token_embedding.weight"} <= moved


def test_a_run_that_diverges_keeps_the_batch_statistics_of_the_step_before_and_goes_on_as_one_that_did_not(
    picture_folder, tmp_path, one_thread
):
    def spoil_pixels(state):
        kept.update({name: value.clone() for name, value in state.model.net.state_dict().items()})
        state.model.net.visual.register_forward_pre_hook(lambda tower, pixels: (pixels[0] * torch.inf,))

    kept, clip, config = {}, new_clip(RESNET, seed=0), replace(SMALL, ema=0.0, freeze_batch_norm=False)
    with pytest.raises(Diverged, match="step 3: the loss is nan") as told:
        small_run(clip, picture_folder, tmp_path / "run", config, callbacks=[At(spoil_pixels, step=3)])
    left = told.value.run.model.net.state_dict()
    assert all(torch.equal(left[name], value) for name, value in kept.items())
    assert left["visual.bn1.num_batches_tracked"] == 3 and left["visual.bn1.running_mean"].abs().max() > 0

    resumed = small_run(clip, picture_folder, tmp_path / "run", config)
    assert_same(resumed, small_run(clip, picture_folder, None, config))


def test_a_compiled_run_learns_the_same_with_few_graphs_and_leaves_none(picture_folder, monkeypatch):
    """All of torch.compile but its last part, the kernels, which take minutes to build."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    captions = read_captions(picture_folder, split="train")
    # Captions of several lengths, and batches with fewer captions than pictures.
    captions.loc[captions.index[:3], "caption"] = [
        "sea",
        "sea",
        "a long line of boats in the harbour of a small town",
    ]
    clip, config = new_clip(ONE_LAYER), replace(QUICK, epochs=3, batch_size=6, chunk_size=3)
    plain = finetune(clip, captions, config, progress=False)
    counters.clear()
    run = finetune(clip, captions, replace(config, compile=True), progress=False)
    losses = [torch.tensor(history.loss.values) for history in (run.history, plain.history)]
    torch.testing.assert_close(*losses, rtol=1e-4, atol=1e-4)
    assert 2 < counters["stats"]["unique_graphs"] <= 6  # with and without a gradient, and the trial of the compiler
    assert facts(run.model.net) == facts(clip.net)


@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs a C++ compiler on a CPU")
def test_compiled_kernels_give_the_same_features():
    clip = new_clip(ONE_LAYER)
    tokens = torch.randint(1, 90, (4, 77))
    with torch.no_grad():
        expected = clip.text_features(tokens)
        counters.clear()
        compile_towers(clip.net)
        torch.testing.assert_close(clip.text_features(tokens), expected, rtol=0, atol=1e-5)
        torch.testing.assert_close(clip.text_features(tokens[:3]), expected[:3], rtol=0, atol=1e-5)
    assert counters["stats"]["unique_graphs"] == 1  # for batches of any size
    restore(clip.net, clip.copy().net)
    assert not any(tower._compiled_call_impl for tower in towers(clip.net))


def test_a_machine_that_cannot_compile_is_told_what_it_lacks(random_clip, monkeypatch):
    def refused(function, **options):
        raise RuntimeError("no compiler\nand much more")

    monkeypatch.setattr(torch, "compile", refused)
    state = state_of(random_clip, FinetuneConfig(compile=True))
    with pytest.raises(ValueError, match="does not work here .no compiler.; it wants.*compile=False"):
        prepare(state)
