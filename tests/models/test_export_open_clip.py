"""A folder for open_clip: its own functions load it and give our features, pixels and tokens; and ours does."""

import contextlib
import copy
import json
import resource
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import open_clip
import pytest
import torch
from conftest import TINY_ARCHITECTURE
from PIL import Image

from rsclip_lab.models import Clip, ModelError, new_clip
from rsclip_lab.models.exports import WRITERS, export, open_clip_folder
from rsclip_lab.models.saved.files import read_model

TEXT = TINY_ARCHITECTURE["text_cfg"]
CAPTIONS = ["An aerial photograph of a harbour &amp; “boats”", "beach", "a forest " * 60]
RESNET = {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 16}
TIMM = {"timm_model_name": "test_vit", "timm_pool": "", "timm_proj": "linear", "image_size": 160}
ARCHITECTURES = {
    "gelu": {"quick_gelu": False},
    "quick gelu": {"quick_gelu": True},
    "other norms": {"vision_cfg": TINY_ARCHITECTURE["vision_cfg"] | {"norm_kwargs": {"eps": 1e-2}}},
    "short context": {"text_cfg": TEXT | {"context_length": 16}},
    "ResNet": {"vision_cfg": RESNET},
    "timm": {"vision_cfg": TIMM},
    "own text tower": {"custom_text": True, "text_cfg": TEXT | {"no_causal_mask": True, "pool_type": "last"}},
    "a bias": {"init_logit_bias": -10.0, "init_logit_scale": 2.3},
}
PREPROCESS = {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4], "interpolation": "bilinear", "resize_mode": "squash"}


def pictures() -> list[Image.Image]:
    random = np.random.default_rng(0)
    shapes = ((40, 60, 3), (200, 170, 3), (33, 90, 3))
    return [Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8)) for shape in shapes]


def moved(model: Clip) -> Clip:
    """With running statistics and a scale that no fresh network has."""
    with torch.no_grad():
        model.net.logit_scale.add_(0.5)
        for name, value in model.net.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                value.add_(torch.rand_like(value))
    return model


def assert_same_in_open_clip(model: Clip, folder) -> None:
    net, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")(CAPTIONS)
    assert torch.equal(tokens, model.tokenizer(CAPTIONS))
    pixels = torch.stack([transform(picture) for picture in pictures()])
    assert torch.equal(pixels, torch.stack([model.preprocess(picture) for picture in pictures()]))
    with torch.no_grad():
        images = net.eval().encode_image(pixels, normalize=True)
        texts = net.encode_text(tokens, normalize=True)
    assert (images - model.encode_images(pictures())).abs().max() < 1e-6
    assert (texts - model.encode_texts(CAPTIONS)).abs().max() < 1e-6
    assert torch.equal(net.logit_scale, model.net.logit_scale)


@pytest.mark.parametrize("changes", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_open_clip_gives_the_same_features_and_so_does_this_package(changes, tmp_path):
    model = moved(new_clip(copy.deepcopy(TINY_ARCHITECTURE | changes), seed=2, name="exported"))
    open_clip_folder.write(model, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "clip.json",
        "open_clip_config.json",
        "open_clip_model.safetensors",
    }
    assert_same_in_open_clip(model, tmp_path)
    net, description = read_model(tmp_path)
    assert description == model.description
    ours, theirs = model.net.state_dict(), net.state_dict()
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("resize_mode", ["shortest", "squash", "longest"])
def test_another_preprocessing_goes_along(resize_mode, tmp_path):
    model = new_clip(copy.deepcopy(TINY_ARCHITECTURE), preprocess=PREPROCESS | {"resize_mode": resize_mode})
    open_clip_folder.write(model, tmp_path)
    assert_same_in_open_clip(model, tmp_path)


def test_no_weights_of_timm_are_fetched_for_it(tmp_path):
    model = new_clip(copy.deepcopy(TINY_ARCHITECTURE | {"vision_cfg": TIMM | {"timm_model_pretrained": True}}))
    open_clip_folder.write(model, tmp_path)
    config = json.loads((tmp_path / "open_clip_config.json").read_text())
    assert config["model_cfg"]["vision_cfg"]["timm_model_pretrained"] is False


def test_a_timm_transformer_for_another_size_is_refused(tmp_path):
    model = new_clip(copy.deepcopy(TINY_ARCHITECTURE | {"vision_cfg": TIMM | {"image_size": 96}}))
    with pytest.raises(ModelError, match="test_vit for 160 px, and this network is one for 96 px"):
        open_clip_folder.write(model, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def tokenizer_folder(tmp_path):
    """A tokenizer of the transformers library whose ids are nothing like CLIP's."""
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    words = ["<pad>", "</s>", "<unk>", "a", "aerial", "beach", "boats", "forest", "harbour", "of", "photograph", "&"]
    vocabulary = {word: number for number, word in enumerate(words)}
    backend = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.normalizer = tokenizers.normalizers.Lowercase()
    backend.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    backend.post_processor = tokenizers.processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    names = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    folder = tmp_path / "tokenizer of another"
    transformers.PreTrainedTokenizerFast(tokenizer_object=backend, **names).save_pretrained(folder)
    return folder


def test_a_tokenizer_of_transformers_lies_in_the_folder(tokenizer_folder, tmp_path):
    text = {"context_length": 12, "vocab_size": 30, "width": 32, "heads": 2, "layers": 1}
    text |= {"no_causal_mask": True, "pool_type": "last", "proj_bias": True}
    text |= {"hf_tokenizer_name": str(tokenizer_folder), "tokenizer_kwargs": {"clean": "canonicalize"}}
    siglip = {"custom_text": True, "text_cfg": text, "init_logit_bias": -10.0}
    model = new_clip(copy.deepcopy(TINY_ARCHITECTURE | siglip))
    assert model.tokenizer(CAPTIONS).max() < 30
    del model.description["architecture"]["text_cfg"]["hf_tokenizer_name"]  # described as the source alone
    (tmp_path / "out").mkdir()
    open_clip_folder.write(model, tmp_path / "out")
    for path in tokenizer_folder.iterdir():
        path.unlink()
    assert_same_in_open_clip(model, tmp_path / "out")


@contextlib.contextmanager
def small_disk(limit=50_000):
    """No file grows beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("to", WRITERS)
def test_a_full_disk_is_one_paragraph_with_the_folder_that_was_named(to, random_clip, tmp_path):
    if to == "onnx":
        pytest.importorskip("onnxscript")
    with small_disk(), pytest.raises(ModelError) as caught:
        export(random_clip, tmp_path / "out", to)
    assert str(caught.value).startswith(f"{tmp_path / 'out'}: the disk is full; make room")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("to", WRITERS)
def test_a_folder_that_cannot_be_is_said_so(to, random_clip, tmp_path):
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "in" / "it"
    with pytest.raises(ModelError, match="it: cannot be written to .*; name another folder") as caught:
        export(random_clip, folder, to)
    assert str(caught.value).startswith(f"{folder}: ")


def test_of_two_exports_at_once_to_one_folder_the_later_is_refused(random_clip, tmp_path, monkeypatch):
    together = Barrier(2)

    def write(model, stage):
        together.wait(timeout=30)
        open_clip_folder.write(model, stage)

    monkeypatch.setitem(WRITERS, "open_clip", write)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(export, random_clip, tmp_path / "out") for _ in range(2)]
    (refused,) = filter(None, [one.exception() for one in both])
    assert isinstance(refused, FileExistsError) and "out: holds something already; name another" in str(refused)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    read_model(tmp_path / "out")
