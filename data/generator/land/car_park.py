"""Car parks: rows of stalls on asphalt of any outline, with their vehicles, aisles, islands, trees and lamps.

Everything but the trees is computed per pixel in the frame of the rows, so a thousand cars cost no more than ten.
"""

import cv2
import numpy as np

from ..drawing.geometry import in_view, rectangles
from ..drawing.plants import shadow_of
from ..drawing.scene import SIDE, Drawn, Scene
from ..drawing.textures import LAND, MOTTLE
from .bays import Bays, Ground, lay_out, usual_bays
from .pavements import overlay, pavement

FEW = 60  # up to so many cars are objects of their own; more are one stretch of parked cars
DIFFERENT = 997  # vehicles; where there are more, they come again
FINE = 1.25  # metres a pixel beyond which single lines and cracks would only glitter


def car_park(
    scene: Scene,
    area: np.ndarray,
    angle: float,
    occupancy=None,
    planted=0.4,
    door=None,
    bays=None,
    lanes=None,
    grey=None,
) -> None:
    """Asphalt (of brightness `grey`) over a boolean mask with everything on it.

    `planted` is the chance of trees between rows; cars gather near the `door`, a point in pixels; there are no
    stalls where `lanes` is true.
    """  # fmt: skip
    if area.sum() < 30:
        return
    occupancy = scene.uniform(0.1, 1) if occupancy is None else occupancy
    bays = bays or usual_bays(scene, planted)
    stalls = area if lanes is None else area & ~lanes
    room = cv2.distanceTransform(np.pad(stalls, 8, "edge").astype(np.uint8), cv2.DIST_L2, 3)[8:-8, 8:-8]
    ground = lay_out(scene, bays, area, angle)
    column, line = np.clip(ground.centres.round().astype(int), 0, SIDE - 1).T
    usable = in_view(ground.centres, scene.px(bays.depth)) & (room[line, column] > scene.px(bays.pitch))
    colour, wear = _asphalt(scene, area, room, grey)
    _wear_and_lines(scene, bays, ground, usable, colour, wear)
    green = _islands(scene, bays, ground, room, colour, wear)
    taken = usable & (scene.rng.random(len(usable)) < _demand(scene, ground, occupancy, door))
    _vehicles(scene, bays, ground, taken, angle)
    _trees_and_lamps(scene, bays, ground, usable, angle, green)


def _asphalt(scene: Scene, area, room, grey) -> tuple[np.ndarray, np.ndarray]:
    """Ground of one age with wear, sealed cracks, patches of another age, a kerb; returns its colour and the wear."""
    colour = pavement(scene, grey)
    blotches = scene.noise(scene.uniform(1.2, 3), LAND)
    fine = scene.noise(scene.uniform(0.7, 1.4), MOTTLE)
    wear = 0.06 * blotches + 0.07 * fine + 0.05 * fine.T[::-1]
    if scene.gsd < FINE and scene.chance(0.5):  # sealed cracks follow the contours of the blotches
        wear = wear - 0.14 * (np.abs(blotches - np.round(blotches * 2) / 2) < 0.012)
    if scene.chance(0.55):  # a part was laid at another time
        wear = wear + scene.uniform(-0.22, 0.22) * overlay(scene)
    soft = cv2.blur(area.astype(np.float32), (3, 3))
    if area.all():
        scene.image = colour * (1 + wear)[..., None]
        scene.claim(area, "parking")
    else:
        scene.paint(soft, colour * (1 + wear)[..., None], "parking")
    if scene.gsd < 0.7:
        kerb = area & (room < scene.px(0.5) + 0.5)
        scene.paint(kerb * 0.6, np.clip(colour * 1.3 + 20, 0, 225))
    return colour, wear


def _wear_and_lines(scene: Scene, bays: Bays, ground: Ground, usable, colour, wear) -> None:
    """Stalls are stained by oil, aisles polished by tyres; painted lines part the stalls."""
    here = np.flatnonzero(ground.inside & usable[ground.stall])  # only these pixels are worked on
    oil = (scene.uniform(0.04, 0.2) * scene.rng.uniform(0.4, 1.2, len(usable))).astype(np.float32)
    oil = oil[ground.stall.ravel()[here]]
    strength = min(0.16 / scene.gsd, 1) * scene.uniform(0.45, 1.2)
    if scene.gsd < FINE:
        across = np.abs(ground.across.ravel()[here])
        oil *= np.clip(1.1 - across / 1.6, 0, 1)
        line = np.clip((0.08 - bays.pitch / 2 + across) / scene.gsd + 0.5, 0, 1)
    else:  # single lines blur into a paler row
        line = np.full(len(here), 0.6, np.float32)
    if bays.rows > 1:
        end = (0.08 - bays.depth / 2 + ground.along.ravel()[here]) / scene.gsd + 0.5
        line = np.maximum(line, np.clip(end, 0, 1))
    fresh = np.clip(0.8 - 2.5 * wear.ravel()[here], 0, 1)  # paint goes first where the ground is worn
    amount = (line * np.minimum(strength * fresh, 0.85))[:, None]
    pixels = scene.image.reshape(-1, 3)
    bare = pixels[here] * (1 - oil)[:, None]
    pixels[here] = bare + (np.clip(colour * 1.15 + 70, 0, 238) - bare) * amount


def _islands(scene: Scene, bays: Bays, ground: Ground, room, colour, wear) -> bool:
    """Strips between rows and ends of rows, planted or paved; returns whether they are green."""
    where = (ground.island | ground.median) & (room > scene.px(2.5))
    here = np.flatnonzero(where)
    if len(here) == 0:
        return False
    green = bays.median > 2 or scene.chance(0.6)
    if green:
        fill = scene.colour("grass") if scene.chance(0.7) else scene.colour("soil") * 0.8
    else:
        fill = np.clip(colour * scene.uniform(1.2, 1.5), 60, 225)
    if scene.gsd < 0.6:
        rim = cv2.dilate(where.astype(np.uint8), np.ones((3, 3), np.uint8))
        scene.paint(rim * np.float32(0.5), np.clip(colour * 1.25 + 25, 0, 225))
    pixels = scene.image.reshape(-1, 3)
    pixels[here] += (fill * (1 + 1.4 * wear.ravel()[here, None]) - pixels[here]) * scene.uniform(0.75, 1)
    return green


def _demand(scene: Scene, ground: Ground, occupancy: float, door) -> np.ndarray:
    """The chance that a stall is taken: people park near the door, and some rows fill before others."""
    door = scene.rng.uniform(-0.2, 1.2, 2) * SIDE if door is None else np.asarray(door)
    far = np.hypot(*(ground.centres - door).T) / SIDE
    pull = 0 if occupancy > 0.93 else scene.uniform(0, 1.1)
    rows = scene.rng.normal(0, scene.uniform(0, 0.2), ground.row.max() + 1)[ground.row]
    if occupancy < 0.93 and scene.chance(0.25):  # full up to a line, nearly empty beyond
        order = far + 0.4 * rows + scene.rng.normal(0, 0.02, len(far))
        return np.where(order < np.quantile(order, occupancy), 0.95, 0.04)
    return np.clip(occupancy + pull * (0.45 - far) + rows, 0.01 if occupancy < 0.15 else 0.03, 0.98)


def _vehicles(scene: Scene, bays: Bays, ground: Ground, taken, angle: float) -> None:
    """Bodies with windscreens and shadows, as soft shapes inside the stalls' own frames."""
    if not taken.any():
        return
    here = np.flatnonzero(ground.inside & taken[ground.stall])  # only these pixels are worked on
    stall, across = ground.stall.ravel()[here], ground.across.ravel()[here]
    count = min(len(taken), DIFFERENT)
    like = stall % count
    shift, size = scene.rng.normal(0, 0.2, count), scene.rng.uniform(0.88, 1.1, count)
    along = ground.along.ravel()[here] - shift[like].astype(np.float32)
    reach = (bays.length / 2 * size)[like].astype(np.float32)
    soft = np.clip((reach - np.abs(along)) / scene.gsd + 0.5, 0, 1)
    soft *= np.clip((bays.width / 2 - np.abs(across)) / scene.gsd + 0.5, 0, 1)
    body = np.zeros((SIDE, SIDE), np.float32)
    body.ravel()[here] = soft
    _shadows(scene, body, 1.4 if bays.kind == "car" else 3.0)
    image = _paintwork(scene, bays, count)[like]
    if scene.px(1.9) > 2.6:
        nose = np.where(scene.rng.random(count) < 0.5, 1, -1)[like]
        image *= _glass(scene, bays, along / reach * nose, across)[:, None]
    elif bays.kind == "car":
        image *= 0.86  # the dark screens that are too small to draw
    pixels = scene.image.reshape(-1, 3)
    pixels[here] += (image - pixels[here]) * soft[:, None]
    solid = soft > 0.45
    _claim(scene, bays, here[solid], stall[solid])


def _paintwork(scene: Scene, bays: Bays, count: int) -> np.ndarray:
    """Mostly white, silver, grey and black; a fleet has few colours, coaches and lorries are pale."""
    colours = scene.colours("car", count, 3 if bays.rows > 2 else 12)
    grey = colours.mean(1, keepdims=True)
    colours = grey + (colours - grey) * scene.uniform(0.5, 1)
    if bays.kind != "car":
        pale = scene.rng.random((count, 1)) < 0.75
        colours = np.where(pale, scene.rng.uniform(175, 235, (count, 1)), colours)
    return colours.astype(np.float32)


def _glass(scene: Scene, bays: Bays, lengthwise, across) -> np.ndarray:
    """Brightness 0…1.1 of a body from tail (-1) to nose (1): dark screens, rounded flanks."""
    if bays.kind != "car":
        return np.where((lengthwise > 0.9) | (np.abs(lengthwise - 0.72) < 0.02), 0.6, 1.0).astype(np.float32)
    light = np.where((lengthwise > 0.2) & (lengthwise < 0.45), np.float32(0.35), np.float32(1))
    light[(lengthwise < -0.55) & (lengthwise > -0.75)] = 0.5
    return light * (1.06 - 0.22 * np.clip(np.abs(across) / 0.9, 0, 1) ** 3)


def _shadows(scene: Scene, body, height_m: float) -> None:
    if scene.px(height_m * scene.shadow_length) < 0.6:
        return
    fine = float(np.clip(scene.px(1.9) / 3, 0.4, 1))  # or shadows would drown the aisles in small pictures
    scene.shade(shadow_of(scene, body, height_m) * (1 - body) * fine)


def _claim(scene: Scene, bays: Bays, pixels, stall) -> None:
    """Pixels (flat) of vehicles in their stalls: each an object of its own, or all together when they are many."""
    first = len(scene.drawn)
    seen, which, areas = np.unique(stall, return_inverse=True, return_counts=True)
    if bays.kind == "car" and len(seen) > FEW:
        scene.drawn.append(Drawn("parked cars", len(stall)))
        which = 0
    else:
        scene.drawn += [Drawn(bays.kind, int(area)) for area in areas]
    scene.owner.ravel()[pixels] = first + which


def _trees_and_lamps(scene: Scene, bays: Bays, ground: Ground, usable, angle: float, green: bool) -> None:
    """Trees on planted strips; lamp posts with their long shadows on the lines between rows."""
    if green:
        places = _spots(scene, bays, ground, usable, scene.uniform(7, 22), bays.median > 1)
        places = places[scene.rng.random(len(places)) < scene.uniform(0.35, 1)]
        crowns(scene, places, scene.px(scene.rng.uniform(1.2, 3.2, len(places))))
    if scene.gsd < 0.75 and scene.chance(0.7):
        lamps = _spots(scene, bays, ground, usable, scene.uniform(24, 40), True)
        turn = np.arctan2(scene.sun[1], scene.sun[0])
        reach = scene.px(9 * scene.shadow_length)
        if len(lamps):
            posts = rectangles(lamps + scene.sun * reach / 2, reach, 0.9, turn)
            scene.shade(scene.stamp(posts), scene.shadow_depth * 0.55)
            scene.fill(rectangles(lamps, scene.px(1.6), 1, angle), (196, 196, 192))


def _spots(scene: Scene, bays: Bays, ground: Ground, usable, spacing_m: float, between: bool) -> np.ndarray:
    """Points [n, 2] in pixels about `spacing_m` apart on the lines between rows, or at the rows' ends."""
    step = max(round(spacing_m / bays.pitch), 1)
    slot = np.arange(len(usable)) % (np.bincount(ground.row)[0])
    first = usable & (ground.row % bays.rows == max(bays.rows // 2, 1) - 1)
    if between:
        chosen = first & (slot % step == 0)
    else:
        chosen = usable & ((slot % bays.stalls == 0) | (slot % bays.stalls == bays.stalls - 1))
    points = ground.centres[chosen]
    if len(points) == 0 or bays.rows < 2:
        return points[:0]
    after = np.flatnonzero(chosen) + np.bincount(ground.row)[0]
    toward = ground.centres[np.minimum(after, len(usable) - 1)] - points
    toward = toward / (np.linalg.norm(toward, axis=1, keepdims=True) + 1e-6)
    if between:
        return points + toward * scene.px((bays.depth + bays.median) / 2)
    beside = np.stack([toward[:, 1], -toward[:, 0]], -1)
    side = np.where(slot[chosen] % bays.stalls == 0, -1, 1)[:, None]
    return points + beside * side * scene.px((bays.pitch + bays.island) / 2)


def crowns(scene: Scene, centres, radii) -> None:
    """Single trees at given centres [n, 2] and radii in pixels."""
    if len(centres) == 0:
        return
    turn = np.linspace(0, 2 * np.pi, 9)[:-1]
    ragged = np.maximum(radii, 0.8)[:, None] * scene.rng.uniform(0.8, 1.15, (len(centres), 8))
    shapes = centres[:, None] + np.stack([np.cos(turn), np.sin(turn)], -1) * ragged[..., None]
    reach = np.asarray(radii)[:, None, None] * scene.shadow_length * scene.sun
    scene.shade(scene.stamp(np.concatenate([shapes + reach * 0.6, shapes + reach * 1.2])))
    colours = scene.colours("tree", len(centres), 3)
    scene.claim(scene.stamp(shapes) > 0, "trees")
    scene.fill(shapes, colours * 0.85)
    middle = shapes.mean(1, keepdims=True) - scene.sun * np.asarray(radii)[:, None, None] * 0.3
    scene.fill(middle + (shapes - middle) * 0.55, np.clip(colours * 1.2, 0, 250))
