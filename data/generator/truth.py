"""What can be seen in a finished picture: counts, colours, places and neighbours, measured on the visible masks.

Everything is read from `scene.owner` after all is drawn, and from the finished pixels. What is hidden, outside the
frame or ambiguous is not stated.
"""

from collections import Counter
from dataclasses import dataclass

import cv2
import numpy as np

from .colours import colour_of
from .drawing.camera import visible
from .drawing.scene import SIDE, Scene
from .words import ALIKE, COLOURED, COLOURED_GROUND, COUNTED, GROUND, LINES, NEIGHBOURS, SURROUNDING

LEAST_SHARE = 0.004  # of the picture, for ground to be mentioned
LEAST_PIXELS = 10  # of the canvas, for an object to be counted
LEAST_VISIBLE = 0.4  # of what was drawn of an object, for it to be counted
LEAST_COLOUR = 40  # pixels of the canvas that a colour is read from
MOST_PLACED = 4  # objects of a kind that still get a common place, colour or neighbour
ONE_SIDE = 0.85  # of the pixels in one half, to be "on the left"
BESIDE, SURROUNDED = 0.18, 0.75  # of the neighbourhood
RING = 6  # canvas pixels around an object that are its neighbourhood


@dataclass(frozen=True)
class Thing:
    """All that is visible of one kind; `count` is None for ground, the rest is None when it cannot be said."""

    kind: str
    share: float  # of the picture, 0…1
    count: int | None = None
    colour: str | None = None
    place: str | None = None  # a phrase: "on the left", "in the middle", "running from left to right"
    beside: str | None = None  # the kind of ground it touches
    surrounded: bool = False  # by that ground, rather than beside it


def counted(scene: Scene) -> dict[int, str]:
    """{object id: kind} of the objects that can be counted in the picture."""
    return {
        i: scene.drawn[i].kind
        for i, pixels in visible(scene).items()
        if scene.drawn[i].kind in COUNTED and pixels >= max(LEAST_PIXELS, LEAST_VISIBLE * scene.drawn[i].area)
    }


def counts(scene: Scene) -> dict[str, int]:
    """{kind: how many can be seen}."""
    return dict(Counter(counted(scene).values()))


def things(scene: Scene, pixels: np.ndarray) -> list[Thing]:
    """All that may be said of a picture [size, size, 3] uint8 RGB and its scene, in order of first drawing."""
    kinds = [drawn.kind for drawn in scene.drawn]
    names = list(dict.fromkeys(kinds))
    kind_map = np.array([names.index(kind) for kind in kinds])[scene.owner]
    shares = np.bincount(kind_map.ravel(), minlength=len(names)) / SIDE**2
    canvas = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    seen = counted(scene)
    ground = {name: kind_map == names.index(name) for name in NEIGHBOURS & set(names)}
    found = []
    for name, share in zip(names, shares.tolist(), strict=True):
        if name in COUNTED:
            ids = [i for i, kind in seen.items() if kind == name]
            if ids:
                everywhere = kind_map == names.index(name)  # with those too hidden to be counted
                found.append(_objects(scene, canvas, name, share, ids, everywhere, ground))
        elif name in GROUND and share >= LEAST_SHARE:
            mask = ground[name] if name in ground else kind_map == names.index(name)
            colour = colour_of(canvas[mask]) if name in COLOURED_GROUND else None
            where = _run(mask) if name in LINES else place(mask)
            alike = [names.index(other) for group in ALIKE if name in group for other in group & set(names)]
            if where and len(alike) > 1 and place(np.isin(kind_map, alike)) != where:
                where = None
            found.append(Thing(name, share, None, colour, where))
    return found


def _objects(scene, canvas, name, share, ids, everywhere, ground) -> Thing:
    if len(ids) > MOST_PLACED:
        return Thing(name, share, len(ids))
    masks = [scene.owner == i for i in ids]
    colour = None
    if name in COLOURED and min(mask.sum() for mask in masks) >= LEAST_COLOUR:
        colours = {colour_of(canvas[mask]) for mask in masks}
        colour = colours.pop() if len(colours) == 1 else None
    beside, surrounded = neighbour(np.logical_or.reduce(masks), ground)
    return Thing(name, share, len(ids), colour, place(everywhere), beside, surrounded)


def place(mask: np.ndarray) -> str | None:
    """Where the pixels of a boolean mask lie, when nearly all lie on one side or all in the middle."""
    rows, columns = mask.sum(1), mask.sum(0)
    row, column = _side(rows, "upper", "lower"), _side(columns, "left", "right")
    if row and column:
        return f"in the {row} {column}"
    if column:
        return f"on the {column}"
    if row:
        return "at the top" if row == "upper" else "at the bottom"
    return "in the middle" if _inside(rows) and _inside(columns) else None


def _side(pixels: np.ndarray, low: str, high: str) -> str | None:
    """Which half holds nearly all, from the number of pixels [SIDE] in each row or column."""
    share = pixels[: SIDE // 2].sum() / max(pixels.sum(), 1)
    return low if share >= ONE_SIDE else (high if share <= 1 - ONE_SIDE else None)


def _inside(pixels: np.ndarray) -> bool:
    """Whether less than a tenth lies before three tenths of the way, and less than a tenth after seven."""
    before, after = pixels[: int(0.3 * SIDE) + 1].sum(), pixels[int(np.ceil(0.7 * SIDE)) :].sum()
    return max(before, after) < 0.1 * pixels.sum()


def _run(mask: np.ndarray) -> str | None:
    """The direction of a line that leaves the picture at two opposite sides and nowhere else, or its place."""
    top, bottom, left, right = mask[0].any(), mask[-1].any(), mask[:, 0].any(), mask[:, -1].any()
    pieces = cv2.connectedComponents(mask.astype(np.uint8))[1]
    if left and right and not (top or bottom) and set(pieces[:, 0][mask[:, 0]]) & set(pieces[:, -1][mask[:, -1]]):
        return "running from left to right"
    if top and bottom and not (left or right) and set(pieces[0][mask[0]]) & set(pieces[-1][mask[-1]]):
        return "running from top to bottom"
    return place(mask)


def neighbour(mask: np.ndarray, ground: dict[str, np.ndarray]) -> tuple[str | None, bool]:
    """The ground that touches a mask the most, and whether it surrounds it; (None, False) when none does."""
    ring = cv2.dilate(mask.astype(np.uint8), np.ones((2 * RING + 1,) * 2, np.uint8)).astype(bool) & ~mask
    around = {name: float(where[ring].mean()) for name, where in ground.items()} if ring.any() else {}
    name = max(sorted(around), key=around.get, default=None)
    if name is None or around[name] < BESIDE:
        return None, False
    return name, name in SURROUNDING and around[name] >= SURROUNDED
