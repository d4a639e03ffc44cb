"""`SearchDatabase`: what `SearchIndex` does, for collections beyond one machine, over LanceDB."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from rsclip_lab.models.inputs import require_loaded
from rsclip_lab.search import queries
from rsclip_lab.search.embedding import embed_parts, warn_of_unreadable
from rsclip_lab.search.identity import ModelIdentity, model_identity, require_same_model
from rsclip_lab.search.parts import Part
from rsclip_lab.search.pictures import GONE, Pictures, is_utf8, picture_paths, stamp_of
from rsclip_lab.search.results import SearchResults
from rsclip_lab.search.store_errors import StoreError
from rsclip_lab.search.stored import stored_paths
from rsclip_lab.search.vector_table import VectorTable, plain_url

STORED_EVERY = 30  # seconds of embedding, the most that an interruption costs


class SearchDatabase:
    """Pictures by their vectors in a database; made by `SearchDatabase.build` or `SearchDatabase.load`.

    Vectors stay in the database: a folder, or an object store (s3://bucket/path, also gs:// and az://), which many
    machines read and write at once. Below 10,000 pictures every query is compared with all of them.
    unreadable: DataFrame `image`, `cause` of the files that the last `build` or `append` left out.
    """

    def __init__(self, model, identity: ModelIdentity, table: VectorTable):
        self.model, self.identity, self._table = model, identity, table
        self.unreadable = pd.DataFrame(columns=["image", "cause"], dtype=object)

    @classmethod
    def build(cls, model, images: Pictures, url: str | Path, storage_options: dict | None = None) -> SearchDatabase:
        """The database at `url`, with all pictures in it: paths, a table with a column `image`, or a folder.

        Only pictures that it does not hold yet, or whose files have changed, are encoded: after an interruption the
        same call goes on. Others that it holds stay. A file that cannot be read is left out, warned of and listed in
        `.unreadable`.
        storage_options: of the store, such as {"endpoint": "http://…", "allow_http": "true"} for an S3 server of
        one's own; credentials, which are written nowhere, may stand here or in the environment (AWS_ACCESS_KEY_ID,
        AWS_SECRET_ACCESS_KEY).
        Raises CaptionError for an empty collection, ImageError when none can be read, ModelError where the database
        is of another model, StoreError when the store is not there, refuses or does not answer.
        """
        require_loaded(model, "SearchDatabase.build")
        paths, identity = picture_paths(images), model_identity(model)
        table = VectorTable.create(url, storage_options, model.dim, identity.to_dict())
        require_same_model(ModelIdentity.from_dict(table.description), model, f"the database {table.url}")
        return cls(model, identity, table).append(paths)

    @classmethod
    def load(cls, url: str | Path, model, storage_options: dict | None = None) -> SearchDatabase:
        """The database that `build` made, with the model it was built with.

        Raises ModelError for another model, naming both; StoreError where there is none, or as `build` does.
        """
        require_loaded(model, "SearchDatabase.load(url, model)")
        table = VectorTable.open(url, storage_options)
        if table is None:
            raise StoreError(f"{plain_url(url)}: no database here; correct the url, or make it with build")
        identity = ModelIdentity.from_dict(table.description)
        require_same_model(identity, model, f"the database {table.url}")
        return cls(model, identity, table)

    def search_text(self, text: str, k: int = 10) -> SearchResults:
        """The k pictures whose vectors have the largest cosine with the text's; all of them where there are fewer.

        A text that is longer than the model reads, or surely not in English, is answered with a warning.
        Raises ValueError for an empty text or k < 1, TypeError for other kinds.
        """
        k = queries.checked_k(k, len(self))
        return self._search(text, queries.text_vector(self.model, text), k)

    def search_image(self, image, k: int = 10, itself: bool = True) -> SearchResults:
        """The k pictures most like this one: a path, a PIL image or a uint8 array [h, w, 3].

        A picture of the database is not encoded again, and finds itself first; itself=False leaves it out.
        Raises ImageError for a picture that cannot be read, ValueError for k < 1, TypeError for other kinds.
        """
        k = queries.checked_k(k, len(self))
        image, path = queries.picture_and_path(image)
        stored = path and self._table.row(path)
        if not stored:
            return self._search(queries.image_name(image), queries.image_vector(self.model, image), k)
        if stamp_of(path) not in (stored[0], GONE):  # the file has changed since
            vector = queries.image_vector(self.model, image)
            return self._search(path, vector, k, but=None if itself else path)
        if not itself:
            return self._search(path, stored[1], k, but=path)
        others = self._search(path, stored[1], k - 1, but=path)  # before a copy of it, whatever the rounding
        return SearchResults(path, [path, *others.images], [1.0, *others.scores])

    def search_vectors(self, vectors, k: int = 10) -> list[SearchResults]:
        """One result for each of the vectors [n, dim], an array or a tensor."""
        vectors = queries.checked_vectors(vectors, self.identity.dim)
        k = queries.checked_k(k, len(self))
        return [self._search(f"vector {row}", vector, k) for row, vector in enumerate(vectors)]

    def _search(self, name: str, vector: np.ndarray, k: int, but: str | None = None) -> SearchResults:
        found = self._table.nearest(vector, k, but) if k else []
        return SearchResults(name, [image for image, _ in found], [cosine for _, cosine in found])

    def append(self, images: Pictures) -> SearchDatabase:
        """Add pictures; those that are there already are encoded again only if their files have changed. In place.

        Several processes may do so at once. Errors as of `build`, and ModelError where the model has been
        changed since.
        """
        paths, stored = picture_paths(images), self._table.stamps()
        stamps = {path: stamp_of(path) for path in paths}
        # A file that is gone keeps the vector it had.
        new = {path: at for path, at in stamps.items() if path not in stored or at not in (stored[path], GONE)}
        causes = {path: "its name is not UTF-8; rename it" for path in new if not is_utf8(path)}
        new = {path: at for path, at in new.items() if path not in causes}
        if new:
            require_same_model(self.identity, self.model, f"the database {self._table.url}")
        for part in _gathered(embed_parts(self.model, new, self.identity), STORED_EVERY):
            causes |= {path: cause for path, (_, cause) in part.unreadable.items()}
            if part.images:
                self._table.put(part)
        self.unreadable = pd.DataFrame(sorted(causes.items()), columns=["image", "cause"], dtype=object)
        warn_of_unreadable(self.unreadable, len(paths))
        self._table.tidy()
        return self

    def delete(self, images: Pictures) -> SearchDatabase:
        """Take pictures out: paths, a table, or a folder for all that are below it, be they there or not. In place.

        Raises ValueError for pictures that are not in the database.
        """
        self._table.delete(stored_paths(images, self._table.stamps()))
        return self

    @property
    def images(self) -> list[str]:
        """Absolute paths, sorted."""
        return list(self._table.stamps())

    def gone(self) -> list[str]:
        """Pictures whose files are not there on this machine; `database.delete(database.gone())` forgets them."""
        return [image for image in self.images if not os.path.isfile(image)]

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        facts = f"{len(self):,} pictures, {self.identity.dim} dimensions, of {self.identity.name!r}"
        return f"SearchDatabase({facts}, in {self._table.url})"


def _gathered(parts: Iterable[Part], seconds: float) -> Iterator[Part]:
    """All pictures of the parts; the first part at once, then those of `seconds` together: a change of a table takes
    the longer, the larger it is."""
    waiting, since = [], -float("inf")
    for part in parts:
        waiting.append(part)
        if time.monotonic() - since >= seconds:
            yield _joined(waiting)
            waiting, since = [], time.monotonic()
    if waiting:
        yield _joined(waiting)


def _joined(parts: list[Part]) -> Part:
    images = [image for part in parts for image in part.images]
    stamps = [stamp for part in parts for stamp in part.stamps]
    unreadable = {image: why for part in parts for image, why in part.unreadable.items()}
    return Part(images, stamps, np.concatenate([part.vectors for part in parts]), unreadable)
