"""What this machine offers: versions, device, number format, cores and space."""

import contextlib
import os
import platform
import shutil
import sys
from importlib import metadata
from pathlib import Path

import pandas as pd
import torch

from rsclip_lab.environment.precision import select_device, select_precision
from rsclip_lab.environment.work import usable_cores

# Fewer gigabytes than these and the course gets tight; the models of the course are small.
COMFORTABLE_MEMORY_GB = 4
COMFORTABLE_DISK_GB = 3


def environment_report() -> pd.DataFrame:
    """What this machine offers: `item`, `value`, and as `verdict` "ok" or what to expect or do."""
    device = select_device()
    precision = select_precision(device)
    rows = [("python", platform.python_version(), "ok" if sys.version_info >= (3, 11) else "3.11 or later needed")]
    rows += [_package_row(name) for name in ("torch", "torchvision", "open_clip_torch", "timm")]
    rows += [_device_row(device), ("precision", str(precision.dtype).removeprefix("torch."), precision.reason)]
    cores = usable_cores()
    rows.append(("CPU cores", str(cores), "ok" if cores > 2 else "few: decode the pictures once (PixelStore)"))
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
