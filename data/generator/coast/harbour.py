"""Container yards, and quays with their cranes."""

import numpy as np

from ..drawing.built import buildings
from ..drawing.geometry import MIDDLE, in_view, rectangles, to_canvas
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import LAND, MOTTLE
from ..kind import Kind
from .containers import ROW, stacks
from .cranes import CRANE_COLOURS, gantry_cranes, jib_cranes, raised_parts
from .sea import local_metres, sea, shifted
from .ships import Berth, freighter


def container_yard(scene: Scene) -> None:
    scene.image = scene.surface(scene.colour("asphalt"), scene.colour("concrete"), scene.uniform(0.7, 2), 0.06, 0.9)
    angle, rows, lane = scene.angle(), scene.integer(4, 8), scene.uniform(7, 18)
    edge_m = scene.width_m * scene.uniform(0.22, 0.4) if scene.chance(0.3) else None
    along, across = (metres.astype(np.float32) for metres in local_metres(scene, angle))
    inside = np.ones((SIDE, SIDE), bool) if edge_m is None else along < edge_m
    _lane_marks(scene, across, rows * ROW, lane)
    stacks(scene, along, across, inside, rows, lane, scene.uniform(0.6, 0.97))
    _trucks(scene, angle, rows * ROW, lane)
    if edge_m is not None:
        _yard_edge(scene, angle, edge_m)
    if scene.chance(0.2):
        _yard_gantries(scene, angle, rows * ROW, lane)


def _lane_marks(scene: Scene, across, block_m: float, lane_m: float) -> None:
    place = np.mod(across + scene.width_m * 0.8, block_m + lane_m)
    line = np.minimum(np.abs(place - block_m - 1), np.abs(place - block_m - lane_m + 1)) < max(0.2, 0.4 * scene.gsd)
    scene.paint(line * 0.6, np.array(scene.pick([(200, 176, 80), (210, 210, 204)]), np.float32))
    tyres = np.exp(-(((place - block_m - lane_m / 2) / (0.3 * lane_m)) ** 2))
    scene.texture(-0.18 * tyres * np.clip(0.6 + 0.5 * scene.noise(1, MOTTLE), 0, 1.2))


def _lane_middles(scene: Scene, block_m: float, lane_m: float) -> np.ndarray:
    period = block_m + lane_m
    middles = np.arange(int(1.6 * scene.width_m / period) + 1) * period + block_m + lane_m / 2
    return middles - scene.width_m * 0.8


def _trucks(scene: Scene, angle: float, block_m: float, lane_m: float) -> None:
    count = scene.integer(0, 6)
    middles = scene.rng.choice(_lane_middles(scene, block_m, lane_m), count)
    x = scene.rng.uniform(-0.6, 0.6, count) * scene.width_m
    centres = np.stack([x, middles + scene.rng.uniform(-0.25, 0.25, count) * lane_m], -1)
    trailers = rectangles(to_canvas(scene, centres, angle), scene.px(12.4), scene.px(2.5), angle)
    cabs = rectangles(to_canvas(scene, centres + [8, 0], angle), scene.px(2.6), scene.px(2.4), angle)
    scene.cast(np.concatenate([trailers, cabs]), 3.5)
    scene.fill(trailers, scene.colours("container", count, 5), "truck")
    scene.fill(cabs, scene.colours("car", count, 4))


def _yard_gantries(scene: Scene, angle: float, block_m: float, lane_m: float) -> None:
    """Rubber-tyred gantries that straddle a block: two girders, two end carriages, a trolley."""
    tone = np.array(scene.pick(CRANE_COLOURS), np.float32)
    middles = _lane_middles(scene, block_m, lane_m) - lane_m / 2 - block_m / 2
    middles = middles[np.abs(middles) < scene.width_m * 0.35]
    for middle in scene.rng.permutation(middles)[: scene.integer(1, 2)]:
        x, span = scene.uniform(-0.35, 0.35) * scene.width_m, block_m + min(lane_m, 8)
        parts = np.array(
            [
                [-3, 0, 1.3, span],
                [3, 0, 1.3, span],
                [0, -span / 2, 10, 1.2],
                [0, span / 2, 10, 1.2],
                [0, span / 5, 6, 4],
            ]
        )
        shapes = raised_parts(scene, parts + [x, middle, 0, 0], angle, MIDDLE, 0)
        scene.shade(
            scene.stamp(shapes + scene.sun * min(scene.px(20 * scene.shadow_length), 40)),
            scene.shadow_depth * 0.8,
        )
        scene.fill(shapes, tone * np.array([[1.0], [1.0], [0.8], [0.8], [1.15]]))
        scene.claim(scene.stamp(shapes) > 0.5, "yard gantry")


def _yard_edge(scene: Scene, angle: float, edge_m: float) -> None:
    """Beyond the stacks: open paving with a warehouse, or the yard's rail tracks."""
    if scene.chance(0.5):
        depth = scene.uniform(20, 40)
        length = scene.rng.uniform(30, 80, 3)
        places = np.stack(
            [np.full(3, edge_m + 14 + depth / 2), np.array([-1, 0, 1]) * 95 + scene.uniform(-30, 30)], -1
        )
        shapes = rectangles(to_canvas(scene, places, angle), scene.px(depth), scene.px(length), angle)
        buildings(scene, shapes, scene.colours("flat roof", 3, 2), 9, 0.06, 0.8, "warehouse")
        return
    along, across = (metres.astype(np.float32) for metres in local_metres(scene, angle))
    for track in range(scene.integer(2, 4)):
        beside_track = np.abs(along - edge_m - 6 - 5 * track)
        scene.paint((beside_track < 1.6) * 0.6, scene.colour("soil") * 0.75, "rails")
        scene.paint(
            (np.abs(beside_track - 0.75) < max(0.12, 0.35 * scene.gsd)) * 0.7,
            np.array([70, 64, 60], np.float32),
        )


def harbour_crane(scene: Scene) -> None:
    """A quay seen with its cranes; the quay's own frame has x along its edge and y towards the water."""
    sea(scene, rough=0.0)
    angle = scene.uniform(0, 2 * np.pi)
    water_side = np.array([-np.sin(angle), np.cos(angle)])
    edge = MIDDLE + water_side * SIDE * scene.uniform(-0.16, 0.1)
    boxes_here = scene.chance(0.68)
    along, across = _quay(scene, angle, edge)
    if boxes_here:
        inside = across < -scene.uniform(52, 84)  # the cranes are the picture, the stacks stand behind them
        stacks(scene, along, across, inside, scene.integer(5, 7), scene.uniform(8, 16), scene.uniform(0.6, 0.95))
    else:
        _bulk(scene, angle, edge)
    _quay_life(scene, angle, edge)
    if scene.chance(0.55):
        _moored_ship(scene, angle, edge, "containers" if boxes_here else "hatches")
    (gantry_cranes if boxes_here else jib_cranes)(scene, angle, edge)


def _quay(scene: Scene, angle: float, edge) -> tuple[np.ndarray, np.ndarray]:
    """Paving up to the water, its coping, crane rails, lanes; returns metres along it and to the water."""
    along, across = (metres.astype(np.float32) for metres in local_metres(scene, angle, edge))
    land = np.clip(0.5 - across / scene.gsd, 0, 1)
    scene.shade(shifted(land, scene.sun * min(scene.px(4 * scene.shadow_length), 12)))
    ground = scene.colour("concrete"), scene.colour("asphalt")
    scene.paint(land, scene.surface(*ground, scene.uniform(0.7, 2), 0.06, 1.0))
    scene.paint(
        np.clip((1.1 - np.abs(across + 1.1)) / scene.gsd + 0.3, 0, 0.5), np.array((206, 202, 192), np.float32)
    )
    _quay_lines(scene, angle, edge, sum(ground) / 2)
    return along, across


def _quay_lines(scene: Scene, angle: float, edge, ground) -> None:
    """The cranes' rails and the dashes between the lanes, worn into the colour of the ground."""
    long, thin = 1.6 * scene.width_m, max(0.5, 0.7 * scene.gsd)
    dashes = np.arange(-0.75 * scene.width_m, 0.75 * scene.width_m, 9)
    dashes = [[x, y, 6, 0.8 * thin] for y in scene.pick([(-11, -25), (-11, -16, -25)]) for x in dashes]
    for parts, strength, tone in (
        ([[0, y, long, 1.6 * thin] for y in (-4, -32)], 0.5, (62, 60, 58)),
        (dashes, scene.uniform(0.1, 0.3), (212, 200, 150)),
    ):
        shapes = raised_parts(scene, np.array(parts, float), angle, edge, 0)
        scene.fill(shapes[in_view(shapes.mean(1), SIDE)], ground + (np.array(tone) - ground) * strength)


def _quay_life(scene: Scene, angle: float, edge) -> None:
    """Lorries in the lanes under the cranes, fenders along the edge, gear left about, oil where lorries wait."""
    step = scene.uniform(9, 18)
    x = np.arange(-0.8 * scene.width_m, 0.8 * scene.width_m, step)
    fenders = to_canvas(scene, np.stack([x, 0 * x + 0.8], -1), angle, edge)
    scene.fill(rectangles(fenders, max(scene.px(2.4), 1.5), max(scene.px(1.6), 1.2), angle), (44, 44, 46))
    count = scene.integer(2, 7)
    x = scene.rng.uniform(-0.5, 0.5, count) * scene.width_m
    y = -10 - 4.5 * scene.rng.integers(0, 4, count)
    spots = np.stack([np.repeat(x, 3) + np.tile([-9, 0, 7], count), np.repeat(y, 3)], -1)
    spots = to_canvas(scene, spots, angle, edge)
    stained = rectangles(spots, scene.px(9), max(scene.px(1.4), 1), angle)
    scene.shade(scene.stamp(stained), scene.uniform(0.06, 0.2))
    trailers = rectangles(spots[1::3], scene.px(12.4), max(scene.px(2.5), 1.6), angle)
    cabs = rectangles(spots[2::3] + (spots[2::3] - spots[1::3]) * 0.14, scene.px(2.6), max(scene.px(2.4), 1.6), angle)
    scene.cast(np.concatenate([trailers, cabs]), 3.5)
    scene.fill(trailers, scene.colours("container", count, 5) * 0.9, "truck")
    scene.fill(cabs, scene.colours("car", count, 4))
    gear = scene.rng.uniform((-0.5, -44), (0.5, -36), (scene.integer(2, 9), 2)) * [scene.width_m, 1]
    sizes = scene.px(scene.rng.uniform(2, 9, (2, len(gear))))
    shapes = rectangles(to_canvas(scene, gear, angle, edge), sizes[0], sizes[1] * 0.5, angle)
    scene.cast(shapes, 1.5)
    scene.fill(shapes, scene.colours("flat roof", len(gear), 3) * 0.8)


def _moored_ship(scene: Scene, angle: float, edge, load: str) -> None:
    length = min(scene.width_m * scene.uniform(0.8, 1.6), 330)
    beam = length * scene.uniform(0.13, 0.16)
    aside = np.array([scene.uniform(-0.25, 0.25) * scene.width_m, beam / 2 + 3])
    heading = angle + (np.pi if scene.chance(0.5) else 0)
    freighter(scene, Berth(to_canvas(scene, aside, angle, edge), heading, length, beam), load)


def _bulk(scene: Scene, angle: float, edge) -> None:
    """Long heaps of ore, coal or gravel behind the quay, spilt dust around them, and a shed."""
    tone = np.array(scene.pick([(70, 68, 68), (128, 84, 62), (168, 156, 132), (140, 132, 120)]), np.float32)
    along, across = (metres.astype(np.float32) for metres in local_metres(scene, angle, edge))
    ragged = 0.13 * scene.noise(0.8, LAND) + 0.1 * scene.noise(0.6, MOTTLE)
    height = np.full((SIDE, SIDE), -9.0, np.float32)
    row = -scene.uniform(46, 66)
    for _ in range(scene.integer(1, 3)):
        width = scene.uniform(14, 26)
        row -= width
        for x in (scene.uniform(-0.55, -0.2), scene.uniform(0.1, 0.5)):
            beyond = np.abs(along - x * scene.width_m) - scene.uniform(0.06, 0.25) * scene.width_m
            tipped = 0.1 * np.sin(along / width * scene.uniform(1.8, 3) + scene.uniform(0, 6))  # load after load
            cone = 1 - np.hypot(np.clip(beyond, 0, None), across - row) / width
            np.maximum(height, cone + ragged + tipped, out=height)
        row -= width + scene.uniform(3, 12)
    _heap(scene, height, tone * scene.uniform(0.85, 1.15), 20.0, ragged)
    place = np.array([[scene.uniform(-0.3, 0.3) * scene.width_m, row - 25]])
    shed = rectangles(to_canvas(scene, place, angle, edge), scene.px(90), scene.px(35), angle)
    buildings(scene, shed, scene.colours("flat roof", 1), 10, 0.1, 0.8, "warehouse")


def _heap(scene: Scene, height, tone, width_m: float, rough) -> None:
    """Heaps whose `height` runs from 0 at the foot to 1 at the ridge, their flanks lit by the sun."""
    scene.paint(np.clip((height + 0.5) / 0.5, 0, 1) ** 2 * 0.45, tone)
    down, right = np.gradient(np.clip(height, 0, 1) * scene.px(width_m))
    raised = np.clip(height, 0, None)
    scene.shade((shifted(raised, scene.sun * scene.px(0.3 * width_m * scene.shadow_length)) > raised + 0.3) * 0.7)
    light = 1 + 0.35 * (right * float(scene.sun[0]) + down * float(scene.sun[1])) + 0.5 * rough
    scene.paint(np.clip(height * 8, 0, 1), tone * np.clip(light, 0.45, 1.5)[..., None], "heap")


KINDS = [
    Kind(
        "container yard",
        ("a container yard", "a container terminal", "a yard of stacked containers"),
        container_yard,
        (50, 190),
        ("containers",),
        False,
    ),
    Kind(
        "harbour crane",
        ("a harbour crane", "a quay crane", "a port crane"),
        harbour_crane,
        (95, 190),
        ("harbour crane",),
        False,
    ),
]
