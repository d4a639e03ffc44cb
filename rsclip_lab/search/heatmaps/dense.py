"""Every place of a picture against the texts at once: one pass of the trunk instead of hundreds of windows."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from rsclip_lab.environment import progress
from rsclip_lab.models import Clip
from rsclip_lab.models.clip import evaluating
from rsclip_lab.search.heatmaps.tiles import enlarged, joined, tiles
from rsclip_lab.search.heatmaps.trunks import adds_up, location_features


def dense_scores(model: Clip, picture: Image.Image, texts: Tensor, zooms: Sequence[float]) -> np.ndarray:
    """float32 [texts, height, width]: what each place says for each text, the mean over the zooms.

    Where a picture's feature is the mean of its locations' (`adds_up`), a place's score is its share in that: the
    product of location and text, over the mean length of the locations (class activation maps: Zhou et al. 2016,
    arXiv:1512.04150). Elsewhere it is the cosine.
    """
    visual, size = model.net.visual, (picture.height, picture.width)
    scores = torch.zeros(len(texts), *size)
    texts = texts.to(model.device)

    def look(pixels: Tensor) -> Tensor:
        features = location_features(visual, pixels).float()
        return torch.cat([products(features, texts), features.norm(dim=1, keepdim=True)], dim=1)

    canvases = [enlarged(model, picture, zoom) for zoom in zooms]
    work = sum(len(list(tiles(model, *canvas.size))) for canvas in canvases)
    with progress(total=work, desc="heatmap") as bar, torch.no_grad(), evaluating(model.net):
        for canvas in canvases:
            *scored, lengths = joined(model, canvas, look, bar)
            even = torch.stack(scored) / (lengths.mean() if adds_up(visual) else lengths)
            scores += F.interpolate(even[None], size=size, mode="bilinear", align_corners=False)[0] / len(canvases)
    return scores.numpy()


def products(features: Tensor, texts: Tensor) -> Tensor:
    """Locations [batch, dim, rows, columns] with texts [texts, dim]: [batch, texts, rows, columns]."""
    return torch.einsum("bdhw,td->bthw", features, texts)
