"""The canvas a scene is drawn on: metres, sun, season, pixels, and who owns which pixel.

Every drawn object claims its pixels in `owner`; what is drawn later takes them away. So when the picture is
finished, `owner` holds each object's visible mask after occlusion and cropping, and captions are measured on it.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from . import textures
from .palette import PALETTE, SEASONS

SIDE = 192  # canvas pixels a side; the camera averages them down to the picture
SHIFT = 3  # sub-pixel bits for OpenCV's polygon coordinates
ROWS, COLUMNS = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)

cv2.setNumThreads(1)  # pictures are drawn in parallel processes


@dataclass(frozen=True)
class Drawn:
    """An object or a stretch of ground that was drawn: its kind and the pixels it covered at that moment."""

    kind: str
    area: int


class Scene:
    """A square of ground. `gsd` is metres a canvas pixel; image [SIDE, SIDE, 3] float32 RGB; y points down."""

    def __init__(self, rng: np.random.Generator, width_m: float):
        self.rng = rng
        self.width_m = width_m
        self.gsd = width_m / SIDE
        self.season = str(rng.choice(list(SEASONS), p=list(SEASONS.values())))
        angle = rng.uniform(0, 2 * np.pi)
        self.sun = np.array([np.cos(angle), np.sin(angle)])  # where shadows point
        self.shadow_length = rng.uniform(0.3, 1.4)  # metres of shadow a metre of height
        self.shadow_depth = rng.uniform(0.3, 0.65)
        self.image = np.zeros((SIDE, SIDE, 3), np.float32)
        self.owner = np.zeros((SIDE, SIDE), np.int32)  # 0 = plain ground
        self.drawn: list[Drawn] = [Drawn("ground", SIDE * SIDE)]
        self.notes: list[str] = []  # facts of the layout that no mask tells, e.g. "circular fields"

    # Chance -------------------------------------------------------------------------------------------------
    def uniform(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def log_uniform(self, low: float, high: float) -> float:
        return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def pick(self, options, weights=None):
        weights = None if weights is None else np.asarray(weights) / np.sum(weights)
        return options[self.rng.choice(len(options), p=weights)]

    def angle(self) -> float:
        return self.uniform(0, np.pi)

    # Measures and colours -----------------------------------------------------------------------------------
    def px(self, metres):
        """Canvas pixels for a length in metres."""
        return metres / self.gsd

    def colour(self, name: str) -> np.ndarray:
        """A random colour [3] of the palette, slightly varied."""
        options = PALETTE[name]
        options = options[self.season] if isinstance(options, dict) else options
        base = np.array(options[self.rng.integers(len(options))], np.float32)
        return np.clip(base * self.uniform(0.85, 1.15) + self.rng.normal(0, 5, 3), 4, 250).astype(np.float32)

    def colours(self, name: str, count: int, distinct: int = 4) -> np.ndarray:
        """`count` colours [count, 3] taken from a few distinct ones, each a little lighter or darker."""
        few = np.stack([self.colour(name) for _ in range(distinct)])
        chosen = few[self.rng.integers(0, distinct, count)] * self.rng.uniform(0.85, 1.12, (count, 1))
        return np.clip(chosen + self.rng.normal(0, 4, (count, 3)), 5, 250).astype(np.float32)

    # Textures -----------------------------------------------------------------------------------------------
    def noise(self, zoom=1.0, exponent=textures.PATCH, stretch=1.0, angle=None) -> np.ndarray:
        return textures.noise(self.rng, SIDE, zoom, exponent, stretch, angle)

    def cells(self, metres: float) -> tuple[np.ndarray, np.ndarray]:
        return textures.cells(self.rng, SIDE, self.px(metres))

    def surface(self, first, second, zoom=1.0, grain=0.06, blend=0.6) -> np.ndarray:
        """An image [SIDE, SIDE, 3] wandering between two colours, with fine grain on top."""
        mix = np.clip(0.5 + blend * 0.5 * self.noise(zoom), 0, 1)[..., None]
        fine = 1 + grain * self.noise(self.uniform(0.6, 1.5), textures.GRAIN)
        fine += 0.05 * self.noise(self.uniform(1, 3), textures.MOTTLE)
        return (first + (second - first) * mix) * fine[..., None]

    # Drawing ------------------------------------------------------------------------------------------------
    def claim(self, mask: np.ndarray, kind: str) -> int:
        """Give the pixels of a boolean mask to a new object of this kind; returns its id."""
        self.drawn.append(Drawn(kind, int(mask.sum())))
        self.owner[mask] = len(self.drawn) - 1
        return len(self.drawn) - 1

    def paint(self, mask: np.ndarray, colour, kind: str | None = None) -> None:
        """Blend a colour or an image in through a soft mask [SIDE, SIDE] 0…1; claims it where it covers most."""
        box = _box(mask)
        colour = np.asarray(colour)
        part = self.image[box]
        part += ((colour[box] if colour.ndim == 3 else colour) - part) * mask[box][..., None]
        if kind is not None:
            self.claim(mask > 0.5, kind)

    def shade(self, mask: np.ndarray, depth: float | None = None) -> None:
        """Darken through a mask 0…1 by the scene's shadow depth or another."""
        box = _box(mask)
        self.image[box] *= (1 - (self.shadow_depth if depth is None else depth) * mask[box])[..., None]

    def texture(self, amount: np.ndarray) -> None:
        """Multiply the picture's brightness by 1 + amount [SIDE, SIDE]."""
        self.image *= (1 + amount)[..., None]

    def fill(self, polygons, colours, kind: str | None = None) -> None:
        """Fill polygons [n, k, 2] in pixels with a colour [3] or one each [n, 3]; each is an object of its own."""
        polygons = np.asarray(polygons, np.float32)
        if len(polygons) == 0:
            return
        colours = np.broadcast_to(np.asarray(colours, np.float32), (len(polygons), 3))
        corners = np.round(polygons * 2**SHIFT).astype(np.int32)
        for shape, colour in zip(corners, colours.tolist(), strict=True):
            cv2.fillPoly(self.image, [shape], colour, shift=SHIFT)
        if kind is not None:
            self._claim_polygons(polygons, corners, kind)

    def claim_each(self, polygons, kind: str) -> None:
        """Claim polygons [n, k, 2] in pixels as an object each, without painting them."""
        polygons = np.asarray(polygons, np.float32)
        if len(polygons):
            self._claim_polygons(polygons, np.round(polygons * 2**SHIFT).astype(np.int32), kind)

    def _claim_polygons(self, polygons, corners, kind) -> None:
        x, y = polygons[..., 0], polygons[..., 1]
        areas = np.abs((x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum(1)) / 2
        for shape, area in zip(corners, areas, strict=True):
            self.drawn.append(Drawn(kind, int(round(area))))
            cv2.fillPoly(self.owner, [shape], len(self.drawn) - 1, shift=SHIFT)

    def stamp(self, polygons) -> np.ndarray:
        """The union of polygons [n, k, 2] as a float mask [SIDE, SIDE]."""
        mask = np.zeros((SIDE, SIDE), np.uint8)
        if len(polygons):
            corners = np.round(np.asarray(polygons, np.float32) * 2**SHIFT).astype(np.int32)
            for shape in corners:  # one by one: overlapping polygons in one call would cancel out
                cv2.fillPoly(mask, [shape], 1, shift=SHIFT)
        return mask.astype(np.float32)

    def stroke(self, points, width_m: float) -> np.ndarray:
        """A smooth line through points [n, 2] in pixels as a soft mask [SIDE, SIDE] 0…1."""
        mask = np.zeros((SIDE, SIDE), np.uint8)
        corners = np.round(np.asarray(points) * 2**SHIFT).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(mask, [corners], False, 255, max(1, round(self.px(width_m))), cv2.LINE_AA, SHIFT)
        return mask.astype(np.float32) / 255

    def disc(self, centre, radius_px: float) -> np.ndarray:
        """A disc as a soft mask [SIDE, SIDE] 0…1."""
        return np.clip(radius_px - np.hypot(COLUMNS - centre[0], ROWS - centre[1]) + 0.5, 0, 1)

    def cast(self, polygons, heights) -> None:
        """Shadows on the ground of polygons [n, k, 2] in pixels, heights in metres (one or one each)."""
        polygons = np.asarray(polygons, np.float32)
        if len(polygons) == 0:
            return
        length = np.minimum(
            np.broadcast_to(np.asarray(heights, np.float32), len(polygons)) * self.shadow_length / self.gsd,
            30,
        )
        steps = (0.5, 1.0) if length.max() < 8 else (0.25, 0.5, 0.75, 1.0)
        moved = [polygons + (self.sun * step) * length[:, None, None] for step in steps]
        self.shade(self.stamp(np.concatenate(moved)))


def _box(mask: np.ndarray) -> tuple[slice, slice]:
    """The rows and columns that a mask touches: most masks are small, and work outside them would be for nothing."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows) == 0:
        return slice(0, 0), slice(0, 0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
