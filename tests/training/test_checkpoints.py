"""A run that stops anywhere goes on as if it had not, and no unfinished run is taken for another."""

import errno
import json
import multiprocessing
import os
import pickle
import random
import re
import resource
import shutil
import signal
import time
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from gloo_processes import PRELOAD, in_processes
from safetensors.torch import load_file, save_file
from small_runs import (
    CONFIG,
    TIMES,
    At,
    Broken,
    assert_same,
    fail,
    files_in,
    press_ctrl_c,
    small_clip,
    small_run,
    whole_run,
)

from rsclip_lab.data import read_captions
from rsclip_lab.data.disk import replacing
from rsclip_lab.environment import emulates_bfloat16, select_precision
from rsclip_lab.models import ModelError
from rsclip_lab.training import Collapsed, Diverged, load_or_finetune, load_run
from rsclip_lab.training.run import chosen_precision
from rsclip_lab.training.saved.checkpoint_file import VALIDATE
from rsclip_lab.training.saved.folders import is_run
from rsclip_lab.training.state import Interrupted, NotSaved

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def heard_signals():
    """Ctrl-C raises KeyboardInterrupt, also where the tests were started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def clip():
    return small_clip()


@pytest.fixture
def tune(clip, picture_folder):
    """`small_run` with other arguments: (folder, config, **changes)."""
    return partial(small_run, clip, picture_folder)


@pytest.fixture
def whole(picture_folder):
    return whole_run(picture_folder)


@pytest.mark.parametrize("step", range(1, 11))
def test_a_run_stopped_after_any_step_ends_as_one_that_never_stopped(tune, whole, tmp_path, step, capsys):
    assert len(whole.history) == 10 and "replay_drift" in whole.history and len(whole.validation) == 2
    with pytest.raises(Interrupted, match=f"Ctrl-C: stopped after step {step} of 10.*{tmp_path}"):
        tune(tmp_path / "run", callbacks=[At(press_ctrl_c, step)])
    assert_same(tune(tmp_path / "run"), whole)
    epoch = 1 if step <= 5 else 2
    assert capsys.readouterr().out == f"going on after step {step} of 10, epoch {epoch}\n"


def test_a_run_broken_at_every_step_ends_as_one_that_never_stopped(tune, whole, tmp_path):
    for step in range(2, 11):
        with pytest.raises(Broken):
            tune(tmp_path / "run", callbacks=[At(fail, step)])
        assert len(pd.read_csv(tmp_path / "run" / "history.csv")) == step - 1  # the checkpoint before the fault
    assert_same(tune(tmp_path / "run"), whole)


@pytest.mark.parametrize("epoch", [1, 2])
def test_a_run_broken_between_validation_and_its_checkpoint_validates_once_more(tune, whole, tmp_path, epoch):
    with pytest.raises(Broken):
        tune(tmp_path / "run", callbacks=[At(fail, epoch=epoch)])
    assert_same(tune(tmp_path / "run"), whole)


@pytest.mark.parametrize(
    "change",
    [
        {"lora_rank": 4, "ema": 0.0},
        {"optimizer": "adafactor", "layer_decay": 0.7},
        {"loss": "siglip", "freeze_text": "all"},
        {"chunk_size": 3, "optimizer": "adam"},
    ],
    ids=lambda change: " ".join(change),
)
def test_whatever_is_trained_goes_on(tune, tmp_path, change):
    config = replace(CONFIG, **change)
    with pytest.raises(Interrupted):
        tune(tmp_path / "run", config, callbacks=[At(press_ctrl_c, 7)])
    assert_same(tune(tmp_path / "run", config), tune(config=config))


def test_a_run_that_goes_on_in_another_number_format_says_so(tune, tmp_path, capsys):
    with pytest.raises(Interrupted):
        tune(tmp_path / "run", callbacks=[At(press_ctrl_c, 7)])
    checkpoint = tmp_path / "run" / "checkpoint.pt"
    torch.save(torch.load(checkpoint, weights_only=True) | {"dtype": "torch.float16"}, checkpoint)
    assert len(tune(tmp_path / "run").history) == 10
    line = "going on after step 7 of 10, epoch 2; the numbers were float16 so far, now float32: asked for\n"
    assert capsys.readouterr().out == line


def test_a_run_that_goes_on_keeps_its_number_format_where_the_device_is_fast_in_it():
    config, device = replace(CONFIG, precision="auto"), torch.device("cpu")
    assert chosen_precision(device, config, {"dtype": "float32"}).dtype == torch.float32
    fastest = select_precision(device).dtype
    assert chosen_precision(device, config, {"dtype": "float16"}).dtype == fastest  # it would need a GPU
    kept = fastest if emulates_bfloat16(device) else torch.bfloat16
    assert chosen_precision(device, config, {"dtype": "bfloat16"}).dtype == kept
    assert chosen_precision(device, CONFIG, {"dtype": "bfloat16"}).dtype == torch.float32  # as asked for


@pytest.mark.parametrize(("number", "tolerated"), [(errno.EINVAL, True), (errno.ENOTSUP, True), (errno.EIO, False)])
def test_a_drive_that_knows_no_fsync_is_written_to_all_the_same(tmp_path, monkeypatch, number, tolerated):
    def fsync(file):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
    (tmp_path / "file").write_text("before")
    with nullcontext() if tolerated else pytest.raises(OSError), replacing(tmp_path / "file") as part:
        part.write_text("after")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["after" if tolerated else "before"]


def test_the_best_epoch_and_the_patience_outlive_a_break(tune, tmp_path):
    config = replace(CONFIG, epochs=6, patience=2, learning_rate=0.05, ema=0)  # high: it jumps about
    whole = tune(config=config)
    best = whole.validation.mean_recall.idxmax()
    assert len(whole.validation) == best + 3 < 6
    assert whole.notes["stop"] == "no better validation recall for 2 epochs"
    with pytest.raises(Broken):
        tune(tmp_path / "run", config, callbacks=[At(fail, 5 * best + 9)])
    assert_same(tune(tmp_path / "run", config), whole)


def test_a_run_that_stopped_early_is_not_trained_further_when_it_was_not_saved(tune, tmp_path, monkeypatch):
    def enough(state):
        state.stop = "enough"

    with monkeypatch.context() as patch, pytest.raises(Broken):
        patch.setattr("rsclip_lab.training.run.finish_run", fail)
        tune(tmp_path / "run", callbacks=[At(enough, 7)])
    run = tune(tmp_path / "run")
    assert len(run.history) == 7 and run.notes["stop"] == "enough"


def test_what_a_callback_remembers_goes_on_with_the_run(tune, tmp_path):
    class Sum:
        total = torch.zeros(())

        def on_step(self, state):
            self.total = self.total + state.record["loss"]

        def state_dict(self):
            return {"total": self.total}

        def load_state_dict(self, state):
            self.total = state["total"]

    with pytest.raises(Interrupted):
        tune(tmp_path / "run", callbacks=[Sum(), At(press_ctrl_c, 4)])
    again = Sum()
    history = tune(tmp_path / "run", callbacks=[again]).history
    assert again.total.item() == pytest.approx(history.loss.sum())


def test_a_callback_that_remembers_what_cannot_be_kept_is_told_before_the_first_step(tune, tmp_path):
    class Sum:
        def state_dict(self):
            return {"total": [np.float64(3)]}

        def load_state_dict(self, state):
            pass

        def on_step(self, state):
            pytest.fail("training has begun")

    with pytest.raises(TypeError, match=r"checkpoint, .*Sum, 0, total, 0: np.float64\(3.0\) cannot"):
        tune(tmp_path / "run", callbacks=[Sum()])


def test_a_callback_that_could_not_be_reminded_is_refused_before_the_first_step(tune, tmp_path):
    class Sum:
        def state_dict(self):
            return {"total": 3}

        def on_step(self, state):
            pytest.fail("training has begun")

    with pytest.raises(TypeError, match="Sum has a state_dict, but no load_state_dict"):
        tune(tmp_path / "run", callbacks=[Sum()])


def test_a_callback_may_have_the_name_of_one_of_ours(tune, whole, tmp_path):
    class Validate:
        def on_step(self, state):
            pass

        def state_dict(self):
            return {"mine": 1}

        def load_state_dict(self, state):
            assert state == {"mine": 1}

    with pytest.raises(Interrupted):
        tune(tmp_path / "run", callbacks=[Validate(), At(press_ctrl_c, 7)])
    assert_same(tune(tmp_path / "run", callbacks=[Validate()]), whole)


def test_numpys_numbers_in_what_a_callback_notes_are_kept_as_pythons(tune, whole, tmp_path):
    class Notes:
        def on_step(self, state):
            if state.step > 3:
                state.record["mine"] = np.float32(1.5)

        def on_epoch(self, state):
            state.validation[-1]["f1"] = np.float64(0.5)

    with pytest.raises(Interrupted):
        tune(tmp_path / "run", callbacks=[Notes(), At(press_ctrl_c, 7)])
    run = tune(tmp_path / "run", callbacks=[Notes()])
    assert list(run.history["mine"].fillna(0)) == [0] * 3 + [1.5] * 7 and list(run.validation["f1"]) == [0.5, 0.5]


def test_no_checkpoint_is_written_that_could_not_be_read(tune, tmp_path):
    def spoil(state):
        state.validation[-1]["who"] = Path("me")

    folder = tmp_path / "run"
    with pytest.raises(TypeError, match="validation, 0, who: PosixPath.* cannot be kept"):
        tune(folder, callbacks=[At(spoil, epoch=1)])
    assert torch.load(folder / "checkpoint.pt", weights_only=True)["step"] == 5


def test_what_cannot_be_kept_is_told_after_the_first_step(tune, tmp_path):
    class Sum:
        total = 0

        def on_step(self, state):
            self.total += np.float64(state.record["loss"])

        def state_dict(self):
            return {"total": self.total}

        def load_state_dict(self, state):
            self.total = state["total"]

    def add(state):
        state.record["mine"] = Path("me")

    for callback, what in ((Sum(), "Sum, 0, total: np.float64"), (At(add, 1), "history, 0, mine: PosixPath")):
        with pytest.raises(TypeError, match=f"{what}.* cannot be kept"):
            tune(tmp_path / "run", replace(CONFIG, save_minutes=60), callbacks=[callback, At(fail, 2)])


def test_a_run_that_collapses_in_its_last_step_is_kept_by_the_same_call(tune, whole, tmp_path):
    def collapse(state):
        raise Collapsed("everything is one point")

    with pytest.raises(Collapsed, match="the last step: the same call keeps the run as it is$"):
        tune(tmp_path / "run", callbacks=[At(collapse, 10)])
    assert_same(tune(tmp_path / "run"), whole)


def test_a_folder_shows_how_far_its_run_is(tune, clip, tmp_path):
    folder = tmp_path / "run"
    seen = {}

    def look(state):
        seen[state.step] = files_in(folder)

    with pytest.raises(Interrupted):
        tune(folder, replace(CONFIG, ema=0), callbacks=[At(look, 1), At(press_ctrl_c, 7)])
    assert seen[1] == [".lock", "run.json"]
    names = ["best-0.safetensors", "checkpoint.pt", "history.csv", "run.json", "validation.csv"]
    assert files_in(folder) == names
    assert len(pd.read_csv(folder / "history.csv")) == 7 and len(pd.read_csv(folder / "validation.csv")) == 1
    record = json.loads((folder / "run.json").read_text())
    assert record["config"] == CONFIG.resolved(clip).to_dict() | {"ema": 0}
    assert set(record["data"]) == {"captions", "replay", "validation"} and record["dtype"] == "float32"
    assert {"base_model", "base_weights_sha256", "device", "precision", "versions", "started"} < set(record)
    best, last = load_file(folder / names[0]), torch.load(folder / names[1], weights_only=True)
    assert last["step"] == 7 and last["epoch"] == 1 and last["callbacks"][VALIDATE][0]["best_epoch"] == 0
    assert best.keys() == last["net"].keys() and not torch.equal(best["visual.proj"], last["net"]["visual.proj"])
    run = tune(folder, replace(CONFIG, ema=0))
    files = ["clip.json", "history.csv", "model.safetensors", "validation.csv"]
    assert files_in(folder) == files
    assert run.notes["started"] == record["started"] and run.notes["stop"] is None and run.notes["processes"] == 1


def test_between_checkpoints_nothing_is_written_until_the_run_is_stopped(tune, whole, tmp_path):
    config, folder = replace(CONFIG, save_minutes=60), tmp_path / "run"
    with pytest.raises(Broken):
        tune(folder, config, callbacks=[At(fail, 8)])
    assert files_in(folder) == ["run.json"]
    with pytest.raises(Interrupted):
        tune(folder, config, callbacks=[At(press_ctrl_c, 8)])
    assert_same(tune(folder), whole)  # how often it is saved does not matter


def test_a_run_is_saved_every_so_many_minutes(tune, tmp_path, monkeypatch):
    """Each step takes 25 seconds here: with one minute between checkpoints every third is saved."""
    folder, seen, clock = tmp_path / "run", [], [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    class Tick:
        def on_step(self, state):
            checkpoint = folder / "checkpoint.pt"
            seen.append(torch.load(checkpoint, weights_only=True)["step"] if checkpoint.exists() else 0)
            clock[0] += 25

    tune(folder, replace(CONFIG, save_minutes=1), callbacks=[Tick()])
    assert seen == [0, 0, 0, 3, 3, 3, 6, 6, 6, 9]


def test_time_adds_up_over_a_break(tune, tmp_path):
    with pytest.raises(Interrupted) as stop:
        tune(tmp_path / "run", callbacks=[At(lambda state: time.sleep(0.5), 2), At(press_ctrl_c, 3)])
    assert tune(tmp_path / "run").seconds > stop.value.run.seconds > 0.5


def test_pythons_own_random_numbers_go_on(tune, tmp_path):
    def draws(folder, *stops):
        drawn = []

        class Draw:
            def on_step(self, state):
                drawn.append(random.random())

        for step in (*stops, None):
            with nullcontext() if step is None else pytest.raises(Interrupted):
                tune(folder, callbacks=[Draw(), At(press_ctrl_c, step)])
        return drawn

    assert draws(tmp_path / "a", 4, 7) == draws(tmp_path / "b")


def test_a_run_that_goes_on_elsewhere_keeps_what_it_began_with(tune, tmp_path):
    with pytest.raises(Interrupted):
        tune(tmp_path / "run", callbacks=[At(press_ctrl_c, 2)])
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    record["versions"]["torch"] = "0.1"
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    notes = tune(tmp_path / "run").notes
    assert notes["began_with"] == {"versions": record["versions"]} and notes["versions"]["torch"] != "0.1"
    assert "began_with" not in tune(tmp_path / "another").notes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"config": replace(CONFIG, learning_rate=1e-3)}, "learning_rate was 0.005, now 0.001"),
        ({"config": replace(CONFIG, epochs=3, seed=5)}, "epochs was 2, now 3; seed was 0, now 5"),
        ({"replay": None}, r"the replay table was 4 captions \(\w{8}…\), now none"),
        ({"validation": None}, r"the validation table was 12 captions \(\w{8}…\), now none"),
    ],
)
def test_an_unfinished_run_that_began_otherwise_is_named_and_left_alone(tune, tmp_path, change, words):
    with pytest.raises(Interrupted):
        tune(tmp_path / "run", callbacks=[At(press_ctrl_c, 2)])
    before = {name: (tmp_path / "run" / name).read_bytes() for name in files_in(tmp_path / "run")}
    with pytest.raises(FileExistsError, match=f"began otherwise: {words}. Go on with .* or name another folder"):
        tune(tmp_path / "run", **change)
    assert {name: (tmp_path / "run" / name).read_bytes() for name in files_in(tmp_path / "run")} == before


def test_other_pictures_captions_or_base_weights_do_not_go_on_with_a_run(tune, clip, tmp_path, picture_folder):
    with pytest.raises(Interrupted):
        tune(tmp_path / "run", callbacks=[At(press_ctrl_c, 2)])
    other = read_captions(picture_folder)[:20]
    other["caption"] += " at sea"
    words = r"the captions table was 20 captions \((\w+)…\), now 20 captions \((?!\1)"
    with pytest.raises(FileExistsError, match=words):
        tune(tmp_path / "run", captions=other)
    with torch.no_grad():
        clip.net.logit_scale += 0.1
    try:
        with pytest.raises(FileExistsError, match=r"model was small \(weights (\w+)…\), now small \(weights (?!\1)"):
            tune(tmp_path / "run")
    finally:
        with torch.no_grad():
            clip.net.logit_scale -= 0.1


def test_a_finished_run_is_not_trained_over(tune, tmp_path):
    run = tune(tmp_path / "run")
    (tmp_path / "run" / "checkpoint.pt").write_text("left by a process that was killed in its last moment")
    with pytest.raises(FileExistsError, match="holds a finished run; read it with load_run.*load_or_finetune"):
        tune(tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoint.pt").exists()
    assert_same(load_run(tmp_path / "run", device="cpu"), run)


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def test_a_checkpoint_that_is_none_is_told_and_never_executed(tune, whole, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Interrupted):
        tune("run", callbacks=[At(press_ctrl_c, 3)])
    checkpoint = tmp_path / "run" / "checkpoint.pt"
    content = checkpoint.read_bytes()
    torch.save({"net": Bomb()}, tmp_path / "bomb.pt")
    bombs = [pickle.dumps(Bomb(), protocol=2), (tmp_path / "bomb.pt").read_bytes()]
    torch.save({"weight": torch.ones(3)}, tmp_path / "other.pt")
    other = torch.load(checkpoint, weights_only=True)
    torch.save(other | {"net": {"weight": torch.ones(3)}}, tmp_path / "net.pt")
    foreign = [b"", b"no checkpoint", *((tmp_path / name).read_bytes() for name in ("other.pt", "net.pt"))]
    for bad in (*bombs, *foreign, content[: len(content) // 2], content[:-1]):
        checkpoint.write_bytes(bad)
        with pytest.raises(ModelError, match="checkpoint.pt: not the checkpoint of this run.*Remove it to") as told:
            tune("run")
        assert "PyTorch 2.6" not in str(told.value)
    assert not (tmp_path / "exploded").exists()
    checkpoint.unlink()
    checkpoint.mkdir()
    with pytest.raises(ModelError, match="checkpoint.pt: not the checkpoint of this run.*IsADirectoryError"):
        tune("run")
    checkpoint.rmdir()
    assert_same(tune("run"), whole)


@pytest.mark.parametrize(
    "change",
    [
        {"step": -3},
        {"step": 4},
        {"step": 10**6},
        {"epoch": 1},
        {"history": []},
        {"history": [1, 2, 3]},
        {"validation": [{"epoch": 3}]},
        {"stop": 5},
        {"seconds": "x"},
        {"random": []},
        {"ema": None},
        {"base_features": {"texts": torch.tensor([10**6]), "features": torch.zeros(1, 16)}},
        {"callbacks": {VALIDATE: [{"best_epoch": "../../x"}]}},
    ],
    ids=str,
)
def test_a_checkpoint_with_a_wrong_value_is_told(tune, tmp_path, change):
    with pytest.raises(Interrupted):
        tune(tmp_path / "run", callbacks=[At(press_ctrl_c, 3)])
    checkpoint = tmp_path / "run" / "checkpoint.pt"
    torch.save(torch.load(checkpoint, weights_only=True) | change, checkpoint)
    with pytest.raises(ModelError, match="checkpoint.pt: not the checkpoint of this run"):
        tune(tmp_path / "run")


def test_the_checkpoint_of_another_run_of_the_same_network_is_told(tune, whole, tmp_path):
    for name, config in (("run", CONFIG), ("other", replace(CONFIG, seed=5))):
        with pytest.raises(Interrupted):
            tune(tmp_path / name, config, callbacks=[At(press_ctrl_c, 7)])
    own = (tmp_path / "run" / "checkpoint.pt").read_bytes()
    shutil.copy(tmp_path / "other" / "checkpoint.pt", tmp_path / "run")
    with pytest.raises(ModelError, match="a run with another configuration, model or tables"):
        tune(tmp_path / "run")
    (tmp_path / "run" / "checkpoint.pt").write_bytes(own)
    best = tmp_path / "run" / "best-0.safetensors"
    weights = best.read_bytes()
    save_file({"weight": torch.ones(3)}, best)
    with pytest.raises(ModelError, match="best-0.safetensors has the weights of another network"):
        tune(tmp_path / "run")
    best.write_bytes(weights)
    assert_same(tune(tmp_path / "run"), whole)


def test_a_run_without_a_checkpoint_gives_its_folder_to_one_that_begins_otherwise(tune, whole, tmp_path):
    config = replace(CONFIG, save_minutes=60, seed=5)
    with pytest.raises(Broken):
        tune(tmp_path / "run", config, callbacks=[At(fail, 3)])
    assert files_in(tmp_path / "run") == ["run.json"]
    assert_same(tune(tmp_path / "run"), whole)


def test_what_is_refused_leaves_no_folder(tune, tmp_path, picture_folder):
    with pytest.raises(ValueError, match="nothing to replay"):
        tune(tmp_path / "run", replay=read_captions(picture_folder)[:4])
    assert not (tmp_path / "run").exists()


def train_in(folder, pictures, began):
    torch.set_num_threads(1)
    small_run(small_clip(), pictures, folder, callbacks=[At(lambda state: (began.set(), time.sleep(60)), 3)])


def test_two_processes_do_not_train_in_one_folder(tune, whole, tmp_path, picture_folder):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    began = context.Event()
    other = context.Process(target=train_in, args=(tmp_path / "run", picture_folder, began))
    other.start()
    try:
        assert began.wait(60)
        with pytest.raises(FileExistsError, match="another process is training in this folder"):
            tune(tmp_path / "run")
        assert (tmp_path / "run" / ".lock").exists()
    finally:
        other.kill()
        other.join()
    assert_same(tune(tmp_path / "run"), whole)  # the lock has gone with the process
    assert not (tmp_path / "run" / ".lock").exists()


WITHOUT_HASH = '{"config": {}, "data": {}, "base_model": "x", "dtype": "float32", "started": "now"}'


@pytest.mark.parametrize("text", ["", "{", "[]", '{"config": 3}', '{"config": {}, "data": []}', WITHOUT_HASH])
def test_another_run_json_is_told_and_left_alone(tune, tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ModelError, match="run.json is not the record of a run"):
        tune(tmp_path)
    assert (tmp_path / "run.json").read_text() == text


def test_a_run_that_diverges_keeps_the_weights_of_the_step_before(tune, whole, tmp_path):
    def spoil(state):
        state.model.net.visual.proj.register_hook(lambda gradient: gradient * float("nan"))

    with pytest.raises(Interrupted) as interrupted:
        tune(callbacks=[At(press_ctrl_c, 4)])
    words = f"step 4: the grad norm is nan.*; {tmp_path}.* after step 4.*name another folder"
    with pytest.raises(Diverged, match=words) as diverged:
        tune(tmp_path / "run", replace(CONFIG, save_minutes=60), callbacks=[At(spoil, 4)])
    assert_same(diverged.value.run, interrupted.value.run)
    assert "grad norm is nan" in diverged.value.run.notes["stop"] and diverged.value.run.folder is None
    assert_same(tune(tmp_path / "run"), whole)  # here the fault is gone with the callback


def test_a_run_that_collapses_says_where_it_is_kept(tune, whole, tmp_path):
    def collapse(state):
        raise Collapsed("everything is one point")

    words = "^everything is one point; .* after step 3. .* change the configuration"
    with pytest.raises(Collapsed, match=words) as collapsed:
        tune(tmp_path / "run", replace(CONFIG, save_minutes=60), callbacks=[At(collapse, 3)])
    assert len(collapsed.value.run.history) == 3
    with pytest.raises(Collapsed, match="nothing is on the disk, as no folder was given: .* this error.s .run$"):
        tune(callbacks=[At(collapse, 3)])
    assert_same(tune(tmp_path / "run"), whole)


def test_a_full_disk_loses_nothing(tune, whole, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(state):
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))

    try:
        with pytest.raises(NotSaved, match="step 6 could not be saved: .*the disk is full.* after step 5") as stopped:
            tune(tmp_path / "run", callbacks=[At(fill, 6)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(stopped.value.run.history) == 6
    assert not list((tmp_path / "run").glob(".*"))  # nothing half-written
    assert_same(tune(tmp_path / "run"), whole)


def test_an_unfinished_run_is_no_run_yet_and_load_or_finetune_goes_on_with_it(clip, tune, tmp_path, picture_folder):
    folder, captions = tmp_path / "run", read_captions(picture_folder)
    with pytest.raises(Interrupted):
        tune(folder, captions=captions, replay=None, validation=None, callbacks=[At(press_ctrl_c, 2)])
    assert not is_run(folder)
    with pytest.raises(FileNotFoundError, match="not finished; go on with it by the call that began it"):
        load_run(folder)
    run = load_or_finetune(folder, clip, captions, CONFIG, progress=False)
    assert is_run(folder) and run.folder == folder
    assert_same(run, tune(captions=captions, replay=None, validation=None))


def test_a_kept_run_stays_until_its_successor_is_finished(clip, tmp_path, picture_folder, monkeypatch):
    folder, captions = tmp_path / "run", read_captions(picture_folder)
    first = load_or_finetune(folder, clip, captions, CONFIG, progress=False)
    other = replace(CONFIG, seed=7)
    with monkeypatch.context() as patch, pytest.raises(Broken):
        patch.setattr("rsclip_lab.training.run.finish_run", fail)
        load_or_finetune(folder, clip, captions, other, progress=False)
    assert_same(load_run(folder, device="cpu"), first)
    load_or_finetune(folder, clip, captions, other, progress=False)
    assert load_run(folder).config.seed == 7
    assert not (tmp_path / "run-new").exists()


class Killed(BaseException):
    pass


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_a_successor_that_was_killed_as_it_took_its_place_takes_it_the_next_time(
    clip, tmp_path, picture_folder, monkeypatch, moment
):
    folder, captions, moments = tmp_path / "run", read_captions(picture_folder), []

    def until_killed(function):
        def called(*arguments, **options):
            if Path(arguments[0]).name in ("run", "run-new", ".run.replaced"):
                moments.append(arguments)
                if len(moments) == moment:
                    raise Killed
            return function(*arguments, **options)

        return called

    load_or_finetune(folder, clip, captions, CONFIG, progress=False)
    other = replace(CONFIG, seed=7)
    run = load_or_finetune(tmp_path / "run-new", clip, captions, other, progress=False)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("os.replace", until_killed(os.replace))
        patch.setattr("shutil.rmtree", until_killed(shutil.rmtree))
        load_or_finetune(folder, clip, captions, other, progress=False)
    again = load_or_finetune(folder, clip, captions, other, progress=False)
    assert again.seconds == run.seconds  # it was not trained again
    assert_same(again, run)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "pictures") == ["run"]


def tuned_in_a_process(world, pictures, folder=None, stop_in=None):
    """Weights and history, or what the run said as SIGTERM reached one of the processes after three steps."""

    def terminate(state):
        if world.rank == stop_in:
            signal.raise_signal(signal.SIGTERM)

    try:
        run = small_run(small_clip(), pictures, folder, callbacks=[At(terminate, 3)])
    except Interrupted as stopped:
        return str(stopped)
    weights = {name: value.numpy() for name, value in run.model.net.state_dict().items()}
    assert run.folder == (folder if world.first else None)
    return weights, run.history.drop(columns=TIMES), run.validation


def told_in_a_process(world, pictures, change):
    """What a process says that is given something else than the others."""
    clip, captions = small_clip(), read_captions(pictures)
    options = {"captions": captions[captions.image_id < 10]}
    if world.first:
        pass
    elif change == "table":
        options["captions"] = options["captions"][::-1]
    elif change == "replay":
        options["replay"] = None
    elif change == "config":
        options["config"] = replace(CONFIG, epochs=5)
    else:
        with torch.no_grad():
            clip.net.logit_scale += 0.1
    with pytest.raises(ValueError) as told:
        small_run(clip, pictures, **options)
    return str(told.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("table", r"the captions table is 20 captions \((\w+)…\) in process 1, 20 captions \((?!\1).* in process 2"),
        ("replay", r"the replay table is 4 captions \(\w+…\) in process 1, none in process 2"),
        ("config", "epochs is 2 in process 1, 5 in process 2"),
        ("model", r"the model is small \(weights (\w+)…\) in process 1, small \(weights (?!\1).* in process 2"),
    ],
)
def test_processes_that_were_given_different_things_do_not_train(picture_folder, change, words):
    one, other = in_processes(2, told_in_a_process, picture_folder, change)
    assert one == other and re.search(f"the 2 processes were not given the same to train: {words}\\. Each", one)


def test_a_signal_to_one_of_two_processes_stops_both_and_both_go_on(tmp_path, picture_folder):
    whole = in_processes(2, tuned_in_a_process, picture_folder)
    said = in_processes(2, tuned_in_a_process, picture_folder, tmp_path / "run", 1)
    assert [words.partition(";")[0] for words in said] == [
        "another process: stopped after step 3 of 10",
        "SIGTERM: stopped after step 3 of 10",
    ]
    random = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["random"]
    assert len(random) == 2  # each process has its own dropout
    resumed = in_processes(2, tuned_in_a_process, picture_folder, tmp_path / "run")
    for (weights, *tables), (expected, *others) in zip(resumed, whole, strict=True):
        assert all(np.array_equal(weights[name], expected[name]) for name in expected)
        for table, other in zip(tables, others, strict=True):
            pd.testing.assert_frame_equal(table, other, check_exact=True)
