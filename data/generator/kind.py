"""What a kind of scene is: how to draw it, what people call it, and how much ground its pictures show."""

from collections.abc import Callable
from dataclasses import dataclass

from .drawing.scene import Scene


@dataclass(frozen=True)
class Kind:
    """`names[0]` is the label; all names are noun phrases as a caption says them, a
    singular one with its article.

    `shows` are the kinds of drawn objects (see `Scene.claim`) that the label itself already says, so captions
    do not repeat them; `width_m` is the range of ground a picture spans, drawn log-uniformly.
    """

    label: str
    names: tuple[str, ...]
    draw: Callable[[Scene], None]
    width_m: tuple[float, float] = (64, 600)
    shows: tuple[str, ...] = ()
    seasonal: bool = True  # does the season show in it
