"""Pictures to unit vectors: hours of work for a large collection, so it can be interrupted, and goes on."""

from __future__ import annotations

import queue
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from rsclip_lab.data import ImageError, normalise, open_image
from rsclip_lab.environment import first_line, in_threads, progress, usable_cores
from rsclip_lab.models.clip import evaluating
from rsclip_lab.models.inputs import require_loaded
from rsclip_lab.search.identity import ModelIdentity, model_identity
from rsclip_lab.search.parts import Part, PartFolder
from rsclip_lab.search.pictures import GONE, Pictures, Stamp, picture_paths, stamp_of

PART = 512  # pictures, the most that an interruption costs: seconds on a GPU, seconds to minutes on two cores
BATCH = 64  # and 16 on a CPU: what is encoded at a time; a part is a multiple of it
NAMED = 3  # unreadable files in the warning


@dataclass(frozen=True)
class Embedding:
    """images: absolute paths, in the order asked for, each once. stamps: of their files (bytes, changed in ns).
    vectors: unit float32 [n, dim], one row an image. unreadable: DataFrame `image`, `cause` of those left out."""

    images: list[str]
    stamps: list[Stamp]
    vectors: np.ndarray
    unreadable: pd.DataFrame

    def __len__(self) -> int:
        return len(self.images)


def embed_images(
    model, images: Pictures, folder: str | Path | None = None, known: Embedding | None = None, devices=None
) -> Embedding:
    """The unit vectors of all pictures; a file that cannot be read is left out, listed and warned of.

    images: paths, a table with a column `image`, or a folder (all pictures below it).
    folder: keeps finished parts. The same call after an interruption, or with more pictures, encodes what is not
    there yet, and gives on the same machine the same bits as without interruption. Pictures are known by path, size
    and time of change: a changed file is encoded again.
    known: vectors of the same model from elsewhere, such as a saved index.
    devices: to share the work out to, a copy of the model on each; None: all GPUs if the model is on one, else its
    own.
    Raises CaptionError for an empty collection, ImageError when none of the pictures can be read, TypeError for what
    is no loaded model or no paths.
    """
    require_loaded(model, "embed_images")
    paths = picture_paths(images)
    return embed_paths(model, paths, model_identity(model), folder, known, devices)


def embed_paths(
    model, paths: list[str], identity: ModelIdentity, folder=None, known=None, devices=None, asked: int | None = None
) -> Embedding:
    """`embed_images` for paths that `picture_paths` gave, and an identity that is known. asked: for how many pictures
    where these are a part of them; only when none of all can be read is that an error."""
    stamps = {path: stamp_of(path) for path in paths}
    parts = list(embed_parts(model, stamps, identity, folder, known, devices))
    images = [path for part in parts for path in part.images]
    place = {path: row for row, path in enumerate(images)}
    kept = [path for path in paths if path in place]
    causes = {path: cause for part in parts for path, (_, cause) in part.unreadable.items() if path not in place}
    unreadable = pd.DataFrame(
        [(path, causes[path]) for path in paths if path in causes], columns=["image", "cause"], dtype=object
    )
    warn_of_unreadable(unreadable, len(paths) if asked is None else asked)
    # The row that each picture has among the parts, straight into its place: never all vectors twice in memory.
    row_of = {path: row for row, path in enumerate(kept)}
    vectors = np.empty((len(kept), model.dim), np.float32)
    while parts:
        part = parts.pop()
        vectors[[row_of[path] for path in part.images]] = part.vectors
    return Embedding(kept, [stamps[path] for path in kept], vectors, unreadable)


def embed_parts(
    model, stamps: dict[str, Stamp], identity: ModelIdentity, folder=None, known=None, devices=None
) -> Iterator[Part]:
    """The vectors of the pictures {path: stamp} part by part, first those that `known` and `folder` hold already.

    Each picture is in one part, as a vector or as unreadable. For collections that do not fit into memory.
    """
    kept = None if folder is None else PartFolder(folder, identity.key, model.dim)
    left = dict(stamps)
    failed: dict[str, Stamp] = {}
    for part in _there(kept, known):
        rows = [row for row, path in enumerate(part.images) if left.get(path) == part.stamps[row]]
        if rows:
            found = [part.images[row] for row in rows]
            yield Part(found, [left.pop(path) for path in found], part.vectors[rows], {})
        failed |= {path: stamp for path, (stamp, _) in part.unreadable.items() if left.get(path) == stamp}
    # What could not be read is tried again, for the disk may have failed and not the file; but in parts of its own:
    # all others are then divided as they were at first, and the same batches give the same bits.
    again = {path: left.pop(path) for path in failed if path in left}
    for part in _encoded(model, [*_divided(left), *_divided(again)], devices, kept):
        yield part


def _there(kept: PartFolder | None, known: Embedding | None) -> Iterator[Part]:
    if known is not None:
        yield Part(known.images, known.stamps, known.vectors, {})
    if kept is not None:
        yield from kept.read()


def _divided(stamps: dict[str, Stamp]) -> list[dict[str, Stamp]]:
    items = list(stamps.items())
    return [dict(items[first : first + PART]) for first in range(0, len(items), PART)]


def _encoded(model, parts: Sequence[dict[str, Stamp]], devices, kept: PartFolder | None) -> Iterator[Part]:
    """Each part decoded and encoded on the next free copy of the model, and kept as soon as it is finished."""
    if not parts:
        return
    clips = _copies(model, devices)
    free: queue.Queue = queue.Queue()
    for clip in clips:
        free.put(clip)
        if clip.device.type == "cuda":
            free.put(clip)  # twice: while one part is encoded, the next one is decoded
    workers = free.qsize()
    bar = progress(total=sum(map(len, parts)), desc="embedding pictures", unit=" pictures")

    def encode(part: dict[str, Stamp]) -> Part:
        clip = free.get()
        try:
            done = _encode_part(clip, part, max(1, usable_cores() // workers), bar)
        finally:
            free.put(clip)
        if kept is not None:
            kept.write(done)
        return done

    with bar, evaluating(model.net):
        yield from in_threads(encode, parts, threads=workers, ahead=workers - 1)


def _copies(model, devices) -> list:
    if devices is None:
        count = torch.cuda.device_count() if model.device.type == "cuda" else 0
        devices = [f"cuda:{number}" for number in range(count)] if count > 1 else [model.device]
    devices = [torch.device(device) for device in devices]
    if not devices:
        raise ValueError("devices is empty: name one at least, or leave it out")
    return [model if device == model.device else model.copy().to(device) for device in devices]


def _encode_part(clip, stamps: dict[str, Stamp], threads: int, bar) -> Part:
    images, pixels, unreadable = [], [], {}
    for path, decoded in zip(stamps, in_threads(_decoder(clip, stamps), stamps, threads), strict=True):
        if isinstance(decoded, str):
            unreadable[path] = (stamps[path], decoded)
            bar.update()
        else:
            images.append(path)
            pixels.append(decoded)
    vectors = np.empty((len(images), clip.dim), np.float32)
    size = 16 if clip.device.type == "cpu" else BATCH
    for first in range(0, len(images), size):
        batch = np.stack(pixels[first : first + size])
        vectors[first : first + size] = _vectors(clip, batch)
        bar.update(len(batch))
    return Part(images, [stamps[path] for path in images], vectors, unreadable)


@torch.no_grad()
def _vectors(clip, pixels: np.ndarray) -> np.ndarray:
    """What `encode_images` gives for pixels uint8 [batch, 3, size, size], without a bar of its own."""
    batch = normalise(torch.from_numpy(pixels).to(clip.device), clip.mean, clip.std)
    return clip.image_features(batch.contiguous(memory_format=torch.channels_last)).cpu().numpy()


def _decoder(clip, stamps: dict[str, Stamp]):
    """A function: path -> uint8 [3, size, size], or the cause why not, in words."""

    def decode(path: str) -> np.ndarray | str:
        if stamps[path] == GONE:
            return "no such file"
        try:
            picture = clip.resize(open_image(path))
        except ImageError as error:
            return first_line(error).removeprefix(f"{path}: ")
        return np.ascontiguousarray(np.asarray(picture).transpose(2, 0, 1))

    return decode


def warn_of_unreadable(unreadable: pd.DataFrame, total: int) -> None:
    if unreadable.empty:
        return
    named = [f"{image} ({cause})" for image, cause in unreadable.head(NAMED).itertuples(index=False)]
    more = f"; and {len(unreadable) - NAMED} more" if len(unreadable) > NAMED else ""
    words = f"{len(unreadable)} of {total} pictures cannot be read: {'; '.join(named)}{more}"
    if len(unreadable) == total:
        raise ImageError(f"{words}; give others, or see what audit says of them")
    warnings.warn(f"{words}; they are left out, `unreadable` lists them", stacklevel=4)


def embedded(images: Iterable[str], stamps: Iterable[Stamp], vectors: np.ndarray) -> Embedding:
    """An Embedding of pictures that were all readable."""
    return Embedding(list(images), list(stamps), vectors, pd.DataFrame(columns=["image", "cause"], dtype=object))
