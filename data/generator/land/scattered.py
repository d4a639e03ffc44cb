"""Sparse residential areas: a few houses with long drives among woods, fields, lawns or dry land."""

import cv2
import numpy as np

from ..drawing.geometry import curve, edge, in_view, rectangles, straight, to_canvas
from ..drawing.ground import cars, furrows, grass, road, soil
from ..drawing.plants import canopy, trees
from ..drawing.scene import SHIFT, SIDE, Scene
from ..drawing.textures import LAND, MOTTLE, PATCH
from .houses import cover, on_roofs, pitched, set_off, tints, wings
from .streets import corners, split

# A share of the pictures; plots a hectare, metres from the road to the house.
SETTINGS = {
    "woods": (0.32, (1.0, 4.0), (12, 55)),
    "fields": (0.22, (0.5, 2.5), (8, 45)),
    "meadow": (0.2, (0.8, 4.5), (10, 45)),
    "estate": (0.14, (3.0, 5.0), (12, 25)),
    "dry": (0.12, (1.0, 5.0), (10, 40)),
}
MOST_BUILT = 0.09  # of the ground


def sparse_residential_area(scene: Scene) -> None:
    setting = scene.pick(list(SETTINGS), [setting[0] for setting in SETTINGS.values()])
    roads = _roads(scene, setting)
    centres, feet, angles = _homesteads(scene, setting, roads)
    _country(scene, setting, centres)
    colour = scene.colour("asphalt") * scene.uniform(0.7, 1.2)
    for line, width, paved in roads:
        road(scene, line, width, colour if paved else scene.colour("soil"), paved, "road" if paved else "track")
    _plots(scene, centres, feet, angles, setting)
    shapes = _houses(scene, centres, angles)
    _planting(scene, setting, centres, cover(shapes))


def _roads(scene: Scene, setting: str) -> list:
    """[(line [n, 2] in pixels, width in metres, paved)]: a road, now and then a second one or a side way."""
    paved = scene.chance(0.3 if setting == "dry" else 0.75)
    bent = setting in ("woods", "estate") or scene.chance(0.5)
    first = curve(scene, scene.uniform(0.05, 0.2)) if bent else _points(straight(scene))
    lines = [(first, scene.uniform(4, 7.5), paved)]
    for _ in range(int(scene.width_m / 330 + scene.uniform(0, 1))):
        lines.append((curve(scene, scene.uniform(0.05, 0.3)), scene.uniform(3, 6), paved and scene.chance(0.7)))
    return lines


def _points(line) -> np.ndarray:
    return line[0] + np.linspace(0, 1, 30)[:, None] * (line[1] - line[0])


def _homesteads(scene: Scene, setting: str, roads):
    """Middles of houses, where their drives leave the road [n, 2] in pixels, and angles; some in full view."""
    _, dense, back = SETTINGS[setting]
    count = int(np.clip(scene.uniform(*dense) * scene.width_m**2 / 1e4, 2, 60))
    foot, along, width = _beside_roads(scene, roads, 12 * count + 30)
    far = 1 if setting == "estate" else np.where(scene.rng.random(len(foot)) < 0.75, 1, 2.5)
    away = width / 2 + 8 + scene.rng.uniform(*back, len(foot)) * far * min(1, scene.width_m / 150)
    side = np.stack([-along[:, 1], along[:, 0]], -1) * scene.rng.choice([-1, 1], (len(foot), 1))
    at = foot + side * scene.px(away)[:, None]
    lines = np.concatenate([line for line, _, _ in roads])
    clear = np.linalg.norm(at[:, None] - lines, axis=-1).min(1) > scene.px(11)
    full = in_view(at, -22) & clear
    if not full.any():  # no road in the picture's middle: a house there all the same
        full[0], at[0] = True, scene.rng.uniform(0.35, 0.65, 2) * SIDE
    kept, apart = [int(np.flatnonzero(full)[0])], scene.px(26 if setting != "estate" else 34)
    inside, further = np.flatnonzero(in_view(at, -9) & clear), np.flatnonzero(in_view(at, 35) & clear)
    for i in [*inside[:20], *further]:  # a second one in the picture, if there is room
        if len(kept) < count and np.hypot(*(at[kept] - at[i]).T).min() > apart:
            kept.append(int(i))
    turn = scene.rng.normal(0, 0.1 if setting == "estate" else 0.35, len(kept))
    foot = foot + side * scene.px(width * 0.45)[:, None]  # at the edge of the road
    return at[kept], foot[kept], np.arctan2(along[kept, 1], along[kept, 0]) + turn


def _beside_roads(scene: Scene, roads, count: int):
    """Random places on roads [count, 2] in pixels, the roads' directions and widths there."""
    steps = np.concatenate([np.stack([line[:-1], line[1:]], 1) for line, _, _ in roads])
    widths = np.repeat([width for _, width, _ in roads], [len(line) - 1 for line, _, _ in roads])
    seen = in_view(steps.mean(1), 40)
    steps, widths = (steps[seen], widths[seen]) if seen.any() else (steps, widths)
    chosen = scene.rng.integers(0, len(steps), count)
    step = steps[chosen, 1] - steps[chosen, 0]
    along = step / (np.linalg.norm(step, axis=1, keepdims=True) + 1e-6)
    return steps[chosen, 0] + step * scene.rng.random((count, 1)), along, widths[chosen]


def _country(scene: Scene, setting: str, centres) -> None:
    """The land around the houses; woods leave clearings around them."""
    scene.image = soil(scene) if setting == "dry" else grass(scene)
    if setting == "dry":
        scene.image *= scene.uniform(0.85, 1.1)
        scene.texture(0.1 * scene.noise(1, MOTTLE))
    elif setting == "fields":
        _fields(scene)
    elif setting == "woods":
        near = _nearness(scene, centres, scene.uniform(14, 26))
        wood = scene.uniform(0.35, 1.0) + 0.6 * scene.noise(scene.uniform(1.5, 3), LAND) - 2.2 * near
        canopy(scene, scene.uniform(6, 10), mask=edge(wood, 0.3))
    else:
        scene.paint(edge(scene.noise(2, LAND) - 0.4, 0.8) * 0.7, grass(scene))


def _nearness(scene: Scene, centres, radius_m: float) -> np.ndarray:
    """1 at houses, falling to 0 beyond about `radius_m`, with an uneven edge [SIDE, SIDE]."""
    margin = 40
    points = np.ones((SIDE + 2 * margin,) * 2, np.uint8)
    x, y = np.clip(np.round(centres).astype(int) + margin, 0, len(points) - 1).T
    points[y, x] = 0
    away = cv2.distanceTransform(points, cv2.DIST_L2, 5)[margin:-margin, margin:-margin] * (scene.gsd / radius_m)
    return np.clip(1.6 - away + 0.25 * scene.noise(max(0.6, 60 / scene.width_m), PATCH), 0, 1)


def _fields(scene: Scene) -> None:
    reach, angle = scene.width_m * 0.8, scene.angle()
    boxes = split(scene, [[-reach, -reach, reach, reach]], max(scene.uniform(70, 200), scene.width_m / 4), 3)
    shapes = to_canvas(scene, corners(boxes), angle)
    count = len(shapes)
    crops = scene.rng.random((count, 1)) < 0.5
    colours = np.where(crops, scene.colours("crop", count), scene.colours("grass", count))
    before = scene.image.copy()
    scene.fill(shapes, colours)
    rough = 1 + 0.1 * scene.noise(1.5, PATCH)
    scene.image = before * 0.15 + scene.image * 0.85 * rough[..., None]
    furrows(scene, angle=angle + scene.pick([0, np.pi / 2]))


def _plots(scene: Scene, centres, feet, angles, setting: str) -> None:
    """Lawns or yards around houses, drives from the road, sheds, garages, pools and cars."""
    count = len(centres)
    lawn = _nearness(scene, centres, scene.uniform(9, 20)) * scene.uniform(0.4, 0.9)
    ground = scene.colour("grass") if setting != "dry" else scene.colour("soil")
    scene.paint(lawn, ground * (1 + 0.09 * scene.noise(0.9, MOTTLE))[..., None])
    colour = scene.colour(scene.pick(["concrete", "soil", "asphalt"])) * scene.uniform(0.65, 1.0)
    t = np.linspace(0, 1, 8)[:, None]
    swing = scene.rng.normal(0, 0.12, (count, 1, 2)) * np.linalg.norm(centres - feet, axis=1)[:, None, None]
    ways = feet[:, None] + (centres - feet)[:, None] * t + swing * np.sin(np.pi * t)
    lines = np.zeros((SIDE, SIDE), np.uint8)
    fixed = list(np.round(ways * 2**SHIFT).astype(np.int32))
    cv2.polylines(lines, fixed, False, 255, max(1, round(scene.px(scene.uniform(2.6, 4.2)))), cv2.LINE_AA, SHIFT)
    mask = lines.astype(np.float32) / 255
    sizes = scene.px(scene.rng.uniform(5, 12, (2, count)))
    court = rectangles(centres + scene.rng.normal(0, scene.px(5), (count, 2)), *sizes, angles)
    np.maximum(mask, cover(court), out=mask)
    scene.paint(mask * 0.9, colour * (1 + 0.08 * scene.noise(0.8, MOTTLE))[..., None])
    _outbuildings(scene, centres, angles)


def _outbuildings(scene: Scene, centres, angles) -> None:
    count = len(centres)
    some = np.repeat(np.arange(count), scene.rng.choice(3, count, p=(0.5, 0.35, 0.15)))
    turn = scene.rng.uniform(0, 2 * np.pi, len(some))
    away = scene.px(scene.rng.uniform(15, 19, (len(some), 1)))
    at = centres[some] + np.stack([np.cos(turn), np.sin(turn)], -1) * away
    sizes = scene.px(scene.rng.uniform(3, 7, (2, len(some))))
    tint = tints(scene, ["tin", "shingles"], 6)
    pitched(scene, rectangles(at, *sizes, angles[some]), tint, scene.rng.integers(0, len(tint), len(some)), 3, "shed")
    if scene.gsd < 1.5 and scene.chance(0.35):
        pool = centres[:1] + scene.rng.choice([-1, 1], 2) * scene.px(11)
        size = scene.px(scene.rng.uniform(5, 9, 2))
        scene.fill(rectangles(pool, *(size + scene.px(2)), angles[:1]), scene.colour("concrete") * 0.85)
        scene.fill(rectangles(pool, *size, angles[:1]), scene.rng.normal((98, 134, 144), 9), "swimming pool")
    parked = scene.rng.random(count) < 0.6
    if scene.gsd < 1.6:
        aside = scene.px(8) * scene.rng.choice([-1, 1], (count, 2))
        spots = centres + scene.rng.normal(0, scene.px(3), (count, 2)) + aside
        cars(scene, spots[parked], scene.rng.uniform(0, np.pi, count)[parked])


def _houses(scene: Scene, centres, angles) -> np.ndarray:
    count = len(centres)
    most = np.sqrt(MOST_BUILT * scene.width_m**2 / count / 1.25)
    wide = np.minimum(scene.rng.uniform(13, 23, count), most * 1.25)
    deep = np.minimum(scene.rng.uniform(8.5, 13, count), most)
    shapes = rectangles(centres, scene.px(wide), scene.px(deep), angles)
    tint = tints(scene, scene.pick([["shingles"], ["tiles"], ["roof", "shingles", "tin"]]), scene.integer(2, 6))
    tint = set_off(scene, tint, 45)
    which = scene.rng.integers(0, len(tint), count)
    first = pitched(scene, shapes, tint, which, scene.uniform(4, 7))
    if scene.px(10) > 5:
        wings(scene, shapes, tint, which, first, scene.uniform(0.3, 0.9))
    on_roofs(scene, shapes)
    return shapes


def _planting(scene: Scene, setting: str, centres, roofs) -> None:
    """Trees: clumps near the houses and hedgerows further off, none over roofs."""
    free = (scene.owner == 0) | (scene.owner == 1) if setting == "woods" else scene.owner == 0
    near = _nearness(scene, centres, 30)
    wild = {"woods": 0.6, "fields": 0.04, "meadow": 0.25, "estate": 0.2, "dry": 0.12}[setting]
    few = np.clip(2.4 - scene.gsd, 0.35, 1)  # from high up, houses would drown in dots
    wild = wild * np.clip(0.4 + scene.noise(1.5, PATCH), 0, 2)
    density = few * (wild * (1 - near) + scene.uniform(0.05, 0.4) * near)
    density = density * cv2.blur(free * (1 - roofs), (7, 7))  # soft: crowns are read at their middles
    trees(scene, density, max(scene.uniform(6, 11), 2.2 * scene.gsd))
    if setting in ("dry", "meadow") and scene.gsd < 1 and scene.chance(0.5):
        kind = "shrubs" if setting == "dry" else "trees"
        trees(scene, 0.1 * cv2.blur(free * 1.0, (5, 5)), max(2.5, 2 * scene.gsd), kind=kind)
