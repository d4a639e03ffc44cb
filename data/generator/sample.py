"""The embedded sample: which pictures, in which split."""

import shutil
from pathlib import Path

from .cards import write_card
from .folder import write_folder
from .kinds import SIDES
from .order import Order

# Pictures a kind in each split.
SPLITS = {"coast": {"train": 30, "val": 10, "test": 20}, "land": {"train": 20, "test": 20}}
SEED = 1  # of the edition that is committed


def orders(side: str, seed: int = SEED) -> list[Order]:
    """Every picture of one side of the sample. Seeds never meet those of `pool.orders`."""
    found = []
    for label in SIDES[side]:
        places = [split for split, count in SPLITS[side].items() for _ in range(count)]
        for i, split in enumerate(places):
            name = f"{label.replace(' ', '_')}_{i + 1:03d}.jpg"
            found.append(Order(side, label, seed * 10_000 + i, name, split))
    return found


def write_sample(target: Path, seed: int = SEED) -> None:
    """Redraw `coast` and `land` below the target folder, with their data cards."""
    for side in SIDES:
        folder = target / side
        shutil.rmtree(folder / "images", ignore_errors=True)
        write_folder(orders(side, seed), folder)
        write_card(side, folder, SPLITS[side], seed)
