"""The part of a panel in which prompts are typed: lines, the sentence around them, and what the doctor says."""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Sequence

import ipywidgets as widgets

from rsclip_lab.data import REMOTE_SENSING_TEMPLATES
from rsclip_lab.data.wording.prompts import checked_templates
from rsclip_lab.evaluation import prompt_doctor
from rsclip_lab.evaluation.prompts.symptoms import quoted
from rsclip_lab.models import Clip
from rsclip_lab.show.widgets.answers import sentences
from rsclip_lab.show.widgets.panel import Panel

AS_TYPED, AVERAGED, OWN = "as typed", "averaged", "own"
OFFERED = (REMOTE_SENSING_TEMPLATES[0], REMOTE_SENSING_TEMPLATES[4], REMOTE_SENSING_TEMPLATES[12])
MOST = 60  # prompts that get a bar
DOCTORS_PAUSE = 1.0  # seconds without typing before the doctor looks
DOCTORS_TIME = 0.3  # seconds above which it is asked by its button only, as the bars would wait for it
MOST_FOUND = 8


class PromptFields:
    """Widgets for prompts and their wording; `changed` is called when one of them is typed or chosen."""

    def __init__(
        self,
        panel: Panel,
        model: Clip,
        prompts: Sequence[str],
        templates: Sequence[str] | None,
        changed: Callable[[], None],
    ) -> None:
        self.panel, self.model, self.changed = panel, model, changed
        self.averaged = list(REMOTE_SENSING_TEMPLATES) if templates is None else checked_templates(templates)
        offered = OFFERED if templates is None else self.averaged
        self.lines = widgets.Textarea(value="\n".join(prompts), description="Prompts, one a line", rows=6)
        self.choice = widgets.Dropdown(options=_options(offered, self.averaged), description="What the model reads")
        self.own = widgets.Text(value=self.averaged[0], description="Your sentence around {label}")
        self.read, self.found = widgets.HTML(), widgets.HTML(layout={"flex": "1 1 300px"})
        self.doctor = widgets.Button(description="Check the prompts", tooltip="Ask the prompt doctor")
        self.doctor.layout = {"width": "170px"}
        self._checked: tuple | None = None
        self._doctors_time = 0.0
        for field in (self.lines, self.choice, self.own):
            field.continuous_update = True
            field.observe(lambda change: self._typed(), "value")
        self.doctor.on_click(lambda button: self._ask_doctor())
        self._tell()

    @property
    def box(self) -> widgets.VBox:
        """All of it, in the order of the Tab key."""
        for field in (self.lines, self.choice, self.own):
            field.add_class("rsclip-above")
            field.layout.width = "auto"
        doctor = widgets.HBox([self.doctor, self.found])
        doctor.add_class("rsclip-line")
        return widgets.VBox([self.lines, doctor, self.choice, self.own, self.read])

    @property
    def prompts(self) -> list[str]:
        """The lines that hold words, each once."""
        return list(dict.fromkeys(self._typed_lines()))

    @property
    def template(self) -> str:
        """ "as typed", "averaged" (all templates), or the template."""
        return self.own.value if self.choice.value == OWN else self.choice.value

    @template.setter
    def template(self, template: str) -> None:
        if template in {value for _, value in self.choice.options}:
            self.choice.value = template
        else:
            self.own.value = checked_templates(template)[0]
            self.choice.value = OWN

    @property
    def templates(self) -> list[str] | None:
        """What the prompts are written into; None: nothing. Raises CaptionError for a sentence without {label}."""
        if self.choice.value == AS_TYPED:
            return None
        return self.averaged if self.choice.value == AVERAGED else checked_templates(self.template)

    def _typed_lines(self) -> list[str]:
        return [line.strip() for line in self.lines.value.splitlines() if line.strip()]

    def _typed(self) -> None:
        self._tell()
        self.panel.soon(self.changed)
        if self._doctors_time <= DOCTORS_TIME:
            self.panel.soon(self._ask_doctor_quietly, DOCTORS_PAUSE, "doctor")

    def _tell(self) -> None:
        """What is read, which lines stand there twice, and whether the doctor's words are still of these lines."""
        self.lines.rows = max(6, self.lines.value.count("\n") + 2)
        self.own.layout.display = None if self.choice.value == OWN else "none"
        lines = self._typed_lines()
        twice = [line for line in dict.fromkeys(lines) if lines.count(line) > 1]
        said = [f"Twice, and counted once: {', '.join(map(quoted, twice))}."] if twice else []
        said += self._reading()
        self.read.value = (
            f"<div class='rsclip-small' role='status'>{html.escape(' '.join(said))}</div>" if said else ""
        )
        if self._checked not in (None, self._state()):
            self.found.value = ""

    def _reading(self) -> list[str]:
        """An example of the sentences that are encoded, where they are not what was typed."""
        if self.choice.value == AS_TYPED or not self.prompts or "{label}" not in self.template + self.averaged[0]:
            return []
        try:
            first = sentences(self.prompts[:1], self.templates)[0]
        except ValueError:  # the bars say it
            return []
        more = f" and {len(first) - 1} more sentences a line, averaged" if len(first) > 1 else ""
        return [f"For the first line the model reads {quoted(first[0])}{more}."]

    def _state(self) -> tuple:
        return tuple(self.prompts), self.template

    def _ask_doctor_quietly(self) -> None:
        """As nobody asked, an error is left to the bars to tell."""
        try:
            self.check()
        except ValueError:
            self.found.value = ""

    def _ask_doctor(self) -> None:
        with self.panel.working("The prompt doctor looks", aside=True):
            self.check()

    def check(self) -> None:
        """Ask the prompt doctor, and show what it found."""
        start = time.perf_counter()
        report = prompt_doctor(self.model, self.prompts, self.templates)
        self._doctors_time = time.perf_counter() - start
        self._checked, self.found.value = self._state(), _findings(report)


def _options(offered: Sequence[str], averaged: Sequence[str]) -> list[tuple[str, str]]:
    words = [("the lines as typed", AS_TYPED), *((template, template) for template in offered)]
    if len(averaged) > 1:
        words.append((f"{len(averaged)} sentences around each line, averaged", AVERAGED))
    return [*words, ("a sentence of your own …", OWN)]


def _findings(report) -> str:
    """One line that says what was found; unfolded, what exactly and what to do."""
    problems = list(report.problems.itertuples(index=False))
    count = f"{len(report.texts)} prompt{'' if len(report.texts) == 1 else 's'}"
    if not problems:
        return f"<div role='status'>Prompt doctor: no problems in {count}.</div>"
    first, more = problems[0], f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    head = html.escape(f"Prompt doctor: {quoted(first.text)}: {first.detail}{more}")
    items = [f"{quoted(one.text)}: {one.detail}; {one.remedy}." for one in problems[:MOST_FOUND]]
    if len(problems) > MOST_FOUND:
        items.append(f"{len(problems) - MOST_FOUND} more: print(lab.prompt_doctor(model, prompts))")
    rows = "".join(f"<li>{html.escape(item)}</li>" for item in items)
    return f"<details role='status'><summary>{head}</summary><ul>{rows}</ul></details>"
