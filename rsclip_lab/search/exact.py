"""The nearest vectors by comparing all of them, block by block."""

from __future__ import annotations

import numpy as np

ROWS, QUERIES = 1 << 16, 256  # of a block of cosines, 64 MB


def exact_neighbours(
    vectors: np.ndarray, queries: np.ndarray, k: int, left_out: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Cosines float32 [queries, k] and rows int64 [queries, k], the nearest first, equal ones by their row.

    vectors: unit float32 [n, dim], also a memory map: read block by block. queries: unit [queries, dim].
    left_out: bool [n], rows that are not to be found. Fewer than k columns where there are fewer vectors.
    """
    parts = [queries[first : first + QUERIES] for first in range(0, len(queries), QUERIES)]
    found = [_nearest_of(vectors, part, k, left_out) for part in parts]
    scores, rows = zip(*found, strict=True)
    return np.concatenate(scores), np.concatenate(rows)


def _nearest_of(vectors, queries, k, left_out) -> tuple[np.ndarray, np.ndarray]:
    scores, rows = np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    for first in range(0, len(vectors), ROWS):
        # One query as a vector: a product with a matrix of one column is slower.
        block = vectors[first : first + ROWS]
        cosines = (block @ queries[0])[None] if len(queries) == 1 else queries @ block.T
        if left_out is not None:
            cosines[:, left_out[first : first + ROWS]] = -np.inf
        at = np.argpartition(-cosines, k - 1, axis=1)[:, :k] if k < cosines.shape[1] else _all_columns(cosines)
        block_scores = np.take_along_axis(cosines, at, axis=1)
        scores, rows = merged((scores, rows), (block_scores, at + first), k)
    there = k if left_out is None else min(k, len(vectors) - int(left_out.sum()))
    return scores[:, :there], rows[:, :there]


def _all_columns(matrix: np.ndarray) -> np.ndarray:
    return np.broadcast_to(np.arange(matrix.shape[1]), matrix.shape)


def merged(one: tuple, other: tuple, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k best of two lists of (scores, rows) of the same queries."""
    scores, rows = (np.concatenate(pair, axis=1) for pair in zip(one, other, strict=True))
    order = np.lexsort((rows, -scores), axis=1)[:, :k]
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)
