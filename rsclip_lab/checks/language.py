"""Captions in another language than the model's tokenizer and text encoder were made for."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from rsclip_lab.checks.kinds import Problem, counted, quoted
from rsclip_lab.data.wording.language import foreign


def language_problems(captions: pd.DataFrame) -> Iterator[Problem]:
    """One problem for each language or script that is surely not English, with the first of its captions."""
    texts = captions["text"].dropna()
    found = {text: foreign(text) for text in texts.drop_duplicates()}
    languages = texts.map(found).dropna()
    for language, rows in languages.groupby(languages):
        first = rows.index[0]
        detail = f"{counted(len(rows), 'caption')} {language}, the first {quoted(texts[first])}"
        if len(rows) > 1:
            detail += f"; rows {', '.join(map(str, rows.index[:5]))}{', …' if len(rows) > 5 else ''}"
        yield Problem("foreign_caption", first, captions.at[first, "image"], detail)
