"""Probes against scikit-learn on the same features, and their choices and refusals."""

from importlib import import_module

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier

from rsclip_lab.data import read_captions
from rsclip_lab.evaluation.probes import few_shot, knn, knn_probe, linear_probe, probe, probe_table
from rsclip_lab.evaluation.probes.linear import hold_out

NAMES = np.array(["beach", "forest", "harbour", "reef"])


@pytest.fixture
def sides():
    """(train features, train labels, test features, test labels): four kinds that overlap, of uneven numbers."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(4, 12))

    def side(counts):
        kinds = np.repeat(np.arange(4), counts)
        features = centres[kinds] + 2 * random.normal(size=(len(kinds), 12))
        order = random.permutation(len(kinds))
        return features[order].astype(np.float32), NAMES[kinds[order]]

    return *side([30, 25, 12, 20]), *side([20, 12, 8, 15])


def logistic(features, labels, C=1.0):
    return LogisticRegression(C=C, max_iter=1000).fit(features.astype(np.float64), labels)


def test_the_linear_probe_equals_scikit_learns(sides):
    train, labels, test, truth = sides
    found = linear_probe(*sides, C=0.5)
    reference = logistic(train, labels, 0.5)
    np.testing.assert_allclose(found.probabilities, reference.predict_proba(test.astype(np.float64)), atol=1e-6)
    assert found.accuracy == pytest.approx(accuracy_score(truth, found.predicted), abs=1e-12)
    assert found.mean_per_class == pytest.approx(balanced_accuracy_score(truth, found.predicted), abs=1e-12)
    assert found.accuracy != found.mean_per_class and 0.3 < found.accuracy < 1
    assert found.settings == {"C": 0.5} and found.per_class["pictures"].to_dict()["harbour"] == 8
    assert "linear" in found._repr_html_()


def test_C_is_chosen_on_held_out_training_pictures_and_all_are_trained_on(sides):
    train, labels, test, truth = sides
    choices = (1e-4, 1e-2, 1.0, 100.0)
    held_out = hold_out(labels, seed=3)
    part = train[~held_out], labels[~held_out]
    shares = [logistic(*part, C).score(train[held_out], labels[held_out]) for C in choices]
    assert len(set(shares)) > 1
    found = linear_probe(*sides, C=choices, seed=3)
    assert found.settings["C"] == choices[int(np.argmax(shares))]
    expected = logistic(train, labels, found.settings["C"]).predict_proba(test)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)


def test_a_validation_part_that_is_given_chooses(sides):
    train, labels, test, truth = sides
    choices = (1e-4, 1e-2, 1.0)
    shares = [logistic(train, labels, C).score(test[:30], truth[:30]) for C in choices]
    found = linear_probe(*sides, C=choices, validation=(test[:30], truth[:30]))
    assert found.settings["C"] == choices[int(np.argmax(shares))]


def test_a_fifth_of_each_class_is_held_out_and_never_its_last_picture():
    labels = np.repeat(["a", "b", "c"], [20, 3, 1])
    held_out = hold_out(labels)
    assert [held_out[labels == name].sum() for name in "abc"] == [4, 1, 0]
    assert (hold_out(labels) == held_out).all() and (hold_out(labels, seed=1) != held_out).any()
    with pytest.raises(ValueError, match="one training picture"):
        hold_out(["a", "b"])


@pytest.mark.parametrize("k", [1, 20, 87])
def test_knn_equals_scikit_learns_with_the_same_weights(sides, k, monkeypatch):
    train, labels, test, _ = sides
    monkeypatch.setattr(knn, "CHUNK", 87 * 4)  # several chunks
    reference = KNeighborsClassifier(
        k, weights=lambda distances: np.exp((1 - distances) / 0.07), metric="cosine", algorithm="brute"
    ).fit(train.astype(np.float64), labels)
    found = knn_probe(*sides, k=k)
    expected = reference.predict_proba(test.astype(np.float64))
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)
    np.testing.assert_array_equal(found.predicted, reference.predict(test.astype(np.float64)))
    assert found.settings == {"k": k, "temperature": 0.07}


def test_the_neighbours_features_are_no_more_than_a_chunk(sides, monkeypatch):
    sizes, votes = [], knn._votes

    def noted(queries, neighbours, *rest):
        sizes.append(neighbours.numel())
        return votes(queries, neighbours, *rest)

    whole = knn_probe(*sides).probabilities
    monkeypatch.setattr(knn, "_votes", noted)
    monkeypatch.setattr(knn, "CHUNK", 1000)  # four pictures' 20 neighbours of 12 values
    np.testing.assert_allclose(knn_probe(*sides).probabilities, whole, atol=1e-12)
    assert sum(sizes) == 55 * 20 * 12 and max(sizes) == 4 * 20 * 12


def test_tensors_and_numbers_for_labels_do_as_well(sides):
    train, labels, test, truth = sides
    numbers = [torch.from_numpy(np.searchsorted(NAMES, side)) for side in (labels, truth)]
    for method in (knn_probe, linear_probe):
        found = method(torch.from_numpy(train), numbers[0], torch.from_numpy(test), numbers[1])
        np.testing.assert_array_equal(NAMES[found.predicted], method(*sides).predicted)


def test_few_shot_is_the_mean_of_probes_on_so_many_pictures_a_class(sides, monkeypatch):
    module = import_module("rsclip_lab.evaluation.probes.few_shot")
    drawn, real = [], module.linear_probe

    def noted(features, labels, *rest, **options):
        found = real(features, labels, *rest, **options)
        drawn.append((features, labels, found.accuracy))
        return found

    monkeypatch.setattr(module, "linear_probe", noted)
    table = few_shot(*sides, shots=(4, 1, 16), draws=3)
    assert table["shots"].tolist() == [1, 4, 16] and table["fewer"].tolist() == [[], [], ["harbour"]]
    for row, k in enumerate((1, 4, 16)):
        of_k = drawn[row::3]
        for _, labels, _ in of_k:
            assert dict(zip(*np.unique(labels, return_counts=True), strict=True)) == {
                name: min(k, 12) if name == "harbour" else k for name in NAMES
            }
        shares = np.array([share for *_, share in of_k])
        assert table["accuracy"][row] == pytest.approx(shares.mean())
        half = 4.302653 * shares.std(ddof=1) / np.sqrt(3)  # Student's t with 2 degrees of freedom
        assert table["high"][row] - table["low"][row] == pytest.approx(2 * half, abs=1e-5)
    one, four = ({tuple(row) for row in features.tolist()} for features, *_ in drawn[:2])
    assert one < four
    assert len({tuple(map(tuple, features.tolist())) for features, *_ in drawn[::3]}) == 3
    assert few_shot(*sides, shots=(4, 1, 16), draws=3).equals(table)


def test_by_default_shots_end_where_no_class_has_more(sides):
    assert few_shot(*sides, draws=1)["shots"].tolist() == [1, 4, 8, 16]
    more = [np.concatenate([side, side]) for side in sides]
    table = few_shot(*more, draws=1)
    assert table["shots"].tolist() == [1, 4, 8, 16, 32]
    assert table["fewer"].tolist()[-1] == ["harbour"] and table["low"].isna().all()


def refused(sides, place, value):
    return [value if at == place else side for at, side in enumerate(sides)]


@pytest.mark.parametrize("method", [linear_probe, knn_probe, few_shot])
def test_sides_that_do_not_fit_are_refused(sides, method):
    train, labels, test, truth = sides
    spoilt = train.copy()
    spoilt[3, 3] = np.nan
    for place, value, message in (
        (0, train[:-1], r"training features \[86, 12\] and labels \[87\]"),
        (0, spoilt, "training features are not finite"),
        (1, np.full(len(labels), "beach"), "all training labels are 'beach': a probe"),
        (1, np.zeros(len(labels), int), "all training labels are 0: a probe"),
        (1, np.array([None, *labels[1:]], dtype=object), "1 of the training labels are missing"),
        (2, test[:, :5], "12 values, test features 5"),
        (2, test[:0], "test features"),
        (3, np.full(len(truth), "lake"), "no training picture has: lake"),
    ):
        with pytest.raises(ValueError, match=message):
            method(*refused(sides, place, value))


def test_settings_that_mean_nothing_are_refused(sides):
    for k in (0, 88):
        with pytest.raises(ValueError, match="1 to 87"):
            knn_probe(*sides, k=k)
    with pytest.raises(ValueError, match="above 0"):
        knn_probe(*sides, temperature=0)
    for C in (0, (), (1, -1)):
        with pytest.raises(ValueError, match="above 0"):
            linear_probe(*sides, C=C)
    for options in ({"shots": ()}, {"shots": (0, 1)}, {"draws": 0}):
        with pytest.raises(ValueError, match="at least one of each"):
            few_shot(*sides, **options)


def test_one_call_encodes_each_picture_once_and_gives_all_probes(random_clip, picture_folder):
    table = read_captions(picture_folder)
    train, test = table[table["split"] != "test"], table[table["split"] == "test"]
    seen = []
    random_clip.net.visual.register_forward_pre_hook(lambda module, inputs: seen.append(len(inputs[0])))
    found = probe(random_clip, train, test, C=1.0, draws=2)
    assert sum(seen) == 12
    sides = []
    for side in (train, test):
        pictures = side.drop_duplicates("image")
        sides += [random_clip.encode_images(list(pictures["image"])), pictures["label"].to_numpy()]
    np.testing.assert_allclose(found["linear"].probabilities, linear_probe(*sides, C=1.0).probabilities, atol=1e-6)
    np.testing.assert_allclose(found["knn"].probabilities, knn_probe(*sides, k=9).probabilities, atol=1e-6)
    assert found["few_shot"].equals(few_shot(*sides, draws=2))
    prompts = random_clip.encode_texts([f"a satellite view of {name}" for name in ("beach", "forest", "harbour")])
    cosines = random_clip.logit_scale * sides[2].double() @ prompts.double().T
    np.testing.assert_allclose(found["zero_shot"].probabilities, cosines.softmax(dim=1), atol=1e-5)
    summary = probe_table({"base": found})
    assert list(summary.columns) == ["zero-shot", "linear probe", "kNN", "1-shot"]
    assert summary.loc["base", "kNN"] == found["knn"].accuracy


def test_a_probe_needs_tables_labels_templates_and_a_model(random_clip, picture_folder, monkeypatch):
    table = read_captions(picture_folder)
    with pytest.raises(ValueError, match="no picture of the test table has a label"):
        probe(random_clip, table, table.assign(label=None))
    with pytest.raises(TypeError, match="takes a loaded model"):
        probe("tiny", table, table)
    with pytest.raises(ValueError, match="the training table has no column label"):
        probe(random_clip, table.drop(columns="label"), table)
    with pytest.raises(ValueError, match="the test table is no table but str"):
        probe(random_clip, table, "captions.csv")
    with pytest.raises(ValueError, match="the test table, row 5: no image"):
        probe(random_clip, table, table.assign(image=table["image"].where(table.index != 5)))
    monkeypatch.setattr(random_clip, "encode_images", lambda some: pytest.fail("encoded before it was checked"))
    with pytest.raises(ValueError, match="lacks {label}"):
        probe(random_clip, table, table, templates=["photo"])


def test_a_probe_takes_the_first_label_that_a_picture_has(random_clip, picture_folder):
    table = read_captions(picture_folder)
    twice = pd.concat([table.assign(label=None), table], ignore_index=True)
    parts = [(some[some["split"] != "test"], some[some["split"] == "test"]) for some in (table, twice)]
    by_one, by_two = (probe(random_clip, *part, C=1.0, shots=[1], draws=1) for part in parts)
    np.testing.assert_array_equal(by_two["knn"].labels, by_one["knn"].labels)
    np.testing.assert_allclose(by_two["knn"].probabilities, by_one["knn"].probabilities, atol=1e-6)
