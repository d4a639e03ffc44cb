"""The prompt doctor: what is wrong with a list of prompts or class names for a model, before a picture is asked."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from rsclip_lab.data.wording.prompts import DEFAULT_TEMPLATES, checked_templates, written_into
from rsclip_lab.evaluation.classes import top1
from rsclip_lab.evaluation.prompts import symptoms
from rsclip_lab.evaluation.prompts.symptoms import Symptom
from rsclip_lab.evaluation.prompts.vocabulary import is_untrained, unseen_words
from rsclip_lab.evaluation.zero_shot import class_scores, ensembled, told_apart
from rsclip_lab.models import Clip
from rsclip_lab.models.inputs import as_list_of_texts, require_loaded

SAME = 1e-6  # cosines that differ by less are equal


@dataclass(frozen=True)
class PromptReport:
    """What `prompt_doctor` found; shows itself in a notebook and by `print`.

    problems: one row a finding: `kind` (empty, repeated, foreign_letters, cut, untrained, unseen_word, collapsed,
    coincide, wording), `text`, `detail`, `remedy`. classes: one row a text: `text`, `nearest` (the text whose vector
    is nearest), `cosine` of the two and, with templates, `spread` (mean of 1 − cosine between its vector in each
    wording and in all). templates: one row a template: `template`, `classes_moved` (share of classes that are nearer
    to another class in it) and, with pictures, `changed` (share of pictures with another answer than by all
    templates). The last two are empty where there is nothing to compare.
    """

    model: str
    texts: tuple[str, ...]
    problems: pd.DataFrame
    classes: pd.DataFrame
    templates: pd.DataFrame

    @property
    def ok(self) -> bool:
        return self.problems.empty

    @property
    def title(self) -> str:
        found = len(self.problems)
        said = "no problems" if self.ok else f"{found} problem{'' if found == 1 else 's'}"
        return f"{len(self.texts)} text{'' if len(self.texts) == 1 else 's'} for {self.model}: {said}"

    def __str__(self) -> str:
        rows = self.problems.itertuples(index=False)
        return "\n".join(
            [self.title, *(f"{row.kind}: {symptoms.quoted(row.text)}: {row.detail}; {row.remedy}" for row in rows)]
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{html.escape(self.title)}</b></p>"]
        if not self.ok:
            cell = "style='text-align:left;white-space:normal;padding:3px 8px'"
            head = "".join(f"<th {cell}>{name}</th>" for name in self.problems.columns)
            shown = self.problems.assign(text=self.problems["text"].map(symptoms.shortened))
            rows = (
                "".join(f"<td {cell}>{html.escape(value)}</td>" for value in row)
                for row in shown.itertuples(index=False)
            )
            body = "".join(f"<tr>{row}</tr>" for row in rows)
            parts.append(f"<table style='border-collapse:collapse'><tr>{head}</tr>{body}</table>")
        return f"<div style='color:inherit'>{''.join(parts)}</div>"


def prompt_doctor(
    model: Clip, texts: Sequence[str], templates: Sequence[str] | None = None, images=None, as_words: bool = True
) -> PromptReport:
    """What may go wrong with these texts: words that the model never saw, texts that are cut at its token limit,
    texts whose vectors nearly coincide, and how much the answer depends on the wording.

    texts: whole prompts; with `templates` class names, which are written into each (as `prompt_features` does,
    `as_words` too). images: as in `Clip.encode_images`, or their unit vectors [n, dim]; with templates they tell how
    many answers a wording changes. Encodes each text once.

    Unseen words are known of `tiny` and what was tuned from it (`unseen_words`). Two texts nearly coincide where they
    are nearer than a quarter of the usual distance of plainly different kinds of land in the same model; what is
    usual differs too much between models for a fixed cosine. A class is moved by a wording where it comes nearer to
    another class than to itself. Of a network that is untrained, or gives one vector for all texts, that is said
    once, and nothing that would follow from it.
    Raises ModelError for what is no text, ValueError for no texts, no images, and templates without {label}.
    """
    require_loaded(model, "prompt_doctor")
    texts = as_list_of_texts(texts)
    if not texts:
        raise ValueError("no texts: give at least one prompt or class name")
    templates = None if templates is None else checked_templates(templates)
    distinct = list(dict.fromkeys(text for text in texts if text.strip()))
    meant = told_apart(distinct) if templates and as_words else distinct
    given = dict(zip(meant, distinct, strict=True))  # words that are encoded: the text they were given as
    prompts = {text: _sentences(words, templates, as_words) for words, text in given.items()}

    found = [*symptoms.empty_texts(texts), *symptoms.repeated_texts(texts)]
    found += symptoms.foreign_letters([*prompts, *(templates or ())])
    found += symptoms.cut_texts(model, prompts)
    classes = template_table = pd.DataFrame()
    if is_untrained(model):
        detail = "its weights are as they were drawn at random: its texts and pictures mean nothing yet"
        found.append(Symptom("untrained", model.name, detail, "load a trained model, or fine-tune this one"))
    else:
        found += _unseen(model, given, templates)
        compared, classes, template_table = _compared(model, prompts, templates, images)
        found += compared
    problems = pd.DataFrame(found, columns=Symptom._fields)
    return PromptReport(model.name, tuple(texts), problems, classes, template_table)


def _sentences(words: str, templates: Sequence[str] | None, as_words: bool) -> list[str]:
    if templates is None:
        return [words]
    return [written_into(one, words) if as_words else one.replace("{label}", words) for one in templates]


def _unseen(model: Clip, given: dict[str, str], templates: Sequence[str] | None) -> list[Symptom]:
    """Names are looked through as words, and told as they were given; templates by themselves."""
    found = [one._replace(text=given[one.text]) for one in symptoms.unseen(model, list(given))]
    bare = {one.replace("{label}", " "): one for one in templates or ()}
    return found + [one._replace(text=bare[one.text]) for one in symptoms.unseen(model, list(bare))]


def _compared(model: Clip, prompts: dict[str, list[str]], templates: Sequence[str] | None, images):
    """Symptoms and tables of what comes from comparing vectors: all texts are encoded here, and once."""
    plain = _plain_kinds(model)
    sentences = [one for some in prompts.values() for one in some]
    encoded = model.encode_texts([*plain, *sentences])
    usual = usual_distance(encoded[: len(plain)])
    if usual < symptoms.COLLAPSED:
        detail = f"even plainly different kinds have a cosine of {1 - usual:.4f}: it has one vector for all texts"
        remedy = "train with negatives (the CLIP loss), at a lower learning rate"
        return [Symptom("collapsed", model.name, detail, remedy)], pd.DataFrame(), pd.DataFrame()
    texts = list(prompts)
    if len(texts) < 2:
        return [], pd.DataFrame(), pd.DataFrame()
    features = encoded[len(plain) :].view(len(texts), -1, model.dim)
    means = ensembled(features)
    found = list(symptoms.coinciding(texts, means, usual))
    classes = _class_table(texts, means)
    if templates is None:
        return found, classes, pd.DataFrame()
    own = (features * means[:, None]).sum(dim=-1)
    cosine, nearest = (features @ means.T).max(dim=-1)
    itself = torch.arange(len(texts))[:, None]
    nearest = torch.where(own > cosine - SAME, itself, nearest).numpy()
    found += symptoms.moved_classes(texts, templates, nearest)
    moved = (nearest != itself.numpy()).mean(axis=0)
    table = pd.DataFrame({"template": templates, "classes_moved": moved})
    if images is not None:
        table["changed"] = _changed(model, images, features)
        found += symptoms.moved_answers(templates, table["changed"].to_numpy())
    return found, classes.assign(spread=(1 - own).mean(dim=1).numpy()), table


def usual_distance(features: Tensor) -> float:
    """The median of 1 − cosine over the pairs of unit vectors [texts, dim]."""
    rows, columns = np.triu_indices(len(features), 1)
    return float(np.median(1 - (features @ features.T).numpy()[rows, columns]))


def _plain_kinds(model: Clip) -> list[str]:
    """Texts of plainly different kinds, in words that the model knows where these are enough."""
    texts = [written_into(DEFAULT_TEMPLATES[0], kind) for kind in symptoms.PLAIN_KINDS]
    known = [text for text, words in zip(texts, unseen_words(model, texts), strict=True) if not words]
    return known if len(known) >= symptoms.FEWEST_PLAIN else texts


def _class_table(texts: Sequence[str], means: Tensor) -> pd.DataFrame:
    cosines = (means @ means.T).numpy()
    np.fill_diagonal(cosines, -np.inf)
    nearest = cosines.argmax(axis=1)
    return pd.DataFrame(
        {"text": texts, "nearest": [texts[place] for place in nearest], "cosine": cosines.max(axis=1)}
    )


def _changed(model: Clip, images, features: Tensor) -> list[float]:
    """For each template the share of pictures whose answer is another one than the ensemble's."""
    image_features = images if isinstance(images, Tensor) else model.encode_images(images)
    if not len(image_features):
        raise ValueError("no images: give at least one, or leave them out")
    by_all = top1(class_scores(model, image_features, ensembled(features)))
    answers = (top1(class_scores(model, image_features, features[:, place])) for place in range(features.shape[1]))
    return [float((answer != by_all).mean()) for answer in answers]
