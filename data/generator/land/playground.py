"""Playgrounds in the sense of RSICD: running tracks around a pitch, with courts, schools or streets beside them."""

import numpy as np

from ..drawing.geometry import MIDDLE, in_view, rotate, straight
from ..drawing.ground import grass, paving, road, traffic, yard
from ..drawing.plants import trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import LAND
from ..kind import Kind
from .pitches import Frame, court, court_colours, covers, football, running_track, track_colour
from .roofs import flat_roofs, wings


def playground(scene: Scene) -> None:
    angle = scene.angle()
    _grounds(scene)
    scale = scene.pick([1.0, scene.uniform(0.5, 0.85)], [0.7, 0.3])
    count = 2 if scene.width_m > 260 and scene.chance(0.2) else 1
    colour = track_colour(scene)
    away = 0.22 if scene.chance(0.4) else 0.08  # often cut by the frame
    for i in range(count):
        shift = (i - (count - 1) / 2) * scene.px(110)
        centre = MIDDLE + rotate([scene.uniform(-0.08, 0.08) * SIDE, shift], angle)
        centre = centre + scene.rng.uniform(-away, away, 2) * SIDE
        _oval(scene, centre, angle, scale, colour)
    _courts(scene, centre, angle, scale)
    _buildings(scene, centre, angle, scale)
    if scene.chance(0.6):
        points = straight(scene, angle + scene.pick([0, np.pi / 2]), scene.uniform(0.36, 0.48) * SIDE)
        road(scene, points, scene.uniform(6, 14))
        traffic(scene, points, scene.integer(0, 10))


def _grounds(scene: Scene) -> None:
    scene.image = grass(scene)
    if scene.chance(0.55):
        scene.paint(np.clip(scene.noise(2, LAND) / 0.1 + scene.uniform(-4, 8), 0, 1), paving(scene, 0.9))
    if scene.chance(0.5):
        yard(scene, None, scene.uniform(0.1, 0.4), scene.uniform(8, 20))
    trees(scene, np.clip(0.3 * scene.noise(1.5, LAND) + scene.uniform(-0.1, 0.2), 0, 0.7), scene.uniform(4, 8))


def _oval(scene: Scene, centre, angle: float, scale: float, colour) -> None:
    """The track with its apron and what lies inside: a pitch, bare ground, or a coloured surface."""
    frame = Frame.at(scene, centre, angle)
    apron = covers(scene, frame.stadium(42.2 * scale) - (36.5 * scale + 9.8 + scene.uniform(1, 8)))
    edge = paving(scene) if scene.chance(0.4) else grass(scene)
    scene.paint(apron, edge)
    inside = covers(scene, frame.stadium(42.2 * scale) - 36.5 * scale)
    kind = scene.pick(["grass", "soil", "surface"], [0.65, 0.2, 0.15])
    floor = grass(scene) if kind == "grass" else scene.surface(scene.colour("soil"), scene.colour("grass"), 1.5, 0.07)
    scene.paint(inside, colour * 0.95 if kind == "surface" else floor)
    if kind != "soil":
        size = (105, 68) if scale == 1 else (scale * 100, scale * 58)
        football(scene, frame, *size)
    running_track(scene, frame, scale, colour)
    if scene.chance(0.6):  # the fields inside the curves
        curve = covers(scene, frame.stadium(42.2 * scale) - 33 * scale) * (np.abs(frame.along) > 56 * scale)
        scene.paint(curve * scene.uniform(0.5, 1), colour if scene.chance(0.6) else scene.colour("soil"))


def _courts(scene: Scene, centre, angle: float, scale: float) -> None:
    """A row of courts along one side."""
    if scene.chance(0.35):
        return
    side, colours = scene.pick([-1, 1]), court_colours(scene)
    away = (36.5 * scale + 10) + scene.uniform(14, 26)
    start, turned = scene.uniform(-70, 10), scene.chance(0.5)
    for i in range(scene.integer(1, 6)):
        at = centre + rotate(np.array([start + i * (22 if turned else 36), side * away]) / scene.gsd, angle)
        if ((at > -15) & (at < SIDE + 15)).all():
            court(scene, at, angle + (np.pi / 2 if turned else 0), colours)


def _buildings(scene: Scene, centre, angle: float, scale: float) -> None:
    """School blocks or halls around, where the picture is wide enough."""
    found = []
    for side in (-1, 1):
        for _ in range(scene.integer(0, 3)):
            away = 36.5 * scale + 14 + scene.uniform(30, 60)
            at = centre + rotate(np.array([scene.uniform(-90, 90), side * away]) / scene.gsd, angle)
            if in_view(at[None], 20)[0]:
                found.append(wings(scene, at, scene.uniform(14, 34), angle + scene.pick([0, np.pi / 2])))
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
