"""Breeding ponds between dykes, near the sea."""

import numpy as np

from ..drawing.built import buildings
from ..drawing.geometry import beside, edge, rectangles
from ..drawing.ground import water_surface
from ..drawing.plants import trees
from ..drawing.scene import SIDE, Drawn, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from .sea import FOAM, dots, local_metres


def breeding_ponds(scene: Scene) -> None:
    """Ponds between dykes: each its own water, ruffled, aerated or drained."""
    dyke_tone = scene.colour(scene.pick(["soil", "grass", "concrete"], [0.5, 0.25, 0.25]))
    scene.image = scene.surface(dyke_tone * 1.05, dyke_tone * 0.85 + scene.colour("soil") * 0.2, 1, 0.08)
    angle, dyke = scene.angle(), scene.width_m * scene.uniform(0.012, 0.028)
    pond, inside = _divided(scene, angle)
    canal = None
    if scene.chance(0.35):
        inside, canal = _canal(scene, angle, inside, dyke)
    ids, index = np.unique(pond, return_inverse=True)
    index = index.reshape(SIDE, SIDE)  # older numpy gives it flat
    water = np.clip((inside - dyke / 2) / scene.gsd + 0.5, 0, 1)
    drained = scene.rng.random(len(ids)) < scene.pick([0.0, 0.06, 0.15])
    scene.paint(water, _pond_water(scene, index, len(ids), inside - dyke / 2, drained))
    if canal is not None:
        scene.paint(canal, _canal_water(scene), "water")
    _banks(scene, inside - dyke / 2, water)
    _claim_ponds(scene, index, water > 0.5, drained)
    if scene.chance(0.65):
        _aerators(scene, index, inside, drained, dyke)
    if canal is not None:
        inside = np.where(canal > 0, dyke * 9, inside)  # nothing grows or stands in it
    _dyke_life(scene, angle, inside, dyke)
    if scene.chance(0.3):
        _sea_side(scene, angle)


def _divided(scene: Scene, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Ponds in strips, each strip with its own pond length: ids, and metres to the nearest dyke's middle."""
    along, across = (metres.astype(np.float32) for metres in local_metres(scene, angle))
    warp = scene.width_m * (scene.uniform(0.002, 0.01) if scene.chance(0.7) else scene.uniform(0.02, 0.05))
    bent = warp * scene.noise(scene.uniform(1, 2), LAND)  # dug by hand along a creek, or by plan and settled since
    across = across + scene.uniform(0, 0.05) * along + bent  # no two dykes are quite square
    along = along - 0.6 * np.roll(bent, SIDE // 2, 0) if warp < 0.015 * scene.width_m else along
    width = scene.width_m * scene.uniform(0.16, 0.32)
    strip, place = np.divmod(across + scene.width_m, width)
    strip = strip.astype(int)
    lengths = width * scene.uniform(1, 2.2) * scene.rng.choice([1, 1, 1, 0.5, 0.67], strip.max() + 1)
    starts = scene.rng.uniform(0, 1, len(lengths)) * width * (scene.chance(0.5))
    length = lengths[strip]
    row, offset = np.divmod(along + 2 * scene.width_m + starts[strip], length)
    nearest = np.minimum(np.minimum(place, width - place), np.minimum(offset, length - offset))
    return strip * 1000 + row.astype(int), nearest.astype(np.float32)


def _canal(scene: Scene, angle: float, inside, dyke: float) -> tuple[np.ndarray, np.ndarray]:
    """The canal that brings and takes the ponds' water, between broad dykes: what is left of ponds, its soft mask."""
    across = local_metres(scene, angle + scene.pick([0, 0.5 * np.pi]))[1].astype(np.float32)
    aside = scene.uniform(-0.3, 0.3) * scene.width_m
    away = np.abs(across - aside + scene.width_m * 0.006 * scene.noise(1.5, LAND))
    half = scene.width_m * scene.uniform(0.012, 0.04)
    left = np.minimum(inside, away - half - dyke * scene.uniform(0.7, 1.3))
    return left, np.clip((half - away) / scene.gsd + 0.5, 0, 1)


def _canal_water(scene: Scene) -> np.ndarray:
    colour = scene.colour("water") * 0.8 + scene.colour("soil") * scene.uniform(0, 0.15)
    return colour * (1 + 0.06 * scene.noise(1, MOTTLE))[..., None]


def _pond_water(scene: Scene, index, count: int, inside, drained) -> np.ndarray:
    """Every pond's own colour, with patches, wind ripples, a paler shore; drained ones show wet mud."""
    few = np.stack([scene.colour("water") for _ in range(scene.integer(2, 4))])
    green = scene.rng.uniform(0, 0.45, (len(few), 1)) * (np.array([58, 84, 64]) - few)
    colours = np.maximum(few + green, 26)[scene.rng.integers(0, len(few), count)] * scene.rng.uniform(
        0.8, 1.25, (count, 1)
    )
    mud = scene.colour("soil") * 0.8
    colours = np.where(drained[:, None], mud, colours)
    patchy = 1 + 0.1 * scene.noise(1.5, LAND) + 0.02 * scene.noise(0.5, GRAIN)
    ripples = 1 + scene.uniform(0.01, 0.06) * scene.noise(0.5, MOTTLE, 4, scene.angle())
    wet = np.where(drained, 0.14, 0.0)[index] * scene.noise(0.7)
    water = colours[index] * (patchy * ripples + wet)[..., None]
    shore = 0.35 * np.exp(-np.clip(inside, 0, None) / max(1.5, 1.2 * scene.gsd))
    return water + shore[..., None] * (mud - water)


def _banks(scene: Scene, inside, water) -> None:
    """Dykes stand above the water: one flank lit, the other in shadow."""
    slope = np.gradient(np.clip(inside / scene.gsd, -2, 2))
    light = -(slope[1] * scene.sun[0] + slope[0] * scene.sun[1])
    scene.texture(-0.28 * light * (1 - 0.5 * water) + (1 - water) * 0.06 * scene.noise(0.6, GRAIN))


def _claim_ponds(scene: Scene, index, water, drained) -> None:
    """Each pond an object, drained ones ground of mud."""
    first = len(scene.drawn)
    sizes = np.bincount(index[water], minlength=len(drained))
    kinds = ("fish pond", "mud")
    scene.drawn.extend(Drawn(kinds[int(dry)], int(n)) for n, dry in zip(sizes, drained, strict=True))
    scene.owner[water] = first + index[water]


def _aerators(scene: Scene, index, inside, drained, dyke: float) -> None:
    """Paddle wheels in some ponds: white dots, each with a plume of foam to one side."""
    wet = ~drained[index] & (inside > dyke + 3 * scene.gsd) & (scene.rng.random(len(drained)) < 0.6)[index]
    rows, columns = np.nonzero(wet)
    if len(rows) < 50:
        return
    chosen = scene.rng.integers(0, len(rows), scene.integer(6, 30))
    centres = np.stack([columns[chosen], rows[chosen]], -1)
    drift = scene.rng.normal(0, 1, 2) * max(scene.px(3), 1.5)
    for part in (0.3, 0.6, 1.0):
        scene.paint(dots(centres + drift * part, max(scene.px(1.4), 0.9)) * 0.3, FOAM)
    scene.paint(dots(centres, max(scene.px(1), 0.7)) * 0.9, FOAM)
    scene.notes.append("with aerators")


def _dyke_life(scene: Scene, angle: float, inside, dyke: float) -> None:
    """What stands on the dykes: a worn way, sheds, bushes."""
    if scene.chance(0.5):
        scene.paint((inside < max(0.18 * dyke, 0.6 * scene.gsd)) * 0.4, scene.colour("sand"))
    if scene.chance(0.4):
        trees(scene, (inside < 0.5 * dyke) * scene.uniform(0.05, 0.4), max(dyke * 0.9, 2.5))
    rows, columns = np.nonzero(inside < 0.3 * dyke)
    count = scene.integer(0, 5)
    chosen = scene.rng.integers(0, len(rows), count)
    size = np.clip(scene.rng.uniform(0.8, 1.6, count) * dyke, 4, 12)
    sheds = rectangles(np.stack([columns[chosen], rows[chosen]], -1), scene.px(size * 1.5), scene.px(size), angle)
    buildings(scene, sheds, scene.colours("flat roof", count), 3, kind="shed")


def _sea_side(scene: Scene, angle: float) -> None:
    """The sea, or a channel from it, along one side behind an outer dyke."""
    shore = beside(scene, scene.uniform(0.25, 0.38), angle + scene.pick([0.5, 1.5]) * np.pi, wobble=0.02)
    scene.paint(edge(shore + 0.03, 0.01), scene.surface(scene.colour("soil"), scene.colour("grass"), 1, 0.08))
    scene.paint(edge(shore, 0.01), water_surface(scene, "sea"), "sea")
