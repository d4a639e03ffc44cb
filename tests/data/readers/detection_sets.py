"""One and the same set of boxes written in every detection format, for the tests beside this file."""

import json
from dataclasses import dataclass

import numpy as np
from PIL import Image

from rsclip_lab.data.readers.detection import detection_reader
from rsclip_lab.data.readers.records import ImageFolder, table_of

KINDS = ("ship", "storage-tank", "bus", "aircraft")
SIZE = (61, 49)  # no box with whole edges has its centre on the border of a third


@dataclass(frozen=True)
class Object:
    """Edges in whole pixels; right and bottom are past the last."""

    kind: str
    left: int
    top: int
    right: int
    bottom: int

    @property
    def corners(self):
        return [self.left, self.top, self.right, self.top, self.right, self.bottom, self.left, self.bottom]


def read(source, image_dir=None):
    reader = detection_reader(source)
    assert reader is not None
    folder = ImageFolder.beside(source, image_dir)
    return table_of(reader(source, folder), folder, source)


def write_pictures(folder, scenes):
    folder.mkdir(parents=True)
    for stem in scenes:
        Image.new("RGB", SIZE).save(folder / f"{stem}.png")


def write_texts(folder, texts, suffix):
    folder.mkdir(parents=True)
    for stem, text in texts.items():
        (folder / f"{stem}{suffix}").write_text(text, encoding="utf-8")


def write_coco(root, scenes):
    write_pictures(root / "images", scenes)
    images = [
        {"id": n, "file_name": f"{stem}.png", "width": SIZE[0], "height": SIZE[1]} for n, stem in enumerate(scenes)
    ]
    annotations = [
        {"image_id": n, "category_id": KINDS.index(o.kind), "iscrowd": 0,
         "bbox": [o.left, o.top, o.right - o.left, o.bottom - o.top]}
        for n, objects in enumerate(scenes.values()) for o in objects
    ]  # fmt: skip
    for number, annotation in enumerate(annotations):
        annotation["id"] = number
    categories = [{"id": n, "name": kind} for n, kind in enumerate(KINDS)]
    path = root / "instances.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def write_voc(root, scenes):
    write_pictures(root / "JPEGImages", scenes)
    size = f"<size><width>{SIZE[0]}</width><height>{SIZE[1]}</height><depth>3</depth></size>"
    objects = {
        stem: "".join(
            f"<object><name>{o.kind}</name><difficult>0</difficult><bndbox><xmin>{o.left + 1}</xmin>"
            f"<ymin>{o.top + 1}</ymin><xmax>{o.right}</xmax><ymax>{o.bottom}</ymax></bndbox></object>"
            for o in boxes
        )
        for stem, boxes in scenes.items()
    }
    texts = {
        stem: f"<annotation><filename>{stem}.png</filename>{size}{boxes}</annotation>"
        for stem, boxes in objects.items()
    }
    write_texts(root / "Annotations", texts, ".xml")
    return root


def write_dota(root, scenes):
    write_pictures(root / "images", scenes)
    texts = {
        stem: "imagesource:GoogleEarth\ngsd:0.5\n"
        + "".join(f"{' '.join(map(str, o.corners))} {o.kind} {n % 2}\n" for n, o in enumerate(boxes))
        for stem, boxes in scenes.items()
    }
    write_texts(root / "labelTxt", texts, ".txt")
    return root


def write_yolo(root, scenes):
    def row(o):
        x, y = (o.left + o.right) / 2 / SIZE[0], (o.top + o.bottom) / 2 / SIZE[1]
        return f"{KINDS.index(o.kind)} {x} {y} {(o.right - o.left) / SIZE[0]} {(o.bottom - o.top) / SIZE[1]}\n"

    return _write_yolo(root, scenes, row)


def write_yolo_corners(root, scenes):
    def row(o):
        fractions = [value / SIZE[n % 2] for n, value in enumerate(o.corners)]
        return f"{KINDS.index(o.kind)} {' '.join(map(str, fractions))}\n"

    return _write_yolo(root, scenes, row)


def _write_yolo(root, scenes, row):
    write_pictures(root / "images", scenes)
    write_texts(root / "labels", {stem: "".join(map(row, boxes)) for stem, boxes in scenes.items()}, ".txt")
    (root / "data.yaml").write_text(f"path: .\nnames: [{', '.join(KINDS)}]\n")
    return root


def write_masks(root, scenes):
    """As a palette picture; only for boxes that do not touch."""
    write_pictures(root / "images", scenes)
    (root / "masks").mkdir()
    for stem, boxes in scenes.items():
        mask = np.zeros(SIZE[::-1], np.uint8)
        for o in boxes:
            mask[o.top : o.bottom, o.left : o.right] = KINDS.index(o.kind) + 1
        picture = Image.fromarray(mask)
        picture.putpalette(list(range(256)) * 3)
        picture.save(root / "masks" / f"{stem}.png")
    (root / "classes.json").write_text(json.dumps({str(n): kind for n, kind in enumerate(KINDS, start=1)}))
    return root


WRITERS = {
    "coco": write_coco,
    "voc": write_voc,
    "dota": write_dota,
    "yolo": write_yolo,
    "yolo corners": write_yolo_corners,
    "masks": write_masks,
}
