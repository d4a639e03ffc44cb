"""What two models answer to each picture, as one table, and what follows from it for a test set and for each kind."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from torch import Tensor

from rsclip_lab.evaluation.intervals import holm, paired_test
from rsclip_lab.evaluation.metrics import require_finite

SIDES = ("before", "after")
COLUMNS = ["image", "label"]
COLUMNS += [column for side in SIDES for column in (side, f"{side}_probability", f"{side}_rank", f"{side}_right")]


def answer_table(
    images: Sequence[str], labels: Sequence[str], class_names: Sequence[str], scores: Mapping[str, Tensor]
) -> pd.DataFrame:
    """One row a picture: `image`, `label`, and of each side ("before", "after") its answer (`before`),
    `before_probability` of that answer, `before_rank` of the true class (1: it is the answer) and `before_right`.

    scores: {"before": logits [pictures, classes], "after": …}. Equal scores rank in class order, as in
    `topk_accuracy`. Raises ValueError for a label that is no class name, and scores that are not finite.
    """
    table = {"image": list(images), "label": list(labels)}
    place = {name: number for number, name in enumerate(class_names)}
    if unknown := sorted(set(labels) - set(place)):
        raise ValueError(f"labels that are not among the class names: {', '.join(unknown)}; add them")
    true = np.array([place[label] for label in labels], dtype=int)
    names = np.array(class_names, dtype=object)
    for side, logits in scores.items():
        require_finite(logits, "scores")
        ranking = logits.argsort(dim=1, descending=True, stable=True).numpy()
        rank = (ranking == true[:, None]).argmax(axis=1) + 1
        surest = logits.double().softmax(dim=1).max(dim=1).values.numpy()
        answers = (names[ranking[:, 0]], surest, rank, rank == 1)
        table |= dict(zip((side, f"{side}_probability", f"{side}_rank", f"{side}_right"), answers, strict=True))
    return pd.DataFrame(table, columns=COLUMNS)


def no_answers() -> pd.DataFrame:
    """Of a test set without labels, or without a second class."""
    return pd.DataFrame(columns=COLUMNS).astype(dict.fromkeys(("before_right", "after_right"), bool))


def class_table(answers: pd.DataFrame) -> pd.DataFrame:
    """One row a kind, the most improved first: `pictures`, accuracy `before` and `after`, `difference` with its
    paired 95 % interval (`low`, `high`), `p` (McNemar, corrected by Holm for all kinds) and `mistaken_for`: the
    answer that is given most often now where it is wrong.

    Few pictures make wide intervals: a kind of 20 that gains two may as well have gained none.
    """
    rows = {}
    for kind, some in answers.groupby("label"):
        wrong = Counter(some.loc[~some["after_right"], "after"])
        right = [some[f"{side}_right"] for side in SIDES]
        test, shares = paired_test(*right), [float(found.mean()) for found in right]
        gain = [test.difference, test.low, test.high, test.p]
        rows[kind] = [len(some), *shares, *gain, most_often(wrong)]
    columns = ["pictures", *SIDES, "difference", "low", "high", "p", "mistaken_for"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("kind")
    table["p"] = holm(table["p"].astype(float))
    return table.sort_values("difference", ascending=False, kind="stable")


def most_often(counts: Counter) -> str:
    """The most frequent name, the first in the alphabet of equals; "" of none."""
    return min(counts, key=lambda name: (-counts[name], name)) if counts else ""


def forgotten_table(answers: pd.DataFrame) -> pd.DataFrame:
    """One row a kind that lost accuracy, the most forgotten first: `pictures`, `before`, `after`, `lost` (pictures
    that were right before and are wrong now) and `now_called`: what most of these are called now.
    """
    rows = {}
    for kind, some in answers.groupby("label"):
        lost = some[some["before_right"] & ~some["after_right"]]
        before, after = some["before_right"].mean(), some["after_right"].mean()
        if after < before:
            rows[kind] = [len(some), before, after, len(lost), most_often(Counter(lost["after"]))]
    columns = ["pictures", *SIDES, "lost", "now_called"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("kind")
    order = (table["after"] - table["before"]).sort_values(kind="stable").index
    return table.loc[order]
