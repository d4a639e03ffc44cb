"""Which of the pictures that an index holds are meant."""

from __future__ import annotations

import os
from collections.abc import Collection

from rsclip_lab.search.pictures import Pictures, absolute, picture_paths

NAMED = 3  # pictures in a message


def stored_paths(images: Pictures, stored: Collection[str]) -> list[str]:
    """Those of `stored` that are named: paths, a table, or a folder for all that are below it, be they there or not.

    Raises ValueError for pictures that are not stored, naming some.
    """
    if isinstance(images, (str, os.PathLike)):
        path = absolute(images)
        if path in stored:
            return [path]
        if not (below := [image for image in stored if image.startswith(path.rstrip(os.sep) + os.sep)]):
            raise ValueError(f"{path}: no such picture is stored, nor any below it; .images lists what is")
        return below
    paths = picture_paths(images)
    if unknown := [path for path in paths if path not in stored]:
        more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
        raise ValueError(f"not stored: {', '.join(unknown[:NAMED])}{more}; .images lists what is")
    return paths
