"""The overfit test: 128 pairs are learned by heart in so many steps, or it is said why not."""

import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import TINY_ARCHITECTURE
from PIL import Image

import rsclip_lab as lab
from rsclip_lab import training
from rsclip_lab.data import sample
from rsclip_lab.data.false_negatives import same_text
from rsclip_lab.evaluation import evaluate
from rsclip_lab.evaluation.evaluate import TestTable
from rsclip_lab.models import new_clip
from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.trials.overfit import NotLearned, UntilLearned, distinct_pairs, overfit
from rsclip_lab.training.trials.trial import try_out

CONFIG = FinetuneConfig(learning_rate=1e-3, precision="fp32")


@pytest.fixture
def fields(tmp_path):
    """16 pictures of four random colours each, with two captions of their own, and one that they share."""
    random, rows = np.random.default_rng(0), []
    for number in range(16):
        path = str(tmp_path / f"{number}.png")
        four = Image.fromarray(random.integers(0, 256, (2, 2, 3), dtype=np.uint8))
        four.resize((32, 32), Image.Resampling.NEAREST).save(path)
        rows += [(path, text, number) for text in (f"field {number}", f"Field {number}.", f"acre {number}", "land")]
    return pd.DataFrame(rows, columns=["image", "caption", "image_id"]).assign(split="train", label=None)


def test_128_pairs_of_the_sample_are_known_by_heart_within_70_steps():
    """By a network of random weights for 32 px, in some 50; `tiny` takes 33 to 35 steps, each 30 times as long."""
    clip = new_clip(TINY_ARCHITECTURE, seed=0)
    test = overfit(clip, sample("coast", "train"), pairs=128, steps=70, config=CONFIG, progress=False)
    assert test.pairs == 128 and test.steps == len(test.history) <= 70
    first, last = test.history.iloc[0], test.history.iloc[-1]
    assert first.batch_recall < 0.05 and first.loss > math.log(128) and last.batch_recall > 0.9 and last.loss < 0.5
    assert repr(test).startswith(f"Overfit(128 pairs to R@1 = 1.0 in {test.steps} steps")


def test_the_public_name_is_the_function():
    assert lab.overfit is training.overfit is overfit  # a module of that name would take its place


def test_it_ends_when_both_directions_are_known_in_evaluation_mode(random_clip, fields):
    pairs = distinct_pairs(fields, 16)
    learned = UntilLearned(pairs)
    config = replace(CONFIG, batch_size=16, epochs=60, augment=False).resolved(random_clip)
    state = try_out(random_clip, pairs, config, [learned])
    recall = evaluate(state.model, pairs)["recall"]
    assert recall["image_to_text"][1] == recall["text_to_image"][1] == learned.recall == 1
    assert state.step < 60 and state.stop == "all pairs are known"
    assert evaluate(random_clip, pairs)["recall"]["image_to_text"][1] < 0.3  # the model passed in


def test_the_lower_recall_of_both_directions_counts(fields):
    class Features:  # each picture is nearest to its own caption, but both captions to the second picture
        def encode_images(self, images):
            return torch.tensor([[0.3, 0.1], [0.5, 0.9]])

        def encode_texts(self, texts):
            return torch.eye(2)

    learned = UntilLearned(distinct_pairs(fields, 2))
    learned.table = TestTable.of(learned.pairs)
    assert learned._measured(Features()) == 0.5


def test_the_pairs_have_each_a_picture_and_a_caption_that_says_something_of_its_own(fields):
    pairs = distinct_pairs(fields, 16, seed=1)
    assert pairs["image"].is_unique and pairs["caption"].map(same_text).is_unique and len(pairs) == 16
    known = set(zip(fields["image"], fields["caption"], strict=True))
    assert known.issuperset(zip(pairs["image"], pairs["caption"], strict=True))
    pd.testing.assert_frame_equal(pairs, distinct_pairs(fields, 16, seed=1))
    assert list(pairs.index) != list(distinct_pairs(fields, 16, seed=2).index)


def test_a_table_without_enough_captions_of_their_own_is_refused(random_clip, fields):
    few = fields[(fields["image_id"] < 3) | (fields["caption"] == "land")]
    with pytest.raises(ValueError, match="16 pairs.*only 4 of the 16 pictures.*pairs=4"):
        overfit(random_clip, few, pairs=16)


def failure(model, captions, **changes):
    steps = changes.pop("steps", 6)
    with pytest.raises(NotLearned) as caught:
        overfit(model, captions, pairs=16, steps=steps, config=replace(CONFIG, **changes), progress=False)
    assert len(caught.value.history) <= steps
    return re.sub(r"\s+", " ", str(caught.value))


def test_a_failure_names_its_likely_cause(random_clip, fields):
    assert "it was learning. Give it more steps" in failure(random_clip, fields, steps=10)
    words = failure(random_clip, fields, learning_rate=1e-9, steps=2)
    assert "next to nothing was learned" in words and f"{math.log(16):.2f}" in words and "R@1 is 0" in words
    collapsed = failure(random_clip, fields, loss="positives_only", steps=15)
    assert "have become one point" in collapsed and "loss='clip'" in collapsed


def test_a_failure_by_numbers_that_are_none_is_told_as_such():
    model = new_clip(TINY_ARCHITECTURE, seed=0)
    with torch.no_grad():
        model.net.text_projection.fill_(math.nan)
    captions = sample("coast", "train").head(200)
    with pytest.raises(NotLearned, match="step 0: the loss is nan"):
        overfit(model, captions, pairs=8, steps=3, config=CONFIG, progress=False)
