"""The training loop: fetch, forward, loss, backward, clip, step, record.

It knows nothing of notebooks, plots or which model it trains; progress, validation, checkpoints and whatever else
hang on callbacks. It launches no processes (`training.launch` does) and has no command line of its own.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from rsclip_lab.training.base_features import BaseFeatures
from rsclip_lab.training.config import learning_rate_at
from rsclip_lab.training.embedding import Embedding, embed
from rsclip_lab.training.fetch import BatchSource, TrainingBatch
from rsclip_lab.training.network.preparation import (
    batch_statistics,
    clamp_temperature,
    finish,
    prepare,
    require_exact,
    set_training_mode,
    temperature_parameters,
    tower_parameters,
    trained_parameters,
)
from rsclip_lab.training.objective import batch_loss, measure, replay_drift
from rsclip_lab.training.state import Diverged, Interrupted, TrainingState, TrainingStopped, notify, stopping

MOST_SKIPPED = 20  # steps in a row; float16's scaler, which begins at 65,536 and halves, has reached 0.06 by then


@torch.enable_grad()
def train(state: TrainingState, source: BatchSource, callbacks: Sequence = ()) -> None:
    """Train state.model in place on the batches of `source`, one row of state.history a step; a state that stands
    in the middle of a run goes on there."""
    config, net, world = state.config, state.model.net, state.world
    require_exact(net, config, world)
    if state.optimizer is None:
        prepare(state)
    trained = trained_parameters(net)
    base = state.base_features = BaseFeatures(state, source.tokens)
    watch, begun = Stopwatch(), []
    try:
        for callback in callbacks:
            notify([callback], "on_start", state)
            begun.append(callback)
        while state.epoch < config.epochs and not stopping(state):
            set_training_mode(net, config)
            for batch in watch.fetched(source.epoch(state.epoch, state.step_in_epoch)):  # fetch
                learning_rate, statistics = set_learning_rate(state), batch_statistics(net)

                images, texts = embed_batch(state, batch)  # forward
                loss = batch_loss(images.features, texts.features, net, batch, config)  # loss
                drift = None
                if batch.replayed and config.distillation:
                    moved = base.of_images(batch), base.of_texts(batch)
                    drift = replay_drift(images.features, texts.features, *moved, batch)
                    loss = loss + config.distillation * drift

                state.optimizer.zero_grad(set_to_none=True)
                state.scaler.scale(loss).backward()  # backward, down to the features …
                images.backward()  # … and on through the towers
                texts.backward()
                world.sum_gradients(tower_parameters(net), alike=temperature_parameters(net))
                state.scaler.unscale_(state.optimizer)
                grad_norm = nn.utils.clip_grad_norm_(trained, config.max_grad_norm)  # clip

                numbers = {"loss": loss, "logit_scale": net.logit_scale.exp(), "grad_norm": grad_norm}
                measured = measure(images.features, texts.features, batch, config, numbers, drift)
                require_finite(state, measured, statistics)
                take_step(state, measured)  # step

                record(state, learning_rate, measured, watch.read(len(batch.caption_ids)))  # record
                notify(callbacks, "on_step", state)
                if stopping(state):
                    return
            notify(callbacks, "on_epoch", state)
            state.epoch += 1
    except (TrainingStopped, Interrupted):
        notify(begun, "on_stop", state)  # before `finish`, with the weights of the last whole step
        raise
    finally:
        finish(state, lambda: notify(begun, "on_end", state))


def embed_batch(state: TrainingState, batch: TrainingBatch) -> tuple[Embedding, Embedding]:
    """The batch's pictures, and its distinct captions, through their towers."""
    model, how = state.model, (state.model.device, state.precision, state.config.chunk_size, state.world)
    pictures, captions = (len(batch.caption_ids), model.dim), (len(batch.captions), model.dim)
    return (
        embed(model.image_features, batch.pixels, pictures, *how, learns=state.config.freeze_image != "all"),
        embed(model.text_features, batch.tokens, captions, *how, learns=state.config.freeze_text != "all"),
    )


def set_learning_rate(state: TrainingState) -> float:
    """Of this step, in the optimizer: each group's own share of the schedule's."""
    learning_rate = learning_rate_at(state.step, state.total_steps, state.config)
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate * group.get("lr_share", 1.0)
    return learning_rate


def take_step(state: TrainingState, measured: dict[str, float]) -> None:
    """One step of the optimizer, unless float16's scaler skips it; the temperature stays in CLIP's bounds, the
    averaged weights follow."""
    state.scaler.step(state.optimizer)
    state.scaler.update()
    clamp_temperature(state.model.net, state.config)
    if state.ema is not None and math.isfinite(measured["grad_norm"]):
        state.ema.update(state.model.net)


def require_finite(state: TrainingState, measured: dict[str, float], statistics: list[tuple[Tensor, Tensor]]) -> None:
    """Raise Diverged before a step that would spoil the weights, with the `batch_statistics` as they were before its
    forward pass. float16's scaler skips gradients that are no numbers, and scales less; not for ever, though."""
    rows = [*state.history[1 - MOST_SKIPPED :], measured]
    skipped = len(rows) < MOST_SKIPPED or any(math.isfinite(row["grad_norm"]) for row in rows)
    names = ["loss"] if state.scaler.is_enabled() and skipped else ["loss", "grad_norm"]
    for name in names:
        if not math.isfinite(measured[name]):
            for buffer, before in statistics:
                buffer.copy_(before)
            raise Diverged(
                f"step {state.step}: the {name.replace('_', ' ')} is {measured[name]}. Lower learning_rate "
                f"(now {state.config.learning_rate:g}), or train in full precision with precision='fp32'"
            )


def record(state: TrainingState, learning_rate: float, measured: dict[str, float], times: dict[str, float]) -> None:
    """Append one row to the history."""
    state.record = {"step": state.step, "epoch": state.epoch, "learning_rate": learning_rate, **measured, **times}
    state.history.append(state.record)
    state.step += 1


class Stopwatch:
    """How fast steps go, and which share of their time is spent waiting for data."""

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.waited = 0.0

    def fetched(self, batches: Iterable) -> Iterator:
        """The same batches; the time until each is there counts as waiting. What lies before the first, such as a
        validation, belongs to no step."""
        self.start, self.waited, batches = time.perf_counter(), 0.0, iter(batches)
        while True:
            asked = time.perf_counter()
            batch = next(batches, None)
            self.waited += time.perf_counter() - asked
            if batch is None:
                return
            yield batch

    def read(self, pictures: int) -> dict[str, float]:
        """Of the step that ends now, of so many pictures; the next begins."""
        now = time.perf_counter()
        seconds, waited = max(now - self.start, 1e-9), self.waited
        self.start, self.waited = now, 0.0
        return {"samples_per_second": pictures / seconds, "waiting": waited / seconds}
