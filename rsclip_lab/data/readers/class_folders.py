"""One folder a class: `root/AnnualCrop/x.jpg`, or `root/train/AnnualCrop/x.jpg` with a folder for each split."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rsclip_lab.data.readers.image_folder import ImageFolder
from rsclip_lab.data.readers.records import Record
from rsclip_lab.data.table import is_split, split_name

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


def in_the_way(folder: ImageFolder) -> str | None:
    """What keeps the pictures from being read as folders of classes, for a message; None without such folders."""
    names = [Path(picture).relative_to(folder.root) for picture in folder.pictures]
    if not any(len(name.parts) > 1 for name in names):
        return None
    (depth, _), *others = Counter(len(name.parts) for name in names).most_common()
    if others:
        odd = next(name for name in names if len(name.parts) != depth)
        return f"the picture {odd} is not in as many folders as most"
    above = {name.parts[-3] for name in names if depth > 2}
    if any(map(is_split, above)) and (other := next((name for name in sorted(above) if not is_split(name)), None)):
        return f"the folder {other} is not called train, val or test"
    classes = sorted({name.parts[-2] for name in names})
    other = next((name for name in classes if name.lower() in NO_CLASSES or is_split(name)), None)
    return other and f"the folder {other} is not called after a class"


def read_class_folders(path: Path, folder: ImageFolder) -> Iterator[Record]:
    """A record without a caption for each picture, labelled with the name of its folder."""
    for number, picture in enumerate(folder.pictures, start=1):
        place = os.path.dirname(picture)
        split = _split(os.path.dirname(place))
        name = os.path.relpath(picture, folder.root)
        yield Record(name, None, f"picture {number}", split, os.path.basename(place))


def _split(folder: str) -> str | None:
    name = os.path.basename(folder)
    return split_name(name) if is_split(name) else None
