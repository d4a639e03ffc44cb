"""Which words a model has never met: what its token table, and the record of its training, tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import torch

from rsclip_lab.models import Clip
from rsclip_lab.models.saved.provenance import ancestors

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]+|_+")  # and what stands between them: a full stop is a token too
SAME_SIZE = 1e-3  # relative; float16, in which matrices may be saved, is as fine


def unseen_words(model: Clip, texts: Sequence[str]) -> list[list[str]]:
    """For each text the words and signs of which a token was never trained, in order; [] where it cannot be told.

    The token table of `tiny` began at ± one size (data/base/README.md). A row that no caption ever called has had
    no gradient: weight decay shrinks it as a whole, averaging and interpolation mix it with its like, so all its
    numbers keep one size to this day. The first caption with that token ends this for good. Rows drawn at random
    never look so: published networks, and those trained from `new_clip`, are never said to lack a word.
    Where fine-tuning left the table as it was (a frozen text tower, LoRA), the labels in the record of the training
    say what was learned all the same; words that stood in its captions only are not known of.
    """
    words = [list(dict.fromkeys(WORD.findall(text))) for text in texts]
    table = getattr(getattr(model.net, "text", model.net), "token_embedding", None)
    if table is None:  # of transformers
        return [[] for _ in texts]
    learned = {token for label in trained_labels(model.description) for token in model.tokenizer.encode(label)}
    tokens = {word: set(model.tokenizer.encode(word)) - learned for word in {word for some in words for word in some}}
    wanted = sorted(set().union(*tokens.values()))
    sizes = table.weight.detach()[torch.tensor(wanted, dtype=torch.long, device=table.weight.device)].float().abs()
    of_one_size = sizes.amax(dim=1) - sizes.amin(dim=1) <= SAME_SIZE * sizes.amax(dim=1)
    untrained = {token for token, alike in zip(wanted, of_one_size.tolist(), strict=True) if alike}
    return [[word for word in some if tokens[word] & untrained] for some in words]


def trained_labels(description: dict) -> Iterator[str]:
    """The labels of all pictures that this network, and those it comes from, were fine-tuned on."""
    for origin in (description, *ancestors(description.get("created_from", {}))):
        training = origin.get("training") if isinstance(origin, dict) else None
        data = training.get("data") if isinstance(training, dict) else None
        for name in ("captions", "replay"):
            table = data.get(name) if isinstance(data, dict) else None
            yield from map(str, table.get("labels", ()) if isinstance(table, dict) else ())


def is_untrained(model: Clip) -> bool:
    """Whether the network is as `new_clip` drew it."""
    return set(model.description.get("created_from", {})) == {"seed"} and "training" not in model.description
