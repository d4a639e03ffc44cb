"""What is wrong with a deck, and in which line."""

from __future__ import annotations


class DeckError(ValueError):
    """A deck that cannot be shown as it is: "FILE, line N: cause; remedy"."""

    def __init__(self, file: str, line: int, words: str):
        super().__init__(f"{file}, line {line}: {words}")
        self.file, self.line = file, line
