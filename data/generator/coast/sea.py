"""The open sea and what moves on it: waves, whitecaps, wakes, small boats."""

import cv2
import numpy as np

from ..drawing.geometry import MIDDLE, to_canvas
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE

FOAM = np.array([214, 222, 226], np.float32)


def local_metres(scene: Scene, angle: float, centre=MIDDLE) -> tuple[np.ndarray, np.ndarray]:
    """Metres along and across a direction from a centre in pixels, each [SIDE, SIDE]."""
    x, y = (COLUMNS - centre[0]) * scene.gsd, (ROWS - centre[1]) * scene.gsd
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return x * cos + y * sin, y * cos - x * sin


def shifted(mask: np.ndarray, offset) -> np.ndarray:
    """A mask [SIDE, SIDE] moved by (x, y) pixels, at most 40; its border pixels are carried on."""
    dx, dy = np.clip(np.round(offset), -40, 40).astype(int)
    padded = np.pad(mask, 40, mode="edge")
    return padded[40 - dy : 40 - dy + SIDE, 40 - dx : 40 - dx + SIDE]


def dots(centres, radius: float) -> np.ndarray:
    """Small round dots about centres [n, 2] in pixels as one soft mask [SIDE, SIDE] 0…1."""
    fine = 2  # drawn finer than the canvas, as most are about a pixel wide
    mask = np.zeros((SIDE * fine, SIDE * fine), np.uint8)
    for x, y in np.round(np.asarray(centres) * fine * 8).astype(int).tolist():
        cv2.circle(mask, (x, y), max(1, round(radius * fine * 8)), 255, -1, cv2.LINE_8, 3)
    return cv2.resize(mask, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def sea(scene: Scene, least: float = 0.0, rough: float = 0.25) -> None:
    """Cover the canvas with sea of mean brightness `least` or more; `rough` is the chance of whitecaps."""
    colour = scene.colour(scene.pick(["sea", "water"], [0.8, 0.2]))
    colour = colour + max(0.0, least - float(colour.mean())) * np.array([0.8, 1.05, 1.15], np.float32)
    other = colour * scene.uniform(0.75, 1.2) + scene.uniform(-4, 4)
    scene.image = scene.surface(colour, other, scene.uniform(1, 4), scene.uniform(0.005, 0.025), 0.8)
    wind = scene.angle()
    zoom = float(np.clip(scene.px(0.6), 0.3, 1.5))
    scene.texture(scene.uniform(0.015, 0.06) * scene.noise(zoom, MOTTLE, scene.uniform(1.5, 4), wind))
    if scene.chance(0.4):
        _swell(scene, wind)
    if scene.chance(0.25):
        _glint(scene)
    if scene.chance(rough):
        caps = scene.noise(zoom * scene.uniform(0.4, 0.8), MOTTLE, 2.5, wind) + 0.8 * scene.noise(1, GRAIN)
        caps = np.clip((caps - scene.uniform(2.2, 2.9)) * 0.8, 0, 0.6)
        scene.paint(caps, FOAM)
        scene.claim(caps > 0.2, "whitecaps")


def _swell(scene: Scene, wind: float) -> None:
    _, across = local_metres(scene, wind)
    length = max(scene.uniform(15, 60), 5 * scene.gsd)
    phase = across / length * 2 * np.pi + 2 * scene.noise(2, LAND)
    scene.texture(scene.uniform(0.01, 0.05) * np.sin(phase) * np.clip(0.7 + 0.4 * scene.noise(1.5), 0, 1.3))


def _glint(scene: Scene) -> None:
    """Sunlight mirrored by the waves, brighter towards one side."""
    along, _ = local_metres(scene, scene.uniform(0, 2 * np.pi))
    amount = np.clip(0.5 + along / scene.width_m, 0, 1) ** 2 * scene.uniform(0.1, 0.35)
    amount = amount * np.clip(0.8 + 0.4 * scene.noise(0.6, GRAIN), 0, 2)
    scene.paint(np.clip(amount, 0, 1), np.array([170, 178, 180], np.float32))


def wake(scene: Scene, centre, heading: float, length_m: float, beam_m: float, strength: float = 1.0) -> None:
    """Foam astern of a vessel at a centre in pixels, and the two arms of waves that run from its bow."""
    along, across = local_metres(scene, heading, centre)
    behind, aside = -along - 0.42 * length_m, np.abs(across)
    reach = length_m * scene.uniform(0.5, 1.6)
    foam = np.exp(-((aside / (0.45 * beam_m + 0.04 * np.clip(behind, 0, None))) ** 2)) * np.exp(
        -np.clip(behind, 0, None) / reach
    )
    foam = foam * np.clip(behind / (0.1 * length_m), 0, 1)
    arms = np.clip(0.46 * length_m - along, 0, None)  # metres astern of the bow
    width = max(0.1 * beam_m, scene.gsd) + 0.02 * arms
    crest = (
        np.exp(-(((aside - 0.36 * beam_m - 0.22 * arms) / width) ** 2))
        * np.exp(-arms / (0.6 * length_m))
        * (arms > 0)
    )
    broken = np.clip(0.65 + 0.45 * scene.noise(0.7, MOTTLE), 0, 1)
    scene.paint(np.clip(strength * (0.9 * foam + scene.uniform(0.2, 0.6) * crest) * broken, 0, 0.9), FOAM)
    scene.claim(strength * foam * broken > 0.3, "wake")


def small_boat(scene: Scene, centre=None, heading: float | None = None) -> None:
    """A launch or work boat, at least a few pixels long, sometimes under way."""
    centre = scene.rng.uniform(0.1, 0.9, 2) * SIDE if centre is None else centre
    heading = scene.uniform(0, 2 * np.pi) if heading is None else heading
    length = max(scene.uniform(6, 15), 6 * scene.gsd)
    beam = length * scene.uniform(0.28, 0.38)
    if scene.chance(0.4):
        wake(scene, centre, heading, length, beam)
    hull = np.array([[-0.5, -0.45], [0.15, -0.5], [0.5, 0], [0.15, 0.5], [-0.5, 0.45]])
    shape = to_canvas(scene, hull * [length, beam], heading, centre)
    scene.cast(shape[None], 1.5)
    scene.fill(shape[None], scene.uniform(150, 235) * scene.rng.uniform(0.85, 1, 3), "small boat")
    cabin = np.array([[-0.3, -0.28], [0.08, -0.28], [0.08, 0.28], [-0.3, 0.28]])
    scene.fill(to_canvas(scene, cabin * [length, beam], heading, centre)[None], scene.rng.uniform(50, 150, 3))


def boats(scene: Scene, probability: float, most: int = 2) -> None:
    for _ in range(scene.integer(1, most) if scene.chance(probability) else 0):
        small_boat(scene)


def pier(scene: Scene, angle: float, offset_m: float, width_m: float) -> None:
    """A pier across the canvas along a direction, its middle `offset_m` aside of the canvas's middle."""
    along, across = local_metres(scene, angle)
    start = -scene.width_m * scene.uniform(0.2, 0.9)  # its head, or beyond the frame
    inside = np.minimum(width_m / 2 - np.abs(across - offset_m), along - start)
    mask = np.clip(inside / scene.gsd + 0.5, 0, 1)
    scene.shade(shifted(mask, scene.sun * scene.px(3 * scene.shadow_length)))
    deck = scene.colour("concrete")
    scene.paint(mask, scene.surface(deck, scene.colour("asphalt"), 1, 0.06), "pier")
    scene.paint(mask * (inside < 1.2 + scene.gsd) * 0.5, deck * 1.25)
