"""How long a full-size file of weights takes to become a model, and how much memory at most.

    python benchmarks/weights.py --json weights.json

The file is an RN50's state dict as `torch.save` writes it, which is how RemoteCLIP's are kept (408 MB; the weights
are random, their number and types are not). Ways take turns, each time in a process of its own, so that its peak
memory is its own; importing is not timed, and the file is in the page cache for all. The whole process holds torch
and its libraries before it reads a byte (830 MB with a CUDA build), so growth is shown beside the peak.
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
from torch import nn

import rsclip_lab as lab
from rsclip_lab.environment import progress
from rsclip_lab.models.architecture import build_network
from rsclip_lab.models.configuration import architecture_named
from rsclip_lab.models.weights import sha256_of


def make(path: Path) -> None:
    torch.save(build_network(architecture_named("RN50-quickgelu")).state_dict(), path)


def bare(path: Path) -> Callable[[], nn.Module]:
    """What torch alone needs, with a network that is already there: no check, no hash, no tokenizer."""
    net = build_network(architecture_named("RN50-quickgelu"))

    def load() -> nn.Module:
        net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        return net

    return load


def ours(path: Path) -> Callable[[], nn.Module]:
    load_model = lab.load_model  # which imports what it needs
    return lambda: load_model(path, architecture="RN50", quick_gelu=True, device="cpu").net


WAYS = {"bare": bare, "ours": ours}


def measure(way: str, path: Path) -> dict[str, float]:
    """Seconds of one load, most memory of this process before it and with it in MB, and the sum of all weights."""
    load = WAYS[way](path)
    before, start = peak_memory(), time.perf_counter()
    net = load()
    seconds, peak = time.perf_counter() - start, peak_memory()
    total = sum(value.double().sum().item() for value in net.state_dict().values())
    return {"seconds": seconds, "before": before, "peak": peak, "sum": total}


def peak_memory() -> float:
    """The largest resident memory of this process so far, shared libraries and mapped files included, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def in_a_process(*arguments: object) -> str:
    command = [sys.executable, __file__, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def compare(path: Path, rounds: int) -> dict[str, float]:
    """Figures of both ways: the median time and the largest memory of the rounds."""
    found: dict[str, list[dict]] = {way: [] for way in WAYS}
    for way in progress([*WAYS] * rounds, desc="load"):
        found[way].append(json.loads(in_a_process("--way", way, "--file", path)))
    assert len({one["sum"] for several in found.values() for one in several}) == 1, "the ways gave other weights"
    figures = {f"{way}, s": statistics.median(one["seconds"] for one in found[way]) for way in WAYS}
    for way in WAYS:
        figures[f"{way}, peak memory, MB"] = max(one["peak"] for one in found[way])
        figures[f"{way}, growth while loading, MB"] = max(one["peak"] - one["before"] for one in found[way])
    return figures


def run(rounds: int, folder: Path) -> dict[str, dict[str, float]]:
    path = folder / "RemoteCLIP-RN50.pt"
    in_a_process("--make", "--file", path)
    start = time.perf_counter()
    sha256_of(path)  # which also brings the file into the page cache
    figures = {"file, MB": path.stat().st_size / 1e6, "its sha256 alone, s": time.perf_counter() - start}
    figures |= compare(path, rounds)
    ratios = {
        "time_vs_bare": figures["ours, s"] / figures["bare, s"],
        "growth_vs_file": figures["ours, growth while loading, MB"] / figures["file, MB"],
        "peak_memory_vs_file": figures["ours, peak memory, MB"] / figures["file, MB"],
        "peak_memory_vs_bare": figures["ours, peak memory, MB"] / figures["bare, peak memory, MB"],
    }
    return {"figures": figures, "ratios": ratios}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of which the median is taken (default 5)")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--json", type=Path, help="write figures and ratios there")
    parser.add_argument("--make", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.make:
        return make(chosen.file)
    if chosen.way:
        return print(json.dumps(measure(chosen.way, chosen.file)))
    print(f"{torch.get_num_threads()} threads of {os.cpu_count()} cores, torch {torch.__version__}")
    with tempfile.TemporaryDirectory(dir=chosen.folder) as work:
        found = run(chosen.rounds, Path(work))
    for name, figure in [*found["figures"].items(), *found["ratios"].items()]:
        print(f"{name:40}{figure:12,.2f}")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
