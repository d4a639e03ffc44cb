"""How the published numbers were computed: which pictures, which texts, which share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor

from rsclip_lab.data import PixelStore, distinct_images, select_split
from rsclip_lab.data.table import CaptionError
from rsclip_lab.evaluation import class_scores, retrieval_recall, topk_accuracy, wilson_interval, zero_shot_classifier
from rsclip_lab.evaluation.evaluate import TestTable
from rsclip_lab.evaluation.published import KS
from rsclip_lab.models import Clip


class Share(NamedTuple):
    """A measured share, in percent; low and high: its 95 % interval where the queries are independent."""

    percent: float
    queries: int
    low: float | None = None
    high: float | None = None


def share_of_pictures(share: float, pictures: int) -> Share:
    low, high = wilson_interval(min(share, 1.0), pictures)  # a float32 mean may be a hair above 1
    return Share(100 * share, pictures, 100 * low, 100 * high)


@dataclass(frozen=True)
class Retrieval:
    """Every picture of the split looks for one of its captions, every caption (five a picture) for its picture.

    As in RemoteCLIP's retrieval.py, which counts as CLIP_benchmark does. That it capitalises the captions changes
    nothing: CLIP's tokenizer lowers them.
    """

    split: str = "test"

    def __call__(self, model: Clip, captions: pd.DataFrame, pixels: Path) -> dict[str, Share]:
        table = TestTable.of(select_split(captions, self.split))
        image_features = encode_pictures(model, table.images, pixels)
        text_features = model.encode_texts(table.captions)[table.caption_of_text]
        recall = retrieval_recall(image_features, text_features, table.image_of_text, KS)
        pictures, texts = len(table.images), len(table.image_of_text)
        shares = {}
        for k, share in recall["image_to_text"].items():
            shares[f"image to text R@{k}"] = share_of_pictures(share, pictures)
        for k, share in recall["text_to_image"].items():  # a picture's captions are found or missed together
            shares[f"text to image R@{k}"] = Share(100 * share, texts)
        return shares | {"mean recall": Share(100 * recall["mean_recall"], pictures)}


@dataclass(frozen=True)
class ZeroShot:
    """Top-k accuracy over the pictures whose file name (`airport_1.jpg`) or folder says their class."""

    templates: tuple[str, ...]  # with {label}
    class_in: str  # "file name" or "folder"
    split: str | None = None  # None: all pictures
    words: tuple[tuple[str, str], ...] = ()  # (class, its words); by default in lower case, "_" as a space

    def __call__(self, model: Clip, captions: pd.DataFrame, pixels: Path) -> dict[str, Share]:
        # All pictures say which classes there are, whatever the split.
        kinds = sorted({kind for image in captions["image"].unique() if (kind := self.class_of(image))})
        images = distinct_images(select_split(captions, self.split))["image"]
        labels = {image: kinds.index(kind) for image in images if (kind := self.class_of(image))}
        if len(kinds) < 2 or not labels:
            raise CaptionError(f"no pictures whose {self.class_in} says their class; give the set as it is published")
        words = dict(self.words)
        names = [words.get(kind, kind.replace("_", " ").lower()) for kind in kinds]
        classifier = zero_shot_classifier(model, names, self.templates, as_words=False)
        scores = class_scores(model, encode_pictures(model, list(labels), pixels), classifier)
        accuracy = topk_accuracy(scores, torch.tensor(list(labels.values())))
        return {f"top-{k}": share_of_pictures(share, len(labels)) for k, share in accuracy.items()}

    def class_of(self, image: str) -> str | None:
        path = Path(image)
        if self.class_in == "folder":
            return path.parent.name
        kind, underscore, _ = path.name.partition("_")
        return kind if underscore and kind else None


def encode_pictures(model: Clip, images: Sequence[str], pixels: Path) -> Tensor:
    """Unit vectors [pictures, dim]; each picture is decoded once for all models of one size, into `pixels`."""
    store = PixelStore.decode(images, model.image_size, resize=model.resize, folder=pixels)
    return model.encode_images(store)


def scene_templates() -> tuple[str, ...]:
    """GeoRSCLIP's 105 templates: CLIP's wordings for ImageNet, said of three kinds of picture."""
    looks = "low resolution,bad,cropped,bright,dark,close-up,black and white,jpeg corrupted,blurry,good".split(",")
    kinds = "hard to see,large,nice,small,weird,cool".split(",")
    templates = []
    for article, scene in (("a", "remote sensing image"), ("an", "aerial image"), ("a", "satellite image")):
        templates += [f"{article} {scene} of {which} {{label}}." for which in ("many", "a", "the")]
        templates += [f"{article} {scene} of {a} {kind} {{label}}." for kind, a in product(kinds, ("the", "a"))]
        templates += [f"a {look} {scene} of {a} {{label}}." for look, a in product(looks, ("the", "a"))]
    return tuple(templates)


# RemoteCLIP's training code (github.com/ChenDelong1999/ITRA) and CLIP's own prompts for EuroSAT.
EUROSAT_WORDS = {
    "AnnualCrop": "annual crop land",
    "Forest": "forest",
    "HerbaceousVegetation": "brushland or shrubland",
    "Highway": "highway or road",
    "Industrial": "industrial buildings or commercial buildings",
    "Pasture": "pasture land",
    "PermanentCrop": "permanent crop land",
    "Residential": "residential buildings or homes or apartments",
    "River": "river",
    "SeaLake": "lake or sea",
}
SATELLITE_PHOTO = tuple(f"a centered satellite photo of {a}{{label}}." for a in ("", "a ", "the "))

# GeoRSCLIP's and RemoteCLIP's code averages the texts of a class before normalising them, ours after: a difference of
# tenths of a point at most where the texts of a class resemble each other, as these do.
PROTOCOLS: Mapping[str, Retrieval | ZeroShot] = {
    "retrieval": Retrieval(),
    # run_clip_eval.py of github.com/arampacha/CLIP-rsicd: classes as the file names write them ("baseballfield").
    "clip-rsicd": ZeroShot(("An aerial photograph of {label}",), "file name", split="test"),
    "remoteclip-eurosat": ZeroShot(SATELLITE_PHOTO, "folder", words=tuple(EUROSAT_WORDS.items())),
    # inference_tool.py of github.com/om-ai-lab/RS5M: folder names in lower case ("annualcrop"), all pictures.
    "georsclip": ZeroShot(scene_templates(), "folder"),
}
