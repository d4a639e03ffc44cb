"""Forest: closed canopy of one or several stands, with what cuts through it."""

import cv2
import numpy as np

from ..drawing.geometry import beside, curve, edge, local_m, straight
from ..drawing.ground import grass, soil, water_surface
from ..drawing.plants import plant, shadow_of, trees, wooded, woodland
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE, PATCH
from ..kind import Kind


def forest(scene: Scene) -> None:
    scene.image, height = woodland(scene, scene.log_uniform(4, 10))
    scene.claim(np.ones((SIDE, SIDE), bool), "forest")
    if scene.chance(0.35):
        _another_stand(scene)
    if scene.chance(0.35):
        _gaps(scene, height)
    if scene.chance(0.35):
        _overstorey(scene)
    if scene.chance(0.45):
        _hillside(scene)
    cuts = [None, _clearing, _felled, _lanes, _stream, _fields]
    cut = scene.pick(cuts, [0.42, 0.22, 0.09, 0.1, 0.07, 0.1])
    if cut:
        cut(scene, height)
    if scene.chance(0.35):
        _ride(scene, height)


def _another_stand(scene: Scene) -> None:
    """Younger or other trees, along a straight planting line or in drifts among the rest."""
    straight_line = scene.chance(0.4)
    drifts = scene.noise(scene.uniform(0.8, 2.5)) - scene.uniform(0, 1)
    field = beside(scene, wobble=0.01) if straight_line else drifts
    image, height = woodland(scene, scene.log_uniform(4, 11))
    image *= (scene.image.mean() / image.mean()) ** scene.uniform(0.3, 0.9)
    plant(scene, edge(field, 0.01 if straight_line else 0.6), image, height + 3)


def _gaps(scene: Scene, height: np.ndarray) -> None:
    """Thin woods: many small openings where grass, earth or brush shows, more of them in one part."""
    field = scene.noise(scene.uniform(0.12, 0.5), PATCH)
    field = field + scene.uniform(0, 0.8) * scene.noise(scene.uniform(1, 2), LAND)
    gaps = edge(field - np.quantile(field[::4, ::4], scene.uniform(0.7, 0.93)), 0.3)
    ground = grass(scene) if scene.chance(0.6) else soil(scene) * scene.uniform(0.7, 1)
    _open_up(scene, gaps, height, ground * scene.uniform(0.7, 1), None)


def _overstorey(scene: Scene) -> None:
    """Taller trees of another kind that stand out of the canopy, singly or in drifts."""
    drifts = np.clip(scene.noise(scene.uniform(0.8, 2), PATCH) + scene.uniform(-0.3, 0.8), 0, 1)
    trees(scene, drifts * scene.uniform(0.1, 0.7), scene.log_uniform(4, 11), kind="forest")


def _hillside(scene: Scene) -> None:
    """Slopes in and out of the sun, with darker valleys: light from the gradient of a land at large scale."""
    land = scene.noise(scene.uniform(1.5, 4), LAND)
    reach = 6
    dx, dy = np.round(scene.sun * reach).astype(int).tolist()
    slope = land - np.roll(land, (dy, dx), (0, 1))
    slope[:reach], slope[-reach:] = slope[reach], slope[-reach - 1]
    slope[:, :reach], slope[:, -reach:] = slope[:, [reach]], slope[:, [-reach - 1]]
    light = -slope / (slope.std() + 1e-3) * scene.uniform(0.05, 0.22) + scene.uniform(0, 0.08) * land
    scene.texture(np.clip(light, -0.55, 0.5))


def _open_up(scene: Scene, mask: np.ndarray, height: np.ndarray, ground: np.ndarray, kind="clearing") -> np.ndarray:
    """Replace woods by open ground, which the trees on its sunward side throw their shadows on."""
    woods = wooded(scene, 1 - mask, height, 4)
    scene.paint(1 - woods, ground, kind)
    shadow = shadow_of(scene, woods, scene.uniform(7, 14))
    scene.shade(shadow * (1 - woods) * (0.85 + 0.15 * scene.noise(0.6, MOTTLE)).clip(0, 1))
    return 1 - woods


def _clearing(scene: Scene, height: np.ndarray) -> None:
    """Meadow or heath among the trees, at most a fifth of the picture, with bushes growing in."""
    field = scene.noise(scene.uniform(0.8, 2.5), LAND) + 0.12 * scene.noise(0.5, MOTTLE)
    field = field - np.quantile(field, scene.uniform(0.79, 0.96))
    open_ground = edge(field, 0.06 * float(field.std()))
    ground = grass(scene) if scene.chance(0.75) else soil(scene)
    open_ground = _open_up(scene, open_ground, height, ground * scene.uniform(0.8, 1))
    trees(scene, open_ground * np.clip(0.25 * scene.noise(1.5), 0, 0.5), scene.uniform(2.5, 6), kind=None)


def _felled(scene: Scene, height: np.ndarray) -> None:
    """A block cut down: bare, streaked ground, brush in heaps and rows, new trees coming up here and there."""
    along, across = local_m(scene, scene.angle(), scene.rng.uniform(0.05, 0.95, 2) * SIDE)
    half = scene.width_m * scene.rng.uniform(0.12, 0.24, 2)
    inside = np.minimum(half[0] - np.abs(along), half[1] - np.abs(across)) / scene.width_m
    bend = scene.uniform(0.01, 0.06) * scene.noise(scene.uniform(0.8, 2), LAND) + 0.01 * scene.noise(1, MOTTLE)
    brush = scene.noise(1, PATCH)
    ground = soil(scene) * scene.uniform(0.5, 0.9)
    ground += (grass(scene) * 0.9 - ground) * np.clip(0.4 + 0.5 * brush, 0, 0.9)[..., None]
    pace = 2 * np.pi / max(scene.uniform(8, 20), 5 * scene.gsd)
    rows = scene.uniform(0.02, 0.14) * np.sin(along * pace + 2 * brush)
    rough = 0.12 * scene.noise(0.8, MOTTLE) + 0.1 * scene.noise(1, GRAIN)
    block = _open_up(scene, edge(inside + bend, 0.012), height, ground * (1 + rows + rough)[..., None])
    trees(scene, block * np.clip(scene.uniform(-0.2, 0.1) + 0.25 * brush, 0, 0.6), scene.uniform(2, 5), kind=None)


def _lanes(scene: Scene, height: np.ndarray) -> None:
    """Thinning rows: pale parallel lanes that bend a little, hidden by crowns here and there."""
    along, across = local_m(scene, scene.angle())
    spacing = max(scene.uniform(12, 26), 7 * scene.gsd)
    bent = across + scene.uniform(0, 0.06) * scene.width_m * scene.noise(3, LAND) + scene.gsd * scene.noise(1, MOTTLE)
    away = np.abs((bent + scene.uniform(0, 50)) % spacing - spacing / 2)
    lane = np.clip((scene.uniform(0.8, 2.2) - away) / scene.gsd + 0.5, 0, 1)
    open_sky = np.clip(scene.uniform(0.3, 0.8) + 0.7 * scene.noise(0.7, PATCH), 0, 1)
    ground = scene.colour("soil" if scene.chance(0.6) else "grass") * scene.uniform(0.75, 1)
    under = np.clip((height - scene.uniform(8, 12)) / 5, 0, 0.9)
    scene.paint(lane * open_sky * (1 - under) * scene.uniform(0.4, 0.8), ground)


def _stream(scene: Scene, height: np.ndarray) -> None:
    """A narrow stream in its strip of green, seen where the trees leave it open."""
    points = curve(scene, 0.3)
    strip = scene.stroke(points, scene.uniform(8, 20)) * np.clip(0.6 + 0.5 * scene.noise(1), 0, 1)
    bank = _open_up(scene, strip, height, grass(scene) * 0.8, None)
    water = scene.stroke(points, max(scene.uniform(3, 8), 1.3 * scene.gsd)) * np.clip(2 * bank, 0, 1)
    scene.paint(water, water_surface(scene), "water")
    trees(scene, bank * scene.uniform(0, 0.4) * (water < 0.3), scene.uniform(3, 6), kind=None)


def _fields(scene: Scene, height: np.ndarray) -> None:
    """Open land at the edge of the picture: the wood ends along a line of its own."""
    field = beside(scene, scene.uniform(0.29, 0.46), wobble=scene.uniform(0.005, 0.06))
    _open_up(scene, edge(field, 0.012), height, grass(scene) if scene.chance(0.7) else soil(scene))


def _ride(scene: Scene, height: np.ndarray) -> None:
    """A dirt road with its verges; crowns hang over it, so that it comes and goes."""
    points = curve(scene, scene.uniform(0.08, 0.3)) if scene.chance(0.75) else straight(scene)
    width = max(scene.uniform(2, 4.5), 1.2 * scene.gsd)
    rough = scene.noise(0.6, MOTTLE)
    verge = scene.stroke(points, width + scene.uniform(0, 6)) * np.clip(0.9 + 0.4 * rough, 0, 1)
    lane = _open_up(scene, verge, height + scene.uniform(-3, 1), grass(scene) * scene.uniform(0.6, 0.9), None)
    way = cv2.blur(scene.stroke(points, width), (3, 3)) * (0.35 + 0.65 * lane)
    way = np.clip((way - 0.45 - 0.1 * rough) * 2.5 + 0.5, 0, 1)
    dirt = scene.colour("soil") * scene.uniform(0.65, 1.05)
    scene.paint(way * np.clip(0.85 - 0.2 * rough, 0.3, 0.95), dirt)
    scene.claim(way > 0.5, "track")
    shadow = shadow_of(scene, 1 - np.maximum(way, lane), scene.uniform(2, 7))
    scene.shade(way * shadow * np.clip(0.5 + 0.6 * rough, 0, 1))


KINDS = [Kind("forest", ("forest", "woods", "a dense forest"), forest, (90, 680), shows=("forest",))]
