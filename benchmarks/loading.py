"""How fast pictures become batches: one file after another, as usual, and as this package does it.

    python benchmarks/loading.py --json loading.json
    python benchmarks/loading.py --images FOLDER      # real photographs instead of the made ones
    python benchmarks/loading.py --rows 100000        # also: memory with so many rows (15 GB of disk, minutes)

All ways are measured in one run, in turns, on the same files: at least 2,000 JPEGs of 256 to 400 pixels, read at 224.
The files are made: fractal noise with grain, as many bits a pixel as aerial photographs have; their content means
nothing, their decoding costs what a photograph's does.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from rsclip_lab.data import Augmentation, PixelStore, image_facts, normalise
from rsclip_lab.data.store import margin_size
from rsclip_lab.environment import progress, select_device

SIZE, BATCH = 224, 64
QUALITY = 85
CONFIG = PreprocessCfg(size=SIZE)


def make_photographs(count: int, folder: Path) -> list[Path]:
    """JPEGs of 256 to 400 pixels a side: fractal noise, whose detail falls with frequency as a photograph's does."""
    random = np.random.default_rng(0)
    grounds = [fractal_noise(512, random) for _ in range(12)]
    paths = [folder / f"{number:05}.jpg" for number in range(count)]
    for path in progress(paths, desc="make pictures"):
        height, width = random.integers(256, 401, 2)
        mixed = grounds[random.integers(12)] * 0.7 + np.rot90(grounds[random.integers(12)]) * 0.7
        top, left = random.integers(0, 512 - height), random.integers(0, 512 - width)
        values = mixed[top : top + height, left : left + width] * 45 + random.normal(0, 4, (height, width, 1)) + 110
        Image.fromarray(values.clip(0, 255).astype(np.uint8)).save(path, quality=QUALITY)
    return paths


def fractal_noise(side: int, random: np.random.Generator) -> np.ndarray:
    """[side, side, 3], mean 0, deviation 1: amplitude falls as 1 / frequency^1.2, colours mostly agree."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None, :])
    frequency[0, 0] = np.inf
    noise = np.fft.fft2(random.normal(size=(4, side, side)))
    common, *own = np.fft.ifft2(noise / frequency**1.2).real
    layers = np.stack([common / common.std() + 0.4 * layer / layer.std() for layer in own], axis=-1)
    return layers / layers.std()


class FileDataset(Dataset):
    """The usual way: each sample opens its file."""

    def __init__(self, paths: list[Path], transform: Callable):
        self.paths, self.transform = paths, transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        with Image.open(self.paths[index]) as image:
            return self.transform(image.convert("RGB"))


def from_files(paths: list[Path], workers: int, train: bool) -> Iterable[torch.Tensor]:
    dataset = FileDataset(paths, image_transform_v2(CONFIG, is_train=train))
    return DataLoader(dataset, batch_size=BATCH, shuffle=True, num_workers=workers)


def shuffled(count: int, seed: int = 0) -> list[np.ndarray]:
    order = np.random.default_rng(seed).permutation(count)
    return np.split(order, np.arange(BATCH, count, BATCH))


def gathered(store: PixelStore, device: torch.device) -> Iterator[torch.Tensor]:
    for rows in shuffled(len(store)):
        yield store.gather(rows, device)


def taken(store: PixelStore) -> Iterator[np.ndarray]:
    """A bare gather: what numpy alone needs to copy the same rows out of the same file."""
    for rows in shuffled(len(store)):
        yield np.take(store.pixels, store.rows[rows], axis=0)


def augmented(store: PixelStore) -> Iterator[torch.Tensor]:
    """As `finetune` makes its batches on a CPU: crops from the margin, turns, colours, float32 values."""
    generator = torch.Generator().manual_seed(0)
    for rows in shuffled(len(store)):
        pixels = store.gather(rows)
        drawn = Augmentation.drawn(len(pixels), generator)
        yield drawn.normalised(pixels, CONFIG.mean, CONFIG.std, SIZE)


def evaluated(store: PixelStore) -> Iterator[torch.Tensor]:
    for rows in shuffled(len(store)):
        yield normalise(store.gather(rows), CONFIG.mean, CONFIG.std)


def rate(batches: Iterable, count: int) -> float:
    """Pictures a second of one pass."""
    start = time.perf_counter()
    seen = sum(len(batch) for batch in batches)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    assert seen == count, f"{seen} pictures of {count}"
    return count / (time.perf_counter() - start)


def first_pass(paths: list[Path], size: int) -> float:
    """Decoding into a new folder, up to the last written byte."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        PixelStore.decode(paths, size, folder=folder)
        return len(paths) / (time.perf_counter() - start)


def measure(paths: list[Path], rounds: int, folder: Path) -> dict[str, float]:
    """Pictures a second of each way, the median of the rounds, in which they take turns."""
    count, device = len(paths), select_device()
    store = PixelStore.decode(paths, SIZE, folder=folder)
    margin = PixelStore.decode(paths, margin_size(paths, SIZE), folder=folder)
    ways = {
        "naive, 0 workers": lambda: rate(from_files(paths, 0, train=False), count),
        "naive, 2 workers": lambda: rate(from_files(paths, 2, train=False), count),
        "open_clip training transform, 2 workers": lambda: rate(from_files(paths, 2, train=True), count),
        f"first pass: decode to {SIZE} pixels": lambda: first_pass(paths, SIZE),
        f"bare gather from the {SIZE} pixel map": lambda: rate(taken(store), count),
        f"ours, uint8 to {device.type}": lambda: rate(gathered(store, device), count),
        "ours, normalised floats on the CPU": lambda: rate(evaluated(store), count),
        f"ours, augmented floats on the CPU, from {margin.image_size} pixels": lambda: rate(augmented(margin), count),
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(way())
    return {name: statistics.median(rates) for name, rates in found.items()}


def ratios(figures: dict[str, float]) -> dict[str, float]:
    def of(start: str) -> float:
        return next(figure for name, figure in figures.items() if name.startswith(start))

    naive = of("naive, 2")
    return {
        "ours_vs_naive": of("ours, uint8") / naive,
        "ours_vs_gather": of("ours, uint8") / of("bare gather"),
        "floats_vs_naive": of("ours, augmented floats") / naive,
        "first_pass_vs_naive": of("first pass") / naive,
    }


def anonymous_memory() -> float:
    """MB of this process that are no part of a file (RssAnon), Linux only."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


def memory_of_a_pass(table: Path, folder: Path) -> None:
    """Print the anonymous memory before, and the most of it during, opening a map and one pass over it."""
    paths = table.read_text().splitlines()
    augmented_one = Augmentation.drawn(BATCH, torch.Generator().manual_seed(0))
    augmented_one.normalised(torch.zeros(BATCH, 3, SIZE, SIZE, dtype=torch.uint8), CONFIG.mean, CONFIG.std)
    before = anonymous_memory()
    store = PixelStore.decode(paths, SIZE, folder=folder)
    most = anonymous_memory()
    for _ in augmented(store):
        most = max(most, anonymous_memory())
    print(json.dumps({"rows": len(store), "before": before, "most": most}))


def compare_memory(paths: list[Path], rows: int, folder: Path) -> dict[str, float]:
    """Growth of anonymous memory with the set as it is and with `rows` rows, each in a process of its own."""
    (folder / "links").mkdir()
    many = []
    for number in progress(range(rows), desc="link"):
        many.append(folder / "links" / f"{number:06}.jpg")
        os.link(paths[number % len(paths)], many[-1])
    found = {}
    for some in (many[: len(paths)], many):
        table = folder / "table.txt"
        table.write_text("\n".join(map(str, some)))
        PixelStore.decode(some, SIZE, folder=folder / "map")
        command = [sys.executable, __file__, "--memory-of", table, "--folder", folder / "map"]
        said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        found[f"RssAnon with {said['rows']} rows, MB"] = said["most"]
        found[f"growth of RssAnon with {said['rows']} rows, MB"] = said["most"] - said["before"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="pictures to make (default 2000)")
    parser.add_argument("--images", type=Path, help="a folder of JPEGs to read instead")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of which the median is taken (default 5)")
    parser.add_argument("--rows", type=int, help="compare the memory with a set of so many rows")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--json", type=Path, help="write figures and ratios there")
    parser.add_argument("--memory-of", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.memory_of:
        return memory_of_a_pass(chosen.memory_of, chosen.folder)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as work:
        run(chosen, Path(work))


def run(chosen: argparse.Namespace, folder: Path) -> None:
    paths = sorted(chosen.images.glob("*.jpg")) if chosen.images else make_photographs(chosen.count, folder)
    sizes = [image_facts(path) for path in paths[:200]]
    bits = 8 * sum(path.stat().st_size for path in paths[:200]) / sum(size.width * size.height for size in sizes)
    print(f"{len(paths)} pictures, {bits:.1f} bits a pixel, {torch.get_num_threads()} threads, {select_device()}")
    figures = measure(paths, chosen.rounds, folder)
    for name, figure in figures.items():
        print(f"{name:60}{figure:10,.0f} pictures/s")
    shares = ratios(figures)
    for name, share in shares.items():
        print(f"{name:60}{share:10.2f}")
    if chosen.rows:
        memory = compare_memory(paths, chosen.rows, folder)
        for name, megabytes in memory.items():
            print(f"{name:60}{megabytes:10.0f}")
        figures |= memory
    if chosen.json:
        chosen.json.write_text(json.dumps({"figures": figures, "ratios": shares}, indent=2) + "\n")


if __name__ == "__main__":
    main()
