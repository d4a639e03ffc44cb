"""Pictures beyond 8-bit colours: which bands of a TIFF are shown, read piece by piece (tifffile)."""

from __future__ import annotations

import logging
import threading
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np

from rsclip_lab.data.formats.signatures import REMEDY, ImageError
from rsclip_lab.data.formats.stretch import stretch
from rsclip_lab.data.formats.tiff_header import MIN_IS_BLACK, MIN_IS_WHITE, RGB, UNCOMPRESSED, TiffHeader

BYTES_A_PIXEL = 12  # of the pixel limit: what the decoded bands of one picture may take in memory
MEGABYTE = 1 << 20
PIECE_BYTES = 4 * MEGABYTE  # read at a time
GDAL_NODATA = 42113  # the tag
MASK = 4  # the bit of the tag NewSubfileType
DEFLATE = (8, 32946)
JPEG = 7
NAMES = {JPEG: "JPEG", 34712: "JPEG 2000", 34887: "LERC", 50001: "WebP", 50002: "JPEG XL"}
# Those that stop at the size a strip should have: besides these LZW, PackBits, LZMA, Zstandard.
CODECS = {UNCOMPRESSED, *DEFLATE, 5, 32773, 34925, 50000}
MASK_CODECS = {UNCOMPRESSED, *DEFLATE}
# Those in which Pillow reads photographs besides: three for fax, JPEG of two kinds.
PHOTOGRAPH_CODECS = CODECS | {2, 3, 4, 6, JPEG}


def choose_bands(count: int, bands: Sequence[int] | int | None, name: str) -> list[int]:
    """Which of `count` bands to show, counted from 0: by default the first three, or the first of fewer."""
    if bands is None:
        return [0, 1, 2] if count >= 3 else [0]
    chosen = list(bands) if isinstance(bands, Collection) else [bands]
    if len(chosen) not in (1, 3) or not all(isinstance(b, (int, np.integer)) and 0 <= b < count for b in chosen):
        raise ImageError(
            f"{name}: bands={bands} of a picture with {count}; name one or three, counted from 0 to {count - 1}"
        )
    return chosen


def read_bands(
    file: BinaryIO, header: TiffHeader, bands: Sequence[int] | int | None, max_pixels: int
) -> np.ndarray:
    """The chosen bands of the first picture as uint8 `[height, width, 1 or 3]`, stretched where not uint8.

    Where it is stretched, nodata (the tag GDAL_NODATA, or a mask in the page after) is left out and becomes black.
    Raises ImageError for what needs imagecodecs, would fill the memory, or has no colours to show.
    """
    import tifffile

    chosen = choose_bands(header.bands, bands, file.name)
    _require_readable(file.name, header, max_pixels)
    with _silent(tifffile.logger()), tifffile.TiffFile(file) as tiff:
        page = tiff.pages[0]
        nodata = _nodata(page)
        values = _empty(page, len(chosen), nodata)
        if header.pages > 1:
            for place, band in enumerate(chosen):
                _read_into(values[..., place : place + 1], tiff.pages[band], [0], file)
        else:
            _read_into(values, page, chosen, file)
        mask = _mask(tiff, file, values.shape[:2])
    inverted = header.photometric == MIN_IS_WHITE
    if header.bits == 8 and values.dtype == np.uint8:
        return 255 - values if inverted else values
    return stretch(values, file.name, nodata, mask, inverted)


@contextmanager
def _silent(logger: logging.Logger) -> Iterator[None]:
    """What this thread would log is dropped: what matters of it is raised."""
    thread = threading.get_ident()

    def of_others(record: logging.LogRecord) -> bool:
        return threading.get_ident() != thread

    logger.addFilter(of_others)
    try:
        yield
    finally:
        logger.removeFilter(of_others)


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
    require_codec(name, header, CODECS)
    if header.compression not in (UNCOMPRESSED, *DEFLATE) and not _has_imagecodecs():
        raise ImageError(
            f"{name}: TIFF compression {header.compression} needs the package imagecodecs; "
            'pip install "rsclip-lab[geotiff]", or save it with DEFLATE'
        )


def require_codec(name: str, header: TiffHeader, readable: Collection[int] = PHOTOGRAPH_CODECS) -> None:
    """Raises ImageError for a TIFF compressed in another way than those."""
    if header.compression not in readable:
        named = f" ({NAMES[header.compression]})" if header.compression in NAMES else ""
        only = " but for 8-bit photographs" if header.compression in PHOTOGRAPH_CODECS else ""
        raise ImageError(
            f"{name}: TIFF compression {header.compression}{named} is not read{only}; "
            "save it uncompressed or with DEFLATE (gdal_translate -co COMPRESS=DEFLATE)"
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


def _nodata(page) -> float | None:
    """The value of the tag GDAL_NODATA, as the pixels have it: GDAL writes more digits than a float32 has."""
    try:
        value = float(page.tags.valueof(GDAL_NODATA))
    except (TypeError, ValueError):  # none, or not a number
        return None
    with np.errstate(over="ignore"):
        return page.dtype.type(value).item() if page.dtype.kind == "f" else value


def _empty(page, bands: int, nodata: float | None) -> np.ndarray:
    """`[height, width, bands]`, all nodata, which GDAL does not store where a whole strip or tile is."""
    shape = (*page.shaped[2:4], bands)
    try:
        return np.full(shape, nodata or 0, page.dtype)
    except (OverflowError, ValueError):  # none of the values that the pixels can have
        return np.zeros(shape, page.dtype)


def _read_into(values: np.ndarray, page, bands: Sequence[int], file: BinaryIO) -> None:
    """Decode the page strip by strip into `values` `[height, width, len(bands)]`, only those bands of it."""
    _require_honest_chunks(page, file)
    planes, samples = zip(*(divmod(band, page.shaped[4]) for band in bands), strict=True)
    pieces = _contiguous_rows if page.is_final and all(page.databytecounts) else _segments
    for plane, top, left, piece in pieces(page, file, set(planes)):
        part = values[top : top + piece.shape[0], left : left + piece.shape[1]]
        for place, sample in enumerate(samples):
            if planes[place] == plane:
                part[..., place] = piece[: part.shape[0], : part.shape[1], sample]


def _contiguous_rows(page, file: BinaryIO, planes: set[int]) -> Iterator[tuple[int, int, int, np.ndarray]]:
    """Plane, top, left and pixels `[rows, columns, samples]` of a page stored like an array, a few rows at a time."""
    _, depth, height, width, samples = page.shaped
    dtype = page.dtype.newbyteorder(page.parent.byteorder)
    row_bytes = width * samples * dtype.itemsize
    step = max(1, PIECE_BYTES // row_bytes)
    for plane in sorted(planes):
        file.seek(page.dataoffsets[0] + plane * depth * height * row_bytes)
        for top in range(0, height, step):
            rows = min(step, height - top)
            data = _read(file, rows * row_bytes)
            yield plane, top, 0, np.frombuffer(data, dtype).reshape(rows, width, samples)


def _segments(page, file: BinaryIO, planes: set[int]) -> Iterator[tuple[int, int, int, np.ndarray]]:
    """The same of each strip or tile, decoded."""
    number = int(np.prod(page.chunked))
    if len(page.dataoffsets) < number:
        raise ValueError(f"{len(page.dataoffsets)} strips or tiles of {number}")
    a_plane = number // page.shaped[0]
    for index in range(number):
        offset, count = page.dataoffsets[index], page.databytecounts[index]
        if index // a_plane in planes and count:  # without bytes all of it is nodata
            file.seek(offset)
            piece, (plane, depth, top, left, _), _ = page.decode(_read(file, count), index)
            if depth == 0:
                yield plane, top, left, piece[0]


def _read(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise ValueError(f"truncated: {count - len(data)} bytes of a strip or tile are missing")
    return data


def _mask(tiff, file: BinaryIO, shape: tuple[int, int]) -> np.ndarray | None:
    """Where the mask page that GDAL writes after the picture is not zero, `[height, width, 1]`."""
    try:
        page = tiff.pages[1]
        small = np.prod(page.chunks) <= np.prod(shape) + MEGABYTE
        if page.subfiletype & MASK and page.shape == shape and small and page.compression in MASK_CODECS:
            _require_honest_chunks(page, file)
            return page.asarray()[..., None] != 0
    except Exception:  # a broken second page takes nothing from the first
        pass
    return None
