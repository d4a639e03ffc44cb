"""Railway stations: bundles of tracks with platforms, roofs and trains, the hall, its square, the town around.

Everything along the tracks is laid in one frame: u along, v across, bent in a wide arc.
"""

import numpy as np

from ..drawing.built import buildings
from ..drawing.geometry import MIDDLE, in_view, local_m, rotate
from ..drawing.ground import background, cars, traffic
from ..drawing.plants import trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from ..kind import Kind
from .aprons import as_one
from .car_park import car_park
from .platforms import lay_platforms, roofs
from .roofs import roof_details
from .surroundings import city, fill_city
from .tracks import PITCH, Yard, footbridge, gantries, lay_tracks, paint_at
from .trains import coaches


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
    place = None
    if room.mean() > 0.08:
        place = city(scene, room, yard.angle + scene.rng.normal(0, 0.04) if scene.chance(0.6) else None)
    belt = _verges(scene, field)
    lay_tracks(scene, yard, field, u, v)
    if place is not None:
        fill_city(scene, place)
    hall = None if layout in ("terminus", "shed") else (side, edge_v, square, along)
    _square(scene, yard, hall, (u, v), belt)
    lay_platforms(scene, yard, u, v)
    coaches(scene, yard, layout)
    roofs(scene, yard, layout)
    if layout != "halt" and scene.gsd < 2.5:
        gantries(scene, yard)
    if scene.chance(0.5):
        footbridge(scene, yard)


def _plan(scene: Scene, layout: str) -> Yard:
    """Which tracks and platforms lie side by side: runs of one or two tracks between platforms."""
    runs = {"halt": (1, 1), "through": (1, 3), "large": (3, 6), "terminus": (3, 6), "shed": (3, 5)}[layout]
    # A run with its platform is about 17 m wide; enough of them are laid to be the subject of the picture.
    count = max(scene.integer(*runs), int(np.ceil(scene.width_m / 160)) if layout != "halt" else 1)
    v, tracks, platforms = 0.0, [], []
    length = scene.uniform(90, 160) if layout == "halt" else scene.uniform(160, 400)
    shift = scene.uniform(-0.3, 0.3) * min(scene.width_m, length)
    open_ended = layout not in ("terminus", "shed")
    end = np.inf if open_ended else scene.uniform(-0.05, 0.25) * scene.width_m

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
    angle, aside = scene.uniform(0, 2 * np.pi), scene.uniform(-0.24, 0.24)
    ahead = scene.uniform(-0.25, 0.25) if open_ended else scene.uniform(-0.08, 0.2)
    origin = MIDDLE + rotate(np.array([ahead, aside]) * SIDE, angle)
    curve = scene.rng.normal(0, 0.5) / max(scene.width_m, 250) / 4 if open_ended else 0.0
    tracks = np.array(tracks) - middle
    return Yard(origin, angle, curve, tracks, platforms, low - middle, high - middle, end)


def _verges(scene: Scene, field) -> np.ndarray | None:
    """Rough ground between the tracks and the town; returns how densely bushes stand along it."""
    outside = field * scene.width_m
    rim = np.clip((outside + scene.uniform(6, 14)) / scene.gsd, 0, 1)
    colour = scene.colour("grass" if scene.chance(0.6) else "soil")
    on = (rim > 0) & (field * SIDE < 0.5)  # the tracks are laid over the rest
    tone = 1 + 0.06 * scene.noise(1, GRAIN)[on] + 0.08 * scene.noise(1, MOTTLE)[on]
    paint_at(scene, on, colour * tone[:, None], rim[on] * scene.uniform(0.6, 1))
    scene.owner[rim > 0.5] = 0
    if not scene.chance(0.7):
        return None
    belt = (outside < -1.5) & (outside > -scene.uniform(7, 13))
    return belt * np.clip(scene.uniform(0, 0.6) + 0.4 * scene.noise(1.5, LAND), 0, 0.9)


def _square(scene: Scene, yard: Yard, hall, where, belt) -> None:
    """The station hall beside or across the tracks, the square before it with cars and trees."""
    u, v = where
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
    _paved(scene, yard, area, front, belt)
    first = len(scene.drawn)
    shapes = yard.boxes(scene, boxes)
    colour = scene.colour("flat roof" if scene.chance(0.6) else "tiles") * scene.uniform(0.75, 1)
    tones, pitch = np.stack([colour, colour * 0.92]), scene.pick([0.0, 0.14])
    buildings(scene, shapes, tones, np.array([9, 13]), pitch)
    roof_details(scene, shapes, tones, pitch)
    as_one(scene, first, "building")


def _paved(scene: Scene, yard: Yard, area, front, belt) -> None:
    """The square's paving with its cars, the road before it, trees on the square and bushes along the tracks."""
    wood = belt
    if area.mean() > 0.01:
        first, second = scene.colour("concrete") * scene.uniform(0.65, 0.9), scene.colour("asphalt")
        mix = np.clip(0.5 + 0.3 * scene.noise(1)[area], 0, 1)[:, None]
        tone = 1 + 0.06 * scene.noise(1, GRAIN)[area] + 0.05 * scene.noise(1.5, MOTTLE)[area]
        scene.image[area] = (first + (second - first) * mix) * tone[:, None]
        scene.owner[area] = 0
        if scene.chance(0.2) and scene.gsd < 2.6:
            car_park(scene, area & (scene.noise(2, LAND) > -0.2), yard.angle, planted=0.3)
        planted = area * scene.uniform(0, 0.22) * (scene.owner == 0)
        wood = planted if belt is None else np.where(area, planted, belt)
    if wood is not None and wood.any():
        trees(scene, wood.astype(np.float32), scene.uniform(4, 7.5))
    line = yard.at(scene, np.stack([np.interp(np.linspace(0, 1, 30), [0, 1], front[:, k]) for k in (0, 1)], -1))
    mask = scene.stroke(line, scene.uniform(9, 15)) * (scene.owner == 0)
    on = mask > 0
    paint_at(scene, on, scene.colour("asphalt") * (1 + 0.05 * scene.noise(1, GRAIN)[on])[:, None], mask[on])
    scene.claim(mask > 0.5, "road")
    traffic(scene, line, scene.integer(3, 16), 3)
    if scene.gsd < 1.5:  # taxis and buses at the kerb
        spots = line[scene.rng.integers(0, 30, 10)] + scene.rng.normal(0, scene.px(7), (10, 2))
        cars(scene, spots[in_view(spots, 2)], yard.angle, scene.pick([4.6, 12.0]), 2.3)


KINDS = [
    Kind(
        "railway station",
        ("a railway station", "a train station"),
        railway_station,
        (90, 600),
        ("rails", "platform"),
    )
]
