"""The exercises of the course, checked by the package: the answer key is the package's own code.

    from rsclip_lab import exercises

    exercises.check("04.3", my_clip_loss)                # done, or what is off, and the progress of the lesson
    exercises.check("01.3", 12.5, seconds_a_step=0.25)   # by keyword: what the right number is computed from
    exercises.hint("04.3")                               # again for a stronger one
    exercises.progress("04"), exercises.progress()       # one lesson, all of them

Nothing is written to disk: progress lasts as long as the session.
"""

from __future__ import annotations

from rsclip_lab.exercises.guard import Interrupted, Stopped, guarded
from rsclip_lab.exercises.outcome import NOT_YET, OPEN, UNCHECKED, Hint, Outcome, Progress
from rsclip_lab.exercises.registry import LESSONS, ExerciseError, Ledger, exercise_of, exercises_of, lesson_number
from rsclip_lab.exercises.values import text_of

__all__ = ["ExerciseError", "Hint", "Outcome", "Progress", "check", "hint", "progress", "reset"]

_ledger = Ledger()


def check(number: str, answer: object = None, **evidence) -> Outcome:
    """Compare an answer with what the package finds, and say what is off.

    number: lesson and exercise, as "04.3". answer: a number, a function or a table, as the exercise asks; `...` and
    None are "not answered yet". evidence: what the right answer is computed from, at the time.

    The outcome shows itself as text and in a notebook; `.done` and `.words` tell it to a program. Whatever is handed
    in does not make it raise: errors of a function are shown with their line, one that does not come back is stopped
    after `guard.SECONDS`, and random states are put back. Raises ExerciseError for a number that no exercise has.
    """
    exercise = exercise_of(number)
    missing = [name for name in exercise.evidence if name not in evidence]
    if answer is None or answer is ...:
        state, words = OPEN, (exercise.question,)
    elif missing:
        state, words = UNCHECKED, (f"the check needs {' and '.join(f'{name}=' for name in missing)} as well",)
    else:
        state, words = _judged(exercise, answer, evidence)
    _ledger.note(exercise.number, state)
    return Outcome(exercise.number, exercise.title, state, words, _ledger.line(exercise.lesson))


def _judged(exercise, answer: object, evidence: dict) -> tuple[str, tuple[str, ...]]:
    try:
        verdict = guarded(lambda: exercise.judge(answer, evidence))
    except Stopped as stopped:
        return NOT_YET, (str(stopped),)
    except Interrupted as interrupted:
        raise KeyboardInterrupt from interrupted
    except Exception as error:  # of the package, on evidence that is not what the notebook had
        return UNCHECKED, (f"the check itself stopped with {type(error).__name__}: {text_of(error)}",)
    return verdict.state, verdict.words or ((exercise.question,) if verdict.state == OPEN else ())


def hint(number: str) -> Hint:
    """A hint; a second call gives a stronger one. Raises ExerciseError for a number that no exercise has."""
    exercise = exercise_of(number)
    given = _ledger.next_hint(exercise.number, len(exercise.hints))
    return Hint(exercise.number, given, len(exercise.hints), exercise.hints[given - 1])


def progress(lesson: str | None = None) -> Progress:
    """How many exercises are done: a line for one lesson, as "04", a table of all by default.

    Raises ExerciseError for a lesson that is not there.
    """
    wanted = LESSONS if lesson is None else [lesson_number(lesson)]
    return Progress(tuple(_ledger.line(number) for number in wanted))


def reset(lesson: str | None = None) -> None:
    """Forget what is done, and which hints were given, in one lesson or in all: for the next class."""
    wanted = list(LESSONS) if lesson is None else [lesson_number(lesson)]
    _ledger.forget(one.number for number in wanted for one in exercises_of(number))
