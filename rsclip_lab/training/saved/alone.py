"""One process at a time in a run's folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from rsclip_lab.data.disk import in_words
from rsclip_lab.models import ModelError

LOCK = ".lock"


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Make `folder` and hold a lock in it, which the system takes back from a process that is killed.

    Raises FileExistsError at once when another process, or this one, is training there.
    """
    lock = FileLock(folder / LOCK, timeout=0)
    with in_words(folder, ModelError):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except NotImplementedError:  # what some mounted drives say; nobody can be told from others there
            pass
        except Timeout:
            raise FileExistsError(
                f"{folder}: another process is training in this folder; wait until it is done, or name another folder"
            ) from None
    try:
        yield
    finally:
        remove_lock(folder)  # before it is let go: nobody may hold a file that is about to vanish
        lock.release()


def remove_lock(folder: Path) -> None:
    """Remove the lock's file; Windows removes an open one by itself, as it is closed."""
    with suppress(OSError):
        (folder / LOCK).unlink()
