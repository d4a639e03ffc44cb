"""Wetlands: pools, winding creeks and reeds, without a clear shore; water always shows, or it would be a pasture."""

import cv2
import numpy as np

from ..drawing.geometry import curve, edge
from ..drawing.ground import track, woods_at_edge
from ..drawing.plants import trees
from ..drawing.scene import Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE, PATCH
from ..kind import Kind

REEDS = [(128, 116, 86), (112, 104, 74), (96, 98, 62), (140, 124, 92), (84, 90, 58)]
LAYOUTS = {"pools": 0.35, "creeks": 0.35, "strings": 0.15, "open": 0.15}
APART = 26  # least difference in brightness between water and land, of values up to 255


def wetland(scene: Scene) -> None:
    _sedge(scene)
    layout = scene.pick(list(LAYOUTS), list(LAYOUTS.values()))
    wet = {"pools": _pools, "creeks": _creeks, "strings": _strings, "open": _open}[layout](scene)
    share = scene.uniform(0.5, 0.68) if layout == "open" else scene.uniform(0.2, 0.45)
    wet = wet - np.quantile(wet[::4, ::4], 1 - share)
    if scene.chance(0.12):
        woods_at_edge(scene)
    _fringe(scene, wet)
    _water(scene, wet)
    if scene.chance(0.55):
        dry = np.clip(-wet / 0.3 - 0.5, 0, 1)
        trees(scene, np.clip(0.2 * scene.noise(1.2, LAND) + 0.03, 0, 0.5) * dry, scene.uniform(3, 8))
    if scene.chance(0.12):
        track(scene, curve(scene, 0.1), scene.uniform(2, 4))


def _sedge(scene: Scene) -> None:
    """Wet meadow: grass of two tones, belts of sedge, tussocks down to the pixel."""
    first, other = scene.colour("grass"), scene.colour("grass")
    reed = np.array(scene.pick(REEDS), np.float32) * scene.uniform(0.75, 1.1)
    broad = scene.noise(scene.uniform(0.5, 2), LAND)
    tussocks = scene.noise(scene.uniform(0.5, 1.1), GRAIN)
    mix = np.clip(0.4 + 0.35 * broad, 0, 1)[..., None]
    belt = edge(broad + 0.3 * scene.noise(0.5, PATCH) - scene.uniform(-0.2, 1), scene.uniform(0.1, 0.6))
    scene.image = first + (other - first) * mix
    scene.image += (reed - scene.image) * (belt * scene.uniform(0.3, 0.85))[..., None]
    scene.texture(scene.uniform(0.05, 0.11) * tussocks + scene.uniform(0.03, 0.08) * scene.noise(0.7, MOTTLE))


def _fringe(scene: Scene, wet: np.ndarray) -> None:
    """Reeds that stand along the water, pale or dark and combed by the wind, with sodden ground behind them."""
    wide = scene.uniform(0.12, 0.5)
    behind = np.clip(wet / (2 * wide) + 1, 0, 1)
    scene.shade(behind * scene.uniform(0.1, 0.35), 0.6)
    combed = scene.noise(0.6, MOTTLE, scene.uniform(1.5, 3)) + 0.6 * scene.noise(1, GRAIN)
    stand = edge(wet + wide * np.clip(0.7 + 0.5 * scene.noise(0.8, PATCH), 0, 1.4), 0.15) * scene.uniform(0.5, 0.95)
    colour = np.array(scene.pick(REEDS), np.float32) if scene.chance(0.6) else scene.colour("tree")
    scene.paint(stand, colour * scene.uniform(0.7, 1.1) * (1 + 0.12 * combed)[..., None])


def _water(scene: Scene, wet: np.ndarray) -> None:
    """Dark or pale, but never of the land's own brightness; some of it under floating weeds."""
    colour, land = scene.colour("water"), float(scene.image[::8, ::8].mean())
    light = float(colour.mean())
    if abs(light - land) < APART:
        colour = colour * ((land - APART if land > 2 * APART else land + APART) / light)
    colour = colour + 0.3 * (colour.mean() - colour)  # what is stretched would look like dye
    calm = scene.noise(scene.uniform(1, 3), LAND)
    tone = 1 + scene.uniform(0.02, 0.06) * calm + scene.uniform(0.005, 0.02) * scene.noise(1, GRAIN)
    image = colour * tone[..., None]
    if scene.chance(0.4):  # weeds, where the water is still and shallow
        weeds = edge(scene.noise(scene.uniform(0.3, 1), PATCH) - scene.uniform(0.7, 1.4) - wet * 0.3, 0.4)
        image += (weeds * scene.uniform(0.3, 0.6))[..., None] * (scene.colour("grass") * 0.7 - image)
    scene.paint(edge(wet, scene.uniform(0.06, 0.2)), image, "water")


def _pools(scene: Scene) -> np.ndarray:
    """Depth [SIDE, SIDE], the greater the more surely under water: many pools of several sizes."""
    small = _lumps(scene, scene.uniform(60, 200))
    return small + scene.uniform(0.4, 1.2) * scene.noise(scene.uniform(0.4, 1.2), LAND)


def _lumps(scene: Scene, size_m: float) -> np.ndarray:
    """Noise of unit deviation without anything much larger than a size: pools of a like kind, not one lake."""
    size = int(np.clip(scene.px(size_m), 32, 100)) | 1
    lumps = cv2.GaussianBlur(scene.noise(scene.uniform(0.5, 1), PATCH), (0, 0), scene.uniform(1, 2.5))
    lumps = lumps - cv2.blur(lumps, (size, size))
    return lumps / lumps.std()


def _creeks(scene: Scene) -> np.ndarray:
    """Tidal creeks that branch and wind: the zero lines of noise, wider in the low parts, which are flooded."""
    bend = scene.noise(scene.uniform(0.4, 0.9), LAND) + 0.08 * scene.noise(0.3, PATCH)
    small = scene.noise(scene.uniform(0.18, 0.4), LAND)
    low = np.clip(0.7 + 0.5 * scene.noise(1.5, LAND), 0.2, 1.6)
    pools = 0.35 * (scene.noise(scene.uniform(0.4, 0.8), LAND) - scene.uniform(0.8, 1.8))
    return np.maximum.reduce([0.16 * low - np.abs(bend), 0.08 * low - np.abs(small), pools]) * 4


def _strings(scene: Scene) -> np.ndarray:
    """Parallel pools between ridges, as on a bog."""
    stretch = scene.uniform(2.2, 3.5)
    ridges = cv2.GaussianBlur(scene.noise(0.38 * stretch, PATCH, stretch, scene.angle()), (0, 0), 1.5)
    return ridges - 0.7 * cv2.blur(ridges, (61, 61)) + 0.1 * scene.noise(0.4, PATCH)


def _open(scene: Scene) -> np.ndarray:
    """Mostly water with islands of reed."""
    return _lumps(scene, scene.uniform(70, 240)) + scene.uniform(0.3, 0.9) * scene.noise(scene.uniform(0.4, 1), LAND)


KINDS = [Kind("wetland", ("a wetland", "a marsh", "marshland"), wetland, (80, 640), shows=("water",))]
