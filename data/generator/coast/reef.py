"""Coral reefs: shallow turquoise water, coral heads, channels, a line of surf towards the open sea."""

import cv2
import numpy as np

from ..drawing.geometry import MIDDLE
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE, PATCH
from ..kind import Kind
from .sea import FOAM, boats, local_metres, sea


def reef(scene: Scene) -> None:
    layout = scene.pick(["barrier", "ring", "patches", "spurs"], [0.35, 0.2, 0.25, 0.2])
    sea(scene, rough=0.0)
    scene.image *= min(1.0, scene.uniform(45, 75) / float(scene.image.mean()))  # deep water beside bright shallows
    height = {"barrier": _barrier, "ring": _ring, "patches": _patches, "spurs": _spurs}[layout](scene)
    height = height - np.quantile(height, 1 - scene.uniform(0.45, 0.72))  # the reef fills that share of the picture
    height = (
        np.tanh(1.5 * height / max(float(height.std()), 1e-3))
        if layout == "patches"
        else height / np.abs(height).max()
    )
    _shallows(scene, height)
    _coral(scene, height)
    if scene.chance({"patches": 0.12, "spurs": 0.5}.get(layout, 0.95)):
        _surf(scene, height)
    boats(scene, 0.15, 1)


def _ragged(scene: Scene) -> np.ndarray:
    return scene.noise(scene.uniform(0.8, 1.5), PATCH) * 0.5 + scene.noise(scene.uniform(0.5, 1), MOTTLE) * 0.14


def _barrier(scene: Scene) -> np.ndarray:
    """A reef across the picture with the open sea on one side and a lagoon on the other."""
    along, across = (metres.astype(np.float32) for metres in local_metres(scene, scene.uniform(0, 2 * np.pi)))
    bent = across / scene.width_m + 0.17 * scene.noise(1.6, LAND)
    scene.notes.append("along the open sea")
    return 1.2 * np.tanh(5 * bent) - 1.3 * np.clip(bent - 0.15, 0, 1) + 0.4 * _ragged(scene)


def _ring(scene: Scene) -> np.ndarray:
    """A round reef about a lagoon."""
    centre = MIDDLE + scene.rng.uniform(-0.12, 0.12, 2) * SIDE
    along, across = (metres.astype(np.float32) for metres in local_metres(scene, scene.angle(), centre))
    distance = np.hypot(along, across * scene.uniform(1, 1.5)) / scene.width_m + 0.05 * scene.noise(2, LAND)
    scene.notes.append("around a lagoon")
    return -np.abs(distance - scene.uniform(0.24, 0.34)) * 6 + 0.35 * _ragged(scene)


def _patches(scene: Scene) -> np.ndarray:
    """Separate patch reefs, each with its halo of pale sand, in a lagoon."""
    floor = np.array(scene.pick([(70, 134, 140), (58, 122, 134), (84, 140, 132)]), np.float32)
    scene.image = scene.image * 0.25 + 0.75 * scene.surface(floor, floor * scene.uniform(0.75, 1.2), 2, 0.02)
    shape, traits = scene.cells(scene.width_m * scene.uniform(0.16, 0.34))
    scene.notes.append("in separate patches")
    heads = cv2.GaussianBlur(0.55 - shape[..., 0] - 0.35 * traits[..., 0], (0, 0), scene.uniform(4, 7))
    return heads + scene.uniform(0.12, 0.24) * scene.noise(scene.uniform(0.5, 1), PATCH) + 0.15 * _ragged(scene)


def _spurs(scene: Scene) -> np.ndarray:
    """A fore reef: spurs of coral with channels between them, running down into the deep."""
    along, across = (metres.astype(np.float32) for metres in local_metres(scene, scene.uniform(0, 2 * np.pi)))
    slope = along / scene.width_m + 0.08 * scene.noise(2, LAND)
    bent = across / scene.width_m + 0.06 * scene.noise(0.9, LAND)  # no two channels are alike
    channels = np.sin(bent * scene.uniform(35, 80)) + 0.6 * np.sin(bent * scene.uniform(14, 34) + 1)
    reach = 0.2 + 0.1 * np.sin(bent * scene.uniform(8, 20))
    return 1.5 * slope + 0.26 * channels * np.exp(-((slope / reach) ** 2)) + 0.3 * _ragged(scene)


def _shallows(scene: Scene, height) -> None:
    """The colour of the water over the reef by its depth: deep, blue-green, turquoise, pale."""
    deep = scene.image
    green = np.array(scene.pick([(44, 116, 124), (52, 124, 118), (40, 104, 122)]), np.float32) * scene.uniform(
        0.85, 1.1
    )
    pale = np.array(scene.pick([(124, 178, 166), (136, 176, 156), (110, 172, 174)]), np.float32) * scene.uniform(
        0.88, 1.08
    )
    scene.image = deep + (green - deep) * np.clip(height / 0.35 + 0.75, 0, 1)[..., None]
    amount = np.clip(height * 1.6 + 0.15, 0, 1) * np.clip(0.75 + 0.35 * scene.noise(0.8), 0, 1)
    scene.paint(amount, pale * (1 + 0.04 * scene.noise(0.8, GRAIN))[..., None])
    scene.claim(height > 0, "shallows")


def _coral(scene: Scene, height) -> None:
    """Coral on the flat and single heads, brown and olive, mottled at every scale, with pale sand between."""
    first = np.array(scene.pick([(104, 86, 58), (84, 78, 52), (116, 88, 64), (74, 72, 50)]), np.float32)
    second = np.array(scene.pick([(56, 66, 54), (146, 126, 88), (50, 58, 54), (124, 98, 80)]), np.float32)
    mottle = scene.uniform(0.4, 0.8) * scene.noise(scene.uniform(0.5, 1.2), MOTTLE)
    mottle = mottle + 0.7 * scene.noise(scene.uniform(0.8, 1.6), PATCH)
    flat = np.clip((height - 0.14) * 8, 0, 1)  # the outermost rim stays bare
    cover = flat * np.clip((mottle + scene.uniform(0.1, 0.7)) * scene.uniform(0.6, 1.2), 0, 1)
    shape, traits = scene.cells(max(scene.uniform(4, 16), 5 * scene.gsd))
    heads = (shape[..., 0] < 0.38) & (traits[..., 0] < scene.uniform(0.15, 0.5)) & (height > -0.12)
    cover = np.maximum(cover, heads * np.clip(0.55 + 0.35 * mottle, 0, 1))
    texture = 1 + 0.22 * scene.noise(0.4, MOTTLE) + 0.1 * scene.noise(0.6, GRAIN)
    coral = (first + (second - first) * np.clip(0.5 + 0.5 * scene.noise(0.9), 0, 1)[..., None]) * texture[..., None]
    scene.paint(cover * scene.uniform(0.75, 0.97), coral, "reef")


def _surf(scene: Scene, height) -> None:
    """Breakers along the outer edge, in broken lines, with foam drifting over the flat."""
    edge_height = scene.uniform(0.0, 0.08)
    weather = np.clip(0.45 + 0.8 * scene.noise(1.6), 0, 1) if scene.chance(0.7) else 1.0
    line = np.exp(-(((height - edge_height) / scene.uniform(0.02, 0.045)) ** 2))
    drift = np.exp(-np.clip(height - edge_height, 0, 1) / 0.07) * (height > edge_height) * 0.55
    broken = np.clip(0.5 + 0.7 * scene.noise(0.8, MOTTLE), 0, 1)
    foam = np.clip((line + drift) * broken * weather * scene.uniform(0.8, 1.2), 0, 0.95)
    scene.paint(foam, FOAM)
    scene.claim(foam > 0.45, "surf")


KINDS = [Kind("reef", ("a reef", "a coral reef", "a shallow reef"), reef, (100, 600), ("reef",), False)]
