"""Writing drawn pictures as an image folder: `caption.csv` (five rows a picture) beside `images/`."""

import csv
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
from tqdm import tqdm

from . import coco
from .draw import Picture, draw
from .kinds import SIDES
from .order import Order

QUALITY = 80  # of a JPEG
COLUMNS = ("filename", "caption", "label", "split")


def write_picture(order: Order, folder: Path, size: int, quality: int) -> Picture:
    """Draw one picture and write its JPEG into `folder`/images."""
    picture = draw(SIDES[order.side][order.label], order.seed, size)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    coded = cv2.imencode(".jpg", picture.pixels[..., ::-1], options)[1]
    target = folder / "images" / order.filename
    part = target.with_suffix(".part")
    part.write_bytes(coded.tobytes())
    os.replace(part, target)
    return picture


def write_captions(path: Path, rows: Iterable[tuple[str, str, str, str]]) -> None:
    """Write a caption file with `COLUMNS`, atomically."""
    part = path.with_suffix(".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(rows)
    os.replace(part, path)


def caption_rows(order: Order, captions: list[str]) -> list[tuple[str, str, str, str]]:
    return [(order.filename, caption, order.label, order.split) for caption in captions]


def _drawn(order: Order, folder: Path, size: int, quality: int) -> tuple[list[str], dict]:
    picture = write_picture(order, folder, size, quality)
    return picture.captions, coco.annotate(picture)


def write_folder(orders: list[Order], folder: Path, size: int = 128, quality: int = QUALITY) -> None:
    """Draw all orders in parallel: images/, annotations.json and, last of all, caption.csv."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    count = len(orders)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = pool.map(_drawn, orders, [folder] * count, [size] * count, [quality] * count, chunksize=16)
        done = list(tqdm(jobs, total=count, desc=f"drawing {folder.name}", unit="picture"))
    coco.write(folder / "annotations.json", zip(orders, (truth for _, truth in done), strict=True), size)
    rows = (row for order, (texts, _) in zip(orders, done, strict=True) for row in caption_rows(order, texts))
    write_captions(folder / "caption.csv", rows)
