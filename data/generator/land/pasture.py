"""What animals, machines and owners leave in grass: paths, scrapes, ponds, fences, wheel tracks, a lane."""

import cv2
import numpy as np

from ..drawing.geometry import MIDDLE, in_view, straight
from ..drawing.ground import road
from ..drawing.plants import trees
from ..drawing.scene import COLUMNS, ROWS, SHIFT, SIDE, Scene
from ..drawing.textures import GRAIN, MOTTLE, PATCH
from .swards import green

POND = [(136, 120, 94), (126, 116, 94), (104, 104, 92), (88, 96, 84), (34, 38, 36), (48, 52, 46), (62, 70, 72)]
EARTH = [(146, 118, 94), (156, 128, 104), (134, 114, 94), (172, 152, 126), (116, 98, 82), (150, 142, 126)]
GRAVEL = [(168, 160, 148), (150, 142, 130), (186, 178, 164), (140, 130, 116)]


def heading(scene: Scene) -> float:
    """The direction that fences and roads of a neighbourhood share: often that of the map."""
    return scene.uniform(-0.03, 0.03) if scene.chance(0.55) else scene.angle()


def earth(scene: Scene) -> np.ndarray:
    """Bare earth that belongs to this ground: dark under dark grass, pale under straw."""
    ground = scene.image[::8, ::8].mean((0, 1))
    bare = np.array(scene.pick(EARTH), np.float32)
    return 0.65 * bare + 0.35 * ground * bare.mean() / max(ground.mean(), 60)


def winding(scene: Scene, start, angle: float, length: float, turn: float = 0.2, steps: int = 40) -> np.ndarray:
    """A line [steps, 2] from a point, whose direction changes smoothly as it goes."""
    bends = np.convolve(scene.rng.normal(0, turn, steps + 4), np.full(5, 0.45), "valid")
    course = angle + np.cumsum(bends)
    course = angle + (course - angle) * np.minimum(1, 1.2 / max(np.abs(course - angle).max(), 1e-6))
    return start + np.cumsum(np.stack([np.cos(course), np.sin(course)], -1) * length / steps, 0)


def across(scene: Scene, turn: float = 0.2) -> np.ndarray:
    """A winding line that starts beside the canvas and passes near its middle."""
    angle = scene.uniform(0, 2 * np.pi)
    start = MIDDLE - 0.85 * SIDE * np.array([np.cos(angle), np.sin(angle)]) + scene.rng.normal(0, 0.2 * SIDE, 2)
    return winding(scene, start, angle, 1.8 * SIDE, turn)


def _line(mask: np.ndarray, points, width_px: float, grey: int = 255) -> None:
    corners = np.round(points * 2**SHIFT).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(mask, [corners], False, grey, max(1, round(width_px)), cv2.LINE_AA, SHIFT)


def _canvas() -> np.ndarray:
    return np.zeros((SIDE, SIDE), np.uint8)


def _blob(scene: Scene, centre, radius: float, ragged: float, longer: float = 1.0):
    """A box of the canvas and, in it, signed pixels inside a lobed, turned outline; None off the canvas."""
    reach = int(2.2 * radius * longer + 6)
    low = np.clip(np.array(centre, int) - reach, 0, SIDE)
    high = np.clip(np.array(centre, int) + reach, 0, SIDE)
    box = slice(low[1], high[1]), slice(low[0], high[0])
    x, y = COLUMNS[box] - centre[0], ROWS[box] - centre[1]
    if x.size == 0:
        return None
    turn = scene.uniform(0, 2 * np.pi)
    x, y = (x * np.cos(turn) + y * np.sin(turn)) / longer, y * np.cos(turn) - x * np.sin(turn)
    angle = np.arctan2(y, x)
    waves = sum(scene.uniform(0, ragged) / k * np.cos(k * angle + scene.uniform(0, 6)) for k in (2, 3, 5, 7, 11))
    return box, radius * (1 + waves) - np.hypot(x, y), x, y


def pond(scene: Scene, centre=None) -> None:
    """A pond behind a bank or in a hollow: muddy or dark, its edge irregular and trampled, greener below."""
    centre = scene.rng.uniform(0.08, 0.92, 2) * SIDE if centre is None else centre
    radius = min(scene.px(scene.uniform(5, 17)), 0.11 * SIDE)
    blob = _blob(scene, centre, max(radius, 3), scene.uniform(0.3, 0.65), scene.uniform(1, 2))
    if blob is None:
        return
    box, field, x, _ = blob
    if scene.chance(0.5):  # a dam: one side is straight
        field = np.minimum(field, radius * scene.uniform(0.3, 0.8) - x)
    rough, grain = scene.noise(0.4, PATCH)[box], scene.noise(1.2, GRAIN)[box]
    field = field + 0.1 * radius * rough
    trodden = field + radius * (scene.uniform(-0.1, 0.4) + 0.35 * rough) + 0.5 * grain
    mud = np.clip(trodden / max(0.2 * radius, 1), 0, 1)
    _blend(scene, box, mud * scene.uniform(0.2, 0.8), earth(scene))
    _blend(scene, box, np.clip((field + 1.6) / 2, 0, 1) * 0.5, green(scene) * 0.6)
    water = np.array(scene.pick(POND), np.float32) * scene.uniform(0.85, 1.15)
    shallow = np.exp(-np.clip(field, 0, None) / max(0.25 * radius, 1))[..., None] * scene.uniform(-0.2, 0.25)
    mask = np.clip(field + 0.5, 0, 1)
    _blend(scene, box, mask, water * (1 + shallow + 0.02 * grain[..., None]))
    whole = np.zeros((SIDE, SIDE), bool)
    whole[box] = mask > 0.5
    scene.claim(whole, "pond")


def _blend(scene: Scene, box, mask: np.ndarray, colour: np.ndarray) -> None:
    part = scene.image[box]
    part += (colour - part) * mask[..., None]


def paths(scene: Scene) -> np.ndarray:
    """Trodden lines that meet at one place, as cattle make them, and the worn ground there; returns that place."""
    knot = scene.rng.uniform(0.05, 0.95, 2) * SIDE
    mask = _canvas()
    first, count = scene.uniform(0, 2 * np.pi), scene.integer(2, 6)
    for i in range(count):
        angle = first + 2 * np.pi * (i + scene.uniform(-0.3, 0.3)) / count
        length = SIDE * scene.uniform(0.4, 1.4)
        line = winding(scene, knot, angle, length, scene.uniform(0.05, 0.18))
        _line(mask, line, scene.px(0.8), scene.integer(120, 255))
        if scene.chance(0.4):  # a second tread beside it
            _line(mask, line + scene.rng.normal(0, 1.5, 2) + scene.rng.normal(0, 0.7, line.shape), 1, 120)
    pale = earth(scene) * scene.uniform(0.95, 1.2)
    scene.paint(mask * np.float32(scene.uniform(0.3, 0.75) / 255), pale)
    if scene.chance(0.6):
        _bare(scene, knot, scene.px(scene.uniform(4, 14)), pale)
    return knot


def _bare(scene: Scene, centre, radius: float, colour) -> None:
    """Trampled earth, sharpest in its middle."""
    blob = _blob(scene, centre, min(max(radius, 2), 0.15 * SIDE), 0.7, scene.uniform(1, 1.8))
    if blob is None:
        return
    box, field = blob[:2]
    field = field + radius * (0.3 * scene.noise(0.4, PATCH)[box] + 0.15 * scene.noise(1.2, GRAIN)[box])
    mask = np.clip(field / max(0.3 * radius, 1), 0, 1) * scene.uniform(0.6, 0.95)
    _blend(scene, box, mask, colour * (1 + 0.08 * scene.noise(1, MOTTLE)[box])[..., None])
    whole = np.zeros((SIDE, SIDE), bool)
    whole[box] = mask > 0.5
    scene.claim(whole, "bare soil")


def scrapes(scene: Scene) -> None:
    """Small wounds in a loose group: slipped banks, heaps, feeding places, burnt spots."""
    middle, spread = scene.rng.uniform(0.1, 0.9, 2) * SIDE, scene.uniform(0.08, 0.35) * SIDE
    colour = earth(scene) * scene.uniform(0.7, 1.2)
    centres = middle + scene.rng.normal(0, spread, (scene.integer(1, 4), 2))
    for centre in centres[in_view(centres)]:
        _bare(scene, centre, scene.px(scene.log_uniform(1.5, 8)), colour * scene.uniform(0.9, 1.1))


def strips(scene: Scene) -> None:
    """Short pale or dark strokes that follow one slope: banks, feed troughs' lines, dead furrows."""
    mask, angle = _canvas(), scene.angle()
    for _ in range(scene.integer(3, 9)):
        start = scene.rng.uniform(0, 1, 2) * SIDE
        line = winding(scene, start, angle + scene.uniform(-0.2, 0.2), SIDE * scene.uniform(0.06, 0.25), 0.06)
        _line(mask, line, scene.px(scene.uniform(1, 3)), scene.integer(100, 255))
    colour = earth(scene) if scene.chance(0.65) else green(scene) * 0.7
    scene.paint(mask * np.float32(scene.uniform(0.4, 0.8) / 255), colour)


def wheel_tracks(scene: Scene) -> None:
    """Where a tractor drove: pairs of thin lines along wide bends."""
    mask = _canvas()
    for _ in range(scene.integer(1, 3)):
        line = across(scene, 0.06)
        ahead = np.gradient(line, axis=0)
        aside = np.stack([-ahead[:, 1], ahead[:, 0]], -1) / np.linalg.norm(ahead, axis=1, keepdims=True)
        for side in (-1, 1):
            _line(mask, line + side * aside * max(scene.px(0.9), 0.8), scene.px(0.4))
    colour = earth(scene) if scene.chance(0.6) else green(scene) * 0.6
    scene.paint(mask * np.float32(scene.uniform(0.2, 0.55) / 255), colour)


def fences(scene: Scene, angle: float) -> None:
    """One or two straight fences: grazed otherwise beyond, a worn or weedy line along, now and then trees."""
    for turn in (0, np.pi / 2)[: scene.integer(1, 2)]:
        across_it = angle + turn
        offset = scene.pick([-1, 1]) * scene.uniform(0.05, 0.45) * SIDE
        field = (COLUMNS - MIDDLE[0]) * np.float32(-np.sin(across_it)) + (ROWS - MIDDLE[1]) * np.float32(
            np.cos(across_it)
        )
        field = field - np.float32(offset)
        beyond = np.clip(np.sign(offset) * field + 0.5, 0, 1)
        change = scene.rng.uniform(0.8, 1.15) * scene.rng.uniform(0.97, 1.03, 3) - 1
        scene.image *= 1 + beyond[..., None] * change.astype(np.float32)
        width = max(scene.px(scene.uniform(0.5, 1.6)), 1)
        line = np.clip(width / 2 + 0.5 - np.abs(field), 0, 1) * np.clip(0.7 + 0.5 * scene.noise(0.8, PATCH), 0, 1)
        pale = scene.chance(0.6)
        scene.paint(line * scene.uniform(0.35, 0.85), earth(scene) if pale else green(scene) * 0.6)
        if scene.chance(0.25):
            hedge(scene, straight(scene, across_it, offset))


def hedge(scene: Scene, points) -> None:
    """Bushes and trees along a line, with gaps."""
    gaps = np.clip(0.5 + 0.9 * scene.noise(scene.uniform(0.4, 1), PATCH), 0, 1)
    trees(scene, scene.stroke(points, scene.uniform(4, 10)) * gaps, scene.uniform(3.5, 8))


def edge_road(scene: Scene, angle: float) -> None:
    """A gravel or paved lane along one edge of the picture, with its mown verges."""
    offset = scene.pick([-1, 1]) * scene.uniform(0.3, 0.5) * SIDE
    line, width = straight(scene, angle, offset), scene.uniform(3.5, 6.5)
    scene.paint(scene.stroke(line, width + scene.uniform(4, 9)) * scene.uniform(0.2, 0.6), green(scene))
    colour = np.array(scene.pick(GRAVEL), np.float32) * scene.uniform(0.85, 1.1)
    road(scene, line, width, colour if scene.chance(0.7) else scene.colour("asphalt"), False)


def lane(scene: Scene) -> None:
    """A farm track: two worn wheel lines with grass between where they can be told apart, else one pale line."""
    line, colour = across(scene, 0.08), np.array(scene.pick(EARTH + GRAVEL[:2]), np.float32)
    width = scene.uniform(2.2, 3.5)
    mask = scene.stroke(line, width)
    scene.paint(mask * np.clip(0.75 + 0.3 * scene.noise(1, MOTTLE), 0, 1), colour, "track")
    if scene.px(width) > 5:
        scene.paint(scene.stroke(line, width * 0.3) * 0.6, green(scene))
