"""Augmentation of a whole batch at once, on the device, by what leaves an aerial picture its meaning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch.nn import functional as F

# Light on purpose: the colour of water or crops carries meaning.
GAIN, TINT, SHIFT = 0.2, 0.05, 12.0  # contrast ±20 %, each channel ±5 %, brightness ±12 of 255

CPU_PIECE = 4  # pictures


def augment(
    pixels: torch.Tensor, generator: torch.Generator, min_crop: float = 0.6, size: int | None = None, **which
) -> torch.Tensor:
    """Each picture cropped, turned by a multiple of 90 degrees, mirrored and slightly recoloured, at random.

    pixels: uint8 `[batch, 3, side, side]`, square; the crop keeps its shape and at least `min_crop` of the
    area, and is scaled (bilinear) to `size`, by default the side it came from. Seen from above there is no "up", so
    the eight turns and mirrorings are equally likely.
    generator: gives all random numbers, so that a seed repeats the batch. which: the other fields of `Augmentation`.
    Returns uint8 `[batch, 3, size, size]`, for `normalise`.
    """
    return Augmentation.drawn(len(pixels), generator, min_crop=min_crop, **which).applied(pixels, size)


@dataclass(frozen=True)
class Augmentation:
    """What `augment` does to each picture of a batch, drawn before it is done: captions may depend on the turns.

    random: `[batch, 10]` in 0..1, by column: size, x and y of the crop, the three bits of the turn, colours.
    min_crop: least share of the area that is kept; 1 for no crop. flip: mirror left and right, top and bottom.
    rotate: turn by right angles. colour_jitter: strength of the changes of contrast, tint and brightness, 0 to 2;
    0 for none.
    """

    random: torch.Tensor
    min_crop: float = 0.6
    flip: bool = True
    rotate: bool = True
    colour_jitter: float = 1.0

    @classmethod
    def drawn(cls, batch: int, generator: torch.Generator, **which) -> Augmentation:
        """For `batch` pictures, on the generator's device; the same random numbers whatever is switched off."""
        return cls(torch.rand(batch, 10, generator=generator, device=generator.device), **which)

    def __post_init__(self) -> None:
        if not 0 < self.min_crop <= 1:
            raise ValueError(f"min_crop is a share of the area, above 0 and up to 1, not {self.min_crop}")
        if not 0 <= self.colour_jitter <= 2:
            raise ValueError(f"colour_jitter is a strength from 0 to 2, not {self.colour_jitter}")

    def __getitem__(self, rows: slice) -> Augmentation:
        """What is done to some of the pictures."""
        return replace(self, random=self.random[rows])

    @property
    def bits(self) -> torch.Tensor:
        """`[batch, 3]`: whether the picture is mirrored left and right, top and bottom, and has its axes swapped."""
        bits = self.random[:, 3:6] < 0.5
        if not self.flip:  # an even number of mirrorings is a rotation
            bits = torch.stack([bits[:, 0], bits[:, 0] ^ bits[:, 2], bits[:, 2]], dim=1)
        if not self.rotate:
            bits = bits & torch.tensor([self.flip, self.flip, False], device=bits.device)
        return bits

    @property
    def turns(self) -> torch.Tensor:
        """`[batch]`, 0..7 as in `directions`: 1 mirrors left and right, 2 top and bottom, then 4 swaps the axes."""
        return (self.bits * self.random.new_tensor([1, 2, 4])).sum(dim=1).long()

    def unturned(self, rows: torch.Tensor) -> Augmentation:
        """The same but for the pictures that the boolean `rows` `[batch]` marks: they stay the way they are up."""
        random = self.random.clone()
        random[rows, 3:6] = 1.0
        return replace(self, random=random)

    def applied(self, pixels: torch.Tensor, size: int | None = None) -> torch.Tensor:
        """uint8 `[batch, 3, size, size]` of uint8 `[batch, 3, side, side]`."""
        size = size or pixels.shape[-1]
        result = torch.empty((*pixels.shape[:2], size, size), dtype=torch.uint8, device=pixels.device)
        for piece, values in self._pieces(pixels, size):
            result[piece] = values  # cuts
        return result

    def normalised(
        self,
        pixels: torch.Tensor,
        mean: Sequence[float],
        std: Sequence[float],
        size: int | None = None,
        memory_format: torch.memory_format = torch.contiguous_format,
    ) -> torch.Tensor:
        """`normalise(applied(pixels, size), mean, std)`, value for value, in one pass."""
        size = size or pixels.shape[-1]
        result = torch.empty((*pixels.shape[:2], size, size), device=pixels.device, memory_format=memory_format)
        mean, std = (torch.tensor(value, device=pixels.device).view(3, 1, 1) for value in (mean, std))
        for piece, values in self._pieces(pixels, size):
            result[piece] = values.floor_().div_(255).sub_(mean).div_(std)
        return result

    def _pieces(self, pixels: torch.Tensor, size: int) -> Iterator[tuple[slice, torch.Tensor]]:
        """Values from 0 to below 256, half a step up: made whole by cutting, they are rounded."""
        batch, channels, height, width = pixels.shape
        if pixels.dtype != torch.uint8:
            raise ValueError(f"augment takes uint8 pixels from 0 to 255, not {pixels.dtype}")
        if height != width:
            raise ValueError(
                f"augment turns pictures by 90 degrees and needs square ones, not {height} x {width}"
            )
        device = pixels.device
        random, bits = self.random.to(device), self.bits.to(device)
        placements = _placements(random[:, :3], bits, self.min_crop)
        gain, offset = _recolouring(random[:, 6:], self.colour_jitter)
        # On a CPU in pieces that fit its caches, and always in the same memory: fresh memory for a whole batch
        # takes longer than the computation.
        length = min(CPU_PIECE, batch) if device.type == "cpu" else batch
        source = torch.empty(length, channels, height, width, device=device)
        grid = torch.empty(length, size, size, 2, device=device)
        for piece in (slice(start, min(start + length, batch)) for start in range(0, batch, max(length, 1))):
            count = piece.stop - piece.start
            source[:count].copy_(pixels[piece])
            fill_grid(grid[:count], placements[piece])
            cut = F.grid_sample(source[:count], grid[:count], padding_mode="border", align_corners=False)
            yield piece, cut.mul_(gain[piece]).add_(offset[piece]).clamp_(0, 255)


def _placements(random: torch.Tensor, bits: torch.Tensor, min_crop: float) -> torch.Tensor:
    """`[batch, 2, 3]`: from each output position (in -1..1) to the place in the picture it is read from."""
    side = (min_crop + (1 - min_crop) * random[:, 0]).sqrt()
    centre = (2 * random[:, 1:3] - 1) * (1 - side)[:, None]  # anywhere that keeps the crop inside
    flip = torch.where(bits[:, :2], -side[:, None], side[:, None])
    transpose = bits[:, 2].to(side.dtype)  # two mirrorings and a transposition make all eight
    return torch.stack(
        [
            torch.stack([flip[:, 0] * (1 - transpose), flip[:, 0] * transpose, centre[:, 0]], dim=1),
            torch.stack([flip[:, 1] * transpose, flip[:, 1] * (1 - transpose), centre[:, 1]], dim=1),
        ],
        dim=1,
    )


def fill_grid(grid: torch.Tensor, placements: torch.Tensor) -> None:
    """`F.affine_grid` of placements, without aligned corners, in a third of its time.

    grid: `[batch, size, size, 2]`; placements: `[batch, 2, 3]`.
    """
    size = grid.shape[1]
    steps = (torch.arange(size, device=placements.device) * 2 + 1) / size - 1
    across, down, shift = placements[:, None, None].unbind(-1)  # each [batch, 1, 1, 2]
    torch.add(across * steps[:, None], down * steps[:, None, None] + shift, out=grid)


def _recolouring(random: torch.Tensor, colour: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Contrast about mid-grey, a tint and a brightness shift, as gain and offset `[batch, 3, 1, 1]`."""
    spread = (2 * random - 1) * colour
    contrast = 1 + GAIN * spread[:, :1]
    gain = contrast * (1 + TINT * _centred(spread[:, 1:]))
    offset = 127.5 * (1 - contrast) + SHIFT * spread[:, 1:].mean(dim=1, keepdim=True)
    # The half makes the conversion to whole numbers, which cuts, a rounding.
    return gain[:, :, None, None], offset[:, :, None, None] + 0.5


def _centred(channels: torch.Tensor) -> torch.Tensor:
    return channels - channels.mean(dim=1, keepdim=True)
