"""Room on a disk: asked for before files are written, and in words when it has run out."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rsclip_lab.data.table import CaptionError

FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


def free_bytes(folder: Path) -> int:
    """What is free on the disk under `folder`, which need not be there yet."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return shutil.disk_usage(there).free


def require_free(folder: Path, wanted: int) -> None:
    """Raises CaptionError when the disk under `folder` has fewer bytes free."""
    free = free_bytes(folder)
    if free < wanted:
        raise CaptionError(
            f"{folder}: {wanted / 1e6:.0f} MB are needed and {free / 1e6:.0f} MB free; "
            "make room there, or name a folder on another disk"
        )


def check_new_folder(folder: Path) -> None:
    """Raise FileExistsError unless something can be written as `folder`: it is absent, or empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder}: holds something already; name another folder, or remove it")


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A private folder to write into, which becomes `folder` when the block ends without an error, else vanishes."""
    check_new_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield stage
        stage.chmod(0o755)  # mkdtemp's folder is private to its maker
        if folder.exists():
            folder.rmdir()
        os.replace(stage, folder)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def unwritable(folder: Path, error: OSError) -> CaptionError:
    """What to say when `folder` cannot be written to."""
    if error.errno in FULL:
        return CaptionError(f"{folder}: the disk is full; make room there, or name a folder on another disk")
    return CaptionError(f"{folder}: cannot be written to ({error.strerror or error}); name another folder")
