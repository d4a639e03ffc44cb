"""How a submarine looks from above: a dark round hull, its fin, the water that washes over it."""

import numpy as np

from ..drawing.geometry import to_canvas
from ..drawing.scene import Scene
from ..drawing.textures import GRAIN, MOTTLE
from .sea import FOAM, local_metres, shifted
from .vessels import Berth, boxes


def black_boat(scene: Scene, berth: Berth, layout: str) -> None:
    """A submarine that is "surfaced", "half submerged" or "moored"."""
    _pressure_hull(scene, berth, layout)
    _fin(scene, berth)


def _pressure_hull(scene: Scene, berth: Berth, layout: str) -> None:
    """A dark body of revolution: round at the bow, drawn out at the stern, lit along one flank."""
    along, across = local_metres(scene, berth.heading, berth.centre)
    place = along / berth.length  # -0.5 at the stern … 0.5 at the bow
    half = np.sqrt(np.clip(1 - (np.clip(place - 0.34, 0, None) / 0.16) ** 2, 0, 1))
    half = half * np.clip((place + 0.5) / 0.36, 0, 1) ** 0.75 * berth.beam / 2
    body = np.clip((half - np.abs(across)) / scene.gsd + 0.5, 0, 1) * (np.abs(place) < 0.5)
    above = np.ones_like(body)
    if layout == "half submerged":  # both ends sink into the water
        above = np.clip((scene.uniform(0.36, 0.46) - np.abs(place - 0.06)) / 0.12, 0.2, 1)
    if layout != "moored":
        _washed(scene, berth, place, half - np.abs(across))
    scene.shade(shifted(body * (above > 0.9), scene.sun * scene.px(2.5 * scene.shadow_length)))
    scene.paint(body * above, _rounded(scene, berth, across, half))
    scene.claim(body > 0.5, "submarine")


def _washed(scene: Scene, berth: Berth, place, inside) -> None:
    """Foam where the water washes along the hull; `inside` is metres to its side."""
    near = np.clip((inside + max(0.12 * berth.beam, 1.2 * scene.gsd)) / scene.gsd, 0, 1) * (np.abs(place) < 0.5)
    scene.paint(near * np.clip(0.3 + 0.6 * scene.noise(0.6, MOTTLE), 0, 1) * scene.uniform(0.3, 0.9), FOAM)


def _rounded(scene: Scene, berth: Berth, across, half) -> np.ndarray:
    """The colours of a black cylinder, lighter towards the sun."""
    side = np.clip(across / np.maximum(half, 0.1), -1, 1)
    sunward = np.sin(berth.heading) * scene.sun[0] - np.cos(berth.heading) * scene.sun[1]
    light = 1 + 0.5 * side * sunward - 0.35 * side**2 + 0.1 * scene.noise(0.7, GRAIN)
    return np.array([36, 39, 43]) * scene.uniform(0.7, 1.25) * light[..., None]


def _fin(scene: Scene, berth: Berth) -> None:
    """The fin with its diving planes, the deck casing's hatches, and the rudder."""
    place = scene.uniform(0.08, 0.24)
    tone = np.array([58, 61, 66]) * scene.uniform(0.8, 1.25)
    length, beam = 0.11 * berth.length, max(0.3 * berth.beam, 2 * scene.gsd)
    if scene.chance(0.5):
        boxes(scene, berth, (place + 0.02, 0), 0.025 * berth.length, 0.95 * berth.beam, tone * 0.85, 5)
    fin = np.array([[-0.6, 0], [-0.1, -0.45], [0.3, -0.5], [0.5, -0.2], [0.5, 0.2], [0.3, 0.5], [-0.1, 0.45]])
    shape = to_canvas(scene, fin * [length, beam] + [place * berth.length, 0], berth.heading, berth.centre)
    scene.cast(shape[None], 7)
    scene.fill(shape[None], tone)
    spots = np.stack([scene.rng.uniform(-0.3, 0.35, 4), np.zeros(4)], -1)
    boxes(scene, berth, spots[np.abs(spots[:, 0] - place) > 0.08], 2 * scene.gsd, 1.3 * scene.gsd, tone * 1.2)
    if scene.chance(0.6):
        boxes(scene, berth, (-0.45, 0), 0.03 * berth.length, 0.9 * berth.beam, tone * 0.8)
