"""Rivers and lakes: a signed field says where the water is, banks are drawn on either side of it.

A field [SIDE, SIDE] is in canvas sides, positive in the water and negative on land. Ground is drawn
before the water, buildings and overhanging trees after it, so that nothing stands half drowned.
"""

import cv2
import numpy as np

from ..drawing.geometry import MIDDLE, beside, curve, edge
from ..drawing.ground import background, grass, road, traffic
from ..drawing.plants import canopy, trees
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from ..kind import Kind
from .beach import beach
from .shores import fill_water, filled, jetties, shore_road, shore_trees, signed, town, town_buildings


def river(scene: Scene) -> None:
    line, channel = _channels(scene)
    rough = scene.uniform(0.012, 0.035) * scene.noise(1.2, LAND) + scene.uniform(0.004, 0.01) * scene.noise(1, MOTTLE)
    channel = channel + rough
    if (channel > 0).mean() < 0.08:  # a stream that is hardly there or mostly beside the frame
        channel = filled(channel, 0.08)
    field = signed(channel)
    field, land = _with_islands(scene, field, 0.2)
    crossing = _crossing(scene, line) if scene.chance(0.2) else None
    _banks(scene, field)
    if crossing is not None:
        road(scene, crossing[0], crossing[1], crossing[2])
    place, streets = _flooded(scene, field, "river")
    if scene.chance(0.3):
        _sand_bars(scene, field)
    _on_the_banks(scene, field, land, place, streets)
    if crossing is not None:
        _bridge(scene, field, *crossing)


def _channels(scene: Scene):
    """The middle line [n, 2] in pixels of the main channel, and the field of all channels."""
    layout = scene.pick(["creek", "river", "wide", "fork"], [0.12, 0.45, 0.28, 0.15])
    low, high = {"creek": (0.045, 0.09), "river": (0.1, 0.3), "wide": (0.35, 0.75), "fork": (0.08, 0.25)}[layout]
    width = scene.uniform(low, high)
    line = curve(scene, scene.uniform(0.2, 0.5) if layout == "creek" else scene.uniform(0.05, 0.3), 50)
    if layout == "wide":  # often only one bank is in the picture
        line = line + scene.rng.uniform(-0.2, 0.2, 2) * SIDE
    breadth = width / 2 * np.clip(1 + 0.18 * scene.noise(2, LAND), 0.5, 1.5)
    field = breadth - _distance_to(line)
    if layout == "fork":
        branch = breadth * scene.uniform(0.5, 1) - _distance_to(curve(scene, 0.2, 50))
        field = np.maximum(field, branch)
    elif layout != "wide" and np.ptp(_sideways(line)) > 0.25 * SIDE:
        scene.notes.append("winding through the land")
    return line, field


def _sideways(line) -> np.ndarray:
    """How far the visible part of a line [n, 2] strays from the straight between its ends, pixels."""
    seen = line[((line > 0) & (line < SIDE)).all(1)]
    if len(seen) < 3:
        return np.zeros(2)
    along = (seen[-1] - seen[0]) / (np.linalg.norm(seen[-1] - seen[0]) + 1e-6)
    return (seen - seen[0]) @ np.array([-along[1], along[0]])


def _distance_to(line) -> np.ndarray:
    """Distance [SIDE, SIDE] in canvas sides to a line [n, 2] in pixels, also where it is off the frame."""
    margin = SIDE // 2
    canvas = np.full((2 * SIDE, 2 * SIDE), 255, np.uint8)
    cv2.polylines(canvas, [np.round(line + margin).astype(np.int32)], False, 0, 1)
    return cv2.distanceTransform(canvas, cv2.DIST_L2, 5)[margin:-margin, margin:-margin] / SIDE


def _with_islands(scene: Scene, field, probability: float):
    """The field with islands taken out of the water, and where they are [SIDE, SIDE] bool."""
    rows, columns = np.nonzero(field > 0.07)
    land = np.zeros((SIDE, SIDE), bool)
    if len(rows) == 0 or not scene.chance(probability):
        return field, land
    for _ in range(scene.integer(1, 3)):
        spot, angle, size = scene.integer(0, len(rows) - 1), scene.angle(), scene.uniform(0.03, 0.14)
        x, y = (COLUMNS - columns[spot]) / SIDE, (ROWS - rows[spot]) / SIDE
        long = np.hypot(
            x * np.cos(angle) + y * np.sin(angle),
            scene.uniform(1, 2.5) * (y * np.cos(angle) - x * np.sin(angle)),
        )
        land |= np.minimum(size - long + 0.35 * size * scene.noise(1.2, LAND), field - 0.025) > 0
    return signed(np.where(land, -1, field)), land


def lake(scene: Scene) -> None:
    layout = scene.pick(["shore", "whole", "arms", "basins"], [0.42, 0.25, 0.23, 0.1])
    shape = {"shore": _one_shore, "whole": _whole, "arms": _arms, "basins": _basins}[layout](scene)
    field, land = _with_islands(
        scene, signed(shape + 0.006 * scene.noise(1, MOTTLE)), 0 if layout == "basins" else 0.25
    )
    _banks(scene, field)
    place, streets = _flooded(scene, field, "lake")
    _on_the_banks(scene, field, land, place, streets)
    if scene.chance(0.25) and scene.gsd < 2:
        jetties(scene, field, land)


def _one_shore(scene: Scene) -> np.ndarray:
    field = beside(scene, 0, wobble=scene.uniform(0.05, 0.28))
    if scene.chance(0.35):  # land on two sides
        field = np.minimum(field, scene.uniform(0.1, 0.6) + beside(scene, 0, wobble=scene.uniform(0.03, 0.15)))
    return filled(field, scene.uniform(0.25, 0.95))


def _whole(scene: Scene) -> np.ndarray:
    angle, middle = scene.angle(), scene.rng.uniform(0.3, 0.7, 2) * SIDE
    x, y = (COLUMNS - middle[0]) / SIDE, (ROWS - middle[1]) / SIDE
    across = (y * np.cos(angle) - x * np.sin(angle)) * scene.uniform(1, 2)
    field = scene.uniform(0.05, 0.16) * scene.noise(scene.uniform(1, 2), LAND)
    return filled(field - np.hypot(x * np.cos(angle) + y * np.sin(angle), across), scene.uniform(0.08, 0.6))


def _arms(scene: Scene) -> np.ndarray:
    """A reservoir's flooded valleys."""
    field = scene.noise(scene.uniform(0.7, 2), LAND) + scene.uniform(0, 0.5) * scene.noise(scene.uniform(0.7, 1.5))
    return filled(field, scene.uniform(0.15, 0.7))


def _basins(scene: Scene) -> np.ndarray:
    """Dug basins with straight sides, as of gravel pits and parks."""
    angle, field = scene.angle(), np.full((SIDE, SIDE), -1.0)
    for _ in range(scene.integer(1, 3)):
        middle = MIDDLE + scene.rng.uniform(-0.3, 0.3, 2) * SIDE
        x, y = (COLUMNS - middle[0]) / SIDE, (ROWS - middle[1]) / SIDE
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        sides = np.minimum(scene.uniform(0.1, 0.4) - np.abs(along), scene.uniform(0.06, 0.3) - np.abs(across))
        field = np.maximum(field, sides)
    return field + 0.012 * scene.noise(1, LAND)


def _banks(scene: Scene, field) -> None:
    """Open country, woods along the water, a road on the shore."""
    background(scene, scene.pick(["grass", "forest", "soil", "field"], [0.45, 0.37, 0.1, 0.08]))
    if scene.chance(0.4):
        other = edge(scene.noise(scene.uniform(1, 3), LAND) - scene.uniform(-0.5, 0.8), scene.uniform(0.03, 0.3))
        scene.paint(other, grass(scene), "open ground")
    if scene.chance(0.4):
        trees(scene, np.clip(scene.uniform(-0.1, 0.3) + 0.3 * scene.noise(2), 0, 0.8), scene.uniform(4, 10))
    if scene.chance(0.35):
        belt = field + scene.px(scene.log_uniform(8, 80)) / SIDE + 0.03 * scene.noise(1.5, LAND)
        canopy(scene, mask=edge(belt, 0.02))
    if scene.chance(0.25):
        shore_road(scene, field)


def _flooded(scene: Scene, field, kind: str):
    """Fill the water in, with a built-up place on its banks now and then."""
    place, streets = town(scene, field) if scene.chance(0.45) else (None, None)
    fill_water(scene, field, kind)
    return place, streets


def _on_the_banks(scene: Scene, field, islands, place, streets) -> None:
    if islands.any():
        scene.claim(islands & (field < 0), "island")
        if scene.chance(0.8):
            trees(scene, np.where(islands, scene.uniform(0.4, 1), 0), scene.uniform(4, 9), kind=None)
    if scene.chance(0.55):
        shore_trees(scene, field)
    if place is not None:
        town_buildings(scene, place, streets)


def _sand_bars(scene: Scene, field) -> None:
    water = field > 0
    if not water.any():
        return
    height = scene.noise(2, LAND, scene.uniform(1, 3)) - 6 * field  # bars grow from the banks
    bars = edge(height - np.quantile(height[water], 1 - scene.uniform(0.05, 0.25)), 0.25) * edge(field, 0.01)
    scene.paint(bars, scene.surface(scene.colour("sand"), scene.colour("soil"), 1, 0.06), "sand bar")


def _crossing(scene: Scene, line):
    """A straight way [2, 2] in pixels roughly square to the line, its width in metres and its colour."""
    seen = np.flatnonzero(((line > 0.2 * SIDE) & (line < 0.8 * SIDE)).all(1))
    if len(seen) == 0:
        return None
    spot = min(int(scene.pick(seen)), len(line) - 2)
    step = line[spot + 1] - line[spot]
    angle = np.arctan2(step[1], step[0]) + np.pi / 2 + scene.uniform(-0.3, 0.3)
    reach = 2 * SIDE * np.array([np.cos(angle), np.sin(angle)])
    colour = scene.colour("asphalt" if scene.chance(0.5) else "concrete")
    return np.stack([line[spot] - reach, line[spot] + reach]), scene.uniform(7, 22), colour


def _bridge(scene: Scene, field, points, width_m: float, colour) -> None:
    """The deck over the water with its shadow; a bend crossed twice has two bridges."""
    over = edge(field, 1 / SIDE)
    deck = scene.stroke(points, width_m + 1.5) * over
    shadow = scene.stroke(points + scene.sun * scene.px(scene.uniform(4, 9) * scene.shadow_length), width_m)
    scene.shade(np.clip(shadow - deck, 0, 1) * over)
    scene.paint(deck, np.clip(colour * 1.3, 0, 240))
    scene.paint(scene.stroke(points, width_m) * over, colour * (1 + 0.06 * scene.noise(1, GRAIN))[..., None])
    parts, labels = cv2.connectedComponents((deck > 0.5).astype(np.uint8))
    for part in range(1, parts):
        if (labels == part).sum() > 15:
            scene.claim(labels == part, "bridge")
    if scene.chance(0.6):
        traffic(scene, points, scene.integer(3, 25), width_m / 4)


KINDS = [
    Kind("river", ("a river", "river water"), river, (80, 640), shows=("river",)),
    Kind("lake", ("a lake", "lake water"), lake, (80, 640), shows=("lake",)),
    Kind("beach", ("a beach", "a sandy beach"), beach, (80, 500), shows=("sand", "water"), seasonal=False),
]
