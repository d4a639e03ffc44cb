"""Which picture is to be drawn."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Order:
    """One picture to be drawn: its kind, seed, file name and split."""

    side: str
    label: str
    seed: int
    filename: str
    split: str
