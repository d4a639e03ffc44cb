"""What the loop fetches: where captions name a direction, they are true of the picture as it was turned."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import rsclip_lab.data.augmentation as augment_module
from rsclip_lab.training import FinetuneConfig, finetune
from rsclip_lab.training.batches import CaptionBatches
from rsclip_lab.training.fetch import BatchSource

PLACES = {
    "in the upper left": (-1, -1), "at the top": (-1, 0), "in the upper right": (-1, 1), "on the left": (0, -1),
    "on the right": (0, 1), "in the lower left": (1, -1), "at the bottom": (1, 0), "in the lower right": (1, 1),
}  # fmt: skip
WHOLE = FinetuneConfig(epochs=2, batch_size=8, learning_rate=1e-3, min_crop=1.0, precision="fp32")

TIMES = ["samples_per_second", "waiting"]


@pytest.fixture
def spots(tmp_path):
    """A picture with a white square for each place, twice; two captions each, both say where it is."""
    rows = []
    for n, (place, (row, column)) in enumerate(list(PLACES.items()) * 2):
        pixels = np.zeros((33, 33, 3), dtype=np.uint8)
        pixels[14 + 11 * row : 19 + 11 * row, 14 + 11 * column : 19 + 11 * column] = 255
        path = str(tmp_path / f"{n}.png")
        Image.fromarray(pixels).save(path)
        rows += [(path, f"a white square {place}"), (path, f"a black field with a spot {place}")]
    table = pd.DataFrame(rows, columns=["image", "caption"])
    return table.assign(image_id=table.image, split="train", label=None)


@pytest.fixture
def colours_kept(monkeypatch):
    for name in ("GAIN", "TINT", "SHIFT"):
        monkeypatch.setattr(augment_module, name, 0.0)


def source_of(model, captions):
    return BatchSource(model, CaptionBatches(captions, 8), WHOLE, progress=False)


def place_in(caption):
    return next(at for where, at in PLACES.items() if where in caption)


def pairs(source, epochs=4):
    """(picture [3, size, size], its caption) of some epochs, captions read back from their tokens."""
    tokens = source.tokens[range(len(source.tokens))].tolist()
    texts = {tuple(row): text for row, text in zip(tokens, source.captions.texts, strict=True)}
    for epoch in range(epochs):
        for batch in source.epoch(epoch):
            said = [texts[tuple(tokens)] for tokens in batch.tokens.tolist()]
            assert len(set(said)) == len(said)  # one row a distinct caption, by its final text
            yield from ((pixels, said[row]) for pixels, row in zip(batch.pixels, batch.caption_ids, strict=True))


def place_of(pixels):
    bright = pixels.mean(dim=0)
    rows, columns = torch.nonzero(bright > (bright.max() + bright.min()) / 2, as_tuple=True)
    middle = (len(bright) - 1) / 2
    return tuple(round((at.float().mean().item() - middle) / (len(bright) / 3)) for at in (rows, columns))


def test_every_caption_is_true_of_its_picture_after_the_turn(random_clip, spots, colours_kept):
    seen = [(place_of(pixels), caption) for pixels, caption in pairs(source_of(random_clip, spots))]
    assert len(seen) == 4 * 16
    assert all(place_in(caption) == at for at, caption in seen)
    assert len(set(seen)) > 12  # places and captions do change


def test_a_picture_whose_caption_cannot_be_rewritten_is_not_turned(random_clip, spots, colours_kept):
    stuck = spots.assign(caption=spots.caption + " of the left bank")
    assert all(place_of(pixels) == place_in(caption) for pixels, caption in pairs(source_of(random_clip, stuck)))


def test_rewritings_are_tokenised_once_and_only_where_pictures_are_turned(random_clip, spots):
    batches = CaptionBatches(spots, 8)
    texts = batches.pool.texts
    still = BatchSource(random_clip, batches, FinetuneConfig(augment=False), progress=False)
    assert len(still.tokens) == len(texts)
    one = spots[spots.caption == "a white square on the left"]
    turned = BatchSource(random_clip, CaptionBatches(one, 2), WHOLE, progress=False)
    assert len(turned.tokens) == len(turned.captions.texts) == 4  # left, right, top, bottom


def test_captions_without_directions_get_the_batches_they_always_got(random_clip, spots):
    """Next to directional ones: same pictures, same tokens, as if no caption were ever rewritten."""
    plain = spots.assign(caption=[f"field {n // 4}" for n in range(len(spots))])
    ours, bare = source_of(random_clip, plain), source_of(random_clip, plain)
    ours.captions = type(ours.captions).of([*ours.captions.texts, "a car on the left"])
    for one, other in zip(ours.epoch(0), bare.epoch(0), strict=True):
        assert torch.equal(one.pixels, other.pixels)
        assert torch.equal(one.tokens, other.tokens)
        assert torch.equal(one.caption_ids, other.caption_ids)


@pytest.mark.parametrize("loss", ["clip", "positives_only"])
def test_a_run_on_directions_repeats_itself_and_gets_through(random_clip, spots, loss):
    config = FinetuneConfig(epochs=2, batch_size=8, learning_rate=1e-3, precision="fp32", loss=loss)
    one, again = (finetune(random_clip, spots, config, progress=False) for _ in range(2))
    pd.testing.assert_frame_equal(one.history.drop(columns=TIMES), again.history.drop(columns=TIMES))
    assert np.isfinite(one.history.loss).all()


@pytest.fixture
def large(tmp_path):
    """Eight pictures of 60 pixels, two captions each; the model reads 32."""
    rows = []
    for n in range(8):
        pixels = np.random.default_rng(n).integers(0, 256, (60, 70, 3), dtype=np.uint8)
        path = str(tmp_path / f"{n}.png")
        Image.fromarray(pixels).save(path)
        rows += [(path, f"picture {n}"), (path, "a picture")]
    return pd.DataFrame(rows, columns=["image", "caption"]).assign(image_id=0, split="train", label=None)


def test_pictures_to_be_cropped_are_decoded_with_a_margin_and_others_as_the_model_reads_them(random_clip, large):
    batches = CaptionBatches(large, 4)
    for config, size in [(FinetuneConfig(), 40), (WHOLE, 32), (FinetuneConfig(augment=False), 32)]:
        source = BatchSource(random_clip, batches, config, progress=False)
        assert source.store.image_size == size
        assert next(source.epoch(0)).pixels.shape == (4, 3, 32, 32)


def test_without_augmentation_the_model_gets_its_own_preprocessing(random_clip, large):
    source = BatchSource(random_clip, CaptionBatches(large, 4), FinetuneConfig(augment=False), progress=False)
    (batch,) = list(CaptionBatches(large, 8).epoch(0))
    images = [Image.open(source.batches.pool.images[picture]) for picture in batch.pictures]
    expected = torch.stack([random_clip.preprocess(image) for image in images])
    source.batches = CaptionBatches(large, 8)
    assert torch.equal(next(source.epoch(0)).pixels, expected)


def test_an_epoch_that_starts_in_the_middle_gives_what_it_would_have_given(random_clip, large):
    source = BatchSource(random_clip, CaptionBatches(large, 3), FinetuneConfig(), progress=False)
    for whole, rest in zip(list(source.epoch(2))[1:], source.epoch(2, first_step=1), strict=True):
        assert torch.equal(whole.pixels, rest.pixels) and torch.equal(whole.tokens, rest.tokens)


def test_decoded_pictures_are_kept_in_a_folder_when_one_is_named(random_clip, large, tmp_path, decoded):
    first, second = (
        finetune(random_clip, large, WHOLE, progress=False, cache=tmp_path / "cache") for _ in range(2)
    )
    assert len(decoded) == 8
    pd.testing.assert_frame_equal(first.history.drop(columns=TIMES), second.history.drop(columns=TIMES))
