"""Figures about loading show the boxes, seconds and shares they are given."""

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from rsclip_lab.data.readers.detection import Box
from rsclip_lab.show import loading_figures as figures
from rsclip_lab.show.style import CYCLE


def test_every_box_is_drawn_in_the_colour_of_its_kind_and_the_captions_stand_beside():
    boxes = [Box("ship", 2, 3, 12, 8), Box("pier", 0, 0, 5, 20), Box("ship", 20, 20, 30, 25)]
    figure = figures.plot_boxes(np.zeros((40, 40, 3), np.uint8), boxes, ["two ships", "a pier at the edge"])
    picture, words = figure.axes
    drawn = [(patch.get_x(), patch.get_width(), to_hex(patch.get_edgecolor()).upper()) for patch in picture.patches]
    assert drawn == [(1.5, 10, CYCLE[0].upper()), (-0.5, 5, CYCLE[1].upper()), (19.5, 10, CYCLE[0].upper())]
    assert "a pier at the edge" in words.texts[0].get_text()
    assert [label.get_text() for label in words.get_legend().get_texts()] == ["ship: 2", "pier: 1"]


def test_the_first_pass_may_cost_more_than_the_later_ones():
    figure = figures.plot_passes({"open": (3.0, 3.0), "decode once": (2.0, 0.1)}, passes=5)
    (axes,) = figure.axes
    assert [line.get_ydata()[-1] for line in axes.lines] == [15.0, 2.4]
    assert [line.get_ydata()[0] for line in axes.lines] == [0, 0]
    assert [text.get_text() for text in axes.texts] == ["15.0 s", "2.4 s"]


def test_shares_are_drawn_in_percent_at_their_batch_sizes():
    shares = {"drawn": pd.Series([0.1, 0.5], index=[32, 256]), "distinct": pd.Series([0.0, 0.0], index=[32, 256])}
    (axes,) = figures.plot_false_negatives(shares).axes
    assert axes.lines[0].get_xydata().tolist() == [[32, 10], [256, 50]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["32", "256"]
