"""What can be wrong with pictures and captions; each finder yields the problems of one kind."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pandas as pd
from PIL import Image

from rsclip_lab.data.images import ImageError, open_image
from rsclip_lab.environment import progress

TINY_SIDE = 32  # pixels of the shorter side; below it hardly any object of an aerial picture can be made out
HUGE_PIXELS = 25_000_000  # slow to decode, and at a model's 224 pixels its objects shrink to nothing
# row, file, kind, severity, detail, remedy
Problem = tuple[int | None, str | None, str, str, str, str]


@dataclass(frozen=True)
class Facts:
    error: str | None = None
    size: tuple[int, int] = (0, 0)  # width, height
    mode: str = "RGB"
    content: str | None = None  # hash of the pixels, so that a copy saved under another name is found


def inspect_all(images: list[str]) -> Iterator[Facts]:
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        yield from progress(pool.map(_inspect, images), total=len(images), desc="audit")


def _inspect(path: str) -> Facts:
    try:
        image = open_image(path)
        with Image.open(path) as header:
            mode = header.mode
    except ImageError as error:
        return Facts(error=str(error))
    digest = hashlib.blake2b(repr(image.size).encode() + image.tobytes(), digest_size=16)
    return Facts(None, image.size, mode, digest.hexdigest())


def file_problems(pictures: pd.DataFrame, facts: list[Facts]) -> Iterator[Problem]:
    for row, image, fact in zip(pictures["row"], pictures["image"], facts, strict=True):
        if fact.error:
            kind = "unreadable_picture" if os.path.exists(image) else "missing_file"
            detail, _, remedy = fact.error.removeprefix(f"{image}: ").partition("; ")
            yield row, image, kind, "error", detail, remedy


def size_problems(pictures: pd.DataFrame, facts: list[Facts], model) -> Iterator[Problem]:
    small = []
    for row, image, fact in zip(pictures["row"], pictures["image"], facts, strict=True):
        width, height = fact.size
        if fact.error is None and min(fact.size) < TINY_SIDE:
            remedy = "use a larger cut-out, or leave it out"
            yield row, image, "tiny_picture", "warning", f"{width} x {height} pixels", remedy
        elif width * height > HUGE_PIXELS:
            remedy = "cut the scene into tiles"
            yield row, image, "huge_picture", "warning", f"{width} x {height} pixels", remedy
        elif fact.error is None and model is not None and min(fact.size) < model.image_size:
            small.append(row)
    if small:
        detail = f"{len(small)} pictures are below the model's {model.image_size} pixels and get enlarged"
        yield small[0], None, "small_pictures", "info", detail, "nothing to do, unless larger originals exist"


def mode_problems(pictures: pd.DataFrame, facts: list[Facts]) -> Iterator[Problem]:
    table = pictures.assign(mode=[fact.mode for fact in facts])
    for mode, group in table[table["mode"] != "RGB"].groupby("mode"):
        first = group.iloc[0]
        detail = f"{len(group)} picture(s) stored as {mode}, converted to RGB"
        remedy = "look at one; if it looks wrong, save as 8-bit RGB"
        yield first["row"], first["image"], "not_rgb", "info", detail, remedy


def repeated_pictures(
    captions: pd.DataFrame, pictures: pd.DataFrame, facts: list[Facts]
) -> Iterator[Problem]:
    content = {i: fact.content for i, fact in zip(pictures["image"], facts, strict=True) if fact.content}
    seen = captions.assign(content=captions["image"].map(content), row=captions.index)
    seen = seen.dropna(subset="content").drop_duplicates(["content", "image", "split"])
    for _, group in seen.groupby("content", sort=False):
        if len(group) < 2:
            continue
        last, splits = group.iloc[-1], sorted(group["split"].dropna().unique())
        names = ", ".join(dict.fromkeys(os.path.basename(image) for image in group["image"]))
        if len(splits) > 1:
            detail = f"the same picture is in {' and '.join(splits)} ({names})"
            remedy = "keep it in one split only; see split_by_image"
            yield last["row"], last["image"], "leak", "error", detail, remedy
        elif group["image"].nunique() > 1:
            detail = f"the same picture under several names ({names})"
            remedy = "keep one, with all its captions"
            yield last["row"], last["image"], "repeated_picture", "warning", detail, remedy


def caption_problems(captions: pd.DataFrame) -> Iterator[Problem]:
    text = captions["caption"].fillna("").str.strip()
    for row in captions.index[text == ""]:
        file = captions.at[row, "image"]
        yield row, file, "empty_caption", "error", "no caption", "write one or remove the row"
    pictures = captions[text != ""].groupby("caption")["image"].nunique()
    shared = pictures[pictures > 1]
    if len(shared):
        most = shared.idxmax()
        detail = f"{len(shared)} of {len(pictures)} distinct captions stand at several pictures, "
        detail += f"{most!r} at {shared.max()}"
        remedy = "nothing with clip_loss and caption_ids, as finetune has it; varied captions teach more"
        row = captions.index[captions["caption"] == most][0]
        yield row, None, "shared_caption", "warning", detail, remedy


def cut_captions(captions: pd.DataFrame, tokenizer) -> Iterator[Problem]:
    context = tokenizer([""]).shape[1]
    for row, caption in captions["caption"].fillna("").drop_duplicates().items():
        tokens = len(tokenizer.encode(caption)) + 2  # the start and the end token
        if tokens > context:
            detail = f"{tokens} tokens, the model reads {context}; the rest is cut off silently"
            remedy = "shorten it, or split it in two captions"
            yield row, captions.at[row, "image"], "cut_caption", "warning", detail, remedy


def set_problems(pictures: pd.DataFrame, batch_size: int) -> Iterator[Problem]:
    if len(pictures) == 0:
        yield None, None, "no_captions", "error", "the table is empty", "check the split and the file read"
        return
    labels = pictures["label"].dropna()
    if labels.nunique() == 1:
        detail = f"all labels are {labels.iloc[0]!r}: zero-shot accuracy is then 100 % for any model"
        yield None, None, "one_class", "warning", detail, "add pictures of other kinds"
    train = pictures if pictures["split"].isna().all() else pictures[pictures["split"] == "train"]
    if len(train) < batch_size:
        detail = f"{len(train)} pictures to train on, fewer than the {batch_size} of one batch"
        yield None, None, "few_pictures", "warning", detail, "add pictures, or lower batch_size"
