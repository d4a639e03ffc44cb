"""The fast path gives the slow one's pictures and decodes each once. (What it keeps in a folder: test_cache.py.)"""

import numpy as np
import pytest
import tifffile
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

import rsclip_lab.data.store as store_module
from rsclip_lab.data import ImageError, PixelStore, normalise
from rsclip_lab.data.store import margin_size
from rsclip_lab.environment import in_threads

MEAN, STD = (0.48, 0.45, 0.41), (0.27, 0.26, 0.28)


@pytest.fixture
def images(tmp_path):
    paths = []
    for number, shape in enumerate([(40, 60), (60, 40), (20, 25), (48, 48), (130, 97)]):
        pixels = np.random.default_rng(number).integers(0, 256, (*shape, 3), dtype=np.uint8)
        paths.append(tmp_path / f"{number}.{'jpg' if number % 2 else 'png'}")
        Image.fromarray(pixels).save(paths[-1])
    return paths


@pytest.mark.parametrize("in_folder", [False, True])
def test_the_store_gives_what_open_clips_transform_gives(images, tmp_path, in_folder):
    store = PixelStore.decode(images, 48, folder=tmp_path / "cache" if in_folder else None)
    preprocess = image_transform_v2(PreprocessCfg(size=48, mean=MEAN, std=STD), is_train=False)
    batch = normalise(store.gather([4, 0, 2, 2]), MEAN, STD)
    reference = torch.stack([preprocess(Image.open(images[i])) for i in (4, 0, 2, 2)])
    assert torch.equal(batch, reference)


def test_gather_takes_any_indices_in_their_order(images):
    store = PixelStore.decode(images, 16)
    assert len(store) == 5
    batch = store.gather(torch.tensor([3, 1]))
    assert batch.shape == (2, 3, 16, 16) and batch.dtype == torch.uint8
    assert torch.equal(batch[0], store.gather(np.array([3]))[0])
    assert torch.equal(store.gather(range(5))[1], batch[1])
    with pytest.raises(IndexError):
        store.gather([5])
    with pytest.raises(TypeError, match="np.flatnonzero"):
        store.gather(np.array([True, False, True, False, False]))


def test_a_path_that_repeats_is_decoded_once(images, decoded):
    store = PixelStore.decode([images[0], images[1], images[0], str(images[1])], 16)
    assert len(decoded) == 2 and len(store) == 4 and len(store.pixels) == 2
    assert torch.equal(store.gather([0]), store.gather([2]))
    assert not torch.equal(store.gather([0]), store.gather([1]))


def test_pictures_and_arrays_are_taken_too(images):
    pictures = [Image.open(images[0]), np.asarray(Image.open(images[2]))]
    assert torch.equal(
        PixelStore.decode(pictures, 16).gather([0, 1]), PixelStore.decode(images, 16).gather([0, 2])
    )


def test_what_resize_does_decides_even_under_one_name(images, tmp_path):
    by_filter = [
        PixelStore.decode(
            images, 16, resize=lambda image, f=f: image.resize((16, 16), f), folder=tmp_path / "cache"
        )
        for f in (Image.Resampling.NEAREST, Image.Resampling.BICUBIC)
    ]
    assert not torch.equal(by_filter[0].gather([0]), by_filter[1].gather([0]))


def test_all_unreadable_pictures_are_named_at_once(images):
    for image in images[1::2]:
        image.write_bytes(image.read_bytes()[:500])
    with pytest.raises(ImageError, match=r"2 of 5 pictures cannot be read; audit.*leaves them out") as raised:
        PixelStore.decode(images, 16)
    assert images[1].name in str(raised.value) and images[3].name in str(raised.value)


def test_a_folder_of_wrong_files_is_given_up_before_the_end(tmp_path, decoded):
    missing = [tmp_path / f"{number}.png" for number in range(500)]
    with pytest.raises(ImageError, match=r"(?s)at least 100 of 500 pictures cannot be read.*and 95 more"):
        PixelStore.decode(missing, 16)
    assert len(decoded) < 300


def test_a_resize_that_gives_another_size_is_refused(images):
    with pytest.raises(ValueError, match="resize gave 20 x 10 pixels, not 16"):
        PixelStore.decode(images, 16, resize=lambda image: image.resize((20, 10)))


def test_a_large_set_is_mapped_from_an_unnamed_file(images, monkeypatch):
    plain = PixelStore.decode(images, 16)
    monkeypatch.setattr(store_module, "MAPPED_FROM_BYTES", 100)
    mapped = PixelStore.decode(images, 16)
    assert isinstance(mapped.pixels, np.memmap)
    assert torch.equal(mapped.gather(range(5)), plain.gather(range(5)))


def test_the_training_margin_is_taken_from_what_the_pictures_have(images, tmp_path):
    large = [Image.new("RGB", (500, 400))] * 3
    assert margin_size(large, 224) == 280
    assert margin_size(large, 320) == 400
    assert margin_size(images, 32) == 40 and margin_size(images, 224) == 224
    assert margin_size([tmp_path / "missing.png"], 32) == 32


def test_threads_keep_the_order_and_stay_a_few_results_ahead():
    started = []
    results = in_threads(lambda item: started.append(item) or item * 2, iter(range(1000)), threads=2)
    assert [next(results) for _ in range(5)] == [0, 2, 4, 6, 8]
    assert len(started) < 40
    assert list(results) == [2 * item for item in range(5, 1000)]


def test_bands_are_chosen_for_all_pictures_and_make_another_cache(tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (20, 20, 4), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "four.tif", values, planarconfig="contig", photometric="rgb")
    for bands in ((2, 1, 0), (3, 2, 1), None):
        store = PixelStore.decode([tmp_path / "four.tif"], 20, folder=tmp_path / "cache", bands=bands)
        expected = values[..., list(bands or (0, 1, 2))].transpose(2, 0, 1)
        assert np.array_equal(store.gather([0])[0], expected)


@pytest.mark.parametrize("size", [0, -3, "64", 64.0, 60_000])
def test_a_size_that_cannot_be_meant_is_refused_at_once(images, size):
    with pytest.raises(ValueError, match="image_size=.*from 1 to 4096"):
        PixelStore.decode(images, size)
