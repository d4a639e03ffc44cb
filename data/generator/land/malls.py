"""Parking lots as seen from high up: big stores in their seas of stalls, arenas, offices, a deck in a town."""

from dataclasses import replace

import cv2
import numpy as np

from ..drawing.geometry import MIDDLE, curve, in_view, rectangles, straight, to_canvas
from ..drawing.ground import cars
from ..drawing.scene import COLUMNS, ROWS, SHIFT, SIDE, Scene
from ..drawing.textures import MOTTLE
from .bays import usual_bays
from .car_park import car_park
from .estate import roof_palette
from .pavements import paved, pavement
from .roofs import flat_roofs, wings


def mall(scene: Scene) -> None:
    """Streets round and through wide lots, in them one or a few big stores and small ones near the streets."""
    angle, width = scene.angle(), scene.width_m
    streets = _streets(scene, angle)
    room = _room(scene, streets)
    stores = _place(scene, room, angle, 1 if width < 220 else scene.integer(1, 3))
    verge = scene.uniform(2, 11)
    lots = _pieces(scene, room > verge, stores)
    walls = scene.stamp(stores)
    reach = cv2.distanceTransform(1 - walls.astype(np.uint8), cv2.DIST_L2, 3) * scene.gsd
    stalls_off = reach < scene.uniform(7, 16)
    lots |= (reach < scene.uniform(10, 25)) & (room > verge)
    grey = _ground_grey(scene)
    door = stores[0].mean(0) + scene.rng.normal(0, scene.px(20), 2)
    turn = scene.pick([0, np.pi / 2])
    car_park(scene, lots, angle + turn, scene.uniform(0.3, 1), 0.5, door, lanes=stalls_off, grey=grey)
    scene.paint((reach < scene.uniform(2, 4.5)) * 0.8, pavement(scene, scene.uniform(130, 195)))
    lay_ways(scene, streets)
    _roofs(scene, np.concatenate([stores, _pads(scene, room, reach, angle)]))


def _ground_grey(scene: Scene) -> float | None:
    """Large lots are mostly dark, now and then of any age."""
    return scene.uniform(42, 88) if scene.chance(0.55) else None


def _streets(scene: Scene, angle: float) -> list[tuple[np.ndarray, float]]:
    """Lines [n, 2] in pixels with their widths in metres: an arterial, side streets, a winding drive."""
    far = scene.pick([-1, 1]) * scene.uniform(0.18, 0.46) * SIDE
    lines = [(straight(scene, angle, far), scene.pick([9, 14, 22]) * scene.uniform(0.8, 1.2))]
    if scene.chance(0.6):
        cross = angle + np.pi / 2 + scene.pick([0, scene.uniform(-0.5, 0.5)])
        lines.append((straight(scene, cross, scene.pick([-1, 1]) * scene.uniform(0.1, 0.45) * SIDE), 9.0))
    if scene.chance(0.35):
        lines.append((straight(scene, angle, -far * scene.uniform(0.4, 1)), 8.0))
    if scene.chance(0.45):
        lines.append((curve(scene, scene.uniform(0.1, 0.3)), scene.uniform(6.5, 10)))
    return lines


def _room(scene: Scene, streets) -> np.ndarray:
    """Metres to the nearest kerb [SIDE, SIDE]; the frame is no border."""
    free = np.ones((SIDE, SIDE), np.uint8)
    for line, width in streets:
        free[scene.stroke(line, width) > 0.1] = 0
    return cv2.distanceTransform(free, cv2.DIST_L2, 3) * scene.gsd


def _place(scene: Scene, room, angle: float, count: int) -> np.ndarray:
    """Wings [n, 4, 2] in pixels of `count` stores, where there is the most room for them."""
    most, shapes = room.copy(), []
    for _ in range(count):
        spots = scene.rng.uniform(0.05, 0.95, (14, 2)) * SIDE
        spot = spots[np.argmax(most[spots[:, 1].astype(int), spots[:, 0].astype(int)])]
        space = most[int(spot[1]), int(spot[0])]
        size = np.clip(space * scene.uniform(1.0, 1.5), 22, 150)
        group = _rank(scene, spot, size, angle) if scene.chance(0.6) else wings(scene, spot, size, angle)
        shapes.append(group)
        near = np.hypot(COLUMNS - np.float32(spot[0]), ROWS - np.float32(spot[1])) * scene.gsd
        most = np.clip(np.minimum(most, near - 1.1 * size), 0, None)
    return np.concatenate(shapes)


def _rank(scene: Scene, spot, long_m: float, angle: float) -> np.ndarray:
    """Shops side by side with their fronts in one line: a big one and some lesser."""
    count = scene.integer(1, 6)
    wide = long_m * 1.2 * scene.rng.dirichlet(np.full(count, 1.5))
    deep = long_m * scene.uniform(0.35, 0.75) * scene.rng.uniform(0.5, 1, count)
    deep[np.argmax(wide)] = max(deep.max(), long_m * 0.4)
    x = np.cumsum(wide) - wide / 2 - wide.sum() / 2
    centres = np.stack([x, deep / 2 - deep.max() / 2 + scene.rng.uniform(0, 2, count)], -1)
    turned = angle + scene.pick([0, 0.5, 1, 1.5]) * np.pi
    return rectangles(to_canvas(scene, centres, turned, spot), *scene.px(np.stack([wide, deep])), turned)


def _pieces(scene: Scene, free, stores) -> np.ndarray:
    """Which of the pieces between the streets are paved: those with stores, the largest, most of the others."""
    count, label = cv2.connectedComponents(free.astype(np.uint8), connectivity=4)
    paved = scene.rng.random(count) < 0.7
    paved[1 + np.argmax(np.bincount(label.ravel(), minlength=count + 1)[1:count])] = True
    middles = np.clip(stores.mean(1), 0, SIDE - 1).astype(int)
    paved[label[middles[:, 1], middles[:, 0]]] = True
    paved[0] = False
    lots = paved[label]
    if scene.chance(0.3):  # a corner or a side is left green
        line = straight(scene, None, scene.pick([-1, 1]) * scene.uniform(0.3, 0.45) * SIDE)
        lots &= cv2.dilate(scene.stroke(line, scene.uniform(25, 60)), np.ones((3, 3))) < 0.5
    return lots


def lay_ways(scene: Scene, streets, grey: float | None = None) -> None:
    """The streets themselves, wide ones parted by a green or paved strip, with their traffic."""
    colour = pavement(scene, grey or scene.uniform(70, 150))
    ways, lines, strips = (np.zeros((SIDE, SIDE), np.uint8) for _ in range(3))
    for line, width in streets:
        _draw(scene, ways, line, width)
        if width > 13:
            _draw(scene, strips, line, scene.uniform(1.5, 4))
        elif scene.px(width) >= 5:
            _draw(scene, lines, line, 0.4)
    worn = colour * (1 + 0.06 * scene.noise(1, MOTTLE))[..., None]
    scene.paint(ways / np.float32(255), worn, "road")
    if strips.any():
        scene.paint(strips / np.float32(300), scene.colour(scene.pick(["grass", "concrete"])))
    if lines.any():
        scene.paint(lines / np.float32(320), np.clip(colour * 1.5, 0, 235))
    _traffic(scene, streets)


def _draw(scene: Scene, mask, line, width_m: float) -> None:
    points = np.round(line * 2**SHIFT).astype(np.int32)
    cv2.polylines(mask, [points], False, 255, max(1, round(scene.px(width_m))), cv2.LINE_AA, SHIFT)


def _traffic(scene: Scene, streets) -> None:
    """Cars in the lanes of all streets at once."""
    places, turns = [], []
    for line, width in streets[:6]:
        count = scene.integer(0, 10)
        piece = scene.rng.integers(0, len(line) - 1, count)
        step = line[piece + 1] - line[piece]
        aside = scene.rng.choice([-0.3, -0.2, 0.2, 0.3], count)[:, None] * scene.px(width)
        normal = np.stack([-step[:, 1], step[:, 0]], -1) / (np.linalg.norm(step, axis=1, keepdims=True) + 1e-6)
        places.append(line[piece] + scene.rng.random((count, 1)) * step + aside * normal)
        turns.append(np.arctan2(step[:, 1], step[:, 0]))
    places, turns = np.concatenate(places), np.concatenate(turns)
    near = in_view(places, 8)
    cars(scene, places[near], turns[near])


def _pads(scene: Scene, room, reach, angle: float) -> np.ndarray:
    """Plots near the streets for restaurants and banks, whose shapes [n, 4, 2] are returned."""
    fit = np.argwhere((room > 12) & (room < 38) & (reach > 35))
    if len(fit) == 0:
        return np.zeros((0, 4, 2))
    count = scene.integer(0, 1 + int(scene.width_m / 90))
    spots = fit[scene.rng.integers(0, len(fit), count)][:, ::-1].astype(float)
    apart = [i for i, p in enumerate(spots) if all(np.hypot(*(p - q)) > scene.px(45) for q in spots[:i])]
    if not apart:
        return np.zeros((0, 4, 2))
    sizes = scene.rng.uniform(10, 24, (len(apart), 2))
    plots = rectangles(spots[apart], *scene.px(sizes + scene.rng.uniform(5, 12, (len(apart), 1))).T, angle)
    fill = scene.colour("grass") if scene.chance(0.5) else pavement(scene)
    scene.paint(scene.stamp(plots) * 0.9, fill, "grass" if fill[1] > fill[0] + 4 else "parking")
    return rectangles(spots[apart], *scene.px(sizes).T, angle)


def _roofs(scene: Scene, shapes) -> None:
    """Flat roofs, wings of one store in much the same colour, white or grey as most are."""
    colours = roof_palette(scene, len(shapes))
    colours = colours.mean(1, keepdims=True) * 0.5 + colours * 0.5
    if scene.chance(0.5):
        colours = colours * 0.3 + 0.7 * scene.pick([218, 200, 172, 148, 96]) * scene.uniform(0.92, 1.08)
    flat_roofs(scene, shapes, np.clip(colours, 8, 244), scene.rng.uniform(6, 11, len(shapes)))


def arena(scene: Scene) -> None:
    """Long rows without end, cut by a few drives, as at arenas, fairs and airports; full, half full or bare."""
    angle = scene.angle()
    drives = [(straight(scene, angle + scene.pick([0, np.pi / 2]), scene.uniform(-0.5, 0.5) * SIDE), 8.0)]
    if scene.chance(0.7):
        drives.append((curve(scene, scene.uniform(0.1, 0.35)), scene.uniform(7, 12)))
    if scene.chance(0.4):
        drives.append((straight(scene, angle + scene.uniform(0.3, 1.2), scene.uniform(-0.4, 0.4) * SIDE), 9.0))
    room = _room(scene, drives)
    lots = _pieces(scene, room > scene.uniform(0.5, 5), MIDDLE[None, None])
    taken = scene.pick([scene.uniform(0.04, 0.2), scene.uniform(0.3, 0.85), 1.0], [0.15, 0.5, 0.35])
    car_park(scene, lots, angle + scene.pick([0, np.pi / 2]), taken, 0.25, grey=_ground_grey(scene))
    lay_ways(scene, drives)


def deck(scene: Scene) -> None:
    """The top floor of a multi-storey car park: pale slabs, a parapet, ramps, and the streets far below."""
    angle, width = scene.angle(), scene.width_m
    scene.image = paved(scene, scene.uniform(0.6, 1))
    size = np.minimum(scene.rng.uniform((60, 40), (130, 75)), width * np.array([0.95, 0.68]))
    at = MIDDLE + scene.rng.normal(0, 0.06, 2) * SIDE
    street = scene.uniform(9, 16)
    _neighbours(scene, at, size, street + 6, angle)
    for side in (-1, 1):
        across = side * (size[1] + street + 4) / 2
        line = to_canvas(scene, np.array([[-2 * width, across], [2 * width, across]]), angle, at)
        lay_ways(scene, [(line, min(street, 12.5))])
    shape = rectangles(at, *scene.px(size), angle)
    scene.cast(shape, scene.uniform(9, 20))
    inside = scene.stamp(shape) > 0.5
    grey = scene.uniform(115, 200)
    bays = replace(usual_bays(scene, 0), island=0.0, median=0.0, block=size[0] + 20)
    car_park(scene, inside, angle, scene.uniform(0.1, 1), bays=bays, grey=grey)
    rim = inside & (cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)
    scene.paint(rim * 0.85, pavement(scene, min(grey * scene.uniform(0.7, 1.3), 225)))
    for place in np.linspace(-0.5, 0.5, scene.integer(3, 8))[1:-1] * size[0]:  # joints between slabs
        seam = to_canvas(scene, np.array([[place, -size[1] / 2], [place, size[1] / 2]]), angle, at)
        scene.shade(scene.stroke(seam, 0.4) * inside, 0.2)
    corner = to_canvas(scene, size * scene.pick([[-0.42, -0.4], [0.42, 0.4]]), angle, at)
    stair = rectangles(corner, *scene.px(np.array([7, 6])), angle)
    flat_roofs(scene, stair, pavement(scene, scene.uniform(110, 215)), 4, kind=None)


def _neighbours(scene: Scene, at, size, gap: float, angle: float) -> None:
    """Town houses and offices all around a box of a size in metres."""
    cells = np.array([(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if (x, y) != (0, 0)])
    boxes = np.concatenate([cells * (size + gap), np.tile(size, (8, 1)) * scene.rng.uniform(0.6, 1, (8, 2))], 1)
    boxes = boxes[scene.rng.random(8) < 0.8]
    _roofs(scene, rectangles(to_canvas(scene, boxes[:, :2], angle, at), *scene.px(boxes[:, 2:]).T, angle))
