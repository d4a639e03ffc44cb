"""Where a network's weights come from, in its description: what is handed on to a descendant, and what is not."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path

FORMER_RECORD = "config.json"  # of runs kept before clip.json had the record of the training
HISTORY = ("training", "metrics", "measured_on")  # of one set of weights; another's would be a lie


def describe_descendant(description: dict, name: str, created_from: dict) -> dict:
    """The description of a network with other weights: built and fed alike, with nothing trained or measured yet."""
    kept = {key: copy.deepcopy(value) for key, value in description.items() if key not in HISTORY}
    return kept | {"name": name, "created_from": created_from}


def describe_finetuned(description: dict, training: dict) -> dict:
    """The description of a network that was fine-tuned, from that of its base and the record of the training."""
    name = finetuned_name(description["name"])
    tuned = describe_descendant(description, name, {"fine_tuned_from": origin(description)})
    return tuned | {"training": training}


def finetuned_name(base: str) -> str:
    """Another name at each step: "tiny-finetuned" of "tiny", "tiny-finetuned-2" of that."""
    again = re.fullmatch(r"(.+-finetuned)(?:-(\d{1,4}))?", base)
    return f"{again[1]}-{int(again[2] or 1) + 1}" if again else f"{base}-finetuned"


def with_former_record(folder: Path, description: dict) -> dict:
    """The description of a run's network as it would be written today, where an earlier version saved the run.

    It described the network as its base, and had the record of the training beside clip.json. Other folders may have
    a config.json as well, of the transformers library.
    """
    try:
        record = json.loads((folder / FORMER_RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return description
    is_record = isinstance(record, dict) and isinstance(record.get("config"), dict) and "seconds" in record
    if "training" in description or not is_record:
        return description
    return describe_finetuned(description, record)


def origin(description: dict) -> dict:
    """What a descendant says of this network: its name, where it comes from, and how it was trained, if it was."""
    training = {"training": description["training"]} if "training" in description else {}
    return copy.deepcopy({**description.get("created_from", {}), **training, "name": description["name"]})


def parents(created_from: dict) -> list[dict]:
    """The origins of what these weights were made of: one network for a fine-tuning, two for an interpolation."""
    ends = created_from.get("interpolation")
    found = [created_from.get("fine_tuned_from"), *(ends if isinstance(ends, list) else [])]
    # Interpolations saved before origins were kept have the names alone.
    return [{"name": one} if isinstance(one, str) else one for one in found if isinstance(one, (str, dict))]


def ancestors(created_from: dict) -> Iterator[dict]:
    """`parents`, and theirs, nearest first along each line."""
    for parent in parents(created_from):
        yield parent
        yield from ancestors(parent)
