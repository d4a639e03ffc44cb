"""The training loop: fetch, forward, loss, backward, clip, step, record.

It knows nothing of notebooks, plots or which model it trains; progress, validation and whatever else hang
on callbacks. It is not a launcher for several machines and has no command line of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from rsclip_lab.models.clip import evaluating
from rsclip_lab.training.callbacks import TrainingState, notify
from rsclip_lab.training.config import MAX_LOGIT_SCALE, FinetuneConfig, learning_rate_at
from rsclip_lab.training.fetch import BatchSource, TrainingBatch
from rsclip_lab.training.losses import clip_loss, clip_loss_floor, feature_distillation, positives_only_loss


def train(state: TrainingState, source: BatchSource, callbacks: Sequence = ()) -> None:
    """Train state.model in place on the batches of `source`, one row of state.history a step."""
    model, config, net = state.model, state.config, state.model.net
    trained = prepare(net, config)
    optimizer = make_optimizer(net, config, model.device)
    scaler = torch.amp.GradScaler(model.device.type, enabled=state.precision.scaler)
    notify(callbacks, "on_start", state)
    try:
        for state.epoch in range(config.epochs):
            set_training_mode(net, config)
            for batch in source.epoch(state.epoch):  # fetch
                learning_rate = learning_rate_at(state.step, state.total_steps, config)
                for group in optimizer.param_groups:
                    group["lr"] = learning_rate

                with state.precision.context(), attention(model.device):  # forward
                    image_features = model.image_features(batch.pixels)
                    text_features = model.text_features(batch.tokens)
                image_features, text_features = image_features.float(), text_features.float()
                loss = batch_loss(image_features, text_features, net.logit_scale.exp(), batch, config)
                drift = replay_drift(state, batch, image_features, text_features)
                if drift is not None:
                    loss = loss + config.distillation * drift

                optimizer.zero_grad(set_to_none=True)
                scaler.scale(loss).backward()  # backward
                scaler.unscale_(optimizer)
                grad_norm = nn.utils.clip_grad_norm_(trained, config.max_grad_norm)  # clip
                scaler.step(optimizer)  # step
                scaler.update()
                with torch.no_grad():
                    net.logit_scale.clamp_(max=math.log(MAX_LOGIT_SCALE))

                measured = measure(image_features, text_features, batch, loss, grad_norm, net.logit_scale, drift)
                record(state, learning_rate, measured)  # record
                notify(callbacks, "on_step", state)
                state.step += 1
            notify(callbacks, "on_epoch", state)
            if state.stop:
                break
    finally:
        notify(callbacks, "on_end", state)
        restore(net)


def batch_loss(
    image_features: Tensor,
    text_features: Tensor,
    logit_scale: Tensor,
    batch: TrainingBatch,
    config: FinetuneConfig,
) -> Tensor:
    """The configured loss of one batch, in float32."""
    if config.loss == "positives_only":
        return positives_only_loss(image_features, text_features[batch.caption_ids])
    return clip_loss(image_features, text_features, logit_scale, batch.caption_ids)


def replay_drift(
    state: TrainingState, batch: TrainingBatch, image_features: Tensor, text_features: Tensor
) -> Tensor | None:
    """How far the replayed pictures and their captions have moved from where the base model has them, on average.

    None without replayed pictures, and where the loss does not ask.
    """
    if not (batch.replayed and state.config.distillation):
        return None
    pictures, captions = slice(-batch.replayed, None), batch.replayed_captions
    base = state.base
    with torch.no_grad(), evaluating(base.net), state.precision.context(), attention(base.device):
        base_images = base.image_features(batch.pixels[pictures]).float()
        base_texts = base.text_features(batch.tokens[captions]).float()
    captions = captions.to(base.device)
    images_moved = feature_distillation(image_features[pictures], base_images)
    return (images_moved + feature_distillation(text_features[captions], base_texts)) / 2


@torch.no_grad()
def measure(
    image_features: Tensor,
    text_features: Tensor,
    batch: TrainingBatch,
    loss: Tensor,
    grad_norm: Tensor,
    log_scale: Tensor,
    drift: Tensor | None,
) -> dict[str, float]:
    """The measured columns of one step, brought to the CPU in one transfer."""
    cosine = image_features @ text_features.T  # [batch, distinct]
    own = cosine.gather(1, batch.caption_ids[:, None])
    others = cosine.numel() - len(cosine)
    values = {
        "loss": loss,
        "floor": clip_loss_floor(batch.caption_ids),
        "logit_scale": log_scale.exp(),
        "grad_norm": grad_norm,
        "batch_recall": (cosine.argmax(1) == batch.caption_ids).float().mean(),
        "off_diagonal_cosine": (cosine.sum() - own.sum()) / others if others else cosine.new_tensor(math.nan),
    }
    if drift is not None:
        values["replay_drift"] = drift
    numbers = torch.stack([value.detach().float() for value in values.values()]).tolist()
    return dict(zip(values, numbers, strict=True))


def record(state: TrainingState, learning_rate: float, measured: dict[str, float]) -> None:
    """Append one row to the history; FloatingPointError when the loss is no longer a number."""
    state.record = {"step": state.step, "epoch": state.epoch, "learning_rate": learning_rate, **measured}
    state.history.append(state.record)
    if not math.isfinite(measured["loss"]):
        raise FloatingPointError(
            f"step {state.step}: the loss is {measured['loss']}. Lower learning_rate "
            f"(now {state.config.learning_rate:g}), or train in full precision with precision='fp32'"
        )


def attention(device: torch.device) -> AbstractContextManager:
    """On a CPU, attention as plain matrix products: for sequences as short as a caption or 50 patches
    the backward pass of torch's fused CPU kernel is slow
    (measured on small towers, a whole training step: 4.0 against 5.5 ms a picture)."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()


def make_optimizer(net: nn.Module, config: FinetuneConfig, device: torch.device) -> torch.optim.AdamW:
    """AdamW with CLIP's betas; norms, biases and logit scale (below two dimensions) undecayed."""
    trained = [p for p in net.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(
        groups, lr=config.learning_rate, betas=(0.9, 0.98), eps=1e-6, fused=device.type in ("cpu", "cuda")
    )


def prepare(net: nn.Module, config: FinetuneConfig) -> list[nn.Parameter]:
    """Fast memory layout, the frozen tower without gradients; gives the parameters that are trained."""
    net.to(memory_format=torch.channels_last)
    for name, parameter in net.named_parameters():
        tower = "image" if name.startswith("visual.") else "scale" if name.startswith("logit_") else "text"
        parameter.requires_grad_(tower != config.freeze)
    return [p for p in net.parameters() if p.requires_grad]


def set_training_mode(net: nn.Module, config: FinetuneConfig) -> None:
    """Training mode; batch norms keep their statistics when so configured, for small batches spoil them."""
    net.train()
    for module in net.modules():
        if config.freeze_batch_norm and isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def restore(net: nn.Module) -> None:
    """Evaluation mode, plain memory layout, no gradients held."""
    net.eval()
    net.to(memory_format=torch.contiguous_format)
    for parameter in net.parameters():
        parameter.requires_grad_(True).grad = None
