"""The figure of `make course`: what fine-tuning gained, what it forgot, and why the loss matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from rsclip_lab.show.curves import draw_cosines
from rsclip_lab.show.pictures import show_picture, write_verdicts
from rsclip_lab.show.results import draw_before_after
from rsclip_lab.show.style import lecture_style, new_figure


@lecture_style
def plot_course(
    results: Mapping[str, Mapping],
    histories: Mapping[str, pd.DataFrame],
    images: Sequence,
    labels: Sequence[str],
    said: Mapping[str, Sequence[str]],
    title: str,
) -> Figure:
    """Accuracies before and after (left), cosines of the losses during training (right), pictures (below).

    results: course.json's "runs". histories: {run name: history}. images, labels: test pictures with their
    kind; said: {"before": predictions, …} for them. title: says what the pictures are.
    """
    figure = new_figure(16, 10)
    figure.suptitle(title, fontsize=18, fontweight="bold")
    upper, lower = figure.subfigures(2, 1, height_ratios=[1.5, 1])
    bars, cosines = upper.subplots(1, 2, width_ratios=[1.5, 1])
    draw_before_after(bars, results)
    draw_cosines(cosines, histories)
    cosines.set_title("collapse: every text near every picture", color="#D55E00")
    columns = min(len(images), 6)
    grid = lower.subplots(1, columns, squeeze=False)[0] if columns else []
    for place, axes in enumerate(grid):
        show_picture(axes, images[place])
        write_verdicts(axes, labels[place], {name: answers[place] for name, answers in said.items()}, size=13)
    return figure
