"""Lessons 06 and 07: search, maps, one label or many, and where such models fail."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

import rsclip_lab as lab
from rsclip_lab import show
from rsclip_lab.data import noun
from rsclip_lab.show.style import BLUE, GREY, lecture_style, new_figure

from .drawing import figure
from .runs import RUNS, run, sample

MODEL = f"replay, {RUNS}, test pictures"


@cache
def collection():
    table = pd.concat([sample("coast", "test"), sample("land", "test")], ignore_index=True)
    labels = dict(zip(table["image"], table["label"], strict=True))
    return lab.SearchIndex.build(run("replay").model, table), labels


@figure("show.plot_results", MODEL, size=(1000, 500), runs=True)
def text_search():
    index, labels = collection()
    queries = {"a satellite view of a cargo ship": "cargo ship", "an airport with parked airplanes": "airport"}
    found = [index.search_text(query, k=4) for query in queries]
    return show.plot_results(found, wanted=list(queries.values()), labels=labels)


@figure("show.plot_results", MODEL, size=(1000, 500), runs=True)
def picture_search():
    index, labels = collection()
    asked = [next(image for image, label in labels.items() if label == kind) for kind in ("submarine", "stadium")]
    found = [index.search_image(image, k=4, itself=False) for image in asked]
    return show.plot_results(found, wanted=[labels[image] for image in asked], labels=labels)


def _several(kind: str) -> str:
    return f"several {noun(kind)[1]}"


@figure("show.plot_heatmap", f"{MODEL}; white frames are the true boxes", size=(1180, 390), runs=True)
def heatmap():
    objects = lab.sample_objects("coast", "test")
    kinds_in = objects.groupby("image")["kind"].nunique()
    scene = next(image for image in objects.loc[objects["kind"] == "cage", "image"].unique() if kinds_in[image] >= 3)
    here = {kind: found for kind, found in objects[objects["image"] == scene].groupby("kind")}
    texts = {kind: _several(kind) for kind in [*list(here)[:2], "jet"]}
    maps = dict(zip(texts.values(), lab.text_heatmaps(run("replay").model, scene, list(texts.values())), strict=True))
    sides = ["left", "top", "right", "bottom"]
    boxes = {texts[kind]: here[kind][sides].to_numpy() for kind in texts if kind in here}
    return show.plot_heatmap(scene, maps, boxes)


@figure("show.plot_localisation", MODEL, size=(1180, 480), runs=True)
def pointing():
    objects = lab.sample_objects("coast", "test")
    some = objects[objects["image"].isin(sorted(objects["image"].unique())[::4])]
    model = run("replay").model
    won = lab.localisation(
        lambda image, kinds: lab.text_heatmaps(model, image, [_several(kind) for kind in kinds]), some
    )
    made = show.plot_localisation({"heatmap": won})
    made.axes[1].get_legend().set_loc("upper right")
    return made


@figure("show.plot_confidence", MODEL, size=(1180, 400), runs=True)
def one_or_several():
    asked = ["a cargo ship", "a small boat", "an airport", "houses"]
    picture = next(image for image, label in collection()[1].items() if label == "cargo ship")
    model = run("replay").model
    said = {
        "one of them (softmax)": lab.predict(model, picture, asked).iloc[0].to_numpy(),
        "each by itself (sigmoid)": lab.predict(model, picture, asked, several=True).iloc[0].to_numpy(),
    }
    return show.plot_confidence(picture, said, asked)


@figure("show.plot_counting", MODEL, size=(660, 490), runs=True)
def counting():
    return show.plot_counting(lab.counting_accuracy(run("replay").model, lab.sample_counts("coast", "test")))


BENCHMARKS = {  # top-1 in percent, ViT-B/32: CLIP, RemoteCLIP
    "twelve sets\n(RemoteCLIP's choice)": (56.02, 62.41),
    "seven sets\n(SkyScript's choice)": (49.66, 49.09),
    "EuroSAT\n(satellite, 10 m)": (47.11, 35.96),
}


@figure(
    "slides",
    "RemoteCLIP (arXiv:2306.11029), SkyScript (arXiv:2312.12856); ViT-B/32, zero-shot top-1",
    size=(1100, 470),
)
@lecture_style
def which_benchmark():
    made = new_figure(11, 4.5)
    axes = made.subplots()
    places = np.arange(len(BENCHMARKS))
    for side, (name, colour, hatch) in enumerate((("CLIP", GREY, "//"), ("RemoteCLIP", BLUE, ""))):
        values = [both[side] for both in BENCHMARKS.values()]
        bars = axes.bar(
            places + 0.4 * side - 0.2, values, 0.38, color=colour, hatch=hatch, edgecolor="white", label=name
        )
        axes.bar_label(bars, [f"{value:.1f}" for value in values], padding=3, fontsize=18)
    axes.set_xticks(places, list(BENCHMARKS), fontsize=18)
    axes.set(ylim=(0, 74), ylabel="percent")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.15), ncols=2, fontsize=18)
    return made
