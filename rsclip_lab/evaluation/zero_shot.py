"""Classes from their names: prompts, the zero-shot classifier, and probabilities for pictures."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import torch.nn.functional as F
from torch import Tensor

from rsclip_lab.data import PixelStore, class_words
from rsclip_lab.data.wording.prompts import DEFAULT_TEMPLATES, checked_templates, written_into
from rsclip_lab.evaluation.metrics import as_tensor, require_finite
from rsclip_lab.models import Clip
from rsclip_lab.models.inputs import as_list_of_images, require_loaded

# What any picture from above is, whatever it shows: the zero point of `predict(…, several=True)`.
NEUTRAL_TEXTS = ("a satellite view", "a satellite image", "an aerial photo", "an aerial view", "a picture from above")


def zero_shot_classifier(
    model: Clip, class_names: Sequence[str], templates: Sequence[str] | None = None, as_words: bool = True
) -> Tensor:
    """Unit vectors float32 [classes, dim], one a class: its picture-independent "weights".

    Each class is written into each template, encoded and normalised; the mean over the templates is
    normalised again (prompt ensembling: Radford et al. 2021, section 3.1.4; as in open_clip).
    as_words: see `prompt_features`.
    Raises ValueError for fewer than two classes, a class named twice, or a template without {label}.
    """
    return ensembled(prompt_features(model, class_names, templates, as_words))


def zero_shot_classifiers(
    model: Clip, choices: Sequence[Sequence[str]], templates: Sequence[str] | None = None
) -> list[Tensor]:
    """`zero_shot_classifier` of each of several lists of class names; each sentence is encoded once.

    A class may be said in two ways, as which names become the same words depends on the list (`names_as_words`).
    Errors as `zero_shot_classifier`.
    """
    said = [names_as_words(class_names) for class_names in choices]
    place = {name: row for row, name in enumerate(dict.fromkeys(name for names in said for name in names))}
    if not place:
        return []
    vectors = ensembled(_encoded(model, list(place), templates, written_into))
    return [vectors[[place[name] for name in names]] for names in said]


def prompt_features(
    model: Clip, class_names: Sequence[str], templates: Sequence[str] | None = None, as_words: bool = True
) -> Tensor:
    """Unit vectors float32 [classes, templates, dim]: each class in each template, before they are averaged.

    as_words: a name without a space becomes what a caption would say ("AnnualCrop": "annual crop land";
    `class_words`), and "a {label}" gets the label's own article (`written_into`). False: names and templates as
    they are given, as published protocols have them. Errors as `zero_shot_classifier`.
    """
    if as_words:
        return _encoded(model, names_as_words(class_names), templates, written_into)
    as_given = checked_names(class_names)
    return _encoded(model, as_given, templates, lambda template, name: template.replace("{label}", name))


def _encoded(model: Clip, names: list[str], templates: Sequence[str] | None, write: Callable) -> Tensor:
    """Unit vectors [names, templates, dim]."""
    templates = checked_templates(DEFAULT_TEMPLATES if templates is None else templates)
    texts = [write(template, name) for name in names for template in templates]
    return model.encode_texts(texts).view(len(names), len(templates), -1)


def ensembled(features: Tensor) -> Tensor:
    """Unit vectors [classes, templates, dim] -> their normalised means [classes, dim]."""
    return F.normalize(features.mean(dim=1), dim=-1)


def names_as_words(class_names: Sequence[str]) -> list[str]:
    """The names as a caption would say them; those with a space in them are words already and stay as they are.

    So do names that would become the same words ("1a" and "2a"). Raises ValueError as `checked_names`.
    """
    return told_apart(checked_names(class_names))


def told_apart(names: Sequence[str]) -> list[str]:
    """`names_as_words` of different names, however few."""
    words = [_in_words(name) for name in names]
    often = Counter(words)
    return [name if often[word] > 1 else word for name, word in zip(names, words, strict=True)]


def _in_words(name: str) -> str:
    """`class_words` of a name without a space; one with a space is words already."""
    bare = name.strip()
    return name if " " in bare or not bare else class_words(bare)


def class_scores(model: Clip, image_features: Tensor, classifier: Tensor) -> Tensor:
    """Logits [images, classes]: cosines times the model's logit scale.

    Without the scale a softmax over cosines, which lie within a few hundredths of each other, looks undecided
    even for a good model. Features of any number format are taken as float32.
    """
    image_features, classifier = (as_tensor(side).float() for side in (image_features, classifier))
    return model.logit_scale * image_features @ classifier.T


def predict(
    model: Clip,
    images,
    prompts: Sequence[str],
    several: bool = False,
    neutral: Sequence[str] = NEUTRAL_TEXTS,
) -> pd.DataFrame:
    """Probabilities, one row an image (`picture_names`), one column a prompt.

    `images` as in `Clip.encode_images`, or the features [n, dim] that it gave, whose rows are numbered; `prompts` are
    whole sentences. By default at least two different ones, between which the softmax decides: rows sum to 1, and say
    which of these fits best, never that none of them fits.

    several: each prompt is judged by itself, so that several may fit, or none (one prompt is enough). A model with a
    `logit_bias` (SigLIP: Zhai et al. 2023) was trained for that: sigmoid(scale · cosine + bias). Others were trained
    to compare texts, and have no cosine at which a text begins to fit. Each prompt is compared with `neutral` texts,
    which say nothing but that it is a picture from above: sigmoid(scale · (cosine − neutral cosine)), the softmax of
    the two. Above one half means "fits better than saying nothing", no more: its height was not learned, and is no
    share of right answers until `calibration_error` says so. (`tiny` on half of the drawn land sample's test
    pictures: 0.99 of the true kinds are above one half, and 0.25 of the others.)
    """
    require_loaded(model, "predict")
    prompts = checked_names(prompts, "prompt", least=1 if several else 2)
    encoded = isinstance(images, (PixelStore, Tensor))
    images = images if encoded else as_list_of_images(images)
    image_features = image_features_of(model, images)
    scores = class_scores(model, image_features, model.encode_texts(prompts))
    if several:
        probabilities = (scores - _zero_point(model, image_features, neutral)).sigmoid()
    else:
        probabilities = scores.softmax(dim=-1)
    names = range(len(images)) if encoded else picture_names(images)
    return pd.DataFrame(probabilities.numpy(), index=pd.Index(names, name="image"), columns=prompts)


def image_features_of(model: Clip, images) -> Tensor:
    """`model.encode_images`, of what is not encoded yet."""
    return checked_features(model, images) if isinstance(images, Tensor) else model.encode_images(images)


def checked_features(model: Clip, image_features: Tensor, pictures: int | None = None) -> Tensor:
    """Features float32 [n, dim] on the CPU; ValueError unless finite, `pictures` rows, of the model's length."""
    features = as_tensor(image_features).detach().float().cpu()
    if features.ndim != 2 or features.shape[1] != model.dim or pictures not in (None, len(features)):
        wanted = f"[{'pictures' if pictures is None else pictures}, {model.dim}]"
        remedy = "give what its encode_images gave, one row for each distinct picture"
        raise ValueError(f"image features {list(features.shape)}, where {model.name} has {wanted}: {remedy}")
    require_finite(features, "image features")
    return features


def picture_names(images: Sequence) -> list[str | int]:
    """The file name of each picture, with as many of the folders above it as tell it from others of that name; of
    what is no file its number."""
    names, unnamed, length = {}, {Path(image) for image in images if isinstance(image, (str, Path))}, 0
    while unnamed:
        length += 1
        ends = {path: path.parts[-length:] for path in unnamed}
        often = Counter(ends.values())
        names |= {path: Path(*end).as_posix() for path, end in ends.items() if often[end] == 1}
        unnamed = {path for path in unnamed if path not in names}
    return [names[Path(image)] if isinstance(image, (str, Path)) else row for row, image in enumerate(images)]


def _zero_point(model: Clip, image_features: Tensor, neutral: Sequence[str]) -> Tensor | float:
    """The logit from which on a text fits: one for all where the model has learned it, else one a picture [n, 1]."""
    if model.logit_bias is not None:
        return -model.logit_bias
    texts = model.encode_texts(checked_names(neutral, "neutral text", least=1))
    return class_scores(model, image_features, ensembled(texts[None]))


def checked_names(names: Sequence[str], kind: str = "class", least: int = 2) -> list[str]:
    """The names as a list; ValueError for fewer than `least`, one named twice, or one that is not words."""
    names = [names] if isinstance(names, str) else list(names)
    for place, name in enumerate(names):
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"{kind} {place} is {name!r}: give each {kind} as words")
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{kind} named twice: {', '.join(repeated)}; name each once")
    if len(names) < least:
        got = ", ".join(names) or "none"
        number = {1: "one", 2: "two"}.get(least, least)
        raise ValueError(f"a choice needs at least {number}: got {len(names)} {kind} ({got}); add another")
    return names
