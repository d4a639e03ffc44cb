"""Writing drawn pictures as an image folder: `caption.csv` (five rows a picture) beside `images/`."""

import csv
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
from tqdm import tqdm

from .draw import draw
from .kinds import SIDES

COLUMNS = ("filename", "caption", "label", "split")


@dataclass(frozen=True)
class Order:
    """One picture to be drawn: its kind, seed, file name and split."""

    side: str
    label: str
    seed: int
    filename: str
    split: str


def write_picture(order: Order, folder: Path, size: int, quality: int) -> list[str]:
    """Draw and write one picture; returns its captions."""
    picture = draw(SIDES[order.side][order.label], order.seed, size)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    coded = cv2.imencode(".jpg", picture.pixels[..., ::-1], options)[1]
    target = folder / "images" / order.filename
    part = target.with_suffix(".part")
    part.write_bytes(coded.tobytes())
    os.replace(part, target)
    return picture.captions


def write_folder(
    orders: list[Order], folder: Path, size: int = 128, quality: int = 92, workers: int | None = None
) -> None:
    """Draw all orders in parallel, with a progress bar; `caption.csv` appears last, when all pictures are there."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    workers = workers or os.cpu_count() or 1
    count = len(orders)
    with ProcessPoolExecutor(workers) as pool:
        jobs = pool.map(
            write_picture, orders, [folder] * count, [size] * count, [quality] * count, chunksize=16
        )
        captions = list(tqdm(jobs, total=count, desc=f"drawing {folder.name}", unit="picture"))
    part = folder / "caption.csv.part"
    with part.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for order, texts in zip(orders, captions, strict=True):
            table.writerows((order.filename, text, order.label, order.split) for text in texts)
    os.replace(part, folder / "caption.csv")
