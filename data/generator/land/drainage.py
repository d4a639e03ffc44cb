"""How water drains a pasture: branching veins, greener or darker than the grass, made once as a bank of tiles.

The veins follow a terrain: every cell of a rough, tilted height map drains to a neighbour, and a line is as strong
as the ground that drains through it. A scene takes a turned, scaled window of a tile, which costs little.
"""

from functools import cache
from heapq import heapify, heappop, heappush

import cv2
import numpy as np

from ..drawing.plants import trees
from ..drawing.scene import SHIFT, SIDE, Scene
from ..drawing.textures import LAND, MOTTLE, PATCH, TILE, noise

CELLS = 128  # a side of the height map of a tile
LEAST, MOST = 5, 1200  # cells that drain through the faintest and the strongest line
AROUND = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]


def _terrain(rng: np.random.Generator) -> np.ndarray:
    rows, columns = np.mgrid[0:CELLS, 0:CELLS] / CELLS
    tilt = rng.normal(0, 1.2, 2)
    rough = noise(rng, CELLS, 0.6, LAND) + 0.25 * noise(rng, CELLS, 0.5, PATCH) + 0.1 * noise(rng, CELLS, 0.5, MOTTLE)
    return rough + tilt[0] * rows + tilt[1] * columns


def _drains_to(height: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """The neighbour each cell drains to, and the cells from the lowest rim upwards: hollows overflow."""
    flat = height.ravel().tolist()
    drains = np.full(len(flat), -1)
    rim = np.zeros(height.shape, bool)
    rim[[0, -1]] = rim[:, [0, -1]] = True
    heap = [(flat[i], i) for i in np.flatnonzero(rim).tolist()]
    heapify(heap)
    known, order = rim.ravel().tolist(), []
    while heap:
        level, cell = heappop(heap)
        order.append(cell)
        row, column = divmod(cell, CELLS)
        for down, right in AROUND:
            if 0 <= row + down < CELLS and 0 <= column + right < CELLS:
                near = cell + down * CELLS + right
                if not known[near]:
                    known[near] = True
                    drains[near] = cell
                    heappush(heap, (max(level, flat[near]), near))
    return drains, order


def _tile(rng: np.random.Generator) -> np.ndarray:
    """A tile [TILE, TILE] of lines 0…1 by strength; positions are jittered and smoothed so that none is straight."""
    drains, order = _drains_to(_terrain(rng))
    through = np.ones(len(drains))
    for cell in reversed(order):
        if drains[cell] >= 0:
            through[drains[cell]] += through[cell]
    places = np.stack(np.divmod(np.arange(len(drains)), CELLS)[::-1], -1) + rng.uniform(0, 1, (len(drains), 2))
    ahead = np.where(drains < 0, np.arange(len(drains)), drains)
    for _ in range(3):
        places = (places + places[ahead]) / 2
    corners = np.round(places * TILE / CELLS * 2**SHIFT).astype(np.int32)
    strength = np.log(through / LEAST) / np.log(MOST / LEAST)
    tile = np.zeros((TILE, TILE), np.uint8)
    for cell in np.argsort(strength).tolist():
        if strength[cell] > 0:
            grey, width = 40 + 215 * min(strength[cell], 1), 1 + round(2 * min(strength[cell], 1) ** 2)
            cv2.line(tile, corners[cell].tolist(), corners[ahead[cell]].tolist(), grey, width, cv2.LINE_AA, SHIFT)
    return tile


@cache
def _bank() -> list[np.ndarray]:
    rng = np.random.default_rng(22)
    return [_tile(rng) for _ in range(4)]


def network(scene: Scene, zoom: float) -> np.ndarray:
    """A window [SIDE, SIDE] of a tile: 0 beside the lines, up to 1 on the strongest."""
    angle = scene.uniform(0, 2 * np.pi)
    cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
    reach = TILE / 2 - 0.71 * SIDE / zoom  # of the window's middle, so that it stays on the tile
    x, y = TILE / 2 + scene.rng.uniform(-1, 1, 2) * max(reach, 0)
    half = SIDE / 2
    matrix = np.array([[cos, sin, x - (cos + sin) * half], [-sin, cos, y - (cos - sin) * half]], np.float32)
    tile = _bank()[scene.integer(0, 3)]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    window = cv2.warpAffine(tile, matrix, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REFLECT)
    return window.astype(np.float32) / 255


def veins(scene: Scene, colour: np.ndarray) -> np.ndarray:
    """Draw drainage lines, crisp in a soft moist margin; returns their strength [SIDE, SIDE] 0…1."""
    lines = network(scene, scene.log_uniform(0.5, 1.1))
    least = scene.uniform(0.2, 0.6)
    mask = np.clip((lines - least) * scene.uniform(2, 5), 0, 1)
    moist = cv2.GaussianBlur(mask, (0, 0), scene.uniform(2, 6))
    fade = np.clip(0.7 + 0.5 * scene.noise(scene.uniform(0.5, 1.5), PATCH), 0, 1)
    mask = mask * scene.uniform(0.25, 0.8) * fade
    soft = np.clip(moist * scene.uniform(0.3, 1.6) * (1 + 0.8 * scene.noise(0.5, PATCH)), 0, 0.55)
    scene.paint(soft * fade, colour)
    scene.paint(mask, colour * scene.uniform(0.7, 0.95))
    return lines


def gallery(scene: Scene, lines: np.ndarray) -> None:
    """Trees and bushes along the stronger of drainage lines, in gaps and groups, and strays beside them."""
    strong = (lines > scene.uniform(0.45, 0.7)).astype(np.float32)
    belt = np.clip(cv2.GaussianBlur(strong, (0, 0), max(scene.px(scene.uniform(1.5, 4)), 1)) * 3, 0, 1)
    groups = np.clip(scene.noise(scene.uniform(0.5, 1.2), LAND) + scene.uniform(0, 0.8), 0, 1)
    strays = np.clip(scene.noise(1, LAND) - 1, 0, 1) * 0.12
    trees(scene, belt * groups * scene.uniform(0.5, 1) + strays, scene.uniform(4, 9))
