"""The nearest vectors: by comparing all of them, or through an inverted file above a size; and what changed since."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np

from rsclip_lab.search.exact import exact_neighbours, merged
from rsclip_lab.search.inverted_file import InvertedFile, faiss_or_none

EXACT_BELOW = 50_000  # vectors; on two cores a query then takes 5 ms at 512 dimensions, 100 times that at a million
REBUILT_FROM = 0.2  # vectors appended since, as a share: they are compared one by one
MOST_APPROXIMATE = 100  # neighbours asked for; for more, all vectors are compared


class Neighbours:
    """Vectors that can be asked, added to and deleted from; a row keeps its number until `settled`.

    vectors: unit float32 [n, dim] in memory or in a mapped file. approximate: an `InvertedFile` over them, or None
    to compare all. What is appended afterwards is compared exactly, what is deleted is passed over.
    """

    def __init__(self, vectors: np.ndarray, approximate: InvertedFile | None = None):
        self.base, self.approximate = vectors, approximate
        self.tail = np.empty((0, vectors.shape[1]), np.float32)
        self.deleted = np.zeros(len(vectors), bool)

    @classmethod
    def build(cls, vectors: np.ndarray, exact_below: int | None = None) -> Neighbours:
        """Exact below that many vectors (None: EXACT_BELOW); above it through faiss, or, with a warning, exact where
        that is missing."""
        if len(vectors) < (EXACT_BELOW if exact_below is None else exact_below):
            return cls(vectors)
        if faiss_or_none() is None:
            warnings.warn(
                f"{len(vectors):,} vectors are all compared with each query, as faiss is not installed: "
                'pip install "rsclip-lab[search]" and build again for answers in milliseconds',
                stacklevel=2,
            )
            return cls(vectors)
        return cls(vectors, InvertedFile.build(vectors))

    @property
    def changed(self) -> bool:
        return bool(len(self.tail) or self.deleted.any())

    def __len__(self) -> int:
        """Vectors that are not deleted."""
        return len(self.deleted) - int(self.deleted.sum())

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Cosines float32 [queries, k] and rows [queries, k], the nearest first; min(k, len) columns."""
        k = min(k, len(self))
        found = self._search_base(queries, k)
        if len(self.tail):
            scores, rows = exact_neighbours(self.tail, queries, k, self.deleted[len(self.base) :])
            found = merged(found, (scores, rows + len(self.base)), k)
        return found

    def _search_base(self, queries, k) -> tuple[np.ndarray, np.ndarray]:
        deleted = self.deleted[: len(self.base)]
        deleted = deleted if deleted.any() else None
        if self.approximate is None or k > MOST_APPROXIMATE:
            return exact_neighbours(self.base, queries, k, deleted)
        scores, rows = self.approximate.search(self.base, queries, k, deleted)
        short = np.isneginf(scores).any(axis=1)  # the lists that were looked through held fewer than k
        if short.any():
            sure = exact_neighbours(self.base, queries[short], k, deleted)
            width = sure[0].shape[1]
            scores, rows = scores.copy(), rows.copy()
            scores[short, :width], rows[short, :width] = sure
        return scores, rows

    def vectors_of(self, rows) -> np.ndarray:
        """Float32 [rows, dim]."""
        rows = np.asarray(rows, np.int64)
        found = np.empty((len(rows), self.base.shape[1]), np.float32)
        in_base = rows < len(self.base)
        found[in_base] = self.base[rows[in_base]]
        found[~in_base] = self.tail[rows[~in_base] - len(self.base)]
        return found

    def append(self, vectors: np.ndarray) -> None:
        """They get the next rows. An index that is exact stays so until it is settled."""
        if self.approximate is None:
            self.base = np.concatenate([self.base, vectors])
        else:
            self.tail = np.concatenate([self.tail, vectors])
        self.deleted = np.concatenate([self.deleted, np.zeros(len(vectors), bool)])

    def delete(self, rows: Iterable[int]) -> None:
        self.deleted[list(rows)] = True

    @property
    def unsettled(self) -> bool:
        """Whether so much has changed that the answers come late."""
        if self.approximate is None:
            return len(self) >= EXACT_BELOW and faiss_or_none() is not None
        return len(self.tail) + self.deleted.sum() > REBUILT_FROM * len(self.base)

    def settled(self) -> Neighbours:
        """The same vectors without those deleted, numbered anew, in an index built for them."""
        return Neighbours.build(self.vectors_of(np.flatnonzero(~self.deleted)))
