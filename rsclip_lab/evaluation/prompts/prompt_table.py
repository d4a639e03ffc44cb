"""Does the wording matter? Zero-shot accuracy template by template, beside their ensemble."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from torch import Tensor

from rsclip_lab.data.wording.prompts import REMOTE_SENSING_TEMPLATES, checked_templates
from rsclip_lab.evaluation.classes import class_numbers, mean_per_class, top1
from rsclip_lab.evaluation.intervals import wilson_interval
from rsclip_lab.evaluation.metrics import as_tensor, topk_accuracy
from rsclip_lab.evaluation.zero_shot import class_scores, ensembled, prompt_features
from rsclip_lab.models import Clip
from rsclip_lab.models.inputs import require_loaded

ENSEMBLE = "ensemble"


def prompt_table(
    model: Clip,
    images,
    labels,
    class_names: Sequence[str],
    templates: Sequence[str] = REMOTE_SENSING_TEMPLATES,
    ks: Iterable[int] = (1, 3, 5, 10),
    as_words: bool = True,
) -> pd.DataFrame:
    """One row a template and a last one, "ensemble", for all of them together (`zero_shot_classifier`).

    `images` as in `Clip.encode_images`, or their unit vectors [n, dim] where they are encoded already; `labels` [n],
    class names or numbers. Columns `template`, `pictures`, `top1` … for each of `ks`, `low` and `high` (95 % Wilson
    interval of top1), `mean_per_class`, and `changed`: the share of pictures whose answer is another one than the
    ensemble's. Each picture and each text is encoded once. Choose a template on validation pictures: the best of many
    flatters itself on those it was chosen by.
    Raises ValueError for labels that are no class, or not one a picture; else as `zero_shot_classifier`.
    """
    require_loaded(model, "prompt_table")
    templates, ks = checked_templates(templates), tuple(dict.fromkeys((1, *ks)))
    numbers = class_numbers(labels, class_names)
    prompts = prompt_features(model, class_names, templates, as_words)
    image_features = as_tensor(images) if _are_features(images) else model.encode_images(images)
    if len(image_features) != len(numbers) or len(numbers) == 0:
        counts = f"{len(image_features)} pictures and {len(numbers)} labels"
        raise ValueError(f"{counts}: give one label a picture, and at least one picture")
    classifiers = [prompts[:, place] for place in range(len(templates))] + [ensembled(prompts)]
    of_ensemble = top1(class_scores(model, image_features, classifiers[-1]))
    rows = []
    for name, classifier in zip([*templates, ENSEMBLE], classifiers, strict=True):
        scores = class_scores(model, image_features, classifier)
        topk = topk_accuracy(scores, numbers, ks)
        low, high = wilson_interval(topk[1], len(numbers))
        row = {"template": name, "pictures": len(numbers), **{f"top{k}": share for k, share in topk.items()}}
        row |= {"low": low, "high": high, "mean_per_class": mean_per_class(scores, numbers)}
        rows.append(row | {"changed": float((top1(scores) != of_ensemble).mean())})
    return pd.DataFrame(rows)


def _are_features(images) -> bool:
    """Whether these are features, and no picture: an array that is one holds uint8 or bool."""
    is_array = isinstance(images, np.ndarray) and images.ndim == 2 and images.dtype.kind == "f"
    return is_array or isinstance(images, Tensor)
