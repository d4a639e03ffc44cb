"""Room on a disk: asked for before files are written, and in words when it has run out."""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rsclip_lab.data.table import CaptionError

FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}  # what some mounted drives say to fsync
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


def named_folder(folder: str | Path) -> Path:
    """The folder that a user names, with ~ for the home; it need not be there.

    Raises OSError for a path that no folder can have: one below a file, or a name that is too long.
    """
    folder = Path(folder).expanduser()
    try:
        with suppress(FileNotFoundError, NotADirectoryError):
            folder.stat()
        there = next((place for place in folder.parents if place.exists()), Path("."))
    except OSError as error:
        raise type(error)(f"{str(folder):.200}: cannot be a folder ({error.strerror}); name another one") from None
    if not there.is_dir():
        raise NotADirectoryError(f"{folder}: cannot be a folder, as {there} is a file; name another one")
    return folder


def check_new_folder(folder: Path, but: str = "") -> None:
    """Raise FileExistsError unless something can be written as `folder`: it is absent, or empty `but` for a file."""
    if folder.exists() and (not folder.is_dir() or any(one.name != but for one in folder.iterdir())):
        raise FileExistsError(f"{folder}: holds something already; name another folder, or remove it")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Another path, to write a file to that takes the place of `path` at one stroke when the block ends without an
    error. It lies on the disk then: what is replaced or removed afterwards is not lost before this is there.
    """
    part = partial(path)
    try:
        yield part
        _to_disk(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def partial(path: Path) -> Path:
    """Where `replacing(path)` writes: always there, so that a process that is killed leaves one at most."""
    return path.with_name(f".{path.name}.part")


def _to_disk(path: Path) -> None:
    with path.open("r+b") as file:
        try:
            os.fsync(file.fileno())
        except OSError as error:
            if error.errno not in NO_SYNC:
                raise


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A private folder to write into, which becomes `folder` when the block ends without an error, else vanishes.

    Raises FileExistsError when `folder` holds something, be it only at the end, by somebody who was faster.
    """
    check_new_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield stage
        stage.chmod(0o755)  # mkdtemp's folder is private to its maker
        try:
            if folder.exists():
                folder.rmdir()
            os.replace(stage, folder)
        except OSError:
            check_new_folder(folder)
            raise
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def write_error(error: Exception) -> OSError | None:
    """The system's error behind `error`: a full disk or a place not to be written to, or what `error` itself is.

    Libraries in Rust speak of it in words: "… (os error 28)".
    """
    one: BaseException | None = error
    while one is not None:
        found = re.search(r"\(os error (\d+)\)", str(one))
        number = int(found[1]) if found else getattr(one, "errno", None)
        if number in FULL | NOT_ALLOWED:
            return OSError(number, os.strerror(number))
        one = one.__cause__ or one.__context__
    return error if isinstance(error, OSError) else None


def unwritable(folder: Path, error: OSError, kind: type[Exception] = CaptionError) -> Exception:
    """What to raise when `folder` cannot be written to: an error of this kind."""
    if error.errno in FULL:
        return kind(f"{folder}: the disk is full; make room there, or name a folder on another disk")
    return kind(f"{folder}: cannot be written to ({error.strerror or error}); name another folder")


@contextmanager
def in_words(folder: Path, kind: type[Exception] = CaptionError) -> Iterator[None]:
    """`unwritable` of this kind for what the disk raises in the block; a FileExistsError stays one."""
    try:
        yield
    except FileExistsError:
        raise
    except Exception as error:
        if cause := write_error(error):
            raise unwritable(folder, cause, kind) from None
        raise
