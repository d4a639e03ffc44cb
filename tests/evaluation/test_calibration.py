"""Reliability is scikit-learn's calibration curve; its error and the temperature are those of Guo et al. 2017."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from rsclip_lab.evaluation.calibration import calibration_error, error_of, fitted_temperature, reliability_table


def draw(seed, pictures=400, classes=6, sureness=2.0):
    random = np.random.default_rng(seed)
    labels = random.integers(classes, size=pictures)
    scores = sureness * (random.normal(size=(pictures, classes)) + np.eye(classes)[labels])
    return torch.tensor(scores), torch.tensor(labels)


@pytest.mark.parametrize("bins", [1, 7, 15])
@pytest.mark.parametrize("seed", range(3))
def test_bins_are_scikit_learns(seed, bins):
    scores, labels = draw(seed)
    probabilities = scores.softmax(dim=1)
    confidence, answers = probabilities.max(dim=1)
    accuracy, sureness = calibration_curve(answers == labels, confidence, n_bins=bins)
    table = reliability_table(probabilities, labels, bins)
    filled = table[table["pictures"] > 0]
    np.testing.assert_allclose(filled["accuracy"], accuracy, atol=1e-9)
    np.testing.assert_allclose(filled["confidence"], sureness, atol=1e-9)
    assert len(table) == bins and table["pictures"].sum() == len(labels)
    assert table[table["pictures"] == 0][["accuracy", "confidence"]].isna().all(axis=None)


def test_several_labels_are_as_many_questions():
    random = np.random.default_rng(0)
    probabilities, truth = random.random((50, 4)), random.random((50, 4)) < 0.3
    accuracy, sureness = calibration_curve(truth.ravel(), probabilities.ravel(), n_bins=15)
    table = reliability_table(probabilities, truth)
    np.testing.assert_allclose(table["accuracy"], accuracy, atol=1e-9)
    np.testing.assert_allclose(table["confidence"], sureness, atol=1e-9)
    assert table["pictures"].sum() == 200


def test_a_probability_on_an_edge_belongs_to_the_lower_bin():
    probabilities = [[0.5, 0.5, 0.0], [0.75, 0.25, 0.0], [1.0, 0.0, 0.0]]
    table = reliability_table(probabilities, [0, 1, 0], bins=4)
    assert table["pictures"].tolist() == [0, 1, 1, 1]
    assert table["low"].tolist() == [0, 0.25, 0.5, 0.75] and table["high"].tolist() == [0.25, 0.5, 0.75, 1]
    assert table["accuracy"].tolist()[1:] == [1, 0, 1]


@pytest.mark.parametrize("seed", range(3))
def test_the_error_is_the_papers_sum_over_bins(seed):
    scores, labels = draw(seed)
    probabilities = scores.softmax(dim=1).numpy()
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels.numpy()
    expected = 0.0
    for number in range(15):
        inside = (confidence > number / 15) & (confidence <= (number + 1) / 15)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert calibration_error(probabilities, labels) == pytest.approx(expected, abs=1e-9)
    assert error_of(reliability_table(probabilities, labels)) == pytest.approx(expected, abs=1e-9)


def test_the_number_of_bins_may_be_numpys():
    scores, labels = draw(0)
    probabilities = scores.softmax(dim=1)
    assert calibration_error(probabilities, labels, np.int64(10)) == calibration_error(probabilities, labels, 10)


def test_who_is_always_sure_is_off_by_the_share_of_mistakes():
    probabilities = np.eye(2)[[0, 0, 0, 1]]
    assert calibration_error(probabilities, [0, 0, 1, 0]) == 0.5
    assert calibration_error(probabilities, [0, 0, 0, 1]) == 0


@pytest.mark.parametrize("sureness", [0.3, 1.0, 5.0])
def test_the_temperature_is_the_least_surprised_one(sureness):
    scores, labels = draw(0, sureness=sureness)

    def surprise(log_temperature):
        return log_loss(labels, (scores / np.exp(log_temperature)).softmax(dim=1).numpy())

    best = minimize_scalar(surprise, bounds=(-4, 4), method="bounded", options={"xatol": 1e-9})
    found = fitted_temperature(scores, labels)
    assert found == pytest.approx(np.exp(best.x), rel=1e-4)
    assert surprise(np.log(found)) <= best.fun + 1e-9
    assert fitted_temperature(10 * scores, labels) == pytest.approx(10 * found, rel=1e-6)


def test_where_all_are_right_the_temperature_ends_at_its_limit():
    scores, labels = np.eye(3), [0, 1, 2]
    assert fitted_temperature(scores, labels) == pytest.approx(1e-3)
    assert fitted_temperature(-scores, labels) == pytest.approx(1e3)


@pytest.mark.parametrize(
    ("probabilities", "labels", "bins", "message"),
    [
        ([[0.5, 0.5]], [0], 0, "0 bins"),
        ([[0.5, 0.5]], [0], 2.5, "2.5 bins"),
        ([[1.5, 0.5]], [0], 15, "from 0 to 1"),
        ([[-0.5, 0.5]], [0], 15, "from 0 to 1"),
        ([[np.nan, 0.5]], [0], 15, "not finite"),
        ([[np.nan, 0.5]], [[0, 1]], 15, "from 0 to 1"),
        ([[0.5, 0.5]], [2], 15, "class numbers from 0 to 1"),
        ([[0.5, 0.5]], [0, 1], 15, "probabilities|scores"),
        ([[0.5, 0.5]], [[0, 2]], 15, "the labels 0 or 1"),
        ([[0.5, 0.5]], [[0, 1, 1]], 15, "twice .n, classes."),
        (np.zeros((0, 2)), np.zeros(0, int), 15, "n at least 1"),
    ],
)
def test_what_is_no_probability_is_refused(probabilities, labels, bins, message):
    with pytest.raises(ValueError, match=message):
        reliability_table(np.array(probabilities), np.array(labels), bins)
