"""One command in several processes that train together: started as torchrun starts them, and told apart."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4


def started_by_torchrun() -> bool:
    """Whether this is one of several processes; asked without torch, for the help."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def rank() -> int:
    """This process's number among all that train together, 0 for the one that prints and writes."""
    return int(os.environ["RANK"]) if started_by_torchrun() else 0


def start(arguments: Sequence[str], processes: int) -> int:
    """`rsclip-lab` with these arguments in so many processes on this machine; the status of the first that failed, or
    0. Ctrl-C is passed on to them, and they may save for half a minute what there is. When this process is killed,
    they stop by themselves."""
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    from rsclip_lab.environment import usable_cores

    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // processes)))
    meet = {"rdzv_backend": "c10d", "rdzv_endpoint": "127.0.0.1:0", "local_addr": "127.0.0.1"}  # at any free port
    config = LaunchConfig(1, 1, processes, run_id=str(uuid4()), max_restarts=0, **meet)
    logging.disable(logging.ERROR)  # torch's page on a process that failed would hide what that one has said itself
    try:
        with lasting_input():
            elastic_launch(config, sys.executable)("-m", "rsclip_lab.cli.worker", *arguments)
    except SignalException as stop:
        return 128 + stop.sigval
    except ChildFailedError as error:
        number, failure = error.get_first_failure()
        if failure.exitcode > 0:
            return failure.exitcode
        print(f"rsclip-lab: process {number} was ended by {failure.signal_name()}", file=sys.stderr)
        return 128 - failure.exitcode
    finally:
        logging.disable(logging.NOTSET)
    return 0


@contextmanager
def lasting_input() -> Iterator[None]:
    """A standard input, for processes started inside the block, that has nothing to read and ends with this process,
    however that ends."""
    own, (end, held) = copy_of_input(), os.pipe()
    os.dup2(end, 0)
    os.close(end)
    try:
        yield
    finally:
        os.dup2(own, 0)
        os.close(own)
        os.close(held)


def copy_of_input() -> int:
    """Of the standard input; where it is closed, it is an empty one from now on."""
    try:
        return os.dup(0)
    except OSError:
        os.open(os.devnull, os.O_RDONLY)  # gets the lowest free number, which is 0
        return os.dup(0)
