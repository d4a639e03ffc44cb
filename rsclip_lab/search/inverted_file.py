"""Approximate neighbours through faiss: vectors in lists by their nearest centre, of which a query reads the nearest.

The lists hold 8-bit codes (as in Jégou et al., 2011, but one for each component, all on one scale); the candidates
that they give are compared again with the vectors themselves, so that scores are exact. Queries that are texts lie
far from all pictures, and the lists next to them say less. So lists are read in the order of the best cosine that may
be expected in each, which a large and wide list promises more of, and how many to read is tried out on both kinds of
queries.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from types import ModuleType

import numpy as np

from rsclip_lab.data.disk import FULL
from rsclip_lab.environment import progress
from rsclip_lab.search.exact import exact_neighbours
from rsclip_lab.search.faiss_file import read_checked

LISTS = 8  # times the root of the number of vectors
TRAINED_ON, ROUNDS = 12, 5  # vectors a centre, and rounds of k-means
HELD_OUT, NEAREST = 200, 10  # queries of each kind to tune on, and neighbours of theirs
WANTED = 0.97  # recall on them, above the 0.95 that is promised for others
FIRST, MORE = 4, 1.2  # lists that are tried, and the factor to the next number of them
IMAGE_NOISE, TEXT_COSINE = 0.3, 0.3
ADDED = 1 << 16  # vectors at a time
KINDS = ("image-like", "text-like")


def faiss_or_none() -> ModuleType | None:
    try:
        import faiss
    except ImportError:
        return None
    return faiss


class InvertedFile:
    """A faiss index over vectors that are kept elsewhere.

    lists_read: of all lists, the number a query reads for its ten nearest. recall: {"image-like": …, "text-like": …},
    recall@10 on the queries it was tuned on.
    """

    def __init__(self, index, lists_read: int, recall: dict[str, float]):
        self.index, self.lists_read, self.recall = index, lists_read, recall
        self.means = index.quantizer.reconstruct_n(0, index.nlist)
        sizes = np.array([index.invlists.list_size(number) for number in range(index.nlist)])
        # The best of n normal values is about √(2 ln n) deviations above their mean; of unit vectors with mean m,
        # the variance in a direction is (1 − |m|²) / dim on average.
        variance = (1 - np.square(self.means).sum(axis=1)).clip(0) / index.d
        self.spread = np.sqrt(variance * 2 * np.log(np.maximum(sizes, 1))).astype(np.float32)

    @classmethod
    def build(cls, vectors: np.ndarray, seed: int = 0) -> InvertedFile:
        """vectors: unit float32 [n, dim]. Memory: a quarter of theirs. Two cores take some seconds for
        100,000 of 512 and two minutes for a million."""
        index = _trained(vectors, seed)
        for first in progress(range(0, len(vectors), ADDED), desc="adding to the index"):
            index.add(np.ascontiguousarray(vectors[first : first + ADDED]))
        _put_means(index, vectors)
        built = cls(index, index.nlist, {})
        built.tune(vectors, seed)
        return built

    @classmethod
    def read(cls, path: Path, count: int, dim: int, lists_read: int, recall: dict[str, float]) -> InvertedFile:
        """Raises ValueError for a file that is not of so many vectors. Its hash is for the caller to check."""
        index = read_checked(faiss_or_none(), path, count, dim)
        if not 1 <= lists_read <= index.nlist:
            raise ValueError(f"{path} is not the index of {count} vectors of {dim}; build it again")
        return cls(index, lists_read, recall)

    def write(self, path: Path) -> None:
        """Raises OSError when the disk is full, which faiss says in words only."""
        try:
            faiss_or_none().write_index(self.index, str(path))
        except RuntimeError as error:
            if number := next((number for number in FULL if os.strerror(number) in str(error)), None):
                raise OSError(number, os.strerror(number)) from None
            raise

    def search(self, vectors: np.ndarray, queries: np.ndarray, k: int, left_out: np.ndarray | None = None):
        """As `exact_neighbours`, nearly; where fewer than k were found, the score is -inf and the row -1."""
        # More neighbours lie in more lists.
        lists = min(self.index.nlist, math.ceil(self.lists_read * math.sqrt(max(1, k / NEAREST))))
        return self._search(vectors, queries, k, lists, left_out)

    def _search(self, vectors, queries, k, lists, left_out=None):
        faiss = faiss_or_none()
        options = faiss.SearchParametersIVF(nprobe=lists)
        if left_out is not None:
            options.sel = bits = faiss.IDSelectorBitmap(np.packbits(~left_out, bitorder="little"))
        # Threads share many queries. A single one has one thread: on a busy machine several wait for each other.
        self.index.parallel_mode = 3 if len(queries) > 1 else 0
        # A score from 8 bits is off by some thousandths: the true ones are among a few more candidates.
        candidates = self._read_lists(np.ascontiguousarray(queries), 4 * k + 60, lists, options)
        if left_out is not None:
            del bits  # faiss does not hold it
        scores, rows = np.full((len(queries), k), -np.inf, np.float32), np.full((len(queries), k), -1)
        for place, (query, near) in enumerate(zip(queries, candidates, strict=True)):
            near = near[near >= 0]
            cosines = np.einsum("ij,j->i", vectors[near], query)  # too few for the threads that a product starts
            best = np.lexsort((near, -cosines))[:k]
            scores[place, : len(best)], rows[place, : len(best)] = cosines[best], near[best]
        return scores, rows

    def _read_lists(self, queries, count, lists, options) -> np.ndarray:
        """Rows [queries, count] of the best codes in the lists that promise most; -1 where there are fewer."""
        faiss = faiss_or_none()
        # A single query is no product of matrices, whose threads would wait for each other, too.
        means = np.einsum("ij,j->i", self.means, queries[0])[None] if len(queries) == 1 else queries @ self.means.T
        promise = means + self.spread
        chosen = np.argpartition(-promise, lists - 1, axis=1)[:, :lists]
        chosen, promise = np.ascontiguousarray(chosen), np.take_along_axis(promise, chosen, axis=1)
        scores, rows = np.empty((len(queries), count), np.float32), np.empty((len(queries), count), np.int64)
        arrays = map(faiss.swig_ptr, (chosen, promise, scores, rows))
        self.index.search_preassigned_c(len(queries), faiss.swig_ptr(queries), count, *arrays, False, options)
        return rows

    def tune(self, vectors: np.ndarray, seed: int = 0) -> None:
        """Read as few lists as give the wanted recall on both kinds of queries."""
        queries = simulated_queries(vectors, HELD_OUT, seed)
        truth = {kind: exact_neighbours(vectors, asked, NEAREST)[1] for kind, asked in queries.items()}
        lists = min(FIRST, self.index.nlist)
        for kind, asked in progress(queries.items(), desc="tuning on queries"):
            while True:
                found = recall(self._search(vectors, asked, NEAREST, lists)[1], truth[kind])
                if found >= WANTED or lists == self.index.nlist:
                    break
                lists = min(self.index.nlist, math.ceil(lists * MORE))
            self.recall[kind] = found  # at least: what the next kind needs is read for this one, too
        self.lists_read = lists


def _trained(vectors: np.ndarray, seed: int):
    faiss = faiss_or_none()
    count, dim = vectors.shape
    lists = min(2 ** round(math.log2(LISTS * math.sqrt(count))), max(1, count // TRAINED_ON))
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dim), dim, lists, faiss.ScalarQuantizer.QT_8bit_uniform, faiss.METRIC_INNER_PRODUCT, False
    )
    index.cp.niter, index.cp.seed, index.cp.spherical = ROUNDS, seed + 1, True
    index.cp.max_points_per_centroid = index.cp.min_points_per_centroid = TRAINED_ON
    size = min(count, TRAINED_ON * lists)
    rows = np.sort(np.random.default_rng(seed).choice(count, size, replace=False))
    with progress(total=1, desc=f"grouping into {lists} lists"):
        index.train(np.ascontiguousarray(vectors[rows]))
    return index


def _put_means(index, vectors: np.ndarray) -> None:
    """In place of the centres by which the vectors were put into lists, the means of the lists."""
    faiss = faiss_or_none()
    means = index.quantizer.reconstruct_n(0, index.nlist)
    for number in range(index.nlist):
        if size := index.invlists.list_size(number):
            rows = faiss.rev_swig_ptr(index.invlists.get_ids(number), size)
            means[number] = vectors[np.sort(rows)].mean(axis=0)
    index.quantizer.reset()
    index.quantizer.add(means)


def simulated_queries(vectors: np.ndarray, count: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Unit queries [count, dim] of both kinds, around stored vectors drawn at random.

    image-like: beside its vector, at cosine 0.96. text-like: at cosine 0.3 to its vector and otherwise in a random
    direction, as far as CLIP's texts are from their pictures (Liang et al., 2022, call it the modality gap).
    """
    random = np.random.default_rng([seed, 1])
    targets = vectors[np.sort(random.choice(len(vectors), min(count, len(vectors)), replace=False))]
    noise = _unit(random.standard_normal(targets.shape, dtype=np.float32))
    across = _unit(noise - (noise * targets).sum(axis=1, keepdims=True) * targets)
    queries = targets + IMAGE_NOISE * across, TEXT_COSINE * targets + math.sqrt(1 - TEXT_COSINE**2) * across
    return dict(zip(KINDS, map(_unit, queries), strict=True))


def recall(found: np.ndarray, truth: np.ndarray) -> float:
    """The share of the true neighbours [queries, k] that are among those found."""
    return float(np.mean([len({*one} & {*other}) / len(other) for one, other in zip(found, truth, strict=True)]))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
