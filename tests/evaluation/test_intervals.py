"""Intervals agree with independent implementations, and say less than a naive reading of them."""

import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap

from rsclip_lab.evaluation import intervals, paired_difference, wilson_interval
from rsclip_lab.evaluation.intervals import bootstrap_interval, holm, paired_test


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


@pytest.mark.parametrize(("statistic", "columns"), [(None, None), (np.median, None), ("ratio", 2)])
def test_the_bootstrap_equals_scipys_on_the_same_draws(statistic, columns):
    random = np.random.default_rng(5)
    values = random.random((60, columns) if columns else 60)
    if statistic == "ratio":  # of sums, as the recall of captions is: scipy draws the numbers of the rows
        found = bootstrap_interval(values, lambda rows: rows[:, 0].sum() / rows[:, 1].sum(), draws=500, seed=9)
        sample, reduce = np.arange(60), lambda rows: values[rows][:, 0].sum() / values[rows][:, 1].sum()
    else:
        found = bootstrap_interval(values, statistic, draws=500, seed=9)
        sample, reduce = values, statistic or np.mean
    options = {"n_resamples": 500, "method": "percentile", "vectorized": False, "rng": np.random.default_rng(9)}
    expected = bootstrap((sample,), reduce, **options).confidence_interval
    assert found == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_many_pictures_are_drawn_a_few_at_a_time_and_the_same(monkeypatch):
    values = np.random.default_rng(0).random(50)
    expected = bootstrap_interval(values, draws=101, level=0.9)
    monkeypatch.setattr(intervals, "AT_A_TIME", 170)
    assert bootstrap_interval(values, draws=101, level=0.9) == expected
    low, high = bootstrap_interval(values, draws=101)  # of 95 %
    assert low < expected[0] < expected[1] < high


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([], {}, "at least one picture"),
        ([[[1.0]]], {}, "one row a picture"),
        ([0.5, np.nan], {}, "not finite have no interval"),
        ([0.5], {"level": 95}, "between 0 and 1"),
        ([0.5], {"draws": 0}, "at least one draw"),
    ],
)
def test_what_has_no_interval_is_refused(values, options, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(values, **options)


@pytest.mark.parametrize(
    ("only_first", "only_second"), [(0, 0), (0, 1), (3, 3), (2, 9), (30, 12), (0, 250), (700, 640), (1, 1500)]
)
def test_mcnemars_p_is_that_of_a_coin(only_first, only_second):
    first = np.r_[np.ones(40 + only_first), np.zeros(only_second + 5)].astype(bool)
    second = np.r_[np.ones(40), np.zeros(only_first), np.ones(only_second), np.zeros(5)].astype(bool)
    found = paired_test(first, second)
    assert (found.both, found.only_first, found.only_second, found.neither) == (40, only_first, only_second, 5)
    thrown = only_first + only_second
    assert found.p == pytest.approx(binomtest(only_second, thrown).pvalue if thrown else 1, abs=1e-12, rel=1e-12)
    gain = paired_difference(first, second)
    assert {"difference": found.difference, "low": found.low, "high": found.high} == gain


def test_the_verdict_says_in_words_which_is_better_or_that_nobody_knows():
    better = paired_test([0] * 9 + [1], [1] * 9 + [0])  # p 0.0215
    assert better.verdict == "better" and str(better).startswith("better: +0.800 [")
    assert paired_test([1] * 9 + [0], [0] * 9 + [1]).verdict == "worse"
    five = paired_test([0] * 5 + [1] * 9, [1] * 14)  # five won and none lost: p 0.0625
    assert five.difference > 0.3 and five.verdict == "no evidence of a difference"
    assert paired_test([1, 0], [1, 0]).verdict == "no evidence of a difference"


def test_a_paired_test_needs_right_or_wrong_answers_to_the_same_pictures():
    with pytest.raises(ValueError, match="right .True. or wrong"):
        paired_test([0.3, 1], [1, 1])
    with pytest.raises(ValueError, match="same pictures"):
        paired_test([True], [True, False])


def test_holm_corrects_as_by_hand_and_leaves_out_what_was_not_tested():
    # Sorted 0.01, 0.02, 0.03, 0.4: times 4, 3, 2, 1, never below the one before.
    assert holm([0.03, 0.4, np.nan, 0.01, 0.02]) == pytest.approx([0.06, 0.4, np.nan, 0.04, 0.06], nan_ok=True)
    assert holm([0.6, 0.9]) == [1, 1] and holm([]) == []
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([1.5])


def test_luck_alone_passes_holms_bar_in_no_more_than_5_percent_of_cases():
    p_values = np.random.default_rng(1).random((2000, 8))  # of eight tests where there is nothing to be found
    found = np.mean([min(holm(some)) < 0.05 for some in p_values])
    assert found < 0.06 < np.mean(p_values.min(axis=1) < 0.05)
