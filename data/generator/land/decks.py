"""Bridges themselves: piers and shadows on the water, the roadway, and arches, trusses, pylons and cables above it.

What is high leans away from the camera's foot point by `lean` metres sideways a metre of height.
"""

from dataclasses import dataclass

import numpy as np

from ..drawing.geometry import local_m, rectangles, rotate
from ..drawing.ground import traffic
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN, MOTTLE
from .runways import bar

PAINTS = [(176, 178, 178), (206, 206, 202), (120, 136, 128), (96, 100, 104), (136, 92, 76), (150, 158, 168)]


@dataclass(frozen=True)
class Deck:
    """The deck's frame: u along, v across, in metres; `bow` bends it; `twin` is the gap between two halves."""

    origin: np.ndarray
    angle: float
    bow: float
    width: float
    lanes: int
    span: float
    height: float
    style: str
    twin: float
    lean: np.ndarray

    def at(self, scene: Scene, points_m, up: float = 0.0) -> np.ndarray:
        """Points [..., 2] in metres, lifted `up` metres above the deck, in pixels."""
        points = np.array(points_m, np.float64)
        points[..., 1] += self.bow * points[..., 0] ** 2
        lifted = np.asarray(up, np.float64)[..., None] * self.lean
        return (rotate(points, self.angle) + lifted) / scene.gsd + self.origin

    def distance(self, scene: Scene) -> np.ndarray:
        """Metres from the deck's middle line [SIDE, SIDE]."""
        u, v = local_m(scene, self.angle, self.origin)
        return np.abs(v - self.bow * u**2)


def draw_deck(scene: Scene, deck: Deck, field, over, valley: bool) -> None:
    """The bridge where `over` is true and its road all along; `field` is positive over the gap."""
    u, v = local_m(scene, deck.angle, deck.origin)
    v = v - deck.bow * u**2
    piers = _piers(scene, deck, field)
    shift = scene.sun * scene.px(deck.height * scene.shadow_length)
    _shadow(scene, deck, (u, v), shift, (field > 0, 0.75 if not valley else 1))
    frame = _frame(scene, deck, piers)
    _high_shadows(scene, deck, frame, shift, field > 0)
    mask = np.clip((deck.width / 2 - np.abs(v)) / scene.gsd + 0.5, 0, 1)
    if deck.twin:
        mask = mask * np.clip((np.abs(v) - deck.twin / 2) / scene.gsd + 0.5, 0, 1)
    _roadway(scene, deck, u, v, mask, over, piers)
    claimed = over & (np.abs(v) < deck.width / 2 + 0.5 * scene.gsd)
    number = scene.claim(claimed, "bridge")
    _high_shadows(scene, deck, frame, 0, mask * over)
    _above(scene, deck, frame, number)
    ends = np.linspace(-0.9, 0.9, 12) * scene.width_m
    line = deck.at(scene, np.stack([ends, np.zeros(12)], -1))
    traffic(scene, line, int(scene.uniform(0, 1) ** 1.5 * min(10 + deck.lanes * 8, 45)), deck.width / 2 - 2.2)


def _shadow(scene: Scene, deck: Deck, where, shift, on) -> None:
    """The deck's shadow, `shift` pixels away; `on` is the ground that it falls on and how dark it is there."""
    u, v = where
    du, dv = (rotate(shift, -deck.angle) * scene.gsd).tolist()
    away = np.abs(v - dv + deck.bow * (u**2 - (u - du) ** 2))
    here = on[0] & (away < deck.width / 2 + scene.gsd)
    cover = np.clip((deck.width / 2 - away[here]) / scene.gsd + 0.5, 0, 1)
    scene.image[here] *= 1 - (scene.shadow_depth * on[1] * cover)[:, None]


def _piers(scene: Scene, deck: Deck, field) -> np.ndarray:
    """Where piers stand, in metres along the deck: painted with footings, wet rims and foam; returns places [n]."""
    spacing = {"beam": scene.uniform(18, 55), "arch": 80.0, "truss": scene.uniform(45, 90)}.get(deck.style, 45.0)
    spacing = max(spacing, scene.width_m / 14)
    if deck.style in ("stayed", "suspension"):
        reach = deck.span * scene.uniform(0.22, 0.36)
        offset = scene.uniform(-0.1, 0.1) * deck.span
        if deck.span > 0.75 * scene.width_m:  # at least one pylon in the picture
            reach, offset = scene.uniform(0.12, 0.3) * scene.width_m, 0.0
        places = np.array([-reach, reach]) + offset
        places = places if deck.style == "suspension" or scene.chance(0.7) else places[:1]
    else:
        count = max(int(deck.span / spacing), 0)
        places = (np.arange(count) - (count - 1) / 2) * spacing if count else np.zeros(0)
    if deck.style == "arch" and scene.chance(0.6):
        places = places[:0]
    if len(places) == 0:
        return places
    points = deck.at(scene, np.stack([places, 0 * places], -1))
    skew = deck.angle + np.arctan(2 * deck.bow * places)
    hung = deck.style in ("stayed", "suspension")
    long, thick = deck.width * scene.uniform(0.7, 1.05), scene.uniform(2, 5) + 4 * hung
    foot = rectangles(points, scene.px(thick * 1.9), scene.px(long + 0.5 * thick), skew)
    stone = scene.colour("concrete") * scene.uniform(0.65, 0.95)
    wet = (field > 0).astype(np.float32)
    scene.shade(scene.stamp(foot + scene.sun * scene.px(3 * scene.shadow_length)) * wet, 0.4)
    scene.paint(scene.stamp(foot) * wet, stone * 0.8)
    shafts = rectangles(points, scene.px(thick), scene.px(long), skew)
    scene.paint(scene.stamp(shafts) * wet, stone)
    return places


def _roadway(scene: Scene, deck: Deck, u, v, mask, over, piers) -> None:
    """Parapets and walks, asphalt or concrete with wheel tracks, joints, patches, lines; only on its own pixels."""
    on = mask > 0
    cover, over, u, v = mask[on], over[on], u[on], v[on]
    base = scene.colour("asphalt") if scene.chance(0.7) else scene.colour("concrete") * 0.9
    base = (base * 0.35 + base.mean() * 0.65) * scene.uniform(0.75, 1.15)
    walk = min(deck.width * 0.14, scene.uniform(0.6, 3))
    pale = np.clip(scene.colour("concrete") * scene.uniform(0.85, 1.15), 60, 235)
    streaks = scene.noise(1, MOTTLE, 5, deck.angle)[on]
    side = deck.width / 2 - np.abs(v)
    tone = 1 + 0.05 * streaks + 0.04 * scene.noise(1, GRAIN)[on]
    tone = tone + _wear(scene, deck, u, v, over, walk, piers)
    colour = np.where((side < walk)[:, None], pale * (1 + 0.05 * streaks)[:, None], base * tone[:, None])
    if scene.gsd < 1.6:
        marks = bar(side - walk - 0.35, 0.1, scene.gsd)
        lane = (deck.width - 2 * walk) / deck.lanes
        place = (v + (deck.width / 2 - walk)) / lane
        k = np.round(place)
        dash = (k > 0) & (k < deck.lanes) & ((k * 2 == deck.lanes) | (u % 12 < 5))
        marks = np.maximum(marks, bar((place - k) * lane, 0.1, scene.gsd) * dash)
        colour += (np.array([218, 216, 205], np.float32) - colour) * (marks * scene.uniform(0.5, 1))[:, None]
    rail = bar(side - 0.25, 0.22, scene.gsd) * 0.8
    colour += (pale * scene.uniform(0.6, 1.15) - colour) * rail[:, None]
    normal = np.array([-np.sin(deck.angle), np.cos(deck.angle)])
    shaded = np.clip((1.3 * scene.shadow_length - side) / scene.gsd + 0.5, 0, 1) * (v * float(normal @ scene.sun) < 0)
    colour *= (1 - 0.25 * shaded)[:, None]
    scene.image[on] += (colour - scene.image[on]) * cover[:, None]
    scene.claim(mask > 0.5, "road")


def _wear(scene: Scene, deck: Deck, u, v, over, walk: float, piers) -> np.ndarray:
    """Differences in brightness by wheel tracks, joints of the spans and mended stretches."""
    lane = (deck.width - 2 * walk - deck.twin) / max(deck.lanes, 1)
    pieces = np.floor(u / scene.uniform(30, 120)).astype(int) % 97
    tone = scene.rng.normal(0, 0.03, 97).astype(np.float32)[pieces]
    if scene.px(lane) > 3:
        tone -= 0.04 * np.cos((np.abs(v) - deck.twin / 2) / lane * 4 * np.pi)
    joint, first = scene.uniform(18, 45), piers[0] if len(piers) else 0
    if scene.gsd < 2.5:
        tone -= 0.25 * bar((u - first + joint / 2) % joint - joint / 2, 0.35, scene.gsd) * over
    return tone


def _frame(scene: Scene, deck: Deck, piers) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """What rises above the deck, as bars: ends [n, 2, 2] in metres, their heights [n, 2], and thickness in metres."""
    rises = {"truss": _truss, "arch": _arch, "stayed": _stayed, "suspension": _suspension}
    half = min(deck.span / 2, 1.2 * scene.width_m)
    return rises[deck.style](scene, deck.width / 2 - 0.4, half, piers) if deck.style in rises else []


def _truss(scene: Scene, edge: float, half: float, piers) -> list:
    """Two lattice walls, braced across their tops."""
    x = np.arange(-half, half, max(scene.uniform(6, 9), 3.5 * scene.gsd))
    tall = scene.uniform(6, 10)
    zigzag = [_bars(x[:-1], x[1:], -edge, edge, tall, tall), _bars(x[:-1], x[1:], edge, -edge, tall, tall)]
    struts = [_bars(x, x, -edge, edge, tall, tall)]
    chords = [_bars(x[:-1], x[1:], s * edge, s * edge, tall, tall) for s in (-1, 1)]
    posts = [_bars(x, x, s * edge, s * edge, 0, tall) for s in (-1, 1)]
    return [(*_join(zigzag), 0.35), (*_join(struts + posts), 0.5), (*_join(chords), 0.8)]


def _arch(scene: Scene, edge: float, half: float, piers) -> list:
    """Two ribs over the deck with hangers, braced near the crown."""
    reach = min(half, scene.uniform(0.25, 0.5) * scene.width_m)
    t = np.linspace(-1, 1, 17)
    x, height = t * reach, reach * scene.uniform(0.25, 0.4) * (1 - t**2)
    ribs = [_bars(x[:-1], x[1:], s * edge, s * edge, height[:-1], height[1:]) for s in (-1, 1)]
    ties = [_bars(x[3:-3], x[3:-3], -edge, edge, height[3:-3], height[3:-3])]
    hangers = [_bars(x, x, s * edge, s * edge, 0, height) for s in (-1, 1)]
    return [(*_join(hangers), 0.15), (*_join(ties), 0.7), (*_join(ribs), 1.6)]


def _stayed(scene: Scene, edge: float, half: float, piers) -> list:
    """Fans of cables from pylons to the deck's edges or its middle."""
    tall = scene.uniform(0.25, 0.4) * max(abs(piers[-1]) + abs(piers[0]), 60.0)
    sides = (-1, 1) if scene.chance(0.65) else (0,)
    reach = 0.9 * min(half, 2.2 * tall)
    out = np.concatenate([-np.linspace(0.2, 1, 8), np.linspace(0.2, 1, 8)]) * reach
    top = tall * (0.6 + 0.4 * np.abs(out) / reach)
    cables = [_bars(p + 0 * out, p + out, 0.55 * s * edge, s * edge, top, 0) for p in piers for s in sides]
    towers = [_bars(piers, piers, s * (edge + 1.5), 0.5 * s * edge, 0, tall) for s in (-1, 1)]
    beams = [_bars(piers, piers, -edge, edge, 0.75 * tall, 0.75 * tall)]
    return [(*_join(cables), 0.25), (*_join(towers + beams), 3.2)]


def _suspension(scene: Scene, edge: float, half: float, piers) -> list:
    """Two main cables that sag between two portals, with hangers."""
    tall = scene.uniform(0.12, 0.2) * max(piers[1] - piers[0], 80.0)
    t = np.linspace(-2, 2, 33)
    x = piers.mean() + t * (piers[1] - piers[0]) / 2
    height = np.where(np.abs(t) < 1, 2 + (tall - 2) * t**2, tall * np.clip(2 - np.abs(t), 0, 1))
    cables = [_bars(x[:-1], x[1:], s * edge, s * edge, height[:-1], height[1:]) for s in (-1, 1)]
    hangers = [_bars(x, x, s * edge, s * edge, 0, height) for s in (-1, 1)]
    towers = [_bars(piers, piers, s * (edge + 1), s * (edge + 1), 0, tall) for s in (-1, 1)]
    beams = [_bars(piers, piers, -edge, edge, f * tall, f * tall) for f in (0.5, 1)]
    return [(*_join(hangers), 0.12), (*_join(cables), 0.7), (*_join(towers + beams), 3.2)]


def _bars(x0, x1, y0, y1, h0, h1) -> tuple[np.ndarray, np.ndarray]:
    x0, x1, y0, y1, h0, h1 = np.broadcast_arrays(*np.atleast_1d(x0, x1, y0, y1, h0, h1))
    ends = np.stack([np.stack([x0, y0], -1), np.stack([x1, y1], -1)], 1).astype(np.float64)
    return ends, np.stack([h0, h1], -1).astype(np.float64)


def _join(parts) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([ends for ends, _ in parts]), np.concatenate([heights for _, heights in parts])


def _as_boxes(ends, thick_px: float) -> np.ndarray:
    step = ends[:, 1] - ends[:, 0]
    return rectangles(ends.mean(1), np.hypot(*step.T) + thick_px * 0.5, thick_px, np.arctan2(step[:, 1], step[:, 0]))


def _high_shadows(scene: Scene, deck: Deck, frame, shift, where) -> None:
    """Shadows of arches, trusses, pylons and cables; on water they lie `shift` pixels further than on the deck."""
    if not frame:
        return
    dark = np.zeros((SIDE, SIDE), np.float32)
    for ends, heights, thick in frame:
        away = scene.sun * scene.px(heights * scene.shadow_length)[..., None]
        boxes = _as_boxes(deck.at(scene, ends) + shift + away, max(scene.px(thick), 0.8))
        np.maximum(dark, scene.stamp(boxes) * min(0.9, thick * 1.4 / scene.gsd), out=dark)
    scene.shade(dark * where)


def _above(scene: Scene, deck: Deck, frame, number: int) -> None:
    """Arches, trusses, pylons and cables as they are seen, the lowest first; part of the bridge."""
    steel = np.array(scene.pick(PAINTS), np.float32) * scene.uniform(0.75, 1.1)
    for ends, heights, thick in frame:
        boxes = _as_boxes(deck.at(scene, ends, heights), max(scene.px(thick), 0.8))
        mask = scene.stamp(boxes)
        scene.paint(mask * min(1, 0.25 + thick * 1.2 / scene.gsd), steel)
        if thick > 0.6:
            scene.owner[mask > 0] = number
