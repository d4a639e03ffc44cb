"""DOTA's text, one file a picture: four corners, category and difficulty a line.

The format: https://captain-whu.github.io/DOTA/dataset.html
"""

from collections.abc import Iterator
from pathlib import Path

from rsclip_lab.data.readers.detection import files
from rsclip_lab.data.readers.detection.boxes import Box, Scene
from rsclip_lab.data.readers.detection.sentences import records_of
from rsclip_lab.data.readers.image_folder import ImageFolder
from rsclip_lab.data.readers.records import Record
from rsclip_lab.data.table import CaptionError
from rsclip_lab.environment import progress

FOLDERS = files.DOTA_FOLDERS
HEADERS = ("imagesource:", "gsd:")


def is_dota(source: Path) -> bool:
    """Whether this is a folder with text files in `labelTxt/`, or in that of a split."""
    return any(files.files_below(files.annotation_folders(source, FOLDERS), (".txt",)))


def read_dota(path: Path, folder: ImageFolder) -> Iterator[Record]:
    """Five captions for every picture with a text file; difficult objects count like the others."""
    return records_of(dota_scenes(path, folder), path)


def dota_scenes(source: Path, folder: ImageFolder) -> Iterator[Scene]:
    """The pictures with the upright boxes around their corners, by the names of the text files."""
    found = list(files.files_below(files.annotation_folders(source, FOLDERS), (".txt",)))
    pictures = files.Pictures(folder, source)
    for path in progress(found, desc="read annotations"):
        name, relative = pictures.named_like(path), path.relative_to(source)
        boxes = [_box(fields, path, where) for where, fields in files.lines_of(path) if not _is_header(fields)]
        width, height = files.picture_size(folder, name, path, "line 1") if boxes else (0, 0)
        yield Scene(name, width, height, boxes, str(relative), files.split_in(relative))


def _is_header(fields: list[str]) -> bool:
    return fields[0].lower().startswith(HEADERS)


def _box(fields: list[str], path: Path, where: str) -> Box:
    if len(fields) not in (9, 10):
        raise CaptionError(
            f"{path}, {where}: {len(fields)} fields where x1 y1 x2 y2 x3 y3 x4 y4 category difficult are expected; "
            "correct or remove the line"
        )
    return Box.around(fields[8], files.numbers(fields[:8], path, where))
