"""The three runs of lessons 04 to 06, trained once for all decks, and what the figures need of them."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import rsclip_lab as lab

EPOCHS = 8  # as lessons 05 and 06 train them
FOLDER = Path("outputs/slides/runs")
NAMES = ("positives_only", "clip", "replay")
DRAWN = "drawn pictures, model tiny"
RUNS = f"runs of {EPOCHS} epochs, {DRAWN}"


@cache
def base():
    return lab.load_model("tiny")


@cache
def sample(name: str, split: str):
    return lab.sample(name, split)


@cache
def run(name: str):
    """One of the three: read from outputs/, or trained now, which takes up to a minute and a half on two cores."""
    config = lab.FinetuneConfig(epochs=EPOCHS, loss="positives_only" if name == "positives_only" else "clip")
    replay = sample("land", "train") if name == "replay" else None
    return lab.training.load_or_finetune(FOLDER / name, base(), sample("coast", "train"), config, replay=replay)


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
