"""What stands about in yards: their ground, pallets, lorries, tanks, pipe racks, stacks, rail tracks with waggons."""

import cv2
import numpy as np

from ..drawing.geometry import rectangles, straight, to_canvas
from ..drawing.ground import cars
from ..drawing.scene import SHIFT, SIDE, Scene
from ..drawing.textures import GRAIN, LAND, PATCH
from .parcels import Parcels
from .pavements import pavement
from .tanks import tanks


def yard_ground(scene: Scene, green: float) -> None:
    """Paved or trodden ground, stained and grown over in places; `green` is the chance of grass instead."""
    name = "grass" if scene.chance(green) else "paved" if scene.chance(0.75) else "soil"
    first = pavement(scene) if name == "paved" else scene.colour(name)
    other = scene.colour("soil" if name == "grass" or scene.chance(0.4) else "grass") * 0.85
    if name == "soil":  # dusty rather than brown
        first = first * 0.5 + 0.45 * first.mean()
    broad, fine = scene.noise(scene.uniform(0.8, 2), LAND), scene.noise(scene.uniform(0.4, 0.9), PATCH)
    worn = np.clip(broad + 0.6 * fine - scene.uniform(0.2, 1.3), 0, 1) * scene.uniform(0.3, 0.85)
    tone = 1 + 0.06 * fine.T[::-1] + 0.06 * broad.T - 0.12 * (np.abs(broad) < 0.05) + 0.05 * scene.noise(1, GRAIN)
    scene.image = (first + (other - first) * worn[..., None]) * tone[..., None]


def stacks(scene: Scene, spots) -> None:
    """Chimneys at spots [n, 2] in pixels: a ring from above, and a long thin shadow that gives them away."""
    count = len(spots)
    if count == 0:
        return
    widths = scene.rng.uniform(2.5, 6, count)
    reach = np.minimum(scene.px(scene.rng.uniform(25, 60) * scene.shadow_length), 80)
    turn = np.arctan2(scene.sun[1], scene.sun[0])
    bars = rectangles(spots + scene.sun * reach / 2, reach, np.maximum(scene.px(widths * 0.8), 1.1), turn)
    scene.shade(scene.stamp(bars), min(scene.shadow_depth + 0.1, 0.6))
    for spot, width in zip(np.round(spots * 2**SHIFT).astype(int).tolist(), widths.tolist(), strict=True):
        radius = max(scene.px(width / 2), 0.9)
        pale = scene.uniform(130, 220)
        for part, tone in ((1, pale), (0.5, 45.0)):
            cv2.circle(scene.image, spot, round(radius * part * 2**SHIFT), (tone, tone, tone), -1, cv2.LINE_8, SHIFT)


def pipe_racks(scene: Scene, lines) -> None:
    """Bundles of pipes on trestles along lines [n, 2] in pixels, with cross beams and shadow."""
    if not lines:
        return
    rack = np.zeros((SIDE, SIDE), np.uint8)
    pipes = np.zeros_like(rack)
    for line in lines:
        points = np.round(np.asarray(line) * 2**SHIFT).astype(np.int32)
        wide = max(2, round(scene.px(scene.uniform(4, 8))))
        cv2.polylines(rack, [points], False, 255, wide, cv2.LINE_8, SHIFT)
        for shift in np.arange(-wide / 2, wide / 2, 2.2):
            moved = np.round((np.asarray(line) + shift) * 2**SHIFT).astype(np.int32)
            cv2.polylines(pipes, [moved], False, 255, 1, cv2.LINE_AA, SHIFT)
    rack = rack / np.float32(255)
    step = np.round(scene.sun[::-1] * max(scene.px(5 * scene.shadow_length), 1)).astype(int)
    scene.shade(np.roll(rack, step, (0, 1)), scene.shadow_depth * 0.8)
    scene.paint(rack * 0.9, scene.colour("steel") * 0.62)
    scene.paint(rack * pipes / np.float32(320), scene.colour("steel") * scene.uniform(1.05, 1.4))
    scene.claim(rack > 0.5, "pipes")


def steelwork(scene: Scene, plan: Parcels, boxes) -> None:
    """Vessels, coolers and trestles in rows, of every height, too dense to tell apart."""
    if len(boxes) == 0:
        return
    scene.paint(scene.stamp(plan.shapes(scene, boxes)) * 0.8, pavement(scene, scene.uniform(70, 160)))
    count = min(18 * len(boxes), 150)
    box = boxes[scene.rng.integers(0, len(boxes), count)]
    spot = np.round(scene.rng.uniform(-0.45, 0.45, (count, 2)) * 12) / 12
    at = box[:, :2] + spot * box[:, 2:]
    sizes = np.maximum(scene.rng.lognormal(1.3, 0.6, (count, 2)), 1.2 * scene.gsd)
    shapes = plan.shapes(scene, np.concatenate([at, np.minimum(sizes, 0.5 * box[:, 2:])], 1))
    scene.cast(shapes, scene.rng.uniform(2, 16, count))
    scene.fill(shapes, np.clip(scene.colours("steel", count, 3) * scene.rng.uniform(0.5, 1.5, (count, 1)), 20, 240))


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
    offsets = middle + (np.arange(count) - (count - 1) / 2) * gauge
    lines = [straight(scene, angle, offset) for offset in offsets]
    sleepers, steel = np.zeros((SIDE, SIDE), np.uint8), np.zeros((SIDE, SIDE), np.uint8)
    across = np.array([-np.sin(angle), np.cos(angle)])
    for line in lines:
        points = np.round(line * 2**SHIFT).astype(np.int32)
        cv2.polylines(sleepers, [points], False, 255, max(1, round(scene.px(2.4))), cv2.LINE_AA, SHIFT)
        for side in (-0.72, 0.72) if scene.px(1.5) > 2 else ():
            rail = np.round((line + across * scene.px(side)) * 2**SHIFT).astype(np.int32)
            cv2.polylines(steel, [rail], False, 255, 1, cv2.LINE_AA, SHIFT)
    scene.shade(sleepers / np.float32(255), 0.25)
    scene.paint(steel / np.float32(255), ballast * 1.5)
    _waggons(scene, lines, angle)


def _waggons(scene: Scene, lines, angle: float) -> None:
    along, spots = np.array([np.cos(angle), np.sin(angle)]), []
    for line in lines:
        if scene.chance(0.3):
            places = scene.uniform(-80, 40) + np.arange(scene.integer(2, 9))[:, None] * scene.px(15)
            spots.append(line.mean(0) + along * places)
    if spots:
        shapes = rectangles(np.concatenate(spots), scene.px(13.5), max(scene.px(2.9), 1), angle)
        scene.cast(shapes, 3.5)
        scene.fill(shapes, scene.colours("roof", len(shapes), 3) * 0.8)
