"""Bridges over rivers, straits and lake arms: beam, truss, arch, cable-stayed, one deck or two."""

import numpy as np

from ..drawing.geometry import MIDDLE, beside, edge, rectangles
from ..drawing.ground import background, flood, paving, road, traffic, yard
from ..drawing.plants import trees
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from ..kind import Kind


def bridge(scene: Scene) -> None:
    angle = scene.angle()
    centre = MIDDLE + scene.rng.uniform(-0.16, 0.16, 2) * SIDE
    field = _water(scene, angle, centre)
    _land(scene, field)
    flood(scene, field, "water")
    width = _width(scene)
    offsets = [0.0]
    if width < 17 and scene.chance(0.25):  # two decks side by side
        offsets = [-0.5, 0.5] * np.array(width + scene.uniform(3, 15))
    colour = (scene.colour("asphalt") if scene.chance(0.6) else scene.colour("concrete")) * scene.uniform(0.85, 1.15)
    height = scene.uniform(5, 22)
    for offset in offsets:
        _deck(scene, field, _line(scene, centre, angle, offset), width, height, colour)
    if scene.chance(0.3):
        _bank_road(scene, field, angle)


def _width(scene: Scene) -> float:
    wide = scene.pick([scene.uniform(5, 9), scene.uniform(10, 18), scene.uniform(20, 36)], [0.3, 0.4, 0.3])
    return float(np.clip(wide, 3.2 * scene.gsd, 0.16 * scene.width_m))


def _water(scene: Scene, angle: float, centre) -> np.ndarray:
    """A signed field in canvas sides, positive in the water, that the deck crosses about at right angles."""
    turn = angle + scene.uniform(-0.4, 0.4)
    x, y = (COLUMNS - centre[0]) / SIDE, (ROWS - centre[1]) / SIDE
    along = x * np.cos(turn) + y * np.sin(turn)
    bend = scene.uniform(0.02, 0.09) * scene.noise(scene.uniform(1.2, 2.5), LAND) + 0.004 * scene.noise(1, MOTTLE)
    layout = scene.pick(["river", "wide", "shore"], [0.6, 0.2, 0.2])
    if layout == "shore":  # one bank only
        return (along + scene.uniform(-0.02, 0.28) + bend).astype(np.float32)
    half = scene.uniform(0.1, 0.26) if layout == "river" else scene.uniform(0.35, 0.6)
    return (half - np.abs(along + bend)).astype(np.float32)


def _land(scene: Scene, field: np.ndarray) -> None:
    """Open country, or a town with roofs and trees down to the bank."""
    background(scene, scene.pick(["grass", "forest", "soil", "field"], [0.55, 0.2, 0.1, 0.15]))
    if scene.chance(0.5):
        town = edge(beside(scene, scene.uniform(-0.4, 0.2), wobble=0.1), 0.1)
        scene.paint(town * scene.uniform(0.3, 0.8), paving(scene, 0.9))
        yard(scene, town, scene.uniform(0.3, 0.8), scene.uniform(8, 18))
    amount = np.clip(0.25 * scene.noise(1.5, LAND) + scene.uniform(-0.1, 0.2), 0, 0.7)
    trees(scene, amount * (field < -0.01), scene.uniform(4, 9))


def _line(scene: Scene, centre, angle: float, offset_m: float) -> np.ndarray:
    along = np.array([np.cos(angle), np.sin(angle)])
    foot = centre + scene.px(offset_m) * np.array([-along[1], along[0]])
    return np.stack([foot - along * 1.6 * SIDE, foot + along * 1.6 * SIDE])


def _deck(scene: Scene, field, line, width: float, height: float, colour) -> None:
    """Approach roads on land; over the water the deck with its shadow, structure and traffic."""
    approach = scene.colour("asphalt")
    road(scene, line, width * 0.95, approach)
    over = field > -scene.px(scene.uniform(4, 14)) / SIDE
    shadow = scene.stroke(line + scene.sun * scene.px(height) * scene.shadow_length, width)
    scene.shade(shadow * (field > 0) * scene.uniform(0.6, 1))
    span = scene.stroke(line, width) * over
    wear = 1 + 0.05 * scene.noise(1, GRAIN) + 0.05 * scene.noise(1, MOTTLE)
    scene.paint(span, colour * wear[..., None], "bridge")
    deck_id = len(scene.drawn) - 1
    _rims(scene, line, width, over, colour)
    kind = scene.pick(["beam", "truss", "arch", "stays"], [0.45, 0.2, 0.15, 0.2])
    if kind != "beam":
        {"truss": _truss, "arch": _arch, "stays": _stays}[kind](scene, line, width, over)
    _lanes(scene, line, width)
    _piers(scene, line, width, field)
    scene.owner[(span > 0.5)] = deck_id
    traffic(scene, line, scene.integer(0, int(8 + scene.width_m / 12)), width * 0.36)


def _axes(line) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(middle, unit vector along, unit vector across) of a line [2, 2] in pixels."""
    along = (line[1] - line[0]) / np.linalg.norm(line[1] - line[0])
    return line.mean(0), along, np.array([-along[1], along[0]])


def _rims(scene: Scene, line, width: float, over, colour) -> None:
    _, _, across = _axes(line)
    for side in (-0.5, 0.5):
        rail = scene.stroke(line + across * scene.px(side * width * 0.95), max(0.8, 0.8 * scene.gsd))
        scene.paint(rail * over * 0.7, np.clip(colour * scene.uniform(1.2, 1.6), 0, 240))


def _lanes(scene: Scene, line, width: float) -> None:
    if scene.px(width) < 5:
        return
    _, _, across = _axes(line)
    for share in ((0,) if width < 14 else (-0.25, 0, 0.25)):
        mark = scene.stroke(line + across * scene.px(share * width), 0.35)
        scene.paint(mark * (0.4 if share else 0.7), np.array([214, 212, 204]))


def _segments(scene: Scene, pieces, thickness_m: float, colour, over, shade_m: float = 0.0) -> None:
    """Thin straight members [n, 2, 2] in pixels, kept over the water."""
    mask = np.zeros((SIDE, SIDE), np.float32)
    for piece in pieces:
        mask = np.maximum(mask, scene.stroke(piece, thickness_m))
    if shade_m:
        shift = np.round(scene.sun * scene.px(shade_m) * scene.shadow_length).astype(int)
        scene.shade(np.roll(mask, (shift[1], shift[0]), (0, 1)) * over * 0.7)
    scene.paint(mask * over * min(1.0, 0.5 + thickness_m / scene.gsd / 3), np.asarray(colour, np.float32))


def _truss(scene: Scene, line, width: float, over) -> None:
    """Two lattice girders with cross beams overhead."""
    middle, along, across = _axes(line)
    step = max(scene.px(scene.uniform(6, 12)), 4)
    at = np.arange(-SIDE, SIDE, step)
    edge_px = across * scene.px(width * 0.46)
    beams = [np.stack([middle + along * t - edge_px, middle + along * t + edge_px]) for t in at]
    if scene.chance(0.6):  # wind bracing
        beams += [np.stack([middle + along * t - edge_px, middle + along * (t + step) + edge_px]) for t in at]
    beams += [line + edge_px, line - edge_px]
    _segments(scene, beams, max(0.7, 0.7 * scene.gsd), scene.colour("steel") * scene.uniform(0.6, 1.3), over, 6)


def _arch(scene: Scene, line, width: float, over) -> None:
    """Tied arches: bow-shaped members that lean together above the deck, with ties across."""
    middle, along, across = _axes(line)
    span = scene.px(scene.uniform(60, 140))
    t = np.linspace(-1, 1, 21)[:, None]
    start = scene.uniform(-0.15, 0.15) * SIDE
    bows = []
    for side in (-1, 1):
        lean = side * scene.px(width * 0.5) * (1 - 0.35 * (1 - t**2))
        points = middle + along * (start + t * span / 2) + across * lean
        bows += list(np.stack([points[:-1], points[1:]], 1))
    ties = [np.stack([bows[i][0], bows[i + 20][0]]) for i in range(4, 17, 3)]
    _segments(scene, bows + ties, max(1.2, scene.gsd), np.array([222, 220, 214]) * scene.uniform(0.7, 1), over, 12)


def _stays(scene: Scene, line, width: float, over) -> None:
    """Towers with fans of cables, in the middle or at both edges."""
    middle, along, across = _axes(line)
    towers = [scene.uniform(-0.3, 0.3) * SIDE] if scene.chance(0.5) else [-0.3 * SIDE, 0.3 * SIDE]
    reach = scene.px(scene.uniform(50, 110))
    sides = (0.0,) if scene.chance(0.4) else (-0.47, 0.47)
    white = np.array([226, 226, 222]) * scene.uniform(0.75, 1)
    for place in towers:
        foot = middle + along * place
        cables = []
        for side in sides:
            at = across * scene.px(width * side)
            cables += [np.stack([foot + at * 0.6, foot + at + along * reach * r]) for r in np.linspace(-1, 1, 9)]
        _segments(scene, cables, max(0.4, 0.55 * scene.gsd), white, over, 0)
        posts = rectangles([foot + across * scene.px(width * s) for s in (-0.55, 0.55)], scene.px(4), scene.px(4),
                           float(np.arctan2(along[1], along[0])))  # fmt: skip
        beam = rectangles([foot], scene.px(3), scene.px(width * 1.15), float(np.arctan2(along[1], along[0])))
        scene.cast(np.concatenate([posts, beam]), 45)
        scene.fill(np.concatenate([beam, posts]), white * 0.95)


def _piers(scene: Scene, line, width: float, field) -> None:
    """Pier heads that stick out beside the deck, with a little white water."""
    if scene.chance(0.4):
        return
    middle, along, _ = _axes(line)
    places = middle + along * np.arange(-SIDE, SIDE, scene.px(scene.uniform(25, 60)))[:, None]
    inside = ((places > 2) & (places < SIDE - 2)).all(1)
    places = places[inside]
    if len(places) == 0:
        return
    wet = field[places[:, 1].astype(int), places[:, 0].astype(int)] > 0.02
    turn = float(np.arctan2(along[1], along[0]))
    heads = rectangles(places[wet], scene.px(4), scene.px(width * 1.35), turn)
    under = scene.stamp(heads) * (1 - scene.stroke(line, width))
    scene.paint(under, scene.colour("concrete") * 0.85)


def _bank_road(scene: Scene, field, angle: float) -> None:
    """A road along one bank that passes under or ends at the bridge."""
    away = scene.uniform(0.04, 0.1)
    strip = np.clip(scene.px(scene.uniform(2.5, 4)) - np.abs(field + away) * SIDE, 0, 1) * (scene.owner == 0)
    scene.paint(strip.astype(np.float32), scene.colour("asphalt"), "road")


KINDS = [
    Kind(
        "bridge",
        ("a bridge", "a road bridge over water", "a bridge across the water"),
        bridge,
        (90, 520),
        ("bridge", "water"),
    ),
]
