"""`evaluate` puts the metrics together as defined, encodes each thing once, and interpolates weights."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import TINY_ARCHITECTURE
from sklearn.metrics import balanced_accuracy_score

from rsclip_lab.data import PixelStore, distinct_images, normalise, open_image, read_captions
from rsclip_lab.evaluation import (
    evaluate,
    interpolate,
    interpolation_sweep,
    off_diagonal_cosine,
    predict,
    recommended_alpha,
    retrieval_recall,
    topk_accuracy,
    zero_shot_classifier,
)
from rsclip_lab.evaluation.calibration import calibration_error
from rsclip_lab.evaluation.evaluate import TestTable, measure
from rsclip_lab.evaluation.record import record_metrics
from rsclip_lab.models import ModelError, load_model, new_clip
from rsclip_lab.models.publish.card import model_card


@pytest.fixture
def tables(picture_folder):
    """(captions, control): six pictures of beach and harbour, and four of forest and 'sea'."""
    table = read_captions(picture_folder)
    control = table[table["label"] == "forest"].copy()
    control.loc[control["image_id"] > control["image_id"].median(), "label"] = "sea"
    return table[table["label"] != "forest"].reset_index(drop=True), control.reset_index(drop=True)


def share_correct(model, images, labels, names):
    scores = model.encode_images(images) @ zero_shot_classifier(model, names).T
    return topk_accuracy(scores, [names.index(label) for label in labels])


def test_every_metric_is_the_one_its_own_function_gives(random_clip, tables):
    captions, control = tables
    results = evaluate(random_clip, captions, control)
    pictures, others = distinct_images(captions), distinct_images(control)
    own, foreign = ["beach", "harbour"], ["forest", "sea"]
    images, labels = list(pictures["image"]), list(pictures["label"])
    assert results["topk"] == share_correct(random_clip, images, labels, own)
    assert results["top1"] == results["topk"][1]
    assert results["all_top1"] == share_correct(random_clip, images, labels, own + foreign)[1]
    of_control = share_correct(random_clip, list(others["image"]), list(others["label"]), foreign)
    assert results["control_top1"] == of_control[1]

    image_features = random_clip.encode_images(images)
    image_of_text = [images.index(image) for image in captions["image"]]
    recall = retrieval_recall(image_features, random_clip.encode_texts(captions["caption"]), image_of_text)
    assert results["mean_recall"] == pytest.approx(recall["mean_recall"])
    assert results["recall"] == {name: recall[name] for name in ("image_to_text", "text_to_image")}

    distinct = sorted(set(captions["caption"]))
    shown_by = [captions["image"][captions["caption"] == caption] for caption in distinct]
    matches = [[images.index(image) for image in shown] for shown in shown_by]
    cosine = off_diagonal_cosine(image_features, random_clip.encode_texts(distinct), matches)
    assert results["off_diagonal_cosine"] == pytest.approx(cosine, abs=1e-6)


def test_without_a_control_there_is_nothing_about_one(random_clip, tables):
    expected = {"top1", "topk", "mean_per_class", "calibration_error", "mean_recall", "recall", "off_diagonal_cosine"}
    assert set(evaluate(random_clip, tables[0])) == expected


def test_kinds_count_the_same_and_probabilities_are_those_of_predict(random_clip, tables):
    captions = tables[0].iloc[:-2]  # a picture less of one kind
    results = evaluate(random_clip, captions)
    pictures = distinct_images(captions)
    names = ["beach", "harbour"]
    table = predict(random_clip, list(pictures["image"]), [f"a satellite view of {name}" for name in names])
    labels = [names.index(label) for label in pictures["label"]]
    assert labels.count(0) != labels.count(1)
    answers = table.to_numpy().argmax(axis=1)
    assert results["mean_per_class"] == pytest.approx(balanced_accuracy_score(labels, answers))
    assert results["calibration_error"] == pytest.approx(calibration_error(table.to_numpy(), labels), abs=1e-6)


def test_each_picture_and_each_distinct_caption_is_encoded_once(random_clip, tables, monkeypatch):
    captions, control = tables
    pictures, texts = [], []
    visual, encode_texts = random_clip.net.visual, random_clip.encode_texts
    visual.register_forward_pre_hook(lambda module, inputs: pictures.append(len(inputs[0])))
    monkeypatch.setattr(random_clip, "encode_texts", lambda t: texts.append(list(t)) or encode_texts(t))
    evaluate(random_clip, captions, control)
    assert sum(pictures) == captions["image"].nunique() + control["image"].nunique()
    of_captions = [text for call in texts for text in call if text in set(captions["caption"])]
    rest = [text for text in of_captions if not text.startswith("a satellite view of ")]  # prompts too
    assert len(rest) == len(set(rest)) > 0


def test_features_in_the_pictures_place_give_the_same_and_open_no_picture(random_clip, tables, monkeypatch):
    expected = evaluate(random_clip, *tables)
    own, others = (random_clip.encode_images(list(distinct_images(table)["image"])) for table in tables)
    monkeypatch.setattr(type(random_clip), "encode_images", None)
    assert evaluate(random_clip, *tables, image_features=own, control_features=others) == expected


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (torch.zeros(7, 32), r"image features \[7, 32\], where .* has \[8, 32\]: give what its encode_images gave"),
        (torch.zeros(8, 16), r"image features \[8, 16\], where"),
        (torch.zeros(8), r"image features \[8\], where"),
        (torch.full((8, 32), torch.nan), "not finite"),
    ],
)
def test_features_that_are_not_one_a_picture_are_refused(random_clip, tables, features, message):
    with pytest.raises(ValueError, match=message):
        evaluate(random_clip, *tables, image_features=features)


def test_class_names_give_the_order_and_the_distractors(random_clip, tables):
    names = ["harbour", "airport", "beach"]
    pictures = distinct_images(tables[0])
    expected = share_correct(random_clip, list(pictures["image"]), list(pictures["label"]), names)
    assert evaluate(random_clip, tables[0], class_names=names)["topk"] == expected


def test_labels_that_are_unknown_leave_their_metrics_open(random_clip, tables):
    unlabelled = tables[0].assign(label=None)
    results = evaluate(random_clip, unlabelled)
    assert math.isnan(results["top1"]) and results["topk"] == {}
    assert math.isnan(results["mean_per_class"]) and math.isnan(results["calibration_error"])
    assert 0 < results["mean_recall"] <= 1


def test_pictures_without_a_label_are_left_out_of_the_accuracy(random_clip, tables):
    captions = tables[0].copy()
    captions.loc[captions["image"] == captions["image"][0], "label"] = None
    labelled = distinct_images(captions).dropna(subset="label")
    images, labels = list(labelled["image"]), list(labelled["label"])
    expected = share_correct(random_clip, images, labels, ["beach", "harbour"])
    assert evaluate(random_clip, captions)["topk"] == expected


def test_tables_put_together_keep_their_pictures_apart(random_clip, tables):
    first, second = (table.assign(image_id=pd.factorize(table["image"])[0]) for table in tables)
    together = pd.concat([first, second])
    distinct = together.assign(image_id=pd.factorize(together["image"])[0])
    assert evaluate(random_clip, together) == evaluate(random_clip, distinct)


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (lambda table: table.iloc[:0], {}, "empty: check the split"),
        (lambda table: table, {"class_names": ["beach"]}, "at least two"),
        (lambda table: table, {"class_names": ["beach", "pier"]}, "not among the class names: harbour"),
        (lambda table: table.assign(caption=None), {}, "not a string"),
        (lambda table: table, {"templates": ["no place"]}, "lacks {label}"),
    ],
)
def test_a_table_that_cannot_be_evaluated_is_refused(random_clip, tables, change, arguments, message):
    with pytest.raises(ValueError, match=message):
        evaluate(random_clip, change(tables[0]), **arguments)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda table: "captions.csv", "no table but str; make it with read_captions"),
        (lambda table: [table], "no table but list"),
        (lambda table: table.drop(columns=["caption", "label"]), "no column caption, label; make it"),
        (lambda table: table.assign(image=[*table["image"][:-1], np.nan]), r"row \d+: no image .nan.; fill it in"),
    ],
)
def test_what_is_no_captions_table_is_named(random_clip, tables, broken, message):
    captions, control = tables
    with pytest.raises(ValueError, match=f"^the captions table.*{message}"):
        evaluate(random_clip, broken(captions))
    with pytest.raises(ValueError, match=f"^the control table.*{message}"):
        evaluate(random_clip, captions, broken(control))


def test_a_row_without_a_picture_is_named(random_clip, tables):
    captions = tables[0].copy()
    captions.loc[3, "image"] = None
    with pytest.raises(ValueError, match="the captions table, row 3: no image"):
        evaluate(random_clip, captions)


def test_any_row_of_a_picture_may_have_its_label(random_clip, tables):
    captions = tables[0]
    first = ~captions.duplicated("image")
    assert (~first).any()
    for nothing in (None, ""):
        gaps = captions.copy()
        gaps.loc[first & captions["image"].isin(captions["image"][~first]), "label"] = nothing
        assert evaluate(random_clip, gaps) == evaluate(random_clip, captions)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"templates": ["photo"]}, "lacks {label}"),
        ({"templates": []}, "no templates"),
        ({"class_names": ["beach", "pier"]}, "not among the class names: harbour"),
        ({"class_names": ["beach"]}, "at least two"),
    ],
)
def test_a_wrong_choice_is_found_before_anything_is_encoded(random_clip, tables, arguments, message, monkeypatch):
    def encoded(some):
        raise AssertionError("encoded before it was checked")

    monkeypatch.setattr(random_clip, "encode_images", encoded)
    monkeypatch.setattr(random_clip, "encode_texts", encoded)
    with pytest.raises(ValueError, match=message):
        evaluate(random_clip, *tables, **arguments)


@pytest.fixture
def tuned():
    return new_clip(TINY_ARCHITECTURE, seed=7, name="tuned")


def test_interpolation_is_linear_in_every_weight_and_exact_at_its_ends(random_clip, tuned):
    start, end = random_clip.net.state_dict(), tuned.net.state_dict()
    mixed = interpolate(random_clip, tuned, 0.25).net.state_dict()
    for name in start:
        torch.testing.assert_close(mixed[name], 0.75 * start[name] + 0.25 * end[name])
    for alpha, model in ((0, random_clip), (1, tuned)):
        mixed = interpolate(random_clip, tuned, alpha).net.state_dict()
        assert all(torch.equal(mixed[name], value) for name, value in model.net.state_dict().items())
    assert not torch.equal(start["text_projection"], end["text_projection"])  # neither end was changed


def test_interpolation_says_what_it_is(random_clip, tuned, tmp_path):
    tuned.description |= {"training": {"steps": 7}, "metrics": {"tuned": {}}, "measured_on": {"captions": {}}}
    mixed = interpolate(random_clip, tuned, 0.5)
    ends = [{"name": "random", "seed": 0}, {"name": "tuned", "seed": 7, "training": {"steps": 7}}]
    assert mixed.description["created_from"] == {"interpolation": ends, "alpha": 0.5}
    assert {"training", "metrics", "measured_on"}.isdisjoint(mixed.description)  # they are the tuned network's
    assert "0.5" in mixed.name


def test_what_a_mixture_reaches_goes_with_it_and_into_its_card(random_clip, tuned, tables, tmp_path):
    mixed = interpolate(random_clip, tuned, 0.5)
    measured = evaluate(mixed, *tables)
    record_metrics(mixed, *tables, mixed=measured)
    kept = load_model(mixed.save(tmp_path / "mixed"), device="cpu")
    assert kept.description == mixed.description
    assert kept.description["metrics"]["mixed"]["top1"] == measured["top1"]
    assert kept.description["measured_on"]["control"]["captions"] == len(tables[1])
    assert "metrics" not in tuned.description
    assert f"| top-1, own kinds | {measured['top1']:.3f} |" in model_card(kept)


def test_interpolation_leaves_a_batch_norms_counter_alone():
    vision = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 16}
    base, tuned = (new_clip(TINY_ARCHITECTURE | {"vision_cfg": vision}, seed=seed) for seed in (0, 1))
    tuned.net.visual.bn1.num_batches_tracked.fill_(8)
    tuned.net.visual.bn1.running_mean.fill_(2.0)
    mixed = interpolate(base, tuned, 0.5)
    assert mixed.net.visual.bn1.num_batches_tracked == 8
    assert torch.all(mixed.net.visual.bn1.running_mean == 1.0)


def test_what_cannot_be_interpolated_is_refused(random_clip, tuned):
    with pytest.raises(ValueError, match="alpha is 1.5"):
        interpolate(random_clip, tuned, 1.5)
    other = new_clip(TINY_ARCHITECTURE | {"embed_dim": 16})
    with pytest.raises(ModelError, match="differ in architecture"):
        interpolate(random_clip, other, 0.5)


def test_the_sweep_equals_evaluating_each_mixture(random_clip, tuned, tables):
    sweep = interpolation_sweep(random_clip, tuned, *tables, alphas=(0, 0.5, 1))
    assert list(sweep["alpha"]) == [0, 0.5, 1]
    metrics = ["top1", "all_top1", "control_top1", "mean_per_class", "calibration_error", "mean_recall"]
    metrics.append("off_diagonal_cosine")
    assert set(sweep.columns) == {"alpha", *metrics}
    for row, model in ((0, random_clip), (1, interpolate(random_clip, tuned, 0.5)), (2, tuned)):
        expected = evaluate(model, *tables)
        np.testing.assert_allclose(sweep.loc[row, metrics], [expected[name] for name in metrics], atol=1e-5)


SWEEP = {"alpha": [0, 0.25, 0.5, 0.75, 1], "top1": [0.1, 0.4, 0.7, 0.8, 0.9]}
SWEEP |= {"control_top1": [0.9, 0.85, 0.8, 0.5, 0.2]}
NONE = [math.nan] * 5


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, 0.5),  # means 0.5, 0.625, 0.75, 0.65, 0.55
        ({"control_top1": NONE}, 1.0),  # old kinds that could not be measured say nothing
        ({"top1": NONE, "mean_recall": [0.1, 0.5, 0.3, 0.2, 0.1]}, 0.25),  # 0.5, 0.675, 0.55, …
        ({"top1": [0.1, 0.4, math.nan, 0.8, 0.9]}, 0.75),  # no row without both numbers
        ({"top1": [0.1, 0.2, 0.3, 0.4, 0.5], "control_top1": [0.6, 0.5, 0.4, 0.3, 0.1]}, 0.75),  # four equals
        # means 0.45, 0.5, 0.525, 0.525, 0.6; the lower of the two is highest at 0.75
        ({"top1": [0.0, 0.2, 0.4, 0.6, 0.9], "control_top1": [0.9, 0.8, 0.65, 0.45, 0.3]}, 1.0),
    ],
)
def test_the_recommended_alpha_has_the_best_mean_of_new_and_old(columns, expected):
    assert recommended_alpha(pd.DataFrame(SWEEP | columns)) == expected


def test_without_a_control_the_new_decides_and_without_numbers_nothing_is_recommended():
    sweep = pd.DataFrame(SWEEP).drop(columns="control_top1")
    assert recommended_alpha(sweep) == 1
    with pytest.raises(ValueError, match="no row of this sweep has a number for mean_recall and control_top1"):
        recommended_alpha(pd.DataFrame(SWEEP | {"top1": NONE, "mean_recall": NONE}))


@pytest.mark.parametrize("mode", ["shortest", "squash", "longest"])
def test_decoded_once_or_opened_anew_the_pixels_and_the_metrics_are_the_same(tables, mode, tmp_path):
    model = new_clip(TINY_ARCHITECTURE, seed=0, preprocess={"resize_mode": mode})
    captions, control = (TestTable.of(table) for table in tables)
    store = PixelStore.decode(captions.images, model.image_size, model.resize, folder=tmp_path)
    expected = torch.stack([model.preprocess(open_image(image)) for image in captions.images])
    assert torch.equal(normalise(store.gather(range(len(store))), model.mean, model.std), expected)
    by_store = measure(model, captions.decoded(model), control.decoded(model))
    assert by_store == measure(model, captions, control)
