"""clip.json: what it may hold, read and written."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path, PurePath

from rsclip_lab.models.configuration import too_large
from rsclip_lab.models.errors import ModelError

DESCRIPTION = "clip.json"
UNFINISHED = "run.json"  # of a fine-tuning that has no model yet
REMEDY = "save or fetch the model again"
TOO_DEEP = "a model's description cannot be nested so deep, nor hold itself: keep numbers and text a few levels deep"
OBJECTS = ("architecture", "preprocess", "tokenizer", "weights")
OPTIONAL = ("created_from", "training", "metrics", "measured_on", "tokenizer.options")


def plain(value):
    """The same as JSON has it: arrays and tensors become lists, their scalars numbers, keys text, NaN and ∞ None.

    So the {1: 0.5} of `topk` becomes {"1": 0.5}. Raises TypeError for what has no such form, or holds itself.
    """
    try:
        return _plain(value)
    except RecursionError:
        raise TypeError(TOO_DEEP) from None


def _plain(value):
    for form in ("to_dict", "tolist"):  # of pandas, of numpy and torch
        value = getattr(value, form)() if hasattr(value, form) else value
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(f"{value!r} cannot be kept in a model's description: give numbers, text, lists, dictionaries")


def write_description(folder: Path, description: dict, weights: dict) -> Path:
    """Write clip.json with the record of the weights ({"file", "dtype", "sha256"}); TypeError as `plain`."""
    words = plain({**description, "weights": weights})
    try:
        text = json.dumps(words, indent=2, ensure_ascii=False)
    except RecursionError:
        raise TypeError(TOO_DEEP) from None
    (folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")
    return folder / DESCRIPTION


def read_description(folder: Path) -> dict:
    """What clip.json holds, `weights` included; `ModelError` for a file that `write_description` cannot have written.

    Whether open_clip can build the architecture, and has the preprocessing and the tokenizer, is left to those who
    ask it to.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        raise ModelError(f"no model in {folder}: no {DESCRIPTION}; give a folder that save() wrote")
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not readable JSON ({error}): {REMEDY}") from None
    if not isinstance(description, dict):
        raise ModelError(f"{path} describes no model, it is a {type(description).__name__}: {REMEDY}")
    if missing := sorted({"name", *OBJECTS} - set(description)):
        raise ModelError(f"{path} lacks {', '.join(missing)}: {REMEDY}")
    if fault := next(_faults(description), None):
        raise ModelError(f"{path}: {fault}; {REMEDY}")
    return description


def _is_object(value) -> bool:
    return isinstance(value, dict)


def _is_text(value) -> bool:
    return isinstance(value, str)


def _is_list(value) -> bool:
    return isinstance(value, list)


def _is_count(value) -> bool:
    return type(value) is int and value >= 1


def _is_file_beside(value) -> bool:
    return _is_text(value) and bool(re.fullmatch(r"\w[\w.-]*\.safetensors", value))


def _is_sha256(value) -> bool:
    return _is_text(value) and bool(re.fullmatch("[0-9a-f]{64}", value))


CHECKS = (
    ("name", "text", _is_text),
    *((place, "an object in braces", _is_object) for place in (*OBJECTS, *OPTIONAL)),
    ("weights.file", "the name of a .safetensors file in the same folder", _is_file_beside),
    ("weights.sha256", "a SHA-256", _is_sha256),
    ("tokenizer.name", "text", _is_text),
    ("tokenizer.context_length", "a number of tokens", _is_count),
    ("preprocess.size", "a number of pixels", _is_count),
    ("preprocess.mean", "three numbers", _is_list),  # and not left out; which ones, those who ask for them check
    ("preprocess.std", "three numbers", _is_list),
)


def _faults(description: dict) -> Iterator[str]:
    """What is not as it should be, the frame before its parts."""
    for place, wanted, fits in CHECKS:
        value = reduce(lambda part, key: part.get(key, {}), place.split("."), description)
        if not fits(value):
            yield f"{place} is {value!r:.80}, not {wanted}"
    for place in OBJECTS:
        yield from too_large(description[place], place)
