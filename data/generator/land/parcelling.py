"""Farmland divided into parcels: a frame of two directions, cut again and again."""

from dataclasses import dataclass

import numpy as np

from ..drawing.geometry import local_m
from ..drawing.scene import SIDE, Scene


@dataclass(frozen=True)
class Parcel:
    """`own` is its mask [SIDE, SIDE]; `short` the number (0, 1) of the frame's direction it is narrow in."""

    own: np.ndarray
    short: int


def heading(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Metres [SIDE, SIDE] in the two directions of the land, often those of the compass, never quite square."""
    angle = scene.rng.normal(0, 0.03) if scene.chance(0.45) else scene.angle()
    along, across = local_m(scene, angle, scene.rng.uniform(0.2, 0.8, 2) * SIDE)
    if scene.chance(0.35):  # a river, a slope or an old road bends everything a little
        pace = np.float32(2 * np.pi / (scene.width_m * scene.uniform(1.1, 3)))
        size = np.float32(scene.uniform(0.02, 0.3) / pace / 2)
        across = across + size * np.sin(pace * along + np.float32(scene.uniform(0, 6)))
    skew = np.float32(scene.rng.normal(0, 0.04) if scene.chance(0.7) else scene.rng.normal(0, 0.25))
    frames = across + skew * along, along
    return frames if scene.chance(0.5) else frames[::-1]


def divide(scene: Scene, frames, count: int) -> tuple[list[Parcel], np.ndarray, list]:
    """The canvas in `count` parcels: these, metres to the nearest boundary, and the cuts (signed metres, where)."""
    number, nearest = np.zeros((SIDE, SIDE), np.int32), np.full((SIDE, SIDE), 1e6, np.float32)
    cuts = []
    for new in range(1, count):
        own = number == np.bincount(number[::4, ::4].ravel()).argmax()
        axis = 1 - _short(frames, own) if scene.chance(0.8) else scene.integer(0, 1)
        frame = frames[axis] + np.float32(scene.rng.normal(0, 0.02)) * frames[1 - axis]
        away = frame - float(np.quantile(frame[::4, ::4][own[::4, ::4]], scene.uniform(0.22, 0.78)))
        number[own & (away > 0)] = new
        np.minimum(nearest, np.abs(away), out=nearest, where=own)
        cuts.append((away, own))
    masks = [number == n for n in range(count)]
    return [Parcel(own, _short(frames, own)) for own in masks if own.any()], nearest, cuts


def _short(frames, own) -> int:
    few = own[::3, ::3]
    spans = [np.ptp(frame[::3, ::3][few]) if few.any() else 0 for frame in frames]
    return int(spans[1] < spans[0])
