"""Where a network's weights come from, in its description: what is handed on to a descendant, and what is not."""

import copy
from collections.abc import Iterator

HISTORY = ("training", "metrics", "measured_on")  # of one set of weights; another's would be a lie


def describe_descendant(description: dict, name: str, created_from: dict) -> dict:
    """The description of a network with other weights: built and fed alike, with nothing trained or measured yet."""
    kept = {key: copy.deepcopy(value) for key, value in description.items() if key not in HISTORY}
    return kept | {"name": name, "created_from": created_from}


def describe_finetuned(description: dict, training: dict) -> dict:
    """The description of a network that was fine-tuned, from that of its base and the record of the training."""
    name = description["name"].removesuffix("-finetuned") + "-finetuned"
    tuned = describe_descendant(description, name, {"fine_tuned_from": origin(description)})
    return tuned | {"training": training}


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
