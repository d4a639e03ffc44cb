"""Houses on their lots: roofs with wings, drives, and what lies about in gardens."""

import numpy as np

from ..drawing.built import buildings
from ..drawing.geometry import rectangles
from ..drawing.ground import cars
from ..drawing.scene import Scene
from .roofs import flat_roofs
from .streets import Lots, Plan


def drives(scene: Scene, places: Lots, plan: Plan) -> None:
    length = plan.setback + plan.house_depth * 0.5
    along = np.stack([-places.inward[:, 1], places.inward[:, 0]], -1)
    aside = scene.px(plan.house_width * 0.3) * scene.rng.choice([-1, 1], (len(along), 1))
    centres = places.at(scene, length / 2) + along * aside
    width = np.maximum(scene.px(scene.rng.uniform(2.5, 6, len(along))), 0.9)
    colour = scene.colour("concrete") * scene.uniform(0.6, 1.05)
    scene.fill(rectangles(centres, width, scene.px(length), places.angles), colour)
    if scene.px(1) > 1.2:
        some = scene.rng.random(len(along)) < 0.35
        cars(scene, centres[some], places.angles[some] + np.pi / 2)


def houses(scene: Scene, places: Lots, plan: Plan, style: str) -> np.ndarray:
    """Roofs, many with a wing; returns what they cover."""
    count = len(places.fronts)
    if count == 0:
        return np.zeros(scene.owner.shape, np.float32)
    spread = 0.03 if style == "terraces" else 0.14
    wide = plan.house_width * scene.rng.uniform(1 - spread, 1 + spread * 0.8, count)
    deep = plan.house_depth * scene.rng.uniform(0.8, 1.2, count)
    along = np.stack([-places.inward[:, 1], places.inward[:, 0]], -1)
    loose = 0 if style == "terraces" else scene.px(plan.lot * 0.05)
    centres = places.at(scene, plan.setback + deep / 2) + along * scene.rng.normal(0, 1, (count, 1)) * loose
    angles = places.angles + scene.rng.normal(0, 0.0 if style == "terraces" else 0.035, count)
    colours = _roof_colours(scene, count)
    shapes = rectangles(centres, scene.px(wide), scene.px(deep), angles)
    if style in ("terraces", "apartments") and scene.chance(0.6):
        flat_roofs(
            scene, shapes, colours, scene.uniform(7, 14), kind="house" if style == "terraces" else "building"
        )
        return scene.stamp(shapes)
    height = scene.uniform(8, 15) if style == "apartments" else scene.uniform(4, 7)
    buildings(
        scene,
        shapes,
        colours,
        height,
        scene.uniform(0.08, 0.3),
        kind="building" if style == "apartments" else "house",
    )
    if scene.px(plan.house_depth) > 6 and style not in ("terraces", "apartments"):
        some = scene.rng.random(count) < 0.65
        shift = along * scene.px(wide * 0.25)[:, None] * scene.rng.choice([-1, 1], (count, 1))
        at = (
            centres
            + shift
            + places.inward * scene.px(deep * 0.35)[:, None] * scene.rng.choice([-1, 1], (count, 1))
        )
        wings = rectangles(at, scene.px(wide * 0.42), scene.px(deep * 0.8), angles)
        buildings(scene, wings[some], colours[some], 4.5, scene.uniform(0.08, 0.25), kind=None)
    return scene.stamp(shapes)


def _roof_colours(scene: Scene, count: int) -> np.ndarray:
    colours = scene.colours("roof", count, scene.integer(1, 6))
    if scene.chance(0.5):
        colours = colours * scene.uniform(0.65, 1.35)
    grey = colours.mean(1, keepdims=True)
    return np.clip(grey + (colours - grey) * scene.uniform(0.15, 1), 5, 242)


def behind_houses(scene: Scene, places: Lots, plan: Plan) -> None:
    """Sheds, terraces, trampolines, pools: what lies about behind houses."""
    count = len(places.fronts)
    if scene.px(3) < 1 or count == 0:
        return
    for name in ("roof", "concrete", "flat roof"):
        some = scene.rng.random(count) < scene.uniform(0.1, 0.6)
        _behind(
            scene,
            places.only(some),
            plan,
            scene.rng.uniform(1.5, 4.5, (some.sum(), 2)),
            scene.colours(name, some.sum(), 3),
        )
    if plan.lot > 11 and scene.chance(0.3):
        some = scene.rng.random(count) < scene.uniform(0.03, 0.2)
        _behind(
            scene,
            places.only(some),
            plan,
            scene.rng.uniform(4, 8, (some.sum(), 2)),
            (92, 165, 186),
            "swimming pool",
        )


def _behind(scene: Scene, places: Lots, plan: Plan, sizes, colours, kind=None) -> None:
    count = len(places.fronts)
    along = np.stack([-places.inward[:, 1], places.inward[:, 0]], -1)
    behind = scene.rng.uniform(
        plan.setback + plan.house_depth + 2, max(plan.depth, plan.setback + plan.house_depth + 3), count
    )
    centres = places.at(scene, behind) + along * scene.px(plan.lot * scene.rng.uniform(-0.4, 0.4, (count, 1)))
    shapes = rectangles(centres, *scene.px(sizes).T, places.angles)
    if kind is None and scene.px(2) > 2.5:
        scene.cast(shapes, 2)
    scene.fill(shapes, colours, kind)
