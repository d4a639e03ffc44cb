"""Desert: dunes, bare rock, gravel plains, dried lakes; washes, shrubs along them, wheel tracks."""

import cv2
import numpy as np

from ..drawing.geometry import curve, edge
from ..drawing.plants import trees
from ..drawing.scene import COLUMNS, ROWS, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE, PATCH
from ..kind import Kind
from .acres import arms
from .drainage import network
from .tillage import distance_m, shade_of

EARTHS = [
    (188, 152, 114), (172, 133, 98), (200, 170, 136), (160, 118, 88), (156, 125, 101), (180, 135, 100),
    (174, 142, 114), (148, 110, 83), (190, 158, 126),
]  # fmt: skip


def desert(scene: Scene) -> None:
    first, second = shade_of(scene, EARTHS), shade_of(scene, EARTHS)
    second = first + scene.uniform(0.2, 0.8) * (second - first)
    layout = scene.pick([_dunes, _rocks, _plain, _playa], [0.37, 0.22, 0.3, 0.11])
    layout(scene, first, second)
    scene.texture(scene.uniform(0.02, 0.06) * scene.noise(scene.uniform(1, 1.7), GRAIN))
    washes = scene.chance({_plain: 0.6, _rocks: 0.35}.get(layout, 0.1))
    near = _wash(scene, first) if washes else None
    if scene.chance(0.25 if layout is _dunes else 0.55):
        _shrubs(scene, near)
    for _ in range(scene.pick([0, 1, 2], [0.65, 0.25, 0.1])):
        _wheels(scene, first)


def _lit(scene: Scene, height: np.ndarray) -> np.ndarray:
    """How much brighter or darker than flat ground a relief (canvas pixels) is in this sun."""
    down, right = np.gradient(height)
    facing = np.float32(scene.sun[0]) * right + np.float32(scene.sun[1]) * down
    return np.where(facing > 0, 0.6, 1.0) * facing  # the eye of the camera is set for the sunlit side


def _earth(scene: Scene, first, second, blend=0.6) -> np.ndarray:
    """Ground between two colours, in wide swells and mottled patches."""
    mix = (
        0.5 + blend * 0.5 * scene.noise(scene.uniform(0.7, 2.5), PATCH) + 0.2 * scene.noise(scene.uniform(1, 2), LAND)
    )
    image = first + (second - first) * np.clip(mix, 0, 1)[..., None]
    return image * (1 + 0.045 * scene.noise(scene.uniform(0.8, 1.6), MOTTLE))[..., None]


def _crests(scene: Scene, angle: float, length_px: float, wild: float) -> np.ndarray:
    """Waves of sand, `length_px` apart: a long slope to windward, a sharp crest, a short lee; they merge and end."""
    along = (COLUMNS * np.float32(np.cos(angle)) + ROWS * np.float32(np.sin(angle))) / np.float32(length_px)
    warp = scene.noise(np.clip(length_px / 35, 0.8, 3), LAND)
    place = (along + np.float32(wild) * warp) % 1
    lee = np.float32(0.24) + np.float32(0.07) * warp
    wave = np.where(place < 1 - lee, (place / (1 - lee)) ** 1.5, (1 - place) / lee)
    return wave * np.clip(0.7 + 0.5 * scene.noise(scene.uniform(2, 3.5), LAND), 0.12, 1.5)


def _dunes(scene: Scene, first, second) -> None:
    """Dunes with smaller ones on their backs, in a sun that stands across the crests."""
    scene.image = _earth(scene, first, second, 0.35)
    angle = np.arctan2(scene.sun[1], scene.sun[0]) + scene.uniform(-0.9, 0.9) + scene.pick([0, np.pi])
    length = np.clip(scene.px(scene.log_uniform(40, 220)), 26, 110)
    height = _crests(scene, angle, length, scene.uniform(0.4, 1.0)) * length
    height = cv2.GaussianBlur(height, (0, 0), max(0.9, length * scene.uniform(0.02, 0.06)))
    light = scene.uniform(0.12, 0.26) * _lit(scene, height)
    if scene.chance(0.75):
        small = length * scene.uniform(0.12, 0.3)
        ripples = _crests(scene, angle + scene.uniform(-0.6, 0.6), max(small, 5), 0.5) * max(small, 5)
        light += scene.uniform(0.02, 0.06) * _lit(scene, ripples)
    scene.texture(0.34 * np.tanh(light / 0.34))
    if scene.chance(0.5):  # hard ground between
        floor = edge(0.22 - height / length + 0.05 * scene.noise(0.8, PATCH), 0.12)
        scene.paint(floor * scene.uniform(0.3, 0.7), second * scene.uniform(0.75, 1.0))
    if light.std() > 0.06:
        scene.notes.append("with dunes")


def _rocks(scene: Scene, first, second) -> None:
    """Worn rock: ridges with gullies between them, beds of other stone, sand in the hollows."""
    zoom = scene.uniform(1.2, 3.2)
    ridges = 1 - np.abs(scene.noise(zoom, LAND, scene.uniform(1, 2.2)))
    crags = 1 - np.abs(scene.noise(0.6 * zoom, PATCH))
    gullies = cv2.GaussianBlur(network(scene, scene.log_uniform(0.5, 1.5)), (0, 0), scene.uniform(1.5, 3))
    parts = zoom * scene.uniform(1, 3) * ridges, scene.uniform(0.2, 0.9) * crags, -scene.uniform(2, 7) * gullies
    height = sum(np.float32(part) for part in parts)
    scene.image = _earth(scene, first * 0.9, second * 0.9)
    if scene.chance(0.5):  # strata
        bed = np.sin(height * scene.uniform(2, 5) + scene.uniform(0, 6)) * np.clip(0.5 + 0.5 * scene.noise(1.5), 0, 1)
        scene.texture(scene.uniform(0.04, 0.12) * bed)
    scene.texture(np.clip(scene.uniform(0.5, 1.0) * _lit(scene, height), -0.55, 0.4))
    low = height - np.quantile(height[::8, ::8], scene.uniform(0, 0.35))
    hollows = np.clip(0.5 - low / 0.5, 0, 1)
    scene.paint(hollows * scene.uniform(0.5, 0.9), first * scene.uniform(1.0, 1.15))
    scene.notes.append("with rocky ground")


def _plain(scene: Scene, first, second) -> None:
    """Gravel, dark where it has lain long, and the fine threads in which rain ran off over it."""
    scene.image = _earth(scene, first, second, 1.0)
    varnish = scene.noise(scene.uniform(0.6, 1.8), PATCH) - scene.uniform(0.1, 1.0)
    scene.shade(np.clip(varnish * scene.uniform(0.8, 3), 0, 1), scene.uniform(0.08, 0.28))
    if scene.chance(0.8):
        fine = network(scene, scene.log_uniform(0.5, 1.6)) * np.clip(0.6 + 0.5 * scene.noise(1, PATCH), 0, 1)
        scene.texture(scene.uniform(0.12, 0.3) * scene.pick([1, 1, -1]) * fine)


def _playa(scene: Scene, first, second) -> None:
    """The bed of a dried lake: pale and flat, with old shore lines and crusts of salt."""
    scene.image = _earth(scene, first, second)
    field = scene.noise(scene.uniform(1.2, 2.6), LAND) + 0.06 * scene.noise(1, PATCH) - scene.uniform(-0.8, 0.5)
    pale = first + scene.uniform(0.35, 0.8) * (np.float32([206, 198, 182]) - first)
    shores = np.sin(np.clip(field, -0.2, 1) * scene.uniform(14, 40)) * 0.03
    bed = pale * (1 + shores + 0.03 * scene.noise(scene.uniform(1, 2), MOTTLE))[..., None]
    scene.paint(edge(field, scene.uniform(0.1, 0.4)), bed)


def _wash(scene: Scene, first) -> np.ndarray:
    """A dry stream and its arms: braided, with banks, paler or darker than the plain; returns metres to it."""
    main, *others = arms(scene)
    away = distance_m(scene, main)
    if others:
        away = np.minimum(away, 2 * distance_m(scene, *others))
    frayed, broad = scene.noise(scene.uniform(0.6, 1.4), PATCH), scene.noise(2.5, LAND)
    width = scene.log_uniform(6, 24) * (1 + 0.35 * frayed + 0.4 * broad)
    bed = np.clip((width / 2 - away) / max(2 * scene.gsd, 2) + 0.5, 0, 1)
    flow = scene.noise(scene.uniform(0.5, 1.1), PATCH) + 0.4 * scene.noise(1.3, GRAIN)
    tone = scene.pick([scene.uniform(1.16, 1.3), scene.uniform(0.7, 0.82)], [0.75, 0.25])
    shown = np.clip(scene.uniform(0.6, 1) + 0.3 * flow, 0.25, 1)  # bars of gravel between its threads
    scene.paint(bed * shown, first * tone * (1 + 0.07 * flow)[..., None])
    rim = np.clip(1 - np.abs(away - width / 2) / max(1.2 * scene.gsd, 1.2), 0, 1)
    scene.shade(rim * np.clip(0.3 + 0.7 * frayed, 0, 1), scene.uniform(0.05, 0.3))
    scene.claim(bed * shown > 0.45, "dry stream bed")
    return away


def _shrubs(scene: Scene, near: np.ndarray | None) -> None:
    """Shrubs of many sizes: thick along a wash and in hollows, thin elsewhere."""
    density = scene.uniform(0.02, 0.16) * np.clip(0.8 + 0.9 * scene.noise(scene.uniform(0.6, 1.8), PATCH), 0.05, 3)
    if near is not None:
        density = density + scene.uniform(0.1, 0.45) * np.exp(-np.abs(near - 8) / 8)
    leaves = np.float32(scene.pick([(84, 84, 62), (70, 74, 54), (96, 90, 70), (62, 62, 50)]))
    leaves = leaves + scene.uniform(0.1, 0.4) * (scene.image[::8, ::8].mean((0, 1)) - leaves)  # twigs, not crowns
    colours = (leaves * scene.uniform(0.8, 1.1), leaves * scene.uniform(0.7, 1.2))
    trees(
        scene, density, scene.uniform(1.1, 3.0), colours, fill=scene.uniform(0.3, 0.48), roundness=0.4, kind="shrubs"
    )


def _wheels(scene: Scene, first) -> None:
    """A way that cars made: worn pale, here and there faint, and ruts where it is near enough to see."""
    line = curve(scene, scene.uniform(0.03, 0.3))
    width = scene.uniform(2.5, 5)
    away = distance_m(scene, line)
    mask = np.clip((width / 2 + 0.3 * scene.noise(1, PATCH) - away) / scene.gsd + 0.5, 0, 1)
    tone = scene.pick([scene.uniform(1.15, 1.3), scene.uniform(0.72, 0.84)], [0.75, 0.25])
    scene.paint(mask * np.clip(0.75 + 0.25 * scene.noise(2, PATCH), 0.3, 1), first * tone)
    if scene.gsd < 0.8:
        scene.shade(np.clip(1 - np.abs(away - 0.8) / 0.5, 0, 1), scene.uniform(0.05, 0.2))
    scene.claim(mask > 0.5, "track")


KINDS = [Kind("desert", ("desert", "bare desert land"), desert, (64, 600), seasonal=False)]
