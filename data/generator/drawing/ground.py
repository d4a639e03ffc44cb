"""What scenes stand on: grass, soil, paving, furrows, water and its shores, roads with their cars."""

import numpy as np

from .geometry import beside, edge, rectangles, straight
from .plants import canopy, trees
from .scene import COLUMNS, ROWS, Scene
from .textures import GRAIN, LAND, MOTTLE, PATCH


def grass(scene: Scene, rough: float = 1.0) -> np.ndarray:
    """An image of grass [SIDE, SIDE, 3]."""
    first, second = scene.colour("grass"), scene.colour("grass")
    second = first + (second - first) * scene.uniform(0.2, 1)
    grain = scene.uniform(0.035, 0.1) * rough
    return scene.surface(first, second, scene.uniform(0.5, 3), grain, scene.uniform(0.4, 1))


def soil(scene: Scene) -> np.ndarray:
    return scene.surface(scene.colour("soil"), scene.colour("grass"), scene.uniform(0.6, 2), 0.07, 0.8)


def paving(scene: Scene, shade: float = 1.0) -> np.ndarray:
    """Concrete and asphalt in patches."""
    first = scene.colour("concrete") * shade
    return scene.surface(first, scene.colour("asphalt"), scene.uniform(0.5, 2), 0.06, 1.0)


def furrows(scene: Scene, mask=None, depth=None, spacing_m=None, angle=None, warp=None) -> None:
    """Parallel stripes as of tillage, mowing or planting rows, over the picture or through a mask."""
    spacing = scene.px(scene.log_uniform(1.2, 10) if spacing_m is None else spacing_m)
    spacing = max(spacing, 2.2)
    angle = scene.angle() if angle is None else angle
    depth = scene.uniform(0.02, 0.14) if depth is None else depth
    warp = (0 if scene.chance(0.6) else scene.uniform(1, 14)) if warp is None else warp
    phase = (COLUMNS * float(np.cos(angle)) + ROWS * float(np.sin(angle))) / spacing * 2 * np.pi
    phase = phase + 0.5 * scene.noise(1, MOTTLE) + (warp * scene.noise(scene.uniform(2, 4), LAND) if warp else 0)
    wave = np.sin(phase) * np.clip(0.6 + 0.5 * scene.noise(scene.uniform(0.7, 2), PATCH), 0, 1.4)
    scene.texture(depth * wave * (1 if mask is None else mask))


def background(scene: Scene, kind: str | None = None) -> str:
    """Cover the canvas with open country; returns its kind: grass, forest, soil or field."""
    kind = kind or scene.pick(["grass", "forest", "soil", "field"], [0.45, 0.3, 0.15, 0.1])
    if kind == "forest":
        canopy(scene)
    elif kind == "soil":
        scene.image = soil(scene)
    elif kind == "field":
        colour = scene.colour("crop")
        scene.image = scene.surface(colour, colour * 1.12, 2, 0.05)
        furrows(scene)
    else:
        scene.image = grass(scene)
    return kind


def yard(scene: Scene, mask=None, strength: float = 0.5, cell_m: float | None = None) -> None:
    """The patchwork of lived-in ground: small plots of soil, grass, paving and shrubs, and rough grain."""
    _, traits = scene.cells(cell_m or scene.uniform(5, 14))
    names = ("soil", "grass", "concrete", "asphalt", "tree")
    shares = np.cumsum(scene.rng.dirichlet(np.full(len(names), 0.8)))
    which = np.minimum(np.searchsorted(shares, traits[..., 0] * 0.999), len(names) - 1)
    patches = np.stack([scene.colour(name) for name in names])[which] * (0.85 + 0.3 * traits[..., 1:2])
    amount = strength * np.clip(0.6 + 0.5 * scene.noise(1.5), 0, 1) * (1 if mask is None else mask)
    scene.paint(amount, patches)
    scene.texture(scene.uniform(0.04, 0.12) * scene.noise(scene.uniform(0.5, 1), GRAIN))


def road(scene: Scene, points, width_m: float, colour=None, marked=True, kind: str | None = "road") -> np.ndarray:
    """A road along points [n, 2] in pixels; returns its soft mask."""
    colour = scene.colour("asphalt") if colour is None else colour
    mask = scene.stroke(points, width_m)
    scene.paint(mask, colour * (1 + 0.06 * scene.noise(1, GRAIN))[..., None], kind)
    if marked and scene.px(width_m) >= 5:
        line = scene.stroke(points, 0.4)
        scene.paint(line * 0.8, np.clip(colour * 1.5, 0, 235))
    return mask


def track(scene: Scene, points, width_m: float) -> np.ndarray:
    """An unpaved way."""
    return road(scene, points, width_m, scene.colour("soil"), marked=False, kind="track")


def cars(scene: Scene, centres, angles, length_m=4.6, width_m=1.9) -> None:
    """Cars at centres [n, 2] in pixels; too small ones still show as a dot."""
    count = len(centres)
    if count == 0:
        return
    length = np.maximum(scene.px(length_m) * scene.rng.uniform(0.9, 1.1, count), 1.4)
    shapes = rectangles(centres, length, max(scene.px(width_m), 0.9), angles)
    if scene.px(1) > 1:
        scene.cast(shapes, 1.5)
    middle = shapes.mean(1, keepdims=True)
    scene.fill(shapes + (middle - shapes) * 0.12, scene.colours("car", count, 10), "car")
    if scene.px(width_m) > 3.5:
        scene.fill(rectangles(centres, scene.px(1.1), scene.px(1.3), angles), (55, 58, 62))  # windscreens


def traffic(scene: Scene, points, count: int, spread_m: float = 3.0) -> None:
    """Cars along a line [n, 2] in pixels, up to `spread_m` beside it."""
    points = np.asarray(points, np.float64)
    piece = scene.rng.integers(0, len(points) - 1, count)
    step = points[piece + 1] - points[piece]
    angles = np.arctan2(step[:, 1], step[:, 0])
    aside = scene.rng.choice([-1, 1], count) * scene.rng.uniform(0.3, 1, count) * scene.px(spread_m)
    centres = points[piece] + scene.rng.random((count, 1)) * step
    cars(scene, centres + np.stack([-np.sin(angles), np.cos(angles)], -1) * aside[:, None], angles)


def tree_line(scene: Scene, points=None) -> None:
    points = straight(scene) if points is None else points
    trees(scene, scene.stroke(points, scene.uniform(6, 14)) * 0.8, scene.uniform(5, 10))


def woods_at_edge(scene: Scene) -> None:
    canopy(scene, mask=edge(beside(scene, scene.uniform(0.28, 0.5)), 0.03))


def water_surface(scene: Scene, name: str = "water") -> np.ndarray:
    """An image of water [SIDE, SIDE, 3]; `name` is the palette's "water" or "sea"."""
    colour = scene.colour(name)
    other = colour * scene.uniform(0.8, 1.3) + scene.uniform(-4, 4)
    image = scene.surface(colour, other, scene.uniform(1, 4), scene.uniform(0.003, 0.02), 0.8)
    if scene.chance(0.5):  # wind
        ripples = scene.noise(scene.uniform(0.3, 1), MOTTLE, scene.uniform(1, 4))
        image *= (1 + scene.uniform(0.01, 0.05) * ripples)[..., None]
    if scene.chance(0.25):  # algae
        amount = np.clip(scene.noise(scene.uniform(0.5, 2)) - scene.uniform(0.3, 1), 0, 1) * 0.6
        image += amount[..., None] * (scene.colour("grass") * 0.6 - image)
    return image
