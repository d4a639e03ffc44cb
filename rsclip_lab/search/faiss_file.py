"""Reading a faiss index that may come from somebody else: only what `InvertedFile` writes is handed to faiss.

A faiss file may name other files, which faiss maps into memory to read and write (its OnDiskInvertedLists), and be of
kinds that code for them is not meant for. So the layout is followed to the lists before faiss sees it.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

HEADER = struct.Struct("<4si24x?i")  # kind, dimensions, vectors and two unused numbers, trained, metric
OURS, FLAT, LISTS = b"IwSq", b"IxFI", b"ilar"  # an inverted file of codes, its centres, its lists in this file
INNER_PRODUCT = 0


def read_checked(faiss, path: Path, count: int, dim: int):
    """The IndexIVFScalarQuantizer over `count` vectors of `dim`; ValueError for a file that is none."""
    refused = f"{path} is not the index of {count} vectors of {dim}; build it again"
    try:
        lists = _lists(path, count, dim)
        index = faiss.read_index(str(path)) if lists else None
    except (OSError, RuntimeError, MemoryError, struct.error) as error:
        raise ValueError(f"{path}: faiss cannot read it; build the index again") from error
    is_ours = type(index) is faiss.IndexIVFScalarQuantizer
    if not is_ours or (index.ntotal, index.d, index.nlist) != (count, dim, lists):
        raise ValueError(refused)
    centres, codes = faiss.downcast_index(index.quantizer), index.sq
    fits = type(centres) is faiss.IndexFlatIP and (centres.ntotal, centres.d) == (lists, dim)
    kind = (codes.qtype, codes.d, codes.code_size, index.code_size, index.by_residual)
    if not fits or kind != (faiss.ScalarQuantizer.QT_8bit_uniform, dim, dim, dim, False):
        raise ValueError(refused)
    if not np.array_equal(np.sort(_rows(faiss, index)), np.arange(count)):
        raise ValueError(refused)
    return index


def _lists(path: Path, count: int, dim: int) -> int | None:
    """How many lists the file has, where all of it up to them is as `InvertedFile.write` writes it."""
    with open(path, "rb") as file:
        kind, dimensions, trained, metric = HEADER.unpack(file.read(HEADER.size))
        lists, _probes = struct.unpack("<QQ", file.read(16))
        if not 1 <= lists <= count:
            return None
        centres = HEADER.unpack(file.read(HEADER.size))
        (size,) = struct.unpack("<Q", file.read(8))
        if (kind, dimensions, trained, metric) != (OURS, dim, True, INNER_PRODUCT) or size != lists * dim:
            return None
        if centres != (FLAT, dim, True, INNER_PRODUCT):
            return None
        file.seek(4 * size, 1)
        direct, entries = struct.unpack("<bQ", file.read(9))
        *_, trained_values = struct.unpack("<iifQQQ", file.read(36))
        if (direct, entries) != (0, 0) or trained_values > 2:  # of one scale for all components
            return None
        file.seek(4 * trained_values + 9, 1)  # and the size of a code, and what it is relative to
        return lists if file.read(4) == LISTS else None


def _rows(faiss, index) -> np.ndarray:
    """Of all lists."""
    lists = [(number, index.invlists.list_size(number)) for number in range(index.nlist)]
    found = [faiss.rev_swig_ptr(index.invlists.get_ids(number), size).copy() for number, size in lists if size]
    return np.concatenate(found) if found else np.empty(0, np.int64)
