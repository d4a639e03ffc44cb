"""The zero-shot classifier is open_clip's prompt ensemble; probabilities use the learned scale."""

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from rsclip_lab.data import TEMPLATES, PixelStore
from rsclip_lab.evaluation import predict, zero_shot_classifier

NAMES = ["beach", "container harbour", "forest"]


@pytest.fixture
def pictures(tmp_path):
    random = np.random.default_rng(0)
    images = [Image.fromarray(random.integers(0, 256, (32, 48, 3), dtype=np.uint8)) for _ in range(4)]
    paths = [tmp_path / f"picture_{number}.png" for number in range(4)]
    for image, path in zip(images, paths, strict=True):
        image.save(path)
    return paths


def test_the_ensemble_equals_open_clips(random_clip):
    templates = [lambda name, t=template: t.replace("{label}", name) for template in TEMPLATES]
    expected = open_clip.build_zero_shot_classifier(
        random_clip.net, random_clip.tokenizer, NAMES, templates, device="cpu"
    )
    ours = zero_shot_classifier(random_clip, NAMES, TEMPLATES)
    torch.testing.assert_close(ours, expected.T, atol=1e-6, rtol=0)


def test_by_default_a_class_is_a_satellite_view_of_it(random_clip):
    expected = random_clip.encode_texts([f"a satellite view of {name}" for name in NAMES])
    torch.testing.assert_close(zero_shot_classifier(random_clip, NAMES), expected, atol=1e-6, rtol=0)
    one_template = zero_shot_classifier(random_clip, NAMES, "a satellite view of {label}")
    torch.testing.assert_close(one_template, expected, atol=1e-6, rtol=0)


def test_names_and_templates_with_braces_are_taken_as_they_are(random_clip):
    expected = random_clip.encode_texts(["{0} a {x}", "{0} b"])
    ours = zero_shot_classifier(random_clip, ["a {x}", "b"], ["{0} {label}"])
    torch.testing.assert_close(ours, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("names", "templates", "message"),
    [
        (["beach"], None, r"at least two.*1 class \(beach\)"),
        ("beach", None, "at least two"),
        ([], None, r"0 class \(none\)"),
        (["beach", "beach", "forest"], None, "named twice: beach"),
        (["beach", float("nan")], None, "class 1 is nan"),
        (["beach", " "], None, "class 1 is ' '"),
        (NAMES, ["a satellite view"], "'a satellite view' lacks {label}"),
        (NAMES, ["a view of {}"], "lacks {label}"),
        (NAMES, [], "no templates"),
    ],
)
def test_a_choice_that_is_none_is_refused(random_clip, names, templates, message):
    with pytest.raises(ValueError, match=message):
        zero_shot_classifier(random_clip, names, templates)


def test_probabilities_are_the_softmax_of_scaled_cosines(random_clip, pictures):
    prompts = ["a beach from above", "a harbour with boats", "trees"]
    table = predict(random_clip, pictures, prompts)
    logits, _ = random_clip.net.get_logits(
        torch.stack([random_clip.preprocess(Image.open(path)) for path in pictures]),
        random_clip.tokenizer(prompts),
    )
    np.testing.assert_allclose(table.to_numpy(), logits.softmax(dim=-1).detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(table.sum(axis=1), 1, atol=1e-6)
    assert list(table.columns) == prompts
    assert list(table.index) == [path.name for path in pictures]


def test_a_prediction_takes_every_form_of_picture(random_clip, pictures):
    prompts = ["a beach", "a forest"]
    expected = predict(random_clip, pictures[:1], prompts).to_numpy()
    opened = Image.open(pictures[0])
    store = PixelStore.decode(pictures[:1], 32, resize=random_clip.resize)
    for form in (pictures[0], str(pictures[0]), opened, np.asarray(opened), [opened], store):
        table = predict(random_clip, form, prompts)
        assert table.shape == (1, 2)
        np.testing.assert_allclose(table.to_numpy(), expected, atol=1e-5)


def test_one_prompt_is_no_question(random_clip, pictures):
    with pytest.raises(ValueError, match="at least two: got 1 prompt"):
        predict(random_clip, pictures, ["a beach"])
