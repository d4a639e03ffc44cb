"""Train `tiny` from random weights on a pool of drawn land scenes: `python -m data.base POOL` (see README.md)."""

import argparse
import json
import os
from pathlib import Path

import pandas as pd
import torch

import rsclip_lab as lab

from .recipe import ARCHITECTURE, PREPROCESS, RECIPE, SEED, TOKEN_SIZE

HERE = Path(__file__).resolve().parent
TINY = HERE.parents[1] / "rsclip_lab" / "models" / "tiny"


def train(pool: Path, epochs: int | None = None) -> lab.Run:
    """Train on the pool's train split, keep the epoch with the best recall on its val split."""
    captions = lab.read_captions(pool)
    config = RECIPE if epochs is None else RECIPE.__class__(**{**RECIPE.to_dict(), "epochs": epochs})
    own, held_back = (captions[captions["split"] == split] for split in ("train", "val"))
    model = lab.new_clip(ARCHITECTURE, SEED, name="tiny", preprocess=PREPROCESS)
    start_tokens_at_two_values(model)
    return lab.finetune(model, own, config, validation=held_back)


@torch.no_grad()
def start_tokens_at_two_values(model: lab.Clip) -> None:
    """Let the token table begin at ± TOKEN_SIZE.

    Most of CLIP's 49,408 tokens stand in no caption. Their rows only shrink with the weight decay, all alike, so they
    keep two values and compress to nearly nothing in git and in the wheel.
    """
    table = model.net.token_embedding.weight
    table.copy_(torch.sign(table) * TOKEN_SIZE)


def keep(run: lab.Run, pictures: int, target: Path) -> None:
    """Write the weights (matrices as float16) with their description, and the log beside the recipe."""
    run.model.description["created_from"] = {
        "made_by": "make base",
        "pictures": f"{pictures} drawn land scenes, no coastal kind, no photograph",
        "recipe": run.config.to_dict(),
        "seed": SEED,
        "minutes": round(run.seconds / 60, 1),
        "precision": run.notes.get("precision"),
    }
    run.model.save(target, half=True)
    log = _thinned(run.history)
    part = HERE / "log.csv.part"
    log.to_csv(part, index=False, float_format="%.4g")
    os.replace(part, HERE / "log.csv")
    run.validation.to_csv(HERE / "validation.csv", index=False, float_format="%.4g")


def _thinned(history: pd.DataFrame, rows: int = 200) -> pd.DataFrame:
    """Means over stretches of steps, so that the log stays small enough to read."""
    stretch = -(-len(history) // rows)
    return history.groupby(history["step"] // stretch).mean().astype({"step": int, "epoch": int})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m data.base", description=__doc__)
    parser.add_argument("pool", type=Path)
    parser.add_argument("--epochs", type=int, help="passes over the pool, instead of the recipe's")
    parser.add_argument("--target", type=Path, default=TINY, help="where the model goes")
    options = parser.parse_args()
    run = train(options.pool, options.epochs)
    keep(
        run,
        len(pd.read_csv(options.pool / "caption.csv", usecols=["filename"])["filename"].unique()),
        options.target,
    )
    print(json.dumps(run.validation.iloc[-1].to_dict()))


if __name__ == "__main__":
    main()
