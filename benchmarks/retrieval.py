"""How fast, and in how much memory, retrieval is measured: this package's beside CLIP_benchmark's.

    python benchmarks/retrieval.py --json retrieval.json
    python benchmarks/retrieval.py --rows 100000          # 100,000 images x 500,000 captions, ours alone
    python benchmarks/retrieval.py --rows 100000 --dim 64 # the same with shorter vectors, in less time

RSICD's test split in numbers: 1,093 images with five captions each, clustered random unit vectors of 512 values on
the CPU. CLIP_benchmark's metric is what its `zeroshot_retrieval.evaluate` does with features: all scores, the matrix
of right pairs, and `recall_at_k` by `batchify` for each k and direction, in batches of 64, its default. Both give
R@1, R@5 and R@10 both ways, and must agree within 1e-6. For the time they take turns in one process; for the memory
each has processes of its own, and what counts is by how much the peak grows above libraries and features.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F

from rsclip_lab.environment import progress
from rsclip_lab.evaluation import retrieval_recall

KS = (1, 5, 10)
IMAGES, CAPTIONS, DIM = 1093, 5, 512
BATCH = 64  # CLIP_benchmark's default
LIMIT = 1e-6  # a recall may differ by
MEMORY_ROUNDS = 3

Pairs = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # image features, text features, image of each text


def make_pairs(images: int, dim: int, seed: int = 0) -> Pairs:
    """Images around the centres of kinds, captions around their images, as far off as makes some of them wrong."""
    random = torch.Generator().manual_seed(seed)

    def directions(rows: int) -> torch.Tensor:
        return F.normalize(torch.randn(rows, dim, generator=random), dim=-1)

    kinds = directions(30)[torch.randint(30, (images,), generator=random)]
    image_features = F.normalize(kinds + directions(images), dim=-1)
    image_of_text = torch.arange(images).repeat_interleave(CAPTIONS)
    off = 6 * (dim / DIM) ** 0.5
    text_features = directions(len(image_of_text)).mul_(off).add_(image_features[image_of_text])
    return image_features, F.normalize(text_features, dim=-1, out=text_features), image_of_text


def clip_benchmark(images: torch.Tensor, texts: torch.Tensor, image_of_text: torch.Tensor) -> dict:
    """The metric part of `clip_benchmark.metrics.zeroshot_retrieval.evaluate`."""
    from clip_benchmark.metrics.zeroshot_retrieval import batchify, recall_at_k

    scores = texts @ images.t()
    right = torch.zeros_like(scores, dtype=bool)
    right[torch.arange(len(scores)), image_of_text] = True
    ways = {"image_to_text": (scores.T, right.T), "text_to_image": (scores, right)}
    return {
        way: {k: (batchify(recall_at_k, *both, BATCH, "cpu", k=k) > 0).float().mean().item() for k in KS}
        for way, both in ways.items()
    }


def ours(images: torch.Tensor, texts: torch.Tensor, image_of_text: torch.Tensor) -> dict:
    return retrieval_recall(images, texts, image_of_text, KS)


WAYS: dict[str, Callable] = {"CLIP_benchmark": clip_benchmark, "ours": ours}


def difference(one: dict, other: dict) -> float:
    return max(abs(one[way][k] - other[way][k]) for way in ("image_to_text", "text_to_image") for k in KS)


def timed(pairs: Pairs, rounds: int) -> dict[str, float]:
    """Seconds of each way, the median of rounds in turns after one to warm up, and how they differ."""
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in progress(range(rounds + 1), desc="timing"):
        found = {}
        for way, measure in WAYS.items():
            start = time.perf_counter()
            found[way] = measure(*pairs)
            seconds[way].append(time.perf_counter() - start)
    figures = {f"{way}, ms": 1000 * statistics.median(several[1:]) for way, several in seconds.items()}
    figures["text to image R@1, %"] = 100 * found["ours"]["text_to_image"][1]
    figures["image to text R@1, %"] = 100 * found["ours"]["image_to_text"][1]
    figures["largest difference of a recall"] = difference(*found.values())
    assert figures["largest difference of a recall"] < LIMIT, f"they disagree: {found}"
    return figures


def grown(way: str, path: Path) -> dict[str, float]:
    """MB by which this process grows at most, and seconds that it takes, once the features are in memory."""
    WAYS[way](*make_pairs(20, 16))  # what libraries set up at first use is not the metric's
    pairs = torch.load(path)
    before, start = fresh_peak(), time.perf_counter()
    WAYS[way](*pairs)
    return {"MB": peak() - before, "seconds": time.perf_counter() - start}


def peak() -> float:
    """The largest resident memory of this process so far, in MB: since `fresh_peak` where the system is Linux."""
    unit = 1 if sys.platform == "darwin" else 1024
    if not Path("/proc/self/status").is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * unit / 1e6 for line in lines if line.startswith("VmHWM"))


def fresh_peak() -> float:
    """`peak` after the system was asked to forget the former one."""
    if Path("/proc/self/clear_refs").is_file():
        Path("/proc/self/clear_refs").write_text("5")
    return peak()


def memory(pairs: Pairs, rounds: int, ways: list[str]) -> dict[str, list[dict]]:
    """What `grown` finds in processes of their own, a list a way."""
    found: dict[str, list[dict]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.pt"
        torch.save(pairs, path)
        for way in progress(ways * rounds, desc="memory"):
            command = [sys.executable, __file__, "--way", way, "--file", str(path)]
            found[way].append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
    return found


def compare(images: int, dim: int, rounds: int) -> dict[str, dict[str, float]]:
    pairs = make_pairs(images, dim)
    figures = timed(pairs, rounds)
    for way, several in memory(pairs, MEMORY_ROUNDS, [*WAYS]).items():
        figures[f"{way}, growth, MB"] = statistics.median(one["MB"] for one in several)
    ratios = {
        "speed_vs_clip_benchmark": figures["CLIP_benchmark, ms"] / figures["ours, ms"],
        "memory_vs_clip_benchmark": figures["ours, growth, MB"] / figures["CLIP_benchmark, growth, MB"],
    }
    return {"figures": figures, "ratios": ratios}


def large(images: int, dim: int) -> dict[str, dict[str, float]]:
    """Ours alone, once, at a size where the score matrix would not fit into memory."""
    pairs = make_pairs(images, dim)
    features = sum(part.nbytes for part in pairs) / 1e6
    found = memory(pairs, 1, ["ours"])["ours"][0]
    figures = {"images": images, "captions": CAPTIONS * images, "dimensions": dim, "features, MB": features}
    figures |= {"ours, s": found["seconds"], "ours, growth, MB": found["MB"]}
    return {"figures": figures | {"all scores would take, MB": 4 * CAPTIONS * images**2 / 1e6}, "ratios": {}}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21, help="rounds of which the median is taken (default 21)")
    parser.add_argument("--images", type=int, default=IMAGES, help="images of the comparison (default 1093)")
    parser.add_argument("--dim", type=int, default=DIM, help="length of a vector (default 512)")
    parser.add_argument("--rows", type=int, help="ours alone with so many images")
    parser.add_argument("--json", type=Path, help="write figures and ratios there")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.way:
        return print(json.dumps(grown(chosen.way, chosen.file)))
    print(f"{torch.get_num_threads()} threads of {os.cpu_count()} cores, torch {torch.__version__}")
    found = large(chosen.rows, chosen.dim) if chosen.rows else compare(chosen.images, chosen.dim, chosen.rounds)
    for name, figure in [*found["figures"].items(), *found["ratios"].items()]:
        print(f"{name:40}{figure:14,.2f}")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
