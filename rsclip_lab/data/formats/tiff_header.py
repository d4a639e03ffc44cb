"""The first directory of a TIFF file: what the picture in it is, before anything large is read."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

MAX_TAG_BYTES = 256 << 20
MAX_TAGS = MAX_PAGES = 4096
# Numbers of tags, of types and of photometric interpretations: TIFF 6.0, and BigTIFF's LONG8.
WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, ORIENTATION, SAMPLES = 256, 257, 258, 259, 262, 274, 277
TILE_WIDTH, TILE_LENGTH, EXTRA_SAMPLES, SAMPLE_FORMAT = 322, 323, 338, 339
SUBFILE_TYPE, DESCRIPTION, STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES = 254, 270, 273, 279, 324, 325
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
ASCII = 2
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
# Tags in which pages that are the bands of one picture agree, and what holds where one is missing.
OF_A_BAND = dict.fromkeys((SUBFILE_TYPE, WIDTH, LENGTH, PHOTOMETRIC), 0)
OF_A_BAND |= dict.fromkeys((BITS, COMPRESSION, SAMPLES, SAMPLE_FORMAT), 1)
MANY_PAGES = 4  # more pages alike are the bands of one picture; fewer where the writer says so
# How tifffile, ImageJ and OME (whose XML opens with a comment) begin the description of an array of many pages.
ARRAY_OF_PAGES = rb'\{"shape": \[%d, |ImageJ=.*\nimages=%d\n|(<\?xml.*)?<OME '
DESCRIPTION_BYTES = 2048


@dataclass(frozen=True)
class TiffHeader:
    """The first picture of a TIFF file, as its tags describe it."""

    width: int
    height: int
    bands: int
    pages: int  # that hold one of the bands each; 1 where the first page holds them all
    bits: int  # of one band
    kind: str  # "uint", "int", "float", …
    photometric: int
    compression: int
    extra: tuple[int, ...]  # what the bands beyond the colours are: 1 and 2 say alpha
    orientation: int
    tile: tuple[int, int]  # width, height; 0 where it is in strips
    end: int  # of its last strip or tile in the file

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
    order, big, start = _preamble(file)
    tags, following = _directory(file, order, big, start)
    first = _first_values(tags)
    if WIDTH not in first or LENGTH not in first:
        raise ValueError("its first directory has no size")
    pages = _pages_alike(file, order, big, {start}, following, first)
    return TiffHeader(
        width=first[WIDTH],
        height=first[LENGTH],
        bands=first.get(SAMPLES, 1) * pages,
        pages=pages,
        bits=max(tags.get(BITS, (1,))),
        kind=KINDS.get(first.get(SAMPLE_FORMAT, 1), "unknown"),
        photometric=first.get(PHOTOMETRIC, MIN_IS_WHITE),
        compression=first.get(COMPRESSION, UNCOMPRESSED),
        extra=tags.get(EXTRA_SAMPLES, ()),
        orientation=first.get(ORIENTATION, 1),
        tile=(first.get(TILE_WIDTH, 0), first.get(TILE_LENGTH, 0)),
        end=max(_ends(tags, STRIP_OFFSETS, STRIP_BYTES) + _ends(tags, TILE_OFFSETS, TILE_BYTES), default=0),
    )


def _ends(tags: dict[int, tuple], offsets: int, counts: int) -> list[int]:
    return [offset + count for offset, count in zip(tags.get(offsets, ()), tags.get(counts, ()), strict=False)]


def _pages_alike(file: BinaryIO, order: str, big: bool, seen: set[int], following: int, first: dict) -> int:
    """How many pages are the bands of one picture: all, where each is one band of the same layout; else 1."""
    layout = _band_layout(first)
    plain = (layout[SUBFILE_TYPE], layout[PHOTOMETRIC], layout[SAMPLES]) == (0, MIN_IS_BLACK, 1) and layout[BITS] >= 8
    while plain and following:
        if following in seen or len(seen) >= MAX_PAGES:
            return 1
        seen.add(following)
        try:
            tags, following = _directory(file, order, big, following, whole=False)
        except (ValueError, struct.error):  # a broken page takes nothing from the first
            return 1
        if _band_layout(_first_values(tags)) != layout:
            return 1
    pages = len(seen)
    said = re.match(ARRAY_OF_PAGES.replace(b"%d", b"%d" % pages), first.get(DESCRIPTION, b""), re.DOTALL)
    return pages if pages > MANY_PAGES or said else 1


def _first_values(tags: dict[int, tuple]) -> dict:
    return {tag: values[0] for tag, values in tags.items() if values}


def _band_layout(first: dict) -> dict[int, int]:
    return {tag: first.get(tag, default) for tag, default in OF_A_BAND.items()}


def _preamble(file: BinaryIO) -> tuple[str, bool, int]:
    """Byte order, whether it is BigTIFF, and where the first directory begins."""
    head = file.read(16)
    order, big = "<" if head[:2] == b"II" else ">", 43 in head[2:4]
    (start,) = struct.unpack_from(order + ("Q" if big else "I"), head, 8 if big else 4)
    return order, big, start


def _directory(
    file: BinaryIO, order: str, big: bool, start: int, whole: bool = True
) -> tuple[dict[int, tuple], int]:
    """The integer tags below 340 of a directory (TIFF 6.0, section 2), its description, and where the next begins.

    whole: else only what stands in the directory itself, not what is elsewhere in the file.
    """
    field, entry_form = ("Q", "HHQ8s") if big else ("I", "HHI4s")
    file.seek(start)
    (number,) = _unpack(order + ("Q" if big else "H"), file)
    if number > MAX_TAGS:
        raise ValueError(f"its directory claims {number} tags")
    entries = [_unpack(order + entry_form, file) for _ in range(number)]
    following = file.read(struct.calcsize(field))
    tags = {}
    for tag, type, count, value in entries:
        size = TYPE_BYTES.get(type, 1) * count
        if size > MAX_TAG_BYTES:
            raise ValueError(f"its tag {tag} claims {size / 1e6:.0f} MB")
        text = (tag, type) == (DESCRIPTION, ASCII)
        if tag in tags or not (text or (type in INTEGERS and tag <= SAMPLE_FORMAT)):
            continue
        if size > len(value):
            if not whole:
                continue
            file.seek(struct.unpack(order + field, value)[0])
            value = file.read(min(size, DESCRIPTION_BYTES) if text else size)
        tags[tag] = (value,) if text else struct.unpack_from(f"{order}{count}{INTEGERS[type]}", value)
    # Of a broken file the last field may be missing.
    return tags, struct.unpack(order + field, following)[0] if len(following) == struct.calcsize(field) else 0


def _unpack(form: str, file: BinaryIO) -> tuple:
    data = file.read(struct.calcsize(form))
    if len(data) < struct.calcsize(form):
        raise ValueError("cut short before its directory ends")
    return struct.unpack(form, data)
