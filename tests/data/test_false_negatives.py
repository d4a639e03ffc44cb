"""The share of false negatives is the true one, by counting all cases and by drawing many."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest

from rsclip_lab.data.false_negatives import false_negative_shares, same_text


def table(*captions_of_pictures):
    rows = [(str(number), text) for number, texts in enumerate(captions_of_pictures) for text in texts]
    return pd.DataFrame(rows, columns=["image", "caption"], dtype=object)


def shared(texts):
    return sum(texts.count(text) > 1 for text in texts) / len(texts)


PICTURES = [("a", "b"), ("a", "a", "c"), ("c",), ("d", "a"), ("A.", "b")]


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_equal_to_the_mean_over_all_batches_and_all_choices(size):
    means = [
        np.mean([shared(list(choice)) for choice in product(*batch)]) for batch in combinations(PICTURES, size)
    ]
    found = false_negative_shares(table(*PICTURES), [size])
    assert found.loc[size, "exact"] == pytest.approx(np.mean(means), abs=1e-9)
    assert found.loc[size, "normalised"] > found.loc[size, "exact"]


def test_equal_to_drawing_many_batches():
    random = np.random.default_rng(0)
    pictures = [[f"text {t}" for t in random.zipf(1.5, 5)] for _ in range(300)]
    drawn = [
        shared([pictures[i][random.integers(5)] for i in random.choice(300, 32, replace=False)]) for _ in range(3000)
    ]
    found = false_negative_shares(table(*pictures), [32]).loc[32, "exact"]
    assert abs(found - np.mean(drawn)) < 4 * np.std(drawn) / np.sqrt(len(drawn))


def test_templates_repeat_nearly_always_and_distinct_captions_never():
    assert false_negative_shares(table(*[("forest",), ("beach",)] * 5000), [256]).loc[256, "exact"] > 0.999999
    assert (false_negative_shares(table(*[(f"text {n}",) for n in range(100)])) == 0).all(axis=None)
    assert (false_negative_shares(table(("a",))) == 0).all(axis=None)


def test_normalised_drops_case_punctuation_and_spaces():
    assert same_text("  Many planes, parked\n at an Airport .") == "many planes parked at an airport"
