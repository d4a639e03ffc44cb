"""Solar farms: rows of panels on fenced ground, their ways and huts, amid open land."""

import cv2
import numpy as np

from ..drawing.built import buildings
from ..drawing.geometry import beside, edge, rectangles, straight
from ..drawing.ground import background, cars, furrows, road, track
from ..drawing.plants import trees
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import GRAIN, LAND


def solar_farm(scene: Scene) -> None:
    """Rows of panels on a fenced field, laid out one of several ways, with service ways and inverter huts."""
    _open_land(scene)
    angle = scene.angle()
    layouts = {"field": 0.25, "blocks": 0.3, "outline": 0.2, "trackers": 0.15, "strips": 0.1}
    layout = scene.pick(list(layouts), list(layouts.values()))
    area = _site(scene, angle, layout)
    floor = scene.surface(scene.colour("grass"), scene.colour("soil"), scene.uniform(0.6, 2), 0.09, 1)
    soft = cv2.GaussianBlur(area.astype(np.float32), (0, 0), 0.7)
    scene.paint(soft * scene.uniform(0.3, 0.95), floor)
    _fence(scene, area)
    ways = _service_ways(scene, angle, area, layout)
    room = cv2.distanceTransform(np.pad(area & ~ways, 8, "edge").astype(np.uint8), cv2.DIST_L2, 3)[8:-8, 8:-8]
    _panels(scene, angle, room > scene.px(4), layout)
    _huts(scene, angle, area, ways)


def _open_land(scene: Scene) -> None:
    kind = background(scene, scene.pick(["grass", "field", "soil", "forest"], [0.4, 0.27, 0.23, 0.1]))
    if kind != "forest" and scene.chance(0.6):
        other = scene.colour("crop")
        parcel = edge(beside(scene, wobble=0), 0.006)
        scene.paint(parcel, scene.surface(other, other * 1.12, 1.5, 0.06))
        furrows(scene, parcel)
    if scene.chance(0.4):
        (road if scene.chance(0.5) else track)(scene, straight(scene), scene.uniform(4, 8))
    if scene.chance(0.5):
        wood = edge(scene.noise(scene.uniform(1.5, 3), LAND) - scene.uniform(0.5, 1.5), 0.1)
        trees(scene, wood * 0.9, scene.uniform(5, 9))


def _frame(scene: Scene, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Metres [SIDE, SIDE] along and across a frame turned about the middle."""
    x, y = (COLUMNS - SIDE / 2) * scene.gsd, (ROWS - SIDE / 2) * scene.gsd
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    return x * cos + y * sin, y * cos - x * sin


def _site(scene: Scene, angle: float, layout: str) -> np.ndarray:
    """The fenced ground as a boolean mask: all of the picture, or cut by one to four edges."""
    area = np.ones((SIDE, SIDE), bool)
    full = scene.width_m < 180 or layout == "strips"
    for i in range(scene.integer(0, 2) if full else scene.integer(1, 4)):
        turn = angle + i * np.pi / 2 if scene.chance(0.6) else scene.uniform(0, 6.3)
        area &= beside(scene, scene.uniform(-0.5, -0.3), turn, 0.05 if layout == "outline" else 0) > 0
    if layout == "outline":  # follows woods and contours
        hills = scene.noise(scene.uniform(2.5, 4), LAND)
        area &= hills > np.quantile(hills, scene.uniform(0.05, 0.35))
    return area


def _fence(scene: Scene, area) -> None:
    inner = cv2.erode(area.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    scene.paint((area & ~inner) * min(0.5, 0.4 / scene.gsd), scene.colour("soil") * 1.1)


def _service_ways(scene: Scene, angle: float, area, layout: str) -> np.ndarray:
    """Gravel ways between blocks and along the fence; returns where they run."""
    along, across = _frame(scene, angle)
    ways = np.zeros((SIDE, SIDE), bool)
    width = scene.uniform(4, 7)
    steps = {"blocks": (60, 130), "field": (150, 400), "outline": (120, 250), "trackers": (70, 160)}
    low, high = steps.get(layout, (150, 300))
    for place in (along, across):
        period = scene.uniform(low, high)
        ways |= (place + scene.uniform(0, period)) % period < width
    if layout == "blocks" and scene.chance(0.4):
        ways &= scene.noise(3, LAND) > -1.2
    gravel = scene.colour(scene.pick(["soil", "concrete", "soil", "grass"]))
    soft = cv2.GaussianBlur((ways & area).astype(np.float32), (0, 0), 0.8)
    scene.paint(soft * scene.uniform(0.5, 0.95), gravel * (1 + 0.08 * scene.noise(0.8, GRAIN))[..., None])
    scene.claim(ways & area & (soft > 0.6), "track")
    return ways


def _panels(scene: Scene, angle: float, where, layout: str) -> None:
    """Tables of dark panels in rows: their frames and cells, their shadows, missing tables, sky in their glass."""
    along, across = _frame(scene, angle)
    table = scene.uniform(1.9, 2.4) if layout == "trackers" else scene.uniform(3.2, 7.5)
    period = table * scene.uniform(1.5, 2.4)
    if period < 4 * scene.gsd:  # from high up every second or third row would melt into the next
        table, period = scene.gsd * scene.uniform(2.2, 2.7), scene.gsd * scene.uniform(4, 4.6)
    row = np.floor(across / period)
    across = across - (row + 0.5) * period
    long = scene.uniform(18, 60)
    shifted = along + (row * scene.uniform(0, 9) if scene.chance(0.3) else 0)
    column = np.floor(shifted / long)
    place = shifted - column * long
    body = np.clip((table / 2 - np.abs(across)) / scene.gsd + 0.5, 0, 1)
    body = body * np.clip((place - 0.4) / scene.gsd + 0.5, 0, 1)
    table_number = ((row * 71 + column * 31) % 1009).astype(int)
    there = scene.rng.random(1009) < scene.pick([1.0, 0.99, 0.93], [0.5, 0.3, 0.2])
    body = (body * where * there[table_number]).astype(np.float32)
    reach = scene.px(scene.uniform(1.2, 2.2) * scene.shadow_length)
    if reach > 0.6:
        dx, dy = np.round(scene.sun * reach).astype(int)
        scene.shade(np.roll(body, (dy, dx), (0, 1)) * (1 - body))
    glass = np.array(scene.pick([(30, 38, 64), (40, 52, 86), (50, 62, 92), (32, 36, 52), (64, 78, 112)]), np.float32)
    light = 1 + 0.1 * scene.rng.normal(0, 1, 1009)[table_number] + 0.14 * scene.noise(3, LAND)
    light = light + 0.25 * (np.abs(across) > table / 2 - 0.15) * min(1, 0.25 / scene.gsd)
    if scene.gsd < 0.6:  # single modules
        light = light + 0.35 * ((place % 1.05 < 0.12) | ((across % (table / 2)) < 0.14)) * min(0.25 / scene.gsd, 1)
    scene.paint(body, glass * (light + 0.05 * scene.noise(1, GRAIN))[..., None])
    block = cv2.morphologyEx((body > 0.3).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    scene.claim((block > 0) & where, "solar panels")


def _huts(scene: Scene, angle: float, area, ways) -> None:
    """Inverter containers beside the ways, a van or two."""
    spots = np.argwhere(cv2.erode((ways & area).astype(np.uint8), np.ones((2, 2), np.uint8)) > 0)[:, ::-1]
    if len(spots) < 20:
        return
    spots = spots[scene.rng.integers(0, len(spots), scene.integer(1, 5))].astype(float)
    shapes = rectangles(spots, scene.px(scene.uniform(6, 12)), max(scene.px(2.8), 1.2), angle)
    buildings(scene, shapes, scene.uniform(185, 235), 3, kind="shed")
    if scene.chance(0.4):
        cars(scene, spots[:1] + scene.px(8), angle)
