"""Stadiums: stands around a pitch, as bowls, horseshoes, or stands on one or two sides."""

import numpy as np

from ..drawing.geometry import MIDDLE, curve, rectangles, straight
from ..drawing.ground import cars, road, traffic
from ..drawing.plants import shadow_of, trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN, LAND
from ..kind import Kind
from .pitches import LANES, RADIUS, STRAIGHT, Frame, covers, football, lay, running_track, toned

SEATS = ((86, 102, 140), (140, 76, 70), (150, 152, 154), (96, 120, 96), (178, 168, 140), (72, 76, 84), (160, 120, 80))


def stadium(scene: Scene) -> None:
    angle = scene.angle()
    centre = MIDDLE + scene.rng.uniform(-0.16, 0.16, 2) * SIDE
    frame = Frame.at(scene, centre, angle)
    _around(scene, frame, angle)
    with_track = scene.chance(0.45)
    if with_track:
        half, inner = STRAIGHT / 2, RADIUS + LANES + scene.uniform(3, 7)
        distance = frame.stadium(half) - inner
    else:
        distance = _bowl(scene, frame)
    inner = frame.cut(110, 80)
    floor = scene.colour("grass" if with_track or scene.chance(0.7) else "concrete")
    lay(scene, inner, covers(scene, distance[inner.box]), toned(scene, inner, floor, 0.06, 0.06))
    football(scene, frame)
    if with_track:
        running_track(scene, frame)
    _stands(scene, frame, distance)


def _bowl(scene: Scene, frame: Frame) -> np.ndarray:
    """Metres beyond the inner edge of the stands: rounded rectangles to ellipses around a pitch."""
    power = scene.pick([2.2, 3.0, 5.0, 9.0])
    slack = scene.uniform(6, 12) * (1.6 if power < 3 else 1)
    half = 52.5 + slack, 34 + slack
    ratio = (np.abs(frame.along / half[0]) ** power + np.abs(frame.across / half[1]) ** power) ** (1 / power)
    return (ratio - 1) * half[1]


def _stands(scene: Scene, frame: Frame, distance: np.ndarray) -> None:
    deep = scene.uniform(16, 48)
    layout = scene.pick(["bowl", "horseshoe", "two sides", "one side", "main"], [0.42, 0.12, 0.18, 0.1, 0.18])
    end, side = frame.along > 52, np.sign(frame.across)
    turn = scene.pick([-1, 1])
    where = {
        "bowl": np.ones(distance.shape, bool),
        "horseshoe": frame.along * turn < 50,
        "two sides": np.abs(frame.along) < scene.uniform(38, 58),
        "one side": (np.abs(frame.along) < scene.uniform(35, 58)) & (side == turn),
        "main": np.ones(distance.shape, bool),
    }[layout]
    if layout == "main":  # one tall stand, low rows around
        deep = np.where((side == turn) & ~end, np.float32(deep + 12), np.float32(deep * 0.45))
    elif scene.chance(0.4):  # the sides are higher than the ends
        deep = deep * (1 + 0.3 * np.clip(1 - np.abs(frame.along) / 70, 0, 1))
    ring = covers(scene, -distance) * covers(scene, distance - deep) * where
    _shadow(scene, ring, scene.uniform(9, 26))
    _seats(scene, frame, distance, ring)
    if scene.chance(0.6):
        _roof(scene, frame, distance, ring, deep, turn if scene.chance(0.5) else 0)
    scene.claim(ring > 0.5, "stadium")
    _floodlights(scene, frame, distance)


def _seats(scene: Scene, frame: Frame, distance: np.ndarray, ring: np.ndarray) -> None:
    """Rows that rise outwards, aisles between blocks, concrete where nobody sits."""
    colour = np.array(scene.pick(SEATS)) * scene.uniform(0.8, 1.15)
    other = np.array(scene.pick(SEATS)) if scene.chance(0.3) else scene.colour("concrete")
    on = ring > 0  # a stadium's stands cover a small part of the canvas
    turn, distance = np.arctan2(frame.across[on], frame.along[on] * 0.65), distance[on]
    block = np.floor(turn * scene.integer(10, 22) / np.pi)
    mixed = (np.sin(block * 12.9) > scene.uniform(0.2, 1.0))[:, None]
    step = max(1.7, 2.4 * scene.gsd)
    rows = 1 + 0.1 * np.sin(2 * np.pi * distance / step)
    light = rows * (0.82 + 0.3 * np.clip(distance / 40, 0, 1)) * (1 + 0.06 * scene.noise(0.7, GRAIN)[on])
    seats = np.where(mixed, other, colour) * light[:, None]
    phase = turn * scene.integer(10, 22) / np.pi
    aisle = np.clip(1 - np.abs(phase - np.round(phase)) * 14, 0, 1)[:, None] * 0.5
    seats += aisle * (scene.colour("concrete") - seats)
    tier = covers(scene, np.abs(distance - scene.uniform(8, 16)) - 1)[:, None] * 0.7
    seats += tier * (scene.colour("asphalt") - seats)
    scene.image[on] += (seats - scene.image[on]) * ring[on][:, None]


def _roof(scene: Scene, frame: Frame, distance, ring, deep, side: int) -> None:
    """A roof over the outer rows, of one side or all, with ribs; its edge shades the seats."""
    start = deep * scene.uniform(0.1, 0.7)
    over = ring * covers(scene, start - distance)
    if side:
        over = over * (np.sign(frame.across) == side) * (np.abs(frame.along) < 62)
    colour = scene.colour("flat roof")
    _shadow(scene, over, scene.uniform(3, 9))
    on = over > 0
    along, across = frame.along[on], frame.across[on]
    ribs = np.cos(np.arctan2(across, along * 0.65) * scene.integer(24, 60))
    facing = (along * float(scene.sun[0]) + across * float(scene.sun[1])) / (scene.width_m / 2)
    light = 1 + 0.05 * ribs - 0.1 * np.clip(facing, -1, 1) + 0.04 * scene.noise(0.8, GRAIN)[on]
    light *= 1 - 0.24 * covers(scene, np.abs((distance - start)[on]) - 0.7)
    scene.image[on] += (colour * light[:, None] - scene.image[on]) * over[on][:, None]


def _shadow(scene: Scene, mask: np.ndarray, height_m: float) -> None:
    scene.shade(shadow_of(scene, mask, height_m) * (1 - mask))


def _floodlights(scene: Scene, frame: Frame, distance: np.ndarray) -> None:
    if scene.px(1) < 0.7 or scene.chance(0.5):
        return
    for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        spot = np.hypot(frame.along - a * 66, frame.across - b * 50)
        row, column = np.unravel_index(spot.argmin(), spot.shape)
        if spot.min() < 3:
            scene.cast(rectangles([[column, row]], scene.px(3), scene.px(1.2), 0.3), 35)
            scene.fill(rectangles([[column, row]], scene.px(4), scene.px(1.6), 0.3), (220, 220, 215))


def _around(scene: Scene, frame: Frame, angle: float) -> None:
    """The town or park about the stadium: forecourts, roads, parking, trees."""
    lawn = scene.colour("grass") * (1 + scene.uniform(0.04, 0.09) * scene.noise(1, GRAIN))[..., None]
    scene.image = lawn * (1 + scene.uniform(0.03, 0.12) * scene.noise(scene.uniform(0.7, 2)))[..., None]
    if scene.chance(0.75):
        plaza = scene.noise(scene.uniform(1, 2.5), LAND) + scene.uniform(-0.6, 1.2)
        plaza = np.clip(plaza / 0.1, 0, 1)
        tone = 1 + 0.06 * scene.noise(1, GRAIN) + 0.07 * scene.noise(scene.uniform(0.5, 1.5))
        paved = scene.colour(scene.pick(["concrete", "asphalt"])) * scene.uniform(0.75, 1)
        scene.paint(plaza, paved * tone[..., None])
    wood = np.clip(0.5 * scene.noise(scene.uniform(1, 2), LAND) - scene.uniform(-0.2, 0.4), 0, 0.8)
    trees(scene, wood, scene.uniform(5, 9))
    for offset in (-1, 1):
        if scene.chance(0.6):
            _car_rows(scene, angle, offset * scene.uniform(105, 140))
    for _ in range(scene.integer(0, 2)):
        points = straight(scene, angle + scene.pick([0, np.pi / 2, 0.4])) if scene.chance(0.6) else curve(scene)
        road(scene, points, scene.uniform(7, 16))
        traffic(scene, points, scene.integer(2, 14))


def _car_rows(scene: Scene, angle: float, away_m: float) -> None:
    """A lot with rows of cars beside the stadium, if it falls into the picture."""
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    middle = MIDDLE + across * scene.px(away_m)
    size = np.array([scene.uniform(60, 140), scene.uniform(30, 55)])
    shape = rectangles([middle], scene.px(size[0]), scene.px(size[1]), angle)
    colour = scene.colour("asphalt")
    mask = scene.stamp(shape)
    if not mask.any():
        return
    scene.paint(mask, colour * (1 + 0.06 * scene.noise(1, GRAIN))[..., None], "parking")
    x, y = np.meshgrid(*(np.arange(4 - s / 2, s / 2 - 3, step) for s, step in zip(size, (2.7, 8.2), strict=True)))
    taken = scene.rng.random(x.size) < scene.uniform(0.1, 0.8)
    spots = np.stack([x.ravel(), y.ravel()], -1)[taken] / scene.gsd
    cars(scene, middle + spots[:, :1] * along + spots[:, 1:] * across, angle + np.pi / 2)


KINDS = [
    Kind(
        "stadium",
        ("a stadium", "a sports stadium", "a stadium with its stands"),
        stadium,
        (170, 420),
        ("stadium", "sports pitch"),
    ),
]
