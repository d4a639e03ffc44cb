"""Vectors in a LanceDB table, in a folder or an object store, which many processes read and write at once.

One row a picture: its path, which is the table's key, the stamp of its file and its vector. What they are the vectors
of stands in the table's schema. Nothing of this leaves the machine but to the store that the url names.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
from filelock import FileLock

from rsclip_lab.search.parts import Part
from rsclip_lab.search.pictures import Stamp, is_utf8
from rsclip_lab.search.store_errors import StoreError, check_url, is_conflict, store_in_words

TABLE = "images"
DESCRIPTION = b"rsclip-lab"  # where the schema says what the vectors are
KEY = {b"lance-schema:unenforced-primary-key": b"true"}  # two writers of one picture then make one row of it

# Below, every query is compared with all vectors, in a tenth of a second at most on two cores.
INDEXED_FROM = 10_000
# An inverted file with 8-bit codes. Texts are far from all pictures, and their nearest ones lie in many lists: at
# 1,000,000 vectors a sixth of the lists gives text-like queries a recall@10 of 0.87, a third of them 0.98.
LIST, FEWEST_READ, SHARE_READ = 8192, 20, 1 / 3
REFINED = 4  # times k candidates by their codes are compared by their true vectors
FRAGMENTED = 100  # files of a table, from which on they are joined
SETTLED = 2  # seconds, longer than it takes to make a table in a store
TRIES = 8  # when other writers are faster
DELETED_AT_ONCE = 1000


class VectorTable:
    """The table of a database; `create` and `open` give one. All its errors are StoreErrors."""

    def __init__(self, url: str, options: dict | None, table):
        self.url, self._options, self._table = url, options, table

    @classmethod
    def create(cls, url: str, options: dict | None, dim: int, description: dict) -> VectorTable:
        """The table, made where there is none; one that is there stays as it is, with its own description.

        LanceDB lets the second of two that make a table at the same moment replace the first one's: on a disk they
        take turns; in a store a new table stays empty for a moment, so that nothing is lost with it.
        """
        url = plain_url(url)
        if os.path.isfile(url):
            raise StoreError(f"{url}: is a file, and a database is a folder; name another one")
        if table := cls.open(url, options):
            return table
        with store_in_words(url, options), _one_at_a_time(url):
            if table := cls.open(url, options):
                return table
            try:
                _connect(url, options).create_table(TABLE, schema=_schema(dim, description))
            except ValueError as error:
                if "already exists" not in str(error):
                    raise
            if _is_address(url):
                time.sleep(SETTLED)
            return cls(url, options, _connect(url, options).open_table(TABLE))

    @classmethod
    def open(cls, url: str, options: dict | None) -> VectorTable | None:
        """The table that is there, or None. Does not make a folder that is not there."""
        url = plain_url(url)
        if not _is_address(url) and not os.path.isdir(url):
            return None
        with store_in_words(url, options):
            try:
                return cls(url, options, _connect(url, options).open_table(TABLE))
            except ValueError as error:
                if f"'{TABLE}' was not found" in str(error):
                    return None
                raise

    @property
    def description(self) -> dict:
        """What `create` was given. StoreError for a table that something else made."""
        words = (self._table.schema.metadata or {}).get(DESCRIPTION)
        try:
            return json.loads(words)
        except (TypeError, ValueError):
            raise StoreError(f"{self.url}: holds a table {TABLE!r} of another program; name another place") from None

    def __len__(self) -> int:
        with self._in_words():
            return self._table.count_rows()

    def stamps(self) -> dict[str, Stamp]:
        """{path: stamp} of all rows, sorted by path."""
        with self._in_words():
            self._table.checkout_latest()
            rows = self._table.search().select(["image", "bytes", "changed"]).to_arrow().to_pydict()
        stamps = zip(rows["bytes"], rows["changed"], strict=True)
        return dict(sorted(zip(rows["image"], stamps, strict=True)))

    def put(self, part: Part) -> None:
        """Store rows, whole or not at all; those of the same pictures are replaced."""
        rows = _rows(part, self._table.schema)

        def merge():
            merging = self._table.merge_insert("image").when_matched_update_all().when_not_matched_insert_all()
            merging.execute(rows)

        self._write(merge)

    def delete(self, images: Iterable[str]) -> None:
        """Those that are not there are passed over."""
        images = list(images)
        for first in range(0, len(images), DELETED_AT_ONCE):
            where = f"image IN ({', '.join(map(_quoted, images[first : first + DELETED_AT_ONCE]))})"
            self._write(lambda where=where: self._table.delete(where))

    def row(self, image: str) -> tuple[Stamp, np.ndarray] | None:
        """Stamp and vector of a picture, if it is there."""
        if not is_utf8(image):
            return None
        with self._in_words():
            found = self._table.search().where(f"image = {_quoted(image)}").limit(1).to_arrow().to_pylist()
        if not found:
            return None
        return (found[0]["bytes"], found[0]["changed"]), np.array(found[0]["vector"], np.float32)

    def nearest(self, vector: np.ndarray, k: int, but: str | None = None) -> list[tuple[str, float]]:
        """At most k pairs of picture and cosine, the nearest first; but: a picture to leave out."""
        lists_read = max(FEWEST_READ, round(SHARE_READ * len(self) / LIST))
        with self._in_words():
            query = self._table.search(vector, vector_column_name="vector").distance_type("cosine").limit(k)
            query = query.select(["image", "_distance"]).refine_factor(REFINED).nprobes(lists_read)
            if but is not None:
                query = query.where(f"image != {_quoted(but)}", prefilter=True)
            found = query.to_arrow()
            if len(found) < k:  # more than those lists hold: all of them
                found = query.maximum_nprobes(0).to_arrow()
        cosines = 1 - found["_distance"].to_numpy().astype(np.float64)
        return list(zip(found["image"].to_pylist(), cosines.tolist(), strict=True))

    def tidy(self) -> None:
        """Join many small files, and index what is not indexed yet, when there is enough of it to be worth it.

        Another writer that does the same at the same time wins; nothing is lost by it.
        """
        with self._in_words():
            self._table.checkout_latest()
            indexed, rows = self._indexed(), self._table.count_rows()
            try:
                anew = rows >= INDEXED_FROM and rows - indexed > indexed  # the lists of half the rows do not fit all
                if self._fragments() > FRAGMENTED or not anew and rows - indexed >= INDEXED_FROM:
                    self._table.optimize()
                if anew:
                    self._make_index(rows)
            except Exception as error:
                if not is_conflict(error):
                    raise

    def _make_index(self, rows: int) -> None:
        from lancedb.index import IvfSq

        config = IvfSq(distance_type="cosine", num_partitions=max(1, round(rows / LIST)))
        self._table.create_index("vector", config=config)

    def _indexed(self) -> int:
        names = [index.name for index in self._table.list_indices() if index.columns == ["vector"]]
        return self._table.index_stats(names[0]).num_indexed_rows if names else 0

    def _fragments(self) -> int:
        return self._table.stats()["fragment_stats"]["num_small_fragments"]

    def _write(self, change: Callable[[], object]) -> None:
        with self._in_words():
            for attempt in range(TRIES):
                try:
                    change()
                    return
                except Exception as error:
                    if not is_conflict(error) or attempt == TRIES - 1:
                        raise
                    time.sleep(random.uniform(0.05, 0.2) * 2**attempt)  # the others are past it by then
                    self._table.checkout_latest()

    def _in_words(self):
        return store_in_words(self.url, self._options)


def plain_url(url: str | Path) -> str:
    """A folder's absolute path, or the address of a store as it is. ValueError for one with credentials in it."""
    if not isinstance(url, (str, os.PathLike)) or not str(url).strip():
        raise TypeError(f"url={url!r}: name a folder, or an address such as s3://bucket/path")
    check_url(url := os.fspath(url))
    return url if _is_address(url) else os.path.abspath(os.path.expanduser(url))


def _is_address(url: str) -> bool:
    return "://" in url


@contextmanager
def _one_at_a_time(url: str) -> Iterator[None]:
    """In a folder, which is made. Elsewhere there are no locks."""
    if _is_address(url):
        yield
        return
    os.makedirs(url, exist_ok=True)
    with FileLock(os.path.join(url, ".creating.lock")):
        yield


def _connect(url: str, options: dict | None):
    try:
        import lancedb
    except ImportError:
        raise ImportError('a SearchDatabase needs the package lancedb: pip install "rsclip-lab[database]"') from None
    # What others have stored is seen after a second.
    return lancedb.connect(url, storage_options=options, read_consistency_interval=timedelta(seconds=1))


def _schema(dim: int, description: dict):
    import pyarrow

    fields = [
        pyarrow.field("image", pyarrow.string(), nullable=False, metadata=KEY),
        pyarrow.field("bytes", pyarrow.int64()),
        pyarrow.field("changed", pyarrow.int64()),
        pyarrow.field("vector", pyarrow.list_(pyarrow.float32(), dim)),
    ]
    return pyarrow.schema(fields, metadata={DESCRIPTION: json.dumps(description).encode()})


def _rows(part: Part, schema):
    import pyarrow

    sizes, changed = zip(*part.stamps, strict=True)
    vectors = pyarrow.array(np.ascontiguousarray(part.vectors).reshape(-1))
    vectors = pyarrow.FixedSizeListArray.from_arrays(vectors, part.vectors.shape[1])
    return pyarrow.table([part.images, sizes, changed, vectors], schema=schema)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
