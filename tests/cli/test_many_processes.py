"""`finetune --processes 2`: one table, one line of complaint, the status and Ctrl-C passed on."""

import json
import os
import signal
import subprocess
import sys

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


def command(data, model, out):
    options = "--processes 2 --epochs 20 --batch-size 4 --device cpu".split()
    arguments = ["finetune", str(data), "--model", str(model), "--out", str(out), *options]
    return [sys.executable, "-m", "rsclip_lab.cli", *arguments]


def test_ctrl_c_reaches_every_process_and_the_same_command_goes_on(picture_folder, random_clip, tmp_path):
    arguments = command(picture_folder, random_clip.save(tmp_path / "model"), tmp_path / "run")
    pipes = {"stderr": subprocess.PIPE, "stdout": subprocess.DEVNULL, "env": ENVIRONMENT}
    with subprocess.Popen(arguments, bufsize=0, **pipes) as first:
        seen = b""
        while b"loss" not in seen:  # of the progress bar: the first step is done
            seen += first.stderr.read(1)
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


def test_what_cannot_be_used_ends_all_with_the_status_of_the_process_that_says_so(tmp_path):
    done = subprocess.run(command("/no/such", "tiny", tmp_path), capture_output=True, text=True, env=ENVIRONMENT)
    assert (done.returncode, done.stdout) == (2, "")
    assert all(line.startswith("rsclip-lab") and "/no/such" in line for line in done.stderr.splitlines())
    assert "rsclip-lab: /no/such: no such file or folder" in done.stderr
