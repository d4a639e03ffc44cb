"""`text_heatmap`: where in a picture a text is."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from rsclip_lab.data import open_image
from rsclip_lab.data.images import ImageLike
from rsclip_lab.models import Clip, ModelError
from rsclip_lab.models.inputs import as_list_of_texts, require_loaded
from rsclip_lab.search.heatmaps.dense import dense_scores
from rsclip_lab.search.heatmaps.layers import layer_names, layered_scores
from rsclip_lab.search.heatmaps.trunks import reads_locations
from rsclip_lab.search.heatmaps.windows import window_scores

METHODS = ("layers", "dense", "windows")
# The words as a part of a picture; and the same sentences without them, which say what any picture says.
FRAMES = (
    "a satellite view{}",
    "an aerial photo{}",
    "a satellite photo{}",
    "an overhead picture{}",
    "in this satellite image{}",
)
ZOOMS = {"layers": (2,), "dense": (2, 3)}  # chosen on the training scenes of the embedded samples
MOST = 16  # image sizes along the shorter side, by default


def text_heatmap(
    model: Clip,
    image: ImageLike,
    text: str,
    method: str | None = None,
    neutral: str | Sequence[str] | None = None,
    zooms: float | Sequence[float] | None = None,
    cosines: bool = False,
) -> np.ndarray:
    """Where in the picture the text is: float32 [height, width] of the whole picture as it is, in 0…1.

    The highest value says how well the text fits the picture: 1, far better than words that fit any picture; ½, no
    better; 0, worse. That is the softmax between the text and those neutral words with the model's own logit scale;
    nothing is stretched to 1, so a thing that is not there gives a pale map, as far as the model can tell, and maps
    of several pictures can be compared. A model whose logit scale is low gives pale maps, whose order still counts.

    text: the thing, best in the plural and as a part of a picture ("several storage tanks", "boats in a harbour"); it
    is written after "with" into five short sentences (`FRAMES`). neutral: other words to stand against, instead of
    the sentences without the text; the text is then taken as it is, so write whole sentences.
    method: "layers", for convolutional trunks: what speaks for the text, followed back to layers that still see
    small things (`layered_scores`); of a picture larger than four image sizes, the highest value is of its best
    part. "dense", for these and ViTs: the softmax at every place, from the trunk's features of locations
    (`location_features`), each of which is surer than the picture as a whole. "windows", the same of windows encoded
    as pictures, the slow reference that fits every model. None: the first that the network allows.
    zooms (not for windows): how many image sizes the picture's shorter side is enlarged to, the mean of which
    counts; by default 2 (dense: 2 and 3), for large pictures further up to their own resolution (16 at most).
    cosines (not for layers): the text's scores minus those of the neutral words, unscaled; positive where the text
    fits better.

    Raises TypeError for a model that is not loaded, ValueError for an empty text or another method, ImageError for
    a picture that cannot be read.
    """
    require_loaded(model, "text_heatmap")
    if not isinstance(text, str):
        raise TypeError(f"text_heatmap takes one text, not {text!r:.80}: text_heatmaps takes several")
    return text_heatmaps(model, image, [text], method, neutral, zooms, cosines)[0]


def text_heatmaps(
    model: Clip,
    image: ImageLike,
    texts: Sequence[str],
    method: str | None = None,
    neutral: str | Sequence[str] | None = None,
    zooms: float | Sequence[float] | None = None,
    cosines: bool = False,
) -> np.ndarray:
    """`text_heatmap` of several texts, which share the look at the picture: float32 [texts, height, width]."""
    require_loaded(model, "text_heatmaps")
    method = _checked_method(model, method)
    directions = text_directions(model, texts, neutral)
    picture = open_image(image)
    if method == "windows":
        scores = window_scores(model, picture, directions)
        return scores if cosines else fitting(model, scores)
    zooms = default_zooms(model, picture.size, ZOOMS[method]) if zooms is None else _checked_zooms(zooms)
    if method == "dense":
        scores = dense_scores(model, picture, directions, zooms)
        return scores if cosines else fitting(model, scores)
    if cosines:
        raise ValueError("cosines of layers: there are none, as only the last layer lies with the texts; 'dense' has")
    places, whole = layered_scores(model, picture, directions, zooms)
    return places * fitting(model, whole)[:, None, None]


def fitting(model: Clip, scores: np.ndarray) -> np.ndarray:
    """The softmax between a text and the neutral words, by the difference of their cosines: ½ where it is 0."""
    return torch.sigmoid(model.logit_scale * torch.from_numpy(scores)).numpy()


def text_directions(model: Clip, texts: Sequence[str], neutral: str | Sequence[str] | None = None) -> Tensor:
    """float32 [texts, dim]: from the neutral words to each text; the product with a feature is the difference of the
    two cosines. Without `neutral` both are means over `FRAMES`, normalised."""
    texts = _checked_texts(texts, "text")
    if neutral is not None:
        plain = model.encode_texts(_checked_texts(neutral, "neutral text"))
        return model.encode_texts(texts) - F.normalize(plain.mean(dim=0), dim=0)
    written = [frame.format(words) for words in ["", *(f" with {text}" for text in texts)] for frame in FRAMES]
    features = model.encode_texts(written).view(1 + len(texts), len(FRAMES), -1).mean(dim=1)
    plain, *described = F.normalize(features, dim=-1)
    return torch.stack(described) - plain


def default_zooms(model: Clip, size: tuple[int, int], first: Sequence[float]) -> tuple[float, ...]:
    """The first, then twice as much each time while the picture (width, height) has the pixels for it."""
    zooms = list(first)
    while 2 * zooms[-1] <= min(MOST, min(size) / model.image_size):
        zooms.append(2 * zooms[-1])
    return tuple(zooms)


def _checked_method(model: Clip, method: str | None) -> str:
    visual = model.net.visual
    possible = {"layers": bool(layer_names(visual)), "dense": reads_locations(visual), "windows": True}
    usable = [name for name, fits in possible.items() if fits]
    if method is None:
        return usable[0]
    if method not in METHODS:
        raise ValueError(f"method {method!r}: choose {', '.join(METHODS[:-1])} or {METHODS[-1]}")
    if method not in usable:
        kind = type(getattr(visual, "trunk", visual)).__name__
        lacks = "features of locations" if method == "dense" else "pyramid of layers"
        raise ModelError(f"{model.name}: this {kind} shows no {lacks}; use method={usable[0]!r}")
    return method


def _checked_texts(texts: str | Sequence[str], what: str) -> list[str]:
    texts = as_list_of_texts(texts)
    if not texts:
        raise ValueError(f"no {what}: give at least one")
    for row, text in enumerate(texts):
        if not text.strip():
            raise ValueError(f"{what} {row} is empty: say what to look for, such as 'several storage tanks'")
    return texts


def _checked_zooms(zooms: float | Sequence[float]) -> tuple[float, ...]:
    zooms = (zooms,) if isinstance(zooms, int | float) else tuple(zooms)
    if not zooms or not all(0 < zoom <= 64 for zoom in zooms):
        raise ValueError(f"zooms {zooms}: give one or more numbers above 0, up to 64 image sizes")
    return zooms
