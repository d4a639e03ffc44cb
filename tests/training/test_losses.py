"""The losses against open_clip's, a sum written out by hand, and what the formulas promise."""

import numpy as np
import pytest
import torch
from conftest import TINY_ARCHITECTURE
from open_clip.loss import ClipLoss, SigLipLoss

from rsclip_lab.models import new_clip
from rsclip_lab.training.losses import (
    clip_loss,
    clip_loss_floor,
    feature_distillation,
    positives_only_loss,
    siglip_loss,
)


def unit(rows, dim=16, seed=0, dtype=torch.float64):
    features = torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed), dtype=dtype)
    return (features / features.norm(dim=1, keepdim=True)).requires_grad_()


def loss_by_hand(x, t, s, ids):
    """½ [ mean_i −log p(caption of i | i) + mean_u −(1/|P_u|) Σ_{i∈P_u} log p(i | u) ], term by term."""
    batch, distinct = len(x), len(t)
    z = [[s * float(np.dot(x[i], t[u])) for u in range(distinct)] for i in range(batch)]
    to_text = sum(np.log(sum(np.exp(z[i][v]) for v in range(distinct))) - z[i][ids[i]] for i in range(batch)) / batch
    to_image = 0.0
    for u in range(distinct):
        pictures = [i for i in range(batch) if ids[i] == u]
        whole = np.log(sum(np.exp(z[j][u]) for j in range(batch)))
        to_image += sum(whole - z[i][u] for i in pictures) / len(pictures) / distinct
    return (to_text + to_image) / 2


@pytest.fixture(scope="module", params=["a network's", "spread"])
def embedded(request):
    """Features float32 of 24 random pictures and captions by a small network of random weights; or any."""
    if request.param == "spread":
        return unit(24, 64, 1, torch.float32), unit(24, 64, 2, torch.float32)
    net = new_clip(TINY_ARCHITECTURE, seed=3)
    random = torch.Generator().manual_seed(3)
    tokens = net.tokenizer([f"field {number} beside road {number**2}" for number in range(24)])
    with torch.no_grad():
        images = net.image_features(torch.randn(24, 3, 32, 32, generator=random))
        return images, net.text_features(tokens)


def with_gradients(loss, *inputs):
    """The loss, and its gradients with respect to all inputs."""
    inputs = [torch.as_tensor(value, dtype=torch.float32).detach().clone().requires_grad_() for value in inputs]
    value = loss(*inputs)
    return [value.detach(), *torch.autograd.grad(value, inputs)]


def assert_equal(ours, theirs, *inputs):
    found, expected = with_gradients(ours, *inputs), with_gradients(theirs, *inputs)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 15.0, 100.0])
def test_clip_loss_and_its_gradients_equal_open_clips(embedded, scale):
    assert_equal(clip_loss, ClipLoss(), *embedded, scale)


@pytest.mark.parametrize(("scale", "bias"), [(10.0, -10.0), (100.0, -16.0), (117.0, 0.0)])
def test_siglip_loss_and_its_gradients_equal_open_clips(embedded, scale, bias):
    assert_equal(siglip_loss, SigLipLoss(), *embedded, scale, bias)


def siglip_by_hand(x, t, s, b, ids):
    """Minus the log of each right answer to "do these belong together?", over the number of pictures."""
    z = [[s * float(np.dot(x[i], t[u])) + b for u in range(len(t))] for i in range(len(x))]
    answers = [np.log1p(np.exp(-z[i][u] if ids[i] == u else z[i][u])) for i in range(len(x)) for u in range(len(t))]
    return sum(answers) / len(x)


def test_with_shared_captions_equals_the_sum_by_hand():
    ids = [0, 2, 2, 1, 0, 2, 3]
    x, t = unit(7, seed=3), unit(4, seed=4)
    expected = loss_by_hand(x.detach().numpy(), t.detach().numpy(), 9.0, ids)
    assert clip_loss(x, t, 9.0, torch.tensor(ids)).item() == pytest.approx(expected, abs=1e-9)
    repeated = clip_loss(x, t[torch.tensor(ids)], 9.0)  # the same captions as if they were negatives
    assert abs(repeated.item() - expected) > 0.1


def test_gradient_with_shared_captions_is_that_of_the_formula():
    ids = torch.tensor([0, 1, 1, 2, 0])
    x, t = unit(5, 6, 5), unit(3, 6, 6)
    assert torch.autograd.gradcheck(lambda x, t: clip_loss(x, t, 3.0, ids), (x, t))


@pytest.mark.parametrize("without_a_picture", [0, 2])
def test_siglip_with_shared_captions_equals_the_sum_by_hand(without_a_picture):
    ids = [0, 2, 2, 1, 0, 2, 3]
    x, t = unit(7, seed=3), unit(4 + without_a_picture, seed=4)
    expected = siglip_by_hand(x.detach().numpy(), t.detach().numpy(), 9.0, -3.0, ids)
    assert siglip_loss(x, t, 9.0, -3.0, torch.tensor(ids)).item() == pytest.approx(expected, abs=1e-9)
    repeated = siglip_loss(x, t[torch.tensor(ids)], 9.0, -3.0)  # the same captions as if they were negatives
    assert abs(repeated.item() - expected) > 0.1


def test_siglip_gradient_with_shared_captions_is_that_of_the_formula():
    ids = torch.tensor([0, 1, 1, 2, 0])
    x, t, s, b = unit(5, 6, 5), unit(3, 6, 6), torch.tensor(3.0).double(), torch.tensor(-1.0).double()
    inputs = (x, t, s.requires_grad_(), b.requires_grad_())
    assert torch.autograd.gradcheck(lambda x, t, s, b: siglip_loss(x, t, s, b, ids), inputs)


@pytest.mark.parametrize("order", [None, [4, 0, 3, 1, 5, 2]])
def test_with_all_captions_distinct_both_forms_are_equal(order):
    x, t = unit(6, seed=7), unit(6, seed=8)
    ids = torch.tensor(order or range(6))
    with_ids, paired = clip_loss(x, t, 20.0, ids), clip_loss(x, t[ids], 20.0)
    assert with_ids.item() == pytest.approx(paired.item(), abs=1e-12)
    for a, b in zip(torch.autograd.grad(with_ids, (x, t)), torch.autograd.grad(paired, (x, t)), strict=True):
        torch.testing.assert_close(a, b)


def test_floor_is_reached_by_perfect_features_and_is_half_the_mean_log_of_the_group_sizes():
    ids = torch.tensor([0, 0, 0, 1, 2, 2])
    t = torch.eye(3, dtype=torch.float64)
    reached = clip_loss(t[ids], t, 100.0, ids).item()
    assert clip_loss_floor(ids).item() == pytest.approx((np.log(3) + np.log(1) + np.log(2)) / 3 / 2)
    assert reached == pytest.approx(clip_loss_floor(ids).item(), abs=1e-6)


def test_floor_is_zero_with_distinct_captions_and_nothing_goes_below_it():
    assert clip_loss_floor(torch.arange(9)).item() == 0
    for seed in range(20):
        ids = torch.randint(0, 3, (8,), generator=torch.Generator().manual_seed(seed))
        ids = torch.unique(ids, return_inverse=True)[1]
        x, t = unit(8, 4, seed), unit(int(ids.max()) + 1, 4, seed + 99)
        assert clip_loss(x, t, 50.0, ids).item() > clip_loss_floor(ids).item()


def test_the_floor_of_siglip_is_zero_with_shared_captions_too():
    ids = torch.tensor([0, 0, 0, 1, 2, 2])
    t = torch.eye(3, dtype=torch.float64)
    assert 0 < siglip_loss(t[ids], t, 100.0, -50.0, ids).item() < 1e-12


@pytest.mark.parametrize("captions", ["distinct", "one for all"])
def test_at_the_highest_scale_float32_stays_finite_with_doubles_and_opposites(captions):
    point = torch.zeros(6, 8)
    point[:, 0] = torch.tensor([1.0, 1.0, 1.0, 1.0, -1.0, -1.0])  # equal pictures, and ones as far away as can be
    texts, ids = (point, None) if captions == "distinct" else (point[:1], torch.zeros(6, dtype=torch.long))
    for loss, more in ((clip_loss, []), (siglip_loss, [-10.0])):
        value, *gradients = with_gradients(lambda *inputs, f=loss: f(*inputs, ids), point, texts, 100.0, *more)
        assert value.isfinite() and all(gradient.isfinite().all() for gradient in gradients)
        doubled = loss(point.double(), texts.double(), 100.0, *more, ids)
        assert value.item() == pytest.approx(doubled.item(), rel=1e-6)


def test_collapsed_features_pay_the_logarithm_of_the_batch_but_nothing_in_positives_only():
    point = torch.nn.functional.normalize(torch.ones(32, 8), dim=1)
    assert clip_loss(point, point, 100.0).item() == pytest.approx(np.log(32), abs=1e-5)
    assert positives_only_loss(point, point).item() == pytest.approx(0, abs=1e-6)


def test_positives_only_is_one_minus_the_mean_cosine_of_the_pairs():
    x, t = unit(9, seed=1).detach().numpy(), unit(9, seed=2).detach().numpy()
    expected = 1 - np.mean([np.dot(a, b) for a, b in zip(x, t, strict=True)])
    assert positives_only_loss(torch.tensor(x), torch.tensor(t)).item() == pytest.approx(expected)


def test_distillation_is_one_minus_the_mean_cosine_with_the_base_and_knows_no_collapse():
    x, base = unit(9, seed=1), unit(9, seed=2)
    expected = 1 - np.mean([np.dot(a, b) for a, b in zip(x.detach().numpy(), base.detach().numpy(), strict=True)])
    assert feature_distillation(x, base).item() == pytest.approx(expected)
    assert feature_distillation(base, base).item() == pytest.approx(0)
    point = torch.nn.functional.normalize(torch.ones(9, 16, dtype=torch.float64), dim=1)
    assert feature_distillation(point, base).item() > 0.5


def test_shapes_that_cannot_belong_together_are_refused_in_words():
    with pytest.raises(ValueError, match="5 images but 3 texts.*caption_ids"):
        clip_loss(unit(5), unit(3), 1.0)
    with pytest.raises(ValueError, match=r"caption_ids must be \[5\]"):
        clip_loss(unit(5), unit(3), 1.0, torch.tensor([0, 1, 2]))
    with pytest.raises(ValueError, match="one dim"):
        clip_loss(unit(5, 8), unit(5, 9), 1.0)
