"""The figure of a range test shows every step, and the suggestion where there is one."""

import numpy as np
import pandas as pd
import pytest

from rsclip_lab.show.range_figures import plot_range_test
from rsclip_lab.training.trials.range_test import RangeTest


def of(losses):
    rates = np.geomspace(1e-6, 1e-1, len(losses))
    return RangeTest(pd.DataFrame({"learning_rate": rates, "loss": losses, "smoothed": losses}))


def test_the_losses_lie_over_a_logarithmic_rate_and_the_suggestion_is_marked(tmp_path):
    test = of([4.0, 4.0, 3.0, 2.0, 3.0, 400.0])
    figure = plot_range_test(test)
    figure.savefig(tmp_path / "range.png")
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.lines}
    assert axes.get_xscale() == "log"
    assert list(lines["each step"].get_ydata()) == [4.0, 4.0, 3.0, 2.0, 3.0, 400.0]
    assert list(lines["each step"].get_xdata()) == pytest.approx(test.table["learning_rate"])
    assert list(lines[f"suggested: {test.suggested:.1e}"].get_xdata()) == [test.suggested] * 2
    assert axes.get_ylim()[1] < 10  # what is to be seen is not pressed flat by the explosion


def test_without_a_suggestion_nothing_is_marked():
    labels = [line.get_label() for line in plot_range_test(of([3.0, 3.0, 4.0])).axes[0].lines]
    assert labels == ["each step", "smoothed"]


def test_rates_are_written_without_maths():
    figure = plot_range_test(of([4.0, 3.0, 2.0, 3.0]))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    said = [label.get_text() for which in ("major", "minor") for label in axes.get_xticklabels(which=which)]
    assert {"1e\N{MINUS SIGN}05", "1e\N{MINUS SIGN}03"} <= set(said) and "$" not in "".join(said)
