"""Orchards: crowns in rows with their shadows, over grass or soil, young and old, with gaps."""

import numpy as np

from ..drawing.built import scattered_houses
from ..drawing.geometry import MIDDLE, beside, straight
from ..drawing.ground import grass, road, soil, track, tree_line, woods_at_edge
from ..drawing.plants import shadow_of
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from ..kind import Kind


def orchard(scene: Scene) -> None:
    scene.image = grass(scene) if scene.chance(0.45) else soil(scene)
    layout = scene.pick(["one", "blocks", "edge"], [0.35, 0.45, 0.2])
    angle = scene.angle()
    if layout == "one":
        _stands(scene, np.zeros((SIDE, SIDE), np.int32), [angle])
    elif layout == "edge":
        _stands(scene, (beside(scene, scene.uniform(0, 0.35), angle + np.pi / 2, 0.01) > 0) * -1, [angle])
    else:
        _blocks(scene, angle)
    if scene.chance(0.3):
        track(scene, straight(scene, angle + np.pi / 2 * scene.integer(0, 1)), scene.uniform(2, 4))
    if scene.chance(0.2):
        road(scene, straight(scene), scene.uniform(4, 7))
    if scene.chance(0.2):
        tree_line(scene)
    if scene.chance(0.12):
        woods_at_edge(scene)
    if scene.chance(0.25):
        scattered_houses(scene, scene.integer(1, 3))


def _blocks(scene: Scene, angle: float) -> None:
    """Up to four stands of different age and spacing, divided by ways."""
    cuts = [beside(scene, scene.uniform(-0.15, 0.15), angle + turn, wobble=0) for turn in (0, np.pi / 2)]
    stand = (cuts[0] > 0).astype(np.int32) + 2 * (cuts[1] > 0)
    way = np.minimum(np.abs(cuts[0]), np.abs(cuts[1])) < scene.uniform(1.5, 4) / scene.width_m
    planted = np.where(scene.rng.random(4) < 0.92, np.arange(4), -1)
    turns = scene.rng.choice([0, np.pi / 2], 4, p=[0.7, 0.3])
    _stands(scene, np.where(way, -1, planted[stand]), angle + turns)
    scene.paint(way * scene.uniform(0.4, 0.9), scene.colour("soil"))


def _stands(scene: Scene, stand: np.ndarray, angles) -> None:
    """Trees on jittered grids, one a stand; `stand` [SIDE, SIDE] is its number, -1 outside.

    Found pixel by pixel from the nearest place of the grid, so thousands of trees cost as much as ten.
    """
    rng, count = scene.rng, len(angles)
    size = np.maximum(rng.uniform(2.4, 6.5, count), 2.4 * scene.gsd)
    spacing = np.maximum(size * rng.uniform(1.35, 2.2, count), 5 * scene.gsd)  # lanes stay open at any scale
    step = np.maximum.reduce([spacing * rng.uniform(0.45, 1.0, count), size * 0.85, np.full(count, 2.6 * scene.gsd)])
    crown, between, apart, cos, sin = (v.astype(np.float32)[stand] for v in (size, spacing, step, *_turn(angles)))
    x, y = (COLUMNS - MIDDLE[0]) * scene.gsd, (ROWS - MIDDLE[1]) * scene.gsd
    along, across = (x * cos + y * sin) / apart, (y * cos - x * sin) / between
    row = np.floor(across)
    along = along + 0.5 * (row % 2) if scene.chance(0.3) else along  # staggered
    column = np.floor(along)
    traits = rng.random((64, 64, 5), np.float32)[row.astype(np.int32) % 64, column.astype(np.int32) % 64]
    dx = (along - column - 0.5 - 0.16 * (traits[..., 0] - 0.5)) * apart
    dy = (across - row - 0.5 - 0.16 * (traits[..., 1] - 0.5)) * between
    health = np.clip(scene.noise(scene.uniform(1, 3), LAND), -1.5, 1.5)
    if scene.chance(0.4):
        scene.texture((stand >= 0) * scene.uniform(0.03, 0.1) * np.cos(2 * np.pi * across))
    ragged = 1 + 0.12 * scene.noise(max(0.3, scene.px(4) / 24), MOTTLE)
    distance = np.hypot(dx, dy) * ragged / (crown * (0.36 + 0.17 * traits[..., 2]) * (1 - 0.1 * health))
    trees = (stand >= 0) & (distance < 1) & (traits[..., 3] > 0.04 + 0.15 * np.clip(health - 0.6, 0, 1))
    crowns = trees.astype(np.float32)
    shadow = shadow_of(scene, trees, 0.85 * float(size.mean())) & ~trees
    scene.shade(shadow.astype(np.float32))
    sun = scene.sun[0] * cos + scene.sun[1] * sin, scene.sun[1] * cos - scene.sun[0] * sin
    light = (1 - 0.4 * (dx * sun[0] + dy * sun[1]) / crown - 0.25 * distance**2) * (0.8 + 0.4 * traits[..., 4])
    light *= 1.05 + 0.1 * scene.noise(0.6, GRAIN)
    first, second = scene.colour("tree"), scene.colour("tree")
    colour = (first + (second - first) * traits[..., 2:3]) * light[..., None]
    scene.paint(crowns, colour, "fruit trees")


def _turn(angles) -> tuple[np.ndarray, np.ndarray]:
    return np.cos(np.asarray(angles)), np.sin(np.asarray(angles))


KINDS = [
    Kind("orchard", ("an orchard", "rows of fruit trees", "a fruit orchard"), orchard, (50, 280), ("fruit trees",)),
]
