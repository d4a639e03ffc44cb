"""Intervals over seeds and pictures, against scipy, by hand, and by counting how often they hold the truth."""

import numpy as np
import pytest
from scipy import stats

from rsclip_lab.evaluation.intervals import wilson_interval
from rsclip_lab.evaluation.repeats import mean_interval, paired_effect, repeated_share_interval


@pytest.mark.parametrize("count", [2, 3, 10])
def test_the_interval_of_a_mean_is_scipys(count):
    values = np.random.default_rng(count).normal(3, 2, count)
    expected = stats.t.interval(0.95, count - 1, values.mean(), stats.sem(values))
    assert mean_interval(values) == pytest.approx(expected)
    assert stats.ttest_1samp(values, 0).confidence_interval() == pytest.approx(mean_interval(values))


def test_one_value_says_nothing_of_its_luck():
    assert np.isnan(mean_interval([0.5])).all()


def test_one_seed_has_wilsons_interval_and_several_a_wider_one():
    assert repeated_share_interval([0.7], 50) == pytest.approx(wilson_interval(0.7, 50))
    assert repeated_share_interval([0.7, 0.7, 0.7], 50) == pytest.approx(wilson_interval(0.7, 50))
    (low, high), (inner_low, inner_high) = repeated_share_interval([0.6, 0.7, 0.8], 50), wilson_interval(0.7, 50)
    students = stats.t.ppf(0.975, 2) * 0.1 / np.sqrt(3)
    assert low == pytest.approx(0.7 - np.hypot(0.7 - inner_low, students))
    assert high == pytest.approx(0.7 + np.hypot(inner_high - 0.7, students))
    assert repeated_share_interval([0.0, 1.0], 4) == (0, 1)  # a share goes no further


def test_of_many_grids_nineteen_in_twenty_intervals_hold_the_truth():
    """Pictures of unequal difficulty, seeds of unequal success: the interval is for others of both kinds."""
    random, held, truth = np.random.default_rng(0), 0, stats.norm.cdf(0.5 / np.sqrt(1 + 1 + 0.04))
    for _ in range(400):
        pictures, seeds = random.normal(0.5, 1, 100), random.normal(0, 0.2, 4)
        right = pictures[None] + seeds[:, None] + random.normal(0, 1, (4, 100)) > 0
        low, high = repeated_share_interval(right.mean(axis=1), 100)
        held += low < truth < high
    assert 0.94 <= held / 400 <= 0.995


def test_a_paired_effect_by_hand():
    gains = np.array([[1, 0, 0, 1], [0, 0, -1, 1]])
    found = paired_effect(gains)
    over_pairs = stats.t.ppf(0.975, 1) * np.std([0.5, 0.0], ddof=1) / np.sqrt(2)
    over_pictures = stats.norm.ppf(0.975) * np.std([0.5, 0, -0.5, 1], ddof=1) / 2
    assert found["difference"] == 0.25
    assert found["high"] - 0.25 == pytest.approx(np.hypot(over_pairs, over_pictures), rel=1e-6)
    assert 0.25 - found["low"] == pytest.approx(found["high"] - 0.25)
    single = paired_effect(gains[:1])
    expected = stats.norm.ppf(0.975) * stats.sem([1, 0, 0, 1])
    assert single["high"] - single["difference"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("wrong", [[], [[1, 2]]])
def test_what_is_no_list_of_numbers_is_refused(wrong):
    with pytest.raises(ValueError, match="a list of at least one number"):
        mean_interval(wrong)
    with pytest.raises(ValueError, match="a list of at least one number"):
        repeated_share_interval(wrong, 10)


def test_gains_need_pairs_and_pictures():
    for wrong in ([1, 0], np.zeros((0, 4)), np.zeros((2, 0))):
        with pytest.raises(ValueError, match="give .pairs, pictures., at least one of each"):
            paired_effect(wrong)
    with pytest.raises(ValueError, match="at least one picture"):
        repeated_share_interval([0.5], 0)
