"""A comparison in words: the headline, what was forgotten, and what may not be compared."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from rsclip_lab.evaluation.intervals import ALPHA

MOST_NAMED = 3


def share(value: float) -> str:
    """A share in percent: "84.3 %"; a dash where there is none."""
    return "–" if value != value else f"{100 * value:.1f} %"


def points(value: float) -> str:
    """A difference of shares with its sign: "+4.5"."""
    return "–" if value != value else f"{round(100 * value, 1) + 0.0:+.1f}".replace("-", "−")  # no −0.0


def interval(low: float, high: float) -> str:
    return "–" if low != low else f"{points(low)} to {points(high)}"


def p_value(p: float) -> str:
    if p != p:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def headline(comparison) -> str:
    """Is it better, and by how much: of its own kinds, or of retrieval where there are none."""
    metrics, after = comparison.metrics, comparison.names["after"]
    found = metrics.loc["top1" if "top1" in metrics.index else "mean_recall"]
    measure = "own kinds recognised" if found.name == "top1" else "mean recall of retrieval"
    verdict = found["verdict"]
    said = f"{after} is {verdict}" if verdict in ("better", "worse") else f"No evidence that {after} differs"
    of = counted(found["pictures"], "picture")
    return (
        f"{said} on {of}: {measure} {share(found['after'])} after, {share(found['before'])} before "
        f"({points(found['difference'])} points, 95 % interval {interval(found['low'], found['high'])})."
    )


def forgetting(comparison) -> str:
    """What of the control set was lost, and into what; "" without a control that can be measured."""
    metrics = comparison.metrics
    if "control_top1" not in metrics.index:
        return ""
    found = metrics.loc["control_top1"]
    said = {"worse": "Forgotten", "better": "Nothing forgotten, on the contrary"}.get(found["verdict"])
    said = said or "No evidence of forgetting"
    gain = f"{points(found['difference'])} points, {interval(found['low'], found['high'])}"
    shares = f"{share(found['after'])} after, {share(found['before'])} before ({gain})"
    pictures = counted(found["pictures"], "control picture")
    kinds = most_forgotten(comparison.forgotten) if found["verdict"] == "worse" else ""
    return f"{said}: on {pictures} {shares}{kinds}."


def most_forgotten(forgotten: pd.DataFrame) -> str:
    """The kinds that lost most, and what their pictures are called now; "" of none."""
    some = [
        f"{row.Index} ({points(row.after - row.before)}, now called {row.now_called})"
        for row in forgotten.head(MOST_NAMED).itertuples()
    ]
    return f"; most of all {', '.join(some)}" if some else ""


def new_names_for_old(comparison) -> str:
    """How many control pictures are taken for one of the new kinds where all kinds are offered; "" without."""
    answers = comparison.control_among_all
    if answers.empty:
        return ""
    old, new = set(comparison.control["label"]), set(comparison.own["label"])
    taken = answers["after"].isin(new - old)
    return (
        f"Where the new kinds are offered too, {taken.sum():,} of {counted(len(answers), 'control picture')} are "
        f"taken for one of these after, {answers['before'].isin(new - old).sum():,} before."
    )


def drawn(measured_on: dict) -> str:
    """That pictures are drawings, where they are."""
    notes = [f"{name}: {found['note']}" for name, found in measured_on.items() if "note" in found]
    if not notes:
        return ""
    return f"{'; '.join(notes)}. Numbers on drawings tell how the method behaves, and nothing about real imagery."


def unlabelled(comparison) -> str:
    """How many pictures had no label and count in retrieval only; "" where all have one."""
    pictures = comparison.measured_on["captions"]["pictures"]
    without = pictures - len(comparison.own)
    if comparison.own.empty:
        return "The pictures have no labels of two kinds, so that only retrieval could be measured."
    return f"{counted(without, 'picture')} without a label count in retrieval only." if without else ""


def how_to_read(metrics: pd.DataFrame) -> Sequence[str]:
    """What the columns of the metrics mean."""
    tests = int(metrics["p"].notna().sum())
    corrected = f", corrected for the {tests} tests of this table (Holm)" if tests > 1 else ""
    return (
        "Intervals are 95 % percentile bootstraps over pictures, each drawn with both models' answers and all its "
        f"captions. p is of McNemar's exact test{corrected}: how often luck alone parts two models this far; below "
        f"{ALPHA:g} it counts as found. Recalls and the mean per class have an interval alone: one that leaves out 0 "
        "counts as found.",
        "Own kinds: among the kinds of the set itself; all kinds: among those of both sets together.",
    )


def not_comparable(comparison) -> str:
    found = comparison.measured_on["captions"]
    pictures = counted(found["pictures"], "drawn picture" if "note" in found else "picture")
    kinds = f" of {comparison.classes} kinds" if comparison.classes > 1 else ""
    return (
        "Not comparable: the published numbers are of other pictures, other kinds, other networks and prompts. The "
        f"rows “here” are of {pictures}{kinds}. What may be compared is before and after within one source."
    )
