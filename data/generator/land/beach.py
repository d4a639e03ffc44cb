"""Sandy beaches: open country or a town, sand, surf, a sea that deepens."""

import numpy as np

from ..drawing.geometry import beside, edge, rectangles
from ..drawing.ground import background
from ..drawing.plants import trees
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE, PATCH
from .shores import filled, lit, shore_road, signed, town, town_buildings


def beach(scene: Scene) -> None:
    """Sand between land and a sea with surf."""
    field = signed(_coastline(scene))
    breadth = scene.log_uniform(0.05, 0.45)
    back = field + breadth + scene.uniform(0.05, 0.3) * breadth * scene.noise(1.5, LAND)
    land = background(scene, scene.pick(["grass", "forest", "soil"], [0.45, 0.35, 0.2]))
    if land != "forest" and scene.chance(0.5):
        trees(scene, np.clip(scene.uniform(-0.1, 0.5) + 0.3 * scene.noise(2), 0, 0.9), scene.uniform(3, 9))
    if scene.chance(0.3):
        shore_road(scene, back)
    place, streets = town(scene, back) if scene.chance(0.45) else (None, None)
    _sand(scene, field, back, breadth)
    _sea(scene, field)
    if place is not None:
        town_buildings(scene, place, streets, industry=False)
    if scene.chance(0.35):
        _beach_goers(scene, field, back)


def _coastline(scene: Scene) -> np.ndarray:
    field = beside(scene, scene.uniform(-0.25, 0.25), wobble=scene.uniform(0.005, 0.13))
    if scene.chance(0.45):  # a bay or a cape
        middle = scene.rng.uniform(0, 1, 2) * SIDE
        field = field + scene.uniform(-0.25, 0.25) * np.exp(
            -(((COLUMNS - float(middle[0])) ** 2 + (ROWS - float(middle[1])) ** 2) / (0.35 * SIDE) ** 2)
        )
    return filled(field, scene.uniform(0.2, 0.7)) + 0.004 * scene.noise(1, MOTTLE)


def _sand(scene: Scene, field, back, breadth: float) -> None:
    """Dry sand, tufts at its back, tracks, a line of washed-up weed, and the wet strip by the water."""
    first, second = scene.colour("sand"), scene.colour("sand")
    broad = scene.noise(scene.uniform(1, 3))
    tone = 1 + scene.uniform(0.02, 0.06) * scene.noise(scene.uniform(0.6, 1.5), GRAIN) + 0.03 * broad
    sand = (first + (second - first) * np.clip(0.5 + 0.3 * broad, 0, 1)[..., None]) * tone[..., None]
    dry = edge(back, scene.uniform(0.008, 0.05))
    scene.paint(dry * (field < 0.03), sand, "sand")
    if scene.chance(0.4):
        tufts = np.exp(-((back / (0.5 * breadth)) ** 2)) * scene.uniform(0.1, 0.5)
        trees(scene, tufts, scene.uniform(1.5, 4), (scene.colour("grass"), scene.colour("tree")), kind="shrubs")
    for _ in range(scene.integer(0, 2)):  # along the shore
        place = -breadth * scene.uniform(0.1, 0.9) + 0.004 * scene.noise(1, LAND)
        line = np.clip(1 - np.abs(field - place) / scene.uniform(0.005, 0.012), 0, 1) * np.clip(
            0.5 + scene.noise(0.7), 0, 1
        )
        scene.shade(line * edge(back), scene.uniform(0.08, 0.3))
    wet = edge(field + breadth * scene.uniform(0.1, 0.35) + 0.01 * scene.noise(1, LAND), scene.uniform(0.01, 0.06))
    scene.shade(wet * edge(back), scene.uniform(0.1, 0.35))


def _sea(scene: Scene, field) -> None:
    """Water from sandy shallows to its own colour, with lines of surf."""
    deep = scene.colour("sea" if scene.chance(0.75) else "water")
    shallow = deep * 0.45 + scene.colour("sand") * scene.uniform(0.2, 0.5)
    near = np.exp(-np.clip(field, 0, None) / scene.uniform(0.05, 0.4)) * np.clip(1 + 0.25 * scene.noise(1.5), 0, 1.3)
    tone = 1 + scene.uniform(0.03, 0.1) * scene.noise(2) + 0.02 * scene.noise(1, GRAIN)
    water = lit(scene, deep * tone[..., None])
    scene.paint(edge(field, 0.01), water + np.clip(near, 0, 1)[..., None] * (shallow - water), "water")
    if scene.chance(0.25):
        scene.notes.append("with calm water")
        return
    foam = np.zeros((SIDE, SIDE), np.float32)
    bent, broken = 0.012 * scene.noise(1.2, PATCH), np.clip(0.5 + 0.7 * scene.noise(1), 0, 1)
    for place in [0.0, *np.cumsum(scene.rng.uniform(0.02, 0.11, scene.integer(0, 3)))]:
        bent, broken = bent.T[::-1], broken.T[::-1]  # no crest repeats the one before
        crest = field - float(place) + bent
        ahead, behind = np.float32(scene.uniform(0.003, 0.01)), np.float32(scene.uniform(0.006, 0.035))
        wide = np.where(crest > 0, ahead, behind)  # foam trails shoreward
        foam = np.maximum(foam, np.exp(-((crest / wide) ** 2)) * broken)
    foam = foam * edge(field + 0.004, 0.01) * np.clip(1 + 0.3 * scene.noise(0.7, GRAIN), 0, 1)
    scene.paint(foam * scene.uniform(0.75, 1), np.array([232, 235, 234], np.float32), "surf")


def _beach_goers(scene: Scene, field, back) -> None:
    """Parasols, towels and people: dots on the dry sand, with shadows."""
    spots = scene.rng.uniform(0, SIDE - 1, (scene.integer(30, 160), 2))
    x, y = spots.astype(int).T
    spots = spots[(field[y, x] < -0.015) & (back[y, x] > 0.02) & (scene.noise(2)[y, x] > -0.3)]
    size = np.maximum(scene.px(scene.rng.uniform(1, 3, len(spots))), 1.0)
    shapes = rectangles(spots, size, size, scene.rng.uniform(0, 3, len(spots)))
    scene.cast(shapes, 2)
    scene.fill(shapes, scene.colours("car" if scene.chance(0.5) else "container", len(spots)))
    scene.texture(scene.stamp(shapes) * 0.15)
