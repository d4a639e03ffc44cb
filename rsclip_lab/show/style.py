"""How figures look: readable from the last row, in colours that the colour-blind can tell apart."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable
from functools import wraps

import matplotlib
import numpy as np
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, LogFormatterMathtext
from PIL import Image

# Okabe and Ito's palette, https://jfly.uni-koeln.de/color/
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
)  # fmt: skip
GREY, DARK = "#8A8A8A", "#333333"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, RED, SKY)
RUN_COLOURS = {"base": GREY, "positives_only": RED, "clip": BLUE, "replay": GREEN}
OTHER_RUNS = (ORANGE, SKY, PURPLE, DARK)
RUN_NAMES = {
    "base": "before",
    "positives_only": "positives-only loss",
    "clip": "CLIP loss",
    "replay": "CLIP loss + replay",
}

STYLE = {
    "font.size": 14,
    "axes.titlesize": 15,
    "axes.labelsize": 14,
    "xtick.labelsize": 13,
    "ytick.labelsize": 13,
    "legend.fontsize": 13,
    "legend.frameon": False,
    "lines.linewidth": 2.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": DARK,
    "axes.grid.axis": "y",
    "grid.color": "#DDDDDD",
    "axes.axisbelow": True,
    "text.parse_math": False,  # a class may have dollar signs in its name
}
NAME_LINES = 2


def lecture_style(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """A decorator for functions that draw; what their docstring says first is what a figure says to the blind."""
    about = " ".join((draw.__doc__ or "").split("\n\n")[0].split()).replace("`", "")

    @wraps(draw)
    def drawn(*arguments, **options) -> Figure:
        with matplotlib.rc_context(STYLE):
            figure = draw(*arguments, **options)
            for axes in figure.axes:
                for axis in (axes.xaxis, axes.yaxis):
                    number_plainly(axis)
        if isinstance(figure, LabFigure):
            figure.about = about
        return figure

    return drawn


def number_plainly(axis: Axis) -> None:
    """Numbers of a logarithmic axis as text: matplotlib writes them in the maths that STYLE switches off."""
    if isinstance(axis.get_major_formatter(), LogFormatterMathtext):
        axis.set_major_formatter(LogFormatter())
    if isinstance(axis.get_minor_formatter(), LogFormatterMathtext):
        axis.set_minor_formatter(LogFormatter())


class LabFigure(Figure):
    """A matplotlib Figure that shows itself once in a notebook, whatever the backend; no window."""

    # Notebooks are kept with their outputs, so these are small: pictures as JPEG (a tenth of the PNG),
    # lines and words as PNG with a palette (a third of the PNG without).

    def _repr_png_(self) -> bytes | None:
        if self._holds_pictures():
            return None
        drawn, buffer = Image.open(io.BytesIO(self._drawn(format="png"))).convert("RGB"), io.BytesIO()
        drawn.quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
        return buffer.getvalue()

    about = "Figure"

    @property
    def alt(self) -> str:
        """The figure in words: what it shows, and the titles in it."""
        titles = [" ".join(text.split()) for axes in self.axes if (text := axes.get_title())]
        if heading := self.get_suptitle():
            titles.insert(0, " ".join(heading.split()))
        return " ".join([self.about, *(["In it:", "; ".join(dict.fromkeys(titles)) + "."] if titles else [])])

    def _repr_mimebundle_(self, **asked) -> tuple[dict, dict]:
        """No data of its own, only words for the picture, where nbconvert (classic) looks for an alt text."""
        return {}, {"image/jpeg" if self._holds_pictures() else "image/png": {"alt": self.alt}}

    def _repr_jpeg_(self) -> bytes | None:
        if not self._holds_pictures():
            return None
        return self._drawn(format="jpg", pil_kwargs={"quality": 75, "subsampling": 0, "optimize": True})

    def _holds_pictures(self) -> bool:
        return any(np.ndim(image.get_array()) == 3 for axes in self.axes for image in axes.images)

    def _drawn(self, **options) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, dpi=80, **options)
        return buffer.getvalue()


def new_figure(width: float, height: float) -> LabFigure:
    """An empty figure of width × height inches that lays its axes out by itself."""
    return LabFigure(figsize=(width, height), layout="constrained", facecolor="white")


def in_lines(name: str, width: int = 28) -> str:
    """A name for a figure's margin: in lines of so many letters, and cut after the second."""
    lines = textwrap.wrap(name, width)
    if len(lines) > NAME_LINES:
        lines[NAME_LINES - 1 :] = [lines[NAME_LINES - 1][: width - 1].rstrip() + "…"]
    return "\n".join(lines)


def run_name(name: str) -> str:
    """The words for a run's key, or the key itself."""
    return RUN_NAMES.get(name, name)


def run_colour(name: str, place: int) -> str:
    """The fixed colour of a known run, else one at `place` that no known run has."""
    return RUN_COLOURS.get(name, OTHER_RUNS[place % len(OTHER_RUNS)])
