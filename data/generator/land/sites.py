"""Industrial sites: halls with worked-out roofs, loading docks with lorries, goods yards, staff car parks."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from ..drawing.geometry import rectangles, to_canvas
from ..drawing.scene import Scene
from ..drawing.textures import LAND, MOTTLE
from .car_park import car_park
from .halls import industrial_roofs
from .yards import trucks


@dataclass
class Sites:
    """What the sites of a picture consist of, as boxes (x, y, width, height) in metres of one turned frame."""

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
        """A part from site axes (u along the docks, v away from them) to the frame's."""
        v = v * flip
        group.append((x + v, y + u, b, a, *more) if swap else (x + u, y + v, a, b, *more))

    court = np.clip(deep * scene.uniform(0.2, 0.45), 12, 45)
    side = long * scene.uniform(0.12, 0.32) if long > 60 and scene.chance(0.6) else 2.0
    main, body = long - side - 4, deep - court - 4
    left = -side / 2
    _halls(scene, lambda *part: add(sites.halls, *part), left, -court / 2, main, body)
    if side > 8:
        group = sites.lots if scene.chance(0.55) and side > 14 else None
        if group is not None:
            add(group, long / 2 - side / 2, 0, side * 0.9, deep * 0.94)
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
        for slot in slots[scene.rng.random(len(slots)) < busy]:
            add(sites.lorries, u + slot, v - deep / 2 + 6.5, turn, turn)
        if deep > 28 and scene.chance(0.6):
            for slot in slots[scene.rng.random(len(slots)) < scene.uniform(0.2, 0.9)]:
                add(sites.lorries, u + slot, v + deep / 2 - 7, turn + np.pi, turn + np.pi)
    if scene.chance(0.6):
        wide = long * scene.uniform(0.15, 0.5)
        start = scene.uniform(-0.5, 0.5) * (long - wide)
        _stacks(scene, lambda *part: add(sites.goods, *part), u + start, v + deep / 4, wide, deep * 0.4)


def _stacks(scene: Scene, add, u, v, long, deep) -> None:
    """Goods in a block of rows: pallets, pipes, containers or timber, with gaps where some were taken away."""
    size = scene.rng.uniform((1.5, 1.2), (7, 3.5)) if scene.chance(0.7) else np.array([6.1, 2.5])
    size = np.maximum(size, 1.1 * scene.gsd)
    step = size + np.maximum(scene.rng.uniform((0.2, 0.4), (1.5, 3)), 0.4 * scene.gsd)
    count = np.clip((np.array([long, deep]) / step).astype(int), 0, 9 if scene.gsd < 1.2 else 5)
    group, keep = scene.integer(0, 5), scene.uniform(0.35, 0.95)
    for i in range(count[0]):
        for j in range(count[1]):
            if scene.rng.random() < keep:
                at = (np.array([i, j]) - (count - 1) / 2) * step
                add(u + at[0], v + at[1], *(size * scene.rng.uniform(0.75, 1.05, 2)), group)


def draw_sites(scene: Scene, sites: Sites, colours) -> None:
    """Lots, goods, lorries, halls, in this order, so that what is higher hides what is lower."""
    if sites.lots:
        area = scene.stamp(sites.shapes(scene, sites.lots)) > 0.5
        turn = scene.pick([0, np.pi / 2])
        car_park(scene, area, sites.angle + turn, scene.uniform(0.2, 1), planted=0.15)
    if sites.goods:
        goods = np.array(sites.goods)
        shapes = sites.shapes(scene, goods[:, :4])
        scene.cast(shapes, 2.2)
        name = scene.pick(["container", "steel", "soil", "roof", "concrete"])
        few = scene.colours(name, 6, 6) * scene.uniform(0.7, 1)
        light = scene.rng.uniform(0.85, 1.12, (len(goods), 1))
        scene.fill(shapes, np.clip(few[goods[:, 4].astype(int)] * light, 5, 245))
    if sites.lorries:
        lorries = np.array(sites.lorries)
        trucks(scene, to_canvas(scene, lorries[:, :2], sites.angle), lorries[:, 2])
    if sites.halls:
        halls = np.array(sites.halls)
        halls = halls[np.argsort(-halls[:, 2] * halls[:, 3])]
        heights = scene.rng.uniform(6, 12, len(halls))
        industrial_roofs(scene, sites.shapes(scene, halls), colours(scene, len(halls)), heights)


def site_ground(scene: Scene, shapes) -> None:
    """Paved or trodden plots [n, 4, 2]: slabs, wheel-worn ways, oil, weeds along the fences."""
    count = len(shapes)
    names = scene.rng.choice(["asphalt", "concrete", "soil"], count, p=(0.5, 0.33, 0.17))
    colours = np.stack([scene.colour(name) for name in names]) * scene.rng.uniform(0.8, 1.05, (count, 1))
    scene.fill(shapes, colours)
    mask = scene.stamp(shapes)
    tone = 0.08 * scene.noise(scene.uniform(0.5, 1.2), MOTTLE)
    streets = scene.noise(scene.uniform(0.8, 2), LAND)
    tone = tone + 0.06 * streets - 0.12 * np.clip(np.abs(streets) < 0.08, 0, 1) * scene.chance(0.6)
    if scene.chance(0.5):
        _, traits = scene.cells(scene.uniform(8, 30))
        tone = tone + (traits[..., 0] - 0.5) * scene.uniform(0.1, 0.3)
    scene.texture(tone * mask)
    if scene.gsd < 0.8:
        rim = mask - cv2.erode(mask, np.ones((3, 3), np.uint8))
        scene.paint(rim * 0.5, scene.colour("grass") * 0.8)
