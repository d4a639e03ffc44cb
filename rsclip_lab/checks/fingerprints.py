"""Which pictures are copies of each other, though no pixel need be equal.

Candidates come from a perceptual hash of the `imagehash` library: its dhash, which finds as much here as its phash
and takes a third of the time. Water, sand and forest have few features, so that different pictures of them can have
close hashes; each candidate is therefore compared again by its fine detail, which copies share and others do not.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import imagehash
import numpy as np
from PIL import Image

SIDE = 32  # of the grey thumbnails
# Of 64 bits. Of copies recompressed (quality 50), at 0.7 of the size or recoloured 99 % are within 8.
MAX_DISTANCE = 10
# Correlation of the fine detail. On 2,660 pictures, photographs and drawings, no two different ones exceed 0.7 in
# any turn, while 99 % of the copies above are over 0.9.
LIKENESS = 0.8
MIN_DETAIL, MIN_CELLS = 1.0, SIDE * SIDE // 4  # flatter pictures, or less of them in sight, cannot be told apart
BLACK, WHITE = 8, 250  # nodata and frames: their edges would look alike in different pictures
WINDOW = 50  # pictures of one key that a picture is compared with: keeps a folder of equal views from exploding
TURNS = (
    lambda a: a, lambda a: a[:, ::-1], lambda a: a[::-1], lambda a: a[::-1, ::-1],
    lambda a: a.T, lambda a: a.T[:, ::-1], lambda a: a.T[::-1], lambda a: a.T[::-1, ::-1],
)  # fmt: skip


def thumbnail(grey: Image.Image) -> np.ndarray:
    """The whole picture (mode "L") as uint8 [32, 32]."""
    return np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=2))


def hashes(thumb: np.ndarray) -> np.ndarray:
    """Two 64-bit hashes as uint8 [2, 8]: of the thumbnail as it is, and of it brought to one of its eight turns."""
    return np.stack([_hash(thumb), _hash(_brought_upright(thumb))])


def _hash(thumb: np.ndarray) -> np.ndarray:
    return np.packbits(imagehash.dhash(Image.fromarray(thumb)).hash)


def _brought_upright(thumb: np.ndarray) -> np.ndarray:
    """The turn in which it brightens to the right and to the bottom, and more so to the right."""
    steps = np.arange(SIDE) - (SIDE - 1) / 2
    right, down = steps @ thumb.sum(0), steps @ thumb.sum(1)
    thumb = thumb[:, ::-1] if right < 0 else thumb
    thumb = thumb[::-1] if down < 0 else thumb
    return np.ascontiguousarray(thumb.T if abs(down) > abs(right) else thumb)


def near_groups(thumbs: Sequence[np.ndarray], codes: np.ndarray) -> list[int]:
    """For each picture the first one that it is a copy of, itself where there is none; copies of copies included.

    thumbs: n of uint8 [32, 32], codes: uint8 [n, 2, 8]. Found are recompressed, resized, slightly recoloured copies,
    in any of the eight turns; not cropped ones.
    """
    first = list(range(len(thumbs)))

    def first_of(i: int) -> int:
        while first[i] != i:
            first[i] = i = first[first[i]]
        return i

    detail = functools.lru_cache(maxsize=4096)(lambda i: _detail(thumbs[i]))
    for i, j in np.concatenate([_close(codes[:, 0]), _close(codes[:, 1])]).tolist():
        one, other = sorted((first_of(i), first_of(j)))
        if one != other and any(_likeness(*detail(i), *map(turn, detail(j))) >= LIKENESS for turn in TURNS):
            first[other] = one
    return [first_of(i) for i in range(len(thumbs))]


def _close(hashes: np.ndarray) -> np.ndarray:
    """Pairs [k, 2] of rows of uint8 [n, 8] at most MAX_DISTANCE bits apart: all up to 6, and most of more.

    With 6 bits changed at least two of the eight bytes are still equal, so rows are compared where a pair of bytes
    agrees: 28 sorts instead of n² comparisons.
    """
    count, pairs = len(hashes), [np.empty(0, np.int64)]
    for first in range(8):
        for second in range(first):
            key = hashes[:, first].astype(np.uint16) << 8 | hashes[:, second]
            order = np.argsort(key, kind="stable")
            pairs += [
                np.minimum(one, other) * count + np.maximum(one, other)
                for one, other in _close_neighbours(key[order], hashes[order], order)
            ]
    pairs = np.sort(np.concatenate(pairs))
    return np.stack(np.divmod(pairs[np.diff(pairs, prepend=-1) > 0], max(count, 1)), axis=1)


def _close_neighbours(
    key: np.ndarray, hashes: np.ndarray, order: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    whole = np.ascontiguousarray(hashes).view(np.uint64).ravel()
    for step in range(1, min(WINDOW, len(key) - 1) + 1):
        same = np.flatnonzero(key[step:] == key[:-step])
        if len(same) == 0:
            return
        near = same[_count_bits(whole[same] ^ whole[same + step]) <= MAX_DISTANCE]
        yield order[near], order[near + step]


def _count_bits(words: np.ndarray) -> np.ndarray:
    """How many bits of each uint64 are set; numpy has a function for it from version 2 on."""
    words = words - ((words >> np.uint64(1)) & np.uint64(0x5555555555555555))
    words = (words & np.uint64(0x3333333333333333)) + ((words >> np.uint64(2)) & np.uint64(0x3333333333333333))
    words = (words + (words >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (words * np.uint64(0x0101010101010101)) >> np.uint64(56)


def _detail(thumb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The thumbnail less its 5 x 5 means, float [32, 32], and where it is in sight, bool [32, 32]."""
    from scipy import ndimage

    seen = (ndimage.minimum_filter(thumb, 5) > BLACK) & (ndimage.maximum_filter(thumb, 5) < WHITE)
    fine = np.where(seen, thumb - ndimage.uniform_filter(thumb.astype(float), 5), 0.0)
    # A single bright roof or a printed mark must not decide alone.
    most = 3 * 1.4826 * np.median(np.abs(fine[seen])) + 1 if seen.any() else 0
    return fine.clip(-most, most), seen


def _likeness(fine: np.ndarray, seen: np.ndarray, other: np.ndarray, other_seen: np.ndarray) -> float:
    """Correlation of the detail where both are in sight; 0 where there is too little to compare."""
    both = seen & other_seen
    count, fine, other = both.sum(), fine[both], other[both]
    strength, other_strength = np.sqrt(fine @ fine), np.sqrt(other @ other)
    if count < MIN_CELLS or min(strength, other_strength) < MIN_DETAIL * np.sqrt(count):
        return 0.0
    return float(fine @ other / (strength * other_strength))
