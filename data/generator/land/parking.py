"""Parking lots: stalls up to the frame, lots of odd outline, pieces between roads, malls amid their lots."""

import cv2
import numpy as np

from ..drawing.geometry import MIDDLE, beside, curve, edge, straight
from ..drawing.ground import grass, road, soil, traffic, yard
from ..drawing.plants import canopy, trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import LAND
from .car_park import car_park
from .roofs import flat_roofs, wings


def parking_lot(scene: Scene) -> None:
    _land(scene)
    layout = scene.pick(["endless", "pieces", "outline", "shops"], [0.24, 0.34, 0.2, 0.22])
    {"endless": _endless, "pieces": _pieces, "outline": _outlined, "shops": _shops}[layout](scene)
    if scene.chance(0.2):
        canopy(scene, mask=edge(beside(scene, scene.uniform(0.33, 0.5)), 0.02))


def _land(scene: Scene) -> None:
    scene.image = grass(scene) if scene.chance(0.75) else soil(scene)
    if scene.chance(0.5):
        yard(scene, None, scene.uniform(0.1, 0.5))
    if scene.chance(0.75):
        wood = np.clip(scene.uniform(-0.3, 0.5) + 0.4 * scene.noise(scene.uniform(1, 2), LAND), 0, 0.95)
        trees(scene, wood, scene.uniform(4, 9))


def _endless(scene: Scene) -> None:
    """Nothing but stalls, up to the frame or to one wobbly or straight edge."""
    area = np.ones((SIDE, SIDE), bool)
    angle = scene.angle()
    for _ in range(scene.integer(0, 2)):
        area &= (
            beside(scene, scene.uniform(-0.5, -0.3), scene.pick([angle, angle + np.pi / 2, scene.angle()]), 0)
            > 0
        )
    car_park(scene, area, angle, scene.uniform(0.25, 1))
    if scene.chance(0.25):
        _hall_at_side(scene, angle)


def _outlined(scene: Scene) -> None:
    """A lot of odd outline, with a smaller one beside it now and then."""
    field = np.full((SIDE, SIDE), np.inf, np.float32)
    start = scene.angle()
    for i in range(count := scene.integer(4, 6)):
        turn = start + np.pi + 2 * np.pi * i / count + scene.uniform(-0.3, 0.3)
        field = np.minimum(field, beside(scene, scene.uniform(-0.48, -0.27), turn, scene.pick([0, 0.03])))
    x = field * SIDE
    if scene.chance(0.6):  # a drive around it
        scene.paint(np.clip(scene.px(9) + x, 0, 1) * np.clip(-x, 0, 1), scene.colour("asphalt"))
    angle = start + np.pi / 2 if scene.chance(0.6) else scene.angle()
    car_park(scene, x > 0, angle, planted=0.4)
    if scene.chance(0.6):
        points = straight(scene, angle + np.pi / 2, scene.pick([-1, 1]) * scene.uniform(0.4, 0.5) * SIDE)
        road(scene, points, scene.uniform(8, 18))
        traffic(scene, points, scene.integer(2, 15), 4)
    if scene.chance(0.5):
        _hall_at_side(scene, angle)


def _pieces(scene: Scene) -> None:
    """Roads cut the ground into pieces; most pieces are lots, the others stay green or carry a building."""
    angle, lines = scene.angle(), []
    close = scene.width_m < 140  # only one road, and that off the middle
    for turn in [(0,), (0, np.pi / 2), (0, np.pi / 2, 0), (0, 0.6)][0 if close else scene.integer(0, 3)]:
        offset = scene.uniform(0.28, 0.42) * scene.pick([-1, 1]) if close else scene.uniform(-0.32, 0.32)
        winding = not close and scene.chance(0.35)
        lines.append(curve(scene, 0.15) if winding else straight(scene, angle + turn, offset * SIDE))
    width = scene.uniform(7, 14) + (12 if scene.chance(0.2) else 0)
    verge = scene.uniform(3, 14)
    free = np.ones((SIDE, SIDE), np.uint8)
    for line in lines:
        free[scene.stroke(line, width + verge) > 0.1] = 0
    count, label = cv2.connectedComponents(free, connectivity=4)
    sizes = np.bincount(label.ravel(), minlength=count)
    order = 1 + np.argsort(-sizes[1:])
    occupancy = scene.uniform(0.15, 1)
    for i, piece in enumerate(order[:5]):
        if sizes[piece] < 300 or (i > 0 and scene.chance(0.3)):
            continue
        turn = 0 if scene.chance(0.75) else scene.angle()
        _piece(scene, label == piece, angle + turn, occupancy, alone=close or (i == 0 and scene.chance(0.5)))
    colour = scene.colour("asphalt") * scene.uniform(0.85, 1.25)
    for line in lines:
        road(scene, line, width, colour)
        traffic(scene, line, scene.integer(0, 12), width * 0.4)


def _piece(scene: Scene, area, angle: float, occupancy: float, alone: bool) -> None:
    """One piece between roads as a lot, cut by an odd edge and often around a building."""
    if scene.chance(0.5):
        area = area & (beside(scene, scene.uniform(-0.5, -0.2), wobble=scene.pick([0, 0.05])) > 0)
    shapes, clear = None, area
    if not alone and scene.chance(0.5) and area.sum() > 4000:
        spot = np.argwhere(area)[scene.rng.integers(area.sum())][::-1]
        shapes = wings(scene, spot, min(scene.uniform(25, 80), scene.width_m * 0.3), angle)
        clear = area & (
            cv2.dilate(scene.stamp(shapes), np.ones((5, 5), np.uint8), iterations=max(1, round(scene.px(3))))
            < 0.5
        )
    car_park(scene, clear, angle, np.clip(occupancy + scene.uniform(-0.3, 0.3), 0.05, 1))
    if shapes is not None:
        scene.paint((area & ~clear).astype(np.float32), scene.colour("concrete") * scene.uniform(0.6, 1))
        flat_roofs(scene, shapes, np.tile(scene.colour("flat roof"), (len(shapes), 1)), scene.uniform(6, 12))


def _shops(scene: Scene) -> None:
    """A large shop or mall amid its lots."""
    angle = scene.angle()
    area = np.ones((SIDE, SIDE), bool)
    for turn in (0, np.pi / 2, np.pi, 1.5 * np.pi):
        if scene.chance(0.6):
            area &= beside(scene, scene.uniform(-0.5, -0.4), angle + turn, 0) > 0
    place = MIDDLE + scene.rng.normal(0, SIDE * 0.22, 2)
    size = min(scene.uniform(50, 150), scene.width_m * scene.uniform(0.25, 0.5))
    shapes = wings(scene, place, size, angle)
    apron = (
        cv2.dilate(scene.stamp(shapes), np.ones((3, 3), np.uint8), iterations=max(1, round(scene.px(6))))
        > 0.5
    )
    car_park(scene, area & ~apron, angle + scene.pick([0, np.pi / 2]), planted=0.6)
    scene.paint(apron.astype(np.float32), scene.colour("concrete") * scene.uniform(0.5, 1))
    colours = np.clip(scene.colour("flat roof") * scene.rng.uniform(0.85, 1.15, (len(shapes), 1)), 10, 250)
    flat_roofs(scene, shapes, colours, scene.rng.uniform(7, 12, len(shapes)))
    if scene.chance(0.5):
        points = straight(scene, angle, scene.pick([-1, 1]) * scene.uniform(0.4, 0.5) * SIDE)
        road(scene, points, scene.uniform(9, 20))
        traffic(scene, points, scene.integer(2, 20), 5)


def _hall_at_side(scene: Scene, angle: float) -> None:
    turn = angle + scene.pick([0, 1, 2, 3]) * np.pi / 2
    spot = MIDDLE + SIDE * scene.uniform(0.42, 0.6) * np.array([np.cos(turn), np.sin(turn)])
    shapes = wings(scene, spot, min(scene.uniform(25, 90), scene.width_m * 0.5), angle)
    flat_roofs(scene, shapes, np.tile(scene.colour("flat roof"), (len(shapes), 1)), scene.uniform(5, 12))
