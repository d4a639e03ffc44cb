"""From the members of a shard to samples, one caption each, in a random order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from rsclip_lab.data.formats.signatures import IMAGE_SUFFIXES
from rsclip_lab.data.shards.members import tar_members, webdataset_names

# By the end of a member's name. RS5M's own are img_content and caption (its dataloader.py); the rest is usual.
ROLES = {suffix.removeprefix("."): "image" for suffix in IMAGE_SUFFIXES}
ROLES |= {"img_content": "image", "txt": "text", "caption": "text", "json": "json"}
MAX_TEXT_BYTES = 1 << 20  # JSON takes many times its length in memory
BUFFER_BYTES = 512 << 20  # the shuffle buffer stops growing here, whatever its length


@dataclass
class Sample:
    """One name of a shard: its encoded picture, its texts, the caption drawn, and what is wrong with it."""

    shard: str
    key: str
    image: bytes | None = None
    text: bytes | None = None
    json: bytes | None = None
    caption: str = ""
    fault: str | None = None


def samples_of(shard: str) -> Iterator[Sample]:
    """The samples of one shard in its order, still encoded; what is one too many of a name comes with a fault.

    A name ends at its last dot: "tile_12.1.jpg" and "tile_12.5.jpg" are two samples. For webdataset it ends at the
    first, and "0001.jpg", "0001.mask.png", "0001.txt" follow each other: so 0001 waits while such names go by.
    """
    key_and_endings, _ = webdataset_names()
    waiting: dict[str, Sample] = {}
    for name, content in tar_members(shard, wanted=lambda name: _role(key_and_endings(name)[1]) is not None):
        key, short = name.rpartition(".")[0], key_and_endings(name)[0]
        for other in [one for one in waiting if one not in (key, short)]:
            yield waiting.pop(other)
        sample, role = waiting.setdefault(key, Sample(shard, key)), _role(name)
        if content is None or role != "image" and len(content) > MAX_TEXT_BYTES:
            sample.fault = f"{name} is too large"
        elif getattr(sample, role) is None:
            setattr(sample, role, content)
        else:
            yield Sample(shard, key, fault=f"{name} is one {role} too many; the first of the name is used")
    yield from waiting.values()


def _role(suffix: str | None) -> str | None:
    return ROLES.get((suffix or "").lower().rpartition(".")[2])


def with_caption(sample: Sample, generator: np.random.Generator) -> Sample:
    """The sample with one of its captions drawn, or with its fault."""
    draw = generator.random()  # one for each, so that a broken sample does not change what the others get
    if sample.fault is None:
        captions = _captions_of(sample)
        sample.fault = "no picture" if not sample.image else None if captions else "no caption"
    if sample.fault is None:
        sample.caption = captions[int(draw * len(captions))]
    else:
        sample.image = None
    sample.text = sample.json = None
    return sample


def _captions_of(sample: Sample) -> list[str]:
    values: object = [_decoded(sample.text)] if sample.text else None
    if not values and sample.json:
        try:
            values = json.loads(_decoded(sample.json))
        except (ValueError, RecursionError):
            return []
        if isinstance(values, dict):
            values = values.get("caption") or values.get("captions")
    values = values if isinstance(values, list) else [values]
    return [value.strip() for value in values if isinstance(value, str) and value.strip()]


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def shuffled(samples: Iterable[Sample], length: int, generator: np.random.Generator) -> Iterator[Sample]:
    """The samples in a random order, as random as a buffer of `length` allows."""
    buffer: list[Sample] = []
    held = 0
    for sample in samples:
        buffer.append(sample)
        held += len(sample.image or b"")
        while len(buffer) > length or held > BUFFER_BYTES:
            drawn = _drawn(buffer, generator)
            held -= len(drawn.image or b"")
            yield drawn
    while buffer:
        yield _drawn(buffer, generator)


def _drawn(buffer: list[Sample], generator: np.random.Generator) -> Sample:
    at = int(generator.integers(len(buffer)))
    buffer[at], buffer[-1] = buffer[-1], buffer[at]
    return buffer.pop()
