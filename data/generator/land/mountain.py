"""Mountains: relief lit by the sun, with woods, grass, scree, rock and snow by height and steepness."""

import cv2
import numpy as np

from ..drawing.geometry import curve
from ..drawing.ground import track
from ..drawing.plants import trees
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE, PATCH
from ..kind import Kind


def mountain(scene: Scene) -> None:
    height = _ridges(scene)
    rise = scene.width_m * scene.uniform(0.3, 0.7) / SIDE  # metres a unit of height and pixel of slope
    down, right = (np.gradient(height * SIDE * rise / scene.gsd / 3)[i].astype(np.float32) for i in (0, 1))
    steep = np.hypot(right, down)
    _cover(scene, height, steep)
    _light(scene, right, down)
    if scene.chance(0.2):
        track(scene, curve(scene, 0.35), scene.uniform(3, 6))


def _ridges(scene: Scene) -> np.ndarray:
    """Heights [SIDE, SIDE], about -1…1, with sharp ridges and branching valleys."""
    bend = SIDE * scene.uniform(0.03, 0.12)
    x = COLUMNS + bend * scene.noise(scene.uniform(1, 2), LAND)
    y = ROWS + bend * scene.noise(scene.uniform(1, 2), LAND)
    height = np.zeros((SIDE, SIDE), np.float32)
    stretch, angle = scene.uniform(1, 2.2), scene.angle()  # ranges run one way
    zoom, size = scene.uniform(0.35, 0.8), 1.0
    for _ in range(3):
        layer = 1 - np.abs(scene.noise(zoom, LAND, stretch, angle))
        height += size * layer * (0.6 + 0.4 * np.clip(height, 0, 1))
        zoom, size = zoom * 0.45, size * 0.45
    height = cv2.remap(height, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    height = height + 0.05 * scene.noise(0.7, PATCH)
    return ((height - height.mean()) / (2 * height.std())).astype(np.float32)


def _cover(scene: Scene, height: np.ndarray, steep: np.ndarray) -> None:
    """What grows or lies on the slopes: bare, grassy or wooded mountains, some with snow."""
    rock = scene.colour("soil") * scene.uniform(0.6, 1.0) * np.array([0.97, 0.98, 1.03])
    scene.image = scene.surface(rock, scene.colour("desert") * 0.75, scene.uniform(0.6, 2), 0.1, 0.8)
    patchy = 0.35 * scene.noise(scene.uniform(0.4, 1.2), PATCH)
    look = scene.pick(["bare", "grass", "wooded", "alpine"], [0.3, 0.25, 0.25, 0.2])
    if look != "bare":
        cover = _soft(scene.uniform(-0.2, 0.9) - height + patchy - 0.25 * steep)
        sward = scene.colour("grass")
        scene.paint(cover * scene.uniform(0.7, 1), scene.surface(sward, sward * 0.8, 1))
    if look in ("wooded", "alpine"):
        line = scene.uniform(-0.5, 0.4) if look == "alpine" else scene.uniform(0.1, 1.2)
        woods = np.clip((line - height + patchy) * 3, 0, 1) * 0.95
        trees(scene, woods, max(scene.uniform(6, 11), 1.6 * scene.gsd), fill=0.75, roundness=0.4, kind="forest")
    elif scene.chance(0.5):
        trees(scene, np.clip(0.1 - 0.2 * height + 0.1 * patchy, 0, 0.4), scene.uniform(3, 8), kind="shrubs")
    if look == "alpine" or scene.chance(0.15):
        snow = _soft(height - scene.uniform(0.1, 0.9) + patchy - 0.1 * steep)
        white = np.array([232, 236, 242]) * (1 + 0.03 * scene.noise(0.8, MOTTLE))[..., None]
        scene.paint(snow, white, "snow")


def _soft(field: np.ndarray) -> np.ndarray:
    return np.clip(field / 0.15 + 0.5, 0, 1)


def _light(scene: Scene, right: np.ndarray, down: np.ndarray) -> None:
    """Brighter towards the sun, dark and a little blue on the far side, with gullies in the grain."""
    lit = -(right * scene.sun[0] + down * scene.sun[1])  # shadows point along `sun`
    facing = lit / np.sqrt(1 + right**2 + down**2)
    scene.texture(np.clip(-scene.uniform(0.5, 0.85) * -facing, -0.75, 0.6))
    dark = np.clip(-facing - 0.25, 0, 1)
    scene.image += (np.array([4, 8, 16]) * dark[..., None] * scene.uniform(0.5, 1.5)).astype(np.float32)
    scene.texture(scene.uniform(0.02, 0.06) * scene.noise(scene.uniform(0.5, 1), GRAIN))


KINDS = [
    Kind("mountain", ("a mountain", "mountains", "a mountain range"), mountain, (300, 1200), shows=("forest",)),
]
