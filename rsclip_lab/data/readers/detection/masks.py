"""Label pictures, one value or colour a class: connected pieces become boxes, as in RemoteCLIP's mask-to-box (M2B)
conversion, arXiv:2306.11029."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from rsclip_lab.data.images import MAX_PIXELS, ImageError, image_facts
from rsclip_lab.data.readers.detection import files
from rsclip_lab.data.readers.detection.boxes import Box, Scene
from rsclip_lab.data.readers.detection.classes import Value, class_file, read_classes
from rsclip_lab.data.readers.detection.sentences import records_of
from rsclip_lab.data.readers.image_folder import ImageFolder
from rsclip_lab.data.readers.records import Record
from rsclip_lab.data.table import CaptionError
from rsclip_lab.environment import progress

FOLDERS = frozenset({"masks", "labels", "annotations"})
SUFFIXES = (".png", ".tif", ".tiff", ".bmp")
FORMATS = ("PNG", "TIFF", "BMP")
TABLES = ("classes.json", "classes.txt")
BACKGROUND = frozenset({"background", "void", "ignore", "ignored", "unlabeled", "unlabelled", "nodata", "no data"})
MIN_AREA = 10  # pixels; less is a labelling tool's speck
MAX_PIECES = 100_000  # of one class in one mask, specks included
IGNORED = 255  # where it has no name
ALL_NEIGHBOURS = np.ones((3, 3), bool)


def is_masks(source: Path) -> bool:
    """Whether this is a folder with pictures in `masks/`, `labels/` or `annotations/` beside its `images/`."""
    return any(files.files_below(_mask_folders(source), SUFFIXES))


def read_masks(path: Path, folder: ImageFolder) -> Iterator[Record]:
    """Five captions for every picture with a mask. What the values mean stands beside the folders of masks:

    classes.json  {"1": "ship", "7": "harbour"}, or with colours {"#ff0000": "ship", "0,0,255": "harbour"}
    classes.txt   a name a line, the first for value 0; a single name makes everything that is not 0 that class

    0 (or black) without a name is background, and so are classes called background, ignore, void or the like; 255
    without a name is ignored where there are several classes.
    """
    return records_of(mask_scenes(path, folder), path)


def masks_to_boxes(mask: np.ndarray, kinds: Mapping[int, str], min_area: int = MIN_AREA) -> list[Box]:
    """A box around every connected piece (neighbours on all eight sides) of each value that has a name.

    mask: integers `[height, width]`; kinds: {value: class name}. Every value in it becomes boxes: to leave out
    background and ignored values, leave them out of `kinds`. min_area: pixels that a piece must have. Edges are in
    pixels, the right and bottom ones past the last.
    Raises ValueError for a class in more than MAX_PIECES pieces, which is noise.
    """
    from scipy import ndimage  # takes a moment to import

    boxes = []
    for value in sorted(set(kinds).intersection(np.unique(mask).tolist())):
        labels, count = ndimage.label(mask == value, structure=ALL_NEIGHBOURS)
        if count > MAX_PIECES:
            raise ValueError(f"{kinds[value]!r} is in {count:,} pieces, more than {MAX_PIECES:,}")
        for (rows, columns), area in zip(ndimage.find_objects(labels), _areas(labels, count), strict=True):
            if area >= min_area:
                boxes.append(Box(kinds[value], columns.start, rows.start, columns.stop, rows.stop))
    return boxes


def _areas(labels: np.ndarray, count: int) -> np.ndarray:
    """Pixels of each label from 1 to `count`; part by part, as bincount makes its input eight bytes a pixel."""
    parts = np.array_split(labels, 16)
    return sum(np.bincount(part.ravel(), minlength=count + 1) for part in parts)[1:]


def _mask_folders(source: Path) -> list[Path]:
    return [one for one in files.annotation_folders(source, FOLDERS) if files.images_beside(one)]


def mask_scenes(source: Path, folder: ImageFolder) -> Iterator[Scene]:
    """The pictures with the boxes of their masks, by the names of the masks."""
    masks = list(files.files_below(_mask_folders(source), SUFFIXES))
    pictures, kinds = files.Pictures(folder, source), _kinds(source)
    for path in progress(masks, desc="read masks"):
        name, relative = pictures.named_like(path), path.relative_to(source)
        values, names = _values(path, kinds)
        try:
            boxes = masks_to_boxes(values, names)
        except ValueError as error:
            raise CaptionError(f"{path}: {error}; give label pictures, without the traces of JPEG") from None
        height, width = values.shape
        yield Scene(name, width, height, boxes, str(relative), files.split_in(relative))


def _kinds(source: Path) -> dict[Value, str]:
    table = class_file(TABLES, source, _mask_folders(source))
    if table is None:
        raise CaptionError(
            f'{source}: no names of the classes; put a classes.json there, as {{"1": "ship", "2": "harbour"}}, or a '
            "classes.txt with a name a line"
        )
    return read_classes(table)


def _values(path: Path, kinds: Mapping[Value, str]) -> tuple[np.ndarray, dict[int, str]]:
    """The mask as integers `[height, width]`, and {value: class name} of the objects in it."""
    with_colours = any(isinstance(value, tuple) for value in kinds)
    mask = _pixels(path, with_colours)
    if with_colours:
        mask, kinds = _from_colours(mask, kinds, path), dict(enumerate(kinds.values(), start=1))
    elif list(kinds) == [0]:
        mask, kinds = (mask != 0).astype(np.uint8), {1: kinds[0]}
    objects = {value: name for value, name in kinds.items() if name.strip("_ ").lower() not in BACKGROUND}
    known = {0, *kinds, *([IGNORED] if len(objects) > 1 else [])}
    unknown = set(np.unique(mask).tolist()) - known
    if unknown:
        example = f'{{"{min(unknown)}": "{next(iter(objects.values()), "ship")}"}}'
        raise CaptionError(
            f"{path}: value {min(unknown)} has no name; add it to the classes, best in a classes.json, as {example}, "
            'or as "ignore" where it means nothing'
        )
    return mask, objects


def _pixels(path: Path, with_colours: bool) -> np.ndarray:
    """`[height, width]`, palette masks as their numbers; with colours uint8 `[height, width, 3]`."""
    _require_mask(path)
    try:
        with Image.open(path, formats=FORMATS) as image:
            if not with_colours and len(image.getbands()) == 1:
                return np.asarray(image.convert("L") if image.mode == "1" else image)
            pixels = np.asarray(image.convert("RGB"))
    except Exception as error:  # decoders meet broken files with errors of every class
        raise CaptionError(f"{path}: cannot be read as a picture ({error}); replace or remove it") from error
    if with_colours:
        return pixels
    if (pixels != pixels[..., :1]).any():
        raise CaptionError(f'{path}: a mask of colours; name them in a classes.json, as {{"#ff0000": "ship"}}')
    return pixels[..., 0]


def _require_mask(path: Path) -> None:
    """Raises CaptionError for what its header says cannot be a mask."""
    try:
        facts = image_facts(path)
    except ImageError as error:
        raise CaptionError(str(error)) from error
    if facts.width * facts.height > MAX_PIXELS:
        raise CaptionError(
            f"{path}: {facts.width} x {facts.height} pixels, more than the limit of {MAX_PIXELS / 1e6:.0f} million; "
            "cut the scene into tiles"
        )
    if facts.format not in FORMATS or facts.mode in ("F", "float32", "float64"):
        kind = "values with fractions" if facts.format in FORMATS else f"a {facts.format} file, which blurs values"
        raise CaptionError(f"{path}: {kind}; save the mask as PNG with whole numbers")


def _from_colours(mask: np.ndarray, kinds: Mapping[Value, str], path: Path) -> np.ndarray:
    """The place in `kinds` of every pixel's colour, counted from 1; 0 for black that has no name."""
    places = np.zeros(mask.shape[:2], np.uint16)
    for place, colour in enumerate(kinds, start=1):
        places[(mask == np.array(colour, np.uint8)).all(axis=-1)] = place
    unknown = (places == 0) & mask.any(axis=-1)
    if unknown.any():
        colour = "#" + bytes(mask[unknown][0]).hex()
        raise CaptionError(f"{path}: colour {colour} has no name; add it to classes.json")
    return places
