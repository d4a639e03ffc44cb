"""COCO's JSON: instances, whose boxes become captions, and captions, which are kept as they are.

The format: https://cocodataset.org/#format-data
"""

import math
import mmap
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from rsclip_lab.data.readers.detection.boxes import Box, Scene
from rsclip_lab.data.readers.detection.files import numbers, picture_size, read_text
from rsclip_lab.data.readers.detection.sentences import records_of
from rsclip_lab.data.readers.image_folder import ImageFolder, split_of_file
from rsclip_lab.data.readers.records import Record
from rsclip_lab.data.readers.text import parse_json
from rsclip_lab.data.table import CaptionError, is_split, split_name
from rsclip_lab.environment import progress

MAX_JSON = 512 * 2**20  # bytes; COCO's own 118,000 training pictures take 450 million
Id = int | str
KEYS = [re.compile(rb'"%s"\s*:\s*\[' % key) for key in (b"images", b"annotations")]


def is_coco(source: Path) -> bool:
    """Whether this is a JSON file of one object with lists of images and annotations."""
    if source.suffix.lower() != ".json":
        return False
    try:
        with open(source, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            start = data[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
            return start.startswith(b"{") and all(key.search(data) for key in KEYS)
    except (OSError, ValueError):  # not there, empty
        return False


def read_coco(path: Path, folder: ImageFolder) -> Iterator[Record]:
    """The captions of a COCO file, or five made from the boxes of each picture."""
    data = load_coco(path)
    if "caption" in data["annotations"][0]:
        return _captions(data, path, folder)
    return records_of(coco_scenes(data, path, folder), path)


def load_coco(path: Path) -> dict:
    """Lists of objects: `images`, `annotations` (not empty) and `categories`. Raises CaptionError for other JSON."""
    data = parse_json(read_text(path, MAX_JSON), path, object_hook=_without_outlines, allow_nan=True)
    for name in ("images", "annotations", "categories"):
        entries = data.setdefault(name, []) if isinstance(data, dict) else None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise CaptionError(f"{path}: {name!r} is not a list of objects; export it again as COCO JSON")
    if not data["annotations"]:
        raise CaptionError(f"{path}: no annotations in it; give the file that has them")
    return data


def _without_outlines(entry: dict) -> dict:
    entry.pop("segmentation", None)  # most of a file's memory, and not needed
    return entry


def coco_scenes(data: dict, path: Path, folder: ImageFolder) -> Iterator[Scene]:
    """The pictures with their boxes, in the order of `images`; `split` of an image, else that in the file's name."""
    images, kinds = _images(data, path, folder), _kinds(data, path)
    boxes = defaultdict(list)
    for annotation, image, where in _annotations(data, images, path):
        category = _known(annotation, "category_id", kinds, path, where)
        boxes[image].append(_box(annotation, kinds[category], path, where))
    for identity, image in progress(images.items(), total=len(images), desc="make captions"):
        where = f"image {str(identity)[:40]}"
        size = image.get("width"), image.get("height")
        if not all(isinstance(length, (int, float)) and 0 < length < math.inf for length in size):
            size = picture_size(folder, image["file_name"], path, where)
        yield Scene(image["file_name"], *size, boxes[identity], where, image["split"])


def _captions(data: dict, path: Path, folder: ImageFolder) -> Iterator[Record]:
    images = _images(data, path, folder)
    for annotation, image, where in _annotations(data, images, path):
        caption = annotation.get("caption")
        if not isinstance(caption, str):
            raise CaptionError(f"{path}, {where}: no caption, unlike the first; fill it in or remove the annotation")
        yield Record(images[image]["file_name"], caption.strip(), where, images[image]["split"])


def _images(data: dict, path: Path, folder: ImageFolder) -> dict[Id, dict]:
    split = split_of_file(path.name) or (path.parent.name if is_split(path.parent.name) else None)
    images = {}
    for where, image in _named(data["images"], "image"):
        identity = _id(image, "id", path, where)
        if identity in images:
            raise CaptionError(f"{path}, {where}: the id occurs twice; give every image its own")
        if not isinstance(image.get("file_name"), str) or not image["file_name"]:
            raise CaptionError(f"{path}, {where}: no file_name; fill it in or remove the image")
        own = image["split"] if isinstance(image.get("split"), str) else split
        name = image["file_name"]
        found = None if folder.find(name) else folder.below(name, own and split_name(own))  # in train2017/
        images[identity] = {**image, "file_name": found or name, "split": own}
    return images


def _kinds(data: dict, path: Path) -> dict[Id, str]:
    kinds = {}
    for where, category in _named(data["categories"], "category"):
        name = category.get("name")
        if not isinstance(name, str) or not name.strip():
            raise CaptionError(f"{path}, {where}: no name; fill it in")
        kinds[_id(category, "id", path, where)] = name
    return kinds


def _annotations(data: dict, images: dict[Id, dict], path: Path) -> Iterator[tuple[dict, Id, str]]:
    """Every annotation, the id of its image, and what to call it in a message."""
    for where, annotation in _named(data["annotations"], "annotation"):
        yield annotation, _known(annotation, "image_id", images, path, where), where


def _named(entries: list[dict], what: str) -> Iterator[tuple[str, dict]]:
    for number, entry in enumerate(entries, start=1):
        identity = entry.get("id")
        yield f"{what} {identity}" if isinstance(identity, int) else f"{what} number {number}", entry


def _id(entry: dict, name: str, path: Path, where: str) -> Id:
    if not isinstance(entry.get(name), (int, str)):
        raise CaptionError(f"{path}, {where}: no {name}; fill it in or remove the entry")
    return entry[name]


def _known(annotation: dict, name: str, entries: dict[Id, object], path: Path, where: str) -> Id:
    identity = _id(annotation, name, path, where)
    if identity not in entries:
        what = {"image_id": "images", "category_id": "categories"}[name]
        raise CaptionError(
            f"{path}, {where}: {name} {str(identity)[:40]!r} is not among the {what}; "
            "add it there, correct the annotation or remove it"
        )
    return identity


def _box(annotation: dict, kind: str, path: Path, where: str) -> Box:
    box = annotation.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        raise CaptionError(f"{path}, {where}: no bbox of x, y, width, height; add it or remove the annotation")
    left, top, width, height = numbers(box, path, where)
    return Box(kind, left, top, left + width, top + height, bool(annotation.get("iscrowd")))
