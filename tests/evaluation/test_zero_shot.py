"""The zero-shot classifier is open_clip's prompt ensemble; probabilities use the learned scale."""

import numpy as np
import open_clip
import pytest
import torch
from clip_benchmark.metrics import zeroshot_classification as clip_benchmark
from PIL import Image

from rsclip_lab.data import TEMPLATES, PixelStore
from rsclip_lab.data.readers.class_names import CLASSES_OF_SETS
from rsclip_lab.data.wording.prompts import REMOTE_SENSING_TEMPLATES, written_into
from rsclip_lab.evaluation import class_scores, predict, zero_shot_classifier
from rsclip_lab.evaluation.zero_shot import (
    NEUTRAL_TEXTS,
    names_as_words,
    picture_names,
    prompt_features,
    zero_shot_classifiers,
)

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


def test_the_ensemble_of_remote_sensing_templates_equals_both_reference_tools(random_clip):
    net, tokenizer = random_clip.net, random_clip.tokenizer
    templates = [lambda name, t=template: written_into(t, name) for template in REMOTE_SENSING_TEMPLATES]
    of_open_clip = open_clip.build_zero_shot_classifier(net, tokenizer, NAMES, templates, device="cpu")
    prompts = {name: [template(name) for template in templates] for name in NAMES}
    of_benchmark = clip_benchmark.zero_shot_classifier(net, tokenizer, NAMES, prompts, "cpu", amp=False)
    ours = zero_shot_classifier(random_clip, NAMES, REMOTE_SENSING_TEMPLATES)
    torch.testing.assert_close(ours, of_open_clip.T, atol=1e-6, rtol=0)
    torch.testing.assert_close(ours, of_benchmark.T, atol=1e-6, rtol=0)


def test_class_names_are_written_as_words_unless_that_is_switched_off(random_clip):
    said = random_clip.encode_texts(["a view of annual crop land", "a view of an airport"])
    as_given = random_clip.encode_texts(["a view of a AnnualCrop", "a view of a Airport"])
    names, template = ["AnnualCrop", "Airport"], "a view of a {label}"
    torch.testing.assert_close(zero_shot_classifier(random_clip, names, template), said, atol=1e-6, rtol=0)
    ours = zero_shot_classifier(random_clip, names, template, as_words=False)
    torch.testing.assert_close(ours, as_given, atol=1e-6, rtol=0)


def test_names_that_are_words_stay_as_they_are():
    words = ["forest", "dense residential area", "Statue of Liberty", "T-shaped pier of wood", "type 2 ships"]
    assert names_as_words(words) == words
    odd = ["denseresidential", "storage_tank", "SeaLake", "01_Airport", " Beach "]
    assert names_as_words(odd) == ["dense residential area", "storage tank", "sea or lake", "airport", "beach"]


@pytest.mark.parametrize("name", CLASSES_OF_SETS)
def test_no_two_classes_of_a_public_set_become_the_same_words(name):
    classes = CLASSES_OF_SETS[name].split()
    assert len(set(names_as_words(classes))) == len(classes)


def test_names_that_would_become_the_same_words_stay_as_they_are():
    assert names_as_words(["1a", "2a", "SeaLake", "Forest"]) == ["1a", "2a", "sea or lake", "forest"]
    assert names_as_words(["Airport", "airport"]) == ["Airport", "airport"]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_scores_take_features_of_every_number_format(random_clip, dtype):
    classifier = zero_shot_classifier(random_clip, NAMES)
    images = torch.nn.functional.normalize(torch.randn(5, 32, generator=torch.Generator().manual_seed(0)), dim=1)
    expected = random_clip.logit_scale * images.to(dtype).double() @ classifier.double().T
    for form in (images.to(dtype), images.to(dtype).float().numpy()):
        torch.testing.assert_close(class_scores(random_clip, form, classifier), expected.float())


def test_prompt_features_are_each_class_in_each_template(random_clip):
    features = prompt_features(random_clip, NAMES, TEMPLATES[:2])
    assert features.shape == (3, 2, 32)
    expected = random_clip.encode_texts(TEMPLATES[1].replace("{label}", NAMES[2]))[0]
    torch.testing.assert_close(features[2, 1], expected, atol=1e-6, rtol=0)


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


def test_features_stand_for_their_pictures(random_clip, pictures):
    prompts = ["a reef", "a harbour"]
    table = predict(random_clip, random_clip.encode_images(pictures), prompts)
    assert list(table.index) == list(range(len(pictures)))
    expected = predict(random_clip, pictures, prompts)
    np.testing.assert_array_equal(table.to_numpy(), expected.to_numpy())
    with pytest.raises(ValueError, match=r"image features \[1, 3, 8, 8\], where .* has \[pictures, "):
        predict(random_clip, torch.zeros(1, 3, 8, 8), prompts)


def test_one_prompt_is_no_question(random_clip, pictures):
    with pytest.raises(ValueError, match="at least two: got 1 prompt"):
        predict(random_clip, pictures, ["a beach"])


def test_several_prompts_are_judged_each_against_a_neutral_text(random_clip, pictures):
    prompts = ["a beach", "a forest"]
    table = predict(random_clip, pictures, prompts, several=True, neutral=["a picture"])
    images = random_clip.encode_images(pictures)
    for prompt in prompts:
        pair = random_clip.logit_scale * images @ random_clip.encode_texts([prompt, "a picture"]).T
        np.testing.assert_allclose(table[prompt], pair.softmax(dim=-1)[:, 0], atol=1e-6)
    alone = predict(random_clip, pictures, "a beach", several=True, neutral="a picture")
    np.testing.assert_allclose(alone["a beach"], table["a beach"], atol=1e-6)  # whatever else is asked


def test_several_neutral_texts_count_as_their_ensemble(random_clip, pictures):
    mean = torch.nn.functional.normalize(random_clip.encode_texts(NEUTRAL_TEXTS).mean(dim=0), dim=0)
    images = random_clip.encode_images(pictures)
    gap = images @ random_clip.encode_texts("a beach")[0] - images @ mean
    expected = 1 / (1 + np.exp(-random_clip.logit_scale * gap.double().numpy()))
    table = predict(random_clip, pictures, ["a beach"], several=True)
    np.testing.assert_allclose(table["a beach"], expected, atol=1e-5)


def test_a_network_with_a_bias_has_its_own_sigmoid(random_clip, pictures):
    random_clip.net.logit_bias = torch.nn.Parameter(torch.tensor(-3.0))
    prompts = ["a beach", "a forest"]
    table = predict(random_clip, pictures, prompts, several=True)
    pixels = torch.stack([random_clip.preprocess(Image.open(path)) for path in pictures])
    logits, _ = random_clip.net.get_logits(pixels, random_clip.tokenizer(prompts))
    np.testing.assert_allclose(table.to_numpy(), logits.sigmoid().detach().numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompts": []}, "at least one: got 0 prompt"),
        ({"prompts": ["a", "a"]}, "prompt named twice"),
        ({"prompts": ["a"], "neutral": []}, "at least one: got 0 neutral text"),
    ],
)
def test_several_of_nothing_is_refused(random_clip, pictures, options, message):
    with pytest.raises(ValueError, match=message):
        predict(random_clip, pictures, several=True, **options)


def test_several_choices_are_each_classified_by_their_own_words_and_encoded_once(random_clip, monkeypatch):
    choices, templates = [["AirPort", "beach"], ["AirPort", "beach", "air port"], ["air port", "sea"]], TEMPLATES[:2]
    expected = [zero_shot_classifier(random_clip, names, templates) for names in choices]
    encode, said = random_clip.encode_texts, []
    monkeypatch.setattr(random_clip, "encode_texts", lambda texts: said.extend(texts) or encode(texts))
    for ours, alone in zip(zero_shot_classifiers(random_clip, choices, templates), expected, strict=True):
        torch.testing.assert_close(ours, alone, atol=1e-6, rtol=0)
    assert len(said) == len(set(said)) == 2 * len(["air port", "beach", "AirPort", "sea"])


def test_pictures_of_one_file_name_are_told_apart_by_their_folders(random_clip, pictures, tmp_path):
    paths = ["x/a/1.jpg", "x/b/1.jpg", "y/a/1.jpg", "1.jpg", "x/a/2.jpg", "x/a/2.jpg", "/r/3.jpg", "r/3.jpg"]
    names = ["x/a/1.jpg", "b/1.jpg", "y/a/1.jpg", "1.jpg", "2.jpg", "2.jpg", "/r/3.jpg", "r/3.jpg"]
    assert picture_names(paths) == names
    assert picture_names(["x/a/1.jpg", np.zeros((2, 2)), pictures[0]]) == ["1.jpg", 1, pictures[0].name]
    same = tmp_path / "again" / pictures[1].name
    same.parent.mkdir()
    same.write_bytes(pictures[1].read_bytes())
    table = predict(random_clip, [*pictures[:2], str(same)], ["a beach", "a forest"])
    assert list(table.index) == [pictures[0].name, f"{tmp_path.name}/{same.name}", f"again/{same.name}"]
