"""Captions that are corrected in a copy of their table; the table and the file it came from stay as they are."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from rsclip_lab.data import CaptionError
from rsclip_lab.data.table import COLUMNS, require_columns, text_of
from rsclip_lab.data.writers import write_csv

SUFFIXES = (".csv", ".tsv")


class EditedCaptions:
    """A copy of a table of captions, and what was changed in it. Rows are meant by their position from 0.

    A table without `image_id`, `split` or `label` gets these columns, the last two empty.
    Raises CaptionError for what is no table, or has no column `image` or `caption`.
    """

    def __init__(self, captions: pd.DataFrame) -> None:
        require_columns(captions, columns=["image", "caption"])
        missing = [name for name in COLUMNS if name not in captions]
        self.original = captions.assign(**{name: None for name in missing})
        if "image_id" in missing:
            self.original["image_id"] = pd.factorize(captions["image"])[0]
        self.table = self.original.copy()
        self.table["caption"] = self.table["caption"].astype(object)
        self.column = self.table.columns.get_loc("caption")
        self.steps: list[tuple[int, object]] = []  # row, and the cell as it was before
        self.written: dict[Path, tuple] = {}  # and how each file was left
        self.saved: dict[int, str] = {}

    def text(self, row: int) -> str:
        """The caption as it stands; empty for a cell that holds no text."""
        return cell_text(self.table.iat[row, self.column])

    def before(self, row: int) -> str | None:
        """The caption as it came, of a row that has another now; None for others."""
        came = cell_text(self.original["caption"].iat[row])
        return came if came != self.text(row) else None

    def edit(self, row: int, text: str) -> bool:
        """Give a row another caption, on one line; whether it is another. CaptionError for one without words."""
        text = " ".join(text.split()) if "\n" in text else text.strip()
        if not text:
            raise CaptionError(
                f"row {self.table.index[row]}: a caption needs words; write some, or take the row out of the table"
            )
        if text == self.text(row):
            return False
        self.steps.append((row, self.table.iat[row, self.column]))
        self.table.iat[row, self.column] = text
        return True

    def undo(self) -> int | None:
        """Take the last edit back; its row, or None where there is none."""
        if not self.steps:
            return None
        row, former = self.steps.pop()
        self.table.iat[row, self.column] = former
        return row

    @property
    def edited(self) -> dict[int, str]:
        """{row: caption} of the rows that have another one than at first, in the order of the table."""
        rows = sorted({row for row, _ in self.steps})
        return {row: self.text(row) for row in rows if self.before(row) is not None}

    @property
    def unsaved(self) -> bool:
        """Whether the table differs from what was written last, or at first from the one it was made of."""
        return self.edited != self.saved

    def write(self, path: str | Path) -> tuple[Path, str]:
        """The edited table as a CSV file; where it is, and the folder that its file names start from.

        Raises FileExistsError for a file that is not as this object has left it: it may be where the captions came
        from, or somebody else's. ValueError for a name that is not of a CSV file, FileNotFoundError for a folder that
        is not there, OSError where the file cannot be written, CaptionError as `write_csv` does.
        """
        path = checked_place(str(path).strip())
        if os.path.lexists(path) and self.written.get(path) != stamp(path):
            raise FileExistsError(
                f"{path} is there already and stays as it is: it may be what the captions came from, or somebody "
                "else's; give the copy another name"
            )
        try:
            image_dir = write_csv(self.table, path)
        except OSError as error:
            raise OSError(f"{path}: cannot be written ({error.strerror}); name another place") from error
        self.written[path] = stamp(path)
        self.saved = self.edited
        return path, image_dir


def checked_place(name: str) -> Path:
    """Where the copy goes; ValueError for what names no table of text, FileNotFoundError for a folder that is not."""
    if not name:
        raise ValueError("no name for the file: give one, such as captions_edited.csv")
    path = Path(os.path.abspath(os.path.expanduser(name)))
    if path.suffix.lower() not in SUFFIXES or "\0" in name:
        raise ValueError(f"{str(path)!r}: the copy is a table of text; end its name in .csv or .tsv")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path.parent}: there is no such folder; make it, or name another")
    return path


def stamp(path: Path) -> tuple:
    """What changes when somebody else writes the file."""
    facts = path.lstat()
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


def cell_text(value: object) -> str:
    """A cell of the table in words, whatever it holds."""
    try:
        return text_of(value, "the caption") or ""
    except CaptionError:
        return ""
