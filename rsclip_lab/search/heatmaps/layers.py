"""What in a picture speaks for a text, followed back to layers of the trunk that still see small things."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from open_clip.timm_model import TimmModel
from PIL import Image
from torch import Tensor, nn

from rsclip_lab.environment import progress
from rsclip_lab.models import Clip
from rsclip_lab.models.clip import evaluating
from rsclip_lab.search.heatmaps.dense import products
from rsclip_lab.search.heatmaps.tiles import enlarged, joined, tiles
from rsclip_lab.search.heatmaps.trunks import fixed_size, location_features, reads_locations, trial_pixels

MOST_LAYERS = 3  # the last ones: strides of 8, 16 and 32 pixels in most trunks
TURNS = 4  # quarter turns under which a picture is seen: from above there is no up
TURNED = 4  # image sizes up to which it is turned; of larger ones, which cost the most, one look is taken


def layer_names(visual: nn.Module) -> list[str]:
    """The modules, coarsest last, at whose outputs `layered_scores` looks; none where the trunk is no pyramid, or
    where a trial does not show its layers (checkpointing of gradients hides them)."""
    if fixed_size(visual) or not reads_locations(visual):
        return []
    if isinstance(visual, TimmModel):
        strides = {f"trunk.{stage['module']}": stage["reduction"] for stage in visual.trunk.feature_info}
    else:
        strides = {"layer2": 8, "layer3": 16, "layer4": 32}
    last = {stride: name for name, stride in strides.items()}
    names = [last[stride] for stride in sorted(last)][-MOST_LAYERS:]
    known = dict(visual.named_modules())
    return names if all(name in known for name in names) and _shown(visual, names) else []


def _shown(visual: nn.Module, names: Sequence[str]) -> bool:
    """Whether a trial finds each layer as one map, on grids that fit into each other."""
    trial = trial_pixels(visual)
    with torch.no_grad(), evaluating(visual), _kept(visual, names) as kept:
        location_features(visual, trial)
    shapes = [tuple(output.shape[2:]) for output in kept if output is not None and output.ndim == 4]
    return len(shapes) == len(names) and all(
        trial.shape[2] % rows == 0 and trial.shape[3] * rows == trial.shape[2] * columns for rows, columns in shapes
    )


def layered_scores(
    model: Clip, picture: Image.Image, texts: Tensor, zooms: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Where it is, and whether it is there: float32 [texts, height, width] in 0…1, and cosines [texts].

    The first is LayerCAM (Jiang et al. 2021, doi:10.1109/TIP.2021.3089943): at each layer the product of what is
    seen there and how much it speaks for the text (the gradient of the locations' products with it), where that is
    positive, summed over the channels. Of every layer and zoom the highest place counts 1, and so does that of their
    sum. The second is the cosine of the text with the mean of the locations, which is the picture's feature where
    they add up to it: of the whole picture, or of the best tile of one so large that it is seen in tiles.
    """
    size = (picture.height, picture.width)
    names = layer_names(model.net.visual)
    canvases = [enlarged(model, picture, zoom) for zoom in zooms]
    work = sum(len(list(tiles(model, *canvas.size))) for canvas in canvases)
    with progress(total=work, desc="heatmap") as bar, evaluating(model.net), torch.inference_mode(False):
        texts = texts.to(model.device).clone()  # what comes out of inference mode can have no gradient
        places, cosines = torch.zeros(len(texts), *size), []
        for canvas in canvases:
            turns = TURNS if max(canvas.size) <= TURNED * model.image_size else 1

            def look(pixels: Tensor, turns: int = turns) -> Tensor:
                maps, fits = _turned(model.net.visual, pixels, texts, names, turns)
                cosines.extend(fits.cpu())
                return maps

            for layer in joined(model, canvas, look, bar).unflatten(0, (len(names), len(texts))):
                even = F.interpolate(_to_one(layer)[None], size=size, mode="bilinear", align_corners=False)[0]
                places += even
    return _to_one(places).numpy(), torch.stack(cosines).amax(dim=0).numpy()


def _turned(visual: nn.Module, pixels: Tensor, texts: Tensor, names: Sequence[str], turns: int) -> tuple:
    """The means of what `_seen` gives over quarter turns of the pixels, the maps turned back."""
    maps, fits = 0, 0
    for turn in range(turns):
        seen, cosines = _seen(visual, torch.rot90(pixels, turn, (2, 3)), texts, names)
        maps, fits = maps + torch.rot90(seen, -turn, (2, 3)), fits + cosines
    return maps / turns, fits / turns


def _seen(visual: nn.Module, pixels: Tensor, texts: Tensor, names: Sequence[str]) -> tuple[Tensor, Tensor]:
    """LayerCAM of the layers, [batch, layers * texts, rows, columns] on the grid of the finest; and the cosines of
    the texts with the mean of all locations, [batch, texts]."""
    with torch.enable_grad(), _kept(visual, names) as kept:
        features = location_features(visual, pixels).float()
        scores = products(features, texts).sum(dim=(0, 2, 3))
    maps = [[] for _ in names]
    for score in scores:
        gradients = torch.autograd.grad(score, kept, retain_graph=True)
        for found, gradient, activation in zip(maps, gradients, kept, strict=True):
            found.append((gradient.clamp(min=0) * activation).sum(dim=1).clamp(min=0).detach().float())
    finest = kept[0].shape[2:]
    parts = [F.interpolate(torch.stack(found, dim=1), size=finest, mode="bilinear") for found in maps]
    cosines = F.normalize(features.detach().mean(dim=(2, 3)), dim=1) @ texts.T
    return torch.cat(parts, dim=1), cosines


@contextmanager
def _kept(visual: nn.Module, names: Sequence[str]) -> Iterator[list[Tensor]]:
    """The outputs of these modules of the next pass in this thread, finest first; no gradient goes back beyond the
    first."""
    kept, mine = [], threading.get_ident()

    def keep(module, inputs, output: Tensor) -> Tensor | None:
        if threading.get_ident() != mine:  # a widget or a server may ask for two maps at once
            return None
        if not isinstance(output, Tensor):
            return kept.append(None)  # several branches at once: for `_shown` to see
        kept.append(output if kept else output.detach().requires_grad_())
        return kept[-1].clone()  # as some networks write into what they are given

    hooks = [visual.get_submodule(name).register_forward_hook(keep) for name in names]
    try:
        yield kept
    finally:
        for hook in hooks:
            hook.remove()


def _to_one(maps: Tensor) -> Tensor:
    """[texts, rows, columns], of each the highest place 1; a map of zeros stays one."""
    return maps / maps.amax(dim=(1, 2), keepdim=True).clamp(min=torch.finfo(maps.dtype).tiny)
