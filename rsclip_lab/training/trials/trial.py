"""A training run of which nothing is kept but its figures: for the tests that come before the real one."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from rsclip_lab.checks import require_trainable, require_usable
from rsclip_lab.environment import select_precision, set_seed
from rsclip_lab.training.batches import CaptionBatches
from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.fetch import BatchSource
from rsclip_lab.training.loop import train
from rsclip_lab.training.network.preparation import require_possible
from rsclip_lab.training.network.siglip_bias import add_logit_bias
from rsclip_lab.training.state import Diverged, TrainingState


def try_out(
    model,
    captions: pd.DataFrame,
    config: FinetuneConfig,
    callbacks: Sequence,
    replay: pd.DataFrame | None = None,
    progress: bool = True,
) -> TrainingState:
    """Train a copy of `model` by the loop of `finetune` until a callback stops it; gives the state it ends in.

    config: resolved. A loss that is no number any more ends the trial like any other; nothing watches for collapse.
    Raises CaptionError and ValueError for tables that cannot be trained on, as `finetune` does.
    """
    require_trainable(captions, config.batch_size)
    if replay is not None:
        require_usable(replay, "the replay table")
    require_possible(model.net, config, model.device)
    precision = select_precision(model.device, config.precision)
    set_seed(config.seed)
    batches = CaptionBatches.configured(captions, replay, config)
    state = TrainingState(model.copy(), model, config, precision, batches.steps_per_epoch)
    source = BatchSource(state.model, batches, config, progress)
    add_logit_bias(state, source)
    try:
        train(state, source, callbacks)
    except Diverged as diverged:
        state.stop = str(diverged)
    return state
