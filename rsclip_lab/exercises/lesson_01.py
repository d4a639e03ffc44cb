"""Lesson 01: probabilities from cosines and back, and how long a training takes."""

from __future__ import annotations

import math

import torch

from rsclip_lab.exercises.functions import Case, FunctionExercise
from rsclip_lab.exercises.inputs import unit
from rsclip_lab.exercises.kinds import NumberExercise

PICTURES, EPOCHS, CAPTIONS = 10_000, 12, 5


def from_cosines(generator: torch.Generator) -> list[Case]:
    # The last one overflows exp in float32, as published scales do.
    return [
        Case(f"{count} cosines and a scale of {scale:g}", (unit(generator, count) * size, scale))
        for count, scale, size in ((4, 5.0, 0.6), (7, 15.1, 0.5), (3, 100.0, 0.05))
    ] + [Case("cosines of 0.95, 0.94 and 0.9 and a scale of 100", (torch.tensor([0.95, 0.94, 0.9]), 100.0))]


def probabilities(cosines: torch.Tensor, logit_scale: float) -> torch.Tensor:
    return (logit_scale * cosines).softmax(dim=0)


def minutes(seconds_a_step: float, pictures_a_step: float) -> float:
    return PICTURES / pictures_a_step * seconds_a_step * EPOCHS / 60


EXERCISES = (
    NumberExercise(
        number="01.1",
        title="Undo a softmax",
        question="A web page shows two of its probabilities, and the model's logit scale. How far apart were the two "
        "cosines, the larger minus the smaller? Give three decimals.",
        hints=(
            "The ratio of two probabilities of a softmax is exp of the difference of their logits.",
            "The logarithm of the ratio is logit scale times the difference of the cosines. Divide.",
        ),
        evidence=("shown", "logit_scale"),
        right=lambda p, s: math.log(max(p) / min(p)) / s,
        tolerance=0.0006,
        decimals=3,
        mistakes={
            "that is the difference of the logits: divide by the logit scale": lambda p, s: math.log(max(p) / min(p)),
            "that is the difference of the probabilities: take the logarithm of their ratio": lambda p, s: (
                max(p) - min(p)
            ),
            "that is the logarithm to base 10: the natural one is meant": lambda p, s: (
                math.log10(max(p) / min(p)) / s
            ),
            "that is the ratio of the probabilities over the scale: take its logarithm first": lambda p, s: (
                max(p) / min(p) / s
            ),
        },
        because="A clear answer on the screen, and hardly any distance between the cosines: ask for both.",
    ),
    FunctionExercise(
        number="01.2",
        title="Softmax with the scale",
        question="Write my_probabilities(cosines, logit_scale): the probability of each text, summing to 1.",
        hints=(
            "Multiply first, then exp of each, then divide by their sum.",
            "exp(95) is more than float32 can hold. Subtract the largest logit before exp, the ratio stays the same; "
            "`torch.softmax` does so by itself.",
        ),
        form="my_probabilities(cosines, logit_scale)",
        wanted="one probability for each cosine",
        cases=from_cosines,
        right=probabilities,
        mistakes={
            "you took the softmax over raw cosines: multiply by logit_scale": lambda c, s: c.softmax(dim=0),
            "you divided by the logit scale: that is for a temperature, 1 / logit_scale; multiply": lambda c, s: (
                c / s
            ).softmax(dim=0),
            "you multiplied after the softmax: multiply the cosines, before": lambda c, s: s * c.softmax(dim=0),
            "the cosines were divided by their sum: exp comes first": lambda c, s: c / c.sum(),
            "exp is there, the division by its sum is missing": lambda c, s: (s * c).exp(),
            "those are logarithms of the probabilities: take softmax, not log_softmax": lambda c, s: (
                s * c
            ).log_softmax(dim=0),
            "that is a sigmoid: each text by itself; here they compete": lambda c, s: (s * c).sigmoid(),
        },
        because="`lab.predict` does this for a picture and your sentences.",
    ),
    NumberExercise(
        number="01.3",
        title="How long will it take?",
        question=f"{PICTURES:,} pictures with {CAPTIONS} captions each, {EPOCHS} epochs, on this machine: how many "
        "minutes? An epoch passes over each picture once, with one of its captions.",
        hints=(
            "How many steps has an epoch? Pictures divided by pictures a step.",
            "Steps of an epoch, times epochs, times seconds a step, divided by 60.",
        ),
        evidence=("seconds_a_step", "pictures_a_step"),
        right=minutes,
        tolerance=0.03,
        relative=True,
        mistakes={
            "those are seconds: divide by 60": lambda t, n: 60 * minutes(t, n),
            "those are hours: minutes are asked for": lambda t, n: minutes(t, n) / 60,
            "that is one epoch": lambda t, n: minutes(t, n) / EPOCHS,
            "an epoch passes over each picture once, not over each caption": lambda t, n: CAPTIONS * minutes(t, n),
            "a step takes a whole batch, not one picture": lambda t, n: n * minutes(t, n),
        },
        because="Decoding comes on top, once, and measuring after each epoch where it is asked for.",
    ),
)
