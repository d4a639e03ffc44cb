"""Fine-tuning in processes started from here: the run of one process, whatever comes in between."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from torch import nn

from rsclip_lab.models import load_model, new_clip
from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.launch import JOBS, finetune_in_processes, job_folder
from rsclip_lab.training.run import finetune
from rsclip_lab.training.state import Interrupted

ARCHITECTURE = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
}
CONFIG = FinetuneConfig(epochs=3, batch_size=10, learning_rate=2e-5, precision="fp32")


@pytest.fixture
def model():
    return new_clip(ARCHITECTURE, seed=0)


@pytest.fixture
def noisy(tmp_path):
    """20 noisy pictures; every third has the same caption."""
    random, rows = np.random.default_rng(0), []
    for n in range(20):
        path = tmp_path / f"{n}.png"
        Image.fromarray(random.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(path)
        rows.append((str(path), f"picture {n}" if n % 3 else "noise", n, "train", None))
    return pd.DataFrame(rows, columns=["image", "caption", "image_id", "split", "label"])


@pytest.fixture(autouse=True)
def ctrl_c(monkeypatch):
    """As in a terminal or a notebook, also where the tests were started with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def vector(model):
    return nn.utils.parameters_to_vector(model.net.parameters()).detach()


def offspring():
    """The processes below this one and how each was called: {number: command}."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in listed.splitlines()]
    found, before = {str(os.getpid())}, set()
    while found != before:
        before, found = found, found | {pid for pid, parent, *_ in rows if parent in found}
    return {int(pid): " ".join(args) for pid, parent, *args in rows if parent in found and args[0][:3] != "ps "}


@contextlib.contextmanager
def as_soon_as(there, act):
    """Call `act` with what `there` gives, when that is something."""

    def watch():
        while not (found := there()):
            time.sleep(0.02)
        act(found)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield
    thread.join()


def test_a_run_that_ctrl_c_has_stopped_goes_on_and_ends_as_that_of_one_process(model, noisy, tmp_path, capsys):
    folder, before = tmp_path / "run", offspring()
    config = replace(CONFIG, epochs=15, save_minutes=0)
    interrupted = as_soon_as((folder / "checkpoint.pt").is_file, lambda _: os.kill(os.getpid(), signal.SIGINT))
    with interrupted, pytest.raises(Interrupted, match="the same call goes on"):
        finetune_in_processes(model, noisy, config, 2, folder)
    assert offspring() == before

    run = finetune_in_processes(model, noisy, config, 2, folder)
    assert offspring() == before
    shown = " ".join(capsys.readouterr().out.split())
    assert "10 pictures a step in 2 processes, 9 negatives for each" in shown and "of them done" in shown
    one = finetune(model, noisy, config, progress=False)
    np.testing.assert_allclose(run.history.loss, one.history.loss, atol=1e-5)
    apart, way = vector(run.model) - vector(one.model), vector(one.model) - vector(model)
    assert len(run.history) == 30 and apart.abs().max() < 1e-5 and apart.norm() < 1e-3 * way.norm()
    own = {"started", "seconds", "processes"}
    assert run.folder == folder and run.notes["processes"] == 2 and own < run.notes.keys()
    assert drop(run.notes, own) == drop(one.notes, own)


def drop(notes, names):
    return {name: value for name, value in notes.items() if name not in names}


def test_a_process_that_is_killed_is_told_by_its_signal(model, noisy, tmp_path):
    before = offspring()

    def workers():
        return [pid for pid, command in offspring().items() if " -m rsclip_lab.training.launch" in command]

    killed = as_soon_as(lambda: workers()[1:], lambda found: os.kill(found[-1], signal.SIGKILL))
    with killed, pytest.raises(RuntimeError, match="in 2 processes failed; a process was ended by SIGKILL") as told:
        finetune_in_processes(model, noisy, CONFIG, 2, tmp_path / "run")
    assert "\n" not in str(told.value) and "SIGKILL" in told.value.__notes__[0]
    assert offspring() == before


def test_what_goes_wrong_in_a_process_is_one_error_here(model, noisy, tmp_path):
    before = offspring()
    with pytest.raises(
        RuntimeError, match=r"in 2 processes failed; process \d: Diverged: step \d: the loss is"
    ) as told:
        finetune_in_processes(
            model, noisy, replace(CONFIG, learning_rate=0.9, weight_decay=1e30), 2, tmp_path / "run"
        )
    assert "\n" not in str(told.value) and "in require_finite" in told.value.__notes__[0]
    assert offspring() == before


def test_what_can_be_known_before_is_said_before(model, noisy, tmp_path):
    with pytest.raises(ValueError, match="batch_size=10 is less than the 11 processes"):
        finetune_in_processes(model, noisy, CONFIG, 11, tmp_path / "run")
    with pytest.raises(ValueError, match="at least 1"):
        finetune_in_processes(model, noisy, CONFIG, 0, tmp_path / "run")
    with pytest.raises(FileExistsError, match="holds something already"):
        finetune_in_processes(model, noisy, CONFIG, 2, tmp_path)
    resnet = new_clip(ARCHITECTURE | {"vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8}})
    with pytest.raises(ValueError, match="^2 processes: .* batch norms"):
        finetune_in_processes(resnet, noisy, CONFIG, 2, tmp_path / "run")
    model.net.to("meta")
    with pytest.raises(ValueError, match=r"processes=2: each needs a GPU of its own, and CUDA can use \d"):
        finetune_in_processes(model, noisy, CONFIG, 2, tmp_path / "run")
    assert not (tmp_path / "run").exists()


IN_A_JOB = """
from rsclip_lab.training.launch import job_folder
with job_folder() as job:
    (job / "pixels").mkdir()
    print(job, flush=True)
    input()
"""


def test_what_a_killed_call_has_left_is_removed_a_day_later_and_what_a_call_at_work_has_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    with subprocess.Popen([sys.executable, "-c", IN_A_JOB], **pipes) as call, job_folder() as at_work:
        left = Path(call.stdout.readline().strip())
        call.kill()
        call.wait()
        with job_folder():
            assert (left / "pixels").is_dir()  # killed just now: its processes may still be saving
        for folder in (left, at_work):
            os.utime(folder, (time.time() - 25 * 3600,) * 2)
        with job_folder() as later:
            assert set(tmp_path.glob(f"{JOBS}*")) == {at_work, later}
    assert not any(tmp_path.glob(f"{JOBS}*"))


SCRIPT = """
import sys, pandas as pd, rsclip_lab as lab
folder, out = sys.argv[1:]
captions = pd.read_csv(folder + "/table.csv")
config = lab.FinetuneConfig(epochs=3, batch_size=10, learning_rate=2e-5, precision="fp32")
for name in ("first", "second"):  # the processes part after each run, and join again
    run = lab.finetune(lab.load_model(folder + "/model", "cpu"), captions, config, folder=out + name, progress=False)
    print(name, run.notes["processes"], run.folder)
"""


def test_two_machines_train_as_one_process_does(model, noisy, tmp_path):
    """Two agents of torchrun, which meet at a port as those of two machines do; twice in the same processes."""
    model.save(tmp_path / "model")
    noisy.to_csv(tmp_path / "table.csv", index=False)
    (tmp_path / "train.py").write_text(SCRIPT)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1", "--rdzv-id=test"]
    command += ["--rdzv-backend=c10d", f"--rdzv-endpoint=127.0.0.1:{port}", "--local-addr=127.0.0.1"]
    command += [str(tmp_path / "train.py"), str(tmp_path), str(tmp_path / "run-")]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    machines = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        for _ in range(2)
    ]
    said = [machine.communicate(timeout=120)[0] for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], said
    told = sorted(line for text in said for line in text.splitlines() if line.startswith(("first 2", "second 2")))
    assert told == [f"{name} 2 {place}" for name in ("first", "second") for place in (tmp_path / f"run-{name}", None)]
    one = vector(finetune(model, noisy, CONFIG, progress=False).model)
    for name in ("first", "second"):
        apart = vector(load_model(tmp_path / f"run-{name}", "cpu")) - one
        assert apart.abs().max() < 1e-5 and apart.norm() < 1e-3 * (one - vector(model)).norm()
