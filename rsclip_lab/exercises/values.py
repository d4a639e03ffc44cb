"""Answers as plain values: whatever numbers a learner returns, read as one array, or refused in words."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Set

import numpy as np
import pandas as pd
import torch

TOLERANCE = 1e-4  # relative and absolute: float32 in another order of operations, and not float16


class Unreadable(ValueError):
    """The answer is not of the kind that is asked for; the message says what it is and what is wanted."""


def described(value: object) -> str:
    """What a value is, in a few words, without asking it: its own `repr` may fail or be endless."""
    if isinstance(value, str):
        return f"text ({value[:40]!r})"
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {list(value.shape)}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {list(value.shape)}"
    if inspect.iscoroutine(value):
        value.close()
        return "a coroutine: write `def`, not `async def`"
    if inspect.isgenerator(value):
        return "a generator: `return` the result, do not `yield` it"
    if value is None:
        return "None: is the `return` missing?"
    if type(value) in (bool, int, float):
        return f"the number {value}" if type(value) is not bool else str(value)
    return f"a {type(value).__name__}"


def text_of(error: BaseException) -> str:
    """The message of an error; a learner's own may fail to give one."""
    try:
        return str(error)
    except Exception:
        return "(its message cannot be shown)"


def as_numbers(value: object) -> np.ndarray:
    """float64, of the shape that the value has. Raises Unreadable for what is no numbers."""
    if value is None or isinstance(value, (str, bytes, Mapping, Set)) or callable(value):
        raise Unreadable(f"numbers are wanted, this is {described(value)}")
    try:
        array = plain_array(value)
    except Exception:  # ragged lists, sparse tensors, objects with methods that fail
        raise Unreadable(f"numbers are wanted, this is {described(value)}, which cannot be read as numbers") from None
    if array.dtype.kind == "c":
        raise Unreadable("real numbers are wanted, these are complex ones")
    if array.dtype.kind not in "biuf":
        raise Unreadable(f"numbers are wanted, this is {described(value)}")
    return array.astype(np.float64)


def plain_array(value: object) -> np.ndarray:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        return (value.double() if value.is_floating_point() else value).numpy()
    if isinstance(value, (pd.Series, pd.DataFrame, pd.Index)):
        return value.to_numpy()
    if isinstance(value, (list, tuple)) and any(isinstance(one, torch.Tensor) for one in value):
        return np.stack([plain_array(one) for one in value])
    return np.asarray(value)


def as_number(value: object) -> float:
    """One number. Raises Unreadable for text, for several, for True and False, and for what is no number."""
    if isinstance(value, str):
        is_number = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", value.strip())
        advice = "leave out the quotes" if is_number else "write it in digits, without quotes"
        raise Unreadable(f"a number is wanted, this is {described(value)}: {advice}")
    array = as_numbers(value)
    if array.size != 1:
        raise Unreadable(f"one number is wanted, this is {described(value)}")
    if isinstance(value, (bool, np.bool_)):
        raise Unreadable(f"a number is wanted, this is {value}")
    return float(array.reshape(()))


def as_loss(value: object) -> np.ndarray:
    """A single number as an array without dimensions: [1] and [1, 1] are taken for it."""
    array = as_numbers(value)
    return array.reshape(()) if array.size == 1 else array


def as_text(value: object) -> str:
    if not isinstance(value, str):
        raise Unreadable(f"text is wanted, this is {described(value)}")
    return value


def as_set(value: object) -> frozenset:
    """Names in any order, from a set, list, Series or array of text."""
    if isinstance(value, (str, bytes, Mapping, pd.DataFrame)) or inspect.isgenerator(value) or callable(value):
        raise Unreadable(f"names are wanted, as a list or a set; this is {described(value)}")
    try:
        value = list(value)
    except Exception:
        raise Unreadable(f"names are wanted, as a list or a set; this is {described(value)}") from None
    names = [str(one) if isinstance(one, str) else one for one in value]
    if not all(isinstance(one, str) for one in names):
        raise Unreadable("names are wanted, as a list or a set of text; some of these are not text")
    return frozenset(names)


def same(one: object, other: object) -> bool:
    """Of one shape and equal up to rounding; text and sets exactly."""
    if not isinstance(one, np.ndarray) or not isinstance(other, np.ndarray):
        return type(one) is type(other) and one == other
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE))


def shown(value: object) -> str:
    """A value for a message: short numbers, short lists."""
    if isinstance(value, np.ndarray):
        return np.array2string(np.round(value, 4) + 0.0, threshold=8, edgeitems=3, separator=", ")
    if isinstance(value, frozenset):
        names = sorted(value)
        return ", ".join(names[:4]) + (" …" if len(names) > 4 else "") if names else "none"
    return repr(value)
