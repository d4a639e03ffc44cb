"""The training panel trains what `finetune` trains, draws meanwhile, stops, and the kernel answers all along."""

import asyncio
import threading
import time
from types import SimpleNamespace

import nbformat
import pandas as pd
import pytest
import torch
from nbclient import NotebookClient

from rsclip_lab import data
from rsclip_lab.show import live
from rsclip_lab.show.app.page import Page
from rsclip_lab.show.widgets.training import TrainingWidget
from rsclip_lab.show.widgets.watcher import Watcher
from rsclip_lab.training import FinetuneConfig, finetune

CONFIG = FinetuneConfig(epochs=4, batch_size=4, learning_rate=1e-3)


@pytest.fixture
def table(picture_folder, one_thread):
    return data.read_captions(picture_folder)


@pytest.fixture
def panel(random_clip, table):
    return TrainingWidget(random_clip, table, CONFIG)


def same(one, other):
    a, b = one.net.state_dict(), other.net.state_dict()
    return all(torch.equal(a[name], b[name]) for name in a)


def test_the_run_is_the_one_of_finetune(panel, random_clip, table):
    assert panel.run is None and "not trained yet" in panel.figure().axes[0].texts[0].get_text()
    panel.start_button.click()
    run = panel.wait()
    expected = finetune(random_clip, table, CONFIG, progress=False)
    columns = ["step", "loss", "off_diagonal_cosine", "batch_recall"]
    pd.testing.assert_frame_equal(run.history[columns], expected.history[columns])
    assert same(run.model, expected.model) and panel.run is run
    assert "Step 12 of 12, epoch 4 of 4: loss" in panel.progress.value and "Trained" in panel.message.value
    assert list(panel.figure().axes[0].lines[0].get_ydata()) == run.history["loss"].tolist()


def test_fields_are_the_configuration_and_disabled_meanwhile(panel):
    panel.epochs.value, panel.rate.value, panel.loss.value = 2, 5e-4, "positives_only"
    panel.start()
    fields = (panel.epochs, panel.rate, panel.loss, panel.start_button)
    assert all(field.disabled for field in fields) and not panel.stop_button.disabled
    panel.start()
    assert "a run is under way" in panel.message.value
    config = panel.wait().config
    assert (config.epochs, config.learning_rate, config.loss) == (2, 5e-4, "positives_only")
    assert config.batch_size == CONFIG.batch_size
    assert not any(field.disabled for field in fields) and panel.stop_button.disabled


def test_the_rate_that_is_suggested_is_shown_and_stays_none_in_the_configuration(random_clip, table):
    panel = TrainingWidget(random_clip, table, FinetuneConfig(epochs=1, batch_size=4))
    assert panel.rate.value == FinetuneConfig().resolved(random_clip).learning_rate
    panel.start()
    assert panel.wait().config.learning_rate == panel.rate.value


def test_stop_ends_the_run_after_the_step_at_hand_and_keeps_the_model(panel, random_clip, monkeypatch):
    panel.epochs.value = 1000
    panel.start()
    while panel.watcher.state is None or len(panel.watcher.state.history) < 3:
        time.sleep(0.01)
    seen = len(panel.watcher.state.history)
    panel.stop_button.click()
    run = panel.wait()
    assert seen <= len(run.history) <= seen + 2 and not same(run.model, random_clip)
    assert f"Stopped after step {len(run.history)} of 3000: .run.model has the weights so far" in panel.message.value
    panel.epochs.value = 1
    panel.start()
    panel.watcher.stop_wanted = True  # before the first step
    run = panel.wait()
    assert len(run.history) < 3 and "Stopped after step" in panel.message.value


def test_a_run_stopped_before_its_first_step_says_so_and_no_longer_reads(panel, monkeypatch):
    monkeypatch.setattr(Watcher, "on_start", stopped_at_the_start(Watcher.on_start))
    panel.start()
    run = panel.wait()
    assert len(run.history) == 0 and "Stopped after step 0 of 12" in panel.message.value
    assert "the weights it began with" in panel.message.value
    assert "reading" not in panel.progress.value


def stopped_at_the_start(begin):
    def on_start(watcher, state):
        watcher.stop_wanted = True
        begin(watcher, state)

    return on_start


def test_on_a_page_nothing_is_named_that_only_a_notebooks_cell_can_reach(random_clip, table):
    prepared = SimpleNamespace(part={"train": table, "val": None}.get, replay=None)
    panel = Page.train(SimpleNamespace(captions=lambda: table, prepared=prepared, base=None, model=random_clip))
    panel.epochs.value = 1
    panel.start()
    panel.wait()
    assert "Trained" in panel.message.value and ".run" not in panel.message.value
    panel.epochs.value = 1000
    panel.start()
    panel.stop()
    panel.wait()
    assert "Stopped after step" in panel.message.value and ".run" not in panel.message.value


def test_a_stopped_run_with_validation_says_whose_weights_it_has(random_clip, table):
    panel = TrainingWidget(random_clip, table[:12], FinetuneConfig(epochs=1000, batch_size=4), validation=table[12:])
    panel.start()
    while panel.watcher.state is None or not panel.watcher.state.validation:
        time.sleep(0.01)
    panel.stop()
    panel.wait()
    assert "the weights of its best epoch" in panel.message.value and "in validation" in panel.progress.value


def test_the_collapse_alarm_is_told_and_the_run_so_far_is_kept(random_clip, table):
    config = FinetuneConfig(
        epochs=60, batch_size=4, learning_rate=3e-3, loss="positives_only", collapse_alarm=0.5, warmup=0
    )
    panel = TrainingWidget(random_clip, table, config)
    panel.start()
    run = panel.wait()
    assert "Everything is becoming one point" in panel.message.value and "role='alert'" in panel.message.value
    assert "take &#x27;clip&#x27;" in panel.message.value and len(run.history) < 180


def test_errors_end_in_the_panel_with_the_remedy_and_it_goes_on(panel, table):
    for wrong in (-1.0, 99.0):
        panel.rate.value = wrong
        panel.start()
        assert f"Learning rate {wrong:g}: give a number between 0 and 1" in panel.message.value
        assert "FinetuneConfig" not in panel.message.value and not panel.training
    panel.rate.value = 1e-3
    panel.captions = table.head(0)
    panel.start()
    panel.wait()
    assert "Not possible" in panel.message.value and panel.run is None and not panel.start_button.disabled
    panel.captions = table
    panel.start()
    assert len(panel.wait().history) == 12


def test_curves_of_both_losses_stay_side_by_side(panel):
    for loss in ("positives_only", "clip", "clip"):
        panel.loss.value = loss
        panel.start()
        panel.wait()
    lines = panel.figure().axes[0].lines
    assert [line.get_label() for line in lines[:2]] == ["positives-only loss", "CLIP loss"] and len(lines) == 3
    assert list(panel.runs) == ["positives_only", "clip"] and panel.runs["clip"] is panel.run


def test_the_curve_grows_while_it_trains_and_only_the_loops_thread_draws(panel, monkeypatch):
    monkeypatch.setattr(live, "PAUSE", 0.05)
    panel.curves.share = 1.0
    monkeypatch.setattr("rsclip_lab.show.widgets.watcher.EVERY", 0)
    threads, pictures, words = set(), [], []
    panel.curve.observe(lambda change: (threads.add(threading.get_ident()), pictures.append(change["new"])), "value")
    panel.progress.observe(lambda change: words.append(change["new"]), "value")
    panel.epochs.value = 30

    async def look_on():
        panel.start()
        while panel.training:
            await asyncio.sleep(0.01)

    asyncio.run(look_on())
    assert len(set(pictures)) > 4 and threads == {threading.get_ident()}
    assert all("curves of loss and off-diagonal cosine; Step" in picture for picture in pictures)
    assert any("s left" in text for text in words) and "s left" not in words[-1]


def test_drawn_pictures_are_called_so(random_clip):
    panel = TrainingWidget(random_clip, data.sample("coast", "train"), CONFIG)
    panel._say_progress("Step 1 of 2: loss 1.00")
    assert "(drawn pictures)" in panel.progress.value


def test_what_cannot_be_trained_with_is_refused_at_once(random_clip, table):
    with pytest.raises(TypeError, match="TrainingWidget"):
        TrainingWidget("tiny", table)
    with pytest.raises(TypeError, match="config"):
        TrainingWidget(random_clip, table, table)


NOTEBOOK = """
import time
from rsclip_lab import data
from rsclip_lab.models import load_model
from rsclip_lab.show.widgets.training import TrainingWidget
from rsclip_lab.training import FinetuneConfig
panel = TrainingWidget(load_model("tiny"), data.sample("coast", "train").head(640), FinetuneConfig(epochs=40))
panel.start()
"""


def test_in_a_kernel_other_cells_are_answered_while_it_trains():
    cells = [
        NOTEBOOK,
        *["time.time(), panel.training, len(panel.curves.histories)"] * 12,
        "panel.stop(); panel.wait()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client, waits = NotebookClient(notebook, timeout=120), []
    with client.setup_kernel():
        client.execute_cell(notebook.cells[0], 0)
        for number in range(1, 13):
            start = time.perf_counter()
            client.execute_cell(notebook.cells[number], number)
            waits.append(time.perf_counter() - start)
            time.sleep(0.2)
        client.execute_cell(notebook.cells[-1], 13)
    assert "True" in notebook.cells[12].outputs[0]["data"]["text/plain"]  # it trained all along
    assert sorted(waits)[6] < 0.5, waits
    assert "Run(" in notebook.cells[-1].outputs[0]["data"]["text/plain"]
    assert not [out for cell in notebook.cells for out in cell.outputs if out.output_type in ("stream", "error")]
