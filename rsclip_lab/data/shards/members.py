"""Which tar files a source means, and their members as a stream, never more than one in memory."""

from __future__ import annotations

import math
import os
import re
import tarfile
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from rsclip_lab.data.table import CaptionError

MAX_SHARDS = 1_000_000
MAX_MEMBER_BYTES = 64 << 20
CHUNK = 1 << 16  # tarfile copies what is left of a chunk with every read
PARTS = re.compile(r"(\{(-?\d+|[a-zA-Z])\.\.(-?\d+|[a-zA-Z])(?:\.\.-?(\d+))?\}|[{,}])")
BLOCK = 512  # a tar file is made of blocks and ends with at least two of zeros
PATIENCE = 60  # seconds without a byte until a server counts as gone
REMEDY = "download or write it again, or leave it out"


def shards_of(source: str | Path | Iterable[str | Path]) -> list[str]:
    """The shards that a path, folder, address, pattern or list of these means; each local one is there and whole."""
    webdataset_names()
    sources = [source] if isinstance(source, (str, Path)) else list(source)
    shards = [shard for each in sources for shard in _expanded(os.path.expanduser(each))]
    if not shards:
        raise CaptionError(f"{source}: no shards; name .tar files, or a folder of them")
    for shard in shards:
        _require_whole(shard)
    return shards


def _expanded(source: str) -> list[str]:
    if os.path.isdir(source):
        return sorted(str(path) for path in Path(source).glob("*.tar"))
    if "{" not in source or os.path.exists(source):
        return [source]
    _, expand = webdataset_names()
    try:
        number = _number_of(source)
        shards = list(expand(source)) if number <= MAX_SHARDS else []
    except ValueError as error:
        raise CaptionError(f"{source}: {error}; write a range of shards as {{0000..0031}}") from error
    if number > MAX_SHARDS:
        raise CaptionError(f"{source}: more than {MAX_SHARDS} shards; correct the numbers in the braces")
    return shards


def _number_of(pattern: str) -> int:
    """How many names the braces mean, without making them: what follows each other multiplies, commas add up."""
    opened = [(0, 1)]  # of each brace: the names before its last comma, and those of the part after it
    for token, first, last, step in PARTS.findall(pattern):
        before, now = opened[-1]
        if first:
            start, stop = (ord(end) if end.isalpha() else int(end) for end in (first, last))
            opened[-1] = before, now * (abs(stop - start) // (int(step or 1) or 1) + 1)
        elif token == "{":
            opened.append((0, 1))
        elif len(opened) == 1:
            continue  # no brace is open
        elif token == ",":
            opened[-1] = before + now, 1
        else:
            opened.pop()
            opened[-1] = opened[-1][0], opened[-1][1] * (before + now)
    return math.prod([now for _, now in opened])


def webdataset_names() -> tuple:
    """webdataset's rules for names: what of a member's name is its sample's, and which shards a pattern means."""
    try:
        from braceexpand import braceexpand  # comes with it
        from webdataset.tariterators import base_plus_ext
    except ImportError as error:
        raise CaptionError(
            'shards: the package webdataset is missing; pip install "rsclip-lab[shards]"'
        ) from error
    return base_plus_ext, braceexpand


def _is_address(shard: str) -> bool:
    """Whether this is an http(s) address rather than a path. Raises CaptionError for what is neither, as `pipe:`."""
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):", shard)  # two letters at least: C: is a disk
    if scheme and scheme[1].lower() not in ("http", "https"):
        raise CaptionError(
            f"{shard}: {scheme[0]} is not read, as it may run a command; give a path or an http(s) address"
        )
    return bool(scheme)


def _require_whole(shard: str) -> None:
    """Raises CaptionError for a local tar file that is missing or cut short; of an address nothing is known yet."""
    if _is_address(shard):
        return
    try:
        with open(shard, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - BLOCK))
            _require_zeros(shard, file.read())
    except OSError as error:
        cause = error.strerror or error
        raise CaptionError(f"{shard}: cannot be opened ({cause}); correct the path, or download it") from error


def tar_members(shard: str, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes | None]]:
    """The wanted files of a tar file in their order, by name: (name, content), None for one above 64 MiB.

    Raises CaptionError, naming the shard, where it cannot be read to its end.
    """
    try:
        with _opened(shard) as opened:
            source = _Source(opened)
            with tarfile.open(fileobj=source, mode="r|", bufsize=CHUNK) as archive:
                for member in archive:
                    source.budget = MAX_MEMBER_BYTES + max(member.size, 0)
                    archive.members = []  # which otherwise grows with every member
                    if member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and wanted(member.name):
                        small = member.size <= MAX_MEMBER_BYTES
                        yield member.name, archive.extractfile(member).read() if small else None
                # tarfile takes a damaged header in the middle for the end
                _require_zeros(shard, source.block_at(archive.offset))
    except CaptionError:
        raise
    except Exception as error:  # of tarfile, the file system and the network
        raise CaptionError(f"{shard}: cannot be read as a tar file ({error}); {REMEDY}") from error


def _opened(shard: str) -> BinaryIO:
    return urllib.request.urlopen(shard, timeout=PATIENCE) if _is_address(shard) else open(shard, "rb")


def _require_zeros(shard: str, block: bytes) -> None:
    if len(block) < BLOCK or any(block):
        raise CaptionError(f"{shard}: damaged or cut short, as the mark that ends a tar file is missing; {REMEDY}")


class _Source:
    """What tarfile reads from: it remembers the last chunk, and stops sizes that are not true."""

    def __init__(self, file: BinaryIO):
        self.file, self.recent, self.position, self.budget = file, b"", 0, MAX_MEMBER_BYTES

    def read(self, size: int) -> bytes:
        data = self.file.read(size)
        if not data:  # tarfile would go on asking, for a file that claims an exabyte without end
            raise EOFError("it is cut short")
        self.recent = self.recent[-BLOCK:] + data
        self.position += len(data)
        self.budget -= len(data)
        if self.budget < 0:
            raise ValueError(f"a header larger than {MAX_MEMBER_BYTES >> 20} MiB")
        return data

    def block_at(self, offset: int) -> bytes:
        """The block at `offset`, as far as there is one; it is the one that was read last."""
        start = offset - (self.position - len(self.recent))
        return self.recent[start : start + BLOCK]
