"""Round storage tanks, many at once: walls, roofs and shadows."""

import numpy as np

from ..drawing.geometry import in_view
from ..drawing.scene import Scene
from ..drawing.textures import GRAIN, MOTTLE


def circles(centres, radii, sides: int = 28) -> np.ndarray:
    """Circles as polygons [n, sides, 2] from centres [n, 2] and radii, in pixels."""
    turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    radii = np.broadcast_to(np.asarray(radii, np.float64), len(centres))
    return np.asarray(centres)[:, None] + radii[:, None, None] * np.stack([np.cos(turn), np.sin(turn)], -1)


def tanks(scene: Scene, centres, radii_m, height_m: float) -> None:
    """Round tanks at centres [n, 2] in pixels: wall, roof (cone, floating or plain), shadow."""
    seen = in_view(centres, 40)
    centres, radii = np.asarray(centres)[seen], scene.px(np.asarray(radii_m)[seen])
    if len(centres) == 0:
        return
    base = scene.colour(scene.pick(["flat roof", "steel", "concrete"], [0.6, 0.2, 0.2]))
    colours = np.clip(base * scene.rng.uniform(0.88, 1.08, (len(centres), 1)), 5, 245)
    scene.cast(circles(centres, radii), height_m)
    lean = scene.px(height_m) * scene.uniform(0, 0.2) * np.array([np.cos(scene.angle()), np.sin(scene.angle())])
    for part in (0, 0.35, 0.7):  # the wall, seen a little from the side
        scene.fill(circles(centres + part * lean, radii), colours * 0.72, "storage tank" if part == 0 else None)
    tops = centres + lean
    scene.fill(circles(tops, radii), colours * 0.85)
    scene.fill(circles(tops, np.maximum(radii - 0.8, 0.6)), colours)
    _tank_roofs(scene, tops, radii, colours)
    roofs = scene.stamp(circles(tops, radii))
    scene.texture(roofs * (0.05 * scene.noise(0.7, GRAIN) + 0.05 * scene.noise(1, MOTTLE)))


def _tank_roofs(scene: Scene, tops, radii, colours) -> None:
    style = scene.rng.choice(3, len(tops), p=[0.45, 0.35, 0.2])
    cone, floating = (style == 0) & (radii > 3), (style == 1) & (radii > 3)
    if cone.any():
        _cones(scene, tops[cone], radii[cone], colours[cone])
    if floating.any():  # a sunk disc in the shadow of the wall
        inner, size, paint = tops[floating], radii[floating], colours[floating]
        scene.fill(circles(inner, size * 0.9), paint * 0.6)
        scene.fill(circles(inner + scene.sun * (size * 0.16)[:, None], size * 0.73), paint * scene.uniform(0.8, 1))


def _cones(scene: Scene, tops, radii, colours) -> None:
    """Flat cones: each sector is as bright as it faces the sun; a vent in the middle."""
    rim = circles(tops, radii * 0.95, 16)
    after = np.roll(rim, -1, 1)
    sectors = np.stack([np.broadcast_to(tops[:, None], rim.shape), rim, after], 2)
    outward = (rim + after) / 2 - tops[:, None]
    outward /= np.linalg.norm(outward, axis=-1, keepdims=True)
    light = 1 - scene.uniform(0.03, 0.16) * (outward @ scene.sun)
    scene.fill(sectors.reshape(-1, 3, 2), np.clip(colours[:, None] * light[..., None], 5, 250).reshape(-1, 3))
    scene.fill(circles(tops, np.maximum(radii * 0.08, 0.7), 8), colours * 0.75)
