"""Lesson 05: is it better, and how sure is that?"""

from __future__ import annotations

from functools import cache

import pandas as pd

import rsclip_lab as lab
from rsclip_lab import show
from rsclip_lab.show.style import BLUE, ORANGE, lecture_style, new_figure

from .drawing import ROOT, figure
from .runs import RUNS, models, results, run, sample

MEASURED = f"{RUNS}, test pictures"
RSICD = {  # zero-shot top-k on 1,027 RSICD test photographs
    "openai/clip-vit-base-patch32": {1: 0.572, 3: 0.745, 5: 0.837, 10: 0.939},
    "clip-rsicd": {1: 0.843, 3: 0.958, 5: 0.977, 10: 0.993},
    "clip-rsicd-v2": {1: 0.883, 3: 0.968, 5: 0.982, 10: 0.998},
}


@figure(
    "show.plot_topk",
    "numbers from the README of github.com/arampacha/CLIP-rsicd: 1,027 photographs",
    size=(1150, 440),
)
def rsicd_topk():
    return show.plot_topk(RSICD, chance=30)


@figure("slides", "lab.wilson_interval at 85 % right answers", size=(1000, 330))
@lecture_style
def interval_width():
    made = new_figure(10, 3.4)
    axes = made.subplots()
    sizes = {"20 pictures": 20, "280": 280, "1,027": 1027, "10,000": 10_000}
    for row, n in enumerate(sizes.values()):
        low, high = lab.evaluation.wilson_interval(0.85, n)
        axes.plot([low, high], [row, row], color=BLUE, linewidth=7)
        axes.plot(0.85, row, "o", color=ORANGE, markersize=13)
        axes.text(high + 0.008, row, f"{100 * (high - low):.1f} points wide", va="center", fontsize=18)
    axes.set_yticks(range(len(sizes)), list(sizes), fontsize=19)
    axes.set(xlim=(0.6, 1.12), ylim=(3.6, -0.6), xlabel="true share of right answers, 95 % interval")
    axes.set_xticks([0.6, 0.7, 0.8, 0.9, 1.0], ["60 %", "70 %", "80 %", "90 %", "100 %"])
    return made


@figure("show.plot_intervals", MEASURED, size=(1180, 380), runs=True)
def intervals():
    found = {name: results(name) for name in models()}
    shares = {
        "coast": {name: metrics["top1"] for name, metrics in found.items()},
        "land": {name: metrics["control_top1"] for name, metrics in found.items()},
    }
    counts = {name: sample(name, "test")["image_id"].nunique() for name in ("coast", "land")}
    return show.plot_intervals(shares, counts)


@cache
def answers(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The coast's test pictures, and a model's probabilities of the coastal kinds for each."""
    pictures = lab.distinct_images(sample("coast", "test"))
    kinds = sorted(pictures["label"].unique())
    table = lab.predict(models()[name], pictures["image"].tolist(), [f"a satellite view of {kind}" for kind in kinds])
    table.columns = kinds
    return pictures, table


def _by_kind(name: str) -> dict[str, float]:
    pictures, table = answers(name)
    right = table.idxmax(axis=1).to_numpy() == pictures["label"].to_numpy()
    return pd.Series(right).groupby(pictures["label"].to_numpy()).mean().to_dict()


@figure("show.plot_per_class", MEASURED, size=(1050, 510), runs=True)
def per_class():
    before, after = _by_kind("base"), _by_kind("replay")
    return show.plot_per_class(before, after)


@figure("show.plot_failures", MEASURED, size=(1180, 365), runs=True)
def failures():
    pictures, table = answers("replay")
    guesses, sure = table.idxmax(axis=1).tolist(), table.max(axis=1).tolist()
    return show.plot_failures(pictures["image"].tolist(), pictures["label"].tolist(), guesses, sure, most=4)


@figure("show.plot_reliability", MEASURED, size=(1000, 470), runs=True)
def reliability():
    tables = {}
    for name in ("base", "replay"):
        pictures, table = answers(name)
        labels = [list(table.columns).index(label) for label in pictures["label"]]
        tables[name] = lab.reliability_table(table.to_numpy(), labels)
    return show.plot_reliability(tables)


@figure("show.plot_effects", "benchmarks/ablation: 144 trainings, three seeds, drawn pictures", size=(1180, 470))
def effects():
    ablation = lab.training.Ablation.load(ROOT / "benchmarks" / "ablation")
    return show.plot_effects(ablation.effects())


@figure("show.plot_prompt_table", MEASURED, size=(1000, 440), runs=True)
def prompts():
    pictures, _ = answers("replay")
    model = run("replay").model
    features = model.encode_images(pictures["image"].tolist())
    wordings = ["a satellite view of {label}", *lab.REMOTE_SENSING_TEMPLATES[3:8:2], "{label}"]
    return show.plot_prompt_table(
        lab.prompt_table(model, features, pictures["label"], sorted(pictures["label"].unique()), wordings)
    )
