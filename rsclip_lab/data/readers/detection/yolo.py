"""YOLO's text, one file a picture: class number and coordinates as fractions of the picture a line.

The formats: https://docs.ultralytics.com/datasets/detect/ (boxes), /obb/ (four corners), /segment/ (polygons)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from rsclip_lab.data.readers.detection import files
from rsclip_lab.data.readers.detection.boxes import Box, Scene
from rsclip_lab.data.readers.detection.classes import LIST_NAMES, YAML_NAMES, class_file, read_classes
from rsclip_lab.data.readers.detection.sentences import records_of
from rsclip_lab.data.readers.image_folder import ImageFolder
from rsclip_lab.data.readers.records import Record
from rsclip_lab.data.table import CaptionError
from rsclip_lab.environment import progress

FOLDERS = frozenset({"labels"})
CLASS_FILES = YAML_NAMES + LIST_NAMES
OUTSIDE = 2  # a fraction so large is a pixel


def is_yolo(source: Path) -> bool:
    """Whether this is a folder with text files in `labels/`, or with a list of classes and rows beside pictures."""
    if any(_in_labels(source)):
        return True
    named = class_file(CLASS_FILES, source, [])
    return named is not None and any(map(_starts_with_row, islice(_beside_pictures(source), 3)))


def read_yolo(path: Path, folder: ImageFolder) -> Iterator[Record]:
    """Five captions for every picture with a text file; class names from data.yaml, classes.txt or obj.names."""
    return records_of(yolo_scenes(path, folder), path)


def _in_labels(source: Path) -> Iterator[Path]:
    found = files.files_below(files.annotation_folders(source, FOLDERS), (".txt",))
    return (path for path in found if path.name not in LIST_NAMES)


def _beside_pictures(source: Path) -> Iterator[Path]:
    found = files.files_in(files.picture_folders(source), ".txt")
    return (path for path in found if path.name not in LIST_NAMES)


def _starts_with_row(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            fields = file.readline(1000).split()
        return len(fields) >= 5 and all(float(field) <= OUTSIDE for field in fields[1:])
    except (OSError, ValueError):
        return False


def yolo_scenes(source: Path, folder: ImageFolder) -> Iterator[Scene]:
    """The pictures, of width and height 1, with their boxes, by the names of the text files."""
    pictures = files.Pictures(folder, source)
    found = list(_in_labels(source))
    if not found:  # texts without a picture may be anything there
        found = [path for path in _beside_pictures(source) if pictures.find(path)]
    kinds = _kinds(source)
    for path in progress(found, desc="read annotations"):
        name, relative = pictures.named_like(path), path.relative_to(source)
        boxes = [_box(fields, kinds, path, where) for where, fields in files.lines_of(path)]
        yield Scene(name, 1, 1, boxes, str(relative), files.split_in(relative))


def _kinds(source: Path) -> dict[int, str]:
    """{class number: name}"""
    named = class_file(CLASS_FILES, source, files.annotation_folders(source, FOLDERS))
    if named is None:
        raise CaptionError(
            f"{source}: no class names; put a data.yaml with `names` in it, or a classes.txt with a name a line"
        )
    return read_classes(named)


def _box(fields: list[str], kinds: dict[int, str], path: Path, where: str) -> Box:
    kind = _kind(fields[0], kinds, path, where)
    values = files.numbers(fields[1:], path, where)
    if len(values) != 4 and (len(values) < 6 or len(values) % 2):
        raise CaptionError(
            f"{path}, {where}: {len(fields)} fields where class x y width height, or class x1 y1 x2 y2 x3 y3 …, are "
            "expected; correct or remove the line"
        )
    if any(OUTSIDE < abs(value) < math.inf for value in values):
        raise CaptionError(
            f"{path}, {where}: coordinates above 1, so pixels rather than fractions of the picture; "
            "divide them by its width and height"
        )
    if len(values) > 4:
        return Box.around(kind, values)
    x, y, width, height = values
    return Box(kind, x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _kind(field: str, kinds: dict[int, str], path: Path, where: str) -> str:
    number = files.numbers([field], path, where)[0]
    if number not in kinds:
        raise CaptionError(
            f"{path}, {where}: class {field[:20]} is not among the {len(kinds)} names of classes; "
            "add its name or correct the line"
        )
    return kinds[int(number)]
