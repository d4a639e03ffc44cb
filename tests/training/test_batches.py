"""Batches: each picture once an epoch, one of its captions, shared ones counted, replay in every batch."""

import numpy as np
import pandas as pd
import pytest
import torch

from rsclip_lab.data.sampler import CaptionPool
from rsclip_lab.models.tokenizers import clip_tokenizer
from rsclip_lab.training.batches import Batch, CaptionBatches, Tokens, TurnedCaptions


def table(pictures, captions_each=3, name="a", shared=()):
    rows = [(f"/{name}/{p}.png", f"{name} {p} {c}") for p in range(pictures) for c in range(captions_each)]
    rows += [(f"/{name}/{p}.png", "a common caption") for p in shared]
    return pd.DataFrame(rows, columns=["image", "caption"])


def in_words(batches, batch):
    images = [batches.pool.images[p] for p in batch.pictures]
    captions = [batches.pool.texts[batch.captions[c]] for c in batch.caption_ids]
    return list(zip(images, captions, strict=True))


def test_an_epoch_shows_each_picture_once_with_one_of_its_own_captions():
    captions = table(50, shared=range(0, 50, 5)).sample(frac=1, random_state=1)
    belongs = set(zip(captions.image, captions.caption, strict=True))
    batches = CaptionBatches(captions, batch_size=16)
    pairs = [pair for batch in batches.epoch(0) for pair in in_words(batches, batch)]
    assert sorted(image for image, _ in pairs) == sorted(captions.image.unique())
    assert belongs.issuperset(pairs)


def test_all_captions_of_a_picture_get_their_turn():
    batches = CaptionBatches(table(4), batch_size=4)
    seen = {caption for e in range(60) for b in batches.epoch(e) for _, caption in in_words(batches, b)}
    assert seen == set(table(4).caption)


def test_pictures_with_the_same_caption_share_one_row():
    captions = pd.DataFrame({"image": ["a", "b", "c", "d"], "caption": ["sea", "port", "sea", "sea"]})
    (batch,) = CaptionBatches(captions, batch_size=8).epoch(0)
    pool = CaptionPool.from_table(captions)
    assert len(batch.captions) == 2
    rows = {pool.images[p]: row for p, row in zip(batch.pictures, batch.caption_ids, strict=True)}
    assert rows["a"] == rows["c"] == rows["d"] != rows["b"]


@pytest.mark.parametrize(("pictures", "batch_size"), [(240, 64), (65, 64), (64, 64), (7, 64), (1000, 7)])
def test_no_batch_is_larger_than_asked_and_none_under_half(pictures, batch_size):
    batches = CaptionBatches(table(pictures, 1), batch_size)
    sizes = [len(batch.pictures) for batch in batches.epoch(0)]
    assert len(sizes) == batches.steps_per_epoch
    assert sum(sizes) == pictures
    assert max(sizes) <= batch_size
    assert len(sizes) == 1 or min(sizes) >= batch_size // 2


def test_epochs_differ_and_the_seed_repeats_them():
    order = {}
    for run, seed in enumerate([0, 0, 1]):
        batches = CaptionBatches(table(40), 8, seed=seed)
        order[run] = [[in_words(batches, b) for b in batches.epoch(e)] for e in range(2)]
    assert order[0] == order[1]
    assert order[0] != order[2]
    assert order[0][0] != order[0][1]


@pytest.mark.parametrize(("share", "expected"), [(0.5, 8), (0.25, 4), (0.01, 1), (0.99, 15)])
def test_replay_fills_its_share_of_each_batch(share, expected):
    batches = CaptionBatches(table(64), 16, replay=table(30, name="old"), replay_share=share)
    replayed = own = 0
    for batch in batches.epoch(0):
        old = sum(image.startswith("/old/") for image, _ in in_words(batches, batch))
        assert old == pytest.approx(expected, abs=1)
        assert all(image.startswith("/old/") for image, _ in in_words(batches, batch)[-batch.replayed :])
        assert batch.replayed == old
        assert 2 <= len(batch.pictures) <= 16
        replayed, own = replayed + old, own + len(batch.pictures) - old
    assert own == 64  # an epoch stays one pass over the new pictures


def test_a_replay_table_of_the_pictures_to_learn_is_refused():
    with pytest.raises(ValueError, match="nothing to replay"):
        CaptionBatches(table(8), 4, replay=table(8).head(5))


def test_replay_goes_round_all_its_pictures():
    batches = CaptionBatches(table(64), 16, replay=table(30, name="old"))
    images = [i for b in batches.epoch(0) for i, _ in in_words(batches, b) if i.startswith("/old/")]
    assert len(images) == 64
    counts = pd.Series(images).value_counts()
    assert len(counts) == 30 and set(counts) == {2, 3}


def test_each_text_is_tokenised_once_and_kept_without_its_padding():
    calls = []

    def tokenizer(texts):
        calls.extend(texts)
        return clip_tokenizer(77)(texts)

    texts = [f"{'a pier ' * (n % 9)}{n}" for n in range(2500)] + ["", "!", "long " * 100]
    tokens = Tokens.of(texts, tokenizer, show_progress=False)
    assert calls == texts and len(tokens) == len(texts)
    rows = np.random.default_rng(0).integers(len(texts), size=300)
    assert torch.equal(tokens[rows], clip_tokenizer(77)([texts[row] for row in rows]))
    assert torch.equal(tokens[[2500, 2501, 2502]], clip_tokenizer(77)(texts[-3:]))
    assert tokens.values.dtype == np.uint16 and tokens.values.nbytes < 2500 * 77 * 2 / 3


MIRRORED, SWAPPED = 1, 4
SAID = ["a car on the left", "a car", "a car on the right", "a car on the left bank"]


def test_each_caption_fits_the_turn_of_its_picture():
    captions = TurnedCaptions.of(SAID)
    batch = Batch.of(np.arange(4), np.array([0, 0, 1, 2]))
    fitted, unsaid = captions.fitted(batch, np.array([MIRRORED, SWAPPED, SWAPPED, 0]))
    said = [captions.texts[fitted.captions[row]] for row in fitted.caption_ids]
    assert said == ["a car on the right", "a car at the top", "a car", "a car on the right"]
    assert not unsaid.any() and fitted.pictures.tolist() == [0, 1, 2, 3]
    # The first and the last read the same now, though they were drawn as two captions.
    assert fitted.caption_ids[0] == fitted.caption_ids[3] and len(fitted.captions) == 3


def test_a_caption_that_cannot_be_rewritten_stays_and_names_its_picture():
    captions = TurnedCaptions.of(SAID)
    batch = Batch.of(np.arange(3), np.array([3, 3, 0]), replayed=1)
    fitted, unsaid = captions.fitted(batch, np.array([MIRRORED, 0, MIRRORED]))
    assert fitted.replayed == 1
    assert unsaid.tolist() == [True, False, False]
    assert [captions.texts[fitted.captions[row]] for row in fitted.caption_ids] == [SAID[3], SAID[3], SAID[2]]


def test_each_rewriting_is_kept_once_and_captions_keep_their_numbers():
    captions = TurnedCaptions.of(SAID)
    assert captions.texts == [*SAID, "a car at the top", "a car at the bottom"]
    assert captions.rows[1].tolist() == [1] * 8


def test_captions_without_directions_cost_nothing():
    texts = ["a harbour", "a harbour seen from above"]
    captions = TurnedCaptions.of(texts)
    assert captions.texts == texts and captions.rows is None
    assert not captions.concern(Batch.of(np.arange(2), np.arange(2)))


def test_only_batches_that_name_a_direction_are_looked_at():
    captions = TurnedCaptions.of(SAID)
    assert not captions.concern(Batch.of(np.arange(2), np.array([1, 1])))
    assert captions.concern(Batch.of(np.arange(2), np.array([1, 3])))


def test_distinct_captions_repeat_in_no_batch_and_replay_stays_as_it_is():
    own, replay = table(40, captions_each=1, shared=range(0, 40, 2)), table(30, name="b")
    batches = CaptionBatches(own, 8, replay=replay, distinct=True)
    plain = CaptionBatches(own, 8, replay=replay)
    for epoch in range(5):
        seen = []
        for batch, usual in zip(batches.epoch(epoch), plain.epoch(epoch), strict=True):
            assert batch.replayed == usual.replayed == 4 and len(batch.pictures) == len(usual.pictures)
            pairs = in_words(batches, batch)
            assert len({caption for _, caption in pairs[:4]}) == 4
            seen += [image for image, _ in pairs[:4]]
        assert sorted(seen) == sorted(own.image.unique())
    with pytest.warns(UserWarning, match="15 of 20 pictures cannot have a caption of their own"):
        CaptionBatches(table(20, captions_each=0, shared=range(20)), 4, distinct=True).epoch(0)
