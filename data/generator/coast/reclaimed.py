"""Land won from the sea: its shore, the stirred-up water, filled and graded earth, ponds behind the dyke."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE, PATCH, noise
from .sea import local_metres, shifted

EARTH = [(168, 146, 114), (152, 130, 104), (186, 168, 138), (146, 138, 124), (172, 138, 108), (140, 116, 90)]
MUD = [(126, 122, 98), (112, 116, 102), (134, 122, 94), (104, 110, 92)]


@dataclass(frozen=True)
class Site:
    """The site's own frame (x along the shore, y towards the water), and metres inland for every pixel."""

    angle: float
    along: np.ndarray
    across: np.ndarray
    inland: np.ndarray  # [SIDE, SIDE], negative on the water
    mud: np.ndarray  # the colour of stirred-up water
    wide: np.ndarray  # noise at the scale of the site, shared by what lies on it
    fine: np.ndarray  # and at that of a machine
    grain: np.ndarray  # and of a stone


def shore(scene: Scene, layout: str) -> Site:
    """Where land ends: one edge, a corner, a mole, a dug dock, or a ragged fan of pumped sand."""
    angle, width = scene.uniform(0, 2 * np.pi), scene.width_m
    along, across = (metres.astype(np.float32) for metres in local_metres(scene, angle))
    wide, fine = scene.noise(scene.uniform(0.9, 1.8), LAND), scene.noise(scene.uniform(0.6, 1), MOTTLE)
    grain = scene.noise(float(np.clip(scene.px(0.8), 0.4, 1.5)), GRAIN)
    rough = wide * width * (0.09 if layout == "fan" else scene.uniform(0.004, 0.03)) + fine * 0.005 * width
    inland = width * scene.uniform(0.02, 0.3) - across + scene.uniform(-0.2, 0.2) * along
    corner = width * scene.uniform(0.01, 0.06)
    if layout == "corner":
        inland = _least(inland, width * scene.uniform(0.05, 0.35) - along, corner)
    elif layout == "mole":
        sides = width * scene.uniform(0.22, 0.33) - np.abs(along - scene.uniform(-0.15, 0.15) * width)
        inland = _least(sides - scene.uniform(0, 0.3) * across, inland + 0.15 * width, corner)
    elif layout == "basin":
        dock = np.abs(along - scene.uniform(-0.3, 0.3) * width) - width * scene.uniform(0.1, 0.2)
        head = -width * scene.uniform(0.05, 0.35) - across
        inland = _least(inland, -_least(-dock, -head, corner), corner)
    mud = np.array(scene.pick(MUD), np.float32) * scene.uniform(0.85, 1.15)
    return Site(angle, along, across, inland + rough, mud, wide, fine, grain)


def _least(first, second, rounding: float) -> np.ndarray:
    """The lesser of two fields in metres, with a rounded corner where they meet."""
    return np.minimum(first, second) - rounding * np.log1p(np.exp(-np.abs(first - second) / rounding))


def water(scene: Scene, site: Site) -> None:
    """The sea, stirred up by dredging: muddy along the shore, thinning out in plumes."""
    deep = scene.colour("sea")
    deep = deep + max(0.0, 55 - float(deep.mean())) * np.array([0.8, 1.05, 1.1], np.float32)
    reach = scene.width_m * scene.uniform(0.08, 0.5)
    drift = np.clip(0.9 - 0.3 * site.wide + 0.12 * site.fine, 0.1, 1.3)
    cloud = np.exp(np.clip(site.inland, None, 0) / reach) * drift * scene.uniform(0.6, 1.0)
    cloud = np.clip(cloud + 0.08 * site.wide, 0, 0.95)
    ripples = scene.noise(float(np.clip(scene.px(0.7), 0.35, 1.2)), MOTTLE)
    waves = 1 + scene.uniform(0.02, 0.045) * ripples + 0.02 * site.fine
    scene.image = cloud[..., None] * (site.mud - deep).astype(np.float32)
    scene.image += deep
    scene.image *= waves[..., None]
    scene.claim(site.inland < 0, "water")


def earth(scene: Scene, site: Site, plot: float) -> np.ndarray:
    """Bare ground filled load by load: other earth in places, scraped as the machines went, wet and dry stains."""
    tones = np.array([scene.pick(EARTH) for _ in range(4)], np.float32)
    tones = (tones + 1.2 * tones[0]) / 2.2 * scene.uniform(0.88, 1.1)
    stains = scene.noise(scene.uniform(0.8, 1.8), PATCH)
    coarse = (slice(None, None, 2),) * 2  # the lots' borders are soft anyway
    warp = (0.12 * plot * site.wide + 0.02 * plot * site.fine)[coarse]
    i = np.floor((site.along[coarse] + warp) / plot).astype(int) + 40
    j = np.floor((site.across[coarse] - warp) / (plot * scene.uniform(0.6, 1.3))).astype(int) + 40
    lot = (i * 7 + j * 13) % 64
    other = tones[1] + (tones[scene.rng.integers(0, 4, 64)] - tones[0]) * 0.6  # loads from elsewhere
    traits = np.column_stack([other, scene.rng.normal(1, 0.09, 64), scene.rng.random(64) ** 2]).astype(np.float32)
    traits = traits[lot]
    image = cv2.resize(traits[..., :3], (SIDE, SIDE))
    light, ways = (cv2.resize(traits[..., k], (SIDE, SIDE)) for k in (3, 4))
    turn = scene.uniform(-0.5, 0.5) + scene.pick([0, np.pi / 2])
    scraped = noise(scene.rng, SIDE // 2, scene.uniform(0.3, 0.5), MOTTLE, 4.5, site.angle + turn)
    light += (0.03 + 0.05 * ways) * cv2.resize(scraped, (SIDE, SIDE))  # at half the size, as slanted noise is dear
    light -= 0.3 * np.clip(stains - 0.4, 0, 0.8) - 0.12 * np.clip(-stains - 0.5, 0, 1) - 0.03 * site.fine
    mix = np.clip(0.5 + 0.9 * site.wide + 0.3 * stains, 0, 1)[..., None]
    image += (tones[2] - tones[1]) * mix
    image *= light[..., None]
    return image


def standing_water(scene: Scene, site: Site) -> Site:
    """Muddy water behind the dyke where the fill is not yet high, its rim wet; returns what is dry."""
    side = scene.uniform(0.5, 2.5) * scene.pick([-1, 1]) * site.along / scene.width_m
    low = side + scene.uniform(0.35, 0.6) * site.wide + 0.05 * site.fine - scene.uniform(0.1, 0.7)
    low = np.minimum(low, (site.inland - scene.uniform(8, 16)) / (0.1 * scene.width_m))
    scene.shade(np.clip(low * 6 + 1.2, 0, 1) * (site.inland > 0), scene.uniform(0.12, 0.3))
    mud = site.mud * scene.uniform(0.8, 1.1)
    scene.paint(np.clip(low * 14, 0, 1) * 0.93, mud * (1 + 0.03 * site.fine - 0.04 * site.wide)[..., None])
    scene.claim(low > 0.04, "water")
    _dredge_pipe(scene, site, low)
    return replace(site, inland=np.minimum(site.inland, -low * 0.25 * scene.width_m))


def _dredge_pipe(scene: Scene, site: Site, low) -> None:
    """The pipe that brings the fill: afloat from the dredger, over the dyke, to a fan of fresh sand in the pond."""
    wet, open_water = np.argwhere(low[::8, ::8] > 0), np.argwhere(site.inland[::8, ::8] < -0.06 * scene.width_m)
    if not len(wet) or not len(open_water):
        return
    end, start = (8.0 * spots[scene.integer(0, len(spots) - 1), ::-1] for spots in (wet, open_water))
    t = np.linspace(0, 1, 12)[:, None]
    sway = np.sin(t * scene.uniform(3, 6) + scene.uniform(0, 6)) * t * (1 - t) * scene.uniform(0, 0.6)
    line = start + (end - start) * t + sway * np.array([start[1] - end[1], end[0] - start[0]])
    distance = np.hypot(COLUMNS - np.float32(end[0]), ROWS - np.float32(end[1])) * scene.gsd
    fan = np.clip(1.1 - distance / (0.11 * scene.width_m) + 0.25 * site.wide + 0.1 * site.fine, 0, 1)
    scene.paint(fan * (site.inland > 6) * 0.8, scene.colour("sand") * 0.85)
    scene.shade(scene.stroke(line + scene.sun * 1.2, 1.0), 0.35)
    rust = np.array(scene.pick([(122, 92, 74), (92, 90, 90), (150, 146, 138)]), np.float32)
    scene.paint(scene.stroke(line, 1.1) * 0.9, rust)


def dyke(scene: Scene, site: Site, land) -> None:
    """The edge: a dyke of tipped rock with a way on its crest, sheet piles, or just the washed slope."""
    style = scene.pick(["rock", "piles", "slope"], [0.5, 0.2, 0.3])
    if style == "slope":
        wet = np.exp(-np.clip(site.inland, 0, None) / scene.uniform(3, 10)) * land
        scene.shade(wet * np.clip(0.8 + 0.4 * site.fine, 0, 1), 0.35)
        return
    scene.shade(shifted(land, scene.sun * min(scene.px(3.5 * scene.shadow_length), 10)) * (1 - land))
    width = max(scene.uniform(3, 8) if style == "rock" else 1.2, 1.5 * scene.gsd)
    band = np.clip((width - site.inland) / scene.gsd + 0.5, 0, 1) * land
    tone = scene.colour("asphalt" if style == "rock" else "concrete")
    rubble = 1 + (0.3 if style == "rock" else 0.08) * site.grain
    scene.paint(band, tone * rubble[..., None])
    if scene.chance(0.7):
        crest = np.clip(2.6 - np.abs(site.inland - width - 4), 0, 1) * land
        scene.paint(crest * 0.6, scene.colour("sand"))
