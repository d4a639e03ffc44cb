"""The learning-rate range test: rates that rise evenly, a suggestion that trains, and a model left alone."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.trials.range_test import RangeTest, learning_rate_range_test
from rsclip_lab.training.trials.trial import try_out

CONFIG = FinetuneConfig(batch_size=8, augment=False, precision="fp32")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def fields(tmp_path):
    """24 pictures of four random colours each, and a caption for each."""
    random, rows = np.random.default_rng(0), []
    for number in range(24):
        path = str(tmp_path / f"{number}.png")
        four = Image.fromarray(random.integers(0, 256, (2, 2, 3), dtype=np.uint8))
        four.resize((32, 32), Image.Resampling.NEAREST).save(path)
        rows.append((path, f"field {number}", number, "train", None))
    return pd.DataFrame(rows, columns=["image", "caption", "image_id", "split", "label"])


def test_each_rate_is_the_same_multiple_of_the_one_before(random_clip, fields):
    before = {name: value.clone() for name, value in random_clip.net.state_dict().items()}
    test = learning_rate_range_test(random_clip, fields, CONFIG, lowest=1e-6, highest=1e-2, steps=13, progress=False)
    assert list(test.table.columns) == ["learning_rate", "loss", "smoothed"] and test.stop is None
    np.testing.assert_allclose(test.table["learning_rate"], np.geomspace(1e-6, 1e-2, 13), rtol=1e-9)
    by_hand = [test.table["loss"][max(0, row - 1) : row + 2].mean() for row in range(13)]
    np.testing.assert_allclose(test.table["smoothed"], by_hand)
    assert all(torch.equal(before[name], value) for name, value in random_clip.net.state_dict().items())


def test_a_seed_repeats_it_and_another_takes_other_batches(random_clip, fields):
    def losses(seed):
        config = replace(CONFIG, seed=seed)
        return learning_rate_range_test(random_clip, fields, config, steps=10, progress=False).table["loss"].tolist()

    assert losses(1) == losses(1) != losses(2)


def test_the_suggested_rate_trains_and_the_highest_does_not(random_clip, fields):
    test = learning_rate_range_test(random_clip, fields, CONFIG, highest=0.5, steps=70, progress=False)

    def last_losses(rate, epochs):
        config = replace(CONFIG, learning_rate=rate, epochs=epochs).resolved(random_clip)
        return pd.DataFrame(try_out(random_clip, fields, config, []).history)["loss"].tail(6)

    assert last_losses(test.suggested, epochs=20).mean() < 1
    assert last_losses(0.5, epochs=8).min() > np.log(8) - 0.01  # all pictures are alike


def test_it_ends_when_the_loss_explodes(random_clip, fields):
    config = replace(CONFIG, learning_rate=1e-3, epochs=30).resolved(random_clip)
    learned = try_out(random_clip, fields, config, []).model
    test = learning_rate_range_test(learned, fields, CONFIG, highest=0.9, steps=60, progress=False)
    assert test.stop.startswith("the loss has exploded at learning rate") and 10 < len(test.table) < 60


class Spoil:
    """Makes the weights no numbers after so many steps."""

    def __init__(self, step):
        self.step = step

    def on_step(self, state):
        if state.step == self.step:
            with torch.no_grad():
                state.model.net.text_projection.fill_(math.nan)


def test_a_loss_that_is_no_number_ends_a_trial_quietly(random_clip, fields):
    config = replace(CONFIG, epochs=5, learning_rate=1e-3).resolved(random_clip)
    state = try_out(random_clip, fields, config, [Spoil(4)])
    assert len(state.history) == 4 and state.stop.startswith("step 4: the loss is nan")


def test_a_model_that_is_not_sound_is_refused_in_words(random_clip, fields):
    with torch.no_grad():
        random_clip.net.visual.proj.fill_(math.nan)
    with pytest.raises(ValueError, match="first step.*not sound.*the loss is nan"):
        learning_rate_range_test(random_clip, fields, CONFIG, progress=False)


@pytest.mark.parametrize("options", [{"lowest": 0.0}, {"lowest": 0.1, "highest": 0.01}, {"highest": 1}, {"steps": 9}])
def test_what_can_give_no_curve_is_refused(random_clip, fields, options):
    with pytest.raises(ValueError, match="a range test needs"):
        learning_rate_range_test(random_clip, fields, CONFIG, **options)


def curve(at, losses, noise=0.0):
    """A RangeTest whose smoothed loss goes through these points (log10 of the rate, loss)."""
    rates = np.linspace(-7, -1, 100)
    loss = np.interp(rates, at, losses) + noise * np.random.default_rng(0).standard_normal(100)
    return RangeTest(pd.DataFrame({"learning_rate": 10**rates, "loss": loss, "smoothed": loss}))


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_rate_at_nine_tenths_of_the_fall_is_suggested(noise):
    test = curve([-7, -5, -3, -2], [4.5, 4.5, 2.0, 3.5], noise)
    assert test.suggested == pytest.approx(10 ** (-5 + 2 * 0.9), rel=0.4)
    assert f"suggested learning_rate {test.suggested:.1e}" in repr(test)


def test_the_loss_of_a_collapsed_network_is_no_success():
    """It falls to 5 by learning, bursts, and ends at ln(32), which is less, because nothing is told apart."""
    test = curve([-7, -5, -4, -3, -2], [10, 10, 5, 8, np.log(32)])
    assert test.suggested == pytest.approx(10**-4.1, rel=0.15)


@pytest.mark.parametrize("losses", [[3.4, 3.4], [3.4, 9.0], [3.4, 3.3]])
def test_where_the_loss_never_fell_nothing_is_suggested(losses):
    test = curve([-7, -1], losses)
    assert test.suggested is None and "the loss never fell" in repr(test)
