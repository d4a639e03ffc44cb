"""Wetlands: shallow pools, winding creeks and reeds, without a clear shore."""

import numpy as np

from ..drawing.geometry import curve, edge
from ..drawing.ground import grass, track, water_surface, woods_at_edge
from ..drawing.plants import trees
from ..drawing.scene import Scene
from ..drawing.textures import LAND, MOTTLE, PATCH
from ..kind import Kind


def wetland(scene: Scene) -> None:
    scene.image = grass(scene, 1.3)
    _reeds(scene)
    layout = scene.pick(["pools", "creeks", "strings", "open"], [0.4, 0.3, 0.2, 0.1])
    wet = {"pools": _pools, "creeks": _creeks, "strings": _strings, "open": _open}[layout](scene)
    wet = wet + max(0.1 - float(np.quantile(wet, scene.uniform(0.6, 0.88))), 0)  # enough water to be seen
    rim = np.clip(wet / 0.5 + 1, 0, 1) * (wet < 0.5)  # sodden ground around the water
    scene.shade(rim * scene.uniform(0.3, 0.7), 0.45)
    water = water_surface(scene)
    if scene.chance(0.6):  # weeds under and on the water
        weeds = np.clip(scene.noise(scene.uniform(0.3, 1), PATCH) - scene.uniform(-0.2, 1), 0, 1) * 0.7
        water = water + weeds[..., None] * (scene.colour("grass") * 0.6 - water)
    scene.paint(edge(wet, scene.uniform(0.1, 0.35)), water, "water")
    if scene.chance(0.6):
        trees(scene, np.clip(0.12 * scene.noise(1.5, LAND), 0, 0.5) * (wet < -0.2), scene.uniform(3, 8))
    if scene.chance(0.15):
        woods_at_edge(scene)
    if scene.chance(0.15):
        track(scene, curve(scene, 0.1), scene.uniform(2, 4))


def _reeds(scene: Scene) -> None:
    """Belts of reed and sedge, paler or browner than the grass."""
    for _ in range(scene.integer(1, 3)):
        belt = edge(scene.noise(scene.uniform(0.5, 2), LAND) - scene.uniform(-0.3, 0.9), scene.uniform(0.1, 0.6))
        colour = scene.colour("soil" if scene.chance(0.5) else "grass") * scene.uniform(0.75, 1.1)
        scene.paint(belt * scene.uniform(0.4, 0.9), scene.surface(colour, colour * 0.8, 0.6, 0.12))
    scene.texture(scene.uniform(0.05, 0.12) * scene.noise(scene.uniform(0.4, 0.8), MOTTLE))


def _pools(scene: Scene) -> np.ndarray:
    """Signed depth [SIDE, SIDE], positive under water: many pools of several sizes."""
    large = scene.noise(scene.uniform(0.3, 0.9), LAND)
    small = scene.noise(scene.uniform(0.12, 0.4), PATCH)
    return 0.6 * large + 0.9 * small - scene.uniform(0.4, 1.0)


def _creeks(scene: Scene) -> np.ndarray:
    """Tidal creeks that branch and wind: the zero lines of noise, wider in the low parts."""
    wide = scene.uniform(0.06, 0.16)
    bend = scene.noise(scene.uniform(0.4, 0.9), LAND) + 0.12 * scene.noise(0.3, PATCH)
    small = scene.noise(scene.uniform(0.15, 0.35), LAND)
    low = np.clip(0.6 + 0.5 * scene.noise(2, LAND), 0.1, 1.5)
    pools = scene.noise(scene.uniform(0.4, 0.8), LAND) - scene.uniform(1, 2)
    return np.maximum.reduce([wide * low - np.abs(bend), 0.5 * wide * low - np.abs(small), 0.3 * pools]) * 5


def _strings(scene: Scene) -> np.ndarray:
    """Parallel pools between ridges, as on a bog."""
    angle = scene.angle()
    ridges = scene.noise(scene.uniform(0.2, 0.45), LAND, scene.uniform(2.5, 5), angle)
    return 0.9 * ridges + 0.4 * scene.noise(0.4, PATCH) - scene.uniform(0.1, 0.7)


def _open(scene: Scene) -> np.ndarray:
    """Mostly water with islands of reed."""
    return scene.uniform(-0.1, 0.4) + scene.noise(scene.uniform(0.2, 0.6), LAND) * 0.9 + 0.5 * scene.noise(0.3, PATCH)


KINDS = [Kind("wetland", ("a wetland", "a marsh", "marshland"), wetland, (80, 640), shows=("water",))]
