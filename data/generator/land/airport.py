"""Airports: runway ends, whole airfields, terminals with their stands, aprons, fields of light airplanes."""

import numpy as np

from ..drawing.geometry import MIDDLE, local_m, rotate
from ..drawing.ground import furrows, road, traffic
from ..drawing.plants import trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import LAND
from ..kind import Kind
from .airplane import airplanes
from .aprons import Stands, far_stands
from .runways import Runway, airfield, approach_lights, runway, runway_colour, taxiways, turned
from .surroundings import city, fill_city
from .terminals import terminal
from .tie_downs import light_stands


def airport(scene: Scene) -> None:
    near = scene.width_m < 330
    shares = [0.25, 0.04, 0.27, 0.18, 0.26] if near else [0.2, 0.34, 0.24, 0.1, 0.12]
    scene.pick([_runway_end, _overview, _terminal, _remote, _light], shares)(scene)


def _widths(scene: Scene, light: float = 0.2) -> float:
    if scene.width_m < 260 and scene.chance(light):  # from higher up a narrow strip is a mere line
        return float(scene.pick([18.0, 23.0, 30.0]))
    return float(scene.pick([45.0, 60.0], [0.75, 0.25]))


def _along(scene: Scene, way: Runway, away: float, width: float, every=None) -> list[np.ndarray]:
    """A parallel taxiway `away` metres beside a runway, and its connections, some of them slanted exits."""
    far, begin = 1.6 * scene.width_m, max(way.start, -1.6 * scene.width_m)
    ahead = begin + width / 2 + 3 if way.start > -scene.width_m else begin
    lines = [turned(scene, way, [(ahead, 0), (ahead, away), (far, away)])]
    for x in np.arange(begin + scene.uniform(150, 300), far, every or scene.uniform(180, 420)):
        slant = scene.pick([0.0, abs(away) * 0.9, -abs(away) * 0.9], [0.5, 0.3, 0.2])
        points = [(x, 0), (x + slant, away)]
        if slant:  # rapid exits leave and join at a slant
            points = [(x - 30 * np.sign(slant), 0), *points, (x + slant * 1.3, away)]
        lines.append(turned(scene, way, points))
    return lines


def _runway_end(scene: Scene) -> None:
    """A runway's threshold or a stretch of it with exits, grass between, the world beyond the fence."""
    angle = scene.uniform(0, 2 * np.pi)
    origin = MIDDLE + scene.rng.uniform(-0.2, 0.2, 2) * SIDE
    width = _widths(scene, 0.3)
    start = scene.uniform(-0.45, -0.06) * scene.width_m if scene.chance(0.75) else -5e3
    way = Runway(origin, angle, width, start, runway_colour(scene))
    airfield(scene, angle)
    side = scene.pick([-1, 1])
    if start > -scene.width_m:
        _outside(scene, way, start - scene.uniform(70, 250), side * -scene.uniform(90, 300))
    else:
        _outside(scene, way, -5e3, side * -scene.uniform(60, 200))
    away, taxi = side * scene.uniform(85, 190), scene.uniform(15, 25) if width > 25 else scene.uniform(8, 14)
    tone = way.colour * scene.uniform(0.85, 1.2)
    lines = _along(scene, way, away, taxi) if scene.chance(0.93) else []
    if scene.chance(0.2):  # another runway crosses
        turn = angle + scene.uniform(0.5, 1.3)
        runway(scene, Runway(MIDDLE + scene.rng.normal(0, 40, 2), turn, width, -5e3, runway_colour(scene)))
    if lines:
        taxiways(scene, lines, taxi, tone)
    if start > -scene.width_m and scene.chance(0.5):
        approach_lights(scene, way)
    runway(scene, way)
    _moving(scene, way, away if lines else None, width)


def _moving(scene: Scene, way: Runway, away, width: float) -> None:
    """Now and then an airplane lines up or taxies."""
    spots, turns = [], []
    begin = max(way.start + 45, -0.4 * scene.width_m)
    if scene.chance(0.35):
        spots.append((begin + scene.uniform(0, 0.4) * scene.width_m, 0))
        turns.append(way.angle)
    for _ in range(scene.pick([0, 1, 2], [0.5, 0.35, 0.15]) if away is not None else 0):
        spots.append((begin + scene.uniform(-0.1, 0.8) * scene.width_m, away))
        turns.append(way.angle + np.pi * scene.integer(0, 1))
    if spots:
        fleet = ["light", "low", "twin"] if width < 25 else ["narrow", "narrow", "wide", "regional", "turboprop"]
        airplanes(scene, way.at(scene, np.array(spots)), turns, [scene.pick(fleet) for _ in spots])


def _outside(scene: Scene, way: Runway, before: float, beside: float) -> None:
    """Beyond the fence, before and beside the runway: fields, lots or scrub, a perimeter track, a public road."""
    u, v = local_m(scene, way.angle, way.origin)
    side = 1 if beside > 0 else -1
    fence = np.maximum(before - u, (v - beside) * side)
    beyond = np.clip(fence / scene.gsd + 0.5, 0, 1)
    if beyond.mean() < 0.01:
        return
    look = scene.pick(["field", "wild", "town"], [0.4, 0.3, 0.3])
    colour = scene.colour({"field": "crop", "wild": "grass", "town": "soil"}[look])
    inside = scene.image
    scene.image = scene.surface(colour, colour * scene.uniform(0.8, 1.2), 2, 0.07)
    if look == "field":
        furrows(scene)
    outer = scene.image
    scene.image = inside
    scene.paint(beyond, outer)
    if look == "town":
        fill_city(scene, city(scene, (fence > 12).astype(np.float32)))
    if look == "wild" or look == "town" and scene.chance(0.5):
        amount = scene.uniform(0, 0.7 if look == "wild" else 0.2)
        wood = np.clip(amount + 0.4 * scene.noise(1.5, LAND), 0, 0.9)
        trees(scene, wood * (fence > 14), scene.uniform(4, 8))
    ring = np.clip(2.2 - np.abs(fence + 8), 0, scene.gsd) / scene.gsd
    scene.paint(ring * 0.8, scene.colour("soil") if scene.chance(0.5) else scene.colour("asphalt"), "track")
    scene.texture(-0.3 * np.clip(0.6 - np.abs(fence) / scene.gsd, 0, 1))
    if scene.chance(0.6):
        width = scene.uniform(6, 11)
        line = np.array([(before - 25, -3e3), (before - 25, 3e3)]) if before > -4e3 else np.array(
            [(-3e3, beside + 25 * side), (3e3, beside + 25 * side)])  # fmt: skip
        points = way.at(scene, line)
        road(scene, points, width)
        reach = way.at(scene, np.clip(line, -0.8 * scene.width_m, 0.8 * scene.width_m))
        traffic(scene, reach, scene.integer(0, 12), width / 3)


def _overview(scene: Scene) -> None:
    """A whole airfield from high up: one or two runways, taxiways, the apron with its terminal and hangars."""
    angle = scene.uniform(0, 2 * np.pi)
    side = scene.pick([-1, 1])
    normal = np.array([-np.sin(angle), np.cos(angle)]) * side
    origin = MIDDLE - normal * scene.uniform(0.12, 0.34) * SIDE
    width = _widths(scene, 0.25)
    start = scene.uniform(-0.5, -0.25) * scene.width_m if scene.chance(0.4) else -5e3
    way = Runway(origin, angle, width, start, runway_colour(scene))
    airfield(scene, angle)
    _outside(scene, way, start - scene.uniform(60, 200), -side * scene.uniform(70, 160))
    away = side * min(scene.uniform(90, 180), scene.width_m * 0.25)
    taxi = 20 if width > 25 else 11
    lines = _along(scene, way, away, taxi)
    apron = abs(away) + scene.uniform(40, 75)
    spread = scene.uniform(-0.3, 0.1) * scene.width_m
    for x in spread + np.arange(3) * scene.uniform(100, 220):
        lines.append(turned(scene, way, [(x, away), (x, side * apron * 1.05)]))
    tone = way.colour * scene.uniform(0.9, 1.2)
    if scene.chance(0.5):  # a crossing runway
        turn = angle + scene.pick([-1, 1]) * scene.uniform(0.35, 1.3)
        runway(scene, Runway(origin + scene.rng.normal(0, 50, 2), turn, width, -5e3, tone))
    taxiways(scene, lines, taxi, tone)
    runway(scene, way)
    _moving(scene, way, away, width)
    deep = scene.uniform(60, 110) if width < 35 else scene.uniform(75, 140)
    heart = way.at(scene, np.array([spread + 120, side * (apron + deep)]))
    frame = angle + (np.pi if side > 0 else 0)  # the apron lies on the runway's side of the buildings
    if width < 35:
        light_stands(scene, Stands(heart, frame, scene.uniform(150, 350), deep))
    else:
        terminal(scene, Stands(heart, frame, scene.uniform(300, 700), deep), away=True)


def _terminal(scene: Scene) -> None:
    angle = scene.uniform(0, 2 * np.pi)
    airfield(scene, angle)
    # The apron lies ahead of the heart: with the heart further ahead no airplane would be in the picture.
    heart = MIDDLE + rotate(np.array([scene.uniform(-0.3, 0.3), scene.uniform(-0.3, 0.08)]) * SIDE, angle)
    terminal(scene, Stands(heart, angle, 4 * scene.width_m, scene.uniform(90, 190)))


def _remote(scene: Scene) -> None:
    angle = scene.uniform(0, 2 * np.pi)
    airfield(scene, angle)
    far_stands(scene, Stands(MIDDLE + scene.rng.uniform(-0.2, 0.2, 2) * SIDE, angle, 4 * scene.width_m, 150))


def _light(scene: Scene) -> None:
    """Light airplanes tied down in rows, hangars, and the small runway beside them."""
    angle = scene.uniform(0, 2 * np.pi)
    airfield(scene, angle)
    normal = np.array([-np.sin(angle), np.cos(angle)])
    deep = scene.uniform(50, 110)
    heart = MIDDLE + normal * scene.uniform(-0.25, 0.1) * SIDE
    width = float(scene.pick([18.0, 23.0, 30.0]))
    away = deep + scene.uniform(60, 120)
    start = scene.uniform(-0.4, 0.1) * scene.width_m if scene.chance(0.35) else -5e3
    way = Runway(heart + normal * scene.px(away), angle, width, start, runway_colour(scene))
    taxi = scene.uniform(8, 13)
    lines = _along(scene, way, -(away - deep - taxi / 2 - 4), taxi)
    taxiways(scene, lines, taxi, way.colour * scene.uniform(0.85, 1.15))
    runway(scene, way)
    light_stands(scene, Stands(heart, angle, scene.uniform(0.8, 3) * max(scene.width_m, 150), deep))
    _moving(scene, way, -(away - deep - taxi / 2 - 4), width)


KINDS = [Kind("airport", ("an airport", "an airfield"), airport, (140, 900), shows=())]
