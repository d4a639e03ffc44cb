"""What stands and drives on a building site: heaps, machines, huts, footings, half-built halls, tower cranes."""

import cv2
import numpy as np

from ..drawing.geometry import rectangles, to_canvas
from ..drawing.scene import COLUMNS, ROWS, SHIFT, SIDE, Drawn, Scene
from .sea import shifted

MACHINE_COLOURS = [(196, 154, 62), (188, 128, 56), (204, 170, 92), (150, 152, 150), (132, 72, 52)]
CRANE_COLOURS = [(196, 160, 62), (178, 74, 56), (206, 206, 202), (110, 128, 148), (200, 132, 58)]


def _claim(scene: Scene, shapes, kind: str) -> None:
    """All of some polygons as one object, without the cost of a mask over the whole canvas."""
    corners = np.round(np.asarray(shapes) * 2**SHIFT).astype(np.int32)
    low = np.clip(corners.min((0, 1)) >> SHIFT, 0, SIDE - 1)
    high = np.clip(corners.max((0, 1)) >> SHIFT, 0, SIDE - 1) + 1
    number = len(scene.drawn)
    for corner in corners:
        cv2.fillPoly(scene.owner, [corner], number, shift=SHIFT)
    part = scene.owner[low[1] : high[1], low[0] : high[0]]
    scene.drawn.append(Drawn(kind, int((part == number).sum())))


def _cast(scene: Scene, shapes, height_m: float) -> None:
    """Shadows on the ground as `Scene.cast` draws them, worked out only where they fall."""
    reach = scene.sun * min(scene.px(height_m * scene.shadow_length), 30)
    steps = np.linspace(0, 1, 3 if np.hypot(*reach) < 8 else 5)[1:]
    _shade(scene, np.concatenate([shapes + reach * step for step in steps]))


def _shade(scene: Scene, shapes) -> None:
    """Darken polygons [n, 4, 2] in pixels by the scene's shadow depth."""
    low = np.clip(np.floor(shapes.min((0, 1))), 0, SIDE - 1).astype(int)
    high = np.clip(np.ceil(shapes.max((0, 1))), 0, SIDE - 1).astype(int) + 1
    mask = np.zeros(high[::-1] - low[::-1], np.uint8)
    for corners in np.round((shapes - low) * 2**SHIFT).astype(np.int32):
        cv2.fillPoly(mask, [corners], 1, shift=SHIFT)
    scene.image[low[1] : high[1], low[0] : high[0]] *= (1 - np.float32(scene.shadow_depth) * mask)[..., None]


def heaps(scene: Scene, centres, radii_m, tone, rough) -> None:
    """Tipped earth and sand in cones and ridges, made uneven by a noise [SIDE, SIDE], lit on the sun's side."""
    height = np.full((SIDE, SIDE), -9.0, np.float32)
    for (x, y), radius in zip(centres, radii_m, strict=True):
        long, angle = scene.uniform(1, 2.1), scene.angle()
        reach = int(scene.px(radius) * long) + 8
        part = tuple(slice(max(0, int(v) - reach), int(v) + reach) for v in (y, x))
        dx, dy = COLUMNS[part] - np.float32(x), ROWS[part] - np.float32(y)
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        distance = np.sqrt(((dx * cos + dy * sin) / np.float32(long)) ** 2 + (dy * cos - dx * sin) ** 2)
        height[part] = np.maximum(height[part], 0.62 * (float(radius) - distance * scene.gsd))
    size = float(np.mean(radii_m))
    height += 0.12 * size * rough
    mask = np.clip(height / (0.5 * scene.gsd) + 0.5, 0, 1)
    raised, shadow = np.clip(height, 0, None), np.zeros((SIDE, SIDE), np.float32)
    for step in np.linspace(1, max(2.0, scene.px(raised.max() * scene.shadow_length)), 4).round().tolist():
        above = shifted(raised, scene.sun * step) - step * scene.gsd / scene.shadow_length - raised
        shadow = np.maximum(shadow, np.clip(above / (0.3 * size) + 0.2, 0, 1) * (above > 0))
    down, across = np.gradient(raised / scene.gsd)
    light = 1 + 0.62 * (across * float(scene.sun[0]) + down * float(scene.sun[1])) + 0.06 * rough
    scene.paint(mask, tone * np.clip(light, 0.5, 1.35)[..., None])
    scene.shade(shadow)
    scene.claim(mask > 0.5, "earth heaps")


def trucks(scene: Scene, centres, angles) -> None:
    """Tipper lorries: a load or an empty body behind a cab of another colour."""
    count = len(centres)
    if not count:
        return
    length, width = max(scene.px(8.2), 4.4), max(scene.px(2.7), 1.7)
    ahead = np.stack([np.cos(angles), np.sin(angles)], -1) * length
    whole = rectangles(centres, length, width, angles)
    _cast(scene, whole, 3.2)
    scene.fill(whole, scene.colours("car", count, 5) * 0.55, "truck")
    tones = np.array([scene.pick(MACHINE_COLOURS) for _ in range(count)], np.float32)
    scene.fill(rectangles(centres - 0.14 * ahead, length * 0.62, width, angles), tones)
    loads = np.stack([scene.colour(scene.pick(["soil", "sand"])) for _ in range(count)]) * 0.85
    scene.fill(rectangles(centres - 0.14 * ahead, length * 0.5, width * 0.68, angles), loads)
    scene.fill(rectangles(centres + 0.36 * ahead, length * 0.24, width * 0.95, angles), tones * 1.1)


def excavators(scene: Scene, centres) -> None:
    """Tracked excavators: undercarriage, slewed body with its cab, arm and bucket."""
    for centre in np.asarray(centres).reshape(-1, 2):
        angle, tone = scene.uniform(0, 2 * np.pi), np.array(scene.pick(MACHINE_COLOURS[:3]), np.float32)
        k = max(1.0, 0.85 * scene.gsd)  # still a body and an arm where a metre is less than a pixel
        tracks, body = [[0, -1.3, 4.2, 0.9], [0, 1.3, 4.2, 0.9]], [-0.6, 0, 3.6, 2.9]
        parts = k * np.array([*tracks, body, [3.6, 0, 6, 1], [6.6, 0, 1.2, 1.6]])
        places = to_canvas(scene, parts[:, :2], angle, centre)
        shapes = rectangles(places, scene.px(parts[:, 2]), scene.px(parts[:, 3]), angle)
        _cast(scene, shapes[2:], 2.6)
        _claim(scene, shapes, "excavator")
        scene.fill(shapes[:2], (58, 56, 54))
        scene.fill(shapes[2:], np.clip(tone * np.array([[1.0], [0.9], [0.5]]), 0, 250))
        cab = to_canvas(scene, np.array([0.5, 0.8]) * k, angle, centre)
        scene.fill(rectangles([cab], scene.px(1.3 * k), scene.px(1.1 * k), angle), (62, 68, 74))


def huts(scene: Scene, centre, angle: float) -> None:
    """The contractors' cabins, set end to end in one or two rows."""
    count, rows = scene.integer(3, 7), scene.integer(1, 2)
    i, j = (v.ravel() for v in np.meshgrid(np.arange(count), np.arange(rows)))
    places = np.stack([(i - count / 2) * 6.6, j * scene.uniform(6, 10)], -1)
    shapes = rectangles(to_canvas(scene, places, angle, centre), scene.px(6.1), max(scene.px(2.7), 1.8), angle)
    tone = np.array(scene.pick([(206, 208, 208), (96, 122, 156), (176, 184, 186), (190, 178, 152)]), np.float32)
    _cast(scene, shapes, 3.0)
    scene.fill(shapes, np.clip(tone * scene.rng.uniform(0.82, 1.08, (len(shapes), 1)), 0, 245), "site hut")


def stores(scene: Scene, centre, angle: float, reach_m: float) -> None:
    """Building material laid down in lots: pipes, steel bars, timber, sheets."""
    count = scene.integer(10, 26)
    places = np.round(scene.rng.normal(0, 0.36, (count, 2)) * reach_m / [9, 4]) * [9, 4]
    length, width = scene.rng.uniform(3, 11, count), scene.rng.uniform(1.2, 3, count)
    shapes = rectangles(to_canvas(scene, places, angle, centre), scene.px(length), scene.px(width), angle)
    tones = np.array([(112, 78, 60), (150, 124, 92), (172, 172, 168), (92, 98, 104), (196, 190, 176)], np.float32)
    _cast(scene, shapes, 1.4)
    scene.fill(shapes, tones[scene.rng.integers(0, 5, count)] * scene.rng.uniform(0.8, 1.1, (count, 1)))


def _grid(scene: Scene, size, bay: float) -> np.ndarray:
    """Points [n, 2] in metres on a grid over a rectangle, up to its edges."""
    x, y = (np.linspace(-s / 2, s / 2, max(2, round(s / bay) + 1)) for s in size)
    return np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)


def footings(scene: Scene, centre, size, angle: float) -> None:
    """A building pit: dug ground, concrete pads on a grid, some strips and a first piece of slab."""
    pit = rectangles([centre], scene.px(size[0] + 7), scene.px(size[1] + 7), angle)
    earth = scene.colour("soil") * scene.uniform(0.7, 0.95)
    scene.fill(pit, earth * 1.12, "foundations")
    floor = rectangles([centre], scene.px(size[0] + 3), scene.px(size[1] + 3), angle)
    scene.fill(floor, earth * 0.84)
    bank = pit + (floor - pit) * 0.5  # the bank towards the sun lies in its own shadow
    sides = [np.stack([pit[0, k], pit[0, k - 1], floor[0, k - 1], floor[0, k]]) for k in range(4)]
    sides = [side for side in sides if (side.mean(0) - bank[0].mean(0)) @ scene.sun < 0]
    _shade(scene, np.stack(sides))
    concrete = scene.colour("concrete") * scene.uniform(0.78, 0.95)
    if scene.chance(0.5):  # a first piece of slab
        slab = to_canvas(scene, [[-size[0] * 0.28, 0]], angle, centre)
        scene.fill(rectangles(slab, scene.px(size[0] * 0.4), scene.px(size[1]), angle), concrete * 0.9)
    points = _grid(scene, size, max(scene.uniform(5.5, 10), 4.5 * scene.gsd))
    if scene.chance(0.6):
        middles = np.unique(points[:, 0].round(3))
        middles = to_canvas(scene, np.stack([middles, 0 * middles], -1), angle, centre)
        scene.fill(rectangles(middles, max(scene.px(0.7), 0.9), scene.px(size[1]), angle), concrete * 0.88)
    share = scene.uniform(0.2, 1.3) * np.cos(scene.angle())  # poured from one side
    kept = points[:, 0] / size[0] * np.sign(share) < abs(share) + scene.rng.normal(0, 0.12, len(points))
    side = max(scene.px(scene.uniform(1.4, 2.6)), 1.5)
    pads = rectangles(to_canvas(scene, points[kept], angle, centre), side, side, angle)
    _cast(scene, pads, 1.0)
    scene.fill(pads, np.clip(concrete * scene.rng.uniform(0.85, 1.12, (len(pads), 1)), 0, 235))


def half_built(scene: Scene, centre, size, angle: float) -> None:
    """A hall as a frame of columns and beams, its roof begun from one end."""
    height = scene.uniform(7, 13)
    whole = rectangles([centre], scene.px(size[0]), scene.px(size[1]), angle)
    scene.fill(whole, scene.colour("concrete") * scene.uniform(0.72, 0.95))
    steel = np.array(scene.pick([(156, 96, 72), (186, 188, 188), (118, 124, 130), (176, 130, 78)]), np.float32)
    points = _grid(scene, size, max(scene.uniform(6, 9), 5 * scene.gsd))
    thin = max(scene.px(0.7), 1.0)
    along, across = np.unique(points[:, 0].round(3)), np.unique(points[:, 1].round(3))
    frames = to_canvas(scene, np.stack([along, 0 * along], -1), angle, centre)
    purlins = to_canvas(scene, np.stack([0 * across, across], -1), angle, centre)
    beams = np.concatenate(
        [rectangles(frames, thin, scene.px(size[1]), angle), rectangles(purlins, scene.px(size[0]), thin, angle)]
    )
    _shade(scene, beams + scene.sun * min(scene.px(height * scene.shadow_length), 25))
    scene.fill(beams, steel)
    share = scene.pick([0.0, scene.uniform(0.2, 0.75)], [0.3, 0.7])
    if share:
        roof = to_canvas(scene, [[-size[0] * (1 - share) / 2, 0]], angle, centre)
        shape = rectangles(roof, scene.px(size[0] * share), scene.px(size[1]), angle)
        tone = scene.colour("flat roof")
        _cast(scene, shape, height)
        scene.fill(shape, tone)
        ribs = along[along < size[0] * (share - 0.5)]
        ribs = to_canvas(scene, np.stack([ribs, 0 * ribs], -1), angle, centre)
        scene.fill(rectangles(ribs, 0.8, scene.px(size[1]), angle), tone * 0.9)
    _claim(scene, whole, "unfinished building")


def raw_storeys(scene: Scene, centre, size, angle: float) -> None:
    """A concrete block still growing: decks with formwork, bars and stair cores, scaffolding round it."""
    height = scene.uniform(6, 24)
    rim = rectangles([centre], scene.px(size[0] + 3), scene.px(size[1] + 3), angle)
    whole = rectangles([centre], scene.px(size[0]), scene.px(size[1]), angle)
    tone = scene.colour("concrete") * scene.uniform(0.8, 1.0)
    _cast(scene, rim, height)
    netting = scene.pick([(74, 96, 80), (120, 112, 100), (142, 140, 136), (90, 104, 122)])
    scene.fill(rim, np.array(netting, np.float32))
    scene.fill(whole, tone)
    count = scene.integer(5, 9)
    places = scene.rng.uniform(-0.36, 0.36, (count, 2)) * size
    lots = rectangles(
        to_canvas(scene, places, angle, centre),
        scene.px(scene.rng.uniform(0.12, 0.3, count) * size[0]),
        scene.px(scene.rng.uniform(0.12, 0.3, count) * size[1]),
        angle,
    )
    tints = np.array([(150, 118, 84), (128, 84, 62), (186, 182, 172), (96, 96, 94), (170, 150, 116)], np.float32)
    scene.fill(lots, tone * 0.4 + 0.6 * tints[scene.rng.integers(0, 5, count)])
    points = _grid(scene, np.asarray(size) * 0.96, max(scene.uniform(5, 9), 4.5 * scene.gsd))
    points = points[scene.rng.random(len(points)) < scene.uniform(0.1, 0.8)]
    side = max(scene.px(0.8), 1)
    starters = rectangles(to_canvas(scene, points, angle, centre), side, side, angle)
    scene.fill(starters, tone * scene.uniform(0.6, 0.85))
    core = rectangles(to_canvas(scene, [[0.15 * size[0], 0]], angle, centre), scene.px(6), scene.px(5), angle)
    _cast(scene, core, 4)
    scene.fill(core, tone * 1.08)
    scene.fill(core + (core.mean(1, keepdims=True) - core) * 0.45, tone * 0.35)
    _claim(scene, rim, "unfinished building")


def tower_crane(scene: Scene, foot, lean, tone) -> None:
    """A slewing tower crane; the top leans off its foot, the long shadow of mast and jib lies on the ground."""
    height, reach = scene.uniform(32, 52), scene.uniform(42, 62)
    swing = scene.uniform(0, 2 * np.pi)
    foot = np.asarray(foot, np.float64)
    top = foot + np.asarray(lean) * scene.px(height)
    end = foot + scene.sun * min(scene.px(height * scene.shadow_length), 75)
    thin = max(scene.px(1.5), 1.25)
    parts = np.array([[(reach - 14) / 2, 0, reach + 14, 0], [-11, 0, 5, 3.4], [1, 0, 3.2, 3.2]])
    places = to_canvas(scene, parts[:, :2], swing, 0 * foot)
    sizes = np.maximum(scene.px(parts[:, 2:]), [[1, thin], [3, 2.4], [2.2, 2.2]])
    jib = rectangles(places, sizes[:, 0], sizes[:, 1], swing)
    _shade(scene, np.concatenate([_bar(foot, end, thin), jib + end]))
    mast = _bar(foot, top, max(thin, scene.px(1.8)))
    base = rectangles([foot], max(scene.px(5), 3), max(scene.px(5), 3), swing)
    scene.fill(base, scene.colour("concrete"))
    scene.fill(mast, tone * 0.8)
    scene.fill(jib + top, np.clip(tone * np.array([[1.05], [0.55], [1.15]]), 5, 245))
    knots = np.arange(4, reach - 2, max(5.0, 4 * scene.gsd))
    gaps = to_canvas(scene, np.stack([knots, 0 * knots], -1), swing, top)
    scene.fill(rectangles(gaps, thin * 0.9, thin * 0.5, swing), tone * 0.6)  # lattice
    _claim(scene, np.concatenate([base, mast, jib + top]), "tower crane")


def _bar(start, end, thick_px: float) -> np.ndarray:
    """A straight bar between two points in pixels, as one rectangle [1, 4, 2]."""
    step = np.asarray(end) - start
    return rectangles([(start + np.asarray(end)) / 2], np.hypot(*step), thick_px, float(np.arctan2(step[1], step[0])))
