"""Lesson 00's circle: points where their angles are, and a panel whose numbers are the loss."""

import numpy as np
import pytest
import torch

from rsclip_lab import show
from rsclip_lab.show.circle_figures import name_places
from rsclip_lab.training import clip_loss


def test_points_lie_at_their_angles_pictures_round_and_texts_square():
    figure = show.plot_circle({"one": {"picture 1": 90, "text 1": 0}, "two": {"picture 1": 180}})
    one, two = figure.axes
    drawn = {
        line.get_marker(): (line.get_xdata(), line.get_ydata()) for line in one.lines if line.get_marker() in "os"
    }
    assert np.allclose(drawn["o"], [[0], [1]], atol=1e-9) and np.allclose(drawn["s"], [[1], [0]], atol=1e-9)
    assert [axes.get_title() for axes in figure.axes] == ["one", "two"]
    assert {text.get_text() for text in one.texts} == {"picture 1", "text 1"} and len(two.texts) == 1


def test_names_of_points_in_one_place_give_way_and_others_stay():
    turns = np.radians([45.0, 45.0, 200.0])
    places = np.degrees(name_places(turns, 1.0))
    assert abs(places[0] - places[1]) > 8 and places[2] == pytest.approx(200)
    assert np.mean(places[:2]) == pytest.approx(45)


@pytest.mark.parametrize("circles", [{}, {"empty": {}}])
def test_nothing_to_draw_is_said(circles):
    with pytest.raises(ValueError, match="at least one point"):
        show.plot_circle(circles)


def test_the_panels_numbers_are_those_of_the_loss_by_hand():
    panel = show.CircleWidget(right=40, wrong=120, scale=5)
    panel.right.value, panel.wrong.value, panel.scale.value = 60.0, 150.0, 8.0
    right, wrong = np.cos(np.radians(30)), np.cos(np.radians(60))
    probability = np.exp(8 * right) / (np.exp(8 * right) + np.exp(8 * wrong))
    assert panel.numbers() == pytest.approx(
        {"cosine_right": right, "cosine_wrong": wrong, "probability": probability, "loss": -np.log(probability)}
    )
    assert f"{100 * probability:.0f} %" in panel.words.value and f"{-np.log(probability):.2f}" in panel.words.value
    assert f"loss {-np.log(probability):.2f}" == panel.figure().axes[0].get_title()


def test_both_texts_in_one_place_cost_ln_2_whatever_the_scale():
    for scale in (1.0, 30.0, 100.0):
        assert show.CircleWidget(right=200, wrong=200, scale=scale).numbers()["loss"] == pytest.approx(np.log(2))


def test_an_extreme_panel_stays_finite_and_sees_the_loss_of_a_batch():
    assert show.CircleWidget(right=270, wrong=90, scale=100).numbers()["loss"] == pytest.approx(200)
    # Two pictures that are mirror images of each other pay what the panel says, by rows and by columns.
    turns = torch.tensor([[90.0, 270.0], [60.0, 240.0]]).deg2rad()
    pictures, texts = torch.stack([turns.cos(), turns.sin()], dim=-1)
    mine = show.CircleWidget(right=60, wrong=240, scale=5).numbers()["loss"]
    assert mine == pytest.approx(float(clip_loss(pictures, texts, 5.0)), abs=1e-5)
