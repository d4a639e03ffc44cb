"""What all panels share: a place for messages, a sign while they work, and a picture for where no widget runs."""

from __future__ import annotations

import asyncio
import html
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import ipywidgets as widgets
from IPython.display import display
from matplotlib.figure import Figure

from rsclip_lab.show.widgets.look import STYLE

VIEW = "application/vnd.jupyter.widget-view+json"
PAUSE = 0.05  # seconds that a panel waits for more typing before it answers
QUICK = 0.2  # seconds of work that need no sign, which would only flicker


class Panel:
    """A panel of ipywidgets, 7 or 8. Subclasses call `lay_out` with their widgets and give `figure`.

    In a notebook it shows itself: the widgets, and after them, as an output of its own, the figure of how the panel
    stands then. That is what is left where widgets cannot run (GitHub, nbconvert).
    """

    title = "Panel"
    hint = ""  # what stands where messages do while there is none

    def __init__(self) -> None:
        self.message = widgets.HTML()
        self.message.add_class("rsclip-messages")
        self.say()
        self.root = widgets.VBox()
        self.root.add_class("rsclip-panel")
        self._later: dict[str, asyncio.TimerHandle] = {}
        self._seconds: dict[str, float] = {}  # what each work took the last time

    def lay_out(self, *children: widgets.Widget) -> None:
        """The widgets from top to bottom, with the place for messages at the top."""
        self.root.children = [widgets.HTML(STYLE, layout={"display": "none"}), self.message, *children]

    def figure(self) -> Figure:
        """The panel as it stands, as a picture."""
        raise NotImplementedError

    def say(self, text: str = "", error: bool = False) -> None:
        """One message in place of the former, or the hint for an empty text. Screen readers read it aloud."""
        role, kind, word = ("alert", "error", "Not possible: ") if error else ("status", "note", "")
        shown = f"<div class='rsclip-message {kind}' role='{role}'>{word}{html.escape(text)}</div>"
        self.message.value = (
            shown if text else self.hint and f"<div class='rsclip-hint'>{html.escape(self.hint)}</div>"
        )

    @contextmanager
    def working(self, what: str = "", aside: bool = False) -> Iterator[None]:
        """Say what is being done meanwhile, and put an error into the panel instead of a log nobody looks at.

        What was done in no time when it was last done is not announced. What is said within stays. aside: the work
        changes nothing that the former message is about, which comes back after it.
        """
        former = self.message.value
        slow = self._seconds.get(what, QUICK) >= QUICK
        self.say(f"{what} …" if what and slow else "")
        announced = self.message.value
        start = time.perf_counter()
        try:
            yield
        except Exception as error:  # a callback has no caller who could handle it
            self.say(str(error) or type(error).__name__, error=True)
        else:
            self._seconds[what] = time.perf_counter() - start
            if self.message.value == announced:
                if aside:
                    self.message.value = former
                else:
                    self.say()

    def soon(self, call: Callable[[], None], pause: float = PAUSE, wish: str = "answer") -> None:
        """Call once typing pauses: of several wishes of a name in a row only the last is answered. At once without
        a loop. An error ends in the panel."""
        if wish in self._later:
            self._later.pop(wish).cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._answer(call)
        else:
            self._later[wish] = loop.call_later(pause, self._answer, call)

    def _answer(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # the loop would only write it into a log
            self.say(str(error) or type(error).__name__, error=True)

    def __repr__(self) -> str:
        return f"{self.title}: shows itself at the end of a notebook's cell"

    def _ipython_display_(self) -> None:
        """The panel, then its picture."""
        show_widget(self.root, f"{self.title} (widgets do not run here; its picture follows)")
        display(self.figure())


def show_widget(widget: widgets.Widget, instead: str) -> None:
    """Display a widget, with words for where none runs; ipywidgets' own are the list of all its children."""
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display({"text/plain": instead, VIEW: view}, raw=True)
    if hasattr(widget, "_handle_displayed"):  # ipywidgets 7: calls what waits for `on_displayed`
        widget._handle_displayed()
