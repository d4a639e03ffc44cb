"""Desert: sand in dunes, rock, shrubs and dry stream beds."""

import numpy as np

from ..drawing.geometry import curve
from ..drawing.ground import track
from ..drawing.plants import trees
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import LAND
from ..kind import Kind


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
        wash = scene.stroke(curve(scene, 0.3, 40), scene.uniform(8, 25)) * np.clip(0.7 + 0.4 * scene.noise(1), 0, 1)
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


KINDS = [Kind("desert", ("desert", "bare desert land"), desert, (64, 600), seasonal=False)]
