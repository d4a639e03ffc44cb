"""The table of templates says of each what measuring it alone would say."""

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score

from rsclip_lab.data import read_captions
from rsclip_lab.data.wording.prompts import REMOTE_SENSING_TEMPLATES
from rsclip_lab.evaluation import topk_accuracy, wilson_interval, zero_shot_classifier
from rsclip_lab.evaluation.prompts import prompt_table

NAMES = ["beach", "airport", "forest", "container yard", "AnnualCrop"]
TEMPLATES = ["a satellite view of a {label}", "{label} from above", "An aerial photograph of {label}"]


@pytest.fixture
def features(random_clip):
    random = torch.manual_seed(0)
    vectors = torch.randn(60, random_clip.dim, generator=random)
    return torch.nn.functional.normalize(vectors, dim=1), torch.randint(0, 5, (60,), generator=random)


def test_each_row_is_the_template_measured_alone(random_clip, features):
    images, labels = features
    table = prompt_table(random_clip, images, labels, NAMES, TEMPLATES, ks=(1, 3))
    ensemble = (images @ zero_shot_classifier(random_clip, NAMES, TEMPLATES).T).argmax(dim=1)
    assert list(table["template"]) == [*TEMPLATES, "ensemble"]
    for row, templates in enumerate([*([one] for one in TEMPLATES), TEMPLATES]):
        scores = images @ zero_shot_classifier(random_clip, NAMES, templates).T
        expected = topk_accuracy(scores, labels, (1, 3))
        assert table.loc[row, ["top1", "top3"]].tolist() == pytest.approx(list(expected.values()))
        balanced = balanced_accuracy_score(labels, scores.argmax(dim=1))
        assert table.loc[row, "mean_per_class"] == pytest.approx(balanced)
        assert table.loc[row, "changed"] == pytest.approx((scores.argmax(dim=1) != ensemble).float().mean())
        assert tuple(table.loc[row, ["low", "high"]]) == pytest.approx(wilson_interval(expected[1], 60))
    assert table["changed"].iloc[-1] == 0 and table["changed"].iloc[:-1].max() > 0


def test_pictures_and_their_features_names_and_numbers_give_the_same(random_clip, picture_folder):
    table = read_captions(picture_folder).drop_duplicates("image")
    names = ["beach", "forest", "harbour"]
    by_picture = prompt_table(random_clip, list(table["image"]), table["label"], names)
    numbers = [names.index(label) for label in table["label"]]
    by_feature = prompt_table(random_clip, random_clip.encode_images(list(table["image"])), numbers, names)
    assert by_picture.equals(by_feature)
    assert len(by_picture) == len(REMOTE_SENSING_TEMPLATES) + 1
    assert [name for name in by_picture if name.startswith("top")] == ["top1", "top3", "top5", "top10"]


def test_features_of_every_form_give_the_same(random_clip, features):
    images, labels = features
    expected = prompt_table(random_clip, images.half().float(), labels, NAMES, TEMPLATES)
    for form in (images.half(), images.half().double(), images.half().numpy(), images.half().double().numpy()):
        assert prompt_table(random_clip, form, labels, NAMES, TEMPLATES).equals(expected)


def test_all_is_encoded_once(random_clip, picture_folder, monkeypatch):
    table = read_captions(picture_folder).drop_duplicates("image")
    texts, pictures = [], []
    encode_texts, encode_images = random_clip.encode_texts, random_clip.encode_images
    monkeypatch.setattr(random_clip, "encode_texts", lambda some: texts.extend(some) or encode_texts(some))
    monkeypatch.setattr(random_clip, "encode_images", lambda some: pictures.extend(some) or encode_images(some))
    prompt_table(random_clip, list(table["image"]), table["label"], ["beach", "forest", "harbour"], TEMPLATES)
    assert len(texts) == len(set(texts)) == 9
    assert len(pictures) == len(set(pictures)) == 12


def test_names_as_given_where_that_is_asked(random_clip, features):
    images, labels = features
    table = prompt_table(random_clip, images, labels, NAMES, TEMPLATES, as_words=False)
    scores = images @ zero_shot_classifier(random_clip, NAMES, TEMPLATES, as_words=False).T
    assert table["top1"].iloc[-1] == pytest.approx(topk_accuracy(scores, labels)[1])


@pytest.mark.parametrize(
    ("labels", "names", "templates", "message"),
    [
        ([0] * 59, NAMES, TEMPLATES, "60 pictures and 59 labels"),
        (["pier"] * 60, NAMES, TEMPLATES, "not among the class names: pier"),
        ([5] * 60, NAMES, TEMPLATES, "class numbers from 0 to 4"),
        ([0] * 60, ["beach"], TEMPLATES, "at least two"),
        ([0] * 60, NAMES, [], "no templates"),
        ([0] * 60, NAMES, ["a view"], "lacks {label}"),
    ],
)
def test_what_cannot_be_measured_is_refused(random_clip, features, labels, names, templates, message):
    with pytest.raises(ValueError, match=message):
        prompt_table(random_clip, features[0], labels, names, templates)


def test_no_pictures_and_no_model_are_refused(random_clip):
    with pytest.raises(ValueError, match="at least one picture"):
        prompt_table(random_clip, torch.zeros(0, random_clip.dim), np.zeros(0, int), NAMES, TEMPLATES)
    with pytest.raises(TypeError, match="prompt_table takes a loaded model"):
        prompt_table("tiny", [], [], NAMES)
