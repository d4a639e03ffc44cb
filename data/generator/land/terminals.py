"""Airport terminals: halls with piers and gates on one side, the forecourt and car parks on the other."""

import numpy as np

from ..drawing.built import buildings
from ..drawing.geometry import in_view, local_m, rectangles
from ..drawing.ground import traffic
from ..drawing.plants import trees
from ..drawing.scene import Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from .aprons import Stands, as_one, park, slabs, stand_marks
from .car_park import car_park
from .halls import industrial_roofs
from .roofs import flat_roofs
from .runways import taxiways


def terminal(scene: Scene, stands: Stands, away: bool = False) -> None:
    """A terminal with its gates; `away`: a small part of a large picture, its apron ends beside the taxiway."""
    half = stands.long / 2
    depth = scene.uniform(28, 60)
    layout = scene.pick(["piers", "linear", "satellite"], [0.5, 0.35, 0.15])
    stand = scene.uniform(44, 58) if scene.chance(0.7) else scene.uniform(62, 76)
    reach = scene.uniform(90, 230) if layout != "linear" else 0.0
    if away and layout != "linear":
        layout, reach = ("linear", 0.0) if stands.deep < 90 else (layout, stands.deep - 70)
    ahead = stands.deep if away else reach + scene.uniform(95, 190)
    u, v = local_m(scene, stands.angle, stands.origin)
    paved = np.clip(np.minimum(np.minimum(v + depth, ahead - v), half - np.abs(u)) / scene.gsd + 0.5, 0, 1)
    _landside(scene, stands, depth, u, v, half)
    slabs(scene, paved, stands)
    if not away:  # the lane by which airplanes come and go, and the grass beyond
        ways = (ahead - 35, ahead + scene.uniform(60, 110))
        lines = [stands.at(scene, np.array([[-half, w], [half, w]])) for w in ways]
        taxiways(scene, lines, scene.uniform(18, 25), scene.colour("asphalt") * scene.uniform(0.7, 1.1))
    boxes, noses, turns = _gates(scene, layout, depth, stand, reach, min(half, scene.width_m))
    noses, turns = stands.at(scene, noses), np.asarray(turns) + stands.angle
    seen = in_view(noses, scene.px(45))
    noses, turns = noses[seen], turns[seen]
    if len(noses):
        stand_marks(scene, stands, noses, turns, scene.uniform(50, 75))
    first = len(scene.drawn)
    shapes = stands.boxes(scene, boxes)
    tone = scene.colour("flat roof") * scene.uniform(0.75, 1)
    tone = tone * 0.5 + tone.mean() * 0.5
    tones = np.tile(tone, (len(shapes), 1)) * scene.rng.uniform(0.85, 1.1, (len(shapes), 1))
    roofs = scene.pick([industrial_roofs, flat_roofs, _hall_roofs], [0.2, 0.25, 0.55])
    roofs(scene, shapes, tones, np.linspace(10, 14, len(shapes)))
    as_one(scene, first, "terminal")
    park(scene, noses, turns, stand, scene.uniform(0.45, 0.95), scene.colour("steel") * scene.uniform(0.9, 1.4))


def _hall_roofs(scene: Scene, shapes, tones, heights) -> None:
    """Smooth roofs with a raised strip of skylights along them, rims, and air handlers in a few groups."""
    buildings(scene, shapes, tones, heights)
    middle = shapes.mean(1, keepdims=True)
    scene.fill(shapes + (middle - shapes) * 0.05, np.clip(tones * scene.uniform(0.86, 1.1), 5, 245))
    sides = np.linalg.norm(shapes[:, [1, 3]] - shapes[:, :1], axis=-1)
    long = sides.argmax(1)
    axis = (shapes[np.arange(len(shapes)), np.where(long == 0, 1, 3)] - shapes[:, 0]) / sides.max(1)[:, None]
    turns = np.arctan2(axis[:, 1], axis[:, 0])
    if scene.chance(0.6):
        strips = rectangles(middle[:, 0], sides.max(1) * 0.86, sides.min(1) * scene.uniform(0.12, 0.3), turns)
        scene.fill(strips, np.clip(tones * scene.uniform(0.6, 1.15), 5, 245))
    scene.texture(scene.stamp(shapes) * (0.06 * scene.noise(1.5, LAND) + 0.05 * scene.noise(1, MOTTLE)))
    count = scene.integer(10, 30)
    which = scene.rng.integers(0, len(shapes), count)
    along = scene.rng.uniform(-0.45, 0.45, (count, 1)) * sides.max(1)[which, None] * axis[which]
    aside = scene.rng.choice([-0.3, 0.3], (count, 1)) * sides.min(1)[which, None] * axis[which][:, ::-1] * [-1, 1]
    sizes = scene.px(scene.rng.uniform(1.5, 5, (count, 2)))
    units = rectangles(middle[which, 0] + along + aside, *sizes.T, turns[which])
    units = units[in_view(units.mean(1), 4)]
    scene.cast(units, 2)
    scene.fill(units, scene.colour("flat roof") * 0.85)


def _gates(scene: Scene, layout: str, depth: float, stand: float, reach: float, half: float):
    """The building's boxes, and of every gate where the nose stands and which way it points, in the apron's frame."""
    boxes, noses, turns = [], [], []
    start, end = -half * scene.uniform(0.3, 1), half * scene.uniform(0.3, 1)
    boxes.append((start, -depth, end, 0))
    for _ in range(scene.integer(0, 2)):  # higher or deeper parts of the hall
        middle, long = scene.uniform(start, end), scene.uniform(50, 120)
        boxes.append((middle - long / 2, -depth - scene.uniform(0, 12), middle + long / 2, scene.uniform(-15, 4)))
    gap = scene.uniform(5, 9)
    if layout == "linear":
        for x in np.arange(start + stand / 2, end, stand):
            noses.append((x, gap))
            turns.append(-np.pi / 2)
        return np.array(boxes), np.array(noses).reshape(-1, 2), turns
    wide, pitch = scene.uniform(22, 36), 2 * 48 + scene.uniform(85, 140)
    for x in np.arange(start + scene.uniform(0, 0.5) * pitch, end + pitch / 2, pitch):
        neck = reach * 0.45 if layout == "satellite" else 0
        width = wide * 0.45 if neck else wide
        boxes.append((x - width / 2, -2, x + width / 2, reach))
        if neck:
            boxes.append((x - wide * 0.9, neck, x + wide * 0.9, reach))
            wide = wide * 1.8
        for side in (-1, 1):
            for y in np.arange(neck + stand * (0.55 if neck else 0.85), reach + stand * 0.2, stand):
                noses.append((x + side * (wide / 2 + gap), y))
                turns.append(np.pi if side > 0 else 0.0)
        if scene.chance(0.6):
            noses.append((x, reach + gap))
            turns.append(-np.pi / 2)
        wide = wide / 1.8 if neck else wide
    return np.array(boxes), np.array(noses).reshape(-1, 2), turns


def _landside(scene: Scene, stands: Stands, depth: float, u, v, half: float) -> None:
    """Before the building: the forecourt, a car park or a garage, roads with traffic, lawns with trees."""
    behind = (v < -depth - 1) & (np.abs(u) < half)
    if behind.mean() < 0.01:
        return
    first, second = scene.colour("grass"), scene.colour("grass")
    mix = np.clip(0.5 + 0.35 * scene.noise(1.5)[behind], 0, 1)[:, None]
    tone = 1 + 0.07 * scene.noise(1, GRAIN)[behind] + 0.05 * scene.noise(2, MOTTLE)[behind]
    scene.image[behind] = (first + (second - first) * mix) * tone[:, None]
    road_m = depth + scene.uniform(12, 22)
    line = stands.at(scene, np.array([[-half, -road_m], [half, -road_m]]))
    surface = scene.colour("asphalt") * (1 + 0.05 * scene.noise(1, GRAIN))[..., None]
    wide = scene.uniform(14, 24)
    scene.paint(scene.stroke(line, wide) * behind, surface, "road")
    low = road_m + wide / 2 + scene.uniform(6, 20)
    size = scene.uniform(70, 160)
    left = scene.uniform(-0.45, 0.1) * scene.width_m
    right = left + scene.uniform(0.4, 1.2) * max(scene.width_m, 200)
    area = behind & (v < -low) & (v > -low - size) & (u > left) & (u < right)
    if area.mean() > 0.04:
        car_park(scene, area, stands.angle, planted=0.2)
    wood = behind & ~area & (v < -low)
    if wood.mean() > 0.01:
        amount = np.clip(scene.uniform(0, 0.5) + 0.4 * scene.noise(1.5, LAND), 0, 0.8)
        trees(scene, wood * amount, scene.uniform(5, 8))
    if scene.chance(0.5) and behind.mean() > 0.12:
        x = scene.uniform(-0.4, 0.4) * scene.width_m
        box = stands.boxes(scene, [(x - 30, -low - scene.uniform(35, 60), x + scene.uniform(20, 60), -low)])
        industrial_roofs(scene, box, scene.colour("concrete")[None], 12, 1)
    reach = np.clip(np.array([-half, half]), -0.8 * scene.width_m, 0.8 * scene.width_m)
    traffic(scene, stands.at(scene, np.stack([reach, np.full(2, -road_m)], -1)), scene.integer(4, 22), wide * 0.4)
