"""Which pictures, with which of their captions, make a batch: all of them once an epoch, and where the set allows it
no caption twice in a batch, so that what CLIP's loss takes for a negative is one."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from torch.utils.data import Sampler

from rsclip_lab.data.false_negatives import same_text
from rsclip_lab.data.table import CaptionError


@dataclass(frozen=True)
class CaptionPool:
    """Pictures and their captions as numbers.

    images: paths, by picture number. texts: distinct captions, by caption number.
    captions_of: caption numbers grouped by picture; picture p has those at the places starts[p] … starts[p + 1].
    rows: the row of the table at each of these places.
    """

    images: list[str]
    texts: list[str]
    captions_of: np.ndarray
    starts: np.ndarray
    rows: np.ndarray

    @classmethod
    def from_table(cls, captions: pd.DataFrame) -> CaptionPool:
        """From a table with the columns `image` and `caption`, one row a caption. Raises CaptionError for none."""
        missing = captions.index[captions["caption"].isna()]
        if len(missing):
            raise CaptionError(f"row {missing[0]}: no caption; write one, or remove it as audit(captions).fix() does")
        picture, images = pd.factorize(captions["image"])
        caption, texts = pd.factorize(captions["caption"])
        order = np.argsort(picture, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(picture, minlength=len(images)))])
        return cls(list(images), list(texts), caption[order], starts, order)

    def draw(self, pictures: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """For each picture number the place of one of its captions, drawn at random."""
        first = self.starts[pictures]
        count = self.starts[pictures + 1] - first
        return first + (generator.random(len(pictures)) * count).astype(np.int64)

    def draw_captions(self, pictures: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """For each picture number one of its caption numbers, drawn at random."""
        return self.captions_of[self.draw(pictures, generator)]

    @cached_property
    def said(self) -> np.ndarray:
        """At each place the number of what is said there: captions that differ in case or punctuation share one."""
        return pd.factorize(np.array([same_text(text) for text in self.texts], dtype=object))[0][self.captions_of]

    def draw_distinct(
        self, pictures: np.ndarray, batches: int, generator: np.random.Generator, multiple: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        """For each picture the place of one of its captions, and its batch, as `spread` gives it.

        Captions are drawn at random. Those that were drawn more often than there are batches are drawn again where
        their picture has another; should that not be enough, all are chosen such that as few as can be repeat in a
        batch (`must_repeat` of them).
        """
        places = self.draw(pictures, generator)
        counts = np.bincount(self.said[places], minlength=self.said.max(initial=0) + 1)
        for i in generator.permutation(np.flatnonzero(counts[self.said[places]] > batches)):
            own = np.arange(self.starts[pictures[i]], self.starts[pictures[i] + 1])
            rarest = own[counts[self.said[own]].argmin()]
            if counts[self.said[places[i]]] > batches > counts[self.said[rarest]]:
                counts[self.said[[places[i], rarest]]] += [-1, 1]
                places[i] = rarest
        if (counts > batches).any():
            places = self._matched(pictures, batches)[0]
        return places, spread(self.said[places], batches, generator, multiple)

    def must_repeat(self, pictures: np.ndarray, batches: int) -> int:
        """How many of the pictures have to share a caption with another one of their batch, at the least."""
        return len(pictures) - self._matched(pictures, batches)[1]

    def _matched(self, pictures: np.ndarray, batches: int) -> tuple[np.ndarray, int]:
        """A caption for each picture such that none is taken more than `batches` times, and for how many that works:
        a maximum flow from the pictures through their captions."""
        places = np.concatenate([np.arange(self.starts[p], self.starts[p + 1]) for p in pictures])
        picture = np.repeat(np.arange(len(pictures)), self.starts[pictures + 1] - self.starts[pictures])
        texts, text = np.unique(self.said[places], return_inverse=True)
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import maximum_flow

        source, sink = len(pictures) + len(texts), len(pictures) + len(texts) + 1
        tails = np.concatenate([np.full(len(pictures), source), picture, len(pictures) + np.arange(len(texts))])
        heads = np.concatenate([np.arange(len(pictures)), len(pictures) + text, np.full(len(texts), sink)])
        capacity = np.concatenate([np.ones(len(pictures) + len(places)), np.full(len(texts), batches)])
        # A picture may say the same in two captions: entries that stand twice are added up, which does no harm.
        graph = csr_array((capacity.astype(np.int32), (tails, heads)), shape=(sink + 1, sink + 1))
        flow = maximum_flow(graph, source, sink)
        taken = np.asarray(flow.flow[picture, len(pictures) + text]).ravel() > 0
        chosen = self.starts[pictures].copy()
        chosen[picture[taken]] = places[taken]
        return chosen, int(flow.flow_value)


def spread(texts: np.ndarray, batches: int, generator: np.random.Generator, multiple: int = 1) -> np.ndarray:
    """For each drawn text (a number, [n]) its batch, 0 … batches - 1, at random, in sizes as equal as can be.

    A text that was drawn no more than `batches` times is in no batch twice: the draws are laid out text by text, the
    most frequent first, and dealt like cards. multiple: of which every size is one; up to multiple - 1 draws are left
    out for that, their batch is -1. (Where this makes a text meet itself, sizes are equal first, and each batch loses
    so many.)
    """
    order = generator.permutation(len(texts))
    _, first, group, count = np.unique(texts[order], return_index=True, return_inverse=True, return_counts=True)
    order = order[np.lexsort((first[group], -count[group]))]
    hands = generator.permutation(batches)
    batch = _dealt(order, hands, multiple)
    kept = batch >= 0
    if multiple > 1 and len(np.unique(np.stack([texts, batch])[:, kept], axis=1).T) < kept.sum():
        batch = _dealt(order, hands, 1)
        surplus = np.bincount(batch, minlength=batches) % multiple
        rank_in_batch = np.argsort(np.argsort(batch, kind="stable")) - np.searchsorted(np.sort(batch), batch)
        batch = np.where(rank_in_batch < surplus[batch], -1, batch)
    return batch


def _dealt(cards: np.ndarray, hands: np.ndarray, multiple: int) -> np.ndarray:
    """The hand of each card: in rounds, to all hands that are not full yet; -1 for what is left over."""
    units = len(cards) // multiple
    sizes = multiple * (units // len(hands) + (np.arange(len(hands)) < units % len(hands)))
    slots = [hands[sizes > turn] for turn in range(sizes.max(initial=0))]
    hand = np.full(len(cards), -1)
    hand[cards[: sizes.sum()]] = np.concatenate([np.empty(0, np.int64), *slots])
    return hand


class DistinctCaptionSampler(Sampler[list[int]]):
    """Batches of row numbers for a DataLoader (`batch_sampler=`): each picture once an epoch with one of its
    captions, and in a batch no caption twice.

        sampler = DistinctCaptionSampler(dataset.captions, batch_size=64)
        loader = DataLoader(dataset, batch_sampler=sampler)

    What comes depends on seed, epoch and step alone. After a pass the epoch counts on by itself. `state_dict` says
    where it stands (in batches handed out: a DataLoader with workers is a few ahead of who reads it), and
    `load_state_dict` goes on there. For several processes give each its rank: they get equal parts of the same
    batches, free of repeats over all of them; up to `world_size` - 1 pictures an epoch are left out for that.
    `must_repeat` says how many pictures cannot get a caption of their own in their batch; a warning says it too.
    """

    def __init__(
        self, captions: pd.DataFrame, batch_size: int, seed: int = 0, rank: int = 0, world_size: int = 1
    ) -> None:
        """captions: the table, its rows in the data set's order. batch_size: pictures a batch, over all processes.

        Raises ValueError where a batch would have fewer than two pictures, or none for a process; CaptionError for a
        row without a caption.
        """
        self.pool = CaptionPool.from_table(captions)
        pictures = len(self.pool.images)
        size, used = (count - count % max(1, world_size) for count in (batch_size, pictures))
        self.batches = -(-used // max(1, size))
        if not 0 <= rank < world_size or min(size, used) < 2 or pictures // self.batches < 2:
            raise ValueError(
                f"{pictures} pictures, batch_size={batch_size}, rank={rank}, world_size={world_size}: a batch needs "
                "two pictures and one for each process, and ranks count from 0; use another batch_size"
            )
        self.batch_size, self.seed, self.rank, self.world_size = batch_size, seed, rank, world_size
        self.epoch = self.step = 0
        self.must_repeat = warn_of_repeats(self.pool, np.arange(len(self.pool.images)), self.batches)

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[list[int]]:
        plan = self._plan()
        while self.step < self.batches:
            self.step += 1
            yield plan[self.step - 1].tolist()
        self.set_epoch(self.epoch + 1)

    def set_epoch(self, epoch: int) -> None:
        """Start at the first batch of an epoch, 0, 1, …"""
        self.epoch, self.step = epoch, 0

    def state_dict(self) -> dict[str, int]:
        return {"seed": self.seed, "batches": self.batches, "epoch": self.epoch, "step": self.step}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Raises ValueError for the state of a sampler with another seed or number of batches."""
        if (state["seed"], state["batches"]) != (self.seed, self.batches):
            raise ValueError(
                f"the state is of seed {state['seed']} and {state['batches']} batches, this sampler has seed "
                f"{self.seed} and {self.batches}; use the same captions, batch_size and seed to go on"
            )
        self.epoch, self.step = state["epoch"], state["step"]

    def _plan(self) -> list[np.ndarray]:
        """The rows of each batch of this epoch, as far as they are this process's."""
        generator = np.random.default_rng([self.seed, self.epoch])
        pictures = generator.permutation(len(self.pool.images))
        places, batch = self.pool.draw_distinct(pictures, self.batches, generator, self.world_size)
        rows = [self.pool.rows[places[batch == number]] for number in range(self.batches)]
        return [part[self.rank :: self.world_size] for part in rows]


def warn_of_repeats(pool: CaptionPool, pictures: np.ndarray, batches: int) -> int:
    """How many pictures must share a caption within their batch; above 0 a warning says what that means."""
    repeats = pool.must_repeat(pictures, batches)
    if repeats:
        warnings.warn(
            f"{repeats} of {len(pictures)} pictures cannot have a caption of their own in their batch: too many "
            f"share one for {batches} batches. clip_loss with caption_ids, as in finetune, takes them for true "
            "pairs; a smaller batch_size or more varied captions avoid them",
            stacklevel=3,
        )
    return repeats
