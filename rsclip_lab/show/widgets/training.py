"""`TrainingWidget`: the live training curve, with fields, a start and a stop."""

from __future__ import annotations

import asyncio
import base64
import html
import io
import threading
from dataclasses import replace

import ipywidgets as widgets
import pandas as pd
from matplotlib.figure import Figure

from rsclip_lab.environment import progress
from rsclip_lab.show.live import Frame, GrowingCurves
from rsclip_lab.show.style import GREY, lecture_style, new_figure
from rsclip_lab.show.widgets.panel import Panel
from rsclip_lab.show.widgets.pieces import figure_html
from rsclip_lab.show.widgets.thumbnails import drawn_note
from rsclip_lab.show.widgets.watcher import EVERY, STOPPED, Watcher
from rsclip_lab.training import FinetuneConfig, Run, finetune
from rsclip_lab.training.inputs import require_kinds

SHARE, LONGEST = 0.1, 2.0  # of a run's time for its picture, and seconds between two: here somebody looks on
LOSSES = {
    "clip": "CLIP's: pairs together, all others apart",
    "positives_only": "positives only: the counter-example, it collapses",
    "siglip": "SigLIP's: each pair by itself",
}
STYLE = """<style>
.rsclip-panel .rsclip-curve img { width: 100%; max-width: 960px; display: block; }
.rsclip-progress { line-height: 1.5; font-variant-numeric: tabular-nums; min-height: 1.5em; }
</style>"""


class TrainingWidget(Panel):
    """A panel that trains copies of `model` on `captions`, and draws the curve while it does.

    The run is in a thread of its own, so that the kernel answers meanwhile; as torch's random numbers are one
    sequence for all threads, what other cells draw from it meanwhile changes the run a little.
    config, replay, validation: of `finetune`; the fields start from `config`. `run` is the newest finished or stopped
    `Run`, None before; `runs` the newest of each loss, whose curves stay side by side. `start`, `stop` and `wait` do
    in code what the buttons do. Raises TypeError for other kinds.
    """

    title = "Training"
    reachable = True  # whether who looks on has cells, and can ask for `.run`: not on a web page

    def __init__(
        self,
        model,
        captions: pd.DataFrame,
        config: FinetuneConfig | None = None,
        replay: pd.DataFrame | None = None,
        validation: pd.DataFrame | None = None,
    ) -> None:
        super().__init__()
        require_kinds("TrainingWidget", model, config, captions=captions, replay=replay, validation=validation)
        self.model, self.captions, self.replay, self.validation = model, captions, replay, validation
        self.config = config or FinetuneConfig()
        self.run: Run | None = None
        self.runs: dict[str, Run] = {}
        self.curves = GrowingCurves(SHARE, LONGEST)
        self.note = drawn_note(captions["image"]) if "image" in captions else ""
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._outcome: tuple[Run | None, Exception | None] | None = None
        self._make_fields()
        row = widgets.Layout(flex_flow="row wrap", align_items="flex-end", grid_gap="4px 14px")
        fields = widgets.HBox([self.epochs, self.rate, self.loss, self.start_button, self.stop_button], layout=row)
        self.lay_out(widgets.HTML(STYLE, layout={"display": "none"}), fields, self.bar, self.progress, self.curve)
        self._show_curve(figure_html(self.figure(), "empty axes: not trained yet"))
        self._enable(training=False)

    def _make_fields(self) -> None:
        self.suggested = self.config.resolved(self.model).learning_rate
        losses = [(words, name) for name, words in LOSSES.items() if name != "siglip" or self.config.loss == name]
        self.epochs = widgets.BoundedIntText(self.config.epochs, 1, 10_000, description="Epochs")
        self.rate = widgets.FloatText(self.suggested, description="Learning rate")
        self.loss = widgets.Dropdown(options=losses, value=self.config.loss, description="Loss")
        for field, width in ((self.epochs, "90px"), (self.rate, "130px"), (self.loss, "min(340px, 100%)")):
            field.add_class("rsclip-above")
            field.layout.width = width
        size = {"width": "92px", "height": "34px"}
        self.start_button = widgets.Button(description="Start", icon="play", button_style="primary", layout=size)
        self.stop_button = widgets.Button(description="Stop", icon="stop", layout=size)
        self.start_button.tooltip = "train a copy of the model, from where the model stands"
        self.stop_button.tooltip = "end the run after the step at hand; what it has learned is kept"
        self.start_button.on_click(lambda _: self.start())
        self.stop_button.on_click(lambda _: self.stop())
        self.bar = widgets.IntProgress(0, 0, 1, layout={"width": "100%", "height": "10px"})
        self.progress, self.curve = widgets.HTML(), widgets.HTML()

    @property
    def training(self) -> bool:
        """Whether a run is under way."""
        return self._thread is not None

    def start(self) -> None:
        """Train with what the fields say. What is wrong with it is said in the panel."""
        with self.working():
            if self.training:
                raise RuntimeError("a run is under way; stop it first, or wait for its end")
            rate = None if self.rate.value == self.suggested else self.rate.value
            if rate is not None and not 0 < rate < 1:
                raise ValueError(f"Learning rate {rate:g}: give a number between 0 and 1")
            rate = self.config.learning_rate if rate is None else rate
            config = replace(self.config, epochs=self.epochs.value, learning_rate=rate, loss=self.loss.value)
            name = "replay" if self.replay is not None and config.loss == "clip" else config.loss
            try:
                self._loop = asyncio.get_running_loop()
            except RuntimeError:  # a script: nobody looks on
                self._loop = None
            self._outcome, self.watcher = None, Watcher(name, self.curves, self._tell)
            self._thread = threading.Thread(target=self._train, args=(config, self.watcher), daemon=True)
            self._enable(training=True)
            self.show_progress()
            self._thread.start()

    def stop(self) -> None:
        """End the run after the step at hand, and keep what it has learned."""
        if self.training:
            self.watcher.stop_wanted = True
            self.stop_button.disabled = True
            self.say("Stopping after the step at hand …")

    def wait(self) -> Run | None:
        """Until the run that is under way has ended; the newest run."""
        while self.training:
            self._thread.join(EVERY)
            self.show_progress()
        return self.run

    def figure(self) -> Figure:
        """The curves so far, `show.plot_comparison`; empty axes before."""
        return self.curves.figure() if self.curves.histories else empty_axes()

    def _train(self, config: FinetuneConfig, watcher: Watcher) -> None:
        """In the thread: nothing here touches the panel's widgets."""
        run = error = None
        try:
            # While one bar is open no other appears: this one writes into nothing, as the panel says how far it is.
            with progress(file=io.StringIO()):
                data = {"validation": self.validation, "replay": self.replay}
                run = finetune(self.model, self.captions, config, **data, callbacks=[watcher], progress=False)
        except Exception as raised:  # there is no caller; the panel tells
            run, error = getattr(raised, "run", None), raised
        self._outcome = run, error
        self._tell()

    def _tell(self) -> None:
        """From the run's thread: have the kernel's own show the progress, as soon as it is free."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.show_progress)

    def show_progress(self) -> None:
        """How far the run is, in words and as a curve; and what came of it."""
        if not self.training:
            return
        ended = self._outcome is not None
        state = self.watcher.state
        self._say_progress(self.watcher.words(ended))
        if state is not None:
            self.bar.max, self.bar.value = state.total_steps, len(state.history)
        if not ended and (frame := self.curves.frame()):
            self._show_curve(frame_html(frame, f"curves of loss and off-diagonal cosine; {self.watcher.words()}"))
        if ended:
            self._settle(*self._outcome)

    def _settle(self, run: Run | None, error: Exception | None) -> None:
        self._thread = None
        self._enable(training=False)
        self.start_button.description = "Again"
        if run is not None:
            self.run = self.runs[self.watcher.name] = run
        words = self.watcher.words(done=True) if self.watcher.state is not None else ""
        self._say_progress(words)
        alt = f"curves of loss and off-diagonal cosine; {words}" if self.curves.histories else "not trained yet"
        self._show_curve(figure_html(self.figure(), alt))
        if error is not None:
            self.say(str(error) or type(error).__name__, error=True)
        elif run.notes["stop"]:
            self.say(self._after_a_stop(run))
        else:
            self.say("Trained" + (": the model is in .run.model, its history in .run.history" * self.reachable))

    def _after_a_stop(self, run: Run) -> str:
        kept = "the weights of its best epoch" if len(run.validation) else "the weights so far"
        kept = kept if len(run.history) else "the weights it began with"
        why = "Stopped" if run.notes["stop"] == STOPPED else f"Ended early, {run.notes['stop']}"
        where = f"{why} after step {len(run.history)} of {self.watcher.state.total_steps}"
        return f"{where}: .run.model has {kept}" if self.reachable else where

    def _say_progress(self, words: str) -> None:
        note = self.note if "loss" in words else ""
        self.progress.value = f"<div class='rsclip-progress'>{html.escape(words + note)}</div>"

    def _show_curve(self, image: str) -> None:
        self.curve.value = f"<div class='rsclip-curve'>{image}</div>"

    def _enable(self, training: bool) -> None:
        for field in (self.epochs, self.rate, self.loss, self.start_button):
            field.disabled = training
        self.stop_button.disabled = not training


def frame_html(frame: Frame, alt: str) -> str:
    source = base64.b64encode(frame.png).decode()
    return f"<img alt='{html.escape(alt)}' src='data:image/png;base64,{source}'>"


@lecture_style
def empty_axes() -> Figure:
    """The axes of `plot_comparison` without a run."""
    figure = new_figure(12, 4.5)
    for axes, label in zip(figure.subplots(1, 2), ("loss", "off-diagonal cosine"), strict=True):
        axes.set(xlabel="step", ylabel=label, xticks=[], yticks=[])
        axes.text(
            0.5, 0.5, "not trained yet", transform=axes.transAxes, ha="center", va="center", color=GREY, size=18
        )
    return figure
