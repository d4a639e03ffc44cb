"""Lesson 01: the models there are, and what a cosine is worth."""

from __future__ import annotations

import numpy as np
import torch
from open_clip.transformer import QuickGELU

import rsclip_lab as lab
from rsclip_lab import show
from rsclip_lab.show.style import BLUE, ORANGE, lecture_style, new_figure

from .drawing import figure
from .runs import DRAWN, base, sample

# ImageNet zero-shot top-1 in percent
OPEN_CLIP = {
    "ViT-B/32, DataComp-1B": 72.8,
    "ViT-L/14, OpenAI": 75.5,
    "ViT-H/14, LAION-2B": 78.0,
    "ViT-L/14, DataComp-1B": 79.2,
    "ConvNext-XXLarge, LAION-2B": 79.5,
    "ViT-G/14, LAION-2B": 80.1,
}


@figure("slides", "numbers from the README of github.com/mlfoundations/open_clip", size=(1120, 400))
@lecture_style
def zoo():
    made = new_figure(11, 4)
    axes = made.subplots()
    colours = [ORANGE if "OpenAI" in name else BLUE for name in OPEN_CLIP]
    bars = axes.barh(list(OPEN_CLIP), list(OPEN_CLIP.values()), color=colours)
    axes.bar_label(bars, [f"{value:.1f} %" for value in OPEN_CLIP.values()], padding=6, fontsize=18)
    axes.tick_params(axis="y", labelsize=19)
    axes.set(xlim=(0, 92), xlabel="ImageNet zero-shot, top-1 in percent")
    axes.invert_yaxis()
    return made


@figure("show.plot_activations", "the two functions themselves", size=(1180, 400))
def activations():
    return show.plot_activations({"GELU": torch.nn.GELU(), "QuickGELU": QuickGELU()})


@figure("show.plot_confidence", DRAWN, size=(1180, 400))
def confidence():
    land = sample("land", "test")
    picture = land.loc[land["label"] == "river", "image"].iloc[0]
    prompts = [
        f"a satellite view of {kind}" for kind in ("river", "forest", "parking lot", "desert", "storage tanks")
    ]
    cosines = (base().encode_images(picture) @ base().encode_texts(prompts).T)[0].numpy()
    raw = np.exp(cosines) / np.exp(cosines).sum()
    scaled = lab.predict(base(), picture, prompts).iloc[0].to_numpy()
    names = [prompt.removeprefix("a satellite view of ") for prompt in prompts]
    return show.plot_confidence(picture, {"softmax(cosine)": raw, "softmax(scale · cosine)": scaled}, names)
