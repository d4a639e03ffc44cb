"""Grass itself: tufts, growth of several tones with sharp edges, worn ground, reeds, mowing; herds, farm corners."""

import numpy as np

from ..drawing.built import buildings
from ..drawing.geometry import beside, edge, rectangles, rotate
from ..drawing.ground import furrows
from ..drawing.plants import trees
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE, PATCH

WINTER = [(108, 101, 82), (98, 91, 78), (120, 109, 85), (97, 94, 78), (132, 119, 92), (90, 86, 72), (104, 103, 88)]
DEEP = [(46, 66, 50), (40, 60, 44), (60, 80, 58), (50, 64, 50), (68, 84, 66)]
REED = [(128, 118, 108), (112, 104, 98), (140, 124, 100), (96, 90, 76)]


def tone(scene: Scene) -> np.ndarray:
    """A colour of grass that suits the season; muted, because the camera stretches what is uniform."""
    if scene.season != "lush" and scene.chance(0.25):
        colour = np.array(scene.pick(WINTER), np.float32) * scene.uniform(0.8, 1.15)
    elif scene.season not in ("dry", "autumn") and scene.chance(0.25):
        colour = np.array(scene.pick(DEEP), np.float32) * scene.uniform(0.8, 1.3)
    else:
        colour = scene.colour("grass")
    return colour + (colour.mean() - colour) * np.float32(scene.uniform(0, 0.4))


def green(scene: Scene) -> np.ndarray:
    """What stays green in wet ground."""
    colour = scene.colour("grass" if scene.season in ("lush", "mild", "dark") else "tree")
    ground = scene.image[::8, ::8].mean((0, 1))
    return (0.65 * colour + 0.35 * ground) * np.array([0.88, 1.03, 0.86], np.float32) * scene.uniform(0.65, 0.95)


def sward(scene: Scene) -> None:
    """Grass over the whole canvas: a tone that wanders with soil and slope, and fine, faint tufts."""
    first = tone(scene)
    wander = scene.noise(scene.uniform(0.6, 2), scene.pick([PATCH, LAND]))
    drift = scene.uniform(0.05, 0.35) * (tone(scene) - first)
    scene.image = first + drift * np.clip(wander, -1.5, 1.5)[..., None]
    tufts = scene.noise(scene.uniform(1.2, 1.9), GRAIN)
    tufts = scene.log_uniform(0.03, 0.13) * tufts + scene.uniform(-0.2, 0.1) * np.clip(tufts - 1.3, 0, 1)
    clumps = scene.noise(scene.uniform(0.35, 0.9), MOTTLE) if scene.chance(0.4) else scene.noise(1.9, GRAIN)
    slopes = scene.uniform(0.02, 0.12) * scene.noise(scene.uniform(1, 3), LAND)
    scene.texture(np.clip(tufts + slopes + scene.uniform(0.01, 0.05) * clumps * np.abs(clumps), -0.5, 0.6))


def _growth(scene: Scene, share: float, zoom: float, stretch: float = 1.0, angle=None) -> np.ndarray:
    """A mask [SIDE, SIDE] of ragged, sharp-edged growth that covers about a share of the canvas."""
    field = scene.noise(zoom, PATCH, stretch, angle) + scene.uniform(0.1, 0.5) * scene.noise(1.2, GRAIN)
    return edge(field - np.quantile(field[::8, ::8], 1 - share), scene.uniform(0.1, 0.5))


def blotches(scene: Scene) -> None:
    """Another growth in the grass: straw in green, green in straw, sometimes streaked by wind or mower."""
    stretch = scene.uniform(2, 5) if scene.chance(0.35) else 1.0
    mask = _growth(scene, scene.uniform(0.12, 0.5), scene.log_uniform(0.3, 1.3), stretch)
    ground = scene.image[::8, ::8].mean((0, 1))  # soils and rain are the same: no growth is wholly another colour
    colour = ground + scene.uniform(0.4, 1) * (tone(scene) - ground)
    scene.paint(mask * scene.uniform(0.3, 0.9), colour * _tufted(scene, 0.1))


def _tufted(scene: Scene, depth: float) -> np.ndarray:
    return (1 + depth * scene.noise(scene.uniform(1, 1.5), GRAIN))[..., None]


def worn(scene: Scene) -> None:
    """Thin, pale places where earth shines through, speckled at their edges and gathered in one part."""
    speckle = 0.7 * scene.noise(scene.uniform(0.4, 1), PATCH) + 0.5 * scene.noise(1.2, GRAIN)
    where = scene.noise(scene.uniform(0.8, 2), LAND) - scene.uniform(0.6, 1.6)
    mask = np.clip(1.5 * (speckle + 1.2 * where), 0, 1)
    colour = scene.colour(scene.pick(["soil", "sand"], [0.75, 0.25])) * scene.uniform(0.85, 1.1)
    scene.paint(mask * scene.uniform(0.35, 0.8), colour)


def reeds(scene: Scene) -> None:
    """A bed of reeds or rushes in a wet hollow: grey and combed by the wind, with a dark ragged rim."""
    field = scene.noise(scene.uniform(0.5, 1.2), LAND) + 0.15 * scene.noise(0.5, PATCH)
    field = field - np.quantile(field[::8, ::8], scene.uniform(0.68, 0.9))
    combed = scene.noise(0.6, MOTTLE, scene.uniform(2, 4)) + 0.8 * scene.noise(1.2, GRAIN)
    colour = np.array(scene.pick(REED), np.float32) * scene.uniform(0.8, 1.15)
    scene.paint(edge(field + 0.08, 0.06) * 0.6, green(scene) * 0.75)
    scene.paint(edge(field, 0.06) * scene.uniform(0.75, 1), colour * (1 + 0.13 * combed)[..., None])


def terraces(scene: Scene) -> None:
    """Faint lines along the slope, of former ploughing, of sheep or of banks: they bend, part and fade."""
    angle = scene.angle()
    along = (COLUMNS * float(np.cos(angle)) + ROWS * float(np.sin(angle))) / SIDE
    height = along * scene.uniform(0.5, 3) + scene.uniform(0.3, 0.8) * scene.noise(scene.uniform(2, 4), LAND)
    phase = height * SIDE / max(scene.px(scene.uniform(6, 20)), 7)
    lines = np.clip(1 - 2.5 * np.abs(phase - np.round(phase)), -0.2, 1)
    fade = np.clip(0.8 * scene.noise(scene.uniform(0.5, 1.2), PATCH), 0, 1.2)
    scene.texture(scene.uniform(0.06, 0.2) * scene.pick([-1, 1]) * fade * lines)


def mown(scene: Scene) -> None:
    """A part cut or trodden in passes, so faint and broken that other marks show more."""
    part = edge(beside(scene, scene.uniform(-0.4, 0.3), wobble=0.03), 0.02)
    part = part * np.clip(0.3 + 0.8 * scene.noise(scene.uniform(0.6, 1.5), PATCH), 0, 1)
    spacing, warp = max(scene.log_uniform(2.5, 9), 4 * scene.gsd), scene.uniform(0, 3)
    furrows(scene, part, scene.uniform(0.02, 0.06), spacing, None, warp)


def dots(scene: Scene) -> None:
    """A herd, bales or molehills: small dots in a loose group."""
    count = scene.integer(5, 30)
    middle = scene.rng.uniform(0.2, 0.8, 2) * SIDE
    spots = np.round(middle + scene.rng.normal(0, scene.px(scene.uniform(10, 50)), (count, 2))).astype(int)
    spots = spots[((spots >= 0) & (spots < SIDE)).all(1)]
    colour = scene.pick([(38, 34, 30), (205, 198, 184), (150, 124, 96)])
    scene.image[spots[:, 1], spots[:, 0]] += (np.array(colour) - scene.image[spots[:, 1], spots[:, 0]]) * 0.7


def farmyard(scene: Scene) -> None:
    """A farm that the frame cuts: houses and sheds square to each other on a trodden yard, a drive, trees around."""
    side = scene.rng.choice([-1, 1], 2)
    corner = SIDE * (0.5 + side * scene.rng.uniform((0.3, 0.36), (0.42, 0.5)))
    angle = scene.pick([0.0, scene.uniform(-0.2, 0.2), scene.angle()], [0.4, 0.3, 0.3])
    field = 1 - np.hypot(COLUMNS - corner[0], ROWS - corner[1]) / scene.px(scene.uniform(16, 34))
    field = field + 0.35 * scene.noise(0.4, PATCH)
    scene.paint(edge(field, 0.2) * scene.uniform(0.5, 0.85), scene.colour("soil") * _tufted(scene, 0.06))
    drive = np.stack([corner, corner + rotate(side * scene.px(120.0), angle)])
    scene.paint(scene.stroke(drive, 3) * 0.8, scene.colour("soil"))
    groups = np.clip(0.7 * scene.noise(0.6, PATCH) + 0.2, 0, 1) * np.clip(field + 0.6, 0, 1)
    trees(scene, groups * scene.uniform(0.2, 0.6), scene.uniform(4, 8))
    count = scene.integer(2, 5)
    places = np.array([(-14, -8), (14, -10), (-10, 14), (16, 12), (2, -24)]) + scene.rng.normal(0, 3, (5, 2))
    sizes = scene.px(scene.rng.uniform((9, 7), (24, 11), (count, 2)))
    turned = angle + scene.rng.choice([0, np.pi / 2], count)
    shapes = rectangles(corner + rotate(places[:count], angle) / scene.gsd, *sizes.T, turned)
    buildings(scene, shapes, scene.colours("tin" if scene.chance(0.4) else "roof", count), 5, 0.15, kind="house")
