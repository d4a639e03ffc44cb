"""What does each part of the recipe give? The same training again and again, with one thing or another changed."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from rsclip_lab.checks import require_usable
from rsclip_lab.data.disk import named_folder
from rsclip_lab.environment import progress as progress_bar
from rsclip_lab.evaluation.evaluate import TestTable
from rsclip_lab.evaluation.record import describe_tables, table_hash
from rsclip_lab.models.saved.description import plain
from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.inputs import require_kinds
from rsclip_lab.training.run import finetune
from rsclip_lab.training.saved.start import NO_MATTER, fingerprint
from rsclip_lab.training.state import Collapsed, Diverged, Interrupted
from rsclip_lab.training.trials.ablation_measures import measured, require_two_kinds
from rsclip_lab.training.trials.ablation_result import Ablation
from rsclip_lab.training.trials.ablation_rows import KeptRows
from rsclip_lab.training.trials.factors import (
    FACTORS,
    Design,
    Setting,
    checked_factors,
    configured,
    left_out,
    settings_of,
    text_tables,
)

ROW = 2  # to be raised when a row's measures change: rows kept by an earlier version are then left alone


@dataclass(frozen=True)
class PlannedRun:
    """One run of the grid. setting: {factor: level}; config: resolved, with the run's seed; key: a hash of all that
    its row comes from."""

    setting: Setting
    config: FinetuneConfig
    captions: pd.DataFrame
    replay: pd.DataFrame | None
    key: str = ""


def ablation(
    model,
    captions: pd.DataFrame,
    test: pd.DataFrame,
    control: pd.DataFrame | None = None,
    replay: pd.DataFrame | None = None,
    factors: Mapping[str, Sequence] | None = None,
    seeds: int | Sequence[int] = 1,
    config: FinetuneConfig | None = None,
    folder: str | Path | None = None,
    design: Design = "full",
    progress: bool = True,
) -> Ablation:
    """Fine-tune `model` in every setting of a grid, with every seed, and measure each on the same test pictures.

    captions: rows to train on; test: rows of the same kinds to measure on; control: rows of earlier kinds, which
    show what was forgotten; replay: rows of earlier data to train on where the factor "replay" is on.
    factors: {factor: levels}, the reference first; by default `FACTORS`, without replay where there is no table.
    "loss" (clip, siglip, positives_only); "duplicates", pictures of a batch with one caption: "positives" of each
    other, "negatives" as in most programs, or "apart" in other batches; "image_augmentation" and "text_augmentation"
    (all captions of a picture and the templates with its label, of which each epoch draws one, or its first caption
    alone); "replay"; or any field of FinetuneConfig. Combinations that mean nothing are left out, with the reason in
    the result's notes.
    seeds: how many, 0 … seeds - 1, or which. design: "full", all combinations, or "one_at_a_time", the reference and
    each other level alone.
    folder: where runs that are done are kept, decoded pictures too, and in the end ablation.csv; the same call goes
    on where it was stopped, and takes what is there for another grid, too. Started in several processes at once, they
    share the runs. A run that diverges or collapses is measured as it stands, with the reason in its column `stop`.

    Raises ValueError for factors, levels or seeds that there are not, for a test table without two kinds, and what
    `finetune` raises; Interrupted for Ctrl-C.
    """
    require_kinds("ablation", model, config, captions=captions, test=test, control=control, replay=replay)
    factors, seeds = checked_factors(_default(replay) if factors is None else factors), checked_seeds(seeds)
    if "on" in factors.get("replay", ()) and replay is None:
        raise ValueError('ablation(replay=None): the factor "replay" has a level "on"; give the table to replay')
    tables = {"captions": captions, "test": test, "control": control, "replay": replay}
    for name, table in tables.items():
        if table is not None:
            require_usable(table, f"the {name} table")
    require_two_kinds(test, control)
    config = config or FinetuneConfig()
    plan, reasons = planned(model, captions, replay, factors, config, design)
    keys = Keys(model, test, control)
    plan = [replace(run, config=replace(run.config, seed=seed)) for seed in seeds for run in plan]
    plan = [replace(run, key=keys.of(run)) for run in plan]
    with tempfile.TemporaryDirectory() as temporary:
        kept = KeptRows(named_folder(folder)) if folder else KeptRows(Path(temporary), lasting=False)
        base, rows = all_rows(model, plan, keys, [t for t in (test, control) if t is not None], kept, progress)
    runs = pd.DataFrame([in_words(run.setting) | {"seed": run.config.seed} | rows[run.key] for run in plan])
    levels = {name: [str(level) for level in of] for name, of in factors.items()}
    notes = {
        "model": model.name,
        "device": str(model.device),
        "config": plain(config.resolved(model).to_dict()),
        "data": describe_tables(**tables),
        "left_out": reasons,
    }
    result = Ablation(runs, base, levels, notes)
    if folder:
        result.save(folder)
    return result


def planned(
    model,
    captions: pd.DataFrame,
    replay: pd.DataFrame | None,
    factors: Mapping[str, Sequence],
    config: FinetuneConfig,
    design: Design = "full",
) -> tuple[list[PlannedRun], list[str]]:
    """The runs of one seed; and the settings that are left out, with the reason."""
    settings, tables = settings_of(factors, design), text_tables(captions)
    runs, reasons = [], []
    for setting in settings:
        texts = tables[setting["text_augmentation"]] if "text_augmentation" in setting else captions
        old = replay if setting.get("replay") == "on" else None
        run = PlannedRun(setting, configured(config, setting).resolved(model), texts, old)
        if reason := left_out(setting, settings[0], texts, old, run.config):
            reasons.append(f"{', '.join(f'{name} {level}' for name, level in setting.items())}: {reason}")
        else:
            runs.append(run)
    return runs, reasons


class Keys:
    """What a run's row is kept by: a hash of model, tables and configuration. Each table is read once for it."""

    def __init__(self, model, test: pd.DataFrame, control: pd.DataFrame | None) -> None:
        self.tables: dict[int, str] = {}
        self.fixed = [ROW, fingerprint(model), self._table(test), self._table(control)]

    @property
    def base(self) -> str:
        """Of the model before any training."""
        return self._hash([])

    def of(self, run: PlannedRun) -> str:
        config = {name: value for name, value in plain(run.config.to_dict()).items() if name not in NO_MATTER}
        return self._hash([config, self._table(run.captions), self._table(run.replay)])

    def _table(self, table: pd.DataFrame | None) -> str | None:
        if table is None:
            return None
        if id(table) not in self.tables:
            self.tables[id(table)] = contents_hash(table)
        return self.tables[id(table)]

    def _hash(self, parts: list) -> str:
        return hashlib.sha256(json.dumps([*self.fixed, *parts], sort_keys=True).encode()).hexdigest()[:16]


def all_rows(
    model, plan: Sequence[PlannedRun], keys: Keys, tests: Sequence[pd.DataFrame], kept: KeptRows, progress: bool
) -> tuple[dict, dict[str, dict]]:
    """What the base model reaches, and by key what each run does: read where it is kept, else measured now."""
    by_key = {run.key: run for run in plan}
    known = [key for key in by_key if kept.read(key)]
    decoded = [TestTable.of(table).decoded(model) for table in tests]
    base = dict(kept.rows([keys.base], lambda key: measured(model, *decoded)))[keys.base]
    options = {"delay": 0, "unit": "run", "disable": not progress}  # no delay: a first run takes a minute
    bar = progress_bar(total=len(by_key), initial=len(known), desc="ablation", **options)

    def trained(key: str) -> dict:
        run = by_key[key]
        bar.set_postfix_str(f"{' '.join(map(str, run.setting.values()))} seed {run.config.seed}")
        return trained_row(model, run, decoded, kept.pixels)

    rows = {}
    with bar:
        try:
            for key, row in kept.rows(list(by_key), trained):
                rows[key] = row
                bar.update(key not in known)
        except Interrupted as error:
            error.args = (f"interrupted: {len(rows)} of {len(by_key)} runs are done. {kept.advice}",)
            raise
    return base, rows


def contents_hash(captions: pd.DataFrame) -> str:
    """`table_hash`, the labels, and how large each picture's file is: a row is kept for these very contents."""
    bytes_of = {image: Path(image).stat().st_size for image in captions["image"].unique()}
    rows = zip(captions["label"].astype(str), captions["image"].map(bytes_of), strict=True)
    found = "\n".join([table_hash(captions), *(f"{label}\t{size}" for label, size in rows)])
    return hashlib.sha256(found.encode()).hexdigest()


def trained_row(model, run: PlannedRun, tests: Sequence[TestTable], pixels: Path) -> dict:
    """Train once, and measure what comes out, be it of a run that had to end early."""
    stop = ""
    try:
        done = finetune(model, run.captions, run.config, replay=run.replay, progress=False, cache=pixels)
    except (Diverged, Collapsed) as error:
        done, stop = error.run, f"{type(error).__name__} after step {len(error.run.history)}"
    row = measured(done.model, *tests)
    return row | {"steps": len(done.history), "seconds": round(done.seconds, 1), "stop": stop}


def in_words(setting: Setting) -> dict[str, str]:
    """The levels as a table shows them, and a file gives them back."""
    return {name: str(level) for name, level in setting.items()}


def checked_seeds(seeds: int | Sequence[int]) -> list[int]:
    """Which seeds; ValueError for none, or one that is named twice."""
    found = list(range(seeds)) if isinstance(seeds, int) else [int(seed) for seed in seeds]
    if not found or len(set(found)) < len(found):
        raise ValueError(f"seeds={seeds!r}: give how many, at least 1, or which, each once")
    return found


def _default(replay: pd.DataFrame | None) -> dict[str, tuple]:
    return {name: levels for name, levels in FACTORS.items() if name != "replay" or replay is not None}
