"""Runs one case in a process of its own, with little time and memory, and tells what came of it."""

import os
import resource
import tempfile
import time
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from cases import cases_of

SECONDS = 20
GIGABYTES = 1.5  # of memory and of address space, beyond what the process starts with
PRELOADED = ["rsclip_lab.checks", "rsclip_lab.data.public", "rsclip_lab.data.shards"]
PRELOADED += ["huggingface_hub", "pyarrow.parquet", "tifffile", "imagecodecs", "webdataset"]


@dataclass(frozen=True)
class Outcome:
    kind: str  # "error", "returned", "crashed" (an exception of another class), "hung", "died"
    message: str
    truth: bool = False
    seconds: float = 0.0
    grown: float = 0.0  # GB


def run(module: str, name: str, folder: Path) -> Outcome:
    """The outcome of a case, its input made in `folder`, in a child of a process that is warmed up once."""
    context = get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(module, name, str(folder), sender))
    child.start()
    sender.close()
    try:
        if not receiver.poll(SECONDS + 40):  # the first start warms up; the case's own clock is in the child
            return Outcome("hung", f"no answer after {SECONDS} s")
        return receiver.recv()
    except EOFError:
        child.join(5)
        return Outcome("died", f"exit code {child.exitcode} (-24 is the time limit, -9 the memory's)")
    finally:
        child.kill()
        child.join()


def _child(module: str, name: str, folder: str, sender) -> None:
    home = Path(folder).parent / "home"
    home.mkdir()
    os.chdir(home)
    os.environ.update(HOME=str(home), TMPDIR=str(home), HF_HUB_OFFLINE="1")
    tempfile.tempdir = None
    case = next(case for case in cases_of(module) if case.name == name)
    runs = case.make(Path(folder))
    start, before = time.perf_counter(), _memory("VmRSS")
    limit = _memory("VmSize") + int(GIGABYTES * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    kind, message, truth = _outcome(runs)
    grown = (_memory("VmHWM") - before) / 2**30
    sender.send(Outcome(kind, message, truth, time.perf_counter() - start, grown))


def _outcome(runs) -> tuple[str, str, bool]:
    from rsclip_lab.checks import AuditReport
    from rsclip_lab.data import CaptionError, ImageError

    try:
        returned = runs()
    except (CaptionError, ImageError) as error:
        return "error", str(error), False
    except BaseException as error:
        return "crashed", f"{type(error).__name__}: {error}"[:2000], False
    if isinstance(returned, AuditReport) and not returned.ok:
        errors = returned.problems[returned.problems["severity"] == "error"]
        lines = [f"{one.file}, row {one.row}: {one.detail}; {one.remedy}" for one in errors.itertuples()]
        return "error", "\n".join(lines), False
    return (
        "returned",
        f"{returned!r}"[:2000],
        bool(returned) if not hasattr(returned, "empty") else not returned.empty,
    )


def _memory(field: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024
