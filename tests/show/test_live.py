"""Runs are drawn while they train: in one output of a notebook, for little time, and nowhere else."""

import base64
import io
import time
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from rsclip_lab import show
from rsclip_lab.show import live as live_module
from rsclip_lab.show.live import Stage
from rsclip_lab.training import FinetuneConfig
from rsclip_lab.training.processes import World

# Two runs whose steps take a moment, as callbacks see them.
NOTEBOOK = """
import time
from types import SimpleNamespace
from rsclip_lab import show
from rsclip_lab.show import live as live_module
from rsclip_lab.training import FinetuneConfig
from rsclip_lab.training.processes import World

live_module.PAUSE, live_module.SHARE = 0.05, 0.5
live = show.LivePlot()
for name in ("positives_only", "clip"):
    config = FinetuneConfig(batch_size=32)
    state = SimpleNamespace(history=[], config=config, total_steps=30, world=World())
    callback = live.of(name)
    callback.on_start(state)
    for step in range(30):
        state.history.append({"step": step, "loss": 3 / (step + 1), "off_diagonal_cosine": 0.1, "epoch": 0})
        time.sleep(0.01)
        callback.on_step(state)
    callback.on_end(state)
"""


def state_of(steps, total=100, loss=2.0, **given):
    rows = [{"step": step, "loss": loss, "off_diagonal_cosine": 0.01 * step, "epoch": 0} for step in range(steps)]
    config = FinetuneConfig(batch_size=32)
    return SimpleNamespace(**{"history": rows, "config": config, "total_steps": total, "world": World()} | given)


@pytest.fixture
def shown(monkeypatch):
    """What a notebook is given to show, in order; every step that is drawn is."""
    contents = []
    monkeypatch.setattr(live_module, "in_notebook", lambda: True)
    monkeypatch.setattr(live_module, "PAUSE", 0)
    monkeypatch.setattr(live_module, "SHARE", 1e9)
    monkeypatch.setattr(show.LivePlot, "show", lambda self, content: contents.append(content))
    return contents


def executed(source):
    client = NotebookClient(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), timeout=120)
    (cell,) = client.execute().cells
    return cell.outputs


@pytest.mark.filterwarnings("ignore")
def test_two_runs_leave_one_plain_picture_in_the_notebook():
    (output,) = executed(NOTEBOOK)
    assert output.output_type == "display_data" and set(output.data) == {"image/png", "text/plain"}
    png = base64.b64decode(output.data["image/png"])
    assert len(png) < 60_000 and Image.open(io.BytesIO(png)).size == (960, 360)
    assert "LabFigure" in output.data["text/plain"]  # the final figure and no frame


def test_frames_grow_and_the_last_is_the_comparison_of_both_runs(shown):
    live = show.LivePlot()
    for name in ("positives_only", "clip"):
        state = state_of(0)
        callback = live.of(name)
        callback.on_start(state)
        for row in state_of(12).history:
            state.history.append(row)
            callback.on_step(state)
        callback.on_end(state)
    frames = [content for content in shown if isinstance(content, live_module.Frame) and content.png]
    assert len(frames) == 24 and len({frame.png for frame in frames}) == 24
    left = shown[-1].axes[0]
    assert [line.get_label() for line in left.lines] == [
        "positives-only loss",
        "CLIP loss",
        "ln(32): knows nothing",
    ]
    assert {name: len(history) for name, history in live.histories.items()} == {"positives_only": 12, "clip": 12}


def test_a_frame_over_a_kept_background_is_the_figure_drawn_anew():
    live = show.LivePlot.__new__(show.LivePlot)
    live.rows = {"clip": state_of(40).history}
    stage = Stage({"clip": live.histories["clip"][:3]}, 32, 100)
    frame = np.asarray(Image.open(io.BytesIO(stage.frame(live.histories).png)), dtype=int)
    for axes in (stage.loss, stage.cosine):
        axes.lines[0].set_animated(False)
    stage.canvas.draw()
    anew = np.asarray(stage.canvas.buffer_rgba(), dtype=int)[..., :3]
    # In the frame the curve lies above the lines that the axes draw after it.
    assert (np.abs(frame - anew).max(axis=-1) > 40).mean() < 0.002
    first = np.asarray(Image.open(io.BytesIO(stage.frame({"clip": live.histories["clip"][:3]}).png)), dtype=int)
    assert (np.abs(frame - first).max(axis=-1) > 40).mean() > 0.002  # that much is a curve


def test_a_loss_that_leaves_the_axes_gets_larger_ones():
    live = show.LivePlot.__new__(show.LivePlot)
    live.rows = {"clip": state_of(5).history}
    stage = Stage(live.histories, 32, 100)
    assert stage.holds(live.histories)
    live.rows["clip"] += state_of(1, loss=50.0).history
    assert not stage.holds(live.histories) and Stage(live.histories, 32, 100).holds(live.histories)


def test_frames_take_their_share_of_the_time_and_no_more(shown, monkeypatch):
    monkeypatch.setattr(live_module, "SHARE", 0.1)
    live, state = show.LivePlot(), state_of(5)
    callback, spent = live.of("clip"), 0.0
    callback.on_start(state)
    callback.on_step(state)  # builds the stage
    start = time.perf_counter()
    while time.perf_counter() - start < 1.5:
        before = time.perf_counter()
        callback.on_step(state)
        spent += time.perf_counter() - before
        time.sleep(0.002)
    assert 0 < spent < 0.2 * 1.5


def test_outside_a_notebook_it_says_once_that_it_draws_nothing(recwarn):
    live = show.LivePlot()
    state = state_of(5)
    for event in (live.of("clip").on_start, live.of("clip").on_step, live.of("clip").on_end):
        event(state)
    (warning,) = recwarn
    assert "plot_run" in str(warning.message) and warning.filename == __file__
    assert live.display is None and live.stage is None
    assert list(live.figure().axes[0].lines[0].get_ydata()) == [2.0] * 5


def test_only_the_first_process_draws_and_a_run_without_a_step_is_no_curve(shown):
    live = show.LivePlot()
    other, empty = state_of(5, world=World(1, 2)), state_of(0, world=World(1, 2))
    for state in (other, empty):
        callback = live.of("clip")
        for event in (callback.on_start, callback.on_step, callback.on_end):
            event(state)
    assert shown == [] and live.histories == {}
