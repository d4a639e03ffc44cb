"""Bays of a car park: how rows of stalls, aisles, islands and medians lie in the frame of the rows."""

from dataclasses import dataclass

import numpy as np

from ..drawing.geometry import rotate
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene


@dataclass(frozen=True)
class Bays:
    """The layout of a lot in metres: `rows` of stalls between two aisles, parted in their middle by a median."""

    pitch: float = 2.6
    depth: float = 5.0
    rows: int = 2
    aisle: float = 6.5
    median: float = 0.0
    block: float = 70.0  # from one cross lane to the next
    lane: float = 7.0
    island: float = 0.0  # planted or paved ends of the rows
    slant: float = 0.0  # sideways shift of a stall's far end, for herringbone rows
    length: float = 4.5
    width: float = 1.85
    kind: str = "car"

    @property
    def period(self) -> float:
        return self.rows * self.depth + self.median + self.aisle

    @property
    def stalls(self) -> int:
        """Stalls of a row in one block."""
        return max(int((self.block - self.lane - 2 * self.island) / self.pitch), 1)


@dataclass(frozen=True)
class Ground:
    """Where each pixel lies in the bays [SIDE, SIDE]: its stall, and the metres from the stall's middle."""

    stall: np.ndarray  # index into the tables of stalls, 0 outside of them
    inside: np.ndarray  # in a stall at all
    across: np.ndarray
    along: np.ndarray  # along the vehicle
    median: np.ndarray  # boolean: strips between rows
    island: np.ndarray  # boolean: ends of rows
    centres: np.ndarray  # of all stalls [n, 2] in pixels
    row: np.ndarray  # of all stalls [n]


def usual_bays(scene: Scene, planted: float = 0.4) -> Bays:
    green = scene.chance(planted)
    return Bays(
        pitch=scene.uniform(2.45, 2.8),
        depth=scene.uniform(4.8, 5.4),
        aisle=scene.uniform(5.8, 7.6) + (scene.gsd > 1),  # rows must still part in pictures from high up
        median=scene.pick([0.0, 1.0, 2.6], [0.3, 0.2, 0.5] if green else [0.85, 0.15, 0]),
        block=scene.uniform(38, 110) if scene.gsd < 1 else scene.uniform(60, 260),
        lane=scene.uniform(6, 9),
        island=scene.uniform(1.5, 3.2) if green or scene.chance(0.3) else 0.0,
        slant=scene.uniform(-2.4, 2.4) if scene.gsd < 1 and scene.chance(0.25) else 0.0,
    )


def fleet_bays(scene: Scene) -> Bays:
    """New or hired cars, bumper to bumper in blocks."""
    return Bays(
        pitch=scene.uniform(2.15, 2.4),
        depth=scene.uniform(4.7, 5.1),
        rows=scene.pick([2, 4, 6, 8]),
        aisle=scene.uniform(5, 9),
        block=scene.uniform(40, 130),
        lane=scene.uniform(6, 14),
    )


def coach_bays(scene: Scene) -> Bays:
    """Lorries or coaches side by side."""
    return Bays(
        pitch=scene.uniform(3.6, 4.6),
        depth=scene.uniform(13, 16),
        rows=scene.pick([1, 2]),
        aisle=scene.uniform(13, 20),
        block=scene.uniform(60, 140),
        lane=scene.uniform(10, 18),
        slant=scene.pick([0.0, scene.uniform(-7, 7)]),
        length=scene.uniform(10, 13),
        width=2.6,
        kind="truck",
    )


def lay_out(scene: Scene, bays: Bays, area, angle: float) -> Ground:
    """The bays over a boolean mask, begun at a random place."""
    rows, columns = np.nonzero(area[::4, ::4])
    middle = 4.0 * np.array([columns.mean(), rows.mean()]) if len(rows) else np.full(2, SIDE / 2)
    origin = middle + scene.rng.uniform(-0.5, 0.5, 2) * scene.px(20)
    x, y = (COLUMNS - float(origin[0])) * scene.gsd, (ROWS - float(origin[1])) * scene.gsd
    cos, sin = float(np.cos(angle)), float(np.sin(angle))  # plain numbers keep the arrays in single precision
    u, v = x * cos + y * sin, y * cos - x * sin
    half = max(bays.rows // 2, 1) * bays.depth
    module = np.floor(v / bays.period)
    w = v - module * bays.period
    beyond = w > half + bays.median
    median = (w > half) & ~beyond & (bays.rows > 1)
    w = np.where(beyond, w - bays.median, w)
    row = np.floor(w / bays.depth)
    in_row = (row < bays.rows) & ~median
    along = w - (row + 0.5) * bays.depth
    u = u + bays.slant * along / bays.depth
    block = np.floor(u / bays.block)
    place = u - block * bays.block - bays.island
    slot = np.floor(place / bays.pitch)
    full = bays.stalls * bays.pitch
    inside = in_row & (slot >= 0) & (slot < bays.stalls)
    at_end = (place < 0) | ((place >= full) & (place < full + bays.island))
    island = at_end & (in_row | median) & (bays.island > 0)
    low, high = ((int(f(module)), int(f(block))) for f in (np.min, np.max))  # plain numbers here too
    count = (high[0] - low[0] + 1) * bays.rows, (high[1] - low[1] + 1) * bays.stalls
    line = (module - low[0]) * bays.rows + row
    stall = np.where(inside, line * count[1] + (block - low[1]) * bays.stalls + slot, 0).astype(np.int32)
    across = place - (slot + 0.5) * bays.pitch
    centres, of_row = _centres(bays, low, count)
    return Ground(
        stall, inside, across, along, median & (place >= 0) & (place < full), island,
        rotate(centres, angle) / scene.gsd + origin, of_row,
    )  # fmt: skip


def _centres(bays: Bays, low, count) -> tuple[np.ndarray, np.ndarray]:
    """The middles [n, 2] in metres of all stalls, row by row, and the number of each one's row."""
    line, slot = np.divmod(np.arange(count[0] * count[1]), count[1])
    module, row = np.divmod(line, bays.rows)
    v = (module + low[0]) * bays.period + (row + 0.5) * bays.depth
    v = v + bays.median * (row * bays.depth >= max(bays.rows // 2, 1) * bays.depth)
    block, k = np.divmod(slot, bays.stalls)
    u = (block + low[1]) * bays.block + bays.island + (k + 0.5) * bays.pitch
    return np.stack([u, v], -1), line
