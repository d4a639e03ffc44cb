"""Captions in other words: English to another language and back, an offline step before training."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from rsclip_lab.data.table import CaptionError, require_columns
from rsclip_lab.environment import progress

Translate = Callable[[list[str]], list[str]]
START = b'{"settings": '  # of a file of finished translations


class TranslationMemory:
    """Finished translations by round trip and caption; with a path, each batch is kept there at once.

    A run that was cut off goes on from that file. One line of JSON holds one batch, so that a batch is there as a
    whole or not at all. settings: what the translations depend on, as JSON; going on with other settings would mix
    two kinds. Raises CaptionError for a file that was begun with others, or that is something else.
    """

    def __init__(self, path: str | Path | None = None, settings: dict | None = None):
        self.path = None if path is None else Path(os.path.expanduser(path))
        self._first = {"settings": settings or {}}
        self._known: dict[str, dict[str, str]] = {}
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._read(self.path.read_bytes() if self.path.exists() else b"")

    def known(self, name: str) -> dict[str, str]:
        """{caption: translation} of one round trip."""
        return self._known.setdefault(name, {})

    def add(self, name: str, captions: list[str], translations: list[str]) -> None:
        """Keep one finished batch. Raises CaptionError where the translations are not one a caption."""
        if len(captions) != len(translations):
            raise CaptionError(
                f"round trip {name!r}: {len(translations)} translations of {len(captions)} captions; "
                "the function must give one a caption, in their order"
            )
        pairs = dict(zip(captions, translations, strict=True))
        self._write({"through": name, "pairs": pairs})
        self.known(name).update(pairs)

    def _write(self, batch: dict) -> None:
        if self.path is None:
            return
        with self.path.open("a", encoding="utf-8") as file:
            for entry in [batch] if file.tell() else [self._first, batch]:
                file.write(json.dumps(entry) + "\n")

    def _read(self, written: bytes) -> None:
        whole = written[: written.rfind(b"\n") + 1]  # a last line without its end was cut off as it was written
        ours = written.startswith(START) or START.startswith(written)  # even if the first line was cut off
        try:
            lines = (whole if ours else written).splitlines()
            first, *batches = [json.loads(line) for line in lines] or [self._first]
            for batch in batches:
                self.known(batch["through"]).update(batch["pairs"])
        except (ValueError, KeyError, TypeError) as error:
            cause = "not a file of finished translations"
            raise CaptionError(f"{self.path}: {cause}; move it away, or write to another file") from error
        if first != self._first:
            raise CaptionError(
                f"{self.path}: begun with other settings ({json.dumps(first)[:300]}); go on with those, or delete it"
            )
        if written != whole:
            os.truncate(self.path, len(whole))


def back_translate(
    captions: pd.DataFrame,
    translate: Translate | Mapping[str, Translate],
    tokenizer: Callable[[list[str]], object],
    memory: TranslationMemory | None = None,
    batch_size: int = 64,
) -> pd.DataFrame:
    """The table with the training captions' back-translations added, each picture's own captions first.

    translate: a function from a list of English captions to as many in other words (`RoundTrip`), or several by
    name, {"fr": …, "de": …}. Each distinct caption goes through each once, in batches of like length.
    tokenizer: list of str -> int array [n, context], a model's own. Of a picture's captions that are the same
    tokens, as variants in case and spacing are, the first stays. memory: where finished batches are kept.

    Rows of other splits than "train" (or none) stay as they are, so that what is measured does not change. Captions
    that name a direction are translated too: `augment` reads the words of the new one as it reads any caption's.
    Raises CaptionError where there is nothing to translate, and for a table without the columns of `read_captions`.
    """
    functions = {"": translate} if callable(translate) else translate
    memory = memory or TranslationMemory()
    require_columns(captions)
    training = captions[_is_training(captions)]
    texts = sorted({text for text in training["caption"] if _has_words(text)}, key=lambda text: (-len(text), text))
    if not texts:
        raise CaptionError('no captions to translate: no rows of split "train" or without a split; check the source')
    for name, function in functions.items():
        _translate_all(texts, name, function, memory, batch_size)
    versions = [_said_otherwise(training, memory.known(name)) for name in functions]
    return _distinct_in_each_picture(pd.concat([captions, *versions], ignore_index=True), tokenizer)


def _is_training(captions: pd.DataFrame) -> pd.Series:
    return captions["split"].isna() | (captions["split"] == "train")


def _has_words(text) -> bool:
    return isinstance(text, str) and bool(text.strip())


def _translate_all(texts: list[str], name: str, function: Translate, memory: TranslationMemory, batch_size: int):
    """Longest captions first: a batch that is too large for the memory shows at once, and the time left is no
    underestimate."""
    todo = [text for text in texts if text not in memory.known(name)]
    with progress(total=len(todo), desc=f"translating {name}".strip()) as bar:
        for start in range(0, len(todo), batch_size):
            batch = todo[start : start + batch_size]
            memory.add(name, batch, function(batch))
            bar.update(len(batch))


def _said_otherwise(training: pd.DataFrame, translations: dict[str, str]) -> pd.DataFrame:
    said = pd.Series([translations.get(text) for text in training["caption"]], training.index, dtype=object)
    return training.assign(caption=said)[said.map(_has_words)]


def _distinct_in_each_picture(table: pd.DataFrame, tokenizer) -> pd.DataFrame:
    """A picture's rows together, and of its training captions with the same tokens the first."""
    table = table.iloc[np.argsort(pd.factorize(table["image"])[0], kind="stable")]
    tokens = table["caption"].map(_tokens_of(table["caption"], tokenizer))
    repeated = table.assign(tokens=tokens).duplicated(["image", "split", "tokens"])
    return table[~(repeated & _is_training(table))].reset_index(drop=True)


def _tokens_of(captions: pd.Series, tokenizer) -> dict[str, bytes]:
    """{caption: its tokens}, each distinct caption tokenized once."""
    texts = [text for text in captions.unique() if _has_words(text)]
    tokens = {}
    for start in progress(range(0, len(texts), 1000), desc="tokenizing"):
        chunk = texts[start : start + 1000]
        rows = np.asarray(tokenizer(chunk), dtype=np.int32)
        tokens.update((text, row.tobytes()) for text, row in zip(chunk, rows, strict=True))
    return tokens
