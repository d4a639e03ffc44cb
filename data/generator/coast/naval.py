"""Naval ships that carry: supply ships with their hose gantries, and landing ships with a wide helicopter deck."""

import numpy as np

from ..drawing.scene import Scene
from .vessels import Berth, boxes, clutter, hull, landing_circle, outline

LINE = (204, 205, 198)


def supply_ship(scene: Scene, berth: Berth) -> None:
    """An auxiliary ship: a painted cargo deck under tall hose gantries, pale houses aft or at both ends."""
    paint = scene.pick([(138, 82, 64), (84, 112, 90), (152, 130, 98), (122, 96, 82)], [0.35, 0.25, 0.25, 0.15])
    deck = np.array(paint) * scene.uniform(0.8, 1.1) + scene.rng.normal(0, 4, 3)
    grey = np.array((122, 127, 130)) * scene.uniform(0.85, 1.15)
    house = np.array(scene.pick([(222, 221, 215), (208, 194, 164)], [0.65, 0.35])) * scene.uniform(0.88, 1.03)
    shape = outline(berth, scene.uniform(0.22, 0.34), 0.12, scene.uniform(0.7, 0.9))
    hull(scene, berth, shape, grey * 0.7, grey, scene.uniform(7, 11), "auxiliary ship")
    layout = scene.pick(["aft", "both", "holds"], [0.5, 0.32, 0.18])
    start, end = {"aft": (-0.24, 0.33), "both": (-0.2, 0.2), "holds": (-0.22, 0.33)}[layout]
    boxes(scene, berth, ((start + end) / 2, 0), (end - start) * berth.length, 0.84 * berth.beam, deck)
    _cargo_deck(scene, berth, deck, start, end, layout == "holds")
    clutter(scene, berth, 14, (start, end), deck)
    clutter(scene, berth, 5, (0.34, 0.4), grey * 0.8)
    if layout == "both":
        _house(scene, berth, house, scene.uniform(0.26, 0.29), 0.11, False)
        _house(scene, berth, house, -0.28, scene.uniform(0.11, 0.14), True)
        _flight_deck(scene, berth, grey * scene.uniform(0.6, 0.8))
    else:
        _house(scene, berth, house, -0.345, scene.uniform(0.16, 0.2), True)
        clutter(scene, berth, 4, (-0.48, -0.45), grey * 0.85)
    _gantries(scene, berth, house * scene.uniform(0.8, 1.0), start + 0.05, end - 0.03)


def _cargo_deck(scene: Scene, berth: Berth, deck, start: float, end: float, holds: bool) -> None:
    """Hold covers on ships that bring stores; else tank hatches at both sides of a walkway above pipes."""
    length, beam = berth.length, berth.beam
    if holds:
        places = np.linspace(start + 0.06, end - 0.06, scene.integer(3, 5))
        covers = np.stack([places, 0 * places], -1)
        tones = deck * scene.rng.uniform(0.95, 1.25, (len(places), 1))
        boxes(scene, berth, covers, 0.6 * (end - start) / len(places) * length, 0.55 * beam, tones, 3)
        return
    places = np.linspace(start + 0.02, end, scene.integer(6, 9))
    sides = np.repeat([-0.24, 0.24], len(places))
    hatches = np.stack([np.tile(places, 2), sides], -1)
    tones = deck * scene.rng.uniform(0.6, 0.85, (len(hatches), 1))
    boxes(scene, berth, hatches, 0.03 * length, 0.17 * beam, tones, 1)
    middle = (start + end) / 2
    lines = [(middle, 0), (middle, 0.09), (middle, -0.1)]
    tones = deck * np.array([[1.28], [0.78], [1.12]])
    boxes(scene, berth, lines, (end - start) * length, max(1.2, 0.9 * scene.gsd), tones, 2)


def _house(scene: Scene, berth: Berth, tone, place: float, long: float, funnel: bool) -> None:
    """A superstructure in tiers, with the bridge and its wings in front, a mast, and a funnel on those aft."""
    length, beam = berth.length, berth.beam
    boxes(scene, berth, (place, 0), long * length, 0.88 * beam, tone * 0.94, 12)
    boxes(scene, berth, (place + 0.006, 0), 0.66 * long * length, 0.66 * beam, tone, 6)
    boxes(scene, berth, (place + 0.36 * long, 0), 0.024 * length, 1.0 * beam, tone * 1.06, 5)
    boxes(scene, berth, (place + 0.1 * long, 0), max(1.8, scene.gsd), 0.34 * beam, tone * 0.5, 10)
    boats = [(place, -0.4), (place, 0.4)]
    boxes(scene, berth, boats, 8, max(2.6, scene.gsd), scene.pick([(190, 104, 58), (200, 198, 190)]), 1)
    if funnel:
        aside = scene.uniform(-0.15, 0.15)
        boxes(scene, berth, (place - 0.3 * long, aside), 0.03 * length, 0.24 * beam, tone * 0.62, 6)
        boxes(scene, berth, (place - 0.3 * long, aside), 0.015 * length, 0.12 * beam, (44, 44, 46))
    clutter(scene, berth, 5, (place - 0.4 * long, place + 0.2 * long), tone * 0.85, 1.5)


def _gantries(scene: Scene, berth: Berth, colour: np.ndarray, start: float, end: float) -> None:
    """Goal-like posts across the deck, each with hose booms over both sides and long thin shadows."""
    count = scene.integer(3, 5)
    places = np.linspace(start, end, count) + scene.rng.uniform(-0.012, 0.012, count)
    bars = np.stack([places, 0 * places], -1)
    boxes(scene, berth, bars, max(2.6, 1.6 * scene.gsd), 0.86 * berth.beam, colour * 0.92, 24)
    posts = np.stack([np.tile(places, 2), np.repeat([-0.34, 0.34], count)], -1)
    boxes(scene, berth, posts, max(4.2, 2.0 * scene.gsd), max(3.2, 1.7 * scene.gsd), colour * 1.06, 24)
    out = posts[scene.rng.random(len(posts)) < 0.8] * [1, 1.22]
    long = scene.uniform(0.05, 0.08)
    lean = scene.pick([0.5, -0.5]) * long
    boxes(scene, berth, out + [lean, 0], long * berth.length, max(0.9, 0.8 * scene.gsd), colour * 0.95, 9)
    hoses = posts * [1, 0.62] - [lean * 0.9, 0]  # slung in loops from post to deck
    boxes(scene, berth, hoses, long * 0.8 * berth.length, max(0.8, 0.7 * scene.gsd), (48, 46, 46))


def _flight_deck(scene: Scene, berth: Berth, floor) -> None:
    """A small plain deck aft, its marking at most a worn circle."""
    boxes(scene, berth, (-0.425, 0), 0.125 * berth.length, 0.8 * berth.beam, floor)
    boxes(scene, berth, (-0.425, 0), max(0.5, 0.6 * scene.gsd), 0.7 * berth.beam, floor * 1.35)
    if scene.chance(0.3):
        landing_circle(scene, berth, (-0.425, 0), 0.22 * berth.beam, floor * 1.05, floor * 1.4)
    if scene.chance(0.25):
        _helicopter(scene, berth, (-0.425, 0))


def _helicopter(scene: Scene, berth: Berth, place) -> None:
    """A body with its tail boom, and the blades folded over it or spread."""
    length, tone = max(13, 4.5 * scene.gsd), scene.uniform(52, 90)
    boxes(scene, berth, place, 0.45 * length, max(2.6, 1.5 * scene.gsd), np.full(3, tone), 3)
    boxes(scene, berth, place, length, max(0.9, 0.8 * scene.gsd), np.full(3, tone * 0.9), 3)
    if scene.chance(0.5):
        boxes(scene, berth, place, max(0.5, 0.6 * scene.gsd), length, np.full(3, tone * 0.7), 4)


def landing_ship(scene: Scene, berth: Berth) -> None:
    """A transport ship: a box-like house over the full beam, a long flat deck with circles to a broad stern."""
    grey = scene.colour("steel") * scene.uniform(0.8, 1.15)
    deck = grey * scene.uniform(0.4, 0.58) + scene.rng.normal(0, 3, 3)
    shape = outline(berth, scene.uniform(0.2, 0.28), 0.04, scene.uniform(0.93, 1.0), 0.5)
    hull(scene, berth, shape, grey * 0.68, grey * 1.08, scene.uniform(9, 14), "transport ship")
    layout = scene.pick(["long deck", "well", "abreast"], [0.5, 0.3, 0.2])
    end = scene.uniform(0.04, 0.12)  # where the flat deck ends
    top = min(end + scene.uniform(0.22, 0.29), 0.36)  # where the house ends
    start = -0.38 if layout == "well" else -0.49
    boxes(scene, berth, ((end + start) / 2, 0), (end - start) * berth.length, 0.84 * berth.beam, deck)
    _worn(scene, berth, deck, start, end)
    _spots(scene, berth, deck, start, end, layout)
    if layout == "well":
        _well(scene, berth, grey)
    clutter(scene, berth, 6, (top + 0.02, 0.42), grey * 0.8)
    _castle(scene, berth, grey * scene.uniform(1.1, 1.3), end, top)
    if scene.chance(0.35) and layout != "well":
        _vehicles(scene, berth, start + 0.03, start + 0.08, 0.36)


def _worn(scene: Scene, berth: Berth, deck, start: float, end: float) -> None:
    """Scuffed and repainted patches of the flat deck."""
    count = scene.integer(4, 9)
    spots = np.stack([scene.rng.uniform(start + 0.05, end - 0.05, count), scene.rng.uniform(-0.35, 0.35, count)], -1)
    sizes = scene.rng.uniform(0.03, 0.1, (2, count)) * berth.length * [[1.0], [0.5]]
    tones = deck * scene.rng.uniform(0.85, 1.2, (count, 1))
    boxes(scene, berth, spots, sizes[0], np.minimum(sizes[1], 0.25 * berth.beam), tones)


def _spots(scene: Scene, berth: Berth, deck, start: float, end: float, layout: str) -> None:
    """Landing circles in a line or two abreast, with their lead-in lines."""
    rows = (-0.2, 0.2) if layout == "abreast" else (0,)
    count = scene.integer(2, 3) if layout == "well" else (2 if len(rows) == 2 else scene.integer(2, 4))
    room = (end - start) / count
    if len(rows) == 1:  # two long lines would look like a landing strip's
        middle = ((start + end) / 2, 0)
        boxes(scene, berth, middle, (end - start) * 0.96 * berth.length, max(0.5, 0.6 * scene.gsd), LINE)
    line = scene.uniform(150, 205) * np.array([1, 1, scene.uniform(0.75, 1)])
    radius = min((0.19 if len(rows) == 2 else scene.uniform(0.29, 0.36)) * berth.beam, 0.42 * room * berth.length)
    for place in start + room * (0.5 + np.arange(count)):
        for aside in rows:
            landing_circle(scene, berth, (place, aside), radius, deck * scene.uniform(0.9, 1.12), line)
            if scene.chance(0.3):
                _helicopter(scene, berth, (place, aside))


def _well(scene: Scene, berth: Berth, grey) -> None:
    """An open well at the stern: dark water or deck between two walls, landing craft in it, the gate down."""
    length, beam = berth.length, berth.beam
    boxes(scene, berth, (-0.44, 0), 0.11 * length, 0.62 * beam, np.array([44, 54, 60]) * scene.uniform(0.8, 1.5))
    boxes(scene, berth, (-0.525, 0), 0.055 * length, 0.6 * beam, grey * 0.6, 1)
    if scene.chance(0.7):
        boxes(scene, berth, (-0.44, 0), 0.09 * length, 0.34 * beam, grey * 0.8, 3)
        boxes(scene, berth, (-0.435, 0), 0.06 * length, 0.24 * beam, grey * 0.45)
        boxes(scene, berth, (-0.465, 0.05), 0.015 * length, 0.12 * beam, grey * 1.1, 2)


def _vehicles(scene: Scene, berth: Berth, start: float, end: float, half: float) -> None:
    """Lorries and armoured cars parked close together on deck."""
    x, y = np.meshgrid(np.arange(start, end, 10 / berth.length), np.arange(-half, half, 4.6 / berth.beam))
    places = np.stack([x.ravel(), y.ravel()], -1)
    places = places[scene.rng.random(len(places)) < scene.uniform(0.4, 0.9)]
    if len(places) == 0:
        return
    tone = np.array(scene.pick([(88, 94, 70), (128, 116, 90), (84, 88, 90)]))
    places = places + scene.rng.normal(0, 0.003, places.shape)
    sizes = scene.rng.uniform(5.5, 8.5, len(places))
    boxes(scene, berth, places, sizes, 2.8, tone * scene.rng.uniform(0.75, 1.2, (len(places), 1)), 2.5)


def _castle(scene: Scene, berth: Berth, tone, end: float, top: float) -> None:
    """The box-like house: hangar doors to the flat deck, funnels, boats at the sides, masts, the bridge in front."""
    length, beam, long = berth.length, berth.beam, top - end
    boxes(scene, berth, ((end + top) / 2, 0), long * length, 0.92 * beam, tone * 0.92, 13)
    boxes(scene, berth, (end + 0.56 * long, 0), 0.6 * long * length, 0.6 * beam, tone, 5)
    boxes(scene, berth, (top - 0.03, 0), 0.045 * length, 0.96 * beam, tone * 1.12, 5)
    aside = scene.uniform(0.16, 0.32)
    funnels = [(end + 0.25 * long, -aside), (end + scene.uniform(0.25, 0.5) * long, aside)]
    boxes(scene, berth, funnels, 0.05 * length, 0.15 * beam, tone * 0.72, 6)
    boxes(scene, berth, funnels, 0.025 * length, 0.08 * beam, (42, 42, 44))
    davits = [(end + share * long, side) for share in (0.4, 0.66) for side in (-0.42, 0.42)]
    boat = np.array(scene.pick([(196, 112, 62), (120, 126, 128), (204, 202, 196)]))
    boxes(scene, berth, davits, 0.04 * length, 0.1 * beam, boat, 1)
    masts = [(end + 0.72 * long, 0), (end + 0.38 * long, 0)][: scene.integer(1, 2)]
    boxes(scene, berth, masts, max(2.2, scene.gsd), 0.3 * beam, tone * 0.5, 12)
    boxes(scene, berth, (end + 0.06 * long, 0), 0.03 * length, 0.6 * beam, tone * 0.7)
    clutter(scene, berth, 9, (end + 0.03, top - 0.03), tone * 0.8, 2)
