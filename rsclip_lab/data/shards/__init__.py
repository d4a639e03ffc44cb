"""WebDataset shards, such as RS5M's 500 GB, as a stream of batches: read, decoded, forgotten, never unpacked."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from rsclip_lab.data.images import ImageError, open_image, resize_and_crop
from rsclip_lab.data.shards.members import shards_of
from rsclip_lab.data.shards.samples import Sample, samples_of, shuffled, with_caption
from rsclip_lab.data.store import in_threads
from rsclip_lab.data.table import CaptionError

__all__ = ["ShardStream"]

BATCHES_AHEAD = 2
HOPELESS = 100  # so many samples skipped and none used: these are no shards of pictures and captions
MOST_PROBLEMS = 1000  # listed; all are counted


class ShardStream:
    """Batches from tar shards: `for pixels, captions in stream` is one pass over all samples.

    pixels: uint8 `[batch, 3, image_size, image_size]` on the CPU, resized and cropped as for evaluation;
    captions: list of `batch` strings. The last batch may be smaller.

    source: a shard, a folder or list of them, or a pattern such as "pub11-train-{0000..0031}.tar"; local paths, or
    http(s) addresses. A sample is what shares a name up to its last dot: a picture (jpg, png, webp, tif, … or RS5M's
    img_content) with a caption (txt, caption, or json with "caption" or "captions"). Of several captions one is
    drawn.
    shuffle: the order of the shards, and of the samples through a buffer of this length; 0 keeps both. A pass
    depends on the seed and the epoch (`set_epoch`) alone, so that it can be repeated.
    rank, world_size: of several processes each reads its own shards; the shares may differ in length, so stop all
    of them after as many batches as the shortest has.

    Reading and decoding (on `threads` threads) run two batches ahead of who takes them. Held at a time are these
    batches and the buffer, at most 512 MiB.

    A sample that cannot be used is skipped, and so is a second picture or text of one name: `skipped` counts them,
    `problems` lists the first 1,000, both of the pass under way or last done, and its end brings a warning.
    Raises CaptionError for a shard that is missing, cut short or no tar file, a `pipe:` source (a command that
    webdataset would run), more processes than shards, and shards without a usable sample.
    """

    def __init__(
        self,
        source: str | Path | Iterable[str | Path],
        image_size: int,
        batch_size: int = 256,
        *,
        shuffle: int = 2000,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        threads: int | None = None,
    ):
        self.shards = shards_of(source)
        if len(self.shards) < world_size:
            raise CaptionError(
                f"{self.shards[0]}: {len(self.shards)} shards cannot be divided among {world_size} processes; "
                "use fewer processes, or write smaller shards"
            )
        self.image_size, self.batch_size = image_size, batch_size
        self.shuffle, self.seed, self.epoch = shuffle, seed, 0
        self.rank, self.world_size, self.threads = rank, world_size, threads
        self._start_counting()

    def set_epoch(self, epoch: int) -> None:
        """The next pass is that of `epoch`: another order, other captions drawn."""
        self.epoch = epoch

    @property
    def problems(self) -> pd.DataFrame:
        """The first 1,000 samples that were skipped: `shard`, `key`, `cause`."""
        return pd.DataFrame(self._problems, columns=["shard", "key", "cause"], dtype=object)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, list[str]]]:
        self._start_counting()
        batches = self._batches()
        with ThreadPoolExecutor(max_workers=1) as reader:
            waiting = deque(reader.submit(next, batches, None) for _ in range(BATCHES_AHEAD))
            try:
                while (batch := waiting.popleft().result()) is not None:
                    waiting.append(reader.submit(next, batches, None))
                    yield batch
            finally:
                for future in waiting:
                    future.cancel()
                reader.submit(batches.close)
        self._require_some()
        if self.skipped:
            total = self.used + self.skipped
            warnings.warn(f"{self.skipped} of {total} samples were skipped; .problems says why", stacklevel=2)

    def _start_counting(self) -> None:
        self.used = self.skipped = 0
        self._problems: list[tuple[str, str, str]] = []

    def _batches(self) -> Iterator[tuple[torch.Tensor, list[str]]]:
        usable = self._usable()
        while batch := list(islice(usable, self.batch_size)):
            pixels = torch.from_numpy(np.stack([picture for picture, _ in batch]))
            yield pixels.permute(0, 3, 1, 2).contiguous(), [caption for _, caption in batch]

    def _usable(self) -> Iterator[tuple[np.ndarray, str]]:
        order = np.arange(len(self.shards))
        if self.shuffle:  # of all shards, the same in every process
            order = np.random.default_rng([self.seed, self.epoch]).permutation(order)
        generator = np.random.default_rng([self.seed, self.epoch, self.rank])
        samples = (
            with_caption(sample, generator)
            for number in order[self.rank :: self.world_size]
            for sample in samples_of(self.shards[number])
        )
        for sample, picture in in_threads(self._decode, shuffled(samples, self.shuffle, generator), self.threads):
            if sample.fault is None:
                self.used += 1
                yield picture, sample.caption
            else:
                self._skip(sample)

    def _decode(self, sample: Sample) -> tuple[Sample, np.ndarray | None]:
        if sample.fault is None:
            try:
                return sample, np.asarray(resize_and_crop(open_image(sample.image), self.image_size))
            except ImageError as error:
                sample.fault = f"the picture cannot be read ({error})"
        return sample, None

    def _skip(self, sample: Sample) -> None:
        self.skipped += 1
        if len(self._problems) < MOST_PROBLEMS:
            self._problems.append((sample.shard, sample.key, sample.fault))
        if self.skipped == HOPELESS:
            self._require_some()

    def _require_some(self) -> None:
        if not self.used:
            shard, key, cause = self._problems[0] if self._problems else (self.shards[0], "any name", "no sample")
            raise CaptionError(
                f"{shard}, {key}: {cause}, and no usable sample among {self.skipped}; "
                "put the caption of NAME.jpg into NAME.txt, or into NAME.json as `caption`"
            )
