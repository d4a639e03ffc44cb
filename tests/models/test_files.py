"""What `save` wrote, `load_model` gives back; what something else wrote is refused with the reason."""

import errno
import json
import os
import shutil
import stat
import time

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import TINY_ARCHITECTURE
from safetensors.torch import load_file

from rsclip_lab.models import ModelError, load_model, new_clip
from rsclip_lab.models.saved.description import plain
from rsclip_lab.models.saved.files import read_model, update_description, write_model
from rsclip_lab.models.zoo import TINY

TEXTS = ["a satellite view of a beach", "boats in a harbour"]


def test_a_saved_model_comes_back_the_same(random_clip, tmp_path):
    folder = random_clip.save(tmp_path / "deep" / "model")
    loaded = load_model(folder, device="cpu")
    assert loaded.description == random_clip.description
    assert torch.equal(loaded.encode_texts(TEXTS), random_clip.encode_texts(TEXTS))
    assert loaded.logit_scale == random_clip.logit_scale
    assert not loaded.net.training
    assert sorted(os.listdir(folder)) == ["clip.json", "model.safetensors"]


def test_the_activation_travels_with_the_weights(tmp_path):
    quick, plain = (new_clip(TINY_ARCHITECTURE | {"quick_gelu": choice}) for choice in (True, False))
    plain.net.load_state_dict(quick.net.state_dict())  # the same weights fit both, and nothing warns
    assert not torch.allclose(plain.encode_texts(TEXTS), quick.encode_texts(TEXTS), atol=1e-4)
    for model in (quick, plain):
        loaded = load_model(model.save(tmp_path / "model"), device="cpu")
        assert torch.equal(loaded.encode_texts(TEXTS), model.encode_texts(TEXTS))


def test_the_preprocessing_travels_with_the_weights(tmp_path):
    preprocess = {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.2], "resize_mode": "squash"}
    model = new_clip(TINY_ARCHITECTURE, preprocess={**preprocess, "interpolation": "bilinear"})
    loaded = load_model(model.save(tmp_path), device="cpu")
    assert loaded.mean == (0.5, 0.4, 0.3) and loaded.std == (0.2, 0.2, 0.2)
    assert str(loaded.preprocess) == str(model.preprocess) and "bilinear" in str(loaded.preprocess)


def test_half_on_disk_is_float32_in_memory_and_half_the_size(random_clip, tmp_path):
    full = (random_clip.save(tmp_path / "full") / "model.safetensors").stat().st_size
    folder = random_clip.save(tmp_path / "half", half=True)
    loaded = load_model(folder, device="cpu")
    assert (folder / "model.safetensors").stat().st_size < 0.52 * full
    assert {value.dtype for value in loaded.net.state_dict().values()} == {torch.float32}
    assert loaded.logit_scale == random_clip.logit_scale  # scalars keep their digits
    torch.testing.assert_close(loaded.encode_texts(TEXTS), random_clip.encode_texts(TEXTS), atol=2e-3, rtol=0)


def test_channels_last_weights_can_be_saved(tmp_path):
    vision = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 16}
    model = new_clip(TINY_ARCHITECTURE | {"vision_cfg": vision})
    model.net.to(memory_format=torch.channels_last)
    loaded = load_model(model.save(tmp_path), device="cpu")
    for name, value in loaded.net.state_dict().items():
        assert torch.equal(value, model.net.state_dict()[name]), name


def test_a_saved_model_can_be_read_by_whoever_may_read_the_folder(random_clip, tmp_path):
    folder = random_clip.save(tmp_path)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    probe = tmp_path / "probe"
    probe.touch()
    assert modes == {stat.S_IMODE(probe.stat().st_mode)}


def test_a_save_that_fails_leaves_the_finished_model_alone(random_clip, tmp_path, monkeypatch):
    before = random_clip.encode_texts(TEXTS)
    random_clip.save(tmp_path)
    other = new_clip(TINY_ARCHITECTURE, seed=9)
    monkeypatch.setattr("rsclip_lab.models.saved.description.json.dumps", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        other.save(tmp_path)
    monkeypatch.undo()
    assert sorted(os.listdir(tmp_path)) == ["clip.json", "model.safetensors"]
    assert torch.equal(load_model(tmp_path, device="cpu").encode_texts(TEXTS), before)


def test_weights_that_changed_after_saving_are_refused(random_clip, tmp_path):
    random_clip.save(tmp_path)
    file = tmp_path / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(ModelError, match="model.safetensors is not the expected file: sha256"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "clip.json").unlink(), "no clip.json"),
        (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors is missing"),
        (lambda folder: (folder / "clip.json").write_text('{"name":'), "clip.json is not readable JSON"),
        (lambda folder: (folder / "clip.json").write_text('{"name": "x"}'), "clip.json lacks architecture"),
        (lambda folder: (folder / "clip.json").write_text("[]"), "clip.json"),
    ],
)
def test_an_incomplete_folder_is_refused_by_name(random_clip, tmp_path, damage, message):
    random_clip.save(tmp_path)
    damage(tmp_path)
    with pytest.raises(ModelError, match=message):
        load_model(tmp_path)


@pytest.mark.parametrize("fails", ["model.safetensors", "clip.json"])
@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_stands_half_written_is_never_taken_for_a_model(
    random_clip, tmp_path, monkeypatch, fails, there
):
    """The machine stops just before a file gets its name."""
    if there:
        random_clip.save(tmp_path)
    replace = os.replace

    def stop(source, target):
        if str(target).endswith(fails):
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr("rsclip_lab.models.saved.files.os.replace", stop)
    with pytest.raises(KeyboardInterrupt):
        new_clip(TINY_ARCHITECTURE, seed=9).save(tmp_path)
    if there and fails == "model.safetensors":  # nothing was touched yet
        assert load_model(tmp_path, device="cpu").name == "random"
    else:
        with pytest.raises(ModelError, match="not the expected file" if there else "no clip.json"):
            load_model(tmp_path)
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


@pytest.fixture
def worded(word_tokenizer, tmp_path):
    """Makes models with weights of a seed, and a tokenizer of the transformers library that pads as you say."""
    pytest.importorskip("transformers")

    def make(seed: int, pad: str = "<pad>"):
        source = tmp_path / f"source-{pad.strip('<>')}"
        shutil.copytree(word_tokenizer, source, dirs_exist_ok=True)
        config = json.loads((source / "tokenizer_config.json").read_text()) | {"pad_token": pad}
        (source / "tokenizer_config.json").write_text(json.dumps(config))
        text = TINY_ARCHITECTURE["text_cfg"] | {"hf_tokenizer_name": str(source)}
        return new_clip(TINY_ARCHITECTURE | {"text_cfg": text}, seed, name=f"{seed}{pad}")

    return make


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("step", range(8))
def test_a_save_that_is_cut_short_leaves_the_former_model_whole_or_none(worded, tmp_path, monkeypatch, seed, step):
    """seed 1: the weights stay the same, and only the words change."""
    former, other = worded(1), worded(seed, pad="<unk>")
    assert not torch.equal(former.tokenizer(TEXTS), other.tokenizer(TEXTS))
    folder, steps, replace = former.save(tmp_path / "model"), [], os.replace

    def stop(source, target):
        steps.append(target)
        if len(steps) > step:
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr("rsclip_lab.models.saved.files.os.replace", stop)
    if step >= 4:  # weights, tokenizer out, tokenizer in, description
        other.save(folder)
        assert len(steps) == 4
    else:
        with pytest.raises(KeyboardInterrupt):
            other.save(folder)
    whole = other if step >= 4 else former
    try:
        loaded = load_model(folder, device="cpu")
    except ModelError as refusal:
        assert 0 < step < 4 and "clip.json lacks" in str(refusal)
    else:
        assert step in (0, 4, 5, 6, 7)
        assert loaded.name == whole.name and torch.equal(loaded.encode_texts(TEXTS), whole.encode_texts(TEXTS))
    monkeypatch.undo()
    assert load_model(other.save(folder), device="cpu").name == other.name  # and can be saved over


def test_a_full_disk_leaves_the_former_model_and_its_words(worded, tmp_path, monkeypatch):
    former, other = worded(1), worded(2, pad="<unk>")
    folder = former.save(tmp_path / "model")

    def fill(weights, file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("rsclip_lab.models.saved.files.save_file", fill)
    with pytest.raises(ModelError, match="model.*No space left on device.*make room"):
        other.save(folder)
    loaded = load_model(folder, device="cpu")
    assert torch.equal(loaded.encode_texts(TEXTS), former.encode_texts(TEXTS))
    assert sorted(os.listdir(folder)) == ["clip.json", "model.safetensors", "tokenizer"]


def test_a_folder_called_tokenizer_that_is_somebody_elses_is_left_alone(worded, tmp_path):
    notes = tmp_path / "work" / "tokenizer" / "notes.txt"
    notes.parent.mkdir(parents=True)
    notes.write_text("mine")
    with pytest.raises(ModelError, match="tokenizer is not of a saved model"):
        worded(1).save(tmp_path / "work")
    assert notes.read_text() == "mine" and os.listdir(tmp_path / "work") == ["tokenizer"]


def test_what_a_killed_save_left_is_removed_an_hour_later(random_clip, tmp_path):
    for name, age in ((".saving-old", 3700), (".saving-now", 60)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").touch()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    random_clip.save(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".saving-now", "clip.json", "model.safetensors"]


def test_a_place_that_can_hold_no_model_is_named(random_clip, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "model"):
        with pytest.raises(ModelError, match="no model can be written into .*file.*give another folder"):
            random_clip.save(place)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert random_clip.save("~/mine") == tmp_path / "mine" and (tmp_path / "mine" / "clip.json").is_file()


def test_a_description_nested_without_end_is_refused_in_words(random_clip, tmp_path):
    for _ in range(1000):
        random_clip.description["created_from"] = {"fine_tuned_from": random_clip.description["created_from"]}
    with pytest.raises(TypeError, match="cannot be nested so deep"):
        random_clip.save(tmp_path)
    assert not os.listdir(tmp_path)


def test_the_weights_may_have_the_name_that_another_library_expects(random_clip, tmp_path):
    name = "open_clip_model.safetensors"
    write_model(tmp_path, random_clip.net, random_clip.description, weights_name=name)
    assert sorted(os.listdir(tmp_path)) == ["clip.json", name]
    assert torch.equal(load_model(tmp_path, device="cpu").encode_texts(TEXTS), random_clip.encode_texts(TEXTS))


def test_tied_weights_are_saved_and_come_back(random_clip, tmp_path):
    blocks = random_clip.net.transformer.resblocks
    blocks[1].mlp = blocks[0].mlp
    blocks[1].ln_1.weight.data = blocks[0].ln_1.weight.data[:]  # a view of the same memory
    loaded = load_model(random_clip.save(tmp_path), device="cpu")
    assert torch.equal(loaded.encode_texts(TEXTS), random_clip.encode_texts(TEXTS))


def test_a_network_with_a_text_decoder_is_saved_and_comes_back(tmp_path):
    tower = {"width": 32, "heads": 2, "layers": 1, "vocab_size": 49408}
    coca = {
        "embed_dim": 32,
        "custom_text": True,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8}
        | {"attentional_pool": True, "attn_pooler_heads": 4, "output_tokens": True},
        "text_cfg": tower | {"context_length": 76, "embed_cls": True, "output_tokens": True},
        "multimodal_cfg": tower | {"context_length": 76, "attn_pooler_heads": 4},
    }
    model = new_clip(coca)
    loaded = load_model(model.save(tmp_path), device="cpu")
    assert type(loaded.net).__name__ == "CoCa"
    assert torch.equal(loaded.encode_texts(TEXTS), model.encode_texts(TEXTS))


def test_the_type_on_disk_is_the_one_written_down(random_clip, tmp_path):
    for options, dtype in (({}, "float32"), ({"half": True}, "float16")):
        folder = random_clip.save(tmp_path / dtype, **options)
        stored = load_file(folder / "model.safetensors")["token_embedding.weight"].dtype
        assert json.loads((folder / "clip.json").read_text())["weights"]["dtype"] == dtype == str(stored)[6:]


def test_a_description_survives_json_whatever_its_numbers_are_made_of(random_clip, tmp_path):
    found = {
        "topk": {1: 0.5, np.int64(3): torch.tensor(0.75)},
        "array": np.arange(3, dtype=np.int32),
        "tensor": torch.ones(1, 2, requires_grad=True),
        "float32": np.float32(0.1),
        "flags": (np.bool_(True), None),
        "nothing": float("nan"),
        "endless": [np.inf],
        "series": pd.Series({"a": 1.5}),
        "path": tmp_path / "a",
        "text": "é\n海",
    }
    random_clip.description["metrics"] = found
    folder = random_clip.save(tmp_path)

    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    kept = json.loads((folder / "clip.json").read_text(encoding="utf-8"), parse_constant=refuse)["metrics"]
    assert kept == plain(found) == plain(kept) == load_model(folder, device="cpu").description["metrics"]
    assert kept == {
        "topk": {"1": 0.5, "3": 0.75},
        "array": [0, 1, 2],
        "tensor": [[1.0, 1.0]],
        "float32": pytest.approx(0.1),
        "flags": [True, None],
        "nothing": None,
        "endless": [None],
        "series": {"a": 1.5},
        "path": str(tmp_path / "a"),
        "text": "é\n海",
    }


def test_what_json_cannot_hold_is_refused_before_anything_is_written(random_clip, tmp_path):
    random_clip.description["metrics"] = {"when": object()}
    with pytest.raises(TypeError, match="cannot be kept in a model's description"):
        random_clip.save(tmp_path / "model")
    assert not list((tmp_path / "model").iterdir())


def test_another_description_leaves_the_weights_as_they_are(random_clip, tmp_path):
    folder = random_clip.save(tmp_path, half=True)
    before = (folder / "model.safetensors").read_bytes(), json.loads((folder / "clip.json").read_text())["weights"]
    update_description(folder, random_clip.description | {"metrics": {"base": {"top1": 0.5}}})
    after = (folder / "model.safetensors").read_bytes(), json.loads((folder / "clip.json").read_text())["weights"]
    assert before == after and sorted(os.listdir(folder)) == ["clip.json", "model.safetensors"]
    assert load_model(folder, device="cpu").description["metrics"] == {"base": {"top1": 0.5}}
    with pytest.raises(ModelError, match="no clip.json"):
        update_description(tmp_path / "elsewhere", random_clip.description)


NONSENSE = {
    "weights.file": ["../model.safetensors", "/etc/passwd", "a/b.safetensors", "..", "", "model.pt", 5],
    "weights.sha256": ["abc", None, 7],
    "weights": [[], "model.safetensors"],
    "name": [3, None],
    "architecture": ["ViT-B-32", None],
    "architecture.surprise": [1],
    "architecture.embed_dim": ["32", -32, 10**15],
    "architecture.vision_cfg": [None, {"surprise": 1}],
    "architecture.vision_cfg.layers": [10**7, [10**7, 1, 1, 1], -1, "two"],
    "architecture.vision_cfg.width": [10**12, 1e300, -64],
    "architecture.vision_cfg.image_size": [10**6, [32, 32]],
    "architecture.text_cfg.context_length": [10**6, "77"],
    "architecture.text_cfg.heads": [0, 7],
    "preprocess": [None, []],
    "preprocess.size": ["big", 0, 32.5, True],
    "preprocess.mean": [[0.5, 0.5], 0.5, ["a", "b", "c"], [float("nan")] * 3, [None, 0, 0], [True] * 3],
    "preprocess.std": [[0.2, 0.2, 0.0], None, [0.2, 0.2, -0.2], [[0.2], 0.2, 0.2]],
    "preprocess.interpolation": ["cubist", [], {}],
    "preprocess.fill_color": ["black", 1000, [0, 0, 0]],
    "tokenizer": [{}, "clip"],
    "tokenizer.context_length": ["77", 0],
    "tokenizer.name": ["words", 4],
    "created_from": ["me"],
    "training": [[1]],
    "metrics": ["good"],
}


@pytest.mark.parametrize("place", NONSENSE)
def test_nonsense_in_the_description_is_one_clear_error(random_clip, tmp_path, place):
    folder = random_clip.save(tmp_path / "model")
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    whole = (folder / "clip.json").read_text()
    *path, last = place.split(".")
    for value in NONSENSE[place]:
        description = json.loads(whole)
        part = description
        for key in path:
            part = part[key]
        part[last] = value
        (folder / "clip.json").write_text(json.dumps(description))
        with pytest.raises(ModelError) as caught:
            load_model(folder)
        message = str(caught.value)
        assert len(message) < 600 and "\n" not in message, value
        named = (str(folder), "open_clip", "architecture", "_cfg", "preprocess", "token")
        assert any(name in message for name in named), value


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": "\udcff"', "\x00", "null", "7"])
def test_a_description_that_is_no_description_is_named(random_clip, tmp_path, text):
    random_clip.save(tmp_path)
    (tmp_path / "clip.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelError, match="clip.json"):
        load_model(tmp_path)


def test_the_embedded_model_is_read_bit_for_bit():
    net, description = read_model(TINY)
    stored = load_file(TINY / "model.safetensors")
    assert set(stored) == set(net.state_dict()) and description["name"] == "tiny"
    for name, value in net.state_dict().items():
        assert torch.equal(value, stored[name].to(value.dtype)) and value.dtype in (torch.float32, torch.int64), name


def test_weights_of_another_architecture_are_refused(random_clip, tmp_path):
    random_clip.save(tmp_path)
    file = tmp_path / "clip.json"
    description = json.loads(file.read_text())
    description["architecture"]["vision_cfg"]["width"] = 96
    file.write_text(json.dumps(description))
    with pytest.raises(ModelError, match="weights of another architecture.*of another shape"):
        load_model(tmp_path)


def test_the_file_holds_nothing_but_the_networks_state(random_clip, tmp_path):
    random_clip.save(tmp_path)
    assert set(load_file(tmp_path / "model.safetensors")) == set(random_clip.net.state_dict())
