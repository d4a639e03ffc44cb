"""The metrics of two models beside each other, each difference with its interval, its p and a verdict in words."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from rsclip_lab.evaluation.comparison.answers import SIDES
from rsclip_lab.evaluation.comparison.recall_rows import WIDTH, recall_names, recalls_of
from rsclip_lab.evaluation.intervals import bootstrap_interval, holm, paired_test, verdict

TOP_KS = (1, 3, 5, 10)
COLUMNS = ["metric", *SIDES, "difference", "low", "high", "p", "pictures", "verdict"]
NAN = float("nan")
LUCK = verdict(0, 1)


def metric_table(
    accuracies: Mapping[str, pd.DataFrame],
    classes: int,
    retrieval: Mapping[str, np.ndarray],
    cosines: Mapping[str, float],
) -> pd.DataFrame:
    """One row a metric: `metric` in words, `before`, `after`, `difference` with its 95 % interval `low` to `high`,
    `p`, `pictures` and `verdict` ("better", "worse", "no evidence of a difference"; "" where neither is the aim).

    accuracies: {"top1", "all_top1", "control_top1", "control_all_top1": `answer_table`}; empty ones give no row.
    classes: how many "top1" chose from.
    retrieval: {"before": `recall_rows`, "after": …}. cosines: {"before": off-diagonal cosine, "after": …}.
    p is that of `paired_test`, corrected by Holm for all that have one here. Recalls and means of classes have an
    interval and no p; their verdict is whether the interval leaves out 0.
    """
    rows = {}
    own = accuracies["top1"]
    if len(own):
        ks = [k for k in TOP_KS if k < classes]  # the first k of no more classes are always right
        rows |= {f"top{k}": [f"top-{k}, own kinds", *_accuracy(own, k)] for k in ks}
        rows["mean_per_class"] = ["mean per class, own kinds", *_mean_per_class(own)]
    others = {"all_top1": "top-1, all kinds", "control_top1": "control top-1, own kinds"}
    others |= {"control_all_top1": "control top-1, all kinds"}
    rows |= {name: [said, *_accuracy(accuracies[name])] for name, said in others.items() if len(accuracies[name])}
    rows |= _recalls(retrieval)
    gap = cosines["after"] - cosines["before"]
    pictures = rows["mean_recall"][-1]
    rows["off_diagonal_cosine"] = ["off-diagonal cosine", *cosines.values(), gap, NAN, NAN, NAN, pictures]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS[:-1]).rename_axis("name")
    table["p"] = holm(table["p"])
    table["verdict"] = [_verdict(row) for row in table.itertuples()]
    return table


def _accuracy(answers: pd.DataFrame, k: int = 1) -> list[float]:
    """Top-k accuracy of both sides, and their paired test."""
    right = [answers[f"{side}_rank"] <= k for side in SIDES]
    test = paired_test(*right)
    return [*(float(found.mean()) for found in right), test.difference, test.low, test.high, test.p, len(answers)]


def _mean_per_class(answers: pd.DataFrame) -> list[float]:
    """Each class counts the same; the interval draws pictures, and a class of which none is drawn is left out."""
    right = answers[["before_right", "after_right"]].astype(float)

    def mean_of_classes(rows: np.ndarray) -> float:
        of_class = rows[:, 0].astype(int)
        drawn = np.bincount(of_class)
        return (np.bincount(of_class, rows[:, 1])[drawn > 0] / drawn[drawn > 0]).mean()

    rows = np.column_stack([pd.factorize(answers["label"])[0], right["after_right"] - right["before_right"]])
    before, after = right.groupby(answers["label"]).mean().mean()
    return [before, after, after - before, *bootstrap_interval(rows, mean_of_classes), NAN, len(answers)]


def _recalls(retrieval: Mapping[str, np.ndarray]) -> dict[str, list]:
    """R@1, 5 and 10 in both directions, and their mean; pictures are drawn, each with its captions."""
    before, after = (recalls_of(retrieval[side]) for side in SIDES)
    both = np.column_stack([retrieval[side] for side in SIDES])
    values = np.column_stack([_with_mean(before), _with_mean(after), _with_mean(after - before)])
    ends = np.column_stack(bootstrap_interval(both, lambda drawn: _with_mean(_gain(drawn))))
    rows = {}
    for name, numbers, interval in zip(["mean_recall", *recall_names()], values, ends, strict=True):
        direction, _, k = name.partition(" ")
        words = direction.replace("_", " ") + (f" R@{k}" if k else "")
        rows[name] = [words, *numbers, *interval, NAN, len(both)]
    return rows


def _with_mean(recalls: np.ndarray) -> np.ndarray:
    return np.r_[recalls.mean(), recalls]


def _gain(drawn: np.ndarray) -> np.ndarray:
    return recalls_of(drawn[:, WIDTH:]) - recalls_of(drawn[:, :WIDTH])


def _verdict(row) -> str:
    if row.p == row.p:
        return verdict(row.difference, row.p)
    if row.low != row.low:
        return ""
    return LUCK if row.low <= 0 <= row.high else verdict(row.difference, p=0)
