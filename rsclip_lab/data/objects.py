"""The objects in pictures: their boxes and their numbers, for localisation and counting."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from rsclip_lab.data.readers.detection.boxes import within
from rsclip_lab.data.readers.detection.coco import coco_scenes, load_coco
from rsclip_lab.data.readers.image_folder import ImageFolder
from rsclip_lab.data.sample import sample_folder
from rsclip_lab.data.table import select_split

BOX = ["left", "top", "right", "bottom"]
COLUMNS = ["image", "kind", *BOX, "crowd", "width", "height", "split"]


def read_objects(source: str | Path, image_dir: str | Path | None = None, split: str | None = None) -> pd.DataFrame:
    """One row an object of a COCO JSON file of instances, in the order of its pictures.

    Columns `image` (path), `kind` (class name), `left`, `top`, `right`, `bottom` (pixels of the picture as it is
    stored, cut to it), `crowd` (one box around a group that nobody counted), `width`, `height` (of the picture) and
    `split`. Pictures are looked for as `read_captions` does; one that is missing is left out.
    Raises CaptionError for a file that is none, and for a split that is not in it.
    """
    source = Path(source)
    folder = ImageFolder.beside(source, image_dir)
    rows = []
    for scene in coco_scenes(load_coco(source), source, folder):
        if (image := folder.find(scene.file)) is None:
            continue
        for box in within(scene.boxes, scene.width, scene.height):
            edges = (box.left, box.top, box.right, box.bottom)
            rows.append((image, box.kind, *edges, box.crowd, scene.width, scene.height, scene.split))
    return select_split(pd.DataFrame(rows, columns=COLUMNS), split, str(source))


def sample_objects(name: str, split: str | None = None) -> pd.DataFrame:
    """`read_objects` of an embedded sample ("coast" or "land"), whose pictures are drawn: every box is exact."""
    return read_objects(sample_folder(name) / "annotations.json", split=split)


def sample_counts(name: str, split: str | None = None) -> pd.DataFrame:
    """How many objects of each kind an embedded sample's pictures show: columns `image`, `kind`, `count`, `split`.

    One row a kind that is seen in a picture; exact, as the pictures are drawn.
    """
    folder = sample_folder(name)
    images = load_coco(folder / "annotations.json")["images"]
    rows = [
        (str(folder / "images" / image["file_name"]), kind, count, image["split"])
        for image in images
        for kind, count in image["counts"].items()
    ]
    return select_split(pd.DataFrame(rows, columns=["image", "kind", "count", "split"]), split, str(folder))
