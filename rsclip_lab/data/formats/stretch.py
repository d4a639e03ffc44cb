"""From numbers of any range to 0..255: what has no data, and the stretch, in strips that take little memory."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from rsclip_lab.data.formats.signatures import ImageError

SAMPLE_PIXELS = 1_000_000  # from which the percentiles are taken; smaller pictures are taken whole
STRIP_VALUES = 1 << 20  # scaled at a time
FEW = 3  # as often must a value come at least, and
GAP = 0.01  # of the range must be free of others next to it, to be nodata without a tag


def stretch(
    values: np.ndarray,
    name: str,
    nodata: float | None = None,
    mask: np.ndarray | None = None,
    inverted: bool = False,
) -> np.ndarray:
    """`values` `[height, width, bands]` as uint8, from their 2nd to 98th percentile; what has no data becomes 0.

    nodata: the value that says so; where it is None, one of the usual (see `untagged_nodata`) may. NaN and infinity
    have no data, nor has what is False in mask, `[height, width, 1]`.
    The percentiles are those of every nth pixel of every nth row, so that at most a million pixels are sorted.
    One stretch for all bands, so that grey stays grey and green green; a stretch for each band would give every
    picture the same mean colour, desert and forest alike. Raises ImageError where no pixel has data.
    """
    step = math.ceil(math.sqrt(values.shape[0] * values.shape[1] / SAMPLE_PIXELS))
    every = (slice(None, None, step),) * 2
    known = _known(values[every], nodata, mask if mask is None else mask[every])
    if nodata is None:
        nodata = untagged_nodata(known)
        known = known if nodata is None else known[known != nodata]
    low, high = np.percentile(known, (2, 98)).tolist() if known.size else (0, 0)
    if low == high:  # nearly constant, such as a mask of few objects
        low, high = _extremes(values, nodata, mask, name)
    return _scaled(values, nodata, mask, low, high, inverted)


def untagged_nodata(known: np.ndarray) -> float | None:
    """-9999, -32768 of int16, or the largest float32 or float64 of either sign, where it stands for nodata.

    So it does as the least or the greatest of the values, a few times, and far from all others.
    """
    if known.size == 0 or known.dtype.kind not in "if":
        return None
    low, high = known.min().item(), known.max().item()
    for end, other in ((low, high), (high, low)):
        if _usual_nodata(end, known.dtype):
            rest = known[known != end]
            nearest = (rest.min() if end == low else rest.max()).item() if rest.size else other
            far = rest.size == 0 or abs(nearest / 2 - end / 2) > GAP * abs(other / 2 - end / 2)  # halves fit a float
            if far and known.size - rest.size >= FEW:
                return end
    return None


def _usual_nodata(value: float, dtype: np.dtype) -> bool:
    largest = dtype.kind == "f" and (3.402e38 <= abs(value) <= 3.403e38 or abs(value) >= 1.79e308)
    return value == -9999 or largest or (dtype == np.int16 and value == -32768)


def _has_data(values: np.ndarray, nodata: float | None, mask: np.ndarray | None) -> np.ndarray:
    valid = np.isfinite(values)
    if nodata is not None:
        valid &= values != nodata
    return valid if mask is None else valid & mask


def _known(values: np.ndarray, nodata: float | None, mask: np.ndarray | None) -> np.ndarray:
    return values[_has_data(values, nodata, mask)]


def _strips(
    values: np.ndarray, mask: np.ndarray | None
) -> Iterator[tuple[slice, np.ndarray, np.ndarray | None]]:
    rows = max(1, STRIP_VALUES // (values.shape[1] * values.shape[2]))
    for top in range(0, len(values), rows):
        strip = slice(top, top + rows)
        yield strip, values[strip], mask if mask is None else mask[strip]


def _extremes(values: np.ndarray, nodata: float | None, mask: np.ndarray | None, name: str) -> tuple[float, float]:
    """The least and the greatest value of the whole picture."""
    strips = (_known(strip, nodata, strip_mask) for _, strip, strip_mask in _strips(values, mask))
    ends = [(float(known.min()), float(known.max())) for known in strips if known.size]
    if not ends:
        raise ImageError(f"{name}: no pixel has data (all are nodata, NaN or masked); leave it out")
    return min(low for low, _ in ends), max(high for _, high in ends)


def _scaled(
    values: np.ndarray, nodata: float | None, mask: np.ndarray | None, low: float, high: float, inverted: bool
) -> np.ndarray:
    kind = np.result_type(values.dtype, np.float32)  # float64 for 32-bit integers, which float32 rounds
    shown = np.empty(values.shape, np.uint8)
    with np.errstate(all="ignore"):
        for place, strip, strip_mask in _strips(values, mask):
            scaled = strip.astype(kind)
            scaled -= kind.type(low)
            scaled /= kind.type(high - low if high > low else 1)
            if inverted:
                np.subtract(1, scaled, out=scaled)
            np.clip(scaled, 0, 1, out=scaled)
            scaled[~_has_data(strip, nodata, strip_mask)] = 0
            scaled *= 255
            shown[place] = np.round(scaled, out=scaled)
    return shown
