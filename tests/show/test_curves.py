"""The curves of a run say what its history says."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from rsclip_lab import show
from rsclip_lab.training import FinetuneConfig

STEPS = np.arange(40)
HISTORY = pd.DataFrame(
    {
        "step": STEPS,
        "epoch": STEPS // 10,
        "loss": 4 * np.exp(-STEPS / 9),
        "floor": 0.1,
        "logit_scale": 14 + STEPS / 40,
        "grad_norm": 2 + np.sin(STEPS),
        "batch_recall": STEPS / 40,
        "off_diagonal_cosine": 0.3 * STEPS / 40,
        "samples_per_second": 100 + STEPS,
        "waiting": 0.25,
    }
)
VALIDATION = pd.DataFrame({"epoch": [0, 1, 2, 3], "mean_recall": [0.1, 0.3, 0.4, 0.35]})


def run(history=HISTORY, validation=VALIDATION, **config):
    config = FinetuneConfig(**{"batch_size": 32, "collapse_alarm": 0.9} | config)
    return SimpleNamespace(history=history, validation=validation, config=config)


def panels(figure):
    """{title: {label: values}} of the lines that have a label."""
    return {
        axes.get_title(): {line.get_label(): np.asarray(line.get_ydata()) for line in axes.lines}
        for axes in figure.axes
    }


def test_a_run_is_shown_in_six_panels():
    figure = show.plot_run(run())
    found = panels(figure)
    chance = found["loss"]["ln(32): knows nothing"]
    assert chance[0] == pytest.approx(np.log(32))
    np.testing.assert_array_equal(found["loss"]["loss"], HISTORY["loss"])
    np.testing.assert_array_equal(found["recall"]["mean recall, validation"], VALIDATION["mean_recall"])
    assert found["off-diagonal cosine"]["collapse alarm"][0] == 0.9
    assert found["gradient norm"]["clipped to this length"][0] == 1.0
    (scale,) = found["logit scale (1 / temperature)"].values()
    np.testing.assert_array_equal(scale, HISTORY["logit_scale"])
    (waiting,) = (lines for lines in found.values() if "% waiting for data" in lines)
    np.testing.assert_allclose(waiting["% waiting for data"], 25)
    assert "pictures a second" in found
    assert 0 < len(figure._repr_png_()) < 60_000


def test_validation_stands_at_the_last_step_of_its_epoch():
    recall = next(axes for axes in show.plot_run(run()).axes if axes.get_title() == "recall")
    (line,) = (line for line in recall.lines if line.get_label() == "mean recall, validation")
    assert list(line.get_xdata()) == [9, 19, 29, 39]


def test_a_run_shows_no_line_that_means_nothing_to_it():
    found = panels(show.plot_run(run(validation=pd.DataFrame(), loss="positives_only", collapse_alarm=1.0)))
    assert not any(label.startswith("ln(") for label in found["loss"])
    assert "mean recall, validation" not in found["recall"]
    assert "collapse alarm" not in found["off-diagonal cosine"]


def test_a_run_of_an_earlier_version_has_no_speed():
    older = HISTORY.drop(columns=["samples_per_second", "waiting"])
    figure = show.plot_run(run(older))
    assert "pictures a second" not in panels(figure) and "loss" in panels(figure)
    assert figure._repr_png_()


def test_a_comparison_may_have_the_line_of_knowing_nothing():
    figure = show.plot_comparison({"clip": HISTORY}, batch_size=32)
    assert panels(figure)["the loss falls …"]["ln(32): knows nothing"][0] == pytest.approx(np.log(32))
    assert len(panels(show.plot_comparison({"clip": HISTORY}))["the loss falls …"]) == 1
