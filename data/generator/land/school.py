"""Schools: blocks of E, L, U, H and court plans with yards between them, courts, a field and a car park."""

import cv2
import numpy as np

from ..drawing.geometry import MIDDLE, edge, rectangles, rotate, straight, to_canvas
from ..drawing.ground import road, traffic, yard
from ..drawing.plants import trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN, LAND
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
    taken = cv2.dilate((scene.owner > 0).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    spots = _spots(scene, angle)
    first = scene.chance(0.4)  # the main building in the middle, or the pitch as large as it likes
    main = _plans(scene, spots[-3:], angle, taken, 1) if first else []
    _sports(scene, spots[0], angle, taken)
    main = main or _plans(scene, spots[-3:], angle, taken, 1)
    if scene.chance(0.75):
        _parking(scene, spots[1], angle, taken)
    blocks = main + _plans(scene, spots[2:-1], angle, taken, scene.integer(1, 5))
    _footpaths(scene, blocks)
    free = (~taken & (scene.owner == 0)).astype(np.float32)
    wood = np.clip(0.35 * scene.noise(1.5, LAND) + scene.uniform(-0.1, 0.25), 0, 0.8)
    trees(scene, wood * free, scene.uniform(4, 8))
    _build(scene, blocks)


def _ground(scene: Scene, angle: float) -> None:
    """Lawns with paved or trodden yards, streets along the sides of the campus."""
    tone = 1 + 0.07 * scene.noise(scene.uniform(0.6, 1.2), GRAIN) + 0.07 * scene.noise(scene.uniform(0.5, 1.5))
    lawn, paved = scene.colour("grass"), scene.colour(scene.pick(["concrete", "asphalt", "soil"]))
    mix = edge(scene.noise(scene.uniform(0.7, 1.5), LAND) + scene.uniform(-1.2, 0.5), 0.08) * scene.uniform(0.6, 1)
    scene.image = (lawn + (paved - lawn) * mix[..., None]) * tone[..., None]
    if scene.chance(0.25):
        yard(scene, None, scene.uniform(0.1, 0.35), scene.uniform(8, 18))
    for turn in (0, np.pi / 2):
        if scene.chance(0.6):
            points = straight(scene, angle + turn, scene.pick([-1, 1]) * scene.uniform(0.36, 0.47) * SIDE)
            road(scene, points, scene.uniform(7, 12))
            traffic(scene, points, scene.integer(1, 10))


def _step_m(scene: Scene) -> float:
    """Metres between the parts of the campus."""
    return float(np.clip(scene.width_m * 0.36, 55, 125))


def _spots(scene: Scene, angle: float) -> list[np.ndarray]:
    """Places in pixels for the parts of the campus on a loose grid, sports and parking first, the middle last."""
    step = _step_m(scene)
    grid = np.array([(x, y) for y in (-1, 0, 1) for x in (-1, 0, 1)], float)[[1, 3, 5, 7, 0, 2, 6, 8, 4]]
    order = [*scene.rng.permutation(4), *(4 + scene.rng.permutation(4)), 8]
    order = [*order[:2], *order[4:8], *order[2:4], 8]  # near ones for sports, parking and the main building
    places = grid[order] * step + scene.rng.normal(0, 0.1 * step, (9, 2))
    return list(rotate(places, angle) / scene.gsd + MIDDLE + scene.rng.uniform(-0.08, 0.08, 2) * SIDE)


def _claimed(scene: Scene, shapes, taken: np.ndarray, margin_m: float = 5) -> bool:
    """Whether shapes [n, 4, 2] find room on the canvas; if so, it is `taken` together with a margin."""
    covered = scene.stamp(shapes) > 0
    if not covered.any() or (covered & taken).any():
        return False
    reach = max(int(scene.px(margin_m)), 1) * 2 + 1
    taken |= cv2.dilate(covered.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    return True


def _sports(scene: Scene, centre: np.ndarray, angle: float, taken: np.ndarray) -> None:
    kind = scene.pick(["pitch", "track", "courts", "none"], [0.35, 0.2, 0.35, 0.1])
    turn = angle + scene.pick([0, np.pi / 2])
    if kind == "courts":
        colours = court_colours(scene)
        for count in range(scene.integer(1, 4), 0, -1):
            row = np.stack([np.zeros(count), (np.arange(count) - (count - 1) / 2) * 21], -1)
            places = centre + rotate(row, angle) / scene.gsd
            if _claimed(scene, rectangles(places, scene.px(30), scene.px(18), angle), taken, 2):
                for at in places:
                    court(scene, at, angle, colours)
                return
    for size in scene.rng.uniform((50, 32), (100, 62), (3, 2)) if kind in ("pitch", "track") else ():
        scale = min(size[0] / 125, 0.75)
        whole = np.array([84.4, 0]) * scale + 2 * (38 * scale + 9) if kind == "track" else size + 8
        if not _claimed(scene, rectangles([centre], *scene.px(whole), turn), taken):
            continue
        frame = Frame.at(scene, centre, turn)
        football(scene, frame, *(np.array([95, 55]) * scale if kind == "track" else size))
        if kind == "track":
            running_track(scene, frame, scale)
        return


def _parking(scene: Scene, centre: np.ndarray, angle: float, taken: np.ndarray) -> None:
    for most in (1, 0.7):
        size = scene.px(np.array([scene.uniform(32, 75), scene.uniform(19, 40)]) * most)
        shape = rectangles([centre], *size, angle)
        if _claimed(scene, shape, taken):
            car_park(scene, scene.stamp(shape) > 0.5, angle)
            return


def _plans(scene: Scene, spots: list[np.ndarray], angle: float, taken: np.ndarray, most: int) -> list[np.ndarray]:
    """Up to `most` buildings as rectangles [n, 4, 2] each, where there is room; smaller where there is little."""
    found = []
    for centre in spots[::-1]:
        for tight in (1, 0.8, 0.6):
            plan = np.array(PLANS[scene.pick(list(PLANS))], float)
            deep = tight * min(scene.uniform(9, 16), _step_m(scene) / 6)
            turn = angle + scene.integer(0, 3) * np.pi / 2
            places = to_canvas(scene, plan[:, :2] * deep, turn, centre)
            shapes = rectangles(places, *scene.px(plan[:, 2:] * deep).T, turn)
            if _claimed(scene, shapes, taken):
                found.append(shapes)
                break
        if len(found) == most:
            break
    return found


def _build(scene: Scene, blocks: list[np.ndarray]) -> None:
    """Roofs in one or two materials, all at once."""
    if not blocks:
        return
    wings = [len(shapes) for shapes in blocks]
    colours = np.repeat(scene.colours("flat roof" if scene.chance(0.65) else "roof", len(blocks), 2), wings, 0)
    heights = np.repeat(scene.rng.uniform(6, 14, len(blocks)), wings)
    flat_roofs(scene, np.concatenate(blocks), colours, heights, None, 0.0 if scene.chance(0.7) else 0.25)
    for shapes in blocks:
        scene.claim(scene.stamp(shapes) > 0, "building")  # one building, whatever its wings


def _footpaths(scene: Scene, blocks: list[np.ndarray]) -> None:
    """Paved aprons round the buildings, and ways from one to the next and out of the picture."""
    if not blocks:
        return
    walls = cv2.blur(scene.stamp(np.concatenate(blocks)), (max(int(scene.px(7)) | 1, 3),) * 2)
    mask = np.clip(4 * walls, 0, 1) * scene.uniform(0.2, 0.9)
    doors = [shapes[0].mean(0) for shapes in blocks]
    ways = [np.stack(ends) for ends in zip(doors[:-1], doors[1:], strict=True)]
    ways.append(np.stack([doors[0], scene.rng.uniform(0, SIDE, 2)]))
    for way in ways:
        corner = np.array([[way[0, 0], way[1, 1]]]) if scene.chance(0.5) else np.empty((0, 2))
        mask = np.maximum(mask, scene.stroke(np.concatenate([way[:1], corner, way[1:]]), 3) * 0.8)
    scene.paint(mask * (scene.owner == 0), scene.colour(scene.pick(["concrete", "asphalt"])) * 0.95)


KINDS = [Kind("school", ("a school", "a school campus", "school buildings"), school, (120, 380), ("sports pitch",))]
