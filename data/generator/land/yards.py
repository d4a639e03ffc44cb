"""What stands about in yards: pallets, sheds, lorries, tanks with pipes, rail tracks with waggons."""

import numpy as np

from ..drawing.geometry import rectangles, straight, to_canvas
from ..drawing.ground import cars
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN
from .tanks import tanks


def strewn(scene: Scene, angle: float, count: int) -> None:
    """What lies about in yards: pallets, skips, sheds, machines, parked cars, in loose groups."""
    knots = scene.rng.uniform(-10, SIDE + 10, (max(count // 7, 1), 2))
    centres = knots[scene.rng.integers(0, len(knots), count)] + scene.rng.normal(0, scene.px(9), (count, 2))
    turned = angle + scene.rng.choice([0, np.pi / 2], count) + scene.rng.normal(0, 0.06, count)
    if scene.px(2) > 0.8:
        cars(scene, centres[: count // 3], turned[: count // 3])
    sizes = np.maximum(scene.px(scene.rng.lognormal(1.1, 0.45, (count, 2))), 0.9)
    shapes = rectangles(centres + scene.rng.normal(0, scene.px(6), (count, 2)), *sizes.T, turned)
    scene.cast(shapes, 2)
    scene.fill(shapes, scene.colours(scene.pick(["steel", "flat roof", "roof"]), count, 6) * scene.uniform(0.6, 1))


def trucks(scene: Scene, centres, angles) -> None:
    """Lorries: a long box and a cab, at centres [n, 2] in pixels."""
    count = len(centres)
    if count == 0:
        return
    length = scene.px(scene.rng.choice([7, 12, 14], count))
    shapes = rectangles(centres, np.maximum(length, 2), max(scene.px(2.6), 0.9), angles)
    scene.cast(shapes, 3.2)
    pale = scene.rng.random((count, 1)) < 0.7
    scene.fill(
        shapes,
        np.where(pale, scene.rng.uniform(190, 235, (count, 1)), scene.colours("car", count, 6)),
        "truck",
    )
    if scene.px(2.6) > 2.5:
        nose = np.stack([np.cos(angles), np.sin(angles)], -1) * (length / 2 + scene.px(1.4))[:, None]
        scene.fill(rectangles(centres + nose, scene.px(2.2), scene.px(2.4), angles), scene.colours("car", count, 5))


def tank_cluster(scene: Scene, centre, room_m: float = 30.0) -> None:
    """A few tanks with pipes in a cluster of about `room_m` radius around a centre in pixels."""
    radius, count = min(scene.uniform(3, 14), room_m * 0.45), scene.integer(1, 5)
    spots = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [2, 0]])[:count] * radius * 2.5
    spots = to_canvas(scene, spots, scene.angle(), centre)
    if count > 1 and scene.px(1) > 0.7:
        ends = spots[[0, -1]] + scene.rng.normal(0, 30, (2, 2))
        scene.paint(scene.stroke(np.concatenate([ends[:1], spots, ends[1:]]), 1), scene.colour("steel"), "pipes")
    tanks(scene, spots, radius * scene.rng.uniform(0.8, 1, count), scene.uniform(6, 14))


def rails(scene: Scene, angle: float, count: int, middle: float | None = None) -> None:
    """A bundle of parallel tracks on ballast, with waggons standing on some; `middle` is its offset in pixels."""
    middle = scene.uniform(-0.25, 0.25) * SIDE if middle is None else middle
    gauge = scene.px(4.8)
    bed = scene.stroke(straight(scene, angle, middle), count * 4.8 + 5)
    ballast = scene.colour("soil") * 0.5 + scene.colour("asphalt") * 0.3
    scene.paint(bed, ballast * (1 + 0.1 * scene.noise(0.7, GRAIN))[..., None], "rails")
    for i in range(count):
        line = straight(scene, angle, middle + (i - (count - 1) / 2) * gauge)
        scene.shade(scene.stroke(line, 2.4), 0.25)
        if scene.px(1.5) > 2:
            for side in (-0.7, 0.7):
                scene.paint(
                    scene.stroke(
                        straight(scene, angle, middle + (i - (count - 1) / 2) * gauge + scene.px(side)), 0.2
                    ),
                    ballast * 1.5,
                )
        if scene.chance(0.3):
            along = np.array([np.cos(angle), np.sin(angle)])
            spots = line.mean(0) + along * (
                scene.uniform(-80, 40) + np.arange(scene.integer(2, 9))[:, None] * scene.px(15)
            )
            shapes = rectangles(spots, scene.px(13.5), max(scene.px(2.9), 1), angle)
            scene.cast(shapes, 3.5)
            scene.fill(shapes, scene.colours("roof", len(spots), 3) * 0.8)
