"""Forest: closed canopy of one or several stands, with what cuts through it."""

import numpy as np

from ..drawing.geometry import beside, curve, edge, local_m, straight
from ..drawing.ground import grass, soil, track, water_surface
from ..drawing.plants import canopy, trees, woodland
from ..drawing.scene import Scene
from ..drawing.textures import LAND, MOTTLE, PATCH
from ..kind import Kind


def forest(scene: Scene) -> None:
    canopy(scene, scene.log_uniform(4.5, 13), 1.0 if scene.chance(0.6) else scene.uniform(0.55, 0.95))
    if scene.chance(0.35):
        _another_stand(scene)
    cut = scene.pick([None, _clearing, _lanes, _felled, _stream], [0.5, 0.22, 0.1, 0.1, 0.08])
    if cut:
        cut(scene)
    if scene.chance(0.35):
        _ride(scene)
    if scene.chance(0.3):  # hillsides
        scene.texture(scene.uniform(0.08, 0.25) * scene.noise(scene.uniform(1.5, 3), LAND))


def _another_stand(scene: Scene) -> None:
    """Younger or other trees, along a straight planting line or scattered among the rest."""
    straight_line = scene.chance(0.4)
    field = beside(scene, wobble=0.01) if straight_line else scene.noise(scene.uniform(0.5, 2)) - scene.uniform(0, 1)
    scene.paint(edge(field, 0.02 if straight_line else 0.25), woodland(scene, scene.log_uniform(3.5, 11)))


def _clearing(scene: Scene) -> None:
    """Meadow or heath among the trees, at most a quarter of the picture, with bushes growing in."""
    field = scene.noise(scene.uniform(0.8, 2.5), LAND) + 0.15 * scene.noise(0.5, MOTTLE)
    field = field - np.quantile(field, scene.uniform(0.75, 0.95))
    open_ground = edge(field, 0.15 * float(field.std()))
    scene.paint(open_ground, grass(scene) if scene.chance(0.7) else soil(scene), "clearing")
    trees(scene, open_ground * scene.uniform(0, 0.35), scene.uniform(2.5, 6), kind=None)


def _felled(scene: Scene) -> None:
    """A block cut down: bare, streaked ground with straight sides."""
    along, across = local_m(scene, scene.angle(), scene.rng.uniform(0.1, 0.9, 2) * len(scene.image))
    half = scene.width_m * scene.rng.uniform(0.14, 0.28, 2)
    inside = np.minimum(half[0] - np.abs(along), half[1] - np.abs(across)) / scene.width_m
    block = edge(inside + 0.01 * scene.noise(1, MOTTLE), 0.012)
    ground = soil(scene) * (1 + 0.1 * np.sin(along * scene.uniform(0.6, 1.5)))[..., None]
    scene.paint(block, ground, "clearing")


def _lanes(scene: Scene) -> None:
    """Thinning rows: pale parallel lanes that bend a little, overgrown here and there."""
    along, across = local_m(scene, scene.angle())
    spacing = max(scene.uniform(12, 24), 6 * scene.gsd)
    bent = across + scene.uniform(0, 0.06) * scene.width_m * scene.noise(3, LAND)
    away = np.abs((bent + scene.uniform(0, 50)) % spacing - spacing / 2)
    lane = np.clip((scene.uniform(1.2, 2.5) - away) / scene.gsd + 0.5, 0, 1)
    overgrown = np.clip(0.7 + 0.6 * scene.noise(0.7, PATCH), 0, 1)
    scene.paint(lane * overgrown * scene.uniform(0.4, 0.9), scene.colour("soil" if scene.chance(0.6) else "grass"))


def _stream(scene: Scene) -> None:
    """A narrow stream with its strip of green."""
    points = curve(scene, 0.3)
    scene.paint(scene.stroke(points, scene.uniform(8, 20)) * 0.6, grass(scene))
    scene.paint(scene.stroke(points, scene.uniform(3, 8)), water_surface(scene), "water")


def _ride(scene: Scene) -> None:
    track(scene, curve(scene) if scene.chance(0.6) else straight(scene), scene.uniform(2, 6))


KINDS = [Kind("forest", ("forest", "woods", "a dense forest"), forest, (60, 620), shows=("forest",))]
