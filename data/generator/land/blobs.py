"""Small lobed shapes scattered over the canvas: greens, bunkers, ponds; cheap however far apart they lie."""

import cv2
import numpy as np

from ..drawing.scene import SHIFT, SIDE, Scene


def blobs(scene: Scene, centres, radii_m, stretch=1.0, angles=0.0) -> np.ndarray:
    """Lobed outlines [n, 28, 2] in pixels, drawn out along their angles."""
    count = len(centres)
    turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    waves = np.stack([np.cos(k * turn + scene.rng.uniform(0, 6, (count, 1))) for k in (2, 3, 4)])
    lobes = 1 + (waves * scene.rng.uniform(0, [[[0.2]], [[0.17]], [[0.1]]], (3, count, 1))).sum(0)
    reach = np.maximum(scene.px(np.asarray(radii_m)), 0.9)[:, None] * lobes
    x, y = reach * np.cos(turn) * np.reshape(stretch, (-1, 1)), reach * np.sin(turn)
    cos, sin = (np.reshape(f(angles), (-1, 1)) for f in (np.cos, np.sin))
    return np.asarray(centres)[:, None] + np.stack([x * cos - y * sin, x * sin + y * cos], -1)


def soft(polygons) -> np.ndarray:
    """The union of polygons [n, k, 2] as a mask [SIDE, SIDE] with smooth edges."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for shape in np.round(np.asarray(polygons) * 2**SHIFT).astype(np.int32):
        cv2.fillPoly(mask, [shape], 255, cv2.LINE_AA, SHIFT)
    return mask.astype(np.float32) / 255


def dab(scene: Scene, mask: np.ndarray, colour, tone=None, kind: str | None = None) -> None:
    """What `Scene.paint` does, for masks that are scattered over the canvas yet cover little of it."""
    on = mask > 0
    colour = colour if tone is None else colour * tone[on][:, None]
    scene.image[on] += (colour - scene.image[on]) * mask[on][:, None]
    if kind is not None:
        scene.claim(mask > 0.5, kind)
