"""Where the base model has the replayed pictures and captions: what distillation holds them to."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from rsclip_lab.models.clip import evaluating
from rsclip_lab.training.batches import Tokens
from rsclip_lab.training.embedding import embed
from rsclip_lab.training.fetch import TrainingBatch
from rsclip_lab.training.state import TrainingState


class BaseFeatures:
    """Features of the base model. A caption is encoded once a run, pictures whenever they come: each time they are
    cut and turned another way."""

    def __init__(self, state: TrainingState, tokens: Tokens) -> None:
        self.state, self.tokens = state, tokens
        self.known = np.zeros(len(tokens), dtype=bool)
        self.features: Tensor | None = None  # [texts, dim], where known

    def of_images(self, batch: TrainingBatch) -> Tensor:
        """[replayed, dim] unit vectors of the batch's replayed pictures, of all processes."""
        world, total = self.state.world, len(batch.caption_ids)
        replayed = np.arange(total)[world.share] >= total - batch.replayed  # of this process's pictures
        mine = batch.pixels[len(replayed) - int(replayed.sum()) :]
        features = batch.pixels.new_zeros(len(replayed), self.state.base.dim, dtype=torch.float32)
        if len(mine):
            features[len(replayed) - len(mine) :] = self._embedded(self.state.base.image_features, mine)
        return world.gather(features, total)[-batch.replayed :]

    def of_texts(self, batch: TrainingBatch) -> Tensor:
        """[replayed captions, dim] unit vectors, in the order of batch.replayed_captions."""
        wanted = batch.captions[batch.replayed_captions.numpy()]
        new = wanted[~self.known[wanted]]
        if len(new):
            found = self._embedded(self.state.base.text_features, self.tokens[new])
            if self.features is None:
                self.features = found.new_zeros(len(self.tokens), found.shape[1])
            self.features[torch.from_numpy(new).to(found.device)] = found
            self.known[new] = True
        return self.features[torch.from_numpy(wanted).to(self.features.device)]

    def state_dict(self) -> dict:
        """The captions known so far, for a checkpoint: encoded in other batches they would differ in their last bits.

        texts: [known] their numbers; features: [known, dim].
        """
        texts = torch.from_numpy(np.flatnonzero(self.known))
        return {"texts": texts, "features": None if self.features is None else self.features.cpu()[texts]}

    def load_state_dict(self, state: dict) -> None:
        """Go on from what `state_dict` gave."""
        if state["features"] is None:
            return
        known = state["features"].to(self.state.base.device)
        self.features = known.new_zeros(len(self.tokens), known.shape[1])
        self.features[state["texts"].to(known.device)] = known
        self.known[state["texts"].numpy()] = True

    def _embedded(self, tower, inputs: Tensor) -> Tensor:
        state = self.state
        with evaluating(state.base.net):
            how = (state.base.device, state.precision, state.config.chunk_size)
            return embed(tower, inputs, (len(inputs), state.base.dim), *how, learns=False).features
