"""What a model takes: pictures through its preprocessing, and one or many of each kind."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from open_clip.transform import PreprocessCfg, image_transform_v2, merge_preprocess_dict
from PIL import Image
from torchvision.transforms import Compose, Normalize, ToTensor

from rsclip_lab.models.errors import ModelError

TO_VALUES = (ToTensor, Normalize)  # the steps of a transform after which a picture is no picture any more
CHOICES = {
    "mode": ("RGB",),
    "interpolation": ("bicubic", "bilinear"),
    "resize_mode": ("shortest", "longest", "squash"),
}


def preprocess_values(values: dict) -> dict:
    """All fields of open_clip's PreprocessCfg: those given, else CLIP's own; plain JSON values.

    None, and keys that are not PreprocessCfg's, are passed over, as open_clip does. Raises ModelError for values that
    it has no transform for.
    """
    values = merge_preprocess_dict(PreprocessCfg(), values)
    if values["interpolation"] == "random":  # in open_clip's training; it evaluates with bicubic
        values["interpolation"] = "bicubic"
    for key, choices in CHOICES.items():
        if values[key] not in choices:
            raise ModelError(f"preprocessing with {key} {values[key]!r} is not known: choose {' or '.join(choices)}")
    for key in ("mean", "std"):
        numbers = values[key]
        values[key] = list(numbers) if isinstance(numbers, Sequence) else [numbers] * 3
        if len(values[key]) != 3 or (key == "std" and 0 in values[key]):
            raise ModelError(f"preprocessing with {key} {numbers}: give three numbers, one a colour, no std of 0")
    return values


def evaluation_transform(values: dict) -> Compose:
    """open_clip's evaluation transform: PIL picture -> normalised float32 [3, size, size]."""
    return image_transform_v2(PreprocessCfg(**values), is_train=False)


def resizing(values: dict) -> Compose:
    """The part of `evaluation_transform` before the values: PIL picture -> PIL RGB picture, size x size."""
    steps = evaluation_transform(values).transforms
    return Compose([step for step in steps if not isinstance(step, TO_VALUES)])


def as_list_of_images(images) -> list:
    """What `encode_images` accepts, always as a list: one path, PIL image or array becomes a list of one."""
    if isinstance(images, np.ndarray) and images.dtype != object:  # of objects: paths, as pandas gives a column's
        return [images] if images.ndim <= 3 else list(images)
    return [images] if isinstance(images, (str, Path, Image.Image)) else list(images)


def as_list_of_texts(texts) -> list[str]:
    """One text becomes a list of one; ModelError, with its row, for what is no string."""
    texts = [texts] if isinstance(texts, str) else list(texts)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise ModelError(f"text {row} is {text!r}, not a string: drop or fill it before encoding")
    return texts
