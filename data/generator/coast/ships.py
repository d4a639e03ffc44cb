"""Cargo ships, warships, submarines: at sea or at a pier; how they look is in `vessels` and `submarines`."""

import numpy as np

from ..drawing.geometry import MIDDLE
from ..drawing.scene import SIDE, Scene
from ..kind import Kind
from .sea import boats, pier, sea, wake
from .submarines import black_boat
from .vessels import Berth, freighter, frigate


def _berth(
    scene: Scene, share: tuple[float, float], longest: float, slender: tuple[float, float], under_way: bool
) -> Berth:
    length = min(scene.width_m * scene.uniform(*share), longest * scene.uniform(0.85, 1.0))
    heading = scene.uniform(0, 2 * np.pi)
    centre = MIDDLE + scene.rng.uniform(-0.14, 0.14, 2) * SIDE
    if under_way:  # room for the wake
        centre = centre + np.array([np.cos(heading), np.sin(heading)]) * SIDE * scene.uniform(0, 0.12)
    return Berth(centre, heading, length, length * scene.uniform(*slender))


def cargo_ship(scene: Scene) -> None:
    sea(scene)
    under_way = scene.chance(0.65)
    berth = _berth(scene, (0.65, 1.25), 360, (0.14, 0.185), under_way)
    if under_way:
        wake(scene, berth.centre, berth.heading, berth.length, berth.beam, scene.uniform(0.6, 1.3))
        scene.notes.append("under way")
    scene.notes.append(freighter(scene, berth))
    boats(scene, 0.15)


def warship(scene: Scene) -> None:
    layout = scene.pick(["at sea", "moored"], [0.72, 0.28])
    sea(scene)
    berth = _berth(scene, (0.55, 1.1), 165, (0.105, 0.13), layout == "at sea")
    if layout == "at sea":
        wake(scene, berth.centre, berth.heading, berth.length, berth.beam, scene.uniform(0.5, 1.4))
        scene.notes.append("at sea")
    else:
        _moor(scene, berth)
        if scene.chance(0.4):  # a second one outboard of the first
            side = np.array([np.sin(berth.heading), -np.cos(berth.heading)])
            frigate(
                scene,
                Berth(
                    berth.centre + side * scene.px(berth.beam * 1.15), berth.heading, berth.length, berth.beam
                ),
            )
    frigate(scene, berth)
    boats(scene, 0.1)


def _moor(scene: Scene, berth: Berth) -> None:
    """A pier on the vessel's right-hand side."""
    width = scene.uniform(10, 24)
    right = np.array([-np.sin(berth.heading), np.cos(berth.heading)])
    aside = float((berth.centre - MIDDLE) @ right) * scene.gsd
    pier(scene, berth.heading, aside + berth.beam / 2 + 4 + width / 2, width)
    scene.notes.append("moored")


def submarine(scene: Scene) -> None:
    layout = scene.pick(["surfaced", "half submerged", "moored"], [0.43, 0.42, 0.15])
    sea(scene, least=62, rough=0.12)  # a black boat on black water could not be seen
    berth = _berth(scene, (0.6, 1.1), 165, (0.08, 0.105), layout != "moored")
    if layout == "moored":
        _moor(scene, berth)
    else:
        wake(scene, berth.centre, berth.heading, berth.length, berth.beam * 0.7, scene.uniform(0.5, 1.1))
        scene.notes.append("on the surface" if layout == "surfaced" else layout)
    black_boat(scene, berth, layout)


KINDS = [
    Kind(
        "cargo ship",
        ("a cargo ship", "a cargo vessel", "a freighter"),
        cargo_ship,
        (150, 420),
        ("cargo ship",),
        False,
    ),
    Kind(
        "submarine",
        ("a submarine", "a dark submarine", "a naval submarine"),
        submarine,
        (90, 260),
        ("submarine",),
        False,
    ),
    Kind("warship", ("a warship", "a grey warship", "a navy ship"), warship, (90, 260), ("warship",), False),
]
