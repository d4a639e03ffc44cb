"""What a model says of a picture, with every picture and every sentence encoded once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rsclip_lab.data.wording.prompts import checked_templates, written_into
from rsclip_lab.evaluation.zero_shot import NEUTRAL_TEXTS, checked_names, ensembled, told_apart
from rsclip_lab.models import Clip
from rsclip_lab.show.widgets.choices import Choice
from rsclip_lab.show.widgets.pieces import Kept

PICTURES, SENTENCES = 256, 4096  # vectors that are kept of a model: at 1024 dimensions 18 MB


def sentences(prompts: Sequence[str], templates: Sequence[str] | None = None) -> list[list[str]]:
    """What is encoded for each prompt: itself, or with templates it in each of them, as `prompt_features` writes it.

    Raises CaptionError for a template without {label}.
    """
    if templates is None:
        return [[prompt] for prompt in prompts]
    templates = checked_templates(templates)
    return [[written_into(template, words) for template in templates] for words in told_apart(prompts)]


class Answers:
    """One model's probabilities for pictures and prompts; what it has encoded, it keeps."""

    def __init__(self, model: Clip) -> None:
        self.model = model
        self._pictures, self._sentences = Kept(PICTURES), Kept(SENTENCES)

    def picture(self, choice: Choice) -> Tensor:
        """Unit vector [1, dim]."""
        return self._pictures.get(choice.key, lambda: self.model.encode_images([choice.image]))

    def texts(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors [n, dim]; those that are new are encoded together."""
        known = {text: self._sentences.made[text] for text in texts if text in self._sentences.made}
        if new := [text for text in dict.fromkeys(texts) if text not in known]:
            known |= zip(new, self.model.encode_texts(new), strict=True)
        for text, vector in known.items():
            self._sentences.get(text, lambda vector=vector: vector)
        return torch.stack([known[text] for text in texts])

    def probabilities(
        self,
        choice: Choice,
        prompts: Sequence[str],
        templates: Sequence[str] | None = None,
        several: bool = False,
        scale: float | None = None,
    ) -> np.ndarray:
        """float32 [prompts]: as `predict` at the model's own logit scale (None), or at another.

        Raises ValueError as `predict` does: fewer than two prompts (several: none), one twice.
        """
        prompts = checked_names(prompts, "prompt", least=1 if several else 2)
        scale = self.model.logit_scale if scale is None else scale
        written = sentences(prompts, templates)
        flat = self.texts([sentence for some in written for sentence in some])
        vectors = flat if templates is None else ensembled(flat.view(len(written), -1, flat.shape[-1]))
        scaled = scale * self.picture(choice)
        scores = scaled @ vectors.T
        if several:
            return torch.sigmoid(scores - self._zero_point(scaled))[0].numpy()
        return scores.softmax(dim=-1)[0].numpy()

    def _zero_point(self, scaled: Tensor) -> Tensor | float:
        """The logit from which on a text fits, as `predict` has it."""
        if self.model.logit_bias is not None:
            return -self.model.logit_bias
        return scaled @ ensembled(self.texts(NEUTRAL_TEXTS)[None]).T
