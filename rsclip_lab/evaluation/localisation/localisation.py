"""Where in the picture is it: a heatmap against true boxes, by the pointing game and by semantic localisation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rsclip_lab.environment import progress
from rsclip_lab.evaluation.localisation.pointing import box_mask, centre_hit, pointing_hit, random_hit
from rsclip_lab.evaluation.localisation.semantic_localisation import (
    discreteness_of,
    mean_indicator,
    peaks,
    shift_of,
    significant_area_proportion,
    stretched,
)

BOX = ["left", "top", "right", "bottom"]
INDICATORS = ["r_su", "r_as", "r_da", "r_mi"]

Heatmaps = Callable[[str, list[str]], Sequence] | Mapping[tuple[str, str], np.ndarray]


@dataclass(frozen=True)
class Localisation:
    """`table`: one row a question (a picture and a kind that is in it), as `localisation` describes."""

    table: pd.DataFrame

    @property
    def summary(self) -> dict[str, float]:
        """The means over the questions, and `times_centre`, how many times as often as the centre the map hits.

        Keys: `questions`, `pointing`, `centre`, `random`, `times_centre`, `r_su`, `r_as`, `r_da`, `r_mi`.
        `times_centre` is infinite where only the centre never hits, NaN where the map does not either.
        """
        means = self.table[["pointing", "centre", "random", *INDICATORS]].mean().to_dict()
        never = np.inf if means["pointing"] else np.nan
        times = means["pointing"] / means["centre"] if means["centre"] else never
        return {"questions": len(self.table), **means, "times_centre": times}

    @property
    def by_kind(self) -> pd.DataFrame:
        """The same means for each kind, the most asked first; `questions` says how many."""
        grouped = self.table.groupby("kind", sort=True)
        means = grouped[["pointing", "centre", "random", *INDICATORS]].mean()
        return means.assign(questions=grouped.size()).sort_values("questions", ascending=False, kind="stable")

    def _repr_html_(self) -> str:
        return pd.DataFrame([self.summary]).round(3).to_html(index=False)


def localisation(
    heatmaps: Heatmaps,
    objects: pd.DataFrame,
    tolerance: float = 0.0,
    largest: float | None = 0.25,
    kinds: int = 2,
) -> Localisation:
    """Judge heatmaps by the true boxes of `objects`, the table of `read_objects` or `sample_objects`.

    heatmaps: a function (image path, kinds of that picture) -> heatmaps [kinds, height, width], so that a picture
    is encoded once; or a mapping (image path, kind) -> heatmap [height, width]. Both in the picture's own pixels.
    tolerance, largest, kinds: as in `localisation_questions` and `pointing_hit`; tolerance in pixels.

    The table has one row a question: `image`, `kind`, `share` (of the picture that its boxes cover), `pointing` (1
    where the map's maximum hits), `centre` and `random` (what the picture's centre and a pixel drawn at random earn
    on the same question), and the four indicators of semantic localisation. These are measured on the map stretched
    to 0…1, as their authors do, and judge its shape; the pointing game judges its maximum.
    Raises ValueError for a table without a question, for a heatmap that does not have the picture's size, and for a
    box without an extent or outside its picture; TypeError for what gives no heatmaps.
    """
    if not callable(heatmaps) and not isinstance(heatmaps, Mapping):
        wanted = "a function (image, kinds) -> [kinds, height, width], or a mapping (image, kind) -> [height, width]"
        example = "lambda image, kinds: text_heatmaps(model, image, kinds)"
        raise TypeError(f"heatmaps is a {type(heatmaps).__name__}: give {wanted}, such as {example}")
    questions = localisation_questions(objects, largest, kinds)
    if questions.empty:
        rule = f"at least {kinds} kinds in a picture, boxes below {largest} of it"
        raise ValueError(f"no question in {len(objects)} objects ({rule}): give more pictures or ease the rule")
    boxes_of = dict(list(objects.groupby(["image", "kind"])))
    rows = []
    for image, asked in progress(list(questions.groupby("image", sort=False)), desc="localisation"):
        maps = _maps_of(heatmaps, image, list(asked["kind"]))
        for (_, question), heatmap in zip(asked.iterrows(), maps, strict=True):
            found = boxes_of[image, question["kind"]]
            _check_size(heatmap, found.iloc[0], question)
            rows.append({**question, **_judged(heatmap, found[BOX].to_numpy(float), tolerance)})
    return Localisation(pd.DataFrame(rows))


def localisation_questions(objects: pd.DataFrame, largest: float | None = 0.25, kinds: int = 2) -> pd.DataFrame:
    """The questions worth asking, one row a picture and kind: columns `image`, `kind`, `share`.

    Those of pictures that show at least `kinds` kinds, about a kind whose boxes cover less than `largest` of the
    picture: with 2 and 1/4 the "difficult" questions of the pointing game (Zhang et al. 2018), where something else
    distracts and the box cannot be hit blindly. largest=None: however large. Raises ValueError for a box without an
    extent or outside its picture.
    """
    _check_boxes(objects)
    rows = []
    for image, here in objects.groupby("image", sort=False):
        if here["kind"].nunique() < kinds:
            continue
        for kind, found in here.groupby("kind", sort=True):
            height, width = int(found["height"].iloc[0]), int(found["width"].iloc[0])
            share = box_mask(found[BOX].to_numpy(float), height, width).mean()
            if largest is None or share < largest:
                rows.append((image, kind, share))
    return pd.DataFrame(rows, columns=["image", "kind", "share"])


def _check_boxes(objects: pd.DataFrame) -> None:
    boxes, size = objects[BOX].to_numpy(float), objects[["width", "height"]].to_numpy(float)
    is_there = (boxes[:, 2:] > 0).all(axis=1) & (boxes[:, :2] < size).all(axis=1)
    has_extent = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    for place in np.flatnonzero(~(is_there & has_extent))[:1]:
        row = objects.iloc[place]
        what = f"row {objects.index[place]}, {row['image']}, {row['kind']}: the box {boxes[place].tolist()}"
        if not has_extent[place]:
            raise ValueError(f"{what} has no extent; right must be beyond left, bottom below top, in pixels")
        picture = f"its picture of {row['width']} x {row['height']} pixels"
        raise ValueError(f"{what} lies outside {picture}; give left, top, right, bottom in pixels of the picture")


def _judged(heatmap, boxes: np.ndarray, tolerance: float) -> dict[str, float]:
    shape, even = np.shape(heatmap), stretched(heatmap)
    r_su = significant_area_proportion(even, boxes)
    points = peaks(even)  # once: it takes longer than all the rest
    r_as, r_da = shift_of(points, boxes), discreteness_of(points, boxes)
    return {
        "pointing": pointing_hit(heatmap, boxes, tolerance),
        "centre": centre_hit(boxes, *shape, tolerance),
        "random": random_hit(boxes, *shape, tolerance),
        "r_su": r_su,
        "r_as": r_as,
        "r_da": r_da,
        "r_mi": mean_indicator(r_su, r_as, r_da),
    }


def _maps_of(heatmaps: Heatmaps, image: str, kinds: list[str]) -> list:
    if callable(heatmaps):
        maps = list(heatmaps(image, kinds))
        if len(maps) != len(kinds):
            raise ValueError(f"{image}: {len(maps)} heatmaps for {len(kinds)} kinds; give one a kind, in their order")
        return maps
    if missing := [kind for kind in kinds if (image, kind) not in heatmaps]:
        raise ValueError(f"{image}: no heatmap for {', '.join(missing)}; give one a kind, or a function")
    return [heatmaps[image, kind] for kind in kinds]


def _check_size(heatmap, truth: pd.Series, question: pd.Series) -> None:
    wanted = (int(truth["height"]), int(truth["width"]))
    if np.shape(heatmap) != wanted:
        what = f"{question['image']}, {question['kind']}: a heatmap {list(np.shape(heatmap))}"
        raise ValueError(f"{what} for boxes in a picture {list(wanted)}; give [height, width] of the picture")
