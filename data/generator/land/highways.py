"""Highways that cross: carriageways, the bridge, embankments, traffic, and ramps in the crossing's own frame."""

from dataclasses import dataclass

import numpy as np

from ..drawing.geometry import rectangles
from ..drawing.ground import cars
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene

QUADRANTS = tuple(np.array(signs) for signs in ((1, 1), (-1, 1), (-1, -1), (1, -1)))


@dataclass(frozen=True)
class Crossing:
    """Two highways crossing in `centre` (pixels): their directions [2, 2], and a bend or None."""

    centre: np.ndarray
    axes: np.ndarray
    bend: object

    def line(self, scene: Scene, points_m) -> np.ndarray:
        """Points [n, 2] in metres along both highways -> pixels."""
        points = np.asarray(points_m, np.float64) @ self.axes
        return (points if self.bend is None else self.bend(points)) / scene.gsd + self.centre


@dataclass(frozen=True)
class Way:
    """A ramp or a side road: points [n, 2] in pixels, width in metres, and as what it is claimed."""

    points: np.ndarray
    width: float
    kind: str = "ramp"


def _union(scene: Scene, ways, wider: float = 0.0) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), np.float32)
    for way in ways:
        np.maximum(mask, scene.stroke(way.points, max(way.width + wider, 0.2)), out=mask)
    return mask


def lay_ways(scene: Scene, ways, asphalt) -> list:
    """Ramps all at once: graded verges, the surface, edge lines; each loop is an object of its own.

    Returns what `vehicles` needs for a few cars on each.
    """
    if not ways:
        return []
    verge = _union(scene, ways, scene.uniform(5, 10))
    earth = scene.colour("soil") if scene.chance(0.4) else scene.colour("grass")
    scene.paint(verge * scene.uniform(0.25, 0.7), earth * scene.uniform(0.85, 1.1))
    surface = _union(scene, ways)
    on = surface > 0
    part = scene.image[on]
    scene.image[on] = part + (asphalt[on] * scene.uniform(0.9, 1.12) - part) * surface[on][:, None]
    if scene.gsd < 1.8:
        lines = np.clip(_union(scene, ways, -0.7) - _union(scene, ways, -1.5), 0, 1)
        scene.paint(lines * min(0.5, 0.4 / scene.gsd), np.clip(asphalt * 1.5, 0, 232))
    scene.claim(surface > 0.5, "ramp")
    for way in ways:
        if way.kind != "ramp":
            scene.claim(scene.stroke(way.points, way.width) > 0.5, way.kind)
    return [(way.points, scene.integer(0, 5), way.width * 0.2) for way in ways]


def highway(scene: Scene, points, width_m: float, asphalt, grown: bool = True, lines=()) -> None:
    """Shoulders, both carriageways with worn lanes, the median between them, lines, traffic here and on `lines`."""
    if grown:
        earth = scene.colour("grass") if scene.chance(0.6) else scene.colour("soil")
        scene.paint(scene.stroke(points, width_m + scene.uniform(8, 18)) * scene.uniform(0.3, 0.7), earth)
    mask = scene.stroke(points, width_m)
    on = mask > 0
    cover, surface = mask[on], asphalt[on]
    pale = np.clip(surface * 1.5, 0, 232)
    median = scene.uniform(1.5, 6) if width_m > 20 else 0.6
    if scene.gsd < 2.2:  # polished lanes between darker oil lines, then paint
        inner = scene.stroke(points, width_m * 0.84)[on]
        rim = (cover - inner).clip(0, 1) * scene.uniform(0.2, 0.6) * (scene.uniform(0.75, 1.25) - 1)
        lanes = scene.stroke(points, width_m * 0.5) - scene.stroke(points, width_m * 0.5 - max(0.8, scene.gsd))
        paint = np.maximum(inner - scene.stroke(points, width_m * 0.84 - 0.8)[on], lanes[on] * 0.6)
        surface = surface * (1 + rim)[:, None]
        surface += (pale - surface) * (np.clip(paint, 0, 1) * min(0.6, 0.5 / scene.gsd))[:, None]
    green = scene.colour("grass") if scene.chance(0.5) else asphalt[on] * scene.uniform(0.6, 1.4)
    surface = surface + (green - surface) * scene.stroke(points, median)[on][:, None]
    part = scene.image[on]
    scene.image[on] = part + (surface - part) * cover[:, None]
    scene.claim(mask > 0.5, "road")
    vehicles(scene, [(points, scene.integer(6, 60), width_m * 0.4), *lines])


def vehicles(scene: Scene, lines) -> None:
    """Cars and some lorries along lines (points [n, 2] in pixels, how many, metres aside), all at once."""
    centres, angles = [], []
    for points, count, spread in lines:
        piece = scene.rng.integers(0, len(points) - 1, count)
        step = points[piece + 1] - points[piece]
        turn = np.arctan2(step[:, 1], step[:, 0])
        lane = np.round(scene.rng.uniform(0.2, 1, count) * 3) / 3  # cars keep to lanes
        aside = scene.rng.choice([-1, 1], count) * lane * scene.px(spread)
        spots = points[piece] + scene.rng.random((count, 1)) * step
        centres.append(spots + np.stack([-np.sin(turn), np.cos(turn)], -1) * aside[:, None])
        angles.append(turn)
    centres, angles = np.concatenate(centres), np.concatenate(angles)
    lorry = scene.rng.random(len(centres)) < 0.12
    cars(scene, centres[~lorry], angles[~lorry])
    if lorry.any():
        wide = max(scene.px(2.6), 1.1)
        shapes = rectangles(centres[lorry], np.maximum(scene.px(14), 2.2), wide, angles[lorry])
        scene.cast(shapes, 3.5)
        scene.fill(shapes, scene.rng.uniform(150, 235, (len(shapes), 1)) * np.ones(3), "truck")


def _from_centre(crossing: Crossing) -> np.ndarray:
    x, y = crossing.centre.tolist()  # plain numbers keep the arrays in single precision
    return np.hypot(COLUMNS - x, ROWS - y)


def embankment(scene: Scene, crossing: Crossing, points, width_m: float) -> None:
    """Grown slopes on either side where the upper road climbs, lit and shaded."""
    step = np.gradient(points, axis=0)
    normal = np.stack([-step[:, 1], step[:, 0]], -1) / (np.hypot(*step.T)[:, None] + 1e-6)
    wide, reach = scene.uniform(5, 11), scene.uniform(50, 130)
    fade = np.clip(1.6 - _from_centre(crossing) / scene.px(reach), 0, 1)
    grown = scene.colour("grass") if scene.chance(0.75) else scene.colour("soil")
    for side in (-1, 1):
        slope = scene.stroke(points + side * normal * scene.px(width_m / 2 + wide / 2), wide) * fade
        lit = 1 - 0.28 * side * float(normal[len(normal) // 2] @ scene.sun)
        scene.paint(slope * scene.uniform(0.3, 0.6), grown * lit)


def overpass(scene: Scene, crossing: Crossing, points, width_m: float, asphalt, reach_m: float = 22) -> None:
    """The upper highway: its shadow on the lower one, then the road, then the bridge that carries it."""
    near = np.hypot(*((points - crossing.centre).T)) < scene.px(reach_m) * 1.6
    close = _from_centre(crossing) < scene.px(reach_m)
    shadow = scene.stroke(points + scene.sun * scene.px(6 * scene.shadow_length), width_m)
    scene.shade(shadow * close)
    highway(scene, points, width_m, asphalt, grown=False)
    if near.sum() > 1:
        rim = scene.stroke(points[near], width_m + 2) - scene.stroke(points[near], width_m - 1)
        scene.paint(np.clip(rim, 0, 1) * 0.7 * close, np.clip(asphalt * 1.35, 0, 232))
        scene.claim((scene.stroke(points[near], width_m) > 0.5) & close, "overpass")


def axis(scene: Scene, crossing: Crossing, which: int, start: float = -1.0) -> np.ndarray:
    """One highway's middle line [60, 2] in pixels, from `start` canvas widths on."""
    t = np.linspace(start, 1.0, 60) * scene.width_m
    return crossing.line(scene, np.stack([t, 0 * t] if which == 0 else [0 * t, t], -1))


def loop(size: float, signs) -> np.ndarray:
    """Three quarters of a circle in one quadrant, tangent to both highways: points [24, 2] in metres."""
    turn = np.linspace(-np.pi / 2, np.pi, 24)
    return (size + size * np.stack([np.cos(turn), np.sin(turn)], -1)) * signs


def quarter(reach: float, signs, inward: float) -> np.ndarray:
    """A ramp through a quadrant, tangent to both highways; `inward` 0…1 is how far it sags to the middle."""
    t = np.linspace(0, 1, 24)[:, None]
    pull = reach * (1 - inward)
    corners = [(reach, 0), (pull, 0), (0, pull), (0, reach)]
    weights = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3]
    return sum(w * np.array(c) for w, c in zip(weights, corners, strict=True)) * signs


def ring(centre, radius: float) -> np.ndarray:
    """A roundabout's circle [30, 2] in metres."""
    turn = np.linspace(0, 2 * np.pi, 30)
    return np.asarray(centre) + radius * np.stack([np.cos(turn), np.sin(turn)], -1)
