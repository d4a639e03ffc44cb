"""The checks before training: what would fail an hour later, or teach nothing, is refused at once."""

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from rsclip_lab.checks.balance import all_alike
from rsclip_lab.checks.names import FolderNames, folder_of
from rsclip_lab.data.images import ImageError, image_facts
from rsclip_lab.data.table import CaptionError, require_columns


def require_trainable(
    captions: pd.DataFrame, batch_size: int, class_names: Sequence[str] | None = None
) -> None:
    """Raise CaptionError for what would make training fail or learn nothing; only file headers are read.

    Refused: an empty table, a batch without negatives, captions that are the same for all pictures, a class list
    of one, a missing folder or picture, a file that is no picture, an empty caption. (A picture cut short shows
    when it is decoded: ImageError.)
    """
    require_usable(captions)
    pictures = captions.drop_duplicates("image")
    if min(batch_size, len(pictures)) < 2:
        raise CaptionError(
            f"a batch of {min(batch_size, len(pictures))} has no negatives, so its loss is always 0; "
            "use batch_size of 2 or more (better 32 or more) and at least as many pictures"
        )
    _require_classes(captions, class_names)


def require_usable(captions: pd.DataFrame, name: str = "the table of captions") -> None:
    """Raise CaptionError, beginning with `name`, for a table that can neither be trained nor measured on.

    Refused: no rows, a missing column, a picture that is not there or no picture, an empty caption.
    """
    require_columns(captions, name)
    if len(captions) == 0:
        raise CaptionError(f"{name} is empty; check the split you asked for and the file it was read from")
    for row, image in captions["image"].drop_duplicates().items():
        if not isinstance(image, (str, Path)):
            raise CaptionError(f"{name}, row {row}: no file name ({image!r}); fill it in or remove the row")
        _require_picture(row, image)
    for row, image, caption in captions[["image", "caption"]].itertuples():
        if not isinstance(caption, str) or not caption.strip():
            empty = isinstance(caption, str) or pd.isna(caption)
            what = "empty caption" if empty else f"the caption is {caption!r:.60}, no text"
            raise CaptionError(f"{name}, row {row}, {image}: {what}; write one or remove the row")


def _require_classes(captions: pd.DataFrame, class_names: Sequence[str] | None) -> None:
    if class_names is not None and len(set(class_names)) < 2:
        raise CaptionError(
            f"the class list {list(class_names)} has fewer than two classes; nothing to tell apart"
        )
    if all_alike(captions["image"], captions["caption"]):
        labels, texts = captions["label"], captions["caption"].unique()
        label = f" and the one label {labels.iloc[0]!r}" if labels.notna().all() and labels.nunique() == 1 else ""
        said = f"the one caption {texts[0]!r}" if len(texts) == 1 else f"the same {len(texts)} captions"
        raise CaptionError(
            f"all pictures have {said}{label}, so there are no negatives; "
            "add pictures of other kinds, or write captions that tell the pictures apart"
        )


def _require_picture(row: int, image: str) -> None:
    path, folder = Path(image), folder_of(image)
    if not os.path.isdir(folder):
        raise CaptionError(f"row {row}, {image}: the folder {folder} does not exist; correct image_dir")
    if not path.exists():
        said = FolderNames(folder).said_of(path.name)
        raise CaptionError(f"row {row}, {image}: {said}; restore it, correct its name, or remove the row")
    try:
        image_facts(path)
    except ImageError as error:
        raise CaptionError(f"row {row}, {error}") from error
