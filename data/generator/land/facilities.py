"""Tank farms and baseball fields."""

import numpy as np

from ..drawing.built import buildings
from ..drawing.geometry import beside, edge, rectangles, to_canvas
from ..drawing.ground import cars, grass, paving, road, soil, yard
from ..drawing.plants import canopy, trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN
from ..kind import Kind
from .baseball import baseball_field
from .tanks import tanks


def storage_tanks(scene: Scene) -> None:
    angle = scene.angle()
    scene.image = {"grass": grass, "soil": soil, "paving": paving}[
        scene.pick(["grass", "soil", "paving"], [0.3, 0.4, 0.3])
    ](scene)
    if scene.chance(0.5):
        yard(scene, strength=scene.uniform(0.15, 0.5))
    if scene.chance(0.2):
        canopy(scene, mask=edge(beside(scene, scene.uniform(0.2, 0.4)), 0.02))
    elif scene.chance(0.4):
        trees(scene, np.clip(scene.uniform(-0.3, 0.15) + 0.3 * scene.noise(2), 0, 0.6), scene.uniform(4, 8))
    layout = scene.pick(["blocks", "rows", "apart"], [0.4, 0.3, 0.3])
    centres, radii, spacing = {"blocks": _blocks, "rows": _rows, "apart": _apart}[layout](scene, angle)
    if scene.chance(0.55):
        _bunds(scene, centres, spacing, angle)
    _ways(scene, centres, spacing, angle)
    _sheds(scene, centres, radii, angle)
    tanks(scene, centres, radii, scene.uniform(6, 16))
    if layout == "rows":
        scene.notes.append("in rows")


def _lattice(scene: Scene, steps_m, angle, shape) -> np.ndarray:
    """Points [n, 2] in metres about the middle: a grid of `shape` places, slightly off centre."""
    grid = np.stack(np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape)), -1).reshape(-1, 2)
    return grid * steps_m + scene.rng.uniform(-0.15, 0.15, 2) * scene.width_m


def _rows(scene: Scene, angle):
    """One grid of equal tanks; returns centres in pixels, radii and spacings in metres."""
    diameter = min(scene.log_uniform(9, 45), scene.width_m * 0.3)
    step = diameter * scene.rng.uniform(1.25, 2.0, 2)
    count = np.minimum(np.ceil(scene.width_m * scene.rng.uniform(0.6, 1.5, 2) / step).astype(int), 12)
    points = _lattice(scene, step, angle, np.maximum(count, 2))
    points = points[scene.rng.random(len(points)) < scene.uniform(0.75, 1)]
    return (
        to_canvas(scene, points, angle),
        np.full(len(points), diameter / 2),
        np.full(len(points), step.min()),
    )


def _blocks(scene: Scene, angle):
    """Blocks of tanks, each of its own size, with ways between them."""
    side = min(scene.uniform(70, 160), scene.width_m * 0.6)
    points, radii, spacing = [], [], []
    for corner in np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), -1).reshape(-1, 2) + scene.rng.uniform(-0.4, 0.4, 2):
        across = scene.integer(1, 4)
        step = side * 0.86 / across
        ticks = (np.arange(across) - (across - 1) / 2) * step
        grid = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2) + corner * side
        if np.abs(corner).max() > 0.5:  # the block in the middle is full
            grid = grid[scene.rng.random(len(grid)) < scene.pick([0.0, 0.8, 1.0], [0.15, 0.4, 0.45])]
        points.append(grid)
        radii.append(np.full(len(grid), step * scene.uniform(0.25, 0.42)))
        spacing.append(np.full(len(grid), step))
    return to_canvas(scene, np.concatenate(points), angle), np.concatenate(radii), np.concatenate(spacing)


def _apart(scene: Scene, angle):
    """A few tanks of different sizes that keep clear of each other."""
    largest = scene.width_m * scene.uniform(0.12, 0.4)
    points, radii = [], []
    for place in scene.rng.uniform(-0.45, 0.45, (40, 2)) * scene.width_m:
        radius = largest / 2 * scene.uniform(0.4, 1)
        if all(np.hypot(*(place - p)) > 1.25 * (radius + r) for p, r in zip(points, radii, strict=True)):
            points.append(place)
            radii.append(radius)
        if len(points) >= 3 and scene.chance(0.15):
            break
    radii = np.array(radii)
    return to_canvas(scene, points, angle), radii, radii * 2.5


def _bunds(scene: Scene, centres, spacing_m, angle) -> None:
    """Low walls round each tank, which would hold its oil, and the ground inside them."""
    outer = rectangles(centres, scene.px(spacing_m) * 0.98, scene.px(spacing_m) * 0.98, angle)
    inner = centres[:, None] + (outer - centres[:, None]) * 0.92
    wall = scene.colour(scene.pick(["soil", "concrete", "grass"]))
    scene.cast(outer, 1.5)
    scene.paint(scene.stamp(outer), wall * (1 + 0.08 * scene.noise(0.7, GRAIN))[..., None])
    floor = scene.colour(scene.pick(["soil", "concrete", "asphalt", "grass"]))
    scene.paint(
        scene.stamp(inner) * scene.uniform(0.6, 1),
        scene.surface(floor, floor * scene.uniform(0.75, 1.2), 1, 0.07, 1),
    )


def _ways(scene: Scene, centres, spacing_m, angle) -> None:
    """Roads beside the tanks and bright pipes that run along the rows and branch to a tank."""
    for _ in range(scene.integer(0, 2)):
        turned = angle + scene.pick([0, np.pi / 2])
        along = np.array([np.cos(turned), np.sin(turned)])
        chosen = scene.integer(0, len(centres) - 1)
        foot = centres[chosen] + scene.px(spacing_m[chosen]) * 0.55 * np.array([-along[1], along[0]])
        if scene.chance(0.6):
            road(scene, np.stack([foot - along * 2 * SIDE, foot + along * 2 * SIDE]), scene.uniform(4, 8))
        colour = scene.colour("steel") * scene.uniform(0.8, 1.3)
        for shift in range(scene.integer(1, 4)):
            moved = foot + scene.px(6 + 1.5 * shift) * np.array([-along[1], along[0]])
            scene.paint(
                scene.stroke(np.stack([moved - along * 2 * SIDE, moved + along * 2 * SIDE]), 0.7) * 0.8,
                colour,
            )
        scene.paint(scene.stroke(np.stack([centres[chosen], foot]), 0.7) * 0.8, colour)


def _sheds(scene: Scene, centres, radii_m, angle) -> None:
    """Pump houses, loading bays and cars where no tank stands."""
    spots = scene.rng.uniform(0.02, 0.98, (scene.integer(0, 14), 2)) * SIDE
    gaps = np.linalg.norm(spots[:, None] - centres[None], axis=-1) - scene.px(radii_m)[None]
    spots = spots[gaps.min(1) > scene.px(9)]
    sizes = scene.px(scene.rng.uniform(4, 14, (len(spots), 2)))
    shapes = rectangles(spots, sizes[:, 0], sizes[:, 1], angle)
    buildings(scene, shapes, scene.colours("flat roof", len(spots)), scene.uniform(3, 6))
    if len(spots) and scene.chance(0.5):
        beside_sheds = spots + scene.px(scene.rng.uniform(-9, 9, spots.shape))
        cars(scene, beside_sheds[gaps.min(1)[gaps.min(1) > scene.px(9)] > scene.px(16)], angle)


KINDS = [
    Kind(
        "storage tanks",
        ("storage tanks", "oil tanks", "a tank farm"),
        storage_tanks,
        (80, 330),
        seasonal=False,
    ),
    Kind(
        "baseball field",
        ("a baseball field", "a baseball ground"),
        baseball_field,
        (110, 330),
        shows=("baseball diamond",),
    ),
]
