"""The tutorial's class: `(image, caption)` samples from an annotations file and an image folder."""

import torch
from PIL import Image
from torch.utils.data import DataLoader

from rsclip_lab.data import ImageTextDataset, PixelStore, normalise


def test_a_sample_is_a_picture_and_its_caption(picture_folder):
    dataset = ImageTextDataset(picture_folder / "caption.csv", picture_folder / "images")
    image, caption = dataset[3]
    assert len(dataset) == 24 and caption == "picture 1 shows harbour from above"
    assert isinstance(image, Image.Image) and image.mode == "RGB" and image.size == (59, 41)


def test_a_loader_batches_it_and_the_store_gives_the_same_pixels(picture_folder, random_clip):
    dataset = ImageTextDataset(
        picture_folder / "caption.csv", picture_folder / "images", random_clip.preprocess
    )
    images, captions = next(iter(DataLoader(dataset, batch_size=5)))
    assert images.shape == (5, 3, 32, 32) and list(captions) == dataset.captions["caption"][:5].tolist()
    store = PixelStore.decode(dataset.captions["image"], random_clip.image_size)
    assert torch.equal(images, normalise(store.gather(range(5)), random_clip.mean, random_clip.std))
