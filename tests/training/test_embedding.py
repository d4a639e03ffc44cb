"""Chunks of a batch: the loss and every gradient of the whole batch, whatever the network may do with a chunk."""

import copy
from dataclasses import replace

import numpy as np
import open_clip
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

from rsclip_lab.environment import Precision, select_precision
from rsclip_lab.models import new_clip
from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.embedding import embed
from rsclip_lab.training.losses import clip_loss
from rsclip_lab.training.network.preparation import require_exact, set_training_mode
from rsclip_lab.training.processes import World
from rsclip_lab.training.run import finetune

BATCH, CPU = 32, torch.device("cpu")
FP32 = select_precision("cpu", "fp32")
TEXT = {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
RESNET = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None, "head_width": 32}
VIT = {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8}

pytestmark = pytest.mark.usefixtures("one_thread")


def vit(**changes):
    return new_clip({"embed_dim": 16, "vision_cfg": VIT | changes, "text_cfg": TEXT}, seed=1)


def resnet():
    return new_clip({"embed_dim": 16, "vision_cfg": RESNET, "text_cfg": TEXT}, seed=1)


def statistics_kept(model):
    """In training mode, its batch norms with statistics of their own, which are kept."""
    model.net.train()
    random = torch.Generator().manual_seed(0)
    for module in model.net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1, generator=random)
            module.running_var.uniform_(0.1, 1, generator=random)
            module.eval()
    return model


def with_dropout(model):
    """Dropout in both towers: patches left out, and values of every attention and of the text's embedding."""
    model.net.train()
    for module in model.net.modules():
        if isinstance(module, nn.MultiheadAttention):
            module.dropout = 0.2
    model.net.token_embedding = nn.Sequential(model.net.token_embedding, nn.Dropout(0.3))
    return model


def batch_of(model, size=BATCH):
    """Random pictures with captions of 1 to 12 tokens, of which three belong to several pictures."""
    random = torch.Generator().manual_seed(5)
    pixels = torch.randn(size, 3, 32, 32, generator=random)
    caption_ids = torch.arange(size)
    caption_ids[size // 2 :] = torch.randint(0, 3, (size - size // 2,), generator=random)
    texts = ["a field " * (1 + n % 6) + str(n) for n in range(size // 2)]
    return pixels, model.tokenizer(texts), caption_ids


def by_chunks(model, batch, chunk_size, precision=None, scale=1.0):
    """The loss by chunks, and the gradient of every parameter that has one."""
    pixels, tokens, caption_ids = batch
    model.net.zero_grad(set_to_none=True)
    how = (CPU, precision or FP32, chunk_size)
    images = embed(model.image_features, pixels, (len(pixels), model.dim), *how)
    texts = embed(model.text_features, tokens, (len(tokens), model.dim), *how)
    loss = clip_loss(images.features, texts.features, model.net.logit_scale.exp(), caption_ids)
    (scale * loss).backward()
    texts.backward()
    images.backward()
    return loss.item(), gradients(model)


def at_once(model, batch):
    """The same by torch alone."""
    pixels, tokens, caption_ids = batch
    model.net.zero_grad(set_to_none=True)
    images = nn.functional.normalize(model.net.encode_image(pixels), dim=-1)
    texts = nn.functional.normalize(model.net.encode_text(tokens), dim=-1)
    loss = clip_loss(images, texts, model.net.logit_scale.exp(), caption_ids)
    loss.backward()
    return loss.item(), gradients(model)


def gradients(model):
    return {name: p.grad.clone() for name, p in model.net.named_parameters() if p.grad is not None}


def assert_same(found, wanted, within=1e-5):
    """Losses, and gradients against the largest of their tensor where that is above 1."""
    assert found[0] == pytest.approx(wanted[0], abs=within)
    assert found[1].keys() == wanted[1].keys() and "logit_scale" in wanted[1]
    sizes = {name: gradient.abs().max().item() for name, gradient in wanted[1].items()}
    for name, gradient in wanted[1].items():
        assert (found[1][name] - gradient).abs().max() < within * max(1, sizes[name]), name
    assert max(sizes.values()) > 1000 * within and sizes["logit_scale"] > 1000 * within  # there was what to compare


@pytest.mark.parametrize("chunk_size", [1, 7, 32, 1000, 0])
@pytest.mark.parametrize("make", [vit, resnet])
def test_chunks_have_the_loss_and_the_gradients_of_the_whole_batch(make, chunk_size):
    model = statistics_kept(make())
    batch = batch_of(model)
    assert_same(by_chunks(model, batch, chunk_size), at_once(model, batch))


@pytest.mark.parametrize("chunk_size", [7, 32])
def test_chunks_go_back_with_the_random_numbers_that_they_came_with(chunk_size):
    """Against the same chunks embedded once, under the same random state, with all their graphs kept."""
    model = with_dropout(vit(patch_dropout=0.5))
    pixels, tokens, caption_ids = batch_of(model)
    torch.manual_seed(3)
    kept = []
    for tower, rows in ((model.net.encode_image, pixels), (model.text_features, tokens)):
        kept.append(nn.functional.normalize(torch.cat([tower(part) for part in rows.split(chunk_size)]), dim=-1))
    drawn_next = torch.rand(1)
    loss = clip_loss(*kept, model.net.logit_scale.exp(), caption_ids)
    loss.backward()
    wanted = loss.item(), gradients(model)

    torch.manual_seed(3)
    found = by_chunks(model, (pixels, tokens, caption_ids), chunk_size)
    assert_same(found, wanted)
    assert torch.equal(torch.rand(1), drawn_next)  # the second pass has used up no random numbers
    torch.manual_seed(4)
    assert by_chunks(model, (pixels, tokens, caption_ids), chunk_size)[0] != pytest.approx(wanted[0], abs=1e-3)


def test_inside_another_autocast_every_pass_sees_the_weights_as_they_are():
    """An enclosing autocast keeps half-precision copies of the weights from one step to the next."""
    model, bf16 = statistics_kept(vit()), Precision(torch.bfloat16, True, False, "bf16", "cpu")
    batch = batch_of(model, 12)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        before = by_chunks(model, batch, 5, bf16)
        with torch.no_grad():
            model.net.visual.proj.normal_()
        found = by_chunks(model, batch, 5, bf16)
    wanted = by_chunks(model, batch, 5, bf16)
    assert found[1].keys() == wanted[1].keys() and "visual.conv1.weight" in wanted[1]
    proj = {name: run[1]["visual.proj"] for name, run in (("before", before), ("found", found), ("wanted", wanted))}
    assert (proj["found"] - proj["wanted"]).norm() < 0.1 * proj["wanted"].norm()
    assert (proj["before"] - proj["wanted"]).norm() > 0.5 * proj["wanted"].norm()


@pytest.mark.parametrize("chunk_size", [0, 5])
def test_gradients_are_scaled_as_the_loss_was(chunk_size):
    model = statistics_kept(vit())
    batch = batch_of(model, 12)
    loss, scaled = by_chunks(model, batch, chunk_size, scale=1024.0)
    assert_same((loss, {name: gradient / 1024 for name, gradient in scaled.items()}), at_once(model, batch))


@pytest.mark.parametrize("chunk_size", [0, 5])
def test_a_tower_without_gradients_is_embedded_and_left_alone(chunk_size):
    model = statistics_kept(vit())
    batch = batch_of(model, 12)
    wanted = at_once(model, batch)
    for parameter in model.net.visual.parameters():
        parameter.requires_grad_(False)
    found = by_chunks(model, batch, chunk_size)
    text_side = {name: gradient for name, gradient in wanted[1].items() if not name.startswith("visual.")}
    assert_same(found, (wanted[0], text_side))


def test_features_that_nothing_is_to_be_learnt_from_have_no_gradient():
    model = statistics_kept(vit())
    pixels = batch_of(model, 12)[0]
    embedding = embed(model.image_features, pixels, (12, model.dim), CPU, FP32, 5, learns=False)
    assert not embedding.features.requires_grad
    embedding.backward()
    assert not gradients(model)
    torch.testing.assert_close(embedding.features, model.image_features(pixels).detach(), atol=1e-6, rtol=0)


def test_a_share_without_rows_is_embedded_as_no_rows(random_clip):
    pixels, tokens = torch.empty(0, 3, 32, 32), torch.empty(0, 77, dtype=torch.int64)
    for tower, inputs in ((random_clip.image_features, pixels), (random_clip.text_features, tokens)):
        embedding = embed(tower, inputs, (0, random_clip.dim), CPU, FP32)
        assert embedding.features.shape == (0, random_clip.dim)
        embedding.features.sum().backward()
        embedding.backward()
    assert not gradients(random_clip)


def test_batch_norm_that_takes_its_statistics_from_the_batch_would_be_wrong_and_is_refused():
    model = resnet()
    model.net.train()
    batch = batch_of(model)
    wanted, found = at_once(copy.deepcopy(model), batch), by_chunks(copy.deepcopy(model), batch, 7)
    off = [(found[1][name] - gradient).norm() / gradient.norm() for name, gradient in wanted[1].items()]
    assert max(off) > 0.1
    in_chunks = FinetuneConfig(batch_size=BATCH, chunk_size=7)
    with pytest.raises(ValueError, match=r"chunk_size=7: .* freeze_batch_norm=True, or train with chunk_size=0"):
        require_exact(resnet().net, in_chunks, World())
    with pytest.raises(ValueError, match="^2 processes: .* in one process"):
        require_exact(resnet().net, FinetuneConfig(), World(0, 2))
    with pytest.raises(ValueError, match="^chunk_size=7 and 2 processes: "):
        require_exact(resnet().net, replace(in_chunks, freeze_image=2), World(0, 2))


@pytest.mark.parametrize("changes", [{}, {"freeze_image": 2}, {"freeze_image": "all"}, {"freeze_batch_norm": True}])
def test_what_is_refused_beforehand_is_what_would_be_in_training_mode(changes):
    net, config = resnet().net, FinetuneConfig(batch_size=BATCH, chunk_size=7, **changes)
    set_training_mode(net, config)
    at_stake = sum(isinstance(module, nn.BatchNorm2d) and module.training for module in net.modules())
    net.eval()
    if at_stake:
        with pytest.raises(ValueError, match=f"the network's {at_stake} batch norms"):
            require_exact(net, config, World())
    else:
        require_exact(net, config, World())
    assert not any(module.training for module in net.modules())


def test_nothing_is_refused_where_batch_norm_sees_the_whole_batch_or_there_is_none():
    config = FinetuneConfig(batch_size=BATCH)
    for chunk_size in (0, BATCH, 2 * BATCH):
        require_exact(resnet().net, replace(config, chunk_size=chunk_size), World())
    without = open_clip.create_model("ViT-S-32-alt", pretrained=None)
    require_exact(without, replace(config, chunk_size=7), World(0, 4))


@pytest.fixture
def noisy(tmp_path):
    """24 noisy pictures; every third has the same caption."""
    random, rows = np.random.default_rng(0), []
    for n in range(24):
        path = str(tmp_path / f"{n}.png")
        Image.fromarray(random.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(path)
        rows.append((path, f"picture {n}" if n % 3 else "noise", n, "train", None))
    return pd.DataFrame(rows, columns=["image", "caption", "image_id", "split", "label"])


@pytest.mark.parametrize("make", [vit, resnet])
def test_a_run_in_chunks_ends_with_the_weights_of_a_run_without(make, noisy):
    """Adam divides each gradient by its own size, so what is rounding in a gradient of nothing else is a step of some
    length: the difference is measured against the way that the weights went, and its worst place by itself."""
    model = make()
    config = FinetuneConfig(epochs=3, batch_size=12, learning_rate=1e-4, freeze_batch_norm=True, precision="fp32")
    runs = [finetune(model, noisy, replace(config, chunk_size=size), progress=False) for size in (0, 7)]
    np.testing.assert_allclose(runs[1].history.loss, runs[0].history.loss, atol=1e-5)
    np.testing.assert_allclose(runs[1].history.grad_norm, runs[0].history.grad_norm, rtol=1e-5)
    start, whole, chunked = (
        nn.utils.parameters_to_vector(each.net.parameters()) for each in (model, *(run.model for run in runs))
    )
    apart, way = chunked - whole, whole - start
    assert apart.abs().max() < 1e-5 and apart.norm() < 1e-4 * way.norm()
    assert way.norm() > 0.05  # measured: apart by 3e-7 at most, and by 5e-6 of the way
