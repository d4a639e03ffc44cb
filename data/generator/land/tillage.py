"""Worked soil, stubble and crops: the lines that machines leave, and the soil that shows through them.

Lines are drawn in two coordinates a pixel, `across` and `along` them in metres. Both may bend, and then the lines
bend too; everything is reckoned for the pixels of one parcel only, so many small parcels cost no more than one.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE, PATCH, TILE, noise_bank

SOILS = [
    (124, 82, 58), (132, 94, 68), (114, 84, 62), (92, 70, 54), (74, 62, 50), (96, 82, 68), (152, 134, 104),
    (120, 106, 84), (104, 94, 70), (142, 122, 92), (66, 58, 48), (108, 97, 80), (128, 112, 84),
]  # fmt: skip
STRAWS = [(160, 144, 114), (146, 130, 102), (178, 162, 132), (136, 124, 100), (150, 140, 118), (168, 148, 112)]
GREENS = [
    (48, 74, 44), (42, 66, 40), (58, 84, 48), (74, 94, 54), (56, 70, 42), (88, 102, 64), (42, 70, 42), (68, 82, 50),
    (80, 92, 50), (50, 76, 54),
]  # fmt: skip
RIPE = [(126, 118, 78), (142, 130, 88), (112, 104, 72), (134, 120, 80), (104, 100, 66)]
STATES = ("bare", "stubble", "green", "rows", "ripe")
SHARES = {  # of the states above, by season
    "lush": (0.15, 0.08, 0.55, 0.17, 0.05),
    "mild": (0.36, 0.22, 0.25, 0.1, 0.07),
    "dry": (0.34, 0.4, 0.08, 0.06, 0.12),
    "dark": (0.42, 0.18, 0.3, 0.1, 0.0),
    "autumn": (0.45, 0.32, 0.1, 0.08, 0.05),
}


@dataclass(frozen=True)
class Land:
    """What all parcels of a picture share: the lie of the soil, and the two soils it is made of."""

    wander: np.ndarray  # [SIDE, SIDE] wide swells
    patch: np.ndarray  # middling patches
    grain: np.ndarray  # clods and plants
    soils: tuple[np.ndarray, np.ndarray]


def land(scene: Scene) -> Land:
    first, second = shade_of(scene, SOILS), shade_of(scene, SOILS)
    return Land(
        scene.noise(scene.uniform(0.8, 2.5), LAND),
        scene.noise(scene.uniform(0.7, 1.8), PATCH),
        scene.noise(scene.uniform(1, 1.6), GRAIN),
        (first, first + (second - first) * scene.uniform(0.2, 1)),
    )


def shade_of(scene: Scene, colours) -> np.ndarray:
    colour = np.array(colours[scene.rng.integers(len(colours))], np.float32) * scene.uniform(0.85, 1.15)
    return colour + scene.rng.normal(0, 3, 3).astype(np.float32)


def state(scene: Scene) -> str:
    return scene.pick(STATES, SHARES[scene.season])


def main_state(scene: Scene) -> str | None:
    """What the largest parcel bears where a caption may name the season; None where anything goes."""
    options = {"lush": ["green", "green", "rows"], "dry": ["bare", "stubble", "stubble", "ripe"]}.get(scene.season)
    return options and scene.pick(options)


def distance_m(scene: Scene, *lines) -> np.ndarray:
    """Metres [SIDE, SIDE] to the nearest of some lines [n, 2] in pixels, which may run beside the picture.

    Lines at whole multiples of a width from it are what a tractor drives that follows a bend: never nearer to each
    other, and creased where they meet. Reckoned at half size, which keeps it smooth.
    """
    mask = np.ones((SIDE, SIDE), np.uint8)
    for line in lines:
        cv2.polylines(mask, [np.round((np.asarray(line) + SIDE / 2) * 4).astype(np.int32)], False, 0, 1, 8, 3)
    away = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    away = cv2.resize(
        away[SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR
    )
    return away * np.float32(2 * scene.gsd)


def work(scene: Scene, ground: Land, across, along, own, what: str | None = None, colour=None) -> str:
    """Cover a parcel (a boolean mask) with soil or a crop in one of the `STATES`, which it returns."""
    what = what or state(scene)
    here = slice(None) if own.all() else np.flatnonzero(own)  # much faster than the mask each time
    across, along, wander, patch, grain = (
        v.ravel()[here] for v in (across, along, ground.wander, ground.patch, ground.grain)
    )
    lines = _Lines(scene, across, along, wander)
    colour = _colour(scene, ground, what) if colour is None else colour
    if what in ("bare", "stubble"):
        colour = _blotched(scene, ground, colour, lines, wander, patch)
    else:
        colour = _thin(scene, colour, ground.soils[0] * scene.uniform(0.8, 1.15), what, lines, patch + wander / 2)
    swell = {"bare": 0.11, "stubble": 0.07}.get(what, 0.05) * scene.uniform(0.4, 1.5)
    tones = TEXTURES[what](scene, lines) + np.float32(swell) * wander + np.float32(scene.uniform(0.01, 0.06)) * patch
    tones += np.float32(scene.uniform(0.03, 0.08)) * grain
    scene.image.reshape(-1, 3)[here] = colour * (1 + tones)[:, None]
    return what


def _colour(scene: Scene, ground: Land, what: str) -> np.ndarray:
    if what == "bare":
        return ground.soils[int(scene.chance(0.35))] * scene.uniform(0.8, 1.2)
    if what == "stubble":  # soil shows between the stalks
        return shade_of(scene, STRAWS) + scene.uniform(0, 0.5) * (ground.soils[0] - shade_of(scene, STRAWS))
    return shade_of(scene, RIPE if what == "ripe" else GREENS)


def _blotched(scene: Scene, ground: Land, colour, lines, wander, patch) -> np.ndarray:
    """Soil is never one colour: another comes through, and weeds or volunteer corn streak it green."""
    other = colour + (ground.soils[1] - colour) * np.float32(scene.uniform(0.15, 0.6))
    mix = np.clip(0.35 + 0.5 * (patch if scene.chance(0.5) else wander), 0, 1)
    colour = colour + (other - colour) * mix[:, None]
    if scene.chance(0.35):
        weeds = np.clip(0.5 * patch + 0.3 * lines.drill(2.5) - np.float32(scene.uniform(0, 1)), 0, 1)
        green = colour * np.float32([0.62, 0.86, 0.6]) * scene.uniform(0.8, 1.1)
        colour += (green - colour) * (np.float32(scene.uniform(0.4, 0.9)) * weeds)[:, None]
    return colour


def _thin(scene: Scene, colour, soil, what, lines, patch) -> np.ndarray:
    """A crop with soil where it grows thin: in patches, and between rows that have not closed yet."""
    bare = np.clip(np.float32(scene.uniform(0.2, 0.6)) * (patch - np.float32(scene.uniform(0.8, 2.2))), 0, 0.7)
    if what == "rows":
        bare += np.clip(np.float32(0.35) * lines.drill() + np.float32(scene.uniform(0.25, 0.7)), 0, 1)
    return colour + (soil - colour) * np.minimum(bare, 1)[:, None]


class _Lines:
    """The lines on a parcel's pixels: fine ones a drill or tine wide, and passes a machine wide."""

    def __init__(self, scene: Scene, across, along, wander):
        self.scene, self.along = scene, along
        self.across = (
            across + np.float32(scene.uniform(0.2, 1) * max(scene.gsd, 0.6)) * wander
        )  # nobody drives straight
        self.fine = max(scene.log_uniform(0.9, 4), 1.6 * scene.gsd)
        self.broad = max(scene.log_uniform(5, 26), 4.5 * scene.gsd)
        place = self.across / self.broad
        whole = np.floor(place)
        self.number, self.within = whole.astype(np.int32), place - whole  # of a pass, and 0…1 across it

    def drill(self, size: float = 1.0, long: float = 14.0) -> np.ndarray:
        """Fine lines of unit deviation that begin, end and change along their way."""
        rng, width = self.scene.rng, self.fine * size
        tile = noise_bank()[MOTTLE if rng.random() < 0.5 else GRAIN][rng.integers(3)][0]
        line = np.floor(self.across / np.float32(width)).astype(np.int32) & (TILE - 1)
        length = max(width * long, 9 * self.scene.gsd)
        starts = rng.uniform(0, TILE, TILE).astype(np.float32)
        starts = starts if rng.random() < 0.5 else starts * 0.006  # alike in neighbouring lines, or not
        piece = np.floor(self.along / np.float32(length) + starts[line]).astype(np.int32) & (TILE - 1)
        own = rng.normal(0, 0.6, TILE).astype(np.float32)
        return np.float32(0.8) * tile.ravel()[line * TILE + piece] + own[line]

    def passes(self) -> np.ndarray:
        """A tone a pass: there and back differ, and no two are quite the same."""
        tones = self.scene.rng.normal(0, 0.7, 512).astype(np.float32)
        tones[::2] += self.scene.uniform(0, 1.4)
        return tones[self.number & 511]

    def seams(self, width_m: float) -> np.ndarray:
        """Narrow lines between passes, 0…1, here strong and there faint."""
        away = np.minimum(self.within, 1 - self.within) * np.float32(self.broad)
        strength = self.scene.rng.uniform(0.3, 1, 512).astype(np.float32)[self.number & 511]
        return np.clip(1 - away / np.float32(max(width_m, 0.75 * self.scene.gsd)), 0, 1) * strength


def _bare(scene: Scene, lines: _Lines) -> np.ndarray:
    tones = scene.uniform(0.04, 0.085) * lines.drill(long=scene.uniform(6, 30))
    tones += scene.uniform(0.02, 0.055) * lines.passes()
    if scene.chance(0.4):
        tones += scene.uniform(-0.16, 0.12) * lines.seams(0.8)
    return tones


def _stubble(scene: Scene, lines: _Lines) -> np.ndarray:
    """Straw lies in swaths, one a pass, paler or darker than the stubble between."""
    tones = scene.uniform(0.03, 0.06) * lines.drill() + scene.uniform(0.015, 0.05) * lines.passes()
    swath = np.clip(1 - np.abs(lines.within - 0.5) / scene.uniform(0.16, 0.36), 0, 1)
    tones += scene.uniform(0.1, 0.26) * scene.pick([1, 1, -1]) * (swath - 0.3)
    return tones + scene.uniform(-0.14, 0) * lines.seams(1)


def _green(scene: Scene, lines: _Lines) -> np.ndarray:
    """Closed rows, and the sprayer's wheel tracks between some passes."""
    tones = scene.uniform(0.045, 0.09) * lines.drill(long=30) + scene.uniform(0.02, 0.06) * lines.passes()
    return tones + scene.pick([0.0, scene.uniform(0.1, 0.3), scene.uniform(-0.3, -0.1)]) * lines.seams(0.8)


TEXTURES = {"bare": _bare, "stubble": _stubble, "green": _green, "rows": _green, "ripe": _stubble}
