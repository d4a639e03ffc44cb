"""Lesson 06: results counted, neighbours found, and a text judged by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from rsclip_lab.exercises.functions import Case, FunctionExercise
from rsclip_lab.exercises.inputs import normal, unit
from rsclip_lab.exercises.kinds import NumberExercise


def hits(found: Sequence, wanted: Sequence[str | None], labels: Mapping[str, str]) -> list[int]:
    """How many pictures of the wanted label each query found; queries without one are left out."""
    asked = [(results, label) for results, label in zip(found, wanted, strict=True) if label is not None]
    return [sum(labels[image] == label for image in results.images) for results, label in asked]


def places(found: Sequence, wanted: Sequence[str | None]) -> int:
    return sum(len(results.images) for results, label in zip(found, wanted, strict=True) if label is not None)


def precision(found: Sequence, wanted: Sequence[str | None], labels: Mapping[str, str]) -> float:
    return sum(hits(found, wanted, labels)) / places(found, wanted)


def all_places(found: Sequence, wanted: Sequence[str | None], labels: Mapping[str, str]) -> float:
    return sum(hits(found, wanted, labels)) / sum(len(results.images) for results in found)


def collections(generator: torch.Generator) -> list[Case]:
    """A query, vectors of lengths from 0.1 to 10, and k."""
    cases = []
    for count, dim, k in ((12, 4, 3), (30, 8, 5)):
        query = 3 * normal(generator, dim)
        lengths = 10 ** (2 * torch.rand(count, 1, generator=generator, device="cpu") - 1)
        vectors = lengths * (unit(generator, count, dim) + 0.3 * F.normalize(query, dim=0))
        cases.append(Case(f"{count} vectors and k={k}", (query, vectors, k)))
    return cases


def cosines_of(query: Tensor, vectors: Tensor) -> Tensor:
    return F.normalize(vectors, dim=1) @ F.normalize(query, dim=0)


def nearest(query: Tensor, vectors: Tensor, k: int) -> Tensor:
    return cosines_of(query, vectors).topk(k).indices


def judged(generator: torch.Generator) -> list[Case]:
    return [
        Case(f"{count} texts and a scale of {scale:g}", (unit(generator, count) / 3 + 0.2, neutral, scale))
        for count, neutral, scale in ((4, 0.18, 15.0), (6, 0.25, 10.0), (1, 0.05, 12.0))
    ]


def fitting(cosines: Tensor, neutral: float, scale: float) -> Tensor:
    return (scale * (cosines - neutral)).sigmoid()


EXERCISES = (
    NumberExercise(
        number="06.1",
        title="Count the hits",
        question="Of all places in the first figure that asked for a kind (three queries, four places each), what "
        "share shows that kind? Two decimals.",
        hints=(
            "The hits are ticked in the figure. The last query asks for a relation and has no kind: leave it out.",
            "Ticks of the first three rows, divided by twelve.",
        ),
        evidence=("found", "wanted", "labels"),
        right=precision,
        tolerance=0.006,
        share=True,
        decimals=2,
        mistakes={
            "that is their number: divide by the number of places": lambda *args: sum(hits(*args)),
            "the query for a relation has no right kind: leave its places out": all_places,
            "those are the misses: 1 minus it is asked for": lambda *args: 1 - precision(*args),
            "that is the share of queries whose first four hold a hit: count the places": lambda *args: (
                sum(hit > 0 for hit in hits(*args)) / len(hits(*args))
            ),
        },
        because="That is precision at 4, of three queries: an anecdote. Lesson 05 asked all captions.",
    ),
    FunctionExercise(
        number="06.2",
        title="The nearest pictures",
        question="Write my_nearest(query, vectors, k): the row numbers of the k vectors with the largest cosine with "
        "the query, the best first. query [dim], vectors [pictures, dim], not of unit length.",
        hints=(
            "Make all of them length 1 first (`torch.nn.functional.normalize`); then a product gives the cosines.",
            "`(normalize(vectors, dim=1) @ normalize(query, dim=0)).topk(k).indices`",
        ),
        form="my_nearest(query, vectors, k)",
        wanted="k row numbers",
        cases=collections,
        right=nearest,
        mistakes={
            "you forgot to normalise: long vectors win whatever their direction": lambda q, v, k: (
                (v @ q).topk(k).indices
            ),
            "those are the k with the smallest cosine: sort from high to low": lambda q, v, k: (
                (-cosines_of(q, v)).topk(k).indices
            ),
            "the right ones, the best last: turn them round": lambda q, v, k: nearest(q, v, k).flip(0),
            "the right ones, in the order of their numbers: the best comes first": lambda q, v, k: (
                nearest(q, v, k).sort().values
            ),
            "those are the cosines; the row numbers are wanted": lambda q, v, k: cosines_of(q, v).topk(k).values,
            "those are the nearest by distance: with several lengths that is another order": lambda q, v, k: (
                (v - q).norm(dim=1).topk(k, largest=False).indices
            ),
            "those are all of them, in order: the first k are wanted": lambda q, v, k: cosines_of(q, v).argsort(
                descending=True
            ),
        },
        because="The vectors of an index are of unit length already, so a search is one product.",
    ),
    FunctionExercise(
        number="06.3",
        title="Each text by itself",
        question="Write my_each_by_itself(cosines, neutral, logit_scale): the sigmoid of each text against the "
        "neutral cosine. A text whose cosine is the neutral one gets one half.",
        hints=(
            "How far is each cosine above the neutral one? Times the logit scale.",
            "sigmoid(x) is 1 / (1 + exp(-x)): `torch.sigmoid(logit_scale * (cosines - neutral))`.",
        ),
        form="my_each_by_itself(cosines, neutral, logit_scale)",
        wanted="one number from 0 to 1 for each cosine",
        cases=judged,
        right=fitting,
        mistakes={
            "that is a softmax: the texts compete; here each is judged by itself": lambda c, n, s: (s * c).softmax(
                dim=0
            ),
            "you took the sigmoid of raw cosines: multiply by logit_scale": lambda c, n, s: (c - n).sigmoid(),
            "the neutral cosine is missing: subtract it first": lambda c, n, s: (s * c).sigmoid(),
            "subtract the neutral cosine before you multiply: it is a cosine, too": lambda c, n, s: (
                s * c - n
            ).sigmoid(),
            "the wrong way round: a cosine above the neutral one should give more than one half": lambda c, n, s: (
                s * (n - c)
            ).sigmoid(),
            "those are the logits; the sigmoid is missing": lambda c, n, s: s * (c - n),
        },
        because="`lab.predict(…, several=True)` does this, with the mean of several neutral texts.",
    ),
)
