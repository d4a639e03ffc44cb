"""An ablation as figures: how good each setting is, and what each part of the recipe gives and takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rsclip_lab.data.disk import replacing
from rsclip_lab.show.style import BLUE, DARK, GREY, ORANGE, PURPLE, lecture_style, new_figure

MEASURES = {
    "all_top1": ("new kinds among all", BLUE),
    "top1": ("new kinds", PURPLE),
    "control_top1": ("old kinds", ORANGE),
}
SHOWN = ("all_top1", "control_top1")
HEADS = {"image_augmentation": "image aug.", "text_augmentation": "text aug."}  # the columns are narrow
COLUMN = 1.5  # inches


@lecture_style
def plot_ablation(
    intervals: pd.DataFrame, factors: Mapping[str, Sequence[str]], base: Mapping[str, float] | None = None
) -> Figure:
    """The share of right answers in each setting, dots with 95 % intervals, one row a setting, one panel a test set.

    intervals: what `Ablation.intervals()` gives; factors: `Ablation.factors`, the reference of each first: levels
    that differ from it stand out, and the reference itself has the large dots. base: the measures before training,
    as dotted lines.
    """
    metrics = shown_of(intervals["metric"])
    settings = intervals[list(factors)].drop_duplicates()
    names = COLUMN * len(factors)
    figure = new_figure(names + 4.2 * len(metrics), 1.6 + 0.36 * len(settings))
    widths = [names, *[4.2] * len(metrics)]
    left, *panels = figure.subplots(1, 1 + len(metrics), sharey=True, width_ratios=widths)
    draw_levels(left, settings, factors)
    for panel, metric in zip(panels, metrics, strict=True):
        words, colour = MEASURES[metric]
        found = settings.merge(intervals[intervals["metric"] == metric], how="left")
        for row, (mean, low, high) in enumerate(found[["mean", "low", "high"]].to_numpy()):
            size = 13 if is_reference(found.iloc[row], factors) else 8
            draw_interval(panel, row, mean, low, high, colour, size)
        if base is not None:
            panel.axvline(base[metric], color=GREY, linestyle=":", label="before training")
        panel.set(xlim=(-0.02, 1.02), xlabel=words)
        panel.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        panel.tick_params(left=False, labelleft=False)
        panel.grid(axis="x")
    left.set_ylim(len(settings) - 0.5, -1.2)
    if base is not None:
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right")
    return figure


def draw_levels(axes: Axes, settings: pd.DataFrame, factors: Mapping[str, Sequence[str]]) -> None:
    """The settings as a table: a column a factor, its reference level in grey."""
    for column, (name, levels) in enumerate(factors.items()):
        axes.text(column, -0.9, HEADS.get(name, in_words(name)), weight="bold", fontsize=12, va="center")
        for row, level in enumerate(settings[name]):
            colour = GREY if level == levels[0] else DARK
            axes.text(column, row, in_words(level), color=colour, fontsize=12, va="center")
    axes.set_xlim(-0.05, len(factors))
    axes.axis("off")


@lecture_style
def plot_effects(effects: pd.DataFrame) -> Figure:
    """What each level changes beside its factor's reference, on average over all settings, in points of right
    answers: dots with 95 % intervals, blue for new kinds and orange for old ones; right of the line is better.

    effects: what `Ablation.effects()` gives. A hollow dot has an interval that holds 0. ValueError for no effects.
    """
    if effects.empty:
        raise ValueError("no effects to draw: give a factor at least two levels")
    metrics = shown_of(effects["metric"])
    changes = effects[["factor", "level", "reference"]].drop_duplicates()
    figure = new_figure(11, 1.9 + 0.75 * len(changes))
    axes = figure.subplots()
    for place, metric in enumerate(metrics):
        words, colour = MEASURES[metric]
        found = effects[effects["metric"] == metric].merge(changes, how="right")
        at = (place - (len(metrics) - 1) / 2) * 0.3
        for row, values in enumerate(100 * found[["difference", "low", "high"]].to_numpy()):
            mean, low, high = values
            draw_interval(axes, row + at, mean, low, high, colour, 10, hollow=not low > 0 and not high < 0)
        axes.plot([], [], "o-", color=colour, markersize=10, label=words)
    axes.axvline(0, color=DARK, linewidth=1)
    names = [f"{in_words(factor)}:\n{level} instead of {old}" for factor, level, old in plain_words(changes)]
    axes.set_yticks(range(len(names)), names)
    axes.plot([], [], "o", color=GREY, markersize=10, markerfacecolor="white", label="0 is possible")
    axes.set(ylim=(len(names) - 0.5, -0.5), xlabel="difference in right answers, in points")
    axes.grid(axis="x")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(metrics) + 1)
    return figure


def keep_ablation_figures(ablation, folder: str | Path) -> list[Path]:
    """Write settings.png of an `Ablation` to `folder`, and effects.png where it has effects; gives their paths."""
    figures = {"settings.png": plot_ablation(ablation.intervals(), ablation.factors, ablation.base)}
    if not (effects := ablation.effects()).empty:
        figures["effects.png"] = plot_effects(effects)
    for name, figure in figures.items():
        with replacing(Path(folder) / name) as part:
            figure.savefig(part, format="png", dpi=70)
    return [Path(folder) / name for name in figures]


def draw_interval(
    axes: Axes, row: float, mean: float, low: float, high: float, colour: str, size: float, hollow: bool = False
) -> None:
    axes.plot([low, high], [row, row], color=colour, linewidth=3)
    axes.plot(mean, row, "o", color=colour, markersize=size, markerfacecolor="white" if hollow else colour)


def shown_of(metrics: pd.Series) -> list[str]:
    """The measures to draw: new kinds among all and old ones; without a control set the new ones among their own."""
    there = set(metrics)
    return [name for name in SHOWN if name in there] or ["top1"]


def is_reference(setting: pd.Series, factors: Mapping[str, Sequence[str]]) -> bool:
    return all(setting[name] == levels[0] for name, levels in factors.items())


def plain_words(changes: pd.DataFrame) -> list[list[str]]:
    return [[factor, in_words(level), in_words(reference)] for factor, level, reference in changes.to_numpy()]


def in_words(name: str) -> str:
    return name.replace("_", " ")
