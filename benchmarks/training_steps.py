"""The steps of our training loop alone, fed from the pipeline and from memory; and what times them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import cycle, islice

import pandas as pd
import torch

import rsclip_lab as lab
from rsclip_lab.environment import progress, select_precision
from rsclip_lab.models import Clip
from rsclip_lab.training import FinetuneConfig
from rsclip_lab.training.batches import CaptionBatches
from rsclip_lab.training.fetch import BatchSource, TrainingBatch
from rsclip_lab.training.loop import train
from rsclip_lab.training.state import TrainingState

KEPT = 16  # batches in memory
PAIRS = 8  # epochs from the pipeline and from memory


def caption_table(paths: list, distinct: int) -> pd.DataFrame:
    """One row a picture, with so many distinct captions in all: the sample's, which need not fit the pictures."""
    texts = lab.sample("coast")["caption"].unique()
    numbers = [row % distinct for row in range(len(paths))]
    captions = [f"{texts[n % len(texts)]}{f', number {n}' if n >= len(texts) else ''}" for n in numbers]
    table = {"image": list(map(str, paths)), "caption": captions, "image_id": range(len(paths))}
    return pd.DataFrame(table | {"split": "train", "label": None})


class Clock:
    """A callback that notes when each epoch ends, from `start` on, or from when the network is ready."""

    def __init__(self, start: float | None = None) -> None:
        self.marks = [] if start is None else [start]

    def on_start(self, state: TrainingState) -> None:
        self.marks = self.marks or [time.perf_counter()]

    def on_epoch(self, state: TrainingState) -> None:
        wait_for(state.model.device)
        self.marks.append(time.perf_counter())

    @property
    def epochs(self) -> list[float]:
        """Seconds of each."""
        return between(self.marks)


def between(marks: list[float]) -> list[float]:
    """Seconds from each mark to the next."""
    return [after - before for before, after in zip(marks, marks[1:], strict=False)]


def wait_for(device: torch.device) -> None:
    """Until a GPU has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def taken_in_turns(ways: dict[str, Callable[[], list[float]]], rounds: int, pictures: int) -> dict[str, float]:
    """For each way pictures a second over all epochs, and over the later ones; medians of the rounds."""
    found: dict[str, list[list[float]]] = {name: [] for name in ways}
    for name in progress([*ways] * rounds, desc="train"):
        found[name].append(ways[name]())
    figures = {}
    for name, runs in found.items():
        figures[name] = statistics.median(pictures * len(epochs) / sum(epochs) for epochs in runs)
        later = [pictures / seconds for epochs in runs for seconds in epochs[1:]]
        figures[f"{name}, after the first epoch"] = statistics.median(later)
    return figures


class FromMemory:
    """The first batches of a source, made once, over and over."""

    def __init__(self, source: BatchSource) -> None:
        self.tokens, self.steps = source.tokens, source.batches.steps_per_epoch
        self.batches = list(islice(source.epoch(0), KEPT))

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[TrainingBatch]:
        return islice(cycle(self.batches), self.steps)


class InTurns:
    """Epochs by turns from the one source and from the other."""

    def __init__(self, *sources) -> None:
        self.sources, self.tokens = sources, sources[0].tokens

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[TrainingBatch]:
        return self.sources[epoch % len(self.sources)].epoch(epoch, first_step)


def beside_memory(clip: Clip, paths: list, config: FinetuneConfig) -> tuple[dict[str, float], float]:
    """Pictures a second of one loop, whose epochs are fed from the pipeline and from memory by turns; and the
    median of the ratios of an epoch of the one to the next, of the other."""
    state, source = prepared(clip, paths, replace(config, epochs=2 * (PAIRS + 1)))
    clock = Clock()
    train(state, InTurns(source, FromMemory(source)), [clock])
    fed, memory = clock.epochs[2::2], clock.epochs[3::2]  # after one of each, to warm up
    figures = {
        "steps fed from the pipeline": len(paths) / statistics.median(fed),
        "steps fed from memory": len(paths) / statistics.median(memory),
    }
    return figures, statistics.median(m / f for f, m in zip(fed, memory, strict=True))


def prepared(clip: Clip, paths: list, config: FinetuneConfig) -> tuple[TrainingState, BatchSource]:
    """What `finetune` gives the loop."""
    batches = CaptionBatches(caption_table(paths, len(paths)), config.batch_size, config.seed)
    precision = select_precision(clip.device)
    state = TrainingState(clip.copy(), clip, config, precision, batches.steps_per_epoch)
    return state, BatchSource(state.model, batches, config, progress=False)


class PlainLayout:
    """A callback: weights in torch's plain memory layout, whatever the loop chose."""

    def on_start(self, state: TrainingState) -> None:
        state.model.net.to(memory_format=torch.contiguous_format)


def plain_steps(clip: Clip, paths: list, config: FinetuneConfig) -> list[float]:
    """Seconds of each epoch with pictures and weights in torch's plain memory layout."""
    state, source = prepared(clip, paths, config)
    memory, clock = FromMemory(source), Clock()
    memory.batches = [replace(batch, pixels=batch.pixels.contiguous()) for batch in memory.batches]
    train(state, memory, [PlainLayout(), clock])
    return clock.epochs


def usual_steps(clip: Clip, paths: list, config: FinetuneConfig) -> list[float]:
    """Seconds of each epoch from memory."""
    state, source = prepared(clip, paths, config)
    clock = Clock()
    train(state, FromMemory(source), [clock])
    return clock.epochs


def choices(clip: Clip, paths: list, config: FinetuneConfig, rounds: int) -> dict[str, float]:
    """Pictures a second of the steps alone: as they are, in the plain memory layout, compiled."""
    ways = {
        "steps": partial(usual_steps, clip, paths, config),
        "steps, plain memory layout": partial(plain_steps, clip, paths, config),
        "steps, compiled": partial(usual_steps, clip, paths, replace(config, compile=True)),
    }
    figures = taken_in_turns(ways, rounds, len(paths))
    return {name: figure for name, figure in figures.items() if name.endswith("after the first epoch")}
