"""Buildings with height: boxes that lean away from the camera's foot point, lit walls, windows, long shadows."""

from dataclasses import dataclass

import cv2
import numpy as np

from ..drawing.scene import SHIFT, SIDE, Drawn, Scene
from ..drawing.textures import GRAIN
from .halls import dress
from .streets import corners

TIERS = 4  # steps of height: higher buildings shade and hide lower ones
DETAILED = 7  # pixels of a roof's shorter side from which on details can be seen
STYLES = ("membrane", "gravel", "gravel", "ribs")
STOREY = 3.6  # metres
LEAST_WINDOWS = 1.3  # pixels a storey, for rows of windows to show


@dataclass(frozen=True)
class Parts:
    """Boxes [n, 4] (x0, y0, x1, y1 in metres), their heights in metres, and which building each belongs to."""

    boxes: np.ndarray
    heights: np.ndarray
    owners: np.ndarray


def heights_of(scene: Scene, parts: Parts, heights, high, style: str) -> Parts:
    """Most buildings of middling height, a few much higher; a second box stands on the first."""
    count = parts.owners.max(initial=-1) + 1
    usual = np.exp(scene.rng.uniform(*np.log(heights), count))
    tall = scene.rng.random(count) < {"downtown": 0.3, "courtyards": 0.06, "towers": 0.55, "shops": 0.08}[style]
    second = np.concatenate([[False], parts.owners[1:] == parts.owners[:-1]]) & (
        np.bincount(parts.owners, minlength=max(count, 1))[parts.owners] == 2
    )
    lifted = np.where(tall, np.exp(scene.rng.uniform(*np.log(high), count)), usual)
    base = np.where(tall & (scene.rng.random(count) < 0.6), np.minimum(usual, 16), lifted)
    top = np.where(second, np.maximum(lifted, base + 3)[parts.owners], base[parts.owners])
    return Parts(parts.boxes, top * scene.rng.uniform(0.97, 1.03, len(top)), parts.owners)


def raise_parts(scene: Scene, parts: Parts, place, style: str) -> None:
    """Draw all boxes tier by tier, the lowest first; boxes of one building are one object."""
    lean = _lean(scene, style)
    feet = place(corners(parts.boxes)) if len(parts.boxes) else np.zeros((0, 4, 2))
    near = _in_reach(scene, feet, lean, parts.heights)
    feet, heights, owners = feet[near], parts.heights[near], parts.owners[near]
    if len(feet) == 0:
        return
    colours, walls = _colours(scene, owners)
    order = np.argsort(heights)
    tops = feet + (lean * heights[:, None] / scene.gsd)[:, None]
    seen = np.zeros((SIDE, SIDE), np.int32)  # which box shows: its roof (from 1) or its walls (from -1)
    for tier in np.array_split(order, min(TIERS, len(order))):
        _shadows(scene, feet[tier], heights[tier])
        shifts = lean * heights[tier, None] / scene.gsd
        faces, visible, shades = _walls(feet[tier], shifts, walls[tier], scene.sun)
        fixed_faces, fixed_tops, fixed_feet = _fixed(faces), _fixed(tops[tier]), _fixed(feet[tier])
        for k, i in enumerate(tier):
            for side in np.flatnonzero(visible[k]):
                cv2.fillPoly(scene.image, [fixed_faces[k, side]], shades[k, side].tolist(), shift=SHIFT)
                _windows(scene, faces[k, side], shades[k, side], heights[i])
            cv2.fillPoly(scene.image, [fixed_tops[k]], colours[i].tolist(), shift=SHIFT)
            hull = cv2.convexHull(np.concatenate([fixed_tops[k], fixed_feet[k]]))
            cv2.fillPoly(seen, [hull], -int(i) - 1, shift=SHIFT)
            cv2.fillPoly(seen, [fixed_tops[k]], int(i) + 1, shift=SHIFT)
    large = np.linalg.norm(tops[:, [1, 3]] - tops[:, :1], axis=-1).min(1) > DETAILED
    if large.any():
        number = np.concatenate([[0], np.cumsum(large) * large]).astype(np.int16)
        sky = number[np.maximum(seen, 0)]
        dress(scene, sky, tops[large], colours[large], STYLES, 0.15, 0)
    _claim(scene, seen, owners)


def _in_reach(scene: Scene, feet, lean, heights) -> np.ndarray:
    """Which boxes show in the picture, or at least their shadows do."""
    reach = np.minimum(scene.px(heights * scene.shadow_length * 0.75), 90)[:, None, None]
    ends = np.concatenate([feet, feet + (lean * heights[:, None] / scene.gsd)[:, None], feet + scene.sun * reach], 1)
    return ((ends.max(1) > 0) & (ends.min(1) < SIDE)).all(1)


def _lean(scene: Scene, style: str) -> np.ndarray:
    """Metres sideways a metre of height: cameras hardly ever look straight down on a city."""
    turn, amount = scene.uniform(0, 2 * np.pi), scene.uniform(0.02, 0.26 if style != "towers" else 0.34)
    return amount * np.array([np.cos(turn), np.sin(turn)])[None]


def _colours(scene: Scene, owners) -> tuple[np.ndarray, np.ndarray]:
    """Roofs and walls [n, 3]: one colour a building, a little different from box to box."""
    count = owners.max() + 1
    roofs = scene.colours("flat roof", count, scene.integer(4, 9))
    grey = roofs.mean(1, keepdims=True)
    roofs = (grey + (roofs - grey) * scene.uniform(0.1, 0.6)) * scene.uniform(0.72, 1.12)
    walls = scene.colours("facade", count, 5) * 0.9
    walls = walls * 0.45 + walls.mean(1, keepdims=True) * 0.55
    shade = scene.rng.uniform(0.8, 1.12, (len(owners), 1))
    return np.clip(roofs[owners] * shade, 10, 238).astype(np.float32), walls[owners]


def _claim(scene: Scene, seen, owners) -> None:
    """Every building becomes an object with the pixels that show of its boxes, walls and all, and rough surfaces."""
    buildings, number = np.unique(owners, return_inverse=True)
    here = seen != 0
    fine = scene.noise(0.8, GRAIN)
    scene.texture(here * (0.06 * fine + 0.04 * fine.T[::-1]))
    found = number[np.abs(seen[here]) - 1]
    scene.owner[here] = len(scene.drawn) + found
    areas = np.bincount(found, minlength=len(buildings))
    scene.drawn += [Drawn("building", int(area)) for area in areas]


def _fixed(points) -> np.ndarray:
    return np.ascontiguousarray(np.round(points * 2**SHIFT), np.int32)


def _shadows(scene: Scene, feet, heights) -> None:
    """What each box sweeps along the sun's direction: the hull of its foot and its shifted foot."""
    reach = np.minimum(scene.px(heights * scene.shadow_length * 0.75), 90)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for points in _fixed(np.concatenate([feet, feet + scene.sun * reach[:, None, None]], 1)):
        cv2.fillPoly(mask, [cv2.convexHull(points)], 255, shift=SHIFT)
    soft = cv2.blur(mask, (3, 3)).astype(np.float32) / 255
    for shape in _fixed(feet):  # a foot is not shaded: its own box stands there
        cv2.fillPoly(soft, [shape], 0, shift=SHIFT)
    scene.shade(soft, min(scene.shadow_depth + 0.05, 0.62))


def _walls(feet, shifts, colours, sun):
    """The four walls [n, 4, 4, 2] of boxes that lean by shifts [n, 2], which can be seen, and their colours."""
    a, b = feet, np.roll(feet, -1, 1)
    out = (a + b) / 2 - feet.mean(1, keepdims=True)
    seen = ((out * shifts[:, None]).sum(-1) < 0) & (np.abs(shifts).max(1) > 0.8)[:, None]
    light = 1 - 0.4 * (out @ sun) / (np.linalg.norm(out, axis=-1) + 1e-6)
    lifted = shifts[:, None]
    return np.stack([a, b, b + lifted, a + lifted], 2), seen, np.clip(colours[:, None] * light[..., None], 5, 245)


def _windows(scene: Scene, wall, colour, height: float) -> None:
    """Rows of windows, a line a storey, where they can be told apart."""
    storeys = int(height / STOREY)
    shift = wall[3] - wall[0]
    if storeys < 2 or np.hypot(*shift) / storeys < LEAST_WINDOWS:
        return
    t = (np.arange(storeys)[:, None] + 0.5) / storeys * shift
    inset = (wall[1] - wall[0]) * 0.04
    rows = np.stack([wall[0] + inset + t, wall[1] - inset + t], 1)
    cv2.polylines(scene.image, list(_fixed(rows)), False, (colour * 0.62).tolist(), 1, cv2.LINE_8, SHIFT)
