"""Every place of a picture against the texts at once: one pass of the trunk instead of hundreds of windows."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from rsclip_lab.data import normalise
from rsclip_lab.environment import progress
from rsclip_lab.models import Clip
from rsclip_lab.models.clip import evaluating
from rsclip_lab.search.heatmaps.trunks import (
    adds_up,
    fixed_size,
    location_features,
    stride_of,
)
from rsclip_lab.search.heatmaps.windows import starts

TILE = 4  # sides of a tile, in image sizes, where the network takes any size
OVERLAP = 0.75  # from one tile to the next, in tiles: what lies at an edge is seen whole by a neighbour
LONGEST = 64  # image sizes to which a picture's longer side is enlarged at most: one of a single row is no scene
AT_ONCE = 1 << 20  # pixels in a batch


def dense_scores(model: Clip, picture: Image.Image, texts: Tensor, zooms: Sequence[float]) -> np.ndarray:
    """float32 [texts, height, width]: what each place says for each text, the mean over the zooms.

    Where a picture's feature is the mean of its locations' (`adds_up`), a place's score is its share in that: the
    product of location and text, over the mean length of the locations (class activation maps: Zhou et al. 2016,
    arXiv:1512.04150). Elsewhere it is the cosine.
    """
    size = (picture.height, picture.width)
    scores = torch.zeros(len(texts), *size)
    texts = texts.to(model.device)
    canvases = [_canvas(model, picture, zoom) for zoom in zooms]
    work = sum(len(list(_tiles(model, *canvas.size))) for canvas in canvases)
    with progress(total=work, desc="heatmap") as bar, torch.no_grad(), evaluating(model.net):
        for canvas in canvases:
            products, lengths = _grid(model, canvas, texts, bar)
            divisor = lengths.mean() if adds_up(model.net.visual) else lengths
            even = F.interpolate((products / divisor)[None], size=size, mode="bilinear", align_corners=False)[0]
            scores += even / len(canvases)
    return scores.numpy()


def _canvas(model: Clip, picture: Image.Image, zoom: float) -> Image.Image:
    """The whole picture, nothing cropped: its shorter side `zoom` image sizes, both sides multiples of the stride."""
    stride = stride_of(model.net.visual)
    least = model.image_size if fixed_size(model.net.visual) else stride
    scale = zoom * model.image_size / min(picture.size)
    scale = min(scale, max(1, LONGEST * model.image_size / max(picture.size)))
    sides = [max(least, round(side * scale / stride) * stride) for side in picture.size]
    return picture.resize(sides, Image.Resampling.BICUBIC) if tuple(sides) != picture.size else picture


def _tiles(model: Clip, width: int, height: int) -> Iterator[tuple[int, int, int, int]]:
    """Left, top, width, height of the pieces in which the network sees a canvas; overlapping, on its stride."""
    visual = model.net.visual
    stride = stride_of(visual)
    side = model.image_size if fixed_size(visual) else TILE * model.image_size // stride * stride
    across, down = min(side, width), min(side, height)
    for top in starts(height // stride, down // stride, OVERLAP):
        for left in starts(width // stride, across // stride, OVERLAP):
            yield left * stride, top * stride, across, down


def _grid(model: Clip, canvas: Image.Image, texts: Tensor, bar) -> tuple[Tensor, Tensor]:
    """Products [texts, rows, columns] of locations and texts, and the locations' lengths [rows, columns]."""
    stride = stride_of(model.net.visual)
    shape = (canvas.height // stride, canvas.width // stride)
    total, count = torch.zeros(len(texts) + 1, *shape), torch.zeros(shape)
    tiles = list(_tiles(model, *canvas.size))
    at_once = max(1, AT_ONCE // (tiles[0][2] * tiles[0][3]))
    for first in range(0, len(tiles), at_once):
        some = tiles[first : first + at_once]
        for (left, top, *_), found in zip(some, _looked_at(model, canvas, some, texts), strict=True):
            rows, columns = found.shape[1:]
            place = np.s_[top // stride : top // stride + rows, left // stride : left // stride + columns]
            total[(slice(None), *place)] += found
            count[place] += 1
        bar.update(len(some))
    total /= count
    return total[:-1], total[-1]


def _looked_at(model: Clip, canvas: Image.Image, tiles: list, texts: Tensor) -> Tensor:
    """[tiles, texts + 1, rows, columns] on the CPU: products with the texts, then the locations' lengths."""
    cut = [np.array(canvas.crop((left, top, left + across, top + down))) for left, top, across, down in tiles]
    pixels = torch.from_numpy(np.stack(cut)).permute(0, 3, 1, 2).to(model.device)
    pixels = normalise(pixels, model.mean, model.std).contiguous(memory_format=torch.channels_last)
    features = location_features(model.net.visual, pixels).float()
    products = torch.einsum("bdhw,td->bthw", features, texts)
    return torch.cat([products, features.norm(dim=1, keepdim=True)], dim=1).cpu()
