"""Trees: single crowns with their shadows, and closed canopy."""

import numpy as np

from .scene import COLUMNS, ROWS, SIDE, Scene
from .textures import GRAIN, MOTTLE


def trees(
    scene: Scene, density, crown_m: float, colours=None, fill=0.62, roundness=0.55, kind="trees"
) -> np.ndarray:
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
    scene.paint(
        mask.astype(np.float32), _crowns(scene, shape, traits, distance / fill, colours, roundness), kind
    )
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
    before, owner = scene.image, scene.owner.copy()
    crown = crown_m or scene.uniform(4, 10)
    floor = (
        scene.colour("tree") * scene.uniform(0.35, 0.7) if scene.chance(0.75) else scene.colour("soil") * 0.75
    )
    scene.image = scene.surface(floor, floor * 1.2, 1, 0.1)
    trees(scene, density, crown, fill=scene.uniform(0.55, 0.8), roundness=scene.uniform(0.35, 0.8), kind=None)
    scene.texture(scene.uniform(0, 0.22) * scene.noise(scene.uniform(0.8, 3)))
    scene.owner = owner
    if mask is None:
        scene.claim(np.ones((SIDE, SIDE), bool), kind)
        return
    scene.image = before + (scene.image - before) * mask[..., None]
    scene.claim(mask > 0.5, kind)
