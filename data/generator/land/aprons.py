"""Where airplanes stand: terminals with piers and gates, remote stands, tie-downs of light airplanes with hangars."""

from dataclasses import dataclass

import numpy as np

from ..drawing.geometry import in_view, local_m, rectangles, to_canvas
from ..drawing.ground import cars, grass, road, traffic
from ..drawing.plants import trees
from ..drawing.scene import Drawn, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from .airplane import airplanes
from .car_park import car_park
from .halls import industrial_roofs
from .roofs import flat_roofs
from .runways import YELLOW, bar, taxiways

MOST = 22  # airplanes of a picture


@dataclass(frozen=True)
class Stands:
    """The frame of an apron: its near edge passes through `origin` (pixels), airplanes move on the side v > 0."""

    origin: np.ndarray
    angle: float
    long: float
    deep: float

    def at(self, scene: Scene, points_m) -> np.ndarray:
        return to_canvas(scene, points_m, self.angle, self.origin)

    def boxes(self, scene: Scene, boxes_m) -> np.ndarray:
        """Boxes [n, 4] (u0, v0, u1, v1 in metres) as polygons [n, 4, 2] in pixels."""
        corners = np.asarray(boxes_m, np.float64).reshape(-1, 4)[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]
        return self.at(scene, corners)


def slabs(scene: Scene, mask, stands: Stands, colour=None, kind: str | None = "apron") -> np.ndarray:
    """Concrete slabs or asphalt lanes of several ages, stained, with joints; returns its colour."""
    if colour is None:
        colour = scene.colour("concrete" if scene.chance(0.7) else "asphalt") * scene.uniform(0.75, 1)
        colour = colour * 0.4 + colour.mean() * 0.6
    u, v = local_m(scene, stands.angle, stands.origin)
    size = max(scene.uniform(5, 7.5), 3.2 * scene.gsd)
    i, j = np.floor(u / size).astype(np.int32), np.floor(v / size).astype(np.int32)
    table = scene.rng.normal(0, 1, 997).astype(np.float32)
    tone = 1 + scene.uniform(0.005, 0.035) * table[(i * 31 + j * 57) % 997]
    tone += scene.uniform(0.01, 0.05) * table[((i // 8) * 17 + (j // 5) * 71) % 997]  # bays of another year
    joints = np.maximum(bar(u - i * size, 0.12, scene.gsd), bar(v - j * size, 0.12, scene.gsd))
    tone -= scene.uniform(0.03, 0.12) * joints
    dirt = scene.noise(1, MOTTLE)
    tone += 0.04 * dirt - 0.07 * np.clip(scene.noise(2, LAND), 0, 2) + 0.03 * scene.noise(1, GRAIN)
    scene.paint(mask, colour * tone[..., None], kind)
    return colour


def stand_marks(scene: Scene, stands: Stands, noses, turns, reach_m: float) -> None:
    """Yellow lead-in lines, a bar at the nose wheel, oil and soot where engines and brakes always stand."""
    noses, turns = np.asarray(noses), np.asarray(turns)
    out = -np.stack([np.cos(turns), np.sin(turns)], -1)
    long = scene.px(reach_m)
    width = max(scene.px(0.35), 0.5)
    if scene.gsd < 2:
        lines = rectangles(noses + out * long / 2, long, width, turns)
        stops = rectangles(noses + out * scene.px(6), width, scene.px(4), turns)
        marks = scene.stamp(np.concatenate([lines, stops]))
        scene.paint(marks * scene.uniform(0.35, 0.8), YELLOW if scene.chance(0.75) else np.array([215, 215, 210.0]))
    spots = noses + out * scene.px(scene.rng.uniform(12, 24, (len(noses), 1)))
    stain = scene.stamp(rectangles(spots, scene.px(scene.uniform(8, 20)), scene.px(scene.uniform(4, 11)), turns))
    scene.shade(stain * np.clip(0.3 + 0.5 * scene.noise(1, MOTTLE), 0, 1), scene.uniform(0.1, 0.3))


def as_one(scene: Scene, first: int, kind: str) -> None:
    """All objects drawn since `first` are parts of one."""
    if len(scene.drawn) > first:
        area = sum(drawn.area for drawn in scene.drawn[first:])
        scene.owner[scene.owner > first] = first
        scene.drawn[first:] = [Drawn(kind, int(area * 0.9))]


def terminal(scene: Scene, stands: Stands, away: bool = False) -> None:
    """A terminal with its gates; `away`: a small part of a large picture, its apron ends beside the taxiway."""
    half = stands.long / 2
    depth = scene.uniform(28, 60)
    layout = scene.pick(["piers", "linear", "satellite"], [0.5, 0.35, 0.15])
    stand = scene.uniform(44, 58) if scene.chance(0.7) else scene.uniform(62, 76)
    reach = scene.uniform(90, 230) if layout != "linear" else 0.0
    if away and layout != "linear":
        layout, reach = ("linear", 0.0) if stands.deep < 90 else (layout, stands.deep - 70)
    ahead = stands.deep if away else reach + scene.uniform(95, 190)
    u, v = local_m(scene, stands.angle, stands.origin)
    paved = np.clip(np.minimum(np.minimum(v + depth, ahead - v), half - np.abs(u)) / scene.gsd + 0.5, 0, 1)
    _landside(scene, stands, depth, u, v, half)
    slabs(scene, paved, stands)
    if not away:  # the lane by which airplanes come and go, and the grass beyond
        ways = (ahead - 35, ahead + scene.uniform(60, 110))
        lines = [stands.at(scene, np.array([[-half, w], [half, w]])) for w in ways]
        taxiways(scene, lines, scene.uniform(18, 25), scene.colour("asphalt") * scene.uniform(0.7, 1.1))
    boxes, noses, turns = _gates(scene, layout, depth, stand, reach, min(half, scene.width_m))
    noses, turns = stands.at(scene, noses), np.asarray(turns) + stands.angle
    seen = in_view(noses, scene.px(45))
    noses, turns = noses[seen], turns[seen]
    if len(noses):
        stand_marks(scene, stands, noses, turns, scene.uniform(50, 75))
    first = len(scene.drawn)
    shapes = stands.boxes(scene, boxes)
    tone = scene.colour("flat roof") * scene.uniform(0.75, 1)
    tone = tone * 0.5 + tone.mean() * 0.5
    tones = np.tile(tone, (len(shapes), 1)) * scene.rng.uniform(0.85, 1.1, (len(shapes), 1))
    roofs = industrial_roofs if scene.chance(0.3) else flat_roofs
    roofs(scene, shapes, tones, np.linspace(10, 14, len(shapes)))
    as_one(scene, first, "terminal")
    _park(scene, noses, turns, stand, scene.uniform(0.45, 0.95), scene.colour("steel") * scene.uniform(0.9, 1.4))


def _gates(scene: Scene, layout: str, depth: float, stand: float, reach: float, half: float):
    """The building's boxes, and of every gate where the nose stands and which way it points, in the apron's frame."""
    boxes, noses, turns = [], [], []
    start, end = -half * scene.uniform(0.3, 1), half * scene.uniform(0.3, 1)
    boxes.append((start, -depth, end, 0))
    for _ in range(scene.integer(0, 2)):  # higher or deeper parts of the hall
        middle, long = scene.uniform(start, end), scene.uniform(50, 120)
        boxes.append((middle - long / 2, -depth - scene.uniform(0, 12), middle + long / 2, scene.uniform(-15, 4)))
    gap = scene.uniform(5, 9)
    if layout == "linear":
        for x in np.arange(start + stand / 2, end, stand):
            noses.append((x, gap))
            turns.append(-np.pi / 2)
        return np.array(boxes), np.array(noses).reshape(-1, 2), turns
    wide, pitch = scene.uniform(22, 36), 2 * 48 + scene.uniform(85, 140)
    for x in np.arange(start + scene.uniform(0, 0.5) * pitch, end + pitch / 2, pitch):
        neck = reach * 0.45 if layout == "satellite" else 0
        width = wide * 0.45 if neck else wide
        boxes.append((x - width / 2, -2, x + width / 2, reach))
        if neck:
            boxes.append((x - wide * 0.9, neck, x + wide * 0.9, reach))
            wide = wide * 1.8
        for side in (-1, 1):
            for y in np.arange(neck + stand * (0.55 if neck else 0.85), reach + stand * 0.2, stand):
                noses.append((x + side * (wide / 2 + gap), y))
                turns.append(np.pi if side > 0 else 0.0)
        if scene.chance(0.6):
            noses.append((x, reach + gap))
            turns.append(-np.pi / 2)
        wide = wide / 1.8 if neck else wide
    return np.array(boxes), np.array(noses).reshape(-1, 2), turns


def _park(scene: Scene, noses, turns, stand: float, taken: float, bridges=None) -> None:
    """Airplanes on some of the stands, jet bridges to them, and the vehicles that serve them."""
    fleet, weights = (["narrow", "regional", "turboprop"], [0.8, 0.13, 0.07])
    if stand > 60:
        fleet, weights = ["wide", "four", "narrow"], [0.5, 0.12, 0.38]
    here = np.flatnonzero(scene.rng.random(len(noses)) < taken)[:MOST]
    if bridges is not None and len(noses) and scene.gsd < 3:
        out = np.stack([np.cos(turns), np.sin(turns)], -1)
        left = np.stack([out[:, 1], -out[:, 0]], -1)
        door = noses - out * scene.px(5.5) + left * scene.px(3.2)
        root = noses + out * scene.px(9) + left * scene.px(14)
        step = door - root
        size = np.hypot(*step.T)
        tubes = rectangles((door + root) / 2, size, max(scene.px(3.4), 1.1), np.arctan2(step[:, 1], step[:, 0]))
        scene.cast(tubes, 5)
        scene.fill(tubes, bridges)
        if scene.gsd < 1:
            scene.fill(rectangles(root, scene.px(5), scene.px(5), turns), bridges * 0.85)
    airplanes(scene, noses[here], turns[here], [scene.pick(fleet, weights) for _ in here], noses=True)
    if scene.gsd < 1.6:
        _vehicles(scene, noses[here], turns[here])


def _vehicles(scene: Scene, noses, turns) -> None:
    """Belt loaders, tankers, baggage carts and buses beside the airplanes."""
    if len(noses) == 0:
        return
    each = scene.integer(3, 7)
    which = np.repeat(np.arange(len(noses)), each)
    out = -np.stack([np.cos(turns), np.sin(turns)], -1)[which]
    aside = np.stack([-out[:, 1], out[:, 0]], -1)
    back, off = scene.rng.uniform(-4, 30, (len(which), 1)), scene.rng.uniform(4, 15, (len(which), 1))
    spots = noses[which] + (out * back + aside * off * scene.rng.choice([-1, 1], (len(which), 1))) / scene.gsd
    long = scene.px(scene.rng.choice([3, 4.5, 6, 9], len(which)))
    angles = turns[which] + scene.rng.choice([0, np.pi / 2, 0.4], len(which))
    shapes = rectangles(spots, long, max(scene.px(2.2), 1), angles)
    scene.cast(shapes, 2)
    scene.fill(shapes, scene.colours("car", len(which), 6))


def _landside(scene: Scene, stands: Stands, depth: float, u, v, half: float) -> None:
    """Before the building: the forecourt, a car park or a garage, roads with traffic, lawns with trees."""
    behind = (v < -depth - 1) & (np.abs(u) < half)
    if behind.mean() < 0.01:
        return
    scene.paint(np.clip((-depth - v) / scene.gsd, 0, 1) * (np.abs(u) < half), grass(scene))
    road_m = depth + scene.uniform(12, 22)
    line = stands.at(scene, np.array([[-half, -road_m], [half, -road_m]]))
    surface = scene.colour("asphalt") * (1 + 0.05 * scene.noise(1, GRAIN))[..., None]
    wide = scene.uniform(14, 24)
    scene.paint(scene.stroke(line, wide) * behind, surface, "road")
    low = road_m + wide / 2 + scene.uniform(6, 20)
    size = scene.uniform(70, 160)
    left = scene.uniform(-0.45, 0.1) * scene.width_m
    right = left + scene.uniform(0.4, 1.2) * max(scene.width_m, 200)
    area = behind & (v < -low) & (v > -low - size) & (u > left) & (u < right)
    if area.mean() > 0.02:
        car_park(scene, area, stands.angle, planted=0.2)
    wood = behind & ~area & (v < -low)
    if wood.mean() > 0.01:
        amount = np.clip(scene.uniform(0, 0.5) + 0.4 * scene.noise(1.5, LAND), 0, 0.8)
        trees(scene, wood * amount, scene.uniform(5, 8))
    if scene.chance(0.5) and behind.mean() > 0.12:
        x = scene.uniform(-0.4, 0.4) * scene.width_m
        box = stands.boxes(scene, [(x - 30, -low - scene.uniform(35, 60), x + scene.uniform(20, 60), -low)])
        industrial_roofs(scene, box, scene.colour("concrete")[None], 12, 1)
    reach = np.clip(np.array([-half, half]), -0.8 * scene.width_m, 0.8 * scene.width_m)
    traffic(scene, stands.at(scene, np.stack([reach, np.full(2, -road_m)], -1)), scene.integer(4, 22), wide * 0.4)


def far_stands(scene: Scene, stands: Stands) -> None:
    """A wide apron with airplanes in rows, lanes between, masts, hangars at an edge, grass where the paving ends."""
    u, v = local_m(scene, stands.angle, stands.origin)
    half = max(scene.width_m * scene.uniform(0.35, 1.2), 90)
    edge_v = scene.width_m * scene.uniform(0.25, 0.6)
    start = -scene.uniform(0.3, 1) * scene.width_m
    skew = scene.uniform(-0.3, 0.9) * half
    inside = np.minimum(np.minimum(edge_v - v, v - start), np.minimum(half - u, u + half + skew))
    slabs(scene, np.clip(inside / scene.gsd + 0.5, 0, 1), stands)
    stand = scene.uniform(40, 50) if scene.chance(0.7) else scene.uniform(60, 74)
    row = stand * scene.uniform(1.1, 1.3) + scene.uniform(40, 65)
    turn = scene.pick([-np.pi / 2, np.pi / 2, -np.pi / 4]) + scene.rng.normal(0, 0.02)
    rows = scene.uniform(-0.2, 0.2) * scene.width_m + np.arange(-12, 13) * row  # one of them near the middle
    rows = rows[(rows > max(start + 25, -scene.width_m)) & (rows < min(edge_v - stand * 0.6, scene.width_m))]
    lanes = [stands.at(scene, np.array([[-half, y + row * 0.78], [half, y + row * 0.78]])) for y in rows]
    near = min(half, scene.width_m)
    places = [(x, y) for y in rows for x in np.arange(-near + stand / 2, near, stand)]
    if scene.chance(0.4) and 0 < len(lanes) < 4:
        taxiways(scene, lanes, 20, scene.colour("asphalt") * scene.uniform(0.7, 1))
        scene.owner[(inside <= 0)] = 0
    noses = stands.at(scene, np.array(places).reshape(-1, 2))
    noses = noses[in_view(noses, scene.px(45))]
    hangars = scene.chance(0.4)
    if hangars:
        _hangars(scene, stands, edge_v, half)
    if len(noses) == 0:
        return
    turns = np.full(len(noses), stands.angle + turn)
    stand_marks(scene, stands, noses, turns, scene.uniform(50, 80))
    _masts(scene, stands, rows + row * 0.9, half)
    _park(scene, noses, turns, stand, scene.uniform(0.5, 1))


def _hangars(scene: Scene, stands: Stands, edge_v: float, half: float) -> None:
    x, boxes = -half, []
    while x < half and len(boxes) < 6:
        long = scene.uniform(55, 110)
        boxes.append((x, edge_v, x + long, edge_v + scene.uniform(45, 85)))
        x += long + scene.uniform(8, 40)
    tones = scene.colours("flat roof", len(boxes), 3) * 0.9
    industrial_roofs(scene, stands.boxes(scene, boxes), tones, 18, 4)


def _masts(scene: Scene, stands: Stands, rows, half: float) -> None:
    """Light masts: little to see but their long shadows."""
    half = min(half, scene.width_m)
    spots = np.array([(x, y) for y in rows for x in np.arange(-half, half, scene.uniform(70, 110))]).reshape(-1, 2)
    points = stands.at(scene, spots)
    points = points[in_view(points, 20)]
    if len(points) and scene.gsd < 1.6:
        reach = scene.px(22 * scene.shadow_length)
        turn = np.arctan2(scene.sun[1], scene.sun[0])
        poles = rectangles(points + scene.sun * reach / 2, reach, max(scene.px(0.6), 0.8), turn)
        scene.shade(scene.stamp(poles), 0.3)
        scene.fill(rectangles(points, max(scene.px(1.6), 1), max(scene.px(1.6), 1), turn), (190, 190, 186))


def light_stands(scene: Scene, stands: Stands) -> None:
    """Tie-down rows on a small apron, behind it hangars in rows, a clubhouse, cars, an access road, trees."""
    half = stands.long / 2
    u, v = local_m(scene, stands.angle, stands.origin)
    inside = np.minimum(np.minimum(v + 4, stands.deep - v), half - np.abs(u))
    colour = slabs(scene, np.clip(inside / scene.gsd + 0.5, 0, 1), stands)
    reach = min(half, 0.75 * scene.width_m)
    wide = scene.uniform(40, 90)  # paved ways between the hangars
    ways = np.clip(np.minimum(np.minimum(-v, wide + v), reach * 0.9 - np.abs(u)) / scene.gsd + 0.5, 0, 1)
    worn = colour * scene.uniform(0.75, 0.95) * (1 + 0.07 * scene.noise(1, MOTTLE))[..., None]
    scene.paint(ways * scene.uniform(0.5, 1), worn)
    _tie_downs(scene, stands, reach)
    _hangar_rows(scene, stands, reach, wide)
    back = wide + scene.uniform(8, 25)
    if scene.chance(0.7):
        line = stands.at(scene, np.array([[-3 * half, -back], [3 * half, -back]]))
        road(scene, line, scene.uniform(6, 9))
        traffic(scene, stands.at(scene, np.array([[-reach, -back], [reach, -back]])), scene.integer(0, 5), 2.5)
        wood = np.clip(scene.uniform(-0.1, 0.7) + 0.4 * scene.noise(1.5, LAND), 0, 0.9) * (v < -back - 9)
        trees(scene, wood, scene.uniform(5, 9))


def _tie_downs(scene: Scene, stands: Stands, reach: float) -> None:
    pitch, row = scene.uniform(11.5, 15), scene.uniform(19, 26)
    rows = np.arange(10, stands.deep - 10, row)
    spots = np.array([(x, y) for y in rows for x in np.arange(-reach, reach, pitch)]).reshape(-1, 2)
    spots = spots + scene.rng.normal(0, 0.7, spots.shape)
    points = stands.at(scene, spots)
    seen = in_view(points, 5)
    points, count = points[seen], int(seen.sum())
    if scene.gsd < 0.9 and count:
        scene.fill(rectangles(points, scene.px(0.3) + 0.4, scene.px(7), stands.angle), YELLOW * 0.9)
    taken = scene.rng.random(count) < scene.uniform(0.2, 0.8) * min(1, 2.2 * MOST / max(count, 1))
    turns = stands.angle + np.pi / 2 * scene.pick([-1, 1]) + scene.rng.normal(0, 0.06, count)
    names = scene.rng.choice(["light", "low", "twin", "business"], int(taken.sum()), p=[0.55, 0.28, 0.14, 0.03])
    airplanes(scene, points[taken], turns[taken], names)


def _hangar_rows(scene: Scene, stands: Stands, reach: float, wide: float) -> None:
    """Long rows of small hangars or single larger ones, a clubhouse and parked cars between."""
    boxes, x = [], -reach * scene.uniform(0.5, 1)
    while x < reach * 0.9:
        if scene.chance(0.4):
            across = scene.chance(0.5)
            long = scene.uniform(35, 80)
            boxes.append((x, -4 - min(long, wide) if across else -18, x + (13 if across else long), -4))
        else:
            size = scene.uniform(14, 34)
            boxes.append((x, -5 - size * scene.uniform(0.7, 1.1), x + size, -5))
        x = boxes[-1][2] + scene.uniform(3, 28)
    shapes = stands.boxes(scene, boxes)
    shapes = shapes[in_view(shapes.mean(1), scene.px(40))]
    if len(shapes):
        tones = scene.colours("tin" if scene.chance(0.6) else "flat roof", len(shapes), 4) * 0.95
        industrial_roofs(scene, shapes, tones, scene.uniform(5, 9), 6)
    parked = np.stack([scene.rng.uniform(-reach, reach, 14), scene.rng.uniform(-wide, -wide + 6, 14)], -1)
    spots = stands.at(scene, parked)
    cars(scene, spots[in_view(spots, 2)], stands.angle + np.pi / 2)
