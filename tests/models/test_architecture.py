"""From a configuration to a network: the right class, the same from a seed, or without memory for its values."""

import io
import json
import threading
from collections import defaultdict

import open_clip
import pytest
import torch
from conftest import TINY_ARCHITECTURE
from open_clip.coca_model import CoCa
from open_clip.model import CLIP, CustomTextCLIP
from torch import nn

from rsclip_lab.models.architecture import build_network
from rsclip_lab.models.configuration import architecture_named, complete_architecture
from rsclip_lab.models.errors import ModelError, NotFetched
from rsclip_lab.models.fitting import architectures_that_fit
from rsclip_lab.models.weights import load_weights

TEXT = {"context_length": 16, "vocab_size": 500, "width": 64, "heads": 2, "layers": 2}
VISION = TINY_ARCHITECTURE["vision_cfg"]


def tiny(**changes) -> dict:
    return complete_architecture(TINY_ARCHITECTURE | {"text_cfg": TEXT} | changes)


def timm(name: str, size: int = 32, **options) -> dict:
    return {"timm_model_name": name, "image_size": size, "timm_pool": "", "timm_proj": "linear", **options}


ROBERTA = {
    "model_type": "roberta",
    "vocab_size": 300,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 40,
    "pad_token_id": 1,
}
NETWORKS = {
    "vit": (CLIP, tiny()),
    "resnet": (CLIP, tiny(vision_cfg={"image_size": 32, "layers": [1, 2, 1, 1], "width": 16})),
    "siglip": (CustomTextCLIP, tiny(custom_text=True, init_logit_bias=-10, text_cfg=TEXT | {"no_causal_mask": True})),
    "convnext": (CLIP, tiny(vision_cfg=timm("convnext_atto", timm_pool="avg"))),
    "timm vit": (CLIP, tiny(vision_cfg=timm("vit_tiny_patch16_224"))),
    "timm vit with rotary places": (CLIP, tiny(vision_cfg=timm("eva02_tiny_patch14_224", 28))),
    "fastvit": (CLIP, tiny(vision_cfg=timm("fastvit_t8", 64, timm_pool="avg"))),
    "swin": (CLIP, tiny(vision_cfg=timm("swin_tiny_patch4_window7_224", 224, timm_pool="avg"))),
    "coca": (
        CoCa,
        tiny(
            custom_text=True,
            vision_cfg=VISION | {"attentional_pool": True, "attn_pooler_heads": 2, "output_tokens": True},
            text_cfg=TEXT | {"embed_cls": True, "output_tokens": True},
            multimodal_cfg={"context_length": 16, "vocab_size": 500, "width": 64, "heads": 2, "layers": 2},
        ),
    ),
}


@pytest.fixture(params=NETWORKS)
def network(request):
    """(class, completed architecture)"""
    return NETWORKS[request.param]


@torch.no_grad()
def features(net: nn.Module) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    size = net.visual.image_size
    size = size if isinstance(size, int) else size[0]
    images = torch.randn(1, 3, size, size, generator=generator)
    tokens = torch.randint(2, 300, (1, 16), generator=generator)
    return [net.encode_image(images), net.encode_text(tokens)]


def require_equal(net: nn.Module, expected: nn.Module) -> None:
    """The same class, the same values in every parameter and every buffer, and the same features."""
    assert type(net) is type(expected) and not net.training
    for kind in ("named_parameters", "named_buffers"):
        values, others = dict(getattr(net, kind)()), dict(getattr(expected, kind)())
        assert list(values) == list(others)
        for name, value in values.items():
            assert value.dtype == others[name].dtype and torch.equal(value, others[name]), name
            assert value.requires_grad == others[name].requires_grad
    for found, other in zip(features(net), features(expected), strict=True):
        assert torch.isfinite(found).all() and torch.equal(found, other)


def test_without_a_seed_and_then_loaded_is_the_network_built_the_usual_way(network):
    network_class, architecture = network
    usual = build_network(architecture, seed=1)
    assert type(usual) is network_class
    state = {name: value.clone() for name, value in usual.state_dict().items()}
    for value in state.values():  # what initialisation leaves alike in all networks differs here
        value.add_(0.01 * torch.rand(value.shape)) if value.is_floating_point() else value.add_(1)
    usual.load_state_dict(state)
    net = build_network(architecture, seed=None)
    load_weights(net, state, "file")
    require_equal(net, usual)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "swin"])
def test_without_a_seed_parameters_take_no_memory_and_buffers_have_their_values(name):
    net = build_network(NETWORKS[name][1], seed=None)
    assert all(parameter.is_meta for parameter in net.parameters())
    assert not any(buffer.is_meta for buffer in net.buffers())


@pytest.mark.parametrize("seed", [0, None])
def test_the_global_random_state_stays_as_it_is(seed):
    before = torch.get_rng_state()
    build_network(tiny(), seed)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_seed_decides_the_weights():
    first, again, other = (build_network(tiny(), seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["visual.proj"], other["visual.proj"])


def test_no_weight_is_left_as_the_memory_was(network):
    torch.use_deterministic_algorithms(True)  # uninitialised memory is filled with NaN
    try:
        net = build_network(network[1], seed=1)
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(value.isfinite().all() for value in net.state_dict().values())


def test_other_threads_go_on_making_modules_with_memory():
    made, stop = [], threading.Event()

    def make():
        while not stop.is_set():
            made.append(nn.Linear(2, 2).weight.is_meta)

    thread = threading.Thread(target=make)
    thread.start()
    try:
        net = build_network(tiny(), seed=None)
    finally:
        stop.set()
        thread.join()
    assert net.visual.proj.is_meta and made and not any(made)
    assert not nn.Linear(2, 2).weight.is_meta


@pytest.mark.parametrize("name", ["RN50", "ViT-B-32-quickgelu", "coca_ViT-B-32", "ViT-B-16-SigLIP", "convnext_base"])
def test_open_clips_own_configurations_give_open_clips_own_networks(name):
    ours = build_network(architecture_named(name), seed=None)
    theirs = open_clip.create_model(name, device="meta")
    assert type(ours) is type(theirs) and str(ours) == str(theirs)
    for net in (ours, theirs):
        net.shapes = {key: (value.shape, value.dtype) for key, value in net.state_dict().items()}
    assert ours.shapes == theirs.shapes


def test_a_trunk_of_timm_reads_the_size_that_the_configuration_says():
    net = build_network(tiny(vision_cfg=timm("vit_tiny_patch16_224", 48)), seed=None)
    assert net.visual.trunk.pos_embed.shape[1] == 1 + 9


# Text towers of transformers, whose configuration may be read from a folder as from the hub.


@pytest.fixture
def tower(tmp_path):
    pytest.importorskip("transformers")
    (tmp_path / "config.json").write_text(json.dumps(ROBERTA))
    return tiny(text_cfg={"hf_model_name": str(tmp_path), "hf_proj_type": "mlp", "hf_pooler_type": "mean_pooler"})


def test_a_text_tower_of_transformers_is_built_from_its_configuration_alone(tower):
    usual, net = build_network(tower, seed=1), build_network(tower, seed=None)
    assert type(usual) is CustomTextCLIP and all(parameter.is_meta for parameter in net.parameters())
    load_weights(net, usual.state_dict() | {"text.transformer.embeddings.position_ids": torch.arange(40)}, "file")
    require_equal(net, usual)


def test_a_text_tower_that_cannot_be_had_is_named(tower):
    tower["text_cfg"]["hf_model_name"] = "nobody/nothing-of-this-name"
    with pytest.raises(NotFetched, match="text tower nobody/nothing-of-this-name: .* offline mode; "):
        build_network(tower, seed=None)


@pytest.mark.parametrize("place", ["auto_map", "attn_implementation", "_attn_implementation", "text_config.auto_map"])
@pytest.mark.parametrize("seed", [0, None])
def test_a_text_tower_that_brings_code_is_refused_and_nobody_is_asked(place, seed, tower, tmp_path, monkeypatch):
    code = {"AutoConfig": "code.Config", "AutoModel": "code.Model"} if "auto_map" in place else "owner/kernels"
    *outer, key = place.split(".")
    extra = {outer[0]: [{key: code}]} if outer else {key: code}
    (tmp_path / "config.json").write_text(json.dumps(ROBERTA | extra))
    (tmp_path / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    answers = io.StringIO("y\ny\n")
    monkeypatch.setattr("sys.stdin", answers)
    with pytest.raises(ModelError, match=f"text tower .* code .*{key}"):
        build_network(tower, seed)
    assert answers.tell() == 0 and not (tmp_path / "ran").exists()


def class_of_the_network(architecture):
    return type(build_network(architecture, seed=None)).__name__


def test_the_configuration_of_a_text_tower_is_fetched_and_looked_at(hub, hub_clients):
    pytest.importorskip("transformers")
    for name, extra in {"plain": {}, "evil": {"auto_map": {"AutoConfig": "code.Config"}}}.items():
        hub.put(f"test/{name}-tower", "config.json", json.dumps(ROBERTA | extra).encode())
    text = {"hf_model_name": "test/plain-tower", "hf_proj_type": "mlp", "hf_pooler_type": "mean_pooler"}
    assert hub_clients["online"](class_of_the_network, tiny(text_cfg=text)) == "CustomTextCLIP"
    with pytest.raises(ModelError, match="text tower test/evil-tower .*auto_map"):
        hub_clients["online"](class_of_the_network, tiny(text_cfg=text | {"hf_model_name": "test/evil-tower"}))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "no readable config.json"),
        (json.dumps(ROBERTA | {"num_hidden_layers": 300_000}), "is 300000, and no CLIP comes near"),
        ('{"a":' * 100_000, "no readable config.json"),
        (json.dumps(ROBERTA | {"model_type": "\033[31mnone"}), "open_clip cannot build"),
    ],
)
def test_a_text_tower_with_a_hostile_configuration_is_refused(content, words, tower, tmp_path):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ModelError, match=words) as caught:
        build_network(tower, seed=None)
    assert str(caught.value).isprintable()


def test_a_text_tower_is_built_from_the_folder_and_named_as_before(tower, tmp_path):
    before = json.dumps(tower)
    build_network(tower, seed=None)
    assert json.dumps(tower) == before


def test_a_text_tower_without_transformers_names_the_package(tower, monkeypatch):
    monkeypatch.setattr("rsclip_lab.models.text_tower.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r'pip install "rsclip-lab\[transformers\]"'):
        build_network(tower)


# Configurations.


def test_a_completed_architecture_says_what_would_be_implicit_and_leaves_the_given_one_alone():
    given = {"embed_dim": 8, "vision_cfg": timm("convnext_atto"), "text_cfg": {"hf_model_name": "roberta-base"}}
    given["vision_cfg"]["timm_model_pretrained"] = given["text_cfg"]["hf_model_pretrained"] = True
    before = json.dumps(given)
    completed = complete_architecture(given)
    assert json.dumps(given) == before
    assert completed["quick_gelu"] is False and completed["custom_text"] is True
    assert completed["vision_cfg"]["timm_model_pretrained"] is False
    assert completed["text_cfg"]["hf_model_pretrained"] is False


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ({"embed_dim": 32, "vision_cfg": VISION}, "lacks text_cfg"),
        ({"embed_dim": 32, "vision_cfg": VISION, "text_cfg": "ViT-B-32"}, "must be dictionaries"),
        (TINY_ARCHITECTURE | {"vision_cfg": VISION | {"image_size": [32, 64]}}, "pictures are square"),
    ],
)
def test_an_incomplete_architecture_is_refused(architecture, message):
    with pytest.raises(ModelError, match=message):
        complete_architecture(architecture)


def test_open_clips_own_configurations_are_all_accepted_and_complete_ones_stay_as_they_are():
    names = open_clip.list_models()
    assert len(names) > 100
    for name in names:
        architecture = architecture_named(name)
        assert complete_architecture(architecture) == architecture, name


DECODER = {"context_length": 16, "vocab_size": 500, "width": 64, "heads": 2, "layers": 2}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vision_cfg": VISION | {"layers": 300_000}}, "vision_cfg.layers is 300000, and no CLIP comes near 256"),
        ({"vision_cfg": VISION | {"layers": [3, 300_000, 3, 3]}}, "layers.1 is 300000"),
        ({"text_cfg": TEXT | {"context_length": 30_000}}, "context_length is 30000"),
        ({"vision_cfg": VISION | {"image_size": 10_000, "patch_size": 3}}, "image_size is 10000"),
        ({"vision_cfg": VISION | {"image_size": 2_000, "patch_size": 3}}, "666 patches along a side"),
        ({"vision_cfg": VISION | {"width": 16_000, "layers": 250}}, "some 768 billion parameters"),
        ({"text_cfg": TEXT | {"vocab_size": 9_000_000, "width": 16_000}}, "some 150 billion parameters"),
        ({"multimodal_cfg": DECODER | {"width": 16_000, "layers": 200}}, "billion parameters"),
        ({"multimodal_cfg": "none"}, "multimodal_cfg is no dictionary"),
        ({"embed_dim": 10**400}, r"embed_dim is 10000+…, and"),
        ({"embed_dim": "512"}, "embed_dim is '512', and must be int"),
        ({"init_logit_bias": float("nan")}, "init_logit_bias is nan, and must be float or None"),
        ({"vision_cfg": VISION | {"layers": None}}, "layers is None, and must be"),
        ({"vision_cfg": VISION | {"layers": [1, 1]}}, r"layers is \[1, 1\], and must be"),
        ({"vision_cfg": VISION | {"patch_size": -1}}, "patch_size is -1"),
        ({"vision_cfg": VISION | {"patch_size": "16\033[2J"}}, r"patch_size is '16\\\\x1b\[2J', and must be int"),
        ({"text_cfg": TEXT | {"width": [64]}}, r"text_cfg.width is \[64\]"),
        ({"text_cfg": TEXT | {"heads": None}}, "heads is None"),
        ({"text_cfg": TEXT | {"mlp_ratio": True}}, "mlp_ratio is True"),
        ({"text_cfg": TEXT | {"hf_model_name": ["a"]}}, "hf_model_name is"),
        ({"vision_cfg": timm("local-dir:/etc")}, "timm_model_name is local-dir:/etc"),
        ({"vision_cfg": timm("hf-hub:owner/name")}, "timm_model_name is hf-hub:owner/name"),
        ({"vision_cfg": timm("timm/vit_tiny")}, "has no path"),
    ],
)
def test_what_no_clip_is_made_of_is_refused_before_it_is_built(changes, words):
    with pytest.raises(ModelError, match=words) as caught:
        tiny(**changes)
    assert len(str(caught.value)) < 300 and str(caught.value).isprintable()


def test_an_architecture_nested_without_end_is_refused():
    nested = {}
    for _ in range(5_000):
        nested = {"a": nested}
    with pytest.raises(ModelError, match="nested too deep"):
        tiny(text_cfg=TEXT | {"act_kwargs": nested})


def test_a_tower_gives_one_result_unless_a_decoder_needs_the_tokens():
    plain = tiny(vision_cfg=VISION | {"output_tokens": True}, text_cfg=TEXT | {"output_tokens": True})
    assert [tuple(found.shape) for found in features(build_network(plain))] == [(1, 32), (1, 32)]
    for part in ("vision_cfg", "text_cfg"):
        assert NETWORKS["coca"][1][part]["output_tokens"] is True


@pytest.mark.parametrize("seed", [0, None])
@pytest.mark.parametrize(
    "changes",
    [
        {"vision_cfg": VISION | {"colour": 3}},
        {"vision_cfg": VISION | {"head_width": 0}},
        {"text_cfg": TEXT | {"heads": 3}},
        {"vision_cfg": timm("no_such_model_of_timm")},
        {"vision_cfg": VISION | {"patch_size": None}},
        {"multimodal_cfg": {}},
    ],
)
def test_what_open_clip_cannot_build_is_refused(changes, seed):
    with pytest.raises(ModelError, match="open_clip cannot build this architecture: .+"):
        build_network(tiny(**changes), seed)


def test_names_are_open_clips_and_a_misspelt_one_brings_the_nearest():
    assert architecture_named("ViT-B/32") == architecture_named("ViT-B-32")
    expected = complete_architecture(open_clip.get_model_config("RN50-quickgelu"))
    assert architecture_named("RN50-quickgelu") == expected and expected["quick_gelu"] is True
    with pytest.raises(ModelError, match="no architecture 'vit-b32'; did you mean ViT-B-32,"):
        architecture_named("vit-b32")
    with pytest.raises(ModelError, match="no architecture 'hf-hub:a/b'; "):  # and the hub is not asked
        architecture_named("hf-hub:a/b")


# Which configurations a state dict fits. Shapes of the whole network decide here, a few telling ones there.

SMALL = ["RN50", "RN50-quickgelu", "RN101", "RN50x4", "ViT-B-32", "ViT-B-32-quickgelu", "ViT-B-32-256", "ViT-B-16"]
SMALL += ["ViT-B-16-plus-240", "ViT-L-14-336", "ViT-S-32", "ViT-S-32-alt", "ViT-L-14-CLIPA", "coca_ViT-B-32"]


def test_architectures_that_fit_are_those_with_the_same_shapes():
    alike, weights = defaultdict(list), {}
    for name in open_clip.list_models():
        if name in SMALL:
            state = build_network(architecture_named(name), seed=None).state_dict()
            key = frozenset((key, value.shape) for key, value in state.items())
            alike[key].append(name)
            weights[key] = state
    assert ["RN50", "RN50-quickgelu"] in alike.values() and len(alike) == len(SMALL) - 2
    for key, names in alike.items():
        assert [name for name in architectures_that_fit(weights[key]) if name in SMALL] == names


def test_no_configuration_fits_a_network_of_ones_own():
    assert architectures_that_fit(build_network(tiny(), seed=None).state_dict()) == []
    assert architectures_that_fit({}) == []
