"""`SearchIndex`: text → pictures, picture → pictures, over the unit vectors of a collection."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from rsclip_lab.data.disk import named_folder
from rsclip_lab.models.inputs import require_loaded
from rsclip_lab.search import queries, saved
from rsclip_lab.search.embedding import Embedding, embed_paths, embedded
from rsclip_lab.search.identity import ModelIdentity, model_identity, require_same_identity, require_same_model
from rsclip_lab.search.inverted_file import InvertedFile
from rsclip_lab.search.neighbours import Neighbours
from rsclip_lab.search.parts import PartFolder
from rsclip_lab.search.pictures import GONE, Pictures, picture_paths, stamp_of
from rsclip_lab.search.results import SearchResults
from rsclip_lab.search.saved import SearchIndexError
from rsclip_lab.search.saving import write_index
from rsclip_lab.search.stored import stored_paths


class SearchIndex:
    """Pictures by their vectors; made by `SearchIndex.build` or `SearchIndex.load`.

    Below 50,000 pictures every query is compared with all of them; above, through faiss, with nearly all of the
    ten nearest found (`approximate.recall`), whether the query is a picture or a text.
    unreadable: DataFrame `image`, `cause` of the files that were left out.
    """

    def __init__(self, model, identity: ModelIdentity, embedding: Embedding, neighbours: Neighbours):
        """neighbours: over the vectors of `embedding`, row by row."""
        self.model, self.identity = model, identity
        self.unreadable, self._neighbours = embedding.unreadable, neighbours
        self._name(embedding.images, embedding.stamps)

    def _name(self, images, stamps) -> None:
        """The picture of each row, and the row of each picture that is not deleted."""
        self._images, self._stamps = list(images), list(stamps)
        self._row_of = {image: row for row, image in enumerate(self._images)}

    @classmethod
    def build(cls, model, images: Pictures, folder: str | Path | None = None) -> SearchIndex:
        """The index of all pictures: paths, a table with a column `image`, or a folder (all pictures below it).

        folder: where the work is kept part by part, and the index saved in the end. After an interruption the same
        call goes on; with an index of this model in it, only new and changed pictures are encoded, and those that
        are not asked for leave it. A file that cannot be read is left out, warned of and listed in `.unreadable`.
        Raises CaptionError for an empty collection, ImageError when none can be read, ModelError for a folder with
        the index of another model, TypeError for a model that is not loaded.
        """
        require_loaded(model, "SearchIndex.build")
        paths, identity = picture_paths(images), model_identity(model)
        former = None if folder is None else _former(folder, model)
        known = former and embedded(former._images, former._stamps, former._neighbours.base)
        found = embed_paths(model, paths, identity, folder, known)
        same = former and (found.images, found.stamps) == (former._images, former._stamps)
        index = cls(model, identity, found, former._neighbours if same else Neighbours.build(found.vectors))
        if folder is not None:
            index.save(folder)
            PartFolder(folder, identity.key, model.dim).remove()
        return index

    def search_text(self, text: str, k: int = 10) -> SearchResults:
        """The k pictures whose vectors have the largest cosine with the text's; all of them where there are fewer.

        A text that is longer than the model reads, or surely not in English, is answered with a warning.
        Raises ValueError for an empty text or k < 1, TypeError for other kinds.
        """
        k = queries.checked_k(k, len(self))
        return self._search([text], queries.text_vector(self.model, text)[None], k)[0]

    def search_image(self, image, k: int = 10, itself: bool = True) -> SearchResults:
        """The k pictures most like this one: a path, a PIL image or a uint8 array [h, w, 3].

        A picture of the index is not encoded again, and finds itself first; itself=False leaves it out.
        Raises ImageError for a picture that cannot be read, ValueError for k < 1, TypeError for other kinds.
        """
        image, path = queries.picture_and_path(image)
        row = self._row_of.get(path)
        k = queries.checked_k(k, len(self) - (row is not None and not itself))
        stored = row is not None and stamp_of(path) in (self._stamps[row], GONE)
        vector = self._neighbours.vectors_of([row])[0] if stored else queries.image_vector(self.model, image)
        found = self._search([queries.image_name(image)], vector[None], min(k + 1, len(self)))[0]
        others = [(one, score) for one, score in found if one != path]
        if stored and itself:  # before a copy of it, whatever the rounding
            others.insert(0, (path, 1.0))
        chosen = (others if stored or not itself else list(found))[:k]
        return SearchResults(found.query, [one for one, _ in chosen], [score for _, score in chosen])

    def search_vectors(self, vectors, k: int = 10) -> list[SearchResults]:
        """One result for each of the vectors [n, dim], an array or a tensor: many queries at once."""
        vectors = queries.checked_vectors(vectors, self.identity.dim)
        names, k = [f"vector {row}" for row in range(len(vectors))], queries.checked_k(k, len(self))
        return self._search(names, vectors, k) if names else []

    def _search(self, names, vectors: np.ndarray, k: int) -> list[SearchResults]:
        scores, rows = self._neighbours.search(vectors, k)
        return [
            SearchResults(name, [self._images[row] for row in near], cosines)
            for name, near, cosines in zip(names, rows, scores, strict=True)
        ]

    def append(self, images: Pictures, folder: str | Path | None = None) -> SearchIndex:
        """Add pictures; those that are there already are encoded again only if their files have changed. In place.

        folder: keeps finished parts of the work. The saved index changes with the next `save`.
        Raises ImageError when none of the pictures can be read, ModelError where the model has been changed since.
        """
        stamps = {path: stamp_of(path) for path in picture_paths(images)}
        known = {path: self._stamps[row] for path, row in self._row_of.items() if path in stamps}
        # A file that is gone keeps the vector it had.
        new = [path for path, stamp in stamps.items() if path not in known or stamp not in (known[path], GONE)]
        if not new:
            return self
        require_same_model(self.identity, self.model)
        found = embed_paths(self.model, new, self.identity, folder, asked=len(stamps))
        self._delete([self._row_of[image] for image in found.images if image in self._row_of])
        first = len(self._images)
        self._neighbours.append(found.vectors)
        self._images += found.images
        self._stamps += found.stamps
        self._row_of |= {image: first + row for row, image in enumerate(found.images)}
        told = pd.concat([self.unreadable, found.unreadable]).drop_duplicates("image", keep="last")
        self.unreadable = told[~told["image"].isin(found.images)].reset_index(drop=True)
        if self._neighbours.unsettled:
            self._settle()
        return self

    def delete(self, images: Pictures) -> SearchIndex:
        """Take pictures out: paths, a table, or a folder for all that are below it, be they there or not. In place.

        Raises ValueError for pictures that are not in the index, and where none would be left.
        """
        rows = [self._row_of[image] for image in stored_paths(images, self._row_of)]
        if len(rows) == len(self):
            raise ValueError("no picture would be left; an empty index answers nothing: remove its folder instead")
        self._delete(rows)
        if self._neighbours.unsettled:
            self._settle()
        return self

    def _delete(self, rows: Iterable[int]) -> None:
        rows = list(rows)
        self._neighbours.delete(rows)
        for row in rows:
            del self._row_of[self._images[row]]

    def _settle(self) -> None:
        """Number the rows anew, without gaps, in an index that is built for them."""
        rows = sorted(self._row_of.values())
        self._neighbours = self._neighbours.settled()
        self._name([self._images[row] for row in rows], [self._stamps[row] for row in rows])

    @property
    def images(self) -> list[str]:
        """Absolute paths, in the order they were added."""
        return list(self._row_of)

    def gone(self) -> list[str]:
        """Pictures of the index whose files are no longer there; `index.delete(index.gone())` forgets them."""
        return [image for image in self._row_of if not os.path.isfile(image)]

    @property
    def approximate(self) -> InvertedFile | None:
        """How the nearest are found without comparing all; None where all are compared."""
        return self._neighbours.approximate

    def __len__(self) -> int:
        return len(self._row_of)

    def save(self, path: str | Path) -> Path:
        """Write the index into a folder, which `load` reads; a save that is killed leaves the one that was there.

        Raises ModelError where the index of another model is there, CaptionError when the disk does not take it.
        """
        there = saved.words_or_none(named_folder(path)) or {}
        if there:
            require_same_identity(ModelIdentity.from_dict(there["model"]), self.identity, f"the index in {path}")
        if self._neighbours.changed:
            self._settle()
        approximate = self.approximate
        kept = {saved.LOADED_FROM: there[saved.LOADED_FROM]} if saved.LOADED_FROM in there else {}
        words = {"model": self.identity.to_dict(), "count": len(self), **kept}
        if approximate is not None:
            words |= {"lists_read": approximate.lists_read, "recall": approximate.recall}
        unreadable = self.unreadable.values.tolist()
        images = {"images": self._images, "stamps": self._stamps, "unreadable": unreadable}
        return write_index(path, words, self._neighbours.base, images, approximate)

    @classmethod
    def load(cls, path: str | Path, model) -> SearchIndex:
        """The index that `save` wrote, with the model it was built with; its vectors stay in the file.

        Raises ModelError for another model, naming both; SearchIndexError for a folder without an index, or files
        that are not as they were saved.
        """
        require_loaded(model, "SearchIndex.load(path, model)")
        folder = named_folder(path)
        while True:
            stamp = stamp_of(folder / saved.INDEX)
            try:
                return cls._read(folder, model)
            except SearchIndexError:
                if stamp_of(folder / saved.INDEX) == stamp:  # else somebody has saved another index meanwhile
                    raise

    @classmethod
    def _read(cls, folder: Path, model) -> SearchIndex:
        words = saved.read_words(folder)
        identity = ModelIdentity.from_dict(words["model"])
        require_same_model(identity, model, f"the index in {folder}")
        vectors, images = saved.read_data(folder, words, identity.dim)
        stamps = [tuple(stamp) for stamp in images["stamps"]]
        unreadable = pd.DataFrame(images["unreadable"], columns=["image", "cause"], dtype=object)
        embedding = Embedding(images["images"], stamps, vectors, unreadable)
        return cls(
            model, identity, embedding, Neighbours(vectors, saved.read_approximate(folder, words, identity.dim))
        )

    def __repr__(self) -> str:
        facts = [f"{len(self):,} pictures", f"{self.identity.dim} dimensions"]
        if self.approximate is None:
            facts.append("all compared")
        else:
            facts.append(f"recall@10 about {min(self.approximate.recall.values()):.2f}")
        if len(self.unreadable):
            facts.append(f"{len(self.unreadable)} unreadable left out")
        return f"SearchIndex({', '.join(facts)}, of {self.identity.name!r})"


def _former(folder: str | Path, model) -> SearchIndex | None:
    """The index that is in the folder already; None where there is none, or, with a warning, a damaged one."""
    if not saved.is_index(saved.require_place(folder)):  # what stands in the way is said before hours of work
        return None
    try:
        return SearchIndex.load(folder, model)
    except SearchIndexError as error:
        warnings.warn(f"{error}. That is what happens now", stacklevel=3)
        return None
