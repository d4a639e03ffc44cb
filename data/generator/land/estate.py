"""Parts of an industrial estate: its ground and plots, avenue trees, halls with wings, lorries."""

import cv2
import numpy as np

from ..drawing.built import buildings
from ..drawing.geometry import in_view, to_canvas
from ..drawing.ground import traffic
from ..drawing.scene import SHIFT, SIDE, Scene
from ..drawing.textures import GRAIN, MOTTLE
from .car_park import crowns
from .parcels import Parcels
from .roofs import flat_roofs
from .yards import trucks


def roof_palette(scene: Scene, count: int) -> np.ndarray:
    """Roofs of an estate: often white or grey all over, sometimes of many colours."""
    colours = scene.colours("flat roof", count, scene.integer(2, 7))
    grey = colours.mean(1, keepdims=True)
    colours = grey + (colours - grey) * scene.uniform(0.3, 1.1)
    if scene.chance(0.35):  # white roofs
        white = scene.rng.random((count, 1)) < scene.uniform(0.4, 0.95)
        colours = np.where(white, scene.uniform(205, 238) * scene.rng.uniform(0.92, 1.03, (count, 1)), colours)
    elif scene.chance(0.3):
        colours = colours * scene.uniform(0.5, 0.85)
    return np.clip(colours, 8, 246)


def lay_streets(scene: Scene, plan: Parcels) -> None:
    asphalt = scene.colour("asphalt")
    colour = (asphalt * 0.3 + asphalt.mean() * 0.7) * scene.uniform(0.6, 1.3)
    lines = [(to_canvas(scene, line, plan.angle), width) for line, width in plan.streets]
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for line, width in lines:
        thickness = max(1, round(scene.px(width)))
        cv2.polylines(mask, [np.round(line * 2**SHIFT).astype(np.int32)], False, 255, thickness, cv2.LINE_AA, SHIFT)
    scene.paint(mask.astype(np.float32) / 255, colour * (1 + 0.06 * scene.noise(1, GRAIN))[..., None], "road")
    if scene.px(1.9) > 0.7:
        for line, width in lines[:4]:
            traffic(scene, line, scene.integer(0, 16), width * 0.4)


def street_trees(scene: Scene, plan: Parcels) -> None:
    """Avenue trees beside the streets."""
    centres = []
    for line, width in plan.streets[:20]:
        length = np.linalg.norm(line[1] - line[0])
        count = int(length / scene.uniform(9, 16))
        t, side = np.arange(count)[:, None] / max(count, 1), scene.rng.choice([-1, 1], (count, 1))
        normal = np.array([line[0, 1] - line[1, 1], line[1, 0] - line[0, 0]]) / max(length, 1)
        centres.append(line[0] + t * (line[1] - line[0]) + normal * side * (width / 2 + 1))
    if centres:
        spots = to_canvas(scene, np.concatenate(centres), plan.angle)
        spots = spots[in_view(spots, 3) & (scene.rng.random(len(spots)) < 0.7)]
        crowns(scene, spots, scene.px(scene.rng.uniform(1.8, 4, len(spots))))


def plots(scene: Scene, plan: Parcels, amount: float) -> None:
    """Each parcel has ground of its own."""
    count = len(plan.boxes)
    names = scene.rng.choice(["asphalt", "concrete", "grass", "soil"], count, p=(0.42, 0.28, 0.2, 0.1))
    colours = np.stack([scene.colour(name) for name in names]).reshape(-1, 3)
    before = scene.image.copy()
    scene.fill(plan.shapes(scene), colours * scene.rng.uniform(0.8, 1.1, (count, 1)))
    scene.image = before + (scene.image - before) * amount
    scene.texture(0.05 * scene.noise(1, GRAIN) + 0.06 * scene.noise(1.5, MOTTLE))


def halls_on(scene: Scene, plan: Parcels, boxes) -> None:
    """One or several halls on each parcel, most of them with lower wings."""
    parts = [_divide(scene, box) for box in boxes]
    if not parts:
        return
    halls = np.concatenate(parts)
    colours = roof_palette(scene, len(halls))
    heights = scene.rng.uniform(5, 13, len(halls))
    _annexes(scene, plan, halls, colours, lower=True)
    flat_roofs(scene, plan.shapes(scene, halls), colours, heights, pitch=scene.pick([0.0, 0.08], [0.7, 0.3]))
    if scene.chance(0.6):
        _annexes(scene, plan, halls, colours, lower=False)


def _divide(scene: Scene, box) -> np.ndarray:
    """Halls [n, 4] on a parcel, as boxes in metres."""
    x, y, wide, high = box
    count = scene.pick([1, 2, 3, 4, 6], [0.42, 0.25, 0.14, 0.11, 0.08])
    share = scene.uniform(0.55, 0.88)
    if count == 1 or min(wide, high) < 14:
        size = np.array([wide, high]) * scene.rng.uniform(0.5, 0.92, 2)
        slack = (np.array([wide, high]) - size) * scene.rng.uniform(-0.45, 0.45, 2)
        return np.array([[x + slack[0], y + slack[1], *size]])
    columns = count if scene.chance(0.4) else int(np.ceil(count / 2))
    rows = int(np.ceil(count / columns))
    cell = np.array([wide / columns, high / rows])
    at = np.stack(np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5), -1).reshape(-1, 2) * cell
    at = at + np.array([x - wide / 2, y - high / 2])
    sizes = cell * share * scene.rng.uniform(0.6, 1.1, (len(at), 2))
    return np.concatenate([at, sizes], 1)[scene.rng.random(len(at)) < 0.9].reshape(-1, 4)


def _annexes(scene: Scene, plan: Parcels, halls, colours, lower: bool) -> None:
    some = scene.rng.random(len(halls)) < 0.6
    near = scene.rng.uniform(-0.5, 0.5, (some.sum(), 2)) * halls[some, 2:]
    size = halls[some, 2:] * scene.rng.uniform(0.2, 0.6 if lower else 0.35, (some.sum(), 2))
    shade = scene.rng.uniform(0.6, 1.25, (some.sum(), 1))
    shapes = plan.shapes(scene, np.concatenate([halls[some, :2] + near, size], 1))
    buildings(scene, shapes, np.clip(colours[some] * shade, 8, 246), 5 if lower else 14, kind=None)


def trucks_in_yards(scene: Scene, plan: Parcels) -> None:
    """Rows of lorries side by side in some yards."""
    if scene.px(2.6) < 0.9 or len(plan.boxes) == 0:
        return
    for _ in range(scene.integer(0, 4)):
        box = plan.boxes[scene.rng.integers(len(plan.boxes))]
        row = np.arange(scene.integer(2, 9))[:, None] * np.array([4.2, 0]) + box[:2] + scene.rng.normal(0, 8, 2)
        taken = scene.rng.random(len(row)) < 0.8
        trucks(scene, to_canvas(scene, row[taken], plan.angle), np.full(taken.sum(), plan.angle + np.pi / 2))
