"""What the first three lessons look at: activations, confidence, speed, captions that repeat or are too long."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from rsclip_lab.show.pictures import show_picture
from rsclip_lab.show.style import BLUE, CYCLE, GREY, ORANGE, RED, lecture_style, new_figure


@lecture_style
def plot_activations(functions: Mapping[str, Callable]) -> Figure:
    """Two activation functions over the numbers that a layer sees, and how far apart they are.

    functions: {name: function of a float tensor}, two of them.
    """
    x = torch.linspace(-5, 5, 401)
    values = {name: function(x).detach().numpy() for name, function in functions.items()}
    figure = new_figure(13, 4.2)
    curves, difference = figure.subplots(1, 2)
    for (name, value), style in zip(values.items(), ("-", "--"), strict=True):
        curves.plot(x, value, style, label=name, color=CYCLE[list(values).index(name)])
    curves.set(xlabel="input", title="output")
    curves.legend()
    first, second = values
    difference.plot(x, values[second] - values[first], color=RED)
    difference.set(xlabel="input", title=f"{second} − {first}")
    return figure


@lecture_style
def plot_confidence(image, probabilities: Mapping[str, Sequence[float]], prompts: Sequence[str]) -> Figure:
    """A picture, and beside it the probability of each prompt, one panel a way to compute it.

    probabilities: {"softmax of raw cosines": [prompts], …}; the dotted line is an even guess.
    """
    figure = new_figure(5 + 4.2 * len(probabilities), 1.8 + 0.6 * len(prompts))
    axes = figure.subplots(1, 1 + len(probabilities), width_ratios=[1] + [1.3] * len(probabilities))
    show_picture(axes[0], image)
    for place, (name, values) in enumerate(probabilities.items()):
        panel = axes[1 + place]
        bars = panel.barh(range(len(prompts)), values, color=CYCLE[place % len(CYCLE)])
        panel.axvline(1 / len(prompts), color=GREY, linestyle=":", zorder=0)
        words = panel.bar_label(bars, [f"{100 * value:.1f} %" for value in values], padding=5, fontsize=15)
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        for word in words:
            word.set_bbox(paper)  # keeps the dotted line out of the numbers
        shown = [textwrap.fill(prompt, 34) for prompt in prompts] if place == 0 else [""] * len(prompts)
        panel.set_yticks(range(len(prompts)), shown)
        panel.set(xlim=(0, 1.25), title=name, xticks=[0, 0.5, 1], xticklabels=["0", "50 %", "100 %"])
        panel.grid(False)
        panel.invert_yaxis()
    return figure


@lecture_style
def plot_throughput(
    rates: Mapping[str, float], needed: str | None = None, unit: str = "pictures a second"
) -> Figure:
    """How many items a second each stage handles, as bars on a logarithmic scale.

    needed: the stage to be fed; a line marks its rate, and slower stages, which starve it, are orange.
    """
    figure = new_figure(11, 1.4 + 0.6 * len(rates))
    axes = figure.subplots()
    limit = rates[needed] if needed is not None else 0
    colours = [GREY if name == needed else ORANGE if rate < limit else BLUE for name, rate in rates.items()]
    bars = axes.barh([textwrap.fill(name, 36) for name in rates], list(rates.values()), color=colours)
    axes.bar_label(bars, [f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}" for rate in rates.values()], padding=4)
    if needed is not None:
        axes.axvline(limit, color=GREY, linestyle="--")
    axes.set(xscale="log", xlabel=unit, xlim=(min(rates.values()) / 3, max(rates.values()) * 4))
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.grid(False)
    axes.invert_yaxis()
    return figure


@lecture_style
def plot_shared_captions(captions: Sequence[str]) -> Figure:
    """Who is whose partner in a batch: picture (row) against caption (column), both in the captions' order.

    Own pairs stand on the diagonal; a pair off it whose caption is the same text is a false negative for a
    loss that takes the diagonal alone as true.
    """
    captions = np.sort(np.asarray(captions, dtype=object))
    same = (captions[:, None] == captions[None, :]).astype(int)
    false = int(same.sum() - len(captions))
    kind = same * 2 - np.eye(len(captions), dtype=int)  # 0 other captions, 1 own, 2 same text
    figure = new_figure(6.5, 6)
    axes = figure.subplots()
    axes.imshow(kind, cmap=ListedColormap(["#EEEEEE", BLUE, RED]), vmin=0, vmax=2, interpolation="nearest")
    for colour, label in ((BLUE, "own pair"), (RED, f"same caption, taken for wrong ({false})")):
        axes.plot([], [], "s", color=colour, markersize=12, label=label)
    axes.set(xlabel="caption", ylabel="picture")
    axes.grid(False)
    axes.legend(loc="upper right")
    return figure


@lecture_style
def plot_caption_lengths(tokens: Sequence[int] | pd.Series, context: int) -> Figure:
    """How many tokens the captions have, start and end token included, against what the model reads."""
    tokens = np.asarray(tokens, dtype=int)
    figure = new_figure(10, 4)
    axes = figure.subplots()
    edges = np.arange(0, max(tokens.max(), context) + 4, 2)
    for part, colour, label in ((tokens <= context, BLUE, "read whole"), (tokens > context, RED, "cut")):
        axes.hist(tokens[part], bins=edges, color=colour, label=f"{label}: {int(part.sum()):,}")
    axes.axvline(context, color=GREY, linestyle="--", label=f"context length: {context}")
    # One long caption among thousands would be invisible on a linear scale.
    axes.set(xlabel="tokens", ylabel="captions", yscale="log", ylim=(0.7, None))
    axes.legend()
    return figure
