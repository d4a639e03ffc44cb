"""What no picture may ask for: more pixels than the caller wants, a strip, minutes of decoding."""

import os
from typing import BinaryIO

from rsclip_lab.data.formats.signatures import REMEDY, ImageError

MAX_ASPECT = 100  # a thinner strip would become gigantic when its short side is resized
MAX_SCANS = 64  # of a JPEG; usual ones have 1, or about 10 when progressive
QUICK_SCANS = 1e11  # pixels times bytes; below it the scans that fit in decode in seconds


def require_size(size: tuple[int, int], max_pixels: int, name: str) -> None:
    width, height = size
    if width * height > max_pixels:
        raise ImageError(
            f"{name}: {width} x {height} = {width * height / 1e6:.0f} million pixels, more than the limit of "
            f"{max_pixels / 1e6:.0f}; cut the scene into tiles, or pass a larger max_pixels"
        )
    if min(size) == 0:
        raise ImageError(f"{name}: {width} x {height} pixels, nothing to see; {REMEDY}")
    if min(size) * MAX_ASPECT < max(size):
        raise ImageError(
            f"{name}: {width} x {height} pixels, more than {MAX_ASPECT} times as long as wide; cut it into tiles"
        )


def require_few_scans(file: BinaryIO, pixels: int) -> None:
    """A scan of twenty bytes takes as long as the whole picture; the file is at its first on entry."""
    first, size = file.tell(), file.seek(0, os.SEEK_END)
    if pixels * size < QUICK_SCANS:
        return
    file.seek(first)
    data = file.read()
    scans = 1 + data.count(b"\xff\xda", 0, data.find(b"\xff\xd9"))
    if scans > MAX_SCANS:
        raise ImageError(f"{file.name}: {scans} scans, a JPEG that would decode for minutes; {REMEDY}")
