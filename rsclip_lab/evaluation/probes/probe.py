"""All probes of a model in one call: what its picture features know, with and without words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from torch import Tensor

from rsclip_lab.data.wording.prompts import checked_templates
from rsclip_lab.evaluation.probes.few_shot import few_shot
from rsclip_lab.evaluation.probes.knn import knn_probe
from rsclip_lab.evaluation.probes.linear import POWERS_OF_TEN, linear_probe
from rsclip_lab.evaluation.probes.result import ProbeResult
from rsclip_lab.evaluation.tables import pictures_of
from rsclip_lab.evaluation.zero_shot import class_scores, zero_shot_classifier
from rsclip_lab.models import Clip
from rsclip_lab.models.inputs import require_loaded


def probe(
    model: Clip,
    train: pd.DataFrame,
    test: pd.DataFrame,
    C: float | Sequence[float] = POWERS_OF_TEN,
    k: int = 20,
    shots: Sequence[int] | None = None,
    draws: int = 5,
    seed: int = 0,
    templates: Sequence[str] | None = None,
) -> dict:
    """{"zero_shot", "linear", "knn": `ProbeResult`, "few_shot": table} from two captions tables with labels.

    Pictures without a label are left out; each picture is encoded once. C as in `linear_probe`, k as in `knn_probe`
    (fewer where there are not so many training pictures), shots and draws as in `few_shot`, templates as in
    `zero_shot_classifier`, whose classes are the training labels. Only zero-shot looks at the text tower: where it
    falls far behind the linear probe, it is the words that do not fit, not the pictures.
    Raises ValueError for tables without labels, columns or pictures, for templates without {label}, and for test
    labels that no training picture has.
    """
    require_loaded(model, "probe")
    (train_images, train_labels), (test_images, labels) = _labelled(train, "training"), _labelled(test, "test")
    if templates is not None:
        checked_templates(templates)  # before the pictures are encoded
    sides = (model.encode_images(train_images), train_labels, model.encode_images(test_images), labels)
    found = {
        "linear": linear_probe(*sides, C=C, seed=seed),
        "knn": knn_probe(*sides, k=min(k, len(train_labels))),
        "few_shot": few_shot(*sides, shots=shots, draws=draws, seed=seed),
    }
    return {"zero_shot": _zero_shot(model, sides[2], labels, np.unique(train_labels), templates), **found}


def probe_table(found: Mapping[str, Mapping]) -> pd.DataFrame:
    """One row a model, one column an accuracy. found: {"base": what `probe` gives, …}."""
    rows = {}
    for name, probes in found.items():
        few = probes["few_shot"].set_index("shots")["accuracy"]
        rows[name] = {words: probes[key].accuracy for words, key in NAMES.items()}
        rows[name] |= {f"{shots}-shot": share for shots, share in few.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


NAMES = {"zero-shot": "zero_shot", "linear probe": "linear", "kNN": "knn"}


def _labelled(table: pd.DataFrame, side: str) -> tuple[list[str], np.ndarray]:
    """Pictures that have a label, and their labels as text."""
    _, images, labels = pictures_of(table, f"the {side} table")
    labelled = {image: label for image, label in zip(images, labels, strict=True) if label}
    if not labelled:
        raise ValueError(f"no picture of the {side} table has a label: a probe learns and judges classes")
    return list(labelled), np.array(list(labelled.values()), dtype=object)


def _zero_shot(model: Clip, features: Tensor, labels: np.ndarray, classes: np.ndarray, templates) -> ProbeResult:
    classifier = zero_shot_classifier(model, list(classes), templates)
    probabilities = class_scores(model, features, classifier).double().softmax(dim=-1).numpy()
    return ProbeResult("zero-shot", classes, labels, probabilities, {})
