"""Whatever a learner hands in: no error, no hang, nothing disturbed."""

import random
import time

import numpy as np
import pandas as pd
import pytest
import torch

from rsclip_lab import exercises
from rsclip_lab.exercises import guard
from rsclip_lab.exercises.registry import LESSONS, exercises_of

NUMBERS = [one.number for lesson in LESSONS for one in exercises_of(lesson)]


class Nasty:
    """Fails at whatever it is asked."""

    def _fail(self, *args, **kwargs):
        raise RuntimeError("no")

    __repr__ = __str__ = __eq__ = __bool__ = __len__ = __float__ = __iter__ = __call__ = __array__ = _fail
    __hash__ = None

    def __getattr__(self, name):
        raise RuntimeError("no")


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no")


def endless_generator():
    while True:
        yield 1.0


async def coroutine(*args):
    return 1.0


def raising(error):
    def function(*args):
        raise error

    return function


ANSWERS = {
    "text": "0.31",
    "bytes": b"1",
    "nothing in it": "",
    "nan": float("nan"),
    "infinity": np.inf,
    "huge": 10**400,
    "complex": 1j,
    "true": True,
    "empty list": [],
    "ragged": [[1, 2], [3]],
    "dictionary": {1: [2]},
    "set": {1},
    "object": object(),
    "nasty": Nasty(),
    "type": int,
    "module": np,
    "table": pd.DataFrame({"a": ["x"]}),
    "empty tensor": torch.empty(0, 3),
    "wrong shape": torch.zeros(3, 5),
    "integers": torch.zeros(4, dtype=torch.int64),
    "half": torch.zeros(4, dtype=torch.bfloat16),
    "sparse": torch.eye(3).to_sparse(),
    "meta": torch.zeros(3, device="meta"),
    "needs gradient": torch.zeros(3, requires_grad=True),
    "pair of nonsense": (Nasty(), "x"),
    "generator": endless_generator(),
}
FUNCTIONS = {
    "no arguments": lambda: 1,
    "raises": raising(ValueError("`odd` <b>\x00")),
    "raises without words": raising(Unspeakable()),
    "exits": raising(SystemExit(3)),
    "interrupts": raising(KeyboardInterrupt()),
    "nothing": lambda *args: None,
    "nasty result": lambda *args: Nasty(),
    "text": lambda *args: "1",
    "its arguments": lambda *args: args,
    "generator": lambda *args: endless_generator(),
    "coroutine": coroutine,
    "recursion": lambda *args: FUNCTIONS["recursion"](*args),
    "nan": lambda *args: torch.tensor(float("nan")),
    "matrix": lambda *args: torch.zeros(3, 5),
    "a function": lambda *args: print,
    "empty": lambda *args: [],
    "ragged": lambda *args: [[1, 2], [3]],
    "class": dict,
    "method": "abc".join,
}


def full_evidence():
    """Some evidence for each keyword: of the wrong kind, as after somebody changed the cells above."""
    names = {name for lesson in LESSONS for one in exercises_of(lesson) for name in one.evidence}
    return dict.fromkeys(names, 3.0)


@pytest.fixture(autouse=True)
def nothing_done():
    exercises.reset()
    yield
    exercises.reset()


@pytest.mark.parametrize("number", NUMBERS)
def test_no_answer_makes_it_raise_and_none_of_these_is_right(number):
    for name, answer in {**ANSWERS, **{f"function: {name}": one for name, one in FUNCTIONS.items()}}.items():
        outcome = exercises.check(number, answer, **full_evidence())
        assert not outcome.done, name
        assert str(outcome) and outcome._repr_html_() and outcome.words, name


SOUND = {"shown": (0.62, 0.07), "logit_scale": 100.0}


@pytest.mark.parametrize("name", ANSWERS)
def test_no_number_gets_words_about_the_answer(name):
    outcome = exercises.check("01.1", ANSWERS[name], **SOUND)
    assert outcome.state == "not yet"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("0.31", "leave out the quotes"),
        ([1, 2], "one number is wanted"),
        (1j, "real numbers"),
        (float("nan"), "division by zero"),
        (True, "this is True"),
    ],
)
def test_what_is_no_number_is_named(answer, words):
    assert words in exercises.check("01.1", answer, **SOUND).words[0]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no arguments", "TypeError"),
        ("raises", "ValueError: `odd`"),
        ("raises without words", "Unspeakable: (its message cannot be shown)"),
        ("exits", "SystemExit, which would end the session"),
        ("nothing", "is the `return` missing?"),
        ("generator", "do not `yield` it"),
        ("coroutine", "not `async def`"),
        ("recursion", "RecursionError"),
        ("text", "numbers are wanted, this is text ('1')"),
    ],
)
def test_what_a_function_does_instead_is_named(name, words):
    assert words in exercises.check("04.3", FUNCTIONS[name]).words[0]


def test_an_error_is_shown_with_the_learners_own_line():
    def my_cosine(a, b):
        product = (a * b).sum()
        return torch.matmul(product, a)  # deep inside the library

    first = my_cosine.__code__.co_firstlineno
    words = exercises.check("00.2", my_cosine).words[0]
    assert words.startswith("RuntimeError") and f"in line {first + 2}: `return torch.matmul(product, a)" in words


def test_what_is_not_written_yet_is_no_error():
    for function in (lambda *args: ..., lambda x, *rest: 1 + ...):
        assert exercises.check("04.3", function).state == "not answered yet"
    for nothing in (..., None):
        outcome = exercises.check("01.1", nothing)  # without its evidence, too
        assert outcome.state == "not answered yet" and "three decimals" in str(outcome)
    assert exercises.check("07.3", lambda captions: ...).state == "not answered yet"
    assert exercises.check("03.1", {"a download that broke off": ...}).state == "not answered yet"


def test_missing_and_unusable_evidence_are_told_apart_from_wrong_answers():
    missing = exercises.check("01.1", 0.022)
    assert missing.state == "could not be checked" and "shown= and logit_scale=" in missing.words[0]
    broken = exercises.check("01.1", 0.022, shown=(0.6, 0.1), logit_scale=0)
    assert broken.state == "could not be checked" and "ZeroDivisionError" in broken.words[0]


def endless(*args):
    while True:
        pass


def stubborn(*args):
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            pass


def asleep(*args):
    time.sleep(3)


@pytest.mark.parametrize("function", [endless, stubborn, asleep])
def test_a_function_that_does_not_come_back_is_stopped(function, monkeypatch):
    monkeypatch.setattr(guard, "SECONDS", 0.3)
    started = time.monotonic()
    outcome = exercises.check("04.3", function)
    assert time.monotonic() - started < 2.5
    assert outcome.state == "not yet" and "stopped after 0.3 seconds" in outcome.words[0]


def test_a_python_loop_really_ends(monkeypatch):
    import threading

    monkeypatch.setattr(guard, "SECONDS", 0.3)
    exercises.check("04.3", endless)
    exercises.check("04.3", stubborn)
    time.sleep(0.2)
    assert not [thread for thread in threading.enumerate() if thread.name == "exercise check" and not ends(thread)]


def ends(thread):
    thread.join(3.5)  # that of `asleep` of another test
    return not thread.is_alive()


def test_random_states_and_settings_stay_as_they_were():
    def my_clip_loss(x, t, s):
        torch.manual_seed(1)
        np.random.seed(1)
        random.seed(1)
        torch.set_grad_enabled(False)
        return torch.rand(())

    for state in (0, 1):
        torch.manual_seed(state), np.random.seed(state), random.seed(state)
        expected = torch.rand(3).tolist(), np.random.rand(3).tolist(), random.random()
        torch.manual_seed(state), np.random.seed(state), random.seed(state)
        exercises.check("04.3", my_clip_loss)
        assert (torch.rand(3).tolist(), np.random.rand(3).tolist(), random.random()) == expected
    assert torch.is_grad_enabled()


def test_the_inputs_are_the_same_each_time_whatever_the_defaults_are():
    seen = []

    def my_clip_loss(x, t, s):
        seen.append(x.clone())
        return torch.zeros(())

    exercises.check("04.3", my_clip_loss)
    torch.manual_seed(5)
    torch.set_default_dtype(torch.float64)
    try:
        exercises.check("04.3", my_clip_loss)
    finally:
        torch.set_default_dtype(torch.float32)
    half = len(seen) // 2
    assert all(torch.equal(one, other) for one, other in zip(seen[:half], seen[half:], strict=True))


def test_a_slow_loop_is_right_with_a_remark(monkeypatch):
    monkeypatch.setattr("rsclip_lab.exercises.functions.SLOW", 0.0)
    outcome = exercises.check("04.2", lambda x, t: 1 - (x * t).sum(dim=1).mean())
    assert outcome.done and any("need no loop" in words for words in outcome.words)


def test_pressing_stop_reaches_the_notebook(monkeypatch):
    import threading

    def interrupted(self, timeout=None):
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        exercises.check("04.3", endless)
