"""Models by name: out of the hub and its cache, out of the package, and what is said when there is none."""

import contextlib
import hashlib
import io
import sys

import numpy as np
import open_clip
import pytest
import torch
from conftest import TINY_ARCHITECTURE
from hub_server import REVISION

import rsclip_lab as lab
from rsclip_lab.models import HubModel, ModelError, NotFetched, load_hub_model, load_model
from rsclip_lab.models.hub.files import cached_file, commit_of, discard, fetch_file
from rsclip_lab.models.zoo import TINY, ZOO

TEXTS = ["boats", "a sandy beach"]


def text_features(what, **options):
    """In a process of the hub's client: features and description of a model, named or as a HubModel's fields."""
    if isinstance(what, dict):
        model = load_hub_model(HubModel(**what), device="cpu")
    else:
        model = load_model(what, device="cpu", **options)
    return model.encode_texts(TEXTS), model.description


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A small network of open_clip's and the file of its state dict."""
    torch.manual_seed(0)
    net = open_clip.CLIP(**TINY_ARCHITECTURE)
    path = tmp_path_factory.mktemp("published") / "weights.pt"
    torch.save(net.state_dict(), path)
    return net.eval(), path.read_bytes()


@pytest.fixture
def entry(hub, published):
    """The fields of a HubModel whose repository no other test uses."""
    repository = f"test/model-{len(hub.commits)}"
    hub.put(repository, "weights.pt", published[1])
    return {
        "name": "test-model",
        "repository": repository,
        "revision": REVISION,
        "filename": "weights.pt",
        "architecture": TINY_ARCHITECTURE,
        "sha256": hashlib.sha256(published[1]).hexdigest(),
    }


def test_weights_come_from_the_hub_once_and_then_from_its_cache(hub, hub_clients, published, entry):
    features, description = hub_clients["online"](text_features, entry)
    with torch.no_grad():
        expected = published[0].encode_text(open_clip.tokenize(TEXTS), normalize=True)
    np.testing.assert_allclose(features, expected, atol=1e-6)
    source = {"hub": entry["repository"], "revision": REVISION, "file": "weights.pt"}
    assert source.items() <= description["created_from"].items()
    assert hub.downloads("weights.pt") == [None]
    hub.asked.clear()
    for name in ("online", "offline"):
        np.testing.assert_array_equal(hub_clients[name](text_features, entry)[0], features)
    assert hub.asked == []  # a pinned revision that is there needs no question


def test_what_the_weights_were_trained_on_reaches_the_model(hub_clients, entry):
    other = {"mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25), "interpolation": "bilinear", "resize_mode": "squash"}
    preprocess = hub_clients["online"](text_features, entry | {"preprocess": other})[1]["preprocess"]
    assert preprocess | {"mean": [0.5] * 3, "std": [0.25] * 3} == preprocess
    assert (preprocess["interpolation"], preprocess["resize_mode"]) == ("bilinear", "squash")


def test_a_file_with_another_hash_is_refused_and_removed(hub, hub_clients, entry):
    online, place = hub_clients["online"], (entry["repository"], "weights.pt", REVISION)
    with pytest.raises(ModelError, match="not the expected file"):
        online(text_features, entry | {"sha256": "0" * 64})
    assert online(cached_file, *place) is None
    assert online(text_features, entry)[0].shape == (2, 32)
    assert hub.downloads("weights.pt") == [None, None] and commit_of(online(cached_file, *place)) == REVISION


def test_weights_for_another_architecture_are_refused(hub_clients, entry):
    with pytest.raises(ModelError, match="architecture"):
        hub_clients["online"](text_features, entry | {"architecture": TINY_ARCHITECTURE | {"embed_dim": 48}})


def test_a_repository_that_is_not_there_is_named(hub_clients, entry):
    with pytest.raises(ModelError, match="test/nowhere: there is no such repository") as caught:
        hub_clients["online"](text_features, entry | {"repository": "test/nowhere"})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("network", ["offline", "dead"])
def test_without_network_one_line_names_the_offline_choice(hub_clients, network):
    with pytest.raises(NotFetched, match="RemoteCLIP-ViT-B-32.* could not be fetched.*'tiny'") as caught:
        hub_clients[network](text_features, "RemoteCLIP-ViT-B-32")
    assert "\n" not in str(caught.value)


def test_without_network_it_is_said_which_models_are_in_the_cache(hub, hub_clients):
    cached = ZOO["RemoteCLIP-RN50"]
    hub.put(cached.repository, cached.filename, b"as if weights", cached.revision)
    path = hub_clients["online"](fetch_file, cached.repository, cached.filename, cached.revision)
    with pytest.raises(NotFetched, match="ViT-L-14.*offline mode.* RemoteCLIP-RN50, and .*tiny") as caught:
        hub_clients["offline"](text_features, "RemoteCLIP-ViT-L-14")
    discard(path)
    assert "RemoteCLIP-ViT-B-32" not in str(caught.value)


def lesson_with_fallback(fields, fallback):
    ZOO["unreachable"] = HubModel(**fields)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            model = load_model("unreachable", "cpu", fallback, quick_gelu=False)
            return (model.name, model.activation), printed.getvalue()
    finally:
        del ZOO["unreachable"]


def test_a_lesson_goes_on_with_the_fallback_and_says_so(hub_clients, random_clip, entry, tmp_path):
    other = random_clip.save(tmp_path / "other")
    found, printed = hub_clients["offline"](lesson_with_fallback, entry, other)
    (line,) = printed.splitlines()
    assert found == (random_clip.name, "GELU")  # as it was asked for, of a model that has QuickGELU
    assert "could not be fetched" in line and "Going on with" in line
    with pytest.raises(ModelError, match="no model is called 'misspelt'"):
        load_model("misspelt", fallback="tiny")


def test_an_unknown_name_lists_the_known_ones(tmp_path):
    with pytest.raises(ModelError, match="no model is called 'RemoteCLIP'.*tiny, RemoteCLIP-RN50.*folder"):
        load_model("RemoteCLIP")
    with pytest.raises(ModelError, match="no clip.json"):
        load_model(tmp_path)


def test_the_zoo_is_a_table_however_its_name_was_bound():
    table = lab.models()
    assert set(ZOO) <= set(table["name"]) and table["name"].is_unique
    import rsclip_lab.models

    assert rsclip_lab.models().equals(table)  # importing the room must not take the public name away
    assert sys.modules["rsclip_lab.models"]().equals(table)


def test_tiny_loads_from_the_package():
    model = load_model("tiny", device="cpu")
    assert model.name == "tiny" and model.description["tokenizer"] == {"name": "clip", "context_length": 77}
    assert sum(file.stat().st_size for file in TINY.iterdir()) < 30e6
    features = model.encode_texts(["a satellite view of a beach", "a satellite view of a forest"])
    assert features.shape == (2, model.dim) and features[0] @ features[1] < 0.99


def test_a_repository_that_does_not_exist_is_no_reason_to_go_on_with_another_model(hub_clients):
    with pytest.raises(NotFetched, match="no such repository") as caught:
        hub_clients["online"](text_features, "hf-hub:test/misspelt", fallback="tiny")
    assert "Without network" not in str(caught.value) and "Loadable" not in str(caught.value)
