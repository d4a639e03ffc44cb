"""Grassland: pastures, meadows, rough ground and parkland (their marks: see `swards`)."""

import numpy as np

from ..drawing.geometry import beside, curve, edge, straight
from ..drawing.ground import furrows, road, track, tree_line, woods_at_edge
from ..drawing.plants import trees
from ..drawing.scene import Scene
from ..drawing.textures import LAND
from ..kind import Kind
from . import swards


def grassland(scene: Scene) -> None:
    swards.sward(scene)
    layout = scene.pick(["pasture", "meadow", "rough", "park"], [0.5, 0.2, 0.2, 0.1])
    {"pasture": _pasture, "meadow": _meadow, "rough": _rough, "park": _park}[layout](scene)
    for chance, part in ((0.3, swards.paddock), (0.15, woods_at_edge), (0.12, _way)):
        if scene.chance(chance):
            part(scene)
    if scene.chance(0.1):
        swards.farmyard(scene)


def _some(scene: Scene, *parts) -> None:
    for chance, part in parts:
        if scene.chance(chance):
            part(scene)


def _pasture(scene: Scene) -> None:
    _some(
        scene,
        (0.7, swards.patches),
        (0.4, swards.old_furrows),
        (0.3, swards.paddock),
        (0.65, _drained),
        (0.4, swards.scrapes),
        (0.25, swards.wheel_tracks),
        (0.35, swards.muddy_pond),
        (0.2, swards.dots),
    )
    if scene.chance(0.55):
        swards.paths(scene, 4)
    if scene.chance(0.4):
        patchy = np.clip(scene.noise(scene.uniform(1, 2.5), LAND) - 0.6, 0, 2)
        trees(scene, scene.uniform(0.02, 0.08) * patchy, scene.log_uniform(3.5, 10))


def _drained(scene: Scene) -> None:
    """Veins, now and then with trees and bushes standing along them."""
    trunk = swards.veins(scene)
    if scene.chance(0.3):
        beside_it = scene.stroke(trunk, scene.uniform(4, 14)) * np.clip(scene.noise(2, LAND) + 0.3, 0, 1)
        trees(scene, beside_it * scene.uniform(0.4, 0.9), scene.uniform(3, 8))


def _meadow(scene: Scene) -> None:
    """Mown in part: broad faint passes on one side of a line, and what grows unevenly."""
    done = edge(beside(scene, scene.uniform(-0.6, 0.3), wobble=0.03), 0.02)
    fade = done * np.clip(0.5 + 0.6 * scene.noise(scene.uniform(1, 2), LAND), 0, 1)
    furrows(scene, fade, scene.uniform(0.015, 0.05), scene.log_uniform(3, 9), None, scene.uniform(0, 3))
    _some(
        scene,
        (0.7, swards.patches),
        (0.4, swards.wheel_tracks),
        (0.35, _drained),
        (0.3, swards.scrapes),
        (0.25, swards.dots),
        (0.25, tree_line),
    )


def _rough(scene: Scene) -> None:
    """Tussocks, scrub and bare earth."""
    swards.patches(scene)
    _some(scene, (0.6, swards.patches), (0.5, swards.scrapes), (0.4, _drained), (0.25, swards.muddy_pond))
    scrub = np.clip(scene.noise(scene.uniform(0.6, 2), LAND) - scene.uniform(0.2, 1.2), 0, 1)
    trees(scene, scrub * scene.uniform(0.1, 0.5), scene.uniform(1.8, 4), kind="shrubs")


def _park(scene: Scene) -> None:
    """Lawns with paths, worn places, single trees and groups."""
    for _ in range(scene.integer(1, 3)):
        pale = scene.colour("concrete" if scene.chance(0.5) else "soil")
        scene.paint(scene.stroke(curve(scene, 0.3), scene.uniform(2, 4)), pale, "track")
    _some(scene, (0.7, swards.patches), (0.5, swards.scrapes))
    groups = np.clip(scene.noise(scene.uniform(0.7, 1.5), LAND) - scene.uniform(0.2, 0.9), 0, 1)
    trees(scene, groups * scene.uniform(0.2, 0.6), scene.uniform(5, 10))


def _way(scene: Scene) -> None:
    if scene.chance(0.5):
        road(scene, straight(scene), scene.uniform(4, 8))
    else:
        track(scene, curve(scene), scene.uniform(1.5, 3.5))


KINDS = [Kind("grassland", ("grassland", "grass", "a grass meadow"), grassland, (60, 620), shows=("grass",))]
