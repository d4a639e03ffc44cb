"""The audit of a caption table and its report."""

import html
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rsclip_lab.checks import problems as find
from rsclip_lab.checks.trainable import require_columns

COLUMNS = ["row", "file", "kind", "severity", "detail", "remedy"]


@dataclass(frozen=True, repr=False)
class AuditReport:
    """What `audit` found: `.problems`, one row a problem, worst first; `.ok` when none of them is an error.

    Columns of `problems`: `row` (in the table of captions; empty where the whole table is meant), `file`,
    `kind`, `severity` ("error": training would fail or mislead, "warning": it would suffer, "info"),
    `detail`, `remedy`.
    """

    problems: pd.DataFrame
    images: int
    captions: int

    @property
    def ok(self) -> bool:
        return not (self.problems["severity"] == "error").any()

    def _title(self) -> str:
        counts = self.problems["severity"].value_counts()
        found = (
            ", ".join(f"{counts[s]} {s}" for s in ("error", "warning", "info") if s in counts)
            or "no problems"
        )
        return f"{self.images} pictures, {self.captions} captions: {found}"

    def __str__(self) -> str:
        return self._title() + ("\n" + self._shown().to_string(index=False) if len(self.problems) else "")

    __repr__ = __str__

    def _repr_html_(self) -> str:
        with pd.option_context("display.max_colwidth", None):
            table = self._shown().to_html(index=False, max_rows=30)
        return f"<p><b>{html.escape(self._title())}</b></p>" + (table if len(self.problems) else "")

    def _shown(self) -> pd.DataFrame:
        """For the eye: bare file names, and nothing where there is nothing."""
        shown = self.problems.astype(object)
        shown["file"] = [Path(file).name if isinstance(file, str) else "" for file in shown["file"]]
        return shown.where(shown.notna(), "")


def audit(captions: pd.DataFrame, model=None, batch_size: int = 32) -> AuditReport:
    """Look at every picture and caption of a table and report what is wrong; none of it makes it raise.

    captions: as `read_captions` gives them. model: a `Clip`; with it, captions longer than its context length
    and pictures smaller than its image size are found too. batch_size: pictures of a training batch, for the
    check that there are enough. Every picture is decoded once, on several threads.
    """
    require_columns(captions)
    if not captions.index.is_unique:  # tables put together
        captions = captions.reset_index(drop=True)
    pictures = captions.drop_duplicates("image").assign(row=lambda table: table.index)
    facts = list(find.inspect_all(pictures["image"].tolist()))
    problems = [
        *find.file_problems(pictures, facts),
        *find.size_problems(pictures, facts, model),
        *find.mode_problems(pictures, facts),
        *find.repeated_pictures(captions, pictures, facts),
        *find.caption_problems(captions),
        *(find.cut_captions(captions, model.tokenizer) if model is not None else ()),
        *find.set_problems(pictures, batch_size),
    ]
    table = pd.DataFrame(problems, columns=COLUMNS).astype({"row": "Int64"})
    rank = table["severity"].map({"error": 0, "warning": 1, "info": 2})
    table = table.iloc[rank.argsort(kind="stable")].reset_index(drop=True)
    return AuditReport(table, len(pictures), len(captions))
