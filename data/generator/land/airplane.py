"""Airplanes seen from above: airliners, regional and business jets, turboprops, light airplanes.

Outlines are halves as shares of the length, nose at x = 0.5, from published plan views.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ..drawing.geometry import in_view, rotate
from ..drawing.scene import SHIFT, Drawn, Scene


@dataclass(frozen=True)
class Model:
    """Lengths in metres (from, to); half outlines; `engines` are (y, x of the front, x of the back, half width)."""

    length: tuple[float, float]
    body: float  # half the fuselage's width
    wing: tuple
    tail: tuple
    engines: tuple = ()
    high: bool = False  # wing over the fuselage


JET_TAIL = ((-0.35, 0.02), (-0.45, 0.165), (-0.48, 0.165), (-0.455, 0.015))
T_TAIL = ((-0.43, 0.005), (-0.47, 0.14), (-0.5, 0.14), (-0.495, 0.005))
STRAIGHT_TAIL = ((-0.37, 0.01), (-0.4, 0.19), (-0.49, 0.19), (-0.49, 0.01))
MODELS = {
    "narrow": Model(
        (34, 44), 0.052, ((0.165, 0.04), (-0.055, 0.47), (-0.095, 0.476), (-0.03, 0.19), (-0.04, 0.04)), JET_TAIL,
        ((0.155, 0.15, 0.04, 0.03),),
    ),
    "wide": Model(
        (58, 74), 0.044, ((0.15, 0.04), (-0.1, 0.44), (-0.135, 0.455), (-0.055, 0.17), (-0.06, 0.04)), JET_TAIL,
        ((0.145, 0.14, 0.04, 0.032),),
    ),
    "four": Model(
        (60, 73), 0.047, ((0.19, 0.04), (-0.1, 0.44), (-0.14, 0.455), (-0.03, 0.17), (-0.03, 0.04)), JET_TAIL,
        ((0.165, 0.155, 0.06, 0.022), (0.3, 0.06, -0.03, 0.022)),
    ),
    "regional": Model(
        (27, 39), 0.043, ((0.08, 0.035), (-0.1, 0.37), (-0.135, 0.385), (-0.085, 0.13), (-0.09, 0.03)), T_TAIL,
        ((0.078, -0.2, -0.32, 0.022),),
    ),
    "turboprop": Model(
        (22, 33), 0.049, ((0.09, 0.0), (0.075, 0.2), (0.055, 0.5), (0.0, 0.5), (-0.02, 0.2), (-0.02, 0.0)), T_TAIL,
        ((0.15, 0.14, -0.07, 0.02),), True,
    ),
    "business": Model(
        (13, 27), 0.05, ((0.06, 0.03), (-0.11, 0.47), (-0.15, 0.48), (-0.1, 0.15), (-0.1, 0.03)), T_TAIL,
        ((0.085, -0.17, -0.31, 0.025),),
    ),
    "light": Model(
        (6.5, 9), 0.065, ((0.22, 0.0), (0.22, 0.35), (0.19, 0.66), (0.05, 0.66), (0.01, 0.35), (0.01, 0.0)),
        STRAIGHT_TAIL, (), True,
    ),
    "low": Model(
        (7, 9), 0.06, ((0.2, 0.03), (0.17, 0.58), (0.03, 0.6), (0.0, 0.03)), STRAIGHT_TAIL,
    ),
    "twin": Model(
        (9, 14), 0.06, ((0.19, 0.03), (0.14, 0.6), (0.05, 0.6), (0.01, 0.03)), STRAIGHT_TAIL,
        ((0.19, 0.28, 0.03, 0.035),),
    ),
}  # fmt: skip


def airplane(scene: Scene, centre, length_m: float, angle: float) -> None:
    """One airplane of about this length at a centre in pixels."""
    fits = [name for name, model in MODELS.items() if model.length[0] * 0.8 <= length_m <= model.length[1] * 1.2]
    airplanes(scene, [centre], [angle], [scene.pick(fits or ["narrow"])])


def airplanes(scene: Scene, centres, angles, names, noses: bool = False) -> None:
    """Airplanes of named models with their shadows at centres [n, 2] in pixels; `noses`: that is where noses are."""
    drawn = []
    for centre, angle, name in zip(centres, angles, names, strict=True):
        model = MODELS[name]
        length = scene.px(scene.uniform(*model.length))
        centre = np.asarray(centre, np.float64)
        if noses:
            centre = centre - length / 2 * np.array([np.cos(angle), np.sin(angle)])
        if in_view(centre[None], length / 2)[0]:
            drawn.append((model, length, _parts(model, length, angle, centre)))
    if not drawn:
        return
    shadow = np.zeros(scene.owner.shape, np.uint8)
    for model, length, parts in drawn:
        _shadow(scene, shadow, model, length, parts)
    scene.shade(cv2.blur(shadow, (2, 2)).astype(np.float32) / 255)
    for model, length, parts in drawn:
        _paintwork(scene, model, length, parts)


def _parts(model: Model, length: float, angle: float, centre) -> dict[str, list[np.ndarray]]:
    """The outlines in pixels of every part."""
    b, drop = model.body, 0.35 if model.length[1] < 15 else 0.2
    body = ((0.5, 0), (0.493, 0.4 * b), (0.47, 0.75 * b), (0.42, b), (-drop, b), (-0.4, 0.5 * b), (-0.5, 0.12 * b))
    slim = ((0.49, 0), (0.42, 0.45 * b), (-0.2, 0.45 * b), (-0.45, 0.1 * b))
    cockpit = ((0.478, 0), (0.465, 0.6 * b), (0.448, 0.62 * b), (0.458, 0))
    fin = ((-0.34, 0.004), (-0.5, 0.009))

    def both(half):
        half = np.array(half, np.float64)
        return rotate(np.concatenate([half, half[::-1] * [1, -1]]) * length, angle) + centre

    pods = [
        rotate(np.array([(x0, y - w), (x0, y + w), (x1, y + 0.8 * w), (x1, y - 0.8 * w)]) * [1, side] * length, angle)
        + centre
        for y, x0, x1, w in model.engines
        for side in (-1, 1)
    ]
    return {
        "wing": [both(model.wing)], "tail": [both(model.tail)], "body": [both(body)], "slim": [both(slim)],
        "cockpit": [both(cockpit)], "fin": [both(fin)], "engines": pods,
    }  # fmt: skip


def _fixed(points) -> np.ndarray:
    return np.round(np.asarray(points) * 2**SHIFT).astype(np.int32)


def _shadow(scene: Scene, mask, model: Model, length: float, parts) -> None:
    """Wings and body lie low over the ground, the tail is high: its shadow falls further away."""
    reach = scene.sun * length * scene.shadow_length
    for name, height in (("wing", 0.1), ("body", 0.09), ("engines", 0.05), ("tail", 0.16)):
        for part in parts[name]:
            cv2.fillPoly(mask, [_fixed(part + reach * height)], 255, shift=SHIFT)
    fin = parts["fin"][0]
    root, top = fin[:2].mean(0), fin[1:3].mean(0)
    blade = np.stack([fin[0] + reach * 0.1, top + reach * 0.1, top + reach * 0.27, (root + top) / 2 + reach * 0.27])
    cv2.fillPoly(mask, [_fixed(blade)], 255, shift=SHIFT)


def _paintwork(scene: Scene, model: Model, length: float, parts) -> None:
    """Mostly white, now and then grey or coloured; wings a little darker, the fin in the owner's colour."""
    white = np.array([228, 230, 232], np.float32) * scene.uniform(0.86, 1.06)
    accent = scene.colour("container") * scene.uniform(0.6, 1.1)
    livery = scene.rng.random()
    body = accent if livery < 0.05 else (white * 0.78 if livery < 0.2 else white)
    wing = white * scene.uniform(0.72, 0.95)
    order = ("engines", "body", "wing") if model.high else ("engines", "wing", "body")
    scene.drawn.append(_drawn(parts))
    number = len(scene.drawn) - 1
    colours = {"engines": accent if livery > 0.75 else white * 0.8, "wing": wing, "body": body, "tail": wing}
    for name in (*order, "tail"):
        for part in parts[name]:
            corners = [_fixed(part)]
            cv2.fillPoly(scene.image, corners, np.clip(colours[name], 5, 250).tolist(), shift=SHIFT)
            cv2.fillPoly(scene.owner, corners, number, shift=SHIFT)
    if length * model.body > 1.2 and not model.high:  # a rounded body is brightest along its back
        scene.fill(parts["slim"] + scene.sun * -0.3 * length * model.body, np.clip(body * 1.1, 0, 252))
    if length > 26:
        scene.fill(parts["cockpit"], (52, 56, 62))
    scene.fill(parts["fin"], np.clip(accent * 0.9, 5, 250) if livery > 0.3 else white * 0.7)


def _drawn(parts) -> Drawn:
    area = sum(cv2.contourArea(part.astype(np.float32)) for name in ("wing", "body", "tail") for part in parts[name])
    return Drawn("airplane", int(area * 0.9))
