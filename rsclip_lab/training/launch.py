"""Fine-tuning in several processes from a notebook: torchrun as a subprocess, its output shown as it comes.

`python -m rsclip_lab.training.launch FOLDER` is what torchrun runs: each process reads there what it is to do.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path

import pandas as pd
import torch
from filelock import FileLock

import rsclip_lab
from rsclip_lab.data.disk import named_folder
from rsclip_lab.models import load_model
from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.network.preparation import require_exact
from rsclip_lab.training.processes import World, join_processes, stop_when_input_ends
from rsclip_lab.training.run import finetune
from rsclip_lab.training.saved.folders import unfinished_run
from rsclip_lab.training.saved.outcome import Run
from rsclip_lab.training.saved.runs import load_run
from rsclip_lab.training.state import Interrupted

LAST_LINES = 12  # of the output, in an error
JOBS, LEFT_SECONDS = "rsclip-lab-job-", 24 * 3600


def finetune_in_processes(
    model,
    captions: pd.DataFrame,
    config: FinetuneConfig | None = None,
    processes: int = 2,
    folder: str | Path = "outputs/run",
    validation: pd.DataFrame | None = None,
    replay: pd.DataFrame | None = None,
    progress: bool = True,
    cache: str | Path | None = None,
) -> Run:
    """`finetune` in several processes of this machine, on a GPU each where `model` is on one; for a notebook, which
    cannot be started by torchrun itself. What the first process prints is shown as it comes.

    The arguments are those of `finetune`, but for callbacks, which would live in other processes. folder: is needed,
    for the run comes back through it. config.batch_size counts the pictures of all processes. Without a `cache` the
    processes share decoded pictures in a folder that is removed at the end.
    Ctrl-C stops the processes after the step at hand (Interrupted, a KeyboardInterrupt); the same call then goes on.
    Raises ValueError for more processes than pictures in a batch, or than GPUs, and where batch norms would see less
    than the batch; FileExistsError for a folder in use; RuntimeError with what went wrong when a process fails.
    """
    config, folder = (config or FinetuneConfig()).resolved(model), named_folder(folder)
    require_room(processes, config.batch_size, model.device)
    require_exact(model.net, config, World(0, processes))
    unfinished_run(folder)
    with job_folder() as job:
        model.save(job / "model")
        tables = {"captions": captions, "validation": validation, "replay": replay}
        asked = {
            "config": config.to_dict(),
            "tables": {name: _plain(table) for name, table in tables.items() if table is not None},
            "device": model.device.type,
            "options": {"folder": folder, "progress": progress, "cache": named_folder(cache or job / "pixels")},
        }
        (job / "job.json").write_text(json.dumps(asked, default=os.fspath), encoding="utf-8")
        _run(job, processes, folder)
    return load_run(folder, str(model.device))


@contextmanager
def job_folder() -> Iterator[Path]:
    """A temporary folder for what the processes of one call share; those of calls that were killed, a day ago or
    more, are removed first."""
    for left in Path(tempfile.gettempdir()).glob(f"{JOBS}*"):
        with suppress(OSError):  # another user's, or locked: that call has lasted so long
            if time.time() - left.lstat().st_mtime > LEFT_SECONDS:
                with FileLock(left / ".lock", timeout=0):
                    shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=JOBS) as place, FileLock(Path(place, ".lock")):
        yield Path(place)


def require_room(processes: int, batch_size: int, device: torch.device) -> None:
    """Raise ValueError where so many processes cannot share a batch, or the GPUs of this machine."""
    if processes < 1:
        raise ValueError(f"processes={processes}: must be at least 1")
    World(0, processes).require_shares(batch_size)
    if device.type != "cpu" and processes > (gpus := torch.cuda.device_count()):
        raise ValueError(
            f"processes={processes}: each needs a GPU of its own, and CUDA can use {gpus} here; take no more, or "
            'load the model on "cpu"'
        )


def _plain(table: pd.DataFrame) -> dict[str, list]:
    """The columns as JSON can hold them, empty cells as None."""
    return table.astype(object).where(table.notna(), None).to_dict("list")


def _run(job: Path, processes: int, folder: Path) -> None:
    """Run torchrun to its end. Raises Interrupted or RuntimeError unless it ends well."""
    last, interrupted = deque(maxlen=LAST_LINES), False
    with _torchrun(job, processes) as torchrun:
        output = TextIOWrapper(torchrun.stdout, encoding="utf-8", errors="replace", newline="")
        try:
            _show(output, last)
        except KeyboardInterrupt:
            interrupted = True
            torchrun.stdin.close()  # what `stop_when_input_ends` waits for
            _show(output, last)
    if torchrun.returncode and interrupted:
        raise Interrupted(f"interrupted: the same call goes on from what the {processes} processes saved in {folder}")
    if torchrun.returncode:
        raise _failure(job, processes, last)


@contextmanager
def _torchrun(job: Path, processes: int) -> Iterator[subprocess.Popen]:
    """At work inside the block; afterwards it has ended. An error in the block, such as a second Ctrl-C, ends it.

    It has a session of its own: a notebook's Ctrl-C goes to all processes of its session, and these are to stop
    together, when they are told to.
    """
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr=127.0.0.1"]
    command += [f"--nproc-per-node={processes}", "--local-ranks-filter=0", "-m", __name__, str(job)]
    threads = max(1, torch.get_num_threads() // processes)
    path = os.pathsep.join(filter(None, [str(Path(rsclip_lab.__file__).parents[1]), os.environ.get("PYTHONPATH")]))
    environment = {"OMP_NUM_THREADS": str(threads), **os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
    with (job / "torchrun.txt").open("w") as log:
        how = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log, "start_new_session": True}
        torchrun = subprocess.Popen(command, env=environment, **how)
    try:
        yield torchrun
    except BaseException:
        torchrun.terminate()
        raise
    finally:
        torchrun.stdin.close()
        torchrun.wait()


def _show(output: Iterable[str], last: deque) -> None:
    """Print what comes, to its end, line by line; a progress bar's returns stay what they are."""
    for line in output:
        sys.stdout.write(line)
        sys.stdout.flush()
        if line.strip():
            last.append(line.strip())


def _failure(job: Path, processes: int, last: deque) -> RuntimeError:
    """What went wrong first, with the last lines of output: a signal, as torchrun reports it, for others then only
    find the connection lost; or what a process has noted."""
    log, note = (job / "torchrun.txt").read_text("utf-8", "replace"), job / "error.json"
    noted = json.loads(note.read_text("utf-8")) if note.is_file() else {}
    signals = set(re.findall(r"Signal \d+ \((\w+)\) received", log)) - {"SIGTERM"}  # that one is torchrun's own
    if signals or not noted:
        what = f"a process was ended by {'/'.join(signals) or 'something else'}: SIGKILL is most often a full memory"
        noted["traceback"] = "\n".join([*last, *log.strip().splitlines()[-LAST_LINES:]])
    else:
        what = "process {process}: {error}".format(**noted)
    error = RuntimeError(f"fine-tuning in {processes} processes failed; {what}")
    error.add_note(f"Its last lines:\n{noted['traceback']}")
    return error


def main(job: Path) -> int:
    """What each process does; its exit status. What is printed as an error goes where all output goes, and only what
    torchrun says itself does not."""
    os.dup2(1, 2)
    stop_when_input_ends()
    try:
        _finetune(json.loads((job / "job.json").read_text("utf-8")), job / "model")
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except Exception as error:
        _note(error, job / "error.json")
        return 1
    return 0


def _finetune(asked: dict, model_folder: Path) -> None:
    with join_processes():
        model = load_model(model_folder, asked["device"])
        tables = {name: pd.DataFrame(columns) for name, columns in asked["tables"].items()}
        finetune(model, config=FinetuneConfig.from_dict(asked["config"]), **tables, **asked["options"])


def _note(error: Exception, path: Path) -> None:
    """Unless another process was faster: an error in one breaks the connection that others wait on."""
    found = {"process": int(os.environ["RANK"]), "error": f"{type(error).__name__}: {error}"}
    found["traceback"] = "".join(traceback.format_exception(error)[-LAST_LINES:])
    with suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
        json.dump(found, file)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
