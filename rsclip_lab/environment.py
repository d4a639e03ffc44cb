"""Is this machine ready: device, number format, versions, seeds, progress bars (notebook 01)."""

import contextlib
import functools
import os
import platform
import random
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn import functional
from tqdm.std import tqdm

# Fewer gigabytes than these and the course gets tight; the models of the course are small.
COMFORTABLE_MEMORY_GB = 4
COMFORTABLE_DISK_GB = 3
FORMATS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
WORTHWHILE = 1.2  # times as fast as float32: below, bfloat16 on a CPU gains less than its rounding may cost
AHEAD_A_THREAD = 8  # results that a thread may be ahead of who takes them


def select_device(device: str | torch.device = "auto") -> torch.device:
    """The device to compute on: "auto" takes cuda, else mps, else cpu; a named one is checked to be there.

    Raises ValueError for a device that this machine or this build of torch does not have.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if str(device) == "auto":
        return torch.device(next(kind for kind, there in available.items() if there))
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"unknown device {device!r}; use one of: auto, cuda, mps, cpu") from error
    if not available.get(chosen.type, True):
        raise ValueError(f'device "{device}" is not available on this machine; use device="auto"')
    return chosen


@dataclass(frozen=True)
class Precision:
    """The number format of the forward pass, and why; weights and their updates stay float32 in any case."""

    dtype: torch.dtype
    autocast: bool  # whether the forward pass runs under torch.autocast
    scaler: bool  # whether gradients need scaling: float16 underflows below about 6e-8, bfloat16 does not
    reason: str
    device_type: str = "cpu"

    def context(self) -> contextlib.AbstractContextManager:
        """The context manager to run the forward pass in."""
        if not self.autocast:
            return contextlib.nullcontext()
        return torch.autocast(self.device_type, dtype=self.dtype)


def select_precision(device: str | torch.device = "auto", wanted: str = "auto") -> Precision:
    """The number format to compute in on `device`: "auto" takes the fastest that it really computes in.

    wanted: "auto", "fp32", "bf16" or "fp16". "Supported" is not the question: a T4 (compute capability 7.5) says
    that it supports bfloat16 and emulates it, and a CPU without instructions for it trains ten times slower in it;
    one that has them is measured, once a process, in some hundredths of a second.
    Raises ValueError for another word, and for fp16 without CUDA.
    """
    device = select_device(device)
    if wanted not in ("auto", *FORMATS):
        raise ValueError(f"precision {wanted!r}: use one of auto, {', '.join(FORMATS)}")
    if wanted == "fp16" and device.type != "cuda":
        raise ValueError(
            f'precision "fp16" needs a CUDA GPU: float16 wants its gradients scaled, and on {device.type} it is no '
            'faster than float32; use "auto", which takes what is fast here, or "fp32"'
        )
    chosen, why = _suited_format(device) if wanted == "auto" else (wanted, "asked for")
    if wanted == "bf16" and emulates_bfloat16(device):
        why += ", though this device only emulates it, slowly"
    dtype, scaler = FORMATS[chosen], chosen == "fp16"
    name = str(dtype).removeprefix("torch.") + (" with a gradient scaler" if scaler else "")
    return Precision(dtype, chosen != "fp32", scaler, f"{name}: {why}", device.type)


def _suited_format(device: torch.device) -> tuple[str, str]:
    """The fastest format for the device, and why."""
    emulated = emulates_bfloat16(device)
    if device.type == "cuda":
        capability = "compute capability {}.{}".format(*torch.cuda.get_device_capability(device))
        if emulated:
            return "fp16", f"{capability} only emulates bfloat16"
        return "bf16", f"{capability} has units for it"
    if device.type != "cpu":
        return "fp32", "the safe choice here"
    if emulated:
        return "fp32", "this CPU has no instructions for a shorter format"
    gain = _bfloat16_gain()
    if gain < WORTHWHILE:
        return "fp32", f"bfloat16 is only {gain:.1f} times as fast on this CPU"
    return "bf16", f"{gain:.1f} times as fast on this CPU ({', '.join(_bfloat16_instructions())})"


def emulates_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 works on this device, but slower than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) < (8, 0)
    return device.type == "cpu" and not _bfloat16_instructions()


@functools.cache
def _bfloat16_gain() -> float:
    """How many times faster than float32 this CPU takes a small network forward and back in bfloat16."""
    random = torch.Generator().manual_seed(0)  # its own: a run's random numbers stay what its seed makes them
    shapes = (8, 64, 14, 14), (64, 64, 3, 3), (256, 64)
    pixels, kernel, matrix = (torch.rand(shape, generator=random).requires_grad_() for shape in shapes)

    # Of the processor's time: on a busy machine the wall's is chance. Windows counts it in ticks too long for this.
    clock = time.perf_counter if os.name == "nt" else time.thread_time

    def seconds(autocast: bool) -> float:
        start = clock()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            maps = functional.relu(functional.conv2d(pixels, kernel, padding=1))
            features = functional.gelu(functional.linear(maps.flatten(2).mT, matrix))
        features.float().mean().backward()
        return clock() - start

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the others' time would not be counted
    try:
        times = [(seconds(False), seconds(True)) for _ in range(6)]
    finally:
        torch.set_num_threads(threads)
    float32, bfloat16 = map(min, zip(*times, strict=True))
    return float32 / bfloat16


def _bfloat16_instructions() -> list[str]:
    """Which of the x86 instruction sets that multiply bfloat16 this CPU has."""
    wanted = ["avx512_bf16", "amx_bf16"]
    try:
        flags = Path("/proc/cpuinfo").read_text().partition("flags")[2].partition("\n")[0].split()
        return [name for name in wanted if name in flags]
    except OSError:  # not Linux: torch knows, under names that are not public and may go
        probes = {"avx512_bf16": "_is_avx512_bf16_supported", "amx_bf16": "_is_amx_tile_supported"}
        return [name for name in wanted if getattr(torch.cpu, probes[name], bool)()]


def set_seed(seed: int) -> None:
    """Start the random numbers of Python, numpy and torch (all devices) at `seed`."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def environment_report() -> pd.DataFrame:
    """What this machine offers: `item`, `value`, and as `verdict` "ok" or what to expect or do."""
    device = select_device()
    precision = select_precision(device)
    rows = [("python", platform.python_version(), "ok" if sys.version_info >= (3, 11) else "3.11 or later needed")]
    rows += [_package_row(name) for name in ("torch", "torchvision", "open_clip_torch", "timm")]
    rows += [_device_row(device), ("precision", str(precision.dtype).removeprefix("torch."), precision.reason)]
    rows.append(("CPU cores", str(_cores()), "ok" if _cores() > 2 else "few: decode the pictures once (PixelStore)"))
    rows += _space_rows()
    return pd.DataFrame(rows, columns=["item", "value", "verdict"])


def _package_row(name: str) -> tuple[str, str, str]:
    try:
        return name, metadata.version(name), "ok"
    except metadata.PackageNotFoundError:
        return name, "missing", f"install it: pip install {name}"


def _device_row(device: torch.device) -> tuple[str, str, str]:
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return "device", f"{properties.name}, {properties.total_memory / 1e9:.0f} GB", "ok"
    if device.type == "mps":
        return "device", "Apple GPU (mps)", "ok"
    return "device", "cpu", "ok for the model `tiny`; larger ones want a GPU (in Colab: Runtime, Change runtime type)"


def _space_rows() -> list[tuple[str, str, str]]:
    rows = []
    with contextlib.suppress(AttributeError, OSError, ValueError):  # Windows has no sysconf
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
        verdict = "ok" if memory >= COMFORTABLE_MEMORY_GB else "small: lower batch_size"
        rows.append(("memory", f"{memory:.0f} GB", verdict))
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    verdict = "ok" if free >= COMFORTABLE_DISK_GB else "little: models may not fit"
    return [*rows, ("free disk here", f"{free:.0f} GB", verdict)]


def _cores() -> int:
    # In a container the cores one may use are often fewer than the machine has.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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

    Text rather than a widget, so that it needs no ipywidgets and a saved notebook shows no dead widget.
    options: others of tqdm's.
    """
    notebook = in_notebook()
    stream = sys.stdout if notebook else sys.stderr  # notebooks paint stderr red
    # Every refresh is kept in a saved notebook or a log file: be sparing where nobody watches a terminal.
    pause = 0.1 if not notebook and stream.isatty() else 1.0
    options = {"leave": False, "delay": 1, "file": stream, "mininterval": pause} | options
    return tqdm(iterable, total=total, desc=desc, disable=disable, **options)


def in_threads(function: Callable, items: Iterable, threads: int | None = None, ahead: int | None = None) -> Iterator:
    """`map(function, items)` on threads (PIL decodes outside Python's lock), `ahead` results early at most."""
    threads = threads or min(8, _cores())
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
