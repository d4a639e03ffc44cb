"""What every detection format comes down to: pictures with boxes, each of one kind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Box:
    """One object. kind: its class name; left, top, right, bottom: its edges, in the units of the picture's size,
    from the upper left corner; crowd: a group of the kind that nobody counted."""

    kind: str
    left: float
    top: float
    right: float
    bottom: float
    crowd: bool = False

    @classmethod
    def around(cls, kind: str, points: Sequence[float]) -> Box:
        """The upright box around a polygon `x1 y1 x2 y2 …`."""
        if not all(map(math.isfinite, points)):  # min and max would pass over a NaN
            return cls(kind, math.nan, math.nan, math.nan, math.nan)
        xs, ys = points[::2], points[1::2]
        return cls(kind, min(xs), min(ys), max(xs), max(ys))


@dataclass(frozen=True)
class Scene:
    """A picture with its boxes. file: its name in the image folder; where: the place in the source, for messages."""

    file: str
    width: float
    height: float
    boxes: Sequence[Box]
    where: str
    split: str | None = None


def within(boxes: Iterable[Box], width: float, height: float) -> list[Box]:
    """The boxes cut to the picture; left out is what has no area there, or an edge that is no finite number."""
    kept = []
    for box in boxes:
        if not all(map(math.isfinite, (box.left, box.top, box.right, box.bottom))):
            continue
        left, right = max(box.left, 0), min(box.right, width)
        top, bottom = max(box.top, 0), min(box.bottom, height)
        if left < right and top < bottom:
            kept.append(replace(box, left=left, top=top, right=right, bottom=bottom))
    return kept
