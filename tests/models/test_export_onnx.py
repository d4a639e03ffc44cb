"""Both towers as ONNX: the network's features in onnxruntime, and a folder that needs no torch."""

import contextlib
import hashlib
import io
import json
import logging
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import TINY_ARCHITECTURE
from open_clip.tokenizer import HFTokenizer
from PIL import Image
from torch import nn

import rsclip_lab as lab
from rsclip_lab.models import ModelError, new_clip

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
pytest.importorskip("tokenizers")

from rsclip_lab.models.exports import onnx_towers  # noqa: E402
from rsclip_lab.models.exports.onnx_tokenizer import write_tokenizer  # noqa: E402

SHALLOW = TINY_ARCHITECTURE | {"text_cfg": TINY_ARCHITECTURE["text_cfg"] | {"layers": 1}}
RESNET = SHALLOW | {"vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16, "head_width": 32}}
CUSTOM = SHALLOW | {"quick_gelu": False, "custom_text": True, "init_logit_bias": -10.0}
MODELS = {
    "quick_gelu": lambda: new_clip(TINY_ARCHITECTURE, preprocess={"resize_mode": "longest", "fill_color": 90}),
    "gelu": lambda: new_clip(CUSTOM, preprocess={"resize_mode": "squash", "interpolation": "bilinear"}),
    "resnet": lambda: new_clip(RESNET),
    "tiny": lambda: lab.load_model("tiny", device="cpu"),
}
TEXTS = ["boats", "a satellite view of a beach", "Two houses,  the river’s end: 12 TREES " * 12]

# Runs in the exported folder with no library of deep learning to be had; the answer goes to features.npz.
WITHOUT_TORCH = """
import json, sys
for name in ("torch", "torchvision", "open_clip", "transformers", "rsclip_lab", "onnx", "onnxscript"):
    sys.modules[name] = None
import numpy as np
sys.path.insert(0, ".")
from features import OnnxClip
pictures, texts = json.load(sys.stdin)
model = OnnxClip()
images, texts = model.encode_images(pictures, batch_size=2), model.encode_texts(texts)
np.savez(sys.argv[1], images=images, texts=texts, scores=model.scores(images, texts), none=model.encode_texts([]))
"""


def written(model, folder: Path) -> Path:
    folder.mkdir(parents=True)
    onnx_towers.write(model, folder)
    return folder


@pytest.fixture(scope="module", params=MODELS)
def exported(request, tmp_path_factory):
    """A model and the folder it was written to."""
    model = MODELS[request.param]()
    return model, written(model, tmp_path_factory.mktemp(request.param) / "onnx")


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A model in float16 and half in training mode, written as if it were large: (model, folder, what was said)."""
    model = new_clip(TINY_ARCHITECTURE, name="<b>large</b>\n# [x](http://x)")
    model.description["created_from"] = {"folder": "/home/me/secret/run", "file": "weights.pt"}
    model.net.half().train()
    model.net.visual.ln_pre.eval()
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    logging.root.addHandler(handler)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setattr(onnx_towers, "LARGEST_FILE", 100_000)
        patch.setattr(onnx_towers, "progress", lambda items, desc: items)
        warnings.simplefilter("error")
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            folder = written(model, tmp_path_factory.mktemp("large") / "onnx")
    logging.root.removeHandler(handler)
    return model, folder, said.getvalue()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Files of several shapes and modes, one of them lying on its side."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    paths = []
    for height, width in ((50, 80), (97, 33), (64, 64), (20, 41), (301, 200)):
        paths.append(folder / f"{height}.png")
        Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(paths[-1])
    paths.append(folder / "grey.png")
    Image.fromarray(random.integers(0, 256, (70, 90), dtype=np.uint8)).save(paths[-1])
    paths.append(folder / "turned.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(random.integers(0, 256, (40, 90, 3), dtype=np.uint8)).save(paths[-1], exif=exif)
    return [str(path) for path in paths]


def session(path: Path):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def test_onnxruntime_gives_the_features_of_the_network_for_any_batch(exported):
    model, folder = exported
    size = model.image_size
    towers = {
        "image": ("pixels", "tensor(float)", lambda n: torch.randn(n, 3, size, size), model.net.encode_image),
        "text": ("tokens", "tensor(int64)", lambda n: model.tokenizer((TEXTS * n)[:n]), model.net.encode_text),
    }
    for kind, (name, dtype, draw, encode) in towers.items():
        tower = session(folder / f"{kind}.onnx")
        (taken,), (given,) = tower.get_inputs(), tower.get_outputs()
        assert (taken.name, taken.type, given.name) == (name, dtype, f"{kind}_features")
        assert taken.shape == ["batch", *draw(1).shape[1:]] and given.shape == ["batch", model.dim]
        for batch in (1, 3, 8):
            inputs = draw(batch)
            with torch.no_grad():
                expected = F.normalize(encode(inputs), dim=-1)
            (found,) = tower.run(None, {name: inputs.numpy()})
            assert found.shape == (batch, model.dim) and np.abs(found - expected.numpy()).max() < 1e-5
            assert batch == 1 or np.abs(found[0] - found[1]).max() > 1e-4  # random networks hardly tell noises apart


def test_the_folder_is_enough_without_torch(exported, pictures, tmp_path):
    model, folder = exported
    answer = tmp_path / "features.npz"
    command = [sys.executable, "-W", "error", "-c", WITHOUT_TORCH, answer]
    done = subprocess.run(command, cwd=folder, input=json.dumps([pictures, TEXTS]), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = np.load(answer)
    images, texts = model.encode_images(pictures), model.encode_texts(TEXTS)
    assert np.abs(found["images"] - images.numpy()).max() < 1e-5
    assert np.abs(found["texts"] - texts.numpy()).max() < 1e-5
    scores = model.logit_scale * images @ texts.T + (model.logit_bias or 0)
    np.testing.assert_allclose(found["scores"], scores.numpy(), atol=1e-5 * model.logit_scale)
    assert found["none"].shape == (0, model.dim)


def test_the_pixels_without_torch_are_those_of_the_preprocessing(exported, pictures):
    from rsclip_lab.data import open_image
    from rsclip_lab.models.exports.onnx_features import OnnxClip

    model, folder = exported
    portable = OnnxClip(folder)
    for picture in pictures:
        expected = model.preprocess(open_image(picture)).numpy()
        np.testing.assert_allclose(portable.pixels(picture), expected, atol=1e-5, err_msg=picture)


def test_the_description_says_what_goes_in_and_vouches_for_the_files(exported):
    model, folder = exported
    facts = json.loads((folder / "onnx.json").read_text())
    assert facts["preprocess"] == model.description["preprocess"] and facts["dim"] == model.dim
    assert facts["tokenizer"] == {**model.description["tokenizer"], "file": "tokenizer.json"}
    assert facts["logit_scale"] == model.logit_scale and facts["logit_bias"] == model.logit_bias
    assert facts["quick_gelu"] == model.description["architecture"]["quick_gelu"]
    assert all(tower["largest_difference_from_torch"] < 1e-4 for tower in facts["towers"].values())
    others = {path.name: path for path in folder.iterdir() if path.is_file() and path.name != "onnx.json"}
    assert others.keys() == {"image.onnx", "text.onnx", "tokenizer.json", "features.py", "README.md"}
    assert facts["sha256"] == {name: hashlib.sha256(others[name].read_bytes()).hexdigest() for name in others}


def test_no_file_tells_of_the_machine_it_was_made_on(exported):
    for path in filter(Path.is_file, exported[1].iterdir()):  # no __pycache__ of a test
        content = path.read_bytes()
        assert b"site-packages" not in content and str(Path(__file__).parents[2]).encode() not in content, path.name


def test_a_picture_is_scored_from_the_command_line(large, pictures):
    command = [sys.executable, "features.py", pictures[0], "a beach", "a forest"]
    done = subprocess.run(command, cwd=large[1], capture_output=True, text=True, check=True)
    assert sorted(line.split("%  ")[1] for line in done.stdout.splitlines()) == ["a beach", "a forest"]
    alone = subprocess.run(command[:2], cwd=large[1], capture_output=True, text=True)
    assert alone.returncode != 0 and "usage" in alone.stderr
    command[2] = "missing.jpg"
    missing = subprocess.run(command, cwd=large[1], capture_output=True, text=True)
    assert missing.returncode == 1 and len(missing.stderr.splitlines()) == 1 and "'missing.jpg'" in missing.stderr


def test_single_pictures_and_texts_are_taken_and_those_of_16_bits_refused(large, pictures):
    from rsclip_lab.models.exports.onnx_features import OnnxClip

    portable = OnnxClip(large[1])
    assert np.array_equal(portable.encode_images(pictures[0]), portable.encode_images(pictures[:1]))
    assert np.array_equal(portable.encode_images(Image.open(pictures[0])), portable.encode_images(pictures[:1]))
    assert np.array_equal(portable.encode_texts("a beach"), portable.encode_texts(["a beach"]))
    for dtype, mode in ((np.uint16, "I;16"), (np.int32, "I"), (np.float32, "F")):
        picture = Image.fromarray(np.zeros((40, 40), dtype))
        with pytest.raises(ValueError, match=f"8 bits a band are wanted, this one has the mode {mode}:"):
            portable.encode_images(picture)
    assert "8 bits a band" in (large[1] / "README.md").read_text()


def test_a_name_is_no_markup_and_no_path_is_handed_on(large):
    model, folder, _ = large
    title = (folder / "README.md").read_text().splitlines()[0]
    assert title == r"# \<b\>large\</b\> \# \[x\](http://x), as ONNX"
    facts = json.loads((folder / "onnx.json").read_text())
    assert facts["created_from"] == {"folder": "run", "file": "weights.pt"} and facts["name"] == model.name


def test_a_large_network_has_its_weights_beside_and_travels_with_them(large, tmp_path):
    model, folder, _ = large
    names = {path.name for path in folder.iterdir()}
    assert {"image.onnx", "image.onnx.data", "text.onnx", "text.onnx.data"} <= names
    facts = json.loads((folder / "onnx.json").read_text())
    assert "image.onnx.data" in facts["sha256"]
    assert (folder / "image.onnx").stat().st_size < 200_000 < (folder / "image.onnx.data").stat().st_size
    moved = folder.rename(tmp_path / "moved")
    pixels = torch.randn(2, 3, 32, 32)
    (found,) = session(moved / "image.onnx").run(None, {"pixels": pixels.numpy()})
    moved.rename(folder)
    with torch.no_grad():
        expected = F.normalize(model.copy().net.float().eval().encode_image(pixels), dim=-1)
    assert found.dtype == np.float32 and np.abs(found - expected.numpy()).max() < 1e-4


def test_the_model_stays_as_it_is_and_the_exporter_is_silent(large):
    model, _, said = large
    fresh = new_clip(TINY_ARCHITECTURE).net.half()
    for (name, value), before in zip(model.net.state_dict().items(), fresh.state_dict().values(), strict=True):
        assert value.dtype == before.dtype and torch.equal(value, before), name
    assert all(weight.requires_grad for weight in model.net.parameters())
    assert model.net.training and model.net.transformer.training and not model.net.visual.ln_pre.training
    assert said == ""


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_model_on_a_gpu_is_written_and_stays_there(tmp_path):
    model = new_clip(TINY_ARCHITECTURE).to("cuda")
    folder = written(model, tmp_path / "onnx")
    assert {weight.device.type for weight in model.net.parameters()} == {"cuda"}
    tokens = model.tokenizer(TEXTS)
    (found,) = session(folder / "text.onnx").run(None, {"tokens": tokens.numpy()})
    np.testing.assert_allclose(found, model.copy().to("cpu").text_features(tokens).detach(), atol=1e-4)


def test_the_portable_tokenizer_gives_the_same_tokens(tmp_path, random_clip):
    from tokenizers import Tokenizer

    path = tmp_path / "tokenizer.json"
    assert write_tokenizer(random_clip.tokenizer, random_clip.description["tokenizer"], path)
    portable = Tokenizer.from_file(str(path))
    captions = lab.sample("land")["caption"].unique().tolist()[:300]
    odd = ["", "  ", "I'd say “it’s” 3.5 km²", "ÉTÉ à Zürich", "北京的机场", "🏖 beach!!!", "a_b\tc", "wide\u3000one"]
    texts = captions + odd + ["word " * 200]
    assert [code.ids for code in portable.encode_batch(texts)] == random_clip.tokenizer(texts).tolist()


@pytest.fixture
def words(tmp_path):
    """A tokenizer of transformers in a folder, made here: whole words, case and punctuation kept."""
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    vocabulary = "<pad> </s> <unk> a satellite view of beach Two two Boats boats , land".split()
    tokenizer = Tokenizer(models.WordLevel({word: row for row, word in enumerate(vocabulary)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    names = {"pad_token": "<pad>", "eos_token": "</s>", "sep_token": "</s>", "unk_token": "<unk>"}
    wrapped = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
    wrapped.save_pretrained(tmp_path / "words")
    return str(tmp_path / "words")


@pytest.mark.parametrize("clean", ["whitespace", "lower", "canonicalize"])
def test_a_tokenizer_of_transformers_is_written_with_its_cleaning(words, clean, tmp_path):
    from tokenizers import Tokenizer

    tokenizer = HFTokenizer(words, context_length=12, clean=clean)
    description = {"name": "hf", "context_length": 12, "options": {"clean": clean}}
    assert write_tokenizer(tokenizer, description, tmp_path / "tokenizer.json")
    portable = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    texts = ["Two  Boats, a beach", "a view_of land, " * 9, ""]
    found = [code.ids for code in portable.encode_batch(texts)]
    assert found == tokenizer(texts).tolist() and found[0][:2] == ([8, 10] if clean == "whitespace" else [9, 11])


def test_a_tokenizer_that_the_file_cannot_express_leaves_no_file(words, tmp_path):
    tokenizer = HFTokenizer(words, context_length=12, strip_sep_token=True)
    assert not write_tokenizer(tokenizer, {"name": "hf", "context_length": 12}, tmp_path / "tokenizer.json")
    assert not (tmp_path / "tokenizer.json").exists()


def test_a_missing_extra_is_named_with_its_command_before_anything_is_made(random_clip, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ModelError, match=r'needs onnxscript: .*pip install "rsclip-lab\[onnx\]"'):
        onnx_towers.write(random_clip, tmp_path)
    assert not any(tmp_path.iterdir())


class BranchesOnItsValues(nn.Module):
    def forward(self, pixels):
        return pixels.mean(dim=(2, 3)) if pixels.sum() > 0 else pixels.amax(dim=(2, 3))


class Draws(nn.Module):
    def forward(self, pixels):
        return pixels.mean(dim=(2, 3)) + torch.rand_like(pixels[:, :, 0, 0])


@pytest.mark.parametrize(
    "tower, cause", [(BranchesOnItsValues, "exporter stops at its image tower"), (Draws, "image features .* differ")]
)
def test_what_cannot_be_exported_is_refused_in_one_paragraph(random_clip, tmp_path, tower, cause):
    random_clip.net.visual = tower()
    with pytest.raises(ModelError, match=f"random cannot be exported to ONNX: .*{cause}") as refusal:
        onnx_towers.write(random_clip, tmp_path)
    assert "\n" not in str(refusal.value) and "\x1b" not in str(refusal.value)
    assert "use another format" in str(refusal.value)
