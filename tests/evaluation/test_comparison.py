"""`compare` repeats what `evaluate` measures, picture by picture, and each thing is decoded and encoded once."""

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import TINY_ARCHITECTURE
from scipy.stats import binomtest
from sklearn.metrics import balanced_accuracy_score

from rsclip_lab.data import distinct_images, read_captions
from rsclip_lab.evaluation import evaluate
from rsclip_lab.evaluation.calibration import error_of
from rsclip_lab.evaluation.comparison import compare
from rsclip_lab.evaluation.comparison.answers import answer_table, class_table, forgotten_table
from rsclip_lab.evaluation.comparison.recall_rows import recall_rows, recalls_of
from rsclip_lab.evaluation.intervals import bootstrap_interval, holm
from rsclip_lab.evaluation.zero_shot import class_scores, zero_shot_classifier
from rsclip_lab.models import new_clip

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def tuned():
    return new_clip(TINY_ARCHITECTURE, seed=7, name="tuned")


@pytest.fixture
def tables(picture_folder):
    """(captions, control): eight pictures of beach and harbour, and four of forest and 'sea'."""
    table = read_captions(picture_folder)
    control = table[table["label"] == "forest"].copy()
    control.loc[control["image_id"] > control["image_id"].median(), "label"] = "sea"
    return table[table["label"] != "forest"].reset_index(drop=True), control.reset_index(drop=True)


def shares(table, name):
    return tuple(table.loc[name, ["before", "after"]])


def test_the_metrics_are_those_of_evaluate(random_clip, tuned, tables):
    metrics = compare(random_clip, tuned, *tables).metrics
    expected = [evaluate(model, *tables) for model in (random_clip, tuned)]
    for name in ("top1", "all_top1", "control_top1", "mean_recall", "off_diagonal_cosine"):
        assert shares(metrics, name) == pytest.approx([found[name] for found in expected], abs=1e-6)
    for direction, ks in expected[0]["recall"].items():
        for k in ks:
            of_both = [found["recall"][direction][k] for found in expected]
            assert shares(metrics, f"{direction} {k}") == pytest.approx(of_both, abs=1e-9)
    assert (metrics["difference"] - (metrics["after"] - metrics["before"])).abs().max() < 1e-12
    assert "top3" not in metrics.index  # of two kinds


def test_the_answers_of_each_picture_are_those_of_its_scores(random_clip, tuned, tables):
    found = compare(random_clip, tuned, *tables)
    everything = ["beach", "harbour", "forest", "sea"]
    cases = [(found.own, 0, everything[:2]), (found.among_all, 0, everything)]
    cases += [(found.control, 1, everything[2:]), (found.control_among_all, 1, everything)]
    for answers, which, names in cases:
        pictures = distinct_images(tables[which])
        assert list(answers["image"]) == list(pictures["image"]) and list(answers["label"]) == list(pictures["label"])
        for side, model in {"before": random_clip, "after": tuned}.items():
            features = model.encode_images(list(pictures["image"]))
            logits = class_scores(model, features, zero_shot_classifier(model, names)).double().numpy()
            powers = np.exp(logits - logits.max(axis=1, keepdims=True))
            probabilities = powers / powers.sum(axis=1, keepdims=True)
            assert list(answers[side]) == [names[place] for place in logits.argmax(axis=1)]
            np.testing.assert_allclose(answers[f"{side}_probability"], probabilities.max(axis=1), atol=1e-5)
            own = logits[np.arange(len(logits)), [names.index(label) for label in pictures["label"]]]
            assert list(answers[f"{side}_rank"]) == list(1 + (logits > own[:, None]).sum(axis=1))
            assert list(answers[f"{side}_right"]) == list(answers[side] == answers["label"])


def random_answers(pictures=60, classes=12, seed=0):
    random = np.random.default_rng(seed)
    names = [f"kind {place}" for place in range(classes)]
    labels = [names[place] for place in random.integers(0, classes, pictures)]
    true = np.eye(classes)[[names.index(label) for label in labels]]
    gains = {"before": 1, "after": 2}
    logits = {side: random.normal(size=(pictures, classes)) + gain * true for side, gain in gains.items()}
    tensors = {side: torch.from_numpy(values) for side, values in logits.items()}
    return answer_table([f"{n}.png" for n in range(pictures)], labels, names, tensors), names, logits


def test_equal_scores_rank_in_class_order():
    scores = {side: torch.zeros(2, 3) for side in ("before", "after")}
    answers = answer_table(["a", "b"], ["x", "z"], ["x", "y", "z"], scores)
    assert list(answers["after"]) == ["x", "x"] and list(answers["after_rank"]) == [1, 3]
    with pytest.raises(ValueError, match="not among the class names: w"):
        answer_table(["a", "b"], ["x", "w"], ["x", "y", "z"], scores)
    with pytest.raises(ValueError, match="not finite"):
        answer_table(["a"], ["x"], ["x", "y"], {side: torch.full((1, 2), torch.nan) for side in scores})


def test_each_class_has_its_paired_test_corrected_for_all():
    answers, _, _ = random_answers()
    table = class_table(answers)
    assert list(table["difference"]) == sorted(table["difference"], reverse=True)
    p_values = []
    for kind in table.index:
        some = answers[answers["label"] == kind]
        before, after = some["before"] == kind, some["after"] == kind
        row = table.loc[kind]
        assert (row["pictures"], row["before"], row["after"]) == (len(some), before.mean(), after.mean())
        wins, losses = (after & ~before).sum(), (before & ~after).sum()
        p_values.append(binomtest(wins, wins + losses).pvalue if wins + losses else 1)
        gain = after.to_numpy(float) - before.to_numpy(float)
        assert (row["low"], row["high"]) == bootstrap_interval(gain)
        wrong = some.loc[~after, "after"].value_counts()
        assert row["mistaken_for"] == (min(wrong.index[wrong == wrong.max()]) if len(wrong) else "")
    np.testing.assert_allclose(table["p"], holm(p_values), atol=1e-12)


def test_the_forgotten_are_the_kinds_that_lost_and_what_they_became():
    kinds = ["a", "a", "a", "b", "b", "c", "c", "d"]
    before, after = ["a", "a", "b", "b", "b", "c", "a", "d"], ["b", "a", "b", "a", "c", "c", "c", "d"]
    answers = pd.DataFrame({"label": kinds, "before": before, "after": after})
    for side in ("before", "after"):
        answers[f"{side}_right"] = answers[side] == answers["label"]
    table = forgotten_table(answers)
    assert list(table.index) == ["b", "a"]  # b lost all, a a third; c gained, d stayed
    assert table.loc["b"].tolist() == [2, 1.0, 0.0, 2, "a"]  # of equals the first of the alphabet
    assert table.loc["a", ["lost", "now_called"]].tolist() == [1, "b"]  # the third was wrong before as well


def test_the_lists_of_kinds_and_pictures_follow_from_the_answers(random_clip, tuned, tables):
    found = compare(random_clip, tuned, tables[0])
    answers, _, _ = random_answers(200)
    object.__setattr__(found, "own", answers)  # of twelve kinds
    most, least = found.most_improved(4), found.least_improved(4)
    assert list(most.index) == list(found.per_class.index[:4])
    assert list(least.index) == list(found.per_class.index[::-1][:4])
    assert set(found.most_improved(100).index).isdisjoint(found.least_improved(100).index)
    assert (found.most_improved(100)["difference"] > 0).all()
    before, after = answers["before"] == answers["label"], answers["after"] == answers["label"]
    assert set(found.lost["image"]) == set(answers.loc[before & ~after, "image"])
    assert set(found.won["image"]) == set(answers.loc[~before & after, "image"])
    assert set(found.failures["image"]) == set(answers.loc[~after, "image"])
    for some in (found.lost, found.won, found.failures):
        assert some["after_probability"].is_monotonic_decreasing and len(some) > 3


def test_the_mean_per_class_is_scikit_learns_and_its_interval_draws_pictures(random_clip, tuned, tables):
    found = compare(random_clip, tuned, tables[0])
    answers, _, _ = random_answers(90, classes=4)
    object.__setattr__(found, "own", answers)
    row = found.metrics.loc["mean_per_class"]
    for side in ("before", "after"):
        assert row[side] == pytest.approx(balanced_accuracy_score(answers["label"], answers[side]), abs=1e-12)
    random, gains = np.random.default_rng(1), []
    labels, gain = answers["label"].to_numpy(str), answers["after_right"].astype(int) - answers["before_right"]
    for _ in range(1500):
        drawn = random.integers(0, 90, 90)
        gains.append(np.mean([gain.to_numpy()[drawn][labels[drawn] == kind].mean() for kind in set(labels)]))
    assert (row["low"], row["high"]) == pytest.approx(np.percentile(gains, [2.5, 97.5]), abs=0.02)


def test_the_reliability_is_that_of_the_answers(random_clip, tuned, tables):
    found = compare(random_clip, tuned, tables[0])
    object.__setattr__(found, "own", random_answers(200)[0])
    for side, table in found.reliability.items():
        sure, right = found.own[f"{side}_probability"], found.own[f"{side}_right"]
        bins = np.ceil(sure * 15).clip(1)
        apart = [len(some) * abs(some.mean() - right[some.index].mean()) for _, some in sure.groupby(bins)]
        assert error_of(table) == pytest.approx(sum(apart) / len(sure), abs=1e-9)


def test_recalls_are_drawn_by_picture_with_all_its_captions():
    random = torch.Generator().manual_seed(0)
    images, texts = (torch.nn.functional.normalize(torch.randn(n, 8, generator=random), dim=1) for n in (20, 50))
    image_of_text = np.r_[np.arange(20), np.random.default_rng(0).integers(0, 20, 30)]
    texts = torch.nn.functional.normalize(texts + images[image_of_text], dim=1)
    rows = recall_rows(images, texts, image_of_text)
    scores = (images @ texts.T).numpy()
    for place, k in enumerate((1, 5, 10)):
        nearest = scores.argsort(axis=1)[:, ::-1][:, :k]
        of_images = np.array([(image_of_text[found] == row).any() for row, found in enumerate(nearest)])
        nearest = scores.T.argsort(axis=1)[:, ::-1][:, :k]
        of_texts = np.array([image in found for image, found in zip(image_of_text, nearest, strict=True)])
        np.testing.assert_array_equal(rows[:, place], of_images)
        np.testing.assert_array_equal(rows[:, 3 + place], np.bincount(image_of_text, of_texts, 20))
        drawn = [3, 3, 7, 11]  # their captions come with them, as often as they do
        texts_drawn = np.concatenate([np.flatnonzero(image_of_text == row) for row in drawn])
        expected = of_images[drawn].mean(), of_texts[texts_drawn].mean()
        assert (recalls_of(rows[drawn])[[place, 3 + place]]) == pytest.approx(expected)


def test_the_interval_of_the_mean_recall_is_of_the_difference(random_clip, tuned, tables):
    found = compare(random_clip, tuned, tables[0])
    random, gains = np.random.default_rng(3), []
    for _ in range(1500):
        drawn = random.integers(0, 8, 8)
        means = [recalls_of(found.retrieval[side][drawn]).mean() for side in ("before", "after")]
        gains.append(means[1] - means[0])
    row = found.metrics.loc["mean_recall"]
    assert (row["low"], row["high"]) == pytest.approx(np.percentile(gains, [2.5, 97.5]), abs=0.02)
    better = found.metrics[found.metrics["p"].isna() & found.metrics["low"].notna()]
    for row in better.itertuples():
        words = "better" if row.low > 0 else "worse" if row.high < 0 else "no evidence of a difference"
        assert row.verdict == words


def test_accuracies_are_corrected_for_all_of_the_table(random_clip, tuned, tables):
    found = compare(random_clip, tuned, *tables)
    p_values = []
    for answers in (found.own, found.among_all, found.control, found.control_among_all):
        before, after = answers["before_right"], answers["after_right"]
        wins, losses = (after & ~before).sum(), (before & ~after).sum()
        p_values.append(binomtest(wins, wins + losses).pvalue if wins + losses else 1)
    names = ["top1", "all_top1", "control_top1", "control_all_top1"]
    np.testing.assert_allclose(found.metrics.loc[names, "p"], holm(p_values), atol=1e-12)


def test_pictures_are_decoded_once_for_both_and_captions_encoded_once_by_each(
    random_clip, tuned, tables, decoded, monkeypatch
):
    texts = {random_clip.name: [], tuned.name: []}
    for model in (random_clip, tuned):
        encode, said = model.encode_texts, texts[model.name]
        monkeypatch.setattr(model, "encode_texts", lambda t, encode=encode, said=said: said.extend(t) or encode(t))
    compare(random_clip, tuned, *tables)
    assert len(decoded) == len(set(decoded)) == 12
    for said in texts.values():
        captions = [text for text in said if text.startswith("picture")]
        assert len(captions) == len(set(captions)) == 8


def test_features_in_the_pictures_place_give_the_same_and_open_no_picture(random_clip, tuned, tables, monkeypatch):
    expected = compare(random_clip, tuned, *tables)
    own, others = (
        tuple(model.encode_images(list(distinct_images(table)["image"])) for model in (random_clip, tuned))
        for table in tables
    )
    halfway = compare(random_clip, tuned, *tables, control_features=others)
    monkeypatch.setattr(type(random_clip), "encode_images", None)
    found = compare(random_clip, tuned, *tables, image_features=own, control_features=others)
    for one in (halfway, found):
        pd.testing.assert_frame_equal(one.metrics, expected.metrics, rtol=0, atol=1e-6)
        pd.testing.assert_frame_equal(one.control, expected.control, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match=r"image features \[7, 32\], where tuned has \[8, 32\]"):
        compare(random_clip, tuned, *tables, image_features=(own[0], own[1][1:]))


def test_models_of_two_sizes_each_see_their_own_pixels(random_clip, tables):
    architecture = {**TINY_ARCHITECTURE, "vision_cfg": {**TINY_ARCHITECTURE["vision_cfg"], "image_size": 24}}
    small = new_clip(architecture, seed=3, name="small")
    metrics = compare(random_clip, small, *tables).metrics
    expected = [evaluate(model, *tables)["control_top1"] for model in (random_clip, small)]
    assert shares(metrics, "control_top1") == pytest.approx(expected, abs=1e-6)


def test_without_labels_or_control_there_is_retrieval_alone(random_clip, tuned, tables):
    found = compare(random_clip, tuned, tables[0].assign(label=None))
    assert found.own.empty and found.control.empty and found.reliability == {}
    assert list(found.metrics.index[:1]) == ["mean_recall"] and "top1" not in found.metrics.index
    assert found.per_class.empty and found.forgotten.empty and found.lost.empty and found.most_improved().empty


def test_pictures_without_a_label_are_left_out_of_the_answers(random_clip, tuned, tables):
    captions = tables[0].copy()
    captions.loc[captions["image"] == captions["image"][0], "label"] = None
    found = compare(random_clip, tuned, captions)
    assert len(found.own) == 7 and captions["image"][0] not in set(found.own["image"])
    assert found.metrics.loc["mean_recall", "pictures"] == 8


def test_a_kind_of_both_tables_is_offered_once(random_clip, tuned, tables):
    control = tables[1].replace({"label": {"sea": "beach"}})
    found = compare(random_clip, tuned, tables[0], control)
    expected = [evaluate(model, tables[0], control)["all_top1"] for model in (random_clip, tuned)]
    assert shares(found.metrics, "all_top1") == pytest.approx(expected, abs=1e-6)
    alone = tables[1].assign(label="forest")  # one kind: among its own there is nothing to choose
    found = compare(random_clip, tuned, tables[0], alone)
    assert found.control.empty and len(found.control_among_all) == 4


def test_what_cannot_be_compared_is_refused(random_clip, tables):
    with pytest.raises(TypeError, match="compare"):
        compare(random_clip, "tiny", tables[0])
    with pytest.raises(ValueError, match="empty: check the split"):
        compare(random_clip, random_clip, tables[0].iloc[:0])
    with pytest.raises(ValueError, match="not among the class names: harbour"):
        compare(random_clip, random_clip, tables[0], class_names=["beach", "pier"])


def test_own_kinds_are_said_as_their_own_names_decide(random_clip, tables, monkeypatch):
    """The control's "air port" makes "AirPort" stay as it is among all kinds, and among these only."""
    captions, control = tables[0].replace({"label": {"harbour": "AirPort"}}), tables[1].replace("sea", "air port")
    vectors, places = torch.eye(random_clip.dim), {"air port": 0, "AirPort": 1}

    def encoded(texts):
        return torch.stack([vectors[next((at for name, at in places.items() if name in text), 2)] for text in texts])

    monkeypatch.setattr(random_clip, "encode_texts", encoded)
    alike = torch.nn.functional.normalize(2 * vectors[[0]] + vectors[[2]])  # all pictures
    monkeypatch.setattr(random_clip, "encode_images", lambda images: alike.expand(len(images), -1))
    found = compare(random_clip, random_clip, captions, control)
    expected = evaluate(random_clip, captions, control)
    assert set(found.own["after"]) == {"AirPort"} and set(found.among_all["after"]) == {"air port"}
    for name in ("top1", "all_top1", "control_top1"):
        assert shares(found.metrics, name) == (expected[name], expected[name])


def test_what_is_wrong_with_the_words_is_said_before_anything_is_encoded(random_clip, tables, monkeypatch):
    monkeypatch.setattr(random_clip, "encode_images", None)
    with pytest.raises(ValueError, match="'photo' lacks {label}"):
        compare(random_clip, random_clip, *tables, templates=["photo"])
    with pytest.raises(ValueError, match="not among the class names: harbour"):
        compare(random_clip, random_clip, *tables, class_names=["beach", "pier"])
