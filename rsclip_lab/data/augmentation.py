"""Augmentation of a whole batch at once, on the device, by what leaves an aerial picture its meaning."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

# Light on purpose: the colour of water or crops carries meaning.
GAIN, TINT, SHIFT = 0.2, 0.05, 12.0  # contrast ±20 %, each channel ±5 %, brightness ±12 of 255

CPU_PIECE = 8  # pictures


def augment(pixels: torch.Tensor, generator: torch.Generator, min_crop: float = 0.6) -> torch.Tensor:
    """Each picture cropped, turned by a multiple of 90 degrees, mirrored and slightly recoloured, at random.

    pixels: uint8 `[batch, 3, size, size]`, square; the crop keeps its shape and at least `min_crop` of the
    area, and is scaled back to `size` (bilinear). Seen from above there is no "up", so the eight turns and
    mirrorings are equally likely.
    generator: gives all random numbers, so that a seed repeats the batch.
    Returns uint8 of the same shape, for `normalise`.
    """
    return Augmentation.drawn(len(pixels), generator, min_crop).applied(pixels)


@dataclass(frozen=True)
class Augmentation:
    """What `augment` does to each picture of a batch, drawn before it is done: captions may depend on the turns.

    random: `[batch, 10]` in 0..1, by column: size, x and y of the crop, the three bits of the turn, colours.
    """

    random: torch.Tensor
    min_crop: float

    @classmethod
    def drawn(cls, batch: int, generator: torch.Generator, min_crop: float = 0.6) -> Augmentation:
        """For `batch` pictures, on the generator's device."""
        if not 0 < min_crop <= 1:
            raise ValueError(f"min_crop is a share of the area, above 0 and up to 1, not {min_crop}")
        return cls(torch.rand(batch, 10, generator=generator, device=generator.device), min_crop)

    @property
    def turns(self) -> torch.Tensor:
        """`[batch]`, 0..7 as in `directions`: 1 mirrors left and right, 2 top and bottom, then 4 swaps the axes."""
        return ((self.random[:, 3:6] < 0.5) * self.random.new_tensor([1, 2, 4])).sum(dim=1).long()

    def unturned(self, rows: torch.Tensor) -> Augmentation:
        """The same but for the pictures that the boolean `rows` `[batch]` marks: they stay the way they are up."""
        random = self.random.clone()
        random[rows, 3:6] = 1.0
        return Augmentation(random, self.min_crop)

    def applied(self, pixels: torch.Tensor) -> torch.Tensor:
        """uint8 `[batch, 3, size, size]`, of the same shape as `pixels`."""
        batch, _, height, width = pixels.shape
        if height != width:
            raise ValueError(
                f"augment turns pictures by 90 degrees and needs square ones, not {height} x {width}"
            )
        random = self.random.to(pixels.device)
        values = torch.empty(pixels.shape, dtype=torch.uint8, device=pixels.device)
        # On a CPU in pieces that fit its caches; buffers of the whole batch double the time.
        piece = CPU_PIECE if pixels.device.type == "cpu" else max(batch, 1)
        for some in (slice(start, start + piece) for start in range(0, batch, piece)):
            grid = _grid(_placements(random[some, :6], self.min_crop), height)
            cut = F.grid_sample(
                pixels[some].contiguous().float(), grid, padding_mode="border", align_corners=False
            )
            values[some] = _recolour(cut, random[some, 6:])
        return values


def _placements(random: torch.Tensor, min_crop: float) -> torch.Tensor:
    """`[batch, 2, 3]`: from each output position (in -1..1) to the place in the picture it is read from."""
    side = (min_crop + (1 - min_crop) * random[:, 0]).sqrt()
    centre = (2 * random[:, 1:3] - 1) * (1 - side)[:, None]  # anywhere that keeps the crop inside
    flip = torch.where(random[:, 3:5] < 0.5, -side[:, None], side[:, None])
    transpose = (random[:, 5] < 0.5).to(side.dtype)  # two mirrorings and a transposition make all eight
    return torch.stack(
        [
            torch.stack([flip[:, 0] * (1 - transpose), flip[:, 0] * transpose, centre[:, 0]], dim=1),
            torch.stack([flip[:, 1] * transpose, flip[:, 1] * (1 - transpose), centre[:, 1]], dim=1),
        ],
        dim=1,
    )


def _grid(placements: torch.Tensor, size: int) -> torch.Tensor:
    """`F.affine_grid` without aligned corners, in a third of its time: `[batch, size, size, 2]`."""
    steps = (torch.arange(size, device=placements.device) * 2 + 1) / size - 1
    across, down, shift = placements[:, None, None].unbind(-1)  # each [batch, 1, 1, 2]
    return across * steps[:, None] + (down * steps[:, None, None] + shift)


def _recolour(values: torch.Tensor, random: torch.Tensor) -> torch.Tensor:
    """Contrast about mid-grey, a tint and a brightness shift: one multiplication and one addition a value."""
    spread = 2 * random - 1
    contrast = 1 + GAIN * spread[:, :1]
    gain = (contrast * (1 + TINT * _centred(spread[:, 1:])))[:, :, None, None]
    offset = 127.5 * (1 - contrast) + SHIFT * spread[:, 1:].mean(dim=1, keepdim=True)
    # The half makes the conversion to whole numbers, which cuts, a rounding.
    return values.mul_(gain).add_(offset[:, :, None, None] + 0.5).clamp_(0, 255)


def _centred(channels: torch.Tensor) -> torch.Tensor:
    return channels - channels.mean(dim=1, keepdim=True)
