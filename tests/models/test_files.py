"""What `save` wrote, `load_model` gives back; what something else wrote is refused with the reason."""

import json
import os
import pickle
import stat

import pytest
import torch
from conftest import TINY_ARCHITECTURE
from safetensors.torch import load_file

from rsclip_lab.models import ModelError, load_model, new_clip
from rsclip_lab.models.weights import load_weights, read_weights

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
    monkeypatch.setattr("rsclip_lab.models.files.json.dumps", lambda *a, **k: 1 / 0)
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


def test_weights_of_another_architecture_are_refused(random_clip, tmp_path):
    random_clip.save(tmp_path)
    file = tmp_path / "clip.json"
    description = json.loads(file.read_text())
    description["architecture"]["vision_cfg"]["width"] = 96
    file.write_text(json.dumps(description))
    with pytest.raises(ModelError, match="weights of another architecture.*size mismatch"):
        load_model(tmp_path)


class Payload:
    def __reduce__(self):
        return (os.mkdir, ("the-payload-ran",))


def write_pickle(thing, path):
    path.write_bytes(pickle.dumps(thing, protocol=2))


@pytest.mark.parametrize("write", [torch.save, write_pickle])
def test_a_weight_file_that_carries_code_is_refused_and_not_run(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write({"weight": Payload()}, tmp_path / "evil.pt")
    with pytest.raises(ModelError, match="evil.pt cannot be read as plain weights"):
        read_weights(tmp_path / "evil.pt")
    assert not (tmp_path / "the-payload-ran").exists()


@pytest.mark.parametrize("name", ["cut.pt", "cut.safetensors"])
def test_a_truncated_weight_file_is_refused(random_clip, tmp_path, name):
    file = random_clip.save(tmp_path / "model") / "model.safetensors"
    if name.endswith(".pt"):
        file = tmp_path / "whole.pt"
        torch.save(random_clip.net.state_dict(), file)
    (tmp_path / name).write_bytes(file.read_bytes()[:100_000])
    with pytest.raises(ModelError, match=name):
        read_weights(tmp_path / name)


def test_state_dicts_of_training_scripts_are_unwrapped(random_clip, tmp_path):
    wrapped = {"module." + name: value for name, value in random_clip.net.state_dict().items()}
    torch.save({"state_dict": wrapped, "epoch": 3}, tmp_path / "run.pt")
    fresh = new_clip(TINY_ARCHITECTURE, seed=4)
    load_weights(fresh.net, read_weights(tmp_path / "run.pt"), "run.pt")
    assert torch.equal(fresh.encode_texts(TEXTS), random_clip.encode_texts(TEXTS))


def test_the_file_holds_nothing_but_the_networks_state(random_clip, tmp_path):
    random_clip.save(tmp_path)
    assert set(load_file(tmp_path / "model.safetensors")) == set(random_clip.net.state_dict())
