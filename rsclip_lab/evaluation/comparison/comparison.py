"""Before and after, picture by picture: what improved, what was forgotten, and what of it can be luck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from torch import Tensor

from rsclip_lab.evaluation.calibration import reliability_table
from rsclip_lab.evaluation.comparison.answers import SIDES, answer_table, class_table, forgotten_table, no_answers
from rsclip_lab.evaluation.comparison.metric_table import metric_table
from rsclip_lab.evaluation.comparison.recall_rows import recall_rows
from rsclip_lab.evaluation.evaluate import TestTable
from rsclip_lab.evaluation.metrics import off_diagonal_cosine
from rsclip_lab.evaluation.record import describe_tables
from rsclip_lab.evaluation.zero_shot import checked_names, class_scores, zero_shot_classifier
from rsclip_lab.models import Clip
from rsclip_lab.models.inputs import require_loaded

PICTURE_FIELDS = ("size", "mode", "interpolation", "resize_mode", "fill_color")  # what decides about decoded pixels


@dataclass(frozen=True, repr=False)
class Comparison:
    """What `compare` found of two models on the same pictures.

    names: the models', {"before": …, "after": …}.
    own: the answers to the labelled pictures among their own kinds, one row a picture, as `answers.answer_table`
    gives them; among_all: among these and the control's kinds. control, control_among_all: the same of the control's
    pictures. Empty where there are no labels, fewer than two kinds, or no control.
    classes: how many kinds `own` chose from.
    retrieval: {side: [pictures, 7]}, see `recall_rows`. cosines: {side: off-diagonal cosine}.
    measured_on: counts, kinds and hashes of the tables, as `record_metrics` keeps them.
    """

    names: dict[str, str]
    own: pd.DataFrame
    among_all: pd.DataFrame
    control: pd.DataFrame
    control_among_all: pd.DataFrame
    classes: int
    retrieval: dict[str, np.ndarray]
    cosines: dict[str, float]
    measured_on: dict[str, dict]

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """One row a metric: both models, their paired difference, its interval, p and verdict; see `metric_table`."""
        accuracies = {"top1": self.own, "all_top1": self.among_all}
        accuracies |= {"control_top1": self.control, "control_all_top1": self.control_among_all}
        return metric_table(accuracies, self.classes, self.retrieval, self.cosines)

    @cached_property
    def per_class(self) -> pd.DataFrame:
        """One row a kind of the captions, the most improved first; see `answers.class_table`."""
        return class_table(self.own)

    @cached_property
    def control_per_class(self) -> pd.DataFrame:
        """The same of the control's kinds, among themselves."""
        return class_table(self.control)

    def most_improved(self, count: int = 10) -> pd.DataFrame:
        """The `count` kinds that gained most; none that lost."""
        table = self.per_class
        return table[table["difference"] > 0].head(count)

    def least_improved(self, count: int = 10) -> pd.DataFrame:
        """The `count` kinds that gained least, or lost, from the bottom up; none of `most_improved(count)`."""
        return self.per_class.drop(self.most_improved(count).index).tail(count)[::-1]

    @cached_property
    def reliability(self) -> dict[str, pd.DataFrame]:
        """{side: `reliability_table` of its answers among own kinds}; {} without answers."""
        if self.own.empty:
            return {}
        sure = {side: self.own[[f"{side}_probability"]].to_numpy(float) for side in SIDES}
        return {side: reliability_table(sure[side], self.own[[f"{side}_right"]].to_numpy(int)) for side in SIDES}

    @cached_property
    def forgotten(self) -> pd.DataFrame:
        """One row a kind of the control that lost accuracy among its own kinds, and what its pictures are called now;
        see `answers.forgotten_table`."""
        return forgotten_table(self.control)

    @property
    def lost(self) -> pd.DataFrame:
        """The pictures that were right before and are wrong now, the surest mistakes first."""
        return _surest(self.own[self.own["before_right"] & ~self.own["after_right"]], "after")

    @property
    def won(self) -> pd.DataFrame:
        """The pictures that were wrong before and are right now, the surest first."""
        return _surest(self.own[~self.own["before_right"] & self.own["after_right"]], "after")

    @property
    def failures(self) -> pd.DataFrame:
        """All pictures that are wrong now, the surest mistakes first."""
        return _surest(self.own[~self.own["after_right"]], "after")

    def __repr__(self) -> str:
        pictures = len(self.retrieval["after"])
        return f"Comparison({self.names['before']!r} and {self.names['after']!r} on {pictures} pictures)"

    def _repr_html_(self) -> str:
        return self.metrics.drop(columns="p").round(3).to_html(index=False)


def compare(
    before: Clip,
    after: Clip,
    captions: pd.DataFrame,
    control: pd.DataFrame | None = None,
    class_names: Sequence[str] | None = None,
    templates: Sequence[str] | None = None,
) -> Comparison:
    """Both models' answers to every picture of `captions` (select the test split first) and `control`.

    Arguments as of `evaluate`, whose numbers `.metrics` repeats. Pictures are decoded once for both models where
    these take them alike; each picture and each caption is encoded once by each.
    Raises TypeError for a model that is not loaded; ValueError as `evaluate`.
    """
    for model in (before, after):
        require_loaded(model, "compare")
    table, others = TestTable.of(captions), None if control is None else TestTable.of(control)
    own = checked_names(class_names) if class_names is not None else table.kinds
    old = others.kinds if others else []
    everything = [*own, *(kind for kind in old if kind not in own)]
    pictures = {"captions": (table.images, table.labels)}
    pictures["control"] = (others.images, others.labels) if others else ([], [])
    if _decoded_alike(before, after):
        table, others = table.decoded(after), others and others.decoded(after)
    sides = dict(zip(SIDES, (before, after), strict=True))
    seen = {side: _seen_by(model, table, others, everything, templates) for side, model in sides.items()}

    def answers(source: str, names: list[str]) -> pd.DataFrame:
        scores = {side: found.scores.get(source) for side, found in seen.items()}
        return _answers(*pictures[source], scores, names, everything)

    return Comparison(
        names={side: model.name for side, model in sides.items()},
        own=answers("captions", own),
        among_all=answers("captions", everything if others else []),
        control=answers("control", old),
        control_among_all=answers("control", everything if others else []),
        classes=len(own),
        retrieval={side: found.retrieval for side, found in seen.items()},
        cosines={side: found.cosine for side, found in seen.items()},
        measured_on=describe_tables(captions=captions, control=control),
    )


def _decoded_alike(before: Clip, after: Clip) -> bool:
    """Whether both read the same decoded pixels; mean and std are applied afterwards."""
    one, other = (model.description["preprocess"] for model in (before, after))
    return all(one.get(field) == other.get(field) for field in PICTURE_FIELDS)


class _Seen(NamedTuple):
    """What one model makes of the tables."""

    scores: dict[str, Tensor]  # {"captions": logits [pictures, classes], "control": …}
    retrieval: np.ndarray
    cosine: float


def _seen_by(model: Clip, table: TestTable, control: TestTable | None, everything: list[str], templates) -> _Seen:
    images = {"captions": model.encode_images(table.images)}
    if control:
        images["control"] = model.encode_images(control.images)
    texts = model.encode_texts(table.captions)
    scores = {source: features.new_zeros(len(features), 0) for source, features in images.items()}
    if len(everything) > 1:
        classifier = zero_shot_classifier(model, everything, templates)
        scores = {source: class_scores(model, features, classifier) for source, features in images.items()}
    rows = recall_rows(images["captions"], texts[table.caption_of_text], table.image_of_text)
    # The pairs that match: of each distinct caption its pictures.
    images_of_caption = [set() for _ in table.captions]
    for caption, image in zip(table.caption_of_text, table.image_of_text, strict=True):
        images_of_caption[caption].add(int(image))
    return _Seen(scores, rows, off_diagonal_cosine(images["captions"], texts, images_of_caption))


def _answers(
    images: list[str], labels: list[str | None], scores: dict[str, Tensor], names: list[str], everything: list[str]
) -> pd.DataFrame:
    """The answers to the labelled pictures among `names`; without these or a choice an empty table."""
    rows = [row for row, label in enumerate(labels) if label]
    if not rows or len(names) < 2:
        return no_answers()
    place = {name: column for column, name in enumerate(everything)}
    columns = [place[name] for name in names]
    among = {side: found[rows][:, columns] for side, found in scores.items()}
    return answer_table([images[row] for row in rows], [labels[row] for row in rows], names, among)


def _surest(answers: pd.DataFrame, side: str) -> pd.DataFrame:
    return answers.sort_values(f"{side}_probability", ascending=False, kind="stable").reset_index(drop=True)
