"""One look at every picture: decoded once, on several threads, and what the finders need of it kept."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from rsclip_lab.checks import fingerprints
from rsclip_lab.data.images import ImageFacts, image_facts, open_image
from rsclip_lab.environment import in_threads, progress

DARK = 16  # of 256 values
THUMBNAIL_SIDE = 72
SLOW_PIXELS = 4_000_000  # larger pictures are not decoded a second time for their thumbnail


@dataclass(frozen=True)
class Look:
    """What one look at a readable picture showed; a few kilobytes, so that 100,000 of them fit."""

    size: tuple[int, int]  # width, height, as it is shown
    stored: ImageFacts  # as the file's header has it
    content: bytes  # hash of the decoded pixels: equal in every lossless format
    thumb: np.ndarray  # uint8 [32, 32], grey
    hashes: np.ndarray  # uint8 [2, 8]
    common: tuple[int, ...]  # the most frequent value of red, green and blue
    common_share: float  # of the pixels, in the band where it is least
    dark_share: float  # of the values that are below DARK
    thumbnail: bytes | None  # a JPEG, of pictures that are slow to decode

    @property
    def blank(self) -> bool:
        return self.common_share == 1


@dataclass(frozen=True)
class Picture:
    """A picture of the table: its first row, its path, and the look at it or the error instead of one."""

    row: int
    path: str
    look: Look | None = None
    error: str | None = None

    @property
    def name(self) -> str:
        return Path(self.path).name


def look_at_all(rows: Sequence[int], paths: Sequence[str]) -> list[Picture]:
    """The pictures in the order given; none of them raises."""
    looks = in_threads(_look, zip(rows, paths, strict=True))
    return list(progress(looks, total=len(paths), desc="looking at pictures"))


def _look(job: tuple[int, str]) -> Picture:
    row, path = job
    try:
        image = open_image(path)
        return Picture(row, path, _look_at(image, image_facts(path)))
    except (OSError, ValueError) as error:  # an ImageError is a ValueError
        return Picture(row, path, error=str(error))


def _look_at(image: Image.Image, stored: ImageFacts) -> Look:
    grey = image.convert("L")
    thumb, counts = fingerprints.thumbnail(grey), np.array(image.histogram(), np.int32).reshape(3, 256)
    pixels = image.width * image.height
    return Look(
        image.size,
        stored,
        _content(image.size, grey, counts),
        thumb,
        fingerprints.hashes(thumb),
        tuple(counts.argmax(1).tolist()),
        counts.max(1).min() / pixels,
        counts[:, :DARK].sum() / (3 * pixels),
        thumbnail_of(image) if pixels > SLOW_PIXELS else None,
    )


def thumbnail_of(image: Image.Image) -> bytes:
    """A JPEG of at most 72 x 72 pixels; the picture given is made as small."""
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX)
    data = io.BytesIO()
    image.save(data, "JPEG", quality=70)
    return data.getvalue()


def _content(size: tuple[int, int], grey: Image.Image, counts: np.ndarray) -> bytes:
    """A hash of the size, all grey values in their places, and all colours whatever their places.

    That reads a third of the bytes of all colours in their places, and tells pictures apart as well.
    """
    content = hashlib.blake2b(repr(size).encode(), digest_size=16)
    content.update(grey.tobytes())
    content.update(counts)
    return content.digest()
