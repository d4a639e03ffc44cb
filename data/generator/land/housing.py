"""Residential areas: many small roofs along streets, with gardens, drives, trees and cars."""

import numpy as np

from ..drawing.geometry import beside, edge, in_view, rectangles
from ..drawing.ground import cars, grass, road, traffic, water_surface, yard
from ..drawing.plants import canopy, trees
from ..drawing.scene import Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from ..kind import Kind
from .houses import behind_houses, drives, houses
from .industry import industrial_area
from .roofs import flat_roofs
from .streets import Lots, Net, Plan, dead_ends, grid, lots, pavement

# Ranges in metres: lot, depth, house width as a share of the lot, house depth; share of neighbourhoods.
STYLES = {
    "suburb": ((15, 24), (25, 36), (0.6, 0.8), (9, 14), 0.34),
    "dense": ((9, 14), (16, 25), (0.6, 0.88), (9, 14), 0.28),
    "leafy": ((24, 42), (34, 60), (0.45, 0.65), (9, 15), 0.16),
    "terraces": ((5.5, 8.5), (18, 30), (1.0, 1.03), (10, 18), 0.13),
    "apartments": ((36, 60), (26, 42), (0.6, 0.9), (11, 16), 0.09),
}


def residential_area(scene: Scene) -> None:
    style = scene.pick(list(STYLES), [style[-1] for style in STYLES.values()])
    bare = scene.chance(0.17)
    plan = _plan(scene, style)
    winding = style in ("suburb", "leafy") and scene.chance(0.45)
    net, streets, places = _settle(scene, plan, winding)
    _ground(scene, bare)
    _gardens(scene, places, plan, style)
    _streets(scene, net, plan, streets)
    _neighbourhood(scene, places, plan, style, bare, streets)
    _parked(scene, net, plan)
    _surroundings(scene)
    _note(scene, style, winding)


def _settle(scene: Scene, plan: Plan, winding: bool) -> tuple[Net, np.ndarray, Lots]:
    """Streets, their mask, and lots; laid out anew where too little of the picture would be lived in."""
    for _ in range(4):
        net = dead_ends(scene, plan) if winding else grid(scene, plan)
        streets = pavement(scene, net, plan.street)
        places = lots(scene, net, plan, streets)
        seen = in_view(places.at(scene, plan.setback + plan.house_depth / 2), -5).sum()
        if seen * plan.lot * plan.depth > 0.45 * scene.width_m**2 and seen > 1:
            break
    return net, streets, places.only(scene.rng.random(len(places.fronts)) < scene.uniform(0.88, 1.02))


def _note(scene: Scene, style: str, winding: bool) -> None:
    says = {
        "terraces": "with row houses",
        "apartments": "with apartment blocks",
        "dense": "with dense rows of roofs",
    }
    if style in says:
        scene.notes.append(says[style])
    if winding and scene.width_m > 150:
        scene.notes.append("with dead-end streets")


def _plan(scene: Scene, style: str) -> Plan:
    lot, depth, width, house_depth, _ = STYLES[style]
    lot = np.clip(
        scene.uniform(*lot), scene.width_m / 50, scene.width_m / 3
    )  # what the canvas can still show
    depth = np.clip(scene.uniform(*depth), scene.width_m / 25, scene.width_m / 2)
    house = min(scene.uniform(*house_depth), depth * 0.62)
    setback = scene.uniform(1, 3) if style == "terraces" else min(scene.uniform(3, 9), (depth - house) * 0.6)
    street = scene.uniform(6, 11)
    return Plan(lot, depth, street, setback, lot * scene.uniform(*width), house, scene.log_uniform(70, 240))


def _ground(scene: Scene, bare: bool) -> None:
    scene.image = grass(scene)
    if bare:  # leafless: brown lawns
        scene.season = "mild"
        brown = scene.surface(
            scene.colour("soil") * 0.75, scene.colour("grass"), scene.uniform(0.6, 2), 0.1, 0.7
        )
        scene.paint(np.full(scene.owner.shape, scene.uniform(0.6, 1), np.float32), brown)
    elif scene.chance(0.25):  # paved or dry plots
        dry = scene.surface(scene.colour("soil"), scene.colour("concrete"), 1, 0.1)
        scene.paint(np.full(scene.owner.shape, scene.uniform(0.2, 0.8), np.float32), dry)


def _gardens(scene: Scene, places: Lots, plan: Plan, style: str) -> None:
    """Each lot is kept in its own way: lawn, soil, paving; then the patchwork of beds and shrubs."""
    count = len(places.fronts)
    shapes = rectangles(
        places.at(scene, plan.depth / 2), scene.px(plan.lot), scene.px(plan.depth), places.angles
    )
    names = scene.rng.choice(["grass", "soil", "concrete"], count, p=scene.rng.dirichlet((6, 1.5, 0.8)))
    colours = np.stack([scene.colours(name, max(count, 1), 3) for name in ("grass", "soil", "concrete")])
    which = np.select([names == "grass", names == "soil"], [0, 1], 2)
    before = scene.image.copy()
    scene.fill(shapes, colours[which, np.arange(count)] * scene.uniform(0.75, 1.05))
    amount = scene.uniform(0.15, 0.75)
    scene.image = before + (scene.image - before) * amount
    yard(scene, None, scene.uniform(0.1, 0.6) if style != "apartments" else 0.15, scene.uniform(3, 9))
    scene.texture(scene.uniform(0.04, 0.12) * scene.noise(scene.uniform(0.5, 1), MOTTLE))


def _streets(scene: Scene, net: Net, plan: Plan, streets) -> None:
    asphalt = scene.colour("asphalt")
    colour = (asphalt * 0.3 + asphalt.mean() * 0.7) * (
        scene.uniform(1.1, 1.5) if scene.chance(0.35) else scene.uniform(0.65, 1.05)
    )
    if scene.chance(0.6):  # pavements beside the street
        walk = pavement(scene, net, plan.street + scene.uniform(2, 5))
        scene.paint(walk * scene.uniform(0.3, 0.9), scene.colour("concrete") * scene.uniform(0.75, 1))
    scene.paint(
        streets,
        colour * (1 + 0.06 * scene.noise(1, GRAIN) + 0.05 * scene.noise(1, MOTTLE))[..., None],
        "road",
    )


def _neighbourhood(scene: Scene, places: Lots, plan: Plan, style: str, bare: bool, streets) -> None:
    if style in ("suburb", "dense", "leafy") and scene.chance(0.75):
        drives(scene, places, plan)
    most = {"leafy": 0.95, "suburb": 0.7, "dense": 0.55, "terraces": 0.35, "apartments": 0.45}[style]
    density = (scene.uniform(0.35, 1) if style == "leafy" else scene.uniform(0.03, 1)) * most
    leaves, kind = None, "trees"
    if bare:
        kind = "leafless trees"
        leaves = (scene.colour("soil") * 0.72, scene.colour("tree") * 0.5 + scene.colour("soil") * 0.3)
    patchy = np.clip(0.85 + 0.4 * scene.noise(scene.uniform(1, 2), LAND), 0.1, 1.4)
    if scene.chance(0.4):  # trees that roofs hide
        trees(scene, density * 0.6 * patchy * (1 - 0.9 * streets), scene.uniform(5, 9), leaves, kind=kind)
    covered = houses(scene, places, plan, style)
    behind_houses(scene, places, plan)
    kept = (1 - 0.85 * streets) * (1 - 0.85 * covered)
    crown = scene.uniform(4, 10) if style != "terraces" else scene.uniform(3, 6)
    round_, fill = (0.35, 0.45) if bare else (0.55, 0.6)
    trees(scene, density * patchy * kept, crown, leaves, fill, round_, kind)


def _parked(scene: Scene, net: Net, plan: Plan) -> None:
    if scene.px(1.9) < 0.7:
        return
    steps = [np.stack([line[:-1], line[1:]], 1) for line in net.lines]
    if not steps:
        return
    steps = np.concatenate(steps)
    steps = steps[in_view(steps.mean(1), 10)]
    count = min(int(len(steps) * scene.uniform(0, 1) ** 2), 120)
    if len(steps) == 0 or count == 0:
        return
    start, end = np.moveaxis(steps[scene.rng.integers(0, len(steps), count)], 1, 0)
    along = (end - start) / np.maximum(np.linalg.norm(end - start, axis=1, keepdims=True), 1e-6)
    aside = np.stack([-along[:, 1], along[:, 0]], -1) * scene.rng.choice([-1, 1], (count, 1))
    centres = start + (end - start) * scene.rng.random((count, 1)) + aside * scene.px(plan.street * 0.4)
    cars(scene, centres, np.arctan2(along[:, 1], along[:, 0]))


def _surroundings(scene: Scene) -> None:
    """Now and then a park, a school, a pond, a main road or woods at the edge."""
    if scene.width_m > 200 and scene.chance(0.3):
        spot = edge(scene.noise(scene.uniform(1.5, 3), LAND) - scene.uniform(1.1, 1.8), 0.05)
        scene.paint(spot, grass(scene), "grass")
        trees(scene, spot * scene.uniform(0, 0.4), scene.uniform(5, 9))
    if scene.width_m > 250 and scene.chance(0.1):
        scene.paint(edge(scene.noise(3, LAND) - scene.uniform(1.8, 2.4), 0.03), water_surface(scene), "pond")
    if scene.width_m > 280 and scene.chance(0.3):
        centre = scene.rng.uniform(20, 170, (1, 2))
        size = scene.px(scene.rng.uniform(25, 60, 2))
        flat_roofs(scene, rectangles(centre, *size, scene.angle()), scene.colours("flat roof", 1), 8)
    if scene.width_m > 130 and scene.chance(0.15):
        points = np.array([[-20, scene.uniform(0, 190)], [210, scene.uniform(0, 190)]])
        points = points[:, ::-1] if scene.chance(0.5) else points
        road(scene, points, scene.uniform(12, 22))
        traffic(scene, points, scene.integer(3, 25), 6)
    if scene.width_m > 150 and scene.chance(0.15):
        canopy(scene, mask=edge(beside(scene, scene.uniform(0.25, 0.5)), 0.03))


KINDS = [
    Kind(
        "residential area",
        ("a residential area", "houses", "a suburb", "a housing estate"),
        residential_area,
        (60, 650),
        ("house", "road"),
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
