"""Runs that are watched while they train: one figure in a notebook that grows with each of them."""

from __future__ import annotations

import io
import math
import time
import warnings

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from rsclip_lab.environment import in_notebook
from rsclip_lab.show.curves import plot_comparison, smoothed

SHARE = 0.02  # of a run's time, at most, goes into drawing it
PAUSE = 1.0  # seconds between two frames, at least
COLUMNS = ["step", "loss", "off_diagonal_cosine"]


class GrowingCurves:
    """`plot_comparison` of one run or several while they train: the rows of each, and the next picture of them.

    share: of the time, at most, that goes into drawing. longest: seconds between two frames, at most, whatever they
    take.
    """

    def __init__(self, share: float | None = None, longest: float = math.inf) -> None:
        self.rows: dict[str, list[dict]] = {}
        self.batch_size: int | None = None
        self.steps = 0  # of the longest run
        self.stage: Stage | None = None
        self.next_frame = 0.0
        self.share, self.longest = share, longest

    def begin(self, name: str, state) -> None:
        """A run starts; a second one of a name replaces the first."""
        self.rows[name] = state.history
        self.batch_size, self.steps = state.config.batch_size, max(state.total_steps, *map(len, self.rows.values()))
        self.stage, self.next_frame = None, time.perf_counter() + PAUSE

    @property
    def histories(self) -> dict[str, pd.DataFrame]:
        """Of each run that has begun: step, loss and off_diagonal_cosine."""
        # A copy of the rows first: another thread may be adding to them.
        return {name: pd.DataFrame(rows[:], columns=COLUMNS) for name, rows in self.rows.items() if rows}

    def figure(self) -> Figure:
        """The runs as far as they are."""
        return plot_comparison(self.histories, self.batch_size)

    def frame(self) -> Frame | None:
        """The next picture, if it is time for it."""
        start = time.perf_counter()
        if start < self.next_frame or not (histories := self.histories):
            return None
        if self.stage is None or not self.stage.holds(histories):
            self.stage = Stage(histories, self.batch_size, self.steps)
        drawn = self.stage.frame(histories)
        now = time.perf_counter()
        self.next_frame = now + min(max(PAUSE, (now - start) / (self.share or SHARE)), self.longest)
        return drawn


class LivePlot(GrowingCurves):
    """`plot_comparison` of one run or several while they train, in one output of the notebook's cell:

        live = show.LivePlot()
        for loss in ("positives_only", "clip"):
            lab.finetune(base, captions, replace(config, loss=loss), callbacks=[live.of(loss)])

    What stays is the figure of all runs, as a plain picture. Outside a notebook nothing is drawn while they train,
    and a warning says so; `figure()` gives the figure anywhere.
    """

    def __init__(self) -> None:
        super().__init__()
        self.display = None  # the output in the notebook, once there is one
        if not in_notebook():
            warnings.warn("LivePlot draws in notebooks only; here plot a run when it is done: plot_run", stacklevel=2)

    def of(self, name: str) -> LiveRun:
        """The callback for the run of that name; a second run of one name replaces the first."""
        return LiveRun(self, name)

    def add(self, name: str, history: pd.DataFrame) -> None:
        """Draw a run that was not trained here, as one that `load_or_finetune` found; nothing for one that was."""
        if name not in self.rows:
            self.rows[name] = history[COLUMNS].to_dict("records")
            if in_notebook():
                self.show(self.figure())

    def show(self, content) -> None:
        """In place of what was shown before."""
        if self.display is None:
            from IPython.display import display

            self.display = display(content, display_id=True)
        else:
            self.display.update(content)

    def draw(self) -> None:
        """The next frame, if it is time for it."""
        if in_notebook() and (drawn := self.frame()):
            self.show(drawn)


class LiveRun:
    """One run of a LivePlot: a callback of `finetune`."""

    def __init__(self, plot: LivePlot, name: str) -> None:
        self.plot, self.name = plot, name

    def on_start(self, state) -> None:
        plot = self.plot
        plot.begin(self.name, state)
        if state.world.first and plot.display is None and in_notebook():
            plot.show(Frame())  # its place, before the progress bar's

    def on_step(self, state) -> None:
        if state.world.first:
            self.plot.draw()

    def on_end(self, state) -> None:
        if state.world.first and state.history and in_notebook():
            self.plot.show(self.plot.figure())


class Frame:
    """A picture that a notebook shows, if there is one yet."""

    def __init__(self, png: bytes | None = None) -> None:
        self.png = png

    def __repr__(self) -> str:
        return "a figure that grows while the run trains"

    def _repr_png_(self) -> bytes | None:
        return self.png


class Stage:
    """The comparison with axes that have room for what comes: all but the curves is drawn once.

    Text and axes take most of a figure's time; the curves over a kept background take a fifth of it.
    """

    def __init__(self, histories: dict[str, pd.DataFrame], batch_size: int | None, steps: int) -> None:
        figure = plot_comparison(histories, batch_size)
        figure.set_dpi(80)
        self.loss, self.cosine = figure.axes
        self.runs = list(histories)
        for axes in figure.axes:
            axes.set_xlim(0, steps)
            for line in axes.lines[: len(self.runs)]:
                line.set_animated(True)
        self.loss.set_ylim(min(0, self.loss.get_ylim()[0]), 1.25 * self.loss.get_ylim()[1])
        self.canvas = FigureCanvasAgg(figure)
        self.canvas.draw()
        self.background = self.canvas.copy_from_bbox(figure.bbox)

    def holds(self, histories: dict[str, pd.DataFrame]) -> bool:
        """Whether the runs are those of this stage and stay within its axes."""
        (low, high), losses = self.loss.get_ylim(), [history["loss"] for history in histories.values()]
        return list(histories) == self.runs and all(low <= loss.min() and loss.max() <= high for loss in losses)

    def frame(self, histories: dict[str, pd.DataFrame]) -> Frame:
        """The curves as far as they are."""
        self.canvas.restore_region(self.background)
        for place, history in enumerate(histories.values()):
            cosine = smoothed(history["off_diagonal_cosine"])
            for axes, values in ((self.loss, history["loss"]), (self.cosine, cosine)):
                axes.lines[place].set_data(history["step"], values)
                axes.draw_artist(axes.lines[place])
        drawn, buffer = Image.fromarray(np.asarray(self.canvas.buffer_rgba())[..., :3]), io.BytesIO()
        drawn.save(buffer, "PNG", compress_level=1)
        return Frame(buffer.getvalue())
