"""Closed canopy seen from above: tiles of thousands of crowns in sunlight, made once and read by every scene.

A tile is lit by a sun along its own x axis; a scene turns the tile until that sun is its own. So light and shadow
are reckoned at 40 cm a pixel whatever a scene's scale, and a wide picture reads their mean: dark, fine and quiet,
as real woods are from high up, where crowns drawn at the picture's own scale would glitter.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

METRES = 0.4  # a tile pixel
MARGIN = 40  # tile pixels around, so that crowns may reach over the border
LENGTHS = (0.45, 1.3)  # metres of shadow a metre of height, of a tile's two lights
LIGHT, HEIGHT = 80.0, 9.0  # units of a tile's bytes: brightness 1, and one metre
SHAPES = 6  # outlines a size


@dataclass(frozen=True)
class Growth:
    """Trees of one habit: `radius` is their median in metres, `cover` how often they would cover the ground."""

    radius: float
    spread: float
    cover: float
    steep: float  # metres that a crown falls from its top to its rim, a metre of radius
    pointed: float  # exponent of that fall: 1 a cone, 2 a dome
    tones: tuple[float, float]  # where their colours lie in the scene's scale of colours, 0…1


BROAD = Growth(2.7, 0.42, 1.5, 1.5, 2.2, (0.35, 1.0))
YOUNG = Growth(1.5, 0.3, 0.8, 1.6, 1.8, (0.3, 0.9))
CONIFER = Growth(1.7, 0.28, 1.1, 3.6, 1.0, (0.0, 0.5))
STYLES = {  # pixels a side, how ragged crowns are, what grows there
    "broad": (768, 1.2, (BROAD, YOUNG)),
    "conifer": (512, 0.6, (CONIFER, Growth(1.1, 0.3, 0.5, 3.2, 1.1, (0.1, 0.6)))),
    "mixed": (
        768,
        0.9,
        (Growth(3.0, 0.4, 0.8, 1.5, 2.2, (0.45, 1.0)), Growth(1.9, 0.3, 0.75, 3.4, 1.0, (0.0, 0.45))),
    ),
    "open": (512, 1.1, (Growth(2.6, 0.45, 0.75, 1.6, 2.0, (0.2, 1.0)), Growth(1.2, 0.4, 0.35, 1.7, 1.6, (0.0, 0.8)))),
}


def _lumps(rng, side: int, size: float) -> np.ndarray:
    """Noise of unit deviation with lumps of a size in pixels."""
    noise = rng.standard_normal((side, side)).astype(np.float32)
    coarse = int(max(size / 4, 1))  # wide lumps need no fine grid
    noise = cv2.GaussianBlur(noise[: side // coarse, : side // coarse], (0, 0), size / coarse)
    noise = noise if coarse == 1 else cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)
    return noise / noise.std()


def _outlines(rng, radius: int, growth: Growth) -> list[np.ndarray]:
    """How far below its top each pixel of a crown lies, for some lobed outlines; infinite outside."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float32)
    turn, away = np.arctan2(y, x), np.hypot(x, y) / (radius + 0.3)
    shapes = []
    for _ in range(SHAPES):
        lobes = sum(rng.uniform(0, 0.5 / k**0.7) * np.cos(k * turn + rng.uniform(0, 6)) for k in (2, 3, 5, 7)) * (
            0.45 if growth.pointed > 1.5 else 0.3
        )
        r = away * (1.05 - lobes)
        fall = r**growth.pointed * growth.steep * radius * METRES
        shapes.append(np.where(r < 1, fall, np.inf).astype(np.float32))
    return shapes


def _plant(rng, side: int, growth: Growth, height: np.ndarray, tone: np.ndarray, light: np.ndarray) -> None:
    """Put crowns on padded fields [side + 2 MARGIN] wherever they rise above what stands there."""
    count = int(growth.cover * (side * METRES) ** 2 / (np.pi * growth.radius**2 * np.exp(2 * growth.spread**2)))
    places = rng.integers(0, side, (count, 2))
    old = (0.6 * _lumps(rng, side, 22) + 0.6 * _lumps(rng, side, 60))[tuple(places.T)]  # groups of a like age
    radii = np.clip(growth.radius * np.exp(growth.spread * (0.8 * rng.standard_normal(count) + 0.6 * old)), 0.8, 7.2)
    tops = 6 + 2.0 * radii / growth.radius**0.5 * growth.steep**0.5 + rng.normal(0, 1.3, count) + old
    low, high = growth.tones
    tones = low + (high - low) * np.clip(rng.random(count) + 0.2 * _lumps(rng, side, 35)[tuple(places.T)], 0, 1)
    lights = rng.uniform(0.78, 1.18, count)
    shapes = {}
    for (row, column), radius, top, colour, bright in zip(
        places.tolist(), np.round(radii / METRES).astype(int).tolist(), tops.tolist(), tones, lights, strict=True
    ):
        if radius not in shapes:
            shapes[radius] = _outlines(rng, radius, growth)
        crown = top - shapes[radius][rng.integers(SHAPES)]
        for y in _copies(row, radius, side):
            for x in _copies(column, radius, side):
                box = slice(y - radius, y + radius + 1), slice(x - radius, x + radius + 1)
                above = crown > height[box]
                np.copyto(height[box], crown, where=above)
                np.copyto(tone[box], colour, where=above)
                np.copyto(light[box], bright, where=above)


def _copies(place: int, radius: int, side: int) -> tuple[int, ...]:
    """A crown's place on the padded field, and again where it reaches over the border of the tile."""
    if place < radius:
        return place + MARGIN, place + MARGIN + side
    return (place + MARGIN, place + MARGIN - side) if place >= side - radius else (place + MARGIN,)


def _lit(height: np.ndarray, length: float) -> np.ndarray:
    """Brightness of a relief in metres under a sun that throws shadows of this length towards growing x."""
    shadow = np.zeros_like(height)
    for step in (1, 2, 3, 5, 7, 10, 14, 19, 25):
        over = np.roll(height, step, 1) - (height + step * METRES / length)
        np.maximum(shadow, over, out=shadow)
    shadow = np.clip(shadow / 1.2, 0, 1)
    along = (np.roll(height, -1, 1) - np.roll(height, 1, 1)) / (2 * METRES)
    aside = (np.roll(height, -1, 0) - np.roll(height, 1, 0)) / (2 * METRES)
    up = np.arctan(1 / length)
    facing = (np.sin(up) + np.cos(up) * along) / np.sqrt(1 + along**2 + aside**2)
    sky = np.clip(0.62 + (height - cv2.blur(height, (21, 21), borderType=cv2.BORDER_REFLECT)) / 9, 0.12, 1.1)
    light = 0.42 * sky + np.clip(facing, 0, 1) * (1 - shadow)
    return light / light.mean()


def _pulled(rng, amount: float, *fields) -> list[np.ndarray]:
    """The same fields pulled about by a metre or so, as no crown has a smooth rim."""
    side = len(fields[0])
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    x, y = (v + amount * (_lumps(rng, side, 1.6) + _lumps(rng, side, 4)) for v in (x, y))
    return [cv2.remap(np.ascontiguousarray(f), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP) for f in fields]


@cache
def levels(style: str) -> list[np.ndarray]:
    """A style's tile at full, half, quarter ... size: bytes of (light, light with long shadows, tone, height)."""
    rng = np.random.default_rng([22, list(STYLES).index(style)])
    side, ragged, growths = STYLES[style]
    padded = side + 2 * MARGIN
    height, tone, light = (np.full((padded, padded), v, np.float32) for v in (1.5, 0.15, 0.9))
    for growth in growths:
        _plant(rng, side, growth, height, tone, light)
    inner = (slice(MARGIN, -MARGIN),) * 2
    height, tone, light = _pulled(rng, ragged, height[inner], tone[inner], light[inner])
    leaves = 0.45 * _lumps(rng, side, 0.7) + 0.5 * _lumps(rng, side, 1.6) + 0.3 * _lumps(rng, side, 4)
    relief = cv2.GaussianBlur(height + ragged * leaves * np.clip((height - 2) / 4, 0.3, 1), (0, 0), 0.5)
    tone = tone + 0.05 * _lumps(rng, side, 1.5)
    lights = [_lit(relief, length) * light * LIGHT for length in LENGTHS]
    tile = np.clip(np.stack([*lights, tone * 255, height * HEIGHT], -1), 0, 255).astype(np.uint8)
    tiles = [tile]
    while len(tiles[-1]) > 64:
        half = len(tiles[-1]) // 2
        tiles.append(cv2.resize(tiles[-1], (half, half), interpolation=cv2.INTER_AREA))
    return tiles


def stand(rng, side: int, style: str, metres: float, sun, length: float) -> tuple[np.ndarray, ...]:
    """A window [side, side] on woods at `metres` a pixel: brightness (mean 1), tone 0…1, height in metres."""
    tiles = levels(style)
    level = int(np.clip(round(np.log2(metres / METRES) - 0.15), 0, len(tiles) - 1))
    scale = metres / METRES / 2**level
    mirror = rng.choice([-1, 1])
    turn = np.array([[sun[0], sun[1], 0], [-sun[1] * mirror, sun[0] * mirror, 0]]) * scale
    turn[:, 2] = rng.uniform(0, len(tiles[level]), 2)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    window = cv2.warpAffine(tiles[level], turn, (side, side), flags=flags, borderMode=cv2.BORDER_WRAP)
    window = window.astype(np.float32)
    long = np.clip((length - LENGTHS[0]) / (LENGTHS[1] - LENGTHS[0]), 0, 1)
    light = (window[..., 0] * (1 - long) + window[..., 1] * long) / LIGHT
    return light, window[..., 2] / 255, window[..., 3] / HEIGHT
