"""Captions in another language than the model's tokenizer and text encoder were made for."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

import pandas as pd

from rsclip_lab.checks.kinds import Problem, counted, quoted

# Words that English captions can hardly do without. Two of them are proof enough, and quicker than a look at every
# letter; none of them is common in another language's captions.
ENGLISH = frozenset("the and with of are is in on there this some many from near by".split())
MIN_WORDS = 4  # fewer are not enough to tell: "baseball diamond" could be Italian
# Of py3langid. On the captions of RSICD and of the samples, English all of them, no wrong guess is above 0.54.
SURE = 0.75
LATIN_END = "\u024f"  # the last letter of the Latin blocks


def language_problems(captions: pd.DataFrame) -> Iterator[Problem]:
    """One problem for each language or script that is surely not English, with the first of its captions."""
    texts = captions["text"].dropna()
    found = {text: _foreign(text) for text in texts.drop_duplicates()}
    languages = texts.map(found).dropna()
    for language, rows in languages.groupby(languages):
        first = rows.index[0]
        detail = f"{counted(len(rows), 'caption')} {language}, the first {quoted(texts[first])}"
        if len(rows) > 1:
            detail += f"; rows {', '.join(map(str, rows.index[:5]))}{', …' if len(rows) > 5 else ''}"
        yield Problem("foreign_caption", first, captions.at[first, "image"], detail)


def _foreign(text: str) -> str | None:
    """ "in another script", "in the language de", or None."""
    letters = [letter for letter in text if letter.isalpha()]
    if sum(letter > LATIN_END for letter in letters) > len(letters) / 2:
        return "not in Latin letters"
    words = re.findall(r"[^\W\d_]+", text.lower())
    if len(words) < MIN_WORDS or sum(word in ENGLISH for word in words) >= 2:
        return None
    language, sure = _identifier().classify(text)
    return f"in another language ({language})" if language not in ("en", "zxx") and sure > SURE else None


@functools.cache
def _identifier():
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
