"""The runs of lesson 04, trained once and shared with the notebooks, and what the figures need of them."""

from __future__ import annotations

import hashlib
from functools import cache

import rsclip_lab as lab

EPOCHS = 3  # one more than in lesson 04; a run that is there already is taken whatever its epochs
NAMES = ("positives_only", "clip", "replay")
DRAWN = "drawn pictures, model tiny"


@cache
def base():
    return lab.load_model("tiny")


@cache
def sample(name: str, split: str):
    return lab.sample(name, split)


@cache
def run(name: str):
    """One of lesson 04's runs: read from outputs/, or trained now, which takes up to a minute each on two cores."""
    config = lab.FinetuneConfig(epochs=EPOCHS, loss="positives_only" if name == "positives_only" else "clip")
    replay = sample("land", "train") if name == "replay" else None
    folder = lab.training.run_folder("this machine", base().name) / name
    return lab.training.load_or_finetune(
        folder, base(), sample("coast", "train"), config, replay=replay, any_epochs=True
    )


def models() -> dict:
    """Before, and after each of the three trainings."""
    return {"base": base()} | {name: run(name).model for name in NAMES}


@cache
def results(name: str) -> dict:
    model = base() if name == "base" else run(name).model
    return lab.evaluate(model, sample("coast", "test"), control=sample("land", "test"))


@cache
def runs_key() -> str:
    """A hash of the runs; trains those that are not there."""
    found = hashlib.sha256()
    for name in NAMES:
        found.update((run(name).folder / "clip.json").read_bytes())
    return found.hexdigest()
