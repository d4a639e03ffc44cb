"""Each picture is decoded once; from then on a batch is a gather of uint8 values."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from rsclip_lab.data.images import ImageLike, open_image, resize_and_crop
from rsclip_lab.environment import progress

# Above this the pixels live in a file (mapped into memory) even when no folder is named.
MAPPED_FROM_BYTES = 1 << 30
Resize = Callable[[Image.Image], Image.Image]


class PixelStore:
    """Pictures at the size a model wants, as uint8: `len(store)` pictures, taken in batches by `gather`.

    Gathering a batch takes less than a tenth of the time of decoding it, which two cores cannot spare anew in
    every epoch.
    """

    def __init__(self, pixels: np.ndarray, rows: Sequence[int] | None = None):
        """pixels: uint8 `[distinct, height, width, 3]`; rows: for each picture its place in `pixels`."""
        self.pixels = pixels
        self.rows = np.arange(len(pixels)) if rows is None else np.asarray(rows, dtype=np.int64)

    @classmethod
    def decode(
        cls,
        images: Sequence[ImageLike],
        image_size: int,
        resize: Resize | None = None,
        folder: str | Path | None = None,
    ) -> "PixelStore":
        """Decode, resize and crop each picture, on several threads; a path that comes again is decoded once.

        resize: PIL picture in, PIL RGB picture of `image_size` x `image_size` out; by default
        `resize_and_crop`, the evaluation transform of open_clip.
        folder: keep the pixels there, as a .npy file named after the pictures' paths, sizes and times and
        what `resize` does; when that file is there already it is opened and nothing is decoded.
        Raises ImageError, naming the file, for the first picture that cannot be read.
        """
        distinct, rows = _distinct(images)
        resize = resize or (lambda image: resize_and_crop(image, image_size))
        shape = (len(distinct), image_size, image_size, 3)
        if folder is None:
            pixels = _empty(shape)
            _fill(pixels, distinct, resize)
            return cls(pixels, rows)
        file = Path(folder) / f"pixels-{_key(distinct, image_size, resize)}.npy"
        if not file.is_file():
            _write(file, shape, distinct, resize)
        return cls(np.load(file, mmap_mode="r"), rows)

    def __len__(self) -> int:
        return len(self.rows)

    def gather(
        self, indices: Sequence[int] | torch.Tensor, device: str | torch.device = "cpu"
    ) -> torch.Tensor:
        """The pictures at `indices` as uint8 `[batch, 3, height, width]` on `device`."""
        chosen = self.rows[np.asarray(indices, dtype=np.int64)]
        # Channels first in memory: on a CPU normalise takes a third of the time it takes with them last.
        return torch.from_numpy(self.pixels[chosen]).to(device).permute(0, 3, 1, 2).contiguous()

    def __repr__(self) -> str:
        megabytes = self.pixels.nbytes / 1e6
        return f"PixelStore({len(self)} pictures, {len(self.pixels)} distinct, {megabytes:.0f} MB)"


def _distinct(images: Sequence[ImageLike]) -> tuple[list[ImageLike], list[int]]:
    """The distinct pictures (paths by text, others by identity), and for each one given its place there."""
    place: dict[object, int] = {}
    distinct, rows = [], []
    for image in images:
        key = str(image) if isinstance(image, (str, Path)) else id(image)
        if key not in place:
            place[key] = len(distinct)
            distinct.append(image)
        rows.append(place[key])
    return distinct, rows


def _empty(shape: tuple[int, ...]) -> np.ndarray:
    if np.prod(shape) < MAPPED_FROM_BYTES:
        return np.empty(shape, np.uint8)
    # The file has no name, so it is gone with the array whatever happens.
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, dtype=np.uint8, mode="w+", shape=shape)


def _write(file: Path, shape: tuple[int, ...], images: list[ImageLike], resize: Resize) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.part")
    try:
        pixels = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=shape)
        _fill(pixels, images, resize)
        pixels.flush()
        os.replace(part, file)
    finally:
        part.unlink(missing_ok=True)


def _fill(pixels: np.ndarray, images: list[ImageLike], resize: Resize) -> None:
    def decode(row: int) -> None:
        pixels[row] = np.asarray(resize(open_image(images[row])))

    for _ in progress(_in_threads(decode, len(images)), total=len(images), desc="decode"):
        pass


def _in_threads(function: Callable[[int], None], count: int) -> Iterator[None]:
    """`function(0 … count - 1)` on threads (PIL decodes outside Python's lock); an error ends it at once."""
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        try:
            yield from pool.map(function, range(count))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _key(images: list[ImageLike], image_size: int, resize: Resize) -> str:
    digest = hashlib.sha256(repr(image_size).encode())
    digest.update(_fingerprint(resize))
    for image in images:
        if isinstance(image, (str, Path)):
            facts = os.stat(image) if os.path.exists(image) else None
            stamp = (facts.st_size, facts.st_mtime_ns) if facts else ()
            digest.update(repr((os.path.abspath(image), stamp)).encode())
        else:
            array = np.asarray(image)
            digest.update(repr(array.shape).encode() + array.tobytes())
    return digest.hexdigest()[:16]


def _fingerprint(resize: Resize) -> bytes:
    """What `resize` does to fixed pictures: functions that differ give different bytes."""
    values = np.random.default_rng(0).integers(0, 256, (61, 97, 3), dtype=np.uint8)
    probes = (Image.fromarray(values), Image.fromarray(values).resize((500, 700)))
    return b"".join(resize(probe).tobytes() for probe in probes)
