"""The pointing game: does the highest place of a heatmap lie in a true box, and how often would a guess."""

import numpy as np


def box_mask(boxes, height: int, width: int, tolerance: float = 0.0) -> np.ndarray:
    """bool [height, width]: the pixels that a box touches, or whose middle is at most `tolerance` pixels from one.

    boxes: [n, 4], left, top, right, bottom in pixels; they are widened to whole pixels first, so that one thinner
    than a pixel has a pixel, too. Raises ValueError for no box, or for one without an extent.
    """
    mask = np.zeros((height, width), dtype=bool)
    for box in checked_boxes(boxes):
        # Only the pixels that can be near enough: a small box in a large picture has few.
        left, top = np.clip(np.floor(box[:2] - tolerance), 0, (width, height)).astype(int)
        right, bottom = np.clip(np.ceil(box[2:] + tolerance), 0, (width, height)).astype(int)
        part = mask[top:bottom, left:right]
        rows, columns = (np.arange(length) + 0.5 for length in part.shape)
        part |= _distance(box[None], left + columns, top + rows[:, None]) <= tolerance
    return mask


def pointing_hit(heatmap, boxes, tolerance: float = 0.0) -> float:
    """1.0 where the map's highest pixel lies in a box, else 0.0 (the pointing game: Zhang et al. 2018, IJCV).

    tolerance: how far from a box still counts, in pixels (Zhang et al. allow 15 on photographs of about 500).
    Where several pixels share the maximum the share of them that hits, so that a flat map earns what a random
    pixel earns; that rule is ours. Raises ValueError for a map that is empty or not finite.
    """
    heatmap = checked_map(heatmap)
    return float(box_mask(boxes, *heatmap.shape, tolerance)[heatmap == heatmap.max()].mean())


def centre_hit(boxes, height: int, width: int, tolerance: float = 0.0) -> float:
    """What pointing at the middle of the picture earns: the guess of who knows only that photographers aim."""
    return float(_distance(checked_boxes(boxes), width / 2, height / 2) <= tolerance)


def random_hit(boxes, height: int, width: int, tolerance: float = 0.0) -> float:
    """What a pixel drawn at random earns on average: the share of the picture that the boxes cover."""
    return float(box_mask(boxes, height, width, tolerance).mean())


def _distance(boxes: np.ndarray, x, y) -> np.ndarray:
    """From each point to the nearest box, 0 inside; boxes are widened to whole pixels."""
    nearest = np.inf
    for left, top, right, bottom in np.hstack([np.floor(boxes[:, :2]), np.ceil(boxes[:, 2:])]):
        aside = np.maximum(0, np.maximum(left - x, x - right))
        above = np.maximum(0, np.maximum(top - y, y - bottom))
        nearest = np.minimum(nearest, np.hypot(aside, above))
    return nearest


def checked_map(heatmap) -> np.ndarray:
    heatmap = np.asarray(heatmap, dtype=np.float64)
    if heatmap.ndim != 2 or heatmap.size == 0:
        raise ValueError(f"a heatmap {list(heatmap.shape)}: give [height, width]")
    if not np.isfinite(heatmap).all():
        wrong = (~np.isfinite(heatmap)).sum()
        raise ValueError(f"{wrong} pixels of a heatmap are NaN or infinite; look at the model that drew it")
    return heatmap


def checked_boxes(boxes) -> np.ndarray:
    boxes = np.asarray(boxes, dtype=np.float64)
    if boxes.ndim != 2 or boxes.shape[1:] != (4,) or len(boxes) == 0:
        raise ValueError(f"boxes {list(boxes.shape)}: give at least one, [n, 4] of left, top, right, bottom")
    if not np.isfinite(boxes).all() or (boxes[:, 2:] <= boxes[:, :2]).any():
        raise ValueError("a box without an extent: right must be beyond left, bottom below top, in pixels")
    return boxes
