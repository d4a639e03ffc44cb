"""Detection sets that lie, lead elsewhere, or ask for more memory or time than there is."""

import json
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from cases import Case
from PIL import Image

from rsclip_lab.data import read_captions

SIZE = (60, 60)
SHIP = {"id": 5, "image_id": 1, "category_id": 2, "bbox": [1, 1, 9, 9]}
GOOD = {
    "images": [{"id": 1, "file_name": "a.png", "width": SIZE[0], "height": SIZE[1]}],
    "annotations": [SHIP],
    "categories": [{"id": 2, "name": "ship"}],
}
OBJECT = "<object><name>ship</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>"
ROW = "1 1 9 1 9 9 1 9 ship 0\n"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
ALIASES = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
Files = dict[str, str | bytes | Callable[[Path], None]]


def refused(name: str, files: Files, *words: str, source: str = ".") -> Case:
    """A set with these files beside one picture; reading it is an error."""

    def make(folder: Path):
        _write(folder, files)
        return lambda: read_captions(folder / source)

    return Case(name, make, "error", words)


def two_ships(name: str, files: Files, source: str = ".") -> Case:
    """A set with these files beside one picture; reading it gives five captions of two ships."""

    def make(folder: Path):
        _write(folder, files)

        def run() -> bool:
            table = read_captions(folder / source)
            right = table["caption"].str.contains("two ships")
            return len(table) == 5 and bool(right[2:].all()) and set(table["image"]) == {str(folder / "images/a.png")}

        return run

    return Case(name, make, "repaired")


def _write(folder: Path, files: Files) -> None:
    (folder / "images").mkdir()
    Image.new("RGB", SIZE).save(folder / "images" / "a.png")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(content):
            content(path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)


def coco(**changes: object) -> str:
    return json.dumps({**GOOD, **changes})


def yolo(rows: str, names: str = "names: [ship]") -> Files:
    return {"labels/a.txt": rows, "data.yaml": names}


def gigantic(path: Path) -> None:
    with open(path, "wb") as file:
        file.truncate(20 * 2**30)  # takes no room on the disk


def giant_mask(path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(1_000_000))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def noise_mask(path: Path) -> None:
    mask = np.zeros((2000, 2000), np.uint8)
    mask[::2, ::2] = 1
    Image.fromarray(mask).save(path)


def not_numbers() -> str:
    odd = [[float("nan"), 1, 9, 9], [1, 1, float("inf"), 9], [1, 1, 10**400, 9], [1, 1, 0, 9], [70, 70, 9, 9]]
    boxes = [*odd, [1, 1, 9, 9], [-4, 20, 9, 1e300]]
    return coco(annotations=[{**SHIP, "id": n, "bbox": box} for n, box in enumerate(boxes)])


COCO = "instances.json"
DEEP = '{"images": [], "annotations": [' + "[" * 200_000
LONG = coco().replace("[1, 1, 9, 9]", f"[1, 1, 9, {'9' * 5000}]")
CASES = [
    refused("coco_lists_in_lists_without_end", {COCO: DEEP}, "instances.json", "without end", source=COCO),
    refused("coco_number_of_thousands_of_digits", {COCO: LONG}, "instances.json", "digits", source=COCO),
    refused("coco_cut_short", {COCO: coco()[:-30]}, "instances.json, line 1", "not JSON", source=COCO),
    refused("coco_unknown_category", {COCO: coco(categories=[])}, "annotation 5", "category_id '2'", source=COCO),
    refused("coco_id_of_two_images", {COCO: coco(images=GOOD["images"] * 2)}, "image 1", "twice", source=COCO),
    refused(
        "coco_file_name_that_leads_out",
        {COCO: coco(images=[{**GOOD["images"][0], "file_name": "../../beside/secret.txt"}])},
        "image 1: '../../beside/secret.txt' leads out",
        source=COCO,
    ),
    two_ships("coco_boxes_that_are_none", {COCO: not_numbers()}, source=COCO),
    refused(
        "voc_entities_that_multiply",
        {"Annotations/a.xml": f'<!DOCTYPE a [<!ENTITY l0 "lol">{LAUGHS}]><annotation>&l11;</annotation>'},
        r"a\.xml: XML with a DOCTYPE",
    ),
    refused(
        "voc_entity_that_reads_a_file",
        {
            "Annotations/a.xml": '<!DOCTYPE a [<!ENTITY s SYSTEM "../../beside/secret.txt">]><annotation>'
            f"<filename>&s;</filename>{OBJECT}</annotation>"
        },
        r"a\.xml: XML with a DOCTYPE",
    ),
    refused(
        "voc_file_name_that_leads_out",
        {
            "Annotations/b.xml": "<annotation><filename>/etc/passwd</filename><size><width>9</width>"
            f"<height>9</height></size>{OBJECT}</annotation>"
        },
        r"b\.xml: '/etc/passwd' leads out",
    ),
    refused("voc_without_end", {"Annotations/a.xml": "<annotation>" + "<object>" * 300_000}, r"a\.xml: not XML"),
    refused("dota_row_cut_short", {"labelTxt/a.txt": ROW * 2 + ROW[:11]}, r"a\.txt, line 3: 6 fields"),
    refused("dota_without_its_picture", {"labelTxt/b.txt": ROW}, r"b\.txt: no picture b\.\*"),
    refused("dota_text_of_20_gigabytes", {"labelTxt/a.txt": gigantic}, r"a\.txt: 2\d\.\d GB of text"),
    refused("dota_bytes_that_are_no_text", {"labelTxt/a.txt": bytes(range(256))}, r"a\.txt.*null byte"),
    two_ships("dota_in_utf_16", {"labelTxt/a.txt": ("imagesource:x\r\n" + ROW * 2).encode("utf-16")}),
    two_ships("dota_folder_in_itself", {"labelTxt/a.txt": ROW * 2, "labelTxt/b": lambda p: p.symlink_to(".")}),
    refused("yolo_pixels_for_fractions", yolo("0 320 240 50 60"), r"a\.txt, line 1", "pixels rather than fractions"),
    refused("yolo_class_without_a_name", yolo("0 .1 .1 .1 .1\n7 .1 .1 .1 .1"), r"a\.txt, line 2: class 7"),
    refused("yolo_yaml_that_runs_a_program", yolo("", "names: !!python/object/apply:os.system ['x']"), "data.yaml"),
    refused("yolo_yaml_of_aliases", yolo("", f"a0: &a0 [x]\n{ALIASES}names: *a11"), "data.yaml: `names` is no list"),
    refused("yolo_label_that_is_a_pipe", {**yolo(""), "labels/b.txt": os.mkfifo, "images/b.png": b""}, "not a file"),
    refused("mask_of_60000_pixels_a_side", {"masks/a.png": giant_mask, "classes.txt": "ship"}, "60000 x 60000"),
    refused("mask_of_a_million_specks", {"masks/a.png": noise_mask, "classes.txt": "ship"}, r"a\.png.* 1,000,000 "),
    refused(
        "mask_that_is_a_program",
        {"masks/a.png": "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 60 60\nshowpage\n", "classes.txt": "ship"},
        r"a\.png: .*not a ",
    ),
]
