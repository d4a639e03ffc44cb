"""Tracks of a station: ballast, sleepers, rails and points in a frame bent along them; what spans them."""

from dataclasses import dataclass

import cv2
import numpy as np

from ..drawing.geometry import rectangles, rotate
from ..drawing.scene import SHIFT, SIDE, Drawn, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from .runways import bar

GAUGE, PITCH = 1.5, 4.7  # metres between rails and between tracks
SHINE = np.array([176, 172, 166], np.float32)  # of worn rails


@dataclass(frozen=True)
class Yard:
    """The frame of a station in metres: `tracks` are the tracks' middles [n], `platforms` (v0, v1, u0, u1) [m, 4]."""

    origin: np.ndarray
    angle: float
    curve: float  # metres sideways a square metre along
    tracks: np.ndarray
    platforms: np.ndarray
    low: float
    high: float
    end: float  # tracks end here, at a terminus; else infinite

    def at(self, scene: Scene, points_m) -> np.ndarray:
        points = np.array(points_m, np.float64)
        points[..., 1] += self.curve * points[..., 0] ** 2
        return rotate(points, self.angle) / scene.gsd + self.origin

    def boxes(self, scene: Scene, boxes_m) -> np.ndarray:
        """Boxes [n, 4] (u0, v0, u1, v1 in metres) as polygons [n, 4, 2] in pixels."""
        return self.at(scene, np.asarray(boxes_m, np.float64).reshape(-1, 4)[:, [[0, 1], [2, 1], [2, 3], [0, 3]]])

    def direction(self, u) -> np.ndarray:
        return self.angle + np.arctan(2 * self.curve * np.asarray(u))


def paint_at(scene: Scene, on, colours, cover) -> None:
    """Blend colours [3] or [n, 3] into the `n` pixels of a boolean mask; cheap where the mask is small."""
    part = scene.image[on]
    part += (colours - part) * np.asarray(cover, np.float32)[:, None]
    scene.image[on] = part


def claim_at(scene: Scene, spots, kind: str) -> None:
    """Give pixels, counted row by row, to a new object."""
    scene.drawn.append(Drawn(kind, len(spots)))
    scene.owner.reshape(-1)[spots] = len(scene.drawn) - 1


def lay_tracks(scene: Scene, yard: Yard, field, u, v) -> None:
    """Ballast stained by rust and oil, darker where trains stand, sleepers' beds, shining rails, points."""
    on = (field * SIDE > -0.5) & (u < yard.end + 0.5 * scene.gsd)
    v = v[on]
    bed = np.clip(field[on] * SIDE + 0.5, 0, 1) * np.clip((yard.end - u[on]) / scene.gsd + 0.5, 0, 1)
    stone = scene.colour("soil") * scene.uniform(0.3, 0.55) + scene.colour("asphalt") * scene.uniform(0.35, 0.6)
    grain, dirt = scene.noise(1, MOTTLE, 5, yard.angle)[on], scene.noise(1.5, MOTTLE)[on]
    tone = 1 + 0.06 * grain + 0.07 * scene.noise(0.8, GRAIN)[on] - 0.07 * np.clip(scene.noise(2, LAND)[on], -1, 2)
    table = scene.rng.normal(0, 1, 400).astype(np.float32)  # every track has its own age
    which = np.searchsorted(((yard.tracks[1:] + yard.tracks[:-1]) / 2).astype(np.float32), v)
    d = np.abs(v - yard.tracks.astype(np.float32)[which])
    tone += scene.uniform(0.02, 0.1) * table[which] * (d < 2.2)
    tone -= scene.uniform(0.15, 0.32) * bar(d, 1.3, scene.gsd)  # sleepers
    tone -= scene.uniform(0.0, 0.2) * bar(d, 0.5, scene.gsd) * np.clip(0.5 + 0.5 * grain, 0, 1)  # oil
    weeds = np.clip(dirt - scene.uniform(0.6, 1.6), 0, 1) * (d > 1.4)
    colour = stone * tone[:, None]
    colour += (scene.colour("grass") - colour) * weeds[:, None]
    rails = bar(d - GAUGE / 2, 0.14, scene.gsd) * scene.uniform(0.9, 1.3)
    colour += np.minimum(rails, 0.8)[:, None] * (SHINE - colour)
    paint_at(scene, on, colour, bed)
    claim_at(scene, np.flatnonzero(on)[bed > 0.5], "rails")
    if len(yard.tracks) > 2:
        _points(scene, yard, stone)


def _points(scene: Scene, yard: Yard, stone) -> None:
    """Crossovers between neighbouring tracks beyond the platforms' ends."""
    lines = []
    for _ in range(scene.integer(2, 8)):
        i = scene.integer(0, len(yard.tracks) - 2)
        gap = yard.tracks[i + 1] - yard.tracks[i]
        start = scene.pick(yard.platforms[:, 2] - gap * 9 - scene.uniform(0, 60), None)
        if np.isinf(yard.end) and scene.chance(0.5):
            start = scene.pick(yard.platforms[:, 3]) + scene.uniform(10, 60)
        t = np.linspace(0, 1, 8)
        ease = 3 * t**2 - 2 * t**3
        ends = yard.tracks[[i, i + 1]] if scene.chance(0.5) else yard.tracks[[i + 1, i]]
        lines.append(np.stack([start + t * gap * 9, ends[0] + ease * (ends[1] - ends[0])], -1))
    rails = [line + np.array([0, side * GAUGE / 2]) for line in lines for side in (-1, 1)]
    scene.paint(_strokes(scene, yard, lines, 2.4) * 0.6, stone * 0.72)
    scene.paint(_strokes(scene, yard, rails, 0.2) * min(0.25 / scene.gsd, 0.8), SHINE)


def _strokes(scene: Scene, yard: Yard, lines, width_m: float) -> np.ndarray:
    """Several lines [n, k, 2] in metres drawn at once, as a soft mask."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    corners = list(np.round(yard.at(scene, np.stack(lines)) * 2**SHIFT).astype(np.int32))
    cv2.polylines(mask, corners, False, 255, max(1, round(scene.px(width_m))), cv2.LINE_AA, SHIFT)
    return mask.astype(np.float32) / 255


def gantries(scene: Scene, yard: Yard) -> None:
    """Masts and beams of the overhead line: thin, but their shadows cross all tracks."""
    reach = 0.8 * scene.width_m
    places = np.arange(-reach, min(reach, yard.end), scene.uniform(45, 65)) + scene.uniform(0, 20)
    ends = np.array([[(x, yard.low + 1), (x, yard.high - 1)] for x in places])
    lines = yard.at(scene, ends)
    step = lines[:, 1] - lines[:, 0]
    size, turn = np.hypot(*step.T), np.arctan2(step[:, 1], step[:, 0])
    thick = max(scene.px(0.4), 0.7)
    beams = rectangles(lines.mean(1), size, thick, turn)
    scene.shade(scene.stamp(beams + scene.sun * scene.px(8 * scene.shadow_length)), 0.3 * min(1, 1.2 / scene.gsd))
    if scene.gsd < 1.2:
        scene.fill(beams, np.array([120, 122, 122]) * scene.uniform(0.7, 1.3))


def footbridge(scene: Scene, yard: Yard) -> None:
    u0, u1 = yard.platforms[:, 2].mean(), min(yard.platforms[:, 3].mean(), yard.end)
    x = scene.uniform(0.25, 0.75) * (u1 - u0) + u0
    box = yard.boxes(scene, [(x - 2.2, yard.low - 2, x + 2.2, yard.high + 2)])
    scene.cast(box, 8)
    scene.fill(box, scene.colour("flat roof") * 0.8)
    scene.fill(yard.boxes(scene, [(x - 1.2, yard.low - 2, x + 0.2, yard.high + 2)]), scene.colour("flat roof") * 0.85)
