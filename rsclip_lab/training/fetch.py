"""What the loop fetches: a batch of numbers becomes pixels and tokens on the model's device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rsclip_lab.data import Augmentation, PixelStore, normalise
from rsclip_lab.training.batches import Batch, CaptionBatches, TurnedCaptions, tokenise
from rsclip_lab.training.config import FinetuneConfig


@dataclass(frozen=True)
class TrainingBatch:
    """pixels: [batch, 3, size, size] normalised. tokens: [distinct, context] on the CPU, one row a distinct
    caption. caption_ids: [batch], the row of each picture's caption in tokens. replayed: how many pictures, the
    last ones, come from the replay table; replayed_captions: their rows in tokens, each once, on the CPU."""

    pixels: Tensor
    tokens: Tensor
    caption_ids: Tensor
    replayed: int
    replayed_captions: Tensor


class BatchSource:
    """Decodes every picture and tokenises every distinct caption once; then `epoch(e)` gives batches.

    Where pictures are turned, captions that name a direction are tokenised as they read after each turn, too.
    """

    def __init__(self, model, batches: CaptionBatches, config: FinetuneConfig, progress: bool = True) -> None:
        self.model, self.batches, self.config = model, batches, config
        self.store = PixelStore.decode(batches.pool.images, model.image_size, model.resize)
        texts = batches.pool.texts
        self.captions = TurnedCaptions.of(texts) if config.augment else TurnedCaptions(texts, None)
        self.tokens = torch.from_numpy(tokenise(self.captions.texts, model.tokenizer, progress))

    def epoch(self, epoch: int) -> Iterator[TrainingBatch]:
        """The batches of epoch 0, 1, …, shuffled, drawn and augmented from the seed and the epoch alone."""
        generator = torch.Generator(self.model.device).manual_seed(self.config.seed * 1_000_003 + epoch)
        for batch in self.batches.epoch(epoch):
            yield self._on_device(batch, generator)

    def _on_device(self, batch: Batch, generator: torch.Generator) -> TrainingBatch:
        device = self.model.device
        pixels = self.store.gather(batch.pictures, device)
        if self.config.augment:
            augmentation = Augmentation.drawn(len(pixels), generator, self.config.min_crop)
            batch, augmentation = self._true_captions(batch, augmentation)
            pixels = augmentation.applied(pixels)
        pixels = normalise(pixels, self.model.mean, self.model.std)
        tokens = self.tokens[torch.from_numpy(batch.captions)].long()
        caption_ids = torch.from_numpy(batch.caption_ids).to(device)
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        replayed = np.unique(batch.caption_ids[len(batch.caption_ids) - batch.replayed :])
        return TrainingBatch(pixels, tokens, caption_ids, batch.replayed, torch.from_numpy(replayed))

    def _true_captions(self, batch: Batch, augmentation: Augmentation) -> tuple[Batch, Augmentation]:
        """Captions that are true of the turned pictures; where there is none, the picture is not turned."""
        if not self.captions.concern(batch):
            return batch, augmentation
        batch, unsaid = self.captions.fitted(batch, augmentation.turns.cpu().numpy())
        return batch, augmentation.unturned(torch.from_numpy(unsaid).to(augmentation.random.device))
