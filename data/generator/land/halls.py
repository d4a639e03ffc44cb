"""Roofs of halls close by: sheets, joints, saw teeth, rooflights, stains, machines and ducts."""

import numpy as np

from ..drawing.built import buildings
from ..drawing.geometry import rectangles
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import LAND, MOTTLE

STYLES = ("ribs", "membrane", "sawtooth", "spans", "gravel")


def industrial_roofs(scene: Scene, shapes, colours, heights_m, most: int = 16) -> None:
    """Halls [n, 4, 2] in pixels; the largest get roofs with sheets, joints, rooflights, stains and machines."""
    shapes = np.asarray(shapes, np.float64)
    if len(shapes) == 0:
        return
    sides = np.linalg.norm(np.roll(shapes, -1, 1) - shapes, axis=-1)[:, :2]
    buildings(scene, shapes, colours, heights_m)
    inside = (shapes.max(1) > 0).all(1) & (shapes.min(1) < SIDE).all(1)
    large = np.flatnonzero((sides.min(1) > 7) & inside)
    large = large[np.argsort(-sides[large].prod(1))][:most]
    stains = 0.5 * scene.noise(scene.uniform(0.4, 1.2), MOTTLE) + 0.5 * scene.noise(2, LAND)
    habit = scene.pick(STYLES)  # most halls of an estate are of one make
    for i in sorted(large):
        style = habit if scene.chance(0.5) else scene.pick(STYLES)
        _roof(scene, shapes[i], style, stains)
    _machines(scene, shapes[large], np.asarray(colours)[large], sides[large])


def _roof(scene: Scene, shape, style: str, stains) -> None:
    """Multiply the brightness of one roof by its structure, computed in the roof's own frame in metres."""
    low = np.clip(np.floor(shape.min(0)).astype(int), 0, SIDE)
    high = np.clip(np.ceil(shape.max(0)).astype(int) + 1, 0, SIDE)
    if (high - low < 3).any():
        return
    across, down = shape[1] - shape[0], shape[3] - shape[0]
    if np.hypot(*across) < np.hypot(*down):
        across, down = down, across
    long, short = np.hypot(*across), np.hypot(*down)
    x, y = np.meshgrid(np.arange(low[0], high[0]) - shape[0, 0], np.arange(low[1], high[1]) - shape[0, 1])
    if not np.allclose((across + down) / 2 + shape[0], shape.mean(0), atol=1):
        return
    u, v = ((x * axis[0] + y * axis[1]) / size for axis, size in ((across, long), (down, short)))
    inside = (u > 0) & (u < long) & (v > 0) & (v < short)
    sun = np.array([across @ scene.sun / long, down @ scene.sun / short])
    u, v, size = u * scene.gsd, v * scene.gsd, np.array([long, short]) * scene.gsd
    window = (slice(low[1], high[1]), slice(low[0], high[0]))
    stain = stains[window]
    tone = 1 - scene.uniform(0.03, 0.11) * stain + _structure(scene, style, u, v, size, sun, stain)
    rim = np.minimum(np.minimum(u, size[0] - u), np.minimum(v, size[1] - v))
    tone = tone + scene.uniform(-0.25, 0.25) * (rim < max(0.6, scene.gsd))
    tone = np.where(inside, np.clip(tone, 0.3, 1.6), 1)
    scene.image[window] = np.clip(scene.image[window] * tone[..., None], 3, 250)


def _structure(scene: Scene, style: str, u, v, size, sun, stain) -> np.ndarray:
    """The pattern of a roof as differences in brightness [h, w]."""
    g = scene.gsd
    number = scene.rng.normal(0, 1, 97)
    if style == "ribs":  # metal sheets across the hall, each a little different, rusting downwards
        sheet = max(scene.uniform(1, 6), 2.2 * g)
        tone = 0.07 * number[(u / sheet).astype(int) % 97] - 0.13 * (u % sheet < 0.3 * sheet)
        ridge = np.sign(v - size[1] / 2) * sun[1]
        tone = tone - scene.uniform(0.04, 0.2) * ridge
        tone = tone - 0.12 * (np.abs(v - size[1] / 2) < max(0.5, 0.6 * g))
    elif style == "membrane":  # strips and patches of different age, ponds of dirt
        strip, part = max(scene.uniform(4, 14), 3 * g), max(scene.uniform(12, 45), 5 * g)
        where = (v / strip).astype(int) * 7 + (u / part).astype(int) * 31
        tone = 0.1 * number[where % 97] - 0.18 * (np.minimum(v % strip, u % part) < max(0.3, 0.5 * g))
        tone = tone - 0.2 * (stain > 0.9)
    elif style == "sawtooth":  # steep glazed faces between sloping sheets
        period = max(scene.uniform(6, 12), 4 * g)
        phase = (u % period) / period
        tone = 0.22 * (phase - 0.5) - (0.45 if scene.chance(0.6) else -0.3) * (phase < 0.25)
    elif style == "spans":  # several gabled bays side by side
        period = size[1] / max(round(size[1] / scene.uniform(14, 26)), 1)
        phase = (v % period) / period
        tone = scene.uniform(0.1, 0.25) * np.where(phase < 0.5, 1, -1) * sun[1]
        tone = tone - 0.18 * (np.minimum(phase, 1 - phase) * period < max(0.5, 0.6 * g))
        tone = tone + 0.03 * number[(u / 6).astype(int) % 97]
    else:
        tone = 0.1 * stain - 0.06 * (stain > 0.6)
    if style != "sawtooth" and scene.chance(0.55):
        tone = tone + _rooflights(scene, u, v, size)
    return tone


def _rooflights(scene: Scene, u, v, size) -> np.ndarray:
    """A grid of domes or long strips, paler than the roof, or darker from under dirt."""
    pitch = np.maximum(scene.rng.uniform((5, 6), (14, 16)), 3.5 * scene.gsd)
    lamp = np.maximum(scene.rng.uniform((1, 1.2), (1.6, 4)), 1.1 * scene.gsd)
    if scene.chance(0.35):
        lamp[1] = pitch[1] * 0.8
    grid = (u % pitch[0] < lamp[0]) & ((v + pitch[1] / 2) % pitch[1] < lamp[1])
    margin = 0.08 * size
    grid &= (u > margin[0]) & (u < size[0] - margin[0]) & (v > margin[1]) & (v < size[1] - margin[1])
    return grid * scene.pick([-0.3, 0.25, 0.35])


def _machines(scene: Scene, shapes, colours, sides) -> None:
    """Air handlers, fans and ducts: in lines and groups, each with its shadow."""
    parts, tints, turned = [], [], []
    for shape, colour, side in zip(shapes, colours, sides, strict=True):
        count = min(int(scene.rng.poisson(scene.uniform(1, 9))), int(side.prod() / 25))
        if count == 0:
            continue
        spot = scene.rng.uniform(0.12, 0.88, (count, 2))
        if scene.chance(0.4):  # a line of fans
            spot[:, 1] = spot[0, 1]
            spot[:, 0] = np.linspace(0.1, 0.9, count)
        axes = np.stack([shape[1] - shape[0], shape[3] - shape[0]])
        most = side.min() * 0.3
        size = scene.rng.lognormal(0.7, 0.5, 2) * scene.rng.uniform(0.8, 1.3, (count, 2))
        size = np.clip(scene.px(size), 1.1, most)
        angle = np.arctan2(*axes[0][::-1])
        parts.append(rectangles(shape[0] + spot @ axes, *size.T, angle))
        tints.append(colour * scene.rng.uniform(0.5, 1.3, (count, 1)))
        if scene.px(1) > 1 and scene.chance(0.5):  # a duct between two of them
            ends = shape[0] + spot[:2] @ axes
            if len(ends) == 2:
                corner = ends[0] + axes[0] * (spot[1] - spot[0])[0]
                turned.append(np.stack([ends[0], corner, ends[1]]))
    for line in turned:
        duct = scene.stroke(line, 0.9)
        scene.shade(np.roll(duct, np.round(scene.sun[::-1] * 1.2).astype(int), (0, 1)) * (1 - duct), 0.25)
        scene.paint(duct * 0.9, scene.colour("steel") * 1.1)
    if parts:
        parts = np.concatenate(parts)
        scene.cast(parts, 1.5)
        scene.fill(parts, np.clip(np.concatenate(tints), 8, 250))
