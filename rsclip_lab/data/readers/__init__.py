"""Whatever form captions come in, one table."""

import codecs
import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from rsclip_lab.data.readers.class_folders import has_class_folders, in_the_way, read_class_folders
from rsclip_lab.data.readers.class_names import class_words, label_of_file
from rsclip_lab.data.readers.csv_file import read_csv
from rsclip_lab.data.readers.detection import detection_reader
from rsclip_lab.data.readers.image_folder import ImageFolder, refuse_unlistable, split_of_file
from rsclip_lab.data.readers.json_files import read_json, read_json_lines
from rsclip_lab.data.readers.parquet import holds_pictures, read_parquet
from rsclip_lab.data.readers.records import Record, table_of
from rsclip_lab.data.table import CaptionError, is_split, select_split
from rsclip_lab.data.wording.prompts import DEFAULT_TEMPLATES, checked_templates

__all__ = ["class_words", "label_of_file", "read_captions"]

Reader = Callable[..., Iterator[Record]]  # of the path, the folder of the pictures and the encoding
READERS: dict[str, Reader] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".txt": read_csv,
    ".json": read_json,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
}
SUFFIXES = [*READERS, ".parquet"]
NOT_IN_FOLDERS = ".txt"  # there it is a readme or a list of classes more often than captions
NO_CAPTIONS = {"classes.json", "classes.csv", "label_map.json", "dataset_info.json", "dataset_infos.json"}
PLACES = (".", "data", "annotations")  # where in a folder caption files are looked for: in the first that has any
PART = re.compile(r"[-_.]?\d+(-of-\d+)?(-[0-9a-f]{8,})?$")  # train-00000-of-00002, perhaps with a hash after it
REMEDIES = {
    ".tar": "read shards with lab.ShardStream",
    ".zip": "unpack it, and give the folder",
    ".gz": "unpack it first",
    ".xlsx": "save the table as CSV in UTF-8",
    ".xls": "save the table as CSV in UTF-8",
}


def read_captions(
    source: str | Path,
    image_dir: str | Path | None = None,
    split: str | None = None,
    *,
    templates: str | Sequence[str] = DEFAULT_TEMPLATES,
    encoding: str | None = None,
) -> pd.DataFrame:
    """The captions of a file or a folder as a table, one row a caption.

    source: a file of captions, or a folder with one (`caption.csv` before others; several when they are the splits
    or parts of one set), a folder with a detection set, or a folder with one folder a class. Files: CSV or TSV with
    file name and caption (told by the names of the columns, else by what is in them), JSON as of RSICD, UCM, Sydney,
    RSITMD, COCO or simpler, JSON lines, parquet. Boxes and masks become captions by rule.
    image_dir: where the pictures are; by default `images/` (or the only folder called `*images` or `*imgs`) beside
    the file, else the file's folder. Pictures inside parquet files are written there, by default into
    `<name of the source>_images` beside it.
    split: keep only this one ("train", "val" or "test").
    templates: sentences with `{label}`, one caption each, for sources that have classes but no captions.
    encoding: of CSV, TSV, JSON and JSON lines, such as "cp1252"; by default found from what is in them.

    Gives `image` (absolute path), `caption`, `image_id` (one number a distinct picture, the same whichever split is
    read), `split` (as the source says, else its file names or folders) and `label` (None where unknown; where a
    source has none at all, from file names such as `airport_1.jpg`). Whether the pictures exist and open is
    `audit`'s to say.
    Raises CaptionError, which says where and what to do, for what cannot be found, told apart or read.
    """
    _require(source, encoding)
    source, templates = Path(os.path.expanduser(source)), checked_templates(templates)
    image_dir = None if image_dir is None else os.path.expanduser(image_dir)
    table = _with_labels(_read(source, image_dir, templates, encoding))
    return select_split(table, split, source=str(source))


def _require(source: object, encoding: str | None) -> None:
    if not isinstance(source, (str, os.PathLike)):
        raise CaptionError(f"{source!r} is no file or folder; give the path of one")
    try:
        codecs.getincrementaldecoder(encoding or "utf-8")
        "".encode(encoding or "utf-8")  # a LookupError for what is no encoding of text, such as "hex"
    except (LookupError, ValueError) as error:  # ValueError: a null byte in the name
        raise CaptionError(f'{source}: no encoding is called {encoding!r}; give one such as "utf-8"') from error


def _read(source: Path, image_dir: str | Path | None, templates: list[str], encoding: str | None) -> pd.DataFrame:
    files = _caption_files(source)
    if files:
        try:
            return _read_files(files, source, image_dir, templates, encoding)
        except CaptionError as error:
            if source.is_dir() and has_class_folders(ImageFolder(source)):
                remedy = f"or, where {files[0].name} is not about captions, move it away from the folders of classes"
                raise CaptionError(f"{error}; {remedy}") from error
            raise
    if read := detection_reader(source):
        folder = ImageFolder.beside(source, image_dir)
        return table_of(read(source, folder), folder, source, templates)
    folder = ImageFolder.beside(source, image_dir) if image_dir is not None else ImageFolder(source)
    if has_class_folders(folder):
        return table_of(read_class_folders(source, folder), folder, source, templates)
    obstacle = in_the_way(folder)
    raise CaptionError(
        f"{source}: no captions in this folder ({len(folder.pictures)} pictures); put caption.csv there, or another "
        "CSV, JSON, JSON lines or parquet file, boxes or masks of a detection set, or two or more folders with the "
        "pictures of a class each; or name the caption file itself"
        + (f". No folders of classes: {obstacle}; move or rename it, or name the folder they are in" * bool(obstacle))
    )


def _read_files(files: list[Path], source: Path, image_dir, templates: list[str], encoding) -> pd.DataFrame:
    folder = _image_folder(files, source, image_dir)
    readers = {suffix: partial(read, encoding=encoding) for suffix, read in READERS.items()}
    readers |= {".parquet": partial(read_parquet, written=set())}
    tables = []
    for path in files:
        read = detection_reader(path) or readers[path.suffix.lower()]
        in_split = source.is_dir() and path.parent.parent == source and split_of_file(path.parent.name)
        beside = ImageFolder.beside(path) if in_split and image_dir is None else folder
        table = table_of(read(path, beside), beside, path, templates)
        if said := split_of_file(path.name) or in_split:
            table["split"] = table["split"].where(table["split"].notna(), said)
        tables.append(table)
    table = pd.concat(tables, ignore_index=True)
    return table.assign(image_id=pd.factorize(table["image"])[0])


def _image_folder(files: list[Path], source: Path, image_dir: str | Path | None) -> ImageFolder:
    """Where the pictures are, or will be: those in parquet files are written to a folder that need not be there."""
    if not any(path.suffix.lower() == ".parquet" and holds_pictures(path) for path in files):
        return ImageFolder.beside(source, image_dir)
    place = source.resolve()
    name = place.name if source.is_dir() else place.stem
    return ImageFolder(image_dir if image_dir is not None else place.parent / f"{name}_images")


def _caption_files(source: Path) -> list[Path]:
    """The files to read: the source itself, or those in a folder; none where captions are made in other ways."""
    if source.is_dir():
        return _files_in(source)
    if not source.is_file():
        raise CaptionError(f"{source}: no such file or folder; expected a file of captions, or a folder with one")
    suffix = source.suffix.lower()
    if suffix not in SUFFIXES:
        remedy = REMEDIES.get(suffix, f"expected one of {', '.join(SUFFIXES)}, or a folder")
        raise CaptionError(f"{source}: captions are not read from {suffix or 'such'} files; {remedy}")
    return [source]


def _files_in(folder: Path) -> list[Path]:
    if (folder / "caption.csv").is_file():
        return [folder / "caption.csv"]
    try:
        listed = [sorted((folder / place).iterdir()) for place in PLACES if (folder / place).is_dir()]
    except OSError as error:
        refuse_unlistable(error)
    for files in listed:
        found = [file for file in files if _may_hold_captions(file)]
        if len({_without_split(file) for file in found}) > 1:
            raise CaptionError(
                f"{folder}: several files may hold the captions ({', '.join(file.name for file in found[:12])}); "
                "name the one to read"
            )
        if found:
            return found
    if found := _one_in_each_split(listed[0]):
        return found
    if any(file.suffix.lower() == ".tar" for file in listed[0]):
        raise CaptionError(f"{folder}: shards (.tar) in this folder; {REMEDIES['.tar']}")
    return []


def _one_in_each_split(entries: list[Path]) -> list[Path]:
    """The files of one name beside the pictures of each split: `train/metadata.csv`, `test/metadata.csv`."""
    found = []
    for folder in filter(Path.is_dir, (entry for entry in entries if is_split(entry.name))):
        try:
            files = [file for file in sorted(folder.iterdir()) if _may_hold_captions(file)]
        except OSError as error:
            refuse_unlistable(error)
        found += [file for file in files if file.suffix.lower() != ".parquet"]
    folders = {file.parent for file in found}
    return found if len(folders) == len(found) and len(set(map(_without_split, found))) == 1 else []


def _may_hold_captions(file: Path) -> bool:
    suffix = file.suffix.lower()
    fits = suffix in SUFFIXES and suffix != NOT_IN_FOLDERS and file.name not in NO_CAPTIONS
    return fits and not file.name.startswith(".") and file.is_file()


def _without_split(file: Path) -> str:
    """What the files of one set have in common: the name without its split, and for parquet without the part."""
    stem, suffix = file.stem, file.suffix.lower()
    words = re.split(r"([^A-Za-z]+)", PART.sub("", stem) if suffix == ".parquet" else stem)
    return "".join("*" if split_of_file(word) else word for word in words) + suffix


def _with_labels(table: pd.DataFrame) -> pd.DataFrame:
    """With the classes that file names carry, where the source has no labels at all."""
    if table["label"].notna().any():
        return table
    label = {image: label_of_file(image) for image in table["image"].unique()}
    return table.assign(label=pd.Series([label[image] for image in table["image"]], dtype=object))
