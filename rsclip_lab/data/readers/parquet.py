"""Parquet, as the Hugging Face hub keeps sets: file names, captions and often the pictures themselves."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rsclip_lab.data.formats.signatures import HEAD_BYTES, IMAGE_SUFFIXES, SUFFIXES, format_of
from rsclip_lab.data.readers.class_names import bare_name
from rsclip_lab.data.readers.image_folder import ImageFolder
from rsclip_lab.data.readers.json_files import records_of_entry
from rsclip_lab.data.readers.records import Record, named_fields
from rsclip_lab.data.table import CaptionError
from rsclip_lab.environment import first_line, progress

BATCH = 16  # rows; with pictures in them some megabytes
MAX_ROWS = 20_000_000


def holds_pictures(path: Path) -> bool:
    """Whether the file has a column of encoded pictures."""
    with _open(path) as file:
        return _picture_column(file.schema_arrow) is not None


def read_parquet(path: Path, folder: ImageFolder, written: set[str]) -> Iterator[Record]:
    """The captions of a parquet file, read in batches; the pictures in it are written into the folder.

    Pictures are either bytes or the hub's `{"bytes", "path"}`; their bytes go into files as they are. A file that
    is there already stays where it has the same bytes, all of which are compared, and is an error where it has
    others. Numbers of classes become the names that the hub keeps beside them.
    written: paths of the pictures met so far, in this file and others of the same set.
    Raises CaptionError for a damaged file, two pictures of one name, a picture that cannot be written.
    """
    with _open(path) as file:
        if file.metadata.num_rows > MAX_ROWS:
            raise CaptionError(f"{path}: more than {MAX_ROWS:,} rows; stream such sets as shards")
        picture = _picture_column(file.schema_arrow)
        classes = _class_names(file.schema_arrow)
        for number, row in enumerate(_rows(file, path), start=1):
            where = f"row {number}"
            if picture is not None:
                row = _with_file(row, picture, f"{path.stem}_{number:06d}", folder, written, path, where)
            for name, names in classes.items():
                if isinstance(row.get(name), int) and 0 <= row[name] < len(names):
                    row[name] = names[row[name]]
            yield from records_of_entry(row, where, path)


def _open(path: Path):
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise CaptionError(
            f'{path}: reading parquet needs pyarrow; install it with pip install "rsclip-lab[parquet]"'
        ) from error
    try:
        return pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 16)  # else it holds the file
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise CaptionError(f"{path}: no readable parquet file ({first_line(error)}); download it again") from error


def _rows(file, path: Path) -> Iterator[dict[str, Any]]:
    from pyarrow import ArrowException

    try:
        for batch in progress(file.iter_batches(BATCH), total=-(-file.metadata.num_rows // BATCH), desc=path.name):
            yield from batch.to_pylist()
    except (ArrowException, OSError, ValueError, MemoryError) as error:
        if isinstance(error, CaptionError):
            raise
        raise CaptionError(f"{path}: damaged ({first_line(error)}); download it again") from error


def _picture_column(schema) -> str | None:
    """The first column of bytes, or of the hub's pairs of bytes and path."""
    from pyarrow import types

    def is_bytes(kind) -> bool:
        return types.is_binary(kind) or types.is_large_binary(kind)

    def is_picture(kind) -> bool:
        return is_bytes(kind) or (
            types.is_struct(kind) and any(part.name == "bytes" and is_bytes(part.type) for part in kind)
        )

    return next((column.name for column in schema if is_picture(column.type)), None)


def _class_names(schema) -> dict[str, list[str]]:
    """{column: names of its classes}, from what the `datasets` library leaves in the file."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        named = {column: feature["names"] for column, feature in features.items() if "names" in feature}
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return {}
    return {column: names for column, names in named.items() if isinstance(names, list)}


def _with_file(
    row: dict[str, Any], picture: str, unnamed: str, folder: ImageFolder, written: set[str], path: Path, where: str
) -> dict[str, Any]:
    """The row with the name of its picture's file, which is now in the folder, in place of both."""
    value = row[picture] if isinstance(row[picture], dict) else {"bytes": row[picture]}
    names = [name for name in row if name != picture]
    at = named_fields(tuple(names)).file
    name = (value.get("path") if at is None else row[names[at]]) or unnamed
    if not isinstance(name, str):
        raise CaptionError(f"{path}, {where}: the file name is no text; correct it or leave the row out")
    if at is None:
        name = bare_name(name)  # the hub's path is one of the machine that made the set
    taken = {picture, "filename", None if at is None else names[at]}
    file = _extract(value.get("bytes"), name, folder, written, path, where)
    return {"filename": file, **{name: cell for name, cell in row.items() if name not in taken}}


def _extract(data: bytes | None, name: str, folder: ImageFolder, written: set[str], path: Path, where: str) -> str:
    """The name of the picture's file, with an ending that pictures have; a row without picture is the audit's."""
    if not data:
        return name
    if os.path.splitext(name)[1].lower() not in IMAGE_SUFFIXES:
        name += SUFFIXES[format_of(data[:HEAD_BYTES]) or "JPEG"][0]
    target = folder.new_path(name, path, where)
    try:
        if not os.path.lexists(target):
            _write(data, target)
        elif not _holds(target, data):
            raise _taken(name, target, target in written, path, where)
    except OSError as error:
        raise CaptionError(
            f"{path}, {where}: its picture cannot be written to {target[:500]} ({error.strerror or error}); "
            "make room, or give another folder as image_dir"
        ) from error
    written.add(target)
    return name


def _holds(target: str, data: bytes) -> bool:
    """Whether the file has this content; its size is looked at first."""
    return os.path.isfile(target) and os.path.getsize(target) == len(data) and Path(target).read_bytes() == data


def _taken(name: str, target: str, by_this_set: bool, path: Path, where: str) -> CaptionError:
    if by_this_set:
        cause = f"another picture is called {name[:200]!r} too; give each a name of its own"
    else:
        cause = f"{target} is there already, with other content; remove it, or give an empty folder as image_dir"
    return CaptionError(f"{path}, {where}: {cause}")


def _write(data: bytes, target: str) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    part = os.path.join(os.path.dirname(target), f".{os.getpid()}.part")
    try:
        Path(part).write_bytes(data)
        os.replace(part, target)
    except OSError:
        with contextlib.suppress(OSError):
            os.remove(part)
        raise
