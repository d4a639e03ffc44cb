"""Industrial areas: estates of large flat roofs, works along rails, single factories, commercial blocks."""

import numpy as np

from ..drawing.geometry import MIDDLE, beside, edge, rotate, straight, to_canvas
from ..drawing.ground import grass, paving, road, soil, traffic, yard
from ..drawing.plants import canopy, trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import MOTTLE
from .car_park import car_park
from .estate import (
    estate_ground,
    halls_on,
    lay_streets,
    plots,
    roof_palette,
    street_trees,
    trucks_in_yards,
)
from .parcels import Parcels, parcels
from .roofs import flat_roofs, wings
from .yards import rails, strewn, tank_cluster, trucks

# Shares of estates, sheds, blocks, rail yards, single factories, depots: near, middling, from high up.
LAYOUTS = (
    (0.20, 0.16, 0.14, 0.12, 0.30, 0.08),
    (0.40, 0.16, 0.20, 0.14, 0.10, 0.00),
    (0.48, 0.16, 0.22, 0.14, 0.00, 0.00),
)


def industrial_area(scene: Scene) -> None:
    shares = LAYOUTS[0 if scene.width_m < 170 else 1 if scene.width_m < 260 else 2]
    draws = (_estate, _sheds, _blocks, _railside, _factory, _depot)
    scene.pick(draws, shares)(scene)
    if scene.width_m > 150 and scene.chance(0.12):
        canopy(scene, mask=edge(beside(scene, scene.uniform(0.3, 0.5)), 0.02))


def _estate(scene: Scene) -> None:
    """Parcels with halls, yards, lots and green between streets."""
    estate_ground(scene, 0.45)
    plan = parcels(scene, max(scene.log_uniform(35, 130), scene.width_m * 0.07), scene.uniform(8, 18))
    use = scene.rng.random(len(plan.boxes))
    built = scene.uniform(0.6, 0.9)
    plots(scene, plan, scene.uniform(0.2, 0.9))
    lay_streets(scene, plan)
    for box in plan.boxes[use > built][:3]:
        if scene.chance(0.7):
            area = scene.stamp(plan.shapes(scene, box[None] * [1, 1, 0.9, 0.9])) > 0.5
            car_park(scene, area, plan.angle + scene.pick([0, np.pi / 2]), planted=0.2)
    strewn(scene, plan.angle, scene.integer(30, 120) * (2 if scene.width_m > 300 else 1))
    trucks_in_yards(scene, plan)
    if scene.chance(0.55):
        trees(scene, np.clip(scene.uniform(-0.3, 0.1) + 0.25 * scene.noise(1.5), 0, 0.6), scene.uniform(5, 9))
    halls_on(scene, plan, plan.boxes[use <= built])
    if scene.chance(0.4):
        street_trees(scene, plan)
    if scene.chance(0.2):
        tank_cluster(scene, MIDDLE + scene.rng.normal(0, 50, 2))


def _factory(scene: Scene) -> None:
    """One large works close by, with its yards, lorries and tanks."""
    estate_ground(scene, 0.06)
    angle = scene.angle()
    if scene.chance(0.7):
        side = scene.pick([-1, 1]) * scene.uniform(0.3, 0.48) * SIDE
        line = straight(scene, angle, side)
        road(scene, line, scene.uniform(7, 14))
        traffic(scene, line, scene.integer(0, 8))
    if scene.chance(0.5):
        area = beside(scene, scene.uniform(0.2, 0.4), angle + scene.pick([0.5, 1, 1.5]) * np.pi, 0) > 0
        car_park(scene, area, angle + scene.pick([0, np.pi / 2]), planted=0.2)
    strewn(scene, angle, scene.integer(15, 70))
    for _ in range(scene.integer(0, 3)):
        start = scene.rng.uniform(0, SIDE, 2)
        row = start + rotate(np.arange(scene.integer(2, 8))[:, None] * scene.px(np.array([4.2, 0])), angle)
        trucks(scene, row, np.full(len(row), angle + np.pi / 2))
    trees(scene, edge(beside(scene, scene.uniform(0.25, 0.6)), 0.05) * 0.6, scene.uniform(5, 9))
    for _ in range(scene.integer(2, 4)):
        shapes = wings(
            scene,
            MIDDLE + scene.rng.normal(0, SIDE * 0.26, 2),
            scene.width_m * scene.uniform(0.3, 0.75),
            angle,
        )
        colours = np.clip(roof_palette(scene, 1) * scene.rng.uniform(0.75, 1.2, (len(shapes), 1)), 8, 246)
        flat_roofs(scene, shapes, colours, scene.rng.uniform(6, 13, len(shapes)), pitch=scene.pick([0, 0.06]))
    if scene.chance(0.3):
        tank_cluster(scene, scene.rng.uniform(20, 170, 2))


def _depot(scene: Scene) -> None:
    """A wide gravelled or paved yard with a few sheds and rows of lorries."""
    scene.image = (
        paving(scene, scene.uniform(0.9, 1.15)) if scene.chance(0.6) else soil(scene) * scene.uniform(1, 1.2)
    )
    scene.texture(0.05 * scene.noise(0.6, MOTTLE))
    angle = scene.angle()
    plan = Parcels(
        np.concatenate([scene.rng.uniform(-0.4, 0.4, (6, 2)) * scene.width_m, np.ones((6, 2))], 1), [], angle
    )
    for _ in range(scene.integer(1, 3)):
        trucks_in_yards(scene, plan)
    strewn(scene, angle, scene.integer(5, 40))
    count = scene.integer(2, 4)
    boxes = np.concatenate(
        [plan.boxes[:count, :2], scene.width_m * scene.rng.uniform(0.1, 0.32, (count, 2))], 1
    )
    colours = np.where(scene.rng.random((count, 1)) < 0.4, [168, 62, 60], roof_palette(scene, count))
    flat_roofs(scene, plan.shapes(scene, boxes), colours, scene.uniform(5, 9), pitch=0.1)
    if scene.chance(0.4):
        scene.paint(edge(beside(scene, scene.uniform(0.3, 0.45)), 0.02), grass(scene), "grass")


def _railside(scene: Scene) -> None:
    """Long dark sheds and yards along a bundle of tracks."""
    scene.image = scene.surface(
        scene.colour("soil") * 0.75, scene.colour("asphalt"), scene.uniform(0.6, 1.5), 0.09, 1
    )
    plan = parcels(scene, max(scene.log_uniform(40, 110), scene.width_m * 0.08), scene.uniform(8, 15))
    yard(scene, None, scene.uniform(0.2, 0.6), scene.uniform(6, 20))
    plots(scene, plan, scene.uniform(0.1, 0.5))
    lay_streets(scene, plan)
    strewn(scene, plan.angle, scene.integer(40, 160))
    keep = scene.rng.random(len(plan.boxes)) < scene.uniform(0.6, 0.85)
    halls_on(scene, plan, plan.boxes[keep])
    if scene.chance(0.4):
        tank_cluster(scene, scene.rng.uniform(20, 170, 2))
    rails(scene, plan.angle + (0 if scene.chance(0.7) else scene.uniform(0.2, 0.5)), scene.integer(2, 9))


def _sheds(scene: Scene) -> None:
    """Parallel warehouses of one make in ranks."""
    estate_ground(scene, 0.3)
    angle, long = scene.angle(), min(scene.log_uniform(50, 140), scene.width_m * 0.6)
    deep, gap, lane = (
        long * scene.uniform(0.25, 0.6),
        scene.uniform(6, 18),
        min(scene.uniform(14, 32), scene.width_m / 6),
    )
    long, deep = max(long, scene.width_m * 0.1), max(deep, scene.width_m * 0.05)
    reach = scene.width_m * 0.8
    x, y = np.arange(-reach, reach, long + gap), np.arange(-reach, reach, deep + lane)
    at = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2) + scene.rng.uniform(-0.5, 0.5, 2) * long
    at = at[scene.rng.random(len(at)) < scene.uniform(0.7, 1)]
    size = np.array([long, deep]) * np.stack(
        [scene.rng.uniform(0.6, 1, len(at)), scene.rng.uniform(0.75, 1, len(at))], -1
    )
    plan = Parcels(np.concatenate([at, size], 1), [], angle)
    for line_y in y[:: scene.integer(1, 3)]:
        line = to_canvas(scene, np.array([[-reach, line_y], [reach, line_y]]) + [0, (deep + lane) / 2], angle)
        road(scene, line, lane * 0.5, marked=False)
    strewn(scene, angle, scene.integer(10, 90))
    trucks_in_yards(scene, plan)
    flat_roofs(
        scene,
        plan.shapes(scene),
        roof_palette(scene, len(at)),
        scene.uniform(7, 12),
        pitch=scene.pick([0, 0.1]),
    )
    if scene.chance(0.4):
        trees(scene, np.clip(scene.uniform(-0.3, 0.05) + 0.2 * scene.noise(2), 0, 0.4), scene.uniform(5, 9))


def _blocks(scene: Scene) -> None:
    """Dense commercial blocks: streets with trees, roofs of every height, sometimes their walls too."""
    scene.image = paving(scene, scene.uniform(0.45, 0.85))
    plan = parcels(scene, max(scene.uniform(20, 55), scene.width_m * 0.045), scene.uniform(11, 20))
    plots(scene, plan, scene.uniform(0.2, 0.7))
    lay_streets(scene, plan)
    strewn(scene, plan.angle, scene.integer(20, 140))
    boxes = plan.boxes[scene.rng.random(len(plan.boxes)) < scene.uniform(0.75, 0.95)].copy()
    boxes[:, 2:] *= scene.rng.uniform(0.6, 0.97, (len(boxes), 2))
    tallest = scene.pick([9, 16, 35])
    heights = np.exp(scene.rng.uniform(np.log(5), np.log(tallest), len(boxes)))
    order = np.argsort(heights)
    boxes, heights = boxes[order], heights[order]
    shapes, colours = plan.shapes(scene, boxes), roof_palette(scene, len(boxes))
    if tallest > 9 and scene.chance(0.6):
        shapes = _walls(scene, shapes, colours, heights)
    flat_roofs(scene, shapes, colours, heights)
    if scene.chance(0.7):
        street_trees(scene, plan)


def _walls(scene: Scene, shapes, colours, heights) -> np.ndarray:
    """Off-nadir view: roofs are displaced by their height and the walls show; returns the roofs' places."""
    turn = scene.uniform(0, 2 * np.pi)
    lean = np.array([np.cos(turn), np.sin(turn)]) * scene.uniform(0.05, 0.25)
    shift = (heights / scene.gsd)[:, None, None] * lean
    for part in (0.0, 0.35, 0.7):
        scene.fill(shapes + shift * part, colours * 0.5)
    return shapes + shift
