"""Exercises that are answered with a function: it is called on random inputs and compared with the package's."""

from __future__ import annotations

import copy
import linecache
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from rsclip_lab.exercises.kinds import Exercise
from rsclip_lab.exercises.outcome import OPEN, Verdict, not_yet, sentence
from rsclip_lab.exercises.values import Unreadable, as_numbers, described, same, shown, text_of

SLOW = 1.0  # seconds for all calls together, from which on it is said
PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Case:
    """One call. words: what these inputs are, as "a batch of 4"."""

    words: str
    args: tuple


class Fault(Exception):
    """The learner's function cannot be compared; the message says why. `open`: it is not written yet."""

    def __init__(self, words: str = "", open: bool = False, raised: bool = False):
        super().__init__(words)
        self.open, self.raised = open, raised


def call(function: Callable, args: tuple, case: str = "") -> object:
    """function(*args) on copies. Raises Fault for an error in it, nothing returned, or inputs changed in place."""
    given = copy.deepcopy(args)
    try:
        result = function(*given)
    except Exception as error:
        if "ellipsis" in text_of(error).lower():  # a `...` of the cell, in the middle of an expression
            raise Fault(open=True) from error
        raise Fault(error_in_words(error, function, case), raised=True) from error
    if result is ...:
        raise Fault(open=True)
    if result is None:
        raise Fault("it returns nothing (None): is the `return` missing?")
    if not all(unchanged(before, after) for before, after in zip(args, given, strict=True)):
        raise Fault(
            "it changes what it is given, in place; whoever calls it still needs that. Work on a copy, or write "
            "`x = x / 2` instead of `x /= 2`"
        )
    return result


def error_in_words(error: Exception, function: Callable, case: str) -> str:
    """Type, message, and the line of the learner's own code where it happened."""
    said = f"{type(error).__name__}: {text_of(error)}"
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == file] or [frame for frame in frames if is_own(frame)]
    if not own:
        return f"{said} (when it was called{f' with {case}' if case else ''})"
    line = linecache.getline(own[-1].filename, own[-1].lineno).strip()
    return f"{said}\nin line {own[-1].lineno}{f': `{line}`' if line else ''}{f' (with {case})' if case else ''}"


def is_own(frame: traceback.FrameSummary) -> bool:
    """Whether this line may be the learner's: neither ours nor that of an installed library."""
    return "site-packages" not in frame.filename and PACKAGE not in Path(frame.filename).parents


def unchanged(before: object, after: object) -> bool:
    if isinstance(before, torch.Tensor):
        return before.shape == after.shape and torch.equal(before, after)
    if isinstance(before, np.ndarray):
        return np.array_equal(before, after)
    if isinstance(before, (pd.DataFrame, pd.Series)):
        return before.equals(after)
    return before == after


def as_arrays(args: tuple) -> tuple:
    return tuple(one.numpy() if isinstance(one, torch.Tensor) else one for one in args)


@dataclass(frozen=True, kw_only=True)
class FunctionExercise(Exercise):
    """form: how it is called. cases: random generator -> the calls. right: the package's own function.

    read: result -> array, text or set; raises Unreadable. wanted: the result in words, with its shape.
    mistakes: what was done wrong, in words, and a function that does it. gradient: the result has to carry one.
    """

    form: str
    wanted: str
    cases: Callable[[torch.Generator], list[Case]]
    right: Callable
    read: Callable[[object], object] = as_numbers
    mistakes: Mapping[str, Callable] = field(default_factory=dict)
    gradient: bool = False

    def judge(self, answer: object, evidence: Mapping[str, object]) -> Verdict:
        if not callable(answer):
            return not_yet(
                f"the function itself is wanted, `{self.form}` without a call; this is {described(answer)}."
            )
        cases = self.cases(torch.Generator().manual_seed(self.seed))
        started = time.perf_counter()
        try:
            results = self._results(answer, cases)
        except Fault as fault:
            return Verdict(OPEN, (self.question,)) if fault.open else not_yet(sentence(str(fault)))
        seconds = time.perf_counter() - started
        wrong = self._wrong(results, cases)
        if wrong:
            return not_yet(sentence(wrong))
        slow = f"It took {seconds:.1f} s. Sums and products of whole tensors need no loop." if seconds > SLOW else ""
        return self.right_answer(*filter(None, [slow, self.gradient and no_gradient(answer, cases[0])]))

    def _results(self, answer: Callable, cases: list[Case]) -> list:
        """Its results with tensors, or, where it does not work with those, with numpy arrays."""
        try:
            return [call(answer, case.args, case.words) for case in cases]
        except Fault as fault:
            if not fault.raised:
                raise
            try:
                return [call(answer, as_arrays(case.args), case.words) for case in cases]
            except Fault:
                raise fault from None

    def _wrong(self, results: list, cases: list[Case]) -> str:
        """What is off, in words; empty where nothing is."""
        rights = [self.read(self.right(*case.args)) for case in cases]
        try:
            given = [self.read(result) for result in results]
        except Unreadable as unreadable:
            return f"it should return {self.wanted}; {unreadable}"
        good = [same(one, right) for one, right in zip(given, rights, strict=True)]
        if all(good):
            return ""
        for words, mistake in self.mistakes.items():
            if all(same(one, self.read(mistake(*case.args))) for one, case in zip(given, cases, strict=True)):
                return words
        first = good.index(False)
        if isinstance(rights[0], np.ndarray):
            found = off_in_all(given, rights) or off_in_one(
                given[first], rights[first], self.wanted, cases[first].words
            )
            if found:
                return found
        passed = [case.words for case, fine in zip(cases, good, strict=True) if fine]
        right_in = f"right for {', '.join(passed)}, but " if passed else ""
        return f"{right_in}for {cases[first].words} it gives {shown(given[first])}, wanted is {shown(rights[first])}"


def off_in_all(given: list[np.ndarray], rights: list[np.ndarray]) -> str:
    """One slip that explains all results: transposed, the sign, a constant factor."""
    pairs = list(zip(given, rights, strict=True))
    if all(one.ndim == 2 and same(one.T, right) for one, right in pairs):
        return "that is the right matrix, transposed: rows and columns are swapped"
    if all(same(np.asarray(-one), right) for one, right in pairs):
        return "the sign is the wrong way round"
    if any(one.shape != right.shape for one, right in pairs) or not all(np.isfinite(one).all() for one in given):
        return ""
    one, right = (np.concatenate([side.ravel() for side in sides]) for sides in (given, rights))
    factor = float(one @ right / (right @ right)) if right.any() else 0.0
    if abs(factor) > 1e-3 and same(one / factor, right):
        return f"all results are {factor:.4g} times what they should be"
    return ""


def off_in_one(one: np.ndarray, right: np.ndarray, wanted: str, case: str) -> str:
    if one.shape != right.shape:
        return f"for {case} the result has shape {list(one.shape)}; wanted is {wanted}, {list(right.shape)}"
    if not np.isfinite(one).all():
        return f"for {case} the result holds NaN or infinity: a division by zero, or numbers too large for exp"
    if np.allclose(one, right, rtol=0.02, atol=0.005):
        return f"for {case} it is right to two digits only: compute in float32, and do not round"
    return ""


def no_gradient(function: Callable, case: Case) -> str:
    """A remark where the value is right and nothing could be trained with it."""
    args = [
        one.clone().requires_grad_() if isinstance(one, torch.Tensor) and one.is_floating_point() else one
        for one in case.args
    ]
    try:
        result = function(*args)
        gradients = torch.autograd.grad(result.sum(), [one for one in args if isinstance(one, torch.Tensor)])
        if all(torch.isfinite(gradient).all() for gradient in gradients):
            return ""
    except Exception:
        pass
    return (
        "The number is right. To train with it, it would have to stay a tensor all the way: no `.item()`, `float()`, "
        "`.detach()` or numpy, which cut the gradient off."
    )
