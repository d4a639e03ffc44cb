"""Lesson 00: features of two values, which are points on a circle, so that one can see what a loss does to them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from rsclip_lab.show.style import BLUE, DARK, GREY, ORANGE, lecture_style, new_figure

OUTSIDE, INSIDE, APART = 1.15, 0.82, 0.2  # where names stand, and how far from each other
PAPER = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}


@lecture_style
def plot_circle(circles: Mapping[str, Mapping[str, float]]) -> Figure:
    """Pictures and texts as points on circles: the closer two lie, the larger their cosine.

    circles: {title: {name: degrees}}, degrees counted from the right against the clock. A name that begins with
    "text" is drawn as an orange square with its name inside the circle, any other as a blue disc, named outside.
    """
    if not circles or not all(circles.values()):
        raise ValueError("nothing to draw: give each circle at least one point, as {title: {name: degrees}}")
    figure = new_figure(5.2 * len(circles), 4.4)
    for panel, (title, points) in zip(
        figure.subplots(1, len(circles), squeeze=False)[0], circles.items(), strict=True
    ):
        panel.add_patch(Circle((0, 0), 1, fill=False, edgecolor=GREY, linewidth=1.5))
        panel.plot(0, 0, "+", color=GREY)
        for kind in (False, True):
            draw_points(panel, {name: turn for name, turn in points.items() if name.startswith("text") is kind}, kind)
        panel.set(xlim=(-1.75, 1.75), ylim=(-1.3, 1.3), aspect="equal", title=title)
        panel.axis("off")
    return figure


def draw_points(panel, points: Mapping[str, float], texts: bool) -> None:
    """The points of one kind; where they lie close, names give way to each other."""
    colour, marker, radius = (ORANGE, "s", INSIDE) if texts else (BLUE, "o", OUTSIDE)
    turns = np.radians(list(points.values()))
    for turn, place, name in zip(turns, name_places(turns, radius), points, strict=True):
        at, words = (np.array([np.cos(angle), np.sin(angle)]) for angle in (turn, place))
        panel.plot([0, at[0]], [0, at[1]], color=colour, linewidth=1.2, alpha=0.6)
        panel.plot(*at, marker, color=colour, markersize=11, markeredgecolor="white")
        side = round(0.8 * words[0] / abs(words).max()) * (-1 if texts else 1)  # where the name goes from its place
        align = {-1: "right", 0: "center", 1: "left"}[side]
        panel.text(*(radius * words), name, color=DARK, fontsize=13, ha=align, va="center", bbox=PAPER)


def name_places(turns: np.ndarray, radius: float) -> np.ndarray:
    """Angles for the names of points at these angles: the same, spread where two would overlap."""
    places, order, least = np.array(turns, dtype=float), np.argsort(turns), APART / radius
    for _ in range(50):
        for one, other in zip(order, np.roll(order, -1), strict=True):
            gap = (places[other] - places[one]) % (2 * np.pi)
            if one != other and gap < least:
                places[one] -= (least - gap) / 2
                places[other] += (least - gap) / 2
    return places
