"""Which files are weights, and what a network takes from them; everything else is one paragraph with a remedy."""

import argparse
import codecs
import io
import json
import os
import pickle
import re
import struct
import sys
import tarfile
import warnings
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch
from conftest import TINY_ARCHITECTURE
from open_clip.model import convert_to_custom_text_state_dict
from safetensors.torch import save_file

from rsclip_lab.models.architecture import build_network
from rsclip_lab.models.configuration import architecture_named, complete_architecture
from rsclip_lab.models.errors import ModelError
from rsclip_lab.models.weights import load_weights, read_weights

ARCHITECTURE = complete_architecture(
    TINY_ARCHITECTURE | {"text_cfg": TINY_ARCHITECTURE["text_cfg"] | {"vocab_size": 500}}
)


@pytest.fixture(scope="module")
def state():
    """The state dict of a small network; read it, do not write to it."""
    return build_network(ARCHITECTURE, seed=3).state_dict()


def the_same(found, expected) -> bool:
    return set(found) == set(expected) and all(torch.equal(found[name], expected[name]) for name in expected)


def refusal(path) -> str:
    """What `read_weights` says of a file: one paragraph, which names the file and has a remedy."""
    with pytest.raises(ModelError) as caught:
        read_weights(path)
    message = str(caught.value)
    assert message.startswith(f"{path} ") and "; " in message and "\n" not in message and len(message) < 600
    return message


# Files that are weights.

SAVED = {
    "plain": lambda state: state,
    "in state_dict": lambda state: {"state_dict": state, "epoch": 3},
    "in model": lambda state: {"model": state},
    "in model_state_dict": lambda state: {"model_state_dict": state, "loss": 0.1},
    "of open_clip's training": lambda state: {
        "epoch": 3,
        "name": "run",
        "state_dict": {f"module.{name}": value for name, value in state.items()},
        "optimizer": {"state": {0: {"exp_avg": torch.zeros(200)}}, "param_groups": [{"lr": 1e-4}]},
    },
    "distributed twice": lambda state: {f"module.module.{name}": value for name, value in state.items()},
    "compiled": lambda state: {f"_orig_mod.{name}": value for name, value in state.items()},
    "distributed and compiled": lambda state: {f"module._orig_mod.{name}": value for name, value in state.items()},
    "one tower compiled": lambda state: {re.sub("^visual.", "visual._orig_mod.", n): v for n, v in state.items()},
}


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("form", SAVED)
def test_what_training_scripts_save_is_read_under_the_networks_own_names(form, zipped, state, tmp_path):
    torch.save(SAVED[form](state), tmp_path / "run.pt", _use_new_zipfile_serialization=zipped)
    assert the_same(read_weights(tmp_path / "run.pt"), state)


@pytest.mark.parametrize("name", ["a.safetensors", "b.pt", "c"])
def test_safetensors_are_known_by_their_content(name, state, tmp_path):
    save_file(state, tmp_path / name)
    assert the_same(read_weights(str(tmp_path / name)), state)


@pytest.mark.parametrize("name", ["a.bin", "b.pth", "c"])
def test_torch_files_are_known_by_their_content(name, state, tmp_path):
    torch.save(state, tmp_path / name)
    assert the_same(read_weights(str(tmp_path / name)), state)


def test_a_torch_file_does_not_pass_for_safetensors(state, tmp_path):
    torch.save(state, tmp_path / "whole.pt")
    (tmp_path / "whole.pt").rename(tmp_path / "a.safetensors")
    assert "is a torch file under another name" in refusal(tmp_path / "a.safetensors")


@pytest.mark.parametrize("save", [save_file, torch.save, lambda state, path: torch.save({"model": state}, path)])
def test_what_was_read_outlives_its_file(save, state, tmp_path):
    path = tmp_path / "weights"
    save(state, path)
    weights = read_weights(path)
    path.write_bytes(b"\xff" * path.stat().st_size)
    assert the_same(weights, state)
    if os.path.exists("/proc/self/maps"):
        with open("/proc/self/maps") as maps:
            assert str(path) not in maps.read()


# Files that are not.


class Payload:
    def __reduce__(self):
        return (os.mkdir, ("the-payload-ran",))


def write_pickle(thing, path, protocol=2):
    path.write_bytes(pickle.dumps(thing, protocol=protocol))


def in_state_dict(thing, path):
    torch.save({"state_dict": {"weight": torch.zeros(2)}, "callback": thing}, path)


def write_newer_pickle(thing, path):
    write_pickle(thing, path, protocol=4)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol 4")
@pytest.mark.parametrize("write", [torch.save, write_pickle, write_newer_pickle, in_state_dict])
def test_a_file_that_carries_code_is_refused_and_not_run(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write({"weight": Payload()}, tmp_path / "evil.pt")
    message = refusal(tmp_path / "evil.pt")
    assert "running code that it carries" in message and ".safetensors" in message and "net.state_dict()" in message
    assert write is write_newer_pickle or f"calls for {os.mkdir.__module__}.mkdir" in message
    assert not (tmp_path / "the-payload-ran").exists()


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        (torch.nn.Linear(2, 2), "torch.nn.modules.linear.Linear"),
        ({"state_dict": {}, "args": argparse.Namespace(lr=1)}, "argparse.Namespace"),
    ],
)
def test_objects_beside_the_weights_are_named(thing, name, tmp_path):
    torch.save(thing, tmp_path / "net.pt")
    assert f"calls for {name}" in refusal(tmp_path / "net.pt")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_torchscript_program_is_refused_with_the_way_round(tmp_path):
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "RN50.pt")
    message = refusal(tmp_path / "RN50.pt")
    assert "TorchScript" in message and "ViT-B-32:openai" in message


@pytest.mark.parametrize("share", [0.00003, 0.01, 0.5, 0.999])
@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_a_truncated_file_is_refused(form, share, state, tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    save_file(state, whole) if form == "safetensors" else torch.save(
        state, whole, _use_new_zipfile_serialization=form == "zip"
    )
    cut.write_bytes(whole.read_bytes()[: int(share * whole.stat().st_size)])
    assert re.search("cut short or damaged|neither a safetensors nor a torch file", refusal(cut))


def npz() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, weight=np.zeros(3))
    return buffer.getvalue()


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("weights.pt"))
    return buffer.getvalue()


INDEX = json.dumps({"metadata": {"total_size": 9}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}).encode()
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:60014e39\nsize 605200000\n"
OTHERS = {
    "empty": (b"", "is empty; download"),
    "page": (b"\n<!DOCTYPE html><html><body>Not found</body></html>", "is a web page.*download the file itself"),
    "page_of_an_editor": (b"\xef\xbb\xbf<html></html>", "is a web page"),
    "answer": (b"Entry not found", "a text that begins 'Entry not found'.*download"),
    "error": (b'{"error": "Repository not found"}', "is JSON text"),
    "pointer": (POINTER, "git-lfs pointer.*git lfs pull"),
    "index": (INDEX, "index of weights in several files"),
    "npz": (npz(), r"archive that torch did not write \(weight.npy"),
    "npy": (b"\x93NUMPY" + bytes(99), "another framework"),
    "tar": (tar(), "is an archive; unpack"),
    "gzip": (b"\x1f\x8b" + bytes(99), "is an archive; unpack"),
    "noise": (bytes(range(200, 256)) * 40, "neither a safetensors nor a torch file"),
    "lines": (b"\n\n", "is a text"),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_another_file_under_a_weight_files_name_is_called_what_it_is(name, suffix, tmp_path):
    content, words = OTHERS[name]
    (tmp_path / f"weights{suffix}").write_bytes(content)
    assert re.search(words, refusal(tmp_path / f"weights{suffix}"))


def test_folders_and_missing_files_are_refused(tmp_path):
    assert "is a folder" in refusal(tmp_path)
    assert "is no file" in refusal(tmp_path / "missing.pt")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"optimizer": {"state": {}, "param_groups": []}, "epoch": 1}, "state of an optimizer"),
        ({"state": {}, "param_groups": []}, "state of an optimizer"),
        ({"epoch": 1, "loss": 0.1}, "no state dict.*epoch, loss"),
        ({"state_dict": {}}, "no state dict"),
        ({"weight": torch.eye(3).to_sparse()}, "no state dict.*weight"),
        ([torch.zeros(3)], "no state dict.*list"),
        (torch.zeros(3), "no state dict.*Tensor"),
    ],
)
@pytest.mark.filterwarnings("ignore:Validating sparse")
def test_plain_content_that_is_no_state_dict_is_refused(content, words, tmp_path):
    torch.save(content, tmp_path / "run.pt")
    assert re.search(words, refusal(tmp_path / "run.pt"))


def test_tensors_declared_larger_than_the_file_are_refused(tmp_path):
    torch.save({"model": {"weight": torch.zeros(1).expand(10**7, 10**7)}}, tmp_path / "a.pt")
    assert "larger than the file" in refusal(tmp_path / "a.pt")
    header = json.dumps({"a": {"dtype": "F32", "shape": [10**9, 10**3], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "b.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    assert "cut short or damaged" in refusal(tmp_path / "b.safetensors")


class Call:
    """What a pickle asks to be called."""

    def __init__(self, called, *arguments):
        self.asked = called, arguments

    def __reduce__(self):
        return self.asked


def tensor_of(size, stride, storage=1):
    place = torch.zeros(storage).storage()
    return Call(torch._utils._rebuild_tensor_v2, place, 0, size, stride, False, OrderedDict())


HUGE = 4 * 10**9
ALLOCATIONS = {
    "bytearray": lambda: Call(bytearray, HUGE),
    "tensor": lambda: Call(torch.Tensor, HUGE),
    "storage": lambda: Call(torch.UntypedStorage, HUGE),
    "text": lambda: Call(codecs.encode, Call(codecs.encode, "text", "hex"), "hex"),
    "quantised": lambda: Call(torch._utils._rebuild_qtensor, 0, 0, (HUGE,), (1,), (torch.per_tensor_affine, 1.0, 0)),
    "storage that grows": lambda: tensor_of((HUGE,), (1,)),
    "sides": lambda: tensor_of((10**5, 10**5), (10**5, 1)),
    "overlapping far away": lambda: tensor_of((2, 2), (10**10, 1)),
}


@pytest.fixture
def little_memory():
    """Fails a test that made this process larger than it ever was by more than 300 MB."""
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    unit = 1 if sys.platform == "darwin" else 1024
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < 300e6


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("what", ALLOCATIONS)
@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_a_number_in_a_file_reserves_no_memory(what, zipped, tmp_path, little_memory):
    content = {"weight": torch.zeros(9), "x": ALLOCATIONS[what]()}
    torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    assert re.search("running code that it carries|larger than the file|not callable", refusal(tmp_path / "a.pt"))


def test_a_storage_declared_larger_than_its_file_is_not_made(tmp_path, little_memory):
    torch.save({"weight": torch.zeros(12345)}, tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    content = (tmp_path / "a.pt").read_bytes()
    number = b"M" + struct.pack("<H", 12345)
    assert content.count(number) == 2  # of the storage, of the tensor
    (tmp_path / "a.pt").write_bytes(content.replace(number, b"J" + struct.pack("<i", 10**9)))
    assert "cut short or damaged" in refusal(tmp_path / "a.pt")


def test_a_far_place_in_a_pickles_memory_is_not_made(tmp_path, little_memory):
    (tmp_path / "a.pt").write_bytes(b"\x80\x02}r" + struct.pack("<I", 2**30) + b".")
    assert "an instruction beyond plain weights" in refusal(tmp_path / "a.pt")


def test_a_state_put_onto_a_tensor_is_refused(tmp_path):
    content = pickle.dumps(Call(torch._utils._rebuild_parameter, 0, False, OrderedDict()), protocol=2)
    (tmp_path / "a.pt").write_bytes(content[:-1] + b"}b.")
    assert "a tensor with a state of its own" in refusal(tmp_path / "a.pt")


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_what_a_training_run_keeps_beside_its_network_is_no_obstacle(zipped, state, tmp_path):
    newer = [torch.float8_e4m3fn] if zipped else []  # torch itself does not read it from the older format
    net = torch.nn.Linear(3, 3)
    optimizer = torch.optim.AdamW(net.parameters())
    net(torch.zeros(1, 3)).sum().backward()
    optimizer.step()
    run = {
        "state_dict": {name: torch.nn.Parameter(value) for name, value in state.items()},
        "optimizer": optimizer.state_dict(),
        "scheduler": torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 3, 5]).state_dict(),
        "scaler": {"scale": 65536.0, "growth_interval": 2000},
        "random": torch.get_rng_state(),
        "half": [torch.zeros(2, dtype=dtype) for dtype in (torch.bfloat16, torch.complex64, *newer)],
        "others": (torch.Size([2]), torch.device("cpu"), torch.float16, {1, 2}, None, -1, 2**40, "é"),
        "view": torch.arange(12.0).reshape(3, 4)[:, 1::2],
        "empty": torch.zeros(0, 7),
    }
    torch.save(run, tmp_path / "run.pt", _use_new_zipfile_serialization=zipped)
    assert the_same(read_weights(tmp_path / "run.pt"), state)


def test_weights_without_values_are_refused(tmp_path):
    torch.save({"weight": torch.zeros(3, device="meta")}, tmp_path / "a.pt")
    assert re.search("no values, only the shapes .*weight.*save", refusal(tmp_path / "a.pt"))


HOSTILE_NAMES = ["a\nb", "\033[2J\033[31mall is well", "\u202egnp.exe", "n" * 10**6, "\r\x00\x07", "\ud800"]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_names_out_of_files_are_shown_escaped_and_cut(name, state, tmp_path):
    messages = []
    for number, content in enumerate(
        [{name: 1}, {name: torch.zeros(2, device="meta")}, {"optimizer": 1, "a": {name: 1}}, {1: name}]
    ):
        torch.save(content, tmp_path / f"{number}.pt")
        messages.append(refusal(tmp_path / f"{number}.pt"))
    for weights in ({name: torch.zeros(1)}, state | {name: torch.zeros(1)}, {f"{name}.a": torch.zeros(1)}):
        with pytest.raises(ModelError) as caught:
            load_weights(build_network(ARCHITECTURE, seed=None), weights, "file")
        messages.append(str(caught.value))
    with zipfile.ZipFile(tmp_path / "other.pt", "w") as archive:
        archive.writestr(name[:60_000].encode(errors="replace").decode() or "a", b"")
    messages.append(refusal(tmp_path / "other.pt"))
    assert all(message.isprintable() and len(message) < 600 for message in messages)


def test_a_weight_with_and_without_a_compilers_prefix_is_refused(state, tmp_path):
    torch.save(state | {"_orig_mod.ln_final.weight": torch.zeros(64)}, tmp_path / "a.pt")
    assert re.search(r"weights twice, .*\(ln_final.weight\); save", refusal(tmp_path / "a.pt"))


def test_records_that_unfold_are_refused(tmp_path):
    torch.save({"weight": torch.zeros(10**6)}, tmp_path / "whole.pt")
    with (
        zipfile.ZipFile(tmp_path / "whole.pt") as whole,
        zipfile.ZipFile(tmp_path / "small.pt", "w", zipfile.ZIP_DEFLATED) as small,
    ):
        for name in whole.namelist():
            small.writestr(name, whole.read(name))
    assert "unfolds to" in refusal(tmp_path / "small.pt")


# Into a network.


@pytest.mark.parametrize("seed", [0, None], ids=["with values", "without memory"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_take_the_networks_dtype(dtype, seed, state):
    net = build_network(ARCHITECTURE, seed)
    load_weights(net, {name: value.to(dtype) for name, value in state.items()}, "half.pt")
    for name, value in net.state_dict().items():
        assert value.dtype == torch.float32 and torch.equal(value, state[name].to(dtype).float()), name


def test_a_network_without_memory_takes_the_tensors_over(state):
    weights = {name: value.clone() for name, value in state.items()}
    net = build_network(ARCHITECTURE, seed=None)
    net.positional_embedding.requires_grad_(False)
    load_weights(net, weights, "file")
    for name, value in net.named_parameters():
        assert value.data_ptr() == weights[name].data_ptr() and torch.equal(value, state[name])
        assert value.is_leaf and value.requires_grad == (name != "positional_embedding")


def test_a_network_with_values_keeps_its_memory(state):
    net = build_network(ARCHITECTURE)
    places = {name: value.data_ptr() for name, value in net.named_parameters()}
    load_weights(net, state, "file")
    assert {name: value.data_ptr() for name, value in net.named_parameters()} == places
    assert the_same(net.state_dict(), state)


def test_views_of_one_memory_become_parameters_of_their_own(state):
    flat = torch.cat([value.flatten() for value in state.values()])
    pieces = flat.split([value.numel() for value in state.values()])
    weights = {name: piece.view(state[name].shape) for name, piece in zip(state, pieces, strict=True)}
    net = build_network(ARCHITECTURE, seed=None)
    load_weights(net, weights, "file")
    assert the_same(net.state_dict(), state)
    assert all(value.untyped_storage().nbytes() == value.nbytes for value in net.parameters())


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_weights_tied_in_a_file_become_parameters_of_their_own(zipped, wrap, state, tmp_path):
    tied = state | {"ln_final.bias": state["ln_final.weight"]}
    torch.save({"model": tied} if wrap else tied, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    net = build_network(ARCHITECTURE, seed=None)
    load_weights(net, read_weights(tmp_path / "a.pt"), "a.pt")
    with torch.no_grad():
        net.ln_final.bias.add_(1)
    assert torch.equal(net.ln_final.weight, state["ln_final.weight"])
    assert torch.equal(net.ln_final.bias, state["ln_final.weight"] + 1)


@pytest.mark.parametrize("part", ["patch_embed.0.rbr_conv.0.conv.weight", "patch_emb.0.block.conv.weight"])
def test_names_of_mobileclip_do_not_mislead(part, state):
    with pytest.raises(ModelError, match="file has names of MobileCLIP's, .*; give the architecture"):
        load_weights(build_network(ARCHITECTURE), state | {f"image_encoder.model.{part}": torch.zeros(1)}, "file")


def test_what_older_checkpoints_carry_beside_weights_is_passed_over(state):
    beside = {
        "input_resolution",
        "context_length",
        "vocab_size",
        "attn_mask",
        "text.transformer.embeddings.position_ids",
    }
    net = build_network(ARCHITECTURE, seed=None)
    load_weights(net, state | {name: torch.tensor(7) for name in beside}, "openai.pt")
    assert the_same(net.state_dict(), state)


def test_batch_norms_without_counters_load():
    architecture = ARCHITECTURE | {"vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 16}}
    state = build_network(architecture, seed=3).state_dict()
    net = build_network(architecture, seed=None)
    load_weights(net, {name: value for name, value in state.items() if "num_batches" not in name}, "old.pt")
    assert the_same(net.state_dict(), state)


@pytest.mark.parametrize("nonscalar", [True, False])
def test_scale_and_bias_load_as_numbers_and_as_vectors_of_one(nonscalar, state):
    net = build_network(ARCHITECTURE | {"init_logit_bias": -10, "nonscalar_logit_scale": nonscalar})
    for shape in ([], [1]):
        numbers = {"logit_scale": torch.full(shape, 2.5), "logit_bias": torch.full(shape, -9.5)}
        load_weights(net, state | numbers, "file")
        assert float(net.logit_scale.detach()) == 2.5 and float(net.logit_bias.detach()) == -9.5


def test_a_text_tower_of_its_own_takes_the_older_names(state):
    net = build_network(ARCHITECTURE | {"custom_text": True}, seed=None)
    load_weights(net, state, "file")
    assert the_same(net.state_dict(), convert_to_custom_text_state_dict(state))


def test_a_mismatch_names_missing_unexpected_and_misshaped_weights_in_one_paragraph(state):
    weights = {f"extra.{number}": torch.zeros(1) for number in range(9)} | state
    weights["visual.proj"] = torch.zeros(64, 48)
    weights["ln_final.weight"] = torch.zeros(64, dtype=torch.int8)
    del weights["ln_final.bias"]
    with pytest.raises(ModelError) as caught:
        load_weights(build_network(ARCHITECTURE, seed=None), weights, "some/file.pt")
    message = str(caught.value)
    assert message.startswith("some/file.pt holds weights of another architecture: 1 missing (ln_final.bias), ")
    assert "9 unexpected (extra.0, extra.1, extra.2, …)" in message
    assert "visual.proj is float32 [64, 48] and should be float32 [64, 32]" in message
    assert "ln_final.weight is int8 [64] and should be float32 [64]" in message and "\n" not in message


def test_a_prefix_of_all_names_is_pointed_out(state):
    with pytest.raises(ModelError, match="all names begin with 'clip.': save them without it"):
        load_weights(build_network(ARCHITECTURE), {f"clip.{name}": value for name, value in state.items()}, "x.pt")


def test_a_mismatch_tells_what_the_weights_would_fit():
    weights = build_network(architecture_named("ViT-S-32"), seed=None).state_dict()
    with pytest.raises(ModelError, match="its shapes are those of ViT-S-32:"):
        load_weights(build_network(ARCHITECTURE), weights, "file")


def test_not_strict_loads_what_fits_keeps_the_rest_and_warns_once(state):
    net = build_network(ARCHITECTURE, seed=5)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    part = {name: value for name, value in state.items() if not name.startswith("visual.")}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load_weights(net, part | {"visual.proj": torch.zeros(2)}, "text.pt", strict=False)
    (warning,) = caught
    assert "Only what fits was loaded" in str(warning.message) and "visual.proj is float32 [2]" in str(
        warning.message
    )
    assert warning.filename == __file__
    for name, value in net.state_dict().items():
        assert torch.equal(value, (before if name.startswith("visual.") else state)[name]), name


@pytest.mark.filterwarnings("ignore:Only what fits")
def test_not_strict_needs_a_network_with_values_and_something_that_fits(state):
    with pytest.raises(ModelError, match="another architecture"):
        load_weights(build_network(ARCHITECTURE), {"other": torch.zeros(1)}, "file", strict=False)
    with pytest.raises(ModelError, match="build it with a seed"):
        load_weights(
            build_network(ARCHITECTURE, seed=None), {"visual.proj": state["visual.proj"]}, "file", strict=False
        )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("strict", [True, False])
def test_values_that_are_not_finite_are_refused_by_name(value, strict, state):
    net = build_network(ARCHITECTURE, seed=5)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    broken = state["visual.proj"].clone()
    broken[3, 4] = value
    with pytest.raises(ModelError, match="not finite in visual.proj; take an earlier checkpoint"):
        load_weights(net, state | {"visual.proj": broken}, "diverged.pt", strict)
    assert the_same(net.state_dict(), before)


def test_large_finite_values_are_no_error(state):
    huge = torch.full_like(state["visual.proj"], 3e38)
    net = build_network(ARCHITECTURE)
    load_weights(net, state | {"visual.proj": huge}, "file")
    assert torch.equal(net.visual.proj, huge)
