"""Several processes that train one network: who they are, and what they tell each other.

Every process holds the whole network and the plan of every batch. It embeds its share of the batch's pictures and
distinct captions; features are gathered, so that the loss is that of the whole batch in every process; and
the gradients of the towers are summed.
"""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn

from rsclip_lab.environment import first_line

BUCKET_BYTES = 32 << 20  # gradients summed at a time: few messages, little memory
PATIENCE = timedelta(hours=12)  # for a process that validates or saves; when one dies, torchrun ends all
JOINING = timedelta(minutes=10)  # until all are there for the first time, as in torchrun
SETTLED = 0.1  # seconds in which a group's threads end
_joined = itertools.count()


class ProcessLost(RuntimeError):
    """Another of the processes that train together has ended, or has never come."""


@dataclass(frozen=True)
class World:
    """The processes of a run and this one's place among them; with size 1, the default, nothing is ever sent.

    What they tell each other raises ProcessLost when one of them has ended.
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def joined(cls) -> World:
        """The processes that this one has joined (see `join_processes`), or this one alone."""
        if not (dist.is_available() and dist.is_initialized()):
            return cls()
        return cls(dist.get_rank(), dist.get_world_size())

    @property
    def first(self) -> bool:
        """Whether this process writes and prints."""
        return self.rank == 0

    @property
    def share(self) -> slice:
        """Which of the rows of a batch this process takes: every `size`th, so that replayed ones are shared, too."""
        return slice(self.rank, None, self.size)

    def describe(self, batch_size: int) -> str:
        """How many negatives each picture has at most: those of all processes count, shared captions are none."""
        where = f" in {self.size} processes" if self.size > 1 else ""
        return f"up to {batch_size} pictures a step{where}, {batch_size - 1} negatives for each"

    def require_shares(self, batch_size: int) -> None:
        """Raise ValueError for a batch too small for every process to have a picture of it."""
        if batch_size < self.size:
            raise ValueError(
                f"batch_size={batch_size} is less than the {self.size} processes that share the batch: take a "
                f"batch_size of at least {self.size} (it counts the pictures of all processes), or fewer processes"
            )

    def gather(self, mine: Tensor, total: int) -> Tensor:
        """All `total` rows, in the batch's order, of which `mine` are this process's share."""
        if self.size == 1:
            return mine
        most = -(-total // self.size)
        padded = mine.new_zeros(most, *mine.shape[1:])
        padded[: len(mine)] = mine
        rows = [torch.empty_like(padded) for _ in range(self.size)]
        _among_all(dist.all_gather, rows, padded)
        return torch.stack(rows, dim=1).flatten(0, 1)[:total]  # row r of process p stood at r * size + p

    def sum_gradients(self, parameters: Iterable[nn.Parameter], alike: Iterable[nn.Parameter] = ()) -> None:
        """Replace each gradient by the sum over the processes; where a process has none it adds zeros, and where
        none has one it stays None.

        alike: parameters whose gradient every process has as a whole. All take the first one's, for their last bits
        may differ, and would drive the networks apart.
        """
        if self.size == 1:
            return
        parameters, alike = list(parameters), list(alike)
        for parameter in [] if self.first else alike:
            parameter.grad = None
        _agree_on_gradients(parameters + alike)
        for bucket in in_buckets(p.grad for p in parameters + alike if p.grad is not None):
            flat = torch.cat([gradient.flatten() for gradient in bucket])
            _among_all(dist.all_reduce, flat)
            for gradient, total in zip(bucket, flat.split([g.numel() for g in bucket]), strict=True):
                gradient.copy_(total.view_as(gradient))

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether it is so in any process."""
        if self.size == 1:
            return flag
        flags = torch.tensor([float(flag)], device=device)
        _among_all(dist.all_reduce, flags, dist.ReduceOp.MAX)
        return bool(flags.item())

    def from_first(self, value):
        """What the first process has: a picklable value, the same for all."""
        if self.size == 1:
            return value
        box = [value]
        _among_all(dist.broadcast_object_list, box, src=0)
        return box[0]

    def from_all(self, value) -> list:
        """What each process has, in their order: picklable values."""
        if self.size == 1:
            return [value]
        values = [None] * self.size
        _among_all(dist.all_gather_object, values, value)
        return values

    def by_first(self, function: Callable[[], object]):
        """What `function` gives or raises in the first process, the only one to call it: the same in all."""
        if self.size == 1:
            return function()
        outcome = None
        if self.first:
            try:
                outcome = function()
            except Exception as error:  # the others would wait for it in vain
                outcome = error
        outcome = self.from_first(outcome)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def _among_all(tell: Callable, *arguments, **options) -> None:
    """Call a function of torch.distributed that every process calls."""
    try:
        tell(*arguments, **options)
    except torch.OutOfMemoryError:  # a RuntimeError, and this process's own
        raise
    except RuntimeError as error:
        what = f"another process of this run has ended; its own message says why ({first_line(error)})"
        raise ProcessLost(what) from error


def _agree_on_gradients(parameters: list[nn.Parameter]) -> None:
    """Zeros for a gradient that another process has: this one had nothing to embed."""
    if not parameters:
        return
    there = torch.tensor([float(p.grad is not None) for p in parameters], device=parameters[0].device)
    _among_all(dist.all_reduce, there, dist.ReduceOp.MAX)
    for parameter, somewhere in zip(parameters, there.tolist(), strict=True):
        if somewhere and parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)


def in_buckets(tensors: Iterable[Tensor], most_bytes: int = BUCKET_BYTES) -> Iterator[list[Tensor]]:
    """The tensors in their order, as many together as have that many bytes, at least one."""
    bucket: list[Tensor] = []
    held = 0
    for tensor in tensors:
        if bucket and held + tensor.nbytes > most_bytes:
            yield bucket
            bucket, held = [], 0
        bucket.append(tensor)
        held += tensor.nbytes
    if bucket:
        yield bucket


@contextmanager
def join_processes() -> Iterator[World]:
    """The processes that train together: all that torchrun has started, on any number of machines, or this one
    alone. Where they are joined already, as by a script of one's own, they stay so.

    A context manager, or the decorator of a function that trains. Features on GPUs travel through NCCL, those on
    CPUs, and everything else, through gloo.
    """
    if not started_by_torchrun() or dist.is_initialized():
        yield World.joined()
        return
    gpus, place = torch.cuda.device_count(), int(os.environ["LOCAL_RANK"])
    if place < gpus:
        torch.cuda.set_device(place)
    times = next(_joined)
    patience = PATIENCE if times else JOINING  # later the first process may come from measuring what it trained
    store, rank, size = next(dist.rendezvous("env://", timeout=patience))
    store.set_timeout(PATIENCE)
    # Another prefix each time: the store outlives the group, and would tell the next one this one's addresses.
    store = dist.PrefixStore(f"rsclip-lab {times}", store)
    _await_all(store, rank, size, patience)
    backend = "cpu:gloo,cuda:nccl" if gpus and dist.is_nccl_available() else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=PATIENCE)
    yield World.joined()
    leave_processes()  # not after an error: NCCL would wait for others that may never come


def leave_processes() -> None:
    """Part from the other processes.

    Before torch 2.8 a group that is dropped waits for its threads while it holds Python's lock, which such a thread
    may want for its last act (pytorch pull request 154976). So it is dropped a moment later.
    """
    group = dist.group.WORLD
    dist.destroy_process_group()
    time.sleep(SETTLED)
    del group


def _await_all(store: dist.Store, rank: int, size: int, patience: timedelta) -> None:
    """Return when all processes have come. ProcessLost when it takes longer."""
    store.set(f"here {rank}", "")
    try:
        store.wait([f"here {number}" for number in range(size)], patience)
    except RuntimeError as error:
        missing = ", ".join(str(number) for number in range(size) if not store.check([f"here {number}"]))
        what = f"of {size} processes number {missing} did not join within {patience.total_seconds() / 60:g} minutes"
        raise ProcessLost(f"{what}: every process that torchrun starts has to call `finetune`") from error


def device_of_this_process(device: torch.device) -> torch.device:
    """Where this process computes, of a model on `device`: under torchrun each has a GPU of its own, whatever the
    number of the model's; else, and on CPUs, the model's device.

    Raises ValueError where there are more processes than GPUs, or for a device that processes cannot share.
    """
    if not started_by_torchrun() or device.type == "cpu":
        return device
    place, gpus = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if device.type != "cuda" or place >= gpus:
        raise ValueError(
            f"process {place + 1} of this machine has no GPU of its own: CUDA can use {gpus} here, and each process "
            'needs one; start no more processes (--nproc-per-node) than there are GPUs, or load the model on "cpu"'
        )
    return torch.device("cuda", place)


def started_by_torchrun() -> bool:
    return dist.is_available() and dist.is_torchelastic_launched()


def stop_when_input_ends() -> None:
    """Ctrl-C for this process, from now on, when its standard input ends: as a pipe does when the process that holds
    its other end closes it, or is no more. It comes also where Ctrl-C was ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_watch_input, daemon=True).start()


def _watch_input() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGINT)
