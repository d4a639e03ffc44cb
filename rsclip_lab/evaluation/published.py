"""The published numbers, as published.toml keeps them."""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PUBLISHED = Path(__file__).with_name("published.toml")
KS = (1, 5, 10)  # of the recalls


@dataclass(frozen=True)
class Claim:
    """What one source says about one model on one data set."""

    model: str
    data: str
    protocol: str  # a key of first_contact.protocols.PROTOCOLS
    numbers: Mapping[str, float]  # metric, as the protocols name it: percent
    within: float  # points up to which a number counts as reproduced
    pictures: int | None  # how many the numbers are about, where that is known
    source: str

    @property
    def headline(self) -> str:
        """The one metric to judge by: the mean recall, else the top-1 accuracy."""
        return "mean recall" if "mean recall" in self.numbers else "top-1"


@dataclass(frozen=True)
class Published:
    """All claims of a table; `by_hand`: where the data sets are that cannot be fetched; `sha256` of the file."""

    claims: tuple[Claim, ...]
    by_hand: Mapping[str, str]
    file: str
    sha256: str


def read_published(path: str | Path = PUBLISHED) -> Published:
    content = Path(path).read_bytes()
    document = tomllib.loads(content.decode())
    claims = tuple(claim for table in document["table"] for claim in _claims(table))
    sha256 = hashlib.sha256(content).hexdigest()
    return Published(claims, document.get("by_hand", {}), Path(path).name, sha256)


def _claims(table: dict) -> Iterator[Claim]:
    for row in table["rows"]:
        yield Claim(
            model=row["model"],
            data=table["data"],
            protocol=table["protocol"],
            numbers=dict(_numbers(row)),
            within=table["within"],
            pictures=table.get("pictures"),
            source=table["source"],
        )


def _numbers(row: dict) -> Iterator[tuple[str, float]]:
    for direction in ("image_to_text", "text_to_image"):
        for k, value in zip(KS, row.get(direction, ()), strict=False):
            yield f"{direction.replace('_', ' ')} R@{k}", value
    if "mean_recall" in row:
        yield "mean recall", row["mean_recall"]
    for k, value in row.get("top", {}).items():
        yield f"top-{k}", value
