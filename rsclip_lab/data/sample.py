"""The embedded sample: small sets of drawn pictures that come with the package."""

from pathlib import Path

import pandas as pd

from rsclip_lab.data.readers import read_captions
from rsclip_lab.data.table import CaptionError

SAMPLES = ("coast", "land")
HERE = Path(__file__).resolve()


def sample(name: str, split: str | None = None) -> pd.DataFrame:
    """The captions of an embedded sample, as `read_captions` gives them; "coast" or "land".

    The pictures are DRAWN by this project (`data/generator`), 128 x 128 pixels, not photographs; numbers
    measured on them say how a method behaves and nothing about real imagery. "coast" has the new kinds to
    learn (splits train, val, test); "land" the kinds that the base model knows (train for replay, test to
    measure forgetting).

    Raises CaptionError for another name or split.
    """
    return read_captions(sample_folder(name), split=split)


def sample_folder(name: str) -> Path:
    """The sample's folder (`caption.csv`, `images/`), in the installed package or in the checkout."""
    if name not in SAMPLES:
        raise CaptionError(f"no embedded sample named {name!r}; there are: {', '.join(SAMPLES)}")
    places = [HERE.parent / "samples" / name, HERE.parents[2] / "data" / name]
    for folder in places:
        if (folder / "caption.csv").is_file():
            return folder
    raise CaptionError(
        f"{places[0]}: the embedded sample is missing; install the package again, or run `make data`"
    )
