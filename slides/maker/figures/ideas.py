"""Lesson 00: what contrastive learning is."""

from __future__ import annotations

import numpy as np
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon

import rsclip_lab as lab
from rsclip_lab import show
from rsclip_lab.show.style import BLUE, DARK, GREEN, GREY, ORANGE, RED, lecture_style, new_figure

from .drawing import figure
from .runs import DRAWN, base, sample

CLIP_PAPER = "Radford et al. 2021, arXiv:2103.00020"
# ImageNet and five sets made to differ from it: top-1 of a ResNet-101 trained on ImageNet, and of zero-shot CLIP
IMAGENETS = {
    "ImageNet": (76.2, 76.2),
    "V2": (64.3, 70.1),
    "Rendition": (37.7, 88.9),
    "ObjectNet": (32.6, 72.3),
    "Sketch": (25.2, 60.2),
    "Adversarial": (2.7, 77.1),
}


@figure("slides", f"numbers from {CLIP_PAPER}", size=(1180, 470))
@lecture_style
def imagenet_shift():
    made = new_figure(12, 5)
    axes = made.subplots()
    places = np.arange(len(IMAGENETS))
    models = (("ResNet-101, trained on ImageNet", ORANGE, "//"), ("CLIP, zero-shot", BLUE, ""))
    for side, (name, colour, hatch) in enumerate(models):
        values = [both[side] for both in IMAGENETS.values()]
        bars = axes.bar(
            places + 0.4 * side - 0.2, values, 0.38, color=colour, hatch=hatch, edgecolor="white", label=name
        )
        axes.bar_label(bars, [f"{value:.1f}" for value in values], padding=3, fontsize=16)
    axes.set_xticks(places, IMAGENETS, fontsize=18)
    axes.set(ylim=(0, 108), ylabel="top-1, percent")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.2), ncols=2, fontsize=18)
    return made


@figure("slides", "made-up points", size=(600, 500))
@lecture_style
def circle():
    made = new_figure(6, 5)
    axes = made.subplots()
    axes.add_patch(Circle((0, 0), 1, fill=False, color=GREY, linewidth=2))
    points = {"anchor": (70, BLUE, "o"), "positive": (30, GREEN, "D"), "negative": (110, RED, "s")}
    for name, (angle, colour, mark) in points.items():
        x, y = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        axes.plot([0, x], [0, y], color=colour)
        axes.plot(x, y, mark, color=colour, markersize=15)
        axes.text(1.13 * x, 1.13 * y, name, ha="left" if x > 0 else "right", va="bottom", fontsize=20, color=colour)
    for begin, end, words in ((32, 56, "pull"), (112, 150, "push")):
        way = [(1.02 * np.cos(np.radians(a)), 1.02 * np.sin(np.radians(a))) for a in (begin, end)]
        bend = 0.2 if end > begin else -0.2
        axes.add_patch(FancyArrowPatch(*way, connectionstyle=f"arc3,rad={bend}", arrowstyle="-|>", mutation_scale=28,
                                       color=DARK, linewidth=2.5, shrinkA=14, shrinkB=6))  # fmt: skip
        middle = np.radians((begin + end) / 2)
        axes.text(
            0.8 * np.cos(middle), 0.8 * np.sin(middle), words, ha="center", va="center", fontsize=19, color=DARK
        )
    axes.set(xlim=(-1.65, 1.75), ylim=(-1.1, 1.45), aspect="equal")
    axes.axis("off")
    return made


@figure("slides", f"architecture as in {CLIP_PAPER}; the picture is drawn", size=(1180, 440))
@lecture_style
def encoders():
    made = new_figure(12, 4.5)
    axes = made.subplots()
    axes.set(xlim=(0, 118), ylim=(0, 44))
    axes.axis("off")
    ships = sample("coast", "test")
    ship = ships[ships["label"] == "cargo ship"].iloc[0]
    axes.imshow(np.asarray(lab.open_image(ship["image"])), extent=(1, 17, 25, 41), aspect="auto", zorder=2)
    axes.text(
        9,
        9,
        f'"{ship["caption"]}"'.replace(" view ", "\nview ").replace(" a cargo", "\na cargo"),
        ha="center",
        va="center",
        fontsize=18,
    )
    for y, words, colour in ((33, "image encoder\n(ResNet or ViT)", BLUE), (9, "text encoder\n(Transformer)", GREEN)):
        corners = [(26, y - 9), (26, y + 9), (50, y + 5), (50, y - 5)]
        axes.add_patch(Polygon(corners, closed=True, facecolor=colour, edgecolor="none"))
        axes.text(37.5, y, words, ha="center", va="center", color="white", fontsize=18, weight="bold")
        axes.add_patch(
            FancyBboxPatch((57, y - 3), 14, 6, boxstyle="round,pad=0.4", facecolor="white", edgecolor=colour)
        )
        axes.text(64, y, "unit vector", ha="center", va="center", fontsize=17)
        for begin, end in (((18.5, y), (25.5, y)), ((50.5, y), (56, y)), ((72, y), (85, 21 + (3 if y > 20 else -3)))):
            axes.add_patch(
                FancyArrowPatch(begin, end, arrowstyle="-|>", mutation_scale=24, color=DARK, linewidth=2.5)
            )
    axes.add_patch(FancyBboxPatch((86, 15), 28, 12, boxstyle="round,pad=0.6", facecolor="#fff4dc", edgecolor=ORANGE))
    axes.text(100, 21, "one space:\ntheir cosine", ha="center", va="center", fontsize=20, weight="bold")
    return made


@figure("show.plot_loss_pieces", "a made-up batch of four pairs, logit scale 5", size=(1180, 420))
def loss_pieces():
    cosines = np.array([[0.9, 0.2, 0.1, 0.3], [0.1, 0.7, 0.6, 0.0], [0.2, 0.5, 0.8, 0.1], [0.3, 0.1, 0.0, 0.6]])
    return show.plot_loss_pieces(cosines, 5.0)


@figure("show.plot_confidence", DRAWN, size=(1180, 400))
def field_word():
    """One word with two senses, then prompts that say which: probabilities for a baseball field."""
    land = sample("land", "test")
    picture = land.loc[land["label"] == "baseball field", "image"].iloc[0]
    prompts = [
        "a satellite view of a baseball field",
        "a satellite view of a crop field",
        "a satellite view of a river",
    ]
    short = ["a satellite view of a field", *prompts[1:]]
    said = {name: lab.predict(base(), picture, texts).iloc[0].to_numpy() for name, texts in
            (("first prompt: a field", short), ("first prompt: a baseball field", prompts))}  # fmt: skip
    return show.plot_confidence(picture, said, ["(the first prompt)", "a crop field", "a river"])
