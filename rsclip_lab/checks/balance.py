"""Enough pictures of enough kinds, in every split."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd

from rsclip_lab.checks.kinds import Problem, counted, quoted

RARE = 10  # training pictures of a class; with fewer a network learns the pictures rather than the class
NUMBER = re.compile(r"\s*[+-]?\d+(?:\.\d*)?\s*")
SAME = ["image", "text", "split", "label"]  # of two rows of which one is too many
UNEVEN = 3  # times as many pictures in the largest class as in the smallest


def spelled_alike(label: str) -> str:
    """One form for "Harbor", "harbor " and "harbor_"."""
    return re.sub(r"[\s_-]+", " ", label).strip().casefold()


def training_rows(captions: pd.DataFrame) -> pd.DataFrame:
    """The rows of the train split; all where the table has none, being one split or not split yet."""
    train = captions[captions["split"] == "train"]
    return train if len(train) else captions


def set_problems(captions: pd.DataFrame, batch_size: int) -> Iterator[Problem]:
    if len(captions) == 0:
        yield Problem("no_captions", None, None, "the table is empty")
        return
    train = training_rows(captions)
    pictures, texts = train["image"].nunique(), train["text"].nunique()
    if pictures < 2 or all_alike(train["image"], train["text"]):
        detail = f"{counted(pictures, 'picture')} and {counted(texts, 'different caption')} to train on"
        alike = ", the same for every picture" if pictures > 1 < texts else ""
        yield Problem("no_negatives", None, None, f"{detail}{alike}: the loss has nothing to tell apart")
    elif pictures < batch_size:
        detail = f"{counted(pictures, 'picture')} to train on, fewer than the {batch_size:,} of one batch"
        yield Problem("few_pictures", None, None, detail)
    labels = train["label"]
    if labels.notna().all() and labels.nunique() == 1:
        detail = f"all labels are {quoted(labels.iloc[0])}: zero-shot accuracy is then 100 % for any model"
        yield Problem("one_class", None, None, detail)


def all_alike(images: pd.Series, texts: pd.Series) -> bool:
    """Whether every caption there is stands at every picture, so that none tells two pictures apart."""
    pairs = pd.DataFrame({"image": images, "text": texts}).dropna().drop_duplicates()
    return len(pairs) > 0 and bool(pairs["text"].value_counts().min() == images.nunique())


def repeated_rows(captions: pd.DataFrame) -> Iterator[Problem]:
    """All but the first of the rows that say the same of the same picture."""
    said = captions.dropna(subset="text")
    for row, file, text in said.loc[said.duplicated(SAME), ["image", "text"]].itertuples():
        yield Problem("repeated_row", row, file, f"the same picture has the caption {quoted(text)} already")


def class_problems(captions: pd.DataFrame) -> Iterator[Problem]:
    labelled = captions.dropna(subset="label").drop_duplicates(["image", "split", "label"])
    yield from _numbers(labelled)
    yield from _spellings(labelled)
    counts = training_rows(labelled)["label"].value_counts()
    if len(counts) < 2:
        return
    if counts.iloc[0] >= UNEVEN * counts.iloc[-1]:
        largest, smallest = counts.index[0], counts.index[-1]
        detail = f"{quoted(largest)} has {counts.iloc[0]:,} training pictures, {quoted(smallest)} {counts.iloc[-1]:,}"
        yield Problem("imbalance", None, None, detail)
    if (labelled["split"] == "train").any() or labelled["split"].isna().all():
        for label, count in counts[counts < RARE].items():
            yield Problem("rare_class", *_first(labelled, label), f"{quoted(label)}: {count} for training")
    yield from _missing_classes(labelled)


def _missing_classes(labelled: pd.DataFrame) -> Iterator[Problem]:
    classes = labelled.dropna(subset="split").groupby("split")["label"].agg(set)
    if "train" not in classes or len(classes) < 2:
        return
    for split in sorted(set(classes.index) - {"train"}):
        for label in sorted(classes[split] - classes["train"]):
            row = labelled[(labelled["label"] == label) & (labelled["split"] == split)]
            yield Problem("unknown_class", *_first(row, label), f"{quoted(label)} is in {split}, not in train")
        if absent := sorted(classes["train"] - classes[split]):
            detail = f"{counted(len(absent), 'class')} of train not in {split}: {', '.join(map(quoted, absent[:5]))}"
            yield Problem("absent_class", None, None, detail)


def _numbers(labelled: pd.DataFrame) -> Iterator[Problem]:
    labels = labelled["label"].drop_duplicates()
    if len(labels) and labels.map(NUMBER.fullmatch).notna().all():
        said = f"{', '.join(map(quoted, labels[:3]))}{', …' if len(labels) > 3 else ''}"
        detail = f"labels that are numbers ({said}): captions and prompts made from them mean nothing"
        yield Problem("number_labels", labels.index[0], labelled.at[labels.index[0], "image"], detail)


def _spellings(labelled: pd.DataFrame) -> Iterator[Problem]:
    written = labelled["label"].value_counts()
    for _, forms in written.groupby(written.index.map(spelled_alike)):
        if len(forms) > 1:
            said = ", ".join(f"{quoted(form)} ({count:,})" for form, count in forms.items())
            yield Problem("label_spelling", *_first(labelled, forms.idxmin()), f"one label in several ways: {said}")


def _first(rows: pd.DataFrame, label: str) -> tuple[int, str]:
    """The first row with the label, and its picture."""
    found = rows["label"].eq(label).idxmax()
    return found, rows.at[found, "image"]
