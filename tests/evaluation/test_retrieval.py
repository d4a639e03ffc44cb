"""Ranks and recall against CLIP_benchmark's own code and against sorting by hand, ties and blocks included."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from rsclip_lab.data import sample
from rsclip_lab.evaluation import ranking, retrieval
from rsclip_lab.evaluation.evaluate import TestTable
from rsclip_lab.evaluation.ranking import blocks_of
from rsclip_lab.evaluation.retrieval import retrieval_ranks, retrieval_recall
from rsclip_lab.models import load_model

KS = (1, 5, 10)
CHUNKS = (1, 700, 4000, 2**19)  # from one image a block to all in one


def unit(*shape, seed=0) -> torch.Tensor:
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Several threads would wait for each other over products as small as these."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


IMAGE_OF_TEXT = {
    "five captions each": np.repeat(np.arange(37), 5),
    "in any order": np.random.default_rng(1).permutation(np.repeat(np.arange(37), 5)),
    "uneven": np.random.default_rng(2).permutation(np.r_[np.arange(37), np.full(60, 3), np.full(8, 30)]),
    "images without a caption": np.random.default_rng(3).integers(10, 30, 90),
    "one each": np.arange(37),
}


@pytest.fixture(params=IMAGE_OF_TEXT)
def pairs(request):
    """Features with some signal in them, so that recall is neither 0 nor 1."""
    image_of_text = IMAGE_OF_TEXT[request.param]
    images = unit(37, 16, seed=1)
    noise = 1.8 * unit(len(image_of_text), 16, seed=2)
    return images, F.normalize(images[image_of_text] + noise, dim=-1), image_of_text


@pytest.fixture(params=CHUNKS)
def chunk(request, monkeypatch):
    monkeypatch.setattr(retrieval, "CHUNK", request.param)
    return request.param


def ranks_by_sorting(scores: np.ndarray, image_of_text: np.ndarray) -> dict[str, np.ndarray]:
    """From all scores [images, texts], one query at a time; ties in the order of the images, then of the texts."""
    images, texts = scores.shape
    to_text = np.full(images, texts + 1)
    for image, row in enumerate(scores):
        ranking = np.lexsort((np.arange(texts), image_of_text, -row))
        if (own := image_of_text[ranking] == image).any():
            to_text[image] = own.argmax() + 1
    rankings = [np.lexsort((np.arange(images), -column)) for column in scores.T]
    to_image = [int((ranked == own).argmax()) + 1 for ranked, own in zip(rankings, image_of_text, strict=True)]
    return {"image_to_text": to_text, "text_to_image": np.array(to_image)}


def clip_benchmarks_recall(scores: torch.Tensor, image_of_text, k: int) -> dict[str, float]:
    """What `zeroshot_retrieval.evaluate` does with the scores of each direction, [queries, answers] both."""
    reference = pytest.importorskip("clip_benchmark.metrics.zeroshot_retrieval")
    right = F.one_hot(torch.as_tensor(image_of_text), len(scores["image_to_text"])).bool()
    right = {"image_to_text": right.T, "text_to_image": right}
    return {
        way: (reference.batchify(reference.recall_at_k, scores[way], right[way], 64, "cpu", k=k) > 0)
        .float()
        .mean()
        .item()
        for way in right
    }


def assert_recall_equals(ours: dict, scores: dict, image_of_text) -> None:
    for k in KS:
        for way, share in clip_benchmarks_recall(scores, image_of_text, k).items():
            assert ours[way][k] == pytest.approx(share, abs=1e-6), (way, k)


def test_recall_equals_clip_benchmark(pairs, chunk):
    images, texts, image_of_text = pairs
    recall = retrieval_recall(*pairs)
    scores = {"image_to_text": images @ texts.T, "text_to_image": texts @ images.T}
    assert_recall_equals(recall, scores, image_of_text)
    assert 0 < recall["image_to_text"][1] < 1
    assert recall["mean_recall"] == pytest.approx(
        np.mean([recall[way][k] for way in ("image_to_text", "text_to_image") for k in KS])
    )


def test_ranks_equal_those_of_sorting_all_scores(pairs, chunk):
    images, texts, image_of_text = pairs
    expected = ranks_by_sorting((images.double() @ texts.double().T).numpy(), image_of_text)
    found = retrieval_ranks(*pairs)
    for way, ranks in expected.items():
        np.testing.assert_array_equal(found[way], ranks)


def test_equal_scores_rank_in_the_order_of_the_images_then_of_the_captions(pairs, chunk):
    image_of_text = pairs[2]
    random = np.random.default_rng(0)
    images, texts = (random.integers(-1, 2, (rows, 3)) for rows in (37, len(image_of_text)))  # 7 different scores
    expected = ranks_by_sorting(images @ texts.T, image_of_text)
    found = retrieval_ranks(images.astype(np.float32), texts.astype(np.float32), image_of_text)
    for way, ranks in expected.items():
        np.testing.assert_array_equal(found[way], ranks)


def test_a_collapsed_network_finds_what_chance_finds(chunk):
    point = unit(1, 48)
    recall = retrieval_recall(point.repeat(40, 1), point.repeat(200, 1), np.repeat(np.arange(40), 5))
    for way, by_chance in (("image_to_text", (1, 1, 2)), ("text_to_image", (1, 5, 10))):
        assert [recall[way][k] for k in KS] == [count / 40 for count in by_chance]


@pytest.mark.parametrize("images", [130, 333])
def test_a_caption_that_many_images_share_is_equally_near_in_every_block(images, chunk):
    # Each image has the same two captions: the r-th image finds its own behind those of r others.
    captions = unit(2, 64, seed=5)
    if chunk == 1:
        images = 20
    ranks = retrieval_ranks(unit(images, 64, seed=4), captions.repeat(images, 1), np.repeat(np.arange(images), 2))
    np.testing.assert_array_equal(ranks["image_to_text"], np.arange(1, images + 1))
    twins = retrieval_ranks(captions[:1].repeat(images, 1), unit(images, 64, seed=4), np.arange(images))
    np.testing.assert_array_equal(twins["text_to_image"], np.arange(1, images + 1))


def test_on_the_sample_recall_equals_clip_benchmark():
    model = load_model("tiny", device="cpu")
    land = sample("land", "test")
    table = TestTable.of(land[land["image"].isin(land["image"].unique()[::9])])
    images, captions = model.encode_images(table.images), model.encode_texts(table.captions)
    texts, image_of_text = captions[table.caption_of_text], table.image_of_text
    scores = {"image_to_text": images @ texts.T, "text_to_image": texts @ images.T}
    ours = retrieval_recall(images, texts, image_of_text)
    assert 0.2 < ours["mean_recall"] < 0.95
    # Captions repeat, and which of two equal ones `torch.topk` takes first is anybody's guess: set apart, by hand.
    assert len(captions) < len(texts)
    ranks = np.empty(scores["image_to_text"].shape)
    for row, found in zip(ranks, scores["image_to_text"].numpy(), strict=True):
        row[np.lexsort((np.arange(len(texts)), -found))] = np.arange(len(texts))
    assert_recall_equals(ours, {**scores, "image_to_text": -torch.from_numpy(ranks)}, image_of_text)
    # With each caption once there is nothing to be set apart.
    first = np.unique(table.caption_of_text, return_index=True)[1]
    ours = retrieval_recall(images, texts[first], image_of_text[first])
    scores = {"image_to_text": images @ texts[first].T, "text_to_image": texts[first] @ images.T}
    assert_recall_equals(ours, scores, image_of_text[first])


def test_each_score_is_computed_once_and_no_more_than_a_chunk_is_kept(pairs, monkeypatch):
    sizes, product = [], ranking.Counts.product

    def noted(counts, *arguments):
        scores = product(counts, *arguments)
        sizes.append(scores.numel())
        return scores

    monkeypatch.setattr(ranking.Counts, "product", noted)
    monkeypatch.setattr(retrieval, "CHUNK", 700)
    retrieval_ranks(*pairs)
    assert sum(sizes) == len(pairs[0]) * len(pairs[1])
    most_captions = np.bincount(pairs[2]).max()
    assert len(sizes) > 1 and max(sizes) <= max(700, 16 * most_captions)


@pytest.mark.parametrize("chunk", [1, 50, 10_000])
def test_blocks_hold_every_image_and_text_once_in_order(chunk):
    random = np.random.default_rng(chunk)
    for _ in range(30):
        captions = random.integers(0, 9, random.integers(1, 60)) * random.integers(0, 2)
        captions[random.integers(len(captions))] += random.integers(1, 40)
        blocks = blocks_of(captions, chunk)
        for images, texts in blocks:
            assert images.stop > images.start and texts.stop - texts.start == captions[images].sum()
        for side, total in ((0, len(captions)), (1, captions.sum())):
            edges = [0] + [block[side].stop for block in blocks]
            assert [block[side].start for block in blocks] == edges[:-1] and edges[-1] == total


def test_an_image_without_a_caption_is_never_found():
    images, texts = unit(3, 4), unit(4, 4, seed=1)
    assert retrieval_ranks(images, texts, [0, 0, 2, 2])["image_to_text"][1] == 5
    recall = retrieval_recall(images, texts, [0, 0, 2, 2], ks=(1, 50))
    assert recall["image_to_text"][50] == pytest.approx(2 / 3) and recall["text_to_image"][50] == 1


def test_one_image_and_features_in_every_form():
    assert retrieval_ranks(unit(1, 4), unit(3, 4), [0, 0, 0])["text_to_image"].tolist() == [1, 1, 1]
    images, texts, image_of_text = unit(6, 32), unit(12, 32, seed=1).requires_grad_(), np.repeat(np.arange(6), 2)
    expected = retrieval_ranks(images, texts, image_of_text)
    arrays = images.numpy(), texts.detach().numpy()
    for form in (arrays, [array.astype(np.float64) for array in arrays], (images.half(), texts.half())):
        for places in (image_of_text, list(image_of_text), torch.tensor(image_of_text)):
            found = retrieval_ranks(*form, places)
            assert all(np.array_equal(found[way], expected[way]) for way in expected)


@pytest.mark.parametrize(
    ("image_of_text", "message"),
    [
        ([0, 1], "2 entries in image_of_text"),
        ([0, 1, 5], "0 to 3"),
        ([0, 1, -1], "0 to 3"),
        ([0.5, 1.5, 2.5], "image_of_text must hold whole numbers"),
        (["a.png", "a.png", "b.png"], r"give the row of each text's image, as pd.factorize\("),
        ([[0], [0, 1], [2]], "image_of_text must hold whole numbers"),
    ],
)
def test_pairs_that_point_nowhere_are_refused(image_of_text, message):
    with pytest.raises(ValueError, match=message):
        retrieval_ranks(unit(4, 8), unit(3, 8), image_of_text)


def test_features_that_cannot_be_ranked_are_refused():
    with pytest.raises(ValueError, match="0 images"):
        retrieval_recall(torch.empty(0, 8), unit(3, 8), [0, 1, 2])
    with pytest.raises(ValueError, match=r"\[4, 8\] and text features \[3, 9\]"):
        retrieval_recall(unit(4, 8), unit(3, 9), [0, 1, 2])
    for bad in (float("nan"), float("inf")):
        texts = unit(3, 8)
        texts[1, 2] = bad
        with pytest.raises(ValueError, match="text features are not finite"):
            retrieval_recall(unit(4, 8), texts, [0, 1, 2])
    both = unit(4, 8)
    both[0, 0], both[1, 0] = float("inf"), -float("inf")
    with pytest.raises(ValueError, match="image features are not finite"):
        retrieval_recall(both, unit(3, 8), [0, 1, 2])


@pytest.mark.parametrize("ks", [(), (0, 1), (-1,)])
def test_a_k_that_is_none_is_refused(ks):
    with pytest.raises(ValueError, match="each 1 or more"):
        retrieval_recall(unit(4, 8), unit(3, 8), [0, 1, 2], ks)
