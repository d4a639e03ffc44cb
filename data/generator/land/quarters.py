"""Dense quarters without gardens: old towns round courtyards, informal settlements, apartment blocks."""

import cv2
import numpy as np

from ..drawing.geometry import in_view, rectangles, to_canvas
from ..drawing.ground import cars, grass, paving, soil, yard
from ..drawing.plants import trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN, MOTTLE, PATCH
from .houses import cover, on_roofs, pitched, tints
from .roofs import flat_roofs, roof_details
from .streets import corners, gentle, split


def _blocks(scene: Scene, size_m: float, street_m: float):
    """Blocks [n, 4] in metres with streets between, and how they are laid into the ground."""
    reach, angle = scene.width_m * 0.8, scene.angle()
    bend = gentle(scene) if scene.chance(0.75) else None
    shift = scene.rng.uniform(-0.3, 0.3, 2) * size_m
    town = np.array([[-reach, -reach, reach, reach]]) + np.tile(shift, 2)
    boxes = split(scene, town, size_m, street_m)

    def place(points):
        return to_canvas(scene, points, angle, bend=bend)

    near = in_view(place((boxes[:, :2] + boxes[:, 2:]) / 2), scene.px(size_m * 1.5))
    return boxes[near], place


def _street_ground(scene: Scene, colour) -> None:
    """Streets everywhere at first; blocks are laid on them."""
    worn = 1 + 0.06 * scene.noise(1, GRAIN) + 0.07 * scene.noise(1, PATCH)
    scene.paint(np.ones((SIDE, SIDE), np.float32), colour * worn[..., None], "road")


def _lay_blocks(scene: Scene, shapes, colour) -> np.ndarray:
    """The blocks' own ground, no longer street; returns its mask."""
    mask = cover(shapes)
    scene.paint(mask, scene.surface(colour, colour * scene.uniform(0.7, 1.2), 0.8, 0.08))
    scene.owner[mask > 0.5] = 0
    return mask


def old_town(scene: Scene) -> None:
    """Houses wall to wall along narrow streets, with courtyards behind."""
    size = max(scene.uniform(34, 65), scene.width_m / 9)
    house = np.clip(scene.uniform(9, 14), scene.width_m / 42, 20)
    blocks, place = _blocks(scene, size, scene.uniform(3.5, 8))
    _street_ground(scene, scene.colour("asphalt") * scene.uniform(0.7, 1.05))
    _lay_blocks(scene, place(corners(blocks)), scene.colour("concrete") * scene.uniform(0.5, 0.8))
    parts = split(scene, np.tile(blocks, 2), house)
    edge = ((parts[:, :2] - parts[:, 4:6] < 1) | (parts[:, 6:] - parts[:, 2:4] < 1)).any(1)
    kept = edge & (scene.rng.random(len(parts)) < 0.97) | (scene.rng.random(len(parts)) < 0.25)
    boxes, inner = parts[kept], parts[~kept]
    _courtyards(scene, place(corners(inner)))
    shapes = place(corners(boxes))
    seen = in_view(shapes.mean(1), scene.px(16))
    shapes, boxes = shapes[seen], boxes[seen]
    names = scene.pick([["tiles"], ["tiles", "roof"], ["shingles"], ["flat roof", "roof"]])
    tint = tints(scene, names, scene.integer(3, 7))
    which = scene.rng.integers(0, len(tint), len(shapes))
    if scene.chance(0.7):
        pitched(scene, shapes, tint, which, scene.uniform(7, 13), gables=0.8)
    else:
        flat_roofs(scene, shapes, tint[which] * 1.1, scene.uniform(7, 13), "house")
    on_roofs(scene, shapes)
    trees(scene, cover(place(corners(inner))) * scene.uniform(0, 0.7), scene.uniform(5, 8))


def _courtyards(scene: Scene, shapes) -> None:
    count = len(shapes)
    if count:
        names = scene.rng.choice(["grass", "concrete", "soil"], count)
        for name in ("grass", "concrete", "soil"):
            some = names == name
            scene.fill(shapes[some], scene.colours(name, int(some.sum()), 3) * scene.uniform(0.6, 0.9))


def informal_settlement(scene: Scene) -> None:
    """Small tin-roofed houses in clusters, hardly any street."""
    house = np.clip(scene.uniform(5, 8.5), scene.width_m / 48, 14)
    blocks, place = _blocks(scene, house * scene.uniform(4, 8), scene.uniform(2, 5))
    scene.image = soil(scene)
    yard(scene, None, scene.uniform(0.2, 0.6), max(6, 4 * scene.gsd))
    parts = split(scene, blocks, house, scene.uniform(0.2, 0.8))
    parts = parts[scene.rng.random(len(parts)) < scene.uniform(0.84, 0.98)]
    parts[:, :2] += scene.rng.uniform(0, 0.6, (len(parts), 2))
    parts[:, 2:] -= scene.rng.uniform(0, 0.6, (len(parts), 2))
    middles = place((parts[:, :2] + parts[:, 2:]) / 2)
    parts, middles = parts[seen := in_view(middles, scene.px(10))], middles[seen]
    turned = place(corners(parts)) - middles[:, None]
    lean = scene.rng.normal(0, scene.uniform(0.02, 0.12), len(parts))[:, None, None]
    shapes = middles[:, None] + turned * np.cos(lean) + turned[..., ::-1] * np.array([-1, 1]) * np.sin(lean)
    tint = tints(scene, ["tin"] if scene.chance(0.7) else ["tin", "tiles"], 8)
    which = scene.rng.integers(0, len(tint), len(shapes))
    pitched(scene, shapes, tint, which, scene.uniform(2.5, 4), gables=1.0)
    if scene.gsd < 1.2:  # ribs and rust of the sheets
        scene.texture(cover(shapes) * 0.12 * scene.noise(0.5, MOTTLE, 3))
    trees(scene, scene.uniform(0, 0.14) * np.clip(1 + scene.noise(1), 0, 3), scene.uniform(4, 8))


def apartments(scene: Scene) -> None:
    """Slabs, angles and towers in groups, with lawns, parking and ways between."""
    depth = scene.uniform(12, 17)
    gap = depth * scene.uniform(1.4, 1.68)
    pitch = np.array([max(scene.uniform(38, 60), scene.width_m / 11), max(gap, scene.width_m / 24)])
    depth = max(depth, pitch[1] / 1.75)
    reach, angle = scene.width_m * 0.8 + pitch.max(), scene.angle()
    bend = gentle(scene, 0.2) if scene.chance(0.3) else None
    x, y = np.meshgrid(np.arange(-reach, reach, pitch[0]), np.arange(-reach, reach, pitch[1]))
    row = np.broadcast_to(np.arange(len(x))[:, None], x.shape)
    x = x + (scene.uniform(0, 1) + (row % 2) * scene.uniform(0, 0.5)) * pitch[0]
    at = np.stack([x, y], -1).reshape(-1, 2)
    group = scene.integer(3, 5)
    street = pitch[1] * 0.5
    at[:, 1] += (row.ravel() // group) * street  # a street after every few rows
    at[:, 1] -= at[:, 1].mean() + scene.uniform(-0.5, 0.5) * pitch[1]
    _estate_ground(scene)
    along = np.linspace(-reach, reach, 30)
    for across in np.unique(at[:, 1])[group - 1 :: group] + (pitch[1] + street) / 2:
        way = to_canvas(scene, np.stack([along, np.full(30, across)], -1), angle, bend=bend)
        if ((way > -10) & (way < SIDE + 10)).all(1).any():
            mask = scene.stroke(way, scene.uniform(6, 9))
            scene.paint(mask, scene.colour("asphalt") * (1 + 0.05 * scene.noise(1, GRAIN))[..., None], "road")
    middles = to_canvas(scene, at, angle, bend=bend)
    middles = middles[in_view(middles, scene.px(35))]
    _slabs(scene, middles, angle, pitch, depth)
    taken = cv2.dilate((scene.owner > 0).astype(np.uint8), np.ones((3, 3), np.uint8))
    trees(scene, (1 - taken) * np.clip(scene.uniform(0.1, 0.9) + 0.3 * scene.noise(1), 0, 1), scene.uniform(5, 9))


def _estate_ground(scene: Scene) -> None:
    scene.image = grass(scene) if scene.chance(0.6) else paving(scene, scene.uniform(0.6, 0.9))
    if scene.gsd < 2:
        yard(scene, None, scene.uniform(0.1, 0.5), max(scene.uniform(5, 12), 4 * scene.gsd))
    scene.texture(0.08 * scene.noise(0.8, MOTTLE))


def _slabs(scene: Scene, middles, angle: float, pitch, depth: float) -> None:
    """A row of slabs; each has stairs and balconies, here and there one is missing for cars or a lawn."""
    share = scene.uniform(0.9, 1.02) if scene.width_m > 150 else 1  # close pictures have few as it is
    kept = scene.rng.random(len(middles)) < share
    _courts(scene, middles[~kept], angle, pitch)
    middles = middles[kept]
    count = len(middles)
    wide = pitch[0] * scene.uniform(0.78, 0.9) * scene.rng.choice([0.82, 0.92, 1, 1.04], count)
    middles = middles + scene.rng.normal(0, scene.px(1.5), (count, 2))
    shapes = rectangles(middles, scene.px(wide), scene.px(depth * scene.uniform(0.92, 1.05)), angle)
    if scene.px(1) > 0.8:  # paved strip in front of the doors
        strip = rectangles(middles, scene.px(wide + 5), scene.px(depth + scene.uniform(3, 7)), angle)
        scene.fill(strip, scene.colour("concrete") * scene.uniform(0.6, 0.85))
    flat = scene.chance(0.6)
    names = ["flat roof"] if flat else scene.pick([["tiles"], ["shingles"], ["roof"]])
    tint = tints(scene, names, scene.integer(2, 5))
    which = scene.rng.integers(0, len(tint), count)
    if scene.px(2) > 2:  # balconies and stairs stand out
        bays = np.repeat(middles, 3, 0) + np.tile(np.linspace(-0.33, 0.33, 3), count)[:, None] * np.repeat(
            shapes[:, 1] - shapes[:, 0], 3, 0
        )
        scene.fill(rectangles(bays, scene.px(pitch[0] * 0.1), scene.px(depth + 3), angle), tint[0] * 0.8)
    pitched(scene, shapes, tint, which, scene.uniform(6, 12), "building", gables=0.4)
    if flat:
        scene.fill(shapes, tint[which])
        roof_details(scene, shapes, tint[which])


def _courts(scene: Scene, middles, angle: float, pitch) -> None:
    if len(middles) == 0:
        return
    shapes = rectangles(middles, *scene.px(pitch * 0.8), angle)
    scene.fill(shapes, scene.colour("asphalt") * 0.9)
    if scene.px(1.9) > 0.7:
        steps = np.arange(-0.35, 0.36, max(2.7 / pitch[0], 0.06))
        along = np.array([np.cos(angle), np.sin(angle)])
        spots = (middles[:, None] + along * (steps * scene.px(pitch[0]))[:, None]).reshape(-1, 2)
        cars(scene, spots[scene.rng.random(len(spots)) < 0.7], angle + np.pi / 2)
