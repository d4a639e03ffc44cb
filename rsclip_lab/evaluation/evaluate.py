"""Before and after in one call: what a model knows of a captions table, and what it forgot of another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from torch import Tensor

from rsclip_lab.data import PixelStore
from rsclip_lab.data.table import CaptionError
from rsclip_lab.data.wording.prompts import checked_templates
from rsclip_lab.evaluation.calibration import calibration_error
from rsclip_lab.evaluation.classes import class_numbers, mean_per_class
from rsclip_lab.evaluation.metrics import off_diagonal_cosine, topk_accuracy
from rsclip_lab.evaluation.retrieval import retrieval_recall
from rsclip_lab.evaluation.tables import pictures_of
from rsclip_lab.evaluation.zero_shot import (
    checked_features,
    checked_names,
    class_scores,
    image_features_of,
    zero_shot_classifier,
)
from rsclip_lab.models import Clip
from rsclip_lab.models.inputs import require_loaded

NAN = float("nan")


@dataclass(frozen=True)
class TestTable:
    """A captions table as evaluation reads it: distinct pictures and captions, each to be encoded once."""

    __test__ = False  # its name would make pytest collect it

    images: list[str] | PixelStore | Tensor  # a tensor: their features [images, dim], of the model that is asked
    labels: list[str | None]  # one a picture
    captions: list[str]  # distinct
    caption_of_text: np.ndarray  # [rows of the table]: place in `captions`
    image_of_text: np.ndarray  # [rows of the table]: place in `images`

    @classmethod
    def of(cls, table: pd.DataFrame, name: str = "the captions table") -> "TestTable":
        """Raises CaptionError, beginning with `name`, for an empty table, and as `pictures_of`."""
        image_of_text, images, labels = pictures_of(table, name, ("image", "caption", "label"))
        if not images:
            raise CaptionError(f"{name} to evaluate on is empty: check the split that was asked for")
        caption_of_text, captions = pd.factorize(table["caption"], use_na_sentinel=False)
        return cls(images, labels, list(captions), caption_of_text, image_of_text)

    def decoded(self, model: Clip) -> "TestTable":
        """The same with its pictures decoded, for evaluating several networks of one image size."""
        store = PixelStore.decode(self.images, model.image_size, resize=model.resize)
        return TestTable(store, self.labels, self.captions, self.caption_of_text, self.image_of_text)

    def encoded(self, model: Clip, image_features: Tensor | None) -> "TestTable":
        """The same with features of `model` in the pictures' place; None: as it is.

        Raises ValueError where they are not one a picture, of the model's length, and finite.
        """
        if image_features is None:
            return self
        features = checked_features(model, image_features, len(self.images))
        return TestTable(features, self.labels, self.captions, self.caption_of_text, self.image_of_text)

    @property
    def kinds(self) -> list[str]:
        return sorted({label for label in self.labels if label})


def evaluate(
    model: Clip,
    captions: pd.DataFrame,
    control: pd.DataFrame | None = None,
    class_names: Sequence[str] | None = None,
    templates: Sequence[str] | None = None,
    image_features: Tensor | None = None,
    control_features: Tensor | None = None,
) -> dict:
    """Metrics of `model` on the rows of `captions` (select the test split first), all shares from 0 to 1.

    Always: `top1` and `topk` (zero-shot among `class_names`, by default the table's labels), `mean_per_class` (the
    mean of the classes' accuracies), `calibration_error` (of the probabilities that `predict` gives), `recall` and
    `mean_recall` (retrieval, one text a row), `off_diagonal_cosine` (over distinct captions). With `control`,
    a table of other kinds: `all_top1` (the pictures of `captions` among both tables' kinds) and
    `control_top1` (the pictures of `control` among its own kinds). What needs labels is NaN (`topk`: {})
    where a table has fewer than two kinds; pictures without a label are left out of it.
    image_features, control_features: what `model.encode_images` gave for `distinct_images(table)["image"]`, float
    [pictures, dim], where the pictures have been encoded already.
    Raises ValueError for an empty table, one that lacks a column or a picture, a label that is not among
    `class_names`, a template without {label}, and features that are not one a picture, before anything is encoded.
    """
    require_loaded(model, "evaluate")
    table = TestTable.of(captions).encoded(model, image_features)
    if control is not None:
        control = TestTable.of(control, "the control table").encoded(model, control_features)
    return measure(model, table, control, class_names, templates)


def measure(
    model: Clip,
    table: TestTable,
    control: TestTable | None = None,
    class_names: Sequence[str] | None = None,
    templates: Sequence[str] | None = None,
) -> dict:
    """`evaluate` on prepared tables."""
    own = checked_choice(table, class_names, templates)
    image_features = image_features_of(model, table.images)
    results = {
        **_zero_shot(model, image_features, table.labels, own, templates),
        **_pairs(model, table, image_features),
    }
    if control is not None:
        everything = own + [kind for kind in control.kinds if kind not in own]
        control_features = image_features_of(model, control.images)
        among_all = _zero_shot(model, image_features, table.labels, everything, templates)
        of_control = _zero_shot(model, control_features, control.labels, control.kinds, templates)
        results |= {"all_top1": among_all["top1"], "control_top1": of_control["top1"]}
    return results


def checked_choice(table: TestTable, class_names: Sequence[str] | None, templates: Sequence[str] | None) -> list[str]:
    """The classes to choose from, by default the table's kinds; to be asked before the pictures are encoded.

    Raises ValueError for class names that are none or lack a label of the table, and for a template without {label}.
    """
    own = checked_names(class_names) if class_names is not None else table.kinds
    class_numbers(table.kinds, own)
    if templates is not None:
        checked_templates(templates)
    return own


def _zero_shot(
    model: Clip, image_features: Tensor, labels: list[str | None], class_names: list[str], templates
) -> dict:
    """The metrics of the labelled pictures' answers; NaN and {} where labels or a second class are missing."""
    rows = [row for row, label in enumerate(labels) if label]
    if not rows or len(class_names) < 2:
        return {"top1": NAN, "topk": {}, "mean_per_class": NAN, "calibration_error": NAN}
    numbers = class_numbers([labels[row] for row in rows], class_names)
    classifier = zero_shot_classifier(model, class_names, templates)
    scores = class_scores(model, image_features[rows], classifier)
    topk = topk_accuracy(scores, numbers)
    return {
        "top1": topk[1],
        "topk": topk,
        "mean_per_class": mean_per_class(scores, numbers),
        "calibration_error": calibration_error(scores.softmax(dim=-1), numbers),
    }


def _pairs(model: Clip, table: TestTable, image_features: Tensor) -> dict:
    """The metrics of pictures against captions."""
    caption_features = model.encode_texts(table.captions)
    recall = retrieval_recall(image_features, caption_features[table.caption_of_text], table.image_of_text)
    images_of_caption = [[] for _ in table.captions]
    for caption, image in zip(table.caption_of_text, table.image_of_text, strict=True):
        images_of_caption[caption].append(int(image))
    cosine = off_diagonal_cosine(image_features, caption_features, images_of_caption)
    return {"mean_recall": recall.pop("mean_recall"), "recall": recall, "off_diagonal_cosine": cosine}
