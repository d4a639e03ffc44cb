"""Sports pitches and running tracks in a turned frame of metres, found pixel by pixel where they lie."""

from dataclasses import dataclass

import numpy as np

from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import MOTTLE

STRAIGHT, RADIUS, LANES = 84.4, 36.5, 9.8  # metres of a 400 m track: a straight, to the inner kerb, all lanes
TRACK_COLOURS = ((150, 84, 70), (132, 78, 66), (168, 104, 84), (92, 112, 138), (120, 118, 116), (116, 92, 80))


@dataclass(frozen=True)
class Frame:
    """Metres along and across of every pixel of a `box` of the canvas, about a centre in pixels."""

    along: np.ndarray
    across: np.ndarray
    box: tuple[slice, slice] = (slice(0, SIDE), slice(0, SIDE))

    @classmethod
    def at(cls, scene: Scene, centre, angle: float, reach_m: float | None = None) -> "Frame":
        """The whole canvas, or no more than `reach_m` about the centre."""
        reach = 2 * SIDE if reach_m is None else scene.px(reach_m) + 2
        box = tuple(slice(int(max(at - reach, 0)), int(max(at + reach + 1, 0))) for at in (centre[1], centre[0]))
        places = zip((COLUMNS, ROWS), centre, strict=True)
        x, y = ((place[box] - np.float32(at)) * np.float32(scene.gsd) for place, at in places)
        cos, sin = float(np.cos(angle)), float(np.sin(angle))
        return cls(x * cos + y * sin, y * cos - x * sin, box)

    def cut(self, half_length: float, half_width: float) -> "Frame":
        """The part that holds a rectangle about the centre: pitches are small, and work elsewhere is for nothing."""
        inside = (np.abs(self.along) < half_length) & (np.abs(self.across) < half_width)
        ends = [np.flatnonzero(inside.any(axis)) for axis in (1, 0)]
        part = tuple(slice(e[0], e[-1] + 1) if len(e) else slice(0, 0) for e in ends)
        box = tuple(slice(b.start + p.start, b.start + p.stop) for b, p in zip(self.box, part, strict=True))
        return Frame(self.along[part], self.across[part], box)

    def stadium(self, half_straight: float) -> np.ndarray:
        """Distance from the middle line: its level lines are two straights and two half circles."""
        return np.hypot(np.maximum(np.abs(self.along) - half_straight, 0), self.across)

    def rectangle(self, half_length: float, half_width: float) -> np.ndarray:
        """How far outside a rectangle, metres; negative within."""
        return np.maximum(np.abs(self.along) - half_length, np.abs(self.across) - half_width)


def lay(scene: Scene, frame: Frame, mask: np.ndarray, colour, kind: str | None = None) -> None:
    """What `Scene.paint` does, for a mask and colours of the frame's box."""
    part, colour = scene.image[frame.box], np.asarray(colour, np.float32)
    on = mask > 0
    if 4 * np.count_nonzero(on) < on.size:  # lines and the like
        part[on] += ((colour[on] if colour.ndim == 3 else colour) - part[on]) * mask[on][:, None]
    else:
        part += (colour - part) * mask[..., None]
    if kind is not None:
        whole = np.zeros((SIDE, SIDE), bool)
        whole[frame.box] = mask > 0.5
        scene.claim(whole, kind)


def toned(scene: Scene, frame: Frame, colour, grain: float = 0.05, patches: float = 0.04, tone=0.0) -> np.ndarray:
    """A colour with fine grain and soft patches over the frame's box; `tone` is further brightness."""
    mottled = (grain + patches) * 0.75 * scene.noise(scene.uniform(0.6, 1.5), MOTTLE)[frame.box]
    return np.asarray(colour, np.float32) * (1 + mottled + tone)[..., None]


def covers(scene: Scene, distance: np.ndarray) -> np.ndarray:
    """A signed distance in metres as a soft mask, 1 where negative."""
    return np.clip(0.5 - distance / scene.gsd, 0, 1)


def line(scene: Scene, distance: np.ndarray, width_m: float = 0.12) -> np.ndarray:
    """A painted line where a distance is zero; fainter where it is finer than a pixel."""
    strength = min(1.0, width_m / scene.gsd * 1.6)
    return np.clip(1 - np.abs(distance) / max(scene.gsd * 0.8, width_m), 0, 1) * strength


def football(scene: Scene, frame: Frame, length: float = 105, width: float = 68) -> None:
    """A pitch of grass or artificial turf with its markings, worn in front of the goals."""
    frame = frame.cut(length / 2 + 5, width / 2 + 5)
    area = covers(scene, frame.rectangle(length / 2 + 3, width / 2 + 3))
    turf = scene.colour("grass") if scene.chance(0.7) else np.array([62, 104, 66]) * scene.uniform(0.8, 1.15)
    stripes = 0.0
    if scene.chance(0.6):  # mown in stripes
        wide = max(scene.uniform(4, 7), 2 * scene.gsd)
        direction = frame.along if scene.chance(0.7) else frame.across
        stripes = scene.uniform(0.02, 0.09) * np.sign(np.sin(np.float32(np.pi / wide) * direction))
    lay(scene, frame, area, toned(scene, frame, turf, 0.05, 0.05, stripes), "sports pitch")
    end = np.hypot((np.abs(frame.along) - length / 2 + 4) / 9, frame.across / 7)
    worn = np.clip(1.2 - end, 0, 1) * scene.uniform(0, 0.7)
    lay(scene, frame, worn * area, scene.colour("soil"))
    if scene.chance(0.8):
        _markings(scene, frame, length, width)


def _markings(scene: Scene, frame: Frame, length: float, width: float) -> None:
    edge = frame.rectangle(length / 2, width / 2)
    inside = edge <= scene.gsd
    marks = np.maximum(line(scene, edge), line(scene, frame.along) * inside)
    marks = np.maximum(marks, line(scene, np.hypot(frame.along, frame.across) - 9.15))
    ends = np.maximum(length / 2 - 16.5 - np.abs(frame.along), np.abs(frame.across) - 20.15)
    marks = np.maximum(marks, line(scene, ends) * inside)
    lay(scene, frame, marks * scene.uniform(0.5, 0.9), (222, 224, 220))


def running_track(scene: Scene, frame: Frame, scale: float = 1.0, colour=None) -> None:
    """Lanes around the middle, with faint lines between them; `scale` 1 is a 400 m track."""
    lanes = LANES * min(1, 0.5 + scale / 2)
    reach = RADIUS * scale + lanes + 2
    frame = frame.cut(STRAIGHT / 2 * scale + reach, reach)
    distance = frame.stadium(STRAIGHT / 2 * scale)
    middle = RADIUS * scale + lanes / 2
    ring = covers(scene, np.abs(distance - middle) - lanes / 2)
    colour = track_colour(scene) if colour is None else colour
    lay(scene, frame, ring, toned(scene, frame, colour, 0.04, 0.05), "running track")
    if scene.gsd < 0.75:
        phase = (distance - RADIUS * scale) / 1.22
        stripes = np.clip(1 - np.abs(phase - np.round(phase)) * 1.22 / max(scene.gsd, 0.1), 0, 1)
        lay(scene, frame, ring * stripes * min(0.8, 0.12 / scene.gsd * 1.6), (225, 222, 216))
    lay(scene, frame, line(scene, distance - RADIUS * scale, 0.3) * 0.7, (214, 212, 206))


def track_colour(scene: Scene) -> np.ndarray:
    return np.array(scene.pick(TRACK_COLOURS, [5, 4, 3, 1.5, 1.2, 2])) * scene.uniform(0.8, 1.15)


def court(scene: Scene, centre, angle: float, colours=None) -> None:
    """One hard court of 28 by 15 m in its run-off, basketball's or the like."""
    frame = Frame.at(scene, centre, angle, 20)
    if frame.along.size == 0:
        return
    outer, inner = colours or court_colours(scene)
    grain = 1 + 0.05 * scene.noise(1, MOTTLE)[frame.box][..., None]
    field = frame.rectangle(14, 7.5)
    lay(scene, frame, covers(scene, frame.rectangle(16, 9.5)), outer * grain, "sports court")
    lay(scene, frame, covers(scene, field), inner * grain)
    marks = np.maximum(line(scene, field), line(scene, frame.along) * (field < 0))
    lay(scene, frame, marks * 0.8, (220, 220, 216))


def court_colours(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    options = ((82, 112, 84), (70, 98, 132), (150, 88, 72), (118, 118, 116), (96, 120, 104))
    picked = scene.rng.permutation(len(options))[:2]
    return tuple(np.array(options[i]) * scene.uniform(0.8, 1.1) for i in picked)
