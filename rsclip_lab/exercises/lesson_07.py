"""Lesson 07: words from folder names, what a repair removes, and a split that keeps pictures together."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import torch

from rsclip_lab.data import class_words
from rsclip_lab.exercises.functions import Case, Fault, FunctionExercise, call
from rsclip_lab.exercises.inputs import order
from rsclip_lab.exercises.kinds import ExaminedExercise, NumberExercise
from rsclip_lab.exercises.outcome import OPEN, Verdict, done, not_yet, sentence
from rsclip_lab.exercises.values import Unreadable, as_text, described

FOLDERS = ("harbour_crane", "CargoShip", "golf-course", "Beach", "01_Airport")
SPLITS = ("train", "val", "test")
LEAST = 0.05  # share of the pictures that a split should have


def folders(generator: torch.Generator) -> list[Case]:
    return [Case(repr(name), (name,)) for name in FOLDERS]


def separated(name: str) -> str:
    """_ and - made spaces, nothing else."""
    return name.replace("_", " ").replace("-", " ")


def removed(report) -> int:
    """Rows that the package's repair takes out."""
    return len(report.audited) - len(report.fix().captions)


def files_removed(report) -> int:
    log = report.fix().log
    return log.loc[log["action"] == "removed", "file"].nunique()


def table(generator: torch.Generator, pictures: int = 60, captions: int = 5) -> pd.DataFrame:
    """As `read_captions` gives it, without splits; rows in no order."""
    rows = [
        (f"images/{place:03}.jpg", f"caption {n} of picture {place}", place)
        for place in range(pictures)
        for n in range(captions)
    ]
    shuffled = [rows[place] for place in order(generator, len(rows))]
    frame = pd.DataFrame(shuffled, columns=["image", "caption", "image_id"])
    return frame.assign(split=None, label=["reef" if number % 3 else "harbour" for number in frame["image_id"]])


def splits(answer: object, evidence: Mapping[str, object]) -> Verdict:
    """Whether the learner's function gives a table in which no picture is in two splits."""
    if not callable(answer):
        raise Unreadable(
            f"the function itself is wanted, `my_split(captions)` without a call; this is {described(answer)}"
        )
    captions = table(torch.Generator().manual_seed(73))
    try:
        found, again = (call(answer, (captions,), "60 pictures with 5 captions each") for _ in range(2))
    except Fault as fault:
        return Verdict(OPEN) if fault.open else not_yet(sentence(str(fault)))
    verdict = judged(found, captions)
    if verdict.done and not found["split"].equals(again["split"]):
        return done("It gives another split each time: with a seed, a result can be repeated.")
    return verdict


def judged(found: object, captions: pd.DataFrame) -> Verdict:
    if not isinstance(found, pd.DataFrame) or not {"image", "caption", "split"} <= set(found.columns):
        raise Unreadable(
            f"the table of captions is wanted, with its column split filled in; this is {described(found)}"
        )
    before, after = (sorted(zip(one["image"], one["caption"], strict=True)) for one in (captions, found))
    if before != after:
        return not_yet(f"{len(found)} rows come back of {len(captions)}, or not the same ones: keep all of them.")
    if found["split"].isna().any():
        return not_yet(f"{found['split'].isna().sum()} rows have no split.")
    if others := sorted({str(one) for one in found["split"]} - set(SPLITS)):
        return not_yet(f"splits are called train, val and test; found {', '.join(map(repr, others[:5]))}.")
    return together(found)


def together(found: pd.DataFrame) -> Verdict:
    images = {split: set(found.loc[found["split"] == split, "image"]) for split in SPLITS}
    if both := images["train"] & images["test"]:
        return not_yet(
            f"{len(both)} of {len(images['test'])} test pictures are in the training split, too: rows were divided. "
            "Divide the pictures, then give all rows of a picture its split."
        )
    if both := (images["train"] | images["test"]) & images["val"]:
        return not_yet(f"{len(both)} pictures of the validation split are in another one, too.")
    total = found["image"].nunique()
    for split, there in images.items():
        if len(there) < LEAST * total:
            return not_yet(f"{split} has {len(there)} of {total} pictures: too few to learn or to measure anything.")
    if len(images["train"]) < total / 2:
        return not_yet(f"Only {len(images['train'])} of {total} pictures are for training; most of them should be.")
    return done(", ".join(f"{split} {len(there)}" for split, there in images.items()) + " pictures.")


EXERCISES = (
    FunctionExercise(
        number="07.1",
        title="Words from a folder name",
        question='Write my_words(folder): the words of a class folder, in lower case. "harbour_crane", "CargoShip", '
        '"golf-course" and "01_Airport" become "harbour crane", "cargo ship", "golf course" and "airport".',
        hints=(
            "Take the name apart at _ and -, and between a small letter and a capital; then lower case.",
            '`re.sub(r"(?<=[a-z])(?=[A-Z])|[_-]", " ", folder)` does the first part. What is left: a number in '
            "front, `.lower()`, `.strip()`.",
        ),
        form="my_words(folder)",
        wanted="text",
        cases=folders,
        right=class_words,
        read=as_text,
        mistakes={
            "_ and - are taken care of; CamelCase, as in CargoShip, is still one word": lambda n: (
                separated(n).lower().removeprefix("01 ")
            ),
            "small letters are missing: the captions have them": lambda n: (
                "Cargo Ship" if n == "CargoShip" else separated(n).removeprefix("01 ")
            ),
            "a number in front only orders the folders: leave it out": lambda n: (
                "01 airport" if n == "01_Airport" else class_words(n)
            ),
            "that is the name as it is": lambda n: n,
            "the name in small letters only: words have to be taken apart": str.lower,
        },
        because="`lab.class_words` does this, and knows what the usual sets mean by their names, such as AnnualCrop.",
    ),
    NumberExercise(
        number="07.2",
        title="What has to go",
        question="How many rows (captions) of the audited table does report.fix() take out?",
        hints=(
            "A picture that is beyond use takes all its captions with it.",
            "`len(report.audited) - len(report.fix().captions)`; its `.log` says why, row by row.",
        ),
        evidence=("report",),
        right=removed,
        tolerance=0,
        mistakes={
            "those are problems of severity error; that of a picture concerns all its captions": lambda report: (
                report.problems["severity"] == "error"
            ).sum(),
            "those are all problems, and many need no row to go": lambda report: len(report.problems),
            "those are files: each takes its captions with it": files_removed,
            "those are the rows that stay": lambda report: len(report.fix().captions),
        },
        because="Read the log before you believe it: a rule knows nothing of your pictures.",
    ),
    ExaminedExercise(
        number="07.3",
        title="Split by picture",
        question="Write my_split(captions): the table with its column split filled with train, val and test, so that "
        "no picture is in two of them. Most for training.",
        hints=(
            'Give a split to each distinct picture first (`captions["image"].unique()`), not to each row.',
            'Make a dictionary from picture to split; `captions.assign(split=captions["image"].map(of_picture))`.',
        ),
        examine=splits,
        because="`lab.split_by_image` does this, with the same shares in every class.",
    ),
)
