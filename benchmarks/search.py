"""How soon, and how surely, the ten nearest of many vectors are found.

    python benchmarks/search.py --json search.json          # 100,000 and a million; HNSW at a million takes minutes
    python benchmarks/search.py --sizes 100000 1000000 --hnsw-up-to 100000

Made unit vectors of 512, in clusters of 200 on average: each is a direction that all share (as CLIP's pictures do),
its cluster's, and its own, whose components fall off as 1/√place. Two kinds of queries, each around a stored vector:

    image-like   the vector turned by noise, at cosine 0.96 to it
    text-like    0.3 of the vector, and otherwise in directions that no picture has: two thirds of it one that all
                 texts share (the modality gap), the rest at random. The cosine to the vector is 0.3, to the best
                 match about that.

Exact is one product in torch and its ten largest. Ours is the index's own (`Neighbours.build`: inverted file with
8-bit codes, how many lists a query reads tuned while building, on queries that know nothing of the gap). HNSW is
faiss's with 16 links a vector. All of them find in turns, single queries, so that what else the machine does meets
them alike. Memory is what the process grows by while building; exact and ours need the vectors besides (ours mapped
from a file), HNSW has its own copy of them.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from rsclip_lab.environment import progress
from rsclip_lab.search.exact import exact_neighbours
from rsclip_lab.search.inverted_file import recall
from rsclip_lab.search.neighbours import Neighbours

DIM, CLUSTER, K = 512, 200, 10
LINKS, BUILD_EFFORT, EFFORTS = 16, 80, (64, 256)  # of HNSW
BLOCK = 20  # queries a way answers before the next way's turn
Search = Callable[[np.ndarray], np.ndarray]


def make(path: Path, count: int, seed: int = 0) -> np.ndarray:
    """Unit float32 [count, 512], mapped from a file."""
    random = np.random.default_rng(seed)
    fall = (np.arange(1, DIM + 1) ** -0.5).astype(np.float32)
    shared, centres = directions(random, 1), directions(random, max(10, count // CLUSTER), fall)
    vectors = np.lib.format.open_memmap(path, "w+", np.float32, (count, DIM))
    for first in progress(range(0, count, 50_000), desc="make vectors"):
        rows = vectors[first : first + 50_000]
        cluster = random.integers(0, len(centres), len(rows))
        rows[:] = unit(0.6 * shared + 0.55 * centres[cluster] + 0.55 * directions(random, len(rows), fall))
    vectors.flush()
    del vectors
    return np.load(path, mmap_mode="r").view(np.ndarray)


def queries_of(vectors: np.ndarray, count: int, seed: int = 1) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    targets = vectors[np.sort(random.choice(len(vectors), count, replace=False))]
    gap = directions(random, 1)
    away = unit((2 / 3) ** 0.5 * gap + (1 / 3) ** 0.5 * directions(random, count))
    away = unit(away - (away * targets).sum(axis=1, keepdims=True) * targets)
    image_like = unit(targets + 0.3 * directions(random, count))
    return {"image-like": image_like, "text-like": unit(0.3 * targets + 0.91**0.5 * away)}


def directions(random: np.random.Generator, count: int, scale: np.ndarray | float = 1.0) -> np.ndarray:
    return unit(random.standard_normal((count, DIM), dtype=np.float32) * scale)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def exact_way(vectors: np.ndarray) -> Search:
    held = torch.from_numpy(np.array(vectors))
    return lambda query: (held @ torch.from_numpy(query)).topk(K).indices.numpy()


def our_way(vectors: np.ndarray) -> tuple[Search, Neighbours]:
    neighbours = Neighbours.build(vectors)
    return lambda query: neighbours.search(query[None], K)[1][0], neighbours


def hnsw_way(vectors: np.ndarray):
    import faiss

    index = faiss.IndexHNSWFlat(DIM, LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = BUILD_EFFORT
    for first in progress(range(0, len(vectors), 10_000), desc="build HNSW"):
        index.add(vectors[first : first + 10_000])

    def with_effort(effort: int) -> Search:
        options = faiss.SearchParametersHNSW(efSearch=effort)
        return lambda query: index.search(query[None], K, params=options)[1][0]

    return with_effort


def resident() -> float:
    """Anonymous memory of this process now, in MB: without the pages of mapped files."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) * 1024 / 1e6


def measured(build: Callable) -> tuple[object, dict[str, float]]:
    before, start = resident(), time.perf_counter()
    built = build()
    return built, {"build_s": time.perf_counter() - start, "memory_mb": resident() - before}


def race(ways: dict[str, Search], queries: dict[str, np.ndarray], truth: dict[str, np.ndarray]) -> dict[str, float]:
    """recall_at_10 (exact ties aside), p50_ms and p99_ms of each way and kind of query."""
    figures = {}
    for kind, asked in queries.items():
        seconds, found = {way: [] for way in ways}, {way: [] for way in ways}
        for first in progress(range(0, len(asked), BLOCK), desc=f"search, {kind}"):
            for way, search in ways.items():
                for query in asked[first : first + BLOCK]:
                    start = time.perf_counter()
                    found[way].append(search(query))
                    seconds[way].append(time.perf_counter() - start)
        for way in ways:
            figures[f"{way}, {kind}, recall_at_10"] = recall(found[way], truth[kind])
            for percent in (50, 99):
                figures[f"{way}, {kind}, p{percent}_ms"] = 1e3 * float(np.percentile(seconds[way], percent))
    return figures


def compare(count: int, folder: Path, asked: int, with_hnsw: bool) -> dict[str, float]:
    vectors = make(folder / f"{count}.npy", count)
    queries = queries_of(vectors, asked)
    nearest = {kind: exact_neighbours(vectors, several, K) for kind, several in queries.items()}
    best = {kind: float(scores[:, 0].mean()) for kind, (scores, _) in nearest.items()}
    figures = {f"cosine to the best match, {kind}": cosine for kind, cosine in best.items()}
    ways: dict[str, Search] = {"exact": exact_way(vectors)}
    (ways["ours"], neighbours), cost = measured(lambda: our_way(vectors))
    figures |= {f"ours, {name}": value for name, value in cost.items()}
    if neighbours.approximate:
        figures["ours, lists"] = neighbours.approximate.index.nlist
        figures["ours, lists read"] = neighbours.approximate.lists_read
    if with_hnsw:
        with_effort, cost = measured(lambda: hnsw_way(vectors))
        figures |= {f"HNSW, {name}": value for name, value in cost.items()}
        ways |= {f"HNSW ({effort})": with_effort(effort) for effort in EFFORTS}
    figures |= race(ways, queries, {kind: rows for kind, (_, rows) in nearest.items()})
    (folder / f"{count}.npy").unlink()
    return figures


def run(sizes: list[int], folder: Path, asked: int, hnsw_up_to: int) -> dict[str, dict[str, float]]:
    figures, ratios = {}, {}
    for count in sizes:
        found = compare(count, folder, asked, count <= hnsw_up_to)
        figures |= (named := {f"{count:,}, {name}": value for name, value in found.items()})
        show(named)
        kinds = ("image-like", "text-like")
        speedups = [found[f"exact, {kind}, p50_ms"] / found[f"ours, {kind}, p50_ms"] for kind in kinds]
        ratios[f"ours_vs_exact, {count:,}"] = min(speedups)
        ratios["ours_vs_exact"] = min(speedups)  # of the largest, which comes last
    return {"figures": figures, "ratios": ratios}


def show(figures: dict[str, float]) -> None:
    for name, figure in figures.items():
        print(f"{name:50}{figure:12,.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000], help="vectors, the most last")
    parser.add_argument("--queries", type=int, default=200, help="of each kind (default 200)")
    parser.add_argument("--hnsw-up-to", type=int, default=1_000_000, help="vectors that HNSW is built for")
    parser.add_argument("--folder", type=Path, help="where to work: 2 GB for a million (default: a temporary folder)")
    parser.add_argument("--json", type=Path, help="write figures and ratios there")
    chosen = parser.parse_args()
    print(f"{torch.get_num_threads()} threads of {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(dir=chosen.folder) as work:
        found = run(sorted(chosen.sizes), Path(work), chosen.queries, chosen.hnsw_up_to)
    show(found["ratios"])
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
