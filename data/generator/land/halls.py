"""Roofs of halls: sheets, joints, saw teeth, rooflights, patches, stains, machines and ducts.

The pixels of all roofs are worked on together, each in its own roof's frame in metres, so that an estate of many
halls costs little more than one.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ..drawing.geometry import in_view, rectangles
from ..drawing.scene import SHIFT, SIDE, Scene
from ..drawing.textures import GRAIN, MOTTLE

STYLES = ("ribs", "membrane", "sawtooth", "spans", "gravel")


@dataclass(frozen=True)
class Roofs:
    """The pixels of `count` roofs: where they lie on the canvas, whose they are, metres along and across it."""

    count: int
    here: np.ndarray  # flat places on the canvas
    roof: np.ndarray
    u: np.ndarray
    v: np.ndarray
    size: np.ndarray  # [count, 2] metres along and across
    sun: np.ndarray  # [count, 2] where shadows point in the roof's frame
    stain: np.ndarray

    def part(self, which) -> "Roofs":
        """Only some of the pixels."""
        cut = (self.here[which], self.roof[which], self.u[which], self.v[which])
        return Roofs(self.count, *cut, self.size, self.sun, self.stain[which])


def industrial_roofs(scene: Scene, shapes, colours, heights_m, most: int = 24) -> None:
    """Halls [n, 4, 2] in pixels; the largest get roofs with sheets, joints, rooflights, stains and machines."""
    shapes = np.asarray(shapes, np.float64)
    if len(shapes) == 0:
        return
    near = in_view(shapes.mean(1), 30)
    heights = np.broadcast_to(np.asarray(heights_m, np.float64), len(shapes))[near]
    shapes, colours = shapes[near], np.broadcast_to(np.asarray(colours, np.float32), (len(near), 3))[near]
    scene.cast(shapes, heights)
    scene.fill(shapes, colours, "building")
    sides = np.linalg.norm(shapes[:, [1, 3]] - shapes[:, :1], axis=-1)
    large = np.flatnonzero(sides.min(1) > 6)
    large = np.sort(large[np.argsort(-sides[large].prod(1))][:most])
    if len(large) == 0:
        return
    owner = np.zeros((SIDE, SIDE), np.int16)  # smaller roofs that lie on a large one take its pixels away
    number = np.zeros(len(shapes), int)
    number[large] = np.arange(len(large)) + 1
    for shape, n in zip(np.round(shapes * 2**SHIFT).astype(np.int32), number.tolist(), strict=True):
        cv2.fillPoly(owner, [shape], n, shift=SHIFT)
    dress(scene, owner, shapes[large], colours[large])


def dress(scene: Scene, owner, shapes, colours, styles=STYLES, lit: float = 0.55, grain: float = 0.05) -> None:
    """What lies on roofs [n, 4, 2] that are painted already; `owner` [SIDE, SIDE] is a roof's number from 1, or 0.

    `lit` is the chance of rooflights.
    """
    roofs = _pixels(scene, owner, shapes)
    if len(roofs.here) == 0:
        return
    count = len(shapes)
    tone = 1 - 0.09 * roofs.stain + _rims(scene, roofs)
    if grain:
        tone += grain * scene.noise(0.8, GRAIN).ravel()[roofs.here]
    habit = scene.integer(0, len(styles) - 1)  # most halls of an estate are of one make
    chosen = np.where(scene.rng.random(count) < 0.55, habit, scene.rng.integers(0, len(styles), count))
    for number, style in enumerate(styles):
        which = np.flatnonzero(chosen[roofs.roof] == number)
        if len(which):
            tone[which] += STRUCTURES[style](scene, roofs.part(which))
    lights = (np.array(styles)[chosen] != "sawtooth") & (scene.rng.random(count) < lit)
    which = np.flatnonzero(lights[roofs.roof])
    tone[which] += _rooflights(scene, roofs.part(which))
    scene.image.reshape(-1, 3)[roofs.here] *= np.clip(tone, 0.3, 1.5)[:, None]
    _machines(scene, owner, shapes, colours)


def _pixels(scene: Scene, owner, shapes) -> Roofs:
    """The frame of each roof: metres along its longer side and across it, at each of its pixels."""
    here = np.flatnonzero(owner)
    roof = owner.ravel()[here] - 1
    axes = shapes[:, [1, 3]] - shapes[:, :1]
    lengths = np.linalg.norm(axes, axis=-1)
    swap = lengths[:, 0] < lengths[:, 1]
    axes[swap], lengths[swap] = axes[swap][:, ::-1], lengths[swap][:, ::-1]
    axes /= lengths[..., None] + 1e-6
    start = (axes * shapes[:, :1]).sum(-1).astype(np.float32)
    x, y = (here % SIDE).astype(np.float32), (here // SIDE).astype(np.float32)
    fine = axes.astype(np.float32)
    u, v = ((x * fine[roof, i, 0] + y * fine[roof, i, 1] - start[roof, i]) * scene.gsd for i in (0, 1))
    stain = scene.noise(scene.uniform(0.6, 1.6), MOTTLE)
    stain = 0.6 * (stain + stain.T[::-1])
    size = (lengths * scene.gsd).astype(np.float32)
    return Roofs(len(shapes), here, roof, u, v, size, (axes @ scene.sun).astype(np.float32), stain.ravel()[here])


def _each(scene: Scene, roofs: Roofs, low: float, high: float, least: float = 0.0) -> np.ndarray:
    """A random number for every roof, at each of the pixels."""
    return np.maximum(scene.rng.uniform(low, high, roofs.count), least).astype(np.float32)[roofs.roof]


def _uneven(scene: Scene, roofs: Roofs, part) -> np.ndarray:
    """Random numbers for parts of roofs, that are told apart by whole numbers."""
    numbers = scene.rng.normal(0, 1, 211).astype(np.float32)
    return numbers[(part.astype(np.int32) + 17 * roofs.roof) % 211]


def _rims(scene: Scene, roofs: Roofs) -> np.ndarray:
    """A parapet lighter or darker than its roof, and dirt along its foot."""
    size = roofs.size[roofs.roof]
    rim = np.minimum(np.minimum(roofs.u, size[:, 0] - roofs.u), np.minimum(roofs.v, size[:, 1] - roofs.v))
    tone = _each(scene, roofs, -0.3, 0.3) * (rim < max(0.7, scene.gsd))
    return tone - _each(scene, roofs, 0, 0.12) * np.clip(1 - rim / 7, 0, 1) * (1 + roofs.stain)


def _ribs(scene: Scene, roofs: Roofs) -> np.ndarray:
    """Metal sheets across the hall, each a little different, on two slopes lit differently, rusting in places."""
    g, u, v = scene.gsd, roofs.u, roofs.v
    sheet = _each(scene, roofs, 1, 6, 2.2 * g)
    middle = v - roofs.size[roofs.roof, 1] / 2
    tone = 0.08 * _uneven(scene, roofs, u / sheet) - np.float32(0.13) * (u % sheet < 0.3 * sheet)
    tone -= _each(scene, roofs, 0.04, 0.2) * np.sign(middle) * roofs.sun[roofs.roof, 1]
    bay = _uneven(scene, roofs, u / np.maximum(9 * sheet, 18) + 50) * _each(scene, roofs, 0, 0.14)
    return tone + bay - np.float32(0.12) * (np.abs(middle) < max(0.5, 0.6 * g))


def _membrane(scene: Scene, roofs: Roofs) -> np.ndarray:
    """Strips and patches of different age, ponds of dirt."""
    g, u, v = scene.gsd, roofs.u, roofs.v
    strip, part = _each(scene, roofs, 4, 14, 3 * g), _each(scene, roofs, 12, 45, 5 * g)
    where = (v / strip).astype(int) * 7 + (u / part).astype(int) * 31
    joint = np.minimum(v % strip, u % part) < max(0.3, 0.5 * g)
    tone = 0.1 * _uneven(scene, roofs, where) - np.float32(0.18) * joint
    mended = _uneven(scene, roofs, (v / (1.7 * strip)).astype(int) * 11 + (u / (0.6 * part)).astype(int) * 5)
    return tone - np.float32(0.25) * (mended > 1.5) - np.float32(0.2) * (roofs.stain > 0.9)


def _sawtooth(scene: Scene, roofs: Roofs) -> np.ndarray:
    """Steep glazed faces between sloping sheets."""
    period = _each(scene, roofs, 6, 12, 4 * scene.gsd)
    phase = (roofs.u % period) / period
    glass = np.where(scene.rng.random(roofs.count) < 0.6, -0.45, 0.3).astype(np.float32)[roofs.roof]
    return 0.22 * (phase - 0.5) + glass * (phase < 0.25) + 0.04 * _uneven(scene, roofs, roofs.u / period)


def _spans(scene: Scene, roofs: Roofs) -> np.ndarray:
    """Several gabled bays side by side."""
    g, deep = scene.gsd, roofs.size[:, 1]
    period = (deep / np.maximum(np.round(deep / scene.rng.uniform(14, 26, roofs.count)), 1)).astype(np.float32)
    period = period[roofs.roof]
    phase = (roofs.v % period) / period
    tone = _each(scene, roofs, 0.1, 0.25) * np.sign(0.5 - phase) * roofs.sun[roofs.roof, 1]
    tone -= np.float32(0.18) * (np.minimum(phase, 1 - phase) * period < max(0.5, 0.6 * g))
    return tone + 0.05 * _uneven(scene, roofs, roofs.u / 6 + (roofs.v / period).astype(int) * 23)


def _gravel(scene: Scene, roofs: Roofs) -> np.ndarray:
    """Grit that wind and water have moved about, on sections parted by low walls."""
    part = _each(scene, roofs, 18, 60, 6 * scene.gsd)
    walls = np.float32(0.14) * (roofs.u % part < max(0.5, 0.7 * scene.gsd))
    drifts = 0.1 * roofs.stain - np.float32(0.08) * (roofs.stain > 0.6)
    return drifts + walls + 0.06 * _uneven(scene, roofs, roofs.u / part)


def _rooflights(scene: Scene, roofs: Roofs) -> np.ndarray:
    """A grid of domes or long strips, paler than the roof, or darker from under dirt."""
    across, down = _each(scene, roofs, 5, 14, 3.5 * scene.gsd), _each(scene, roofs, 6, 16, 3.5 * scene.gsd)
    wide, long = _each(scene, roofs, 1, 1.6, 1.1 * scene.gsd), _each(scene, roofs, 1.2, 4, 1.1 * scene.gsd)
    strips = (scene.rng.random(roofs.count) < 0.35)[roofs.roof]
    long = np.where(strips, 0.8 * down, long)
    grid = (roofs.u % across < wide) & ((roofs.v + down / 2) % down < long)
    size = roofs.size[roofs.roof]
    for place, whole in ((roofs.u, size[:, 0]), (roofs.v, size[:, 1])):
        grid &= np.abs(place - whole / 2) < 0.42 * whole
    return grid * scene.rng.choice([-0.3, 0.25, 0.35], roofs.count).astype(np.float32)[roofs.roof]


STRUCTURES = {"ribs": _ribs, "membrane": _membrane, "sawtooth": _sawtooth, "spans": _spans, "gravel": _gravel}


def _machines(scene: Scene, owner, shapes, colours) -> None:
    """Air handlers, fans and ducts: in lines and groups, each with its shadow, where the roof is not hidden."""
    sides = np.linalg.norm(shapes[:, [1, 3]] - shapes[:, :1], axis=-1)
    counts = np.minimum(scene.rng.poisson(scene.rng.uniform(0.5, 9, len(shapes))), (sides.prod(1) / 25).astype(int))
    counts = np.minimum(counts, max(1, min(14, 90 // len(shapes))))
    roof = np.repeat(np.arange(len(shapes)), counts)
    if len(roof) == 0:
        return
    spot = scene.rng.uniform(0.12, 0.88, (len(roof), 2))
    lined = (scene.rng.random(len(shapes)) < 0.4)[roof]  # a line of fans
    spot[lined, 1] = scene.rng.uniform(0.2, 0.8, len(shapes))[roof][lined]
    across, down = shapes[:, 1] - shapes[:, 0], shapes[:, 3] - shapes[:, 0]
    centres = shapes[roof, 0] + spot[:, :1] * across[roof] + spot[:, 1:] * down[roof]
    usual = scene.rng.lognormal(0.7, 0.5, (len(shapes), 2))[roof] * scene.rng.uniform(0.8, 1.3, (len(roof), 2))
    sizes = np.clip(scene.px(usual), 1.1, sides.min(1)[roof, None] * 0.3)
    column, line = np.clip(centres, 0, SIDE - 1).astype(int).T
    open_sky = owner[line, column] == roof + 1
    roof, centres, sizes = roof[open_sky], centres[open_sky], sizes[open_sky]
    if scene.px(1) > 1 and len(roof) > 1:
        _ducts(scene, centres, roof, across)
    parts = rectangles(centres, *sizes.T, np.arctan2(across[:, 1], across[:, 0])[roof])
    scene.cast(parts, 1.5)
    scene.fill(parts, np.clip(colours[roof] * scene.rng.uniform(0.5, 1.3, (len(roof), 1)), 8, 250))


def _ducts(scene: Scene, centres, roof, across) -> None:
    """Bent ducts between neighbouring machines of some roofs."""
    pairs = np.flatnonzero((roof[1:] == roof[:-1]) & (scene.rng.random(len(roof) - 1) < 0.2))[:8]
    if len(pairs) == 0:
        return
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for a, b, axis in zip(centres[pairs], centres[pairs + 1], across[roof[pairs]], strict=True):
        corner = a + axis * ((b - a) @ axis) / (axis @ axis)
        line = np.round(np.stack([a, corner, b]) * 2**SHIFT).astype(np.int32)
        cv2.polylines(mask, [line], False, 255, max(1, round(scene.px(0.9))), cv2.LINE_AA, SHIFT)
    duct = mask / np.float32(255)
    scene.shade(np.roll(duct, np.round(scene.sun[::-1] * 1.2).astype(int), (0, 1)) * (1 - duct), 0.25)
    scene.paint(duct * 0.9, scene.colour("steel") * 1.1)
