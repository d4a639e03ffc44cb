"""Aprons of light airplanes: tie-down rows, hangars behind them, an access road."""

import numpy as np

from ..drawing.geometry import MIDDLE, in_view, local_m, rectangles
from ..drawing.ground import cars, road, traffic
from ..drawing.plants import trees
from ..drawing.scene import Scene
from ..drawing.textures import LAND, MOTTLE
from .airplane import airplanes
from .aprons import MOST, Stands, slabs
from .halls import industrial_roofs
from .runways import YELLOW


def light_stands(scene: Scene, stands: Stands) -> None:
    """Tie-down rows on a small apron, behind it hangars in rows, a clubhouse, cars, an access road, trees."""
    half = stands.long / 2
    u, v = local_m(scene, stands.angle, stands.origin)
    inside = np.minimum(np.minimum(v + 4, stands.deep - v), half - np.abs(u))
    colour = slabs(scene, np.clip(inside / scene.gsd + 0.5, 0, 1), stands)
    reach = min(half, 0.75 * scene.width_m)
    wide = scene.uniform(40, 90)  # paved ways between the hangars
    ways = np.clip(np.minimum(np.minimum(-v, wide + v), reach * 0.9 - np.abs(u)) / scene.gsd + 0.5, 0, 1)
    on = ways > 0
    worn = colour * scene.uniform(0.75, 0.95) * (1 + 0.07 * scene.noise(1, MOTTLE)[on])[:, None]
    part = scene.image[on]
    scene.image[on] = part + (worn - part) * (ways[on] * scene.uniform(0.5, 1))[:, None]
    _tie_downs(scene, stands, reach)
    _hangar_rows(scene, stands, reach, wide)
    back = wide + scene.uniform(8, 25)
    if scene.chance(0.7):
        line = stands.at(scene, np.array([[-3 * half, -back], [3 * half, -back]]))
        road(scene, line, scene.uniform(6, 9))
        traffic(scene, stands.at(scene, np.array([[-reach, -back], [reach, -back]])), scene.integer(0, 5), 2.5)
        wood = np.clip(scene.uniform(-0.1, 0.7) + 0.4 * scene.noise(1.5, LAND), 0, 0.9) * (v < -back - 9)
        trees(scene, wood, scene.uniform(5, 9))


def _tie_downs(scene: Scene, stands: Stands, reach: float) -> None:
    pitch, row = scene.uniform(11.5, 15), scene.uniform(19, 26)
    rows = np.arange(10, stands.deep - 10, row)
    spots = np.array([(x, y) for y in rows for x in np.arange(-reach, reach, pitch)]).reshape(-1, 2)
    spots = spots + scene.rng.normal(0, 0.7, spots.shape)
    points = stands.at(scene, spots)
    seen = in_view(points, 5)
    points, count = points[seen], int(seen.sum())
    if scene.gsd < 0.9 and count:
        scene.fill(rectangles(points, scene.px(0.3) + 0.4, scene.px(7), stands.angle), YELLOW * 0.9)
    taken = scene.rng.random(count) < scene.uniform(0.2, 0.8) * min(1, 2.2 * MOST / max(count, 1))
    if count:
        taken[np.hypot(*(points - MIDDLE).T).argmin()] = True
    turns = stands.angle + np.pi / 2 * scene.pick([-1, 1]) + scene.rng.normal(0, 0.06, count)
    names = scene.rng.choice(["light", "low", "twin", "business"], int(taken.sum()), p=[0.55, 0.28, 0.14, 0.03])
    airplanes(scene, points[taken], turns[taken], names)


def _hangar_rows(scene: Scene, stands: Stands, reach: float, wide: float) -> None:
    """Long rows of small hangars or single larger ones, a clubhouse and parked cars between."""
    boxes, x = [], -reach * scene.uniform(0.5, 1)
    while x < reach * 0.9:
        if scene.chance(0.4):
            across = scene.chance(0.5)
            long = scene.uniform(35, 80)
            boxes.append((x, -4 - min(long, wide) if across else -18, x + (13 if across else long), -4))
        else:
            size = scene.uniform(14, 34)
            boxes.append((x, -5 - size * scene.uniform(0.7, 1.1), x + size, -5))
        x = boxes[-1][2] + scene.uniform(3, 28)
    shapes = stands.boxes(scene, boxes)
    shapes = shapes[in_view(shapes.mean(1), scene.px(40))]
    if len(shapes):
        tones = scene.colours("tin" if scene.chance(0.6) else "flat roof", len(shapes), 4) * 0.95
        industrial_roofs(scene, shapes, tones, scene.uniform(5, 9), 6)
    parked = np.stack([scene.rng.uniform(-reach, reach, 14), scene.rng.uniform(-wide, -wide + 6, 14)], -1)
    spots = stands.at(scene, parked)
    cars(scene, spots[in_view(spots, 2)], stands.angle + np.pi / 2)
