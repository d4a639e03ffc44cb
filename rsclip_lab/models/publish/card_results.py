"""The results in a model card: every metric that was recorded, before and after."""

import re
from collections.abc import Iterator

from rsclip_lab.models.publish.card_words import MEANINGS, METRICS, RUNS, bullets, figure, object_of, table, words


def metrics_of(known: dict) -> dict[str, dict]:
    """{run: {metric: number}} of what was measured; recall and accuracy at each k have names of their own."""
    runs = {run: dict(_flat(object_of(found))) for run, found in object_of(known.get("metrics")).items()}
    return {run: found for run, found in runs.items() if found}


def _flat(found: dict, prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name} ")
        elif f"{prefix}{name}" != "topk 1" and not isinstance(value, (list, type(None))):  # top1 has it already
            yield f"{prefix}{name}", value


def results(known: dict) -> Iterator[str]:
    """The paragraphs of the card: what each run reached, what the metrics mean, and on what they were measured."""
    runs = metrics_of(known)
    if not runs:
        yield "No metrics were recorded."
        return
    names = list(dict.fromkeys(name for found in runs.values() for name in found))
    names.sort(key=lambda name: list(METRICS).index(name) if name in METRICS else len(METRICS))
    heads = ["metric", *(RUNS.get(run, words(run)) for run in runs)]
    yield table(heads, [[_metric(name), *(figure(found.get(name)) for found in runs.values())] for name in names])
    meanings = [MEANINGS[name] for name in names if name in MEANINGS]
    yield bullets(["shares of 1, except cosines", *meanings])
    tested_on = object_of(known.get("measured_on"))
    if not tested_on:
        yield "On which pictures this was measured is not recorded."
    elif any("note" in object_of(entry) for entry in tested_on.values()):
        yield "Numbers on drawn pictures tell how the method behaves, and nothing about real imagery."


def _metric(name: str) -> str:
    if found := re.fullmatch(r"topk (\d+)", name):
        return f"top-{found[1]}, own kinds"
    if found := re.fullmatch(r"recall (image_to_text|text_to_image) (\d+)", name):
        return f"{found[1].replace('_', ' ')}, R@{found[2]}"
    return METRICS.get(name) or words(name.replace("_", " "))
