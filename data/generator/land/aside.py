"""Ground that a neighbourhood keeps free of houses: woods, parks, ponds, schools, a main road through it."""

import cv2
import numpy as np

from ..drawing.geometry import beside, curve, edge, rectangles, straight, to_canvas
from ..drawing.ground import cars, furrows, grass, paving, road, traffic, water_surface
from ..drawing.plants import canopy, trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import LAND
from .houses import cover
from .roofs import flat_roofs

# Least width of a picture in metres; share, also where there is little room.
ASIDE = {
    "forest": (140, 0.22, 0.0),
    "field": (140, 0.1, 0.0),
    "grass": (140, 0.2, 0.15),
    "pond": (140, 0.1, 0.05),
    "main road": (130, 0.2, 0.5),
    "school": (230, 0.18, 0.3),
}


def set_aside(scene: Scene, chance: float, small: bool):
    """(Its kind, soft mask [SIDE, SIDE], what else its drawing needs), or None; `small`: houses need the room."""
    kinds = [kind for kind, (width, *_) in ASIDE.items() if scene.width_m > width]
    if not kinds or not scene.chance(chance):
        return None
    kind = scene.pick(kinds, [ASIDE[kind][2 if small else 1] for kind in kinds])
    if kind in ("forest", "field"):
        return kind, edge(beside(scene, scene.uniform(0.25, 0.4), wobble=0.05), 0.02), None
    if kind == "main road":
        points, width = (curve(scene, 0.1) if scene.chance(0.6) else straight(scene)), scene.uniform(11, 20)
        return kind, scene.stroke(points, width + 8), (points, width)
    if kind == "school":
        plot = scene.rng.uniform(0.1, 0.9, 2) * SIDE, scene.rng.uniform(55, 105, 2), scene.angle()
        return kind, cover(rectangles(plot[0], *scene.px(plot[1]), plot[2])), plot
    level = scene.uniform(1.6, 2.1) if small else scene.uniform(1.2, 1.7)
    return kind, edge(scene.noise(scene.uniform(2, 3), LAND) - level, 0.06), None


def fill_aside(scene: Scene, kind: str, mask, more) -> None:
    if kind == "forest":
        canopy(scene, mask=mask)
    elif kind == "main road":
        scene.paint(cv2.blur(mask, (3, 3)) * 0.7, grass(scene))
        road(scene, *more)
        traffic(scene, more[0], scene.integer(3, 25), more[1] * 0.35)
    elif kind == "school":
        _school(scene, mask, *more)
    elif kind == "pond":
        scene.paint(cv2.blur(mask, (7, 7)), scene.colour("grass"))
        scene.paint(edge(mask - 0.8, 0.3), water_surface(scene), "pond")
    elif kind == "field":
        scene.paint(mask, scene.surface(scene.colour("crop"), scene.colour("grass"), 2, 0.06))
        scene.owner[mask > 0.5] = 0
        furrows(scene, mask)
    else:
        scene.paint(mask, grass(scene), "grass")
        trees(scene, mask * scene.uniform(0, 0.35), scene.uniform(6, 10))


def _school(scene: Scene, mask, centre, size, angle: float) -> None:
    """A large plot: flat-roofed wings, a yard with cars, a lawn."""
    scene.paint(mask, grass(scene), "grass")
    half = rectangles(to_canvas(scene, [[size[0] * 0.2, 0]], angle, centre), *scene.px(size * [0.6, 1]), angle)
    yard = cover(half) * mask
    scene.paint(yard, paving(scene, 0.8))
    scene.owner[yard > 0.5] = 0
    spots = np.stack([np.full(12, size[0] * 0.44), np.linspace(-0.4, 0.4, 12) * size[1]], -1)
    cars(scene, to_canvas(scene, spots[scene.rng.random(12) < 0.6], angle, centre), angle)
    count = scene.integer(1, 4)
    offsets = scene.rng.uniform(-0.25, 0.25, (count, 2)) * size + [size[0] * 0.05, 0]
    sizes = scene.rng.uniform(0.2, 0.45, (count, 2)) * size
    shapes = rectangles(to_canvas(scene, offsets, angle, centre), *scene.px(sizes).T, angle)
    shade = scene.rng.uniform(0.85, 1.0, (count, 1))
    flat_roofs(scene, shapes, scene.colour("flat roof") * shade, scene.uniform(5, 10))
