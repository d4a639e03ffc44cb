"""The learning-rate range test as a figure."""

from __future__ import annotations

from matplotlib.figure import Figure

from rsclip_lab.show.style import BLUE, GREY, ORANGE, lecture_style, new_figure


@lecture_style
def plot_range_test(test) -> Figure:
    """The loss of each step against its learning rate, and the rate that the test suggests.

    test: the `RangeTest` of `learning_rate_range_test`.
    """
    table, suggested = test.table, test.suggested
    figure = new_figure(9, 4.8)
    axes = figure.subplots()
    axes.semilogx(table["learning_rate"], table["loss"], ".", color=GREY, markersize=5, label="each step")
    axes.semilogx(table["learning_rate"], table["smoothed"], color=BLUE, label="smoothed")
    if suggested is not None:
        axes.axvline(suggested, color=ORANGE, linestyle="--", label=f"suggested: {suggested:.1e}")
    top = min(axes.get_ylim()[1], 2 * table["smoothed"].iloc[0])  # an explosion would press everything else flat
    axes.set(xlabel="learning rate of the step", ylabel="loss above its floor", ylim=(0, top))
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1))
    return figure
