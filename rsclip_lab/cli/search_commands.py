"""`index` and `search`: a collection of pictures, found by words or by a picture."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from rsclip_lab.cli.arguments import Count, Device, Folder, Model, NewFile, optional

OptionalModel = Annotated[str | None, optional("MODEL")]
OptionalText = Annotated[str | None, arg(metavar="TEXT", help_behavior_hint="")]
OptionalPicture = Annotated[Path | None, optional("PICTURE")]
Source = Annotated[Path, arg(metavar="IMAGES")]


@dataclass(frozen=True, kw_only=True)
class Index:
    """Embed a collection of pictures, to be searched."""

    model: Positional[Model]
    # a folder (all pictures below it), or captions in any form that read_captions takes (a CSV, JSON, … file)
    images: Positional[Source]
    # of the index; after Ctrl-C the same command goes on, and with an index there already only new and changed
    # pictures are embedded
    out: Folder
    device: Device = "auto"

    def run(self) -> int:
        from rsclip_lab.models import load_model, models
        from rsclip_lab.search import SearchIndex
        from rsclip_lab.search.saving import note_model_place

        index = SearchIndex.build(load_model(self.model, self.device), self.pictures(), folder=self.out)
        path, is_name = os.path.expanduser(self.model), self.model in set(models()["name"])
        is_path = os.path.exists(path) and not is_name
        note_model_place(self.out, os.path.abspath(path) if is_path else self.model)
        for image, cause in index.unreadable.itertuples(index=False):
            say(f"left out: {image} ({cause})")
        say(f"{index}\nWritten: {self.out}")
        return 0

    def pictures(self):
        from rsclip_lab.data import read_captions

        if self.images.is_dir():
            return self.images
        return read_captions(self.images)


@dataclass(frozen=True, kw_only=True)
class Search:
    """Find pictures of an index by words or by a picture, the best first."""

    folder: Positional[Folder]  # that `rsclip-lab index` wrote
    text: Positional[OptionalText] = None  # what to look for, in quotation marks
    image: OptionalPicture = None  # or a picture: find what is like it
    model: OptionalModel = None  # the model the index was built with, if it cannot be loaded by its name
    top: Count = 10  # pictures to find
    csv: NewFile = None  # write rank, image and cosine to this new file
    device: Device = "auto"

    def run(self) -> int:
        from rsclip_lab.data.disk import replacing
        from rsclip_lab.models import load_model
        from rsclip_lab.search import SearchIndex

        if (self.text is None) == (self.image is None):
            raise ValueError('say what to look for: a text such as "boats in a harbour", or --image PICTURE')
        index = SearchIndex.load(self.folder, load_model(self.model, self.device)) if self.model else self.index()
        if self.image is None:
            found = index.search_text(self.text, self.top)
        else:
            found = index.search_image(self.image, self.top)
        say(str(found))
        if self.csv:
            with replacing(self.csv) as part:
                found.table.to_csv(part, index=False, errors="surrogateescape")
            say(f"Written: {self.csv}")
        return 0

    def index(self):
        """With the model it was built with, where the index says how to load that."""
        from rsclip_lab.models import ModelError, load_model, models
        from rsclip_lab.search import SearchIndex
        from rsclip_lab.search.saved import LOADED_FROM, read_words

        words = read_words(self.folder.expanduser())
        name = words["model"]["name"]
        place = words.get(LOADED_FROM, name if name in set(models()["name"]) else None)
        remedy = "say where that lies by --model"
        if place is None:
            raise ValueError(f"the index in {self.folder} is of the model {name!r}: {remedy}")
        if os.path.isabs(place) and not os.path.exists(place):
            raise ValueError(f"the index in {self.folder} is of the model {name!r}, no longer in {place}: {remedy}")
        model = load_model(place, self.device)
        try:
            return SearchIndex.load(self.folder, model)
        except ModelError as error:
            raise ModelError(f"{error}; here {place!r} was loaded: {remedy}") from None


def say(text: str) -> None:
    """Print it, with letters that the terminal does not have escaped: a file's name may be in any encoding."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))
