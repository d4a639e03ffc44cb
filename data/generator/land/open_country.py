"""Crop fields, forest, desert."""

import numpy as np

from ..drawing.built import scattered_houses
from ..drawing.geometry import beside, curve, edge, straight
from ..drawing.ground import country_extras, furrows, grass, track
from ..drawing.plants import canopy, trees
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from ..kind import Kind


def crop_field(scene: Scene) -> None:
    layout = scene.pick(["pivots", "one", "parcels"], [0.1, 0.25, 0.65])
    {"pivots": _pivots, "one": _one_field, "parcels": _parcels}[layout](scene)
    if scene.chance(0.5):  # wet or poor spots
        spots = np.clip((scene.noise(scene.uniform(0.5, 2)) - scene.uniform(0.7, 1.6)) * 1.2, 0, 1)
        scene.paint(spots * scene.uniform(0.3, 0.7), scene.colour("crop") * scene.uniform(0.7, 1.1))
    _marks(scene)
    country_extras(scene)
    if scene.chance(0.1):
        scattered_houses(scene, scene.integer(1, 3))


def _marks(scene: Scene) -> None:
    """What machines and water leave: tramlines, a headland that curves, a grassed waterway, a strip left standing."""
    if scene.chance(0.35):  # the sprayer's wheel tracks, in pairs
        angle, apart = scene.angle(), scene.uniform(12, 30)
        across = (COLUMNS * np.cos(angle) + ROWS * np.sin(angle)) * scene.gsd
        away = np.abs(np.abs(across % apart - apart / 2) - 0.9)
        line = np.clip(1 - away / max(0.7 * scene.gsd, 0.3), 0, 1)
        scene.shade(line * np.clip(0.6 + 0.5 * scene.noise(2, LAND), 0, 1), scene.uniform(0.1, 0.3))
    if scene.chance(0.3):  # passes along a curve
        band = scene.stroke(curve(scene, 0.3, 40), scene.uniform(10, 40))
        scene.paint(band * scene.uniform(0.3, 0.8), scene.image * scene.rng.uniform(0.8, 1.25))
        furrows(scene, band, scene.uniform(0.05, 0.15), scene.uniform(2, 6))
    if scene.chance(0.25):
        green = scene.stroke(curve(scene, 0.2), scene.uniform(4, 16)) * np.clip(0.8 + 0.4 * scene.noise(1), 0, 1)
        scene.paint(green * scene.uniform(0.5, 1), scene.colour("grass") * 0.85, "grass")
    if scene.chance(0.2):
        line = straight(scene)
        scene.paint(scene.stroke(line, scene.uniform(3, 14)) * 0.8, scene.colour("crop"))


def _pivots(scene: Scene) -> None:
    scene.image = scene.surface(scene.colour("soil"), scene.colour("crop"), 1.5, 0.06)
    radius = SIDE * scene.uniform(0.25, 0.5)
    for _ in range(scene.integer(1, 3)):
        centre = scene.rng.uniform(0, SIDE, 2)
        disc, colour = scene.disc(centre, radius), scene.colour("crop")
        scene.paint(
            disc, scene.surface(colour, colour * scene.uniform(0.8, 1.2), 1.5, 0.05), "circular field"
        )
        rings = np.hypot(COLUMNS - centre[0], ROWS - centre[1]) / max(scene.px(scene.uniform(4, 12)), 3)
        scene.texture(disc * scene.uniform(0.02, 0.08) * np.sin(2 * np.pi * rings))


def _one_field(scene: Scene) -> None:
    colour = scene.colour("crop")
    scene.image = scene.surface(
        colour, scene.colour("crop") * 0.3 + colour * 0.7, scene.uniform(0.8, 3), 0.06
    )
    furrows(scene, depth=scene.uniform(0.05, 0.18), spacing_m=scene.log_uniform(1.2, 12))
    if scene.chance(0.35):  # a neighbour begins at the edge
        other = scene.colour("crop")
        scene.paint(
            edge(beside(scene, scene.uniform(-0.2, 0.4), wobble=0.03), 0.01),
            scene.surface(other, other * 1.15, 1.5, 0.05),
        )
        furrows(scene)


def _parcels(scene: Scene) -> None:
    """Parcels between two families of parallel boundaries, each with its own crop and furrows."""
    angle, skew = scene.angle(), scene.uniform(-0.15, 0.15)
    first, second = _cuts(scene), _cuts(scene)
    x, y = (COLUMNS - SIDE / 2) * scene.gsd, (ROWS - SIDE / 2) * scene.gsd
    along = x * np.cos(angle) + y * np.sin(angle)
    across = -x * np.sin(angle + skew) + y * np.cos(angle + skew)
    column, row = np.searchsorted(first, along), np.searchsorted(second, across)
    parcel = column * (len(second) + 1) + row
    count = (len(first) + 1) * (len(second) + 1)
    few = np.stack([scene.colour("crop") for _ in range(scene.integer(2, 5))])
    colours = few[scene.rng.integers(0, len(few), count)] * scene.rng.uniform(0.88, 1.12, (count, 1))
    scene.image = colours[parcel].astype(np.float32)
    scene.texture(
        scene.uniform(0.03, 0.12) * scene.noise(scene.uniform(0.8, 3))
        + scene.uniform(0.02, 0.06) * scene.noise(1, GRAIN)
    )
    turned = scene.rng.random(count)[parcel] < 0.4
    spacing = np.maximum(scene.px(np.exp(scene.rng.uniform(0.2, 2.3, count))), 2.4)[parcel] * scene.gsd
    phase = np.where(turned, across, along) / spacing * 2 * np.pi + 0.4 * scene.noise(1, MOTTLE)
    depth = scene.rng.uniform(0, 0.16, count)[parcel]
    scene.texture(depth * np.sin(phase) * np.clip(0.7 + 0.4 * scene.noise(1.5), 0, 1.3))
    _boundaries(scene, along, across, first, second)
    scene.notes.append("divided into parcels")


def _cuts(scene: Scene) -> np.ndarray:
    """Where parcels begin along one direction, metres."""
    width = max(scene.log_uniform(30, 400), scene.width_m * scene.uniform(0.12, 0.35))
    steps = (
        width * scene.rng.choice([1.0, 0.5, 1.7], 40, p=[0.75, 0.15, 0.1]) * scene.rng.uniform(0.85, 1.15, 40)
    )
    places = np.cumsum(steps) - scene.width_m * 0.75 - scene.uniform(0, width)
    return places[places < scene.width_m * 0.75]


def _boundaries(scene: Scene, along, across, first, second) -> None:
    width = scene.uniform(1, 5)
    nearest = np.full((SIDE, SIDE), np.inf)
    for places, distance in ((first, along), (second, across)):
        for place in places[np.abs(places) < scene.width_m]:
            nearest = np.minimum(nearest, np.abs(distance - place))
    strip = np.clip((width / 2 - nearest) / scene.gsd + 0.5, 0, 1)
    if scene.chance(0.2):
        trees(scene, (nearest < 4) * 0.8, 6, kind="hedges")
    else:
        scene.paint(strip * scene.uniform(0.3, 0.9), scene.colour("soil" if scene.chance(0.6) else "grass"))


def forest(scene: Scene) -> None:
    open_stand = scene.chance(0.45)
    density = np.clip(scene.uniform(0.5, 1) + 0.3 * scene.noise(2), 0, 1) if open_stand else 1.0
    canopy(scene, scene.uniform(4, 11), density)
    if scene.chance(0.3):  # another stand
        canopy(
            scene,
            scene.uniform(4, 11),
            mask=edge(scene.noise(scene.uniform(0.6, 2)) - scene.uniform(0, 1), 0.3),
        )
    if scene.chance(0.25):
        scene.paint(
            edge(scene.noise(scene.uniform(1, 3), LAND) - scene.uniform(0.9, 1.8), 0.1),
            grass(scene),
            "clearing",
        )
    if scene.chance(0.3):
        points = curve(scene) if scene.chance(0.6) else straight(scene)
        track(scene, points, scene.uniform(2, 7))
    if scene.chance(0.12):
        furrows(scene, depth=0.12, spacing_m=scene.uniform(4, 8), warp=0)
        scene.notes.append("planted in rows")


def desert(scene: Scene) -> None:
    colour = scene.colour("desert")
    scene.image = scene.surface(colour, scene.colour("desert"), scene.uniform(0.7, 3), 0.05, 0.8)
    if scene.chance(0.5):
        _dunes(scene)
    else:
        _rocks(scene)
    if scene.chance(0.45):
        shrubs = (scene.colour("tree"), scene.colour("grass") * 0.7)
        trees(scene, scene.uniform(0.02, 0.2), scene.uniform(2, 5), shrubs, fill=0.4, kind="shrubs")
    if scene.chance(0.3):
        track(scene, curve(scene), scene.uniform(2, 6))
    if scene.chance(0.3):  # a dry wash
        wash = scene.stroke(curve(scene, 0.3, 40), scene.uniform(8, 25)) * np.clip(
            0.7 + 0.4 * scene.noise(1), 0, 1
        )
        scene.paint(wash * 0.7, colour * scene.uniform(0.8, 1.25), "dry stream bed")


def _dunes(scene: Scene) -> None:
    angle = scene.angle()
    phase = (COLUMNS * np.cos(angle) + ROWS * np.sin(angle)) / SIDE * scene.uniform(12, 70)
    ridges = np.abs(np.sin(phase / 2 + scene.uniform(1, 4) * scene.noise(2, LAND) / 2))
    scene.texture(scene.uniform(0.08, 0.28) * (ridges - 0.6))
    scene.notes.append("with dunes")


def _rocks(scene: Scene) -> None:
    height = scene.noise(scene.uniform(0.7, 2))
    slope = np.gradient(height)
    light = slope[1] * scene.sun[0] + slope[0] * scene.sun[1]
    scene.texture(np.clip(-scene.uniform(0.15, 0.5) * light, -0.6, 0.6))
    scene.notes.append("with rocky ground")


KINDS = [
    Kind("crop field", ("a crop field", "farmland", "a field", "farm fields"), crop_field, (64, 640)),
    Kind("forest", ("forest", "woods", "a dense forest"), forest, (50, 560), shows=("forest",)),
    Kind("desert", ("desert", "bare desert land"), desert, (64, 600), seasonal=False),
]
