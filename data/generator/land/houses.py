"""Houses: pitched roofs with a light and a dark side, wings, drives, and what lies about in gardens."""

import cv2
import numpy as np

from ..drawing.geometry import in_view, rectangles
from ..drawing.ground import cars
from ..drawing.scene import SHIFT, SIDE, Scene
from ..drawing.textures import GRAIN, MOTTLE
from .streets import Lots, Plan

TINTS = 24  # roof colours of a scene: few enough to paint all houses of one colour in one call
LEAST_RIDGE = 3.0  # pixels across, for a roof to show two sides


def tints(scene: Scene, names, distinct: int) -> np.ndarray:
    """Roof colours [TINTS, 3] around a few of the named palettes, light and dark ones side by side."""
    few = np.stack([scene.colour(scene.pick(names)) for _ in range(distinct)])
    spread = 0.2 if scene.gsd < 1.5 else 0.1  # from high up, much variety reads as noise
    few = few + (few.mean(0) - few) * (0 if scene.gsd < 1.5 else 0.35)
    chosen = few[scene.rng.integers(0, distinct, TINTS)] * scene.rng.uniform(1 - spread, 1 + spread, (TINTS, 1))
    grey = chosen.mean(1, keepdims=True)
    return np.clip(grey + (chosen - grey) * scene.uniform(0.35, 0.85), 12, 240)


def set_off(scene: Scene, tint: np.ndarray, least: float) -> np.ndarray:
    """Tints made lighter or darker if their mean is within `least` of the ground's: they could not be seen."""
    ground = scene.image.mean()
    if abs(tint.mean() - ground) < least:
        tint = np.clip(tint + ground + (1.3 if ground < 115 else -1.3) * least - tint.mean(), 15, 225)
    return tint


def cover(polygons) -> np.ndarray:
    """Polygons [n, k, 2] that do not overlap, as a float mask [SIDE, SIDE]; much faster than one by one."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    if len(polygons):
        cv2.fillPoly(mask, list(_fixed(polygons)), 1, shift=SHIFT)
    return mask.astype(np.float32)


def _fixed(polygons) -> np.ndarray:
    return np.ascontiguousarray(np.round(np.asarray(polygons) * 2**SHIFT), np.int32)


def paint_tints(scene: Scene, polygons, tint, which, light) -> None:
    """Polygons that do not overlap, all of one colour (of `tint`) and one side of the sun in one call."""
    codes = which * 1000 + np.round(np.broadcast_to(light, len(which)) * 9).astype(int)
    order = np.argsort(codes, kind="stable")
    points, (values, starts) = list(_fixed(polygons)[order]), np.unique(codes[order], return_index=True)
    colours = np.clip(tint[values // 1000] * (values % 1000 / 9)[:, None], 3, 252).tolist()
    for colour, start, end in zip(colours, starts, [*starts[1:], len(points)], strict=True):
        cv2.fillPoly(scene.image, points[start:end], colour, shift=SHIFT)


def pitched(scene: Scene, shapes, tint, which, height_m: float, kind="house", turn=True, gables=None) -> int:
    """Houses [n, 4, 2] that do not overlap, with saddle or hipped roofs in colours tint[which].

    The ridge runs along the longer side, or along the first where not `turn`. Returns the first object's id.
    """
    first = len(scene.drawn)
    if len(shapes) == 0:
        return first
    shade_ground(scene, shapes, height_m)
    scene.claim_each(shapes, kind)
    sides = np.linalg.norm(shapes[:, [1, 3]] - shapes[:, :1], axis=-1)
    if turn:
        long = (sides[:, 1] > sides[:, 0])[:, None]
        shapes = np.where(long[..., None], np.roll(shapes, -1, 1), shapes)
        sides = np.where(long, sides[:, ::-1], sides)
    gables = scene.uniform(0, 1) if gables is None else gables
    _facets(scene, shapes, sides, tint, which, scene.rng.random(len(shapes)) > gables)
    if np.median(sides) > 5:
        scene.texture(cover(shapes) * (0.09 * scene.noise(0.8, scene.pick([GRAIN, MOTTLE]))))
    return first


def _facets(scene: Scene, shapes, sides, tint, which, hipped) -> None:
    pitch = scene.uniform(0.16, 0.34)
    along = (shapes[:, 1] - shapes[:, 0]) / sides[:, :1]
    out = (shapes[:, 3] - shapes[:, 0]) / sides[:, 1:]
    if np.median(sides[:, 1]) < LEAST_RIDGE:
        paint_tints(scene, shapes, tint, which, 1.0)
        return
    hip = (np.minimum(sides[:, 1], sides[:, 0] * 0.8) / 2 * hipped)[:, None]
    start, end = (shapes[:, 0] + shapes[:, 3]) / 2 + along * hip, (shapes[:, 1] + shapes[:, 2]) / 2 - along * hip
    light = pitch * 1.3 * (out @ scene.sun)
    paint_tints(scene, np.stack([shapes[:, 0], shapes[:, 1], end, start], 1), tint, which, 1 + light)
    paint_tints(scene, np.stack([start, end, shapes[:, 2], shapes[:, 3]], 1), tint, which, 1 - light)
    if hipped.any() and np.median(sides[:, 1]) > 4:
        light = (pitch * 1.3 * (along @ scene.sun))[hipped]
        ends = (np.stack([shapes[:, 3], shapes[:, 0], start], 1), np.stack([shapes[:, 1], shapes[:, 2], end], 1))
        paint_tints(scene, ends[0][hipped], tint, which[hipped], 1 + light)
        paint_tints(scene, ends[1][hipped], tint, which[hipped], 1 - light)


def shade_ground(scene: Scene, shapes, height_m: float) -> None:
    """Shadows of shapes that do not overlap, a call each step."""
    reach = scene.px(height_m * scene.shadow_length)
    size = np.sqrt(np.median(np.linalg.norm(shapes[:, 1] - shapes[:, 0], axis=-1)) + 1)
    count = int(np.clip(np.ceil(reach / size / 1.5), 1, 5))
    mask = np.zeros((SIDE, SIDE), np.float32)
    for step in range(1, count + 1):
        np.maximum(mask, cover(shapes + scene.sun * (reach * step / count)), out=mask)
    scene.shade(mask)


def footprints(scene: Scene, places: Lots, plan: Plan, row: bool) -> tuple[np.ndarray, np.ndarray]:
    """Rectangles [n, 4, 2] of houses on their lots, and how deep they are in metres; `row`: wall to wall."""
    count = len(places.fronts)
    wide = plan.house_width * scene.rng.uniform(*((1, 1.02) if row else (0.82, 1.08)), count)
    deep = plan.house_depth * scene.rng.uniform(*((0.95, 1.05) if row else (0.72, 1.2)), count)
    aside = 0 if row else scene.px(plan.lot - plan.house_width) * scene.rng.uniform(-0.3, 0.3, (count, 1))
    along = np.stack([-places.inward[:, 1], places.inward[:, 0]], -1)
    back = plan.setback * (1 if row else scene.rng.uniform(0.7, 1.4, count))
    centres = places.at(scene, back + deep / 2) + along * aside
    angles = places.angles + (0 if row else scene.rng.normal(0, 0.03, count))
    return rectangles(centres, scene.px(wide), scene.px(deep), angles), deep


def wings(scene: Scene, shapes, tint, which, first: int, share: float) -> None:
    """Gabled wings at right angles to some houses, to the front or the back; part of the same object."""
    some = np.flatnonzero((scene.rng.random(len(shapes)) < share) & in_view(shapes.mean(1), 10))
    if len(some) == 0:
        return
    box = shapes[some]
    middle, along, out = box.mean(1), box[:, 1] - box[:, 0], box[:, 3] - box[:, 0]
    out = out * scene.rng.choice([-1, 1], (len(some), 1))
    half = along * scene.rng.uniform(0.17, 0.27, (len(some), 1))
    aside = scene.rng.uniform(0.15, 0.28, (len(some), 1)) * scene.rng.choice([-1, 1], (len(some), 1))
    axis = middle + along * aside
    eave, tip = axis + out * 0.5, axis + out * scene.rng.uniform(0.65, 0.95, (len(some), 1))
    base = np.stack([eave - half, eave + half, tip + half, tip - half], 1)
    shade_ground(scene, base, 4)
    for i, shape in zip(some, _fixed(base), strict=True):
        cv2.fillPoly(scene.owner, [shape], first + int(i), shift=SHIFT)
    light = 0.3 * (half @ scene.sun) / (np.linalg.norm(half, axis=1) + 1e-6)
    inner = axis + out * 0.12
    paint_tints(scene, np.stack([inner, eave - half, tip - half, tip], 1), tint, which[some], 1 + light)
    paint_tints(scene, np.stack([inner, eave + half, tip + half, tip], 1), tint, which[some], 1 - light)


def on_roofs(scene: Scene, shapes) -> None:
    """Chimneys, vents and a few solar panels, where they can be seen."""
    if scene.px(1) < 1.6 or len(shapes) == 0:
        return
    shapes = shapes[scene.rng.random(len(shapes)) < scene.uniform(0.2, 0.9)]
    count = len(shapes)
    angles = np.arctan2(*(shapes[:, 1] - shapes[:, 0]).T[::-1])
    spot = scene.rng.uniform(0.25, 0.75, (2, count, 1))
    at = shapes[:, 0] + spot[0] * (shapes[:, 1] - shapes[:, 0]) + spot[1] * (shapes[:, 3] - shapes[:, 0])
    small = rectangles(at, scene.px(0.8), scene.px(scene.rng.uniform(0.7, 1.4, count)), angles)
    scene.cast(small, 1.2)
    scene.fill(small, scene.colours("tiles", count) * 0.4 + scene.uniform(20, 80))
    if scene.chance(0.4):
        some = scene.rng.random(count) < 0.25
        panels = rectangles(at[some] + scene.px(1.5), scene.px(4), scene.px(2.2), angles[some])
        scene.fill(panels, (44, 52, 70))


def drives(scene: Scene, places: Lots, plan: Plan) -> None:
    """Paved ways from the street to beside the house, now and then with a car."""
    if scene.px(3.5) < 1.5:  # would be specks
        return
    length = plan.setback + plan.house_depth * 0.4
    along = np.stack([-places.inward[:, 1], places.inward[:, 0]], -1)
    aside = scene.px(plan.lot * 0.36) * np.where(scene.rng.random((len(along), 1)) < 0.85, 1, -1)
    centres = places.at(scene, length / 2 - 1) + along * aside
    width = np.maximum(scene.px(scene.rng.uniform(2.5, 5.5, len(along))), 0.9)
    light = scene.rng.uniform(0.6, 1.05, (len(along), 1))
    scene.fill(rectangles(centres, width, scene.px(length + 2), places.angles), scene.colour("concrete") * light)
    if scene.px(1) > 0.9:
        some = scene.rng.random(len(along)) < 0.4
        cars(scene, centres[some], places.angles[some] + np.pi / 2)


def behind_houses(scene: Scene, places: Lots, plan: Plan) -> None:
    """Sheds, terraces, trampolines, pools: what lies about behind houses."""
    count = len(places.fronts)
    if scene.px(3) < 1 or count == 0:
        return
    for name in ("shingles", "concrete", "flat roof"):
        some = scene.rng.random(count) < scene.uniform(0.1, 0.5)
        sizes = scene.rng.uniform(1.5, 4.5, (some.sum(), 2))
        _behind(scene, places.only(some), plan, sizes, scene.colours(name, some.sum(), 3) * 0.9)
    if plan.lot > 13.5 and scene.chance(0.35):
        some = scene.rng.random(count) < scene.uniform(0.03, 0.25)
        sizes = scene.rng.uniform(3.5, 7.5, (some.sum(), 2))
        _behind(scene, places.only(some), plan, sizes + 1.6, scene.colour("concrete") * 0.85, spread=0.0)
        _behind(scene, places.only(some), plan, sizes, scene.rng.normal((98, 134, 144), 9), "swimming pool", 0.0)


def _behind(scene: Scene, places: Lots, plan: Plan, sizes, colours, kind=None, spread: float = 0.4) -> None:
    """Rectangles in back gardens; `spread` sideways in lots (0: in the middle, the same place every time)."""
    count = len(places.fronts)
    along = np.stack([-places.inward[:, 1], places.inward[:, 0]], -1)
    near, far = plan.setback + plan.house_depth + 3, max(plan.depth - 1, plan.setback + plan.house_depth + 4)
    behind = scene.rng.uniform(near, far, count) if spread else np.full(count, near * 0.4 + far * 0.6)
    centres = places.at(scene, behind) + along * scene.px(plan.lot * scene.rng.uniform(-spread, spread, (count, 1)))
    shapes = rectangles(centres, *scene.px(sizes).T, places.angles)
    if kind is None and spread and scene.px(2) > 2.5:
        scene.cast(shapes, 2)
    scene.fill(shapes, colours, kind)
