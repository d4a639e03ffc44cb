"""Where in a picture a prompt is: its heatmap over the grey picture, with the scale in words."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Sequence

import numpy as np
from PIL import Image

from rsclip_lab.data.images import ImageLike
from rsclip_lab.evaluation.zero_shot import NEUTRAL_TEXTS
from rsclip_lab.models import Clip
from rsclip_lab.search import text_heatmap
from rsclip_lab.show.heatmap_figures import draw_heatmap
from rsclip_lab.show.pictures import picture_array
from rsclip_lab.show.style import new_figure

# A line that says by itself that it is of a picture; it stands against such sentences as it is.
SENTENCE = re.compile(r"\b(satellite|aerial|overhead|above|air|photo\w*|images?|pictures?|view)\b", re.I)


def prompt_heatmap(model: Clip, image: ImageLike, prompt: str, templates: Sequence[str] | None = None) -> np.ndarray:
    """`text_heatmap` of the prompt, float32 [height, width]: of a thing by its name, of a whole sentence
    ("a satellite view of a reef", only without templates) against sentences that say nothing more."""
    whole = templates is None and SENTENCE.search(prompt)
    return text_heatmap(model, image, prompt, neutral=NEUTRAL_TEXTS if whole else None)


def heatmap_picture(image: ImageLike, heatmap: np.ndarray, side: int = 480) -> Image.Image:
    """The picture in grey under its heatmap, the longer side of `side` pixels, as `plot_heatmap` draws it."""
    picture = picture_array(image)
    height, width = picture.shape[:2]
    inches = 4.8 / max(height, width)
    figure = new_figure(inches * width, inches * height)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    draw_heatmap(axes, picture, heatmap)
    axes.set_anchor("C")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=side / 4.8)
    return Image.open(buffer).convert("RGB")


def heatmap_words(prompt: str, heatmap: np.ndarray) -> str:
    """What the map says: how high, and where."""
    highest = float(heatmap.max())
    fits = "better than" if highest > 0.6 else "worse than" if highest < 0.4 else "about as well as"
    absent = "; as far as the model can tell, it is not there" if highest < 0.4 else ""
    return (
        f"“{prompt}”: {highest:.2f} at the cross, {_place(heatmap)}: fits {fits} words that fit any picture{absent}."
    )


def _place(heatmap: np.ndarray) -> str:
    """Of the highest value, in thirds of the picture."""
    row, column = np.unravel_index(int(np.argmax(heatmap)), heatmap.shape)
    up = ("at the top", "in the middle", "at the bottom")[3 * row // heatmap.shape[0]]
    side = (" left", "", " right")[3 * column // heatmap.shape[1]]
    return f"{up}{side}"


def scale_html(words: str) -> str:
    """The colours' scale and the words under the picture."""
    scale = "dark 0 <span class='rsclip-scale' aria-hidden='true'></span> 1 bright"
    meant = "½ fits like any words, 1 far better"
    return f"<div role='status'>{html.escape(words)}</div><div class='rsclip-small'>{scale}: {meant}</div>"
