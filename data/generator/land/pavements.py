"""Paved ground: its greys from fresh asphalt to pale concrete, patches, what was mended."""

import numpy as np

from ..drawing.geometry import rectangles
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import MOTTLE

# Chances and brightnesses of the ground: fresh and black, in use, bleached, concrete.
SURFACES = ((0.18, 40, 66), (0.34, 66, 108), (0.28, 108, 150), (0.2, 140, 205))


def pavement(scene: Scene, grey: float | None = None) -> np.ndarray:
    """The colour of paved ground: grey with hardly any tint, from near black to pale concrete."""
    if grey is None:
        _, low, high = scene.pick(SURFACES, [share for share, _, _ in SURFACES])
        grey = scene.uniform(low, high)
    warm = scene.uniform(-0.015, 0.05) + 0.03 * (grey > 130)
    return np.float32([grey * (1 + warm), grey * (1 + 0.3 * warm), grey * (1 - warm)])


def paved(scene: Scene, shade: float = 1.0) -> np.ndarray:
    """An image of paved ground in patches of two ages."""
    first, second = pavement(scene), pavement(scene)
    return patched(scene, first * shade, (first * 0.5 + second * 0.5) * shade)


def patched(scene: Scene, first, second) -> np.ndarray:
    """An image of ground wandering between two colours; one noise, turned, does for grain of two kinds."""
    mix = np.clip(0.5 + 0.5 * scene.noise(scene.uniform(0.5, 2.5)), 0, 1)
    fine = scene.noise(scene.uniform(0.6, 1.2), MOTTLE)
    return (first + (second - first) * mix[..., None]) * (1 + 0.07 * fine + 0.06 * fine.T[::-1])[..., None]


def overlay(scene: Scene) -> np.ndarray:
    """Some straight-edged stretches [SIDE, SIDE] that were mended or laid anew."""
    count = scene.integer(1, 5)
    sizes = scene.rng.uniform(0.08, 0.9, (2, count)) * SIDE
    return scene.stamp(rectangles(scene.rng.uniform(0, SIDE, (count, 2)), *sizes, scene.angle()))
