"""How fast a fine-tuning goes: beside open_clip's own training program, and beside the bare step.

    python benchmarks/training.py --json training.json
    python benchmarks/training.py --images FOLDER      # real photographs for the networks that are trained on a GPU
    python benchmarks/training.py --choices            # also: memory layout and torch.compile, on and off
    python benchmarks/training.py --smoke              # all of it on a toy, to see that it runs; figures mean nothing

On the CPU `tiny` is trained on the embedded sample's pictures (JPEGs of 128 pixels); with a GPU also ViT-B-32 and
RN50 (random weights) at 224 pixels in batches of 256, and once in batches of 1024 with 15 GiB. Both programs have the
same network, files, captions, batch size, number format, optimizer and epochs, and take turns in one process. All
is counted from the table to the last step: checking, decoding, tokenising, and for open_clip_train the start of its
workers, whose number is the best of those tried. What differs: open_clip_train opens, crops (at least 0.9 of the
area) and normalises each picture in each epoch, and encodes each caption of a batch to 77 tokens; ours decodes once,
crops (at least 0.6), turns and recolours whole batches, encodes each distinct caption of a batch once, cut to the
longest, and measures each step for its history.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from loading import make_photographs
from training_peer import OpenClipTrain
from training_steps import Clock, beside_memory, caption_table, choices, taken_in_turns

import rsclip_lab as lab
from rsclip_lab.data import distinct_images
from rsclip_lab.environment import select_precision, usable_cores
from rsclip_lab.models import Clip, new_clip
from rsclip_lab.models.configuration import architecture_named
from rsclip_lab.training import FinetuneConfig, finetune

FEW = 16  # captions, where they are not all distinct
LARGE, CHUNK, CARD = 1024, 128, 15 * 2**30  # an effective batch, its chunks, and the bytes they are to fit into
TOY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 1, "layers": 1},
}


def with_ours(clip: Clip, table: pd.DataFrame, config: FinetuneConfig) -> list[float]:
    """Seconds of each epoch of `finetune`, the first with all that stands before it."""
    clock = Clock(time.perf_counter())
    finetune(clip, table, config, callbacks=[clock], progress=False)
    return clock.epochs


def beside_the_peer(clip: Clip, paths: list, config: FinetuneConfig, rounds: int, folder: Path) -> dict[str, float]:
    """Pictures a second of both programs, with all captions distinct and with few: the median of the rounds."""
    peer = OpenClipTrain(clip, config, folder)
    workers = fastest_workers(peer, caption_table(paths, len(paths)))
    ways: dict[str, Callable[[], list[float]]] = {}
    for name, count in (("distinct", len(paths)), (FEW, FEW)):
        table = caption_table(paths, count)
        theirs = partial(peer.train, table, workers, config.epochs)
        ways[f"open_clip_train, {workers} workers, {name} captions"] = theirs
        ways[f"ours, {name} captions"] = partial(with_ours, clip, table, config)
    return taken_in_turns(ways, rounds, len(paths))


def fastest_workers(peer: OpenClipTrain, table: pd.DataFrame) -> int:
    """Of those that could be best here, by the second of two epochs; which also warms the machine up."""
    cores = usable_cores()
    return min({0, 1, cores // 2, cores}, key=lambda workers: peer.train(table, workers, epochs=2)[-1])


def large_batch(clip: Clip, paths: list, size: int, chunk: int) -> dict[str, float]:
    """The most memory of two steps of a batch taken in chunks, on a GPU that has no more than `CARD` for them."""
    config = FinetuneConfig(epochs=2, batch_size=size, chunk_size=chunk, collapse_alarm=1.0).resolved(clip)
    on_gpu = clip.device.type == "cuda"
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        torch.cuda.set_per_process_memory_fraction(CARD / torch.cuda.get_device_properties(clip.device).total_memory)
    run = finetune(clip, caption_table(paths[:size], size), config, progress=False)
    figures = {f"batch of {size} in chunks of {chunk}": run.history["samples_per_second"].iloc[-1]}
    if on_gpu:
        torch.cuda.set_per_process_memory_fraction(1.0)
        figures[f"batch of {size} in chunks of {chunk}, GiB at most"] = torch.cuda.max_memory_reserved() / 2**30
    return figures


def ratios(figures: dict[str, float]) -> dict[str, float]:
    def ours_to_theirs(end: str) -> float:
        ours, theirs = (
            next(rate for name, rate in figures.items() if name.startswith(who) and name.endswith(end))
            for who in ("ours", "open_clip_train")
        )
        return ours / theirs

    return {
        "ours_vs_open_clip_train": ours_to_theirs("distinct captions"),
        f"ours_vs_open_clip_train_{FEW}_captions": ours_to_theirs(f"{FEW} captions"),
        "ours_vs_open_clip_train_later_epochs": ours_to_theirs("distinct captions, after the first epoch"),
    }


def compare(clip: Clip, paths: list, config: FinetuneConfig, rounds: int, folder: Path) -> dict[str, dict]:
    paths = paths[: len(paths) // config.batch_size * config.batch_size]  # open_clip_train leaves the rest out
    config = replace(config, collapse_alarm=1.0).resolved(clip)  # made captions teach nothing
    figures = beside_the_peer(clip, paths, config, rounds, folder)
    shares = ratios(figures)
    steps, shares["fed_vs_memory"] = beside_memory(clip, paths, config)
    return {"figures": figures | steps, "ratios": shares}


def toy_run(paths: list, folder: Path) -> dict[str, dict]:
    toy = new_clip(TOY, name="toy")
    found = compare(toy, paths, FinetuneConfig(epochs=2, batch_size=8), rounds=1, folder=folder)
    found["figures"] |= large_batch(toy, paths, size=16, chunk=4)
    return found


def gpu_runs(chosen: argparse.Namespace, folder: Path) -> dict[str, dict]:
    """ViT-B-32 and RN50; the names of their figures and ratios begin with theirs."""
    paths = sorted(chosen.images.glob("*.jpg")) if chosen.images else make_photographs(4 * LARGE, folder)
    found: dict[str, dict] = {"figures": {}, "ratios": {}}
    for name in ("ViT-B-32", "RN50"):
        clip = new_clip(architecture_named(name), name=name).to("cuda")
        compared = compare(clip, paths, FinetuneConfig(epochs=chosen.epochs, batch_size=256), chosen.rounds, folder)
        compared["figures"] |= large_batch(clip, paths, LARGE, CHUNK)
        for kind, values in compared.items():
            found[kind] |= {f"{name}: {what}": value for what, value in values.items()}
    return found


def run(chosen: argparse.Namespace, folder: Path) -> dict[str, dict]:
    paths = distinct_images(lab.sample("coast", "train"))["image"].tolist()
    if chosen.smoke:
        return toy_run(paths[: FEW + 8], folder)
    tiny, config = lab.load_model("tiny", device="cpu"), FinetuneConfig(epochs=chosen.epochs, batch_size=chosen.batch)
    found = compare(tiny, paths, config, chosen.rounds, folder)
    if chosen.choices:
        found["figures"] |= choices(tiny, paths, config.resolved(tiny), chosen.rounds)
    if torch.cuda.is_available():
        of_gpu = gpu_runs(chosen, folder)
        found = {kind: values | of_gpu[kind] for kind, values in found.items()}
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=4, help="of each run (default 4)")
    parser.add_argument("--batch", type=int, default=32, help="pictures a step, for `tiny` (default 32)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of which the median is taken (default 3)")
    parser.add_argument("--images", type=Path, help="a folder of at least 1,024 JPEGs to read on a GPU")
    parser.add_argument("--choices", action="store_true", help="also measure memory layout and torch.compile")
    parser.add_argument("--smoke", action="store_true", help="a toy instead, in seconds")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--json", type=Path, help="write figures and ratios there")
    chosen = parser.parse_args(arguments)
    logging.disable(logging.WARNING)  # open_clip's, that a network begins with random weights
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, {select_precision('cpu').reason}")
    with tempfile.TemporaryDirectory(dir=chosen.folder) as work:
        found = run(chosen, Path(work))
    for name, figure in found["figures"].items():
        print(f"{name:70}{figure:10,.1f}{'' if 'GiB' in name else ' pictures/s'}")
    for name, share in found["ratios"].items():
        print(f"{name:70}{share:10.2f}")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
