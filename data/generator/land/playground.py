"""Playgrounds in the sense of RSICD: running tracks around a pitch, with courts, and a school or town around them."""

import cv2
import numpy as np

from ..drawing.geometry import MIDDLE, edge, in_view, local_m, rotate, straight
from ..drawing.ground import road, traffic
from ..drawing.plants import trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN, LAND
from ..kind import Kind
from .pitches import Frame, court, court_colours, covers, football, lay, running_track, toned, track_colour
from .roofs import flat_roofs, wings
from .shores import Streets
from .surroundings import fill_city

STRAIGHT, RADIUS, LANES = 42.2, 36.5, 9.8  # metres of a full track: half its straight, its inner kerb, its lanes


def playground(scene: Scene) -> None:
    angle = scene.angle()
    town = scene.chance(0.55)
    _grounds(scene)
    scale = scene.pick([1.0, scene.uniform(0.5, 0.85)], [0.7, 0.3]) if scene.width_m < 300 else 1.0
    count = 2 if scene.width_m > 260 and scene.chance(0.2) else 1
    colour = track_colour(scene)
    away = 0.22 if scene.chance(0.4) else 0.08  # often cut by the frame
    lap = np.full((SIDE, SIDE), np.inf, np.float32)
    for i in range(count):
        shift = (i - (count - 1) / 2) * scene.px(110)
        centre = MIDDLE + rotate([scene.uniform(-0.08, 0.08) * SIDE, shift], angle)
        centre = centre + scene.rng.uniform(-away, away, 2) * SIDE
        lap = np.minimum(lap, _oval(scene, centre, angle, scale, colour))
    _courts(scene, centre, angle, scale)
    room = _room(scene, lap)
    if town:
        place = _streets(scene, room, angle + scene.pick([0, np.pi / 2, scene.uniform(0, 1.5)], [0.4, 0.4, 0.2]))
        if scene.chance(0.4):
            _belt(scene, lap)
        fill_city(scene, place)
        return
    if scene.chance(0.7):
        aside = scene.pick([-1, 1]) * scene.uniform(0.4, 0.49) * SIDE
        points = straight(scene, angle + scene.pick([0, np.pi / 2]), aside)
        room = room * (road(scene, points, scene.uniform(6, 12)) < 0.1)
        traffic(scene, points, scene.integer(0, 10))
    _belt(scene, lap)
    _buildings(scene, room, centre, angle, scale)


def _grounds(scene: Scene) -> None:
    """Grass, trodden earth or asphalt, one of them in patches on the other."""
    names = ["grass", "soil", "concrete", "asphalt"]
    first, second = (scene.colour(scene.pick(names, share)) for share in ((6, 1, 0.6, 0.8), (3, 1, 2, 2)))
    patches = edge(scene.noise(scene.uniform(1, 2), LAND) - scene.uniform(-0.5, 1.5), 0.08)[..., None]
    tone = 1 + 0.06 * scene.noise(scene.uniform(0.6, 1.5), GRAIN) + 0.08 * scene.noise(scene.uniform(0.7, 2))
    scene.image = ((first + (second - first) * patches) * tone[..., None]).astype(np.float32)


def _oval(scene: Scene, centre, angle: float, scale: float, colour) -> np.ndarray:
    """The track with its apron and what lies inside; returns metres [SIDE, SIDE] beyond its outer lane."""
    frame = Frame.at(scene, centre, angle)
    lap = frame.stadium(STRAIGHT * scale) - (RADIUS * scale + LANES)
    apron = scene.colour("concrete" if scene.chance(0.4) else "grass")
    wide = scene.uniform(1, 8)
    reach = RADIUS * scale + LANES + wide + 2
    frame = frame.cut(STRAIGHT * scale + reach, reach)
    around = covers(scene, frame.stadium(STRAIGHT * scale) - reach + 2)
    lay(scene, frame, around, toned(scene, frame, apron, 0.06, 0.05))
    inner = frame.cut((STRAIGHT + RADIUS) * scale, RADIUS * scale)
    inside = covers(scene, inner.stadium(STRAIGHT * scale) - RADIUS * scale)
    kind = scene.pick(["grass", "soil", "surface"], [0.65, 0.2, 0.15])
    floor = colour * 0.95 if kind == "surface" else scene.colour(kind)
    lay(scene, inner, inside, toned(scene, inner, floor, 0.05, 0.06))
    if kind != "soil":
        football(scene, inner, *((105, 68) if scale == 1 else (scale * 100, scale * 58)))
    running_track(scene, frame, scale, colour)
    if scene.chance(0.6):  # the fields inside the curves
        bend = covers(scene, inner.stadium(STRAIGHT * scale) - 33 * scale) * (np.abs(inner.along) > 56 * scale)
        lay(scene, inner, bend * scene.uniform(0.5, 1), colour if scene.chance(0.6) else scene.colour("soil"))
    return lap


def _courts(scene: Scene, centre, angle: float, scale: float) -> None:
    """A row of courts along one side."""
    if scene.chance(0.35):
        return
    side, colours = scene.pick([-1, 1]), court_colours(scene)
    turned = scene.chance(0.5)
    away = RADIUS * scale + LANES + (16 if turned else 10) + scene.uniform(3, 12)
    start = scene.uniform(-70, 10)
    for i in range(scene.integer(1, 6)):
        at = centre + rotate(np.array([start + i * (22 if turned else 36), side * away]) / scene.gsd, angle)
        if ((at > -15) & (at < SIDE + 15)).all():
            court(scene, at, angle + (np.pi / 2 if turned else 0), colours)


def _room(scene: Scene, lap: np.ndarray) -> np.ndarray:
    """Where others may build: beyond the apron and clear of the courts, as a mask 0…1."""
    reach = max(int(scene.px(7)), 2) * 2 + 1
    taken = cv2.dilate((scene.owner > 0).astype(np.uint8), np.ones((reach, reach), np.uint8))
    return ((lap > scene.uniform(9, 16)) & (taken == 0)).astype(np.float32)


def _streets(scene: Scene, room: np.ndarray, angle: float) -> tuple[np.ndarray, Streets]:
    """A grid of streets with gardens and yards between them, where there is room; what `fill_city` needs."""
    plot = max(scene.uniform(13, 34), scene.width_m / 19)
    block = plot * scene.rng.integers(2, 6, 2) + scene.uniform(7, 13)
    streets = Streets(angle, block, plot, max(scene.uniform(6, 10), scene.gsd))
    room = room * np.clip(scene.noise(scene.uniform(1, 2), LAND) * 2.5 + scene.uniform(2.5, 8), 0, 1)  # waste land
    x, y = local_m(scene, angle)
    gardens = np.floor(x / (0.7 * plot)).astype(np.int16) * 7 + np.floor(y / (0.55 * plot)).astype(np.int16) * 13
    names = scene.rng.choice(["grass", "soil", "concrete", "asphalt", "tree"], 64, p=(0.42, 0.18, 0.15, 0.13, 0.12))
    shades = np.stack([scene.colour(name) for name in names])
    tone = 1 + scene.uniform(0.06, 0.12) * scene.noise(scene.uniform(0.5, 1), GRAIN)
    scene.paint(room * scene.uniform(0.5, 0.9), shades[gardens & 63] * tone[..., None])
    x, y = x / float(block[0]), y / float(block[1])
    away = np.minimum(np.abs(x - np.rint(x)) * float(block[0]), np.abs(y - np.rint(y)) * float(block[1]))
    lines = np.clip((streets.width_m / 2 - away) / scene.gsd + 0.5, 0, 1) * room
    scene.paint(lines, scene.colour("asphalt") * tone[..., None], "road")
    return room, streets


def _belt(scene: Scene, lap: np.ndarray) -> None:
    """Trees that line the ground and stand about in groups, never on what is played on."""
    free = (scene.owner == 0) & (lap > 3)
    line = np.exp(-(((lap - scene.uniform(6, 14)) / 4) ** 2)) * scene.uniform(0, 0.9)
    groups = 0.35 * scene.noise(scene.uniform(0.8, 1.5), LAND) + scene.uniform(-0.1, 0.3)
    trees(scene, np.clip(line + groups, 0, 0.8) * free, scene.uniform(4, 8))


def _buildings(scene: Scene, room: np.ndarray, centre, angle: float, scale: float) -> None:
    """School blocks or halls around, each where nothing else is."""
    found, taken = [], room < 0.5
    for _ in range(int(np.clip(scene.width_m / 30, 4, 11))):
        side, away = scene.pick([-1, 1]), RADIUS * scale + scene.uniform(35, 110)
        at = centre + rotate(np.array([scene.uniform(-150, 150), side * away]) / scene.gsd, angle)
        if not in_view(at, 10):
            continue
        shapes = wings(scene, at, scene.uniform(18, 48), angle + scene.pick([0, np.pi / 2]))
        covered = scene.stamp(shapes) > 0
        if covered.any() and not (covered & taken).any():
            found.append(shapes)
            taken = taken | (cv2.dilate(covered.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)
    if not found:
        return
    colours = scene.colours("flat roof" if scene.chance(0.6) else "roof", len(found), 2)
    colours = np.repeat(colours, [len(shapes) for shapes in found], 0)
    flat_roofs(scene, np.concatenate(found), colours, scene.uniform(5, 14), None)
    for shapes in found:
        scene.claim(scene.stamp(shapes) > 0, "building")


KINDS = [
    Kind(
        "playground",
        ("a playground", "a sports ground with a running track", "an athletics track"),
        playground,
        (130, 380),
        ("running track", "sports pitch"),
    ),
]
