"""Crop fields: a few large parcels, each tilled along its own direction."""

import numpy as np

from ..drawing.geometry import beside, curve, edge, local_m
from ..drawing.ground import road, track, tree_line, woods_at_edge
from ..drawing.plants import trees
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from ..kind import Kind
from . import swards


def crop_field(scene: Scene) -> None:
    layout = scene.pick(["parcels", "one", "contour", "pivots", "plots"], [0.52, 0.16, 0.16, 0.08, 0.08])
    draw = {"parcels": _parcels, "one": _one, "contour": _contour, "pivots": _pivots, "plots": _plots}[layout]
    nearest = draw(scene)
    scene.texture(scene.uniform(0.03, 0.07) * scene.noise(scene.uniform(0.6, 1.2), GRAIN))
    for chance, part in ((0.5, _spots), (0.2, _waterway), (0.2, _sprayer), (0.15, swards.dots), (0.12, _way)):
        if scene.chance(chance):
            part(scene)
    if nearest is not None:
        _borders(scene, nearest)
    for chance, part in ((0.12, tree_line), (0.12, woods_at_edge), (0.1, swards.farmyard)):
        if scene.chance(chance):
            part(scene)


def tillage(scene: Scene, across_m: np.ndarray, depth: float) -> np.ndarray:
    """Tones [SIDE, SIDE] about 0 of drill lines and of the passes of machines, each a little different.

    `across_m` numbers the ground in metres across the lines; it may bend, and the lines bend with it.
    """
    fine = max(scene.log_uniform(0.8, 4), 1.7 * scene.gsd)
    broad = max(scene.log_uniform(6, 30), 5 * scene.gsd)
    tones = depth * _stripes(scene, across_m / fine) * np.clip(0.7 + 0.4 * scene.noise(1.2, MOTTLE), 0, 1.4)
    return tones + depth * scene.uniform(0.2, 0.9) * _stripes(scene, across_m / broad)


def _stripes(scene: Scene, place: np.ndarray) -> np.ndarray:
    """A random tone for each whole number of `place`."""
    lines = np.floor(place).astype(np.int32)
    return scene.rng.normal(0, 1, 997).astype(np.float32)[lines % 997]


def _soil_and_crop(scene: Scene) -> np.ndarray:
    return scene.colour("crop") if scene.chance(0.85) else scene.colour("soil")


def _ground(scene: Scene, colour) -> np.ndarray:
    """A crop's colour wandering with the soil beneath."""
    wander = scene.uniform(0.03, 0.1) * scene.noise(scene.uniform(0.8, 3), LAND) + 0.03 * scene.noise(0.8, MOTTLE)
    return colour * (1 + wander)[..., None]


def _parcels(scene: Scene) -> np.ndarray:
    """Land divided again and again across its longer side; returns metres to the nearest boundary."""
    along, across = local_m(scene, scene.angle(), scene.rng.uniform(0.2, 0.8, 2) * SIDE)
    frames = (along, across + scene.uniform(-0.08, 0.08) * along)
    parcel, nearest = np.zeros((SIDE, SIDE), np.int32), np.full((SIDE, SIDE), 1e6, np.float32)
    for number in range(1, scene.pick([2, 3, 4, 5, 7], [0.25, 0.3, 0.25, 0.12, 0.08])):
        own = parcel == np.bincount(parcel.ravel()).argmax()
        spans = [frame[own].max() - frame[own].min() for frame in frames]
        axis = int(spans[1] > spans[0]) if scene.chance(0.75) else scene.integer(0, 1)
        frame = frames[axis] + scene.uniform(-0.04, 0.04) * frames[1 - axis]
        away = frame - np.quantile(frame[own], scene.uniform(0.25, 0.75))
        parcel[own & (away > 0)] = number
        nearest = np.where(own, np.minimum(nearest, np.abs(away)), nearest)
    few = [_soil_and_crop(scene) for _ in range(scene.integer(2, 4))]
    base = _ground(scene, np.ones(3, np.float32))
    headland = scene.uniform(6, 14)
    for number in range(parcel.max() + 1):
        own = parcel == number
        lines = frames[scene.integer(0, 1)]
        if scene.chance(0.3):  # the plough turns along the boundary
            lines = np.where(nearest < headland, nearest, lines)
        tones = 1 + tillage(scene, lines, scene.uniform(0.02, 0.1))[own]
        colour = few[scene.integer(0, len(few) - 1)] * scene.uniform(0.9, 1.1)
        scene.image[own] = base[own] * colour * tones[:, None]
    scene.notes.append("divided into parcels")
    return nearest


def _one(scene: Scene) -> None:
    """A single field, now and then partly harvested or with a neighbour."""
    angle = scene.angle()
    _, across = local_m(scene, angle)
    colour = _soil_and_crop(scene)
    scene.image = _ground(scene, colour) * (1 + tillage(scene, across, scene.uniform(0.05, 0.13)))[..., None]
    if scene.chance(0.6):
        turn = angle + scene.pick([0, np.pi / 2, scene.uniform(0, np.pi)])
        done = edge(beside(scene, scene.uniform(-0.25, 0.35), turn, wobble=scene.pick([0, 0.02])), 0.008)
        other = _ground(scene, _soil_and_crop(scene))
        lines = across if scene.chance(0.5) else local_m(scene, turn)[0]
        scene.paint(done, other * (1 + tillage(scene, lines, scene.uniform(0.04, 0.12)))[..., None])


def _contour(scene: Scene) -> None:
    """Passes that bend around a hill, and bands of another crop along them."""
    along, across = local_m(scene, scene.angle())
    hill = scene.width_m * scene.uniform(0.08, 0.3) * scene.noise(scene.uniform(2, 4), LAND)
    bent = across + hill
    tones = 1 + tillage(scene, bent, scene.uniform(0.05, 0.12))
    scene.image = _ground(scene, _soil_and_crop(scene)) * tones[..., None]
    if scene.chance(0.75):
        band = scene.width_m * scene.uniform(0.12, 0.4)
        strips = edge(np.sin(2 * np.pi * bent / band + scene.uniform(0, 6)) - scene.uniform(-0.3, 0.7), 0.1)
        other = _ground(scene, _soil_and_crop(scene))
        scene.paint(strips * scene.uniform(0.5, 1), other * (1 + tillage(scene, bent, 0.08))[..., None])
    if scene.chance(0.4):
        cut = edge(beside(scene, scene.uniform(-0.1, 0.4), wobble=0.01), 0.008)
        other = _ground(scene, _soil_and_crop(scene))
        scene.paint(cut, other * (1 + tillage(scene, along, scene.uniform(0.03, 0.1)))[..., None])


def _pivots(scene: Scene) -> None:
    """Circles under a turning sprinkler: rings, spokes where crops change, dry corners."""
    scene.image = _ground(scene, scene.colour("soil"))
    radius, first = SIDE * scene.uniform(0.28, 0.55), scene.rng.uniform(0.1, 0.9, 2) * SIDE
    for step in range(scene.integer(1, 3)):
        turn = scene.pick([0, 1, 2, 3]) * np.pi / 2
        centre = first + (step > 0) * 2.1 * radius * np.array([np.cos(turn), np.sin(turn)])
        away = np.hypot(COLUMNS - centre[0], ROWS - centre[1])
        rings = tillage(scene, away * scene.gsd, scene.uniform(0.02, 0.07))
        bearing = (np.arctan2(ROWS - centre[1], COLUMNS - centre[0]) + scene.uniform(0, 6)) % (2 * np.pi)
        part = (bearing < scene.uniform(1, 6.3))[..., None]
        crop = np.where(part, scene.colour("crop"), _soil_and_crop(scene))
        scene.paint(np.clip(radius - away + 0.5, 0, 1), crop * (1 + rings)[..., None], "circular field")


def _plots(scene: Scene) -> np.ndarray:
    """Narrow plots side by side, some under glass or plastic."""
    along, across = local_m(scene, scene.angle(), scene.rng.uniform(0.2, 0.8, 2) * SIDE)
    wide, long = max(scene.uniform(8, 30), scene.width_m * 0.06), scene.width_m * scene.uniform(0.25, 0.6)
    row = np.floor(along / long).astype(np.int32)
    shift = across + scene.rng.uniform(0, wide, 64)[row % 64]
    number = (np.floor(shift / wide).astype(np.int32) * 31 + row * 17) % 251
    few = np.stack([_soil_and_crop(scene) for _ in range(5)] + [np.array([205, 208, 208], np.float32)])
    share = np.array([1, 1, 1, 1, 1, scene.uniform(0, 1.2)])
    colours = few[scene.rng.choice(len(few), 251, p=share / share.sum())] * scene.rng.uniform(0.85, 1.15, (251, 1))
    lines = (1 + tillage(scene, across, scene.uniform(0.03, 0.09)))[..., None]
    scene.image = (_ground(scene, np.ones(3)) * colours[number] * lines).astype(np.float32)
    return np.minimum(np.abs((along / long + 0.5) % 1 - 0.5) * long, 1e6).astype(np.float32)


def _borders(scene: Scene, nearest: np.ndarray) -> None:
    """What lies between parcels: nothing, a strip of grass or soil, a ditch, a way, a hedge."""
    what = scene.pick(["line", "grass", "way", "hedge"], [0.4, 0.25, 0.2, 0.15])
    ragged = nearest + 0.6 * scene.gsd * scene.noise(0.6, MOTTLE)
    if what == "hedge":
        rows = (nearest < max(3, 1.5 * scene.gsd)) * scene.uniform(0.4, 0.9)
        trees(scene, rows, scene.uniform(4, 7), kind="hedges")
        return
    width = scene.uniform(3, 6) if what == "way" else scene.uniform(0.8, 4)
    strip = np.clip((width / 2 - ragged) / scene.gsd + 0.5, 0, 1)
    colour = scene.colour({"line": "soil", "grass": "grass", "way": "soil"}[what])
    if scene.chance(0.3):
        colour = colour * 0.7
    scene.paint(strip * scene.uniform(0.5, 0.95), colour * (1 + 0.06 * scene.noise(1, GRAIN))[..., None])


def _spots(scene: Scene) -> None:
    """Wet ground, dark and soft, or eroded knolls, pale."""
    field = scene.noise(scene.uniform(0.6, 2), LAND) - scene.uniform(0.5, 1.4)
    scene.shade(np.clip(field * 1.5, 0, 1), scene.uniform(0.15, 0.4) * scene.pick([1, -0.6]))


def _waterway(scene: Scene) -> None:
    """A grassed waterway: green, ragged, winding down the field."""
    line = scene.stroke(curve(scene, 0.2), scene.uniform(5, 18)) - 0.5 + 0.25 * scene.noise(0.6, MOTTLE)
    grass = scene.colour("grass") * (1 + 0.1 * scene.noise(0.8, GRAIN))[..., None]
    scene.paint(edge(line, 0.5) * scene.uniform(0.5, 0.95), grass, "grass")


def _sprayer(scene: Scene) -> None:
    """The sprayer's wheel tracks, in pairs."""
    _, across = local_m(scene, scene.angle())
    apart = scene.uniform(14, 36)
    away = np.abs(np.abs(across % apart - apart / 2) - 0.9)
    line = np.clip(1 - away / max(0.7 * scene.gsd, 0.3), 0, 1)
    scene.shade(line * np.clip(0.6 + 0.5 * scene.noise(2, LAND), 0, 1), scene.uniform(0.1, 0.3))


def _way(scene: Scene) -> None:
    if scene.chance(0.5):
        track(scene, curve(scene, 0.12), scene.uniform(2, 4))
    else:
        road(scene, curve(scene, 0.05), scene.uniform(4, 8))


KINDS = [Kind("crop field", ("a crop field", "farmland", "a field", "farm fields"), crop_field, (64, 640))]
