"""Airport runways; the kinds of the ways that people travel: parking lot, runway, road interchange."""

import numpy as np

from ..drawing.geometry import MIDDLE, beside, edge, rotate, to_canvas
from ..drawing.ground import furrows, grass, paving, soil
from ..drawing.plants import canopy, trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from ..kind import Kind
from .airplane import airplane
from .interchange import road_interchange
from .parking import parking_lot
from .roofs import flat_roofs, wings

PAINT = np.array([228, 228, 222], np.float32)


def airport_runway(scene: Scene) -> None:
    angle, width = scene.angle(), scene.pick([23.0, 30.0, 45.0, 60.0], [0.15, 0.25, 0.45, 0.15])
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    origin = MIDDLE + across * scene.uniform(-0.28, 0.28) * SIDE
    side = scene.pick([-1, 1])
    _airfield(scene, angle)
    base = scene.colour("asphalt")
    colour = (
        base * scene.uniform(0.7, 1.05)
        if scene.chance(0.6)
        else scene.colour("concrete") * scene.uniform(0.75, 0.95)
    )
    end = scene.uniform(-0.45, 0.2) * SIDE if scene.chance(0.5) else -2 * SIDE  # where the runway begins
    if scene.chance(0.25):  # a second runway crosses
        _strip(
            scene,
            MIDDLE + scene.rng.normal(0, 40, 2),
            angle + scene.uniform(0.4, 1.4),
            width,
            colour * 1.05,
            -2 * SIDE,
        )
    gap = scene.uniform(80, 180)
    if scene.chance(0.7):
        _taxiways(scene, origin, angle, side, gap, end, colour)
    if scene.chance(0.35):
        _apron(scene, origin, angle, side, gap + scene.uniform(20, 60))
    _strip(scene, origin, angle, width, colour, end)
    _airplanes(scene, origin, along, across * side, width, gap)
    if scene.chance(0.2):
        canopy(scene, mask=edge(beside(scene, scene.uniform(0.3, 0.5), angle - side * np.pi / 2), 0.02))


def _airfield(scene: Scene, angle: float) -> None:
    """Mown grass or dry ground with worn spots, drains and tracks."""
    scene.image = grass(scene) if scene.chance(0.7) else soil(scene)
    if scene.chance(0.5):
        spots = edge(scene.noise(scene.uniform(0.8, 2.5), LAND) - scene.uniform(0.3, 1.2), 0.3)
        scene.paint(spots * scene.uniform(0.3, 0.8), soil(scene))
    if scene.chance(0.5):
        furrows(scene, None, scene.uniform(0.02, 0.07), scene.uniform(6, 18), angle + np.pi / 2, 0)
    scene.texture(0.05 * scene.noise(1, MOTTLE))


def _pave(scene: Scene, shapes, colour, kind: str) -> None:
    wear = 0.05 * scene.noise(scene.uniform(0.6, 1.5), MOTTLE) + 0.04 * scene.noise(1, GRAIN)
    scene.paint(scene.stamp(shapes), np.clip(colour, 20, 235) * (1 + wear)[..., None], kind)


def _box(scene: Scene, origin, angle: float, start, stop, low, high) -> np.ndarray:
    """A rectangle [4, 2] in pixels: from start to stop along, low to high across, all in pixels."""
    corners = np.array([(start, low), (stop, low), (stop, high), (start, high)], np.float64)
    return rotate(corners, angle) + origin


def _strip(scene: Scene, origin, angle: float, width_m: float, colour, start: float) -> None:
    """A runway from `start` (pixels along) to beyond the frame, with shoulders, wear and paint."""
    half, far = scene.px(width_m) / 2, 3 * SIDE
    if scene.chance(0.6):
        shoulder = scene.px(scene.uniform(4, 10))
        _pave(
            scene,
            [_box(scene, origin, angle, start - scene.px(60), far, -half - shoulder, half + shoulder)],
            colour * 0.8,
            None,
        )
    if start > -SIDE and scene.chance(0.6):  # stopway with a blast pad
        _pave(
            scene,
            [_box(scene, origin, angle, start - scene.px(90), start, -half, half)],
            colour * scene.uniform(0.7, 1.2),
            "taxiway",
        )
    _pave(scene, [_box(scene, origin, angle, start, far, -half, half)], colour, "runway")
    slabs = scene.uniform(20, 60)
    across = scene.cells(slabs)[1][..., 0] - 0.5
    scene.texture(
        scene.stamp([_box(scene, origin, angle, start, far, -half, half)]) * across * scene.uniform(0, 0.1)
    )
    _rubber(scene, origin, angle, half, start)
    _paint(scene, origin, angle, width_m, start)


def _rubber(scene: Scene, origin, angle: float, half: float, start: float) -> None:
    """Dark tyre marks along the middle, where airplanes touch down."""
    place = rotate(_grid() - origin, -angle)
    begin = max(start, -SIDE) + scene.px(60)
    fade = np.clip((place[..., 0] - begin) / scene.px(100), 0, 1)
    tyres = np.exp(-(((np.abs(place[..., 1]) - half * 0.14) / max(half * 0.16, 0.8)) ** 2))
    streaks = 1 + 0.4 * scene.noise(1, MOTTLE, 6, angle)
    scene.shade((tyres * fade * np.clip(streaks, 0, 2) / 2 * scene.uniform(0.1, 0.7)).astype(np.float32), 0.7)


def _grid() -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), -1).astype(np.float64)


def _paint(scene: Scene, origin, angle: float, width_m: float, start: float) -> None:
    """Centre dashes, side lines, threshold bars, aiming points."""
    px, half = scene.px, scene.px(width_m) / 2
    thin = max(px(0.9), 0.5)
    begin = start + px(75) if start > -SIDE else -1.5 * SIDE
    places = np.arange(begin, 1.5 * SIDE, px(50))
    marks = [_box(scene, origin, angle, x, x + px(30), -thin / 2, thin / 2) for x in places]
    if width_m >= 30 and scene.chance(0.8):
        marks += [
            _box(scene, origin, angle, start, 3 * SIDE, y - thin / 2, y + thin / 2)
            for y in (-half * 0.93, half * 0.93)
        ]
    if start > -SIDE:
        bars = {23.0: 4, 30.0: 4, 45.0: 6, 60.0: 8}[width_m]
        step = half * 0.9 / (bars + 0.5)
        for i in range(bars):
            for side in (-1, 1):
                y = side * step * (i + 0.9)
                marks.append(
                    _box(
                        scene, origin, angle, start + px(6), start + px(36), y - step * 0.32, y + step * 0.32
                    )
                )
        scene.claim(
            scene.stamp([_box(scene, origin, angle, start + px(6), start + px(36), -half, half)]) > 0,
            "threshold markings",
        )
        if width_m >= 45:
            for side in (-1, 1):
                y = side * half * 0.45
                marks.append(
                    _box(
                        scene,
                        origin,
                        angle,
                        start + px(300),
                        start + px(350),
                        y - half * 0.14,
                        y + half * 0.14,
                    )
                )
    scene.paint(scene.stamp(marks) * scene.uniform(0.55, 1), PAINT)


def _taxiways(scene: Scene, origin, angle: float, side: int, gap: float, start: float, colour) -> None:
    """A parallel taxiway and its connections to the runway."""
    width, shade = scene.uniform(15, 24), scene.uniform(0.85, 1.15)
    far, away = 2.0 * scene.width_m, side * gap
    begin = start * scene.gsd
    lines = [np.array([[max(begin, -far), away], [far, away]])]
    for x in np.arange(max(begin, -scene.width_m) + width / 2, scene.width_m, scene.uniform(150, 320)):
        slant = scene.pick([0.0, gap * 0.9, -gap * 0.9], [0.6, 0.2, 0.2])
        lines.append(np.array([[x, 0], [x + slant, away]]))
    mask = np.zeros((SIDE, SIDE), np.float32)
    for line in lines:
        mask = np.maximum(mask, scene.stroke(to_canvas(scene, line, angle, origin), width))
    wear = 1 + 0.05 * scene.noise(1, MOTTLE) + 0.04 * scene.noise(1, GRAIN)
    scene.paint(mask, np.clip(colour * shade, 20, 235) * wear[..., None], "taxiway")
    if scene.px(1) > 0.5:
        for line in lines:
            scene.paint(
                scene.stroke(to_canvas(scene, line, angle, origin), 0.6) * 0.6,
                np.array([196, 168, 70], np.float32),
            )


def _apron(scene: Scene, origin, angle: float, side: int, away_m: float) -> None:
    """A wide paved stand with buildings behind."""
    near, x = scene.px(away_m) * side, scene.uniform(-0.3, 0.3) * SIDE
    long, deep = scene.px(scene.uniform(120, 300)), scene.px(scene.uniform(60, 160)) * side
    before = scene.image
    stand = [_box(scene, origin, angle, x - long / 2, x + long / 2, near, near + deep)]
    scene.image = paving(scene, 0.9)
    concrete, scene.image = scene.image, before
    scene.paint(scene.stamp(stand), concrete, "apron")
    for i in range(scene.integer(0, 3)):
        spot = origin + rotate(np.array([x + (i - 1) * long * 0.4, near + deep * 1.15]), angle)
        shapes = wings(scene, spot, scene.uniform(30, 80), angle)
        flat_roofs(scene, shapes, np.tile(scene.colour("flat roof"), (len(shapes), 1)), scene.uniform(6, 12))
    if scene.chance(0.4):
        trees(
            scene,
            0.3
            * scene.stroke(
                origin + rotate(np.array([[-300, near + deep * 1.6], [300, near + deep * 1.6]]), angle), 40
            ),
            7,
        )


def _airplanes(scene: Scene, origin, along, aside, width_m: float, gap: float) -> None:
    for i in range(scene.pick([0, 1, 2, 3], [0.5, 0.28, 0.14, 0.08])):
        off = (
            scene.uniform(-0.1, 0.1) * width_m if i == 0 and scene.chance(0.4) else gap + scene.uniform(-3, 3)
        )
        spot = origin + along * scene.uniform(-0.42, 0.42) * SIDE + aside * scene.px(off)
        turn = np.arctan2(along[1], along[0]) + scene.pick([0, np.pi]) + scene.rng.normal(0, 0.05)
        airplane(scene, spot, scene.pick([9.0, 20.0, 38.0, 60.0]), turn)


KINDS = [
    Kind(
        "parking lot", ("a parking lot", "a car park"), parking_lot, (45, 420), ("parking",), seasonal=False
    ),
    Kind("airport runway", ("an airport runway", "a runway"), airport_runway, (110, 640), ("runway",)),
    Kind(
        "road interchange",
        ("a road interchange", "a highway interchange"),
        road_interchange,
        (200, 640),
        ("road", "ramp"),
    ),
]
