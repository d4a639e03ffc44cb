"""A folder for transformers: its own classes load it, and give our tokens, pixels and features."""

import copy
import json
import logging
import sys

import numpy as np
import pytest
import torch
from conftest import TINY_ARCHITECTURE
from hypothesis import given
from hypothesis import strategies as st
from open_clip.tokenizer import SimpleTokenizer, basic_clean
from PIL import Image
from safetensors import safe_open

from rsclip_lab.models import ModelError, new_clip
from rsclip_lab.models.exports import transformers_folder
from rsclip_lab.models.transformers_layout import architecture_of, preprocess_of

transformers = pytest.importorskip("transformers")

START, END = 49406, 49407
encode = SimpleTokenizer().encode
UNCHANGED_CASE = TINY_ARCHITECTURE["text_cfg"] | {"tokenizer_kwargs": {"clean": "whitespace"}}
RESNET = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 16, "head_width": 16}
# Letters, digits, punctuation and marks of living scripts, symbols and emoji; assigned long enough ago that Python,
# the regex package and transformers know them alike.
WRITING = [(0x20, 0x7E), (0xA0, 0x344), (0x370, 0x4FF), (0x5D0, 0x5EA), (0x620, 0x64A), (0x904, 0x939)]
WRITING += [(0x1E00, 0x1EFF), (0x2010, 0x2027), (0x2030, 0x205E), (0x20A0, 0x20BF), (0x2190, 0x23F3)]
WRITING += [(0x2500, 0x27BF), (0x3041, 0x3096), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0x1F300, 0x1F5FF)]
characters = st.one_of([st.characters(min_codepoint=first, max_codepoint=last) for first, last in WRITING])
texts = st.one_of(st.text(st.characters(min_codepoint=32, max_codepoint=126)), st.text(characters))

# How from_pretrained is asked for Pillow, which transformers names anew in 5.4.
OLD = tuple(map(int, transformers.__version__.split(".")[:2])) < (5, 4)
WITH_PILLOW = {"use_fast": False} if OLD else {"backend": "pil"}


@pytest.fixture(scope="module")
def model():
    return new_clip(copy.deepcopy(TINY_ARCHITECTURE), seed=5, name="exported")


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    transformers_folder.write(model, folder)
    return folder


@pytest.fixture(scope="module")
def tokenizer(folder):
    return transformers.CLIPProcessor.from_pretrained(folder).tokenizer


@pytest.fixture
def warned():
    """What transformers says above the level of information, while the test runs."""
    lines = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.append(record.getMessage())
    logging.getLogger("transformers").addHandler(handler)
    yield lines
    logging.getLogger("transformers").removeHandler(handler)


def pictures() -> list[Image.Image]:
    random = np.random.default_rng(0)
    sizes = ((64, 64), (61, 97), (120, 50), (33, 32), (20, 25), (32, 32))
    coarse = [Image.fromarray(random.integers(0, 256, (9, 9, 3), dtype=np.uint8)) for _ in sizes]
    return [image.resize(size, Image.Resampling.BICUBIC) for image, size in zip(coarse, sizes, strict=True)]


def test_transformers_own_classes_load_it_without_a_word_and_give_the_same_features(model, folder, warned):
    net, report = transformers.CLIPModel.from_pretrained(folder, output_loading_info=True)
    assert not any(report.values()), report
    processor = transformers.CLIPProcessor.from_pretrained(folder, **WITH_PILLOW)
    captions = ["An aerial photograph of a harbour!", "beach", "  12 white boats,\n and a pier " * 12]
    with torch.no_grad():
        inputs = processor(text=captions, images=pictures(), padding=True, truncation=True, return_tensors="pt")
        features = net(**inputs)
    assert (features.image_embeds - model.encode_images(pictures())).abs().max() < 1e-5
    assert (features.text_embeds - model.encode_texts(captions)).abs().max() < 1e-5
    assert float(net.logit_scale.detach().exp()) == pytest.approx(model.logit_scale)
    assert warned == []


def test_it_is_written_without_transformers(model, tmp_path, monkeypatch):
    for name in ("transformers", "tokenizers"):
        monkeypatch.setitem(sys.modules, name, None)  # importing it now raises
    transformers_folder.write(model, tmp_path)
    assert (tmp_path / "model.safetensors").stat().st_mode == (tmp_path / "config.json").stat().st_mode
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}  # transformers 4 reads no other


def test_the_description_comes_back_from_its_files(model, folder):
    def read(name):
        return json.loads((folder / name).read_text(encoding="utf-8"))

    architecture, written = model.description["architecture"], architecture_of(read("config.json"))
    for tower in ("vision_cfg", "text_cfg"):
        assert written[tower] == architecture[tower] | {"mlp_ratio": 4.0}
    assert written["quick_gelu"] is architecture["quick_gelu"] and written["embed_dim"] == architecture["embed_dim"]
    written = preprocess_of(read("preprocessor_config.json"))
    assert written == {name: model.description["preprocess"][name] for name in written}


@given(texts)
def test_tokens_are_open_clips_of_any_text_that_is_mended_first(tokenizer, text):
    assert tokenizer(basic_clean(text)).input_ids == [START, *encode(text), END]


@pytest.mark.parametrize("text", ["It's 3-storied; the hangar isn't RED.", "Zürich:\tSee &\r\n", "🌍 東京", "", "?"])
def test_a_text_as_people_write_it_needs_no_mending(tokenizer, text):
    assert tokenizer(text).input_ids[1:-1] == encode(text)


@pytest.mark.parametrize("text", ["it’s", "“two” boats", "oﬃce", "ＲＥＤ", "sand &amp; sea", "cafÃ©"])
def test_transformers_mends_no_text(tokenizer, text):
    """What the docstring of the module says; should transformers begin to, it can be shortened."""
    assert tokenizer(text).input_ids[1:-1] != encode(text)


def test_a_long_text_is_cut_alike_and_a_short_one_is_filled_behind_its_end(tokenizer, model):
    captions = ["boats " * 200, "one boat"]
    theirs = tokenizer(captions, padding="max_length", truncation=True, return_tensors="pt").input_ids
    ours = model.tokenizer(captions)
    assert theirs.shape == ours.shape == (2, 77)
    assert torch.equal(theirs[0], ours[0])
    length = int(ours[1].argmax()) + 1
    assert torch.equal(theirs[1, :length], ours[1, :length])
    assert set(theirs[1, length:].tolist()) == {END}


@pytest.mark.parametrize("preprocess", [{}, {"resize_mode": "squash", "interpolation": "bilinear", "mean": [0] * 3}])
def test_pixels_are_equal_with_pillow_and_at_most_one_grey_level_off_by_default(preprocess, tmp_path):
    model = new_clip(copy.deepcopy(TINY_ARCHITECTURE), preprocess=preprocess)
    transformers_folder.write(model, tmp_path)
    grey_level = 1 / (255 * min(model.std))
    for options, tolerance in ((WITH_PILLOW, 1e-6), ({}, grey_level * 1.001)):
        processor = transformers.CLIPProcessor.from_pretrained(tmp_path, **options)
        for image in pictures():
            pixels = processor(images=image, return_tensors="pt").pixel_values[0]
            assert (pixels - model.preprocess(image)).abs().max() <= tolerance, image.size


def test_three_pixels_are_cut_off_unevenly_the_other_way(folder, model):
    """What the docstring of the module says; no field of the configuration has a say in it."""
    image = pictures()[0].resize((35, 32))
    processor = transformers.CLIPProcessor.from_pretrained(folder, **WITH_PILLOW)
    theirs, ours = processor(images=image, return_tensors="pt").pixel_values[0], model.preprocess(image)
    assert torch.allclose(theirs[..., 1:], ours[..., :-1], atol=1e-6) and not torch.allclose(theirs, ours, atol=1e-2)


@pytest.mark.parametrize(
    ("changes", "preprocess", "reason"),
    [
        ({"vision_cfg": RESNET}, {}, "ResNet"),
        ({"init_logit_bias": -10.0}, {}, "bias"),
        ({}, {"resize_mode": "longest"}, "longest"),
        ({"text_cfg": UNCHANGED_CASE}, {}, "whitespace"),
    ],
)
def test_what_transformers_cannot_hold_is_refused_before_a_file_is_written(changes, preprocess, reason, tmp_path):
    model = new_clip(copy.deepcopy(TINY_ARCHITECTURE) | changes, preprocess=preprocess)
    with pytest.raises(ModelError, match=reason) as error:
        transformers_folder.write(model, tmp_path)
    assert "to='open_clip'" in str(error.value) and "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []
