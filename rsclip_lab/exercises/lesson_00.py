"""Lesson 00: a matrix of cosines read, a cosine computed, a loss by hand."""

from __future__ import annotations

import math

import numpy as np
import torch

from rsclip_lab.exercises.functions import Case, FunctionExercise
from rsclip_lab.exercises.inputs import normal
from rsclip_lab.exercises.kinds import NumberExercise
from rsclip_lab.exercises.values import as_loss, as_numbers
from rsclip_lab.training import clip_loss


def mistaken(cosines, over: int) -> int:
    """The first row (column, for `over` 0), from 1, whose largest cosine is not on the diagonal; 0 for none."""
    largest = as_numbers(cosines).argmax(axis=over)
    wrong = np.flatnonzero(largest != np.arange(len(largest)))
    return int(wrong[0]) + 1 if len(wrong) else 0


def taken(cosines) -> int:
    """The text, from 1, that this row would be given; 0 for none."""
    row = mistaken(cosines, over=1)
    return int(as_numbers(cosines)[row - 1].argmax()) + 1 if row else 0


def loss_of(cosines, logit_scale: float) -> float:
    """The package's loss of a matrix of cosines: with the axes as texts, features and cosines are the same."""
    cosines = torch.as_tensor(as_numbers(cosines), device="cpu")
    return clip_loss(cosines, torch.eye(len(cosines), dtype=cosines.dtype, device="cpu"), logit_scale).item()


def one_way(cosines, logit_scale: float, dim: int) -> float:
    """Half of it: "which text?" (dim 1) or "which picture?" (dim 0)."""
    logits = logit_scale * torch.as_tensor(as_numbers(cosines), device="cpu")
    return -logits.log_softmax(dim=dim).diagonal().mean().item()


def vectors(generator: torch.Generator) -> list[Case]:
    scaled = [(normal(generator, dim) * factor, normal(generator, dim)) for dim, factor in ((2, 3.0), (16, 0.2))]
    a = normal(generator, 4)
    return [
        Case("two vectors of 2 numbers", scaled[0]),
        Case("two vectors of 16 numbers", scaled[1]),
        Case("a vector and twice the same", (a, 2 * a)),
    ]


def cosine(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cosine_similarity(a, b, dim=0)


EXERCISES = (
    NumberExercise(
        number="00.1",
        title="Who gets the wrong text?",
        question="Rows are pictures, columns texts, pairs on the diagonal. For one picture the largest cosine is not "
        "that of its own text. Which picture, counted from 1?",
        hints=(
            "A picture is a row. In each row look for the largest number.",
            "In three rows the largest number stands on the diagonal. The top row is 1.",
        ),
        evidence=("cosines",),
        right=lambda cosines: mistaken(cosines, over=1),
        tolerance=0,
        mistakes={
            "that is the text that goes astray, a column; the picture that gets it is a row, counted from 1": taken,
            "rows are counted from 1 here": lambda cosines: mistaken(cosines, over=1) - 1,
            "that is a column, a text; the question is about a picture, a row": lambda cosines: mistaken(cosines, 0),
        },
        because="Its own text has a large cosine, and another one a larger. Only the order within the row decides.",
    ),
    FunctionExercise(
        number="00.2",
        title="A cosine",
        question="Write my_cosine(a, b): the cosine of the angle between two vectors, of any length, as one number.",
        hints=(
            "Sum the products of their entries, then divide, so that longer vectors give no larger result.",
            "Divide by both lengths: `(a * b).sum() / (a.norm() * b.norm())`.",
        ),
        form="my_cosine(a, b)",
        wanted="one number",
        cases=vectors,
        right=cosine,
        read=as_loss,
        mistakes={
            "that is the dot product: divide by the lengths of both vectors": lambda a, b: a @ b,
            "divided by one length only: divide by the length of the other vector, too": lambda a, b: (
                a @ b / a.norm()
            ),
            "divided by one length only: divide by the length of the first vector, too": lambda a, b: (
                a @ b / b.norm()
            ),
            "divided by the squared lengths: a length is the square root of the sum of squares": lambda a, b: (
                a @ b / ((a @ a) * (b @ b))
            ),
            "that is 1 - cosine, a distance": lambda a, b: 1 - cosine(a, b),
            "that is the distance of the two points, not the cosine of their angle": lambda a, b: (a - b).norm(),
            "that is the angle: take its cosine": lambda a, b: cosine(a, b).clamp(-1, 1).acos(),
            "the products are there, their sum is missing": lambda a, b: a * b / (a.norm() * b.norm()),
        },
        because="CLIP makes all its vectors length 1, so that the dot product alone is the cosine.",
    ),
    NumberExercise(
        number="00.3",
        title="The loss by hand",
        question="What is CLIP's loss of this matrix of cosines, times the logit scale? Give two decimals.",
        hints=(
            "Multiply by the logit scale, take the softmax of each row, and the natural logarithm of the diagonal.",
            "Do the same for each column. The loss is minus the mean of the eight logarithms.",
        ),
        evidence=("cosines", "logit_scale"),
        right=loss_of,
        tolerance=0.006,
        decimals=2,
        mistakes={
            "only one direction: rows (which text?) without columns (which picture?)": lambda c, s: one_way(c, s, 1),
            "only one direction: columns (which picture?) without rows (which text?)": lambda c, s: one_way(c, s, 0),
            "you took the softmax over raw cosines: multiply by the logit scale": lambda c, s: loss_of(c, 1.0),
            "you added both directions: take their mean": lambda c, s: 2 * loss_of(c, s),
            "you added up the pictures: take the mean": lambda c, s: len(c) * loss_of(c, s),
            "that is the logarithm to base 10: the natural one is meant": lambda c, s: loss_of(c, s) / math.log(10),
            "that is the logarithm to base 2: the natural one is meant": lambda c, s: loss_of(c, s) / math.log(2),
        },
        because="The package's `lab.clip_loss` gives the same.",
    ),
)
