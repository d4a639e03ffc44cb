"""Reliability diagrams and the figure of templates show what they are given."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from rsclip_lab.evaluation.calibration import calibration_error, reliability_table
from rsclip_lab.show.style import BLUE, ORANGE, RED
from rsclip_lab.show.zero_shot_figures import plot_prompt_table, plot_reliability


@pytest.fixture
def tables():
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(4) * 0.5, 300)
    labels = random.integers(4, size=300)
    return {"base": reliability_table(probabilities, labels), "clip": reliability_table(probabilities, labels, 5)}, (
        calibration_error(probabilities, labels)
    )


def test_each_filled_bin_has_its_dot_its_gap_and_its_number_of_pictures(tables):
    tables, error = tables
    figure = plot_reliability(tables)
    upper, lower = figure.axes[:2], figure.axes[2:]
    assert upper[0].get_title() == f"before\ncalibration error {error:.3f}"
    for name, diagram, counts in zip(tables, upper, lower, strict=True):
        filled = tables[name][tables[name]["pictures"] > 0]
        (dots,) = [line for line in diagram.lines if line.get_marker() == "o"]
        np.testing.assert_allclose(dots.get_xdata(), filled["confidence"])
        np.testing.assert_allclose(dots.get_ydata(), filled["accuracy"])
        assert [bar.get_height() for bar in counts.patches] == tables[name]["pictures"].tolist()
        middles = [bar.get_x() + bar.get_width() / 2 for bar in counts.patches]
        np.testing.assert_allclose(middles, (tables[name]["low"] + tables[name]["high"]) / 2)


def test_the_colour_of_a_gap_says_on_which_side_it_is():
    table = reliability_table([[0.9, 0.1], [0.95, 0.05], [0.6, 0.4], [0.65, 0.35]], [1, 0, 0, 0], bins=2)
    table = pd.concat([table.assign(accuracy=0.5), table.assign(accuracy=1.0)])
    axes = plot_reliability(table).axes[0]
    gaps = {
        (to_hex(bar.get_facecolor()).upper(), round(bar.get_height(), 3)) for bar in axes.patches if bar.get_height()
    }
    assert gaps == {(ORANGE, round(0.5 - 0.775, 3)), (BLUE, round(1 - 0.775, 3))}


def test_templates_stand_in_order_with_the_ensemble_last():
    rows = [("a", 0.5, 0.4, 0.6, 0.1), ("b", 0.7, 0.6, 0.8, 0.05), ("ensemble", 0.65, 0.55, 0.75, 0.0)]
    table = pd.DataFrame(rows, columns=["template", "top1", "low", "high", "changed"]).assign(pictures=100)
    figure = plot_prompt_table(table)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "a", "ensemble"]
    dots = [line for line in axes.lines if line.get_marker() in ("o", "D")]
    assert [dot.get_xdata()[0] for dot in dots] == [0.7, 0.5, 0.65]
    assert [dot.get_marker() for dot in dots] == ["o", "o", "D"]
    bars = [line for line in axes.lines if len(set(line.get_xdata())) == 2 and line not in dots]
    assert [tuple(bar.get_xdata()) for bar in bars] == [(0.6, 0.8), (0.4, 0.6), (0.55, 0.75)]
    assert [to_hex(bar.get_color()).upper() for bar in bars] == [BLUE, BLUE, RED]
    assert [text.get_text() for text in axes.texts] == [
        "70.0 %, 5 % other answers",
        "50.0 %, 10 % other answers",
        "65.0 %",
    ]
    assert axes.get_ylim()[0] > axes.get_ylim()[1] and "100 pictures" in axes.get_xlabel()


def test_long_templates_and_names_are_cut():
    rows = [("a {label} " * 30, 0.5, 0.4, 0.6, 0.1), ("ensemble", 0.65, 0.55, 0.75, 0.0)]
    table = pd.DataFrame(rows, columns=["template", "top1", "low", "high", "changed"]).assign(pictures=100)
    label = plot_prompt_table(table).axes[0].get_yticklabels()[0].get_text()
    assert label.startswith("a {label} a {label}") and label.endswith("…") and label.count("\n") == 1
    reliability = reliability_table([[0.9, 0.1], [0.6, 0.4]], [1, 0])
    title = plot_reliability({"x" * 200: reliability, "clip": reliability}).axes[0].get_title()
    assert title.count("\n") == 2 and "x…" in title
