"""Pictures with words under them: a batch, the kinds of a set, failures, what two models say."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rsclip_lab.data import distinct_images, open_image
from rsclip_lab.show.style import DARK, GREEN, RED, lecture_style, new_figure


@lecture_style
def plot_batch(images, captions: Sequence[str], columns: int = 4, mean=None, std=None) -> Figure:
    """Pictures with their captions.

    images: paths, PIL pictures, uint8 arrays [h, w, 3], or tensors [3, h, w] (a batch of them too);
    normalised tensors need the model's `mean` and `std` to look as they were.
    """
    images, captions = list(images), [textwrap.wrap(caption, 30) for caption in captions]
    longest = max(map(len, captions), default=0)
    figure, grid = picture_grid(len(images), columns, caption_lines=longest)
    for axes, image, lines in zip(grid, images, captions, strict=False):
        show_picture(axes, image, mean, std)
        write_under(axes, [(line, DARK) for line in lines], bold_first=False)
    return figure


MOST_ROWS = 9


@lecture_style
def plot_class_grid(captions: pd.DataFrame, each: int = 4, seed: int = 0) -> Figure:
    """One row a label, `each` of its pictures drawn at random from the seed; many labels in two columns.

    A set without labels is one row.
    """
    pictures = distinct_images(captions)
    if pictures["label"].isna().all():
        pictures = pictures.assign(label="no labels")
    labels = sorted(pictures["label"].dropna().unique())
    random = np.random.default_rng(seed)
    blocks = 2 if len(labels) > MOST_ROWS else 1
    rows = -(-len(labels) // blocks)
    size = 1.45 / blocks**0.5
    widths = ([1.4] + [1] * each) * blocks  # the names stand in a column of their own
    figure = new_figure(size * sum(widths), size * rows)
    grid = figure.subplots(rows, len(widths), squeeze=False, width_ratios=widths)
    for axes in grid.flat:
        axes.axis("off")
    for i, label in enumerate(labels):
        block, row = divmod(i, rows)
        name, *places = grid[row, block * (each + 1) : (block + 1) * (each + 1)]
        name.text(0.98, 0.5, textwrap.fill(label, 14), transform=name.transAxes, ha="right", va="center")
        chosen = random.permutation(pictures.loc[pictures["label"] == label, "image"].to_numpy())
        for axes, image in zip(places, chosen, strict=False):
            show_picture(axes, image)
    return figure


@lecture_style
def plot_failures(
    images: Sequence,
    labels: Sequence[str],
    predicted: Sequence[str],
    confidence: Sequence[float] | None = None,
    most: int = 12,
) -> Figure:
    """Gallery of the pictures whose prediction is not their label, the surest mistakes first."""
    wrong = [i for i, (label, guess) in enumerate(zip(labels, predicted, strict=True)) if label != guess]
    if confidence is not None:
        wrong.sort(key=lambda i: -confidence[i])
    figure, grid = picture_grid(min(most, len(wrong)), columns=6, caption_lines=2)
    for axes, i in zip(grid, wrong, strict=False):
        show_picture(axes, images[i])
        sure = "" if confidence is None else f" {100 * confidence[i]:.0f} %"
        write_under(axes, [(labels[i], DARK), (f"{predicted[i]}{sure}", RED)])
    if not wrong:
        figure.text(0.5, 0.5, "no failures", ha="center", va="center")
    return figure


@lecture_style
def plot_predictions(
    images: Sequence, labels: Sequence[str], said: Mapping[str, Sequence[str]], columns: int = 4
) -> Figure:
    """Pictures with their label and what each model says; said: {"before": answers, "after": answers}."""
    figure, grid = picture_grid(len(images), columns, caption_lines=1 + len(said))
    for place, axes in enumerate(grid[: len(images)]):
        show_picture(axes, images[place])
        write_verdicts(axes, labels[place], {name: answers[place] for name, answers in said.items()})
    return figure


def write_verdicts(axes: Axes, label: str, answers: Mapping[str, str], size: float = 12) -> None:
    """Under a picture: its label, then each model's answer, marked right or wrong (sign and colour)."""
    lines = [(label, DARK)]
    for name, answer in answers.items():
        right = answer == label
        lines.append((f"{name}: {'✓' if right else '✗'} {answer}", GREEN if right else RED))
    write_under(axes, lines, size)


def write_under(
    axes: Axes, lines: Sequence[tuple[str, str]], size: float = 12, bold_first: bool = True
) -> None:
    """Lines of text under a picture, each with its colour."""
    for row, (text, colour) in enumerate(lines):
        weight = "bold" if bold_first and row == 0 else "normal"
        written = axes.annotate(text, (0.5, 0), (0, -4 - row * size * 1.3), "axes fraction", "offset points",
                                ha="center", va="top", color=colour, size=size, weight=weight)  # fmt: skip
        written.set_in_layout(False)  # picture_grid leaves the room for it


def picture_grid(count: int, columns: int, caption_lines: int) -> tuple[Figure, list[Axes]]:
    """A figure with room for `count` pictures and lines of text under each; unused places stay blank."""
    columns = max(1, min(columns, count))
    rows = max(1, -(-count // columns))
    figure = new_figure(2.7 * columns, (2.8 + 0.22 * caption_lines) * rows)
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in grid:
        axes.axis("off")
    return figure, grid


def show_picture(axes: Axes, image, mean=None, std=None) -> None:
    axes.axis("off")
    axes.set_anchor("N")  # what room is left is for words below
    if image is None:  # a square like the others, with the words under it
        axes.imshow(np.full((1, 1, 3), 238, np.uint8))
        axes.text(0, 0, "no picture", ha="center", va="center", color=DARK)
    else:
        axes.imshow(picture_array(image, mean, std))


def picture_array(image, mean=None, std=None) -> np.ndarray:
    """Any picture as uint8 [h, w, 3]; a tensor [3, h, w] in 0…1, or normalised by mean and std, is undone."""
    if not hasattr(image, "detach"):
        return np.asarray(open_image(image))
    array = image.detach().cpu().numpy()
    array = array.transpose(1, 2, 0)
    if array.dtype == np.uint8:
        return array
    if mean is not None:
        array = array * np.asarray(std) + np.asarray(mean)
    return (array * 255).round().clip(0, 255).astype(np.uint8)
