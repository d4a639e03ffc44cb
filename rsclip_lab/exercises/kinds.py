"""The kinds of exercise that are answered with a value: a number, a table of words, or something to be examined."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rsclip_lab.exercises.outcome import OPEN, Verdict, done, not_yet, sentence
from rsclip_lab.exercises.values import Unreadable, as_number, described

GENERAL_SLIPS = {
    "that is in percent: give a share between 0 and 1": lambda right: 100 * right,
    "the sign is the wrong way round": lambda right: -right,
}


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """number: lesson and place in it, "04.2". question: what is asked, in a sentence or two, as a reminder.
    hints: from weak to strong. evidence: the keywords that `check` needs. because: said when it is done."""

    number: str
    title: str
    question: str
    hints: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    because: str = ""

    @property
    def lesson(self) -> str:
        return self.number.partition(".")[0]

    @property
    def seed(self) -> int:
        """Of its random inputs: the same in every check."""
        return int(self.number.replace(".", ""))

    def judge(self, answer: object, evidence: Mapping[str, object]) -> Verdict:
        raise NotImplementedError

    def right_answer(self, *notes: str) -> Verdict:
        return done(*([self.because] if self.because else []), *notes)


@dataclass(frozen=True, kw_only=True)
class NumberExercise(Exercise):
    """right: the values of the evidence, in its order -> the number. tolerance: how far off is still right, a share
    of the number if `relative`.
    mistakes: what was done wrong, in words, and the number that it gives."""

    right: Callable[..., float]
    tolerance: float
    relative: bool = False
    mistakes: Mapping[str, Callable[..., float]] = field(default_factory=dict)

    def judge(self, answer: object, evidence: Mapping[str, object]) -> Verdict:
        values = [evidence[name] for name in self.evidence]
        right = float(self.right(*values))
        off = self.tolerance * (abs(right) if self.relative else 1) + 1e-9
        try:
            given = as_number(answer)
        except Unreadable as unreadable:
            return not_yet(sentence(str(unreadable)))
        if math.isnan(given) or math.isinf(given):
            return not_yet(f"{given} is no answer: look for a division by zero, or the logarithm of zero.")
        if abs(given - right) <= off:
            return self.right_answer()
        slips = {words: float(mistake(*values)) for words, mistake in self.mistakes.items()}
        slips |= {words: slip(right) for words, slip in GENERAL_SLIPS.items()}
        near = {words: abs(given - slip) for words, slip in slips.items() if abs(given - slip) <= off}
        if near:
            return not_yet(sentence(f"{given:g}: {min(near, key=near.get)}"))
        if abs(given - right) <= 4 * off:
            return not_yet(f"{given:g} is close; compute it to {off:.1g} or better.")
        return not_yet(f"{given:g} is too {'large' if given > right else 'small'}.")


@dataclass(frozen=True, kw_only=True)
class MatchExercise(Exercise):
    """Each of several things gets one word. right: thing -> the words that are right for it; choices: all words."""

    right: Mapping[str, tuple[str, ...]]
    choices: tuple[str, ...]

    def judge(self, answer: object, evidence: Mapping[str, object]) -> Verdict:
        if not isinstance(answer, Mapping):
            return not_yet(f"a dictionary is wanted, as in the cell; this is {described(answer)}.")
        given = {thing: answer.get(thing, ...) for thing in self.right}
        unanswered = [thing for thing, word in given.items() if word is ... or word is None]
        if len(unanswered) == len(given):
            return Verdict(OPEN, (self.question,))
        said = [self._off(thing, word) for thing, word in given.items() if thing not in unanswered]
        said = [words for words in said if words]
        if unanswered:
            said.append(f"Still open: {'; '.join(unanswered)}.")
        return not_yet(*said) if said else self.right_answer()

    def _off(self, thing: str, word: object) -> str:
        if not isinstance(word, str):
            return f"{thing}: a word in quotes is wanted, this is {described(word)}."
        if word not in self.choices:
            return f"{thing}: there is no {word[:40]!r}; these are: {', '.join(self.choices)}."
        return "" if word in self.right[thing] else f"{thing}: not {word!r}."


@dataclass(frozen=True, kw_only=True)
class ExaminedExercise(Exercise):
    """Many answers are right. examine: answer, evidence -> Verdict; an Unreadable that it raises is "not yet"."""

    examine: Callable[[object, Mapping[str, object]], Verdict]

    def judge(self, answer: object, evidence: Mapping[str, object]) -> Verdict:
        try:
            verdict = self.examine(answer, evidence)
        except Unreadable as unreadable:
            return not_yet(sentence(str(unreadable)))
        return self.right_answer(*verdict.words) if verdict.done else verdict
