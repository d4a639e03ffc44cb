"""The fast path gives the slow one's pictures, decodes each once, and leaves nothing half-written."""

import numpy as np
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

import rsclip_lab.data.store as store_module
from rsclip_lab.data import ImageError, PixelStore, normalise, open_image

MEAN, STD = (0.48, 0.45, 0.41), (0.27, 0.26, 0.28)


@pytest.fixture
def images(tmp_path):
    paths = []
    for number, shape in enumerate([(40, 60), (60, 40), (20, 25), (48, 48), (130, 97)]):
        pixels = np.random.default_rng(number).integers(0, 256, (*shape, 3), dtype=np.uint8)
        paths.append(tmp_path / f"{number}.{'jpg' if number % 2 else 'png'}")
        Image.fromarray(pixels).save(paths[-1])
    return paths


@pytest.fixture
def decoded(monkeypatch):
    """Counts the pictures that get opened."""
    opened = []
    monkeypatch.setattr(store_module, "open_image", lambda image: opened.append(image) or open_image(image))
    return opened


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


def test_a_folder_is_reused_until_a_picture_the_size_or_the_resize_changes(images, tmp_path, decoded):
    folder = tmp_path / "cache"

    def opened(size=16, resize=None):
        decoded.clear()
        PixelStore.decode(images, size, resize=resize, folder=folder)
        return len(decoded)

    def squash(image):
        return image.resize((16, 16))

    assert [opened(), opened(), opened(size=17), opened(resize=squash), opened(resize=squash)] == [
        5,
        0,
        5,
        5,
        0,
    ]
    Image.new("RGB", (30, 30), "red").save(images[0])
    assert opened() == 5
    assert PixelStore.decode(images, 16, folder=folder).gather([0])[0, :, 8, 8].tolist() == [255, 0, 0]


def test_what_resize_does_decides_even_under_one_name(images, tmp_path):
    by_filter = [
        PixelStore.decode(
            images, 16, resize=lambda image, f=f: image.resize((16, 16), f), folder=tmp_path / "cache"
        )
        for f in (Image.Resampling.NEAREST, Image.Resampling.BICUBIC)
    ]
    assert not torch.equal(by_filter[0].gather([0]), by_filter[1].gather([0]))


@pytest.mark.parametrize("in_folder", [False, True])
def test_an_unreadable_picture_is_named_and_nothing_is_left_behind(images, tmp_path, in_folder):
    images[3].write_bytes(images[3].read_bytes()[:500])
    folder = tmp_path / "cache" if in_folder else None
    with pytest.raises(ImageError, match=images[3].name):
        PixelStore.decode(images, 16, folder=folder)
    assert not in_folder or list(folder.iterdir()) == []


def test_a_large_set_is_mapped_from_an_unnamed_file(images, monkeypatch):
    plain = PixelStore.decode(images, 16)
    monkeypatch.setattr(store_module, "MAPPED_FROM_BYTES", 100)
    mapped = PixelStore.decode(images, 16)
    assert isinstance(mapped.pixels, np.memmap)
    assert torch.equal(mapped.gather(range(5)), plain.gather(range(5)))
