"""Classes from their names: prompts, the zero-shot classifier, and probabilities for pictures."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch.nn.functional as F
from torch import Tensor

from rsclip_lab.data import PixelStore
from rsclip_lab.data.wording.prompts import DEFAULT_TEMPLATES, checked_templates
from rsclip_lab.models import Clip
from rsclip_lab.models.inputs import as_list_of_images, require_loaded


def zero_shot_classifier(
    model: Clip, class_names: Sequence[str], templates: Sequence[str] | None = None
) -> Tensor:
    """Unit vectors float32 [classes, dim], one a class: its picture-independent "weights".

    Each class is written into each template, encoded and normalised; the mean over the templates is
    normalised again (prompt ensembling: Radford et al. 2021, section 3.1.4; as in open_clip).
    Raises ValueError for fewer than two classes, a class named twice, or a template without {label}.
    """
    class_names = checked_names(class_names)
    templates = checked_templates(DEFAULT_TEMPLATES if templates is None else templates)
    texts = [template.replace("{label}", name) for name in class_names for template in templates]
    features = model.encode_texts(texts).view(len(class_names), len(templates), -1)
    return F.normalize(features.mean(dim=1), dim=-1)


def class_scores(model: Clip, image_features: Tensor, classifier: Tensor) -> Tensor:
    """Logits [images, classes]: cosines times the model's logit scale.

    Without the scale a softmax over cosines, which lie within a few hundredths of each other, looks undecided
    even for a good model.
    """
    return model.logit_scale * image_features @ classifier.T


def predict(model: Clip, images, prompts: Sequence[str]) -> pd.DataFrame:
    """Probabilities, one row an image (its file name, or its number), one column a prompt; rows sum to 1.

    `images` as in `Clip.encode_images`; `prompts` are whole sentences, at least two different ones, between
    which the softmax decides: it says which of these fits best, never that none of them fits.
    """
    require_loaded(model, "predict")
    prompts = checked_names(prompts, "prompt")
    images = images if isinstance(images, PixelStore) else as_list_of_images(images)
    scores = class_scores(model, model.encode_images(images), model.encode_texts(prompts))
    names = range(len(images)) if isinstance(images, PixelStore) else images
    index = [Path(name).name if isinstance(name, (str, Path)) else row for row, name in enumerate(names)]
    return pd.DataFrame(scores.softmax(dim=-1).numpy(), index=pd.Index(index, name="image"), columns=prompts)


def checked_names(names: Sequence[str], kind: str = "class") -> list[str]:
    """The names as a list; ValueError for fewer than two, one named twice, or one that is not words."""
    names = [names] if isinstance(names, str) else list(names)
    for place, name in enumerate(names):
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"{kind} {place} is {name!r}: give each {kind} as words")
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{kind} named twice: {', '.join(repeated)}; name each once")
    if len(names) < 2:
        got = ", ".join(names) or "none"
        raise ValueError(f"a choice needs at least two: got {len(names)} {kind} ({got}); add another")
    return names
