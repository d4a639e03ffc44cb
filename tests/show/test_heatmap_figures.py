"""Heatmaps over pictures, and the pointing game as bars."""

import numpy as np
import pandas as pd
import pytest

from rsclip_lab.evaluation.localisation import Localisation
from rsclip_lab.show.heatmap_figures import plot_heatmap, plot_localisation

PICTURE = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)


def hill(row, column):
    heatmap = np.full((30, 50), 0.2)
    heatmap[row, column] = 0.9
    return heatmap


def result(pointing, centre, kinds=("car", "house")):
    rows = [
        {"image": str(n), "kind": kind, "pointing": hit, "centre": guess, "random": 0.05}
        | dict.fromkeys(["r_su", "r_as", "r_da", "r_mi"], 0.5)
        for n, (hit, guess) in enumerate(zip(pointing, centre, strict=True))
        for kind in kinds
    ]
    return Localisation(pd.DataFrame(rows))


def test_one_panel_a_text_with_its_boxes_and_a_cross_at_the_highest_place():
    figure = plot_heatmap(PICTURE, {"cars": hill(4, 40), "houses": hill(20, 3)}, {"cars": [[38, 2, 44, 7]]})
    first, cars, houses, _bar = figure.axes
    assert [axes.get_title() for axes in (first, cars, houses)] == ["the picture", "cars", "houses"]
    assert [tuple(np.ravel(axes.lines[0].get_xydata())) for axes in (cars, houses)] == [(40, 4), (3, 20)]
    frame = cars.patches[0]
    assert (*frame.get_xy(), frame.get_width(), frame.get_height()) == (37.5, 1.5, 6, 5)
    assert not houses.patches
    assert all(axes.images[1].get_clim() == (0, 1) for axes in (cars, houses))
    figure.canvas.draw()


def test_the_colours_do_not_stretch_to_a_pale_map():
    figure = plot_heatmap(PICTURE, {"cars": np.full((30, 50), 0.3)})
    assert figure.axes[1].images[1].get_clim() == (0, 1)


def test_what_does_not_fit_the_picture_is_named():
    with pytest.raises(ValueError, match=r"'cars': a heatmap \[50, 30\] over a picture \[30, 50\]"):
        plot_heatmap(PICTURE, {"cars": np.zeros((50, 30))})
    with pytest.raises(ValueError, match="no heatmap"):
        plot_heatmap(PICTURE, {})
    with pytest.raises(ValueError, match="no result"):
        plot_localisation({})


def test_bars_are_the_shares_of_models_centre_and_random():
    figure = plot_localisation(
        {"dense": result([1, 1, 0, 1], [0, 1, 0, 0]), "windows": result([0, 1, 0, 0], [0] * 4)}
    )
    left, right = figure.axes
    assert [bar.get_width() for bar in left.patches] == pytest.approx([0.75, 0.25, 0.25, 0.05])
    assert [label.get_text() for label in left.get_yticklabels()] == [
        "dense",
        "windows",
        "centre of the\npicture",
        "a random pixel",
    ]
    assert [label.get_text() for label in right.get_yticklabels()] == ["car (4)", "house (4)"]
    centres, hits = (points.get_offsets()[:, 0].tolist() for points in right.collections[1:])
    assert (centres, hits) == ([0.25, 0.25], [0.75, 0.75])
    figure.canvas.draw()
