"""What a model takes: pictures through its preprocessing, and one or many of each kind."""

from collections.abc import Sequence
from numbers import Real
from pathlib import Path

import numpy as np
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2, merge_preprocess_dict
from PIL import Image
from torchvision.transforms import Compose, Normalize, ToTensor
from torchvision.transforms.functional import pil_to_tensor

from rsclip_lab.models.errors import ModelError

TO_VALUES = (ToTensor, Normalize)  # the steps of a transform after which a picture is no picture any more
FINITE = 1e6  # no mean, no std is near it
CHOICES = {
    "mode": ("RGB",),
    "interpolation": ("bicubic", "bilinear"),
    "resize_mode": ("shortest", "longest", "squash"),
}


class ToFloat32(ToTensor):
    """ToTensor, whose values have torch's default type, with that type fixed."""

    def __call__(self, picture: Image.Image) -> torch.Tensor:
        return pil_to_tensor(picture).contiguous().to(torch.float32).div(255)


def preprocess_values(values: dict | None, size: int | None = None) -> dict:
    """All fields of open_clip's PreprocessCfg: those given, else CLIP's own; plain JSON values.

    size: instead of the one in `values`. None, and keys that are not PreprocessCfg's, are passed over, as open_clip
    does. Raises ModelError for values that it has no transform for.
    """
    if not isinstance(values, dict | None):
        raise ModelError(f"preprocessing is {values!r:.80}: give the fields of open_clip's PreprocessCfg by name")
    given = (values or {}) | ({} if size is None else {"size": size})
    values = merge_preprocess_dict(PreprocessCfg(), given)
    for key, fits in (("size", lambda pixels: pixels >= 1), ("fill_color", lambda value: 0 <= value <= 255)):
        if type(values[key]) is not int or not fits(values[key]):
            raise ModelError(f"preprocessing with {key} {values[key]!r:.80}: give one whole number")
    if values["interpolation"] == "random":  # in open_clip's training; it evaluates with bicubic
        values["interpolation"] = "bicubic"
    for key, choices in CHOICES.items():
        if values[key] not in choices:
            remedy = f"choose {' or '.join(choices)}"
            raise ModelError(f"preprocessing with {key} {values[key]!r:.80} is not known: {remedy}")
    values["mean"] = _of_three_colours("mean", values["mean"], above=-FINITE)
    values["std"] = _of_three_colours("std", values["std"], above=0)
    return values


def _of_three_colours(key: str, given, above: float) -> list[float]:
    numbers = list(given) if isinstance(given, Sequence) else [given] * 3
    are_numbers = all(isinstance(one, Real) and not isinstance(one, bool) for one in numbers)
    if len(numbers) != 3 or not are_numbers or not all(above < one < FINITE for one in numbers):
        remedy = "give three numbers, one a colour, of 0 to 1 as pixels are; no std of 0"
        raise ModelError(f"preprocessing with {key} {given!r:.80}: {remedy}")
    return numbers


def evaluation_transform(values: dict) -> Compose:
    """open_clip's evaluation transform: PIL picture -> normalised float32 [3, size, size]."""
    steps = image_transform_v2(PreprocessCfg(**values), is_train=False).transforms
    return Compose([ToFloat32() if isinstance(step, ToTensor) else step for step in steps])


def resizing(values: dict) -> Compose:
    """The part of `evaluation_transform` before the values: PIL picture -> PIL RGB picture, size x size."""
    steps = evaluation_transform(values).transforms
    return Compose([step for step in steps if not isinstance(step, TO_VALUES)])


def require_loaded(model, caller: str) -> None:
    """Raise TypeError, with what to write, for what is no loaded model: its name, or the run it came from."""
    if not hasattr(model, "net"):
        remedy = f"{caller}(run.model, …)" if hasattr(model, "model") else f"{caller}(load_model(…), …)"
        raise TypeError(f"{caller} takes a loaded model, not {model!r:.80}: {remedy}")


def as_list_of_images(images) -> list:
    """What `encode_images` accepts, always as a list: one path, PIL image or array becomes a list of one."""
    if isinstance(images, np.ndarray) and images.dtype.kind not in "OU":  # objects and text: paths
        return [images] if images.ndim <= 3 else list(images)
    return [images] if isinstance(images, (str, bytes, Path, Image.Image)) else list(images)


def as_list_of_texts(texts) -> list[str]:
    """One text becomes a list of one; ModelError, with its row, for what is no string."""
    texts = [texts] if isinstance(texts, str) else list(texts)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise ModelError(f"text {row} is {text!r}, not a string: drop or fill it before encoding")
    return texts
