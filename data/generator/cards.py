"""Data cards: what a folder of the sample holds, with a contact sheet."""

import csv
import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from .kinds import SIDES

CARD = """# The {side} sample

**These pictures are drawn by a program, not photographed.** They look like aerial photographs and their captions
are true of them, so a lesson's effect can be seen offline in minutes; figures measured on them say nothing about
how a model does on real images.

![Eight pictures of each kind](contact_sheet.jpg)

One row a kind: {labels}.

| | |
|---|---|
| pictures | {pictures} ({per_kind}), 128 × 128 pixels, JPEG |
| splits | {splits} |
| captions | {captions} in `caption.csv`: file name, caption, label, split; five different ones a picture |
| objects | {objects} in `annotations.json` (COCO's format): box and mask of each, one for all where more than \
ten are alike; the exact `counts` of each image |
| ground shown | {narrow:.0f} to {wide:.0f} m across, so {fine:.1f} to {coarse:.1f} m a pixel |
| made by | `make data` (`data/generator`, seed {seed}) |
| licence | Apache-2.0, like the project |

## How the captions come about

Counts, amounts, colours, places and neighbours are measured on what is visible in the finished picture: an object of
which less than 40 % can be seen is not counted; a colour is said when most of its pixels agree; "on the left" means
that at least 85 % of what is visible lies in the left half. Up to four are counted, five to ten are "several", more
are "many"; of trees and other cover the share of the picture decides. The first caption of a picture is always "a
satellite view of" its kind. Left and right are those of the picture as it is stored: training that mirrors or turns
it has to change them too, as `rsclip_lab` does.

Most frequent words: {words}.

## What is unrealistic

{unrealistic};
every kind is drawn as often as any other; layouts come from a few rules each and repeat.
"""


UNREALISTIC = {
    "coast": "No clouds, one sun for everything, waves that ships and walls do not disturb, a few types of each ship",
    "land": "No clouds, no relief displacement, one sun for everything, terrain only as shading,\n"
    "vegetation without species, buildings without people's traces",
}


def write_card(side: str, folder: Path, splits: dict[str, int], seed: int) -> None:
    """Write README.md and contact_sheet.jpg beside the `caption.csv` of one side of the sample."""
    with (folder / "caption.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    words = Counter(word.strip(",") for row in rows for word in row["caption"].split())
    kinds = SIDES[side]
    narrow = min(kind.width_m[0] for kind in kinds.values())
    wide = max(kind.width_m[1] for kind in kinds.values())
    text = CARD.format(
        side=side,
        labels=", ".join(kinds),
        pictures=len({row["filename"] for row in rows}),
        per_kind=f"{len(kinds)} kinds, {sum(splits.values())} each",
        captions=len(rows),
        objects=len(json.loads((folder / "annotations.json").read_text("utf-8"))["annotations"]),
        seed=seed,
        unrealistic=UNREALISTIC[side],
        splits=", ".join(f"{count} {split}" for split, count in splits.items()) + " a kind",
        narrow=narrow,
        wide=wide,
        fine=narrow / 128,
        coarse=wide / 128,
        words=", ".join(word for word, _ in words.most_common(60)),
    )
    (folder / "README.md").write_text(text, "utf-8")
    _contact_sheet(side, folder)


def _contact_sheet(side: str, folder: Path, columns: int = 8, pixels: int = 96) -> None:
    rows = []
    for label in SIDES[side]:
        names = [folder / "images" / f"{label.replace(' ', '_')}_{i + 1:03d}.jpg" for i in range(columns)]
        small = [cv2.resize(cv2.imread(str(name)), (pixels, pixels), interpolation=cv2.INTER_AREA) for name in names]
        rows.append(np.concatenate(small, axis=1))
    cv2.imwrite(str(folder / "contact_sheet.jpg"), np.concatenate(rows), [cv2.IMWRITE_JPEG_QUALITY, 80])
