"""Golf courses: mown fairways between rough and trees, greens, bunkers, ponds and cart paths."""

import numpy as np

from ..drawing.geometry import curve, edge, rotate
from ..drawing.ground import grass, water_surface
from ..drawing.plants import canopy, trees
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from ..kind import Kind


def golf_course(scene: Scene) -> None:
    scene.image = grass(scene, 1.3)
    if scene.chance(0.4):  # heath or sandy waste
        waste = edge(scene.noise(1.5, LAND) - scene.uniform(0, 1), 0.3)
        scene.paint(waste * 0.8, scene.surface(scene.colour("soil"), scene.colour("grass"), 0.7, 0.1))
    holes = _holes(scene)
    lawn = scene.colour("grass") * np.array([0.95, 1.12, 0.9]) * scene.uniform(1.0, 1.2)
    fairways = np.max([_fairway(scene, points) for points, _ in holes], 0)
    if scene.chance(0.25):
        canopy(scene, mask=edge(scene.noise(scene.uniform(0.6, 1.2), LAND) - 0.1, 0.1) * (1 - fairways))
    scene.paint(fairways, scene.surface(lawn, lawn * 0.93, 2, 0.04), "fairway")
    _mowing(scene, fairways)
    water = _ponds(scene, fairways, [green for _, green in holes])
    for _, green in holes:
        _green(scene, green, lawn)
    wood = np.clip(scene.uniform(0.1, 0.6) + 0.5 * scene.noise(scene.uniform(0.7, 1.5), LAND), 0, 0.95)
    keep = np.clip(1 - 1.6 * fairways, 0, 1) * (1 - water)
    trees(scene, wood * keep, scene.uniform(5, 10))
    for _ in range(scene.integer(0, 2)):  # the carts keep off water, greens and sand
        way = scene.stroke(curve(scene, 0.4, 40), 2.5) * (1 - water) * ~np.isin(scene.owner, _kept(scene))
        scene.paint(way, scene.colour("soil") * (1 + 0.06 * scene.noise(1, GRAIN))[..., None], "track")


def _kept(scene: Scene) -> list[int]:
    return [i for i, drawn in enumerate(scene.drawn) if drawn.kind in ("putting green", "bunker")]


def _holes(scene: Scene) -> list[tuple[np.ndarray, np.ndarray]]:
    """(line of the fairway [n, 2], place of its green), roughly side by side, in pixels."""
    angle, gap = scene.angle(), scene.uniform(60, 95)
    count = int(np.clip(scene.width_m / gap + 1, 2, 7))
    holes = []
    for i in range(count):
        t = np.linspace(0, 1, 14)
        length = scene.uniform(130, 420)
        bend = scene.uniform(-40, 40) * np.sin(np.pi * t) + scene.uniform(-30, 30) * t**2
        x = (t - 0.5) * length + scene.uniform(-0.5, 0.5) * scene.width_m * 0.7
        y = (i - (count - 1) / 2) * gap + bend + scene.uniform(-12, 12)
        local = np.stack([x, y - y[0]], -1) @ rotate(np.eye(2), scene.rng.normal(0, 0.22)) + [0, y[0]]
        points = rotate(local[:: scene.pick([-1, 1])], angle) / scene.gsd + SIDE / 2
        holes.append((points[:-2], points[-1]))
    return holes


def _fairway(scene: Scene, points: np.ndarray) -> np.ndarray:
    """A soft-edged band of changing width along a line."""
    width = scene.uniform(24, 38)
    mask = scene.stroke(points, width * scene.uniform(0.6, 1)) * 1.0
    for spot in points[1:-1:3]:
        mask = np.maximum(mask, scene.disc(spot, scene.px(width * scene.uniform(0.35, 0.8))))
    return np.clip((mask - 0.5) * 3 + 0.5 + 0.25 * scene.noise(0.7, LAND) * (mask > 0), 0, 1)


def _mowing(scene: Scene, fairways: np.ndarray) -> None:
    if scene.chance(0.6):
        angle, wide = scene.angle(), max(scene.px(scene.uniform(5, 9)), 3)
        phase = (COLUMNS * np.cos(angle) + ROWS * np.sin(angle)) / wide * np.pi
        scene.texture(fairways * scene.uniform(0.02, 0.07) * np.sign(np.sin(phase)))


def _ponds(scene: Scene, fairways: np.ndarray, greens: list[np.ndarray]) -> np.ndarray:
    """Water beside the holes, never on a green; returns its mask."""
    if scene.chance(0.45):
        return np.zeros((SIDE, SIDE), np.float32)
    field = scene.noise(scene.uniform(0.5, 1.1), LAND) - 0.5 * fairways
    field = field - max(scene.uniform(0.9, 1.5), float(np.quantile(field, scene.uniform(0.9, 0.98))))
    for centre in greens:
        field = field - 3 * np.clip(1.6 - np.hypot(COLUMNS - centre[0], ROWS - centre[1]) / scene.px(30), 0, 1)
    water = edge(field, 0.05)
    scene.paint(edge(field + 0.12, 0.1) * 0.5, scene.colour("soil"))
    scene.paint(water, water_surface(scene), "pond")
    return water


def _green(scene: Scene, centre: np.ndarray, lawn: np.ndarray) -> None:
    """A smooth, pale green with sand bunkers about it."""
    if not ((centre > -20) & (centre < SIDE + 20)).all():
        return
    radius = scene.px(scene.uniform(10, 16))
    wobble = 0.12 * radius * scene.noise(1, LAND)
    distance = np.hypot((COLUMNS - centre[0]) * scene.uniform(0.8, 1.2), ROWS - centre[1]) + wobble
    scene.paint(np.clip(radius * 1.35 - distance + 0.5, 0, 1) * 0.8, lawn * 1.04)
    smooth = lawn * np.array([1.08, 1.12, 1.0]) * scene.uniform(1.02, 1.15)
    scene.paint(np.clip(radius - distance + 0.5, 0, 1), smooth, "putting green")
    _bunkers(scene, centre, radius, wobble)


def _bunkers(scene: Scene, centre, radius: float, wobble) -> None:
    """Hollows of sand about a green, curved along its edge."""
    mask = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(scene.integer(1, 4)):
        turn = scene.uniform(0, 2 * np.pi)
        at = centre + (radius * scene.uniform(1.3, 1.8)) * np.array([np.cos(turn), np.sin(turn)])
        dx, dy = COLUMNS - float(at[0]), ROWS - float(at[1])
        across = dx * float(np.cos(turn)) + dy * float(np.sin(turn))
        along = dy * float(np.cos(turn)) - dx * float(np.sin(turn))
        shape = np.hypot(across / scene.uniform(0.5, 0.8), along + 0.25 * across) + 0.6 * wobble
        one = np.clip(scene.px(scene.uniform(4, 8)) - shape + 0.5, 0, 1)
        scene.claim((one > 0.5) & (mask < 0.5), "bunker")
        mask = np.maximum(mask, one)
    scene.shade(np.roll(mask, (-1, -1), (0, 1)) * (1 - mask), 0.25)
    scene.paint(mask, scene.colour("sand") * (1 + 0.05 * scene.noise(1, MOTTLE))[..., None])


KINDS = [
    Kind("golf course", ("a golf course", "golf links"), golf_course, (140, 620), ("fairway", "putting green")),
]
