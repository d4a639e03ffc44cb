"""The figures and tables of lessons 04 and 05 show what they are given."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from rsclip_lab import show
from rsclip_lab.evaluation import wilson_interval
from rsclip_lab.show.style import RUN_COLOURS
from rsclip_lab.training import clip_loss


def panels(figure):
    return [axes for axes in figure.axes if axes.get_title()]


def test_similarity_matrices_share_one_colour_scale_that_ends_at_one():
    sharp, collapsed = np.eye(3) * 0.9 - 0.2, np.full((3, 3), 0.99)
    matrices = {"clip": sharp, "positives_only": collapsed}
    figure = show.plot_similarity_matrices(matrices, ["reef", "ship", "crane"])
    drawn = [axes.images[0] for axes in panels(figure)]
    assert [axes.get_title() for axes in panels(figure)] == ["CLIP loss", "positives-only loss"]
    assert [image.get_clim() for image in drawn] == [(-0.2, 1)] * 2
    assert np.array_equal(drawn[0].get_array(), sharp) and np.array_equal(drawn[1].get_array(), collapsed)


def test_loss_pieces_hold_the_loss_on_their_diagonals():
    features = torch.nn.functional.normalize(torch.randn(2, 4, 8, generator=torch.manual_seed(0)), dim=-1)
    figure = show.plot_loss_pieces(features[0] @ features[1].T, 10.0)
    cosines, rows, columns = (np.asarray(axes.images[0].get_array()) for axes in panels(figure))
    assert np.allclose(cosines, features[0] @ features[1].T)
    assert np.allclose(rows.sum(axis=1), 1) and np.allclose(columns.sum(axis=0), 1)
    by_hand = -(np.log(np.diag(rows)).mean() + np.log(np.diag(columns)).mean()) / 2
    assert by_hand == pytest.approx(float(clip_loss(*features, 10.0)), abs=1e-5)


def test_topk_table_writes_each_share_with_its_interval():
    table = show.topk_table({"base": {1: 0.5, 3: 0.75}, "clip": {1: 0.9, 3: 1.0}}, pictures=180)
    assert list(table.index) == ["before", "CLIP loss"] and list(table.columns) == ["k=1", "k=3"]
    low, high = wilson_interval(0.9, 180)
    assert table.loc["CLIP loss", "k=1"] == f"0.900 [{low:.2f}, {high:.2f}]"


def test_recall_table_is_in_percent_both_ways():
    recall = {"image_to_text": {1: 0.1, 5: 0.3}, "text_to_image": {1: 0.2, 5: 0.4}}
    table = show.recall_table({"replay": {"recall": recall, "mean_recall": 0.25}})
    assert table.loc["CLIP loss + replay"].tolist() == [10, 30, 20, 40, 25]
    assert table.columns[2] == ("text → image", "R@1")


def test_intervals_stand_around_their_dots_in_the_colour_of_the_run():
    shares = {"coast": {"base": 0.2, "clip": 0.9}, "land": {"base": 0.7, "clip": 0.3}}
    figure = show.plot_intervals(shares, {"coast": 180, "land": 20})
    coast, land = figure.axes
    bars, dots = land.lines[::2], land.lines[1::2]
    assert [dot.get_xdata()[0] for dot in dots] == [0.7, 0.3]
    assert tuple(bars[1].get_xdata()) == wilson_interval(0.3, 20)
    assert [to_hex(bar.get_color()).upper() for bar in bars] == [RUN_COLOURS["base"], RUN_COLOURS["clip"]]
    assert np.ptp(bars[0].get_xdata()) > np.ptp(coast.lines[0].get_xdata())  # fewer pictures, less sure


def test_per_class_puts_the_most_gained_on_top():
    before, after = {"reef": 0.5, "ship": 0.1, "crane": 0.4}, {"reef": 0.6, "ship": 0.9, "crane": 0.2}
    figure = show.plot_per_class(before, after)
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["ship", "reef", "crane"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first row is the upper one
    dots = [np.asarray(marks.get_offsets())[:, 0].tolist() for marks in axes.collections]
    assert dots == [[0.1, 0.5, 0.4], [0.9, 0.6, 0.2]]
