"""Ground divided by streets into rectangular parcels of many sizes."""

from dataclasses import dataclass

import numpy as np

from ..drawing.geometry import in_view, rectangles, to_canvas
from ..drawing.scene import Scene


@dataclass(frozen=True)
class Parcels:
    """Rectangles [n, 4] (x and y of the middle, width, height) in metres of a turned frame, and streets."""

    boxes: np.ndarray
    streets: list[tuple[np.ndarray, float]]  # lines [2, 2] in metres, widths
    angle: float

    def shapes(self, scene: Scene, boxes=None) -> np.ndarray:
        boxes = self.boxes if boxes is None else boxes
        return rectangles(to_canvas(scene, boxes[:, :2], self.angle), *scene.px(boxes[:, 2:]).T, self.angle)


def parcels(scene: Scene, size_m: float, street_m: float) -> Parcels:
    """Split a square again and again; the first cuts are streets, later ones alleys."""
    reach, angle, size_m = scene.width_m * 0.75, scene.angle(), min(size_m, scene.width_m * 0.5)
    shift = scene.rng.uniform(-0.5, 0.5, 2) * size_m
    open_boxes, boxes, streets = [(-reach, -reach, reach, reach, 0)], [], []
    while open_boxes:
        x0, y0, x1, y1, level = open_boxes.pop()
        wide, high = x1 - x0, y1 - y0
        if max(wide, high) < size_m * scene.uniform(1.0, 2.2):
            boxes.append(((x0 + x1) / 2, (y0 + y1) / 2, wide, high))
            continue
        gap = street_m * (1.3 if level < 2 else 1 if level < 5 else 0.5) / 2
        at = scene.uniform(0.33, 0.67)
        if wide * scene.uniform(0.8, 1.25) > high:
            cut = x0 + at * wide
            line = np.array([[cut, y0], [cut, y1]])
            open_boxes += [(x0, y0, cut - gap, y1, level + 1), (cut + gap, y0, x1, y1, level + 1)]
        else:
            cut = y0 + at * high
            line = np.array([[x0, cut], [x1, cut]])
            open_boxes += [(x0, y0, x1, cut - gap, level + 1), (x0, cut + gap, x1, y1, level + 1)]
        if level < 6:
            streets.append((line + shift, gap * 1.5))
    boxes = np.array(boxes) + np.array([*shift, 0, 0])
    near = in_view(to_canvas(scene, boxes[:, :2], angle), scene.px(size_m))
    return Parcels(boxes[near], streets, angle)
