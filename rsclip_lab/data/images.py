"""From a file to pixels, safely and always the same way: one opener, one resize, one normalisation."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

MAX_PIXELS = 100_000_000
MAX_ASPECT = 100  # a thinner strip would become gigantic when its short side is resized
ORIENTATION = 0x0112  # the EXIF tag
REMEDY = "replace it, convert it to 8-bit RGB (PNG or JPEG), or leave it out"
ImageLike = str | Path | Image.Image | np.ndarray


class ImageError(ValueError):
    """A picture that cannot be used; the message names the file, the cause and the remedy."""


def open_image(image: ImageLike, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The picture as a loaded PIL image in RGB, turned upright as its EXIF data says.

    image: a path, a PIL image, or a uint8 array `[height, width, 3]` (or `[height, width]`).
    Grey, palette and CMYK pictures are converted; an alpha channel is dropped, as open_clip does; 16 and
    32-bit grey is stretched from its 2nd to 98th percentile to 0..255, as such files rarely use their whole
    range.
    Raises ImageError for a file that is missing, unreadable, cut short or above `max_pixels`.
    """
    if isinstance(image, np.ndarray):
        return _from_array(image)
    name = image_name(image)
    try:
        if isinstance(image, Image.Image):
            return _to_rgb(_within(image, max_pixels, name))
        with Image.open(image) as opened:
            return _to_rgb(_within(opened, max_pixels, name))
    except ImageError:
        raise
    except FileNotFoundError:
        raise ImageError(f"{name}: no such file; correct the path or the image folder") from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name}: {error}; cut the scene into tiles first") from error
    except Exception as error:  # decoders meet broken files with errors of every class
        raise ImageError(f"{name}: cannot be read as a picture ({_cause(image, error)}); {REMEDY}") from error


def image_name(image: ImageLike) -> str:
    """What to call the picture in a message: its path where it has one."""
    if isinstance(image, (str, Path)):
        return str(image)
    return getattr(image, "filename", "") or f"<{type(image).__name__}>"


def _cause(image: ImageLike, error: Exception) -> str:
    if isinstance(image, (str, Path)) and Path(image).is_file() and Path(image).stat().st_size == 0:
        return "the file is empty"
    if isinstance(error, Image.UnidentifiedImageError):
        return "not a known picture format"
    return str(error) or type(error).__name__


def _from_array(array: np.ndarray) -> Image.Image:
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,)):
        raise ImageError(
            f"<array>: a picture is uint8 [height, width, 3], this is {array.dtype} {list(array.shape)}; "
            "scale it to 0..255 and put the channels last"
        )
    return Image.fromarray(array).convert("RGB")


def _within(image: Image.Image, max_pixels: int, name: str) -> Image.Image:
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(
            f"{name}: {width} x {height} = {width * height / 1e6:.0f} million pixels, more than the limit of "
            f"{max_pixels / 1e6:.0f}; cut the scene into tiles, or pass a larger max_pixels"
        )
    if min(width, height) * MAX_ASPECT < max(width, height):
        raise ImageError(
            f"{name}: {width} x {height} pixels, more than {MAX_ASPECT} times as long as wide; cut it into tiles"
        )
    return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.getexif().get(ORIENTATION, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _stretch(image).convert("RGB")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("RGB")  # a copy, loaded, even of a picture that is RGB already


def _stretch(image: Image.Image) -> Image.Image:
    values = np.asarray(image, dtype=np.float32)
    low, high = np.nanpercentile(values, (2, 98))
    scaled = np.clip((np.nan_to_num(values, nan=low) - low) / max(high - low, 1e-6), 0, 1)
    return Image.fromarray(np.round(scaled * 255).astype(np.uint8))


def resize_and_crop(image: Image.Image, size: int) -> Image.Image:
    """Shortest side to `size` (bicubic), then the `size` x `size` centre: exactly open_clip's transform.

    The rounding follows torchvision's `Resize` and `CenterCrop`, which open_clip calls.
    """
    width, height = image.size
    short = min(width, height)
    scaled = (int(size * width / short), int(size * height / short))
    if scaled != image.size:
        image = image.resize(scaled, Image.Resampling.BICUBIC)
    left, top = round((scaled[0] - size) / 2), round((scaled[1] - size) / 2)
    return image.crop((left, top, left + size, top + size))


def normalise(pixels: torch.Tensor, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """`(pixels / 255 - mean) / std` as float32 `[batch, 3, height, width]`, on the device of `pixels`.

    pixels: uint8, or float in 0..255, `[batch, 3, height, width]`; mean, std: of the three channels, in 0..1.
    Value for value what torchvision's `ToTensor` and `Normalize` give.
    """
    mean, std = (
        torch.tensor(v, dtype=torch.float32, device=pixels.device).view(3, 1, 1) for v in (mean, std)
    )
    return pixels.to(torch.float32).div(255).sub_(mean).div_(std)
