"""What water, animals and machines leave in grass: veins, paths, worn and sharp-edged patches, old furrows, ponds."""

import cv2
import numpy as np

from ..drawing.built import buildings
from ..drawing.geometry import beside, edge, rectangles, rotate
from ..drawing.plants import trees
from ..drawing.scene import COLUMNS, ROWS, SHIFT, SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE, PATCH


def sward(scene: Scene) -> None:
    """Grass over the whole canvas: tufts down to the pixel, and tones that wander with wet and dry ground."""
    first, second = scene.colour("grass"), scene.colour("grass" if scene.chance(0.7) else "soil")
    share = scene.uniform(0.1, 0.7)
    wander = 0.5 + 0.5 * scene.noise(scene.uniform(0.6, 2.5), scene.pick([PATCH, LAND]))
    scene.image = first + (second - first) * (share * np.clip(wander, 0, 1))[..., None]
    tufts = scene.uniform(0.035, 0.085) * scene.noise(scene.uniform(0.6, 1), GRAIN)
    scene.texture(tufts + scene.uniform(0.03, 0.09) * scene.noise(scene.uniform(0.4, 1.2), MOTTLE))


def patches(scene: Scene) -> None:
    """Another growth with sharp, ragged edges: straw in green, green in straw, bare earth, reeds."""
    ragged = scene.noise(scene.uniform(0.5, 1.8), LAND) + scene.uniform(0.05, 0.35) * scene.noise(0.5, MOTTLE)
    mask = edge(ragged - scene.uniform(0, 1), scene.uniform(0.05, 0.4))
    if scene.chance(0.35):  # in streaks, as a spreader or a mower left it
        mask = mask * np.clip(0.6 + 0.7 * scene.noise(0.7, MOTTLE, scene.uniform(3, 8)), 0, 1)
    colour = scene.colour(scene.pick(["grass", "soil", "tree"], [0.65, 0.2, 0.15]))
    tufts = 1 + scene.uniform(0.04, 0.12) * scene.noise(scene.uniform(0.5, 1), GRAIN)
    scene.paint(mask * scene.uniform(0.35, 0.9), colour * tufts[..., None])


def veins(scene: Scene) -> np.ndarray:
    """A drainage line that winds across and gathers branches, dark or green; returns its trunk [n, 2] in pixels."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    trunk = _across(scene)
    _line(mask, trunk, max(scene.px(scene.uniform(1.5, 8)), 1.6))
    branches = [trunk]
    for _ in range(scene.integer(4, 14)):
        stem = branches[scene.integer(0, len(branches) - 1)]
        at = scene.integer(2, len(stem) - 3)
        ahead = np.arctan2(*(stem[at] - stem[at - 1])[::-1]) + scene.uniform(0.4, 1.2) * scene.pick([-1, 1])
        branches.append(_winding(scene, stem[at], ahead, SIDE * scene.uniform(0.2, 0.8)))
        _line(mask, branches[-1], max(scene.px(scene.uniform(0.8, 4)), 1.2))
    soft = cv2.GaussianBlur(mask, (0, 0), scene.uniform(0.6, 1.6)).astype(np.float32) / 255
    soft = np.clip(soft * scene.uniform(1, 1.8), 0, 1) * np.clip(0.75 + 0.35 * scene.noise(1, MOTTLE), 0, 1)
    colour = scene.colour("grass" if scene.chance(0.6) else "tree") * scene.uniform(0.6, 0.95)
    scene.paint(soft * scene.uniform(0.45, 0.95), colour)
    return trunk


def _across(scene: Scene) -> np.ndarray:
    """A winding line that starts beside the canvas and heads for its middle."""
    angle = scene.uniform(0, 2 * np.pi)
    start = SIDE * (0.5 - 0.7 * np.array([np.cos(angle), np.sin(angle)]) + scene.rng.uniform(-0.25, 0.25, 2))
    return _winding(scene, start, angle, 1.8 * SIDE)


def _winding(scene: Scene, start, angle: float, length: float, steps: int = 24) -> np.ndarray:
    """A line [steps, 2] from a point that changes its direction as it goes."""
    bends = angle + np.cumsum(scene.rng.normal(0, scene.uniform(0.12, 0.4), steps))
    steps_px = np.stack([np.cos(bends), np.sin(bends)], -1) * length / steps
    return start + np.cumsum(steps_px, 0)


def _line(mask: np.ndarray, points, width_px: float) -> None:
    corners = np.round(points * 2**SHIFT).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(mask, [corners], False, 255, max(1, round(width_px)), cv2.LINE_AA, SHIFT)


def paths(scene: Scene, most: int) -> None:
    """Trodden lines that meet at one place, as cattle make them, with the worn ground where they gather."""
    knot = scene.rng.uniform(0.1, 0.9, 2) * SIDE
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for _ in range(scene.integer(1, most)):
        _line(mask, _winding(scene, knot, scene.uniform(0, 2 * np.pi), SIDE * scene.uniform(0.3, 1.3)), scene.px(0.9))
    scene.paint(mask * np.float32(scene.uniform(0.2, 0.7) / 255), scene.colour("soil") * 1.05)
    if scene.chance(0.4):
        radius = scene.px(scene.uniform(4, 14))
        worn = 1.2 - np.hypot(COLUMNS - knot[0], ROWS - knot[1]) / radius + 0.5 * scene.noise(0.5, PATCH)
        scene.paint(np.clip(worn * 2, 0, 0.9), scene.colour("soil"), "bare soil")


def scrapes(scene: Scene) -> None:
    """A few small wounds: a bank that slipped, a burnt spot, a heap, a feeding place."""
    count = scene.integer(2, 9)
    centres = scene.rng.uniform(0, 1, (count, 1, 2)) * SIDE
    turns = np.linspace(0, 2 * np.pi, 9)[:-1]
    radii = scene.px(scene.rng.uniform(1.5, 7, (count, 1))) * scene.rng.uniform(0.5, 1.2, (count, 8))
    ring = np.stack([np.cos(turns), np.sin(turns) * scene.uniform(0.3, 1)], -1)
    shapes = centres + rotate(radii[..., None] * ring, scene.angle())
    mask = cv2.GaussianBlur(scene.stamp(shapes), (0, 0), 0.7)
    colour = scene.colour(scene.pick(["soil", "sand", "tree"], [0.6, 0.25, 0.15])) * scene.uniform(0.8, 1.2)
    scene.paint(mask * scene.uniform(0.5, 0.95), colour)


def old_furrows(scene: Scene) -> None:
    """Faint lines that follow the slope, of former ploughing or of sheep: they fade, and bend around the hill."""
    angle, warp = scene.angle(), scene.uniform(0, 0.12)
    across = (COLUMNS * np.cos(angle) + ROWS * np.sin(angle)) / SIDE + warp * scene.noise(scene.uniform(1.5, 4), LAND)
    spacing = max(scene.px(scene.uniform(3, 12)), 3.5) / SIDE
    fade = np.clip(0.4 + 0.7 * scene.noise(scene.uniform(0.8, 2), LAND), 0, 1)
    scene.texture(scene.uniform(0.015, 0.06) * fade * np.sin(2 * np.pi * across / spacing + 2 * scene.noise(1, LAND)))


def wheel_tracks(scene: Scene) -> None:
    """Where a tractor drove: pairs of thin lines along wide bends."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for _ in range(scene.integer(1, 3)):
        line = _across(scene)
        ahead = np.gradient(line, axis=0)
        aside = np.stack([-ahead[:, 1], ahead[:, 0]], -1) / np.linalg.norm(ahead, axis=1, keepdims=True)
        for side in (-1, 1):
            _line(mask, line + side * aside * scene.px(0.9), scene.px(0.4))
    amount = mask * np.float32(scene.uniform(0.15, 0.5) / 255)
    scene.paint(amount, scene.colour("soil") if scene.chance(0.6) else scene.colour("tree"))


def paddock(scene: Scene) -> None:
    """A straight fence: the grass beyond is grazed otherwise, and a worn line runs along it."""
    field = beside(scene, scene.uniform(-0.35, 0.35), wobble=0)
    beyond = edge(field, 0.006)
    scene.image *= 1 + beyond[..., None] * (scene.rng.uniform(0.75, 1.2) * scene.rng.uniform(0.94, 1.06, 3) - 1)
    if scene.chance(0.5):
        scene.texture(beyond * scene.uniform(0.03, 0.08) * scene.noise(scene.uniform(0.5, 1.5), MOTTLE))
    width = max(scene.px(scene.uniform(0.6, 2)), 1.2)
    line = np.clip(width / 2 + 0.5 - np.abs(field) * SIDE, 0, 1) * np.clip(0.7 + 0.4 * scene.noise(1, PATCH), 0, 1)
    scene.paint(line * scene.uniform(0.3, 0.8), scene.colour("soil" if scene.chance(0.6) else "tree"))


def muddy_pond(scene: Scene) -> None:
    """A small pond in a hollow, tan or dark, its rim trampled."""
    centre, radius = scene.rng.uniform(0.12, 0.88, 2) * SIDE, min(scene.px(scene.uniform(6, 18)), 0.13 * SIDE)
    x, y = rotate(np.stack([COLUMNS - centre[0], ROWS - centre[1]], -1), scene.angle()).transpose(2, 0, 1)
    ragged = 0.7 * radius * scene.noise(scene.uniform(0.12, 0.3), LAND)
    shape = radius - np.hypot(x, y * scene.uniform(1, 2.2)) + ragged
    rim = scene.colour("soil" if scene.chance(0.6) else "tree")
    scene.paint(np.clip(shape / max(radius * 0.3, 1.5) + 1, 0, 1) * scene.uniform(0.3, 0.8), rim)
    earth, dark = scene.colour("soil") * scene.uniform(0.85, 1.1), scene.colour("water") * 0.8
    water = earth if scene.chance(0.55) else dark
    grain = 1 + 0.02 * scene.noise(1, MOTTLE)
    scene.paint(np.clip(shape + 0.5, 0, 1), water * grain[..., None], "pond")


def dots(scene: Scene) -> None:
    """A herd, bales or molehills: small dots in a loose group."""
    count = scene.integer(5, 30)
    middle = scene.rng.uniform(0.2, 0.8, 2) * SIDE
    spots = np.round(middle + scene.rng.normal(0, scene.px(scene.uniform(10, 50)), (count, 2))).astype(int)
    spots = spots[((spots >= 0) & (spots < SIDE)).all(1)]
    colour = scene.pick([(38, 34, 30), (205, 198, 184), (150, 124, 96)])
    scene.image[spots[:, 1], spots[:, 0]] += (np.array(colour) - scene.image[spots[:, 1], spots[:, 0]]) * 0.7


def farmyard(scene: Scene) -> None:
    """A yard in a corner, with its drive and trees."""
    corner = SIDE * (0.5 + scene.rng.choice([-1, 1], 2) * scene.rng.uniform(0.25, 0.42, 2))
    yard = 1 - np.hypot(COLUMNS - corner[0], ROWS - corner[1]) / scene.px(scene.uniform(12, 30))
    yard = edge(yard + 0.4 * scene.noise(0.5, LAND), 0.3)
    scene.paint(yard * 0.8, scene.colour("soil"))
    trees(scene, np.clip(yard, 0, 1) * scene.uniform(0.1, 0.6), scene.uniform(4, 8))
    count = scene.integer(1, 4)
    centres = corner + scene.rng.normal(0, scene.px(10), (count, 2))
    sizes = scene.px(scene.rng.uniform((9, 7), (26, 12), (count, 2)))
    shapes = rectangles(centres, *sizes.T, scene.angle() + scene.rng.choice([0, np.pi / 2], count))
    buildings(scene, shapes, scene.colours("roof", count), 5, 0.15, kind="house")
