"""Highways that cross: carriageways, the bridge, and the curves of ramps in the crossing's own frame."""

from dataclasses import dataclass

import numpy as np

from ..drawing.ground import traffic
from ..drawing.scene import COLUMNS, ROWS, Scene

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


def carriageway(scene: Scene, points, width_m: float, asphalt, kind: str | None, lined: bool = True) -> None:
    """A carriageway with verge and edge lines; `asphalt` is a colour [3] or an image of its surface."""
    if scene.px(width_m) > 1.5:
        scene.paint(scene.stroke(points, width_m + 3) * 0.5, scene.colour("soil") * 0.8)
    mask = scene.stroke(points, width_m)
    scene.paint(mask, asphalt, kind)
    if lined and scene.px(width_m) > 5:
        scene.paint(
            (scene.stroke(points, width_m * 0.86) - scene.stroke(points, width_m * 0.8)) * 0.5,
            np.clip(asphalt * 1.5, 0, 232),
        )


def highway(scene: Scene, points, width_m: float, asphalt) -> None:
    """Both carriageways, the median between them, lane lines and traffic."""
    carriageway(scene, points, width_m, asphalt, "road")
    median = scene.uniform(1.5, 4) if width_m > 18 else 0.6
    green = scene.colour("grass") if scene.chance(0.5) else asphalt * scene.uniform(0.6, 1.4)
    scene.paint(scene.stroke(points, median), green)
    if scene.px(3.6) > 2.6:
        middle = scene.stroke(points, width_m * 0.55) - scene.stroke(
            points, width_m * 0.55 - max(1.0, scene.gsd)
        )
        scene.paint(np.clip(middle, 0, 1) * 0.35, np.clip(asphalt * 1.5, 0, 232))
    traffic(scene, points, scene.integer(6, 60), width_m * 0.42)


def overpass(scene: Scene, crossing: Crossing, points, width_m: float, asphalt, reach_m: float = 22) -> None:
    """The upper highway: its shadow on the lower one, then the road, then the bridge that carries it."""
    near = np.hypot(*((points - crossing.centre).T)) < scene.px(reach_m) * 1.6
    shadow = scene.stroke(points + scene.sun * scene.px(6 * scene.shadow_length), width_m)
    close = np.hypot(COLUMNS - crossing.centre[0], ROWS - crossing.centre[1]) < scene.px(reach_m)
    scene.shade(shadow * close)
    highway(scene, points, width_m, asphalt)
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


def ramp(scene: Scene, crossing: Crossing, points_m, asphalt, kind: str = "ramp") -> None:
    points = crossing.line(scene, points_m)
    carriageway(scene, points, scene.uniform(5, 9), asphalt, kind, lined=False)
    traffic(scene, points, scene.integer(0, 4), 1)
