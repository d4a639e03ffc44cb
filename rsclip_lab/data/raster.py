"""Pictures beyond 8-bit colours: which bands of a TIFF are shown, and the stretch to 0..255 (tifffile)."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

from rsclip_lab.data.signatures import REMEDY, ImageError
from rsclip_lab.data.tiff_header import MIN_IS_BLACK, MIN_IS_WHITE, RGB, UNCOMPRESSED, TiffHeader

BYTES_A_PIXEL = 12  # of the pixel limit: what the decoded bands of one picture may take in memory
MEGABYTE = 1 << 20
GDAL_NODATA = 42113  # the tag
MASK = 4  # the bit of the tag NewSubfileType
DEFLATE = (8, 32946)
# Those that stop at the size a strip should have: besides these LZW, PackBits, LZMA, Zstandard.
CODECS = {UNCOMPRESSED, *DEFLATE, 5, 32773, 34925, 50000}
MASK_CODECS = {UNCOMPRESSED, *DEFLATE}


def choose_bands(count: int, bands: Sequence[int] | None, name: str) -> list[int]:
    """Which of `count` bands to show, counted from 0: by default the first three, or the first of fewer."""
    chosen = list(bands) if bands is not None else [0, 1, 2] if count >= 3 else [0]
    if len(chosen) not in (1, 3) or not all(isinstance(b, (int, np.integer)) and 0 <= b < count for b in chosen):
        raise ImageError(
            f"{name}: bands={bands} of a picture with {count}; name one or three, counted from 0 to {count - 1}"
        )
    return chosen


def read_bands(file: BinaryIO, header: TiffHeader, bands: Sequence[int] | None, max_pixels: int) -> np.ndarray:
    """The chosen bands of the first picture as uint8 `[height, width, 1 or 3]`, stretched where not uint8.

    Where it is stretched, nodata (the tag GDAL_NODATA, or a mask in the page after) is left out and becomes black.
    Raises ImageError for what needs imagecodecs, would fill the memory, or has no colours to show.
    """
    import tifffile

    chosen = choose_bands(header.bands, bands, file.name)
    _require_readable(file.name, header, max_pixels)
    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages[0]
        _require_honest_chunks(page, file)
        planes, _, height, width, samples = page.shaped  # the second is depth
        values = page.asarray().reshape(page.shaped)[:, 0]
        values = np.moveaxis(values, 0, 2).reshape(height, width, planes * samples)[..., chosen]
        valid = _has_data(values, page.tags.valueof(GDAL_NODATA)) & _mask(tiff, file, (height, width))
    if header.bits == 8 and values.dtype == np.uint8:
        return values if header.photometric != MIN_IS_WHITE else 255 - values
    return stretch(values, valid, file.name, inverted=header.photometric == MIN_IS_WHITE)


def _require_readable(name: str, header: TiffHeader, max_pixels: int) -> None:
    if header.decoded_bytes > BYTES_A_PIXEL * max_pixels:
        raise ImageError(
            f"{name}: {header.decoded_bytes / 1e9:.1f} GB when decoded ({header.bands} bands of {header.mode}); "
            "cut it into tiles, keep fewer bands, or pass a larger max_pixels"
        )
    if header.photometric not in (MIN_IS_WHITE, MIN_IS_BLACK, RGB) or header.kind.startswith(("complex", "unk")):
        raise ImageError(
            f"{name}: bands of {header.mode} with photometric interpretation {header.photometric} "
            f"are no colours that can be shown; {REMEDY}"
        )
    if header.compression not in CODECS:
        raise ImageError(
            f"{name}: compression {header.compression} is read only for 8-bit photographs; "
            "save it uncompressed or with DEFLATE (gdal_translate -co COMPRESS=DEFLATE)"
        )
    if header.compression not in (UNCOMPRESSED, *DEFLATE) and not _has_imagecodecs():
        raise ImageError(
            f"{name}: TIFF compression {header.compression} needs the package imagecodecs; "
            'pip install "rsclip-lab[geotiff]", or save it with DEFLATE'
        )


def _has_imagecodecs() -> bool:
    try:
        import imagecodecs  # noqa: F401
    except ImportError:
        return False
    return True


def _require_honest_chunks(page, file: BinaryIO) -> None:
    """No strip or tile has far more bytes than its pixels, packed or (where tifffile does not mind) inflated."""
    chunk = int(np.prod(page.chunks)) * page.dtype.itemsize
    most = max(page.databytecounts, default=0)
    if page.compression in DEFLATE and not _has_imagecodecs():
        chunks = zip(page.dataoffsets, page.databytecounts, strict=True)
        most = max(most, *(_inflated(file, offset, count, 2 * chunk + MEGABYTE) for offset, count in chunks))
    if most > 2 * chunk + MEGABYTE:
        raise ImageError(f"{file.name}: a strip or tile has more than its {chunk} bytes; {REMEDY}")


def _inflated(file: BinaryIO, offset: int, count: int, limit: int) -> int:
    """The bytes in a zlib stream, counted a little past the limit."""
    file.seek(offset)
    stream, data, size = zlib.decompressobj(), file.read(min(count, limit)), 0
    while data and not stream.eof and size <= limit:
        size += len(stream.decompress(data, MEGABYTE))
        data = stream.unconsumed_tail
    return size


def _has_data(values: np.ndarray, nodata: str | None) -> np.ndarray:
    valid = np.isfinite(values)
    try:
        value = float(nodata)
    except (TypeError, ValueError):  # none, or not a number
        return valid
    # GDAL writes a float32 nodata with more digits than the values have.
    return valid & (values != (values.dtype.type(value) if values.dtype.kind == "f" else value))


def _mask(tiff, file: BinaryIO, shape: tuple[int, int]) -> np.ndarray | bool:
    """Where the mask page that GDAL writes after the picture is not zero, `[height, width, 1]`."""
    try:
        page = tiff.pages[1]
        small = np.prod(page.chunks) <= np.prod(shape) + MEGABYTE
        if page.subfiletype & MASK and page.shape == shape and small and page.compression in MASK_CODECS:
            _require_honest_chunks(page, file)
            return page.asarray()[..., None] != 0
    except Exception:  # a broken second page takes nothing from the first
        pass
    return True


def stretch(values: np.ndarray, valid: np.ndarray, name: str, inverted: bool = False) -> np.ndarray:
    """`values` `[height, width, bands]` as uint8, from their 2nd to 98th percentile; invalid ones become 0.

    One stretch for all bands, so that grey stays grey and green green; a stretch for each band would give
    every picture the same mean colour, desert and forest alike.
    """
    known = values[valid]
    if known.size == 0:
        raise ImageError(f"{name}: no pixel has data (all are nodata, NaN or masked); leave it out")
    low, high = np.percentile(known, (2, 98)).tolist()
    if low == high:  # nearly constant, such as a mask of few objects
        low, high = float(known.min()), float(known.max())
    kind = np.result_type(values.dtype, np.float32)  # float64 for 32-bit integers, which float32 rounds
    with np.errstate(all="ignore"):
        scaled = (values.astype(kind) - kind.type(low)) / kind.type(high - low if high > low else 1)
    scaled = np.where(valid, np.clip(1 - scaled if inverted else scaled, 0, 1), 0)
    return np.round(scaled * 255).astype(np.uint8)
