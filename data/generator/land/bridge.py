"""Road bridges: over rivers, straits, arms of lakes and valleys; beams, arches, trusses, cable-stayed, suspended.

The land comes first, then the water, then what the bridge throws on it, its piers, the deck, and what rises above it.
"""

import cv2
import numpy as np

from ..drawing.geometry import MIDDLE, beside, edge, local_m, rotate
from ..drawing.ground import background, water_surface
from ..drawing.plants import canopy, trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from ..kind import Kind
from .decks import Deck, draw_deck
from .shores import fill_water, inland_m, shore_road, shore_trees, signed
from .surroundings import city, fill_city


def bridge(scene: Scene) -> None:
    setting = scene.pick(["river", "strait", "lake", "valley"], [0.5, 0.2, 0.17, 0.13])
    angle = scene.uniform(0, 2 * np.pi)
    origin = MIDDLE + rotate(np.array([scene.uniform(-0.2, 0.2), scene.uniform(-0.28, 0.28)]) * SIDE, angle)
    low, high = {"river": (0.42, 0.8), "strait": (0.8, 1.6), "lake": (0.45, 0.95), "valley": (0.4, 0.7)}[setting]
    span = scene.uniform(low, high) * scene.width_m
    deck = _deck(scene, angle, origin, span, setting)
    field = _gap(scene, deck, span, setting)
    place = _land(scene, field, deck, setting)
    if setting == "valley":
        _valley(scene, field, deck)
    else:
        kind = {"river": "river", "lake": "lake", "strait": "water"}[setting]
        fill_water(scene, field, kind, "sea" if scene.chance(0.15) else "water")
        _eddies(scene, field, deck)
    if place is not None:
        clear = place[0] * (deck.distance(scene) > deck.width / 2 + 6) * (field < -3 / SIDE)
        fill_city(scene, (clear, place[1]))
    if scene.chance(0.6):
        shore_trees(scene, field if setting != "valley" else field - 0.06)
    over = field > -scene.uniform(2.5, 8) / SIDE  # with its abutments or the first spans on land
    _approaches(scene, deck, over)
    draw_deck(scene, deck, field, over, setting == "valley")
    if setting != "valley" and ((field > 0) & (scene.owner > 0)).mean() > 0.05:
        scene.notes.append("over a river" if setting == "river" else "over water")


def _deck(scene: Scene, angle: float, origin, span: float, setting: str) -> Deck:
    """How wide, how high and of which make: short spans are plain beams, long ones hang or stand on piers."""
    style = scene.pick(
        ["beam", "arch", "truss", "stayed", "suspension"],
        [0.5, 0.17, 0.17, 0.1, 0.06] if span < 200 else [0.42, 0.13, 0.12, 0.22, 0.11],
    )
    if style in ("stayed", "suspension") and (span < 120 or setting == "valley"):
        style = "beam"
    lanes = scene.pick([1, 2, 3, 4, 6, 8], [0.07, 0.37, 0.08, 0.25, 0.15, 0.08])
    if style in ("stayed", "suspension"):
        lanes = max(lanes, 2 if span < 250 else 4)
    if style in ("truss", "arch"):
        lanes = min(lanes, 4)
    width = lanes * 3.4 + scene.uniform(1.5, 5)
    share = min(span / scene.width_m, 0.9)  # of the picture that it crosses; it must still be seen as a bridge
    width = max(width, scene.width_m * float(np.clip(0.029 / share, 1 / 38, 1 / 15)))
    lanes = max(lanes, round(width / 4.4))
    height = scene.uniform(4, 9) + min(span / 40, 12) + (scene.uniform(5, 25) if setting == "valley" else 0)
    bow = scene.rng.normal(0, 0.25) / max(scene.width_m, 200) if style == "beam" and scene.chance(0.4) else 0.0
    twin = scene.uniform(1.5, 5) if lanes >= 4 and style == "beam" and scene.chance(0.3) else 0.0
    lean = rotate(np.array([scene.uniform(0, 0.3), 0]), scene.uniform(0, 2 * np.pi))
    return Deck(origin, angle, bow, width, lanes, span, height, style, twin, lean)


def _gap(scene: Scene, deck: Deck, span: float, setting: str) -> np.ndarray:
    """The field of the water or the valley, in canvas sides: a band square to the deck, or wider to one side."""
    skew = scene.rng.normal(0, 0.18)
    u, v = local_m(scene, deck.angle + skew, deck.origin)
    wander = scene.noise(scene.uniform(1.5, 3), LAND)
    if setting == "lake":  # shores part: an arm that opens
        spread = scene.uniform(0, 0.8)
        half = span / 2 + spread * np.maximum(v * scene.pick([-1, 1]) - span * 0.1, -span * 0.2)
    else:
        half = span / 2
    swing, bend = scene.uniform(0.02, 0.06) * scene.width_m, scene.rng.normal(0, 0.25) / scene.width_m
    middle = swing * wander + bend * v**2
    rough = 0.006 * scene.noise(1, MOTTLE) if scene.chance(0.7) else 0
    return signed(((half - np.abs(u - middle)) / scene.width_m + rough).astype(np.float32))


def _land(scene: Scene, field, deck: Deck, setting: str):
    """Banks with a town, fields or woods; returns the town's plan, for its houses come after the water."""
    background(scene, scene.pick(["grass", "forest", "soil", "field"], [0.5, 0.25, 0.12, 0.13]))
    if scene.chance(0.4):
        other = edge(beside(scene, scene.uniform(-0.3, 0.3)), scene.uniform(0.02, 0.1))
        tone = 1 + 0.07 * scene.noise(1, GRAIN) + 0.08 * scene.noise(1.5, MOTTLE)
        scene.paint(other, scene.colour("grass" if scene.chance(0.6) else "soil") * tone[..., None])
        scene.owner[other > 0.5] = 0
    place = None
    if (field < -0.02).mean() > 0.04:
        if scene.chance(0.55 if setting != "valley" else 0.15):
            room = (field < -scene.uniform(6, 25) / scene.width_m).astype(np.float32)
            if scene.chance(0.35):  # one bank only
                u, _ = local_m(scene, deck.angle, deck.origin)
                room *= u * scene.pick([-1, 1]) > 0
            place = city(scene, room, deck.angle + scene.rng.normal(0, 0.15) if scene.chance(0.6) else None)
        if place is None:
            wood = np.clip(scene.uniform(-0.1, 0.5) + 0.4 * scene.noise(1.5, LAND), 0, 0.8)
            trees(scene, wood, scene.uniform(4, 9))
        if scene.chance(0.4):
            shore_road(scene, field)
    return place


def _valley(scene: Scene, field, deck: Deck) -> None:
    """Wooded or rocky slopes, lit and shaded, down to a brook or a road."""
    depth = np.clip(field * SIDE / 10, 0, 1)
    if scene.chance(0.85):
        canopy(scene, mask=edge(field, 0.02))
    down, across = np.gradient(cv2.GaussianBlur(field.astype(np.float32), (0, 0), 3))
    light = (across * scene.sun[0] + down * scene.sun[1]) * SIDE
    scene.texture(np.clip(light * 0.28 * (depth > 0), -0.3, 0.3) * edge(field, 0.05) + 0.06 * scene.noise(1.5, LAND))
    u, _ = local_m(scene, deck.angle, deck.origin)
    u = np.abs(u + 0.03 * scene.width_m * scene.noise(2, LAND))
    brook = np.clip((scene.uniform(2.5, 7) - u) / scene.gsd + 0.5, 0, 1) * (field > 0.01)
    if scene.chance(0.6):
        scene.paint(brook, water_surface(scene), "water")
    else:
        scene.paint(brook, scene.colour("asphalt"), "road")


def _approaches(scene: Scene, deck: Deck, over) -> None:
    """Embankments on either side of the gap: shaded slopes, grown over."""
    u, v = local_m(scene, deck.angle, deck.origin)
    v = v - deck.bow * u**2
    foot = deck.width / 2 + scene.uniform(4, 12)
    here = (np.abs(v) < foot) & ~over
    v = v[here]
    bank = np.clip((foot - np.abs(v)) / max(foot - deck.width / 2, 1), 0, 1)
    colour = scene.colour("grass") if scene.chance(0.7) else scene.colour("soil")
    part = scene.image[here]
    part += (colour - part) * (np.clip(bank * 2, 0, 1) * 0.8)[:, None]
    normal = np.array([-np.sin(deck.angle), np.cos(deck.angle)])
    slope = np.sign(v) * (bank < 1) * (-0.22 * float(normal @ scene.sun) * scene.shadow_length)
    scene.image[here] = part * (1 + slope)[:, None]
    scene.owner[here] = np.where(bank > 0.2, 0, scene.owner[here])


def _eddies(scene: Scene, field, deck: Deck) -> None:
    """Shoals and streaks along the stream, now and then a boat's wake is all that moves."""
    if scene.chance(0.5):
        streak = np.clip(scene.noise(1.5, MOTTLE, 5, deck.angle + np.pi / 2), -1.5, 1.5)
        scene.texture(0.05 * streak * edge(field, 0.02))
    if scene.chance(0.25):
        inland = -inland_m(scene, field)
        bars = edge(scene.noise(2, LAND, 2, deck.angle + np.pi / 2) - 0.03 * inland - scene.uniform(0.2, 1), 0.3)
        bars = bars * edge(field, 0.01)
        scene.paint(bars, scene.surface(scene.colour("sand"), scene.colour("soil"), 1, 0.06), "sand bar")


KINDS = [Kind("bridge", ("a bridge", "a road bridge"), bridge, (80, 520), ("road", "bridge"))]
