"""What an ablation found: its runs, the table with intervals, and what each factor does on average."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from rsclip_lab.data.disk import in_words, named_folder, replacing
from rsclip_lab.evaluation.repeats import mean_interval, paired_effect, repeated_share_interval
from rsclip_lab.models import ModelError
from rsclip_lab.training.trials.ablation_measures import KS, unpacked

TABLE, NOTES = "ablation.csv", "ablation.json"
COUNTS = ("seed", "steps", "pictures", "control_pictures")
# Where the answers picture by picture stand for a metric.
ANSWERS = {"top1": "right", "all_top1": "all_right", "control_top1": "control_right"}
EFFECT_METRICS = ("all_top1", "top1", "control_top1", "mean_recall", "off_diagonal_cosine")
WORDS = {"top1": "own kinds", "control_top1": "control", "mean_recall": "mean recall"}
WORDS |= {"off_diagonal_cosine": "off-diagonal cosine"}
METHOD = (
    "In brackets 95 % intervals: other seeds (Student's t) and other test pictures (Wilson) together; with one seed "
    "the pictures alone. Effects are means over pairs of runs that differ in one thing."
)


@dataclass(frozen=True)
class Ablation:
    """The runs of a grid.

    runs: one row a run: its levels, `seed`, what `ablation_measures.measured` gives, `steps`, `seconds`, `stop`.
    base: the same measures of the model before training. factors: {factor: levels as text, the reference first}.
    notes: model, device, configuration, data with their hashes, and which settings were left out, and why.
    """

    runs: pd.DataFrame
    base: dict
    factors: dict[str, list[str]]
    notes: dict = field(default_factory=dict)

    def intervals(self) -> pd.DataFrame:
        """One row a setting and metric: the factors' levels, `runs`, `metric`, `mean`, `low`, `high`, in the order in
        which the settings were asked for. Shares of pictures by `repeated_share_interval`, others by
        `mean_interval`, which is NaN with a single seed."""
        rows = []
        for levels, runs in self._settings():
            for metric in self.metrics:
                low, high = self._interval(metric, runs[metric])
                rows.append([*levels, len(runs), metric, runs[metric].mean(), low, high])
        return pd.DataFrame(rows, columns=[*self.factors, "runs", "metric", "mean", "low", "high"])

    def table(self) -> pd.DataFrame:
        """In the shape of CLIP-rsicd's: one row a setting, the base model first, a column for each k, as
        "0.843 [0.82, 0.86]". k: how often the right kind is among the first k, of the test pictures among all kinds,
        or their own where there was no control set; then the test pictures among their own kinds, the control
        pictures among theirs, and retrieval."""
        prefix = "all_" if "all_top1" in self.runs else ""
        chosen = {f"{prefix}top{k}": f"k={k}" for k in KS} | WORDS
        chosen = {metric: words for metric, words in chosen.items() if metric in self.metrics}
        if not prefix:
            chosen["top1"] = "k=1"
        first = dict.fromkeys(self.factors, "–") | {next(iter(self.factors)): "before training"}
        rows = [first | {"runs": 0} | {words: self._cell(m, [self.base[m]]) for m, words in chosen.items()}]
        for levels, runs in self._settings():
            cells = {words: self._cell(metric, runs[metric]) for metric, words in chosen.items()}
            rows.append({**dict(zip(self.factors, levels, strict=True)), "runs": len(runs), **cells})
        return pd.DataFrame(rows)

    def effects(self, metrics: Sequence[str] = EFFECT_METRICS) -> pd.DataFrame:
        """What each level does beside its factor's reference, all else equal: see `main_effects`."""
        return main_effects(self.runs, self.factors, [metric for metric in metrics if metric in self.metrics])

    @property
    def metrics(self) -> list[str]:
        """What every run was measured by."""
        named = [f"{prefix}top{k}" for prefix in ("", "all_") for k in KS]
        return [name for name in (*named, *list(WORDS)[1:]) if name in self.runs]

    def save(self, folder: str | Path) -> None:
        """Write ablation.csv, the base model in the first row, and ablation.json to `folder`; `load` reads them."""
        folder = named_folder(folder)
        with in_words(folder, ModelError):
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(folder / TABLE) as part:
                whole = pd.concat([pd.DataFrame([self.base]), self.runs]).reindex(columns=self.runs.columns)
                whole.to_csv(part, index=False)
            with replacing(folder / NOTES) as part:
                notes = {"factors": self.factors, **self.notes}
                part.write_text(json.dumps(notes, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> Ablation:
        """What `save` wrote. FileNotFoundError where nothing is, ValueError for what is no ablation."""
        folder = named_folder(folder)
        if not (folder / TABLE).is_file() or not (folder / NOTES).is_file():
            raise FileNotFoundError(f"{folder}: no ablation here ({TABLE}, {NOTES}); run one, or correct the path")
        try:
            notes = json.loads((folder / NOTES).read_text(encoding="utf-8"))
            factors = notes.pop("factors")
            words = dict.fromkeys([*factors, *ANSWERS.values(), "stop"], str)
            table = pd.read_csv(folder / TABLE, dtype=words, keep_default_na=False, na_values=[""])
            trained = table["seed"].notna()
            runs = table[trained].reset_index(drop=True).fillna({"stop": ""})
            runs = runs.astype({name: int for name in COUNTS if name in runs})
            base = table[~trained].iloc[0].drop([*factors, "seed", "steps", "seconds", "stop"])
            return cls(runs, base.to_dict(), factors, notes)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{folder / TABLE} is not the table of an ablation ({error}); run it again") from None

    def _settings(self) -> Iterator[tuple[tuple, pd.DataFrame]]:
        """The levels of each setting, and its runs."""
        yield from self.runs.groupby(list(self.factors), sort=False)

    def _interval(self, metric: str, values: Sequence[float]) -> tuple[float, float]:
        if "top" not in metric:
            return mean_interval(values)
        return repeated_share_interval(values, pictures_of(metric, self.runs))

    def _cell(self, metric: str, values: Sequence[float]) -> str:
        low, high = self._interval(metric, values)
        return f"{np.mean(values):.3f}" + ("" if np.isnan(low) else f" [{low:.2f}, {high:.2f}]")

    def __repr__(self) -> str:
        settings, seeds = len(list(self._settings())), self.runs["seed"].nunique()
        return f"Ablation({len(self.runs)} runs: {settings} settings, {seeds} seeds; .table(), .effects())"

    def _repr_html_(self) -> str:
        drawn = {table["note"] for table in self.notes.get("data", {}).values() if "note" in table}
        lines = [METHOD, *sorted(drawn)]
        said = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
        effects = self.effects()
        changes = "" if effects.empty else effect_table(effects).to_html(index=False)
        return self.table().to_html(index=False) + changes + said


def main_effects(runs: pd.DataFrame, factors: dict[str, list[str]], metrics: Sequence[str]) -> pd.DataFrame:
    """For each factor and level beside the reference: what it changes, over all pairs of runs that are equal in
    everything else, the seed included.

    Columns `factor`, `level`, `reference`, `metric`, `pairs`, `difference` (level minus reference, a mean), `low`,
    `high` (95 %). Where runs were measured picture by picture the interval holds the luck of the pairs and of the
    pictures (`paired_effect`), else that of the pairs (`mean_interval`). That a factor does more in one setting than
    in another counts as luck here, so that the intervals are rather too wide. Levels without a pair are left out.
    runs, factors: as in `Ablation`.
    """
    rows = []
    for factor, (reference, *levels) in factors.items():
        others = [name for name in factors if name != factor] + ["seed"]
        for level in levels:
            two = [runs[runs[factor] == one].set_index(others) for one in (reference, level)]
            both = two[0].index.intersection(two[1].index)
            if both.empty:
                continue
            before, after = (table.loc[both] for table in two)
            for metric in metrics:
                found = _effect(before, after, metric)
                rows.append({"factor": factor, "level": level, "reference": reference, "metric": metric, **found})
    return pd.DataFrame(rows, columns="factor level reference metric pairs difference low high".split())


def effect_table(effects: pd.DataFrame) -> pd.DataFrame:
    """The same to be read: one row a level, one column a metric, as "+0.048 [+0.02, +0.08]"."""
    rows = {}
    for row in effects.itertuples():
        change = {"factor": row.factor, "change": f"{row.level} instead of {row.reference}", "pairs": row.pairs}
        found = rows.setdefault((row.factor, row.level), change)
        found[row.metric] = f"{row.difference:+.3f}"
        if not np.isnan(row.low):
            found[row.metric] += f" [{row.low:+.2f}, {row.high:+.2f}]"
    return pd.DataFrame(list(rows.values()))


def _effect(before: pd.DataFrame, after: pd.DataFrame, metric: str) -> dict:
    answers = ANSWERS.get(metric)
    if answers in before:
        pictures = pictures_of(metric, before)
        right = [np.stack([unpacked(one, pictures) for one in table[answers]]) for table in (before, after)]
        return {"pairs": len(before), **paired_effect(right[1].astype(float) - right[0])}
    gains = (after[metric] - before[metric]).to_numpy()
    low, high = mean_interval(gains)
    return {"pairs": len(before), "difference": float(gains.mean()), "low": low, "high": high}


def pictures_of(metric: str, runs: pd.DataFrame) -> int:
    """How many pictures a share was measured on, the same for all runs."""
    return int(runs["control_pictures" if metric.startswith("control") else "pictures"].iloc[0])
