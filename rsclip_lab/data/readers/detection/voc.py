"""Pascal VOC's XML, one file a picture, as LabelImg writes it too.

The format: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf
"""

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from xml.etree import ElementTree

from rsclip_lab.data.readers.detection import files
from rsclip_lab.data.readers.detection.boxes import Box, Scene
from rsclip_lab.data.readers.detection.sentences import records_of
from rsclip_lab.data.readers.image_folder import ImageFolder
from rsclip_lab.data.readers.records import Record
from rsclip_lab.data.table import SPLITS, CaptionError
from rsclip_lab.environment import progress

FOLDERS = frozenset({"annotations"})
EDGES = ("xmin", "ymin", "xmax", "ymax")


def is_voc(source: Path) -> bool:
    """Whether this is a folder with XML files in `Annotations/`, or with annotations beside its pictures."""
    folders = files.annotation_folders(source, FOLDERS)
    if any(files.files_below(folders, (".xml",))):
        return True
    return any(map(_is_annotation, islice(_beside_pictures(source), 3)))


def read_voc(path: Path, folder: ImageFolder) -> Iterator[Record]:
    """Five captions for every picture with an XML file; splits from `ImageSets/Main/`, else the folders' names."""
    return records_of(voc_scenes(path, folder), path)


def _beside_pictures(source: Path) -> Iterator[Path]:
    found = files.files_in(files.picture_folders(source), ".xml")
    return (path for path in found if not path.name.endswith(".aux.xml"))  # GDAL's


def _is_annotation(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return b"<annotation" in file.read(1000)
    except OSError:
        return False


def voc_scenes(source: Path, folder: ImageFolder) -> Iterator[Scene]:
    """The pictures with their boxes, by the names of the XML files."""
    found = list(files.files_below(files.annotation_folders(source, FOLDERS), (".xml",)))
    pictures, splits = files.Pictures(folder, source), _splits(source)
    for path in progress(found or list(_beside_pictures(source)), desc="read annotations"):
        split = splits.get(path.stem) or files.split_in(path.relative_to(source))
        yield _scene(path, source, pictures, split)


def _splits(source: Path) -> dict[str, str]:
    """{stem: split}; a picture in two lists counts for the later, so that no test picture is trained on."""
    lists = {split: source / "ImageSets" / "Main" / f"{split}.txt" for split in SPLITS}
    there = {split: path for split, path in lists.items() if path.is_file()}
    return {fields[0]: split for split, path in there.items() for _, fields in files.lines_of(path)}


def _root(path: Path) -> ElementTree.Element:
    text = files.read_text(path)
    if "<!DOCTYPE" in text:  # its entities could expand without end or read other files
        raise CaptionError(f"{path}: XML with a DOCTYPE is not read; remove the declaration")
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise CaptionError(f"{path}: not XML ({error}); export it again") from None


def _scene(path: Path, source: Path, pictures: files.Pictures, split: str | None) -> Scene:
    root = _root(path)
    name = pictures.find(path) or (root.findtext("filename") or "").strip()
    if not name:
        raise CaptionError(f"{path}: no filename in it and no picture of its name; add the filename or the picture")
    boxes = [_box(element, path, f"object {n}") for n, element in enumerate(root.iterfind("object"), start=1)]
    size = [root.findtext(f"size/{side}") or "0" for side in ("width", "height")]
    width, height = files.numbers(size, path, "size")
    if boxes and not (0 < width < math.inf and 0 < height < math.inf):
        width, height = files.picture_size(pictures.folder, name, path, "size")
    return Scene(name, width, height, boxes, str(path.relative_to(source)), split)


def _box(element: ElementTree.Element, path: Path, where: str) -> Box:
    kind = (element.findtext("name") or "").strip()
    edges = [element.findtext(f"bndbox/{edge}") for edge in EDGES]
    if not kind or None in edges:
        raise CaptionError(f"{path}, {where}: no {'bndbox of ' + ', '.join(EDGES) if kind else 'name'}; add it")
    left, top, right, bottom = files.numbers(edges, path, where)
    return Box(kind, left - 1, top - 1, right, bottom)  # VOC counts pixels from 1 and includes the last
