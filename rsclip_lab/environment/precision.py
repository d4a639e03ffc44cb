"""What to compute on, and in which number format: by rule, with the reason for it."""

import contextlib
import functools
import os
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional

FORMATS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
WORTHWHILE = 1.2  # times as fast as float32: below, bfloat16 on a CPU gains less than its rounding may cost


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
@torch.inference_mode(False)
@torch.enable_grad()
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
    """Which of the instruction sets that multiply bfloat16 this CPU has: x86's, or "bf16" of ARM."""
    wanted = ["avx512_bf16", "amx_bf16"]
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        flags = next((line for line in lines if line.startswith(("flags", "Features"))), "").split()
        return [name for name in (*wanted, "bf16") if name in flags]
    except OSError:  # not Linux: torch knows, under names that are not public and may go
        probes = {"avx512_bf16": "_is_avx512_bf16_supported", "amx_bf16": "_is_amx_tile_supported"}
        return [name for name in wanted if getattr(torch.cpu, probes[name], bool)()]
