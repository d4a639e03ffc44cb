"""Sports pitches and running tracks in a turned frame of metres, found pixel by pixel."""

from dataclasses import dataclass

import numpy as np

from ..drawing.scene import COLUMNS, ROWS, Scene
from ..drawing.textures import GRAIN, MOTTLE

STRAIGHT, RADIUS, LANES = 84.4, 36.5, 9.8  # metres of a 400 m track: a straight, to the inner kerb, all lanes
TRACK_COLOURS = ((150, 84, 70), (132, 78, 66), (168, 104, 84), (92, 112, 138), (120, 118, 116), (116, 92, 80))


@dataclass(frozen=True)
class Frame:
    """Metres along and across of every pixel [SIDE, SIDE], about a centre in pixels."""

    along: np.ndarray
    across: np.ndarray

    @classmethod
    def at(cls, scene: Scene, centre, angle: float) -> "Frame":
        x, y = (COLUMNS - centre[0]) * scene.gsd, (ROWS - centre[1]) * scene.gsd
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        return cls((x * cos + y * sin).astype(np.float32), (y * cos - x * sin).astype(np.float32))

    def stadium(self, half_straight: float) -> np.ndarray:
        """Distance [SIDE, SIDE] from the middle line: its level lines are two straights and two half circles."""
        return np.hypot(np.maximum(np.abs(self.along) - half_straight, 0), self.across)

    def box(self, half_length: float, half_width: float) -> np.ndarray:
        """How far outside a rectangle, metres; negative within."""
        return np.maximum(np.abs(self.along) - half_length, np.abs(self.across) - half_width)


def covers(scene: Scene, distance: np.ndarray) -> np.ndarray:
    """A signed distance in metres as a soft mask, 1 where negative."""
    return np.clip(0.5 - distance / scene.gsd, 0, 1)


def line(scene: Scene, distance: np.ndarray, width_m: float = 0.12) -> np.ndarray:
    """A painted line where a distance is zero; fainter where it is finer than a pixel."""
    strength = min(1.0, width_m / scene.gsd * 1.6)
    return np.clip(1 - np.abs(distance) / max(scene.gsd * 0.8, width_m), 0, 1) * strength


def football(scene: Scene, frame: Frame, length: float = 105, width: float = 68) -> None:
    """A pitch of grass or artificial turf with its markings, worn in front of the goals."""
    area = covers(scene, frame.box(length / 2 + 3, width / 2 + 3))
    turf = scene.colour("grass") if scene.chance(0.7) else np.array([62, 104, 66]) * scene.uniform(0.8, 1.15)
    scene.paint(area, scene.surface(turf, turf * 0.9, 1, 0.05), "sports pitch")
    if scene.chance(0.6):  # mown in stripes
        wide = scene.uniform(4, 7)
        direction = frame.along if scene.chance(0.7) else frame.across
        scene.texture(area * scene.uniform(0.02, 0.09) * np.sign(np.sin(np.pi * direction / wide)))
    end = np.hypot((np.abs(frame.along) - length / 2 + 4) / 9, frame.across / 7)
    worn = np.clip(1.2 - end, 0, 1) * scene.uniform(0, 0.7)
    scene.paint(worn * area, scene.colour("soil"))
    if scene.chance(0.8):
        _markings(scene, frame, length, width)


def _markings(scene: Scene, frame: Frame, length: float, width: float) -> None:
    inside = frame.box(length / 2, width / 2) <= scene.gsd
    marks = line(scene, frame.box(length / 2, width / 2))
    marks = np.maximum(marks, line(scene, frame.along) * inside)
    marks = np.maximum(marks, line(scene, np.hypot(frame.along, frame.across) - 9.15))
    ends = np.maximum(length / 2 - 16.5 - np.abs(frame.along), np.abs(frame.across) - 20.15)
    marks = np.maximum(marks, line(scene, ends) * inside)
    scene.paint(marks * scene.uniform(0.5, 0.9), np.array([222, 224, 220]))


def running_track(scene: Scene, frame: Frame, scale: float = 1.0, colour=None) -> None:
    """Lanes around the middle, with faint lines between them; `scale` 1 is a 400 m track."""
    lanes = LANES * min(1, 0.5 + scale / 2)
    distance = frame.stadium(STRAIGHT / 2 * scale)
    middle = RADIUS * scale + lanes / 2
    ring = covers(scene, np.abs(distance - middle) - lanes / 2)
    colour = track_colour(scene) if colour is None else colour
    scene.paint(ring, scene.surface(colour, colour * 0.9, 1, 0.04), "running track")
    phase = (distance - RADIUS * scale) / 1.22
    if scene.gsd < 0.75:
        stripes = np.clip(1 - np.abs(phase - np.round(phase)) * 1.22 / max(scene.gsd, 0.1), 0, 1)
        scene.paint(ring * stripes * min(0.8, 0.12 / scene.gsd * 1.6), np.array([225, 222, 216]))
    scene.paint(line(scene, distance - RADIUS * scale, 0.3) * 0.7, np.array([214, 212, 206]))


def track_colour(scene: Scene) -> np.ndarray:
    return np.array(scene.pick(TRACK_COLOURS, [5, 4, 3, 1.5, 1.2, 2])) * scene.uniform(0.8, 1.15)


def court(scene: Scene, centre, angle: float, colours=None) -> None:
    """One hard court of 28 by 15 m in its run-off, basketball's or the like."""
    frame = Frame.at(scene, centre, angle)
    outer, inner = colours or court_colours(scene)
    surface = outer * (1 + 0.05 * scene.noise(1, MOTTLE))[..., None]
    scene.paint(covers(scene, frame.box(16, 9.5)), surface, "sports court")
    scene.paint(covers(scene, frame.box(14, 7.5)), inner * (1 + 0.04 * scene.noise(1, GRAIN))[..., None])
    marks = np.maximum(line(scene, frame.box(14, 7.5)), line(scene, frame.along) * (frame.box(14, 7.5) < 0))
    scene.paint(marks * 0.8, np.array([220, 220, 216]))


def court_colours(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    options = ((82, 112, 84), (70, 98, 132), (150, 88, 72), (118, 118, 116), (96, 120, 104))
    picked = scene.rng.permutation(len(options))[:2]
    return tuple(np.array(options[i]) * scene.uniform(0.8, 1.1) for i in picked)
