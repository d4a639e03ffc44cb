"""How many answers are nearer than the right one, counted block by block in one pass over all scores."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from rsclip_lab.environment import progress

GRAIN = 16  # rows and columns that a processor multiplies at once, or a multiple of them

Block = tuple[slice, slice]  # rows of images, and of all their texts in the order of the images


@torch.no_grad()
def answers_ahead(images: Tensor, texts: Tensor, image_of_text: Tensor, chunk: int) -> tuple[Tensor, Tensor]:
    """(texts ahead of the best own text of each image [images], images ahead of the own one of each text [texts]).

    Features [images, dim] and [texts, dim]; `image_of_text` [texts]. About `chunk` scores are kept at a time.
    Of equal scores that of the earlier image is ahead, and of one image's texts that of the earlier one.
    """
    # In the order of their images, so that the right pairs lie in the blocks on the diagonal of the score matrix.
    order = image_of_text.argsort(stable=True)
    blocks = blocks_of(torch.bincount(image_of_text, minlength=len(images)).cpu().numpy(), chunk)
    counts = Counts(images, texts, order, image_of_text[order], blocks)
    with progress(total=len(blocks) ** 2, desc="ranking") as bar:
        for place in range(len(blocks)):  # first, for these have the scores that all others are compared with
            counts.add_own(place)
            bar.update()
        for of_texts in range(len(blocks)):
            some = counts.text_block(of_texts)
            for of_images in range(len(blocks)):
                if of_images != of_texts:
                    counts.add_others(of_images, of_texts, some)
                    bar.update()
    return counts.texts_ahead, torch.empty_like(counts.images_ahead).index_copy_(0, order, counts.images_ahead)


def blocks_of(captions: np.ndarray, chunk: int) -> list[Block]:
    """Images one after another with their texts, so that any images × any texts are about `chunk` scores at most.

    captions: the number of texts of each image. One image with more texts than that makes a block of its own.
    """
    ends, images = np.cumsum(captions), len(captions)
    most = max(GRAIN, math.isqrt(int(chunk * images / ends[-1])) // GRAIN * GRAIN)
    most = _rounded(math.ceil(images / math.ceil(images / most)))  # as even as can be
    most_texts = max(1, chunk // most)
    blocks: list[Block] = []
    row = text = 0
    while row < images:
        fitting = int(np.searchsorted(ends, text + most_texts, side="right"))
        stop = max(row + 1, min(row + most, fitting))
        blocks.append((slice(row, stop), slice(text, int(ends[stop - 1]))))
        row, text = stop, int(ends[stop - 1])
    return blocks


class Counts:
    """The answers ahead that were counted so far, and the scores to be ahead of.

    Every product has one shape, filled up with zeros to a multiple of `GRAIN`: in another shape, or at its ragged
    edge, the score of the same two vectors may have another last bit, and equal answers would no longer be equal. For
    the same reason the score of a right pair is taken out of such a product, and none is computed twice.
    """

    def __init__(self, images: Tensor, texts: Tensor, order: Tensor, image_of_text: Tensor, blocks: list[Block]):
        self.images, self.texts, self.order, self.image_of_text = images, texts, order, image_of_text
        self.blocks, self.in_order = blocks, torch.equal(order, torch.arange(len(order), device=order.device))
        largest = (max(side.stop - side.start for side in sides) for sides in zip(*blocks, strict=True))
        self.shape = tuple(map(_rounded, largest))
        dtype = torch.promote_types(torch.promote_types(images.dtype, texts.dtype), torch.float32)
        self.scores = torch.empty(self.shape, dtype=dtype, device=images.device)
        self.ahead = torch.empty_like(self.scores)  # 1 where an answer is: numbers are added up faster than bools
        self.own = self.scores.new_empty(len(texts))  # score of each text with its image
        self.best = self.scores.new_empty(len(images))  # score of each image with the nearest of its texts
        self.images_ahead, self.texts_ahead = order.new_zeros(len(texts)), order.new_zeros(len(images))

    def text_block(self, place: int) -> Tensor:
        """Features of a block's texts, as many rows as all have."""
        rows = self.blocks[place][1]
        rows = rows if self.in_order else self.order[rows]  # a slice copies nothing
        return _filled(self.texts[rows].to(self.scores.dtype), self.shape[1])

    def product(self, of_images: int, of_texts: int, texts: Tensor) -> Tensor:
        rows, columns = self.blocks[of_images][0], self.blocks[of_texts][1]
        images = _filled(self.images[rows].to(self.scores.dtype), self.shape[0])
        torch.mm(images, texts.T, out=self.scores)
        return self.scores[: rows.stop - rows.start, : columns.stop - columns.start]

    def add_own(self, place: int) -> None:
        """A block on the diagonal: its right pairs, and what is ahead of them within it."""
        rows, columns = self.blocks[place]
        scores = self.product(place, place, self.text_block(place))
        row, column = (torch.arange(length, device=scores.device) for length in scores.shape)
        right = self.image_of_text[columns] - rows.start
        own = scores[right, column]
        self.own[columns] = own
        self.best[rows] = scores.new_full(row.shape, -torch.inf).scatter_reduce_(0, right, own, "amax")
        best = self.best[rows, None]
        first = right.new_full(row.shape, len(column))  # the best own text; of equal ones the first
        first.scatter_reduce_(0, right, torch.where(own == best[right, 0], column, len(column)), "amin")
        self.add(torch.gt, torch.gt, rows, columns, scores)
        self.images_ahead[columns] += ((scores == own) & (row[:, None] < right)).sum(dim=0)
        self.texts_ahead[rows] += ((scores == best) & (column < first[:, None])).sum(dim=1)

    def add_others(self, of_images: int, of_texts: int, texts: Tensor) -> None:
        """A block elsewhere, in which no pair is right; the earlier of two images is ahead when they are equal."""
        rows, columns = self.blocks[of_images][0], self.blocks[of_texts][1]
        scores = self.product(of_images, of_texts, texts)
        image_ahead, text_ahead = (torch.ge, torch.gt) if of_images < of_texts else (torch.gt, torch.ge)
        self.add(image_ahead, text_ahead, rows, columns, scores)

    def add(self, image_ahead: Callable, text_ahead: Callable, rows: slice, columns: slice, scores: Tensor) -> None:
        ahead = self.ahead[: scores.shape[0], : scores.shape[1]]
        self.images_ahead[columns] += image_ahead(scores, self.own[columns], out=ahead).sum(dim=0).long()
        self.texts_ahead[rows] += text_ahead(scores, self.best[rows, None], out=ahead).sum(dim=1).long()


def _rounded(count: int) -> int:
    return math.ceil(count / GRAIN) * GRAIN


def _filled(features: Tensor, rows: int) -> Tensor:
    return features if len(features) == rows else F.pad(features, (0, 0, 0, rows - len(features)))
