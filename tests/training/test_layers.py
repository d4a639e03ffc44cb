"""Depth in a tower, for each kind of tower, and what freezing up to a depth leaves alone."""

import json
from collections import Counter
from dataclasses import replace

import pytest
import torch
from conftest import TINY_ARCHITECTURE as TINY
from torch import nn

from rsclip_lab.models.architecture import build_network
from rsclip_lab.training import FinetuneConfig
from rsclip_lab.training.network.layers import frozen_part, part_of, tower_of
from rsclip_lab.training.network.preparation import freeze, set_training_mode

RESNET = TINY | {"vision_cfg": {"image_size": 32, "layers": [1, 2, 1, 1], "width": 8}}
DECODER = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2}
COCA = TINY | {"custom_text": True, "multimodal_cfg": DECODER}
BERT = {
    "model_type": "bert",
    "vocab_size": 99,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 80,
}
MT5 = {"model_type": "mt5", "vocab_size": 99, "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2}


def timm_trunk(name, **options):
    vision = {"timm_model_name": name, "timm_pool": "avg", "timm_proj": "linear", "image_size": 160} | options
    return TINY | {"vision_cfg": vision}


def with_transformers_tower(folder, settings):
    pytest.importorskip("transformers")
    (folder / "config.json").write_text(json.dumps(settings))
    text = {"hf_model_name": str(folder), "hf_proj_type": "linear", "hf_pooler_type": "mean_pooler"}
    return TINY | {"custom_text": True, "text_cfg": text}


def depths(net, part):
    tower = tower_of(net, part)
    return {name: tower.depth(name) for name, _ in net.named_parameters() if part_of(name) == part}


def at(found, depth):
    return {name for name, its in found.items() if its == depth}


def test_depth_in_clips_own_towers():
    net = build_network(TINY)
    image, text = depths(net, "image"), depths(net, "text")
    assert tower_of(net, "image").layers == tower_of(net, "text").layers == 2
    assert at(image, 0) == {
        f"visual.{name}"
        for name in ("class_embedding", "positional_embedding", "conv1.weight", "ln_pre.weight", "ln_pre.bias")
    }
    assert at(image, 3) == {"visual.proj", "visual.ln_post.weight", "visual.ln_post.bias"}
    assert at(text, 0) == {"token_embedding.weight", "positional_embedding"}
    assert at(text, 3) == {"ln_final.weight", "ln_final.bias", "text_projection"}
    for depth in (1, 2):
        assert all(f"transformer.resblocks.{depth - 1}." in name for name in at(image, depth) | at(text, depth))
    assert Counter(image.values())[1] == Counter(text.values())[2] == 12


def test_depth_in_a_resnet_is_that_of_its_stages():
    found = depths(net := build_network(RESNET), "image")
    assert tower_of(net, "image").layers == 4
    assert {name.split(".")[1] for name in at(found, 0)} == {"conv1", "bn1", "conv2", "bn2", "conv3", "bn3"}
    for stage in range(1, 5):
        assert {name.split(".")[1] for name in at(found, stage)} == {f"layer{stage}"}
    assert {name.split(".")[1] for name in at(found, 5)} == {"attnpool"}


@pytest.mark.parametrize(("name", "stem", "layers"), [("test_vit", "patch_embed", 6), ("test_resnet", "conv1", 4)])
def test_depth_in_a_trunk_of_timm_is_that_of_timms_groups(name, stem, layers):
    from timm.optim import param_groups_layer_decay

    net = build_network(timm_trunk(name))
    found = depths(net, "image")
    tower, trunk = tower_of(net, "image"), net.visual.trunk
    assert tower.layers == layers and found["visual.head.proj.weight"] == layers + 1
    assert any(part.startswith(f"visual.trunk.{stem}") for part in at(found, 0))
    groups = param_groups_layer_decay(trunk, layer_decay=0.5)
    scales = {id(p): group["lr_scale"] for group in groups for p in group["params"]}
    for part, parameter in trunk.named_parameters():
        assert scales[id(parameter)] == 0.5 ** (layers - found[f"visual.trunk.{part}"])
    inside = {"test_vit": "blocks.2.attn.attn_drop", "test_resnet": "layer3.0.drop_block"}[name]
    assert tower.depth(f"visual.trunk.{inside}") == 3 and trunk.get_submodule(inside) is not None


def test_what_timm_groups_behind_the_layers_is_no_layer():
    found = depths(net := build_network(timm_trunk("test_convnext")), "image")
    last = tower_of(net, "image").layers + 1
    assert at(found, last) == {
        "visual.trunk.head.norm.weight",
        "visual.trunk.head.norm.bias",
        "visual.head.proj.weight",
    }
    assert sorted(set(found.values())) == list(range(last + 1))


def test_depth_in_a_text_tower_by_itself():
    net = build_network(TINY | {"custom_text": True})
    assert {n.removeprefix("text."): d for n, d in depths(net, "text").items()} == depths(build_network(TINY), "text")


@pytest.mark.parametrize(
    ("settings", "stem", "after"),
    [(BERT, {"embeddings"}, set()), (MT5, {"embed_tokens"}, {"text.transformer.final_layer_norm.weight"})],
    ids=["bert", "mt5"],
)
def test_depth_in_a_text_tower_of_transformers(tmp_path, settings, stem, after):
    net = build_network(with_transformers_tower(tmp_path, settings))
    found = depths(net, "text")
    layers = tower_of(net, "text").layers
    assert layers == settings.get("num_hidden_layers", 2)
    assert {name.split(".")[2] for name in at(found, 0)} == stem
    assert at(found, layers + 1) == {"text.proj.weight"} | after
    for depth in range(1, layers + 1):
        assert {name.split("layer." if settings is BERT else "block.")[1][0] for name in at(found, depth)} == {
            str(depth - 1)
        }


def test_a_captioning_decoder_is_of_neither_tower_and_frozen():
    net = build_network(COCA)
    assert {part_of(name) for name, _ in net.named_parameters()} == {"image", "text", "temperature", "decoder"}
    freeze(net, FinetuneConfig())
    frozen = {name for name, p in net.named_parameters() if not p.requires_grad}
    assert frozen == {name for name, _ in net.named_parameters() if name.startswith("text_decoder.")}


def test_a_tower_of_unknown_depth_is_refused_with_the_remedy_and_may_be_frozen_whole():
    net = build_network(timm_trunk("test_vit"))
    net.visual.trunk = nn.Sequential(nn.Linear(3, 4))
    with pytest.raises(ValueError, match='the image tower .Sequential. does not say.*freeze_image="all"'):
        frozen_part(net, FinetuneConfig(freeze_image=1))
    assert frozen_part(net, FinetuneConfig(freeze_image="all"))("visual.trunk.0.weight")
    assert not frozen_part(net, FinetuneConfig())("visual.trunk.0.weight")


@pytest.mark.parametrize("part", ["image", "text"])
def test_more_layers_than_there_are_cannot_be_frozen(part):
    with pytest.raises(ValueError, match=f"freeze_{part}=3: the {part} tower has 2 layers"):
        frozen_part(build_network(TINY), FinetuneConfig(**{f"freeze_{part}": 3}))


@pytest.mark.parametrize("count", [1, 2, "all"])
def test_so_many_layers_are_frozen_with_the_stem_and_the_rest_is_trained(count):
    net = build_network(RESNET)
    freeze(net, FinetuneConfig(freeze_image=count, freeze_text=1))
    limit = 5 if count == "all" else count
    image, text = depths(net, "image"), depths(net, "text")
    for name, parameter in net.named_parameters():
        kept = image.get(name, 9) <= limit or text.get(name, 9) <= 1
        assert parameter.requires_grad is not kept, name


def test_the_temperature_is_frozen_with_its_bias():
    net = build_network(TINY | {"custom_text": True, "init_logit_bias": -10})
    freeze(net, FinetuneConfig(freeze_temperature=True))
    assert {name for name, p in net.named_parameters() if not p.requires_grad} == {"logit_scale", "logit_bias"}


def test_what_a_network_never_trains_stays_so():
    net = build_network(TINY)
    net.visual.positional_embedding.requires_grad_(False)
    freeze(net, FinetuneConfig())
    assert not net.visual.positional_embedding.requires_grad


@pytest.mark.parametrize("count", [2, "all"])
def test_statistics_of_frozen_batch_norms_stay_and_the_others_move(count):
    net = build_network(RESNET)
    config = FinetuneConfig(freeze_image=count, freeze_batch_norm=False)
    set_training_mode(net, config)
    before = {name: value.clone() for name, value in net.named_buffers() if "running" in name}
    net.encode_image(torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    limit = 5 if count == "all" else count
    tower = tower_of(net, "image")
    moved = {name for name, value in net.named_buffers() if name in before and not torch.equal(value, before[name])}
    assert moved == {name for name in before if tower.depth(name) > limit}
    assert len(before) > len(moved) and (count == "all") == (not moved)
    set_training_mode(net, replace(config, freeze_image=0, freeze_batch_norm=True))
    assert not any(m.training for m in net.modules() if isinstance(m, nn.BatchNorm2d)) and net.visual.training


def test_dropout_is_off_in_frozen_layers_and_on_in_the_others(tmp_path):
    net = build_network(with_transformers_tower(tmp_path, BERT))
    set_training_mode(net, FinetuneConfig(freeze_text=1))
    on = {name: module.training for name, module in net.named_modules() if isinstance(module, nn.Dropout)}
    assert {name for name, trains in on.items() if not trains} == {
        name for name in on if ".embeddings." in name or ".layer.0." in name
    }
    assert sum(on.values()) == 2 * sum("layer.0." in name for name in on) > 0


def test_frozen_layers_take_no_part_in_the_backward_pass(random_clip):
    net = random_clip.net
    freeze(net, FinetuneConfig(freeze_image=1))
    outputs = {}
    for number, block in enumerate(net.visual.transformer.resblocks):
        block.register_forward_hook(lambda module, inputs, output, number=number: outputs.update({number: output}))
    random_clip.image_features(torch.randn(2, 3, 32, 32)).sum().backward()
    assert outputs[0].grad_fn is None and outputs[1].grad_fn is not None
    assert {name for name, p in net.visual.named_parameters() if p.grad is not None} == {
        name.removeprefix("visual.") for name, depth in depths(net, "image").items() if depth > 1
    }
