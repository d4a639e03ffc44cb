"""What may be wrong with a prompt: the checks of the prompt doctor, each giving its findings one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

from rsclip_lab.evaluation.prompts.vocabulary import unseen_words
from rsclip_lab.models import Clip

# Kinds of land that everybody tells apart: how far their texts lie from each other is a model's own measure.
PLAIN_KINDS = (
    "airport", "beach", "bridge", "desert", "farmland", "forest", "highway", "lake", "mountain", "orchard",
    "parking lot", "railway station", "residential area", "river", "stadium", "storage tanks",
)  # fmt: skip
FEWEST_PLAIN = 4
# Two texts nearly coincide below this part of the usual distance (1 - cosine) of plain kinds. No fixed cosine would
# do: in published models all texts from above lie at about 0.8 or more, in `tiny` plain kinds at 0.3.
NEAR = 0.25
COLLAPSED = 0.01  # usual distance of plain kinds below which a model has one vector for all texts
MOVED = 0.1  # share of pictures whose answer a wording may change
MOST_PAIRS = 12  # to be listed
MOST_WORDS = 8
LONGEST = 80  # letters of a text within a detail


class Symptom(NamedTuple):
    """One finding: its kind, the text that has it, what exactly, and what to do."""

    kind: str
    text: str
    detail: str
    remedy: str


def empty_texts(texts: Sequence[str]) -> Iterator[Symptom]:
    for place, text in enumerate(texts):
        if not text.strip():
            yield Symptom("empty", text, f"text {place} has no words", "write it, or leave it out")


def repeated_texts(texts: Sequence[str]) -> Iterator[Symptom]:
    seen: set[str] = set()
    for text in texts:
        if text in seen and text.strip():
            yield Symptom("repeated", text, "it stands there twice", "name each once")
        seen.add(text)


def foreign_letters(texts: Sequence[str]) -> Iterator[Symptom]:
    for text in dict.fromkeys(texts):
        if letters := list(dict.fromkeys(letter for letter in text if letter.isalpha() and not letter.isascii())):
            shown = " ".join(letters[:10]) + (" …" if len(letters) > 10 else "")
            remedy = "write it in English, which CLIP models are trained on"
            yield Symptom("foreign_letters", text, f"letters that English has not: {shown}", remedy)


def unseen(model: Clip, texts: Sequence[str]) -> Iterator[Symptom]:
    texts = list(dict.fromkeys(texts))
    for text, words in zip(texts, unseen_words(model, texts), strict=True):
        if words:
            more = f" and {len(words) - MOST_WORDS} more" if len(words) > MOST_WORDS else ""
            detail = f"{model.name} was never trained on {', '.join(map(quoted, words[:MOST_WORDS]))}{more}"
            yield Symptom("unseen_word", text, detail, "use words it knows, or fine-tune on captions with these")


def cut_texts(model: Clip, prompts: Mapping[str, Sequence[str]]) -> Iterator[Symptom]:
    """prompts: {text: the whole sentences that are encoded for it}; of several that are cut the longest is told."""
    context = model.tokenizer([""]).shape[1]
    room = context - getattr(model.tokenizer, "marks", 2)  # CLIP's own puts a start and an end around each text
    for text, sentences in prompts.items():
        tokens = max((model.tokenizer.encode(sentence) for sentence in sentences), key=len)
        if over := tokens[room:]:
            lost = model.tokenizer.decode(over).strip()
            detail = (
                f"{len(over)} of {len(tokens)} tokens are cut off, the model reads {room}: {quoted(lost)} is lost"
            )
            yield Symptom("cut", text, detail, "say it shorter, the most important first")


def coinciding(texts: Sequence[str], features: Tensor, usual: float) -> Iterator[Symptom]:
    """Pairs of texts whose vectors [texts, dim] are nearer than `NEAR` of the `usual` distance; the nearest first."""
    cosines = (features @ features.T).numpy()
    rows, columns = np.triu_indices(len(texts), 1)
    near = np.flatnonzero(1 - cosines[rows, columns] < NEAR * usual)
    near = near[np.argsort(-cosines[rows[near], columns[near]], kind="stable")]
    for pair in near[:MOST_PAIRS]:
        first, second = texts[rows[pair]], texts[columns[pair]]
        detail = f"cosine {cosines[rows[pair], columns[pair]]:.3f} with {quoted(second)}"
        detail += f"; plainly different kinds have {1 - usual:.2f} in this model"
        if len(near) > MOST_PAIRS and pair == near[MOST_PAIRS - 1]:
            detail += f" ({len(near) - MOST_PAIRS} more pairs are as near)"
        yield Symptom("coincide", first, detail, "say what tells them apart, or make them one class")


def moved_classes(texts: Sequence[str], templates: Sequence[str], nearest: np.ndarray) -> Iterator[Symptom]:
    """nearest [texts, templates]: the class whose ensemble is nearest to this text in this wording."""
    for row, text in enumerate(texts):
        moved = np.flatnonzero(nearest[row] != row)
        if len(moved):
            other, wording = texts[nearest[row, moved[0]]], templates[moved[0]]
            detail = f"in {len(moved)} of {len(templates)} wordings it is nearer to another class"
            detail += f": to {quoted(other)} in {quoted(wording)}"
            yield Symptom("wording", text, detail, "leave out these wordings, or name the class in plainer words")


def moved_answers(templates: Sequence[str], changed: np.ndarray) -> Iterator[Symptom]:
    """changed [templates]: the share of pictures that get another answer than from the ensemble."""
    for template, share in zip(templates, changed, strict=True):
        if share > MOVED:
            detail = f"{share:.0%} of the pictures get another answer by it than by all wordings together"
            yield Symptom("wording", template, detail, "average several templates, or leave this one out")


def quoted(text: str) -> str:
    return f'"{shortened(text)}"'


def shortened(text: str) -> str:
    """In one line, no longer than a table cell may be."""
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
