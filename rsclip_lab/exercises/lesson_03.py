"""Lesson 03: which check finds which fault, copies across splits, and what a context length cuts off."""

from __future__ import annotations

import pandas as pd
import torch

from rsclip_lab.checks.kinds import KINDS
from rsclip_lab.exercises.functions import Case, FunctionExercise
from rsclip_lab.exercises.inputs import order
from rsclip_lab.exercises.kinds import MatchExercise, NumberExercise
from rsclip_lab.exercises.values import as_set

FAULTS = {
    "a download that broke off": ("unreadable_picture",),
    "a tile beyond the edge of the scene": ("blank_picture",),
    "12-bit values saved as 8 bits": ("dark_picture",),
    "a training picture in the test split, under another name": ("leak",),
    "a training picture in the test split, mirrored and brighter": ("near_leak",),
    "a caption of a hundred words": ("cut_caption",),
    'a caption that says "n/a"': ("placeholder_caption",),
}
SPLITS = ("train", "val", "test")


def tables(generator: torch.Generator) -> list[Case]:
    """Pictures with a code of their content. Copies stand in every pair of splits, and within each."""

    def table(contents: dict[str, list[int]]) -> pd.DataFrame:
        rows = [(split, content) for split, codes in contents.items() for content in codes]
        names = order(generator, len(rows))
        rows = [
            (f"image_{name:02}.jpg", split, f"{7919 * code:06x}")
            for name, (split, code) in zip(names, rows, strict=True)
        ]
        shuffled = [rows[place] for place in order(generator, len(rows))]
        return pd.DataFrame(shuffled, columns=["image", "split", "content"])

    clean = {"train": [1, 2, 3, 4, 5, 5], "val": [6, 7], "test": [8, 9, 10, 10]}
    leaking = {"train": [1, 2, 3, 4, 5, 5, 6], "val": [7, 8, 1], "test": [9, 2, 5, 7, 10, 10, 11]}
    return [
        Case("a table with copies", (table(leaking),)),
        Case("a table whose copies stay in one split", (table(clean),)),
    ]


def images(table: pd.DataFrame, rows: pd.Series) -> frozenset:
    return frozenset(table.loc[rows, "image"])


def content_in(table: pd.DataFrame, *splits: str) -> pd.Series:
    """Whether a row's content stands in one of these splits."""
    return table["content"].isin(table.loc[table["split"].isin(splits), "content"])


def leaks(table: pd.DataFrame) -> frozenset:
    return images(table, (table["split"] == "test") & content_in(table, "train"))


def context_of(model) -> int:
    return model.tokenizer(["a"]).shape[1]


def pieces(model, caption: str) -> int:
    return len(model.tokenizer.encode(caption))


EXERCISES = (
    MatchExercise(
        number="03.1",
        title="Which check finds it?",
        question="For each fault write the kind under which the audit reports it, as in report.problems['kind'].",
        hints=(
            "The report lists each kind with its first case. Compare the file names with the cells that broke them.",
            "Two faults are leaks: one can be found by comparing pixels, the other, a near leak, cannot.",
        ),
        right=FAULTS,
        choices=tuple(KINDS),
        because="None of these but the first stops a training: they have to be looked for.",
    ),
    FunctionExercise(
        number="03.2",
        title="Copies across splits",
        question="Write my_leaks(table): the names (column image) of the test pictures whose content (column "
        "content) is in the training split as well. One row a picture; split is train, val or test.",
        hints=(
            "First collect the contents of the training split, then look at the rows of the test split.",
            '`table["content"].isin(…)` tells for every row; combine it with `table["split"] == "test"` by &.',
        ),
        form="my_leaks(table)",
        wanted="the names of pictures, as a list or a set",
        cases=tables,
        right=leaks,
        read=as_set,
        mistakes={
            "those are the training pictures: the question asks for their copies in test": lambda t: images(
                t, (t["split"] == "train") & content_in(t, "test")
            ),
            "those are the copies in both splits: only the test pictures are asked for": lambda t: images(
                t, t["split"].isin(["train", "test"]) & content_in(t, "train") & content_in(t, "test")
            ),
            "those are all test pictures with a copy anywhere: a copy within test, or in val, was not trained on": (
                lambda t: images(t, (t["split"] == "test") & t["content"].duplicated(keep=False))
            ),
            "a copy in val counts, too, in this answer: only the training split was learned from": lambda t: images(
                t, (t["split"] == "test") & content_in(t, "train", "val")
            ),
            "those are all copies, within a split too": lambda t: images(t, t["content"].duplicated(keep=False)),
            "those are contents: give the names in the column image": lambda t: frozenset(
                t.loc[(t["split"] == "test") & content_in(t, "train"), "content"]
            ),
            "none are found: copies have other names; compare the column content": lambda t: frozenset(),
            "that is duplicated() with its first row left out; which row comes first is chance": lambda t: images(
                t, (t["split"] == "test") & t["content"].duplicated()
            ),
        },
        because="The audit does that for pictures, with the hash of their pixels as content: `leak`.",
    ),
    NumberExercise(
        number="03.3",
        title="What is cut off",
        question="How many tokens of the long caption are lost? Start and end token are counted, and are kept.",
        hints=(
            "The cell above prints the length of the caption in tokens; the dashed line is the context length.",
            "`len(model.tokenizer.encode(long)) + 2` is the whole length. Subtract the context length.",
        ),
        evidence=("model", "caption"),
        right=lambda model, caption: max(0, pieces(model, caption) + 2 - context_of(model)),
        tolerance=0,
        mistakes={
            "start and end token take two of the places": lambda m, text: pieces(m, text) - context_of(m),
            "that is the whole length: subtract the context length": lambda m, text: pieces(m, text) + 2,
            "that is the length without start and end token: add 2, and subtract the context length": pieces,
            "those are words; the model counts tokens": lambda m, text: len(text.split()) - context_of(m),
            "those are letters; the model counts tokens": lambda m, text: len(text) - context_of(m),
        },
        because="Nothing in training would have said so.",
    ),
)
