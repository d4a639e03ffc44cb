"""The built-up world around a station, a bridge or a junction: a street grid with roofs wherever there is room."""

import cv2
import numpy as np

from ..drawing.built import buildings
from ..drawing.geometry import in_view, local_m, rectangles, to_canvas
from ..drawing.ground import yard
from ..drawing.plants import trees
from ..drawing.scene import Scene
from ..drawing.textures import GRAIN, LAND
from .roofs import flat_roofs
from .shores import Streets


def city(scene: Scene, room: np.ndarray, angle: float | None = None, grain: str | None = None):
    """Streets and lived-in ground where `room` [SIDE, SIDE] is 1; returns what `fill_city` needs.

    The buildings come later: what lies between, water or tracks, must be painted before them.
    """
    grain = grain or scene.pick(["houses", "blocks", "halls"], [0.45, 0.35, 0.2])
    plot = {"houses": (13, 20), "blocks": (20, 32), "halls": (38, 70)}[grain]
    plot_m = max(scene.uniform(*plot), scene.width_m / 19)
    block = plot_m * scene.rng.integers(2, 6, 2) + scene.uniform(7, 13)
    streets = Streets(scene.angle() if angle is None else angle, block, plot_m, max(scene.uniform(6, 11), scene.gsd))
    gaps = np.clip(scene.noise(scene.uniform(1, 2), LAND) * 2.5 + scene.uniform(2.5, 8), 0, 1)  # parks and waste land
    where = (room * gaps).astype(np.float32)
    yard(scene, where, scene.uniform(0.5, 0.95), max(scene.uniform(6, 14), 4 * scene.gsd))
    u, v = local_m(scene, streets.angle)
    to_street = np.minimum(*(np.abs((w + b / 2) % b - b / 2) for w, b in zip((u, v), block.tolist(), strict=True)))
    lines = np.clip((streets.width_m / 2 - to_street) / scene.gsd + 0.5, 0, 1) * where
    scene.paint(lines, scene.colour("asphalt") * (1 + 0.05 * scene.noise(1, GRAIN))[..., None], "road")
    return where, streets


def fill_city(scene: Scene, place) -> None:
    """A building on most plots, wholly inside the room that `city` was given, trees between them."""
    where, streets = place
    plots = _plots(scene, where, streets)
    if len(plots) == 0:
        return
    plot = streets.plot_m
    large = plot > 30
    sizes = plot * scene.rng.uniform(0.38, 0.85 if large else 0.72, (len(plots), 2))
    turned = streets.angle + scene.rng.normal(0, 0.03, len(plots))
    shapes = rectangles(plots, scene.px(sizes[:, 0]), scene.px(sizes[:, 1]), turned)
    if scene.chance(0.75):
        trees(scene, where * scene.uniform(0.05, 0.35), scene.uniform(4, 8))
    heights = scene.rng.uniform(4, 14 if large else 7, len(plots))
    if large:
        flat_roofs(scene, shapes, scene.colours("flat roof", len(plots), 6) * 0.92, heights)
    else:
        palette = scene.pick(["roof", "tiles", "shingles"])
        buildings(scene, shapes, scene.colours(palette, len(plots), 5), heights, 0.15, kind="house")


def _plots(scene: Scene, where, streets: Streets) -> np.ndarray:
    """Plot centres [n, 2] in pixels clear of streets and of the room's edge."""
    centres = []
    for block in streets.block_m:
        count = max(int((block - streets.width_m) / streets.plot_m), 1)
        first = (np.arange(count) - (count - 1) / 2) * streets.plot_m + block / 2
        reach = int(scene.width_m * 0.75 / block) + 1
        centres.append((np.arange(-reach, reach)[:, None] * block + first).ravel())
    grid = np.stack(np.meshgrid(*centres), -1).reshape(-1, 2)
    plots = to_canvas(scene, grid + scene.rng.normal(0, 0.04, grid.shape) * streets.plot_m, streets.angle)
    plots = plots[in_view(plots, 0)]
    x, y = plots.astype(int).T
    kernel = np.ones((max(int(scene.px(streets.plot_m)) | 1, 3),) * 2, np.uint8)
    clear = cv2.erode((where > 0.5).astype(np.uint8), kernel)
    return plots[(clear[y, x] > 0) & (scene.rng.random(len(plots)) < scene.uniform(0.4, 0.97))]
