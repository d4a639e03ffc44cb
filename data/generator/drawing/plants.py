"""Trees: single crowns with their shadows, and closed canopy."""

import numpy as np

from .scene import COLUMNS, ROWS, SIDE, Scene
from .textures import GRAIN, MOTTLE


def trees(scene: Scene, density, crown_m: float, colours=None, fill=0.62, roundness=0.55, kind="trees") -> np.ndarray:
    """Scatter crowns; `density` is the share of places taken (a number, or [SIDE, SIDE] read at each crown).

    Returns the crowns' mask. `roundness` is how strongly the sunlit side differs from the other.
    """
    shape, traits = scene.cells(crown_m)
    size = max(scene.px(crown_m), 1.2)
    distance = shape[..., 0]
    if np.ndim(density):
        x = np.clip(COLUMNS - shape[..., 1] * size, 0, SIDE - 1).astype(np.int16)
        y = np.clip(ROWS - shape[..., 2] * size, 0, SIDE - 1).astype(np.int16)
        density = density[y, x]
    if size > 5:  # ragged outlines where they can be seen
        distance = distance + 0.09 * scene.noise(max(0.3, size / 24), MOTTLE)
    mask = (traits[..., 1] < density) & (distance < fill)
    if not mask.any():
        return mask.astype(np.float32)
    _crown_shadows(scene, mask, crown_m)
    scene.paint(mask.astype(np.float32), _crowns(scene, shape, traits, distance / fill, colours, roundness), kind)
    return mask.astype(np.float32)


def _crown_shadows(scene: Scene, mask: np.ndarray, crown_m: float) -> None:
    reach = scene.px(crown_m * 0.8 * scene.shadow_length)
    if reach < 0.7:
        return
    shadow = np.zeros_like(mask)
    for part in (0.5, 1.0):
        dx, dy = np.round(scene.sun * reach * part).astype(int)
        shadow |= np.roll(mask, (dy, dx), (0, 1))
    scene.shade((shadow & ~mask).astype(np.float32))


def _crowns(scene, shape, traits, distance, colours, roundness) -> np.ndarray:
    first, second = colours if colours is not None else (scene.colour("tree"), scene.colour("tree"))
    lit = shape[..., 1] * scene.sun[0] + shape[..., 2] * scene.sun[1]
    light = 1 - roundness * 1.6 * lit - 0.35 * roundness * distance**2
    light = light * (1 + 0.1 * scene.noise(1, GRAIN))
    return (first + (second - first) * traits[..., 2:3]) * (light * (0.75 + 0.5 * traits[..., 0]))[..., None]


def canopy(scene: Scene, crown_m: float | None = None, density=1.0, mask=None, kind="forest") -> None:
    """Closed woodland over the canvas, or composited through a soft mask."""
    stand = woodland(scene, crown_m or scene.uniform(4, 10), density)
    if mask is None:
        scene.image = stand
        scene.claim(np.ones((SIDE, SIDE), bool), kind)
    else:
        scene.paint(mask, stand, kind)


def woodland(scene: Scene, crown_m: float, density=1.0) -> np.ndarray:
    """An image [SIDE, SIDE, 3] of trees of several sizes seen from above, lit along their common relief.

    Large crowns stand above smaller ones; what is lower lies in their shadow. Crowns too small for the canvas
    become grain of the same light and colours.
    """
    height = np.full((SIDE, SIDE), 0.12, np.float32)
    colour = scene.colour("tree") * scene.uniform(0.4, 0.8) if scene.chance(0.8) else scene.colour("soil") * 0.8
    image = np.broadcast_to(colour.astype(np.float32), (SIDE, SIDE, 3)).copy()
    species = np.stack([scene.colour("conifer" if scene.chance(0.3) else "tree") for _ in range(3)])
    pointed = scene.uniform(0.8, 2)
    stands = 0.15 + 0.15 * scene.noise(scene.uniform(1, 3))
    for share in (1.0, scene.uniform(0.5, 0.75), scene.uniform(0.3, 0.45)):
        if share == 1 or scene.px(crown_m * share) > 1.5:
            _crown_layer(scene, crown_m * share, share, density, (species, stands), pointed, (image, height))
    return image * _relief_light(scene, height, scene.px(crown_m))[..., None]


def _crown_layer(scene: Scene, crown_m, share, density, species, pointed, canvas) -> None:
    """Put crowns of about one size wherever they are higher than what stands there already."""
    image, height = canvas
    if scene.px(crown_m) < 2.2:
        traits = np.clip(0.5 + 0.25 * scene.noise(1, GRAIN)[..., None] * np.ones(3, np.float32), 0, 1)
        top, present = share * (0.45 + 0.5 * traits[..., 0]), True
    else:
        shape, traits = scene.cells(crown_m)
        top = share * (0.55 + 0.45 * traits[..., 0]) * (1 - np.clip(shape[..., 0] * 1.05, 0, 1) ** pointed)
        present = traits[..., 1] < density * (1 if share < 1 else 0.8)
    above = present & (top > height)
    colours, stands = species
    traits = traits[above]
    kind = np.clip((traits[:, 2] * 0.7 + stands[above]) * len(colours), 0, len(colours) - 1).astype(np.int8)
    image[above] = colours[kind] * (0.8 + 0.4 * traits[:, :1])
    height[above] = top[above]


def _relief_light(scene: Scene, height: np.ndarray, crown_px: float) -> np.ndarray:
    """Brightness [SIDE, SIDE] of a relief: sides that face the sun, hollows, and the shadows of what is higher."""
    rugged = scene.uniform(0.5, 1.1)
    step = np.round(scene.sun * max(crown_px * 0.16, 1)).astype(int)
    sunward = np.roll(height, tuple(step[::-1]), (0, 1))
    light = 0.7 + 0.55 * height + rugged * np.clip(height - sunward, -0.6, 0.6)
    reach = np.round(scene.sun * max(crown_px * 0.45, 1.4)).astype(int)
    shaded = np.clip((np.roll(height, tuple(reach[::-1]), (0, 1)) - height - 0.3) * 2.5, 0, 1)
    light = np.clip(light, 0.25, 1.7) * (1 - scene.shadow_depth * shaded)
    light *= 1 + 0.07 * scene.noise(1, GRAIN)
    return light * (1 + scene.uniform(0, 0.16) * scene.noise(scene.uniform(0.8, 3)))
