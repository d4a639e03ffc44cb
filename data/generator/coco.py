"""The truth as a COCO file: boxes, masks and counts of what can be seen, for detection and counting lessons.

One annotation an object of a counted kind; of more than ten of a kind in a picture, one annotation with all of them
(`iscrowd` 1, as COCO does). Masks are COCO's run lengths at the picture's size. Each image also has its `counts`.
Format: https://cocodataset.org/#format-data
"""

import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from .draw import Picture
from .order import Order
from .truth import counted
from .words import COUNTED

MOST_SINGLE = 10
CATEGORIES = [{"id": i, "name": name} for i, name in enumerate(COUNTED, 1)]
CATEGORY_ID = {category["name"]: category["id"] for category in CATEGORIES}


def annotate(picture: Picture) -> dict:
    """{"counts": {kind: n}, "annotations": [...]} of one picture; ids are given by `write`."""
    seen = counted(picture.scene)
    counts = Counter(seen.values())
    size = picture.pixels.shape[0]
    groups = [[i] for i, kind in seen.items() if counts[kind] <= MOST_SINGLE]
    groups += [[i for i, own in seen.items() if own == kind] for kind, n in counts.items() if n > MOST_SINGLE]
    found = []
    for ids in groups:
        mask = _at_size(np.isin(picture.scene.owner, ids), size)
        if mask.any():
            found.append(_annotation(mask, seen[ids[0]], len(ids) > 1))
    return {"counts": dict(counts), "annotations": found}


def _at_size(mask: np.ndarray, size: int) -> np.ndarray:
    return cv2.resize(mask.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA) >= 0.5


def _annotation(mask: np.ndarray, kind: str, crowd: bool) -> dict:
    runs = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {
        "category_id": CATEGORY_ID[kind],
        "bbox": [int(number) for number in coco_mask.toBbox(runs)],
        "area": int(mask.sum()),
        "iscrowd": int(crowd),
        "segmentation": {"size": runs["size"], "counts": runs["counts"].decode("ascii")},
    }


def write(path: Path, truths: Iterable[tuple[Order, dict]], size: int) -> None:
    """Write the file, atomically; `truths` are the pictures' orders with `annotate`'s answers."""
    info = {"description": "drawn by a program, not photographed"}
    content = {"info": info, "images": [], "categories": CATEGORIES, "annotations": []}
    for i, (order, truth) in enumerate(truths, 1):
        image = {"id": i, "file_name": order.filename, "width": size, "height": size}
        image |= {"label": order.label, "split": order.split, "counts": truth["counts"]}
        content["images"].append(image)
        for annotation in truth["annotations"]:
            content["annotations"].append({"id": len(content["annotations"]) + 1, "image_id": i} | annotation)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, separators=(",", ":")), "utf-8")
    os.replace(part, path)
