"""transformers' layout and open_clip's: the same features of the same weights, in both directions."""

import copy
import json
import math

import numpy as np
import pytest
import torch
from conftest import TINY_ARCHITECTURE
from hypothesis import given
from hypothesis import strategies as st
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from rsclip_lab.models import ModelError, new_clip
from rsclip_lab.models.architecture import build_network
from rsclip_lab.models.configuration import complete_architecture
from rsclip_lab.models.transformers_layout import (
    architecture_of,
    config_of,
    from_transformers,
    is_transformers,
    preprocess_of,
    preprocessor_config_of,
    to_transformers,
)
from rsclip_lab.models.weights import load_weights, read_weights

transformers = pytest.importorskip("transformers")

# Nothing here is a default, and no number occurs twice where they could be confused.
ODD = {
    "projection_dim": 20,
    "text_config": {
        "hidden_size": 36,
        "intermediate_size": 100,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "max_position_embeddings": 11,
        "layer_norm_eps": 1e-2,
    },
    "vision_config": {
        "hidden_size": 48,
        "intermediate_size": 70,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "image_size": 30,  # the last two rows of pixels are in no patch
        "patch_size": 7,
        "layer_norm_eps": 1e-3,
    },
}


def odd_config(activation="quick_gelu", **text) -> dict:
    config = copy.deepcopy(ODD)
    config["text_config"] |= {"hidden_act": activation, **text}
    config["vision_config"] |= {"hidden_act": activation}
    return config


def clip_model(config: dict):
    """A CLIPModel with random weights, none of them at the value of its initialisation."""
    torch.manual_seed(0)
    model = transformers.CLIPModel(transformers.CLIPConfig(**config)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def in_open_clip(config: dict, weights: dict):
    architecture = complete_architecture(architecture_of(config))
    net = build_network(architecture)
    load_weights(net, from_transformers(weights), "the test")
    return net, architecture


def inputs(size: int, context: int, texts=3):
    random = torch.Generator().manual_seed(1)
    tokens = torch.zeros(texts, context, dtype=torch.long)
    for row, length in enumerate(torch.randint(3, context + 1, (texts,), generator=random)):
        words = torch.randint(1, 49406, (int(length) - 2,), generator=random)
        tokens[row, :length] = torch.cat([torch.tensor([49406]), words, torch.tensor([49407])])
    return torch.randn(3, 3, size, size, generator=random), tokens


def difference(net, model, size: int, context: int) -> float:
    """The largest between the unit features of an open_clip network and a CLIPModel."""
    pixels, tokens = inputs(size, context)
    with torch.no_grad():
        theirs = model(input_ids=tokens, pixel_values=pixels)
        ours = net.encode_image(pixels, normalize=True), net.encode_text(tokens, normalize=True)
    assert all(torch.pdist(features).min() > 1e-2 for features in ours)  # not one feature for all inputs
    pairs = zip(ours, (theirs.image_embeds, theirs.text_embeds), strict=True)
    return max(float((here - there).abs().max()) for here, there in pairs)


@pytest.mark.parametrize("activation", ["quick_gelu", "gelu"])
@pytest.mark.parametrize("eos_token_id", [49407, 2])
def test_a_saved_clip_model_gives_the_same_features_in_open_clip(tmp_path, activation, eos_token_id):
    model = clip_model(odd_config(activation, eos_token_id=eos_token_id))
    model.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    weights = read_weights(tmp_path / "model.safetensors")
    assert is_transformers(weights)
    net, architecture = in_open_clip(config, weights)
    assert architecture["quick_gelu"] is (activation == "quick_gelu")
    assert not is_transformers(net.state_dict())
    assert difference(net, model, 30, 11) < 1e-5
    assert torch.equal(net.logit_scale, model.logit_scale)
    wrong = build_network(architecture | {"quick_gelu": not architecture["quick_gelu"]})
    load_weights(wrong, from_transformers(weights), "the test")
    assert difference(wrong, model, 30, 11) > 1e-4


@pytest.mark.parametrize("quick_gelu", [True, False])
def test_an_open_clip_network_gives_the_same_features_as_a_clip_model(quick_gelu):
    vision = {"image_size": 24, "patch_size": 8, "layers": 3, "width": 60, "head_width": 20, "mlp_ratio": 2.7}
    text = {"context_length": 13, "width": 40, "heads": 5, "layers": 2, "norm_kwargs": {"eps": 1e-3}}
    net = new_clip({"embed_dim": 24, "quick_gelu": quick_gelu, "vision_cfg": vision, "text_cfg": text}, seed=3).net
    architecture = {"embed_dim": 24, "quick_gelu": quick_gelu, "vision_cfg": vision, "text_cfg": text}
    model = transformers.CLIPModel(transformers.CLIPConfig(**config_of(architecture))).eval()
    model.load_state_dict(to_transformers(net.state_dict(), architecture))
    assert difference(net, model, 24, 13) < 1e-5


def test_the_real_vit_b_32_has_the_same_features():
    architecture = complete_architecture(architecture_of({}))  # transformers' defaults are its shape
    net = build_network(architecture)
    weights = to_transformers(net.state_dict(), architecture)
    config = transformers.CLIPConfig(**config_of(architecture))
    model = transformers.CLIPModel.from_pretrained(None, config=config, state_dict=weights).eval()
    assert difference(net, model, 224, 77) < 1e-5


def test_names_and_values_come_back_to_the_bit_from_either_side():
    theirs = clip_model(odd_config()).state_dict()
    net, architecture = in_open_clip(odd_config(), theirs)
    ours = net.state_dict()
    assert sum(value.numel() for value in ours.values()) == sum(value.numel() for value in theirs.values())
    for there, here in ((theirs, to_transformers(ours, architecture)), (ours, from_transformers(theirs))):
        assert there.keys() == here.keys()
        assert all(torch.equal(there[name], here[name]) and there[name].shape == here[name].shape for name in there)
    memories = {value.untyped_storage().data_ptr() for value in to_transformers(ours, architecture).values()}
    assert len(memories) == len(theirs)


def test_what_older_files_hold_beside_the_weights_is_left_out():
    weights = clip_model(odd_config()).state_dict()
    older = weights | {
        "text_model.embeddings.position_ids": torch.arange(11)[None],
        "vision_model.embeddings.position_ids": torch.arange(17)[None],
    }
    assert from_transformers(older).keys() == from_transformers(weights).keys()


def test_an_unknown_name_is_left_for_the_report_and_a_missing_part_is_named():
    weights = clip_model(odd_config()).state_dict()
    assert "vision_model.head.attention.weight" in from_transformers(
        weights | {"vision_model.head.attention.weight": torch.zeros(2)}
    )
    missing = "text_model.encoder.layers.1.self_attn.v_proj.bias"
    del weights[missing]
    with pytest.raises(ModelError, match=missing):
        from_transformers(weights)


@pytest.mark.parametrize("shape", [(7,), (40, 3), ()])
def test_parts_of_an_attention_that_do_not_fit_together_are_named(shape):
    weights = clip_model(odd_config()).state_dict()
    name = "text_model.encoder.layers.1.self_attn.{}_proj.weight"
    with pytest.raises(ModelError, match="layers.1.self_attn.q_proj.weight and its k_proj"):
        from_transformers(weights | {name.format("k"): torch.zeros(shape)})
    with pytest.raises(ModelError, match="do not fit together"):
        from_transformers(weights | {name.format(part): torch.zeros(()) for part in "qkv"})


@pytest.mark.parametrize("values", [["a", "b", "c"], [None, 0, 0], {"red": 1}, "abc", [0, 0, 0]])
def test_a_std_of_transformers_that_is_none_is_refused_when_a_model_is_made(values):
    with pytest.raises(ModelError, match="std"):
        new_clip(TINY_ARCHITECTURE, preprocess=preprocess_of({"image_std": values}))


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"projection_dim": 64, "text_config": {"hidden_size": 128}, "vision_config": {"image_size": 64}},
        {"text_config": None, "vision_config": {"num_attention_heads": 16}},
        {"text_config": {"hidden_size": 64}, "text_config_dict": {"num_hidden_layers": 5}},
        {"vision_config": {"hidden_size": 96}, "vision_config_dict": {}, "text_config_dict": None},
        {"text_config_dict": {"hidden_act": "gelu"}, "vision_config_dict": {"hidden_act": "gelu", "patch_size": 16}},
    ],
)
def test_an_incomplete_or_old_config_means_what_it_means_to_transformers(config):
    read = transformers.CLIPConfig(**copy.deepcopy(config)).to_dict()
    assert {"hidden_size", "hidden_act", "image_size"} <= set(read["vision_config"])
    assert architecture_of(config) == architecture_of(read)


@pytest.mark.parametrize("quick_gelu", [True, False])
@pytest.mark.parametrize("norm", [{}, {"norm_kwargs": {"eps": 1e-6}}])
@pytest.mark.parametrize("pooling", [{}, {"pool_type": "eos", "eos_id": 7}])
def test_an_architecture_comes_back_from_its_config(quick_gelu, norm, pooling):
    vision = {"image_size": 64, "patch_size": 16, "layers": 4, "width": 96, "head_width": 32, "mlp_ratio": 3.5}
    text = {"context_length": 20, "vocab_size": 50000, "layers": 3, "width": 64, "heads": 4, "mlp_ratio": 2.0}
    text |= norm | pooling
    architecture = {"embed_dim": 48, "quick_gelu": quick_gelu, "vision_cfg": vision, "text_cfg": text}
    assert architecture_of(json.loads(json.dumps(config_of(architecture)))) == architecture


@given(st.integers(1, 3000), st.integers(1, 12000))
def test_the_inner_width_survives_being_written_as_a_ratio(width, inner):
    tower = {"hidden_size": width, "num_attention_heads": 1, "intermediate_size": inner}
    ratio = architecture_of({"text_config": tower})["text_cfg"]["mlp_ratio"]
    assert int(width * ratio) == inner and math.isclose(ratio, inner / width)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"model_type": "siglip"}, "it is a siglip"),
        ({"text_config": "clip_text_model"}, "text_config is 'clip_text_model'"),
        ({"text_config": {"hidden_act": "gelu"}}, "gelu and quick_gelu"),
        ({"text_config": {"hidden_act": "relu"}, "vision_config": {"hidden_act": "relu"}}, "activation is relu"),
        ({"vision_config": {"num_channels": 4}}, "4 channels"),
        ({"vision_config": {"image_size": [224, 448]}}, "image_size"),
        ({"vision_config": {"num_attention_heads": 7}}, "7 heads"),
        ({"text_config": {"hidden_size": "512"}}, "hidden_size is '512'"),
        ({"text_config": {"eos_token_id": [1, 5]}}, "eos_token_id"),
        ({"text_config": {"layer_norm_eps": "x"}}, "layer_norm_eps is 'x'"),
        ({"vision_config": {"layer_norm_eps": float("nan")}}, "layer_norm_eps is nan"),
        ({"text_config": {"hidden_act": ["gelu"]}}, "activation is"),
        ({"text_config": {"hidden_act": {}}, "vision_config": {"hidden_act": {}}}, "activation is {}"),
        ({"vision_config": {"image_size": [[224], [224]]}}, "image_size"),
        ({"vision_config": {"image_size": [[224], 224]}}, "image_size"),
        ({"vision_config": {"hidden_size": [[768]]}}, "hidden_size"),
        ({"vision_config": {"intermediate_size": 10**400}}, "intermediate_size"),
        ({"text_config": {"vocab_size": []}}, "vocab_size"),
        ({"model_type": ["clip"]}, "it is a "),
    ],
)
def test_a_config_that_open_clip_cannot_build_is_refused(config, reason):
    with pytest.raises(ModelError, match=reason) as error:
        architecture_of(config)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("vision", "text", "rest", "reason"),
    [
        ({"layers": [1, 1, 1, 1]}, {}, {}, "ResNet"),
        ({"timm_model_name": "resnet18"}, {}, {}, "timm's resnet18"),
        ({"attentional_pool": True}, {}, {}, "attentional_pool"),
        ({"pool_type": "avg"}, {}, {}, "pool_type='avg'"),
        ({"no_ln_pre": True}, {}, {}, "no_ln_pre"),
        ({"ls_init_value": 0.1}, {}, {}, "ls_init_value"),
        ({"norm_kwargs": {"elementwise_affine": False}}, {}, {}, "norm_kwargs"),
        ({"act_kwargs": {"approximate": "tanh"}}, {}, {}, "act_kwargs"),
        ({}, {"hf_model_name": "roberta-base"}, {}, "roberta-base"),
        ({}, {"pool_type": "last"}, {}, "pool_type='last'"),
        ({}, {"pool_type": "eos", "eos_id": 2}, {}, "token 2"),
        ({}, {"no_causal_mask": True}, {}, "no_causal_mask"),
        ({}, {"proj_bias": True}, {}, "proj_bias"),
        ({}, {"qk_norm": True}, {}, "qk_norm"),
        ({}, {}, {"custom_text": True}, "CLIP's own"),
        ({}, {}, {"multimodal_cfg": {"width": 64}}, "CLIP's own"),
        ({}, {}, {"init_logit_bias": -10}, "bias"),
    ],
)
def test_a_network_that_a_clip_model_cannot_hold_is_refused(vision, text, rest, reason):
    architecture = copy.deepcopy(TINY_ARCHITECTURE) | rest
    architecture["vision_cfg"] |= vision
    architecture["text_cfg"] |= text
    with pytest.raises(ModelError, match=reason) as error:
        to_transformers({}, architecture)
    assert "to='open_clip'" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"patch_dropout": 0.5},
        {"final_ln_after_pool": True},
        {"block_type": "default"},
        {"norm_kwargs": {"eps": 1e-4}},
    ],
)
def test_a_field_that_changes_no_feature_or_that_both_have_is_no_reason_to_refuse(fields):
    architecture = copy.deepcopy(TINY_ARCHITECTURE)
    architecture["vision_cfg"] |= fields
    net = new_clip(architecture).net
    model = transformers.CLIPModel(transformers.CLIPConfig(**config_of(architecture))).eval()
    model.load_state_dict(to_transformers(net.state_dict(), architecture))
    assert difference(net, model, 32, 77) < 1e-5


def picture(height: int, width: int) -> Image.Image:
    random = np.random.default_rng(height)
    coarse = Image.fromarray(random.integers(0, 256, (12, 12, 3), dtype=np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"feature_extractor_type": "CLIPFeatureExtractor", "size": 64, "crop_size": 64, "resample": 2},
        {"size": {"shortest_edge": 48}, "crop_size": {"height": 48, "width": 48}, "image_mean": [0.1, 0.2, 0.3]},
        {"size": {"height": 40, "width": 40}, "do_center_crop": False, "image_std": [0.5, 0.6, 0.7]},
        {"size": {"height": 40, "width": 40}, "crop_size": 40},
        {"do_normalize": False},
    ],
)
def test_preprocessing_is_what_transformers_makes_of_the_same_file(config, tmp_path):
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps({"image_processor_type": "CLIPImageProcessor", **config})
    )
    old = tuple(map(int, transformers.__version__.split(".")[:2])) < (5, 4)
    with_pillow = {"use_fast": False} if old else {"backend": "pil"}
    theirs = transformers.AutoImageProcessor.from_pretrained(tmp_path, **with_pillow)
    fields = preprocess_of(config)
    ours = image_transform_v2(PreprocessCfg(**fields), is_train=False)
    for height, width in ((80, 80), (60, 120), (300, 200), (30, 45)):  # nothing cut, or an even number of pixels
        pixels = theirs(images=picture(height, width), return_tensors="pt")["pixel_values"][0]
        assert torch.allclose(ours(picture(height, width)), pixels, atol=1e-6), (height, width)
    assert preprocess_of(preprocessor_config_of(fields)) == fields


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"image_processor_type": "SiglipImageProcessor"}, "SiglipImageProcessor"),
        ({"size": {"shortest_edge": 256}, "crop_size": 224}, "crop_size"),
        ({"size": {"shortest_edge": 224}, "do_center_crop": False}, "do_center_crop=False"),
        ({"size": {"height": 224, "width": 448}, "do_center_crop": False}, "448"),
        ({"size": {"shortest_edge": 224, "longest_edge": 224}}, "longest_edge"),
        ({"size": [224, 224]}, r"size=\[224, 224\]"),
        ({"resample": 0}, "resample=0"),
        ({"do_resize": False}, "do_resize=False"),
        ({"do_rescale": False}, "do_rescale=False"),
        ({"rescale_factor": 1 / 127.5}, "rescale_factor"),
        ({"rescale_factor": "x"}, "rescale_factor='x'"),
        ({"image_processor_type": ["CLIP"]}, "is a "),
        ({"size": {"shortest_edge": [224]}}, "size="),
        ({"size": {"shortest_edge": "224"}, "crop_size": {"height": "224", "width": "224"}}, "size="),
        ({"size": "224"}, "size=224"),
        ({"resample": "bicubic"}, "resample='bicubic'"),
    ],
)
def test_preprocessing_that_open_clip_does_not_have_is_refused(config, reason):
    with pytest.raises(ModelError, match=reason) as error:
        preprocess_of(config)
    assert "\n" not in str(error.value)
