"""Captions longer than the model reads, and how to shorten them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator

import pandas as pd

from rsclip_lab.checks.kinds import Problem, counted

MARKS = 2  # the start and the end token of CLIP's own tokenizer
LONG_WORD = re.compile(r"(\S{100})(?=\S)")  # byte-pair encoding takes time in the square of a word's length


def token_counter(tokenizer) -> Callable[[str], int]:
    """Gives the tokens of a caption, with those that the tokenizer puts around it.

    Of CLIP's own tokenizer no token goes across a space: each distinct word is encoded once, and in words of over 100
    letters the count may be off by a token a hundred letters. Others encode the whole caption.
    """
    if hasattr(tokenizer, "marks"):
        return lambda text: tokenizer.marks + len(tokenizer.encode(text))
    of_word = functools.cache(lambda word: len(tokenizer.encode(word)))
    return lambda text: MARKS + sum(map(of_word, LONG_WORD.sub(r"\1 ", text).split()))


def context_length(tokenizer) -> int:
    return tokenizer([""]).shape[1]


def cut_captions(captions: pd.DataFrame, tokenizer) -> Iterator[Problem]:
    """Each row whose caption is cut; the last problem's detail tells the sum."""
    count, context = token_counter(tokenizer), context_length(tokenizer)
    texts = captions["text"].dropna()
    tokens = {text: number for text in texts.drop_duplicates() if (number := count(text)) > context}
    cut = texts[texts.isin(tokens)]
    lost = sum(tokens[text] - context for text in cut)
    for row, text in cut.items():
        over = tokens[text] - context
        are = "is" if over == 1 else "are"
        detail = f"{tokens[text]:,} tokens, the model reads {context}; {over:,} {are} cut off silently"
        if len(cut) > 1:
            detail += f" (in all {lost:,} tokens of {counted(len(cut), 'caption')})"
        yield Problem("cut_caption", row, captions.at[row, "image"], detail)


def shortened(text: str, fits: Callable[[str], bool]) -> str:
    """As many whole sentences from the start as fit; else whole phrases, else whole words, else letters."""
    for ends in (r"(?<=[.!?;])\s+", r"(?<!\s)(?:\s*[,:]\s+|\s+(?:and|with|while|where)\s+)", r"\s+", r"(?<=.)(?=.)"):
        places = [found.start() for found in re.finditer(ends, text, re.S) if found.start() > 0]
        if places and fits(text[: places[0]]):
            return text[: _last_that_fits(places, lambda place: fits(text[:place]))].rstrip(" ,:;")
    return text


def _last_that_fits(places: list[int], fits: Callable[[int], bool]) -> int:
    """By halving: the first of them fits."""
    low, high = 0, len(places)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(places[middle]) else (low, middle)
    return places[low]
