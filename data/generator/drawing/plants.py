"""Trees: single crowns with their shadows, and closed canopy."""

import cv2
import numpy as np

from .crowns import FILLS, crown_bank
from .scene import COLUMNS, ROWS, SIDE, Scene
from .stands import stand
from .textures import CELL, GRAIN, MOTTLE, PATCH, TILE


def trees(scene: Scene, density, crown_m: float, colours=None, fill=0.62, roundness=0.55, kind="trees") -> np.ndarray:
    """Scatter crowns; `density` is the share of places taken (a number, or [SIDE, SIDE] read at each crown).

    Returns the crowns' mask. `roundness` is how strongly the sunlit side differs from the other.
    """
    size = max(scene.px(crown_m), 1.2)
    shape, traits, density = _places(scene, size, density, fill)
    distance, leaves = shape[..., 0], 0.0
    if size > 4:  # ragged outlines and branches where they can be seen
        leaves = scene.noise(np.clip(size / 30, 0.3, 0.8), MOTTLE)
        distance = distance + 0.09 * leaves
    mask = (traits[..., 1] < density) & (distance < fill)
    crowns = mask.astype(np.float32)
    if not mask.any():
        return crowns
    if scene.px(crown_m * scene.shadow_length) > 0.9:
        shadow = shadow_of(scene, mask, 0.85 * crown_m) & ~mask
        scene.shade(shadow.astype(np.float32))
    leaves = leaves[mask] if np.ndim(leaves) else scene.noise(1, GRAIN)[mask]
    crown = shape[mask], traits[mask], distance[mask] / fill, leaves
    scene.image[mask] = _crowns(scene, crown, colours, roundness)
    if kind is not None:
        scene.claim(mask, kind)
    return crowns


def _places(scene: Scene, size: float, density, fill: float) -> tuple[np.ndarray, np.ndarray, np.ndarray | float]:
    """Crowns on cells of `size` pixels, and the density at each pixel's own crown: one number all over it."""
    tiles = crown_bank(min(FILLS, key=lambda known: abs(known - fill)))[scene.rng.integers(3)]
    tiles = tiles if np.ndim(density) else tiles[:2]
    cut = max(round(SIDE * CELL / size), 2)
    left, top = scene.rng.integers(0, max(TILE - cut, TILE if cut >= TILE else 1), 2).tolist()
    if cut < TILE:
        window = slice(top, top + cut), slice(left, left + cut)
        found = [cv2.resize(tile[window], (SIDE, SIDE), interpolation=cv2.INTER_NEAREST) for tile in tiles]
    else:  # the tile again and again
        matrix = np.float32([[CELL / size, 0, left], [0, CELL / size, top]])
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        found = [cv2.warpAffine(t, matrix, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_WRAP) for t in tiles]
    shape, traits = found[:2]
    if not np.ndim(density):
        return shape, traits, density
    if cut < TILE:
        x, y = (found[2][..., i] * np.float32(SIDE / cut) - (left, top)[i] * SIDE / cut for i in (0, 1))
    else:
        x, y = COLUMNS - shape[..., 1] * size, ROWS - shape[..., 2] * size
    x, y = (np.clip(v, 0, SIDE - 1).astype(np.int16) for v in (x, y))
    return shape, traits, density[y, x]


def _crowns(scene: Scene, crown, colours, roundness: float) -> np.ndarray:
    """Colours [n, 3] of the pixels of crowns: dark away from the sun and at the rim, each tree its own shade."""
    shape, traits, distance, leaves = crown
    first, second = colours if colours is not None else (scene.colour("tree"), scene.colour("tree"))
    light = 1 - roundness * (1.6 * (shape[:, 1:] @ scene.sun.astype(np.float32)) + 0.35 * distance * distance)
    light = (light + 0.16 * leaves) * (0.75 + 0.5 * traits[:, 0])
    return (first + (second - first) * traits[:, 2:]) * light[:, None]


def canopy(scene: Scene, crown_m: float | None = None, density=1.0, mask=None, kind="forest") -> None:
    """Closed woodland over the canvas, or within a soft mask, where whole crowns make its edge.

    A `density` well below 1 gives an open wood, with ground between the crowns.
    """
    image, height = woodland(scene, crown_m or scene.uniform(4, 10), "open" if density < 0.9 else None)
    if mask is None:
        scene.image = image
        scene.claim(np.ones((SIDE, SIDE), bool), kind)
    else:
        plant(scene, mask, image, height, kind)


def wooded(scene: Scene, mask: np.ndarray, height: np.ndarray, reach_m: float = 5) -> np.ndarray:
    """A soft mask of woods with its margin made by crowns, which bulge out up to `reach_m` or stand back."""
    reach = int(np.clip(scene.px(reach_m), 1, 12)) * 2 + 1
    inside = cv2.blur(mask.astype(np.float32), (reach, reach))
    tall = np.clip((height - 7) / 9, -0.6, 0.6)
    return np.clip((inside - 0.5 + 0.55 * tall) * min(reach, 9) * 0.8 + 0.5, 0, 1)


def plant(scene: Scene, mask, image, height, kind: str | None = None) -> None:
    """Put woodland where a soft mask says, on no pixel it leaves out; it throws its shadow on the ground."""
    inside = wooded(scene, mask, height) * (mask > 0.02)
    scene.shade(shadow_of(scene, inside, 9) * (1 - inside))
    scene.paint(inside, image, kind)


def shadow_of(scene: Scene, mask: np.ndarray, height_m: float) -> np.ndarray:
    """A mask (soft or boolean) of things of a height, drawn out along the shadows they throw, itself included.

    Drawn out by ever longer steps, so that not even a sliver leaves bars.
    """
    reach = min(scene.px(height_m * scene.shadow_length), 40)
    doublings = int(np.clip(np.ceil(np.log2(max(reach, 1))), 1, 5))
    shadow = mask.copy()
    for step in range(doublings, 0, -1):
        dx, dy = np.round(scene.sun * reach / 2**step).astype(int).tolist()
        here = slice(max(dy, 0), SIDE + min(dy, 0)), slice(max(dx, 0), SIDE + min(dx, 0))
        there = slice(max(-dy, 0), SIDE + min(-dy, 0)), slice(max(-dx, 0), SIDE + min(-dx, 0))
        np.maximum(shadow[here], shadow[there], out=shadow[here])
    return shadow


def woodland(scene: Scene, crown_m: float = 7.0, style: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """An image [SIDE, SIDE, 3] of closed woods seen from above, and the height of its crowns in metres."""
    style = style or scene.pick(["broad", "mixed", "conifer", "open"], [0.34, 0.25, 0.18, 0.23])
    size = np.clip(crown_m / (5.5 if style == "conifer" else 7), 0.65, 1.1 + 0.4 * min(scene.gsd, 1))
    light, tone, height = stand(scene.rng, SIDE, style, scene.gsd / size, scene.sun, scene.shadow_length)
    groups = scene.uniform(0.05, 0.28) * scene.noise(scene.uniform(0.6, 2.5), PATCH)
    scale = _leaf_colours(scene, style)
    image = scale[np.where(tone > 0.985, 255, np.clip((tone + groups) * 255, 0, 250)).astype(np.uint8)]
    light = 1 + (light - 1) * scene.uniform(0.35, 0.85)
    if scene.gsd < 0.6:  # leaves and twigs, finer than the tile
        light *= 1 + scene.uniform(0.1, 0.2) * scene.noise(1, GRAIN)
    light *= 1 + scene.uniform(0.04, 0.2) * scene.noise(scene.uniform(0.8, 3))
    image *= np.clip(light, 0.08, 2.6)[..., None]
    return image, height


def _leaf_colours(scene: Scene, style: str) -> np.ndarray:
    """A scale of colours [256, 3] from dark needles and understorey to pale and yellowish leaves."""
    base = scene.colour("tree")
    others = base + (np.stack([scene.colour("tree") for _ in range(2)]) - base) * scene.uniform(0.15, 0.7)
    dark, pale = sorted(others, key=np.sum)
    needles = scene.colour("conifer") if style in ("conifer", "mixed") else dark * scene.uniform(0.75, 1)
    needles = base + (needles - base) * scene.uniform(0.5, 1)
    pale = pale * scene.rng.uniform((0.95, 0.97, 0.75), (1.15, 1.1, 1.0))
    stops = np.stack([needles * 0.8, needles, base, pale, pale * 1.15])
    # No leaf is purple or blue, whatever chance made of a dark colour.
    stops[:, 1] = np.maximum(stops[:, 1], (0.84 if scene.season == "autumn" else 1.04) * stops[:, 0])
    stops += (stops.mean(1, keepdims=True) - stops) * scene.uniform(0.05, 0.5)
    stops[:, 2] = np.minimum(stops[:, 2], {"conifer": 0.83, "mixed": 0.8}.get(style, 0.78) * stops[:, 1])
    if scene.season in ("dry", "dark", "autumn") and scene.chance(0.25):  # leaves are down
        bare = np.float32([92, 86, 72]) * scene.uniform(0.6, 0.9)
        stops[2:] += (bare - stops[2:]) * np.float32([0.5, 0.8, 0.8])[:, None]
    if scene.chance(0.15):  # dead stems stand grey among the green
        stops[-1] = stops[-1] * 0.4 + 0.6 * np.float32(scene.uniform(90, 140))
    places = 0, 90, 165, 250, 255
    return np.stack([np.interp(np.arange(256), places, stops[:, c]) for c in range(3)], -1).astype(np.float32)
