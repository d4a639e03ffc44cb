"""The whole of a picture at a scale of one's choice, through the network in overlapping tiles that it can hold."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from rsclip_lab.data import normalise
from rsclip_lab.models import Clip
from rsclip_lab.search.heatmaps.trunks import fixed_size, stride_of
from rsclip_lab.search.heatmaps.windows import starts

TILE = 4  # sides of a tile, in image sizes, where the network takes any size
OVERLAP = 0.75  # from one tile to the next, in tiles: what lies at an edge is seen whole by a neighbour
LONGEST = 64  # image sizes to which a picture's longer side is enlarged at most: one of a single row is no scene
AT_ONCE = 1 << 20  # pixels in a batch

Look = Callable[[Tensor], Tensor]  # normalised pixels [batch, 3, height, width] -> maps [batch, maps, rows, columns]


def enlarged(model: Clip, picture: Image.Image, zoom: float) -> Image.Image:
    """The whole picture, nothing cropped: its shorter side `zoom` image sizes, both sides multiples of the stride."""
    stride = stride_of(model.net.visual)
    least = model.image_size if fixed_size(model.net.visual) else stride
    scale = zoom * model.image_size / min(picture.size)
    scale = min(scale, max(1, LONGEST * model.image_size / max(picture.size)))
    sides = [max(least, round(side * scale / stride) * stride) for side in picture.size]
    return picture.resize(sides, Image.Resampling.BICUBIC) if tuple(sides) != picture.size else picture


def tiles(model: Clip, width: int, height: int) -> Iterator[tuple[int, int, int, int]]:
    """Left, top, width, height of the pieces in which the network sees a canvas; overlapping, on its stride."""
    visual = model.net.visual
    stride = stride_of(visual)
    side = model.image_size if fixed_size(visual) else TILE * model.image_size // stride * stride
    across, down = min(side, width), min(side, height)
    for top in starts(height // stride, down // stride, OVERLAP):
        for left in starts(width // stride, across // stride, OVERLAP):
            yield left * stride, top * stride, across, down


def joined(model: Clip, canvas: Image.Image, look: Look, bar) -> Tensor:
    """What `look` says of each tile, joined: [maps, rows, columns] on the CPU, the mean where tiles overlap."""
    pieces = list(tiles(model, *canvas.size))
    at_once = max(1, AT_ONCE // (pieces[0][2] * pieces[0][3]))
    total = count = None
    for first in range(0, len(pieces), at_once):
        some = pieces[first : first + at_once]
        found = look(_pixels(model, canvas, some)).cpu()
        if total is None:
            cell = some[0][3] // found.shape[2]  # pixels between two values
            shape = (canvas.height // cell, canvas.width // cell)
            total, count = torch.zeros(found.shape[1], *shape), torch.zeros(shape)
        for (left, top, *_), maps in zip(some, found, strict=True):
            rows, columns = maps.shape[1:]
            place = np.s_[top // cell : top // cell + rows, left // cell : left // cell + columns]
            total[(slice(None), *place)] += maps
            count[place] += 1
        bar.update(len(some))
    return total / count


def _pixels(model: Clip, canvas: Image.Image, pieces: list) -> Tensor:
    cut = [np.array(canvas.crop((left, top, left + across, top + down))) for left, top, across, down in pieces]
    pixels = torch.from_numpy(np.stack(cut)).permute(0, 3, 1, 2).to(model.device)
    return normalise(pixels, model.mean, model.std).contiguous(memory_format=torch.channels_last)
