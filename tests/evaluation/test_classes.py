"""Per-class accuracy, confusions and mean per class are scikit-learn's and CLIP_benchmark's."""

import numpy as np
import pytest
import sklearn.metrics
import torch
from clip_benchmark.metrics import zeroshot_classification as clip_benchmark

from rsclip_lab.evaluation import topk_accuracy, wilson_interval
from rsclip_lab.evaluation.classes import class_numbers, confusion, mean_per_class, per_class_table

NAMES = ["airport", "beach", "bridge", "desert", "forest", "harbour", "lake"]


def draw(seed, pictures=200, classes=7):
    random = np.random.default_rng(seed)
    labels = random.choice(classes, pictures, p=random.dirichlet(np.ones(classes)))
    scores = random.normal(size=(pictures, classes)) + 1.5 * np.eye(classes)[labels]
    return torch.tensor(scores, dtype=torch.float32), torch.tensor(labels)


@pytest.mark.filterwarnings("ignore:y_pred contains classes")
@pytest.mark.parametrize("seed", range(5))
def test_the_numbers_are_those_of_both_reference_tools(seed, monkeypatch):
    scores, labels = draw(seed)
    predicted = scores.argmax(dim=1)
    expected = sklearn.metrics.confusion_matrix(labels, predicted, labels=range(7))
    assert np.array_equal(confusion(scores, labels), expected)
    balanced = sklearn.metrics.balanced_accuracy_score(labels, predicted)
    assert mean_per_class(scores, labels) == pytest.approx(balanced, abs=1e-9)

    # It takes float() of an array of one number, which numpy does not allow any more.
    monkeypatch.setattr(clip_benchmark, "float", np.ndarray.item, raising=False)
    monkeypatch.setattr(clip_benchmark, "run_classification", lambda *_, **__: (scores, labels))
    monkeypatch.setattr(clip_benchmark, "zero_shot_classifier", lambda *_, **__: None)
    data = type("Loader", (), {"dataset": type("Set", (), {"classes": NAMES})})
    found = clip_benchmark.evaluate(None, data, None, NAMES, ["{c}"], "cpu")
    ours = topk_accuracy(scores, labels)
    assert found["acc1"] == pytest.approx(ours[1], abs=1e-6)
    assert found["acc5"] == pytest.approx(ours[5], abs=1e-6)
    assert found["mean_per_class_recall"] == pytest.approx(mean_per_class(scores, labels), abs=1e-6)


def test_a_row_of_the_table_tells_of_one_class():
    scores, labels = draw(1)
    table = per_class_table(scores, labels, NAMES)
    report = sklearn.metrics.classification_report(
        labels, scores.argmax(dim=1), labels=range(7), output_dict=True, zero_division=0
    )
    assert list(table["class"]) == NAMES
    for number, row in table.iterrows():
        expected = report[str(number)]
        assert row["pictures"] == expected["support"]
        if row["pictures"]:
            assert row["accuracy"] == pytest.approx(expected["recall"])
            assert row["right"] == round(expected["recall"] * expected["support"])
            interval = wilson_interval(row["accuracy"], row["pictures"])
            assert (row["low"], row["high"]) == pytest.approx(interval)


def test_the_usual_mistake_is_the_most_frequent_one_and_the_first_of_equals():
    scores = np.eye(4)[[0, 1, 1, 2, 1, 2, 3, 2]]  # the answers
    labels = ["beach"] * 4 + ["lake", "lake", "forest", "lake"]
    names = ["beach", "forest", "lake", "reef"]
    table = per_class_table(scores, labels, names).set_index("class")
    assert table["pictures"].tolist() == [4, 1, 3, 0]
    assert table["right"].tolist() == [1, 0, 2, 0]
    assert table["mistaken_for"].tolist() == ["forest", "reef", "forest", None]
    assert table["mistakes"].tolist() == [2, 1, 1, 0]
    assert np.isnan(table.loc["reef", ["accuracy", "low", "high"]].astype(float)).all()
    assert table.loc["beach", "accuracy"] == 0.25
    equal = per_class_table(np.eye(3)[[2, 1]], [0, 0], names[:3])
    assert equal["mistaken_for"][0] == "forest"


def test_of_equal_scores_the_first_class_is_taken_as_in_topk_accuracy():
    scores, labels = np.zeros((6, 3)), [0, 0, 1, 1, 2, 2]
    assert confusion(scores, labels)[:, 0].tolist() == [2, 2, 2]
    assert mean_per_class(scores, labels) == pytest.approx(topk_accuracy(scores, labels)[1])


def test_labels_are_names_or_numbers():
    assert class_numbers(["lake", "beach"], ["beach", "lake"]).tolist() == [1, 0]
    assert class_numbers(np.array(["lake"]), ["beach", "lake"]).tolist() == [1]
    assert class_numbers(torch.tensor([1, 0]), ["beach", "lake"]).tolist() == [1, 0]
    assert class_numbers([np.int64(1), np.uint8(0)], ["beach", "lake"]).tolist() == [1, 0]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_scores_of_every_number_format_are_counted(dtype):
    scores, labels = draw(0)
    coarse = scores.to(dtype)
    expected = sklearn.metrics.confusion_matrix(labels, coarse.float().numpy().argmax(axis=1), labels=range(7))
    assert np.array_equal(confusion(coarse, labels), expected)


@pytest.mark.parametrize("labels", [["beach", "lake"], [0.5, 1.0], [0, None]])
def test_a_confusion_says_that_it_takes_class_numbers(labels):
    with pytest.raises(ValueError, match="labels must hold whole numbers: give the class number"):
        confusion(np.zeros((2, 3)), labels)


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        (np.zeros((2, 3)), [0], r"scores \[2, 3\] and labels \[1\]"),
        (np.zeros((0, 3)), np.zeros(0, int), "n at least 1"),
        (np.zeros(3), [0, 1, 2], "give .n, classes."),
        (np.zeros((2, 3)), [0, 3], "class numbers from 0 to 2"),
        (np.zeros((2, 3)), [0, -1], "class numbers from 0 to 2"),
        (np.zeros((2, 3)), [0.5, 1.0], "a label is 0.5"),
        (np.array([[0, np.nan, 1]]), [0], "not finite"),
        (np.zeros((2, 3)), ["beach", "reef"], "not among the class names: reef"),
        (np.zeros((2, 3)), ["beach", None], "a label is None"),
        (np.zeros((2, 2)), [0, 1], "2 columns of scores for 3 class names"),
    ],
)
def test_what_is_no_answer_sheet_is_refused(scores, labels, message):
    with pytest.raises(ValueError, match=message):
        per_class_table(scores, labels, ["beach", "lake", "sea"])
