"""The rows of an ablation, one file a run: what is done stays done, and several processes may share the work."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from rsclip_lab.data.disk import in_words, replacing
from rsclip_lab.models import ModelError

PAUSE = 0.5  # seconds between two looks at what other processes are doing


class KeptRows:
    """FOLDER/runs/KEY.json for each run that is done, whole at any time; pixels: where decoded pictures are kept."""

    def __init__(self, folder: Path, lasting: bool = True) -> None:
        self.lasting, self.folder, self.runs, self.pixels = lasting, folder, folder / "runs", folder / "pixels"
        with in_words(folder, ModelError):
            self.runs.mkdir(parents=True, exist_ok=True)

    @property
    def advice(self) -> str:
        """What becomes of the rows when the work is interrupted."""
        if self.lasting:
            return f"They are kept in {self.folder}; the same call, or command, goes on from there"
        return "They are lost: name a folder to keep them in"

    def read(self, key: str) -> dict | None:
        """The row of a run that is done; None where there is none that can be read."""
        try:
            return json.loads((self.runs / f"{key}.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None

    def write(self, key: str, row: dict) -> None:
        with in_words(self.runs, ModelError), replacing(self.runs / f"{key}.json") as part:
            part.write_text(json.dumps(row) + "\n", encoding="utf-8")

    def rows(self, keys: Sequence[str], work: Callable[[str], dict]) -> Iterator[tuple[str, dict]]:
        """(key, row) of each run: those that are kept first, then those that `work` does here or another process
        does meanwhile, as they are done. One that another process leaves undone is done here."""
        left = []
        for key in keys:
            row = self.read(key)
            if row is None:
                left.append(key)
            else:
                yield key, row
        while left:
            for key in list(left):
                with self._claimed(key) as mine:
                    row = self.read(key)
                    if row is None and mine:
                        row = work(key)
                        self.write(key, row)
                if row is not None:
                    left.remove(key)
                    yield key, row
            if left:
                time.sleep(PAUSE)

    @contextmanager
    def _claimed(self, key: str) -> Iterator[bool]:
        """Whether this process may do the run; the claim of one that is killed ends with it."""
        path = self.runs / f".{key}.lock"
        lock = FileLock(path, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
        except NotImplementedError:  # what some mounted drives say; nobody can be told from others there
            yield True
            return
        try:
            yield True
        finally:
            path.unlink(missing_ok=True)  # before it is let go: nobody may hold a file that is about to vanish
            lock.release()
