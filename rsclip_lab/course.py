"""The whole course in one call: three fine-tunings of one base model, measured before and after."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from rsclip_lab.data import distinct_images, sample
from rsclip_lab.environment import select_precision
from rsclip_lab.evaluation import predict
from rsclip_lab.evaluation.evaluate import TestTable, measure
from rsclip_lab.models import load_model
from rsclip_lab.training import FinetuneConfig, Run, finetune

DRAWN = "All pictures are drawn by this project's generator; none is a photograph."
TEMPLATE = "a satellite view of {label}"
SHOWN_PICTURES = 6


@dataclass(frozen=True)
class CourseData:
    """The tables of the course: coastal kinds to learn, land kinds to remember."""

    train: pd.DataFrame
    test: pd.DataFrame
    land_train: pd.DataFrame
    land_test: pd.DataFrame

    @classmethod
    def embedded(cls) -> CourseData:
        return cls(
            sample("coast", "train"), sample("coast", "test"), sample("land", "train"), sample("land", "test")
        )


def run_course(
    seeds: int = 1,
    model="tiny",
    config: FinetuneConfig | None = None,
    folder: str | Path = "outputs",
    data: CourseData | None = None,
    progress: bool = True,
) -> dict:
    """Fine-tune `model` with the positives-only loss, the CLIP loss, and the CLIP loss with replay.

    seeds: how many seeds to run, 0 … seeds - 1; the results are their means.
    model: a name for `load_model`, or a Clip. data: the embedded sample by default.
    folder: gets course.json (the dictionary returned) and course.png.
    """
    data = data or CourseData.embedded()
    base = load_model(model) if isinstance(model, (str, Path)) else model
    config = config or FinetuneConfig()
    tests = [TestTable.of(table).decoded(base) for table in (data.test, data.land_test)]
    base_row = course_row(base, tests, seconds=0.0)
    rows: dict[str, list[dict]] = {"base": [base_row]}
    first_runs: dict[str, Run] = {}
    for seed in range(seeds):
        for name, run in fine_tunings(base, data, replace(config, seed=seed), progress):
            rows.setdefault(name, []).append(course_row(run.model, tests, run.seconds))
            first_runs.setdefault(name, run)
    results = {
        "runs": {name: mean_row(found) for name, found in rows.items()},
        "each_seed": {name: found for name, found in rows.items() if name != "base"},
        "seeds": list(range(seeds)),
        "model": base.name,
        "device": str(base.device),
        "precision": select_precision(base.device).reason,
        "config": first_runs["clip"].config.to_dict(),
        "note": DRAWN,
    }
    keep(results, course_figure(results["runs"], base, first_runs, data), Path(folder))
    return results


def fine_tunings(base, data: CourseData, config: FinetuneConfig, progress: bool = True):
    """The three runs that the course compares, one after another: (name, Run)."""
    yield (
        "positives_only",
        finetune(base, data.train, replace(config, loss="positives_only"), progress=progress),
    )
    yield "clip", finetune(base, data.train, config, progress=progress)
    yield "replay", finetune(base, data.train, config, replay=data.land_train, progress=progress)


def course_row(model, tests: Sequence[TestTable], seconds: float) -> dict[str, float]:
    """One row of the before/after table. tests: the coast's and the land's test pictures, decoded."""
    metrics = measure(model, tests[0], control=tests[1])
    return {
        "coast_top1": metrics["top1"],
        "all_top1": metrics["all_top1"],
        "land_top1": metrics["control_top1"],
        "mean_recall": metrics["mean_recall"],
        "off_diagonal_cosine": metrics["off_diagonal_cosine"],
        "seconds": round(seconds, 2),
    }


def mean_row(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def course_figure(results: Mapping[str, Mapping], base, runs: Mapping[str, Run], data: CourseData):
    """The figure of the first seed's runs: see `show.plot_course`."""
    from rsclip_lab.show import plot_course

    # The first picture of each kind, so that nobody chose the pretty ones.
    pictures = distinct_images(data.test).drop_duplicates("label").head(SHOWN_PICTURES)
    kinds = sorted(data.test["label"].unique())
    images, labels = pictures["image"].tolist(), pictures["label"].tolist()
    said = {
        "before": answers(base, images, kinds),
        "after": answers(runs["replay"].model, images, kinds),
    }
    histories = {name: runs[name].history for name in ("positives_only", "clip")}
    title = f"`{base.name}` before and after fine-tuning on coastal kinds\n{DRAWN}"
    return plot_course(results, histories, images, labels, said, title)


def answers(model, images: list, kinds: list[str]) -> list[str]:
    """The most probable kind of each picture."""
    probabilities = predict(model, images, [TEMPLATE.replace("{label}", kind) for kind in kinds])
    return [kinds[place] for place in probabilities.to_numpy().argmax(axis=1)]


def keep(results: dict, figure, folder: Path) -> None:
    """Write course.json and course.png, each beside itself and then renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".course-{os.getpid()}.part"
    part.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    os.replace(part, folder / "course.json")
    figure.savefig(part, format="png", dpi=90)
    os.replace(part, folder / "course.png")
