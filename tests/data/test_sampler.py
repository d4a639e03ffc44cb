"""Every picture once an epoch, no caption twice in a batch where that can be, repeatable, resumable, in parts."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from rsclip_lab.data import CaptionError, DistinctCaptionSampler, ImageTextDataset
from rsclip_lab.data.false_negatives import same_text
from rsclip_lab.data.sampler import CaptionPool, spread


def table_of(captions_of):
    """A table of pictures "0", "1", … with the captions given for each."""
    rows = [(str(n), caption) for n, captions in enumerate(captions_of) for caption in captions]
    return pd.DataFrame(rows, columns=["image", "caption"])


def batches_of(sampler, table):
    return [table.iloc[rows] for rows in sampler]


@pytest.fixture
def varied():
    """100 pictures, two captions each: one shared by every tenth picture, one its own."""
    return table_of([[f"Kind {n % 10}.", f"picture {n} alone"] for n in range(100)])


def test_every_picture_comes_once_and_no_caption_twice_in_a_batch(varied):
    sampler = DistinctCaptionSampler(varied, batch_size=25)
    for _ in range(5):
        batches = batches_of(sampler, varied)
        assert [len(batch) for batch in batches] == [25] * 4 and len(sampler) == 4
        assert sorted(pd.concat(batches)["image"]) == sorted(map(str, range(100)))
        assert all(batch["caption"].is_unique for batch in batches)
    assert sampler.must_repeat == 0


def test_captions_that_differ_in_case_and_punctuation_are_the_same():
    assert same_text("A  Pier, by the sea.") == same_text("a pier by the sea") != same_text("a pier by a sea")
    table = table_of([["A pier."], ["a pier"], ["a reef"], ["A reef ."]])
    for _ in range(20):
        for batch in batches_of(DistinctCaptionSampler(table, 2), table):
            assert {same_text(caption) for caption in batch["caption"]} == {"a pier", "a reef"}


def test_the_captions_of_a_picture_all_get_their_turn(varied):
    sampler = DistinctCaptionSampler(varied, batch_size=10)
    said = pd.concat([batch for _ in range(40) for batch in batches_of(sampler, varied)])
    shares = said["caption"].str.startswith("Kind").groupby(said["image"]).mean()
    assert 0.1 < shares.min() and shares.max() < 0.9 and abs(shares.mean() - 0.5) < 0.05


def test_where_it_cannot_be_it_is_said_with_the_count():
    table = table_of([["a field"]] * 10 + [[f"pier {n}"] for n in range(10)])
    with pytest.warns(UserWarning, match="6 of 20 pictures cannot have a caption of their own.*smaller batch_size"):
        sampler = DistinctCaptionSampler(table, batch_size=5)  # four batches for ten equal captions
    assert sampler.must_repeat == 6
    repeats = sum(batch["caption"].duplicated().sum() for batch in batches_of(sampler, table))
    assert repeats == 6


@settings(max_examples=60, deadline=None)
@given(
    captions=st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=3), min_size=2, max_size=7),
    batches=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_no_caption_repeats_whenever_some_choice_of_captions_allows_it(captions, batches, seed):
    pool = CaptionPool.from_table(table_of([[f"caption {c}" for c in own] for own in captions]))
    choices = itertools.product(*captions)
    least = min(sum(max(0, n - batches) for n in np.bincount(choice)) for choice in choices)
    pictures = np.arange(len(captions))
    assert pool.must_repeat(pictures, batches) == least
    places, batch = pool.draw_distinct(pictures, batches, np.random.default_rng(seed))
    assert all(pool.starts[p] <= place < pool.starts[p + 1] for p, place in zip(pictures, places, strict=True))
    sizes = np.bincount(batch, minlength=batches)
    assert sizes.max() - sizes.min() <= 1
    drawn = pd.DataFrame({"batch": batch, "text": pool.said[places]})
    assert drawn.duplicated().sum() == least


def test_dealing_keeps_equal_texts_apart_and_mixes_the_rest():
    texts = np.array([0] * 8 + list(range(1, 25)))
    together = np.zeros((32, 32))
    for seed in range(400):
        batch = spread(texts, 8, np.random.default_rng(seed))
        assert np.bincount(batch).tolist() == [4] * 8 and len(set(batch[:8])) == 8
        together += batch[:, None] == batch[None, :]
    others = together[8:, 8:][~np.eye(24, dtype=bool)] / 400
    assert others.max() < 0.2  # 3 / 31 on average, were they dealt at random among all


def test_seed_and_epoch_decide_and_the_global_state_has_no_part(varied):
    first = [list(DistinctCaptionSampler(varied, 25, seed=3)) for _ in range(2)]
    np.random.seed(1)
    again, other = DistinctCaptionSampler(varied, 25, seed=3), DistinctCaptionSampler(varied, 25, seed=4)
    assert first[0] == first[1] == list(again) != list(other)
    assert again.epoch == 1 and list(again) != first[0]


@pytest.mark.parametrize("stop", [0, 1, 3, 4, 6])
def test_a_resumed_sampler_goes_on_as_if_it_had_never_stopped(varied, stop):
    whole = DistinctCaptionSampler(varied, 25, seed=3)
    expected = [*whole, *whole, *whole]
    sampler, seen = DistinctCaptionSampler(varied, 25, seed=3), []
    while len(seen) < stop:
        for rows in sampler:
            seen.append(rows)
            if len(seen) == stop:
                break
    resumed = DistinctCaptionSampler(varied, 25, seed=3)
    resumed.load_state_dict(sampler.state_dict())
    while len(seen) < len(expected):
        seen += list(resumed)
    assert seen == expected
    with pytest.raises(ValueError, match="use the same captions, batch_size and seed"):
        DistinctCaptionSampler(varied, 20, seed=3).load_state_dict(sampler.state_dict())


@pytest.mark.parametrize(
    ("pictures", "batch_size", "world_size"), [(1001, 64, 8), (1001, 8, 8), (100, 34, 4), (9, 4, 3), (5, 4, 4)]
)
def test_processes_get_equal_parts_of_each_batch_and_hardly_a_picture_is_left_out(pictures, batch_size, world_size):
    table = table_of([[f"picture {n}", f"kind {n % 50}"] for n in range(pictures)])
    parts = [
        list(DistinctCaptionSampler(table, batch_size, seed=2, rank=rank, world_size=world_size))
        for rank in range(world_size)
    ]
    seen = []
    for shares in zip(*parts, strict=True):
        rows = sum(shares, [])
        assert len({len(share) for share in shares}) == 1 and 2 <= len(rows) <= batch_size + world_size - 1
        assert table.iloc[rows]["caption"].is_unique
        seen += rows
    assert pictures - world_size < table.iloc[seen]["image"].nunique() == len(seen)


def test_where_equal_parts_would_make_captions_meet_the_batches_give_up_a_picture_each():
    table = table_of([[f"kind {n % 4}"] for n in range(28)])  # seven batches of four kinds
    parts = [list(DistinctCaptionSampler(table, 4, rank=rank, world_size=3)) for rank in range(3)]
    for shares in zip(*parts, strict=True):
        assert table.iloc[sum(shares, [])]["caption"].is_unique and {len(share) for share in shares} == {1}


def test_a_data_loader_takes_it(picture_folder):
    dataset = ImageTextDataset(picture_folder / "caption.csv", picture_folder / "images", transform=lambda i: i.size)
    loader = DataLoader(dataset, batch_sampler=DistinctCaptionSampler(dataset.captions, 6))
    captions = [caption for _, texts in loader for caption in texts]
    assert len(captions) == 12 and len(loader) == 2


@pytest.mark.parametrize(
    "wrong", [{"batch_size": 1}, {"batch_size": 2, "world_size": 3}, {"batch_size": 4, "rank": 1}]
)
def test_settings_that_cannot_work_are_refused(varied, wrong):
    with pytest.raises(ValueError, match="a batch needs two pictures"):
        DistinctCaptionSampler(varied, **wrong)


def test_a_hundred_thousand_captions_are_dealt_apart():
    random = np.random.default_rng(0)
    shared = random.integers(3000, size=(20_000, 5))
    pool = CaptionPool.from_table(table_of([[f"caption {c}" for c in own] for own in shared]))
    places, batch = pool.draw_distinct(np.arange(20_000), 400, random)
    assert not pd.DataFrame({"batch": batch, "text": pool.said[places]}).duplicated().any()


def test_a_batch_without_negatives_or_without_a_picture_for_a_process_is_refused():
    with pytest.raises(ValueError, match="3 pictures, batch_size=2.*use another batch_size"):
        DistinctCaptionSampler(table_of([["a"], ["b"], ["c"]]), 2)
    with pytest.raises(ValueError, match="3 pictures, batch_size=4"):
        DistinctCaptionSampler(table_of([[str(n)] for n in range(3)]), 4, world_size=4)
    with pytest.raises(ValueError, match="0 pictures"):
        DistinctCaptionSampler(table_of([]), 4)


def test_a_missing_caption_is_named():
    with pytest.raises(CaptionError, match="row 1: no caption"):
        CaptionPool.from_table(table_of([["one"], [None], ["two"]]))
