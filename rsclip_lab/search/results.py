"""What a search gives: pictures in the order of their cosine, as a table and with thumbnails."""

from __future__ import annotations

import base64
import html
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
from PIL import Image

from rsclip_lab.data import ImageError, open_image

SIDE, SHOWN = 112, 24  # pixels of a thumbnail, and how many of them
LONGEST_TITLE = 120  # letters
GONE, UNREADABLE = "no longer there", "cannot be read"


@dataclass(frozen=True, eq=False)
class SearchResults:
    """The pictures that a query found, the best first; in a notebook it shows their thumbnails.

    query: the text, or the name of the picture. images: absolute paths. scores: their cosines with the query.
    """

    query: str
    images: Sequence[str]
    scores: Sequence[float]

    @cached_property
    def table(self) -> pd.DataFrame:
        """`rank` (1 is the best), `image`, `score` (cosine), `there`: whether the file still is, when first asked."""
        columns = {
            "rank": range(1, len(self) + 1),
            "image": pd.Series(list(self.images), dtype=object),
            "score": pd.Series([float(score) for score in self.scores], dtype=float),
            "there": pd.Series([os.path.isfile(image) for image in self.images], dtype=bool),
        }
        return pd.DataFrame(columns)

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self):
        """Pairs of image and score."""
        return iter(zip(self.images, map(float, self.scores), strict=True))

    def __repr__(self) -> str:
        lines = [self._title()]
        for rank, image, score, there in self.table.itertuples(index=False):
            lines.append(f"{rank:4}  {score:+.3f}  {_from_here(image)}{'' if there else f' ({GONE})'}")
        return "\n".join(lines)

    def _title(self) -> str:
        count = "1 picture" if len(self) == 1 else f"{len(self)} pictures"
        return f"{count} for {shortened(self.query, LONGEST_TITLE)!r}"

    def _repr_html_(self) -> str:
        rows = list(self.table.itertuples(index=False))
        cells = "".join(map(_cell, rows[:SHOWN]))
        more = f"<p>and {len(rows) - SHOWN} more, see .table</p>" if len(rows) > SHOWN else ""
        title = html.escape(self._title())
        return f"<p><b>{title}</b></p><div style='display:flex;flex-wrap:wrap;gap:8px'>{cells}</div>{more}"


def shortened(text: str, longest: int) -> str:
    """At most so many letters on one line, cut between words unless that loses half of them."""
    text = " ".join(text.split())
    if len(text) <= longest:
        return text
    cut = text[: longest - 2]
    words = cut.rpartition(" ")[0]
    return f"{words if len(words) > longest // 2 else cut} …"


def _from_here(image: str) -> str:
    """The path as one would write it in the current folder, where it lies below that."""
    path, here = Path(image), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _cell(row) -> str:
    name = html.escape(Path(row.image).name)
    box = f"width:{SIDE}px;height:{SIDE}px;object-fit:contain"
    thumbnail = thumbnail_of(row.image) if row.there else GONE
    if isinstance(thumbnail, str):
        picture = f"<div style='{box};border:1px dashed #8A8A8A'>{thumbnail}</div>"
    else:
        data = base64.b64encode(thumbnail).decode()
        picture = f"<img alt='{name}' style='{box}' src='data:image/jpeg;base64,{data}'>"
    style = f"width:{SIDE}px;font-size:11px;overflow-wrap:anywhere"
    return f"<div style='{style}'>{picture}{row.rank}. cosine {row.score:+.3f}<br>{name}</div>"


def thumbnail_of(image: str) -> bytes | str:
    """A JPEG of at most 112 x 112 pixels, or why there is none."""
    try:
        picture = open_image(image)
    except ImageError:
        return UNREADABLE
    picture.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=70)
    return data.getvalue()
