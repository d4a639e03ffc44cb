"""How often does the highest place of a heatmap lie on the thing that was asked for, and how long does a map take?

    python benchmarks/heatmap.py --json heatmap.json

The drawn test scenes of the embedded sample, whose boxes are exact; asked by the "difficult" rule of the pointing
game (Zhang et al. 2018): pictures with two kinds of things and more, kinds that cover less than a quarter of the
picture. "land" is asked of `tiny`, "coast" of `tiny` fine-tuned as lesson 04 does, with land replayed; the run is
kept in `--folder` and found there the next time. Peers: the picture's centre, a random pixel, and the other methods.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd

import rsclip_lab as lab
from rsclip_lab.data import noun
from rsclip_lab.environment import progress
from rsclip_lab.search.heatmaps.text_heatmap import METHODS

SMALL = 0.1  # share of the picture below which things are looked at apart
ROUNDS = 2000  # of the bootstrap


class Maps:
    """Heatmaps of one method, for `localisation`; keeps how long they take."""

    def __init__(self, model: lab.Clip, method: str) -> None:
        self.model, self.method, self.seconds = model, method, []

    def __call__(self, image: str, kinds: list[str]) -> np.ndarray:
        start = time.perf_counter()
        maps = lab.text_heatmaps(self.model, image, [f"several {noun(kind)[1]}" for kind in kinds], self.method)
        self.seconds.append(time.perf_counter() - start)
        return maps


def asked(model: lab.Clip, objects: pd.DataFrame) -> dict[str, dict[str, float]]:
    """{method: figures} of one model on the same questions."""
    found = {}
    for method in METHODS:
        maps = Maps(model, method)
        table = lab.localisation(maps, objects).table
        small = table[table["share"] < SMALL]
        low, high = times_centre_interval(table)
        found[method] = {
            "questions": len(table),
            "pointing": table["pointing"].mean(),
            "centre": table["centre"].mean(),
            "random": table["random"].mean(),
            "vs_centre": table["pointing"].mean() / table["centre"].mean(),
            "low": low,
            "high": high,
            "small_questions": len(small),
            "small_pointing": small["pointing"].mean(),
            "small_centre": small["centre"].mean(),
            "ms_a_picture": 1000 * float(np.median(maps.seconds)),
        }
    return found


def times_centre_interval(table: pd.DataFrame) -> tuple[float, float]:
    """95 % of the ratio of hits, the pictures drawn anew: questions about one picture are no independent ones."""
    hits = table.groupby("image")[["pointing", "centre"]].sum().to_numpy()
    drawn = np.random.default_rng(0).integers(0, len(hits), (ROUNDS, len(hits)))
    of_map, of_centre = hits[drawn].sum(axis=1).T
    low, high = np.quantile(of_map / np.maximum(of_centre, 1), (0.025, 0.975))
    return float(low), float(high)


def tuned(base: lab.Clip, folder: Path, epochs: int) -> lab.Clip:
    coast, land = lab.sample("coast", "train"), lab.sample("land", "train")
    config = lab.FinetuneConfig(epochs=epochs)
    return lab.training.load_or_finetune(folder / "replay", base, coast, config, replay=land, any_epochs=True).model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--folder", type=Path, default=Path("outputs/tiny"), help="where the fine-tuned model is kept"
    )
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--every", type=int, default=1, help="of the pictures, for a quick look")
    parser.add_argument("--json", type=Path, help="write the figures there")
    chosen = parser.parse_args()
    base = lab.load_model("tiny")
    models = {"land": base, "coast": tuned(base, chosen.folder, chosen.epochs)}
    found = {}
    for name, model in progress(list(models.items()), desc="samples", delay=0):
        objects = lab.sample_objects(name, "test")
        some = sorted(objects["image"].unique())[:: chosen.every]
        found[name] = asked(model, objects[objects["image"].isin(some)])
        print(f"{name}, drawn scenes\n{pd.DataFrame(found[name]).T.round(3).to_string()}\n")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
