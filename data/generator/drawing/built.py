"""Buildings: roofs with facets and shadows, roof parts, complexes of several wings."""

import numpy as np

from .geometry import in_view, rectangles, to_canvas
from .scene import Scene
from .textures import GRAIN, MOTTLE


def buildings(scene: Scene, shapes, colours, heights_m, pitch=0.0, fittings=0.0, kind="building") -> None:
    """Rectangular buildings [n, 4, 2] in pixels; `pitch` > 0 gives sloped roofs, `fittings` roof parts (a chance)."""
    shapes = np.asarray(shapes, np.float64)
    seen = in_view(shapes.mean(1), 30) if len(shapes) else np.zeros(0, bool)
    if not seen.any():
        return
    heights = np.broadcast_to(np.asarray(heights_m, np.float64), len(shapes))[seen]
    colours = np.broadcast_to(np.asarray(colours, np.float32), (len(shapes), 3))[seen]
    shapes = shapes[seen]
    scene.cast(shapes, heights)
    scene.fill(shapes, colours, kind)
    sides = np.linalg.norm(np.roll(shapes, -1, 1) - shapes, axis=-1)
    if pitch > 0 and np.sqrt(sides[:, 0] * sides[:, 1]).mean() > 4.5:
        _sloped_roofs(scene, shapes, colours, pitch)
    scene.texture(scene.stamp(shapes) * (0.06 * scene.noise(0.7, GRAIN) + 0.07 * scene.noise(1, MOTTLE)))
    for shape, colour in zip(shapes, colours, strict=True):
        if fittings and scene.chance(fittings):
            _fittings(scene, shape, colour)


def _sloped_roofs(scene: Scene, shapes, colours, pitch) -> None:
    """Two long facets and two ends (gables or hips) a roof, lit by their direction to the sun."""
    first = np.linalg.norm(shapes[:, 1] - shapes[:, 0], axis=1)
    second = np.linalg.norm(shapes[:, 3] - shapes[:, 0], axis=1)
    shapes = np.where((second > first)[:, None, None], np.roll(shapes, -1, 1), shapes)
    along = (shapes[:, 1] - shapes[:, 0]) / np.maximum(first, second)[:, None]
    hip = (np.minimum(first, second) / 2 * (scene.rng.random(len(shapes)) < 0.5))[:, None]
    start = (shapes[:, 0] + shapes[:, 3]) / 2 + along * hip
    end = (shapes[:, 1] + shapes[:, 2]) / 2 - along * hip
    facets = (
        (shapes[:, 0], shapes[:, 1], end, start),
        (start, end, shapes[:, 2], shapes[:, 3]),
        (shapes[:, 3], shapes[:, 0], start, start),
        (shapes[:, 1], shapes[:, 2], end, end),
    )
    for facet in facets:
        corners = np.stack(facet, 1)
        outward = corners.mean(1) - shapes.mean(1)
        outward /= np.linalg.norm(outward, axis=1, keepdims=True) + 1e-6
        light = 1 - 1.3 * pitch * (outward @ scene.sun)
        scene.fill(corners, np.clip(colours * light[:, None], 3, 252))


def _fittings(scene: Scene, shape, colour) -> None:
    """Seams, skylights and machinery on a large flat roof."""
    across, down = shape[1] - shape[0], shape[3] - shape[0]
    long, short = np.linalg.norm(across), np.linalg.norm(down)
    if min(long, short) < 9:
        return
    angle = np.arctan2(across[1], across[0])
    if scene.chance(0.5):
        places = np.linspace(0, 1, min(int(long / scene.uniform(3, 7)), 14) + 2)[1:-1]
        seams = rectangles(shape[0] + places[:, None] * across + down / 2, 0.8, short, angle)
        scene.fill(seams, np.clip(colour * scene.uniform(0.8, 0.95), 0, 250))
    count = scene.integer(2, 8)
    spot = scene.rng.uniform(0.12, 0.85, (count, 2))
    centres = shape[0] + spot[:, :1] * across + spot[:, 1:] * down
    parts = rectangles(centres, scene.rng.uniform(1.5, 5, count), scene.rng.uniform(1.5, 4, count), angle)
    scene.cast(parts, 2)
    scene.fill(parts, np.clip(colour * scene.uniform(0.6, 1.25), 0, 250))


def hall(scene: Scene, centre, size_m: float, angle: float, colour=None, kind="building") -> None:
    """One large building grown together from up to six wings around a centre in pixels."""
    count = scene.integer(1, 6)
    offsets = np.round(scene.rng.normal(0, 0.33, (count, 2)) / 0.12) * 0.12 * size_m
    offsets[0] = 0
    widths = size_m * scene.rng.uniform(0.25, 1.0, count)
    depths = size_m * scene.rng.uniform(0.2, 0.7, count)
    widths[0], depths[0] = size_m * scene.uniform(0.6, 1.2), size_m * scene.uniform(0.35, 0.9)
    base = scene.colour("flat roof") if colour is None else colour
    same = scene.rng.random((count, 1)) < 0.55
    colours = np.clip(base * np.where(same, 1, scene.rng.uniform(0.5, 1.3, (count, 1))), 8, 250)
    heights = scene.uniform(5, 14) * np.where(scene.rng.random(count) < 0.6, 1, scene.rng.uniform(0.5, 1.8, count))
    turned = angle + np.where(scene.rng.random(count) < 0.3, np.pi / 2, 0)
    shapes = rectangles(to_canvas(scene, offsets, angle, centre), widths / scene.gsd, depths / scene.gsd, turned)
    for i in np.argsort(heights):  # higher wings hide lower ones
        buildings(scene, shapes[i : i + 1], colours[i : i + 1], heights[i], 0.0, 0.9, kind if i == 0 else None)


def scattered_houses(scene: Scene, count: int) -> None:
    centres = scene.rng.uniform(0, 1, (count, 2)) * len(scene.image)
    widths, depths = scene.px(scene.rng.uniform(10, 25, count)), scene.px(scene.rng.uniform(8, 13, count))
    shapes = rectangles(centres, widths, depths, scene.rng.uniform(0, np.pi, count))
    buildings(scene, shapes, scene.colours("roof", count), 5, 0.15, kind="house")
