"""Aircraft carriers from above: a flat deck wider than the hull, an angled runway, an island, parked jets."""

import numpy as np

from ..drawing.geometry import to_canvas
from ..drawing.scene import Scene
from .vessels import Berth, boxes, hull

# A deck's outline as shares of length and beam, bow at +x, starboard at +y; the angled part juts out to port.
DECKS = (
    ((0.5, -0.16), (0.5, 0.22), (0.38, 0.34), (0.2, 0.42), (-0.3, 0.44), (-0.49, 0.3), (-0.5, -0.24),
     (-0.36, -0.36), (-0.2, -0.5), (0.12, -0.5), (0.2, -0.34), (0.36, -0.28)),
    ((0.5, -0.1), (0.5, 0.14), (0.4, 0.3), (0.1, 0.42), (-0.42, 0.42), (-0.5, 0.3), (-0.5, -0.3),
     (-0.3, -0.46), (0.04, -0.5), (0.22, -0.32)),
    ((0.5, -0.2), (0.5, 0.3), (0.3, 0.42), (-0.46, 0.42), (-0.5, 0.3), (-0.5, -0.4), (-0.1, -0.44), (0.34, -0.4)),
)  # fmt: skip
# Where the landing strip of each deck runs, from stern to bow.
STRIPS = (((-0.48, -0.02), (0.17, -0.42)), ((-0.49, 0.0), (0.15, -0.42)), ((-0.49, -0.12), (0.3, -0.3)))
JET = ((0.5, 0), (0.12, 0.07), (-0.12, 0.42), (-0.28, 0.42), (-0.26, 0.1), (-0.42, 0.26), (-0.5, 0.24), (-0.46, 0))


def carrier(scene: Scene, berth: Berth) -> None:
    """Draw one carrier; `berth.beam` is the width of its flight deck."""
    deck = np.array([scene.uniform(74, 112)] * 3) * np.array([1, 1.01, 1.03]) + scene.rng.normal(0, 3, 3)
    layout = scene.integer(0, len(DECKS) - 1)
    outline = np.array(DECKS[layout]) * [berth.length, berth.beam]
    hull(scene, berth, outline, deck * 0.72, deck, scene.uniform(14, 20), "aircraft carrier")
    carrier_id = len(scene.drawn) - 1
    inside = scene.owner == carrier_id
    turn = STRIPS[layout]
    _wear(scene, berth, inside, turn)
    _runway(scene, berth, inside, turn)
    _lifts_and_catapults(scene, berth, deck, layout)
    _island(scene, berth, deck)
    scene.owner[inside] = carrier_id
    _jets(scene, berth, layout)


def _strip(scene: Scene, berth: Berth, turn, aside_m: float, width_m: float) -> np.ndarray:
    """A line beside the middle of the landing strip as a soft mask."""
    ends = np.array(turn) * [berth.length, berth.beam]
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    shift = aside_m * np.array([-along[1], along[0]])
    return scene.stroke(to_canvas(scene, ends + shift, berth.heading, berth.centre), width_m)


def _runway(scene: Scene, berth: Berth, inside: np.ndarray, turn) -> None:
    """Two edge lines, a middle line, the foul line, and the wires across the landing area."""
    white, half = np.array([214, 214, 208], np.float32), 0.13 * berth.beam
    wide = max(1.2, 1.4 * scene.gsd)
    lines = np.maximum(*(_strip(scene, berth, turn, aside, wide) for aside in (-half, half)))
    middle = _strip(scene, berth, turn, 0, wide)
    lines = np.maximum(lines * scene.uniform(0.75, 0.95), middle * scene.uniform(0.45, 0.75))
    scene.paint(lines * inside, white)


def _wear(scene: Scene, berth: Berth, inside: np.ndarray, turn) -> None:
    """Rubber along the landing strip, and patches of old and new coating all over the deck."""
    strip = _strip(scene, berth, turn, 0, 0.16 * berth.beam)
    rough = scene.noise(scene.uniform(0.5, 1))
    rubber = strip * np.clip(0.6 + 0.3 * rough, 0, 1) * scene.uniform(0.2, 0.4)
    patches = scene.uniform(0.05, 0.14) * np.round(1.3 * rough)
    scene.texture((np.clip(patches, -0.25, 0.25) - rubber) * inside)


def _lifts_and_catapults(scene: Scene, berth: Berth, deck: np.ndarray, layout: int) -> None:
    lifts = [(0.2, 0.32), (-0.08, 0.34), (-0.32, 0.34), (-0.28, -0.36)][: scene.integer(2, 4)]
    tones = deck * scene.rng.uniform(0.6, 0.9, (len(lifts), 1))
    boxes(scene, berth, lifts, 0.07 * berth.length, 0.16 * berth.beam, tones)
    if layout == 2:  # a ramp at the bow instead of catapults, lit by its slope
        towards = float(np.array([np.cos(berth.heading), np.sin(berth.heading)]) @ scene.sun)
        boxes(scene, berth, (0.44, 0.02), 0.1 * berth.length, 0.5 * berth.beam, deck * (1.12 + 0.2 * towards))
        boxes(scene, berth, (0.3, -0.04), 0.38 * berth.length, max(0.7, 0.7 * scene.gsd), (198, 198, 190))
        return
    tracks = [(0.33, 0.06), (0.33, -0.09)]
    boxes(scene, berth, tracks, 0.26 * berth.length, max(0.8, 0.8 * scene.gsd), deck * 1.5)
    boxes(scene, berth, [(0.2, 0.06), (0.2, -0.09)], 4, 0.1 * berth.beam, deck * 1.2)  # jet blast deflectors


def _jets(scene: Scene, berth: Berth, layout: int) -> None:
    """Jets parked in rows along the starboard edge, about the island and at the bow, noses inward."""
    rows = ((0.07, 0.29, 0.27, 2.2), (-0.45, -0.2, 0.27, 2.4), (0.3, 0.44, 0.1, 2.9), (-0.24, 0.0, -0.36, 0.8))
    size = max(scene.uniform(15, 18.5), 5 * scene.gsd)
    crowded, spread = scene.uniform(0.45, 1.0), scene.uniform(0.78, 1.0)
    body = np.array(JET + tuple((px, -py) for px, py in JET[::-1][1:-1])) * [size, 0.86 * size]
    shapes = []
    for start, end, aside, turn in rows:
        places = np.arange(start, end, size * spread / berth.length)
        for x in places[scene.rng.random(len(places)) < crowded * scene.uniform(0.3, 1.3)]:
            lean = turn + scene.rng.normal(0, 0.1)
            at = [x * berth.length, (aside + scene.rng.normal(0, 0.012)) * berth.beam]
            at = to_canvas(scene, at, berth.heading, berth.centre)
            shapes.append(to_canvas(scene, body, berth.heading - lean, at))
    if shapes:
        grey = scene.uniform(140, 180) * np.array([0.97, 1, 1.03])
        tones = grey * scene.rng.uniform(0.82, 1.15, (len(shapes), 1))
        scene.cast(np.array(shapes), 3)
        scene.fill(np.array(shapes), tones, "jet" if scene.px(size) > 7.5 else None)  # smaller ones are specks


def _island(scene: Scene, berth: Berth, deck: np.ndarray) -> None:
    place, tone = scene.uniform(-0.14, 0.06), deck * scene.uniform(1.4, 1.8)
    boxes(scene, berth, (place, 0.37), 0.085 * berth.length, 0.11 * berth.beam, tone, 20)
    boxes(scene, berth, (place - 0.01, 0.37), 0.045 * berth.length, 0.07 * berth.beam, tone * 1.15, 8)
    boxes(scene, berth, (place - 0.025, 0.37), max(2.5, scene.gsd), 0.1 * berth.beam, deck * 0.5, 10)
