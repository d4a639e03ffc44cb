"""Decoded pictures kept in a folder: a file of pixels, and beside it a manifest that says whose they are.

    pixels-KEY/pixels.u8        uint8, row after row, each [3, size, size]
    pixels-KEY/manifest.jsonl   one line a picture: [name, [bytes, modified], row]; a later line replaces an earlier

A picture is entered in the manifest after its pixels are in the file, so whatever interrupts the work, what is
entered is whole and the rest is decoded the next time. A lock lets one process at a time write.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from io import FileIO
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from rsclip_lab.data.disk import free_bytes

PIXELS, MANIFEST = "pixels.u8", "manifest.jsonl"
Stamp = tuple[int, ...]  # what changes when a picture changes
SAVE_SECONDS = 5.0  # at most so much work is lost when the machine stops
PATIENCE_SECONDS = 2.0  # waiting for another process without a word


class CacheError(OSError):
    """Pixels that cannot be kept where they were to be kept; the message names the folder, the cause, the remedy."""


class PixelFile:
    """Pictures of one size in an open file, written without a memory map: a full disk makes a write fail, but ends
    the process of who writes through a map."""

    def __init__(self, file: FileIO, size: int):
        """file: without a buffer, so that nothing waits to be written when it is closed."""
        self.file, self.shape = file, (3, size, size)
        self.row_bytes = 3 * size * size

    def __len__(self) -> int:
        return os.fstat(self.file.fileno()).st_size // self.row_bytes

    def write(self, row: int, pixels: np.ndarray) -> None:
        """pixels: uint8 [3, size, size]."""
        self.file.seek(row * self.row_bytes)
        write_all(self.file, memoryview(pixels).cast("B"))

    def mapped(self) -> np.ndarray:
        """All rows, [rows, 3, size, size], read-only and read from the file as they are needed."""
        shape = (len(self), *self.shape)
        return np.memmap(self.file, np.uint8, mode="r", shape=shape) if len(self) else np.empty(shape, np.uint8)


def write_all(file: FileIO, data: bytes | memoryview) -> None:
    """A file without a buffer may take less than it is given."""
    while len(data):
        data = data[file.write(data) :]


class PixelCache:
    """The pixels and the manifest of one folder; for use inside `with cache.reading()` or `with cache.writing()`."""

    def __init__(self, folder: Path, size: int):
        self.folder, self.size = folder, size
        self.rows: dict[str, tuple[Stamp | None, int]] = {}

    @property
    def exists(self) -> bool:
        return (self.folder / MANIFEST).is_file()

    @contextlib.contextmanager
    def reading(self) -> Iterator[PixelCache]:
        """What is there already; it may lie on a disk that cannot be written, and others may be writing."""
        with open(self.folder / PIXELS, "rb", buffering=0) as pixels:
            self.pixels = PixelFile(pixels, self.size)
            self.rows, _ = self._read_manifest()
            yield self

    @contextlib.contextmanager
    def writing(self) -> Iterator[PixelCache]:
        """Alone in the folder; waits for another process, and says so."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in (PIXELS, MANIFEST):
                (self.folder / name).touch()
        except OSError as error:
            raise CacheError(f"{self.folder}: cannot be written ({error.strerror}); name another folder") from error
        with self._lock(), open(self.folder / PIXELS, "r+b", buffering=0) as pixels:
            self.pixels = PixelFile(pixels, self.size)
            self.rows, whole = self._read_manifest()
            os.truncate(self.folder / MANIFEST, whole)  # without a last line that was cut short
            with open(self.folder / MANIFEST, "ab", buffering=0) as self.manifest:
                yield self

    def rows_of(self, names: Sequence[str], stamps: Sequence[Stamp]) -> list[int | None]:
        """Where each picture is; None for one that is not there as it is now."""
        return [self.row_of(name, stamp) for name, stamp in zip(names, stamps, strict=True)]

    def row_of(self, name: str, stamp: Stamp) -> int | None:
        """Where the picture is, or None when it is not there as it is now."""
        known, row = self.rows.get(name, (None, -1))
        return row if known == stamp else None

    def fill(self, names: list[str], stamps: list[Stamp], pictures: Iterator[np.ndarray | None]) -> None:
        """Keep the pictures in the rows of their names, new ones at the end; None is left out.

        What was kept before an error or an interruption stays.
        """
        self._require_space(sum(name not in self.rows for name in names))
        # A changed picture gets its old row: first, nobody may find the old pixels under it any more.
        self._enter((name, None, self.rows[name][1]) for name in names if name in self.rows)
        used = {row for _, row in self.rows.values()}
        next_row, finished, saved = max(used, default=-1) + 1, [], time.monotonic()
        try:
            for name, stamp, picture in zip(names, stamps, pictures, strict=True):
                if picture is None:
                    continue
                row = self.rows[name][1] if name in self.rows else next_row
                self.pixels.write(row, picture)
                next_row += row == next_row
                finished.append((name, stamp, row))
                if time.monotonic() - saved > SAVE_SECONDS:
                    self._save(finished)
                    finished, saved = [], time.monotonic()
            self._save(finished)
        except OSError as error:
            with contextlib.suppress(OSError):
                self._save(finished)
            raise self._no_space(error) from error
        except BaseException:
            self._save(finished)
            raise

    def _save(self, finished: list[tuple[str, Stamp, int]]) -> None:
        os.fsync(self.pixels.file.fileno())  # first the pixels, then the word that they are there
        self._enter(finished)

    def _enter(self, entries: Iterable[tuple[str, Stamp | None, int]]) -> None:
        entries = list(entries)
        write_all(self.manifest, "".join(json.dumps(entry) + "\n" for entry in entries).encode())
        self.rows.update((name, (stamp, row)) for name, stamp, row in entries)

    def _read_manifest(self) -> tuple[dict[str, tuple[Stamp | None, int]], int]:
        """The entries, and how many bytes of the file are whole lines."""
        data, rows, there = (self.folder / MANIFEST).read_bytes(), {}, len(self.pixels)
        whole = data.rfind(b"\n") + 1
        for line in data[:whole].splitlines():
            with contextlib.suppress(ValueError, TypeError):  # a damaged line: its picture is decoded again
                name, stamp, row = json.loads(line)
                if 0 <= row < there:
                    rows[name] = (None if stamp is None else tuple(stamp), row)
        return rows, whole

    def _lock(self):
        lock = FileLock(self.folder / ".lock")
        try:
            return lock.acquire(timeout=PATIENCE_SECONDS)
        except Timeout:
            print(f"{self.folder}: another process is decoding into it; waiting until it is done", flush=True)
            return lock.acquire()

    def _require_space(self, rows: int) -> None:
        free, needed = free_bytes(self.folder), rows * self.pixels.row_bytes
        if needed > free:
            raise CacheError(
                f"{self.folder}: {rows} pictures of {self.size} pixels need {needed / 1e6:.0f} MB "
                f"and the disk has {free / 1e6:.0f} MB left; free some space, or name a folder on another disk"
            )

    def _no_space(self, error: OSError) -> CacheError:
        return CacheError(
            f"{self.folder}: the pictures cannot be kept ({error.strerror or error}); what was decoded before stays. "
            "Free some space and call again, or name a folder on another disk"
        )
