"""From a file to pixels, safely and always the same way: one opener, one resize, one normalisation."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from rsclip_lab.data.formats.limits import require_few_scans, require_size
from rsclip_lab.data.formats.raster import choose_bands, read_bands, require_codec
from rsclip_lab.data.formats.signatures import REMEDY, ImageError, picture_file
from rsclip_lab.data.formats.stretch import stretch
from rsclip_lab.data.formats.tiff_header import UNCOMPRESSED, read_header

MAX_PIXELS = 100_000_000
ORIENTATION = 0x0112  # the EXIF tag, and how to turn a picture upright by it
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# These decoders and no others: some that Pillow would try start other programs.
DECODERS = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "JPEG2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
}
PNG_BITS = 24  # where the bits of a band stand in a PNG file
ImageLike = str | Path | bytes | Image.Image | np.ndarray
Bands = Sequence[int] | int | None


@dataclass(frozen=True)
class ImageFacts:
    """What the header of a picture file says, before any EXIF rotation.

    format: "JPEG", "PNG", "TIFF", "GIF", "BMP", "WEBP" or "JPEG2000", by the content, whatever the name says
    (`signatures.SUFFIXES` has the usual endings). mode: Pillow's name ("RGB", "L", "P", "CMYK", …), or numpy's
    for the bands of a TIFF that are not 8-bit colours ("uint16", "float32"). bits: of one band.
    """

    width: int
    height: int
    mode: str
    bits: int
    bands: int
    format: str


def open_image(image: ImageLike, max_pixels: int = MAX_PIXELS, bands: Bands = None) -> Image.Image:
    """The picture as a loaded PIL image in RGB, turned upright as its EXIF data says.

    image: a path to JPEG, PNG, TIFF (GeoTIFF, BigTIFF), GIF, BMP, WebP or JPEG 2000, told apart by content;
    the bytes of such a file; a PIL image; or an array `[height, width, 3]` (or `[height, width]`) of uint8 or
    bool. Of several frames or pages the first is taken; but the pages of a TIFF that are one band each, more
    than four of the same size or one array by the word of their writer, are the bands of one picture.
    bands: three band numbers for red, green and blue, or one for grey (also as a plain int), counted from 0:
    `(3, 2, 1)` shows the usual colours of a Sentinel-2 stack B1, B2, …; by default the first three, or the
    first of two.

    Palette, CMYK and grey become RGB; an alpha channel is dropped, as open_clip does. What is not 8-bit is
    stretched from the 2nd to the 98th percentile of all its chosen bands together to 0..255, as such files
    rarely use their whole range; NaN, infinity and nodata (tagged, or one of the usual values such as -9999 far
    from all others) stay out of it and are black. Above a million pixels the percentiles are those of an even
    sample of at most a million.
    Raises ImageError for a file that is missing, unreadable, cut short, not a picture, or above `max_pixels`
    by its header, before anything is decoded.
    """
    if max_pixels <= 0:
        raise ImageError(f"max_pixels={max_pixels}: no picture is as small; pass a positive number")
    if isinstance(image, np.ndarray):
        return _from_array(image, bands, image_name(image))
    if isinstance(image, Image.Image):
        return _from_image(image, max_pixels, bands)
    with picture_file(image) as (file, head, format):
        if format == "TIFF":
            return _from_tiff(file, max_pixels, bands)
        with DECODERS[format](file) as opened:
            require_size(opened.size, max_pixels, file.name)
            if format == "JPEG":
                require_few_scans(file, opened.width * opened.height)
            if format == "PNG" and head[PNG_BITS] == 16 and opened.mode in ("RGB", "RGBA"):
                return _from_deep_png(file, opened.tile[0][3], bands)
            return _to_rgb(opened, bands, file.name)


def image_facts(image: str | Path | bytes) -> ImageFacts:
    """Size, mode, bits, bands and true format of a picture file (or its bytes); only its header is read.

    Raises ImageError for a file that is missing, unreadable or not a picture; no size is too large.
    """
    with picture_file(image) as (file, head, format):
        if format == "TIFF":
            tiff = read_header(file)
            return ImageFacts(tiff.width, tiff.height, tiff.mode, tiff.bits, tiff.bands, format)
        with DECODERS[format](file) as opened:
            deep = {"1": 1, "I": 32, "F": 32}.get(opened.mode, 16 if opened.mode.startswith("I;16") else 8)
            bits = head[PNG_BITS] if format == "PNG" else deep
            return ImageFacts(*opened.size, opened.mode, bits, len(opened.getbands()), format)


def image_name(image: ImageLike) -> str:
    """What to call the picture in a message: its path where it has one."""
    if isinstance(image, (str, Path)):
        return str(image)
    if isinstance(image, np.ndarray):
        return "<array>"
    return getattr(image, "filename", "") or f"<{type(image).__name__}>"


def _from_array(array: np.ndarray, bands: Bands, name: str) -> Image.Image:
    if array.dtype == bool:
        array = array.astype(np.uint8) * np.uint8(255)
    if array.ndim == 2:
        array = array[..., None]
    if bands is not None and array.ndim == 3:
        array = array[..., choose_bands(array.shape[2], bands, name)]
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] not in (1, 3):
        raise ImageError(
            f"{name}: a picture is uint8 [height, width, 3], this is {array.dtype} {list(array.shape)}; "
            "scale it to 0..255 and put the channels last"
        )
    if array.size == 0:
        raise ImageError(f"{name}: {array.shape[1]} x {array.shape[0]} pixels, nothing to see; leave it out")
    return Image.fromarray(array[..., 0] if array.shape[2] == 1 else array).convert("RGB")


def _from_image(image: Image.Image, max_pixels: int, bands: Bands) -> Image.Image:
    name = image_name(image)
    require_size(image.size, max_pixels, name)
    try:
        return _to_rgb(image, bands, name)
    except ImageError:
        raise
    except Exception as error:  # a picture opened by the caller may be decoded only now
        raise ImageError(f"{name}: cannot be read as a picture ({error}); {REMEDY}") from error


def _from_tiff(file: BinaryIO, max_pixels: int, bands: Bands) -> Image.Image:
    tiff = read_header(file)
    require_size((tiff.width, tiff.height), max_pixels, file.name)
    require_codec(file.name, tiff)
    if tiff.compression != UNCOMPRESSED and tiff.end > file.seek(0, os.SEEK_END):
        raise ValueError("truncated: its pixels end after the file")  # at which libtiff would print a line
    file.seek(0)
    quiet = tiff.width * tiff.height <= (Image.MAX_IMAGE_PIXELS or max_pixels)  # above it Pillow warns
    if tiff.photograph and quiet and (bands is None or not tiff.extra):
        with DECODERS["TIFF"](file) as opened:
            return _to_rgb(opened, bands, file.name)
    return _turned(_from_array(read_bands(file, tiff, bands, max_pixels), None, file.name), tiff.orientation)


def _from_deep_png(file: BinaryIO, rawmode: str, bands: Bands) -> Image.Image:
    """Colours (or grey and alpha) of 16 bits, of which Pillow keeps the high byte: each byte is decoded."""
    if rawmode == "LA;16B":
        opened, pairs = _png_as(file, "RGBA")  # the four bytes of a pixel
        high, low = pairs[..., ::2], pairs[..., 1::2]
    else:
        (opened, high), (_, low) = (_png_as(file, rawmode[:-1] + end) for end in "BL")
    chosen = choose_bands(high.shape[2], bands, file.name)
    values = high[..., chosen].astype(np.uint16) << 8
    values |= low[..., chosen]
    return _turned(_from_array(stretch(values, file.name), None, file.name), _orientation(opened))


def _png_as(file: BinaryIO, rawmode: str) -> tuple[Image.Image, np.ndarray]:
    file.seek(0)
    opened = DECODERS["PNG"](file)
    opened.tile = [(*opened.tile[0][:3], rawmode)]
    return opened, np.asarray(opened)


def _to_rgb(image: Image.Image, bands: Bands, name: str) -> Image.Image:
    image.load()  # a TIFF turns itself upright on loading
    image = _turned(image, _orientation(image))
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = np.asarray(image)[..., None][..., choose_bands(1, bands, name)]
        return _from_array(stretch(values, name), None, name)
    if bands is not None:
        values = np.asarray(image if image.mode in ("L", "LA", "RGB", "RGBA") else image.convert("RGB"))
        return _from_array(values, bands, name)
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    upright = image.convert("RGB")  # a copy, loaded, even of a picture that is RGB already
    upright.info = {}  # whoever opens the result again must not find there that it has to be turned
    return upright


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(ORIENTATION, 1)
    except Exception:  # broken EXIF data says nothing about the pixels
        return 1


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(TURNS[orientation]) if orientation in TURNS else image


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
    mean, std = (torch.tensor(v, dtype=torch.float32, device=pixels.device).view(3, 1, 1) for v in (mean, std))
    return pixels.to(torch.float32).div(255).sub_(mean).div_(std)
