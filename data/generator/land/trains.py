"""Trains of coaches on the tracks of a station."""

import numpy as np

from ..drawing.geometry import rectangles
from ..drawing.scene import Drawn, Scene

COLOURS = [(186, 190, 194), (150, 154, 158), (200, 198, 190), (128, 60, 52), (62, 84, 116), (76, 108, 88),
           (178, 150, 70), (92, 94, 98), (214, 216, 216), (108, 104, 98)]  # fmt: skip


def coaches(scene: Scene, yard, layout: str) -> None:
    """Trains at some platforms and on sidings: coach after coach along the track's curve."""
    share = scene.uniform(0.15, 0.75)
    livery = [np.array(scene.pick(COLOURS), np.float32) for _ in range(2)]  # one railway has few colours
    livery = [0.55 * colour + 0.45 * colour.mean() for colour in livery]  # roofs are dusty
    trains = []
    for track in yard.tracks:
        if not scene.chance(share):
            continue
        long = scene.pick([18.0, 23.0, 26.0])
        count = scene.integer(2, 4) if layout == "halt" else scene.integer(3, 12)
        middle = scene.uniform(-0.3, 0.3) * scene.width_m
        start = yard.end - 3 - count * (long + 0.6) if np.isfinite(yard.end) else middle - count * (long + 0.6) / 2
        places = start + (np.arange(count) + 0.5) * (long + 0.6)
        points = yard.at(scene, np.stack([places, np.full(count, track)], -1))
        trains.append((points, scene.px(long), yard.direction(places), livery[scene.integer(0, 1)]))
    if trains:
        shapes = [rectangles(p, long, max(scene.px(2.95), 1.2), turn) for p, long, turn, _ in trains]
        scene.cast(np.concatenate(shapes), 3.8)
    for points, long, turn, colour in trains:
        _train(scene, points, long, turn, colour * scene.uniform(0.85, 1.05))


def _train(scene: Scene, points, long: float, turn, colour) -> None:
    """Roofs rounded to both sides, ribs or boxes on top; the whole train is one object."""
    wide = max(scene.px(2.95), 1.2)
    shapes = rectangles(points, long, wide, turn)
    number = len(scene.drawn)
    tones = colour * scene.rng.uniform(0.93, 1.05, (len(points), 1))
    scene.fill(shapes, tones * 0.86, "train")
    area = sum(drawn.area for drawn in scene.drawn[number:])
    scene.owner[scene.owner > number] = number
    scene.drawn[number:] = [Drawn("train", area)]
    if wide > 2:
        scene.fill(rectangles(points, long * 0.985, wide * 0.55, turn), np.clip(tones * 1.08, 5, 248))
    if scene.px(1) > 0.9:
        along = np.stack([np.cos(turn), np.sin(turn)], -1)
        places = scene.rng.uniform(-0.4, 0.4, scene.integer(1, 3))  # one make of coach: the same boxes on each
        boxes = np.concatenate([points + along * long * place for place in places])
        tone = np.clip(colour * scene.uniform(0.82, 1.12), 5, 245)
        scene.fill(rectangles(boxes, scene.px(2.6), wide * 0.5, np.tile(turn, len(places))), tone)
