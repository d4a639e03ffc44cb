"""`finetune --processes 2`: one table, one line of complaint, the status and Ctrl-C passed on."""

import json
import os
import signal
import subprocess
import sys
from functools import partial

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


PIPES = {"stderr": subprocess.PIPE, "stdout": subprocess.DEVNULL, "env": ENVIRONMENT, "bufsize": 0}


def command(data, model, out, epochs=20):
    options = f"--processes 2 --epochs {epochs} --batch-size 4 --device cpu".split()
    arguments = ["finetune", str(data), "--model", str(model), "--out", str(out), *options]
    return [sys.executable, "-m", "rsclip_lab.cli", *arguments]


def await_first_step(process):
    seen = b""
    while b"loss" not in seen:  # of the progress bar
        seen += process.stderr.read(1)


def test_ctrl_c_reaches_every_process_and_the_same_command_goes_on(picture_folder, random_clip, tmp_path):
    arguments = command(picture_folder, random_clip.save(tmp_path / "model"), tmp_path / "run")
    with subprocess.Popen(arguments, **PIPES) as first:
        await_first_step(first)
        first.send_signal(signal.SIGINT)
        said = first.stderr.read().decode()
    assert first.returncode == 130
    assert said.count("rsclip-lab: Ctrl-C: stopped after step") == 1 and "Traceback" not in said
    assert (tmp_path / "run" / "checkpoint.pt").is_file()

    second = subprocess.run(arguments, capture_output=True, text=True, env=ENVIRONMENT)
    assert second.returncode == 0 and "going on after step" in second.stdout
    assert second.stdout.count("mean recall") == second.stdout.count("Run(40 steps in") == 1
    record = json.loads((tmp_path / "run" / "clip.json").read_text())
    assert record["training"]["processes"] == 2 and set(record["metrics"]) == {"base", "tuned"}


def test_processes_whose_starter_is_killed_stop_and_save(picture_folder, random_clip, tmp_path):
    arguments = command(picture_folder, random_clip.save(tmp_path / "model"), tmp_path / "run", epochs=2000)
    with subprocess.Popen(arguments, **PIPES) as starter:
        await_first_step(starter)
        starter.kill()
        said = starter.stderr.read().decode()  # to its end: until nobody is left who could write
    assert "rsclip-lab: Ctrl-C: stopped after step" in said and "Traceback" not in said
    assert (tmp_path / "run" / "checkpoint.pt").is_file() and not (tmp_path / "run" / "clip.json").exists()


def test_a_process_that_is_killed_is_named_and_the_other_one_says_nothing(picture_folder, random_clip, tmp_path):
    arguments = command(picture_folder, random_clip.save(tmp_path / "model"), tmp_path / "run", epochs=2000)
    with subprocess.Popen(arguments, **PIPES) as starter:
        await_first_step(starter)
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(starter.pid)], capture_output=True, text=True)
        first, second = sorted(map(int, children.stdout.split()))
        os.kill(second, signal.SIGKILL)
        said = starter.stderr.read().decode()
    assert starter.returncode == 128 + signal.SIGKILL
    assert said.split("\r")[-1].strip() == "rsclip-lab: process 1 was ended by SIGKILL" and "Traceback" not in said


def test_what_cannot_be_used_ends_all_with_the_status_of_the_process_that_says_so(tmp_path):
    how = {"capture_output": True, "text": True, "env": ENVIRONMENT}
    closed = partial(os.close, 0)  # as some daemons start things, without a standard input
    done = subprocess.run(command("/no/such", "tiny", tmp_path), preexec_fn=closed, **how)
    assert (done.returncode, done.stdout) == (2, "")
    assert all(line.startswith("rsclip-lab") and "/no/such" in line for line in done.stderr.splitlines())
    assert "rsclip-lab: /no/such: no such file or folder" in done.stderr
