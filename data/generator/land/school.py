"""Schools: blocks of E, L, U, H and court plans with yards between them, courts, a field and a car park."""

import numpy as np

from ..drawing.geometry import MIDDLE, rectangles, rotate, straight, to_canvas
from ..drawing.ground import grass, paving, road, traffic, yard
from ..drawing.plants import trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import LAND
from ..kind import Kind
from .car_park import car_park
from .pitches import Frame, court, court_colours, football, running_track
from .roofs import flat_roofs

# Plans as wings (x, y, width, depth) in units of a wing's depth, about a centre.
PLANS = {
    "E": ((0, -2, 7, 1), (-3, 0, 1, 3), (0, 0, 1, 3), (3, 0, 1, 3)),
    "L": ((0, -1.5, 6, 1), (-2.5, 0.5, 1, 3)),
    "U": ((0, -2, 6, 1), (-2.5, 0, 1, 3), (2.5, 0, 1, 3)),
    "H": ((0, 0, 4, 1), (-2.5, 0, 1, 5), (2.5, 0, 1, 5)),
    "court": ((0, -2, 6, 1), (0, 2, 6, 1), (-2.5, 0, 1, 3), (2.5, 0, 1, 3)),
    "bars": ((0, -2.4, 6, 1), (0, 0, 6, 1), (0, 2.4, 6, 1), (-3.5, 0, 0.6, 5.6)),
    "block": ((0, 0, 4, 2.4), (1.6, 1.6, 1.8, 1.4)),
}


def school(scene: Scene) -> None:
    angle = scene.angle()
    _ground(scene, angle)
    spots = _spots(scene, angle)
    _sports(scene, spots[0], angle)
    if scene.chance(0.75):
        _parking(scene, spots[1], angle)
    _blocks(scene, spots[2:], angle)
    free = (scene.owner == 0).astype(np.float32)
    wood = np.clip(0.35 * scene.noise(1.5, LAND) + scene.uniform(-0.1, 0.25), 0, 0.8)
    trees(scene, wood * free, scene.uniform(4, 8))


def _ground(scene: Scene, angle: float) -> None:
    """Lawns and paved yards, streets along the sides of the campus."""
    scene.image = grass(scene)
    paved = scene.noise(scene.uniform(0.7, 1.5), LAND) + scene.uniform(-1, 0.7)
    scene.paint(np.clip(paved / 0.08, 0, 1), paving(scene, scene.uniform(0.75, 1)))
    yard(scene, None, scene.uniform(0.1, 0.35), scene.uniform(8, 18))
    for turn in (0, np.pi / 2):
        if scene.chance(0.6):
            points = straight(scene, angle + turn, scene.pick([-1, 1]) * scene.uniform(0.34, 0.46) * SIDE)
            road(scene, points, scene.uniform(7, 13))
            traffic(scene, points, scene.integer(1, 10))


def _step_m(scene: Scene) -> float:
    """Metres between the parts of the campus."""
    return float(np.clip(scene.width_m * 0.36, 62, 125))


def _spots(scene: Scene, angle: float) -> list[np.ndarray]:
    """Places in pixels for the parts of the campus, on a loose grid in turned order."""
    step = _step_m(scene)
    grid = np.array([(x, y) for y in (-1, 0, 1) for x in (-1, 0, 1)], float)[[4, 1, 3, 5, 7, 0, 2, 6, 8]]
    order = [*scene.rng.permutation(5), *(5 + scene.rng.permutation(4))]  # near ones first
    places = grid[order] * step + scene.rng.normal(0, 0.06 * step, (9, 2))
    return list(rotate(places, angle) / scene.gsd + MIDDLE)


def _sports(scene: Scene, centre: np.ndarray, angle: float) -> None:
    kind = scene.pick(["pitch", "track", "courts", "none"], [0.35, 0.2, 0.35, 0.1])
    if kind == "none":
        return
    frame = Frame.at(scene, centre, angle + scene.pick([0, np.pi / 2]))
    if kind == "courts":
        colours = court_colours(scene)
        for i in range(scene.integer(1, 4)):
            court(scene, centre + rotate([0, (i - 1) * 21 / scene.gsd], angle), angle, colours)
    elif kind == "pitch":
        football(scene, frame, scene.uniform(50, 95), scene.uniform(32, 58))
    else:
        scale = scene.uniform(0.45, 0.75)
        football(scene, frame, 95 * scale, 55 * scale)
        running_track(scene, frame, scale)


def _parking(scene: Scene, centre: np.ndarray, angle: float) -> None:
    size = scene.px(np.array([scene.uniform(35, 75), scene.uniform(20, 40)]))
    car_park(scene, scene.stamp(rectangles([centre], *size, angle)) > 0.5, angle)


def _blocks(scene: Scene, spots: list[np.ndarray], angle: float) -> None:
    """Two to six buildings with roofs in one or two materials."""
    count = scene.integer(2, 6)
    colours = scene.colours("flat roof" if scene.chance(0.65) else "roof", count, 2)
    flat = scene.chance(0.7)
    for i, centre in enumerate(spots[:count]):
        plan = np.array(PLANS[scene.pick(list(PLANS))], float)
        deep = min(scene.uniform(9, 15) if i else scene.uniform(12, 18), _step_m(scene) / 7)  # wings must not meet
        turn = angle + scene.integer(0, 3) * np.pi / 2
        shapes = rectangles(to_canvas(scene, plan[:, :2] * deep, turn, centre), *scene.px(plan[:, 2:] * deep).T, turn)
        flat_roofs(scene, shapes, colours[i], scene.uniform(6, 14), None, 0.0 if flat else 0.25)
        scene.claim(scene.stamp(shapes) > 0, "building")  # one building, whatever its wings


KINDS = [Kind("school", ("a school", "a school campus", "school buildings"), school, (120, 380), ("sports pitch",))]
