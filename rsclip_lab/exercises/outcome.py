"""What a learner sees: the outcome of a check, a hint, the progress; as text and in a notebook."""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass

DONE, NOT_YET, OPEN, UNCHECKED = "done", "not yet", "not answered yet", "could not be checked"
WIDTH = 100
# The words say it; the edge says it again, for those who see it.
EDGES = {
    DONE: "solid #2e8b57",
    NOT_YET: "dashed #d98e04",
    OPEN: "dotted #808080",
    UNCHECKED: "double #d6453d",
}
LONGEST = 1200  # letters of one statement: a learner's error may print a whole tensor


@dataclass(frozen=True)
class Verdict:
    """What an exercise finds: one of the states above, and what there is to say."""

    state: str
    words: tuple[str, ...] = ()

    @property
    def done(self) -> bool:
        return self.state == DONE


def done(*words: str) -> Verdict:
    return Verdict(DONE, words)


def sentence(text: str) -> str:
    """With a full stop, where it does not end already."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def not_yet(*words: str) -> Verdict:
    return Verdict(NOT_YET, words)


@dataclass(frozen=True)
class Line:
    """The progress of one lesson: which of its exercises are done, in order."""

    lesson: str
    title: str
    each: tuple[bool, ...]

    @property
    def squares(self) -> str:
        return "".join("■" if one else "□" for one in self.each)

    @property
    def words(self) -> str:
        return f"Lesson {self.lesson}: {sum(self.each)} of {len(self.each)} done"

    def __str__(self) -> str:
        return f"{self.words}  {self.squares}"

    def as_html(self) -> str:
        return f'{html.escape(self.words)} <span aria-hidden="true">{self.squares}</span>'


@dataclass(frozen=True, repr=False)
class Outcome:
    """number, title: the exercise. state: "done", "not yet", "not answered yet" or "could not be checked".
    words: what is off, or what was learned. progress: the line of its lesson."""

    number: str
    title: str
    state: str
    words: tuple[str, ...]
    progress: Line

    @property
    def done(self) -> bool:
        return self.state == DONE

    def _heading(self) -> str:
        return f"Exercise {self.number} · {self.title}: {self.state}"

    def _said(self) -> list[str]:
        said = [printable(statement[:1].upper() + statement[1:]) for statement in self.words]
        if self.state in (NOT_YET, OPEN):
            said.append(f'For a hint: `exercises.hint("{self.number}")`')
        return said

    def __str__(self) -> str:
        lines = [self._heading()]
        for statement in self._said():
            for line in statement.splitlines():
                lines += textwrap.wrap(line, WIDTH, initial_indent="  ", subsequent_indent="  ")
        return "\n".join([*lines, str(self.progress)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        said = "".join(f"<p style='margin:.2em 0'>{with_code(statement)}</p>" for statement in self._said())
        heading = f"<strong>{html.escape(self._heading())}</strong>"
        return framed(EDGES[self.state], f"{heading}{said}<p style='margin:.2em 0'>{self.progress.as_html()}</p>")


@dataclass(frozen=True, repr=False)
class Hint:
    """Hint `given` of `total` for an exercise."""

    number: str
    given: int
    total: int
    words: str

    def _heading(self) -> str:
        last = ", the last" if self.given == self.total else ""
        return f"Hint {self.given} of {self.total} for exercise {self.number}{last}"

    def __str__(self) -> str:
        return "\n".join([f"{self._heading()}:", *textwrap.wrap(self.words, WIDTH, initial_indent="  ")])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return framed(EDGES[OPEN], f"<strong>{self._heading()}:</strong> {with_code(self.words)}")


@dataclass(frozen=True, repr=False)
class Progress:
    """One line a lesson."""

    lines: tuple[Line, ...]

    @property
    def done(self) -> int:
        return sum(sum(line.each) for line in self.lines)

    @property
    def total(self) -> int:
        return sum(len(line.each) for line in self.lines)

    def __str__(self) -> str:
        rows = [f"{str(line):40}{line.title}".rstrip() for line in self.lines]
        if len(rows) == 1:
            return str(self.lines[0])
        return "\n".join([*rows, f"All lessons: {self.done} of {self.total} done"])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        if len(self.lines) == 1:
            return f'<div role="status">{self.lines[0].as_html()}</div>'
        head = "".join(f'<th scope="col">{name}</th>' for name in ("lesson", "title", "done", ""))
        rows = "".join(
            f'<tr><th scope="row">{line.lesson}</th><td>{html.escape(line.title)}</td>'
            f"<td>{sum(line.each)} of {len(line.each)}</td>"
            f'<td aria-hidden="true">{line.squares}</td></tr>'
            for line in self.lines
        )
        caption = f"<caption>Exercises: {self.done} of {self.total} done</caption>"
        table = f"{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
        return f'<div role="status"><table style="color:inherit">{table}</table></div>'


def framed(edge: str, inside: str) -> str:
    """A block that a screen reader announces; it inherits the colours of the page, light or dark."""
    return f'<div role="status" style="border-left:.3em {edge};padding:.2em .8em;margin:.4em 0">{inside}</div>'


def with_code(statement: str) -> str:
    """Escaped; what stands between backticks as code, line breaks kept."""
    parts = html.escape(statement).split("`")
    if len(parts) % 2 == 0:  # an odd number of backticks: somebody's own text
        return "`".join(parts).replace("\n", "<br>")
    coded = (f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))
    return "".join(coded).replace("\n", "<br>")


def printable(statement: str) -> str:
    """Without control characters, and not endless."""
    clean = "".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in statement)
    return clean if len(clean) <= LONGEST else clean[: LONGEST - 1] + "…"
