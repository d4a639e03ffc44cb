"""Tiles of single crowns, made once: which crown a pixel would belong to, and where in it the pixel lies."""

from functools import cache

import numpy as np

from .textures import CELL, TILE

FILLS = (0.4, 0.62, 0.78)  # radii of the largest crowns that tiles are made for, in cells
RAGGED = 1.15  # how far beyond its radius a crown's rim may reach
PAD = 2 * CELL
TRIES = 2500


@cache
def crown_bank(fill: float) -> list[tuple[np.ndarray, ...]]:
    """Scattered crowns, about one a cell: (distance and offset to the centre), three traits, centre in pixels.

    They overlap little, and the one that needs the least density (the second trait) lies on top: so a crown that
    is left out takes no bite out of one that stands, as it would with the nearest centre.
    """
    rng = np.random.default_rng(23)
    apart = (0.88, 0.75, 0.6) if fill < 0.7 else (0.65, 0.55, 0.45)  # of the sum of two radii
    return [_tile(rng, least, fill) for least in apart]


def _scatter(rng, fill: float, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Places [n, 2] and traits [n, 3] of crowns that keep apart, by trial."""
    tries = rng.integers(0, TILE, (TRIES, 2)).astype(np.float32)
    traits = rng.random((TRIES, 3)).astype(np.float32)
    radii = least * fill * (1 - traits[:, 0] / 2) * CELL
    kept, count = np.zeros(TRIES, int), 0
    placed = np.zeros((3, TRIES), np.float32)
    for i, (place, radius) in enumerate(zip(tries, radii, strict=True)):
        x, y, other = placed[:, :count]
        dx, dy = (
            TILE / 2 - np.abs(TILE / 2 - np.abs(x - place[0])),
            TILE / 2 - np.abs(TILE / 2 - np.abs(y - place[1])),
        )
        if (dx * dx + dy * dy > (other + radius) ** 2).all():  # the tile goes on beyond its border
            placed[:, count] = *place, radius
            kept[count], count = i, count + 1
        if count == (TILE // CELL) ** 2:
            break
    return tries[kept[:count]].astype(int), traits[kept[:count]]


def _tile(rng, least: float, fill: float) -> tuple[np.ndarray, ...]:
    side = TILE + 2 * PAD  # with a margin, for crowns that reach over the border
    centres, traits = _scatter(rng, fill, least)
    top_down = np.argsort(-traits[:, 1])
    owner = np.full((side, side), -1, np.int16)
    near = np.arange(-CELL, CELL + 1)
    away = np.hypot(near, near[:, None]) / CELL
    for i in top_down.tolist():
        crown = away < RAGGED * fill * (1 - traits[i, 0] / 2)
        for x, y in _wrapped(*centres[i].tolist()):
            box = owner[y - CELL : y + CELL + 1, x - CELL : x + CELL + 1]
            np.copyto(box, i, where=crown)
    owner = owner[PAD:-PAD, PAD:-PAD]
    return _read(owner, centres, traits)


def _read(owner: np.ndarray, centres: np.ndarray, traits: np.ndarray) -> tuple[np.ndarray, ...]:
    """What `crown_bank` tells, for pixels [TILE, TILE] with the number of their crown, -1 for none."""
    y, x = np.mgrid[0:TILE, 0:TILE]
    offset = np.stack([x, y], -1) - centres[owner] + TILE / 2
    offset = (offset % TILE - TILE / 2).astype(np.float32)
    traits = traits[owner]
    away = np.hypot(offset[..., 0], offset[..., 1]) / CELL / (1 - traits[..., 0] / 2)
    away[owner < 0] = 9
    shape = np.concatenate([away[..., None], offset / CELL], -1)
    middle = np.stack([x, y], -1).astype(np.float32) - offset  # may lie beyond the border
    return shape.astype(np.float32), traits, middle


def _wrapped(x: int, y: int) -> list[tuple[int, int]]:
    """A place on the padded tile, and its copies beyond the border that reach back into it."""
    low, high = CELL, TILE + 2 * PAD - CELL
    across = [v for v in (x + PAD - TILE, x + PAD, x + PAD + TILE) if low <= v < high]
    down = [v for v in (y + PAD - TILE, y + PAD, y + PAD + TILE) if low <= v < high]
    return [(v, w) for v in across for w in down]
