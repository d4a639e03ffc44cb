"""A pool of land scenes to train the base model on: never a coastal kind, never a scene of the sample."""

from pathlib import Path

from .folder import Order, write_folder
from .kinds import LAND

FIRST_SEED = 1_000_000_000  # far above the sample's seeds
VALIDATION_SHARE = 0.02


def orders(count: int) -> list[Order]:
    """`count` pictures, the kinds in turn; the last few are for validation."""
    labels = list(LAND)
    held_back = count - int(count * VALIDATION_SHARE)
    return [
        Order(
            "land",
            labels[i % len(labels)],
            FIRST_SEED + i,
            f"{i:07d}.jpg",
            "train" if i < held_back else "val",
        )
        for i in range(count)
    ]


def write_pool(target: Path, count: int) -> None:
    write_folder(orders(count), target)
