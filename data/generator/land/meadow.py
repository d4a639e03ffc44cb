"""Grassland: pastures, meadows and lawns with the marks that water, animals, machines and people leave in them."""

import numpy as np

from ..drawing.built import scattered_houses
from ..drawing.geometry import beside, curve, edge, straight
from ..drawing.ground import furrows, grass, road, track, tree_line, water_surface, woods_at_edge
from ..drawing.plants import trees
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import LAND, MOTTLE, PATCH
from ..kind import Kind


def grassland(scene: Scene) -> None:
    scene.image = grass(scene, 1.2)
    _mottle(scene)
    layout = scene.pick(["pasture", "meadow", "rough", "park"], [0.45, 0.25, 0.2, 0.1])
    {"pasture": _pasture, "meadow": _meadow, "rough": _rough, "park": _park}[layout](scene)
    if scene.chance(0.35):
        _border(scene)
    for chance, part in ((0.2, woods_at_edge), (0.2, tree_line), (0.15, _pond), (0.15, _way)):
        if scene.chance(chance):
            part(scene)
    if scene.chance(0.15):
        scattered_houses(scene, scene.integer(1, 4))


def _mottle(scene: Scene) -> None:
    """Tones at several scales: wet and dry ground, tufts, worn places."""
    for zoom, depth in ((scene.uniform(1.5, 3), 0.09), (scene.uniform(0.5, 1.2), 0.06)):
        scene.texture(scene.uniform(0.2, 1) * depth * scene.noise(zoom, scene.pick([LAND, PATCH])))
    if scene.chance(0.7):
        other = scene.colour("grass" if scene.chance(0.7) else "soil")
        amount = edge(scene.noise(scene.uniform(0.6, 2.5), LAND) - scene.uniform(-0.2, 1.2), scene.uniform(0.1, 1.2))
        scene.paint(amount * scene.uniform(0.15, 0.6), scene.surface(other, other * 0.85, 1, 0.07))


def _drains(scene: Scene, depth: float) -> None:
    """Wet lines that wind and branch: darker, or greener, than the grass beside them."""
    field = np.abs(scene.noise(scene.uniform(0.4, 1.2), LAND) + 0.1 * scene.noise(0.4, PATCH))
    wide = scene.uniform(0.03, 0.1) * np.clip(0.7 + 0.6 * scene.noise(2, LAND), 0, 2)
    line = np.clip(1 - field / np.maximum(wide, 0.004), 0, 1)
    if scene.chance(0.5):
        scene.shade(line, depth)
    else:
        scene.paint(line * depth * 1.6, scene.colour("grass") * 0.85)


def _paths(scene: Scene, most: int) -> None:
    """Faint trodden lines that meet at one place, as cattle make them."""
    knot = scene.rng.uniform(0.15, 0.85, 2) * SIDE
    for _ in range(scene.integer(1, most)):
        turn, t = scene.uniform(0, 2 * np.pi), np.linspace(0, 1.3, 16)
        aside = scene.uniform(-0.2, 0.2) * np.sin(np.pi * t) + scene.uniform(-0.06, 0.06) * np.sin(7 * t)
        ahead = np.array([np.cos(turn), np.sin(turn)])
        points = knot + SIDE * (t[:, None] * ahead + aside[:, None] * np.array([-ahead[1], ahead[0]]))
        strength = scene.uniform(0.2, 0.7)
        scene.paint(scene.stroke(points, scene.uniform(0.6, 1.6)) * strength, scene.colour("soil") * 1.05)
    if scene.chance(0.4):  # where animals gather
        worn = np.exp(-np.hypot(COLUMNS - knot[0], ROWS - knot[1]) / scene.px(scene.uniform(4, 14)))
        worn = np.clip(worn * (1.5 + 0.3 * scene.noise(1, MOTTLE)), 0, 1)
        scene.paint(worn, scene.colour("soil"), "bare soil")


def _pasture(scene: Scene) -> None:
    if scene.chance(0.6):
        _drains(scene, scene.uniform(0.1, 0.35))
    if scene.chance(0.6):
        _paths(scene, 4)
    if scene.chance(0.35):  # old plough ridges under the grass
        furrows(scene, None, scene.uniform(0.01, 0.035), scene.uniform(5, 14))
    if scene.chance(0.55):
        patchy = np.clip(scene.noise(scene.uniform(1, 2.5), LAND) - 0.3, 0, 2.5)
        trees(scene, scene.uniform(0.02, 0.09) * patchy, scene.log_uniform(3.5, 10))


def _meadow(scene: Scene) -> None:
    """Mown or about to be: broad passes of the mower, some turned at the ends."""
    furrows(scene, None, scene.uniform(0.01, 0.05), scene.log_uniform(2.5, 9), None, 0 if scene.chance(0.5) else None)
    if scene.chance(0.4):
        done = edge(beside(scene, scene.uniform(-0.3, 0.3), wobble=0.0), 0.01)
        scene.paint(done * scene.uniform(0.2, 0.5), scene.image * scene.rng.uniform(0.9, 1.2, 3))
    if scene.chance(0.4):
        _drains(scene, scene.uniform(0.08, 0.25))


def _rough(scene: Scene) -> None:
    """Tussocks, scrub and bare earth."""
    scene.texture(scene.uniform(0.05, 0.14) * scene.noise(scene.uniform(0.3, 0.8), PATCH))
    bare = np.clip((scene.noise(scene.uniform(0.3, 1.5)) - scene.uniform(0.5, 1.6)) * 1.5, 0, 1)
    earth = scene.surface(scene.colour("soil"), scene.colour("soil"))
    scene.paint(bare * scene.uniform(0.3, 0.9), earth, "bare soil")
    scrub = np.clip(scene.noise(scene.uniform(0.6, 2), LAND) - scene.uniform(-0.3, 0.8), 0, 1)
    trees(scene, scrub * scene.uniform(0.1, 0.5), scene.uniform(1.8, 4), kind="shrubs")
    if scene.chance(0.4):
        _drains(scene, scene.uniform(0.1, 0.3))


def _park(scene: Scene) -> None:
    """Lawns with paths, single trees and groups."""
    for _ in range(scene.integer(1, 3)):
        pale = scene.colour("concrete" if scene.chance(0.5) else "soil")
        scene.paint(scene.stroke(curve(scene, 0.3), scene.uniform(2, 4)), pale, "track")
    groups = np.clip(scene.noise(scene.uniform(0.7, 1.5), LAND) - scene.uniform(-0.2, 0.5), 0, 1)
    trees(scene, groups * scene.uniform(0.15, 0.5), scene.uniform(5, 10))


def _border(scene: Scene) -> None:
    """A fence line: the grass beyond is grazed otherwise, and a path or a hedge runs along it."""
    angle, offset = scene.angle(), scene.uniform(-0.3, 0.35)
    field = beside(scene, offset, angle, wobble=0.0 if scene.chance(0.7) else 0.02)
    scene.paint(edge(field, 0.008) * scene.uniform(0.2, 0.8), grass(scene))
    line = np.clip(1 - np.abs(field) * SIDE / max(scene.px(scene.uniform(1, 3)), 0.8), 0, 1)
    scene.paint(line * scene.uniform(0.2, 0.7), scene.colour("soil" if scene.chance(0.6) else "tree"))
    if scene.chance(0.35):
        trees(scene, (np.abs(field) * scene.width_m < 4) * 0.6, scene.uniform(4, 7), kind="hedges")


def _pond(scene: Scene) -> None:
    """A small muddy pond in a hollow."""
    centre, radius = scene.rng.uniform(0.15, 0.85, 2) * SIDE, min(scene.px(scene.uniform(5, 18)), 0.13 * SIDE)
    shape = radius - np.hypot(COLUMNS - centre[0], (ROWS - centre[1]) * scene.uniform(0.7, 1.4))
    shape = shape + scene.uniform(0.3, 0.8) * radius * scene.noise(scene.uniform(0.15, 0.5), LAND)
    scene.paint(np.clip(shape / 3 + 1.2, 0, 1) * 0.7, scene.colour("soil"))
    muddy = scene.surface(scene.colour("soil"), scene.colour("water"), 2)
    water = water_surface(scene) if scene.chance(0.4) else muddy
    scene.paint(np.clip(shape + 0.5, 0, 1), water, "pond")


def _way(scene: Scene) -> None:
    if scene.chance(0.5):
        road(scene, straight(scene), scene.uniform(4, 8))
    else:
        track(scene, curve(scene), scene.uniform(1.5, 3.5))


KINDS = [Kind("grassland", ("grassland", "grass", "a grass meadow"), grassland, (60, 620), shows=("grass",))]
