"""Aprons, their slabs, stain and paint; airplanes on their stands with all that serves them; remote stands."""

from dataclasses import dataclass

import numpy as np

from ..drawing.geometry import MIDDLE, in_view, local_m, rectangles, to_canvas
from ..drawing.scene import Drawn, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from .airplane import airplanes
from .halls import industrial_roofs
from .runways import YELLOW, bar, taxiways

MOST = 22  # airplanes of a picture


@dataclass(frozen=True)
class Stands:
    """The frame of an apron: its near edge passes through `origin` (pixels), airplanes move on the side v > 0."""

    origin: np.ndarray
    angle: float
    long: float
    deep: float

    def at(self, scene: Scene, points_m) -> np.ndarray:
        return to_canvas(scene, points_m, self.angle, self.origin)

    def boxes(self, scene: Scene, boxes_m) -> np.ndarray:
        """Boxes [n, 4] (u0, v0, u1, v1 in metres) as polygons [n, 4, 2] in pixels."""
        corners = np.asarray(boxes_m, np.float64).reshape(-1, 4)[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]
        return self.at(scene, corners)


def slabs(scene: Scene, mask, stands: Stands, colour=None, kind: str | None = "apron") -> np.ndarray:
    """Concrete slabs or asphalt lanes of several ages, stained, with joints; returns its colour."""
    if colour is None:
        colour = scene.colour("concrete" if scene.chance(0.7) else "asphalt") * scene.uniform(0.75, 1)
        colour = colour * 0.4 + colour.mean() * 0.6
    on = mask > 0
    if not on.any():
        return colour
    u, v = (w[on] for w in local_m(scene, stands.angle, stands.origin))
    size = max(scene.uniform(5, 7.5), 3.2 * scene.gsd)
    i, j = np.floor(u / size), np.floor(v / size)
    joints = np.maximum(bar(u - i * size, 0.12, scene.gsd), bar(v - j * size, 0.12, scene.gsd))
    i, j = i.astype(np.int32), j.astype(np.int32)
    table = scene.rng.normal(0, 1, 997).astype(np.float32)
    tone = 1 + scene.uniform(0.005, 0.035) * table[(i * 31 + j * 57) % 997]
    tone += scene.uniform(0.01, 0.05) * table[((i // 8) * 17 + (j // 5) * 71) % 997]  # bays of another year
    tone -= scene.uniform(0.03, 0.12) * joints
    tone += 0.04 * scene.noise(1, MOTTLE)[on] + 0.03 * scene.noise(1, GRAIN)[on]
    tone -= 0.07 * np.clip(scene.noise(2, LAND)[on], 0, 2)
    part = scene.image[on]
    part += (colour * tone[:, None] - part) * mask[on][:, None]
    scene.image[on] = part
    if kind is not None:
        scene.claim(mask > 0.5, kind)
    return colour


def stand_marks(scene: Scene, stands: Stands, noses, turns, reach_m: float) -> None:
    """Yellow lead-in lines, a bar at the nose wheel, oil and soot where engines and brakes always stand."""
    noses, turns = np.asarray(noses), np.asarray(turns)
    out = -np.stack([np.cos(turns), np.sin(turns)], -1)
    long = scene.px(reach_m)
    width = max(scene.px(0.35), 0.5)
    if scene.gsd < 2:
        lines = rectangles(noses + out * long / 2, long, width, turns)
        stops = rectangles(noses + out * scene.px(6), width, scene.px(4), turns)
        marks = scene.stamp(np.concatenate([lines, stops]))
        scene.paint(marks * scene.uniform(0.35, 0.8), YELLOW if scene.chance(0.75) else np.array([215, 215, 210.0]))
    spots = noses + out * scene.px(scene.rng.uniform(12, 24, (len(noses), 1)))
    stain = scene.stamp(rectangles(spots, scene.px(scene.uniform(8, 20)), scene.px(scene.uniform(4, 11)), turns))
    scene.shade(stain * np.clip(0.3 + 0.5 * scene.noise(1, MOTTLE), 0, 1), scene.uniform(0.1, 0.3))


def as_one(scene: Scene, first: int, kind: str) -> None:
    """All objects drawn since `first` are parts of one."""
    if len(scene.drawn) > first:
        area = sum(drawn.area for drawn in scene.drawn[first:])
        scene.owner[scene.owner > first] = first
        scene.drawn[first:] = [Drawn(kind, int(area * 0.9))]


def park(scene: Scene, noses, turns, stand: float, taken: float, bridges=None) -> None:
    """Airplanes on some of the stands, jet bridges to them, and the vehicles that serve them."""
    fleet, weights = (["narrow", "regional", "turboprop"], [0.8, 0.13, 0.07])
    if stand > 60:
        fleet, weights = ["wide", "four", "narrow"], [0.5, 0.12, 0.38]
    full = scene.rng.random(len(noses)) < taken
    if len(noses):  # never an empty apron: at least the stand next to the middle of the picture is taken
        full[np.hypot(*(noses - MIDDLE).T).argmin()] = True
    here = np.flatnonzero(full)
    here = here[np.argsort(np.hypot(*(noses[here] - MIDDLE).T))][:MOST]
    if bridges is not None and len(noses) and scene.gsd < 3:
        out = np.stack([np.cos(turns), np.sin(turns)], -1)
        left = np.stack([out[:, 1], -out[:, 0]], -1)
        door = noses - out * scene.px(5.5) + left * scene.px(3.2)
        root = noses + out * scene.px(9) + left * scene.px(14)
        step = door - root
        size = np.hypot(*step.T)
        tubes = rectangles((door + root) / 2, size, max(scene.px(3.4), 1.1), np.arctan2(step[:, 1], step[:, 0]))
        scene.cast(tubes, 5)
        scene.fill(tubes, bridges)
        if scene.gsd < 1:
            scene.fill(rectangles(root, scene.px(5), scene.px(5), turns), bridges * 0.85)
    airplanes(scene, noses[here], turns[here], [scene.pick(fleet, weights) for _ in here], noses=True)
    if scene.gsd < 1.6:
        _vehicles(scene, noses[here], turns[here])


def _vehicles(scene: Scene, noses, turns) -> None:
    """Belt loaders, tankers, baggage carts and buses beside the airplanes."""
    if len(noses) == 0:
        return
    each = scene.integer(3, 7)
    which = np.repeat(np.arange(len(noses)), each)
    out = -np.stack([np.cos(turns), np.sin(turns)], -1)[which]
    aside = np.stack([-out[:, 1], out[:, 0]], -1)
    back, off = scene.rng.uniform(-4, 30, (len(which), 1)), scene.rng.uniform(4, 15, (len(which), 1))
    spots = noses[which] + (out * back + aside * off * scene.rng.choice([-1, 1], (len(which), 1))) / scene.gsd
    long = scene.px(scene.rng.choice([3, 4.5, 6, 9], len(which)))
    angles = turns[which] + scene.rng.choice([0, np.pi / 2, 0.4], len(which))
    shapes = rectangles(spots, long, max(scene.px(2.2), 1), angles)
    scene.cast(shapes, 2)
    scene.fill(shapes, scene.colours("car", len(which), 6))


def far_stands(scene: Scene, stands: Stands) -> None:
    """A wide apron with airplanes in rows, lanes between, masts, hangars at an edge, grass where the paving ends."""
    u, v = local_m(scene, stands.angle, stands.origin)
    half = max(scene.width_m * scene.uniform(0.35, 1.2), 90)
    edge_v = scene.width_m * scene.uniform(0.25, 0.6)
    stand = scene.uniform(40, 50) if scene.chance(0.7) else scene.uniform(60, 74)
    first = min(scene.uniform(-0.2, 0.2) * scene.width_m, edge_v - 0.8 * stand)  # this row is in the picture
    start = min(-scene.uniform(0.3, 1) * scene.width_m, first - 40)
    skew = scene.uniform(-0.3, 0.9) * half
    inside = np.minimum(np.minimum(edge_v - v, v - start), np.minimum(half - u, u + half + skew))
    slabs(scene, np.clip(inside / scene.gsd + 0.5, 0, 1), stands)
    row = stand * scene.uniform(1.1, 1.3) + scene.uniform(40, 65)
    turn = scene.pick([-np.pi / 2, np.pi / 2, -np.pi / 4]) + scene.rng.normal(0, 0.02)
    rows = first + np.arange(-12, 13) * row
    rows = rows[(rows > max(start + 25, -scene.width_m)) & (rows < min(edge_v - stand * 0.6, scene.width_m))]
    lanes = [stands.at(scene, np.array([[-half, y + row * 0.78], [half, y + row * 0.78]])) for y in rows]
    near = min(half, scene.width_m)
    places = [(x, y) for y in rows for x in np.arange(-near + stand / 2, near, stand)]
    if scene.chance(0.4) and 0 < len(lanes) < 4:
        taxiways(scene, lanes, 20, scene.colour("asphalt") * scene.uniform(0.7, 1))
        scene.owner[(inside <= 0)] = 0
    noses = stands.at(scene, np.array(places).reshape(-1, 2))
    noses = noses[in_view(noses, scene.px(45))]
    hangars = scene.chance(0.4)
    if hangars:
        _hangars(scene, stands, edge_v, half)
    if len(noses) == 0:
        return
    turns = np.full(len(noses), stands.angle + turn)
    stand_marks(scene, stands, noses, turns, scene.uniform(50, 80))
    _masts(scene, stands, rows + row * 0.9, half)
    park(scene, noses, turns, stand, scene.uniform(0.5, 1))


def _hangars(scene: Scene, stands: Stands, edge_v: float, half: float) -> None:
    x, boxes = -half, []
    while x < half and len(boxes) < 6:
        long = scene.uniform(55, 110)
        boxes.append((x, edge_v, x + long, edge_v + scene.uniform(45, 85)))
        x += long + scene.uniform(8, 40)
    tones = scene.colours("flat roof", len(boxes), 3) * 0.9
    industrial_roofs(scene, stands.boxes(scene, boxes), tones, 18, 4)


def _masts(scene: Scene, stands: Stands, rows, half: float) -> None:
    """Light masts: little to see but their long shadows."""
    half = min(half, scene.width_m)
    spots = np.array([(x, y) for y in rows for x in np.arange(-half, half, scene.uniform(70, 110))]).reshape(-1, 2)
    points = stands.at(scene, spots)
    points = points[in_view(points, 20)]
    if len(points) and scene.gsd < 1.6:
        reach = scene.px(22 * scene.shadow_length)
        turn = np.arctan2(scene.sun[1], scene.sun[0])
        poles = rectangles(points + scene.sun * reach / 2, reach, max(scene.px(0.6), 0.8), turn)
        scene.shade(scene.stamp(poles), 0.3)
        scene.fill(rectangles(points, max(scene.px(1.6), 1), max(scene.px(1.6), 1), turn), (190, 190, 186))
