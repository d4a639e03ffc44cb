"""Metrics against counts by hand and scikit-learn."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import top_k_accuracy_score

from rsclip_lab.evaluation import off_diagonal_cosine, topk_accuracy


def unit(*shape, seed=0) -> torch.Tensor:
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_topk_equals_a_count_by_hand():
    scores = [[0.9, 0.5, 0.1], [0.2, 0.3, 0.9], [0.5, 0.6, 0.7], [0.8, 0.1, 0.7]]
    labels = [0, 1, 0, 1]  # ranks 1, 2, 3, 3
    assert topk_accuracy(scores, labels, ks=(1, 2, 3, 10)) == {1: 0.25, 2: 0.5, 3: 1.0, 10: 1.0}


def test_topk_equals_scikit_learn():
    random = np.random.default_rng(0)
    scores, labels = random.normal(size=(200, 14)).astype(np.float32), random.integers(0, 14, 200)
    for k, accuracy in topk_accuracy(scores, labels).items():
        assert accuracy == pytest.approx(top_k_accuracy_score(labels, scores, k=k, labels=range(14)))


def test_a_network_that_scores_every_class_the_same_earns_chance_only():
    labels = torch.arange(10)
    assert topk_accuracy(torch.zeros(10, 10), labels) == pytest.approx({1: 0.1, 3: 0.3, 5: 0.5, 10: 1.0})


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        (torch.zeros(3, 4), torch.zeros(2), "scores .3, 4. and labels .2."),
        (torch.zeros(0, 4), torch.zeros(0), "n at least 1"),
        (torch.zeros(3, 4), torch.tensor([0, 4, 1]), "from 0 to 3"),
        (torch.tensor([[0.0, float("nan")]]), torch.tensor([0]), "not finite"),
        (torch.zeros(3, 4), [0.9, 1.9, 2.9], "labels must hold whole numbers: give the class number"),
        (torch.zeros(3, 4), torch.tensor([0, 1, float("nan")]), "whole numbers"),
        (torch.zeros(3, 4), ["sea", "pier", "sea"], r"whole numbers: .*class_names.index\(label\)"),
        (torch.zeros(3, 4), [0, 1, None], "whole numbers"),
    ],
)
def test_scores_that_cannot_be_judged_are_refused(scores, labels, message):
    with pytest.raises(ValueError, match=message):
        topk_accuracy(scores, labels)


def test_off_diagonal_cosine_equals_the_mean_over_the_other_pairs():
    image_features, text_features = unit(6, 8), unit(4, 8, seed=1)
    images_of_text = [[0, 3], [1], [2, 4, 5], []]  # a caption may fit several pictures, or none here
    pairs = [(i, t) for i in range(6) for t in range(4) if i not in images_of_text[t]]
    expected = np.mean([float(image_features[i] @ text_features[t]) for i, t in pairs])
    assert off_diagonal_cosine(image_features, text_features, images_of_text) == pytest.approx(expected)


def test_off_diagonal_cosine_takes_one_image_a_text_in_every_form():
    image_features, text_features = unit(3, 8), unit(5, 8, seed=1)
    images = [0, 0, 1, 2, 2]
    forms = (images, np.array(images), torch.tensor(images), [[image] for image in images])
    values = {off_diagonal_cosine(image_features, text_features, form) for form in forms}
    scores = image_features @ text_features.T
    mask = torch.ones(3, 5).bool()
    mask[images, range(5)] = False
    assert len(values) == 1 and values.pop() == pytest.approx(scores[mask].mean().item(), abs=1e-6)


def test_off_diagonal_cosine_shows_a_collapse_that_the_arg_max_survives():
    directions = torch.eye(8)
    point = F.normalize(torch.ones(8), dim=0)
    collapsed = F.normalize(point + 0.02 * directions, dim=-1)
    pairs = list(range(8))
    assert topk_accuracy(collapsed @ collapsed.T, pairs)[1] == 1.0
    assert off_diagonal_cosine(collapsed, collapsed, pairs) > 0.99
    assert off_diagonal_cosine(directions, directions, pairs) == pytest.approx(0)


def test_off_diagonal_cosine_of_matching_pairs_alone_is_not_a_number():
    assert np.isnan(off_diagonal_cosine(unit(1, 8), unit(1, 8), [0]))


def test_off_diagonal_cosine_takes_arrays_as_well():
    images, texts = unit(3, 8), unit(5, 8, seed=1)
    expected = off_diagonal_cosine(images, texts, [0, 0, 1, 2, 2])
    assert off_diagonal_cosine(images.numpy(), texts.numpy().astype(np.float64), [0, 0, 1, 2, 2]) == expected


@pytest.mark.parametrize(
    ("image_of_text", "message"),
    [
        ([0, 0, 1, -1], "rows of image_features, 0 to 2"),
        ([[0, 1], [3], [2], []], "rows of image_features, 0 to 2"),
        ([0, 1, 2], "3 entries in image_of_text for 4 texts"),
        (torch.tensor([0, 1, 2, 2, 2]), "5 entries in image_of_text for 4 texts"),
        ([0, 1, 2, 1.5], "image_of_text must hold whole numbers"),
        (["a.png", "a.png", "b.png", "c.png"], "whole numbers: give the row of each text's image"),
    ],
)
def test_pairs_that_point_nowhere_are_refused(image_of_text, message):
    with pytest.raises(ValueError, match=message):
        off_diagonal_cosine(unit(3, 8), unit(4, 8, seed=1), image_of_text)
