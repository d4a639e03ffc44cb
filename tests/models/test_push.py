"""A model onto the hub and back: the hub's real client uploads to a small hub on this machine."""

import contextlib
import io
import itertools
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import TINY_ARCHITECTURE
from hub_server import READ_TOKEN, TOKEN
from PIL import Image

from rsclip_lab.models import ModelError, load_model, new_clip
from rsclip_lab.models.publish.push import push

TEXTS = ["boats", "a sandy beach"]
FILES = {"README.md", "clip.json", "open_clip_config.json", "open_clip_model.safetensors"}


def picture():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def pushed(folder, repository, *, wrapped=False, **options):
    """In a process of the hub's client: the address, and what was printed."""
    model = load_model(folder, device="cpu")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        address = push(SimpleNamespace(model=model) if wrapped else model, repository, **options)
    return address, printed.getvalue()


def features_in_ours(name):
    model = load_model(name, device="cpu")
    return model.encode_images([picture()]), model.encode_texts(TEXTS), model.description


def features_in_open_clip(name):
    import open_clip
    import torch

    net, _, preprocess = open_clip.create_model_and_transforms(name)
    tokens = open_clip.get_tokenizer(name)(TEXTS)
    with torch.no_grad():
        net.eval()
        return [
            net.encode_image(preprocess(picture())[None], normalize=True).numpy(),
            net.encode_text(tokens, normalize=True).numpy(),
        ]


@pytest.fixture
def saved(random_clip, tmp_path):
    return random_clip.save(tmp_path / "saved")


@pytest.fixture
def repository(hub):
    return f"tester/model-{len(hub.commits)}"


@pytest.fixture
def tester(hub_clients):
    return hub_clients["tester"]


def asked(hub, *methods):
    return [path for method, path, _ in hub.asked if method in methods]


def commits(hub):
    return [path for path in asked(hub, "POST") if "/commit/" in path]


def refused(client, *arguments, **options):
    """What `push` says when it cannot: one paragraph."""
    with pytest.raises(ModelError) as caught:
        client(pushed, *arguments, **options)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 700
    return str(caught.value)


def test_a_pushed_model_loads_here_and_in_open_clip_with_equal_features(
    tester, hub_clients, hub, repository, random_clip, saved
):
    address, printed = tester(pushed, saved, repository, licence="apache-2.0")
    assert address == f"{hub.address}/{repository}" and printed == ""
    assert len(commits(hub)) == 1 and set(hub.files(repository)) == FILES | {".gitattributes"}
    card = hub.files(repository)["README.md"].decode()
    assert card.startswith("---\n") and "apache-2.0" in card and repository in card
    expected = [random_clip.encode_images([picture()]), random_clip.encode_texts(TEXTS)]
    *ours, description = hub_clients["online"](features_in_ours, f"hf-hub:{repository}")
    theirs = hub_clients["online"](features_in_open_clip, f"hf-hub:{repository}")
    for found in (ours, theirs):
        for got, wanted in zip(found, expected, strict=True):
            np.testing.assert_allclose(got, wanted, atol=1e-5)
    assert description["architecture"] == random_clip.description["architecture"]
    assert description["preprocess"] == random_clip.description["preprocess"]


def test_a_tokenizer_of_transformers_is_pushed_with_the_model(
    tester, hub_clients, hub, repository, word_tokenizer, tmp_path
):
    text = TINY_ARCHITECTURE["text_cfg"] | {"hf_tokenizer_name": str(word_tokenizer), "context_length": 16}
    model = new_clip(TINY_ARCHITECTURE | {"text_cfg": text | {"pool_type": "last"}}, seed=2)
    expected = model.encode_texts(TEXTS)
    tester(pushed, model.save(tmp_path / "saved"), repository)
    shutil.rmtree(word_tokenizer)
    for loaded in (features_in_ours, features_in_open_clip):
        found = hub_clients["online"](loaded, f"hf-hub:{repository}")[1]
        np.testing.assert_allclose(found, expected, atol=1e-5)
    for file in ("clip.json", "open_clip_config.json", "README.md"):
        assert str(tmp_path) not in hub.files(repository)[file].decode()


def test_a_text_tower_of_transformers_is_pushed_with_the_model(
    tester, hub_clients, hub, repository, word_tokenizer, tmp_path
):
    from transformers import RobertaConfig

    sizes = {"vocab_size": 100, "hidden_size": 32, "intermediate_size": 32}
    tower = RobertaConfig(num_hidden_layers=1, num_attention_heads=2, **sizes)
    tower.save_pretrained(word_tokenizer)
    text = {"hf_model_name": str(word_tokenizer), "hf_tokenizer_name": str(word_tokenizer), "context_length": 16}
    text |= {"hf_proj_type": "mlp", "hf_pooler_type": "mean_pooler"}
    model = new_clip(TINY_ARCHITECTURE | {"custom_text": True, "text_cfg": text}, seed=3)
    expected = model.encode_texts(TEXTS)
    tester(pushed, model.save(tmp_path / "saved"), repository)
    shutil.rmtree(word_tokenizer)
    for loaded in (features_in_ours, features_in_open_clip):
        found = hub_clients["online"](loaded, f"hf-hub:{repository}")[1]
        np.testing.assert_allclose(found, expected, atol=1e-5)
    for file, content in hub.files(repository).items():
        assert str(tmp_path).encode() not in content, file


def pushed_from_places(folder, repository, places):
    model = load_model(folder, device="cpu")
    model.description["created_from"] = places
    return push(model, repository)


def test_no_path_of_this_machine_is_pushed(tester, hub, repository, saved):
    places = {"folder": "/home/me/secret/run", "name": r"C:\secret\base", "note": f"from {Path.home()}/secret.csv"}
    tester(pushed_from_places, saved, repository, {**places, "interpolation": [{"name": "/secret/one"}, "two/three"]})
    kept = json.loads(hub.files(repository)["clip.json"])["created_from"]
    assert kept.pop("note") == "from ~/secret.csv"
    assert kept == {"folder": "run", "name": "base", "interpolation": [{"name": "one"}, "two/three"]}
    for file in FILES - {"clip.json"}:
        assert b"secret" not in hub.files(repository)[file], file


def test_a_run_is_pushed_as_its_model(tester, hub, repository, saved):
    tester(pushed, saved, repository, wrapped=True, message="after three epochs")
    assert FILES <= set(hub.files(repository))
    with pytest.raises(ModelError, match="a model or a run, not str"):
        push("saved/folder", repository)


def test_pushing_again_brings_a_new_card_in_one_commit_and_keeps_other_files(tester, hub, repository, saved):
    tester(pushed, saved, repository)
    first = hub.files(repository)
    first["notes.txt"] = b"mine"
    _, printed = tester(pushed, saved, repository, licence="cc-by-4.0")
    second = hub.files(repository)
    assert printed == "" and len(commits(hub)) == 2 and second["notes.txt"] == b"mine"
    assert b"cc-by-4.0" in second["README.md"] and b"cc-by-4.0" not in first["README.md"]
    assert second["open_clip_model.safetensors"] == first["open_clip_model.safetensors"]


@pytest.mark.parametrize("edit", [lambda card: card.replace("# ", "# My own ", 1), lambda card: "# By hand\n"])
def test_a_card_that_somebody_wrote_or_edited_is_kept(tester, hub, repository, saved, edit):
    tester(pushed, saved, repository)
    edited = edit(hub.files(repository)["README.md"].decode()).encode()
    hub.files(repository)["README.md"] = edited
    _, printed = tester(pushed, saved, repository, licence="cc-by-4.0", private=False)
    assert hub.files(repository)["README.md"] == edited
    assert "README.md" in printed and "by hand and is kept" in printed and len(printed.splitlines()) == 1


def test_a_private_repository_is_made_so_and_never_a_public_one_taken_for_it(tester, hub, repository, saved):
    tester(pushed, saved, repository, private=True)
    assert hub.private == {repository} and FILES <= set(hub.files(repository))
    hub.private.clear()
    hub.asked.clear()
    said = refused(tester, saved, repository, private=True)
    assert f"{repository} is there and public" in said and "/settings" in said and not commits(hub)


@pytest.mark.parametrize("name", ["model", "tester/", "a/b/c", "tester/my model"])
def test_a_malformed_name_is_said_before_anything_is_asked(tester, hub, saved, name):
    hub.asked.clear()
    said = refused(tester, saved, name)
    assert name in said and '"owner/name"' in said and hub.asked == []


def test_a_name_of_two_lines_is_refused_in_one(tester, saved):
    assert r"'tester/x\ny' could not be pushed: " in refused(tester, saved, "tester/x\ny")


def test_without_a_token_one_is_told_to_log_in(hub_clients, hub, repository, saved):
    said = refused(hub_clients["online"], saved, repository)
    assert "without a token" in said and "`hf auth login`, or set HF_TOKEN" in said
    assert asked(hub, "POST", "PUT") == []


@pytest.mark.parametrize(
    ("token", "cause", "remedy"),
    [("hf_of_nobody", "nvalid", "log in"), (READ_TOKEN, "a token for reading", "/settings/tokens")],
)
def test_a_token_that_may_not_write_is_refused_before_anything_is_made(
    hub_clients, hub, repository, saved, token, cause, remedy
):
    said = refused(hub_clients["online"], saved, repository, token=token)
    assert repository in said and cause in said and remedy in said
    assert asked(hub, "POST", "PUT") == [] and repository not in hub.commits


def test_a_namespace_of_others_is_refused(hub_clients, hub, saved):
    said = refused(hub_clients["online"], saved, "someone/model", token=TOKEN)
    assert "someone/model could not be pushed: " in said and "403" in said and "a token that may do this" in said
    assert "a namespace of your own" in said
    assert asked(hub, "PUT") == [] and "someone/model" not in hub.commits


@pytest.mark.parametrize(("network", "remedy"), [("offline", "unset HF_HUB_OFFLINE"), ("dead", "check the network")])
def test_without_network_nothing_is_tried(hub_clients, hub, repository, saved, network, remedy):
    said = refused(hub_clients[network], saved, repository, token=TOKEN)
    assert f"{repository} could not be pushed" in said and remedy in said and hub.asked == []


def pushed_broken(folder, repository):
    model = load_model(folder, device="cpu")
    model.description["metrics"] = {"base": object()}  # nothing that JSON knows
    return push(model, repository)


def test_a_model_that_cannot_be_written_makes_no_repository(tester, hub, repository, saved):
    with pytest.raises((ModelError, TypeError)):
        tester(pushed_broken, saved, repository)
    assert asked(hub, "POST", "PUT") == [] and repository not in hub.commits


def test_a_commit_that_fails_leaves_the_repository_as_it_was(tester, hub, repository, saved):
    tester(pushed, saved, repository)
    before = hub.main(repository)
    hub.failures["/commit/"] = itertools.repeat(500)
    said = refused(tester, saved, repository, licence="cc-by-4.0")
    assert "500" in said and "call again" in said and hub.main(repository) == before
