"""Railway stations: bundles of tracks with platforms, roofs and trains, the hall, its square, the town around.

Everything along the tracks is laid in one frame: u along, v across, bent in a wide arc.
"""

from dataclasses import dataclass

import numpy as np

from ..drawing.geometry import MIDDLE, in_view, local_m, rectangles, rotate
from ..drawing.ground import background, cars, grass, traffic
from ..drawing.plants import trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from ..kind import Kind
from .aprons import as_one
from .car_park import car_park
from .roofs import flat_roofs
from .runways import YELLOW, bar
from .surroundings import city, fill_city
from .trains import coaches

GAUGE, PITCH = 1.5, 4.7  # metres between rails and between tracks


@dataclass(frozen=True)
class Yard:
    """The frame of a station in metres: `tracks` are the tracks' middles [n], `platforms` (v0, v1, u0, u1) [m, 4]."""

    origin: np.ndarray
    angle: float
    curve: float  # metres sideways a square metre along
    tracks: np.ndarray
    platforms: np.ndarray
    low: float
    high: float
    end: float  # tracks end here, at a terminus; else infinite

    def at(self, scene: Scene, points_m) -> np.ndarray:
        points = np.array(points_m, np.float64)
        points[..., 1] += self.curve * points[..., 0] ** 2
        return rotate(points, self.angle) / scene.gsd + self.origin

    def boxes(self, scene: Scene, boxes_m) -> np.ndarray:
        """Boxes [n, 4] (u0, v0, u1, v1 in metres) as polygons [n, 4, 2] in pixels."""
        return self.at(scene, np.asarray(boxes_m, np.float64).reshape(-1, 4)[:, [[0, 1], [2, 1], [2, 3], [0, 3]]])

    def direction(self, u) -> np.ndarray:
        return self.angle + np.arctan(2 * self.curve * np.asarray(u))


def railway_station(scene: Scene) -> None:
    shares = [0.24, 0.3, 0.2, 0.17, 0.09] if scene.width_m < 300 else [0.0, 0.3, 0.38, 0.22, 0.1]
    layout = scene.pick(["halt", "through", "large", "terminus", "shed"], shares)
    yard = _plan(scene, layout)
    u, v = local_m(scene, yard.angle, yard.origin)
    v = v - yard.curve * u**2
    field = np.minimum(np.minimum(v - yard.low, yard.high - v), yard.end + 70 - u) / scene.width_m
    field = field.astype(np.float32)
    margin = scene.uniform(5, 14) / scene.width_m
    side = scene.pick([-1, 1])
    square = scene.uniform(30, 60)  # depth of the hall and its square
    edge_v = yard.high if side > 0 else -yard.low
    if layout not in ("terminus", "shed"):
        along = scene.uniform(60, 170)
        hall_side = np.minimum(square - (side * v - edge_v), along - np.abs(u)) / scene.width_m
        open_field = np.maximum(field, hall_side)
    else:
        open_field = field
    background(scene, scene.pick(["grass", "soil", "field"], [0.6, 0.3, 0.1]) if layout == "halt" else "soil")
    room = open_field < -margin
    if layout == "halt":  # a town on one side only
        room = room & (side * v > -scene.uniform(0, 200))
    place = city(scene, room, yard.angle + scene.rng.normal(0, 0.04) if scene.chance(0.6) else None)
    _verges(scene, yard, field, u, v)
    _tracks(scene, yard, field, u, v)
    fill_city(scene, place)
    if layout in ("terminus", "shed"):
        _square(scene, yard, None, u, v)
    else:
        _square(scene, yard, (side, edge_v, square, along), u, v)
    _platforms(scene, yard, u, v)
    coaches(scene, yard, layout)
    _roofs(scene, yard, layout)
    if layout != "halt" and scene.gsd < 2.5:
        _gantries(scene, yard)
    if scene.chance(0.5):
        _footbridge(scene, yard)


def _plan(scene: Scene, layout: str) -> Yard:
    """Which tracks and platforms lie side by side: runs of one or two tracks between platforms."""
    runs = {"halt": (1, 1), "through": (1, 3), "large": (3, 6), "terminus": (3, 6), "shed": (3, 5)}[layout]
    count = scene.integer(*runs)
    v, tracks, platforms = 0.0, [], []
    length = scene.uniform(90, 160) if layout == "halt" else scene.uniform(160, 400)
    shift = scene.uniform(-0.3, 0.3) * min(scene.width_m, length)
    end = np.inf if layout not in ("terminus", "shed") else scene.uniform(-0.05, 0.35) * scene.width_m

    def platform(width):
        nonlocal v
        stop = length / 2 * scene.uniform(0.85, 1.1)
        first, last = (shift - stop, shift + stop) if np.isinf(end) else (end - 2 * stop, end + 6)
        platforms.append((v + 1.65, v + 1.65 + width, first, last))
        v += width + 3.3

    for _ in range(scene.integer(0, 4) if layout in ("large", "terminus") else 0):  # sidings
        tracks.append(v)
        v += PITCH
    v -= PITCH if tracks else 0
    if layout == "halt" or scene.chance(0.6):
        platform(scene.uniform(3.5, 7))
    for i in range(count):
        for _ in range(2 if layout == "halt" else scene.pick([1, 2, 3], [0.1, 0.75, 0.15])):
            tracks.append(v)
            v += PITCH
        v -= PITCH
        if i < count - 1 or not platforms or scene.chance(0.7):
            platform(scene.uniform(6.5, 12) if layout != "halt" else scene.uniform(3.5, 6))
    low = min(tracks[0] - 3.2, platforms[0][0] - 0.5)
    high = max(tracks[-1] + 3.2, platforms[-1][1] + 0.5) + (scene.uniform(0, 12) if scene.chance(0.4) else 0)
    middle = (low + high) / 2
    platforms = np.array(platforms) - np.array([middle, middle, 0, 0])
    origin = MIDDLE + scene.rng.uniform(-0.25, 0.25, 2) * SIDE
    curve = scene.rng.normal(0, 0.5) / max(scene.width_m, 250) / 4 if np.isinf(end) else 0.0
    tracks = np.array(tracks) - middle
    return Yard(origin, scene.uniform(0, 2 * np.pi), curve, tracks, platforms, low - middle, high - middle, end)


def _verges(scene: Scene, yard: Yard, field, u, v) -> None:
    """Rough ground, a service way, bushes and a wall between the tracks and the town."""
    rim = np.clip((field * scene.width_m + scene.uniform(6, 14)) / scene.gsd, 0, 1)
    scene.paint(rim * scene.uniform(0.6, 1), grass(scene) if scene.chance(0.6) else scene.colour("soil"))
    scene.owner[rim > 0.5] = 0
    if scene.chance(0.7):
        outside = field * scene.width_m
        belt = (outside < -1.5) & (outside > -scene.uniform(7, 13))
        amount = np.clip(scene.uniform(0, 0.6) + 0.4 * scene.noise(1.5, LAND), 0, 0.9)
        trees(scene, belt * amount, scene.uniform(3.5, 7))


def _tracks(scene: Scene, yard: Yard, field, u, v) -> None:
    """Ballast stained by rust and oil, darker where trains stand, sleepers' beds, shining rails, points."""
    bed = np.clip(field * scene.width_m / scene.gsd + 0.5, 0, 1)
    stone = scene.colour("soil") * scene.uniform(0.3, 0.55) + scene.colour("asphalt") * scene.uniform(0.35, 0.6)
    grain = scene.noise(1, MOTTLE, 5, yard.angle)
    tone = 1 + 0.06 * grain + 0.07 * scene.noise(0.8, GRAIN) - 0.07 * np.clip(scene.noise(2, LAND), -1, 2)
    table = scene.rng.normal(0, 1, 400)  # every track has its own age
    which = np.searchsorted((yard.tracks[1:] + yard.tracks[:-1]) / 2, v)
    d = np.abs(v - yard.tracks.astype(np.float32)[which])
    tone += scene.uniform(0.02, 0.1) * table[which].astype(np.float32) * (d < 2.2)
    tone -= scene.uniform(0.08, 0.25) * bar(d, 1.25, scene.gsd)  # sleepers
    tone -= scene.uniform(0.0, 0.2) * bar(d, 0.5, scene.gsd) * np.clip(0.5 + 0.5 * grain, 0, 1)  # oil
    colour = stone * tone[..., None]
    rails = bar(np.abs(d) - GAUGE / 2, 0.11, scene.gsd) * scene.uniform(0.7, 1.1)
    colour = colour + np.minimum(rails, 0.8)[..., None] * (np.array([176, 172, 166], np.float32) - colour)
    buffers = np.clip((yard.end - u) / scene.gsd + 0.5, 0, 1)
    scene.paint(bed * buffers, colour, "rails")
    weeds = np.clip(scene.noise(1.5, MOTTLE) - scene.uniform(0.6, 1.6), 0, 1) * bed * (d > 1.4) * buffers
    scene.paint(weeds, scene.colour("grass"))
    if len(yard.tracks) > 2:
        _points(scene, yard, stone)


def _points(scene: Scene, yard: Yard, stone) -> None:
    """Crossovers between neighbouring tracks beyond the platforms' ends."""
    lines = []
    for _ in range(scene.integer(2, 8)):
        i = scene.integer(0, len(yard.tracks) - 2)
        gap = yard.tracks[i + 1] - yard.tracks[i]
        start = scene.pick(yard.platforms[:, 2] - gap * 9 - scene.uniform(0, 60), None)
        if np.isinf(yard.end) and scene.chance(0.5):
            start = scene.pick(yard.platforms[:, 3]) + scene.uniform(10, 60)
        t = np.linspace(0, 1, 8)
        ease = 3 * t**2 - 2 * t**3
        ends = yard.tracks[[i, i + 1]] if scene.chance(0.5) else yard.tracks[[i + 1, i]]
        lines.append(np.stack([start + t * gap * 9, ends[0] + ease * (ends[1] - ends[0])], -1))
    beds = np.max([scene.stroke(yard.at(scene, line), 2.4) for line in lines], 0)
    rails = [line + np.array([0, side * GAUGE / 2]) for line in lines for side in (-1, 1)]
    scene.paint(beds * 0.6, stone * 0.72)
    shine = np.max([scene.stroke(yard.at(scene, line), 0.2) for line in rails], 0)
    scene.paint(shine * min(0.25 / scene.gsd, 0.8), np.array([176, 172, 166], np.float32))


def _platforms(scene: Scene, yard: Yard, u, v) -> None:
    """Paved or sealed, with pale edges, worn middles, benches and stairs."""
    colour = scene.colour("concrete" if scene.chance(0.6) else "asphalt") * scene.uniform(0.8, 1.05)
    tone = 1 + 0.06 * scene.noise(0.8, MOTTLE) + 0.04 * scene.noise(1, GRAIN)
    distances = []
    for v0, v1, u0, u1 in yard.platforms:
        distances.append(np.minimum(np.minimum(v - v0, v1 - v), np.minimum(u - u0, u1 - u) * 0.3))
    d = np.max(distances, 0)
    mask = np.clip(d / scene.gsd + 0.5, 0, 1)
    scene.shade(np.clip((d + 1.2 * scene.shadow_length) / scene.gsd, 0, 1) * (1 - mask), 0.25)
    ages = scene.rng.uniform(0.88, 1.1, len(distances)).astype(np.float32)
    scene.paint(mask, colour * (ages[np.argmax(distances, 0)] * tone)[..., None])
    for one in distances:
        scene.claim(one > 0, "platform")
    lines = bar(d - 0.5, 0.16, scene.gsd)
    edge = YELLOW if scene.chance(0.35) else np.array([222, 220, 212], np.float32)
    scene.paint(lines * scene.uniform(0.4, 0.9), edge)
    if scene.gsd < 1:
        many = yard.platforms[scene.rng.integers(0, len(yard.platforms), 40)]
        spots = np.stack([scene.rng.uniform(many[:, 2], many[:, 3]), many[:, :2].mean(1)], -1)
        shapes = rectangles(yard.at(scene, spots), scene.px(scene.rng.uniform(1, 3, 40)), scene.px(1), yard.angle)
        scene.cast(shapes, 2)
        scene.fill(shapes, scene.colours("asphalt", 40, 4))


def _roofs(scene: Scene, yard: Yard, layout: str) -> None:
    """A long roof on most platforms, cut into bays; over a terminus now and then one great hall for all."""
    if layout == "shed":
        _shed(scene, yard)
        return
    colour = scene.colour("flat roof" if scene.chance(0.7) else "roof") * scene.uniform(0.7, 0.95)
    colour = colour * 0.5 + colour.mean() * 0.5
    share, height = scene.uniform(0.2, 0.9), 4.5
    ridge = scene.pick([0.0, 0.13, -0.1], [0.4, 0.35, 0.25])
    for v0, v1, u0, u1 in yard.platforms:
        if scene.chance(0.15 if layout != "halt" else 0.6):
            continue
        long = (u1 - u0) * share * scene.uniform(0.8, 1.05)
        start = u1 - long - 4 if np.isfinite(yard.end) else (u0 + u1 - long) / 2 + scene.uniform(-0.1, 0.1) * long
        over = scene.uniform(-0.9, 0.6)
        cuts = np.linspace(start, start + long, max(int(long / 26), 2))
        bays = np.stack([cuts[:-1], 0 * cuts[1:] + v0 - over, cuts[1:], 0 * cuts[1:] + v1 + over], -1)
        shapes = yard.boxes(scene, bays)
        scene.cast(shapes, height)
        tones = colour * scene.rng.uniform(0.93, 1.05, (len(bays), 1))
        scene.fill(shapes, np.clip(tones, 5, 245))
        if ridge:  # two slopes, up or down to the middle
            half = shapes.copy()
            half[:, 2:] = (shapes[:, [1, 0]] + shapes[:, [2, 3]]) / 2
            out = shapes[0, 0] - shapes[0, 3]
            lit = 1 - 2 * ridge * float(out @ scene.sun) / (np.linalg.norm(out) + 1e-6)
            scene.fill(half, np.clip(tones * lit, 5, 245))
        elif scene.px(1) > 0.8:
            seams = np.stack([cuts - 0.3, 0 * cuts + v0, cuts + 0.3, 0 * cuts + v1], -1)
            scene.fill(yard.boxes(scene, seams), np.clip(colour * 0.75, 5, 245))


def _shed(scene: Scene, yard: Yard) -> None:
    """One arched roof of glass and sheets over all platforms."""
    long = scene.uniform(90, 190)
    u, v = local_m(scene, yard.angle, yard.origin)
    spans = scene.pick([1, 2, 3])
    wide = (yard.high - yard.low + 4) / spans
    across = (v - yard.low + 2) / wide
    inside = np.minimum(np.minimum(v - yard.low + 2, yard.high + 2 - v), yard.end + 8 - u)
    inside = np.minimum(inside, u - yard.end + long)
    mask = np.clip(inside / scene.gsd + 0.5, 0, 1)
    box = yard.boxes(scene, [(yard.end - long, yard.low - 2, yard.end + 8, yard.high + 2)])
    scene.cast(box, scene.uniform(14, 22))
    normal = np.array([-np.sin(yard.angle), np.cos(yard.angle)])
    slope = (across % 1) * 2 - 1
    tone = 1 - 0.35 * slope * float(normal @ scene.sun)
    rib = scene.uniform(8, 16)
    tone = tone - 0.12 * bar(u % rib - rib / 2, 0.4, scene.gsd) - 0.1 * (np.abs(slope) > 0.94)
    glass = (np.abs(slope) < scene.uniform(0.15, 0.6)) * scene.uniform(0.0, 0.4)
    colour = scene.colour("flat roof") * 0.85
    image = colour * (tone + 0.06 * scene.noise(1, MOTTLE))[..., None]
    image = image + glass[..., None] * (np.array([70, 84, 92], np.float32) - image)
    scene.paint(mask, image, "building")


def _square(scene: Scene, yard: Yard, hall, u, v) -> None:
    """The station hall beside or across the tracks, the square before it with cars and trees."""
    if hall is None:
        middle, long, deep = (yard.low + yard.high) / 2, yard.high - yard.low, scene.uniform(18, 40)
        boxes = [(yard.end + 8, yard.low - 4, yard.end + 8 + deep, yard.high + 4)]
        boxes.append((yard.end + 6, middle - 0.2 * long, yard.end + deep + 14, middle + 0.2 * long))
        area = (u > yard.end + 2) & (u < yard.end + deep + 45) & (np.abs(v - middle) < long * 0.8)
        front = np.array([[yard.end + deep + 50, -3e2], [yard.end + deep + 50, 3e2]])
    else:
        side, edge_v, square, along = hall
        deep, x = scene.uniform(10, 20), scene.uniform(-30, 30)
        near, long = edge_v + 2, scene.uniform(35, 110)
        rows = [(x - long / 2, near, x + long / 2, near + deep), (x - 10, near - 1, x + 10, near + deep + 5)]
        boxes = [(a, min(side * b, side * d), c, max(side * b, side * d)) for a, b, c, d in rows]
        area = (side * v > edge_v) & (side * v < edge_v + square) & (np.abs(u) < along)
        front = np.array([[-3e2, side * (edge_v + square + 4)], [3e2, side * (edge_v + square + 4)]])
    _paved(scene, yard, area, front)
    first = len(scene.drawn)
    shapes = yard.boxes(scene, boxes)
    colour = scene.colour("flat roof" if scene.chance(0.6) else "tiles") * scene.uniform(0.75, 1)
    flat_roofs(scene, shapes, np.stack([colour, colour * 0.92]), np.array([9, 13]), pitch=scene.pick([0.0, 0.14]))
    as_one(scene, first, "building")


def _paved(scene: Scene, yard: Yard, area, front) -> None:
    if area.mean() > 0.01:
        first = scene.colour("concrete") * scene.uniform(0.65, 0.9)
        scene.paint(area.astype(np.float32), scene.surface(first, scene.colour("asphalt"), 1, 0.06))
        scene.owner[area] = 0
        if scene.chance(0.3) and scene.gsd < 2.6:
            car_park(scene, area & (scene.noise(2, LAND) > -0.2), yard.angle, planted=0.3)
        trees(scene, area * scene.uniform(0, 0.22) * (scene.owner == 0), scene.uniform(5, 8))
    line = yard.at(scene, np.stack([np.interp(np.linspace(0, 1, 30), [0, 1], front[:, k]) for k in (0, 1)], -1))
    mask = scene.stroke(line, scene.uniform(9, 15)) * (scene.owner == 0)
    scene.paint(mask, scene.colour("asphalt") * (1 + 0.05 * scene.noise(1, GRAIN))[..., None], "road")
    traffic(scene, line, scene.integer(3, 16), 3)
    if scene.gsd < 1.5:  # taxis and buses at the kerb
        spots = line[scene.rng.integers(0, 30, 10)] + scene.rng.normal(0, scene.px(7), (10, 2))
        cars(scene, spots[in_view(spots, 2)], yard.angle, scene.pick([4.6, 12.0]), 2.3)


def _gantries(scene: Scene, yard: Yard) -> None:
    """Masts and beams of the overhead line: thin, but their shadows cross all tracks."""
    reach = 0.8 * scene.width_m
    places = np.arange(-reach, min(reach, yard.end), scene.uniform(45, 65)) + scene.uniform(0, 20)
    ends = np.array([[(x, yard.low + 1), (x, yard.high - 1)] for x in places])
    lines = yard.at(scene, ends)
    step = lines[:, 1] - lines[:, 0]
    size, turn = np.hypot(*step.T), np.arctan2(step[:, 1], step[:, 0])
    thick = max(scene.px(0.4), 0.7)
    beams = rectangles(lines.mean(1), size, thick, turn)
    scene.shade(scene.stamp(beams + scene.sun * scene.px(8 * scene.shadow_length)), 0.3 * min(1, 1.2 / scene.gsd))
    if scene.gsd < 1.2:
        scene.fill(beams, np.array([120, 122, 122]) * scene.uniform(0.7, 1.3))


def _footbridge(scene: Scene, yard: Yard) -> None:
    u0, u1 = yard.platforms[:, 2].mean(), min(yard.platforms[:, 3].mean(), yard.end)
    x = scene.uniform(0.25, 0.75) * (u1 - u0) + u0
    box = yard.boxes(scene, [(x - 2.2, yard.low - 2, x + 2.2, yard.high + 2)])
    scene.cast(box, 8)
    scene.fill(box, scene.colour("flat roof") * 0.8)
    scene.fill(yard.boxes(scene, [(x - 1.2, yard.low - 2, x + 0.2, yard.high + 2)]), scene.colour("flat roof") * 0.85)


KINDS = [
    Kind(
        "railway station",
        ("a railway station", "a train station"),
        railway_station,
        (90, 600),
        ("rails", "platform"),
    )
]
