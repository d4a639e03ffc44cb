"""The embedded sample: which pictures, in which split."""

import os
import shutil
from pathlib import Path

from .cards import write_card
from .folder import write_folder
from .kinds import SIDES
from .order import Order
from .pool import FIRST_SEED

# Pictures a kind in each split.
SPLITS = {"coast": {"train": 30, "val": 10, "test": 20}, "land": {"train": 20, "test": 20}}
SEED = 1  # of the edition that is committed
SEEDS_APART = 10_000


def orders(side: str, seed: int = SEED) -> list[Order]:
    """Every picture of one side of the sample. Seeds never meet those of `pool.order`."""
    if not 0 <= seed < FIRST_SEED // SEEDS_APART:
        raise ValueError(f"seed {seed}: name one from 0 to {FIRST_SEED // SEEDS_APART - 1}")
    found = []
    for label in SIDES[side]:
        places = [split for split, count in SPLITS[side].items() for _ in range(count)]
        for i, split in enumerate(places):
            name = f"{label.replace(' ', '_')}_{i + 1:03d}.jpg"
            found.append(Order(side, label, seed * SEEDS_APART + i, name, split))
    return found


def write_sample(target: Path, seed: int = SEED) -> None:
    """Redraw `coast` and `land` below the target folder, with their data cards.

    Each side is drawn beside itself and takes its place when it is whole. FileExistsError for a folder that is there
    and was not drawn by this function.
    """
    for side in SIDES:
        _check_replaceable(target / side)
    for side in SIDES:
        stage = target / f".{side}-{os.getpid()}" / side
        try:
            write_folder(orders(side, seed), stage)
            write_card(side, stage, SPLITS[side], seed)
            shutil.rmtree(target / side, ignore_errors=True)
            os.replace(stage, target / side)
        finally:
            shutil.rmtree(stage.parent, ignore_errors=True)


def _check_replaceable(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / "contact_sheet.jpg").exists():
        raise FileExistsError(f"{folder}: holds something that is no drawn sample; name another target")
