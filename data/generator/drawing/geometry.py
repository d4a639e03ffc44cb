"""Shapes in pixels from measures in metres: rectangles, lines, curves, half planes."""

import numpy as np

from .scene import COLUMNS, ROWS, SIDE, Scene
from .textures import LAND, MOTTLE

MIDDLE = np.array([SIDE / 2, SIDE / 2])


def rotate(points, angle: float) -> np.ndarray:
    """Points [..., 2] turned about the origin."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(points, np.float64) @ np.array([[cos, sin], [-sin, cos]])


def to_canvas(scene: Scene, points_m, angle: float = 0.0, centre=MIDDLE, bend=None) -> np.ndarray:
    """Points [..., 2] in metres of a local, turned frame -> canvas pixels; `bend` curves the frame first."""
    points = np.asarray(points_m, np.float64)
    points = points if bend is None else bend(points)
    return rotate(points, angle) / scene.gsd + centre


def local_m(scene: Scene, angle: float, centre=MIDDLE) -> tuple[np.ndarray, np.ndarray]:
    """Metres along and across a turned frame at each pixel: the inverse of `to_canvas`, two arrays [SIDE, SIDE]."""
    x, y = (COLUMNS - np.float32(centre[0])) * scene.gsd, (ROWS - np.float32(centre[1])) * scene.gsd
    cos, sin = float(np.cos(angle)), float(np.sin(angle))  # plain numbers keep the arrays in single precision
    return x * cos + y * sin, y * cos - x * sin


def waves(scene: Scene, most_m: float = 35.0):
    """A gentle bending of a street grid, as a function on points [..., 2] in metres."""
    size = np.array([scene.uniform(5, most_m), scene.uniform(0, most_m * 0.7)])
    pace = 2 * np.pi / scene.rng.uniform(120, 400, 2)
    phase = scene.rng.uniform(0, 6, 2)
    return lambda points: points + size * np.sin(pace * points[..., ::-1] + phase)


def rectangles(centres, widths, heights, angles=0.0) -> np.ndarray:
    """Rectangles [n, 4, 2] from centres [n, 2], sizes and angles, all in pixels and radians."""
    centres = np.asarray(centres, np.float64).reshape(-1, 2)
    count = len(centres)
    widths, heights, angles = (np.broadcast_to(np.asarray(v, np.float64), count) for v in (widths, heights, angles))
    x = widths[:, None] * np.array([-0.5, 0.5, 0.5, -0.5])
    y = heights[:, None] * np.array([-0.5, -0.5, 0.5, 0.5])
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    return np.stack([centres[:, :1] + x * cos - y * sin, centres[:, 1:] + x * sin + y * cos], -1)


def in_view(points, margin: float = 20) -> np.ndarray:
    """Which of the points [n, 2] in pixels lie on the canvas or up to a margin beside it."""
    points = np.asarray(points)
    return ((points > -margin) & (points < SIDE + margin)).all(-1)


def straight(scene: Scene, angle: float | None = None, offset_px: float | None = None) -> np.ndarray:
    """A line [2, 2] right across the canvas, `offset_px` beside its middle."""
    angle = scene.angle() if angle is None else angle
    offset = scene.uniform(-0.4, 0.4) * SIDE if offset_px is None else offset_px
    along = np.array([np.cos(angle), np.sin(angle)])
    foot = MIDDLE + offset * np.array([-along[1], along[0]])
    return np.stack([foot - along * SIDE, foot + along * SIDE])


def curve(scene: Scene, swing: float = 0.25, points: int = 30) -> np.ndarray:
    """A winding line [points, 2] across the canvas; `swing` is its sideways reach in canvas sides."""
    t = np.linspace(-1.1, 1.1, points)
    first = np.sin(t * scene.uniform(1.5, 5) + scene.uniform(0, 6)) * scene.uniform(0.2, 1)
    second = np.sin(t * scene.uniform(4, 9) + scene.uniform(0, 6)) * scene.uniform(0, 0.4)
    local = np.stack([t, swing * (first + second) + scene.uniform(-0.25, 0.25)], -1)
    return rotate(local, scene.uniform(0, 2 * np.pi)) * SIDE + MIDDLE


def beside(scene: Scene, offset: float | None = None, angle: float | None = None, wobble: float = 0.08) -> np.ndarray:
    """Signed distance [SIDE, SIDE], in canvas sides, to a wobbly straight edge; positive beyond it."""
    angle = scene.uniform(0, 2 * np.pi) if angle is None else angle
    offset = scene.uniform(-0.3, 0.3) if offset is None else offset
    plane = ((COLUMNS - SIDE / 2) * np.cos(angle) + (ROWS - SIDE / 2) * np.sin(angle)) / SIDE - offset
    if wobble:
        plane = plane + wobble * scene.noise(scene.uniform(1, 2.5), LAND) + 0.04 * wobble * scene.noise(1, MOTTLE)
    return plane.astype(np.float32)


def edge(field: np.ndarray, softness: float = 0.02) -> np.ndarray:
    """A signed field as a soft mask 0…1, half at zero."""
    return np.clip(field / softness + 0.5, 0, 1)
