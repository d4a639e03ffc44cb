"""Intervals agree with independent implementations, and say less than a naive reading of them."""

import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap

from rsclip_lab.evaluation import paired_difference, wilson_interval


@pytest.mark.parametrize("right, total", [(0, 20), (20, 20), (13, 20), (151, 180), (1, 1), (500, 1027)])
def test_wilson_interval_equals_scipys(right, total):
    expected = binomtest(right, total).proportion_ci(0.95, method="wilson")
    assert wilson_interval(right / total, total) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_an_interval_needs_pictures_and_a_share():
    with pytest.raises(ValueError, match="at least one picture"):
        wilson_interval(0.5, 0)
    with pytest.raises(ValueError, match="from 0 to 1"):
        wilson_interval(83.0, 180)


def test_paired_difference_agrees_with_scipys_bootstrap():
    random = np.random.default_rng(3)
    first = random.random(150) < 0.6
    second = np.where(random.random(150) < 0.2, random.random(150) < 0.9, first)
    found = paired_difference(first, second)
    gain = second.astype(float) - first
    reference = bootstrap((gain,), np.mean, method="percentile", rng=random).confidence_interval
    assert found["difference"] == pytest.approx(second.mean() - first.mean())
    assert (found["low"], found["high"]) == pytest.approx((reference.low, reference.high), abs=0.02)


def test_pairing_tells_apart_what_two_intervals_cannot():
    first = np.arange(100) < 70
    second = np.arange(100) < 77  # right wherever the first is right, and on seven pictures more
    assert wilson_interval(0.70, 100)[1] > wilson_interval(0.77, 100)[0]  # the intervals overlap
    assert paired_difference(first, second)["low"] > 0


def test_equal_answers_differ_by_nothing_and_different_pictures_are_refused():
    assert paired_difference([1, 0, 1], [1, 0, 1]) == {"difference": 0, "low": 0, "high": 0}
    with pytest.raises(ValueError, match="same pictures"):
        paired_difference([1, 0, 1], [1, 0])
