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
BLOCK = 32  # pictures; what is lost of an interrupted drawing, at most, for each core
HELD_BACK = 50  # every so many rounds of all kinds, one is for validation
SIZE, QUALITY = 128, 92


def order(i: int) -> Order:
    """Picture number i of the endless pool: the kinds in turn."""
    labels = list(LAND)
    turn, place = divmod(i, len(labels))
    split = "val" if turn % HELD_BACK == HELD_BACK - 1 else "train"
    return Order("land", labels[place], FIRST_SEED + i, f"{i:07d}.jpg", split)


def write_block(pictures: range, target: Path) -> int:
    """Draw some pictures, unless they are there; returns how many they are."""
    path = _captions_of(pictures, target)
    if not path.exists():
        rows = []
        for some in map(order, pictures):
            rows += caption_rows(some, write_picture(some, target, SIZE, QUALITY).captions)
        write_captions(path, rows)
    return len(pictures)


def write_pool(target: Path, count: int, block: int = BLOCK) -> None:
    """Draw `count` pictures in parallel; `caption.csv` appears last.

    ValueError for a count below 1, FileExistsError if the folder holds another pool, or anything else.
    """
    if count < 1:
        raise ValueError(f"a pool of {count} pictures: draw 1 or more")
    _check_folder(target, block)
    (target / "images").mkdir(parents=True, exist_ok=True)
    (target / "blocks").mkdir(exist_ok=True)
    (target / "pool.json").write_text(json.dumps(_made_of(block)), "utf-8")
    blocks = [range(first, min(first + block, count)) for first in range(0, count, block)]
    bar = tqdm(total=count, desc=f"drawing {target.name}", unit="picture")
    with ProcessPoolExecutor(os.cpu_count()) as pool, bar:
        for job in as_completed(pool.submit(write_block, pictures, target) for pictures in blocks):
            bar.update(job.result())
    part = target / "caption.part"
    with part.open("w", encoding="utf-8") as file:
        file.write(",".join(COLUMNS) + "\n")
        for pictures in blocks:
            file.write(_captions_of(pictures, target).read_text("utf-8").split("\n", 1)[1])
    os.replace(part, target / "caption.csv")


def _captions_of(pictures: range, target: Path) -> Path:
    return target / "blocks" / f"{pictures.start:07d}-{len(pictures)}.csv"


def _made_of(block: int) -> dict:
    return {"kinds": list(LAND), "size": SIZE, "block": block}


def _check_folder(target: Path, block: int) -> None:
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    path = target / "pool.json"
    if not path.is_file() or path.read_text("utf-8") != json.dumps(_made_of(block)):
        raise FileExistsError(
            f"{target} holds something else than a pool of these kinds, sizes and blocks: "
            "draw into another folder or delete it"
        )
