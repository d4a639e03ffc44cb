"""Functions called in several processes at once, which are joined by gloo."""

import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

from rsclip_lab.training.processes import World, leave_processes

# Imported once, by the process that the others are forked from: torch alone takes seconds.
PRELOAD = ["rsclip_lab.training.run", "pytest", "hypothesis"]


def in_processes(count: int, function, *arguments) -> list:
    """What `function(world, *arguments)` gives in each of `count` processes, in their order.

    function: of a module, and what it takes and gives can be pickled; tensors as arrays.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(count, context) as pool:
        place = Path(folder, "store").as_uri()
        calls = [pool.submit(_joined, rank, count, place, function, arguments) for rank in range(count)]
        return [call.result(timeout=120) for call in calls]


def _joined(rank: int, count: int, place: str, function, arguments: tuple):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=place, rank=rank, world_size=count, timeout=timedelta(seconds=60))
    result = function(World.joined(), *arguments)
    if dist.is_initialized():  # the function may have parted from the others
        dist.barrier()  # nobody leaves while another is still arriving
        leave_processes()
    return result
