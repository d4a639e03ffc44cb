"""The indicators of semantic localisation: how a heatmap lies over true boxes."""

import numpy as np

from rsclip_lab.evaluation.localisation.pointing import box_mask, checked_boxes, checked_map

# The constants of Yuan et al. 2022 (arXiv:2209.06515), from their published evaluation.
SALIENCE = 0.707  # beta of R_su
REACH = 1.5  # radius of a region, in mean distances from its centre to its corners
STEEPNESS = 3  # of R_as
CROWDING = 0.5  # eta of R_da
WEIGHTS = {"r_su": 0.4, "r_as": 0.35, "r_da": 0.25}


def significant_area_proportion(heatmap, boxes) -> float:
    """R_su, 0…1, higher is better: how much brighter the map is inside the boxes than outside.

    1 - exp(-0.707 · mean inside / mean outside) (Yuan et al. 2022, arXiv:2209.06515); 0.51 for a map that knows
    nothing. NaN where the boxes leave nothing outside. The map must be nowhere negative.
    """
    heatmap = checked_map(heatmap)
    if heatmap.min() < 0:
        raise ValueError(f"a heatmap goes down to {heatmap.min():.3g}: give one in 0…1 (stretch it)")
    inside = box_mask(boxes, *heatmap.shape)
    if inside.all():
        return float("nan")
    within, beyond = heatmap[inside].mean(), heatmap[~inside].mean()
    return float(-np.expm1(-SALIENCE * within / max(beyond, 1e-12)))


def attention_shift(heatmap, boxes, **smoothing: float) -> float:
    """R_as, 0…1, LOWER is better: how far the map's peaks lie from the middle of each box.

    For a box the mean distance to its middle of the peaks that lie within its radius (1.5 half diagonals), as a
    share of that radius; 1 without such a peak. Their mean x over the boxes gives (e^3x - 1) / (e^3 - 1)
    (Yuan et al. 2022). smoothing: as in `peaks`.
    """
    return shift_of(peaks(heatmap, **smoothing), boxes)


def shift_of(points: np.ndarray, boxes) -> float:
    """`attention_shift` of peaks that are known."""
    found = [_near(box, points) for box in checked_boxes(boxes)]
    shift = np.mean([near.mean() if len(near) else 1.0 for near, _ in found])
    return float(np.expm1(STEEPNESS * shift) / np.expm1(STEEPNESS))


def discrete_attention(heatmap, boxes, **smoothing: float) -> float:
    """R_da, 0…1, higher is better: whether each box has one peak near it, rather than none or many.

    0 without a peak within the box's radius, 1 with one; with n of them ½ (1 - their mean distance from their own
    middle, in radii) + exp(-(n + 2) / 2); the mean over the boxes (Yuan et al. 2022). smoothing: as in `peaks`.
    """
    return discreteness_of(peaks(heatmap, **smoothing), boxes)


def discreteness_of(points: np.ndarray, boxes) -> float:
    """`discrete_attention` of peaks that are known."""
    scores = []
    for box in checked_boxes(boxes):
        near, places = _near(box, points)
        if len(near) < 2:
            scores.append(float(len(near)))
            continue
        spread = np.hypot(*(places - places.mean(axis=0)).T).mean()
        scores.append(0.5 * (1 - spread) + np.exp(-CROWDING * (len(near) + 2)))
    return float(np.mean(scores))


def mean_indicator(r_su: float, r_as: float, r_da: float) -> float:
    """R_mi, 0…1, higher is better: 0.4 R_su + 0.35 (1 - R_as) + 0.25 R_da (Yuan et al. 2022)."""
    return WEIGHTS["r_su"] * r_su + WEIGHTS["r_as"] * (1 - r_as) + WEIGHTS["r_da"] * r_da


def peaks(heatmap, blur: float = 0.01, apart: float = 0.2, lowest: float = 0.5) -> np.ndarray:
    """The places [n, 2] (x, y in pixels) where the map, blurred, is highest around and itself at least `lowest`.

    Five box blurs, and the highest in a square, as Yuan et al. 2022 do with 50 and 1,000 pixels on scenes of several
    thousand. Ours: the sides are shares of the map's longer side, `blur` and `apart`, so that small pictures have
    peaks, too; values are not rounded to 8 bits; and of pixels beside each other that tie, the middle is taken.
    """
    from scipy import ndimage

    heatmap = checked_map(heatmap)
    longer = max(heatmap.shape)
    blurred, side = heatmap, max(1, round(blur * longer))
    for _ in range(5):
        blurred = ndimage.uniform_filter(blurred, side, mode="nearest")
    highest = blurred == ndimage.maximum_filter(blurred, max(3, round(apart * longer)), mode="nearest")
    groups, count = ndimage.label(highest & (blurred > 0), np.ones((3, 3)))
    middles = np.array(ndimage.center_of_mass(groups > 0, groups, range(1, count + 1))).reshape(-1, 2)
    rows, columns = middles.astype(int).T
    return middles[heatmap[rows, columns] >= lowest][:, ::-1] + 0.5


def stretched(heatmap) -> np.ndarray:
    """The map from 0 (its lowest) to 1 (its highest); zeros where it is flat."""
    heatmap = checked_map(heatmap)
    extent = np.ptp(heatmap)
    return (heatmap - heatmap.min()) / extent if extent > 0 else np.zeros_like(heatmap)


def _near(box: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances [n] from the box's middle, and places [n, 2], of the points within its radius; both in radii."""
    left, top, right, bottom = box
    radius = REACH * np.hypot(right - left, bottom - top) / 2
    points = (points - ((left + right) / 2, (top + bottom) / 2)) / radius
    distances = np.hypot(*points.T)
    return distances[distances <= 1], points[distances <= 1]
