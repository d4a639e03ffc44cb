"""Industrial sites: halls with worked-out roofs, loading docks with lorries, goods yards, staff car parks."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from ..drawing.geometry import in_view, rectangles, to_canvas
from ..drawing.ground import cars
from ..drawing.scene import Scene
from ..drawing.textures import LAND, MOTTLE
from .halls import industrial_roofs
from .pavements import overlay, pavement
from .yards import trucks


@dataclass
class Sites:
    """What the sites of a picture consist of, as arrays of boxes (x, y, width, height) in metres of one frame."""

    angle: float
    halls: list = field(default_factory=list)
    lots: list = field(default_factory=list)
    lorries: list = field(default_factory=list)  # (x, y, turn, turn)
    goods: list = field(default_factory=list)  # (x, y, width, height, group)

    def shapes(self, scene: Scene, boxes) -> np.ndarray:
        boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        return rectangles(to_canvas(scene, boxes[:, :2], self.angle), *scene.px(boxes[:, 2:]).T, self.angle)


def plan_site(scene: Scene, sites: Sites, box) -> None:
    """One firm's ground: a hall at one side, its docks facing a court, cars or goods on what is left."""
    x, y, wide, high = box
    swap, flip = scene.chance(0.5), scene.pick([-1, 1])
    long, deep = (high, wide) if swap else (wide, high)

    def add(group: list, u, v, a, b, *more) -> None:
        """Parts from site axes (u along the docks, v away from them) to the frame's; numbers or arrays."""
        v = v * flip
        parts = (x + v, y + u, b, a, *more) if swap else (x + u, y + v, a, b, *more)
        single = np.ndim(u) == 0
        group.append(np.array([parts]) if single else np.stack(np.broadcast_arrays(*parts), -1))

    court = np.clip(deep * scene.uniform(0.2, 0.45), 12, 45)
    side = long * scene.uniform(0.12, 0.32) if long > 60 and scene.chance(0.6) else 2.0
    main, body = long - side - 4, deep - court - 4
    left = -side / 2
    _halls(scene, lambda *part: add(sites.halls, *part), left, -court / 2, main, body)
    if side > 8:
        if scene.chance(0.4) and side > 14:  # staff cars, a row or two
            part = deep * scene.uniform(0.3, 0.6)
            add(sites.lots, long / 2 - side / 2, (deep - part) * scene.uniform(-0.5, 0.5), min(side * 0.9, 24), part)
        else:
            _stacks(scene, lambda *part: add(sites.goods, *part), long / 2 - side / 2, 0, side * 0.8, deep * 0.85)
    _court(scene, sites, add, (left, deep / 2 - court / 2, main, court), (swap, flip))


def _halls(scene: Scene, add, u, v, long, deep) -> None:
    """One hall or two to four in a row, now and then with an office or a lower annexe at its end."""
    count = 1 if long < 50 else scene.pick([1, 2, 3, 4], [0.5, 0.25, 0.15, 0.1])
    gap = 0 if scene.chance(0.5) else scene.uniform(3, 9)
    each = long / count
    for i in range(count):
        size = np.array([each - gap, deep * (scene.uniform(0.7, 1) if count > 1 else 1)])
        middle = u - long / 2 + (i + 0.5) * each
        add(middle, v + (deep - size[1]) / 2, *size)
        if scene.chance(0.4):
            part = size * scene.rng.uniform((0.15, 0.2), (0.4, 0.6))
            at = scene.rng.uniform(-0.35, 0.35)
            add(middle + at * size[0], v + deep / 2 - part[1] * scene.uniform(-0.3, 0.5), *part)


def _court(scene: Scene, sites: Sites, add, box, way) -> None:
    """Lorries backed up to the docks, trailers or goods across the court."""
    u, v, long, deep = box
    turn = sites.angle + (0 if way[0] else np.pi / 2) + (0 if way[1] > 0 else np.pi)
    if scene.px(2.6) > 0.8:
        slots = np.arange(-0.44, 0.44, scene.uniform(3.9, 5) / long) * long
        busy = scene.uniform(0.05, 0.6)
        add(sites.lorries, u + slots[scene.rng.random(len(slots)) < busy], v - deep / 2 + 6.5, turn, turn)
        if deep > 28 and scene.chance(0.6):
            slots = slots[scene.rng.random(len(slots)) < scene.uniform(0.2, 0.9)]
            add(sites.lorries, u + slots, v + deep / 2 - 7, turn + np.pi, turn + np.pi)
    if scene.chance(0.6 if scene.gsd < 1.5 else 0.3):
        wide = long * scene.uniform(0.15, 0.5)
        start = scene.uniform(-0.5, 0.5) * (long - wide)
        _stacks(scene, lambda *part: add(sites.goods, *part), u + start, v + deep / 4, wide, deep * 0.4)


def _stacks(scene: Scene, add, u, v, long, deep) -> None:
    """Goods in a block of rows: pallets, pipes, containers or timber, with gaps where some were taken away."""
    size = scene.rng.uniform((1.5, 1.2), (7, 3.5)) if scene.chance(0.7) else np.array([6.1, 2.5])
    size = np.maximum(size, 1.1 * scene.gsd)
    step = size + np.maximum(scene.rng.uniform((0.2, 0.4), (1.5, 3)), 0.4 * scene.gsd)
    count = np.clip((np.array([long, deep]) / step).astype(int), 0, 9 if scene.gsd < 1.2 else 5)
    at = np.stack(np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in count)), -1).reshape(-1, 2) * step
    at = at[scene.rng.random(len(at)) < scene.uniform(0.35, 0.95)]
    size = size * scene.rng.uniform(0.75, 1.05, (len(at), 2))
    add(u + at[:, 0], v + at[:, 1], size[:, 0], size[:, 1], scene.integer(0, 5))


def draw_sites(scene: Scene, sites: Sites, colours) -> None:
    """Lots, goods, lorries, halls, in this order, so that what is higher hides what is lower."""
    if sites.lots:
        _staff_lots(scene, sites, np.concatenate(sites.lots))
    if sites.goods:
        goods = np.concatenate(sites.goods)
        shapes = sites.shapes(scene, goods[:, :4])
        near = in_view(shapes.mean(1), 5)
        goods, shapes = goods[near], shapes[near]
        scene.cast(shapes, 2.2)
        name = scene.pick(["container", "steel", "soil", "roof", "concrete"])
        few = scene.colours(name, 6, 6) * scene.uniform(0.7, 1)
        light = scene.rng.uniform(0.85, 1.12, (len(goods), 1))
        scene.fill(shapes, np.clip(few[goods[:, 4].astype(int)] * light, 5, 245))
    if sites.lorries:
        lorries = np.concatenate(sites.lorries)
        centres = to_canvas(scene, lorries[:, :2], sites.angle)
        near = in_view(centres, 10)
        trucks(scene, centres[near], lorries[near, 2])
    if sites.halls:
        halls = np.concatenate(sites.halls)
        halls = halls[np.argsort(-halls[:, 2] * halls[:, 3])]
        heights = scene.rng.uniform(6, 12, len(halls))
        industrial_roofs(scene, sites.shapes(scene, halls), colours(scene, len(halls)), heights)


def _staff_lots(scene: Scene, sites: Sites, lots) -> None:
    """Small paved lots with a row of cars at either long side."""
    shapes = sites.shapes(scene, lots)
    lots, shapes = lots[in_view(shapes.mean(1), 20)], shapes[in_view(shapes.mean(1), 20)]
    if len(lots) == 0:
        return
    scene.paint(scene.stamp(shapes) * 0.85, pavement(scene), "parking")
    spots, turns = [], []
    for x, y, wide, high in lots[:12]:
        swap = high > wide
        long, deep = (high, wide) if swap else (wide, high)
        along = np.arange(-long / 2 + 2, long / 2 - 1, max(2.6, 1.6 * scene.gsd))
        for side in (-1, 1):
            row = along[scene.rng.random(len(along)) < scene.uniform(0.2, 0.95)]
            at = np.stack([row, np.full(len(row), side * (deep / 2 - 3))], -1)
            spots.append((at[:, ::-1] if swap else at) + [x, y])
            turns.append(np.full(len(row), 0 if swap else np.pi / 2))
    spots, turns = to_canvas(scene, np.concatenate(spots), sites.angle), np.concatenate(turns)
    near = in_view(spots, 3)
    cars(scene, spots[near][:70], (sites.angle + turns)[near][:70])


def site_ground(scene: Scene, shapes) -> None:
    """Paved or trodden plots [n, 4, 2]: slabs, wheel-worn ways, oil, weeds along the fences."""
    count = len(shapes)
    trodden = scene.rng.random((count, 1)) < 0.17
    few = np.stack([pavement(scene) for _ in range(4)])[scene.rng.integers(0, 4, count)]
    colours = np.where(trodden, scene.colour("soil") * 0.6 + 55, few) * scene.rng.uniform(0.85, 1.08, (count, 1))
    scene.fill(shapes, colours)
    mask = scene.stamp(shapes)
    fine, streets = scene.noise(scene.uniform(0.5, 1.2), MOTTLE), scene.noise(scene.uniform(0.8, 2), LAND)
    tone = 0.08 * fine + 0.05 * fine.T[::-1] + 0.07 * streets
    if scene.chance(0.6):
        tone = tone - 0.12 * (np.abs(streets) < 0.08)
    if scene.chance(0.7):
        tone = tone + scene.uniform(-0.25, 0.25) * overlay(scene)
    scene.texture(tone * mask)
    if scene.gsd < 0.8:
        rim = mask - cv2.erode(mask, np.ones((3, 3), np.uint8))
        scene.paint(rim * 0.5 * np.clip(1 + fine, 0, 1.5), scene.colour("grass") * 0.8)
