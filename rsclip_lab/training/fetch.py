"""What the loop fetches: a batch of numbers becomes pixels and tokens on the model's device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rsclip_lab.data import Augmentation, PixelStore, normalise
from rsclip_lab.data.store import margin_size
from rsclip_lab.environment import in_threads
from rsclip_lab.training.batches import Batch, CaptionBatches, Tokens, TurnedCaptions
from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.processes import World

AHEAD = 2  # batches gathered before they are needed


@dataclass(frozen=True)
class TrainingBatch:
    """Of the whole batch: captions: [distinct] their numbers among the source's texts. caption_ids: [batch], the row
    of each picture's caption in captions. replayed: how many pictures, the last ones, come from the replay table;
    replayed_captions: the rows of their captions, each once, on the CPU.
    Of this process's share of it (`World.share`; all of it where one process trains): pixels: [share of batch, 3,
    size, size] normalised. tokens: [share of distinct, context] on the CPU."""

    pixels: Tensor
    tokens: Tensor
    captions: np.ndarray
    caption_ids: Tensor
    replayed: int
    replayed_captions: Tensor


class BatchSource:
    """Decodes every picture and tokenises every distinct caption once; then `epoch(e)` gives batches.

    Where pictures are turned, captions that name a direction are tokenised as they read after each turn, too.
    Pictures to be cropped are decoded a quarter larger than the model reads them (`margin_size`). cache: the folder
    for `PixelStore.decode`.
    """

    def __init__(
        self,
        model,
        batches: CaptionBatches,
        config: FinetuneConfig,
        progress: bool = True,
        cache: str | Path | None = None,
        world: World | None = None,
    ) -> None:
        self.model, self.batches, self.config = model, batches, config
        self.share = (world or World()).share
        crops = config.augment and config.min_crop < 1
        images = batches.pool.images
        size = margin_size(images, model.image_size) if crops else model.image_size
        self.store = PixelStore.decode(images, size, model.resize_to(size), cache)
        texts = batches.pool.texts
        turns = config.augment and (config.flip or config.rotate)
        self.captions = TurnedCaptions.of(texts) if turns else TurnedCaptions(texts, None)
        self.tokens = Tokens.of(self.captions.texts, model.tokenizer, progress)

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[TrainingBatch]:
        """The batches of epoch 0, 1, …, shuffled, drawn and augmented from the seed and the epoch alone.

        first_step: leave out the steps before it; the rest is what it would have been after them.
        """
        # A thread gathers the next batches during a step, so that a map larger than memory may come from the disk.
        for drawn in in_threads(self._gathered, self._drawn(epoch, first_step), threads=1, ahead=AHEAD):
            yield self._on_device(*drawn)

    def _drawn(self, epoch: int, first_step: int) -> Iterator[tuple[Batch, Augmentation | None]]:
        generator = torch.Generator(self.model.device).manual_seed(self.config.seed * 1_000_003 + epoch)
        for step, batch in enumerate(self.batches.epoch(epoch)):
            augmentation = self._augmentation(len(batch.pictures), generator)
            if step >= first_step:
                yield batch, augmentation

    def _gathered(self, drawn: tuple[Batch, Augmentation | None]) -> tuple[Batch, Augmentation | None, Tensor]:
        return *drawn, self.store.gather(drawn[0].pictures[self.share], self.model.device)

    def _augmentation(self, pictures: int, generator: torch.Generator) -> Augmentation | None:
        config = self.config
        if not config.augment:
            return None
        which = {"flip": config.flip, "rotate": config.rotate, "colour_jitter": config.colour_jitter}
        return Augmentation.drawn(pictures, generator, min_crop=config.min_crop, **which)

    def _on_device(self, batch: Batch, augmentation: Augmentation | None, pixels: Tensor) -> TrainingBatch:
        model = self.model
        if augmentation is None:
            pixels = normalise(pixels, model.mean, model.std).contiguous(memory_format=torch.channels_last)
        else:
            batch, augmentation = self._true_captions(batch, augmentation)
            pixels = augmentation[self.share].normalised(
                pixels, model.mean, model.std, model.image_size, torch.channels_last
            )
        tokens = self.tokens[batch.captions[self.share]]
        caption_ids = torch.from_numpy(batch.caption_ids).to(model.device)
        replayed = np.unique(batch.caption_ids[len(batch.caption_ids) - batch.replayed :])
        return TrainingBatch(pixels, tokens, batch.captions, caption_ids, batch.replayed, torch.from_numpy(replayed))

    def _true_captions(self, batch: Batch, augmentation: Augmentation) -> tuple[Batch, Augmentation]:
        """Captions that are true of the turned pictures; where there is none, the picture is not turned."""
        if not self.captions.concern(batch):
            return batch, augmentation
        batch, unsaid = self.captions.fitted(batch, augmentation.turns.cpu().numpy())
        return batch, augmentation.unturned(torch.from_numpy(unsaid).to(augmentation.random.device))
