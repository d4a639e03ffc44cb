"""A pool of land scenes to train the base model on: never a coastal kind, never a scene of the sample.

It is drawn in blocks. A block's captions are written when its pictures are, so an interrupted drawing goes on where
it stopped, and a larger pool begins with the smaller one.
"""

import json
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tqdm import tqdm

from .folder import COLUMNS, caption_rows, write_captions, write_picture
from .kinds import LAND
from .order import Order

FIRST_SEED = 1_000_000_000  # far above the sample's seeds
BLOCK = 256  # pictures
HELD_BACK = 50  # every so many rounds of all kinds, one is for validation
SIZE, QUALITY = 128, 92


def order(i: int) -> Order:
    """Picture number i of the endless pool: the kinds in turn."""
    labels = list(LAND)
    turn, place = divmod(i, len(labels))
    split = "val" if turn % HELD_BACK == HELD_BACK - 1 else "train"
    return Order("land", labels[place], FIRST_SEED + i, f"{i:07d}.jpg", split)


def write_block(first: int, target: Path, block: int = BLOCK) -> int:
    """Draw the block that starts at picture `first`, unless it is there; returns how many pictures it has."""
    path = _captions_of(first, target)
    if not path.exists():
        rows = []
        for some in map(order, range(first, first + block)):
            rows += caption_rows(some, write_picture(some, target, SIZE, QUALITY).captions)
        write_captions(path, rows)
    return block


def write_pool(target: Path, count: int, block: int = BLOCK) -> None:
    """Draw `count` pictures, rounded up to whole blocks, in parallel; `caption.csv` appears last.

    ValueError if the folder holds a pool of other kinds, sizes or blocks.
    """
    (target / "images").mkdir(parents=True, exist_ok=True)
    (target / "blocks").mkdir(exist_ok=True)
    _same_pool(target / "pool.json", block)
    starts = range(0, count, block)
    bar = tqdm(total=len(starts) * block, desc=f"drawing {target.name}", unit="picture")
    with ProcessPoolExecutor(os.cpu_count()) as pool, bar:
        for job in as_completed(pool.submit(write_block, first, target, block) for first in starts):
            bar.update(job.result())
    part = target / "caption.part"
    with part.open("w", encoding="utf-8") as file:
        file.write(",".join(COLUMNS) + "\n")
        for first in starts:
            file.write(_captions_of(first, target).read_text("utf-8").split("\n", 1)[1])
    os.replace(part, target / "caption.csv")


def _captions_of(first: int, target: Path) -> Path:
    return target / "blocks" / f"{first:07d}.csv"


def _same_pool(path: Path, block: int) -> None:
    made_of = {"kinds": list(LAND), "size": SIZE, "block": block}
    if path.exists() and json.loads(path.read_text("utf-8")) != made_of:
        raise ValueError(
            f"{path.parent} holds a pool of other kinds, sizes or blocks: draw into another folder or delete it"
        )
    path.write_text(json.dumps(made_of), "utf-8")
