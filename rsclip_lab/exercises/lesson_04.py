"""Lesson 04: a loss read against its two lines, both losses written, and features that cheat one of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from rsclip_lab.exercises.functions import Case, FunctionExercise
from rsclip_lab.exercises.inputs import pairs
from rsclip_lab.exercises.kinds import ExaminedExercise, NumberExercise
from rsclip_lab.exercises.outcome import Verdict, done, not_yet
from rsclip_lab.exercises.values import Unreadable, as_loss, as_numbers, described
from rsclip_lab.training import clip_loss, positives_only_loss

LAST_STEPS = 5


def share_of_the_way(history: pd.DataFrame, batch_size: int) -> float:
    """How much of the distance from ln(batch size) to the floor the last steps have come."""
    last, top = history.tail(LAST_STEPS).mean(numeric_only=True), math.log(batch_size)
    return (top - last["loss"]) / (top - last["floor"])


def to_zero(history: pd.DataFrame, batch_size: int) -> float:
    return 1 - history["loss"].tail(LAST_STEPS).mean() / math.log(batch_size)


def from_the_first_step(history: pd.DataFrame, batch_size: int) -> float:
    last, first = history.tail(LAST_STEPS).mean(numeric_only=True), history["loss"].iloc[0]
    return (first - last["loss"]) / (first - last["floor"])


def batches(generator: torch.Generator) -> list[Case]:
    return [Case(f"a batch of {batch}", pairs(generator, batch, dim)) for batch, dim in ((4, 8), (7, 16))]


def scaled_batches(generator: torch.Generator) -> list[Case]:
    return [
        Case(f"{case.words} and a scale of {scale:g}", (*case.args, scale))
        for case, scale in zip(batches(generator), (5.0, 20.0), strict=True)
    ]


def one_way(x: Tensor, t: Tensor, scale: float, dim: int) -> Tensor:
    return -(scale * x @ t.T).log_softmax(dim=dim).diagonal().mean()


def softmax_twice(x: Tensor, t: Tensor, scale: float) -> Tensor:
    logits, targets = scale * x @ t.T, torch.arange(len(x), device="cpu")
    return sum(F.cross_entropy(each.softmax(dim=1), targets) for each in (logits, logits.T)) / 2


def without_own(x: Tensor, t: Tensor, scale: float) -> Tensor:
    """The own text left out of the sum below the fraction line."""
    logits = scale * x @ t.T
    own, others = logits.diagonal(), logits.masked_fill(torch.eye(len(x), dtype=torch.bool, device="cpu"), -math.inf)
    return sum((others.logsumexp(dim=dim) - own).mean() for dim in (0, 1)) / 2


def cheats(answer: object, evidence: Mapping[str, object]) -> Verdict:
    """Features that the positives-only loss calls perfect and CLIP's loss calls ignorant."""
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        raise Unreadable(f"two things are wanted, (pictures, texts); this is {described(answer)}")
    pictures, texts = (as_numbers(side) for side in answer)
    for name, side in (("pictures", pictures), ("texts", texts)):
        if side.ndim != 2 or len(side) < 2 or side.shape != pictures.shape:
            return not_yet(
                f"{name} has shape {list(side.shape)}; both should be [batch, dim], with a batch of 2 or more."
            )
        if not np.allclose(np.linalg.norm(side, axis=1), 1, atol=1e-3):
            return not_yet(f"The rows of {name} should be of length 1: divide each by its length.")
    sides = [torch.as_tensor(side, device="cpu") for side in (pictures, texts)]
    positives, clip, top = (
        positives_only_loss(*sides).item(),
        clip_loss(*sides, 100.0).item(),
        math.log(len(pictures)),
    )
    said = f"positives-only {positives:.4f}, CLIP {clip:.4f}, ln({len(pictures)}) = {top:.4f}"
    if positives > 0.01:
        return not_yet(f"{said}: the first should be 0. Each picture has to point where its own text points.")
    if clip < 0.9 * top:
        return not_yet(f"{said}: the second should be ln(batch). The pairs are still apart from each other.")
    return done(f"{said}.")


EXERCISES = (
    NumberExercise(
        number="04.1",
        title="Between two lines",
        question=f"At the end of the CLIP run (mean of the last {LAST_STEPS} steps), what share of the way from "
        "ln(batch size) down to its floor has the loss come? Between 0 and 1, two decimals.",
        hints=(
            "The cell above prints the three numbers that you need: loss, ln(batch size), floor.",
            "The way it has come, ln(batch size) - loss, divided by the whole way, ln(batch size) - floor.",
        ),
        evidence=("history", "batch_size"),
        right=share_of_the_way,
        tolerance=0.006,
        share=True,
        decimals=2,
        mistakes={
            "you measured down to 0; the floor is as far as it can come": to_zero,
            "that is the way still to go: 1 minus it is asked for": lambda h, n: 1 - share_of_the_way(h, n),
            "you measured from the first step's loss; start at ln(batch size)": from_the_first_step,
            "that is the way it has come; divide by the whole way": lambda h, n: (
                math.log(n) - h["loss"].tail(LAST_STEPS).mean()
            ),
            "that is the loss itself": lambda h, n: h["loss"].tail(LAST_STEPS).mean(),
            "the logarithm to base 10 or 2? ln is the natural one": lambda h, n: (
                (math.log10(n) - h["loss"].tail(LAST_STEPS).mean())
                / (math.log10(n) - h["floor"].tail(LAST_STEPS).mean())
            ),
        },
        because="0 would be a model that knows nothing, 1 as good as repeated captions allow.",
    ),
    FunctionExercise(
        number="04.2",
        title="The loss that learns nothing",
        question="Write my_positives_only_loss(pictures, texts): 1 minus the mean cosine of the pairs. Both are unit "
        "vectors [batch, dim], row by row a pair.",
        hints=(
            "For unit vectors the cosine is the sum of the products of their entries.",
            "`(pictures * texts).sum(dim=1)` is the cosine of each pair. Take the mean, and subtract it from 1.",
        ),
        form="my_positives_only_loss(pictures, texts)",
        wanted="one number",
        cases=batches,
        right=positives_only_loss,
        read=as_loss,
        mistakes={
            "that is the mean cosine; the loss is 1 minus it": lambda x, t: (x * t).sum(dim=1).mean(),
            "that is minus the mean cosine; add 1": lambda x, t: -(x * t).sum(dim=1).mean(),
            "sum instead of mean: divide by the size of the batch": lambda x, t: (1 - (x * t).sum(dim=1)).sum(),
            "1 minus the sum of the cosines: take their mean": lambda x, t: 1 - (x * t).sum(),
            "that is one loss for each pair: take their mean": lambda x, t: 1 - (x * t).sum(dim=1),
            "the mean goes over every number: sum along the features first (dim=1)": lambda x, t: 1 - (x * t).mean(),
            "those are all pictures with all texts; only the pairs count, the diagonal": lambda x, t: (
                1 - (x @ t.T).mean()
            ),
        },
        gradient=True,
        because="Nothing in it mentions a picture and a text that do not belong together.",
    ),
    FunctionExercise(
        number="04.3",
        title="CLIP's loss",
        question="Write my_clip_loss(image_features, text_features, logit_scale), without caption_ids: unit vectors "
        "[batch, dim], row by row a pair.",
        hints=(
            "Logits are logit_scale times all cosines: `image_features @ text_features.T`.",
            "`torch.nn.functional.cross_entropy(logits, targets)` answers one direction, the targets are "
            "`torch.arange(batch)`. Once more for `logits.T`, then the mean of both.",
        ),
        form="my_clip_loss(image_features, text_features, logit_scale)",
        wanted="one number",
        cases=scaled_batches,
        right=clip_loss,
        read=as_loss,
        mistakes={
            "you took the softmax over raw cosines: multiply by logit_scale": lambda x, t, s: clip_loss(x, t, 1.0),
            "you divided by logit_scale: that would be right for a temperature; multiply": lambda x, t, s: clip_loss(
                x, t, 1 / s
            ),
            "that is exp(logit_scale), for code that keeps a logarithm; ours is the multiplier already": (
                lambda x, t, s: clip_loss(x, t, math.exp(s))
            ),
            "only one direction: rows (which text?) without columns (which picture?)": lambda x, t, s: one_way(
                x, t, s, dim=1
            ),
            "only one direction: columns (which picture?) without rows (which text?)": lambda x, t, s: one_way(
                x, t, s, dim=0
            ),
            "both directions are there, added up: take their mean": lambda x, t, s: 2 * clip_loss(x, t, s),
            "sum instead of mean: divide by the size of the batch": lambda x, t, s: len(x) * clip_loss(x, t, s),
            "sums of both directions: take the mean over the batch, and of the two": lambda x, t, s: (
                2 * len(x) * clip_loss(x, t, s)
            ),
            "the softmax is taken twice: `cross_entropy` does it by itself, and wants logits": softmax_twice,
            "the pair itself is left out of the softmax; it belongs to the sum": without_own,
            "that is the positives-only loss: the other pairs of the batch are missing": lambda x, t, s: (
                positives_only_loss(x, t)
            ),
        },
        gradient=True,
        because="The package's has one thing more: captions that repeat.",
    ),
    ExaminedExercise(
        number="04.4",
        title="Cheat a loss",
        question="Find unit vectors (pictures, texts), both [batch, dim], for which the positives-only loss is 0 and "
        "CLIP's loss with a scale of 100 is ln(batch).",
        hints=(
            "ln(batch) is the loss where every text is equally likely. When are all cosines the same?",
            "Send everything to one point, as in the section on the two lines: all rows the same unit vector.",
        ),
        examine=cheats,
        because="That is the collapse: one point for everything, and a loss that calls it perfect.",
    ),
)
