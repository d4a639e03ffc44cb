"""A captions table as evaluation reads it: its pictures, each once, and what kind each is of."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from rsclip_lab.data.table import CaptionError, require_columns


def pictures_of(
    table: pd.DataFrame, name: str, columns: Sequence[str] = ("image", "label")
) -> tuple[np.ndarray, list[str], list[str | None]]:
    """(the picture's number of each row [rows], the pictures in order of appearance, the label of each as text).

    A picture's label is the first that one of its rows has; None where none has. Raises CaptionError, beginning with
    `name`, for what is no table, lacks one of `columns`, or has a row without a picture.
    """
    require_columns(table, name, columns)
    require_filled(table, ["image"], name)
    # By path rather than image_id: tables put together count their ids from 0 each.
    image_of_row, images = pd.factorize(table["image"])
    there, labels = filled(table["label"]), {}
    for image, label in zip(image_of_row[there], table["label"][there], strict=True):
        labels.setdefault(image, str(label))
    return image_of_row, list(images), [labels.get(number) for number in range(len(images))]


def require_filled(table: pd.DataFrame, columns: Sequence[str], name: str) -> None:
    """CaptionError, beginning with `name`, for the first row where a cell of `columns` is empty."""
    for column in columns:
        there = filled(table[column])
        if not there.all():
            row, value = table.index[~there][0], table[column][~there].iloc[0]
            raise CaptionError(f"{name}, row {row}: no {column} ({value!r}); fill it in or remove the row")


def filled(cells: pd.Series) -> np.ndarray:
    """[rows] bool: False where a cell is missing or the empty text."""
    return (cells.astype(object).where(cells.notna(), "") != "").to_numpy()
