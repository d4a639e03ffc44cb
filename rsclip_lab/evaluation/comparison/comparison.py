"""Before and after, picture by picture: what improved, what was forgotten, and what of it can be luck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from torch import Tensor

from rsclip_lab.data.wording.prompts import checked_templates
from rsclip_lab.evaluation.calibration import reliability_table
from rsclip_lab.evaluation.classes import class_numbers
from rsclip_lab.evaluation.comparison.answers import SIDES, answer_table, class_table, forgotten_table, no_answers
from rsclip_lab.evaluation.comparison.metric_table import metric_table
from rsclip_lab.evaluation.comparison.recall_rows import recall_rows
from rsclip_lab.evaluation.evaluate import TestTable
from rsclip_lab.evaluation.metrics import off_diagonal_cosine
from rsclip_lab.evaluation.record import describe_tables
from rsclip_lab.evaluation.zero_shot import checked_names, class_scores, image_features_of, zero_shot_classifiers
from rsclip_lab.models import Clip
from rsclip_lab.models.inputs import require_loaded

QUESTIONS = ("own", "among_all", "control", "control_among_all")
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
    image_features: tuple[Tensor, Tensor] | None = None,
    control_features: tuple[Tensor, Tensor] | None = None,
) -> Comparison:
    """Both models' answers to every picture of `captions` (select the test split first) and `control`.

    Arguments as of `evaluate`, whose numbers `.metrics` repeats; features are those of both models. Pictures are
    decoded once for both models where these take them alike; each picture and each caption is encoded once by each.
    Raises TypeError for a model that is not loaded; ValueError as `evaluate`, before anything is encoded.
    """
    for model in (before, after):
        require_loaded(model, "compare")
    table = TestTable.of(captions)
    others = None if control is None else TestTable.of(control, "the control table")
    own = checked_names(class_names) if class_names is not None else table.kinds
    class_numbers(table.kinds, own)
    if templates is not None:
        checked_templates(templates)
    questions, pictures = _questions(table, others, own), {"captions": table, "control": others}
    asked = {name: pictures[question.source] for name, question in questions.items()}
    sides = dict(zip(SIDES, (before, after), strict=True))
    alike = _decoded_alike(before, after)
    tables, controls = (
        _as_seen(sides, one, features, alike)
        for one, features in ((table, image_features), (others, control_features))
    )
    seen = {
        side: _seen_by(model, tables[side], controls[side], questions, templates) for side, model in sides.items()
    }
    answers = dict.fromkeys(QUESTIONS, no_answers())
    for name, question in questions.items():
        scores = {side: found.scores[name] for side, found in seen.items()}
        answers[name] = _answers(asked[name], question.class_names, scores)
    return Comparison(
        names={side: model.name for side, model in sides.items()},
        **answers,
        classes=len(own),
        retrieval={side: found.retrieval for side, found in seen.items()},
        cosines={side: found.cosine for side, found in seen.items()},
        measured_on=describe_tables(captions=captions, control=control),
    )


def _as_seen(
    sides: dict[str, Clip], table: TestTable | None, features: tuple[Tensor, Tensor] | None, alike: bool
) -> dict[str, TestTable | None]:
    """The table for each side: with its features where they are given, else decoded, once where both see alike."""
    if table is None:
        return dict.fromkeys(sides)
    if features is None:
        return dict.fromkeys(sides, table.decoded(sides["after"]) if alike else table)
    return {
        side: table.encoded(model, given) for (side, model), given in zip(sides.items(), features, strict=True)
    }


def _decoded_alike(before: Clip, after: Clip) -> bool:
    """Whether both read the same decoded pixels; mean and std are applied afterwards."""
    one, other = (model.description["preprocess"] for model in (before, after))
    return all(one.get(field) == other.get(field) for field in PICTURE_FIELDS)


class _Question(NamedTuple):
    """Which kind each picture of a table shows, of which there are two at least to choose from."""

    source: str  # "captions" or "control"
    class_names: list[str]


def _questions(table: TestTable, control: TestTable | None, own: list[str]) -> dict[str, _Question]:
    """By the names of `QUESTIONS`, those that can be asked."""
    asked = {"own": _Question("captions", own)}
    if control:
        everything = [*own, *(kind for kind in control.kinds if kind not in own)]
        asked |= {"among_all": _Question("captions", everything), "control": _Question("control", control.kinds)}
        asked["control_among_all"] = _Question("control", everything)
    labelled = {"captions": table.kinds, "control": control.kinds if control else []}
    return {name: one for name, one in asked.items() if labelled[one.source] and len(one.class_names) > 1}


class _Seen(NamedTuple):
    """What one model makes of the tables."""

    scores: dict[str, Tensor]  # of each question: logits [pictures, classes]
    retrieval: np.ndarray
    cosine: float


def _seen_by(
    model: Clip, table: TestTable, control: TestTable | None, questions: dict[str, _Question], templates
) -> _Seen:
    images = {"captions": image_features_of(model, table.images)}
    if control:
        images["control"] = image_features_of(model, control.images)
    texts = model.encode_texts(table.captions)
    # Each choice by its own classifier: which names become the same words depends on what else is offered.
    classifiers = zero_shot_classifiers(model, [one.class_names for one in questions.values()], templates)
    scores = {
        name: class_scores(model, images[question.source], classifier)
        for (name, question), classifier in zip(questions.items(), classifiers, strict=True)
    }
    rows = recall_rows(images["captions"], texts[table.caption_of_text], table.image_of_text)
    # The pairs that match: of each distinct caption its pictures.
    images_of_caption = [set() for _ in table.captions]
    for caption, image in zip(table.caption_of_text, table.image_of_text, strict=True):
        images_of_caption[caption].add(int(image))
    return _Seen(scores, rows, off_diagonal_cosine(images["captions"], texts, images_of_caption))


def _answers(table: TestTable, class_names: list[str], scores: dict[str, Tensor]) -> pd.DataFrame:
    """The answers to the labelled pictures."""
    rows = [row for row, label in enumerate(table.labels) if label]
    images, labels = ([values[row] for row in rows] for values in (table.images, table.labels))
    return answer_table(images, labels, class_names, {side: found[rows] for side, found in scores.items()})


def _surest(answers: pd.DataFrame, side: str) -> pd.DataFrame:
    return answers.sort_values(f"{side}_probability", ascending=False, kind="stable").reset_index(drop=True)
