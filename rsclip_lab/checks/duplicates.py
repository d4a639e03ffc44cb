"""The same picture twice: in two splits, under two names, under two labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from rsclip_lab.checks import fingerprints
from rsclip_lab.checks.balance import spelled_alike
from rsclip_lab.checks.kinds import Problem, quoted
from rsclip_lab.checks.pictures import Picture

# Whoever is further back must not know the pictures of those before: it is the test that must not have been trained
# on, and of a picture in test and val the smaller loss is the one in val.
KEEPS = ("train", "test", "val")


def duplicate_problems(captions: pd.DataFrame, pictures: Sequence[Picture]) -> Iterator[Problem]:
    """pictures: readable ones. A problem stands at the first row of a file in a split that should go.

    All rows of the file in that split are meant. Blank pictures are left out: they all look the same.
    """
    firsts, content_of = {}, {}
    for picture in pictures:
        if not picture.look.blank:
            content_of[picture.path] = picture.look.content
            firsts.setdefault(picture.look.content, picture.look)
    hashes = np.array([look.hashes for look in firsts.values()], np.uint8).reshape(-1, 2, 8)
    near = fingerprints.near_groups([look.thumb for look in firsts.values()], hashes)
    group_of = dict(zip(firsts, near, strict=True))
    table = captions[captions["image"].isin(content_of)].assign(
        row=lambda rows: rows.index,
        content=lambda rows: rows["image"].map(content_of),
        group=lambda rows: rows["content"].map(group_of),
    )
    yield from _label_conflicts(table)
    sightings = table.drop_duplicates(["image", "split"])
    for _, some in sightings[sightings["group"].duplicated(keep=False)].groupby("group", sort=False):
        yield from _copies(some)


def _copies(sightings: pd.DataFrame) -> Iterator[Problem]:
    """Of sightings of one picture and its copies: those outside the split that keeps it, then those twice in one."""
    splits = sightings["split"].dropna().unique()
    keeps = min(splits, key=lambda split: (KEEPS.index(split) if split in KEEPS else len(KEEPS), split), default=None)
    kept = sightings[sightings["split"] == keeps]
    twins = set(kept["content"])
    for one in sightings[sightings["split"].notna() & (sightings["split"] != keeps)].itertuples():
        exact = one.content in twins
        what = "the same picture" if exact else "a copy (resized, recompressed, recoloured or turned)"
        names = _names([*(kept[kept["content"] == one.content] if exact else kept)["image"], one.image])
        detail = f"{what} is in {' and '.join(sorted((keeps, one.split)))} ({names})"
        yield Problem("leak" if exact else "near_leak", one.row, one.image, detail)
    for _, some in sightings.groupby("split", sort=False, dropna=False):
        for one in some[1:].itertuples():
            same = some[some["content"] == one.content]["image"]
            exact = same.iloc[0] != one.image
            names = _names([*(same if exact else some["image"])[:1], one.image])
            detail = f"the same picture under two names ({names})" if exact else f"one is nearly a copy ({names})"
            yield Problem("repeated_picture" if exact else "near_copy", one.row, one.image, detail)


def _label_conflicts(table: pd.DataFrame) -> Iterator[Problem]:
    labelled = table.dropna(subset="label").drop_duplicates(["content", "label"])
    for _, some in labelled[labelled["content"].duplicated(keep=False)].groupby("content", sort=False):
        if some["label"].map(spelled_alike).nunique() > 1:
            labels, last = " and ".join(quoted(label) for label in some["label"][:3]), some.iloc[-1]
            yield Problem("label_conflict", last["row"], last["image"], f"the same picture is labelled {labels}")


def _names(paths: Sequence[str]) -> str:
    """Bare names, each once; of many the first two and the last."""
    names = list(dict.fromkeys(Path(path).name for path in paths))
    return ", ".join(names if len(names) < 4 else [*names[:2], "…", names[-1]])
