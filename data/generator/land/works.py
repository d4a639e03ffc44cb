"""Works in the open: quarries; the kinds of quarries and solar farms."""

import cv2
import numpy as np

from ..drawing.built import buildings
from ..drawing.geometry import beside, edge, rectangles, straight
from ..drawing.ground import background, road
from ..drawing.scene import COLUMNS, ROWS, SHIFT, SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE, PATCH
from ..kind import Kind
from .solar import solar_farm
from .yards import trucks


def quarry(scene: Scene) -> None:
    """A pit of benches cut into open land, with haul roads, water, heaps, plant and lorries."""
    background(scene, scene.pick(["forest", "grass", "soil", "field"], [0.35, 0.3, 0.25, 0.1]))
    rock = scene.colour(scene.pick(["concrete", "sand", "soil", "desert"], [0.35, 0.25, 0.3, 0.1]))
    rock = rock * 0.6 + rock.mean() * 0.4
    if scene.chance(0.4):
        road(scene, straight(scene), scene.uniform(5, 9))
    pit = _outline(scene)
    depth = _inward(scene, pit)
    _stripped_rim(scene, pit, rock)
    floor = _benches(scene, depth, pit, rock)
    _haul_roads(scene, pit, floor, rock)
    water = _pit_water(scene, depth, floor)
    _heaps(scene, floor & ~water, rock)
    _plant_and_lorries(scene, floor & ~water)


def _outline(scene: Scene) -> np.ndarray:
    """The pit as a boolean mask: one or two ragged polygons grown together, one flank of a hill, or all the frame."""
    layout = scene.pick(["bowl", "double", "flank", "endless"], [0.4, 0.32, 0.2, 0.08])
    if layout == "flank":
        return beside(scene, scene.uniform(-0.3, 0.05), wobble=scene.uniform(0.1, 0.25)) > 0
    if layout == "endless":
        return beside(scene, scene.uniform(-0.5, -0.3), wobble=0.2) > 0
    pit = np.zeros((SIDE, SIDE), bool)
    for _ in range(2 if layout == "double" else 1):
        middle = scene.rng.normal(0, 0.13, 2)
        start, count = scene.uniform(0, 6.3), scene.integer(4, 7)
        rough = scene.noise(scene.uniform(1, 2), LAND) * 0.05 + scene.noise(0.8, MOTTLE) * 0.008
        field = np.full((SIDE, SIDE), np.inf, np.float32)
        for turn in start + 2 * np.pi * (np.arange(count) + scene.rng.uniform(-0.3, 0.3, count)) / count:
            x, y = COLUMNS / SIDE - float(0.5 + middle[0]), ROWS / SIDE - float(0.5 + middle[1])
            field = np.minimum(field, scene.uniform(0.24, 0.46) - x * float(np.cos(turn)) - y * float(np.sin(turn)))
        pit |= field + rough > 0
    sigma = scene.uniform(2, 7)
    return cv2.GaussianBlur(pit.astype(np.float32), (0, 0), sigma) + rough * 3 > 0.5


def _inward(scene: Scene, pit) -> np.ndarray:
    """Metres from the rim inward, warped: walls are steep in places, and flat where the rock is not worked."""
    room = cv2.distanceTransform(np.pad(pit, 40, "edge").astype(np.uint8), cv2.DIST_L2, 5)[40:-40, 40:-40]
    turn = scene.uniform(0, 2 * np.pi)
    side = ((COLUMNS - SIDE / 2) * float(np.cos(turn)) + (ROWS - SIDE / 2) * float(np.sin(turn))) / SIDE
    pace = np.exp(0.45 * scene.noise(scene.uniform(1.5, 3), LAND) + scene.uniform(0, 2) * side)
    room = np.minimum(room, SIDE)  # infinite where no rim is in the picture
    depth = (cv2.GaussianBlur(room, (0, 0), 1.2) * pace + 0.8 * scene.noise(0.6, MOTTLE)) * scene.gsd * pit
    return depth.astype(np.float32)


def _stripped_rim(scene: Scene, pit, rock) -> None:
    """Bare overburden around the pit, with spoil and tracks, fading into the land."""
    reach = max(min(scene.px(scene.uniform(8, 60)), 24), 3)
    rim = cv2.GaussianBlur(pit.astype(np.float32), (0, 0), reach / 2)
    broad, fine = scene.noise(1.2, PATCH), scene.noise(0.7, MOTTLE)
    rim = edge(rim - 0.16 - 0.12 * broad - 0.04 * fine, 0.12)
    mix = np.clip(0.5 + 0.4 * broad, 0, 1)[..., None]
    image = (rock * 0.85 + (scene.colour("soil") - rock * 0.85) * mix) * (1 + 0.1 * fine)[..., None]
    scene.paint(rim * 0.9, image)
    scene.claim(rim > 0.6, "bare soil")


def _benches(scene: Scene, depth, pit, rock) -> np.ndarray:
    """Steps of pale floors and darker faces lit by the sun; returns the lowest floor."""
    most = scene.integer(1, 5)
    least = max(7.0, scene.width_m * 0.018)
    ends = np.cumsum(scene.rng.uniform(1, 2.8, most + 1) * least)  # where each bench's face begins
    level = (depth[..., None] > ends.astype(np.float32)).sum(-1, dtype=np.uint8)
    into = depth - np.concatenate([[0], ends]).astype(np.float32)[level]
    streaks, broad = scene.noise(0.6, MOTTLE), scene.noise(scene.uniform(0.8, 2.5), LAND)
    face = np.clip(1.2 - into / (least * scene.uniform(0.25, 0.5)), 0, 1) * np.clip(0.8 + 0.4 * broad, 0.1, 1)
    smooth = cv2.GaussianBlur(depth, (0, 0), 2)
    dx, dy = (cv2.Sobel(smooth, cv2.CV_32F, *axis, ksize=1) for axis in ((1, 0), (0, 1)))
    along, aside = (float(part) for part in scene.sun)
    lit = -(dx * along + dy * aside) / (np.hypot(dx, dy) + 1e-6)  # ground falls where depth grows
    shades = scene.rng.uniform(0.86, 1.12, most + 2).astype(np.float32)[level]
    tone = shades + 0.09 * broad - face * (0.18 + 0.1 * streaks + lit * scene.uniform(0.2, 0.4))
    tone = tone + 0.06 * scene.noise(0.7, GRAIN) + 0.05 * streaks
    mix = np.clip(0.3 + 0.3 * (broad - streaks), 0, 0.9)[..., None]
    image = (rock + (scene.colour("soil") - rock) * mix) * tone[..., None]
    scene.paint(cv2.GaussianBlur(pit.astype(np.float32), (0, 0), 0.6), image)
    _wall_shadows(scene, level, pit)
    scene.claim(pit, "quarry pit")
    if scene.chance(0.4):  # shrubs come back on old benches
        green = pit & (level < most) & (streaks + broad > scene.uniform(0.8, 2))
        scene.paint(green * 0.7, scene.colour("grass") * 0.8)
    return pit & (level > most)


def _wall_shadows(scene: Scene, level, pit) -> None:
    """Each bench shades the next lower one on the side away from the sun."""
    reach = min(scene.px(scene.uniform(5, 12) * scene.shadow_length), 12)
    for part in (0.5, 1.0):
        dx, dy = np.round(scene.sun * reach * part).astype(int)
        higher = (np.roll(level, (dy, dx), (0, 1)) < level) & pit
        scene.shade(cv2.GaussianBlur(higher.astype(np.float32), (0, 0), 0.6), scene.shadow_depth * 0.6)


def _haul_roads(scene: Scene, pit, floor, rock) -> None:
    """A pale dusty way from outside down to the floor, and the faint marks of wheels all over the floor."""
    inside = _places(floor if floor.sum() > 40 else pit).astype(float)
    tone = 1 + 0.06 * scene.noise(0.8, GRAIN)
    pale = np.clip(rock * 1.1 + 8, 0, 240).astype(np.float32)
    for _ in range(scene.integer(1, 2)):
        target, turn = inside[scene.rng.integers(len(inside))], scene.uniform(0, 6.3)
        t = np.linspace(0, 1.2, 16)[:, None]
        aim, aside = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
        bend = aside * np.sin(t * scene.uniform(2, 5)) * scene.uniform(-0.35, 0.35) * SIDE
        points = target + t * aim * SIDE + bend
        way = scene.stroke(points, scene.uniform(8, 14))
        soft = cv2.GaussianBlur(way, (0, 0), 0.8)
        on = soft > 0.01
        amount = soft[on][:, None] * scene.uniform(0.6, 0.95)
        scene.image[on] += (pale * tone[on][:, None] - scene.image[on]) * amount
        scene.claim((way > 0.6) & ~pit, "track")
    marks = np.zeros((SIDE, SIDE), np.uint8)
    for _ in range(scene.integer(3, 9)):
        ends = inside[scene.rng.integers(0, len(inside), 3)]
        t = np.linspace(0, 1, 12)[:, None]
        line = (1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * ends[1] + t**2 * ends[2]
        corners = np.round(line * 2**SHIFT).astype(np.int32).reshape(-1, 1, 2)
        thickness = max(1, round(scene.px(scene.uniform(2, 7))))
        cv2.polylines(marks, [corners], False, 255, thickness, cv2.LINE_AA, SHIFT)
    on = (marks > 0) & pit
    amount = marks[on][:, None] * np.float32(scene.uniform(0.2, 0.5) / 255)
    scene.image[on] += (pale * (tone[on][:, None] * scene.uniform(0.85, 1.1)) - scene.image[on]) * amount


def _places(mask) -> np.ndarray:
    """The pixels (x, y) [n, 2] of a mask."""
    flat = np.flatnonzero(mask)
    return np.stack([flat % SIDE, flat // SIDE], -1)


def _pit_water(scene: Scene, depth, floor) -> np.ndarray:
    """Turquoise, green or muddy water on the lowest part of the floor, in some pits on all of it."""
    if floor.sum() < 150 or scene.chance(0.4):
        return np.zeros((SIDE, SIDE), bool)
    field = scene.noise(scene.uniform(1.5, 3), LAND) + 0.1 * scene.noise(1, MOTTLE)
    field = field + (depth - depth[floor].mean()) / (depth[floor].std() + 1)
    dry = scene.uniform(0.0, 0.8) if floor.mean() < 0.35 else scene.uniform(0.55, 0.9)
    field = field - np.quantile(field[floor], dry)
    inside = cv2.erode(floor.astype(np.float32), np.ones((3, 3), np.uint8))
    inside = cv2.GaussianBlur(inside, (0, 0), 1)
    amount = np.clip(field * 8 + 0.5, 0, 1) * inside
    scene.shade(cv2.dilate(amount, np.ones((5, 5), np.uint8)) * (1 - amount), 0.2)  # a wet margin
    tints = [(64, 112, 116), (92, 122, 108), (40, 74, 84), (118, 118, 98), (58, 86, 70), (36, 52, 52)]
    tint = np.array(scene.pick(tints), np.float32)
    silt = 1 + 0.05 * field + scene.uniform(0, 0.03) * scene.noise(0.6, MOTTLE)
    scene.paint(amount, (tint * scene.uniform(0.65, 1.1)) * np.clip(silt, 0.8, 1.2)[..., None], "water")
    return amount > 0.5


def _heaps(scene: Scene, floor, rock) -> None:
    """Cones of broken rock and gravel, each lit on one side."""
    spots = _places(floor)
    if len(spots) < 300:
        return
    count = scene.integer(3, 14)
    anchor = spots[scene.rng.integers(len(spots))]
    near = spots[np.hypot(*(spots - anchor).T) < scene.px(60) + 25]
    texture = 1 + 0.07 * scene.noise(0.5, GRAIN)
    for spot in near[scene.rng.integers(0, len(near), count)]:
        radius = max(scene.px(scene.log_uniform(4, 12)), scene.uniform(1.6, 3))
        _heap(scene, spot, radius, rock * scene.uniform(0.72, 1.1), texture)


def _heap(scene: Scene, spot, radius: float, colour, texture) -> None:
    """One elongated heap: a ragged foot, a lit and a shaded side; only its surroundings are computed."""
    stretch, turn = scene.uniform(1, 2.2), scene.angle()
    reach = int(radius * stretch * 1.8) + 3
    here = tuple(slice(max(int(at) - reach, 0), int(at) + reach + 1) for at in spot[::-1])
    x, y, texture = COLUMNS[here] - float(spot[0]), ROWS[here] - float(spot[1]), texture[here]
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    height = 1 - np.hypot((x * cos + y * sin) / stretch, y * cos - x * sin) / radius + (texture - 1)
    mask = np.clip(height * radius, 0, 1)
    dx, dy = np.round(scene.sun * radius * 0.5).astype(int)
    shadow = np.roll(mask, (dy, dx), (0, 1)) * (1 - mask)
    lit = (x * float(scene.sun[0]) + y * float(scene.sun[1])) / (radius * stretch)
    tone = np.clip(1.02 - 0.35 * lit, 0.55, 1.4) * texture
    view = scene.image[here]
    view *= (1 - 0.8 * scene.shadow_depth * shadow)[..., None]
    view += (colour * tone[..., None] - view) * mask[..., None]
    whole = np.zeros((SIDE, SIDE), bool)
    whole[here] = mask > 0.5
    scene.claim(whole, "rubble heap")


def _plant_and_lorries(scene: Scene, floor) -> None:
    """Sheds, a crusher with its belts, and dump trucks on the floor."""
    spots = _places(cv2.erode(floor.astype(np.uint8), np.ones((9, 9), np.uint8)))
    if len(spots) < 60:
        return
    chosen = spots[scene.rng.integers(0, len(spots), 12)].astype(float)
    angle = scene.angle()
    if scene.chance(0.5):
        centres = chosen[0] + scene.rng.normal(0, scene.px(14), (scene.integer(1, 4), 2))
        sizes = scene.px(scene.rng.uniform(6, 20, centres.shape))
        for end in centres[1:]:
            belt = scene.stroke(np.stack([centres[0], end]), 1.4)
            scene.paint(belt * 0.9, scene.colour("steel") * 0.8)
        buildings(scene, rectangles(centres, *sizes.T, angle), scene.colours("flat roof", len(centres)), 7)
    count = scene.integer(1, 7)
    trucks(scene, chosen[1 : 1 + count], scene.rng.uniform(0, 6.3, min(count, 11)))


KINDS = [
    Kind(
        "solar farm",
        ("a solar farm", "solar panels", "a photovoltaic plant"),
        solar_farm,
        (70, 420),
        ("solar panels",),
    ),
    Kind("quarry", ("a quarry", "an open pit mine"), quarry, (130, 900), ("quarry pit", "bare soil")),
]
