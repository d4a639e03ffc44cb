"""Commercial areas: downtown blocks of large buildings, high and low, with their shadows, streets and squares."""

from dataclasses import dataclass

import cv2
import numpy as np

from ..drawing.geometry import in_view, rectangles, to_canvas
from ..drawing.ground import cars, grass
from ..drawing.plants import trees
from ..drawing.scene import SHIFT, SIDE, Scene
from ..drawing.textures import GRAIN, MOTTLE, PATCH
from ..kind import Kind
from .car_park import FEW
from .houses import cover
from .pavements import pavement
from .streets import corners, gentle, split
from .towers import Parts, heights_of, raise_parts

# Share of the pictures; block and building sizes in metres; heights (most, few) in metres; share of open blocks.
CITIES = {
    "downtown": (0.34, (60, 110), (24, 42), (12, 45), (60, 150), 0.1),
    "courtyards": (0.24, (55, 100), (16, 26), (14, 24), (25, 50), 0.08),
    "towers": (0.2, (80, 140), (40, 60), (8, 20), (50, 140), 0.2),
    "shops": (0.22, (80, 150), (30, 60), (5, 11), (12, 30), 0.22),
}


@dataclass(frozen=True)
class City:
    """Blocks [n, 4] (x0, y0, x1, y1 in metres), how metres become pixels, the grid's angle and street width."""

    blocks: np.ndarray
    place: object
    angle: float
    street: float


def commercial_area(scene: Scene) -> None:
    style = scene.pick(list(CITIES), [city[0] for city in CITIES.values()])
    _, block, building, heights, high, free = CITIES[style]
    city = _city(scene, scene.uniform(*block), style)
    _streets(scene, city)
    unbuilt = scene.rng.random(len(city.blocks)) < free
    unbuilt &= np.cumsum(unbuilt) <= 0.25 * len(unbuilt)
    centre = np.abs((city.blocks[:, :2] + city.blocks[:, 2:]) / 2).max(1).argmin()
    unbuilt[centre] &= scene.width_m > 250  # close pictures have their buildings in the middle
    planted = _open_blocks(scene, city, city.blocks[unbuilt], style)
    parts = _buildings(scene, city.blocks[~unbuilt], max(scene.uniform(*building), scene.width_m / 16), style)
    parts = heights_of(scene, parts, heights, high, style)
    planted = np.maximum(planted, _courts(scene, city, city.blocks[~unbuilt]))
    planted = np.maximum(planted, _street_life(scene, city))
    if planted.max() > 0.15:
        trees(scene, cv2.blur(planted, (7, 7)), max(scene.uniform(5, 9), 2 * scene.gsd))
    raise_parts(scene, parts, city.place, style)


def _city(scene: Scene, block_m: float, style: str) -> City:
    """A grid of streets, regular or grown, straight or gently bent, now and then with an avenue."""
    reach, angle = scene.width_m * 0.75 + block_m, scene.angle()
    street = scene.uniform(12, 22)
    bend = gentle(scene, 0.12) if scene.chance(0.35) else None
    block_m = max(block_m, scene.width_m / 7)
    if scene.chance(0.55):  # planned: blocks of nearly one size
        size = block_m * np.array([1, scene.uniform(0.6, 1.3)])
        cuts = [np.arange(-reach, reach, s + street) + scene.uniform(0, s) for s in size]
        x, y = (grid.ravel() for grid in np.meshgrid(*cuts))
        blocks = np.stack([x, y, x + size[0], y + size[1]], -1)
    else:
        blocks = split(scene, np.array([[-reach, -reach, reach, reach]]), block_m, street)

    if scene.width_m < 220:  # close pictures show a block, not a crossing, in their middle
        middles = (blocks[:, :2] + blocks[:, 2:4]) / 2
        blocks = blocks - np.tile(middles[np.abs(middles).max(1).argmin()] * scene.uniform(0.4, 1), 2)

    def place(points):
        return to_canvas(scene, points, angle, bend=bend)

    near = in_view(place((blocks[:, :2] + blocks[:, 2:4]) / 2), scene.px(block_m * 1.2))
    return City(blocks[near], place, angle, street)


def _streets(scene: Scene, city: City) -> None:
    """Asphalt all over, worn and mended, with lanes; then paved blocks on it."""
    colour = pavement(scene, scene.uniform(48, 118))
    fine = scene.noise(1, PATCH)
    worn = 1 + 0.07 * fine + 0.05 * scene.noise(1, GRAIN)
    scene.image = colour * worn[..., None]
    scene.claim(np.ones((SIDE, SIDE), bool), "road")
    if scene.px(1) > 0.9:
        _lanes(scene, city, colour)
    walk = city.blocks + np.array([-1, -1, 1, 1]) * scene.uniform(2, 4.5)
    blocks = cover(city.place(corners(walk)))
    scene.paint(blocks, pavement(scene, scene.uniform(85, 165)) * worn[..., None])
    scene.owner[blocks > 0.5] = 0


def _lanes(scene: Scene, city: City, colour) -> None:
    """Middle lines along the blocks' sides and crossings at their corners."""
    middle = city.blocks + np.array([-1, -1, 1, 1]) * city.street / 2
    lines = np.zeros((SIDE, SIDE), np.uint8)
    shapes = np.ascontiguousarray(np.round(city.place(corners(middle)) * 2**SHIFT), np.int32)
    cv2.polylines(lines, list(shapes), True, 255, 1, cv2.LINE_AA, SHIFT)
    scene.paint(lines / np.float32(255) * scene.uniform(0.2, 0.6), np.clip(colour * 1.6, 0, 220))
    if scene.px(1) > 1.3:
        x0, y0, x1, y1 = city.blocks.T
        bars = np.arange(-city.street / 2 + 3, city.street / 2 - 2.5, 1.4)
        at = np.stack([np.repeat(x0 - 6, len(bars)), (y0[:, None] - city.street / 2 + bars).ravel()], -1)
        other = np.stack([(x1[:, None] + city.street / 2 + bars).ravel(), np.repeat(y1 + 6, len(bars))], -1)
        white = np.clip(colour * 1.5, 0, 210)
        scene.fill(rectangles(city.place(at), scene.px(3), scene.px(0.6), city.angle), white)
        scene.fill(rectangles(city.place(other), scene.px(0.6), scene.px(3), city.angle), white)


def _open_blocks(scene: Scene, city: City, blocks, style: str) -> np.ndarray:
    """Squares with paths, car parks, plazas; returns where trees may stand [SIDE, SIDE]."""
    blocks = blocks[in_view(city.place((blocks[:, :2] + blocks[:, 2:4]) / 2), scene.px(70))]
    weights = np.array([0.35, 0.5 if style != "courtyards" else 0.15, 0.15])
    kinds = scene.rng.choice(3, len(blocks), p=weights / weights.sum())
    squares, car_parks, plazas = (
        cover(city.place(corners(blocks[kinds == k] + np.array([1.5, 1.5, -1.5, -1.5])))) for k in range(3)
    )
    if plazas.any():
        stained = 1 + 0.1 * scene.noise(0.7, MOTTLE)
        scene.paint(plazas, pavement(scene, scene.uniform(110, 190)) * stained[..., None])
    if car_parks.any():
        worn = 1 + 0.08 * scene.noise(1, MOTTLE)
        scene.paint(car_parks, pavement(scene) * worn[..., None], "parking")
        for block in blocks[kinds == 1]:
            _car_rows(scene, city, block)
    if not squares.any():
        return squares
    lawn = grass(scene)
    scene.paint(squares, lawn * 0.65 + 0.35 * lawn.mean(-1, keepdims=True), "grass")  # city lawns are pale
    paths = np.zeros_like(squares)
    for block in blocks[kinds == 0]:
        for points in _paths(scene, block):
            np.maximum(paths, scene.stroke(city.place(points), scene.uniform(2, 4)), out=paths)
    paths *= squares
    scene.paint(paths, scene.colour("concrete") * scene.uniform(0.75, 0.95))
    return squares * (1 - paths) * scene.uniform(0.15, 0.8)


def _paths(scene: Scene, block) -> list[np.ndarray]:
    """Lines [n, 2] in metres through a square: crosses, rays from some place, or a round walk."""
    low, size = block[:2], block[2:4] - block[:2]
    heart = low + size * scene.rng.uniform(0.35, 0.65, 2)
    layout = scene.pick(["rays", "cross", "round"])
    if layout == "round":
        turn = np.linspace(0, 2 * np.pi, 17)[:, None]
        ring = heart + np.concatenate([np.cos(turn), np.sin(turn)], 1) * size * scene.uniform(0.2, 0.32)
        return [ring, np.stack([low, ring[10]]), np.stack([low + size, ring[2]])]
    ends = low + size * np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    ends = ends if layout == "rays" else (ends + np.roll(ends, 1, 0)) / 2
    return [np.stack([heart, end]) for end in ends[: scene.integer(2, 4)]]


def _car_rows(scene: Scene, city: City, block) -> None:
    x = np.arange(block[0] + 4, block[2] - 3, max(2.7, 1.8 * scene.gsd))
    y = np.arange(block[1] + 5, block[3] - 4, max(8.5, 5 * scene.gsd))
    spots = city.place(np.stack(np.meshgrid(x, y), -1).reshape(-1, 2))
    spots = spots[in_view(spots, 3)]
    if scene.px(1) > 1.2:
        marks = rectangles(spots + scene.px(1.35), max(scene.px(0.15), 0.6), scene.px(5), city.angle)
        scene.fill(marks[:: 1 if len(marks) < 300 else 2], scene.colour("concrete"))
    spots = spots[scene.rng.random(len(spots)) < scene.uniform(0.3, 0.95)][:320]
    if len(spots) <= FEW:
        cars(scene, spots, city.angle + np.pi / 2)
        return
    shapes = rectangles(spots, max(scene.px(1.85), 0.9), max(scene.px(4.4), 1.4), city.angle)
    scene.fill(shapes, scene.colours("car", len(shapes), 10) * 0.9)
    scene.claim(scene.stamp(shapes) > 0, "parked cars")


def _buildings(scene: Scene, blocks, size_m: float, style: str) -> Parts:
    """Buildings of built blocks: lots cut from blocks, each built on wholly, round a yard, or with a yard behind."""
    blocks = blocks if len(blocks) else np.array([[-30.0, -30, 30, 30]])
    lots = split(scene, np.concatenate([blocks, blocks, np.arange(len(blocks))[:, None]], 1), size_m)
    share = scene.uniform(0.86, 1.0) if scene.width_m > 150 else 1  # close pictures have few as it is
    lots = lots[scene.rng.random(len(lots)) < share]
    free = {"downtown": (0.2, 3), "courtyards": (0, 0.6), "towers": (2, 9), "shops": (1, 7)}[style]
    lots[:, :2] += scene.rng.uniform(*free, (len(lots), 2))
    lots[:, 2:4] -= scene.rng.uniform(*free, (len(lots), 2))
    size = lots[:, 2:4] - lots[:, :2]
    lots, size = lots[size.min(1) > 7], size[size.min(1) > 7]
    boxes, owners = [], []
    ring = scene.rng.random(len(lots)) < {"downtown": 0.22, "courtyards": 0.4, "towers": 0.1, "shops": 0.08}[style]
    for i, (lot, (wide, high)) in enumerate(zip(lots[:, :4], size, strict=True)):
        pieces = _ring(scene, lot, wide, high) if ring[i] and min(wide, high) > 18 else _whole(scene, lot, wide, high)
        boxes += pieces
        owners += [i] * len(pieces)
    return Parts(np.array(boxes).reshape(-1, 4), np.zeros(len(boxes)), np.array(owners, int))


def _ring(scene: Scene, lot, wide: float, high: float) -> list:
    """Three or four wings round a yard."""
    x0, y0, x1, y1 = lot
    depth = min(wide, high) * scene.uniform(0.22, 0.36)
    sides = [(x0, y0, x1, y0 + depth), (x0, y1 - depth, x1, y1), (x0, y0, x0 + depth, y1), (x1 - depth, y0, x1, y1)]
    return sides if scene.chance(0.6) else sides[: scene.integer(2, 3)]


def _whole(scene: Scene, lot, wide: float, high: float) -> list:
    """One box, often with a second on it (a tower on its podium) or a wing of another height."""
    x0, y0, x1, y1 = lot
    if scene.chance(0.45) or min(wide, high) < 14:
        return [(x0, y0, x1, y1)]
    share, slack = scene.rng.uniform(0.4, 0.8, 2), scene.rng.random(2)
    size = np.array([wide, high]) * share
    start = np.array([x0, y0]) + (np.array([wide, high]) - size) * slack
    return [(x0, y0, x1, y1), (*start, *(start + size))]


def _courts(scene: Scene, city: City, blocks) -> np.ndarray:
    """Between the buildings: stained paving, a few green yards and parked cars; returns where trees may stand."""
    mask = cover(city.place(corners(blocks))) if len(blocks) else np.zeros((SIDE, SIDE), np.float32)
    patches = scene.noise(0.9, PATCH)
    green = mask * np.clip(patches - scene.uniform(0, 1.4), 0, 1)
    scene.paint(green * 0.8, scene.colour("grass"))
    scene.texture(mask * 0.09 * patches.T[::-1])
    if scene.px(1.9) > 0.7 and len(blocks):
        count = min(6 * len(blocks), 45)
        box = blocks[scene.rng.integers(0, len(blocks), count)]
        spots = city.place(box[:, :2] + (box[:, 2:] - box[:, :2]) * scene.rng.random((count, 2)))
        cars(scene, spots, city.angle + scene.rng.choice([0, np.pi / 2], count))
    return green * scene.uniform(0.2, 0.9)


def _street_life(scene: Scene, city: City) -> np.ndarray:
    """Cars in the lanes and at the kerb; returns where trees may stand on the pavements."""
    count = int(min(14 * len(city.blocks), 100) * scene.uniform(0, 1) ** 0.6)
    box = city.blocks[scene.rng.integers(0, len(city.blocks), count)]
    side, along = scene.rng.integers(0, 2, count), scene.rng.uniform(-0.05, 1.05, count)
    if scene.px(1.9) > 0.6 and count:
        out = scene.rng.choice([city.street * 0.18, city.street * 0.38, city.street * 0.62], count)
        x = np.where(side, box[:, 0] - out, box[:, 0] + along * (box[:, 2] - box[:, 0]))
        y = np.where(side, box[:, 1] + along * (box[:, 3] - box[:, 1]), box[:, 1] - out)
        cars(scene, city.place(np.stack([x, y], -1)), city.angle + np.where(side, np.pi / 2, 0))
    ring = np.zeros((SIDE, SIDE), np.float32)
    if scene.chance(0.65):
        ring = cover(city.place(corners(city.blocks + np.array([-1, -1, 1, 1]) * 3.0)))
        ring -= cover(city.place(corners(city.blocks + np.array([1, 1, -1, -1]) * 2.0)))
    return np.clip(ring, 0, 1) * scene.uniform(0.2, 0.9)


KINDS = [
    Kind(
        "commercial area",
        ("a commercial area", "a city centre with large buildings", "a commercial district"),
        commercial_area,
        (70, 650),
        ("building", "road"),
        seasonal=False,
    )
]
