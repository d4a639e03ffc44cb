"""Which exercises there are, and which of them are done."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import import_module

from rsclip_lab.exercises.kinds import Exercise
from rsclip_lab.exercises.outcome import DONE, Line

LESSONS = {
    "00": "The contrastive idea",
    "01": "Environment",
    "02": "Data loader",
    "03": "Input checks",
    "04": "Fine-tuning",
    "05": "Evaluation",
    "06": "Search and predict",
    "07": "Your own data",
}


class ExerciseError(ValueError):
    """There is no such exercise or lesson; the message lists those that are there."""


def lesson_number(lesson: object) -> str:
    """ "04" for "04", "4" and 4."""
    number = str(lesson).strip().zfill(2)
    if number not in LESSONS:
        raise ExerciseError(f"there is no lesson {lesson!r}; lessons: {', '.join(LESSONS)}")
    return number


def exercises_of(lesson: object) -> tuple[Exercise, ...]:
    """The exercises of one lesson, in order; its module is read when it is first asked for."""
    return import_module(f"{__package__}.lesson_{lesson_number(lesson)}").EXERCISES


def exercise_of(number: object) -> Exercise:
    """The exercise "04.2". Raises ExerciseError, with the exercises of that lesson, for one that is not there."""
    found = re.fullmatch(r"\s*(\d{1,2})\.(\d)\s*", str(number))
    if not found:
        raise ExerciseError(f'{number!r} is no exercise: give lesson and number, as "04.2"')
    lesson = lesson_number(found[1])
    there = {one.number: one for one in exercises_of(lesson)}
    wanted = f"{lesson}.{found[2]}"
    if wanted not in there:
        names = "; ".join(f"{one.number} {one.title}" for one in there.values())
        raise ExerciseError(f"lesson {lesson} has no exercise {wanted}; it has: {names}")
    return there[wanted]


class Ledger:
    """What was done in this session. Once done stays done, whatever is tried afterwards."""

    def __init__(self):
        self._done: set[str] = set()
        self._hints: dict[str, int] = {}

    def note(self, number: str, state: str) -> None:
        if state == DONE:
            self._done.add(number)

    def next_hint(self, number: str, total: int) -> int:
        """1 for the first call, up to `total`, then always that."""
        self._hints[number] = min(self._hints.get(number, 0) + 1, total)
        return self._hints[number]

    def line(self, lesson: str) -> Line:
        return Line(lesson, LESSONS[lesson], tuple(one.number in self._done for one in exercises_of(lesson)))

    def forget(self, numbers: Iterable[str]) -> None:
        for number in numbers:
            self._done.discard(number)
            self._hints.pop(number, None)
