"""Road interchanges: two roads on two levels, joined by loops, ramps or roundabouts."""

import numpy as np

from ..drawing.geometry import MIDDLE
from ..drawing.ground import background, furrows, grass
from ..drawing.plants import canopy, trees
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from .highways import (
    QUADRANTS,
    Crossing,
    Way,
    axis,
    embankment,
    highway,
    lay_ways,
    loop,
    overpass,
    quarter,
    ring,
    vehicles,
)
from .streets import corners, gentle, split
from .surroundings import city, fill_city

LAYOUTS = {"cloverleaf": 0.27, "diamond": 0.17, "trumpet": 0.13, "stack": 0.15, "dumbbell": 0.14, "rotary": 0.14}


def road_interchange(scene: Scene) -> None:
    first, skew = scene.uniform(0, 2 * np.pi), scene.uniform(-0.45, 0.45)
    axes = np.array([[np.cos(a), np.sin(a)] for a in (first, first + np.pi / 2 + skew)])
    bend = gentle(scene, 0.15) if scene.chance(0.5) else None
    crossing = Crossing(MIDDLE + scene.rng.normal(0, SIDE * 0.09, 2), axes, bend)
    width = min(scene.uniform(14, 34), scene.width_m / 9)
    layout = scene.pick(list(LAYOUTS), list(LAYOUTS.values()))
    _land(scene, crossing, width, first)
    base = scene.colour("asphalt")
    base = np.clip((base * 0.3 + base.mean() * 0.7) * scene.uniform(0.7, 1.3), 50, 190)
    wear = 0.05 * scene.noise(1, GRAIN) + 0.07 * scene.noise(1.2, MOTTLE) + 0.03 * scene.noise(2.5, LAND)
    asphalt = base * (1 + wear)[..., None]
    draw = {"cloverleaf": _cloverleaf, "diamond": _diamond, "trumpet": _trumpet, "stack": _stack,
            "dumbbell": _dumbbell, "rotary": _rotary}[layout]  # fmt: skip
    draw(scene, crossing, width, asphalt)


def _land(scene: Scene, crossing: Crossing, width: float, angle: float) -> None:
    """Fields, open country, woods or a town, kept clear of the junction; mown grass and trees inside it."""
    look = scene.pick(["country", "fields", "town"], [0.37, 0.28, 0.35])
    ground = scene.pick(["grass", "soil", "forest"], [0.5, 0.25, 0.25]) if look == "country" else "grass"
    background(scene, ground)
    if look == "fields":
        _fields(scene, angle)
    x, y = ((grid - at) * scene.gsd for grid, at in zip((COLUMNS, ROWS), crossing.centre.tolist(), strict=True))
    axes = crossing.axes.tolist()
    beside = np.minimum(*(np.abs(x * b - y * a) for a, b in axes))
    ragged = scene.noise(scene.uniform(1, 2), LAND)
    away = 0.5 * np.sqrt(x * x + y * y) + 0.7 * np.maximum(*(np.abs(x * a + y * b) for a, b in axes))
    core = scene.width_m * (scene.uniform(0.2, 0.38) + scene.uniform(0.05, 0.12) * ragged)
    if look == "town":
        room = ((away > core) & (beside > width / 2 + scene.uniform(18, 45))).astype(np.float32)
        fill_city(scene, city(scene, room, angle if scene.chance(0.5) else None))
    if scene.chance(0.7):
        inside = np.clip((core - away) / scene.uniform(15, 90) + 0.5, 0, 1)
        inside = np.maximum(inside, np.clip((width / 2 + scene.uniform(8, 25) - beside) / 6 + 0.5, 0, 1))
        on = inside > 0
        colour = scene.colour("grass" if scene.chance(0.8) else "soil")
        colour = colour * (1 + 0.07 * scene.noise(1, GRAIN)[on] + 0.09 * ragged[on])[:, None]
        part = scene.image[on]
        scene.image[on] = part + (colour - part) * (inside[on] * scene.uniform(0.35, 0.95))[:, None]
        scene.owner[inside > 0.5] = 0
    if scene.chance(0.75):  # planted in clumps between the ramps
        clumps = np.clip((scene.noise(scene.uniform(0.8, 2), LAND) - scene.uniform(-0.3, 1.2)) * 2, 0, 0.9)
        trees(scene, clumps * (1 if look == "country" else away < core * 1.2), scene.uniform(4, 8))
    if look == "country" and ground != "forest" and scene.chance(0.4):
        edge = scene.noise(2.5, LAND) - scene.uniform(0.2, 1)
        canopy(scene, mask=np.clip(edge * 6, 0, 1) * (beside > width))


def _fields(scene: Scene, angle: float) -> None:
    """Oblong fields of several crops, cut by the roads."""
    reach = scene.width_m * 0.8
    boxes = split(scene, np.array([[-reach, -reach, reach, reach]]), scene.uniform(120, 260), scene.uniform(0, 4))
    turn = angle + scene.uniform(-0.6, 0.6)
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    before = scene.image.mean(-1, keepdims=True) / max(float(scene.image.mean()), 1)
    scene.fill(corners(boxes) @ spin / scene.gsd + MIDDLE, scene.colours("crop", len(boxes), 5))
    scene.image *= before  # keeps the grain of the ground
    furrows(scene)


def _both(
    scene: Scene, crossing: Crossing, width: float, asphalt, second: float, lines=(), start: float = -1.0
) -> None:
    """Both highways, the upper one last; traffic on `lines` of ramps comes with that of the lower one."""
    upper = axis(scene, crossing, 1, start)
    embankment(scene, crossing, upper, second)
    highway(scene, axis(scene, crossing, 0), width, asphalt, lines=lines)
    overpass(scene, crossing, upper, second, asphalt * scene.uniform(0.86, 1.14), width)


def _ramp(scene: Scene, crossing: Crossing, points_m, kind: str = "ramp") -> Way:
    width = max(scene.uniform(5, 9), 2.2 * scene.gsd)
    return Way(crossing.line(scene, points_m), width, kind)


def _cloverleaf(scene: Scene, crossing: Crossing, width: float, asphalt) -> None:
    """Four loops or fewer, and outer ramps in most quadrants."""
    size = min(scene.uniform(32, 75), scene.width_m * 0.15)
    quadrants = [q for q in QUADRANTS if scene.chance(0.75)] or [QUADRANTS[0]]
    ways = [_ramp(scene, crossing, loop(size * scene.uniform(0.8, 1.15), signs), "loop ramp") for signs in quadrants]
    for signs in QUADRANTS:
        if scene.chance(0.85):
            outer = quarter(size * scene.uniform(4.0, 5.5), signs, scene.uniform(0.3, 0.55))
            ways.append(_ramp(scene, crossing, outer))
    lines = lay_ways(scene, ways, asphalt)
    _both(scene, crossing, width, asphalt, width * scene.uniform(0.7, 1), lines)


def _slips(scene: Scene, rise: float, reach: float) -> list[np.ndarray]:
    """Four slip roads [20, 2] in metres that leave the lower road and reach the upper one `rise` metres from it."""
    t = np.linspace(0, 1, 20)
    points = np.stack([reach * (1 - t), rise * (3 * t**2 - 2 * t**3)], -1)
    return [points * signs * scene.uniform(0.92, 1.05) for signs in QUADRANTS]


def _diamond(scene: Scene, crossing: Crossing, width: float, asphalt) -> None:
    """Straight ramps from the highway up to a smaller road; some quadrants have a loop instead."""
    reach = scene.width_m * scene.uniform(0.3, 0.55)
    ways = [_ramp(scene, crossing, slip) for slip in _slips(scene, scene.uniform(0.12, 0.3) * reach, reach)]
    for i, signs in enumerate(QUADRANTS):
        if scene.chance(0.2):
            ways[i] = _ramp(scene, crossing, loop(min(45, scene.width_m * 0.12), signs), "loop ramp")
    lines = lay_ways(scene, ways, asphalt)
    _both(scene, crossing, width, asphalt, max(width * 0.55, 9), lines)


def _trumpet(scene: Scene, crossing: Crossing, width: float, asphalt) -> None:
    """A highway that ends at another one: a loop, a ramp around it, and two flat quarters."""
    size, side = min(scene.uniform(35, 70), scene.width_m * 0.14), scene.pick([-1, 1])
    ways = [_ramp(scene, crossing, loop(size, np.array([side, -1])), "loop ramp")]
    for signs in ((1, 1), (-1, 1)):
        outer = quarter(size * scene.uniform(3, 5), np.array(signs), scene.uniform(0.3, 0.5))
        ways.append(_ramp(scene, crossing, outer))
    turn = np.linspace(0, 1, 24)[:, None]
    pull = np.array([-side * size * 0.2, -size * 0.1])
    around = (1 - turn) ** 2 * [-side * size * 3, 0] + 2 * turn * (1 - turn) * pull + turn**2 * [0, size * 2]
    ways.append(_ramp(scene, crossing, around))
    lines = lay_ways(scene, ways, asphalt)
    _both(scene, crossing, width, asphalt, max(width * 0.6, 9), lines, -size / scene.width_m)


def _stack(scene: Scene, crossing: Crossing, width: float, asphalt) -> None:
    """Right turns outside, left turns as long ramps on bridges through the middle."""
    reach = scene.width_m * scene.uniform(0.4, 0.7)
    outer = [quarter(reach, signs, scene.uniform(0.4, 0.6)) for signs in QUADRANTS if scene.chance(0.9)]
    lines = lay_ways(scene, [_ramp(scene, crossing, points) for points in outer], asphalt)
    _both(scene, crossing, width, asphalt, width * scene.uniform(0.7, 1), lines)
    high = [quarter(reach, s, scene.uniform(0.85, 1.0)) for s in QUADRANTS if scene.chance(0.65)]
    ways = [_ramp(scene, crossing, points) for points in high]
    for way in ways:  # viaducts: shadow, parapets, deck
        scene.shade(scene.stroke(way.points + scene.sun * scene.px(9 * scene.shadow_length), way.width), 0.4)
        deck = scene.stroke(way.points, way.width)
        scene.paint(scene.stroke(way.points, way.width + 1.6), np.clip(asphalt * 1.4, 0, 228))
        scene.paint(deck, asphalt * scene.uniform(1, 1.12), "ramp")
    if ways:
        vehicles(scene, [(way.points, scene.integer(0, 4), 1.5) for way in ways])


def _roundabouts(scene: Scene, crossing: Crossing, rings, width: float, asphalt) -> None:
    """Rings [(centre, radius)] in metres round islands with grass and trees, each an object."""
    for centre, radius in rings:
        line = crossing.line(scene, ring(centre, radius))
        middle = line[:-1].mean(0)
        scene.paint(scene.disc(middle, scene.px(radius)), grass(scene))
        scene.owner[scene.disc(middle, scene.px(radius)) > 0.5] = 0
        if scene.chance(0.6):
            trees(scene, scene.disc(middle, scene.px(radius - width)) * scene.uniform(0.2, 0.9), scene.uniform(4, 7))
        scene.paint(scene.stroke(line, width), asphalt, "roundabout")
        if scene.gsd < 1.5:
            rim = scene.stroke(line, width - 0.6) - scene.stroke(line, width - 1.4)
            scene.paint(np.clip(rim, 0, 1) * 0.4, np.clip(asphalt * 1.5, 0, 230))
    vehicles(scene, [(crossing.line(scene, ring(c, r)), scene.integer(0, 4), 1.5) for c, r in rings])


def _dumbbell(scene: Scene, crossing: Crossing, width: float, asphalt) -> None:
    """A diamond whose slip roads end in two roundabouts, one on either side of the highway."""
    radius = scene.uniform(16, 30)
    off = width / 2 + radius + scene.uniform(15, 60)
    off = min(off, scene.width_m * 0.3)
    reach = scene.width_m * scene.uniform(0.35, 0.6)
    ways = [_ramp(scene, crossing, slip) for slip in _slips(scene, off, reach)]
    lines = lay_ways(scene, ways, asphalt)
    _both(scene, crossing, width, asphalt, max(width * 0.45, 8), lines)
    _roundabouts(scene, crossing, [((0, -off), radius), ((0, off), radius)], scene.uniform(7, 10), asphalt)


def _rotary(scene: Scene, crossing: Crossing, width: float, asphalt) -> None:
    """One large roundabout above or below the highway, with slip roads and minor roads to it."""
    radius = min(scene.uniform(38, 80), scene.width_m * 0.17)
    reach = scene.width_m * scene.uniform(0.35, 0.6)
    ways = [_ramp(scene, crossing, slip) for slip in _slips(scene, radius * 0.9, reach)]
    lines = lay_ways(scene, ways, asphalt)
    below = scene.chance(0.6)
    lower = axis(scene, crossing, 0)
    if not below:
        _roundabouts(scene, crossing, [((0, 0), radius)], scene.uniform(9, 14), asphalt)
    t = np.linspace(radius, scene.width_m, 30)
    for side in (-1, 1):
        minor = crossing.line(scene, np.stack([0 * t, side * t], -1))
        highway(scene, minor, max(width * 0.45, 8), asphalt, lines=lines)
        lines = ()
    if below:
        _roundabouts(scene, crossing, [((0, 0), radius)], scene.uniform(9, 14), asphalt)
    circle = crossing.line(scene, ring((0, 0), radius))
    cut = scene.stroke(lower, width + 2)
    if below:  # the ring crosses the highway on two bridges
        bridges = scene.stroke(circle, 11) * cut
        highway(scene, lower, width, asphalt, grown=False)
        shift = scene.sun * scene.px(6 * scene.shadow_length)
        scene.shade(scene.stroke(circle + shift, 11) * cut)
        scene.paint(bridges, np.clip(asphalt * 1.12, 0, 230))
        scene.claim(bridges > 0.5, "overpass")
    else:
        shadow = scene.stroke(lower + scene.sun * scene.px(6 * scene.shadow_length), width)
        scene.shade(shadow * scene.stroke(circle, 11))
        highway(scene, lower, width, asphalt * scene.uniform(0.95, 1.15), grown=False)
        scene.claim((scene.stroke(lower, width) * scene.stroke(circle, 22)) > 0.5, "overpass")
