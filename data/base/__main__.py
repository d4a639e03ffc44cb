"""Train `tiny` from random weights on a pool of drawn land scenes: `python -m data.base POOL` (see README.md)."""

import argparse
import copy
import json
import os
from pathlib import Path

import pandas as pd
import torch

import rsclip_lab as lab
from rsclip_lab.models.saved.provenance import describe_descendant

from .recipe import ARCHITECTURE, PREPROCESS, READ_AT, RECIPE, SEED, TOKEN_SIZE

HERE = Path(__file__).resolve().parent
TINY = HERE.parents[1] / "rsclip_lab" / "models" / "tiny"


def train(captions: pd.DataFrame, epochs: int | None = None) -> lab.Run:
    """Train on the pool's train split, keep the epoch with the best recall on its val split."""
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


def reading_at(model: lab.Clip, size: int) -> lab.Clip:
    """The same network, which gets pictures of another size from now on; its mean pooling takes any."""
    description = copy.deepcopy(model.description)
    description["architecture"]["vision_cfg"]["image_size"] = size
    description["preprocess"]["size"] = size
    return lab.Clip(model.net, description)


def keep(run: lab.Run, pictures: int, held_back: pd.DataFrame, target: Path) -> dict:
    """Write the weights (matrices as float16) with their description, and the log beside the recipe.

    Returns what the model that was written does on the pictures held back.
    """
    model = reading_at(run.model, READ_AT)
    measured = lab.evaluate(model, held_back)
    created_from = {
        "made_by": "make base",
        "licence": "Apache-2.0",
        "pictures": f"{pictures} drawn land scenes, no coastal kind, no photograph",
        "recipe": run.config.to_dict(),
        "seed": SEED,
        "minutes": round(run.seconds / 60, 1),
        "precision": run.notes.get("precision"),
        "trained_at": f"{ARCHITECTURE['vision_cfg']['image_size']} px",
        "held_back_top1": round(measured["top1"], 4),
    }
    model.description = describe_descendant(model.description, "tiny", created_from)
    model.save(target, half=True)
    log = _thinned(run.history)
    part = HERE / "log.csv.part"
    log.to_csv(part, index=False, float_format="%.4g")
    os.replace(part, HERE / "log.csv")
    run.validation.to_csv(HERE / "validation.csv", index=False, float_format="%.4g")
    return measured


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
    captions = lab.read_captions(options.pool)
    held_back = captions[captions["split"] == "val"]
    run = train(captions, options.epochs)
    measured = keep(run, captions["image"].nunique(), held_back, options.target)
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
