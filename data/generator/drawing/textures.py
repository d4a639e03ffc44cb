"""Grain for surfaces: tileable 1/f noise and crown-like cells, made once and sampled through random maps.

A bank of large tiles costs a fraction of a second at start; a scene then takes a rotated, scaled and shifted
window of a tile, which is much cheaper than making noise for every picture.
"""

from functools import cache

import cv2
import numpy as np

TILE = 512  # pixels a side of a tile in the banks
CELL = 16  # mean spacing of cell centres in a tile, pixels
# Spectral exponents of the noise: amplitude falls as 1 / frequency ** exponent.
GRAIN, MOTTLE, PATCH, LAND = 0.5, 1.0, 1.5, 2.2
EXPONENTS = (GRAIN, MOTTLE, PATCH, LAND)
LEVELS = 3
STEPS = tuple(2**level for level in range(LEVELS))


def _spectral_tile(rng: np.random.Generator, exponent: float) -> np.ndarray:
    """One tile [TILE, TILE] of noise with zero mean and unit deviation."""
    rows, columns = np.fft.fftfreq(TILE)[:, None], np.fft.rfftfreq(TILE)[None]
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((TILE, TILE))) / frequency**exponent
    tile = np.fft.irfft2(spectrum, (TILE, TILE))
    return (tile / tile.std()).astype(np.float32)


def _cell_tile(rng: np.random.Generator, jitter: float) -> tuple[np.ndarray, np.ndarray]:
    """Cells around jittered grid points: (distance and offset to the centre, three random numbers a cell)."""
    from scipy.spatial import cKDTree

    count = TILE // CELL
    grid = np.stack(np.meshgrid(np.arange(count), np.arange(count)), -1).reshape(-1, 2) + 0.5
    centres = (grid + rng.uniform(-jitter, jitter, grid.shape)) * CELL % TILE
    traits = rng.random((len(centres), 3))
    pixels = np.stack(np.meshgrid(np.arange(TILE), np.arange(TILE)), -1).reshape(-1, 2)
    distance, near = cKDTree(centres, boxsize=TILE).query(pixels, k=3)
    weighted = distance / (1 - traits[near, 0] / 2)  # small crowns end early
    best = weighted.argmin(1)
    owner = near[np.arange(len(pixels)), best]
    offset = (pixels - centres[owner] + TILE / 2) % TILE - TILE / 2
    shape = np.concatenate([weighted.min(1)[:, None], offset], 1) / CELL
    return shape.reshape(TILE, TILE, 3).astype(np.float32), traits[owner].reshape(TILE, TILE, 3).astype(np.float32)


@cache
def noise_bank() -> dict[float, list[tuple[np.ndarray, ...]]]:
    """Three tiles an exponent, each also with every second and every fourth of its rows and columns.

    Where the grain is so fine that a window is larger than a tile, a thinned and repeated one is read instead.
    """
    rng = np.random.default_rng(20)
    tiles = {exponent: [_spectral_tile(rng, exponent) for _ in range(3)] for exponent in EXPONENTS}
    return {
        exponent: [tuple(np.tile(tile[::step, ::step], (step, step)) for step in STEPS) for tile in some]
        for exponent, some in tiles.items()
    }


@cache
def cell_bank() -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(21)
    return [_cell_tile(rng, jitter) for jitter in (0.3, 0.5, 0.8)]


def _window(tile: np.ndarray, matrix: np.ndarray, side: int, interpolation: int) -> np.ndarray:
    flags = interpolation | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(tile, matrix.astype(np.float32), (side, side), flags=flags, borderMode=cv2.BORDER_WRAP)


def noise(rng, side: int, zoom=1.0, exponent=PATCH, stretch=1.0, angle=None) -> np.ndarray:
    """A window [side, side] of noise, unit deviation over a tile; `zoom` enlarges it, `stretch` elongates it.

    Without a stretch the noise looks alike in all directions, so a straight cut of a tile, mirrored or turned by a
    right angle, does for it: read row by row it costs a quarter of a slanted one.
    """
    level = int(np.clip(np.ceil(np.log2(side / zoom / (TILE - 2))), 0, LEVELS - 1))
    tile = noise_bank()[exponent][rng.integers(3)][level]
    zoom = zoom * 2**level
    if stretch == 1:
        cut = int(np.clip(round(side / zoom), 2, TILE - 2))
        top, left, turn = rng.integers((TILE - cut, TILE - cut, 6)).tolist()
        window = cv2.resize(tile[top : top + cut, left : left + cut], (side, side), interpolation=cv2.INTER_LINEAR)
        return cv2.rotate(window, turn) if turn < 3 else cv2.flip(window, turn - 4)
    angle = rng.uniform(0, 2 * np.pi) if angle is None else angle
    cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
    matrix = np.array([[cos, sin, 0], [-sin * stretch, cos * stretch, 0]])
    matrix[:, 2] = rng.uniform(0, TILE, 2)
    return _window(tile, matrix, side, cv2.INTER_LINEAR)


def cells(rng, side: int, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Cells of `size` pixels: [side, side, 3] of (distance, dx, dy) in cell sizes, and three traits a cell."""
    bank = cell_bank()[rng.integers(3)]
    scale = CELL / max(size, 1.2)
    cut = round(side * scale)
    if 2 <= cut < TILE:
        top, left = rng.integers(0, TILE - cut, 2).tolist()
        window = slice(top, top + cut), slice(left, left + cut)
        return tuple(cv2.resize(tile[window], (side, side), interpolation=cv2.INTER_NEAREST) for tile in bank)
    x, y = rng.uniform(0, TILE, 2)
    matrix = np.array([[scale, 0, x], [0, scale, y]])
    return tuple(_window(tile, matrix, side, cv2.INTER_NEAREST) for tile in bank)
