"""Probabilities as bars with their words: as widgets that follow the typing, and as a figure."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence

import ipywidgets as widgets
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rsclip_lab.data.images import ImageLike
from rsclip_lab.search.results import shortened
from rsclip_lab.show.pictures import show_picture
from rsclip_lab.show.style import BLUE, GREY, in_lines, lecture_style, new_figure

LONGEST = 120  # letters of a prompt that are shown; the whole is its title
COLOURS = {"before": GREY, "after": BLUE}
ONE, EACH = "One of them (softmax)", "Each by itself (sigmoid)"
HEADS = {
    False: "Which of them fits best? They share 100 %; that none fits is no answer here.",
    True: "Does it fit? Each judged by itself: above the dashed line at 50 % rather yes than no.",
}


class Bars:
    """One row a prompt: its words, a bar and a percentage a model, and a button that asks where it is."""

    def __init__(self, where: Callable[[str], None]) -> None:
        self.where = where
        self.head, self.names, self.rows = widgets.HTML(), widgets.HTML(), widgets.VBox()
        room = widgets.HTML(layout={"width": "132px", "flex": "none"})  # above the buttons
        heads = widgets.HBox([self.names, room])
        heads.add_class("rsclip-asking")
        self.box = widgets.VBox([self.head, heads, self.rows])
        self._made: list[Row] = []
        # Of all rows: each widget that is a row's own is another message to the page.
        self._layouts = (widgets.Layout(), widgets.Layout(width="132px", flex="none"))

    def show(
        self, prompts: Sequence[str], answers: Mapping[str, np.ndarray], several: bool, shown: str | None = None
    ) -> None:
        """answers: {"before" or "after": probabilities [prompts]}; shown: the prompt whose place is being drawn."""
        self.head.value = f"<div class='rsclip-head'>{HEADS[several]}</div>"
        self.names.value = _names(answers)
        while len(self._made) < len(prompts):
            self._made.append(Row(self.where, *self._layouts))
        for place, (row, prompt) in enumerate(zip(self._made, prompts, strict=False)):
            row.show(prompt, _row(prompt, place, answers, several), prompt == shown)
        if len(self.rows.children) != len(prompts):
            self.rows.children = [row.box for row in self._made[: len(prompts)]]

    @property
    def shown(self) -> list[Row]:
        return self._made[: len(self.rows.children)]

    def clear(self) -> None:
        """No numbers rather than those of something else."""
        self.head.value = self.names.value = ""
        self.rows.children = []


class Row:
    """The widgets of one prompt; they are used again for the next."""

    def __init__(self, where: Callable[[str], None], wide: widgets.Layout, narrow: widgets.Layout) -> None:
        self.prompt = ""
        self.text, self.button = widgets.HTML(layout=wide), widgets.Button(layout=narrow)
        self.button.on_click(lambda button: where(self.prompt))
        self.box = widgets.HBox([self.text, self.button])
        self.box.add_class("rsclip-asking")

    def show(self, prompt: str, content: str, shown: bool) -> None:
        self.prompt, self.text.value = prompt, content
        self.mark(shown)

    def mark(self, shown: bool) -> None:
        """Whether the picture above shows where this is."""
        prompt = self.prompt
        self.button.description = "✓ shown above" if shown else "Where is it?"
        self.button.tooltip = (
            f"{'Back to the picture without' if shown else 'Show where in the picture is'}: {prompt}"
        )


def _names(answers: Mapping[str, np.ndarray]) -> str:
    """Headings of the columns, where there are two."""
    if len(answers) < 2:
        return ""
    cells = "".join(f"<span class='answer'>{name}</span>" for name in answers)
    return f"<div class='rsclip-row heads'><span class='prompt'></span>{cells}</div>"


def _row(prompt: str, place: int, answers: Mapping[str, np.ndarray], several: bool) -> str:
    cells = "".join(_cell(name, values, place, several) for name, values in answers.items())
    shown = shortened(prompt, LONGEST)
    title = f" title='{html.escape(prompt)}'" if len(prompt) > LONGEST else ""
    return f"<div class='rsclip-row'><span class='prompt'{title}>{html.escape(shown)}</span>{cells}</div>"


def _cell(name: str, values: np.ndarray, place: int, several: bool) -> str:
    """A bar, its percentage, and "best" where it is."""
    value, best = float(values[place]), is_best(values, place)
    return (
        f"<span class='answer {name}'><span class='track{' half' if several else ''}' aria-hidden='true'>"
        f"<span class='fill' style='width:{100 * value:.2f}%'></span></span>"
        f"<span class='percent' data-probability='{value:.9f}'>{percent(value)}</span>"
        f"<span class='best'>{'best' if best else ''}</span></span>"
    )


def is_best(values: np.ndarray, place: int) -> bool:
    """Whether this is the highest of several; of equals the first."""
    return len(values) > 1 and int(np.argmax(values)) == place


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


@lecture_style
def probability_figure(
    image: ImageLike | None, prompts: Sequence[str], answers: Mapping[str, np.ndarray], several: bool = False
) -> Figure:
    """The picture, and beside it the bars of each model; what is best says so in words."""
    figure = new_figure(11, max(3.6, 1.2 + 0.5 * len(prompts)))
    left, *others = figure.subplots(1, 1 + len(answers), width_ratios=[1.25] + [1.6 / len(answers)] * len(answers))
    show_picture(left, image)
    left.set_anchor("C")
    for number, (axes, (name, values)) in enumerate(zip(others, answers.items(), strict=True)):
        _draw_bars(axes, prompts, values, COLOURS.get(name, BLUE), several)
        if len(answers) > 1:
            axes.set_title(name)
        if number:
            axes.set_yticklabels([])
    return figure


def _draw_bars(axes: Axes, prompts: Sequence[str], values: np.ndarray, colour: str, several: bool) -> None:
    places = range(len(prompts))
    axes.barh(places, values, 0.62, color=colour)
    for place, value in enumerate(values):
        best = is_best(values, place)
        weight = "bold" if best else "normal"
        axes.text(value + 0.02, place, percent(value) + (", best" if best else ""), va="center", weight=weight)
    if several:
        axes.axvline(0.5, color=GREY, linestyle="--", linewidth=1.5)
    axes.set_yticks(places, [in_lines(prompt, 30) for prompt in prompts])
    axes.set(xlim=(0, 1.45), xticks=[0, 0.5, 1], ylim=(len(prompts) - 0.4, -0.6))
    axes.set_xticklabels(["0 %", "50 %", "100 %"])
    axes.grid(axis="y", visible=False)
    axes.spines["bottom"].set_bounds(0, 1)
