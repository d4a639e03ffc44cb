"""Golf courses: shaped and mown fairways between rough and trees, greens ringed by bunkers, ponds, cart paths.

Each hole is a line from tee to green that keeps clear of the others; everything else is laid out along those lines,
as small polygons or on one map of which hole a pixel belongs to, so many holes cost little more than one.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ..drawing.geometry import MIDDLE, edge, in_view, rectangles
from ..drawing.palette import PALETTE
from ..drawing.plants import canopy, trees
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from ..kind import Kind
from .blobs import blobs, dab, soft

TRIES, POINTS, MOST = 26, 12, 9  # lines tried, points of a line, holes of a picture
SMOOTH_M = 4.0  # metres over which a mower rounds the outline of a fairway


@dataclass(frozen=True)
class Hole:
    """`line` [POINTS, 2] in pixels runs from the tee to the green; half widths of the fairway in metres."""

    line: np.ndarray
    halves: np.ndarray
    green_m: float  # mean radius

    @property
    def angle(self) -> float:
        return float(np.arctan2(*(self.line[-1] - self.line[0])[::-1]))


def golf_course(scene: Scene) -> None:
    lawn = _rough(scene)
    holes = _holes(scene)
    style = scene.pick(["park", "woods", "links"], [0.5, 0.28, 0.22])
    which = _map(scene, holes)
    fairways, free = _mown(scene, which, style)
    greens, sand = _greens(scene, holes), _bunkers(scene, holes)
    water = _ponds(scene, free)
    _trees(scene, style, free, water)
    _fairways(scene, holes, which, fairways * (1 - water), lawn)
    _tees(scene, holes, lawn)
    _paths(scene, holes, np.maximum.reduce([water, soft(greens), soft(sand)]))
    _lay_greens(scene, greens, lawn)
    _lay_sand(scene, sand)


def _rough(scene: Scene) -> np.ndarray:
    """Unmown grass and heath over the canvas; returns the colour of the lawns, which are watered the year round."""
    green = np.array(scene.pick(PALETTE["grass"]["lush"]), np.float32)
    lawn = (0.5 * scene.colour("grass") + 0.5 * green) * scene.uniform(0.9, 1.15)
    wild = scene.colour("grass")
    wild = wild * min(1, 0.79 * lawn.mean() / wild.mean()) if scene.chance(0.75) else wild * 1.1
    other = scene.colour(scene.pick(["soil", "grass", "tree"], [0.3, 0.45, 0.25])) * 0.9
    tufts = scene.noise(scene.uniform(0.8, 1.5), GRAIN)
    mix = np.clip(0.3 + 0.45 * scene.noise(scene.uniform(0.5, 1.5)) + 0.12 * tufts, 0, 1) * scene.uniform(0.3, 0.8)
    scene.image = (wild + (other - wild) * mix[..., None]) * (1 + scene.uniform(0.05, 0.1) * tufts)[..., None]
    return lawn


def _holes(scene: Scene) -> list[Hole]:
    """The first hole's green lies well in the picture; the others keep clear of those before them."""
    aside = scene.rng.normal(0, 0.25, TRIES) if scene.chance(0.6) else scene.rng.uniform(-1.6, 1.6, TRIES)
    turn = scene.angle() + aside + np.pi * scene.rng.integers(0, 2, TRIES)
    along = np.stack([np.cos(turn), np.sin(turn)], -1)[:, None]
    normal = along[..., ::-1] * np.array([-1, 1])
    t = np.linspace(0, 1, POINTS)[None, :, None]
    length = scene.px(scene.rng.uniform(120, 420, (TRIES, 1, 1)))
    bend = scene.px(scene.rng.uniform(-45, 45, (TRIES, 1, 1))) * np.sin(np.pi * t)
    bend = bend + scene.px(scene.rng.uniform(-14, 14, (TRIES, 1, 1))) * np.sin(2 * np.pi * t)
    ends = MIDDLE + scene.rng.uniform(-0.75, 0.75, (TRIES, 1, 2)) * SIDE
    ends[0] = MIDDLE + scene.rng.uniform(-0.27, 0.27, 2) * SIDE
    lines = ends + (t - 1) * length * along + bend * normal
    some = lines[:, ::2].reshape(-1, 2).astype(np.float32)
    away = np.hypot(*(some[:, None, i] - some[None, :, i] for i in (0, 1)))
    away = away.reshape(TRIES, POINTS // 2, TRIES, POINTS // 2).min((1, 3))
    gap, kept = scene.px(scene.uniform(46, 66)), []
    for i in range(TRIES):
        if len(kept) < MOST and in_view(lines[i], 0).any() and (away[i, kept] > gap).all():
            kept.append(i)
    shapes = scene.rng.uniform(0.5, 1.35, (len(kept), POINTS)) * scene.rng.uniform(12, 20, (len(kept), 1))
    sizes = scene.rng.uniform(9, 15, len(kept))
    return [Hole(lines[i], half, size) for i, half, size in zip(kept, shapes, sizes.tolist(), strict=True)]


def _map(scene: Scene, holes: list[Hole]) -> np.ndarray:
    """Which fairway or apron of a green [SIDE, SIDE] a pixel belongs to, counted from 1; ragged as yet."""
    which = np.zeros((SIDE, SIDE), np.uint8)
    for number, hole in enumerate(holes, 1):
        t = np.linspace(0.17, 0.97, 30) * (POINTS - 1)
        low = np.minimum(t.astype(int), POINTS - 2)
        part = (t - low)[:, None]
        spots = hole.line[low] * (1 - part) + hole.line[low + 1] * part
        aside = scene.px(scene.rng.normal(0, 4.5, (POINTS, 2)))  # neither side mirrors the other
        spots = spots + aside[low] * (1 - part) + aside[low + 1] * part
        radii = scene.px(np.interp(t, np.arange(POINTS), hole.halves))
        spots, radii = np.vstack([spots, hole.line[-1:]]), [*radii, scene.px(hole.green_m * 1.35)]
        for (x, y), radius in zip(np.round(spots).astype(int).tolist(), radii, strict=True):
            if -60 < x < SIDE + 60 and -60 < y < SIDE + 60:
                cv2.circle(which, (x, y), max(round(radius), 1), number, -1)
    return which


def _mown(scene: Scene, which: np.ndarray, style: str) -> tuple[np.ndarray, np.ndarray]:
    """Fairways as a soft mask with rounded outlines, after their belt of half-long grass; metres to the nearest."""
    sigma = max(scene.px(SMOOTH_M), 1)
    cover = cv2.GaussianBlur((which > 0).astype(np.float32), (0, 0), sigma) + 0.09 * scene.noise(0.4, LAND)
    belt = edge(cover - 0.1, 0.12) * scene.uniform(0.25, 0.6) * (0.6 if style == "links" else 1)
    scene.texture(belt * scene.uniform(0.08, 0.2))
    free = cv2.distanceTransform((cover < 0.45).astype(np.uint8), cv2.DIST_L2, 3) * np.float32(scene.gsd)
    return edge(cover - 0.5, 0.5 / sigma), free


def _fairways(scene: Scene, holes: list[Hole], which, mask: np.ndarray, lawn: np.ndarray) -> None:
    """Lawn with the bands of the mower, along each hole or across it."""
    on = mask > 0
    x, y, near = COLUMNS[on], ROWS[on], cv2.dilate(which, np.ones((7, 7), np.uint8))[on]
    turns = np.array([0, *(hole.angle for hole in holes)]) + scene.pick([0, np.pi / 4, np.pi / 2])
    wide = max(scene.px(scene.uniform(6, 11)), 3.2)
    cos, sin = (np.float32(f(turns) * np.pi / wide)[near] for f in (np.cos, np.sin))
    bands = np.clip(3 * np.sin(x * cos + y * sin), -1, 1)
    if scene.chance(0.3):  # mown twice, in a chequer
        bands = 0.6 * bands + 0.6 * np.clip(3 * np.sin(y * cos - x * sin), -1, 1)
    tone = 1 + scene.pick([0, scene.uniform(0.02, 0.07)], [0.25, 0.75]) * bands
    tone += scene.uniform(0.05, 0.09) * scene.noise(scene.uniform(0.5, 1.5), MOTTLE)[on]
    tone *= scene.rng.uniform(0.92, 1.06, 256).astype(np.float32)[near]
    scene.image[on] += (lawn * tone[:, None] - scene.image[on]) * mask[on][:, None]
    scene.claim(mask > 0.5, "fairway")


def _greens(scene: Scene, holes: list[Hole]) -> np.ndarray:
    seen = [hole for hole in holes if in_view(hole.line[-1], scene.px(hole.green_m) + 2)]
    stretch, angles = scene.rng.uniform(1, 1.5, len(seen)), scene.rng.uniform(0, 3.1, len(seen))
    return blobs(scene, [hole.line[-1] for hole in seen], [hole.green_m for hole in seen], stretch, angles)


def _bunkers(scene: Scene, holes: list[Hole]) -> np.ndarray:
    """Hollows of sand: some about each green, drawn out along its rim, and some beside the fairways."""
    spots, sizes, angles = [], [], []
    for hole in holes:
        count = scene.pick([1, 2, 3, 4], [0.15, 0.4, 0.3, 0.15]) + (scene.width_m < 220)
        turn = hole.angle + scene.rng.choice([-1.4, 1.4, 2.9], count) + scene.rng.normal(0, 0.5, count)
        size = scene.rng.uniform(2.2, 5.5, count)
        away = scene.px((hole.green_m * 1.1 + size) * scene.rng.uniform(1, 1.4, count))[:, None]
        spots.append(hole.line[-1] + away * np.stack([np.cos(turn), np.sin(turn)], -1))
        at = scene.rng.integers(3, POINTS - 2, scene.integer(0, 4))
        normal = (hole.line[at + 1] - hole.line[at])[:, ::-1] * np.array([-1, 1])
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) * scene.rng.choice([-1, 1], (len(at), 1))
        spots.append(hole.line[at] + normal * scene.px(hole.halves[at] * scene.uniform(0.85, 1.15))[:, None])
        sizes += [size, scene.rng.uniform(2.8, 5.5, len(at))]
        angles += [turn + np.pi / 2, np.arctan2(normal[:, 1], normal[:, 0]) + np.pi / 2]
    spots, sizes, angles = np.concatenate(spots), np.concatenate(sizes), np.concatenate(angles)
    seen = in_view(spots, 3)
    stretch = scene.rng.uniform(1.1, 2.0, seen.sum())
    return blobs(scene, spots[seen], sizes[seen], stretch, angles[seen])


def _lay_greens(scene: Scene, greens: np.ndarray, lawn: np.ndarray) -> None:
    """Turf as smooth as a carpet, paler than the fairway, inside a collar."""
    middle = greens.mean(1, keepdims=True)
    dab(scene, soft(middle + (greens - middle) * 1.22) * 0.7, lawn * scene.uniform(0.85, 1.1))
    smooth = lawn * np.array([1.08, 1.1, 1.04]) * scene.uniform(1.08, 1.25)
    dab(scene, soft(greens), smooth, 1 + 0.025 * scene.noise(1, MOTTLE))
    scene.claim_each(greens, "putting green")


def _lay_sand(scene: Scene, sand: np.ndarray) -> None:
    mask = soft(sand)
    dx, dy = np.round(scene.sun * max(1, scene.px(1.2))).astype(int)
    lip = np.clip(mask - np.roll(mask, (dy, dx), (0, 1)), 0, 1)  # the rim towards the sun shades the hollow
    dab(scene, mask, scene.colour("sand"), 1 + 0.05 * scene.noise(1, MOTTLE))
    dab(scene, 0.3 * lip, np.zeros(3, np.float32))
    scene.claim_each(sand, "bunker")


def _ponds(scene: Scene, free: np.ndarray) -> np.ndarray:
    """Water where no hole is, up to its edge; returns its mask."""
    mask = np.zeros((SIDE, SIDE), np.float32)
    room = np.flatnonzero(free > 13)
    if len(room) < 200 or scene.chance(0.4):
        return mask
    for place in room[scene.rng.integers(0, len(room), scene.integer(1, 3))].tolist():
        row, column = divmod(place, SIDE)
        size = min(float(free[row, column]) * 0.85, scene.uniform(12, 40))
        shape = blobs(scene, [(column, row)], [size], scene.uniform(1, 1.6), scene.angle())
        mask = np.maximum(mask, soft(shape))
    mask = cv2.GaussianBlur(mask, (0, 0), max(scene.px(3), 0.8)) + 0.1 * scene.noise(0.5, LAND) * (mask > 0)
    mask = edge(mask - 0.5, 0.4 / max(scene.px(3), 0.8)) * (free > 2)
    rim = cv2.GaussianBlur(mask, (0, 0), max(scene.px(2.5), 0.8))
    dab(scene, np.clip(2 * rim, 0, 1) * 0.6, scene.colour(scene.pick(["soil", "tree"])) * 0.8)
    tone = 1 + scene.uniform(0.01, 0.04) * scene.noise(scene.uniform(0.7, 3), LAND)
    dab(scene, mask, scene.colour("water"), tone, "pond")
    return mask


def _trees(scene: Scene, style: str, free: np.ndarray, water: np.ndarray) -> None:
    """Belts and clumps between the holes, or woods that the holes are cut into."""
    clumps = scene.noise(scene.uniform(0.5, 1.2), LAND)
    dry = water < 0.02
    if style == "woods" and (free > 12).any():
        canopy(scene, mask=edge(np.minimum(free / 10 - 1, 1.3 * clumps + 1.6), 0.3) * dry)
        if scene.chance(0.5):
            return
    most = {"park": 0.85, "woods": 0.5, "links": 0.12}[style]
    belt = np.clip(free / 14 - 0.45, 0, 1)
    density = np.clip(belt * (scene.uniform(0.15, 0.45) + 0.5 * clumps) * 1.4, 0, most) * dry
    trees(scene, density, scene.uniform(6, 11), kind="shrubs" if style == "links" else "trees")


def _tees(scene: Scene, holes: list[Hole], lawn: np.ndarray) -> None:
    """Small level lawns one before the other, from which the holes are played."""
    spots = np.concatenate([h.line[0] + scene.rng.uniform(0, 0.13, (3, 1)) * (h.line[2] - h.line[0]) for h in holes])
    spots = spots + scene.px(scene.rng.normal(0, 4, spots.shape))
    sizes = scene.px(scene.rng.uniform((7, 5), (16, 8), (len(spots), 2)))
    shapes = rectangles(spots, *sizes.T, np.repeat([hole.angle for hole in holes], 3))
    dab(scene, soft(shapes[in_view(spots)]), lawn * 1.08)


def _paths(scene: Scene, holes: list[Hole], keep_off: np.ndarray) -> None:
    """A cart path along each hole, outside its fairway, now and then on to the next tee."""
    if scene.chance(0.25):
        return
    mask = np.zeros((SIDE, SIDE), np.float32)
    for hole in holes:
        step = np.gradient(hole.line, axis=0)
        normal = step[:, ::-1] * np.array([-1, 1]) / np.linalg.norm(step, axis=1, keepdims=True)
        away = scene.px(hole.halves.max() * 1.1 + 6 + 3 * np.sin(np.arange(POINTS) * 1.3))
        line = hole.line + normal * away[:, None] * scene.pick([-1, 1])
        mask = np.maximum(mask, scene.stroke(_rounded(line), 2.4))
    colour = scene.colour(scene.pick(["soil", "concrete", "asphalt"], [0.45, 0.3, 0.25]))
    paved = min(1.0, 2.6 / scene.gsd)  # finer than a pixel, it hardly shows
    dab(scene, mask * (1 - keep_off) * paved * scene.uniform(0.55, 0.95), colour, kind="track")


def _rounded(line: np.ndarray) -> np.ndarray:
    """The line with its corners cut twice."""
    for _ in range(2):
        line = np.stack([line[:-1] * 0.75 + line[1:] * 0.25, line[:-1] * 0.25 + line[1:] * 0.75], 1).reshape(-1, 2)
    return line


KINDS = [
    Kind("golf course", ("a golf course", "golf links"), golf_course, (140, 620), ("fairway", "putting green")),
]
