"""How freighters and frigates look from above.

A vessel's own frame has its bow at +x; measures are metres. Deck objects are not claimed one by one, so that
the vessel keeps its pixels and is counted as one thing.
"""

from dataclasses import dataclass

import numpy as np

from ..drawing.geometry import rectangles, to_canvas
from ..drawing.scene import Scene
from ..drawing.textures import GRAIN, MOTTLE


@dataclass(frozen=True)
class Berth:
    """Where a vessel lies and how large it is: centre in pixels, heading in radians, sizes in metres."""

    centre: np.ndarray
    heading: float
    length: float
    beam: float


def outline(
    berth: Berth, bow: float, stern: float, transom: float, power: float = 0.6, points: int = 14
) -> np.ndarray:
    """A hull's outline [2 · points, 2] in metres, tapered over the shares `bow` and `stern` of it."""
    place = 1 - (1 - np.linspace(0, 1, points)) ** 1.7  # denser at the bow
    half = np.clip((1 - place) / bow, 0, 1) ** power
    half = half * (transom + (1 - transom) * np.clip(place / stern, 0, 1) ** 0.7)
    one = np.stack([(place - 0.5) * berth.length, half * berth.beam / 2], -1)
    return np.concatenate([one, one[::-1] * [1, -1]])


def hull(scene: Scene, berth: Berth, shape, side, deck, height_m: float, kind: str) -> None:
    """The hull with its shadow on the water, a rim of its side's colour, and its deck."""
    canvas = to_canvas(scene, shape, berth.heading, berth.centre)
    scene.cast(canvas[None], height_m)
    scene.fill(canvas[None], side, kind)
    rim = min(0.13 * berth.beam, 1.6) / berth.beam * 2
    inner = to_canvas(scene, shape * [1 - rim / 6, 1 - rim], berth.heading, berth.centre)
    scene.fill(inner[None], deck)
    scene.texture(scene.stamp(inner[None]) * (0.06 * scene.noise(0.7, GRAIN) + 0.06 * scene.noise(1, MOTTLE)))


def boxes(scene: Scene, berth: Berth, centres, lengths, widths, colours, height_m: float = 0.0) -> None:
    """Upright boxes on deck; centres [n, 2] as shares of length and beam, lengths and widths in metres."""
    middle = np.asarray(centres, np.float64).reshape(-1, 2) * [berth.length, berth.beam]
    place = to_canvas(scene, middle, berth.heading, berth.centre)
    shapes = rectangles(place, scene.px(np.asarray(lengths)), scene.px(np.asarray(widths)), berth.heading)
    if height_m:
        scene.cast(shapes, height_m)
    scene.fill(shapes, np.clip(colours, 5, 250))


def clutter(scene: Scene, berth: Berth, count: int, reach, colour, height_m: float = 2.0) -> None:
    """Winches, vents, lockers and boats strewn over the deck between two shares of the length, about a colour."""
    spots = np.stack([scene.rng.uniform(*reach, count), scene.rng.uniform(-0.38, 0.38, count)], -1)
    sizes = np.maximum(scene.rng.uniform(1.5, 6, (2, count)), 1.1 * scene.gsd)
    tones = np.asarray(colour) * scene.rng.uniform(0.55, 1.3, (count, 1)) + scene.rng.normal(0, 6, (count, 3))
    boxes(scene, berth, spots, sizes[0], sizes[1] * 0.8, tones, height_m)


def landing_circle(scene: Scene, berth: Berth, centre, radius_m: float, floor, line=(206, 207, 202)) -> None:
    """A helicopter's landing circle on deck; centre as shares of length and beam."""
    turn = np.linspace(0, 2 * np.pi, 25)[:-1]
    ring = np.stack([np.cos(turn), np.sin(turn)], -1)
    middle = np.asarray(centre) * [berth.length, berth.beam]
    radius = max(radius_m, 2.4 * scene.gsd)
    for size, colour in ((radius, line), (radius - max(0.7, 0.9 * scene.gsd), floor)):
        scene.fill(to_canvas(scene, middle + ring * size, berth.heading, berth.centre)[None], colour)


def tug(scene: Scene, berth: Berth, side: int) -> None:
    """A tug that stands by at one side of a larger vessel or pushes its hull."""
    length, pushing = scene.uniform(26, 36), scene.chance(0.5)
    beam, turn = length * scene.uniform(0.32, 0.38), -side * np.pi / 2 if pushing else scene.uniform(-0.2, 0.2)
    clear = berth.beam / 2 + (length / 2 if pushing else beam) + 1
    spot = [scene.uniform(-0.35, 0.35) * berth.length, side * clear]
    own = Berth(to_canvas(scene, spot, berth.heading, berth.centre), berth.heading + turn, length, beam)
    side_tone = np.array(scene.pick([(46, 48, 52), (120, 48, 42), (40, 62, 92)])) * scene.uniform(0.8, 1.2)
    deck = np.array(scene.pick([(126, 78, 60), (104, 112, 104), (130, 126, 116)])) * scene.uniform(0.85, 1.1)
    hull(scene, own, outline(own, 0.4, 0.2, 0.75, 0.5), side_tone, deck, 3, "tug")
    boxes(scene, own, (0.12, 0), 0.3 * length, 0.55 * beam, (212, 210, 202), 6)
    boxes(scene, own, (0.17, 0), 0.13 * length, 0.4 * beam, (232, 230, 224), 3)
    boxes(scene, own, [(-0.08, -0.2), (-0.08, 0.2), (-0.3, 0)], 2.2, 2, (70, 66, 64), 2)


def freighter(scene: Scene, berth: Berth, load: str | None = None) -> str:
    """A loaded cargo ship; returns its caption note."""
    load = load or scene.pick(["containers", "hatches", "pipes"], [0.66, 0.27, 0.07])
    side = np.array(scene.pick([(112, 52, 46), (42, 56, 78), (56, 58, 60), (44, 74, 66), (92, 40, 38)]), np.float32)
    deck = np.array(scene.pick([(124, 72, 58), (138, 70, 54), (74, 106, 84), (134, 108, 82)]), np.float32)
    shape = outline(berth, scene.uniform(0.14, 0.24), 0.08, scene.uniform(0.7, 0.95))
    hull(
        scene,
        berth,
        shape,
        side * scene.uniform(0.8, 1.2),
        deck * scene.uniform(0.8, 1.15),
        scene.uniform(6, 15),
        "cargo ship",
    )
    {"containers": _deck_containers, "hatches": _hatches, "pipes": _pipes}[load](scene, berth)
    _bridge_house(scene, berth, scene.uniform(-0.42, -0.36) if load != "containers" else scene.uniform(-0.4, -0.3))
    return {
        "containers": "loaded with containers",
        "hatches": "with hatch covers",
        "pipes": "with pipes along the deck",
    }[load]


def _deck_containers(scene: Scene, berth: Berth) -> None:
    """Bays of containers side by side; every bay is stacked to its own height, so its own brightness."""
    bay = max(13.6, berth.length / 22)
    along = np.arange(-0.27 * berth.length, 0.4 * berth.length, bay)
    rows = int(np.clip(berth.beam * 0.9 / max(2.5, 1.6 * scene.gsd), 4, 16))
    pitch = berth.beam * 0.92 / rows
    x, row = np.meshgrid(along, np.arange(rows) - (rows - 1) / 2)
    x, y = x.ravel(), row.ravel() * pitch
    narrow = np.clip((0.5 - x / berth.length) / 0.2, 0, 1) ** 0.6 * berth.beam * 0.49
    here = (np.abs(y) + pitch / 2 < narrow) & (scene.rng.random(len(x)) < scene.uniform(0.75, 1.0))
    x, y = x[here], y[here]
    tier = scene.rng.uniform(0.85, 1.25, len(along))[np.round((x - along[0]) / bay).astype(int)]
    colours = scene.colours("container", len(x), 7) * tier[:, None]
    centres = np.stack([x / berth.length, y / berth.beam], -1)
    boxes(scene, berth, centres, bay * 0.88, pitch * 0.94, colours, 2.5)


def _hatches(scene: Scene, berth: Berth) -> None:
    """Hatch covers in a row, with deck cranes between them on many ships."""
    count = scene.integer(4, 9)
    places = np.linspace(-0.27, 0.36, count)
    pace = berth.length * 0.63 / (count - 1)
    covers = np.stack([places, np.zeros(count)], -1)
    colour = np.array(scene.pick([(150, 96, 74), (148, 116, 78), (84, 124, 100), (172, 84, 60)])) * scene.uniform(
        0.85, 1.15
    )
    width = berth.beam * scene.uniform(0.5, 0.68)
    boxes(scene, berth, covers, pace * 0.72, width, colour, 2)
    boxes(scene, berth, covers, pace * 0.72, scene.gsd, colour * 0.75)  # where the two leaves meet
    if scene.chance(0.6):
        posts = np.stack([(places[:-1] + places[1:]) / 2, np.zeros(count - 1)], -1)[:: scene.integer(1, 2)]
        jib = posts + [0.45 * pace / berth.length, scene.uniform(-0.1, 0.1)]
        boxes(scene, berth, jib, pace * 0.95, max(1.6, scene.gsd * 1.3), (196, 190, 172), 9)
        boxes(scene, berth, posts, 5, 5, (212, 208, 196), 12)


def _pipes(scene: Scene, berth: Berth) -> None:
    """Pipes lengthwise and a manifold amidships, as on ships that carry liquids."""
    for y in (-0.05, 0.0, 0.06):
        boxes(
            scene,
            berth,
            (0.04, y),
            berth.length * 0.68,
            max(0.9, 0.9 * scene.gsd),
            scene.rng.uniform(150, 205) * np.ones(3),
            2,
        )
    places = np.linspace(-0.26, 0.36, scene.integer(6, 10))
    cross = np.stack([places, np.zeros(len(places))], -1)
    boxes(scene, berth, cross, scene.gsd, berth.beam * 0.8, (86, 62, 56))
    boxes(scene, berth, (0.04, 0), 7, berth.beam * 0.82, (176, 172, 162), 3)


def _bridge_house(scene: Scene, berth: Berth, place: float) -> None:
    white = np.array([228, 226, 220]) * scene.uniform(0.85, 1.0)
    boxes(scene, berth, (place, 0), max(0.055 * berth.length, 9), berth.beam * 0.78, white, 22)
    boxes(scene, berth, (place + 0.022, 0), 3.5, berth.beam * 0.98, white * 1.05)  # bridge wings
    funnel = np.array(scene.pick([(150, 60, 50), (50, 80, 130), (60, 60, 62), (190, 140, 60)]))
    boxes(scene, berth, (place - 0.025, 0), 6, 6, funnel, 6)


# The blocks of a warship's superstructure: place and length as shares of the ship's, width as a share of its beam.
WARSHIP_BLOCKS = {
    "frigate": [[-0.17, 0.13, 0.72], [-0.05, 0.1, 0.5], [0.05, 0.13, 0.66], [0.14, 0.09, 0.74]],
    "destroyer": [[-0.21, 0.08, 0.58], [-0.09, 0.07, 0.42], [0.0, 0.08, 0.48], [0.11, 0.14, 0.86]],
    "smooth": [[-0.02, 0.38, 0.84], [-0.14, 0.1, 0.62], [0.07, 0.16, 0.66], [0.1, 0.06, 0.44]],
}


def frigate(scene: Scene, berth: Berth) -> None:
    """A grey warship: pointed bow, gun, superstructure with mast and funnels, helicopter deck."""
    layout = scene.pick(["frigate", "destroyer", "smooth"], [0.4, 0.35, 0.25])
    grey = scene.colour("steel") * scene.uniform(1.05, 1.3)
    shape = outline(berth, scene.uniform(0.42, 0.6), 0.25, scene.uniform(0.7, 0.85), scene.uniform(0.65, 0.85))
    hull(scene, berth, shape, grey * 0.8, grey * scene.uniform(0.76, 0.92), 7, "warship")
    _helideck(scene, berth, grey)
    length, beam = berth.length, berth.beam
    blocks = np.array(WARSHIP_BLOCKS[layout])
    blocks[:, 0] += scene.rng.uniform(-0.015, 0.015, 4)
    tone = grey * scene.rng.uniform(0.98, 1.2, (4, 1))
    boxes(scene, berth, np.array([[-0.01, 0]]), 0.38 * length, 0.56 * beam, grey * 1.05, 5)
    boxes(
        scene,
        berth,
        np.stack([blocks[:, 0], np.zeros(4)], -1),
        blocks[:, 1] * length,
        blocks[:, 2] * beam,
        tone,
        9,
    )
    boxes(scene, berth, (0.155, 0), 0.05 * length, 0.42 * beam, grey * 1.3, 6)  # bridge roof
    boxes(
        scene,
        berth,
        [(-0.1, 0), (0.0, 0)][: scene.integer(1, 2)],
        0.035 * length,
        0.3 * beam,
        (52, 54, 58),
        4,
    )  # funnels
    spots = [(-0.06, -0.36), (-0.06, 0.36), (0.02, 0.38)][: scene.integer(0, 3)]
    if spots:  # boats and rafts in their cradles
        boxes(scene, berth, spots, 7, max(2.2, scene.gsd), scene.pick([(176, 104, 66), grey * 0.5, grey * 1.3]), 1)
    clutter(scene, berth, 7, (-0.22, 0.18), grey)
    boxes(scene, berth, (0.09, 0), 0.014 * length, 0.5 * beam, grey * 0.5, 14)  # mast with its yard
    boxes(scene, berth, (0.215, 0), 0.05 * length, 0.34 * beam, grey * 0.55)  # missile cells
    _gun(scene, berth, grey)


def _gun(scene: Scene, berth: Berth, grey) -> None:
    boxes(scene, berth, (0.335, 0), 0.075 * berth.length, max(0.7, 1.1 * scene.gsd), grey * 0.45)
    turret = to_canvas(scene, [0.295 * berth.length, 0], berth.heading, berth.centre)
    radius = max(scene.px(0.2 * berth.beam), 1.7)
    scene.shade(scene.disc(turret + scene.sun * radius * 0.6, radius))
    scene.paint(scene.disc(turret, radius), grey * 1.25)


def _helideck(scene: Scene, berth: Berth, grey) -> None:
    boxes(scene, berth, (-0.36, 0), 0.2 * berth.length, 0.8 * berth.beam, grey * 0.6)
    boxes(scene, berth, [(-0.262, 0), (-0.458, 0)], max(0.5, 0.8 * scene.gsd), 0.7 * berth.beam, (206, 208, 206))
    if scene.chance(0.5):
        landing_circle(scene, berth, (-0.36, 0), 0.25 * berth.beam, grey * 0.62, grey * 1.05)
    if scene.chance(0.35):  # a helicopter
        boxes(scene, berth, (-0.36, 0), max(12, 4 * scene.gsd), max(2, 1.3 * scene.gsd), (70, 74, 78), 3)
