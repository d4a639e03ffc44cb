"""Runways and taxiways: surfaces with wear and rubber, paint, blast pads, approach lights, the mown field around."""

from dataclasses import dataclass

import cv2
import numpy as np

from ..drawing.geometry import local_m, rectangles, rotate, to_canvas
from ..drawing.ground import grass, soil
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE

PAINT = np.array([222, 222, 216], np.float32)
YELLOW = np.array([190, 164, 78], np.float32)
SEGMENTS = {"0": "abcdef", "1": "bc", "2": "abged", "3": "abgcd", "4": "fgbc", "5": "afgcd", "6": "afgedc",
            "7": "abc", "8": "abcdefg", "9": "abcdfg"}  # fmt: skip
STROKES = {  # x (across), y (ahead) of the ends of a numeral's strokes
    "a": ((0, 2), (1, 2)), "b": ((1, 2), (1, 1)), "c": ((1, 1), (1, 0)), "d": ((0, 0), (1, 0)),
    "e": ((0, 0), (0, 1)), "f": ((0, 1), (0, 2)), "g": ((0, 1), (1, 1)),
}  # fmt: skip


@dataclass(frozen=True)
class Runway:
    """A strip from `start` metres along its own frame to far beyond the picture."""

    origin: np.ndarray
    angle: float
    width: float
    start: float
    colour: np.ndarray

    def at(self, scene: Scene, points_m) -> np.ndarray:
        return to_canvas(scene, points_m, self.angle, self.origin)


def bar(distance, half: float, gsd: float) -> np.ndarray:
    """How much of each pixel a line covers whose middle is `distance` metres away; thin lines grow faint."""
    return np.clip((half - np.abs(distance)) / gsd + 0.5, 0, min(1.0, 2 * half / gsd))


def airfield(scene: Scene, angle: float) -> None:
    """Mown grass or dry ground: swaths along the runway, worn spots, wet hollows, drains, wheel tracks."""
    scene.image = grass(scene, 0.7) if scene.chance(0.75) else soil(scene)
    spots = np.clip((scene.noise(scene.uniform(1, 3), LAND) - scene.uniform(0, 1.2)) / 0.5 + 0.5, 0, 1)
    other = scene.colour("grass") * scene.uniform(0.8, 1.2) if scene.chance(0.6) else scene.colour("soil")
    scene.paint(spots * scene.uniform(0.25, 0.8), other)
    u, v = local_m(scene, angle)
    if scene.chance(0.6):  # swaths
        pace = 2 * np.pi / max(scene.uniform(6, 25), 2.2 * scene.gsd)
        wave = np.sin(v * pace + 0.5 * scene.noise(1, MOTTLE)) * np.clip(0.6 + 0.5 * scene.noise(1.2), 0, 1.4)
        scene.texture(scene.uniform(0.02, 0.06) * wave)
    drift = 6 * scene.noise(2, LAND)
    for _ in range(scene.integer(0, 3)):  # drains and tracks run along or square to the field
        line = bar((v if scene.chance(0.7) else u) - scene.uniform(-0.5, 0.5) * scene.width_m + drift, 1.2, scene.gsd)
        scene.texture(line * scene.uniform(-0.25, 0.25))


def runway_colour(scene: Scene) -> np.ndarray:
    if scene.chance(0.35):
        colour = scene.colour("concrete") * scene.uniform(0.72, 0.95)
    else:
        colour = scene.colour("asphalt") * scene.uniform(0.65, 1.1)
    return colour * 0.35 + colour.mean() * 0.65


def runway(scene: Scene, way: Runway) -> None:
    """The strip with shoulders, blast pad, wear and paint."""
    g, half, start = scene.gsd, way.width / 2, way.start
    u, v = local_m(scene, way.angle, way.origin)
    ahead = np.clip((u - start) / g + 0.5, 0, 1)
    if scene.chance(0.65):  # paved shoulders
        shoulder = np.clip((half + scene.uniform(4, 9) - np.abs(v)) / g + 0.5, 0, 1)
        scene.paint(shoulder * np.clip((u - start + 5) / g, 0, 1), way.colour * scene.uniform(0.72, 0.9))
    _blast_pad(scene, way, u, v, bar(v, half, g))
    on = (np.abs(v) < half + 0.5 * g) & (u > start - g)
    if not on.any():
        return
    u, v, cover = u[on], v[on], bar(v[on], half, g) * ahead[on]
    streaks = scene.noise(1.2, MOTTLE, 7, way.angle)[on]
    tone = 1 + 0.05 * streaks + 0.04 * scene.noise(1, GRAIN)[on]
    lanes = np.floor((v + half) / (way.width / 6)).astype(int) % 97
    tone += (scene.rng.normal(0, scene.uniform(0.005, 0.035), 97).astype(np.float32))[lanes]
    pieces = np.floor((u + scene.uniform(0, 400)) / scene.uniform(90, 400)).astype(int) % 97  # relaid stretches
    tone += (scene.rng.normal(0, scene.uniform(0.01, 0.06), 97).astype(np.float32))[pieces]
    tone -= _rubber(scene, way, u, v, half) * np.clip(0.75 + 0.3 * streaks, 0, 1.3)
    part = scene.image[on]
    part += (way.colour * tone[:, None] - part) * cover[:, None]
    paint = _markings(scene, way, u, v) * ahead[on]
    paint *= np.clip(0.9 + 0.22 * streaks, 0.2, 1) * scene.uniform(0.5, 0.95)
    part += (PAINT - part) * paint[:, None]
    scene.image[on] = part
    strip = np.zeros(on.shape, bool)
    strip[on] = cover > 0.5
    scene.claim(strip, "runway")
    if way.start > -SIDE * g:
        strip[on] = (np.abs(u - start - 21) < 15) & (np.abs(v) < half * 0.95)
        scene.claim(strip, "threshold markings")
    _numerals(scene, way)


def _rubber(scene: Scene, way: Runway, u, v, half: float) -> np.ndarray:
    """Black tyre marks where airplanes touch down, 150 to 900 metres in; also where only a middle part is seen."""
    if not scene.chance(0.8):
        return np.zeros_like(u)
    middle = way.start + 380 if way.start > -900 else scene.uniform(-0.6, 0.6) * scene.width_m
    place = np.exp(-(((u - middle) / scene.uniform(180, 320)) ** 2))
    spread = np.exp(-(((np.abs(v) - half * 0.16) / (half * 0.2)) ** 2))
    return scene.uniform(0.15, 0.6) * place * spread


def _blast_pad(scene: Scene, way: Runway, u, v, strip) -> None:
    if way.start < -scene.width_m or not scene.chance(0.65):
        return
    long = scene.uniform(60, 150)
    behind = way.start - u
    pad = strip * np.clip((long - behind) / scene.gsd, 0, 1) * (behind > -2)
    tone = 1 + 0.05 * scene.noise(1, MOTTLE)
    scene.paint(pad, way.colour * scene.uniform(0.7, 1.15) * tone[..., None], "taxiway")
    if scene.chance(0.7):
        chevron = (behind + 1.2 * np.abs(v)) % 30 - 15
        scene.paint(pad * bar(chevron, 0.9, scene.gsd) * scene.uniform(0.4, 0.85), YELLOW)


def _markings(scene: Scene, way: Runway, u, v) -> np.ndarray:
    """Centre dashes, side stripes, threshold bars, touchdown zone and aiming point, as coverage 0…1."""
    g, half, x = scene.gsd, way.width / 2, u - way.start
    dash = np.clip((15 - np.abs((x + 10) % 50 - 25)) / g + 0.5, 0, 1) * (x > 70)
    marks = bar(v, 0.45, g) * dash
    if way.width >= 30:
        marks = np.maximum(marks, bar(np.abs(v) - half * 0.95, 0.45, g))
    bars = {18.0: 2, 23.0: 3, 30.0: 4, 45.0: 6, 60.0: 8}[way.width]
    step = half * 0.88 / bars
    comb = bar((np.abs(v) - half * 0.07) % step - step / 2, step * 0.27, g) * (np.abs(np.abs(v) / half - 0.5) < 0.46)
    marks = np.maximum(marks, comb * bar(x - 21, 15, g))
    if way.width >= 45:
        aim = bar(x - 425, 25, g) * bar(np.abs(v) - half * 0.5, half * 0.16, g)
        zones = bar((x - 50) % 150 - 100, 11, g) * (x > 100) * (x < 950) * (np.abs(x - 425) > 60)
        number = 3 - np.clip((x // 300).astype(int), 0, 2)
        triple = bar((np.abs(v) - half * 0.35) % 4.5 - 2.2, 1.0, g) * (np.abs(v) > half * 0.35)
        marks = np.maximum(marks, np.maximum(aim, zones * triple * (np.abs(v) < half * 0.35 + 4.5 * number)))
    return marks


def _numerals(scene: Scene, way: Runway) -> None:
    """The direction in two numerals beyond the threshold bars, read from the approach."""
    if scene.px(9) < 5 or way.start < -scene.width_m:
        return
    tall, wide = 14.0, max(3.2, way.width * 0.11)
    shapes = []
    for place, figure in zip((1.2, -1.2), f"{scene.integer(1, 36):02d}", strict=True):
        for name in SEGMENTS[figure]:
            (x0, y0), (x1, y1) = STROKES[name]
            along = np.array([[way.start + 46 + y * tall / 2, (x - 0.5) * wide - place * wide * 0.9]
                              for x, y in ((x0, y0), (x1, y1))])  # fmt: skip
            ends = way.at(scene, along)
            turn = np.arctan2(*(ends[1] - ends[0])[::-1])
            size = np.linalg.norm(ends[1] - ends[0]) + scene.px(1.4)
            shapes.append(rectangles([ends.mean(0)], size, scene.px(1.4), turn)[0])
    scene.paint(scene.stamp(shapes) * scene.uniform(0.5, 0.85), PAINT)


def taxiways(scene: Scene, lines, width_m: float, colour, lit: bool = True) -> np.ndarray:
    """Ways along lines [n, 2] in pixels, with filleted junctions, dark shoulders and yellow middle lines."""
    mask = np.zeros((SIDE, SIDE), np.float32)
    for line in lines:
        np.maximum(mask, scene.stroke(line, width_m), out=mask)
    reach = min(scene.px(width_m * 0.8), 14.0)
    if reach > 1.5:  # inside corners are rounded off for the wheels
        mask = np.maximum(mask, np.clip((cv2.blur(mask, (int(2 * reach) | 1,) * 2) - 0.62) * 12, 0, 1))
    if scene.chance(0.5):
        size = max(int(scene.px(6)), 1) * 2 + 1
        scene.paint(cv2.blur(cv2.dilate(mask, np.ones((size, size), np.uint8)), (2, 2)), colour * 0.75)
    wear = 1 + 0.06 * scene.noise(1, MOTTLE)
    if scene.chance(0.5):
        wear = wear + (scene.cells(scene.uniform(20, 60))[1][..., 0] - 0.5) * scene.uniform(0.05, 0.16)
    scene.paint(mask, np.clip(colour, 20, 235) * wear[..., None], "taxiway")
    if lit and scene.gsd < 2.2:
        yellow = np.zeros((SIDE, SIDE), np.float32)
        for line in lines:
            np.maximum(yellow, scene.stroke(line, 0.3), out=yellow)
        scene.paint(yellow * mask * min(0.4 / scene.gsd, 0.8), YELLOW)
    return mask


def approach_lights(scene: Scene, way: Runway) -> None:
    """Crossbars of lamps on low posts before the threshold."""
    rows = np.arange(way.start - 30, way.start - 900, -30)
    spots = [(x, y) for x in rows for y in ((-2, 0, 2) if round(way.start - x) != 300 else np.arange(-14, 15, 2.5))]
    points = way.at(scene, np.array(spots))
    size = max(scene.px(0.8), 0.9)
    scene.fill(rectangles(points + scene.sun * size, size, size, way.angle), np.array([60, 62, 56]))
    scene.fill(rectangles(points, size, size, way.angle), np.array([198, 196, 186]))


def bend(points, radius: float) -> np.ndarray:
    """A polyline [n, 2] with its corners rounded (lengths in the same unit)."""
    points = np.asarray(points, np.float64)
    out = [points[:1]]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        a, b = before - corner, after - corner
        near = min(radius, np.linalg.norm(a) / 2, np.linalg.norm(b) / 2)
        first, last = corner + a / np.linalg.norm(a) * near, corner + b / np.linalg.norm(b) * near
        t = np.linspace(0, 1, 7)[:, None]
        out.append((1 - t) ** 2 * first + 2 * t * (1 - t) * corner + t**2 * last)
    return np.concatenate([*out, points[-1:]])


def turned(scene: Scene, way: Runway, points_m) -> np.ndarray:
    """Points in metres of a runway's frame, rounded at corners, in pixels."""
    return rotate(bend(points_m, 45), way.angle) / scene.gsd + way.origin
