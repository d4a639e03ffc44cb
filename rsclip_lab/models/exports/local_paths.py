"""Descriptions that are handed on tell nothing of the folders of this machine."""

import re
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath


def without_paths(value):
    """The same as a copy; of each text that is an absolute path, of any system, the last part alone.

    The home folder within a longer text becomes "~". Goes through dictionaries, lists and tuples, which become lists.
    """
    if isinstance(value, dict):
        return {without_paths(key): without_paths(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_paths(one) for one in value]
    return _shortened(str(value)) if isinstance(value, str | PurePath) else value


def _shortened(text: str) -> str:
    if PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute():
        return re.split(r"[\\/]", text.rstrip("\\/"))[-1]
    home = Path.home()
    return text.replace(str(home), "~") if len(home.parts) > 1 else text  # a system's own user may live in "/"
