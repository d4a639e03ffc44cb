"""Finished vectors kept in a folder, part by part, so that an interrupted embedding goes on where it was.

    vectors-KEY/part-HASH.safetensors   float32 [pictures, dim]; in its header whose they are: paths and stamps

KEY is the model's: one folder serves several models. A part is written beside and renamed: it is there whole or not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from rsclip_lab.data.disk import in_words, named_folder, partial
from rsclip_lab.data.disk import replacing as atomically
from rsclip_lab.search.pictures import Stamp

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Part:
    """Vectors float32 [n, dim] of n pictures, with the stamps of their files; and the pictures that have none:
    {path: (stamp, cause)}."""

    images: list[str]
    stamps: list[Stamp]
    vectors: np.ndarray
    unreadable: dict[str, tuple[Stamp, str]]


class PartFolder:
    """The parts of one model in `folder`."""

    def __init__(self, folder: str | Path, key: str, dim: int):
        self.folder, self.dim = named_folder(folder) / f"vectors-{key}", dim

    def write(self, part: Part) -> None:
        """Raises CaptionError, in words, when the disk is full or cannot be written to."""
        header = {"images": part.images, "stamps": part.stamps, "unreadable": part.unreadable}
        words = json.dumps(header)
        path = self.folder / f"part-{hashlib.sha256(words.encode()).hexdigest()[:24]}{SUFFIX}"
        with in_words(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            with atomically(path) as beside:
                save_file({"vectors": part.vectors}, beside, {"part": words})

    def read(self) -> Iterator[Part]:
        """Whole parts only: one that cannot be read is passed over, and its pictures are encoded again."""
        for path in sorted(self.folder.glob(f"part-*{SUFFIX}")):
            if (part := self._read(path)) is not None:
                yield part

    def _read(self, path: Path) -> Part | None:
        try:
            with safe_open(path, "np") as file:
                vectors, header = file.get_tensor("vectors"), json.loads(file.metadata()["part"])
            stamps = [tuple(stamp) for stamp in header["stamps"]]
            unreadable = {image: (tuple(stamp), cause) for image, (stamp, cause) in header["unreadable"].items()}
            part = Part(header["images"], stamps, vectors, unreadable)
        except (OSError, SafetensorError, ValueError, LookupError, TypeError, AttributeError):
            return None
        fits = len(part.images) == len(stamps) and vectors.shape == (len(stamps), self.dim)
        return part if fits and vectors.dtype == np.float32 and is_unit(vectors) else None

    def remove(self) -> None:
        """All parts, when what they were kept for is saved elsewhere."""
        for path in self.folder.glob(f"part-*{SUFFIX}"):
            path.unlink(missing_ok=True)
            partial(path).unlink(missing_ok=True)
        for path in self.folder.glob(".part-*.part"):
            path.unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


def is_unit(vectors: np.ndarray) -> bool:
    """Whether all rows have length 1, which vectors that were damaged have not."""
    lengths = np.einsum("ij,ij->i", vectors, vectors)
    return bool(np.all(np.abs(lengths - 1) < 1e-3))  # False for NaN
