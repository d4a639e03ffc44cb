"""Farming on ropes at sea: kelp and mussels hung from long lines between anchors, block beside block."""

from dataclasses import dataclass

import numpy as np

from ..drawing.geometry import to_canvas
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN, MOTTLE
from ..kind import Kind
from .sea import FOAM, dots, local_metres, sea, shifted, small_boat

WEED = [(38, 38, 26), (46, 36, 28), (30, 40, 32), (28, 32, 36)]
SUNLIT_WEED = [(112, 94, 54), (96, 88, 52), (118, 84, 60)]  # fronds at the surface, over dark water


@dataclass(frozen=True)
class Farm:
    """How a farm is laid out, in metres: `rows` lines in a block, `share` of their spacing filled by the crop."""

    rows: int
    spacing: float
    share: float
    lane: float
    length: float
    gap: float
    panel: float  # length of a net along the line; 0 for a crop without breaks
    bend: tuple[float, float, float]  # how far the current pushes the lines aside, over which pace, from where

    @property
    def band(self) -> float:
        return self.rows * self.spacing + self.lane

    def aside(self, along):
        size, pace, phase = self.bend
        return size * np.sin(along * pace + phase)


def rope_aquaculture(scene: Scene) -> None:
    sea(scene, least=scene.uniform(46, 74), rough=0.05)
    layout = scene.pick(["blocks", "longlines", "ribbons", "nets", "quilt"], [0.28, 0.2, 0.16, 0.16, 0.2])
    farm, angle = _farm(scene, layout), scene.angle()
    along, across = (metres.astype(np.float32) for metres in local_metres(scene, angle))
    across = across + farm.aside(along)
    shifts = scene.rng.uniform(0, 0.5, 200) * farm.length * (1.0 if scene.chance(0.4) else 0.08)
    shifts = shifts.astype(np.float32)
    crop, field = _crop(scene, farm, along, across, shifts)
    _moorings(scene, farm, along, across, shifts)
    _paint_crop(scene, crop, field, layout)
    _buoys(scene, farm, angle, shifts)
    _work_boats(scene, farm, angle)


def _farm(scene: Scene, layout: str) -> Farm:
    """Sizes go with the picture's width: a line is at least two pixels of the finished picture from the next."""
    width = scene.width_m
    rows, spacing, share, length = {
        "blocks": (scene.integer(5, 12), scene.uniform(0.026, 0.04), scene.uniform(0.42, 0.62), (0.3, 0.8)),
        "longlines": (scene.integer(2, 4), scene.uniform(0.05, 0.085), scene.uniform(0.22, 0.36), (0.5, 1.3)),
        "ribbons": (scene.integer(4, 9), scene.uniform(0.05, 0.08), scene.uniform(0.4, 0.62), (0.6, 1.6)),
        "nets": (scene.integer(3, 8), scene.uniform(0.045, 0.075), scene.uniform(0.58, 0.75), (0.4, 0.9)),
        "quilt": (scene.integer(5, 9), scene.uniform(0.02, 0.026), scene.uniform(0.5, 0.7), (0.14, 0.3)),
    }[layout]
    spacing, length = spacing * width, width * scene.uniform(*length)
    bend = scene.uniform(0, 0.02) * width * min(1.0, 3 * spacing / (0.1 * width))
    return Farm(
        rows,
        spacing,
        share,
        spacing * scene.uniform(1.0, 2.8),
        length,
        max(0.1 * length, 0.04 * width) * scene.uniform(0.8, 1.7),
        spacing * scene.uniform(2.5, 5) if layout == "nets" else 0.0,
        (bend, scene.uniform(3, 7) / width, scene.uniform(0, 6)),
    )


def _crop(scene: Scene, farm: Farm, along, across, shifts) -> tuple[np.ndarray, np.ndarray]:
    """What hangs on the lines as a soft mask [SIDE, SIDE], and a number 0…1 for every block's age."""
    far, rng = 1.2 * scene.width_m, scene.rng
    band, place = np.divmod(across + far, farm.band)
    row = np.floor(place / farm.spacing)
    band, row = band.astype(int), np.minimum(row, farm.rows - 1).astype(int)
    block, run = np.divmod(along + far + shifts[band], farm.length + farm.gap)
    block = block.astype(int)
    bands, blocks = band.max() + 1, block.max() + 1
    age = (rng.random((bands, blocks)) ** scene.uniform(0.4, 1.5)).astype(np.float32)
    few = farm.length > 0.5 * scene.width_m  # none of few blocks lies empty
    stocked = rng.random((bands, blocks)) < (1.0 if few else scene.pick([1.0, 0.85, 0.7]))
    stocked[bands // 2, blocks // 2] = stocked[bands // 2 - 1, blocks // 2] = True
    line = band * farm.rows + row, block
    shape = bands * farm.rows, blocks
    thick = rng.normal(1, 0.12, shape) * (rng.random(shape) > scene.uniform(0, 0.1))  # some lines are harvested
    begin, end = (rng.exponential(0.012, (2, *shape)) * farm.length).astype(np.float32)
    drift = rng.normal(0, 0.06, shape).astype(np.float32)[line] * farm.spacing
    ragged = 1 + scene.uniform(0.06, 0.2) * scene.noise(scene.uniform(0.3, 0.6), MOTTLE)
    half = thick.astype(np.float32)[line] * farm.share * farm.spacing * (0.38 + 0.16 * age[band, block]) * ragged
    inside = half - np.abs(place - (row + 0.5) * farm.spacing - drift)
    inside = np.minimum(inside, np.minimum(run - begin[line], farm.length - end[line] - run))
    if farm.panel:
        piece = np.mod(run + drift, farm.panel)
        inside = np.minimum(inside, np.minimum(piece, farm.panel - piece) - 0.09 * farm.panel)
    return np.clip(inside / scene.gsd + 0.5, 0, 1) * stocked[band, block], age[band, block]


def _paint_crop(scene: Scene, crop, age, layout: str) -> None:
    """Weed under water, darker and clearer with its age, mottled; its depth blurs the edges a little."""
    mean = float(scene.image.mean())
    bright = mean < 52 and scene.chance(0.6)
    tone = np.array(scene.pick(SUNLIT_WEED if bright else WEED), np.float32) * scene.uniform(0.85, 1.1)
    other = tone * scene.uniform(0.8, 1.3) + scene.rng.normal(0, 4, 3)
    mix = np.clip(0.3 + 0.5 * age + 0.25 * scene.noise(0.5, MOTTLE), 0, 1)[..., None]
    grain = 1 + (0.12 if layout in ("ribbons", "nets") else 0.07) * scene.noise(0.5, GRAIN)
    clear = scene.uniform(0.72, 0.95) * (0.75 + 0.25 * age)
    scene.shade(shifted(crop, scene.sun) * (1 - crop), 0.12)
    scene.paint(crop * clear, (tone + (other - tone) * mix) * grain[..., None])
    scene.claim(crop > 0.5, "ropes")


def _moorings(scene: Scene, farm: Farm, along, across, shifts) -> None:
    """Ropes from the lines' ends to the anchors, in the gaps between blocks, and the header rope across the ends."""
    far = 1.2 * scene.width_m
    band, place = np.divmod(across + far, farm.band)
    run = np.mod(along + far + shifts[band.astype(int)], farm.length + farm.gap)
    row = np.mod(place, farm.spacing)
    thin = max(0.25, 0.45 * scene.gsd)
    in_block = place < farm.rows * farm.spacing
    out = np.minimum(run - farm.length, farm.length + farm.gap - run)  # metres into the gap
    ropes = (np.abs(row - farm.spacing / 2) < thin) & in_block & (out < 0.42 * farm.gap)
    header = (np.abs(out) < thin) & in_block & scene.chance(0.6)
    pale = FOAM * scene.uniform(0.55, 0.85)
    scene.paint(ropes * scene.uniform(0.12, 0.3) + header * 0.35, pale)


def _buoys(scene: Scene, farm: Farm, angle: float, shifts) -> None:
    """Few anchor buoys: at the corners of the blocks, or at the end of every line where lines are wide apart."""
    far, pitch = 1.2 * scene.width_m, farm.length + farm.gap
    rows = np.arange(farm.rows) if farm.spacing > 12 * scene.gsd else np.array([0, farm.rows - 1])
    bands, blocks = np.arange(int(2 * far / farm.band) + 1), np.arange(-1, int(2.6 * far / pitch) + 2)
    band, row, block, end = (v.ravel() for v in np.meshgrid(bands, rows, blocks, (0, 1)))
    out = farm.gap * 0.3 * np.where(end, 1, -1)
    x = block * pitch - far - shifts[band] + farm.length * end + out
    y = band * farm.band - far + (row + 0.5) * farm.spacing
    places = np.stack([x, y - farm.aside(x)], -1) + scene.rng.normal(0, 0.06 * farm.spacing, (len(x), 2))
    centres = to_canvas(scene, places, angle)
    kept = ((centres > -4) & (centres < SIDE + 4)).all(-1) & (scene.rng.random(len(x)) < 0.8)
    radius = float(np.clip(scene.px(0.7), 0.8, 2.2))
    mask = dots(centres[kept], radius)
    tone = np.array(scene.pick([(222, 222, 214), (206, 122, 66), (200, 190, 110)]), np.float32)
    scene.shade(shifted(mask, scene.sun * radius), 0.3)
    scene.paint(mask * 0.9, tone)


def _work_boats(scene: Scene, farm: Farm, angle: float) -> None:
    """Boats in the lanes between the blocks, along them."""
    for _ in range(scene.pick([0, 1, 2, 3], [0.4, 0.3, 0.2, 0.1])):
        x = scene.uniform(-0.42, 0.42) * scene.width_m
        band = round((scene.uniform(-0.35, 0.35) + 1.2) * scene.width_m / farm.band)
        y = band * farm.band - 1.2 * scene.width_m - farm.lane / 2
        centre = to_canvas(scene, [x, y - farm.aside(x)], angle)
        small_boat(scene, centre, angle + (np.pi if scene.chance(0.5) else 0) + scene.uniform(-0.1, 0.1))


KINDS = [
    Kind(
        "rope-anchored aquaculture",
        ("rope-anchored aquaculture", "longline aquaculture", "mussel ropes anchored at sea"),
        rope_aquaculture,
        (80, 420),
        ("ropes",),
        False,
    ),
]
