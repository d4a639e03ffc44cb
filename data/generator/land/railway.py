"""Railway stations: bundles of tracks with trains, platforms under long roofs, a station hall, the town around."""

import numpy as np

from ..drawing.geometry import MIDDLE, in_view, rectangles, rotate
from ..drawing.ground import grass, paving, road, traffic, yard
from ..drawing.plants import trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from ..kind import Kind
from .car_park import car_park
from .pitches import Frame, covers
from .roofs import flat_roofs, wings

GAUGE = 1.435  # metres between rails
WINGS = np.array([[1, 0.35], [1, 1.35]])  # a hall and its middle part: lengths, depths


def railway_station(scene: Scene) -> None:
    angle = scene.angle()
    frame = Frame.at(scene, MIDDLE + scene.rng.uniform(-0.1, 0.1, 2) * SIDE, angle)
    layout = _layout(scene)
    _town(scene, angle)
    _bed(scene, frame, layout)
    _tracks(scene, frame, layout)
    _platforms(scene, frame, angle, layout)
    _trains(scene, frame, angle, layout)
    _overhead(scene, frame, layout)
    _hall(scene, angle, layout)
    if scene.chance(0.3):  # a road across, on a bridge
        place = scene.uniform(-0.4, 0.4)
        across = _points(angle, np.array([[place, -1], [place, 1]]) * scene.width_m, scene)
        scene.shade(scene.stroke(across + scene.sun * scene.px(7) * scene.shadow_length, 16))
        road(scene, across, scene.uniform(9, 18))
        traffic(scene, across, scene.integer(2, 12))


class _Layout:
    """Across the tracks, metres: the middles of tracks and of platforms, and how wide platforms are."""

    def __init__(self, tracks, platforms, wide, start, end):
        self.tracks, self.platforms, self.wide, self.start, self.end = tracks, platforms, wide, start, end


def _layout(scene: Scene) -> _Layout:
    """Pairs of tracks with platforms between them, perhaps sidings; terminal stations end in the picture."""
    wide = scene.uniform(7, 13)
    pairs = scene.integer(1, 3) if scene.width_m < 200 else scene.integer(2, 6)
    place, tracks, platforms = 0.0, [], []
    for _ in range(pairs):
        tracks += [place, place + 4.6]
        platforms.append(place + 4.6 + 2 + wide / 2)
        place += 4.6 + 4 + wide
    for _ in range(scene.integer(0, 6)):  # sidings and through tracks
        tracks.append(place)
        place += 4.7
    middle = place / 2 + scene.uniform(-0.12, 0.12) * scene.width_m
    half = min(scene.uniform(70, 210), 0.6 * scene.width_m)
    start = -half + scene.uniform(-0.2, 0.2) * scene.width_m
    return _Layout(np.array(tracks) - middle, np.array(platforms) - middle, wide, start, start + 2 * half)


def _points(angle: float, metres, scene: Scene) -> np.ndarray:
    return rotate(np.asarray(metres, float), angle) / scene.gsd + MIDDLE


def _town(scene: Scene, angle: float) -> None:
    """Streets, roofs and trees on both sides."""
    scene.image = paving(scene, scene.uniform(0.75, 1)) if scene.chance(0.6) else grass(scene)
    yard(scene, None, scene.uniform(0.3, 0.8), scene.uniform(8, 18))
    trees(scene, np.clip(0.3 * scene.noise(1.2, LAND) + scene.uniform(-0.1, 0.2), 0, 0.7), scene.uniform(4, 8))
    step = scene.uniform(45, 80)
    for side in (-1, 1):
        away = scene.uniform(45, 75)
        line = _points(angle, [[x * scene.width_m, side * away] for x in (-1, 1)], scene)
        road(scene, line, scene.uniform(7, 14))
        traffic(scene, line, scene.integer(1, 8))
        places = [(x, side * (away + y)) for x in np.arange(-1, 1, step / scene.width_m) * scene.width_m
                  for y in (25, 25 + step, 25 + 2 * step)]  # fmt: skip
        centres = _points(angle, places, scene)
        for centre in centres[in_view(centres, 12)][:24]:
            if scene.chance(0.7):
                shapes = wings(scene, centre, step * scene.uniform(0.3, 0.6), angle)
                colours = scene.colours("flat roof" if scene.chance(0.6) else "roof", len(shapes), 1)
                flat_roofs(scene, shapes, colours, 10)


def _bed(scene: Scene, frame: Frame, layout: _Layout) -> None:
    low, high = layout.tracks.min() - 4, max(layout.tracks.max(), layout.platforms.max() + layout.wide / 2) + 4
    ballast = scene.colour("soil") * 0.45 + scene.colour("asphalt") * 0.35
    across = np.abs(frame.across - (low + high) / 2) - (high - low) / 2
    wear = 1 + 0.1 * scene.noise(0.7, GRAIN) + 0.1 * scene.noise(1.5, MOTTLE, 4)
    scene.paint(covers(scene, across), ballast * wear[..., None], "rails")


def _tracks(scene: Scene, frame: Frame, layout: _Layout) -> None:
    """Rust-brown track beds, sleepers and the two rails, as far as they can be resolved."""
    nearest = np.min(np.abs(frame.across[None] - layout.tracks[:, None, None]), 0)
    scene.shade(covers(scene, nearest - 1.25), scene.uniform(0.15, 0.35))
    if scene.gsd < 0.5:
        sleepers = np.sin(2 * np.pi * frame.along / max(0.65, 2.2 * scene.gsd))
        scene.texture(covers(scene, nearest - 1.3) * 0.1 * sleepers)
    rails = np.clip(1 - np.abs(nearest - GAUGE / 2) / max(0.55 * scene.gsd, 0.1), 0, 1)
    strength = min(0.8, 0.12 / scene.gsd * 3)
    scene.paint(rails * strength, np.array([176, 170, 162]) * scene.uniform(0.7, 1.1))


def _platforms(scene: Scene, frame: Frame, angle: float, layout: _Layout) -> None:
    """Pale platforms with edges; most have a roof over part of their length."""
    pale, roof = scene.colour("concrete"), scene.colour("flat roof" if scene.chance(0.7) else "roof")
    hall = scene.chance(0.15)  # one great train shed instead
    middle, half = (layout.start + layout.end) / 2, (layout.end - layout.start) / 2
    inside = np.abs(frame.along - middle) - half
    for place in layout.platforms:
        box = np.maximum(np.abs(frame.across - place) - layout.wide / 2, inside)
        scene.paint(covers(scene, box), pale * (1 + 0.05 * scene.noise(1, GRAIN))[..., None], "platform")
    if hall:
        wide = layout.platforms.max() - layout.platforms.min() + layout.wide + 16
        _roofs(scene, angle, [(layout.platforms.mean(), middle, wide, half * scene.uniform(0.9, 1.5))], roof, 16)
        return
    share, shift = scene.uniform(0.35, 0.95), scene.uniform(-0.2, 0.2) * half
    spots = [(place, middle + shift, layout.wide * scene.uniform(0.75, 1.1), 2 * half * share)
             for place in layout.platforms if scene.chance(0.85)]  # fmt: skip
    _roofs(scene, angle, spots, roof, 5)


def _roofs(scene: Scene, angle: float, spots, colour, height_m: float) -> None:
    """Long roofs with a ridge and cross ribs; spots are (across, along, width, length) in metres."""
    if not spots:
        return
    spots = np.array(spots)
    centres = _points(angle, spots[:, [1, 0]], scene)
    shapes = rectangles(centres, scene.px(spots[:, 3]), scene.px(spots[:, 2]), angle)
    scene.cast(shapes, height_m)
    scene.fill(shapes, colour, "platform roof")
    side = np.array([-np.sin(angle), np.cos(angle)])
    lit = 1.1 if side @ scene.sun < 0 else 0.9
    slope = centres + side * scene.px(spots[:, 2:3] / 4)
    half = rectangles(slope, scene.px(spots[:, 3]), scene.px(spots[:, 2] / 2), angle)
    scene.fill(half, np.clip(colour * lit, 0, 250))
    if scene.gsd < 1.2:
        frame = Frame.at(scene, MIDDLE, angle)
        ribs = np.sin(2 * np.pi * frame.along / max(scene.uniform(4, 9), 3 * scene.gsd))
        scene.texture(scene.stamp(shapes) * (0.05 * ribs + 0.04 * scene.noise(0.8, GRAIN)))


def _trains(scene: Scene, frame: Frame, angle: float, layout: _Layout) -> None:
    """Trains of coaches on some tracks."""
    spots, colours = [], []
    for place in layout.tracks:
        if scene.chance(0.4):
            coach, count = scene.uniform(19, 26), scene.integer(2, 12)
            first = scene.uniform(layout.start - 40, layout.end - 20)
            colour = scene.colour("container" if scene.chance(0.4) else "flat roof") * scene.uniform(0.7, 1.05)
            for i in range(count):
                spots.append((first + i * (coach + 0.8), place, coach))
                colours.append(colour * scene.uniform(0.94, 1.06))
    if not spots:
        return
    spots = np.array(spots)
    centres = _points(angle, spots[:, :2], scene)
    seen = in_view(centres, scene.px(13))
    shapes = rectangles(centres[seen], scene.px(spots[seen, 2]), max(scene.px(2.9), 1.3), angle)
    scene.cast(shapes, 4)
    scene.fill(shapes, np.array(colours)[seen], "coach")
    if scene.px(1) > 1.5 and seen.any():
        strip = rectangles(centres[seen], scene.px(spots[seen, 2] * 0.7), scene.px(0.9), angle)
        scene.fill(strip, np.array(colours)[seen] * 0.75)


def _overhead(scene: Scene, frame: Frame, layout: _Layout) -> None:
    """Gantries across the tracks that carry the wires: mostly their thin shadows are seen."""
    if scene.gsd > 1.3 or scene.chance(0.3):
        return
    step = scene.uniform(40, 60)
    near = np.abs((frame.along / step) % 1 - 0.5) * step
    span = (frame.across > layout.tracks.min() - 3) & (frame.across < layout.tracks.max() + 3)
    shift = np.round(scene.sun * scene.px(6) * scene.shadow_length).astype(int)
    beam = np.clip(1 - near / max(0.7 * scene.gsd, 0.3), 0, 1) * span
    scene.shade(np.roll(beam, (shift[1], shift[0]), (0, 1)), 0.4)
    scene.paint(beam * 0.4, np.array([150, 152, 152]))


def _hall(scene: Scene, angle: float, layout: _Layout) -> None:
    """The station building and its square with cars beside the tracks."""
    side = scene.pick([-1, 1])
    border = layout.tracks.min() - 6 if side < 0 else max(layout.tracks.max(), layout.platforms.max() + 6) + 6
    along = (layout.start + layout.end) / 2 + scene.uniform(-25, 25)
    long, deep = scene.uniform(45, 110), scene.uniform(14, 30)
    centre = _points(angle, [[along, border + side * deep / 2]], scene)
    square = _points(angle, [[along, border + side * (deep + 22)]], scene)
    area = scene.stamp(rectangles(square, scene.px(long), scene.px(34), angle)) > 0.5
    if scene.chance(0.7):
        car_park(scene, area, angle)
    parts = rectangles(np.repeat(centre, 2, 0), scene.px(long) * WINGS[0], scene.px(deep) * WINGS[1], angle)
    flat_roofs(scene, parts, scene.colours("flat roof" if scene.chance(0.5) else "roof", 2, 1), 14, None)
    scene.claim(scene.stamp(parts) > 0, "building")


KINDS = [
    Kind(
        "railway station",
        ("a railway station", "a train station"),
        railway_station,
        (110, 460),
        ("rails", "platform", "platform roof"),
        seasonal=False,
    ),
]
