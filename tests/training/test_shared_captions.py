"""A caption that pictures of a batch share: pairs as they should be, or negatives as in most programs, to compare."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from open_clip.loss import ClipLoss, SigLipLoss
from PIL import Image
from scipy.optimize import minimize_scalar

from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.fetch import TrainingBatch
from rsclip_lab.training.losses import clip_loss, negatives_floor, siglip_loss
from rsclip_lab.training.objective import batch_loss, loss_floor, measure
from rsclip_lab.training.run import finetune

CONFIG = FinetuneConfig(epochs=2, batch_size=8, learning_rate=1e-3, precision="fp32")
NEGATIVES = replace(CONFIG, shared_captions="negatives")
IDS = torch.tensor([0, 2, 2, 1, 0, 2, 3, 2])

pytestmark = pytest.mark.usefixtures("one_thread")


def batch_of(caption_ids):
    rest = {"pixels": None, "tokens": None, "replayed": 0, "replayed_captions": None}
    return TrainingBatch(captions=np.unique(caption_ids), caption_ids=caption_ids, **rest)


@pytest.fixture
def net(random_clip):
    """A network's temperature and bias are all that a loss needs of it."""
    random_clip.net.logit_bias = torch.nn.Parameter(torch.tensor(-7.0))
    return random_clip.net


def features(rows, seed):
    drawn = torch.randn(rows, 16, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(drawn, dim=1).requires_grad_()


@pytest.mark.parametrize("loss", ["clip", "siglip"])
def test_as_negatives_the_loss_and_its_gradients_equal_open_clips_on_the_repeated_captions(net, loss):
    images, texts = features(8, 1), features(4, 2)
    ours = batch_loss(images, texts, net, batch_of(IDS), replace(NEGATIVES, loss=loss))
    theirs = {"clip": ClipLoss(), "siglip": SigLipLoss()}[loss]
    inputs = [images, texts[IDS], net.logit_scale.exp()] + ([net.logit_bias] if loss == "siglip" else [])
    expected = theirs(*inputs)
    assert ours.item() == pytest.approx(expected.item(), abs=1e-6)
    asked = [images, texts, net.logit_scale]
    for found, wanted in zip(*(torch.autograd.grad(value, asked) for value in (ours, expected)), strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-6)
    as_pairs = batch_loss(images, texts, net, batch_of(IDS), replace(CONFIG, loss=loss))
    assert abs(as_pairs.item() - expected.item()) > 0.05


@pytest.mark.parametrize("loss", ["clip", "siglip", "positives_only"])
def test_where_all_captions_are_distinct_the_choice_makes_no_difference(net, loss):
    images, texts, batch = features(6, 1), features(6, 2), batch_of(torch.tensor([3, 0, 5, 1, 2, 4]))
    configs = [replace(config, loss=loss) for config in (CONFIG, NEGATIVES)]
    one, other = (batch_loss(images, texts, net, batch, config).item() for config in configs)
    assert one == pytest.approx(other, abs=1e-6)
    assert [loss_floor(batch, config).item() for config in configs] == [0, 0]


def test_the_floor_of_clips_loss_is_reached_by_features_that_know_every_caption():
    corners = torch.eye(4)
    reached = clip_loss(corners[IDS], corners[IDS], 100.0).item()
    shared = torch.tensor([2, 4, 4, 1, 2, 4, 1, 4])
    assert negatives_floor(IDS).item() == pytest.approx(shared.log().mean().item())
    assert reached == pytest.approx(negatives_floor(IDS).item(), abs=1e-5)


def test_the_floor_of_siglips_loss_is_the_best_that_one_bias_can_do_for_a_shared_caption():
    ids = torch.zeros(5, dtype=torch.long)
    point = torch.nn.functional.normalize(torch.ones(5, 4), dim=1)
    best = minimize_scalar(lambda bias: siglip_loss(point, point, 1.0, bias).item(), (-9, 3)).fun
    assert negatives_floor(ids, "siglip").item() == pytest.approx(best, abs=1e-5)


@pytest.mark.parametrize("loss", ["clip", "siglip", "positives_only"])
def test_the_measured_floor_is_that_of_the_configured_loss(loss):
    images, texts, config = features(8, 1).detach(), features(4, 2).detach(), replace(NEGATIVES, loss=loss)
    found = measure(images, texts, batch_of(IDS), config, {})["floor"]
    assert found == pytest.approx(0 if loss == "positives_only" else negatives_floor(IDS, loss).item())


@pytest.fixture
def shared(tmp_path):
    """12 pictures with three captions, four pictures to each."""
    random, rows = np.random.default_rng(0), []
    for number in range(12):
        path = str(tmp_path / f"{number}.png")
        Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(path)
        rows.append((path, f"field {number % 3}", number, "train", None))
    return pd.DataFrame(rows, columns=["image", "caption", "image_id", "split", "label"])


@pytest.mark.parametrize("loss", ["clip", "siglip"])
def test_chunks_change_nothing_and_no_step_falls_below_the_floor(random_clip, shared, loss):
    config = replace(NEGATIVES, loss=loss, epochs=3)
    whole, cut = (
        finetune(random_clip, shared, replace(config, chunk_size=size), progress=False).history for size in (0, 3)
    )
    np.testing.assert_allclose(whole["loss"], cut["loss"], rtol=1e-4)
    assert (whole["loss"] > whole["floor"]).all() and (whole["floor"] > 0.5).all()
    usual = finetune(random_clip, shared, replace(config, shared_captions="positives"), progress=False).history
    assert (usual["loss"] - whole["loss"]).abs().min() > 0.01 and usual["loss"][0] < whole["loss"][0]


def test_siglips_bias_starts_at_the_share_of_the_pairs_that_count(random_clip, shared):
    starts = {}
    for config in (replace(CONFIG, loss="siglip", epochs=1), replace(NEGATIVES, loss="siglip", epochs=1)):
        run = finetune(random_clip, shared, config, progress=False)
        starts[config.shared_captions] = run.model.description["architecture"]["init_logit_bias"]
    # One in three against one in six, and all cosines of a random network are nearly alike.
    assert starts["positives"] - starts["negatives"] == pytest.approx(np.log(5) - np.log(2), abs=0.2)


def test_configurations_of_before_there_was_a_choice_counted_shared_captions_as_pairs():
    former = {name: value for name, value in CONFIG.to_dict().items() if name != "shared_captions"}
    assert FinetuneConfig.from_dict(former) == CONFIG
    with pytest.raises(ValueError, match="shared_captions must be one of positives, negatives"):
        FinetuneConfig(shared_captions="apart")
