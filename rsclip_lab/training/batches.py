"""From a table of captions to batches of row numbers: which pictures, which captions, who belongs to whom.

Everything that can be done once is done once, before the first step: each distinct caption is tokenised,
each picture gets a number. A step is then a handful of array look-ups, however long the table is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from rsclip_lab.data.sampler import CaptionPool, warn_of_repeats
from rsclip_lab.data.wording.directions import TURNS, names_direction, turned
from rsclip_lab.environment import progress
from rsclip_lab.training.config import FinetuneConfig


@dataclass(frozen=True)
class Batch:
    """pictures: [batch] picture numbers; captions: [distinct] caption numbers, each once;
    caption_ids: [batch] for each picture the row of its caption in `captions`;
    replayed: how many pictures, the last ones, come from the replay table."""

    pictures: np.ndarray
    captions: np.ndarray
    caption_ids: np.ndarray
    replayed: int = 0

    @classmethod
    def of(cls, pictures: np.ndarray, captions: np.ndarray, replayed: int = 0) -> Batch:
        """From picture numbers and their caption numbers, both [batch]."""
        distinct, caption_ids = np.unique(captions, return_inverse=True)
        return cls(pictures, distinct, caption_ids, replayed)


class CaptionBatches:
    """Batches of one training run; `epoch(e)` depends on the seed and e only, so that a run can be repeated.

    own: the table to learn; an epoch is one pass over its pictures. replay: a second table, of which
    `replay_share` of each batch is drawn. Batches of an epoch are of nearly equal size, none larger than
    batch_size and, when there are several, none under half of it. distinct: no caption of `own` twice in a batch, as
    far as the table allows it; a warning says where it does not.
    """

    def __init__(
        self,
        own: pd.DataFrame,
        batch_size: int,
        seed: int = 0,
        replay: pd.DataFrame | None = None,
        replay_share: float = 0.5,
        distinct: bool = False,
    ) -> None:
        tables = [own] if replay is None else [own, replay]
        self.pool = CaptionPool.from_table(pd.concat([t[["image", "caption"]] for t in tables]))
        self.own_count = own["image"].nunique()  # numbered first, because they come first in the table
        self.replay_pictures = np.arange(self.own_count, len(self.pool.images))
        if replay is not None and not len(self.replay_pictures):
            raise ValueError("nothing to replay: every picture of the replay table is also in the table to learn")
        self.replay_share = replay_share if len(self.replay_pictures) else 0.0
        self.replay_in_batch = 0
        if self.replay_share:  # both tables have a place in every batch, however small the share
            self.replay_in_batch = min(batch_size - 1, max(1, round(batch_size * self.replay_share)))
        self.steps_per_epoch = -(-self.own_count // (batch_size - self.replay_in_batch))
        self.seed, self.distinct = seed, distinct
        if distinct:
            warn_of_repeats(self.pool, np.arange(self.own_count), self.steps_per_epoch)

    @classmethod
    def configured(cls, own: pd.DataFrame, replay: pd.DataFrame | None, config: FinetuneConfig) -> CaptionBatches:
        """Those that `config` asks for."""
        return cls(own, config.batch_size, config.seed, replay, config.replay_share, config.distinct_captions)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches of epoch 0, 1, …: every own picture once, each with one of its captions at random."""
        generator = np.random.default_rng([self.seed, epoch])
        own, captions = self._own_pictures(generator)
        replay = self._replay_pictures(generator, [len(part) for part in own])
        for step, parts in enumerate(zip(own, replay, strict=True)):
            pictures = np.concatenate(parts)
            if self.distinct:
                drawn = np.concatenate([captions[step], self.pool.draw_captions(parts[1], generator)])
            else:
                drawn = self.pool.draw_captions(pictures, generator)
            yield Batch.of(pictures, drawn, len(parts[1]))

    def _own_pictures(self, generator: np.random.Generator) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """For each batch its own pictures; where captions are to be distinct, also their captions."""
        pictures = generator.permutation(self.own_count)
        if not self.distinct:
            return np.array_split(pictures, self.steps_per_epoch), []
        places, batch = self.pool.draw_distinct(pictures, self.steps_per_epoch, generator)
        order = np.argsort(batch, kind="stable")
        ends = np.cumsum(np.bincount(batch, minlength=self.steps_per_epoch))[:-1]
        return np.split(pictures[order], ends), np.split(self.pool.captions_of[places[order]], ends)

    def _replay_pictures(self, generator: np.random.Generator, own_sizes: list[int]) -> list[np.ndarray]:
        """For each batch its replayed pictures: shuffled passes over the replay table, one after another."""
        if not self.replay_share:
            return [np.empty(0, dtype=np.int64)] * len(own_sizes)
        ratio = self.replay_share / (1 - self.replay_share)
        sizes = [min(self.replay_in_batch, max(1, round(size * ratio))) for size in own_sizes]
        passes = -(-sum(sizes) // len(self.replay_pictures))
        stream = np.concatenate([generator.permutation(self.replay_pictures) for _ in range(passes)])
        return np.split(stream[: sum(sizes)], np.cumsum(sizes)[:-1])


@dataclass(frozen=True)
class TurnedCaptions:
    """What a caption becomes under each of the eight turns of its picture (see `data.directions`).

    texts: the captions, then those of their rewritings that are no captions themselves; each text once.
    rows: [captions, 8], the number in `texts` of caption c under turn t, -1 where it cannot be said.
    None when no caption names a direction: then there is nothing to look up.
    """

    texts: list[str]
    rows: np.ndarray | None

    @classmethod
    def of(cls, texts: list[str]) -> TurnedCaptions:
        """From distinct captions; only those that name a direction are rewritten."""
        number = {text: row for row, text in enumerate(texts)}
        rows = np.repeat(np.arange(len(texts))[:, None], TURNS, axis=1)
        directional = [row for row, text in enumerate(texts) if names_direction(text)]
        for row in directional:
            said = [turned(texts[row], turn) for turn in range(TURNS)]
            rows[row] = [-1 if text is None else number.setdefault(text, len(number)) for text in said]
        return cls(list(number), rows if directional else None)

    def concern(self, batch: Batch) -> bool:
        """Whether a caption of the batch names a direction."""
        return self.rows is not None and bool((self.rows[batch.captions] != batch.captions[:, None]).any())

    def fitted(self, batch: Batch, turns: np.ndarray) -> tuple[Batch, np.ndarray]:
        """The batch with the captions that are true after `turns` [batch], and [batch] which pictures must not
        be turned, because their caption cannot be said for their turn."""
        drawn = batch.captions[batch.caption_ids]
        rows = self.rows[drawn, turns]
        return Batch.of(batch.pictures, np.where(rows < 0, drawn, rows), batch.replayed), rows < 0


@dataclass(frozen=True)
class Tokens:
    """The tokens of many texts without their padding, one after another: a tenth of the memory of whole rows.

    values: in two bytes where the vocabulary allows, as CLIP's does; text t has those at starts[t] … starts[t + 1].
    """

    values: np.ndarray
    starts: np.ndarray
    context: int

    @classmethod
    def of(cls, texts: list[str], tokenizer: Callable, show_progress: bool = True, chunk: int = 1024) -> Tokens:
        """tokenizer: list of texts -> int64 [n, context], zeros at the end of a row are its padding."""
        bar = progress(range(0, len(texts), chunk), desc="tokenise captions", disable=not show_progress)
        parts = [_without_padding(tokenizer(texts[at : at + chunk]).numpy()) for at in bar]
        values, lengths = (np.concatenate(part) for part in zip(*((v, n) for v, n, _ in parts), strict=True))
        fits = np.min_scalar_type(values.max(initial=0))
        return cls(values.astype(fits), np.concatenate([[0], np.cumsum(lengths)]), parts[0][2])

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, texts: np.ndarray) -> torch.Tensor:
        """int64 [len(texts), context], as the tokenizer gave them."""
        padded = np.zeros((len(texts), self.context), dtype=np.int64)
        for row, text in zip(padded, texts, strict=True):
            tokens = self.values[self.starts[text] : self.starts[text + 1]]
            row[: len(tokens)] = tokens
        return torch.from_numpy(padded)


def _without_padding(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Of tokens [n, context]: all that stand before the zeros at a row's end, their count [n], the context."""
    context = rows.shape[1]
    used = np.arange(1, context + 1) * (rows != 0)
    lengths = used.max(axis=1)
    values = rows[np.arange(context) < lengths[:, None]]
    return values.astype(np.int32), lengths, context
