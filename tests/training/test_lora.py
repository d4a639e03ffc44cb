"""Low-rank additions: nothing at first, then all that learns, and in the end part of the matrices."""

import copy
import sys

import pytest
import torch
from conftest import TINY_ARCHITECTURE as TINY
from test_layers import BERT, MT5, RESNET, timm_trunk, with_transformers_tower
from torch import nn

from rsclip_lab.data import read_captions
from rsclip_lab.models import load_model, new_clip
from rsclip_lab.models.architecture import build_network
from rsclip_lab.training import FinetuneConfig, finetune
from rsclip_lab.training.network.lora import ADAPTER, add_lora, lora_targets, merge_lora
from rsclip_lab.training.network.preparation import trained_count

pytest.importorskip("peft")

RANK = FinetuneConfig(lora_rank=3)
PIXELS = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
TOKENS = torch.randint(1, 90, (4, 77), generator=torch.Generator().manual_seed(1))


def randomised(net):
    """Adapters as if they had learned: B is 0 otherwise."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if "lora_B" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) / 10)


def features(model, pixels=PIXELS):
    with torch.no_grad():
        return model.image_features(pixels), model.text_features(TOKENS)


def values(net):
    return {name: value.clone() for name, value in net.state_dict().items()}


MODELS = {
    "clip": lambda folder: TINY,
    "custom text": lambda folder: TINY | {"custom_text": True},
    "timm": lambda folder: timm_trunk("test_vit"),
    "bert": lambda folder: with_transformers_tower(folder, BERT),
    "mt5": lambda folder: with_transformers_tower(folder, MT5),
}


@pytest.fixture(params=MODELS)
def any_clip(request, tmp_path):
    architecture = MODELS[request.param](tmp_path)
    clip = new_clip(TINY)
    clip.net = build_network(architecture)  # by itself, for these towers of transformers come without a tokenizer
    return clip


def test_merged_features_equal_unmerged_ones_and_the_names_are_the_bases(any_clip):
    size = any_clip.net.visual.image_size
    pixels = torch.randn(2, 3, *(size if isinstance(size, tuple) else (size, size)))
    net, base = any_clip.net, values(any_clip.net)
    at_first = features(any_clip, pixels)
    add_lora(net, RANK)
    for ours, before in zip(features(any_clip, pixels), at_first, strict=True):
        torch.testing.assert_close(ours, before, rtol=0, atol=1e-5)
    randomised(net)
    unmerged = features(any_clip, pixels)
    merge_lora(net)
    for ours, tuned, before in zip(features(any_clip, pixels), unmerged, at_first, strict=True):
        torch.testing.assert_close(ours, tuned, rtol=0, atol=1e-5)
        assert (tuned - before).abs().max() > 1e-3
    assert list(net.state_dict()) == list(base) and not hasattr(net, "peft_config")
    assert not any("lora" in type(module).__module__ for module in net.modules())


def test_a_matrix_moves_by_the_product_of_its_additions():
    net = build_network(TINY)
    base = values(net)
    add_lora(net, RANK)
    randomised(net)
    adapted = {n: m for n, m in net.named_modules() if hasattr(m, "lora_B") and f"{n}.weight" in base}
    products = {name: m.lora_B[ADAPTER].weight @ m.lora_A[ADAPTER].weight for name, m in adapted.items()}
    merge_lora(net)
    for name, product in products.items():
        torch.testing.assert_close(net.state_dict()[f"{name}.weight"] - base[f"{name}.weight"], product.detach())
    assert len(products) >= 8


def test_every_matrix_of_the_layers_moves_and_nothing_else_does(any_clip):
    net, base = any_clip.net, values(any_clip.net)
    names = lora_targets(net, RANK)
    add_lora(net, RANK)
    randomised(net)
    merge_lora(net)
    moved = {name for name, value in net.state_dict().items() if not torch.equal(value, base[name])}
    layers = (".resblocks.", "trunk.blocks.", "encoder.layer.", "transformer.block.")
    expected = {
        name
        for name, value in base.items()
        if value.ndim == 2 and any(part in name for part in layers) and "relative_attention_bias" not in name
    }
    assert moved == expected and len(expected) >= len(names) > 8


def test_gradients_reach_all_additions_and_only_them_and_the_temperature(any_clip):
    net = any_clip.net
    add_lora(net, RANK)
    randomised(net)
    base = {name: p for name, p in net.named_parameters() if "lora_" not in name}
    kept = {name: p.detach().clone() for name, p in base.items()}
    size = net.visual.image_size
    pixels = torch.randn(2, 3, *(size if isinstance(size, tuple) else (size, size)))
    loss = (any_clip.image_features(pixels) @ any_clip.text_features(TOKENS[:2]).T * net.logit_scale.exp()).square()
    loss.sum().backward()
    for name, parameter in net.named_parameters():
        trained = "lora_" in name or name == "logit_scale"
        assert parameter.requires_grad is trained and (parameter.grad is not None) is trained, name
        assert not trained or parameter.grad.abs().max() > 0, name
    assert all(torch.equal(p, kept[name]) and p is dict(net.named_parameters())[name] for name, p in base.items())


def test_the_additions_of_a_seed_are_the_same_and_the_global_random_state_stays(random_clip):
    state = torch.get_rng_state()
    nets = [copy.deepcopy(random_clip.net) for _ in range(3)]
    for net, seed in zip(nets, (0, 0, 1), strict=True):
        add_lora(net, FinetuneConfig(lora_rank=2, seed=seed))
    a, b, c = (net.state_dict() for net in nets)
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert any(not torch.equal(a[name], c[name]) for name in a)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_trained_numbers_are_counted(random_clip):
    add_lora(random_clip.net, RANK)
    width, rank = 64, RANK.lora_rank
    attention = rank * (width + 3 * width) + rank * (width + width)
    assert trained_count(random_clip.net) == 4 * (attention + 2 * rank * (width + 4 * width)) + 1


@pytest.mark.parametrize(
    ("config", "where"),
    [
        (FinetuneConfig(lora_rank=2, freeze_image="all"), {"transformer.resblocks.0", "transformer.resblocks.1"}),
        (FinetuneConfig(lora_rank=2, freeze_text="all", freeze_image=1), {"visual.transformer.resblocks.1"}),
    ],
)
def test_frozen_layers_have_no_additions(random_clip, config, where):
    net = random_clip.net
    add_lora(net, config)
    adapted = {name.split(".attn")[0].split(".mlp")[0] for name, _ in net.named_parameters() if "lora_" in name}
    assert adapted == where


def test_a_frozen_temperature_stays_frozen(random_clip):
    random_clip.net.logit_scale.requires_grad_(False)
    add_lora(random_clip.net, RANK)
    assert not random_clip.net.logit_scale.requires_grad


@pytest.mark.parametrize(
    ("architecture", "kind"),
    [(RESNET, "ModifiedResNet"), (timm_trunk("test_convnext"), "ConvNeXt"), (timm_trunk("test_resnet"), "ResNet")],
)
def test_convolutional_towers_are_refused_unless_they_are_frozen(architecture, kind):
    clip = new_clip(architecture)
    before = values(clip.net)
    with pytest.raises(
        ValueError, match=f'the image tower is a {kind}, whose layers .*lora_rank=0.*freeze_image="all"'
    ):
        add_lora(clip.net, RANK)
    assert list(clip.net.state_dict()) == list(before)
    add_lora(clip.net, FinetuneConfig(lora_rank=2, freeze_image="all"))
    assert not any("lora_" in name for name in clip.net.visual.state_dict())
    assert any("lora_" in name for name in clip.net.state_dict())


def test_a_tower_without_a_free_layer_is_refused(random_clip):
    with pytest.raises(ValueError, match="all layers of the text tower are frozen"):
        add_lora(random_clip.net, FinetuneConfig(lora_rank=2, freeze_text=2))


def test_without_peft_the_command_to_install_it_is_named(random_clip, monkeypatch):
    monkeypatch.setattr("rsclip_lab.training.network.lora.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'pip install "rsclip-lab\[lora\]"'):
        add_lora(random_clip.net, RANK)
    assert "peft" not in vars(sys.modules["rsclip_lab.training.network.lora"])


def test_a_run_with_low_rank_additions_learns_and_its_model_is_saved_like_any(random_clip, picture_folder, tmp_path):
    captions, seen = read_captions(picture_folder, split="train"), []

    class Look:
        def on_step(self, state):
            seen.append(trained_count(state.model.net))
            base = dict(state.base.net.named_parameters())
            for name, parameter in state.model.net.named_parameters():
                if "lora_" not in name and name != "logit_scale":
                    assert torch.equal(parameter, base[name.replace(".base_layer", "")])

    settings = dict(epochs=12, batch_size=6, learning_rate=0.01, weight_decay=0.0, augment=False, precision="fp32")
    config = FinetuneConfig(lora_rank=4, ema=0.5, chunk_size=4, **settings)
    run = finetune(random_clip, captions, config, folder=tmp_path / "run", callbacks=[Look()], progress=False)
    total = sum(p.numel() for p in random_clip.net.parameters())
    assert len(seen) == 12 and 0 < seen[0] < total / 50
    excess = run.history.loss - run.history.floor
    assert excess.iloc[-1] < 0.8 * excess.iloc[0]
    net = run.model.net
    assert list(net.state_dict()) == list(random_clip.net.state_dict()) and all(
        p.requires_grad for p in net.parameters()
    )
    assert not torch.equal(
        net.visual.transformer.resblocks[0].attn.in_proj_weight,
        random_clip.net.visual.transformer.resblocks[0].attn.in_proj_weight,
    )
    assert isinstance(net.transformer.resblocks[0].attn, nn.MultiheadAttention)
    back = load_model(tmp_path / "run", device="cpu")
    for ours, saved in zip(features(run.model), features(back), strict=True):
        assert torch.equal(ours, saved)
