"""Residential areas: dense, medium and sparse, told apart by how much of the ground the houses cover."""

import cv2
import numpy as np

from ..drawing.geometry import in_view, rectangles
from ..drawing.ground import cars, grass, yard
from ..drawing.plants import trees
from ..drawing.scene import SHIFT, SIDE, Scene
from ..drawing.textures import GRAIN, MOTTLE, PATCH
from ..kind import Kind
from .aside import fill_aside, set_aside
from .houses import behind_houses, cover, drives, footprints, on_roofs, paint_tints, pitched, set_off, tints, wings
from .industry import industrial_area
from .quarters import apartments, informal_settlement, old_town
from .roofs import flat_roofs
from .scattered import sparse_residential_area
from .streets import Lots, Net, Plan, dead_ends, grid, lots, pavement

# Ranges in metres: lot, depth, house width as a share of the lot, house depth; share of the neighbourhoods.
DENSE = {
    "close": ((9.5, 13.5), (15, 20.5), (0.84, 0.95), (10.5, 14), 0.45),
    "terraces": ((5, 8), (16, 22), (1.0, 1.0), (10, 13.5), 0.35),
    "mobile homes": ((8.5, 11), (14, 17.5), (0.62, 0.74), (12, 15), 0.2),
}
MEDIUM = {
    "suburb": ((15, 23), (25, 35), (0.6, 0.8), (9, 14), 0.65),
    "semi": ((11, 15), (25, 36), (0.62, 0.8), (8.5, 11.5), 0.2),
    "leafy": ((22, 30), (30, 42), (0.55, 0.75), (12, 16), 0.15),
}
SHARES = {"dense": (0.4, 0.65), "medium": (0.17, 0.34)}  # of the ground under roofs, as laid out


def dense_residential_area(scene: Scene) -> None:
    layout = scene.pick([_streets_of, old_town, informal_settlement, apartments], [0.55, 0.18, 0.13, 0.14])
    if layout is _streets_of or layout in (informal_settlement, apartments) and scene.width_m > 330:  # specks, bricks
        _streets_of(scene, DENSE, SHARES["dense"])
    else:
        layout(scene)


def medium_residential_area(scene: Scene) -> None:
    _streets_of(scene, MEDIUM, SHARES["medium"])


def _streets_of(scene: Scene, styles: dict, share: tuple[float, float]) -> None:
    """Houses on their lots along streets, as near as can be to the share of ground under roofs."""
    style = scene.pick(list(styles), [style[-1] for style in styles.values()])
    reserve = set_aside(scene, 0.5, small=style in DENSE)
    plan, net, streets, places, shapes, reserve = _settle(scene, styles[style], style, share, reserve)
    _ground(scene, style)
    _gardens(scene, places, plan, style)
    _pave(scene, net, plan, streets)
    if reserve is not None:
        fill_aside(scene, *reserve)
    if style in ("suburb", "semi", "leafy", "close") and scene.chance(0.85):
        drives(scene, places, plan)
    _build(scene, places, plan, style, shapes, streets)
    _parked(scene, net, plan)


def _settle(scene: Scene, style: tuple, name: str, share, reserve):
    """A plan, its streets and houses; laid out anew while too much or too little of the ground is built on."""
    best, distance = None, np.inf
    if reserve is not None:  # houses keep clear of it with their corners too
        keep_off = cv2.blur(reserve[1], (2 * int(scene.px(7)) + 1,) * 2)
    for attempt in range(7):
        reserve = reserve if attempt < 4 else None  # it may have taken nearly all
        plan = _fitting_plan(scene, style, name, share)
        net = dead_ends(scene, plan) if name in ("suburb", "leafy") and scene.chance(0.5) else grid(scene, plan)
        streets = pavement(scene, net, plan.street)
        places = lots(scene, net, plan, streets)
        places = places.only(scene.rng.random(len(places.fronts)) < scene.uniform(0.9, 1.05))
        if reserve is not None:
            middles = places.at(scene, plan.setback + plan.house_depth / 2)
            x, y = np.clip(middles.round().astype(int), 0, SIDE - 1).T
            places = places.only(keep_off[y, x] < 0.05)
        shapes = footprints(scene, places, plan, name == "terraces")[0]
        built = float(cover(shapes).mean())
        off = max(share[0] - built, built - share[1], 0)
        if off < distance:
            best, distance = (plan, net, streets, places, shapes, reserve), off
        if off == 0:
            break
    return best


def _fitting_plan(scene: Scene, style: tuple, name: str, share) -> Plan:
    """A plan whose blocks are built on as wanted, as far as can be told before it is laid out."""
    for _ in range(8):
        plan = _plan(scene, style, name)
        built = 1.85 * plan.house_width * plan.house_depth / (plan.lot * (2 * plan.depth + plan.street))
        if 1.05 * share[0] < built < share[1]:
            break
    return plan


def _plan(scene: Scene, style: tuple, name: str) -> Plan:
    """Measures for a style; coarse pictures show its larger lots, close ones lots that fit in."""
    wide = np.log(scene.width_m / 60) / np.log(650 / 60)
    lot, depth = (a + (b - a) * np.clip(scene.uniform(wide - 0.6, wide + 0.6), 0, 1) for a, b in style[:2])
    most = {"mobile homes": 0.85, "close": 0.7, "terraces": 0.7}.get(name, 0.66)
    house = min(scene.uniform(*style[3]), depth * most)
    setback = min(scene.uniform(2, 8), (depth - house) * 0.5) if name not in DENSE else scene.uniform(0.8, 2.5)
    street = max(scene.uniform(5.5, 8) if name in DENSE else scene.uniform(6, 10), 3.2 * scene.gsd)
    return Plan(lot, depth, street, setback, lot * scene.uniform(*style[2]), house, scene.log_uniform(80, 260))


def _ground(scene: Scene, style: str) -> None:
    scene.image = grass(scene)
    if scene.chance(0.2):  # leafless: brown lawns
        scene.season = "mild"
        scene.image += (scene.colour("soil") * 0.8 - scene.image) * scene.uniform(0.4, 0.9)
    elif scene.chance(0.6 if style in DENSE else 0.25):  # paved or dry plots
        paved = scene.colour(scene.pick(["soil", "concrete"])) * 0.85
        scene.image += (paved - scene.image) * scene.uniform(0.3, 0.8)


def _gardens(scene: Scene, places: Lots, plan: Plan, style: str) -> None:
    """Each lot is kept in its own way: lawn, soil, paving; fences and hedges between; beds and shrubs."""
    count = len(places.fronts)
    if count:
        shapes = rectangles(places.at(scene, plan.depth / 2), scene.px(plan.lot), scene.px(plan.depth), places.angles)
        names = ("grass", "soil", "concrete")
        which = scene.rng.choice(3, count, p=scene.rng.dirichlet((6, 1.5, 0.8 if style in MEDIUM else 2)))
        colours = np.concatenate([scene.colours(name, 6, 3) * 0.92 for name in names])
        before = scene.image.copy()
        paint_tints(scene, shapes, colours, which * 6 + scene.rng.integers(0, 6, count), 1.0)
        scene.image = before + (scene.image - before) * scene.uniform(0.3, 0.9)
        if scene.px(plan.lot) > 7:
            _fences(scene, shapes, plan)
    if scene.gsd < 1.2:
        yard(scene, None, scene.uniform(0.1, 0.5), max(scene.uniform(3, 9), 4 * scene.gsd))
    else:
        scene.texture(scene.uniform(0.06, 0.14) * scene.noise(scene.uniform(0.5, 1), MOTTLE))


def _fences(scene: Scene, shapes, plan: Plan) -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    lines = list(np.round(shapes[:, 1:] * 2**SHIFT).astype(np.int32))
    cv2.polylines(mask, lines, False, 255, max(1, round(scene.px(scene.uniform(0.4, 1.3)))), cv2.LINE_AA, SHIFT)
    scene.shade(mask / np.float32(255), scene.uniform(0.1, 0.4))


def _pave(scene: Scene, net: Net, plan: Plan, streets) -> None:
    asphalt = scene.colour("asphalt")
    light = scene.uniform(1.1, 1.5) if scene.chance(0.35) else scene.uniform(0.65, 1)
    colour = (asphalt * 0.3 + asphalt.mean() * 0.7) * light
    if abs(colour.mean() / scene.image.mean() - 1) < 0.25 and scene.gsd > 1.2:  # the pattern should be seen
        colour = colour * (scene.uniform(1.3, 1.6) if scene.image.mean() < 110 else scene.uniform(0.5, 0.7))
    if scene.chance(0.6) and scene.gsd < 1.6:  # pavements beside the street
        walk = pavement(scene, net, plan.street + scene.uniform(2, 5))
        scene.paint(walk * scene.uniform(0.3, 0.9), scene.colour("concrete") * scene.uniform(0.75, 1))
    worn = 1 + 0.07 * scene.noise(0.9, scene.pick([GRAIN, MOTTLE]))
    scene.paint(streets, colour * worn[..., None], "road")


def _build(scene: Scene, places: Lots, plan: Plan, style: str, shapes, streets) -> None:
    """Trees, houses with what belongs to them, and trees again: some crowns hang over roofs, most do not."""
    mobile, row = style == "mobile homes", style == "terraces"
    names = ["tin"] if mobile else scene.pick([["shingles"], ["tiles"], ["tiles", "shingles", "roof"], ["roof"]])
    tint = np.clip(tints(scene, names, scene.integer(3, 8)) * (1.35 if mobile else 1), 10, 245)
    tint = set_off(scene, tint, 28)
    which = scene.rng.integers(0, len(tint), len(shapes))
    if row and scene.chance(0.35):
        flat_roofs(scene, shapes, tint[which], scene.uniform(7, 12), "house")
    else:
        gables = 1.0 if row or mobile else None
        first = pitched(scene, shapes, tint, which, scene.uniform(4, 7), turn=not row, gables=gables)
        if not mobile and not row and scene.px(plan.house_depth) > 5:
            wings(scene, shapes, tint, which, first, scene.uniform(0.2, 0.9))
    on_roofs(scene, shapes)
    behind_houses(scene, places, plan)
    most = {"leafy": 1.1, "suburb": 0.95, "semi": 0.8, "close": 0.5, "terraces": 0.45, "mobile homes": 0.2}[style]
    _greenery(scene, scene.uniform(0.1, 1) ** 0.7 * most, streets, scene.owner > 0)


def _greenery(scene: Scene, amount: float, streets, taken) -> None:
    """Crowns in clumps, most of them behind houses, some along streets."""
    bare = scene.season in ("mild", "dark") and scene.chance(0.3)
    leaves = (scene.colour("soil") * 0.6, scene.colour("tree") * 0.5 + 35) if bare else None
    far = cv2.distanceTransform((streets < 0.5).astype(np.uint8), cv2.DIST_L2, 3) * scene.gsd
    wanted = np.clip((far - 4) / 22, 0.25, 1) + 0.45 * scene.noise(max(0.5, 6 / scene.width_m * 60), PATCH)
    free = 1 - cv2.blur(taken.astype(np.float32), (5, 5)) * 0.97
    crown = max(scene.uniform(5, 10), 2.2 * scene.gsd)
    kind = "leafless trees" if bare else "trees"
    trees(scene, np.clip(wanted * amount, 0, 1) * free, crown, leaves, *((0.45, 0.15) if bare else (0.62, 0.6)), kind)


def _parked(scene: Scene, net: Net, plan: Plan) -> None:
    if scene.px(1.9) < 0.7 or not net.lines:
        return
    steps = np.concatenate([np.stack([line[:-1], line[1:]], 1) for line in net.lines])
    steps = steps[in_view(steps.mean(1), 10)]
    count = min(int(len(steps) * scene.uniform(0, 1.2) ** 2), 120)
    if len(steps) == 0 or count == 0:
        return
    start, end = np.moveaxis(steps[scene.rng.integers(0, len(steps), count)], 1, 0)
    along = (end - start) / np.maximum(np.linalg.norm(end - start, axis=1, keepdims=True), 1e-6)
    aside = np.stack([-along[:, 1], along[:, 0]], -1) * scene.rng.choice([-1, 1], (count, 1))
    centres = start + (end - start) * scene.rng.random((count, 1)) + aside * scene.px(plan.street * 0.38)
    cars(scene, centres, np.arctan2(along[:, 1], along[:, 0]))


KINDS = [
    Kind(
        "dense residential area",
        ("a dense residential area", "a residential area with close-packed houses", "a residential area"),
        dense_residential_area,
        (60, 650),
        ("house", "road"),
    ),
    Kind(
        "medium residential area",
        ("a medium density residential area", "a residential area", "a suburb"),
        medium_residential_area,
        (60, 650),
        ("house", "road"),
    ),
    Kind(
        "sparse residential area",
        ("a sparse residential area", "scattered houses", "a residential area"),
        sparse_residential_area,
        (60, 650),
        ("house",),
    ),
    Kind(
        "industrial area",
        ("an industrial area", "industry", "factories and warehouses", "an industrial estate"),
        industrial_area,
        (60, 650),
        ("road",),
        seasonal=False,
    ),
]
