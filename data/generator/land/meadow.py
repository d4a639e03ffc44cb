"""Grassland: pastures, meadows, rough and wet ground, lawns (the grass: `swards`; marks on it: `pasture`)."""

import numpy as np

from ..drawing.built import buildings
from ..drawing.geometry import beside, edge, rectangles, rotate
from ..drawing.ground import woods_at_edge, yard
from ..drawing.plants import trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import LAND, PATCH
from ..kind import Kind
from . import drainage, pasture, swards


def grassland(scene: Scene) -> None:
    swards.sward(scene)
    layout = scene.pick([_pasture, _valley, _meadow, _rough, _lawn], [0.38, 0.28, 0.16, 0.08, 0.1])
    layout(scene)


def _some(scene: Scene, *parts) -> None:
    for chance, part in parts:
        if scene.chance(chance):
            part(scene)


def _pasture(scene: Scene) -> None:
    """Grazed ground: fences, paths that meet at a pond or a trough, worn and wet places."""
    angle = pasture.heading(scene)
    _some(scene, (0.6, swards.blotches), (0.4, swards.terraces), (0.45, _drained), (0.35, swards.worn))
    if scene.chance(0.5):
        pasture.fences(scene, angle)
    _some(scene, (0.3, pasture.strips), (0.35, pasture.scrapes), (0.25, pasture.wheel_tracks))
    knot = pasture.paths(scene) if scene.chance(0.55) else None
    if scene.chance(0.45):
        pasture.pond(scene, knot if scene.chance(0.6) else None)
    _some(scene, (0.5, _strays), (0.35, _hedge), (0.2, swards.dots), (0.16, woods_at_edge), (0.08, pasture.lane))
    if scene.chance(0.12):
        pasture.edge_road(scene, angle)
    _some(scene, (0.12, swards.farmyard))


def _drained(scene: Scene) -> None:
    drainage.veins(scene, swards.green(scene))


def _valley(scene: Scene) -> None:
    """Ground that a stream drains: veins, often with trees or reeds along them."""
    _some(scene, (0.5, swards.blotches), (0.3, swards.terraces), (0.12, swards.reeds))
    lines = drainage.veins(scene, swards.green(scene))
    if scene.chance(0.7):
        drainage.gallery(scene, lines)
    _some(scene, (0.3, pasture.pond), (0.3, pasture.scrapes), (0.3, pasture.paths), (0.2, woods_at_edge))


def _meadow(scene: Scene) -> None:
    """Hay and pale straw: growth in sharp blotches, faint mowing in a part, a hedge or a fence."""
    angle = pasture.heading(scene)
    _some(scene, (0.7, swards.blotches), (0.6, swards.mown), (0.6, swards.blotches), (0.4, swards.worn))
    if scene.chance(0.4):
        pasture.fences(scene, angle)
    _some(scene, (0.4, pasture.wheel_tracks), (0.3, _drained), (0.25, _strays), (0.15, swards.dots))
    _some(scene, (0.35, _hedge), (0.2, woods_at_edge), (0.06, pasture.lane), (0.1, swards.farmyard))
    if scene.chance(0.15):
        pasture.edge_road(scene, angle)


def _hedge(scene: Scene) -> None:
    pasture.hedge(scene, pasture.across(scene, 0.08))


def _rough(scene: Scene) -> None:
    """Tussocks, reeds, scrub and bare earth."""
    _some(scene, (1, swards.blotches), (0.6, swards.worn), (0.3, swards.reeds), (0.4, _drained))
    scrub = np.clip(scene.noise(scene.uniform(0.5, 1.2), PATCH) - scene.uniform(0.3, 1.2), 0, 1)
    trees(scene, scrub * scene.uniform(0.1, 0.4), scene.uniform(1.8, 4), kind="shrubs")
    _some(scene, (0.5, pasture.scrapes), (0.5, pasture.paths), (0.25, pasture.pond), (0.3, _strays))


def _strays(scene: Scene) -> None:
    """Single trees and a few groups in the open."""
    groups = np.clip(scene.noise(scene.uniform(0.6, 1.4), LAND) - scene.uniform(0.5, 1.3), 0, 1)
    density = scene.uniform(0, 0.012) + scene.uniform(0.03, 0.25) * groups
    trees(scene, density * (scene.owner == 0), scene.log_uniform(4, 10))


def _lawn(scene: Scene) -> None:
    """A lawn or playing field among houses: worn places, paths, trees along its sides and in groups."""
    angle = pasture.heading(scene)
    _some(scene, (0.7, swards.worn), (0.6, swards.blotches), (0.4, swards.mown))
    for _ in range(scene.pick([0, 1, 2], [0.5, 0.35, 0.15])):
        pale = scene.colour("concrete" if scene.chance(0.5) else "soil")
        scene.paint(scene.stroke(pasture.across(scene, 0.08), scene.uniform(1.8, 3)) * 0.9, pale, "track")
    _some(scene, (0.5, pasture.scrapes), (0.7, _strays), (0.4, _hedge))
    if scene.chance(0.6):
        _backyards(scene, angle + scene.pick([0, np.pi / 2, np.pi, -np.pi / 2]))


def _backyards(scene: Scene, angle: float) -> None:
    """A row of houses and gardens along one side of the picture."""
    offset = scene.uniform(0.28, 0.42)
    plots = edge(beside(scene, offset, angle, wobble=0), 0.01)
    yard(scene, plots, 0.8, 8)
    belt = plots * np.clip(0.4 + 0.5 * scene.noise(0.6, PATCH), 0, 1)
    trees(scene, belt * scene.uniform(0.15, 0.45), scene.uniform(4, 7))
    pitch = scene.uniform(16, 24)
    places = np.arange(-0.7 * scene.width_m, 0.7 * scene.width_m, pitch)
    places = places[scene.rng.random(len(places)) < 0.9]
    rows = [np.stack([np.full(len(places), offset * scene.width_m + back), places], -1) for back in (14, 44)]
    centres = rotate(np.concatenate(rows) + scene.rng.normal(0, 1.2, (2 * len(places), 2)), angle)
    sizes = scene.px(scene.rng.uniform((9, 8), (15, 11), (len(centres), 2)))
    shapes = rectangles(centres / scene.gsd + SIDE / 2, *sizes.T, angle)
    buildings(scene, shapes, scene.colours("shingles", len(centres)), 5, 0.15, kind="house")


NAMES = ("grassland", "grass", "a grass meadow", "a meadow", "grass land")
KINDS = [Kind("grassland", NAMES, grassland, (60, 620), shows=("grass",))]
