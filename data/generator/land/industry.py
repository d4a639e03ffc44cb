"""Industrial areas: estates of firms, works, ranks of sheds, process plant, railside yards, depots, blocks."""

import cv2
import numpy as np

from ..drawing.geometry import MIDDLE, beside, edge, to_canvas
from ..drawing.ground import grass, road, soil, traffic
from ..drawing.plants import canopy, trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import LAND, MOTTLE
from .bays import coach_bays
from .car_park import car_park
from .estate import halls_on, plots, roof_palette, street_trees, trucks_in_yards
from .halls import industrial_roofs
from .malls import lay_ways
from .parcels import Parcels, parcels
from .pavements import paved, pavement
from .roofs import flat_roofs
from .sites import Sites, draw_sites, plan_site, site_ground
from .yards import pipe_racks, rails, stacks, steelwork, strewn, tank_cluster, yard_ground

# Shares of estates, works, sheds, blocks, rail yards, depots, plants: near, middling, from high up.
LAYOUTS = (
    (0.12, 0.44, 0.10, 0.05, 0.11, 0.10, 0.08),
    (0.37, 0.17, 0.11, 0.10, 0.11, 0.04, 0.10),
    (0.48, 0.00, 0.13, 0.16, 0.13, 0.00, 0.10),
)


def industrial_area(scene: Scene) -> None:
    shares = LAYOUTS[0 if scene.width_m < 170 else 1 if scene.width_m < 300 else 2]
    draws = (_estate, _works, _sheds, _blocks, _railside, _depot, _plant)
    scene.pick(draws, shares)(scene)
    if scene.width_m > 150 and scene.chance(0.12):
        canopy(scene, mask=edge(beside(scene, scene.uniform(0.36, 0.5)), 0.02))


def _firms(scene: Scene, plan: Parcels, boxes) -> None:
    """A firm on each large parcel, several halls on each small one."""
    shapes = plan.shapes(scene, boxes)
    boxes = boxes[(shapes.max(1) > 0).all(1) & (shapes.min(1) < SIDE).all(1)]  # the others would be for nothing
    least = 30 if scene.width_m < 170 else 38
    large = boxes[:, 2:].min(1) > least
    sites = Sites(plan.angle)
    firms = boxes[large] * [1, 1, 0.96, 0.96]
    if len(firms):
        site_ground(scene, plan.shapes(scene, firms))
    for box in firms:
        plan_site(scene, sites, box)
    draw_sites(scene, sites, roof_palette)
    halls_on(scene, plan, boxes[~large])


def _streets(scene: Scene, plan: Parcels) -> None:
    lay_ways(scene, [(to_canvas(scene, line, plan.angle), min(width, 13)) for line, width in plan.streets])


def _estate(scene: Scene) -> None:
    """Parcels with firms, lots and green between streets."""
    yard_ground(scene, 0.45)
    plan = parcels(scene, max(scene.log_uniform(55, 130), scene.width_m * 0.09), scene.uniform(8, 15))
    use = scene.rng.random(len(plan.boxes))
    built = scene.uniform(0.7, 0.95)
    if scene.width_m > 300:  # closer by, each firm paves its own ground
        plots(scene, plan, scene.uniform(0.2, 0.8))
    _streets(scene, plan)
    if scene.chance(0.6):
        wood = np.clip(scene.uniform(-0.3, 0.2) + 0.3 * scene.noise(1.5), 0, 0.7) * (scene.owner == 0)
        trees(scene, wood, scene.uniform(5, 9))
    _firms(scene, plan, plan.boxes[use <= built])
    if scene.chance(0.4):
        street_trees(scene, plan)
    if scene.chance(0.25):
        _tanks_on_free_ground(scene)
    if scene.chance(0.3):
        stacks(scene, scene.rng.uniform(0.1, 0.9, (scene.integer(1, 3), 2)) * SIDE)


def _works(scene: Scene) -> None:
    """One or two firms close by that fill the picture, with a street, a siding, tanks."""
    yard_ground(scene, 0.15)
    width, angle = scene.width_m, scene.angle()
    spare = scene.pick(["street", "rails", "wood", "none"], [0.5, 0.2, 0.2, 0.1])
    tracks = scene.integer(1, 3)
    gap = tracks * 4.8 + 6 if spare == "rails" else scene.uniform(6, 14)
    size = np.array([scene.uniform(60, 130), scene.uniform(55, 100)])
    size = np.clip(size, width * 0.55, width * 1.3)
    shift = scene.rng.uniform(-0.45, 0.45, 2) * width
    cells = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), -1).reshape(-1, 2)
    boxes = np.concatenate([cells * (size + gap) + shift, np.tile(size, (9, 1))], 1)
    plan = Parcels(boxes, [], angle)
    keep = scene.rng.random(9) < scene.pick([1.0, 0.8])
    keep[np.argmin(np.hypot(*boxes[:, :2].T))] = True
    if spare == "wood":
        wood = edge(beside(scene, scene.uniform(0.1, 0.4)), 0.05)
        trees(scene, wood * scene.uniform(0.4, 0.9), scene.uniform(4, 8))
    strewn(scene, angle, scene.integer(5, 30))
    _firms(scene, plan, boxes[keep])
    line = np.array([[-2, 0], [2, 0]]) * width + [0, shift[1] + scene.pick([-1, 1]) * (size[1] + gap) / 2]
    line = to_canvas(scene, line, angle)
    if spare == "street":
        road(scene, line, max(gap, 7), pavement(scene, scene.uniform(60, 150)))
        traffic(scene, line, scene.integer(1, 8), 2.5)
    elif spare == "rails":
        offset = (line.mean(0) - MIDDLE) @ np.array([-np.sin(angle), np.cos(angle)])
        rails(scene, angle, tracks, offset)
    if scene.chance(0.35):
        _tanks_on_free_ground(scene)


def _tanks_on_free_ground(scene: Scene) -> None:
    """A cluster of tanks where there is the most room between buildings, streets and lots."""
    taken = np.isin(scene.owner, [i for i, d in enumerate(scene.drawn) if d.kind in ("building", "road", "parking")])
    room = cv2.distanceTransform((~taken).astype(np.uint8), cv2.DIST_L2, 3)
    spots = scene.rng.integers(0, SIDE, (60, 2))
    spot = spots[np.argmax(room[spots[:, 1], spots[:, 0]])]
    space = room[spot[1], spot[0]] * scene.gsd
    if space > 7:
        tank_cluster(scene, spot.astype(float), space)


def _depot(scene: Scene) -> None:
    """A wide gravelled or paved yard with rows of lorries, goods and a few sheds."""
    scene.image = paved(scene) if scene.chance(0.6) else soil(scene) * scene.uniform(0.9, 1.1)
    worn = scene.noise(scene.uniform(1, 2.5), LAND)
    scene.texture(0.05 * scene.noise(0.6, MOTTLE) + 0.07 * worn - 0.12 * (np.abs(worn) < 0.07))
    angle, width = scene.angle(), scene.width_m
    if scene.chance(0.6):
        area = beside(scene, scene.uniform(-0.2, 0.25), angle + scene.pick([0, 0.5, 1, 1.5]) * np.pi, 0) > 0
        car_park(scene, area, angle, scene.uniform(0.3, 1), bays=coach_bays(scene))
    sites = Sites(angle)
    for at in scene.rng.uniform(-0.28, 0.28, (scene.integer(1, 2), 2)) * width:
        plan_site(scene, sites, (*at, *scene.rng.uniform(0.4, 0.7, 2) * width))
    strewn(scene, angle, scene.integer(8, 40))
    red = scene.chance(0.2)
    draw_sites(scene, sites, lambda s, n: np.tile([[150.0, 66, 60]], (n, 1)) if red else roof_palette(s, n))
    if scene.chance(0.5):
        rim = edge(beside(scene, scene.uniform(0.3, 0.45)), 0.02)
        scene.paint(rim, grass(scene), "grass")
        trees(scene, rim * scene.uniform(0, 0.6), scene.uniform(4, 8))


def _railside(scene: Scene) -> None:
    """Long dark sheds and yards along a bundle of tracks."""
    scene.image = scene.surface(
        scene.colour("soil") * 0.75, scene.colour("asphalt"), scene.uniform(0.6, 1.5), 0.09, 1
    )
    plan = parcels(scene, max(scene.log_uniform(45, 110), scene.width_m * 0.09), scene.uniform(8, 15))
    yard_ground(scene, 0.1) if scene.chance(0.5) else None
    _streets(scene, plan)
    strewn(scene, plan.angle, scene.integer(20, 80))
    close = scene.width_m < 170
    keep = scene.rng.random(len(plan.boxes)) < (1 if close else scene.uniform(0.6, 0.9))
    count = scene.integer(2, 4 if close else 9)
    middle = scene.pick([-1, 1]) * scene.uniform(0.2 if close else 0, 0.4) * scene.width_m
    boxes, half = plan.boxes.copy(), count * 2.4 + 4
    low, high = boxes[:, 1] - boxes[:, 3] / 2, boxes[:, 1] + boxes[:, 3] / 2
    above = boxes[:, 1] > middle  # parcels that the tracks would cut end beside them
    low = np.where(above, np.maximum(low, middle + half), low)
    high = np.where(above, high, np.minimum(high, middle - half))
    boxes[:, 1], boxes[:, 3] = (low + high) / 2, high - low
    keep &= boxes[:, 3] > 12
    rails(scene, plan.angle, count, scene.px(middle))
    _firms(scene, plan, boxes[keep])
    if scene.chance(0.4):
        _tanks_on_free_ground(scene)


def _sheds(scene: Scene) -> None:
    """Parallel warehouses of one make in ranks, on paved ground."""
    scene.image = paved(scene)
    angle, long = scene.angle(), min(scene.log_uniform(50, 140), scene.width_m * 0.6)
    deep, gap = long * scene.uniform(0.25, 0.6), scene.uniform(6, 18)
    lane = min(scene.uniform(16, 36), scene.width_m / 5)
    long, deep = max(long, scene.width_m * 0.1), max(deep, scene.width_m * 0.05)
    reach = scene.width_m * 0.8
    x, y = np.arange(-reach, reach, long + gap), np.arange(-reach, reach, deep + lane)
    at = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2) + scene.rng.uniform(-0.5, 0.5, 2) * long
    at = at[scene.rng.random(len(at)) < scene.uniform(0.75, 1)]
    size = np.array([long, deep]) * scene.rng.uniform((0.6, 0.75), (1, 1), (len(at), 2))
    plan = Parcels(np.concatenate([at, size], 1), [], angle)
    site_ground(scene, plan.shapes(scene, plan.boxes + [0, 0, gap, lane * 0.8]))
    for line_y in y[:: scene.integer(1, 3)]:
        line = to_canvas(scene, np.array([[-reach, line_y], [reach, line_y]]) + [0, (deep + lane) / 2], angle)
        road(scene, line, lane * 0.4, marked=False)
        traffic(scene, line, scene.integer(0, 5), lane * 0.2)
    strewn(scene, angle, scene.integer(10, 70))
    trucks_in_yards(scene, plan)
    if scene.chance(0.5):
        wood = np.clip(scene.uniform(-0.3, 0.1) + 0.25 * scene.noise(2), 0, 0.5)
        trees(scene, wood, scene.uniform(4, 7))
    industrial_roofs(scene, plan.shapes(scene), roof_palette(scene, len(at)), scene.uniform(7, 12))


def _blocks(scene: Scene) -> None:
    """Dense commercial blocks: streets with trees, roofs of every height, sometimes their walls too."""
    scene.image = paved(scene, scene.uniform(0.7, 1))
    plan = parcels(scene, max(scene.uniform(20, 55), scene.width_m * 0.055), scene.uniform(11, 20))
    plots(scene, plan, scene.uniform(0.2, 0.7))
    _streets(scene, plan)
    strewn(scene, plan.angle, scene.integer(20, 90))
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


def _plant(scene: Scene) -> None:
    """Process plant: dense steelwork, tanks, pipe racks and stacks in blocks, among halls and bare ground."""
    yard_ground(scene, 0.1)
    plan = parcels(scene, max(scene.uniform(35, 75), scene.width_m * 0.13), scene.uniform(8, 14))
    _streets(scene, plan)
    use = scene.rng.random(len(plan.boxes))
    firms = plan.boxes[use < 0.4]
    steel = plan.boxes[(use >= 0.4) & (use < 0.8)]
    racks = [to_canvas(scene, line + [0, width * 0.9], plan.angle) for line, width in plan.streets[:3]]
    pipe_racks(scene, racks[: scene.integer(1, 3)])
    steelwork(scene, plan, steel)
    spots = to_canvas(scene, plan.boxes[use >= 0.8][:4, :2], plan.angle)
    for spot in spots:
        tank_cluster(scene, spot, scene.uniform(18, 40))
    _firms(scene, plan, firms)
    if len(steel):
        chosen = steel[scene.rng.integers(0, len(steel), scene.integer(1, 5))]
        at = chosen[:, :2] + scene.rng.uniform(-0.35, 0.35, (len(chosen), 2)) * chosen[:, 2:]
        stacks(scene, to_canvas(scene, at, plan.angle))


def _walls(scene: Scene, shapes, colours, heights) -> np.ndarray:
    """Off-nadir view: roofs are displaced by their height and the walls show; returns the roofs' places."""
    turn = scene.uniform(0, 2 * np.pi)
    lean = np.array([np.cos(turn), np.sin(turn)]) * scene.uniform(0.05, 0.25)
    shift = (heights / scene.gsd)[:, None, None] * lean
    for part in (0.0, 0.35, 0.7):
        scene.fill(shapes + shift * part, colours * 0.5)
    return shapes + shift
