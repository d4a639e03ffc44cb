"""Work that takes its time: progress bars, threads, seeds, and how fast it goes."""

import os
import random
import sys
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from tqdm.std import tqdm

AHEAD_A_THREAD = 8  # results that a thread may be ahead of who takes them
_bars: weakref.WeakSet = weakref.WeakSet()  # a closed one is disabled


def set_seed(seed: int) -> None:
    """Start the random numbers of Python, numpy and torch (all devices) at `seed`."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def throughput(
    function: Callable[[], object], items: int, seconds: float = 1.0, device: str | torch.device = "cpu"
) -> float:
    """Items a second when a call of `function` handles `items`: one call to warm up, then for `seconds`."""
    wait = torch.cuda.synchronize if torch.device(device).type == "cuda" else (lambda: None)
    function()
    wait()
    calls, start = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - start < seconds:
        function()
        calls += 1
    wait()
    return calls * items / (time.perf_counter() - start)


def progress(
    iterable: Iterable | None = None, total: int | None = None, desc: str = "", disable: bool = False, **options
) -> tqdm:
    """A plain-text progress bar: nothing for work under a second, and it clears itself at the end.

    Text rather than a widget, so that it needs no ipywidgets and a saved notebook shows no dead widget. One at a
    time: work within work that has a bar gets none, for two of them do not clear themselves in a notebook.
    options: others of tqdm's.
    """
    disable = disable or not all(bar.disable for bar in _bars)
    notebook = in_notebook()
    stream = sys.stdout if notebook else sys.stderr  # notebooks paint stderr red
    # Every refresh is kept in a saved notebook or a log file: be sparing where nobody watches a terminal.
    pause = 0.1 if not notebook and stream.isatty() else 1.0
    options = {"leave": False, "delay": 1, "file": stream, "mininterval": pause} | options
    bar = tqdm(iterable, total=total, desc=desc, disable=disable, **options)
    _bars.add(bar)
    return bar


def in_threads(function: Callable, items: Iterable, threads: int | None = None, ahead: int | None = None) -> Iterator:
    """`map(function, items)` on threads (PIL decodes outside Python's lock), `ahead` results early at most."""
    threads = threads or min(8, usable_cores())
    ahead = AHEAD_A_THREAD * threads if ahead is None else ahead
    waiting: deque = deque()
    with ThreadPoolExecutor(max_workers=threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def first_line(error: BaseException) -> str:
    """The first line of what an error says, at most 160 characters of it; its class where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]


def in_notebook() -> bool:
    """Whether a notebook's kernel runs this code."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel")


def usable_cores() -> int:
    """How many processor cores this process may use: in a container often fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
