"""Whatever form captions come in, one table."""

from pathlib import Path

import pandas as pd

from rsclip_lab.data.readers.csv_file import read_csv
from rsclip_lab.data.readers.records import ImageFolder, table_of
from rsclip_lab.data.table import CaptionError, select_split


def read_captions(
    source: str | Path, image_dir: str | Path | None = None, split: str | None = None
) -> pd.DataFrame:
    """The captions of a CSV file as a table, one row a caption.

    source: a CSV (or .tsv) file, or a folder with `caption.csv` and `images/`. The first column is the file
    name and the second the caption, as in the tutorial; columns named `filename`, `caption`, `label`, `split`
    are found in any position; a file without a header line is read by position.
    image_dir: where the pictures are; by default `images/` beside the file, else the file's folder.
    split: keep only this one ("train", "val" or "test").

    Gives `image` (absolute path), `caption`, `image_id` (one number a distinct picture, the same whichever
    split is read), `split` and `label` (None where unknown). Whether the pictures exist and open is `audit`'s
    to say.
    Raises CaptionError for a missing file or folder, an empty table, a missing column, a malformed row.
    """
    path = _caption_file(Path(source))
    folder = ImageFolder.beside(path, image_dir)
    return select_split(table_of(read_csv(path, folder), folder, path), split, source=str(path))


def _caption_file(source: Path) -> Path:
    path = source / "caption.csv" if source.is_dir() else source
    if path.is_file():
        return path
    if source.is_dir():
        raise CaptionError(
            f"{source}: no caption.csv in this folder; put one there, or name the CSV file itself"
        )
    raise CaptionError(
        f"{source}: no such file or folder; expected a CSV, or a folder with caption.csv and images/"
    )
