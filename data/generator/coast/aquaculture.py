"""Farming in the sea: net cages and rows of buoys; the ponds beside it are in `ponds`."""

import cv2
import numpy as np

from ..drawing.built import buildings
from ..drawing.geometry import rectangles, to_canvas
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN, MOTTLE
from ..kind import Kind
from .ponds import breeding_ponds
from .sea import FOAM, boats, dots, sea, shifted, small_boat


# Cages ------------------------------------------------------------------------------------------------------
def aquaculture_cages(scene: Scene) -> None:
    sea(scene, least=50, rough=0.1)
    layout = scene.pick(["round", "square", "close"], [0.55, 0.3, 0.15])
    angle = scene.angle()
    low, high = {"close": (0.4, 0.7), "round": (0.11, 0.24), "square": (0.09, 0.2)}[layout]
    size = scene.width_m * scene.uniform(low, high)
    gap = size * (scene.uniform(0.02, 0.1) if layout == "square" else scene.uniform(0.25, 0.7))
    reach = 0.85 if layout == "square" else 1.2  # the sea about a raft tells it from ponds
    places = _cage_grid(scene, size + gap, 1 if layout == "close" else 2, reach)
    dark = layout != "square" and scene.image.mean() > 70 and scene.chance(0.5)
    tone = np.full(3, scene.uniform(28, 45) if dark else scene.uniform(165, 225)) + scene.rng.normal(0, 8, 3)
    if layout != "square" and scene.chance(0.6):
        _moorings(scene, places, size + gap, angle)
    if layout == "square":
        _square_cages(scene, places, size, gap, angle, tone)
    else:
        _round_cages(scene, places, size / 2, angle, tone)
    scene.notes.append("with square frames" if layout == "square" else "with round nets")
    if scene.chance(0.4):
        _feed_barge(scene, places, size, angle)
    boats(scene, 0.35)


def _cage_grid(scene: Scene, pitch: float, least: int, reach: float) -> np.ndarray:
    """Centres [n, 2] in metres of two to some dozens of cages, a few places empty, moved off the middle."""
    most = max(least, int(scene.width_m * reach / pitch))
    columns = scene.integer(min(max(2, most // 2), most), most)
    rows = scene.integer(least, min(most, 4) if scene.chance(0.6) else most)
    x, y = np.meshgrid(np.arange(columns) - (columns - 1) / 2, np.arange(rows) - (rows - 1) / 2)
    places = np.stack([x.ravel(), y.ravel()], -1) * pitch
    kept = scene.rng.random(len(places)) < scene.pick([1.0, 0.88])
    kept[len(places) // 2] = True
    return places[kept] + scene.rng.uniform(-0.12, 0.12, 2) * scene.width_m


def _round_cages(scene: Scene, places, radius_m: float, angle: float, tone) -> None:
    """Rings of pipe with a net inside; sunk nets darken the water, feeding fish ruffle it."""
    centres = to_canvas(scene, places, angle) + scene.rng.normal(0, scene.px(0.04 * radius_m), places.shape)
    radius = scene.px(radius_m)
    distance, cage = _nearest(centres)
    inside = np.clip(radius - distance + 0.5, 0, 1)
    depth = scene.uniform(0.15, 0.45) * scene.rng.uniform(0.7, 1.2, len(centres))
    scene.shade(inside * depth[cage] * np.clip(0.85 + 0.2 * scene.noise(0.6), 0, 1))
    if scene.chance(0.35):  # nets against birds
        scene.paint(inside * 0.3, tone * 0.8)
    feeder = (scene.rng.random(len(centres)) < 0.4) * scene.rng.uniform(0.15, 0.4, len(centres)) * radius
    foam = np.clip(0.2 + 0.4 * scene.noise(0.4, MOTTLE), 0, 0.6)
    scene.paint(np.clip(feeder[cage] - distance + 0.5, 0, 1) * foam, FOAM)
    pipe = max(scene.px(0.6), 0.055 * radius, 1.1)
    ring = np.clip(pipe / 2 + 0.5 - np.abs(distance - radius + pipe / 2), 0, 1)
    walk = np.clip(0.3 * pipe + 0.5 - np.abs(distance - 0.86 * radius), 0, 1)
    scene.paint(np.clip(ring + 0.6 * walk, 0, 0.95), tone * (1 + 0.08 * scene.noise(0.5, GRAIN))[..., None])
    for i in range(len(centres)):
        scene.claim((cage == i) & (inside > 0.5), "cage")


def _nearest(centres) -> tuple[np.ndarray, np.ndarray]:
    """Pixels to the nearest of the centres [n, 2], and which one it is, each [SIDE, SIDE]."""
    squares = np.full((SIDE, SIDE), np.inf, np.float32)
    nearest = np.zeros((SIDE, SIDE), np.int16)
    line = np.arange(SIDE, dtype=np.float32)
    for i, (x, y) in enumerate(np.asarray(centres, np.float32)):
        square = (line - x)[None] ** 2 + (line - y)[:, None] ** 2
        closer = square < squares
        squares[closer], nearest[closer] = square[closer], i
    return np.sqrt(squares), nearest


def _square_cages(scene: Scene, places, size_m: float, gap_m: float, angle: float, tone) -> None:
    """Square nets hung in a raft of walkways, here and there a hut on it."""
    centres = to_canvas(scene, places, angle)
    walk = max(size_m * 0.09, gap_m / 2 + 0.8, 1.4 * scene.gsd)
    frames = rectangles(centres, scene.px(size_m + 2 * walk), scene.px(size_m + 2 * walk), angle)
    nets = rectangles(centres, scene.px(size_m - walk), scene.px(size_m - walk), angle)
    water = scene.image.copy()
    scene.cast(frames, 1)
    scene.fill(frames, tone)
    scene.texture(scene.stamp(frames) * (0.08 * scene.noise(0.5, GRAIN) + 0.08 * scene.noise(1, MOTTLE)))
    inside = scene.stamp(nets)
    scene.paint(inside, water * scene.uniform(0.5, 0.8) * (1 + 0.06 * scene.noise(0.5, GRAIN))[..., None])
    for net in nets:
        scene.claim(scene.stamp(net[None]) > 0.5, "cage")  # the walkways are nobody's
    netted = scene.rng.random(len(nets)) < scene.uniform(0, 0.4)
    scene.paint(scene.stamp(nets[netted]) * 0.25, tone)
    some = centres[scene.rng.random(len(centres)) < 0.12] + scene.px(size_m / 2)
    huts = rectangles(some, scene.px(min(6, size_m * 0.5)), scene.px(min(5, size_m * 0.4)), angle)
    buildings(scene, huts, scene.colours("flat roof", len(huts)), 3, kind="shed")


def _moorings(scene: Scene, places, pitch: float, angle: float) -> None:
    """Ropes between the cages' places, with buoys where they cross."""
    low, high = places.min(0) - pitch / 2, places.max(0) + pitch / 2
    x, y = (np.arange(low[i], high[i] + 0.1, pitch) for i in (0, 1))
    ends = [[[u, low[1]], [u, high[1]]] for u in x] + [[[low[0], v], [high[0], v]] for v in y]
    for line in to_canvas(scene, np.array(ends), angle):
        scene.paint(scene.stroke(line, 0.4) * 0.25, FOAM * 0.7)
    corners = to_canvas(scene, np.stack(np.meshgrid(x, y), -1).reshape(-1, 2), angle)
    scene.paint(
        dots(corners, max(scene.px(0.9), 0.8)),
        np.array(scene.pick([(220, 220, 215), (196, 120, 60)]), np.float32),
    )


def _feed_barge(scene: Scene, places, size: float, angle: float) -> None:
    """The barge that feeds the cages through pipes on the water."""
    aside = np.array([places[:, 0].mean(), places[:, 1].max() + size * scene.uniform(0.9, 1.3)])
    centre = to_canvas(scene, aside, angle)
    for target in to_canvas(scene, places, angle)[:6]:
        scene.paint(scene.stroke(np.stack([centre, target]), 0.3) * 0.3, FOAM * 0.6)
    length = max(scene.uniform(14, 26), 9 * scene.gsd)
    buildings(
        scene,
        rectangles([centre], scene.px(length), scene.px(length * 0.5), angle),
        scene.colour("flat roof"),
        5,
        0,
        1,
        "feed barge",
    )


# Floats -----------------------------------------------------------------------------------------------------
def aquaculture_floats(scene: Scene) -> None:
    sea(scene, least=42, rough=0.0)
    layout = scene.pick(["lines", "blocks", "pairs", "field"], [0.35, 0.25, 0.2, 0.2])
    angle, spacing = scene.angle(), scene.width_m * scene.uniform(0.05, 0.11)
    lines = _lines(scene, spacing, layout)
    if layout == "pairs":  # every line carried by two rows of barrels
        aside = np.array([0, spacing * scene.uniform(0.28, 0.4)])
        lines = [line + shift for line in lines for shift in (0 * aside, aside)]
    if layout != "field":  # what hangs below stays deep: the rope is a faint line from buoy to buoy
        scene.shade(_strokes(scene, lines, angle, max(0.4, 0.6 * scene.gsd)), scene.uniform(0.05, 0.22))
    dark = scene.image.mean() > 85 and scene.chance(0.3)
    pale = [(226, 226, 220), (208, 214, 216), (224, 142, 74), (212, 203, 126)]
    _buoys(scene, lines, angle, np.array((24, 26, 30) if dark else scene.pick(pale), np.float32))
    for _ in range(scene.integer(1, 2) if scene.chance(0.35) else 0):
        small_boat(scene, heading=angle + (np.pi if scene.chance(0.5) else 0))


def _buoys(scene: Scene, lines, angle: float, tone) -> None:
    """Buoys along the lines, large enough to be seen, their shadows on the water."""
    radius = float(np.clip(scene.px(scene.uniform(0.4, 0.8)), 1.0, 2.8))
    pace = max(scene.width_m * scene.uniform(0.016, 0.035), 3.2 * radius * scene.gsd)
    places = np.concatenate([_spaced(scene, line, pace) for line in lines])
    mask = dots(to_canvas(scene, places, angle), radius)
    scene.shade(shifted(mask, scene.sun * max(radius, 1)), 0.35)
    scene.paint(mask * 0.95, tone * (1 + 0.1 * scene.noise(0.4, GRAIN))[..., None])
    scene.claim(cv2.dilate(mask, np.ones((3, 3), np.uint8)) > 0.3, "floats")


def _strokes(scene: Scene, lines, angle: float, width_m: float) -> np.ndarray:
    """Many lines in metres as one soft mask [SIDE, SIDE]."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    corners = [np.round(to_canvas(scene, line, angle) * 8).astype(np.int32) for line in lines]
    cv2.polylines(mask, corners, False, 255, max(1, round(scene.px(width_m))), cv2.LINE_AA, 3)
    return mask.astype(np.float32) / 255


def _lines(scene: Scene, spacing: float, layout: str) -> list[np.ndarray]:
    """Lines [points, 2] in metres, side by side, bent by the tide; in blocks or right across the picture."""
    count = int(1.5 * scene.width_m / spacing)
    bend, phase = scene.uniform(0, 0.03) * scene.width_m, scene.uniform(0, 6)
    length = scene.width_m * (1.6 if layout == "lines" and scene.chance(0.6) else scene.uniform(0.35, 0.8))
    lane = length * scene.uniform(0.08, 0.2)
    lanes_every = scene.integer(4, 9) if layout != "lines" or scene.chance(0.4) else 99
    start = -0.8 * scene.width_m - scene.uniform(0, 0.5) * length
    first = scene.integer(0, count // 4) if scene.chance(0.3) else 0  # the farm's border in the picture
    lines = []
    for i in range(first, count):
        if i % lanes_every == 0 or scene.chance(0.04):
            continue
        y = (i - count / 2) * spacing + scene.uniform(-0.08, 0.08) * spacing
        for x in np.arange(start, 0.8 * scene.width_m, length + lane):
            t = np.linspace(x, x + length, 16) + scene.uniform(-0.02, 0.02) * length
            aside = bend * np.sin(t / scene.width_m * 5 + phase) + scene.uniform(-0.1, 0.1) * spacing
            lines.append(np.stack([t, y + aside], -1))
    return lines


def _spaced(scene: Scene, line, pace: float) -> np.ndarray:
    """Places [n, 2] every `pace` metres along a line, irregular, a few missing."""
    run = np.append(0, np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1)))
    at = np.arange(scene.uniform(0, pace), run[-1], pace)
    at = (at + scene.rng.normal(0, 0.1 * pace, len(at)))[scene.rng.random(len(at)) < 0.95]
    return np.stack([np.interp(at, run, line[:, 0]), np.interp(at, run, line[:, 1])], -1)


KINDS = [
    Kind(
        "aquaculture cages",
        ("aquaculture cages", "fish cages at sea", "net cages of a fish farm"),
        aquaculture_cages,
        (80, 260),
        ("cage",),
        False,
    ),
    Kind(
        "aquaculture floats",
        ("aquaculture floats", "floats of a shellfish farm", "aquaculture buoys in rows"),
        aquaculture_floats,
        (60, 190),
        ("floats",),
        False,
    ),
    Kind(
        "breeding ponds",
        ("breeding ponds", "aquaculture ponds", "fish ponds"),
        breeding_ponds,
        (100, 450),
        ("fish pond",),
        False,
    ),
]
