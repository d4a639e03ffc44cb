"""Street nets of neighbourhoods and the lots along them."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import cKDTree

from ..drawing.geometry import in_view, to_canvas
from ..drawing.scene import SHIFT, SIDE, Scene

CROSSING = 6  # points of a street that only joins two others: houses turn their sides to it


@dataclass(frozen=True)
class Plan:
    """Measures in metres: `lot` along the street, `depth` away from it, `block` between crossings."""

    lot: float
    depth: float
    street: float
    setback: float
    house_width: float
    house_depth: float
    block: float


@dataclass(frozen=True)
class Net:
    """Streets as lines [k, 2] in pixels; turning circles at dead ends: centres [n, 2], and the way out."""

    lines: list[np.ndarray]
    bulbs: np.ndarray
    exits: np.ndarray


@dataclass(frozen=True)
class Lots:
    """Places along streets: points [n, 2] in pixels, unit vectors to the house, metres to the kerb."""

    fronts: np.ndarray
    inward: np.ndarray
    clear_m: np.ndarray

    def at(self, scene: Scene, distance_m) -> np.ndarray:
        """Points [n, 2] in pixels `distance_m` behind the edge of the street."""
        return self.fronts + self.inward * scene.px(self.clear_m + distance_m)[:, None]

    @property
    def angles(self) -> np.ndarray:
        return np.arctan2(self.inward[:, 0], -self.inward[:, 1])

    def only(self, keep) -> "Lots":
        return Lots(self.fronts[keep], self.inward[keep], self.clear_m[keep])


def bent(scene: Scene):
    """How a plan is laid into the ground: straight, in waves, or in arcs about a far centre."""
    kind = scene.pick(["straight", "waves", "arcs"], [0.45, 0.3, 0.25])
    if kind == "straight":
        return None
    if kind == "waves":
        return gentle(scene)
    radius, side = scene.width_m * scene.uniform(0.45, 1.5), scene.uniform(-0.2, 0.2) * scene.width_m

    def arcs(points):
        turn, out = points[..., 0] / radius, radius + points[..., 1]
        return np.stack([np.sin(turn) * out, radius - np.cos(turn) * out + side], -1)

    return arcs


def gentle(scene: Scene, slope: float = 0.35):
    """A bending of a plan in long waves, about one in a picture and never steep: many would look like scales."""
    pace = 2 * np.pi / (max(scene.width_m, 100) * scene.rng.uniform(0.7, 2.5, 2))
    size, phase = scene.rng.uniform(0.1, slope, 2) / pace, scene.rng.uniform(0, 6, 2)
    return lambda points: points + size * np.sin(pace * points[..., ::-1] + phase)


def grid(scene: Scene, plan: Plan) -> Net:
    """Parallel streets with crossings, some of them cut off."""
    place = _placer(scene)
    period = 2 * plan.depth + plan.street
    reach = max(scene.width_m * 0.85, 1.2 * period)
    rows = np.arange(-reach, reach, period) + scene.uniform(0, period)
    t = np.linspace(-reach, reach, 50)
    lines = [place(np.stack([t, np.full(50, y)], -1)) for y in rows]
    shared, through = scene.uniform(0, plan.block), scene.chance(0.6)
    for y in rows:
        start = shared if through else scene.uniform(0, plan.block)
        for x in np.arange(-reach + start, reach, plan.block):
            if through or scene.chance(0.8):
                lines.append(place(np.stack([np.full(CROSSING, x), np.linspace(y, y + period, CROSSING)], -1)))
    return Net(_near(lines), np.zeros((0, 2)), np.zeros((0, 2)))


def dead_ends(scene: Scene, plan: Plan) -> Net:
    """Winding collector streets with short branches that end in turning circles."""
    place = _placer(scene)
    length = max(plan.depth * scene.uniform(2, 4), 60)
    period, step = 2 * (length + plan.depth), 2 * plan.depth + plan.street
    reach = max(scene.width_m * 0.85, 0.7 * period)
    swing, pace = scene.uniform(0, 0.35) * plan.depth, scene.uniform(1.5, 4) * np.pi / period
    t = np.linspace(-reach, reach, 60)
    lines, bulbs, exits = [], [], []
    for y in np.arange(-reach, reach, period) + scene.uniform(0, period):
        lines.append(place(np.stack([t, y + swing * np.sin(t * pace)], -1)))
        for x in np.arange(-reach, reach, step) + scene.uniform(0, step):
            for side in (-1, 1):
                if scene.chance(0.12):
                    continue
                out = np.linspace(0, length * scene.uniform(0.7, 1.0), 8)
                lean = scene.uniform(-0.3, 0.3) * plan.depth * (out / length) ** 2
                branch = place(np.stack([x + side * step / 4 + lean, y + swing * np.sin(x * pace) + side * out], -1))
                lines.append(branch)
                bulbs.append(branch[-1])
                exits.append(branch[-2] - branch[-1])
    near = in_view(bulbs, 60)
    return Net(_near(lines), np.array(bulbs)[near], np.array(exits)[near])


def _near(lines) -> list[np.ndarray]:
    """The lines of which some part may be seen."""
    return [line for line in lines if (line.max(0) > -40).all() and (line.min(0) < SIDE + 40).all()]


def _placer(scene: Scene):
    angle, bend = scene.angle(), bent(scene)
    return lambda points: to_canvas(scene, points, angle, bend=bend)


def pavement(scene: Scene, net: Net, width_m: float) -> np.ndarray:
    """All streets of a net as a soft mask [SIDE, SIDE]."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    thickness = max(1, round(scene.px(width_m)))
    corners = [np.round(line * 2**SHIFT).astype(np.int32) for line in net.lines]
    cv2.polylines(mask, corners, False, 255, thickness, cv2.LINE_AA, SHIFT)
    for x, y in net.bulbs:
        cv2.circle(mask, (round(x), round(y)), max(1, round(scene.px(width_m * 1.25))), 255, -1, cv2.LINE_AA)
    return mask.astype(np.float32) / 255


def lots(scene: Scene, net: Net, plan: Plan, mask: np.ndarray) -> Lots:
    """Lots on both sides of every street, and around turning circles, that keep clear of all streets."""
    found = [_along(scene, line, plan) for line in net.lines if len(line) > CROSSING]
    found += [_around(bulb, leave, plan) for bulb, leave in zip(net.bulbs, net.exits, strict=True)]
    found.append((np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0)))
    all_lots = Lots(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
    houses = all_lots.at(scene, plan.setback + plan.house_depth / 2)
    all_lots, houses = all_lots.only(seen := in_view(houses, scene.px(plan.house_depth + 3))), houses[seen]
    distance = cv2.distanceTransform((mask < 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    x, y = np.clip(houses.round().astype(int), 0, SIDE - 1).T
    outside = ~in_view(houses, 0)
    all_lots = all_lots.only(
        outside | (distance[y, x] >= scene.px(plan.house_depth * 0.5 + min(plan.setback, 2)) - 1)
    )
    return _without_neighbours(scene, all_lots, plan)


def _along(scene: Scene, line, plan: Plan):
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    length = np.concatenate([[0], np.cumsum(steps)])
    places = np.arange(scene.px(plan.lot) * scene.uniform(0.3, 0.9), length[-1], scene.px(plan.lot))
    point = np.stack([np.interp(places, length, line[:, k]) for k in (0, 1)], -1)
    piece = np.clip(np.searchsorted(length, places) - 1, 0, len(steps) - 1)
    along = (np.diff(line, axis=0) / np.maximum(steps, 1e-6)[:, None])[piece]
    normal = np.stack([-along[:, 1], along[:, 0]], -1)
    clear = np.full(2 * len(places), plan.street / 2)
    return np.concatenate([point, point]), np.concatenate([normal, -normal]), clear


def _around(bulb, leave, plan: Plan):
    radius = plan.street * 1.25
    count = max(3, int(4.2 * (radius + plan.setback + plan.house_depth / 2) / plan.lot))
    turn = np.arctan2(leave[1], leave[0]) + np.linspace(0.9, 2 * np.pi - 0.9, count)
    return np.tile(bulb, (count, 1)), np.stack([np.cos(turn), np.sin(turn)], -1), np.full(count, radius)


def _without_neighbours(scene: Scene, all_lots: Lots, plan: Plan) -> Lots:
    """Drop houses that would stand in another one."""
    if len(all_lots.fronts) < 2:
        return all_lots
    houses = all_lots.at(scene, plan.setback + plan.house_depth / 2)
    close = scene.px(min(plan.lot, plan.house_depth + 2) * 0.8)
    pairs = cKDTree(houses).query_pairs(close, output_type="ndarray")
    keep = np.ones(len(houses), bool)
    for first, second in pairs[np.argsort(pairs[:, 0])].tolist():
        if keep[first]:
            keep[second] = False
    return all_lots.only(keep)


def split(scene: Scene, boxes, size_m: float, gap_m: float = 0.0) -> np.ndarray:
    """Boxes [n, 4…] (x0, y0, x1, y1 in metres) cut across again and again, down to about `size_m`, `gap_m` between.

    Further columns go with each box to all its parts.
    """
    boxes, done = np.asarray(boxes, np.float64), []
    while len(boxes):
        sizes = boxes[:, 2:4] - boxes[:, :2]
        large = sizes.max(1) > size_m * scene.rng.uniform(1.0, 1.9, len(boxes))
        done.append(boxes[~large])
        boxes, sizes = boxes[large], sizes[large]
        rows = np.arange(len(boxes))
        axis = (sizes[:, 1] * scene.rng.uniform(0.85, 1.2, len(boxes)) > sizes[:, 0]).astype(int)
        at = boxes[rows, axis] + sizes[rows, axis] * scene.rng.uniform(0.36, 0.64, len(boxes))
        first, second = boxes.copy(), boxes.copy()
        first[rows, axis + 2], second[rows, axis] = at - gap_m / 2, at + gap_m / 2
        boxes = np.concatenate([first, second])
    return np.concatenate(done)


def corners(boxes) -> np.ndarray:
    """Boxes [n, 4…] (x0, y0, x1, y1) as polygons [n, 4, 2]."""
    return np.asarray(boxes)[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]
