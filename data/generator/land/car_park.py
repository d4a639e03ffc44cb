"""Car parks: rows of stalls on asphalt of any outline, their cars, lanes, strips and trees."""

from dataclasses import dataclass

import cv2
import numpy as np

from ..drawing.geometry import MIDDLE, in_view, rectangles, rotate
from ..drawing.ground import cars
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE

FEW = 60  # up to so many cars are objects of their own; more are one stretch of parked cars


@dataclass(frozen=True)
class Stalls:
    """Stalls of a car park: centres [n, 2] in pixels, their row's number, and the rows' direction."""

    centres: np.ndarray
    row: np.ndarray
    angle: float
    slant: float  # how far cars stand off the right angle to their row

    @property
    def angles(self) -> float:
        return self.angle + np.pi / 2 + self.slant


def stalls(scene: Scene, area: np.ndarray, angle: float) -> Stalls:
    """Double rows of stalls with aisles between them wherever they fit into a boolean mask."""
    rows, columns = np.nonzero(area)
    if len(rows) == 0:
        return Stalls(np.zeros((0, 2)), np.zeros(0, int), angle, 0.0)
    centre = np.array([(columns.min() + columns.max()) / 2, (rows.min() + rows.max()) / 2])
    reach = np.hypot(np.ptp(columns), np.ptp(rows)) / 2 * scene.gsd
    length, aisle, gap = 5.0, scene.uniform(5.5, 8), scene.pick([0.0, 0.6, 2.5], [0.45, 0.3, 0.25])
    period = 2 * length + aisle + gap
    first = np.arange(-reach, reach, period) + scene.uniform(0, period) - period
    y = np.concatenate([first + length / 2, first + length * 1.5 + gap])
    x = np.arange(-reach, reach, scene.uniform(2.4, 2.8))
    block = scene.uniform(35, 110)  # crossing lanes
    x = x[(x + scene.uniform(0, block)) % block > scene.uniform(0, 7)]
    grid = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    row = np.repeat(np.tile(np.arange(len(first)), 2), len(x))
    points = rotate(grid, angle) / scene.gsd + centre
    room = cv2.distanceTransform(np.pad(area, 8, "edge").astype(np.uint8), cv2.DIST_L2, 3)[8:-8, 8:-8]
    column, line = np.clip(points.round().astype(int), 0, SIDE - 1).T
    fits = in_view(points, 3) & (room[line, column] > scene.px(3.2))
    slant = scene.uniform(-0.6, 0.6) if scene.chance(0.25) else 0.0
    return Stalls(points[fits], row[fits], angle, slant)


def car_park(
    scene: Scene, area: np.ndarray, angle: float, occupancy: float | None = None, planted: float = 0.4
) -> None:
    """Asphalt over a boolean mask with everything on it; `planted` is the chance of trees between rows."""
    occupancy = scene.uniform(0.08, 1) if occupancy is None else occupancy
    colour = _asphalt(scene, area)
    places = stalls(scene, area, angle)
    if len(places.centres) == 0:
        return
    _markings(scene, places, colour)
    strips = _strips(scene, places, area, colour) if scene.chance(0.3) else None
    _fill_stalls(scene, places, occupancy)
    if scene.chance(planted):
        _islands(scene, places, area, strips)


def _asphalt(scene: Scene, area) -> np.ndarray:
    base = scene.colour("asphalt")
    base = base * 0.35 + base.mean() * 0.65
    colour = np.clip(base * scene.uniform(0.6, 1.15), 26, 215)
    if scene.chance(0.2):
        colour = scene.colour("concrete") * scene.uniform(0.8, 1.08)
    wear = (
        0.06 * scene.noise(scene.uniform(0.7, 2), MOTTLE)
        + 0.05 * scene.noise(1, GRAIN)
        + 0.05 * scene.noise(2, LAND)
    )
    scene.paint(
        cv2.GaussianBlur(area.astype(np.float32), (0, 0), 0.6), colour * (1 + wear)[..., None], "parking"
    )
    if scene.chance(0.3):  # patches of another age
        _, traits = scene.cells(scene.uniform(12, 50))
        scene.texture((traits[..., 0] - 0.5) * scene.uniform(0.05, 0.25) * area)
    return colour


def _markings(scene: Scene, places: Stalls, colour) -> None:
    """Rows are stained darker than the lanes; close up, painted lines part the stalls."""
    count = len(places.centres)
    shapes = rectangles(places.centres, scene.px(2.9), scene.px(5), places.angle)
    if count < 6000:
        scene.shade(cv2.GaussianBlur(scene.stamp(shapes), (0, 0), 1), scene.uniform(0, 0.16))
    if scene.px(2.6) < 3:
        return
    step = scene.px(1.3) * np.array([np.cos(places.angle), np.sin(places.angle)])
    lines = rectangles(
        places.centres - step, max(scene.px(0.14), 0.35), scene.px(4.8), places.angles - np.pi / 2
    )
    scene.paint(scene.stamp(lines) * scene.uniform(0.15, 0.65), np.clip(colour * 1.2 + 60, 0, 235))


def _strips(scene: Scene, places: Stalls, area, colour) -> np.ndarray:
    """Light or green strips between some double rows; returns their numbers."""
    numbers = np.unique(places.row)
    numbers = numbers[scene.integer(0, 2) :: scene.integer(1, 4)]
    lines = []
    for number in numbers:
        row = places.centres[places.row == number]
        middle = row.mean(0)
        along = (row - middle) @ np.array([np.cos(places.angle), np.sin(places.angle)])
        direction = np.array([np.cos(places.angle), np.sin(places.angle)])
        lines.append(
            rectangles(middle + direction * along.mean(), np.ptp(along), max(scene.px(1.8), 1), places.angle)
        )
    if lines:
        mask = scene.stamp(np.concatenate(lines)) * area
        strip = scene.colour("grass") if scene.chance(0.5) else np.clip(colour * 1.5, 60, 225)
        scene.paint(mask * scene.uniform(0.5, 1), strip)
    return numbers


def _fill_stalls(scene: Scene, places: Stalls, occupancy: float) -> None:
    """Cars where people like to park: near one place, in some rows more than in others."""
    column, line = np.clip(places.centres.astype(int), 0, SIDE - 1).T
    liked = 0.3 * scene.noise(scene.uniform(1, 3), LAND)[line, column]
    rows = scene.rng.normal(0, scene.uniform(0, 0.25), places.row.max() + 1)[places.row]
    taken = scene.rng.random(len(column)) < np.clip(occupancy + liked + rows, 0.02, 0.98)
    centres = places.centres[taken] + scene.rng.normal(0, scene.px(0.2), (taken.sum(), 2))
    nose = np.where(scene.rng.random(len(centres)) < 0.5, np.pi, 0)
    angles = places.angles + nose + scene.rng.normal(0, 0.03, len(centres))
    if len(centres) <= FEW:
        cars(scene, centres, angles)
    elif scene.px(1.9) < 1.3:
        _specks(scene, centres, places.angles)
    else:
        _row_cars(scene, centres, angles)


def _row_cars(scene: Scene, centres, angles) -> None:
    owner = scene.owner.copy()
    known = len(scene.drawn)
    cars(scene, centres, angles)
    mask = scene.owner >= known
    del scene.drawn[known:]
    scene.owner = owner
    scene.claim(mask, "parked cars")


def _specks(scene: Scene, centres, angle: float) -> None:
    """Cars narrower than a pixel or so: a few points along each one's length."""
    colours = scene.colours("car", len(centres), 10)
    step = np.array([np.cos(angle), np.sin(angle)]) * scene.px(4.3) / 2
    mask = np.zeros((SIDE, SIDE), bool)
    before = scene.image.copy()
    for part in (-0.8, 0.0, 0.8):
        at = np.round(centres + part * step).astype(int)
        inside = in_view(at, -0.5)
        x, y = at[inside].T
        scene.image[y, x] = colours[inside]
        mask[y, x] = True
    weight = np.clip(scene.px(1.9) * 0.95, 0.55, 1)
    scene.image = before + (scene.image - before) * weight
    scene.claim(cv2.dilate(mask.astype(np.uint8), np.ones((2, 2), np.uint8)) > 0, "parked cars")


def _islands(scene: Scene, places: Stalls, area, strips) -> None:
    """Single round trees along rows, and at their ends."""
    spacing = scene.uniform(9, 35)
    along = (places.centres - MIDDLE) @ np.array([np.cos(places.angle), np.sin(places.angle)])
    slot = np.floor(along * scene.gsd / spacing).astype(int)
    wanted = places.row % scene.integer(1, 3) == 0 if strips is None else np.isin(places.row, strips)
    _, first = np.unique(np.stack([places.row[wanted], slot[wanted]], -1), axis=0, return_index=True)
    centres = places.centres[wanted][first]
    centres = centres[scene.rng.random(len(centres)) < scene.uniform(0.4, 1)]
    crowns(scene, centres, scene.px(scene.rng.uniform(1.5, 3.5, len(centres))))


def crowns(scene: Scene, centres, radii) -> None:
    """Single trees at given centres [n, 2] and radii in pixels."""
    if len(centres) == 0:
        return
    turn = np.linspace(0, 2 * np.pi, 9)[:-1]
    ragged = np.maximum(radii, 0.8)[:, None] * scene.rng.uniform(0.8, 1.15, (len(centres), 8))
    shapes = centres[:, None] + np.stack([np.cos(turn), np.sin(turn)], -1) * ragged[..., None]
    reach = np.asarray(radii)[:, None, None] * scene.shadow_length * scene.sun
    scene.shade(scene.stamp(np.concatenate([shapes + reach * 0.6, shapes + reach * 1.2])))
    colours = scene.colours("tree", len(centres), 3)
    scene.paint(scene.stamp(shapes), scene.colour("tree"), "trees")
    scene.fill(shapes, colours * 0.85)
    middle = shapes.mean(1, keepdims=True) - scene.sun * np.asarray(radii)[:, None, None] * 0.3
    scene.fill(middle + (shapes - middle) * 0.55, np.clip(colours * 1.2, 0, 250))
