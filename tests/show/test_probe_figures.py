"""The figures of the probes show what they are given."""

import numpy as np
import pandas as pd
import pytest

from rsclip_lab.evaluation.probes import CountingResult
from rsclip_lab.show.probe_figures import plot_counting, plot_few_shot


def few(*shares):
    shares = np.array(shares)
    return pd.DataFrame({"shots": [1, 4, 8], "accuracy": shares, "low": shares - 0.1, "high": shares + 0.05})


def test_few_shot_has_a_line_and_a_band_a_model_and_zero_shot_dashed():
    figure = plot_few_shot({"base": few(0.3, 0.5, 0.6), "clip": few(0.5, 0.7, 0.8)}, {"base": 0.4})
    axes = figure.axes[0]
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines) == ["before", "before, zero-shot", "CLIP loss"]
    assert lines["CLIP loss"].get_ydata().tolist() == [0.5, 0.7, 0.8]
    assert lines["before, zero-shot"].get_linestyle() == "--" and set(lines["before, zero-shot"].get_ydata()) == {0.4}
    assert lines["before, zero-shot"].get_color() == lines["before"].get_color() != lines["CLIP loss"].get_color()
    edges = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert edges.min() == pytest.approx(0.2) and edges.max() == pytest.approx(0.65)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "4", "8"]


def test_few_shot_of_one_draw_and_of_nothing():
    table = few(0.3, 0.5, 0.6).assign(low=np.nan, high=np.nan)
    assert len(plot_few_shot({"base": table}).axes[0].lines) == 1
    with pytest.raises(ValueError, match="no table"):
        plot_few_shot({})


def test_counting_shows_shares_of_each_row():
    table = pd.DataFrame({"image": "a", "kind": "car", "count": [1, 1, 1, 1, 7], "predicted": [1, 1, 1, 4, 4]})
    axes = plot_counting(CountingResult(table, left_out=0)).axes[0]
    shares = np.asarray(axes.images[0].get_array())
    assert shares.shape == (10, 10) and shares[0, 0] == 0.75 and shares[0, 3] == 0.25 and shares[6, 3] == 1
    assert shares.sum() == 2
    assert axes.get_yticklabels()[0].get_text() == "1  (n = 4)"
    assert "60 % right" in axes.get_title()
    assert {text.get_text() for text in axes.texts} == {"", "75", "25", "100"}
