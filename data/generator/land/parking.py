"""Parking lots: shopping centres behind their lots, seas of stalls, town blocks, lots in parks, fleets, coaches."""

import cv2
import numpy as np

from ..drawing.geometry import MIDDLE, beside, curve, edge, rectangles, straight, to_canvas
from ..drawing.ground import grass, road, traffic
from ..drawing.plants import canopy, trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import LAND, MOTTLE
from .bays import coach_bays, fleet_bays
from .car_park import car_park, crowns
from .estate import lay_streets
from .malls import arena, deck, mall
from .parcels import parcels
from .pavements import patched, paved, pavement
from .roofs import flat_roofs, wings

# Shares of seas, centres, blocks, parks, fleets, coach parks, malls, arenas, decks: close by, from high up.
NEAR = (0.3, 0.39, 0.0, 0.11, 0.04, 0.04, 0.02, 0.03, 0.07)
FAR = (0.08, 0.16, 0.14, 0.07, 0.04, 0.04, 0.33, 0.11, 0.03)


def parking_lot(scene: Scene) -> None:
    town = scene.chance(0.35)
    if town:
        scene.image = paved(scene, scene.uniform(0.6, 1))
    else:
        _green(scene)
    draws = (_sea, _centre, _blocks, _park, _fleet, _coaches, mall, arena, deck)
    scene.pick(draws, NEAR if scene.width_m < 150 else FAR)(scene)
    _plant(scene, scene.uniform(-0.4, 0.15) if town else scene.uniform(-0.2, 0.5))
    if scene.chance(0.12):
        canopy(scene, mask=edge(beside(scene, scene.uniform(0.36, 0.5)), 0.02))


def _green(scene: Scene) -> None:
    """Lawn or rough ground, trodden and built over in places."""
    name = "grass" if scene.chance(0.75) else "soil"
    scene.image = patched(scene, scene.colour(name), scene.colour("grass"))
    if scene.chance(0.5):
        spots = edge(scene.noise(scene.uniform(0.5, 2)) - scene.uniform(0.2, 1.5), 0.5)
        scene.paint(spots * scene.uniform(0.3, 0.8), pavement(scene) if scene.chance(0.5) else scene.colour("soil"))


def _plant(scene: Scene, amount: float) -> None:
    """Trees on what is neither paved nor built on, so that crowns never stand in stalls."""
    free = cv2.erode((scene.owner == 0).astype(np.uint8), np.ones((3, 3), np.uint8))
    if free.mean() > 0.02 and scene.chance(0.85):
        wood = np.clip(amount + 0.4 * scene.noise(scene.uniform(1, 2), LAND), 0, 0.9) * free
        trees(scene, wood, scene.uniform(4, 8.5))


def _bands(scene: Scene, angle: float, *bands) -> list[np.ndarray]:
    """Boolean masks of bands (from, to) in metres across a turned frame, or of boxes (from, to, left, right)."""
    shapes = []
    for low, high, *sides in bands:
        left, right = sides or (-2 * scene.width_m, 2 * scene.width_m)
        corners = np.array([[left, low], [right, low], [right, high], [left, high]])
        shapes.append(scene.stamp(to_canvas(scene, corners, angle)[None]) > 0.5)
    return shapes


def _street(scene: Scene, angle: float, across_m: float, width_m: float) -> None:
    """A street along the frame with its pavement, traffic, and trees on the verge now and then."""
    line = to_canvas(scene, np.array([[-1.5, 0], [1.5, 0]]) * scene.width_m + [0, across_m], angle)
    if scene.chance(0.6):
        scene.paint(scene.stroke(line, width_m + scene.uniform(2, 5)), pavement(scene, scene.uniform(110, 185)))
    road(scene, line, width_m, pavement(scene, scene.uniform(60, 140)))
    traffic(scene, line, scene.integer(0, 14), width_m * 0.4)
    if scene.chance(0.4):
        places = np.arange(-0.8, 0.8, scene.uniform(8, 18) / scene.width_m) * scene.width_m
        side = scene.pick([-1, 1]) * (width_m / 2 + 2.5)
        spots = to_canvas(scene, np.stack([places, np.full(len(places), across_m + side)], -1), angle)
        spots = spots[scene.rng.random(len(spots)) < scene.uniform(0.4, 1)]
        crowns(scene, spots, scene.px(scene.rng.uniform(1.4, 3.2, len(spots))))


def _sea(scene: Scene) -> None:
    """Nothing but stalls, up to the frame or to a street, a verge or a building at one side."""
    angle = scene.angle()
    area = np.ones((SIDE, SIDE), bool)
    end = scene.width_m * scene.uniform(0.25, 0.48)
    if bounded := scene.chance(0.65):
        area = _bands(scene, angle, (-2 * scene.width_m, end))[0]
    if scene.chance(0.25):
        area &= beside(scene, scene.uniform(-0.48, -0.3), wobble=scene.pick([0, 0.04])) > 0
    turn = scene.pick([0, np.pi / 2], [0.7, 0.3])
    car_park(scene, area, angle + turn, scene.uniform(0.15, 1.05))
    if bounded and scene.chance(0.6):
        _street(scene, angle, end + scene.uniform(6, 12), scene.uniform(7, 12))
    elif bounded:
        _stores(scene, angle, end + 3, scene.uniform(20, 60))


def _centre(scene: Scene) -> None:
    """A street, a lot, and the shops behind it; on the far side of the street another lot or a green."""
    angle, width = scene.angle(), scene.width_m
    street = scene.uniform(8, 20) if width > 110 else scene.uniform(6.5, 9)
    curb = width * scene.uniform(-0.5, -0.2)
    start = curb + street / 2 + scene.uniform(2, 9)
    end = start + np.clip(width * scene.uniform(0.35, 0.75), 24, 150)
    deep = scene.uniform(25, 80)
    lot, apron, other = _bands(
        scene, angle, (start, end), (end - 0.5, end + deep + 25), (-2 * width, curb - street / 2 - 6)
    )
    back = pavement(scene)
    stains = 0.09 * scene.noise(scene.uniform(0.8, 2), MOTTLE)
    scene.paint(apron * 0.92, back * (1 + stains)[..., None], "road")
    if scene.chance(0.45):
        lot |= other
    if scene.chance(0.3):  # the site ends inside the picture
        lot &= beside(scene, scene.uniform(-0.48, -0.25), angle + scene.pick([0, np.pi]), 0) > 0
    front = to_canvas(scene, np.array([scene.uniform(-0.3, 0.3) * width, end]), angle)
    turn = scene.pick([0, np.pi / 2], [0.35, 0.65])
    car_park(scene, lot, angle + turn, scene.uniform(0.15, 0.9), 0.55, door=front)
    _stores(scene, angle, end + scene.uniform(7, 12), deep)
    _street(scene, angle, curb, street)
    if width > 150 and scene.chance(0.6):
        _outparcels(scene, angle, start, end)


def _stores(scene: Scene, angle: float, front_m: float, deep_m: float) -> None:
    """A rank of shops of different depth and height, with gaps, their fronts in one line."""
    x, boxes = -scene.width_m * scene.uniform(0.6, 1), []
    while x < scene.width_m * 0.8:
        wide = scene.log_uniform(14, 90)
        deep = deep_m * scene.uniform(0.5, 1.1)
        boxes.append((x + wide / 2, front_m + deep / 2 + scene.uniform(0, 4), wide, deep))
        x += wide + (scene.uniform(8, 45) if scene.chance(0.3) else 0)
    boxes = np.array(boxes)
    colours = scene.colours("flat roof", len(boxes), scene.integer(1, 4))
    shapes = rectangles(to_canvas(scene, boxes[:, :2], angle), *scene.px(boxes[:, 2:]).T, angle)
    flat_roofs(scene, shapes, colours, scene.rng.uniform(5, 10, len(boxes)))


def _outparcels(scene: Scene, angle: float, start: float, end: float) -> None:
    """Small restaurants and banks in the lot, each on its own green and paved plot."""
    for x in np.arange(-0.5, 0.5, scene.uniform(0.25, 0.6)) * scene.width_m + scene.uniform(0, 40):
        if scene.chance(0.5):
            continue
        at = np.array([[x, start + scene.uniform(14, 20)]])
        size = scene.rng.uniform(12, 26, 2)
        plot = rectangles(to_canvas(scene, at, angle), *scene.px(size + scene.uniform(8, 14)), angle)
        scene.paint(scene.stamp(plot), scene.colour("grass") if scene.chance(0.4) else pavement(scene), "road")
        shape = rectangles(to_canvas(scene, at, angle), *scene.px(size), angle)
        flat_roofs(scene, shape, scene.colour("flat roof"), scene.uniform(4, 7))


def _blocks(scene: Scene) -> None:
    """Streets and blocks of a town: whole blocks of stalls beside blocks of roofs and greens."""
    plan = parcels(scene, max(scene.uniform(55, 95), scene.width_m * 0.24), scene.uniform(9, 14))
    if scene.chance(0.7):
        scene.image = paved(scene, scene.uniform(0.6, 1))
    use = scene.rng.random(len(plan.boxes))
    use[np.argmin(np.hypot(*plan.boxes[:, :2].T))] = 0  # the block in the middle is a lot
    lay_streets(scene, plan)
    lots = scene.stamp(plan.shapes(scene, plan.boxes[use < 0.62] * [1, 1, 0.94, 0.94])) > 0.5
    built = plan.boxes[(use >= 0.62) & (use < 0.92)]
    greens = scene.stamp(plan.shapes(scene, plan.boxes[use >= 0.92]))
    if greens.any():
        scene.paint(greens, grass(scene), "grass")
    car_park(scene, lots, plan.angle + scene.pick([0, np.pi / 2]), scene.uniform(0.4, 1), 0.3)
    if len(built):
        shares = scene.rng.uniform(0.55, 0.97, (len(built), 2))
        boxes = np.concatenate([built[:, :2], built[:, 2:] * shares], 1)
        heights = scene.rng.uniform(5, 20, len(boxes))
        flat_roofs(scene, plan.shapes(scene, boxes), scene.colours("flat roof", len(boxes)), heights)


def _park(scene: Scene) -> None:
    """Lots with rounded corners among lawns and trees, with a drive to them."""
    _green(scene)
    angle, area = scene.angle(), np.zeros((SIDE, SIDE), np.float32)
    line = straight(scene, angle, scene.uniform(-0.35, 0.35) * SIDE)
    sizes = scene.rng.uniform((0.45, 0.3), (0.9, 0.6), (scene.integer(1, 3), 2)) * min(scene.width_m, 380)
    for i, size in enumerate(sizes):  # the first lies well inside the picture
        at = MIDDLE + scene.rng.normal(0, SIDE * (0.12 if i == 0 else 0.3), 2)
        area = np.maximum(area, scene.stamp(rectangles(at, *scene.px(size), angle + scene.pick([0, np.pi / 2]))))
    radius = 2 * round(scene.px(scene.uniform(2, 9)) / 2) + 1
    area = cv2.GaussianBlur(area, (0, 0), max(radius / 2, 0.5)) > 0.5
    way = scene.uniform(6, 9)
    if scene.chance(0.5):  # a footpath
        scene.paint(scene.stroke(curve(scene, 0.2), 2) * 0.8, scene.colour("concrete"))
    colour = pavement(scene, scene.uniform(60, 150))
    road(scene, line, way, colour, marked=False)
    scene.paint(scene.stroke(np.stack([line.mean(0), MIDDLE]), way), colour, "road")
    car_park(scene, area, angle, scene.uniform(0.05, 1), 0.7)
    if scene.chance(0.5):
        free = np.argwhere(cv2.dilate(area.astype(np.uint8), np.ones((15, 15), np.uint8))[::8, ::8] == 0)
        spot = 8.0 * free[scene.rng.integers(len(free))][::-1] if len(free) else np.zeros(2)
        shapes = wings(scene, spot, min(scene.uniform(20, 60), scene.width_m * 0.3), angle)
        flat_roofs(scene, shapes, np.tile(scene.colour("flat roof"), (len(shapes), 1)), scene.uniform(4, 9))


def _fleet(scene: Scene) -> None:
    """New cars in tight blocks on a fenced ground, some of it empty."""
    angle = scene.angle()
    area = beside(scene, scene.uniform(-0.6, -0.25), angle + scene.pick([0, 0.5, 1, 1.5]) * np.pi, 0) > 0
    if scene.chance(0.5):
        area &= beside(scene, scene.uniform(-0.5, -0.3), wobble=scene.pick([0, 0.05])) > 0
    car_park(scene, area, angle, scene.uniform(0.5, 1.1), bays=fleet_bays(scene))
    _street(scene, angle, scene.width_m * scene.uniform(0.3, 0.5) * scene.pick([-1, 1]), scene.uniform(6, 9))


def _coaches(scene: Scene) -> None:
    """Lorries or coaches in rows on one side, cars on the other."""
    angle, cut = scene.angle(), scene.uniform(-0.1, 0.5) * scene.width_m
    first, second = _bands(scene, angle, (-2 * scene.width_m, cut), (cut + 6, 2 * scene.width_m))
    car_park(scene, first, angle, scene.uniform(0.6, 1.1), bays=coach_bays(scene))
    if scene.chance(0.6):
        car_park(scene, second, angle, scene.uniform(0.2, 0.9), 0.3)
    else:
        _stores(scene, angle, cut + 8, scene.uniform(15, 40))
