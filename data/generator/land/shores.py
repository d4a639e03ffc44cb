"""Water and what lies along it: ripples and glint, shore roads, overhanging trees, jetties, built-up places.

Fields [SIDE, SIDE] are in canvas sides, positive in the water and negative on land.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ..drawing.built import buildings, hall
from ..drawing.geometry import beside, edge, in_view, rectangles, to_canvas
from ..drawing.ground import yard
from ..drawing.plants import trees
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE, PATCH
from .tanks import tanks


@dataclass(frozen=True)
class Streets:
    """A street grid: its direction in radians, the sizes of its blocks and plots, its streets' width."""

    angle: float
    block_m: np.ndarray
    plot_m: float
    width_m: float


def signed(field: np.ndarray) -> np.ndarray:
    """A field of any steepness -> the distance to its zero line in canvas sides, with its signs."""
    wet = (field > 0).astype(np.uint8)
    inside, outside = (cv2.distanceTransform(part, cv2.DIST_L2, 5) for part in (wet, 1 - wet))
    distance = np.minimum(inside, SIDE) - np.minimum(outside, SIDE)
    return cv2.GaussianBlur(distance, (0, 0), 0.7) / SIDE


def filled(field, share: float) -> np.ndarray:
    """The field moved so that this share of the picture is water."""
    return field - np.quantile(field[::4, ::4], 1 - share)


def lit(scene: Scene, water: np.ndarray) -> np.ndarray:
    """Depth, ripples, slicks and the sun's glint on an image of water."""
    if scene.chance(0.4):  # deep clear water is the darkest thing in a photograph
        water = water * scene.uniform(0.6, 0.9)
    if scene.chance(0.45):
        angle, spacing = scene.angle(), max(scene.px(scene.uniform(2, 12)), 2.4)
        phase = (COLUMNS * float(np.cos(angle)) + ROWS * float(np.sin(angle))) / spacing * 2 * np.pi
        waves = np.sin(phase + scene.uniform(1, 4) * scene.noise(1, LAND) + scene.noise(1, MOTTLE))
        water = water * (1 + scene.uniform(0.02, 0.08) * waves * np.clip(0.5 + scene.noise(2), 0, 1.5))[..., None]
    if scene.chance(0.35):
        slick = edge(scene.noise(scene.uniform(0.7, 2), PATCH, scene.uniform(2, 6)) - scene.uniform(0.3, 1), 0.5)
        water = water * (1 + scene.uniform(-0.25, 0.35) * slick)[..., None]
    if scene.chance(0.4):
        place = np.exp(-((beside(scene, wobble=0.1) / scene.uniform(0.2, 0.8)) ** 2))
        sparkle = np.clip(1 + scene.uniform(0.05, 0.25) * scene.noise(scene.uniform(0.6, 1.5), GRAIN), 0, 2.5)
        glint = np.clip(place * sparkle * scene.uniform(0.05, 0.5), 0, 1)
        water = water + glint[..., None] * (np.array([168, 176, 170], np.float32) - water)
    return water


def fill_water(scene: Scene, field, kind: str, name: str = "water") -> None:
    """Fill where the field is positive with water of the palette's `name`, with banks that come and go."""
    _bank(scene, field)
    on = field * SIDE > -0.5
    depth = field[on] * SIDE
    water = _still(scene, on, name)
    if scene.chance(0.5):  # shallows, a hand's breadth or a dozen metres wide
        reach = max(scene.px(scene.log_uniform(2, 15)), 1.2)
        near = depth < 4 * reach
        amount = (np.exp(-np.clip(depth[near], 0, None) / reach) - 0.018) * scene.uniform(0.1, 0.5)
        water[near] += amount[:, None] * (scene.colour("soil") * 0.7 - water[near])
    rim = depth < 0.5
    water[rim] += (scene.image[on][rim] - water[rim]) * (0.5 - depth[rim])[:, None]
    scene.image[on] = water
    scene.claim(field > 0, kind)


def _bank(scene: Scene, field) -> None:
    """Mud, sand or reeds at the water's edge, now broad, now none at all; a dark rim where growth hangs over."""
    wide = scene.px(scene.log_uniform(0.7, 6)) * np.clip(0.5 + 0.8 * scene.noise(scene.uniform(0.7, 2), LAND), 0, 2)
    depth = field * SIDE
    on = (depth > -wide - 0.7) & (depth < 1)
    cover = np.clip((depth[on] + wide[on]) / np.maximum(wide[on] * 0.5, 1) + 0.3, 0, 1)
    first = scene.colour(scene.pick(["soil", "sand", "grass", "tree"], [0.25, 0.15, 0.35, 0.25]))
    second = scene.colour("grass" if scene.chance(0.6) else "soil")
    mix = np.clip(0.4 + 0.4 * scene.noise(0.8, MOTTLE)[on], 0, 1)[:, None]
    tone = scene.uniform(0.65, 1) * (1 + 0.1 * scene.noise(0.8, GRAIN)[on])
    part = scene.image[on]
    part += ((first + (second - first) * mix) * tone[:, None] - part) * (cover * scene.uniform(0.4, 0.95))[:, None]
    scene.image[on] = part


def _still(scene: Scene, on, name: str) -> np.ndarray:
    """Colours [n, 3] of the water's pixels: smooth and mostly dark; wind, glint, slicks and algae are faint."""
    colour = scene.colour(name)
    if scene.chance(0.45):  # deep clear water is the darkest thing in a photograph
        colour = colour * scene.uniform(0.55, 0.9)
    tone = 1 + scene.uniform(0.02, 0.09) * scene.noise(scene.uniform(1.5, 4), LAND)[on]
    tone += scene.uniform(0.004, 0.02) * scene.noise(scene.uniform(0.7, 1.5), GRAIN)[on]
    if scene.chance(0.35):  # wind
        ripples = scene.noise(scene.uniform(0.5, 1), MOTTLE, scene.uniform(1.5, 4))
        tone += scene.uniform(0.01, 0.035) * ripples[on]
    if scene.chance(0.2):
        slick = edge(scene.noise(scene.uniform(1, 2), PATCH, scene.uniform(2, 6))[on] - scene.uniform(0.5, 1.2), 0.6)
        tone += scene.uniform(-0.12, 0.15) * slick
    water = colour * tone[:, None]
    if scene.chance(0.3):
        place = np.exp(-((beside(scene, wobble=0.1)[on] / scene.uniform(0.3, 0.9)) ** 2)) * scene.uniform(0.04, 0.3)
        sparkle = 1 + scene.uniform(0.03, 0.12) * scene.noise(1, GRAIN)[on]
        water += (place * sparkle)[:, None] * (np.array([150, 160, 160], np.float32) - water)
    if scene.chance(0.15):  # algae
        amount = np.clip(scene.noise(scene.uniform(0.5, 2))[on] - scene.uniform(0.3, 1), 0, 1) * 0.5
        water += amount[:, None] * (scene.colour("grass") * 0.55 - water)
    return water


def inland_m(scene: Scene, field) -> np.ndarray:
    """Metres to the water's edge, negative in the water; smoothed, as roads do not follow every cove."""
    return -cv2.GaussianBlur(field.astype(np.float32), (0, 0), 4) * scene.width_m


def shore_road(scene: Scene, field) -> None:
    """A road or a path that keeps its distance from the water."""
    width, inland = scene.uniform(2, 9), scene.log_uniform(10, 60)
    distance = inland_m(scene, field)
    steepness = np.hypot(*np.gradient(distance)) / scene.gsd
    mask = np.clip((width / 2 - np.abs(distance - inland)) / scene.gsd + 0.5, 0, 1)
    mask = mask * edge(steepness - 0.75, 0.2)  # not along the ridge between two shores
    paved = width > 4.5
    colour = scene.colour("asphalt" if paved else "soil") * (1 + 0.06 * scene.noise(1, GRAIN))[..., None]
    scene.paint(mask, colour, "road" if paved else "track")


def shore_trees(scene: Scene, field) -> None:
    """Trees in groups on the bank and over the water's edge."""
    crown, reach = scene.uniform(4, 10), scene.log_uniform(5, 40)
    near = np.exp(-(((field * scene.width_m + reach * 0.8) / reach) ** 2))
    groups = np.clip(scene.uniform(0, 0.9) + 0.6 * scene.noise(scene.uniform(0.7, 2)), 0, 1)
    overhang = min(crown * 0.3 / scene.width_m, 0.3 * field.max())  # a creek stays visible
    trees(scene, near * groups * (field < overhang), crown)


def jetties(scene: Scene, field, islands) -> None:
    """Landing stages out from the shore of the mainland."""
    mainland = cv2.dilate(islands.astype(np.uint8), np.ones((7, 7), np.uint8)) == 0
    rows, columns = np.nonzero((np.abs(field) < 1 / SIDE) & mainland)
    inner = (rows > 8) & (rows < SIDE - 8) & (columns > 8) & (columns < SIDE - 8)
    rows, columns = rows[inner], columns[inner]
    if len(rows) == 0:
        return
    down, across = np.gradient(cv2.GaussianBlur(field.astype(np.float32), (0, 0), 4))
    spots = scene.rng.integers(0, len(rows), scene.integer(1, 7))
    rows, columns = rows[spots], columns[spots]
    outward = np.stack([across[rows, columns], down[rows, columns]], -1)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True) + 1e-6
    length, width = scene.px(scene.rng.uniform(6, 20, len(rows))), max(scene.px(scene.uniform(1.4, 2.4)), 1.2)
    centres = np.stack([columns, rows], -1) + outward * length[:, None] * 0.4
    shapes = rectangles(centres, length, width, np.arctan2(outward[:, 1], outward[:, 0]))
    scene.cast(shapes, 1)
    scene.fill(shapes, scene.colour("concrete" if scene.chance(0.6) else "soil"), "jetty")


def town(scene: Scene, field) -> tuple[np.ndarray, Streets]:
    """Lived-in ground with streets on part of the land; returns where [SIDE, SIDE] 0…1, and the streets."""
    dry = edge(-field - scene.px(scene.uniform(4, 15)) / SIDE, 0.01)
    where = dry * edge(beside(scene, scene.uniform(-0.5, 0.1), wobble=0.1), 0.03)
    where = where * edge(scene.noise(scene.uniform(1, 2.5), LAND) + scene.uniform(0, 2), 0.1)
    large = scene.chance(0.4)
    plot = scene.uniform(35, 70) if large else scene.uniform(14, 24)
    block = plot * scene.rng.integers(2, 7, 2) + scene.uniform(6, 12)
    streets = Streets(scene.angle(), block, plot, scene.uniform(4, 9))
    yard(scene, where, scene.uniform(0.4, 0.9))
    along, across = _street_distances(scene, streets)
    lines = np.clip((streets.width_m / 2 - np.minimum(along, across)) / scene.gsd + 0.5, 0, 1)
    colour = scene.colour("asphalt") * (1 + 0.05 * scene.noise(1, GRAIN))[..., None]
    scene.paint(lines * where, colour, "road")
    return where, streets


def _street_distances(scene: Scene, streets: Streets) -> list[np.ndarray]:
    """Metres to the nearest street of either direction, at each pixel."""
    x, y = (COLUMNS - SIDE / 2) * scene.gsd, (ROWS - SIDE / 2) * scene.gsd
    cos, sin = np.cos(streets.angle), np.sin(streets.angle)
    local = (x * cos + y * sin, y * cos - x * sin)
    return [np.abs((v + b / 2) % b - b / 2) for v, b in zip(local, streets.block_m, strict=True)]


def town_buildings(scene: Scene, where, streets: Streets, industry: bool = True) -> None:
    """A building on most plots, trees between them, now and then a large hall or a few tanks."""
    plots = _plots(scene, where, streets)
    if len(plots) == 0:
        return
    large = streets.plot_m > 30
    sizes = streets.plot_m * scene.rng.uniform(0.35, 0.85 if large else 0.7, (len(plots), 2))
    turned = streets.angle + scene.rng.normal(0, 0.05, len(plots))
    shapes = rectangles(plots, scene.px(sizes[:, 0]), scene.px(sizes[:, 1]), turned)
    colours = scene.colours("flat roof" if large else "roof", len(plots), 5)
    heights = scene.rng.uniform(4, 12 if large else 7, len(plots))
    if scene.chance(0.7):
        trees(scene, where * scene.uniform(0.05, 0.35), scene.uniform(4, 8))
    buildings(
        scene,
        shapes,
        colours,
        heights,
        0 if large else 0.15,
        0.3 if large else 0,
        "building" if large else "house",
    )
    if scene.chance(0.2) and scene.width_m > 180:  # on less ground it would hide the water
        hall(scene, plots[0], min(scene.uniform(40, 90), 0.16 * scene.width_m), streets.angle)
    if industry and large and scene.chance(0.3):
        few = plots[: scene.integer(2, 7)]
        tanks(scene, few, streets.plot_m * scene.rng.uniform(0.2, 0.4, len(few)), scene.uniform(6, 14))


def _plots(scene: Scene, where, streets: Streets) -> np.ndarray:
    """Plot centres [n, 2] in pixels clear of the streets and of the place's edge, in no order."""
    centres = []
    for block in streets.block_m:
        count = max(int((block - streets.width_m) / streets.plot_m), 1)
        first = (np.arange(count) - (count - 1) / 2) * streets.plot_m + block / 2
        reach = int(scene.width_m * 0.75 / block) + 1
        centres.append((np.arange(-reach, reach)[:, None] * block + first).ravel())
    grid = np.stack(np.meshgrid(*centres), -1).reshape(-1, 2)
    grid = grid + scene.rng.normal(0, 0.04, grid.shape) * streets.plot_m
    plots = to_canvas(scene, grid, streets.angle)
    plots = plots[in_view(plots, 0)]
    x, y = plots.astype(int).T
    kernel = max(int(scene.px(streets.plot_m)) | 1, 3)  # the whole plot must be inside
    clear = cv2.erode((where > 0.5).astype(np.uint8), np.ones((kernel, kernel), np.uint8))
    keep = clear[y, x] * (scene.rng.random(len(plots)) < scene.uniform(0.25, 0.95))
    return scene.rng.permutation(plots[keep > 0])[:350]
