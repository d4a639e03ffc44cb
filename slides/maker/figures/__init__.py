"""Figures by name: `![words](figure:name)` in a deck is the function `name` in one of these modules.

A function returns a matplotlib Figure, preferably of `rsclip_lab.show`; `@figure` says what drew it, from which
data, and how large it stands on the slide.
"""

from . import data, evaluation, ideas, machine, training, use  # noqa: F401, E402, I001  (fill the list of figures)
from .drawing import Drawing, FigureError, draw, known, redraw_key  # noqa: F401

__all__ = ["Drawing", "FigureError", "draw", "known", "redraw_key"]
