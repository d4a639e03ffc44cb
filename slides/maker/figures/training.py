"""Lesson 04: what the losses do."""

from __future__ import annotations

import numpy as np

import rsclip_lab as lab
from rsclip_lab import show

from .drawing import figure
from .runs import RUNS, base, models, results, run, sample

FEW = ["cargo ship", "submarine", "aquaculture cages", "breeding ponds", "container yard", "harbour crane", "reef"]


@figure("show.plot_comparison", RUNS, size=(1180, 450), runs=True)
def two_losses():
    histories = {name: run(name).history for name in ("positives_only", "clip")}
    return show.plot_comparison(histories, batch_size=run("clip").config.batch_size)


@figure("show.plot_similarity_matrices", RUNS, size=(1180, 470), runs=True)
def matrices():
    test = sample("coast", "test").drop_duplicates("label").set_index("label").loc[FEW]
    sentences = [f"a satellite view of {kind}" for kind in FEW]
    shown = {name: model for name, model in models().items() if name != "replay"}
    found = {
        name: (m.encode_images(list(test["image"])) @ m.encode_texts(sentences).T).numpy()
        for name, m in shown.items()
    }
    return show.plot_similarity_matrices(found, FEW, [kind.split()[-1] for kind in FEW])


@figure("show.plot_history", RUNS, size=(1180, 450), runs=True)
def read_the_loss():
    return show.plot_history(run("clip").history, batch_size=run("clip").config.batch_size)


@figure("show.plot_before_after", f"{RUNS}, test pictures", size=(1100, 470), runs=True)
def forgetting():
    return show.plot_before_after({name: results(name) for name in ("base", "clip")})


@figure("show.plot_before_after", f"{RUNS}, test pictures", size=(1100, 405), runs=True)
def replay():
    return show.plot_before_after({name: results(name) for name in ("base", "clip", "replay")})


@figure("show.plot_interpolation", f"{RUNS}, validation pictures", size=(1000, 440), runs=True)
def interpolation():
    land = sample("land", "train")
    alphas = np.linspace(0, 1, 6).round(2)
    some = land[land["image_id"] % 4 == 0]
    return show.plot_interpolation(
        lab.interpolation_sweep(base(), run("clip").model, sample("coast", "val"), control=some, alphas=alphas)
    )
