"""A network without a bias is given one for SigLIP's loss: where it starts, and that it stays with the model."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from small_runs import CONFIG as TEN_STEPS
from small_runs import At, Broken, assert_same, fail, small_clip, small_run

from rsclip_lab.evaluation import interpolate, predict
from rsclip_lab.models import load_model
from rsclip_lab.training import FinetuneConfig, finetune
from rsclip_lab.training.network.siglip_bias import balanced_bias

CONFIG = FinetuneConfig(epochs=3, batch_size=8, learning_rate=1e-3, loss="siglip", augment=False, precision="fp32")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def fields(tmp_path):
    """8 pictures, each of a colour of its own, and a caption for each."""
    rows = []
    for number in range(8):
        colour = tuple(20 + 215 * (number >> bit & 1) for bit in range(3))
        Image.new("RGB", (32, 32), colour).save(tmp_path / f"{number}.png")
        rows.append((str(tmp_path / f"{number}.png"), f"field {number}", number, "train", None))
    return pd.DataFrame(rows, columns=["image", "caption", "image_id", "split", "label"])


def test_the_bias_makes_the_mean_probability_the_share_of_true_pairs():
    logits = 100 * torch.nn.functional.normalize(torch.randn(32, 20, generator=torch.Generator().manual_seed(0)))
    bias = balanced_bias(logits)
    assert torch.sigmoid(logits.double() + bias).mean().item() == pytest.approx(1 / 20, rel=1e-9)
    flat = torch.full((8, 8), 3.0)
    assert balanced_bias(flat) == pytest.approx(np.log(1 / 7) - 3, abs=1e-9)
    assert np.isfinite(balanced_bias(torch.ones(4, 1)))


def test_siglip_trains_a_network_that_had_no_bias(random_clip, fields):
    run = finetune(random_clip, fields, replace(CONFIG, epochs=40), progress=False)
    first, last = run.history.iloc[0], run.history.iloc[-1]
    assert first.batch_recall < 0.5 and last.batch_recall == 1
    assert last.loss < first.loss / 5 and (run.history.floor == 0).all()
    start = run.model.description["architecture"]["init_logit_bias"]
    assert run.model.logit_bias != pytest.approx(start, abs=1e-4) and np.isfinite(start)  # it is learned
    assert random_clip.logit_bias is None and "init_logit_bias" not in random_clip.description["architecture"]


def test_the_bias_is_saved_with_the_model_and_comes_back(random_clip, fields, tmp_path):
    tuned = finetune(random_clip, fields, CONFIG, folder=tmp_path / "run", progress=False).model
    back = load_model(tmp_path / "run", device="cpu")
    assert back.logit_bias == tuned.logit_bias
    images, captions = list(fields.image), list(fields.caption)
    assert torch.equal(back.encode_images(images), tuned.encode_images(images))
    assert torch.equal(back.encode_texts(captions), tuned.encode_texts(captions))
    pd.testing.assert_frame_equal(predict(back, images, captions), predict(tuned, images, captions))


def test_a_second_training_goes_on_with_the_bias_there_is(random_clip, fields):
    once = finetune(random_clip, fields, CONFIG, progress=False).model
    twice = finetune(once, fields, replace(CONFIG, epochs=1, learning_rate=1e-9), progress=False).model
    assert twice.logit_bias == pytest.approx(once.logit_bias, abs=1e-6)
    assert twice.description["architecture"] == once.description["architecture"]


def test_a_seed_repeats_the_start_and_other_losses_need_none(random_clip, fields):
    runs = [finetune(random_clip, fields, CONFIG, progress=False).model for _ in range(2)]
    assert runs[0].description["architecture"] == runs[1].description["architecture"]
    assert finetune(random_clip, fields, replace(CONFIG, loss="clip"), progress=False).model.logit_bias is None


def test_a_run_that_broke_off_goes_on_with_the_bias_it_had(picture_folder, tmp_path):
    config, clip = replace(TEN_STEPS, loss="siglip"), small_clip()
    whole = small_run(clip, picture_folder, config=config)
    with pytest.raises(Broken):
        small_run(clip, picture_folder, tmp_path / "run", config, callbacks=[At(fail, step=4)])
    resumed = small_run(clip, picture_folder, tmp_path / "run", config)
    assert_same(resumed, whole)
    assert resumed.model.logit_bias == whole.model.logit_bias
    assert resumed.model.description["architecture"] == whole.model.description["architecture"]


def test_weights_between_a_base_without_bias_and_its_tuned_self_keep_the_bias(random_clip, fields, tmp_path):
    tuned = finetune(random_clip, fields, CONFIG, progress=False).model
    mixed = interpolate(random_clip, tuned, 0.25)
    assert mixed.logit_bias == tuned.logit_bias
    base, end = random_clip.net.state_dict(), tuned.net.state_dict()
    expected = torch.lerp(base["text_projection"], end["text_projection"], 0.25)
    assert torch.equal(mixed.net.state_dict()["text_projection"], expected)
    assert load_model(mixed.save(tmp_path / "mixed"), device="cpu").logit_bias == tuned.logit_bias
