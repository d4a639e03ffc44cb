"""The reference: a window slides over the picture, and each is encoded as a picture of its own."""

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image
from torch import Tensor

from rsclip_lab.environment import progress
from rsclip_lab.models import Clip

SHARES = (0.25, 0.4, 0.6)  # sides of the windows, as shares of the picture's shorter side
STEP = 0.5  # from one window to the next, in sides
AT_ONCE = 256  # windows cut at a time: a large scene has thousands


def window_scores(
    model: Clip, picture: Image.Image, texts: Tensor, shares: Sequence[float] = SHARES, step: float = STEP
) -> np.ndarray:
    """float32 [texts, height, width]: cosines of the texts with the windows that a pixel lies in, on average.

    texts: unit vectors [texts, dim]. Each size of window counts the same, whatever the number of its windows.
    """
    scores = np.zeros((len(texts), picture.height, picture.width), np.float32)
    sides = [max(1, round(share * min(picture.size))) for share in shares]
    places = {side: list(windows(picture.width, picture.height, side, step)) for side in sides}
    with progress(total=sum(map(len, places.values())), desc="windows") as bar:
        for side, corners in places.items():
            cosines = np.concatenate(list(_cosines(model, picture, texts, corners, side, bar)), axis=1)
            scores += _spread(cosines, corners, side, scores.shape[1:]) / len(places)
    return scores


def windows(width: int, height: int, side: int, step: float = STEP) -> Iterator[tuple[int, int]]:
    """Left and top of each window, row by row: evenly spread, at most `step` sides apart, the edges included."""
    for top in starts(height, side, step):
        for left in starts(width, side, step):
            yield left, top


def starts(length: int, side: int, step: float) -> list[int]:
    """Where pieces of `side` begin that cover `length`, evenly spread and at most `step` sides apart."""
    last = max(0, length - side)
    count = 1 + int(np.ceil(last / max(1, step * side)))
    return [round(start) for start in np.linspace(0, last, count)]


def _cosines(model: Clip, picture: Image.Image, texts: Tensor, corners, side: int, bar) -> Iterator[np.ndarray]:
    for first in range(0, len(corners), AT_ONCE):
        some = corners[first : first + AT_ONCE]
        cut = [picture.crop((left, top, left + side, top + side)) for left, top in some]
        yield (texts @ model.encode_images(cut).T).numpy()
        bar.update(len(some))


def _spread(cosines: np.ndarray, corners, side: int, shape: tuple[int, int]) -> np.ndarray:
    """The mean over the windows on each pixel: [texts, windows] -> [texts, height, width]."""
    total, count = np.zeros((len(cosines), *shape), np.float32), np.zeros(shape, np.float32)
    for column, (left, top) in enumerate(corners):
        place = np.s_[top : top + side, left : left + side]
        total[(slice(None), *place)] += cosines[:, column, None, None]
        count[place] += 1
    return total / count
