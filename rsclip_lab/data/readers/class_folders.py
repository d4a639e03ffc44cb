"""One folder a class: `root/AnnualCrop/x.jpg`, or `root/train/AnnualCrop/x.jpg` with a folder for each split."""

import os
from collections.abc import Iterator
from pathlib import Path

from rsclip_lab.data.readers.records import ImageFolder, Record
from rsclip_lab.data.table import split_name

SPLITS = ("train", "val", "test")
# Folders that hold pictures of all classes together, or what goes with them.
NO_CLASSES = {"images", "image", "imgs", "img", "jpegimages", "pictures", "masks", "labels", "annotations", "data"}


def has_class_folders(folder: ImageFolder) -> bool:
    """Whether all pictures lie in two or more folders beside each other that are named after classes."""
    places = {os.path.dirname(picture) for picture in folder.pictures}
    classes = {os.path.basename(place) for place in places}
    above = {os.path.dirname(place) for place in places}
    by_split = all(_split(place) for place in above)
    if len(classes) < 2 or folder.root in places:
        return False
    if any(name.lower() in NO_CLASSES or _split(name) for name in classes):
        return False
    return len({os.path.dirname(place) for place in above}) == 1 if by_split else len(above) == 1


def read_class_folders(path: Path, folder: ImageFolder) -> Iterator[Record]:
    """A record without a caption for each picture, labelled with the name of its folder."""
    for number, picture in enumerate(folder.pictures, start=1):
        place = os.path.dirname(picture)
        split = _split(os.path.dirname(place))
        name = os.path.relpath(picture, folder.root)
        yield Record(name, None, f"picture {number}", split, os.path.basename(place))


def _split(folder: str) -> str | None:
    name = split_name(os.path.basename(folder))
    return name if name in SPLITS else None
