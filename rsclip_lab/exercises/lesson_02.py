"""Lesson 02: a loader's speed, captions that repeat in a batch, and pictures back from numbers."""

from __future__ import annotations

from collections import Counter

import torch

from rsclip_lab.data import normalise
from rsclip_lab.exercises.functions import Case, FunctionExercise
from rsclip_lab.exercises.inputs import order
from rsclip_lab.exercises.kinds import NumberExercise
from rsclip_lab.exercises.values import as_loss

KINDS = ("reef", "warship", "harbour crane", "cargo ship", "container yard", "submarine", "breeding ponds")
# mean and standard deviation of three channels, all different so that none can be taken for another
PIXELS = (((0.48, 0.46, 0.41), (0.27, 0.26, 0.28)), ((0.30, 0.50, 0.70), (0.20, 0.40, 0.10)))


def in_turns(loader: float, model: float) -> float:
    """Pictures a second where loading waits for the model and the model for loading."""
    return 1 / (1 / loader + 1 / model)


def batches(generator: torch.Generator) -> list[Case]:
    def captions(counts: dict[str, int]) -> list[str]:
        texts = [f"a satellite view of a {kind}" for kind, count in counts.items() for _ in range(count)]
        return [texts[place] for place in order(generator, len(texts))]

    return [
        Case("a batch with pairs and triples", (captions(dict(zip(KINDS, (2, 3, 1, 1, 2, 1, 4), strict=True))),)),
        Case("a batch without repeats", (captions(dict.fromkeys(KINDS, 1)),)),
        Case("a batch with one caption", (captions({"reef": 5}),)),
    ]


def shared(captions: list[str]) -> float:
    often = Counter(captions)
    return sum(often[text] > 1 for text in captions) / len(captions)


def beyond_the_first(captions: list[str]) -> float:
    return 1 - len(set(captions)) / len(captions)


def pixels(generator: torch.Generator) -> list[Case]:
    cases = []
    for count, (mean, std) in zip((2, 5), PIXELS, strict=True):
        raw = torch.randint(0, 256, (count, 3, 4, 6), generator=generator, dtype=torch.uint8, device="cpu")
        cases.append(Case(f"a batch of {count} pictures", (normalise(raw, mean, std), mean, std)))
    return cases


def channels(values: tuple) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32, device="cpu").view(3, 1, 1)


def denormalised(x: torch.Tensor, mean: tuple, std: tuple) -> torch.Tensor:
    return x * channels(std) + channels(mean)


EXERCISES = (
    NumberExercise(
        number="02.1",
        title="Taking turns",
        question="Decoding files of 1024 pixels and the model in training take turns. How many pictures a "
        "second does that make?",
        hints=(
            "How many seconds does one picture take in the loader, and how many in the model?",
            "Seconds add up, rates do not: 1 / (1 / loader + 1 / model).",
        ),
        evidence=("loader", "model"),
        right=in_turns,
        tolerance=0.02,
        relative=True,
        mistakes={
            "that is the slower one of the two: right if both work at once, and here they take turns": min,
            "that is the faster one of the two, and it has to wait": max,
            "that is the mean of the rates: it is the seconds that add up": lambda a, b: (a + b) / 2,
            "that is twice as much: each picture has to pass through both": lambda a, b: 2 * in_turns(a, b),
            "that is the sum of the rates: it is the seconds that add up": lambda a, b: a + b,
            "that is in seconds a picture: turn it over": lambda a, b: 1 / in_turns(a, b),
        },
        because="Together they are slower than the slower one: that is why the pictures are decoded once.",
    ),
    FunctionExercise(
        number="02.2",
        title="False negatives",
        question="Write my_shared(captions): the share of a batch's rows whose caption another row has, too.",
        hints=(
            "Of a caption that stands at three rows, all three rows count.",
            "Count each caption (`collections.Counter`, or `.value_counts()`), then count the rows whose number is "
            "above 1, and divide by the number of rows.",
        ),
        form="my_shared(captions)",
        wanted="a share from 0 to 1",
        cases=batches,
        right=shared,
        read=as_loss,
        mistakes={
            "the first row of each caption is left out; it has a false negative, too": beyond_the_first,
            "that is the number of rows: divide by the size of the batch": lambda texts: shared(texts) * len(texts),
            "that is in percent: give a share between 0 and 1": lambda texts: 100 * shared(texts),
            "that is the share of rows whose caption is theirs alone: the others are asked for": lambda texts: (
                1 - shared(texts)
            ),
            "that counts captions, not rows: of distinct captions, the share that repeats": lambda texts: (
                sum(n > 1 for n in Counter(texts).values()) / len(set(texts))
            ),
        },
        because="Each such row is pushed away from a sentence that describes it, unless the loss gets caption_ids.",
    ),
    FunctionExercise(
        number="02.3",
        title="Back to a picture",
        question="Write my_picture(x, mean, std): undo the normalisation. x is a batch [pictures, 3, height, "
        "width] as the network gets it; return values from 0 to 1.",
        hints=(
            "Normalising is (value - mean) / std in each channel. Solve for the value.",
            "The channel is dimension 1: `torch.tensor(std).view(3, 1, 1)` fits there.",
        ),
        form="my_picture(x, mean, std)",
        wanted="the batch with values from 0 to 1",
        cases=pixels,
        right=denormalised,
        mistakes={
            "that normalises once more: solve (value - mean) / std for the value": lambda x, mean, std: (
                (x - channels(mean)) / channels(std)
            ),
            "the mean is added before std is multiplied: first times std, then plus mean": lambda x, mean, std: (
                (x + channels(mean)) * channels(std)
            ),
            "mean and std have changed places": lambda x, mean, std: denormalised(x, std, mean),
            "times std is there, plus mean is missing": lambda x, mean, std: x * channels(std),
            "plus mean is there, times std is missing": lambda x, mean, std: x + channels(mean),
            "right, but from 0 to 255: leave out that factor": lambda x, mean, std: 255 * denormalised(x, mean, std),
            "one mean for all channels: each has its own": lambda x, mean, std: x * sum(std) / 3 + sum(mean) / 3,
        },
        because="`show.plot_batch(images, mean=…, std=…)` does that, so that you see what the network reads.",
    ),
)
