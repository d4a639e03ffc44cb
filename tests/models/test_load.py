"""`load_model` gives the same network from every place and layout, with the activation that its weights need."""

import dataclasses
import json
import os
import shutil
import time
import warnings
from pathlib import Path

import open_clip
import pytest
import torch
from conftest import TINY_ARCHITECTURE
from hub_server import REVISION

from rsclip_lab.models import ModelError, export, load_model, new_clip, sources
from rsclip_lab.models.hub.files import commit_of
from rsclip_lab.models.weights import sha256_of

TEXTS = ["boats", "a sandy beach seen from above"]
GELU = TINY_ARCHITECTURE | {"quick_gelu": False}


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture
def weights(random_clip, tmp_path):
    """A file with the state dict of `random_clip`, which has QuickGELU."""
    torch.save(random_clip.net.state_dict(), tmp_path / "weights.pt")
    return tmp_path / "weights.pt"


def features(model):
    return model.encode_texts(TEXTS)


def loaded_features(name, **options):
    """In a process of the hub's client."""
    model = load_model(name, device="cpu", **options)
    return features(model), model.description


@pytest.mark.parametrize("to", ["open_clip", "transformers"])
def test_a_folder_of_another_layout_loads_as_the_model_it_was(random_clip, tmp_path, to):
    loaded = load_model(export(random_clip, tmp_path / to, to=to), device="cpu")
    torch.testing.assert_close(features(loaded), features(random_clip), atol=1e-6, rtol=0)
    assert loaded.activation == "QuickGELU"
    assert loaded.description["preprocess"] == random_clip.description["preprocess"]


def test_open_clips_own_folder_loads(tmp_path):
    config = {"model_cfg": GELU, "preprocess_cfg": {"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.5, 0.5]}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    net = open_clip.CLIP(**GELU).eval()
    torch.save(net.state_dict(), tmp_path / "open_clip_pytorch_model.bin")
    loaded = load_model(tmp_path, device="cpu")
    expected = net.encode_text(open_clip.tokenize(TEXTS), normalize=True).detach()
    torch.testing.assert_close(features(loaded), expected, atol=1e-6, rtol=0)
    assert loaded.mean == (0.1, 0.2, 0.3) and loaded.activation == "GELU"


def test_what_transformers_itself_saves_keeps_its_preprocessing(tmp_path):
    from transformers import CLIPModel, CLIPProcessor

    other = {"mean": [0.5] * 3, "std": [0.25] * 3, "interpolation": "bilinear", "resize_mode": "squash"}
    model = new_clip(TINY_ARCHITECTURE, seed=1, preprocess=other)
    folder = export(model, tmp_path / "ours", to="transformers")
    CLIPModel.from_pretrained(folder).save_pretrained(tmp_path / "theirs")
    CLIPProcessor.from_pretrained(folder).save_pretrained(tmp_path / "theirs")
    loaded = load_model(tmp_path / "theirs", device="cpu")
    assert loaded.description["preprocess"] == model.description["preprocess"]
    for file in tmp_path.glob("theirs/*processor*"):
        file.unlink()
    with pytest.warns(UserWarning, match="how its pictures are prepared"):
        assert load_model(tmp_path / "theirs", device="cpu").mean == pytest.approx((0.4815, 0.4578, 0.4082), abs=1e-4)


def test_what_a_folder_was_called_is_kept_and_not_where_it_lay(random_clip, tmp_path):
    export(random_clip, tmp_path / "folder", to="transformers")
    assert load_model(tmp_path / "folder", device="cpu").description["created_from"]["folder"] == "folder"


def test_bare_weights_load_with_their_architecture(weights, random_clip):
    loaded = load_model(weights, device="cpu", architecture=GELU, quick_gelu=True)
    assert torch.equal(features(loaded), features(random_clip))
    assert loaded.description["created_from"] == {"file": "weights.pt", "sha256": sha256_of(weights)}


def test_weights_in_transformers_names_load_as_a_bare_file_too(random_clip, tmp_path):
    folder = export(random_clip, tmp_path / "transformers", to="transformers")
    loaded = load_model(folder / "model.safetensors", device="cpu", architecture=TINY_ARCHITECTURE)
    torch.testing.assert_close(features(loaded), features(random_clip), atol=1e-6, rtol=0)


def test_weights_of_unknown_descent_bring_a_warning_that_explains_itself(weights, random_clip):
    unsaid = {key: value for key, value in TINY_ARCHITECTURE.items() if key != "quick_gelu"}
    with pytest.warns(UserWarning, match="descend from OpenAI's.*quick_gelu=True") as caught:
        loaded = load_model(weights, device="cpu", architecture=unsaid)
    assert caught[0].filename == __file__  # the line of the caller
    assert loaded.activation == "GELU" and not torch.allclose(features(loaded), features(random_clip), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "says"), [("ViT-B-32", False), ("ViT-B-32-quickgelu", True), ("ViT-H-16", True), ("convnext_base", True)]
)
def test_only_a_name_that_leaves_the_activation_open_is_warned_of(weights, name, says):
    # Of the last two open_clip has one activation only.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sources.file_parts(weights, name, quick_gelu=None)
    assert bool(caught) is not says


def test_without_an_architecture_those_that_fit_are_named(tmp_path):
    with torch.device("meta"):
        net = open_clip.CLIP(**open_clip.get_model_config("RN50"))
    torch.save({name: torch.empty(value.shape) for name, value in net.state_dict().items()}, tmp_path / "some.pt")
    with pytest.raises(ModelError, match="some.pt.*which architecture.*shapes fit .*RN50"):
        load_model(tmp_path / "some.pt")


def test_a_file_of_the_zoo_that_was_fetched_by_hand_is_known_by_its_hash(weights, random_clip, monkeypatch):
    published = sources.ZOO["RemoteCLIP-RN50"]  # whose quick_gelu goes before the architecture's
    entry = dataclasses.replace(
        published, filename="folder/weights.pt", sha256=sha256_of(weights), architecture=GELU
    )
    monkeypatch.setitem(sources.ZOO, entry.name, entry)
    loaded = load_model(weights, device="cpu")
    assert loaded.name == "RemoteCLIP-RN50" and torch.equal(features(loaded), features(random_clip))
    assert loaded.description["created_from"]["licence"] == "not stated"
    monkeypatch.setitem(sources.ZOO, entry.name, dataclasses.replace(entry, sha256="0" * 64))
    with pytest.raises(ModelError, match="which architecture.*name of RemoteCLIP-RN50's file, and not its sha256"):
        load_model(weights)


def test_the_activation_of_a_saved_model_can_be_overridden(random_clip, tmp_path):
    folder = random_clip.save(tmp_path / "saved")
    assert load_model(folder, device="cpu").activation == "QuickGELU"
    other = load_model(folder, device="cpu", quick_gelu=False)
    assert other.activation == "GELU" and other.description["architecture"]["quick_gelu"] is False


def test_what_does_not_fit_is_an_error_unless_asked_otherwise(random_clip, tmp_path):
    state = random_clip.net.state_dict()
    del state["ln_final.weight"]
    torch.save(state | {"extra": torch.zeros(2)}, tmp_path / "cut.pt")
    with pytest.raises(ModelError, match="ln_final.weight.*extra|extra.*ln_final.weight"):
        load_model(tmp_path / "cut.pt", architecture=TINY_ARCHITECTURE)
    with pytest.warns(UserWarning, match="ln_final.weight"):
        loaded = load_model(tmp_path / "cut.pt", "cpu", architecture=TINY_ARCHITECTURE, strict=False)
    # The missing weight is as open_clip initialises it, not whatever lay in memory.
    assert torch.equal(loaded.net.ln_final.weight, torch.ones(64))


@pytest.mark.parametrize("name", ["nothing.pt", "./nothing", "/no/such/folder", "C:\\models\\x.pt"])
def test_a_path_that_is_not_there_is_called_so(name):
    with pytest.raises(ModelError, match="no such file or folder"):
        load_model(name)


def test_an_architecture_without_its_tag_lists_the_tags():
    with pytest.raises(ModelError, match="ViT-B-32:openai.*laion2b_s34b_b79k"):
        load_model("ViT-B-32")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("RemoteClip-vit-b-32", "did you mean RemoteCLIP-ViT-B-32"),
        ("remoteclip", "did you mean RemoteCLIP-"),
        ("chendelong/RemoteCLIP", "no folder .*write 'hf-hub:chendelong/RemoteCLIP'"),
        ("https://huggingface.co/chendelong/RemoteCLIP", r"load_model\('hf-hub:chendelong/RemoteCLIP'\)"),
        ("ViT-B/32", "ViT-B/32:openai"),
        ("", "no model is called ''"),
        (None, "a name or a path, not None"),
    ],
)
def test_a_wrong_name_is_answered_with_what_was_meant(name, answer):
    with pytest.raises(ModelError, match=answer):
        load_model(name)


def test_an_architecture_goes_with_a_file_only():
    with pytest.raises(ModelError, match="tiny is no file.*leave it out"):
        load_model("tiny", architecture="ViT-B-32")


def test_export_takes_a_model(tmp_path):
    with pytest.raises(ModelError, match="not 'tiny': load_model gives one"):
        export("tiny", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_model_says_what_was_looked_for(tmp_path):
    with pytest.raises(ModelError, match="clip.json.*open_clip_config.json.*config.json"):
        load_model(tmp_path)


@pytest.mark.parametrize("layout", ["ours", "open_clip", "transformers"])
def test_a_repository_loads_in_each_layout(hub, hub_clients, random_clip, tmp_path, layout):
    folder = tmp_path / layout
    random_clip.save(folder) if layout == "ours" else export(random_clip, folder, to=layout)
    if layout == "open_clip":
        (folder / "clip.json").unlink()  # as open_clip itself pushes it
    for file in folder.iterdir():
        hub.put(f"test/{layout}", file.name, file.read_bytes())
    for name in (f"hf-hub:test/{layout}", f"hf-hub:test/{layout}@{REVISION}"):
        found, description = hub_clients["online"](loaded_features, name)
        torch.testing.assert_close(found, features(random_clip), atol=1e-6, rtol=0)
        assert description["architecture"]["quick_gelu"] is True
        if layout != "ours":  # whose own description travels with it
            assert description["created_from"]["hub"] == f"test/{layout}"
            assert description["created_from"]["revision"] == REVISION


def test_a_tag_of_open_clip_loads_from_its_repository(hub, hub_clients, monkeypatch):
    torch.manual_seed(0)
    with torch.device("meta"):
        shapes = open_clip.CLIP(**open_clip.get_model_config("RN50")).state_dict()
    weights = {name: torch.randn(value.shape) * 0.02 for name, value in shapes.items()}
    weights["logit_scale"] = torch.tensor(4.6)
    from safetensors.torch import save

    hub.put("timm/resnet50_clip.openai", "open_clip_model.safetensors", save(weights))
    found, description = hub_clients["online"](loaded_features, "RN50:openai")
    assert description["name"] == "RN50:openai" and description["architecture"]["quick_gelu"] is True
    net = open_clip.create_model("RN50-quickgelu").eval()
    net.load_state_dict(weights)
    with torch.no_grad():
        expected = net.encode_text(open_clip.tokenize(TEXTS), normalize=True)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["hf-hub:alone", "hf-hub:", "hf-hub:a/b/c"])
def test_what_names_no_repository_is_refused_without_asking_the_hub(name):
    with pytest.raises(ModelError, match="hf-hub:owner/name"):
        load_model(name)


def test_a_saved_text_tower_of_transformers_needs_nothing_from_elsewhere(word_tokenizer, tmp_path):
    from transformers import RobertaConfig

    RobertaConfig(
        vocab_size=100, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    ).save_pretrained(word_tokenizer)
    text = {
        "hf_model_name": str(word_tokenizer),
        "hf_tokenizer_name": str(word_tokenizer),
        "hf_proj_type": "mlp",
        "hf_pooler_type": "mean_pooler",
        "context_length": 16,
    }
    model = new_clip(TINY_ARCHITECTURE | {"custom_text": True, "text_cfg": text}, seed=3)
    folder = model.save(tmp_path / "saved")
    shutil.rmtree(word_tokenizer)
    assert torch.equal(features(load_model(folder, device="cpu")), features(model))


@pytest.mark.parametrize("name", ["~nobody-of-this-name/x", "x" * 300, "nul\0"])
def test_what_cannot_be_a_path_is_an_unknown_name(name):
    with pytest.raises(ModelError, match="no "):
        load_model(name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_rather_than_waited_for(tmp_path):
    os.mkfifo(tmp_path / "weights.pt")
    with pytest.raises(ModelError, match="no file"):
        load_model(tmp_path / "weights.pt", architecture=TINY_ARCHITECTURE)


def test_the_callers_modes_do_not_reach_the_network(weights, random_clip):
    with torch.inference_mode(), torch.device("meta"):
        loaded = load_model(weights, device="cpu", architecture=TINY_ARCHITECTURE)
    assert torch.equal(features(loaded), features(random_clip))
    loaded.text_features(loaded.tokenizer(TEXTS)).sum().backward()
    assert loaded.net.token_embedding.weight.grad is not None


def commits_of_two_files(folder):
    """In a process of the hub's client: the second file is asked for after somebody has pushed another commit."""
    get = sources.files_of_repository("test/moving")
    first = get("one.json")
    (folder / "asked").touch()
    while not (folder / "pushed").exists():
        time.sleep(0.01)
    return commit_of(first), commit_of(get("two.json"))


def test_files_of_a_repository_come_from_one_commit(hub, hub_clients, tmp_path):
    hub.put("test/moving", "one.json", b"{}")
    hub.put("test/moving", "two.json", b"{}")
    answer = hub_clients["online"].submit(commits_of_two_files, tmp_path)
    while not (tmp_path / "asked").exists():
        time.sleep(0.01)
    hub.put("test/moving", "two.json", b"[]", "f" * 40)
    (tmp_path / "pushed").touch()
    assert answer.result(timeout=60) == (REVISION, REVISION)


def test_a_saved_folder_that_was_uploaded_brings_its_own_tokenizer(hub, hub_clients, word_tokenizer, tmp_path):
    text = TINY_ARCHITECTURE["text_cfg"] | {"hf_tokenizer_name": str(word_tokenizer), "context_length": 16}
    model = new_clip(TINY_ARCHITECTURE | {"text_cfg": text | {"pool_type": "last"}}, seed=2)
    folder = model.save(tmp_path / "saved")
    shutil.rmtree(word_tokenizer)
    for file in filter(Path.is_file, folder.rglob("*")):
        hub.put("test/uploaded", file.relative_to(folder).as_posix(), file.read_bytes())
    found, _ = hub_clients["online"](loaded_features, "hf-hub:test/uploaded")
    torch.testing.assert_close(found, features(model), atol=1e-6, rtol=0)
