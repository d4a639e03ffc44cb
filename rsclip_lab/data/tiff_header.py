"""The first directory of a TIFF file: what the picture in it is, before anything large is read."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

MAX_TAG_BYTES = 256 << 20
MAX_TAGS = 4096
# Numbers of tags, of types and of photometric interpretations: TIFF 6.0, and BigTIFF's LONG8.
WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, ORIENTATION, SAMPLES = 256, 257, 258, 259, 262, 274, 277
TILE_WIDTH, TILE_LENGTH, EXTRA_SAMPLES, SAMPLE_FORMAT = 322, 323, 338, 339
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
INTEGERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
KINDS = {1: "uint", 2: "int", 3: "float", 4: "uint", 5: "complex int", 6: "complex"}
MIN_IS_WHITE, MIN_IS_BLACK, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
ASSOCIATED_ALPHA = 1
# What Pillow shows as it is stored: photometric interpretation and bands, in 8 bits or fewer.
PHOTOGRAPHS = {
    (MIN_IS_WHITE, 1): "L",
    (MIN_IS_BLACK, 1): "L",
    (PALETTE, 1): "P",
    (RGB, 3): "RGB",
    (RGB, 4): "RGBA",
    (YCBCR, 3): "YCbCr",
    (CMYK, 4): "CMYK",
}
UNCOMPRESSED = 1


@dataclass(frozen=True)
class TiffHeader:
    """The first picture of a TIFF file, as its tags describe it."""

    width: int
    height: int
    bands: int
    bits: int  # of one band
    kind: str  # "uint", "int", "float", …
    photometric: int
    compression: int
    extra: tuple[int, ...]  # what the bands beyond the colours are: 1 and 2 say alpha
    orientation: int
    tile: tuple[int, int]  # width, height; 0 where it is in strips

    @property
    def mode(self) -> str:
        """Pillow's name for 8 bits and fewer, where it has one; else numpy's, such as "uint16"."""
        if self.kind == "uint" and self.bits <= 8:
            return "1" if (self.bits, self.bands) == (1, 1) else PHOTOGRAPHS.get(self.layout, "uint8")
        return f"{self.kind}{self.bits}"

    @property
    def layout(self) -> tuple[int, int]:
        return self.photometric, self.bands

    @property
    def photograph(self) -> bool:
        """Whether Pillow reads it and leaves its colours as they are.

        By associated alpha Pillow divides the colours, and the fourth band of aerial pictures is often near
        infrared declared as alpha.
        """
        in_8_bits = self.kind == "uint" and (self.bits == 8 or (self.bits < 8 and self.bands == 1))
        return in_8_bits and self.layout in PHOTOGRAPHS and ASSOCIATED_ALPHA not in self.extra

    @property
    def decoded_bytes(self) -> int:
        pixels = max(self.width * self.height, self.tile[0] * self.tile[1])
        return pixels * self.bands * max(self.bits, 8) // 8


def read_header(file: BinaryIO) -> TiffHeader:
    """The tags that say what the first picture is, read from the start of the file, BigTIFF or not.

    Raises ValueError or struct.error for a directory that is broken, or whose tags claim absurd sizes.
    """
    tags = _tags(file)
    first = {tag: values[0] for tag, values in tags.items() if values}
    if WIDTH not in first or LENGTH not in first:
        raise ValueError("its first directory has no size")
    return TiffHeader(
        width=first[WIDTH],
        height=first[LENGTH],
        bands=first.get(SAMPLES, 1),
        bits=max(tags.get(BITS, (1,))),
        kind=KINDS.get(first.get(SAMPLE_FORMAT, 1), "unknown"),
        photometric=first.get(PHOTOMETRIC, MIN_IS_WHITE),
        compression=first.get(COMPRESSION, UNCOMPRESSED),
        extra=tags.get(EXTRA_SAMPLES, ()),
        orientation=first.get(ORIENTATION, 1),
        tile=(first.get(TILE_WIDTH, 0), first.get(TILE_LENGTH, 0)),
    )


def _tags(file: BinaryIO) -> dict[int, tuple[int, ...]]:
    """The integer tags below 340 of the first directory (TIFF 6.0, section 2)."""
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = 43 in head[2:4]
    field, entry_form = ("Q", "HHQ") if big else ("I", "HHI")
    file.seek(struct.unpack_from(order + field, head, 8 if big else 4)[0])
    (number,) = _unpack(order + ("Q" if big else "H"), file)
    if number > MAX_TAGS:
        raise ValueError(f"its directory claims {number} tags")
    entries = [_unpack(order + entry_form + ("8s" if big else "4s"), file) for _ in range(number)]
    tags = {}
    for tag, type, count, value in entries:
        size = TYPE_BYTES.get(type, 1) * count
        if size > MAX_TAG_BYTES:
            raise ValueError(f"its tag {tag} claims {size / 1e6:.0f} MB")
        if type in INTEGERS and tag <= SAMPLE_FORMAT and tag not in tags:
            if size > len(value):
                file.seek(struct.unpack(order + field, value)[0])
                value = file.read(size)
            tags[tag] = struct.unpack_from(f"{order}{count}{INTEGERS[type]}", value)
    return tags


def _unpack(form: str, file: BinaryIO) -> tuple:
    data = file.read(struct.calcsize(form))
    if len(data) < struct.calcsize(form):
        raise ValueError("cut short before its directory ends")
    return struct.unpack(form, data)
