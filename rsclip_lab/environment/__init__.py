"""Is this machine ready: device, number format, versions, seeds, progress bars (notebook 01)."""

from rsclip_lab.environment.precision import (
    FORMATS,
    Precision,
    emulates_bfloat16,
    select_device,
    select_precision,
)
from rsclip_lab.environment.report import environment_report
from rsclip_lab.environment.work import (
    first_line,
    in_notebook,
    in_threads,
    progress,
    set_seed,
    throughput,
    usable_cores,
)

__all__ = [
    "FORMATS",
    "Precision",
    "emulates_bfloat16",
    "environment_report",
    "first_line",
    "in_notebook",
    "in_threads",
    "progress",
    "select_device",
    "select_precision",
    "set_seed",
    "throughput",
    "usable_cores",
]
