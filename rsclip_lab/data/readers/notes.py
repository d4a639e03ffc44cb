"""Warnings of the readers, shown at the line that asked for the captions."""

import inspect
import warnings
from pathlib import Path

PACKAGE = str(Path(__file__).parents[2])


def note(message: str) -> None:
    """A UserWarning at the first line outside this package among the callers."""
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_code.co_filename.startswith((PACKAGE, "<frozen")):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)
