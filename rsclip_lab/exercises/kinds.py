"""The kinds of exercise that are answered with a value: a number, a table of words, or something to be examined."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rsclip_lab.exercises.outcome import OPEN, Verdict, done, not_yet, sentence
from rsclip_lab.exercises.values import Unreadable, as_number, described

IN_PERCENT = "that is in percent: give a share between 0 and 1"
WRONG_SIGN = "the sign is the wrong way round"
COUNTS = {2: "two", 3: "three"}


def plain(number: float) -> str:
    """Six digits, or all of a large number: no 1e+06."""
    return f"{number:.0f}" if 1e6 <= abs(number) < 1e12 else f"{number:g}"


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
    of the number if `relative`. share: of something, from 0 to 1. decimals: how many the question asks for.
    mistakes: what was done wrong, in words, and the number that it gives."""

    right: Callable[..., float]
    tolerance: float
    relative: bool = False
    share: bool = False
    decimals: int = 0
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
        slips |= {WRONG_SIGN: -right} | ({IN_PERCENT: 100 * right} if self.share else {})
        near = {words: abs(given - slip) for words, slip in slips.items() if abs(given - slip) <= off}
        # 0.5 may be the right 0.509 rounded, and lie near a mistake of 0.504 all the same.
        if self._is_rounded(given, right) and min(near.values(), default=1) > 1e-9:
            return not_yet(f"{plain(given)} is rounded too much: give {COUNTS[self.decimals]} decimals.")
        if near:
            return not_yet(sentence(f"{plain(given)}: {min(near, key=near.get)}"))
        if abs(given - right) <= 4 * off:
            return not_yet(f"{plain(given)} is close; compute it to {plain(float(f'{off:.1g}'))} or better.")
        return not_yet(f"{plain(given)} is too {'large' if given > right else 'small'}.")

    def _is_rounded(self, given: float, right: float) -> bool:
        """The right number with fewer decimals than asked for; 0 and whole numbers say too little to tell."""
        fewer = (round(right, places) for places in range(1, self.decimals))
        return any(given == rounded != 0 for rounded in fewer)


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
