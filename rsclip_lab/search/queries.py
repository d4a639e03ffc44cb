"""What is asked of an index: a text, a picture, vectors; what is wrong with it is said before anything is sought."""

from __future__ import annotations

import os
import warnings

import numpy as np
import torch
from PIL import Image

from rsclip_lab.data.images import image_name as image_name  # what results call a picture
from rsclip_lab.data.wording.language import foreign
from rsclip_lab.search.pictures import absolute

LONGEST_WORD = 1000  # letters; byte-pair encoding takes time in the square of a word's length


def text_vector(model, text: str) -> np.ndarray:
    """Unit float32 [dim]. A text that is cut, or is surely not English where the model's tokenizer is CLIP's own, is
    answered with a warning.

    Raises TypeError for what is no text, ValueError for one without words.
    """
    if not isinstance(text, str):
        raise TypeError(f"search_text takes one text, not {text!r:.80}; search_vectors takes many as vectors")
    if not text.strip():
        raise ValueError("the text is empty: say what to look for, such as 'boats in a harbour'")
    words = text.split()
    if len(longest := max(words, key=len)) > LONGEST_WORD:
        raise ValueError(f"{longest[:40]}… has {len(longest):,} letters without a space: is it text?")
    if lost := len(words) - _words_read(model.tokenizer, words):
        first = " ".join(words[-lost:][:3])
        warnings.warn(
            f"the text is too long for {model.name}: its last {lost} of {len(words)} words, from {first!r} on, are "
            "cut off and change nothing; ask for less at a time",
            stacklevel=3,
        )
    if model.description["tokenizer"]["name"] == "clip" and (language := foreign(text)):
        warnings.warn(
            f"the text is {language}, and {model.name} was made for English: the answer may mean nothing; ask in "
            "English, or take a model with a multilingual text tower",
            stacklevel=3,
        )
    return model.encode_texts(text)[0].numpy()


def _words_read(tokenizer, words: list[str]) -> int:
    """How many of the words the model reads whole."""
    marks = getattr(tokenizer, "marks", 2)  # of CLIP's own: a start and an end token
    room = tokenizer([""]).shape[1] - marks
    words = words[: room + 1]  # a word has one token at least
    low, high = 0, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        fits = len(tokenizer.encode(" ".join(words[:middle]))) <= room
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


def picture_and_path(image) -> tuple[object, str | None]:
    """What is asked for, with ~ for the home in a path; and the absolute path of it, if it is one."""
    if not isinstance(image, (str, os.PathLike)):
        return image, None
    return os.path.expanduser(image), absolute(image)


def image_vector(model, image) -> np.ndarray:
    """Unit float32 [dim] of a path, a PIL image or a uint8 array [h, w, 3].

    Raises TypeError for several pictures or none, ImageError for one that cannot be read.
    """
    if isinstance(image, (list, tuple)) or (isinstance(image, np.ndarray) and image.ndim > 3):
        raise TypeError("search_image takes one picture; search_vectors(model.encode_images(images)) takes many")
    if not isinstance(image, (str, os.PathLike, np.ndarray, Image.Image)):
        raise TypeError(f"search_image takes a path, a PIL image or a uint8 array [h, w, 3], not {image!r:.80}")
    return model.encode_images(image)[0].numpy()


def checked_k(k: int, count: int) -> int:
    """How many pictures to give: k, or all where there are fewer. Raises TypeError, ValueError for less than one."""
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
        raise TypeError(f"k={k!r}: give a whole number of pictures")
    if k < 1:
        raise ValueError(f"k={k}: give 1 or more")
    return min(int(k), count)


def checked_vectors(vectors, dim: int) -> np.ndarray:
    """Unit float32 [queries, dim] of vectors of any length but 0, a tensor or an array, one of them or many."""
    try:
        vectors = torch.as_tensor(vectors).detach().cpu().float().numpy()
    except (TypeError, ValueError, RuntimeError):  # None, words, rows of different lengths
        raise TypeError(f"search_vectors takes an array or a tensor [n, {dim}], not {vectors!r:.80}") from None
    vectors = vectors[None] if vectors.ndim == 1 else vectors
    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise ValueError(f"vectors of shape {list(vectors.shape)}: the index holds {dim} dimensions, give [n, {dim}]")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all(np.isfinite(lengths) & (lengths > 0)):
        raise ValueError("a vector is zero, NaN or infinite: no picture is near it")
    return vectors / lengths
