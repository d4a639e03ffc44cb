"""What an ablation measures of each run, on pictures and captions that all runs share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from rsclip_lab.evaluation.evaluate import TestTable
from rsclip_lab.evaluation.metrics import off_diagonal_cosine, topk_accuracy
from rsclip_lab.evaluation.retrieval import retrieval_recall
from rsclip_lab.evaluation.zero_shot import class_scores, zero_shot_classifiers

KS = (1, 3, 5, 10)


def require_two_kinds(test: pd.DataFrame, control: pd.DataFrame | None) -> None:
    """Raise ValueError for a table by which no kinds can be told apart."""
    for name, table in {"test": test, "control": control}.items():
        if table is not None and len(kinds := TestTable.of(table).kinds) < 2:
            raise ValueError(
                f"the {name} table names {len(kinds)} kinds in its column label: an ablation counts which pictures "
                "are named rightly, so give it pictures of at least two kinds"
            )


def measured(model, test: TestTable, control: TestTable | None = None) -> dict:
    """One row, shares from 0 to 1, equal to those of `evaluate`: top1, top3, top5, top10 among the kinds of `test`,
    and all_top1 … among those of `control` as well; control_top1; mean_recall; off_diagonal_cosine.

    pictures, control_pictures: how many have a kind. right, all_right, control_right: which of them are named
    rightly at once, as `packed` writes it, so that runs can be compared picture by picture.
    """
    own, old = test.kinds, control.kinds if control else []
    everything = own + [kind for kind in old if kind not in own]
    classifiers = zero_shot_classifiers(model, [own, everything, old] if control else [own])
    images, captions = model.encode_images(test.images), model.encode_texts(test.captions)
    row = _named(model, images, test.labels, classifiers[0], own, "")
    row["pictures"] = sum(bool(label) for label in test.labels)
    if control is not None:
        row |= _named(model, images, test.labels, classifiers[1], everything, "all_")
        features = model.encode_images(control.images)
        of_control = _named(model, features, control.labels, classifiers[2], old, "control_")
        row |= {name: of_control[name] for name in ("control_top1", "control_right")}
        row["control_pictures"] = sum(bool(label) for label in control.labels)
    recall = retrieval_recall(images, captions[test.caption_of_text], test.image_of_text)
    images_of_caption = [[] for _ in test.captions]
    for caption, image in zip(test.caption_of_text, test.image_of_text, strict=True):
        images_of_caption[caption].append(int(image))
    cosine = off_diagonal_cosine(images, captions, images_of_caption)
    return row | {"mean_recall": float(recall["mean_recall"]), "off_diagonal_cosine": cosine}


def _named(model, features: Tensor, labels: list, classifier: Tensor, kinds: list[str], prefix: str) -> dict:
    """Top-k accuracy over the labelled pictures, and which of them are right at once."""
    rows = [row for row, label in enumerate(labels) if label]
    truth = torch.tensor([kinds.index(labels[row]) for row in rows])
    scores = class_scores(model, features[rows], classifier)
    topk = {f"{prefix}top{k}": float(share) for k, share in topk_accuracy(scores, truth, KS).items()}
    first = scores.argsort(dim=1, descending=True, stable=True)[:, 0]
    return topk | {f"{prefix}right": packed((first == truth).numpy())}


def packed(right: np.ndarray) -> str:
    """Truth values [pictures] as hexadecimal digits, four pictures in each, for a cell of a table."""
    return np.packbits(np.asarray(right, dtype=bool)).tobytes().hex()


def unpacked(digits: str, pictures: int) -> np.ndarray:
    """The truth values [pictures] that `packed` wrote. ValueError where they are of another number of pictures."""
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(digits), dtype=np.uint8))
    if not pictures <= len(bits) < pictures + 8:
        raise ValueError(f"{len(digits)} hexadecimal digits are not the answers for {pictures} pictures")
    return bits[:pictures].astype(bool)
