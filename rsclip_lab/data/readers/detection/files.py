"""What the detection formats share: annotation files found, read within limits, and joined with their pictures."""

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from rsclip_lab.data.images import ImageError, image_facts
from rsclip_lab.data.readers.image_folder import ImageFolder, refuse_unlistable
from rsclip_lab.data.readers.text import open_text
from rsclip_lab.data.table import CaptionError, is_split, split_name

MAX_TEXT = 32 * 2**20  # bytes of one annotation file; a crowded DOTA scene takes one
DOTA_FOLDERS = frozenset({"labeltxt", "labeltxt-v1.0", "labeltxt-v1.5", "labeltxt-v2.0"})
LABEL_FOLDERS = DOTA_FOLDERS | {"labels", "annotations", "masks"}
IMAGE_FOLDERS = frozenset({"images", "jpegimages", "obj_train_data", "obj_valid_data"})  # the last two: darknet


def read_text(path: Path, limit: int = MAX_TEXT) -> str:
    """The text of a file of at most `limit` bytes. Raises CaptionError for any other."""
    if not path.is_file():  # a pipe would never end
        raise CaptionError(f"{path}: not a file; remove it or put the annotation file there")
    with open_text(path, limit) as file:
        return file.read().removeprefix("\ufeff")


def lines_of(path: Path) -> Iterator[tuple[str, list[str]]]:
    """("line 3", its fields) for every line of a text file that is not blank."""
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            yield f"line {number}", line.split()


def numbers(values: list, path: Path, where: str) -> list[float]:
    """The values as floats; NaN and infinity stay what they are. Raises CaptionError for what is no number."""
    try:
        return [float(value) for value in values]
    except OverflowError:
        return [float("inf")] * len(values)
    except (TypeError, ValueError):
        raise CaptionError(
            f"{path}, {where}: {str(values)[:80]} are not all numbers; correct the coordinates or remove the object"
        ) from None


def annotation_folders(source: Path, names: frozenset[str]) -> list[Path]:
    """The folders of these names in the source and in its folders of a split; else the source itself if it is one."""
    places = [source, *(folder for folder in _folders(source) if is_split(folder.name))]
    found = [folder for place in places for folder in _folders(place) if folder.name.lower() in names]
    return found or ([source] if source.name.lower() in names else [])


def picture_folders(source: Path) -> list[Path]:
    """Where pictures lie: the source, its folders of a split or called `images`, and such folders in those."""

    def named(folder: Path) -> list[Path]:
        return [one for one in _folders(folder) if is_split(one.name) or one.name.lower() in IMAGE_FOLDERS]

    inside = named(source)
    return [source, *inside, *(deeper for folder in inside for deeper in named(folder))]


def images_beside(folder: Path) -> bool:
    """Whether a folder of pictures stands beside this one."""
    return any(one.name.lower() in IMAGE_FOLDERS for one in _folders(folder.parent))


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir())
    except (OSError, ValueError):  # not a folder; a name with a null byte
        return []


def files_in(folders: list[Path], suffix: str) -> Iterator[Path]:
    """The files with this suffix directly in the folders."""
    for folder in folders:
        with contextlib.suppress(OSError, ValueError):
            yield from (folder / name for name in sorted(os.listdir(folder)) if name.lower().endswith(suffix))


def files_below(folders: list[Path], suffixes: tuple[str, ...]) -> Iterator[Path]:
    """The files with one of these suffixes in the folders and their folders, each folder's by name.

    Raises CaptionError for a folder that cannot be listed.
    """
    for start in folders:
        for folder, inner, names in os.walk(start, onerror=refuse_unlistable):
            inner.sort()
            yield from (Path(folder, name) for name in sorted(names) if name.lower().endswith(suffixes))


def split_in(relative: Path) -> str | None:
    """The split that one of the path's folders is named after: "val" for `valid/labels/a.txt`."""
    return next((split_name(name) for name in relative.parts[:-1] if is_split(name)), None)


class Pictures:
    """The pictures of a folder, looked up by the annotation file that belongs to each."""

    def __init__(self, folder: ImageFolder, source: Path):
        self.folder, self.source = folder, source
        self._by_path, self._by_stem = defaultdict(list), defaultdict(list)
        self._taken: dict[str, Path] = {}
        for path in folder.pictures:
            relative = Path(path).relative_to(folder.root)
            if not LABEL_FOLDERS.intersection(part.lower() for part in relative.parts[:-1]):
                self._by_path[_key(relative)].append(str(relative))
                self._by_stem[relative.stem].append(str(relative))

    def find(self, annotation: Path) -> str | None:
        """The name in the image folder of the annotation's picture, if it is there: `images/train/a.jpg` for
        `labels/train/a.txt` or `masks/train/a_mask.png`, else the one picture called `a` that is in no folder of
        another split.

        Raises CaptionError where several pictures would do, or another annotation file has the same picture.
        """
        relative = annotation.relative_to(self.source)
        found = self._belonging(relative)
        if not found and relative.stem.endswith("_mask"):
            found = self._belonging(relative.with_stem(relative.stem.removesuffix("_mask")))
        if len(found) > 1:
            raise CaptionError(
                f"{annotation}: belongs to any of {', '.join(found[:3])}; keep one, or give the folder of the "
                "right ones as image_dir"
            )
        if not found:
            return None
        other = self._taken.setdefault(found[0], annotation)
        if other != annotation:
            raise CaptionError(
                f"{annotation}: belongs to {found[0]}, as {other} does; "
                "keep one of them, or read the folder of each by itself"
            )
        return found[0]

    def _belonging(self, relative: Path) -> list[str]:
        return self._by_path.get(_key(relative)) or self._called(relative)

    def _called(self, relative: Path) -> list[str]:
        pictures = {name: split_in(Path(name)) for name in self._by_stem.get(relative.stem, [])}
        split = split_in(relative)
        return [name for name, other in pictures.items() if None in (split, other) or split == other]

    def named_like(self, annotation: Path) -> str:
        """As `find`, but a missing picture is a CaptionError, as the annotation names none."""
        found = self.find(annotation)
        if found is None:
            raise CaptionError(
                f"{annotation}: no picture {annotation.stem}.* in {self.folder.root}; "
                "put it there, give its folder as image_dir, or remove the annotation file"
            )
        return found


def picture_size(folder: ImageFolder, name: str, annotation: Path, where: str) -> tuple[int, int]:
    """Width and height of a picture in pixels, from its header. Raises CaptionError where it has none."""
    try:
        facts = image_facts(folder.path_of(name, annotation, where))
    except ImageError as error:
        raise CaptionError(
            f"{annotation}, {where}: the size of its picture is not known ({error}); "
            "put the picture there or remove the annotation"
        ) from error
    return facts.width, facts.height


def _key(relative: Path) -> tuple[str, ...]:
    """What `images/train/a.jpg`, `train/images/a.png` and `labels/train/a.txt` have in common."""
    folders = (part for part in relative.parts[:-1] if part.lower() not in LABEL_FOLDERS | IMAGE_FOLDERS)
    return (*folders, relative.stem)
