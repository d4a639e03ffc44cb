"""Cranes on a quay. The quay's own frame has x along its edge and y towards the water, in metres."""

import numpy as np

from ..drawing.geometry import rectangles, to_canvas
from ..drawing.scene import Scene

CRANE_COLOURS = [
    (58, 92, 140),
    (168, 70, 52),
    (176, 180, 182),
    (190, 150, 60),
    (70, 120, 108),
    (120, 124, 128),
]


def _along_quay(scene: Scene, apart_m: float, most: int) -> np.ndarray:
    """Places of cranes along the quay, metres, about the middle of the picture; the frame may cut the outer ones."""
    apart = max(apart_m, scene.width_m * scene.uniform(0.2, 0.36))
    places = (np.arange(most) - (most - 1) / 2) * apart
    places += scene.rng.uniform(-0.08, 0.08, most) * apart + scene.uniform(-0.14, 0.14) * scene.width_m
    return places[np.abs(places) < 0.5 * scene.width_m]


def _weathered(scene: Scene) -> np.ndarray:
    """A crane's colour, faded by sun and salt."""
    tone = np.array(scene.pick(CRANE_COLOURS), np.float32) * scene.uniform(0.9, 1.15)
    return tone + (tone.mean() - tone) * scene.uniform(0.1, 0.35)


def gantry_cranes(scene: Scene, angle: float, edge) -> None:
    """Ship-to-shore gantries. Off the vertical, their tops lean away from their feet."""
    tone = _weathered(scene)
    lean = scene.rng.uniform(-0.3, 0.3, 2)
    reach = scene.uniform(40, 62)
    for i, x in enumerate(_along_quay(scene, 32, scene.integer(2, 4))):
        raised = i > 1 and scene.chance(0.25)
        _gantry(scene, angle, edge, x, 8.0 if raised else reach * scene.uniform(0.95, 1.05), tone, lean)


def _gantry(scene: Scene, angle: float, edge, x: float, reach: float, tone, lean) -> None:
    """One gantry: legs on the rails, a portal, twin girders from behind the rear legs out over the water."""
    up = np.asarray(lean) * scene.px(38)  # how far the top is displaced in the picture
    ground = to_canvas(scene, np.array([[x - 10, -4], [x + 10, -4], [x + 10, -32], [x - 10, -32]]), angle, edge)
    legs = np.stack([ground + [-1, 0], ground + [1, 0], ground + up + [1, 0], ground + up + [-1, 0]], 1)
    raised = [raised_parts(scene, parts, angle, edge, up) for parts in _gantry_parts(scene, x, reach)]
    fall = scene.sun * min(scene.px(38 * scene.shadow_length), 55) - up
    scene.shade(scene.stamp(np.concatenate(raised) + fall), scene.shadow_depth * 0.8)
    for shapes, light in zip((legs, *raised), (0.6, 0.85, 0.95, 1.05, 1.2), strict=True):
        scene.fill(shapes, np.clip(tone * light, 5, 222))
    scene.claim(scene.stamp(np.concatenate([legs, *raised])) > 0.5, "harbour crane")


def _gantry_parts(scene: Scene, x: float, reach: float) -> tuple[np.ndarray, ...]:
    """Portal, ties, girders, houses from below upwards: rows of (x, y, width, depth) in metres."""
    back, thin = -48.0, max(2.0, 1.4 * scene.gsd)
    middle, length, girder = (reach + back) / 2, reach - back, max(3.0, 2.1 * scene.gsd)
    portal = np.array([[x, -4, 20, 2.4], [x, -32, 20, 2.4], [x - 10, -18, 2, 28], [x + 10, -18, 2, 28]])
    ties = np.array([[x, y, 6.4, thin] for y in np.arange(back, reach + 1, 12)])
    girders = np.array([[x - 3.2, middle, girder, length], [x + 3.2, middle, girder, length]])
    houses = np.array([[x, -26, 9, 15], [x, reach * 0.45, 7.5, 7]])
    return portal, ties, girders, houses


def raised_parts(scene: Scene, parts, angle: float, edge, up) -> np.ndarray:
    places = to_canvas(scene, parts[:, :2], angle, edge) + up
    return rectangles(places, scene.px(parts[:, 2]), scene.px(parts[:, 3]), angle)


def jib_cranes(scene: Scene, angle: float, edge) -> None:
    """Slewing cranes on portals: a tapering jib, a machine house behind the pivot, a counterweight."""
    tone = _weathered(scene)
    reach = float(np.clip(scene.width_m * scene.uniform(0.38, 0.48), 48, 95))
    swing = angle + np.pi / 2 + scene.uniform(-0.8, 0.8)
    for x in _along_quay(scene, 45, scene.integer(2, 4)):
        pivot = to_canvas(scene, [x, -14], angle, edge)
        _jib(scene, pivot, angle, swing + scene.uniform(-0.25, 0.25), reach, tone)


def _jib(scene: Scene, pivot, angle: float, swing: float, reach: float, tone) -> None:
    """One slewing crane: portal on the rails, tapering lattice jib, machine house, counterweight."""
    k, thin = reach / 44, max(2.0, 1.5 * scene.gsd)
    base = rectangles([pivot], scene.px(13 * k), scene.px(13 * k), angle)
    side = np.array([[-4, -3.4 * k], [reach, -1.0], [reach, 1.0], [-4, thin - 3.4 * k]])
    jib = to_canvas(scene, np.stack([side, side * [1, -1]]), swing, pivot)
    steps = np.arange(4, reach, 7.0)
    bars = to_canvas(scene, np.stack([steps, 0 * steps], -1), swing, pivot)
    ties = rectangles(bars, scene.px(thin), scene.px((6.5 * k) * (1 - 0.75 * steps / reach)), swing)
    back = to_canvas(scene, [[-7 * k, 0], [-14 * k, 0]], swing, pivot)
    house = rectangles(back, scene.px(np.array([12, 5]) * k), scene.px(np.array([9, 7]) * k), swing)
    fall = scene.sun * min(scene.px(26 * scene.shadow_length), 45)
    scene.cast(base, 14)
    scene.shade(scene.stamp(np.concatenate([jib, ties]) + fall), scene.shadow_depth * 0.8)
    scene.shade(scene.stamp(house + fall * 0.7) * (1 - scene.stamp(base)), scene.shadow_depth * 0.8)
    for shapes, light in zip((base, ties, jib, house), (0.7, 0.9, 1.05, 1.15), strict=True):
        scene.fill(shapes, np.clip(tone * light, 5, 222))
    scene.claim(scene.stamp(np.concatenate([base, jib, ties, house])) > 0.5, "harbour crane")
