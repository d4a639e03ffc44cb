"""Metrics against counts by hand, scikit-learn, and CLIP_benchmark's own code."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import top_k_accuracy_score

from rsclip_lab.evaluation import off_diagonal_cosine, retrieval_recall, topk_accuracy
from rsclip_lab.evaluation import retrieval as retrieval_module


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
    ],
)
def test_scores_that_cannot_be_judged_are_refused(scores, labels, message):
    with pytest.raises(ValueError, match=message):
        topk_accuracy(scores, labels)


def recall_by_definition(image_features, text_features, image_of_text, k):
    """Both directions at one k, from the definition, one query at a time."""
    scores = image_features.numpy() @ text_features.numpy().T
    found_texts = [image in image_of_text[np.argsort(-row)[:k]] for image, row in enumerate(scores)]
    found_images = [image_of_text[t] in np.argsort(-column)[:k] for t, column in enumerate(scores.T)]
    return np.mean(found_texts), np.mean(found_images)


@pytest.fixture(params=["five captions each", "uneven", "one each", "an image without a caption"])
def pairs(request):
    """Features with some signal in them, so that recall is neither 0 nor 1."""
    image_of_text = {
        "five captions each": np.repeat(np.arange(40), 5),
        "uneven": np.random.default_rng(1).permutation(np.r_[np.arange(40), np.full(9, 3), np.full(4, 17)]),
        "one each": np.arange(40),
        "an image without a caption": np.repeat(np.arange(39), 2),
    }[request.param]
    image_features = unit(40, 16, seed=1)
    noise = 1.8 * unit(len(image_of_text), 16, seed=2)
    return image_features, F.normalize(image_features[image_of_text] + noise, dim=-1), image_of_text


def test_recall_equals_the_definition(pairs):
    recall = retrieval_recall(*pairs)
    values = []
    for k in (1, 5, 10):
        to_text, to_image = recall_by_definition(*pairs, k)
        assert recall["image_to_text"][k] == pytest.approx(to_text)
        assert recall["text_to_image"][k] == pytest.approx(to_image)
        values += [to_text, to_image]
    assert recall["mean_recall"] == pytest.approx(np.mean(values))
    assert 0 < recall["image_to_text"][1] < 1


def test_recall_equals_clip_benchmark(pairs):
    reference = pytest.importorskip("clip_benchmark.metrics.zeroshot_retrieval")
    image_features, text_features, image_of_text = pairs
    scores = text_features @ image_features.T
    positive = torch.zeros_like(scores, dtype=torch.bool)
    positive[torch.arange(len(scores)), torch.as_tensor(image_of_text)] = True
    recall = retrieval_recall(*pairs)
    for k in (1, 5, 10):
        to_image, to_text = (
            (reference.batchify(reference.recall_at_k, s, p, 8, "cpu", k=k) > 0).float().mean().item()
            for s, p in ((scores, positive), (scores.T, positive.T))
        )
        assert recall["text_to_image"][k] == pytest.approx(to_image)
        assert recall["image_to_text"][k] == pytest.approx(to_text)


def test_recall_does_not_depend_on_the_chunks(pairs, monkeypatch):
    whole = retrieval_recall(*pairs)
    monkeypatch.setattr(retrieval_module, "CHUNK", 7)
    assert retrieval_recall(*pairs) == whole


def test_recall_beyond_the_number_of_answers_is_one():
    recall = retrieval_recall(unit(3, 4), unit(6, 4, seed=1), [0, 0, 1, 1, 2, 2], ks=(1, 50))
    assert recall["image_to_text"][50] == recall["text_to_image"][50] == 1.0


@pytest.mark.parametrize(
    ("image_of_text", "message"),
    [([0, 1], "2 entries in image_of_text"), ([0, 1, 5], "0 to 3"), ([0, 1, -1], "0 to 3")],
)
def test_pairs_that_point_nowhere_are_refused(image_of_text, message):
    with pytest.raises(ValueError, match=message):
        retrieval_recall(unit(4, 8), unit(3, 8), image_of_text)


def test_features_of_a_diverged_network_are_refused():
    with pytest.raises(ValueError, match="text features are not finite"):
        retrieval_recall(unit(4, 8), torch.full((4, 8), float("nan")), [0, 1, 2, 3])


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
