"""Each picture is decoded once; from then on a batch is a gather of uint8 values."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from rsclip_lab.data.cache import CacheError, PixelCache, PixelFile, Stamp
from rsclip_lab.data.images import Bands, ImageError, ImageLike, image_facts, open_image, resize_and_crop
from rsclip_lab.environment import in_threads, progress

# Above this the pixels live in a file (mapped into memory) even when no folder is named.
MAPPED_FROM_BYTES = 1 << 30
MOST_PIXELS = 4096  # of a side; models read up to about a thousand
MOST_NAMED, MOST_UNREADABLE = 5, 100  # in a message; before giving up
OPENER = 1  # to be raised when open_image gives other pixels of a file: caches of the old ones are then left alone
MARGIN = 1.25  # a crop of at least 1 / MARGIN² = 64 % of the area is then never enlarged
Resize = Callable[[Image.Image], Image.Image]


class PixelStore:
    """Pictures at the size a model wants, as uint8: `len(store)` pictures, taken in batches by `gather`.

    Gathering a batch takes less than a tenth of the time of decoding it, which two cores cannot spare anew in
    every epoch.
    """

    def __init__(self, pixels: np.ndarray, rows: Sequence[int] | None = None):
        """pixels: uint8 `[distinct, 3, size, size]`; rows: for each picture its place in `pixels`."""
        self.pixels = pixels
        self.rows = np.arange(len(pixels)) if rows is None else np.asarray(rows, dtype=np.int64)

    @classmethod
    def decode(
        cls,
        images: Sequence[ImageLike],
        image_size: int,
        resize: Resize | None = None,
        folder: str | Path | None = None,
        bands: Bands = None,
    ) -> PixelStore:
        """Decode, resize and crop each picture, on several threads; a path that comes again is decoded once.

        resize: PIL picture in, PIL RGB picture of `image_size` x `image_size` out; by default
        `resize_and_crop`, the evaluation transform of open_clip.
        folder: keep the pixels there, so that no later call decodes what is there already. An interrupted call is
        continued by the next; a picture whose file has changed is decoded again, it alone; several processes may
        name the same folder. Without a folder they live in memory, above 1 GiB in an unnamed file.
        bands: as `open_image` takes them, for pictures of many bands.
        Raises ImageError, naming the files, when pictures cannot be read; CacheError when the disk is full. What
        was decoded until then stays in the folder.
        """
        if not isinstance(image_size, (int, np.integer)) or not 1 <= image_size <= MOST_PIXELS:
            raise ValueError(f"image_size={image_size!r}: a whole number of pixels from 1 to {MOST_PIXELS}")
        resize = resize or (lambda image: resize_and_crop(image, image_size))
        distinct, rows = _distinct(images)
        decoder = _Decoder(resize, image_size, bands)
        if folder is None:
            return cls(_in_memory(distinct, image_size, decoder), rows)
        cache = PixelCache(Path(folder) / f"pixels-{_fingerprint(image_size, resize, bands)}", image_size)
        pixels, places = _in_folder(distinct, cache, decoder)
        return cls(pixels, places[rows])

    @property
    def image_size(self) -> int:
        """Pixels of a side."""
        return self.pixels.shape[-1]

    def __len__(self) -> int:
        return len(self.rows)

    def gather(
        self, indices: Sequence[int] | torch.Tensor, device: str | torch.device = "cpu"
    ) -> torch.Tensor:
        """The pictures at `indices` as uint8 `[batch, 3, size, size]` on `device`."""
        indices = np.asarray(indices)
        if indices.dtype == bool:
            raise TypeError("gather takes the numbers of pictures, not a mask; np.flatnonzero(mask) gives them")
        chosen = self.rows[indices.astype(np.int64)]
        on_gpu = torch.device(device).type == "cuda"
        # From pinned memory the copy to a GPU runs beside the computation.
        batch = torch.empty((len(chosen), *self.pixels.shape[1:]), dtype=torch.uint8, pin_memory=on_gpu)
        # The mode only spares a buffer: `rows` holds no place that is not there.
        np.take(self.pixels, chosen, axis=0, out=batch.numpy(), mode="clip")
        return batch.to(device, non_blocking=on_gpu)

    def __repr__(self) -> str:
        distinct = len(np.unique(self.rows))
        megabytes = distinct * 3 * self.image_size**2 / 1e6
        return f"PixelStore({len(self)} pictures, {distinct} distinct, {self.image_size} pixels, {megabytes:.0f} MB)"


def margin_size(images: Sequence[ImageLike], image_size: int, margin: float = MARGIN) -> int:
    """The side to decode training pictures to: `margin` times the model's, so that a random crop keeps its detail.

    No larger than the pictures are (the median of up to 200 of them): enlarging adds bytes and no detail.
    """
    some = [images[i] for i in np.linspace(0, len(images) - 1, min(len(images), 200)).astype(int)]
    sides = [side for side in map(_short_side, some) if side]
    return int(np.clip(np.median(sides) if sides else image_size, image_size, round(image_size * margin)))


def _short_side(image: ImageLike) -> int | None:
    """From the header alone; None where there is none to read, which is for `decode` to report."""
    if isinstance(image, np.ndarray):
        return min(image.shape[:2])
    if isinstance(image, Image.Image):
        return min(image.size)
    try:
        facts = image_facts(image)
        return min(facts.width, facts.height)
    except ImageError:
        return None


def _distinct(images: Sequence[ImageLike]) -> tuple[list[ImageLike], np.ndarray]:
    """The distinct pictures (paths by text, others by identity), and for each one given its place there."""
    place: dict[object, int] = {}
    distinct, rows = [], []
    for image in images:
        key = str(image) if isinstance(image, (str, Path)) else id(image)
        if key not in place:
            place[key] = len(distinct)
            distinct.append(image)
        rows.append(place[key])
    return distinct, np.asarray(rows, dtype=np.int64)


class _Decoder:
    """Decodes pictures on threads, in their order; those that cannot be read are None and named at the end."""

    def __init__(self, resize: Resize, image_size: int, bands: Bands):
        self.resize, self.shape, self.bands = resize, (3, image_size, image_size), bands
        self.unreadable: list[ImageError] = []

    def decoded(self, images: Sequence[ImageLike]) -> Iterator[np.ndarray | None]:
        for pixels in progress(in_threads(self._decode, images), total=len(images), desc="decode"):
            if isinstance(pixels, ImageError):
                self.unreadable.append(pixels)
                if len(self.unreadable) >= MOST_UNREADABLE:
                    break
                pixels = None
            yield pixels
        self._require_all(len(images))

    def _decode(self, image: ImageLike) -> np.ndarray | ImageError:
        try:
            picture = self.resize(open_image(image, bands=self.bands))
        except ImageError as error:
            return error
        pixels = np.ascontiguousarray(np.asarray(picture).transpose(2, 0, 1))
        if pixels.shape != self.shape:
            raise ValueError(f"resize gave {pixels.shape[2]} x {pixels.shape[1]} pixels, not {self.shape[2]} squared")
        return pixels

    def _require_all(self, total: int) -> None:
        if len(self.unreadable) == 1:
            raise self.unreadable[0]
        if self.unreadable:
            stopped = len(self.unreadable) == MOST_UNREADABLE
            count = f"{'at least ' * stopped}{len(self.unreadable)} of {total}"
            named = "\n".join(f"  {error}" for error in self.unreadable[:MOST_NAMED])
            more = len(self.unreadable) - MOST_NAMED
            tail = f"\n  and {more} more" if more > 0 else ""
            raise ImageError(
                f"{count} pictures cannot be read; audit(captions).fix() leaves them out:\n{named}{tail}"
            )


def _in_memory(images: list[ImageLike], size: int, decoder: _Decoder) -> np.ndarray:
    if len(images) * 3 * size * size < MAPPED_FROM_BYTES:
        pixels = np.empty((len(images), 3, size, size), np.uint8)
        for row, picture in enumerate(decoder.decoded(images)):
            if picture is not None:
                pixels[row] = picture
        return pixels
    # The file has no name, so it is gone with the array whatever happens.
    with tempfile.TemporaryFile(buffering=0) as file:
        rows = PixelFile(file, size)
        try:
            for row, picture in enumerate(decoder.decoded(images)):
                if picture is not None:
                    rows.write(row, picture)
            return rows.mapped()
        except OSError as error:
            raise CacheError(
                f"{tempfile.gettempdir()}: {len(images)} pictures of {size} pixels do not fit ({error.strerror}); "
                "name a folder on a disk with more space"
            ) from error


def _in_folder(images: list[ImageLike], cache: PixelCache, decoder: _Decoder) -> tuple[np.ndarray, np.ndarray]:
    """All pixels of the cache, and for each picture its row there."""
    names, stamps = zip(*map(_name_and_stamp, images), strict=True) if images else ((), ())
    if cache.exists:
        with cache.reading():
            rows = cache.rows_of(names, stamps)
            if None not in rows:
                return cache.pixels.mapped(), np.asarray(rows, dtype=np.int64)
    with cache.writing():  # another process may have decoded some of them meanwhile
        missing = [i for i, row in enumerate(cache.rows_of(names, stamps)) if row is None]
        pictures = decoder.decoded([images[i] for i in missing])
        cache.fill([names[i] for i in missing], [stamps[i] for i in missing], pictures)
        return cache.pixels.mapped(), np.asarray(cache.rows_of(names, stamps), dtype=np.int64)


def _name_and_stamp(image: ImageLike) -> tuple[str, Stamp]:
    """What a picture is called in a cache, and what changes when it changes. Taken before it is decoded: a file that
    changes meanwhile is then decoded again the next time."""
    if isinstance(image, (str, Path)):
        path = os.path.abspath(image)
        try:
            facts = os.stat(path)
            return path, (facts.st_size, facts.st_mtime_ns)
        except (OSError, ValueError):
            return path, ()
    try:
        pixels = np.asarray(open_image(image))  # as they are seen: upright, with the palette's colours
    except ImageError:
        return f"unreadable:{id(image)}", ()
    digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes())
    return f"pixels:{digest.hexdigest()}", ()


def _fingerprint(image_size: int, resize: Resize, bands: Bands) -> str:
    """The choice of bands and what `resize` does to two fixed pictures, as 16 letters, which differ where they do."""
    values = np.random.default_rng(0).integers(0, 256, (61, 97, 3), dtype=np.uint8)
    probes = (Image.fromarray(values), Image.fromarray(values).resize((500, 700)))
    chosen = bands if bands is None or isinstance(bands, int) else tuple(bands)
    digest = hashlib.sha256(repr((OPENER, image_size, chosen)).encode())
    for probe in probes:
        digest.update(resize(probe).tobytes())
    return digest.hexdigest()[:16]
