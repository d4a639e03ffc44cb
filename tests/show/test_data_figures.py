"""The figures of the first three lessons show what they are given."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from open_clip.transformer import QuickGELU
from scipy.stats import norm

from rsclip_lab.show import data_figures as figures
from rsclip_lab.show.style import BLUE, GREY, ORANGE, RED


def bar_values(axes, along="width"):
    return [getattr(bar, f"get_{along}")() for bar in axes.patches]


def test_activations_are_drawn_with_their_difference():
    figure = figures.plot_activations({"GELU": torch.nn.GELU(), "QuickGELU": QuickGELU()})
    curves, difference = figure.axes
    gelu, quick_gelu = (line.get_ydata() for line in curves.lines)
    x = curves.lines[0].get_xdata()
    assert gelu == pytest.approx(x * norm.cdf(x), abs=1e-6)
    assert quick_gelu == pytest.approx(x / (1 + np.exp(-1.702 * x)), abs=1e-6)
    assert np.array_equal(difference.lines[0].get_ydata(), quick_gelu - gelu)


def test_confidence_has_one_panel_a_method_and_one_bar_a_prompt():
    picture = np.zeros((8, 8, 3), np.uint8)
    figure = figures.plot_confidence(picture, {"raw": [0.4, 0.6], "scaled": [0.1, 0.9]}, ["a ship", "a reef"])
    panels = [axes for axes in figure.axes if axes.patches]
    assert [axes.get_title() for axes in panels] == ["raw", "scaled"]
    assert bar_values(panels[0]) == [0.4, 0.6]
    assert bar_values(panels[1]) == [0.1, 0.9]
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["a ship", "a reef"]


def test_stages_slower_than_the_one_to_feed_stand_out():
    figure = figures.plot_throughput({"decode": 50.0, "gather": 5000.0, "train": 200.0}, needed="train")
    (axes,) = figure.axes
    assert bar_values(axes) == [50.0, 5000.0, 200.0]
    assert [to_hex(bar.get_facecolor()).upper() for bar in axes.patches] == [ORANGE, BLUE.upper(), GREY]
    assert axes.get_xscale() == "log"


def test_throughput_without_a_stage_to_feed_marks_none():
    figure = figures.plot_throughput({"a": 1.0, "b": 2.0})
    assert {to_hex(bar.get_facecolor()).upper() for bar in figure.axes[0].patches} == {BLUE.upper()}
    assert not figure.axes[0].lines


def test_shared_captions_off_the_diagonal_are_counted_and_marked():
    figure = figures.plot_shared_captions(["reef", "ship", "reef", "reef", "crane"])
    (axes,) = figure.axes
    kind = np.asarray(axes.images[0].get_array())
    assert (np.diag(kind) == 1).all()
    assert (kind == 2).sum() == 3 * 2  # three pictures share a caption: each is wrong for two others
    assert "(6)" in axes.get_legend().get_texts()[1].get_text()


def test_distinct_captions_leave_the_diagonal_alone():
    kind = np.asarray(figures.plot_shared_captions(["a", "b", "c"]).axes[0].images[0].get_array())
    assert (kind == np.eye(3)).all()


@pytest.mark.parametrize(("lengths", "cut"), [([8, 9, 77], 0), ([8, 78, 200], 2)])
def test_lengths_count_the_captions_that_are_cut(lengths, cut):
    (axes,) = figures.plot_caption_lengths(lengths, context=77).axes
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert f"cut: {cut}" in words
    counts = {BLUE.upper(): 0, RED: 0}
    for bar in axes.patches:
        counts[to_hex(bar.get_facecolor()).upper()] += bar.get_height()
    assert counts == {BLUE.upper(): len(lengths) - cut, RED: cut}


def test_a_figure_with_pictures_shows_itself_as_jpeg_others_as_png():
    plain = figures.plot_caption_lengths([5, 6], 77)
    assert plain._repr_png_().startswith(b"\x89PNG") and plain._repr_jpeg_() is None
    photo = figures.plot_confidence(np.zeros((8, 8, 3), np.uint8), {"raw": [0.5, 0.5]}, ["a", "b"])
    assert photo._repr_jpeg_().startswith(b"\xff\xd8") and photo._repr_png_() is None
