"""Zip archives of pictures, unpacked with the distrust that a file from elsewhere deserves."""

import os
import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath

from rsclip_lab.data.disk import FULL, NOT_ALLOWED, require_free, unwritable
from rsclip_lab.data.table import CaptionError
from rsclip_lab.environment import first_line, progress

MAX_BYTES = 20 << 30  # unpacked
MAX_FILES = 1_000_000
MAX_RATIO = 100  # unpacked to packed; pictures hardly shrink
# The others may ask for gigabytes of memory to be unpacked.
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
AGAIN = "delete it, fetch it again, and do not use it if that repeats"


def unpack(archive: str | Path, folder: str | Path, max_bytes: int = MAX_BYTES) -> None:
    """Unpack a zip archive below `folder`, which is made; what macOS adds (`__MACOSX`) is left out.

    Raises CaptionError, naming the entry, for a damaged archive, a name that leads out of the folder or comes
    twice, a link, an encrypted entry, more than `max_bytes` or 100 times the archive's size unpacked, and a full
    disk. Entries before the fault may have been written by then.
    """
    archive, folder = Path(archive), Path(os.path.abspath(folder))
    try:
        with zipfile.ZipFile(archive) as zipped:
            entries = [entry for entry in zipped.infolist() if _wanted(entry)]
            places = [_place(archive, entry, folder) for entry in entries]
            _require_modest(archive, entries, max_bytes)
            require_free(folder, sum(entry.file_size for entry in entries))
            for entry, place in progress(
                zip(entries, places, strict=True), total=len(entries), desc=f"unpack {archive.name}"
            ):
                place.parent.mkdir(parents=True, exist_ok=True)
                with zipped.open(entry) as source, place.open("xb") as target:
                    shutil.copyfileobj(source, target)
    except CaptionError:
        raise
    except (FileExistsError, NotADirectoryError) as error:
        raise CaptionError(f"{archive}, {error.filename}: this name comes twice; {AGAIN}") from error
    except Exception as error:  # zipfile and zlib meet broken files with errors of many classes
        if isinstance(error, OSError) and error.errno in FULL | NOT_ALLOWED:
            raise unwritable(folder, error) from error
        raise CaptionError(f"{archive}: damaged ({first_line(error)}); {AGAIN}") from error


def _wanted(entry: zipfile.ZipInfo) -> bool:
    return not entry.is_dir() and not entry.filename.startswith("__MACOSX/")


def _place(archive: Path, entry: zipfile.ZipInfo, folder: Path) -> Path:
    # Archives made on Windows may part folders with backslashes.
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or not name.parts or ":" in name.parts[0]:
        raise CaptionError(f"{archive}, {entry.filename!r}: leads out of the folder; do not use this archive")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise CaptionError(f"{archive}, {entry.filename!r}: is a link; do not use this archive")
    if entry.flag_bits & 1:
        raise CaptionError(f"{archive}, {entry.filename!r}: is encrypted; unpack it by hand")
    if entry.compress_type not in METHODS:
        raise CaptionError(f"{archive}, {entry.filename!r}: unusual compression; unpack it by hand")
    return folder / name


def _require_modest(archive: Path, entries: list[zipfile.ZipInfo], max_bytes: int) -> None:
    total = sum(entry.file_size for entry in entries)
    if total > min(max_bytes, MAX_RATIO * archive.stat().st_size) or len(entries) > MAX_FILES:
        raise CaptionError(
            f"{archive}: {len(entries)} files of together {total / 1e6:.0f} MB from an archive of "
            f"{archive.stat().st_size / 1e6:.1f} MB, more than pictures unpack to; do not use this archive, "
            "or unpack it by hand"
        )
