"""The knobs of a fine-tuning, in one frozen place: the same in a notebook cell, on the command line and in a file."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from numbers import Integral, Real
from types import NoneType
from typing import Literal, get_args, get_origin, get_type_hints

MAX_LOGIT_SCALE = 100.0  # CLIP's own clamp: the temperature never falls below 1/100
SMALL_NETWORK = 50_000_000  # parameters
SMALL_RATE = 1.5e-3
LORA_RATE = 2e-4  # additions that start at 0 need larger steps than weights that know something (arXiv:2106.09685)
ADAFACTOR = 15  # times: its steps are relative to a matrix's root mean square, 0.064 in the median of `tiny`'s
MOST_SEEDS = 2**32  # as many as numpy's generator takes
COLLAPSED = 0.9  # mean cosine of pairs that do not match; healthy runs stay below half of it


@dataclass(frozen=True)
class FinetuneConfig:
    """What `finetune` does. ValueError for a value that cannot work, TypeError for one of another type."""

    epochs: int = 18  # passes over the captions' pictures
    # On small sets of a few kinds more and smaller steps learn more in the same time; large sets want 256 and more.
    batch_size: int = 32  # pictures a step, replayed ones and all processes included; all others are negatives
    chunk_size: int = 0  # pictures embedded at a time, with the gradients of the whole batch; 0: all at once
    optimizer: Literal["adamw", "adam", "adafactor"] = "adamw"  # adam decays through the gradient, adamw beside it
    # With adafactor a fraction of each matrix's root mean square, so None is 15 times as much there.
    learning_rate: float | None = None  # peak; None: 5e-6 (LoRA 2e-4), and 1.5e-3 for small networks such as `tiny`
    schedule: Literal["cosine", "linear", "constant"] = "cosine"  # how the learning rate goes to 0 after the warmup
    warmup: float = 0.1  # fraction of all steps with a rising learning rate
    layer_decay: float = 1.0  # learning rate of a layer as a fraction of the next one's, towards the output; 1: alike
    weight_decay: float = 0.05  # per unit of learning rate; not on norms, biases and the logit scale
    max_grad_norm: float = 1.0  # gradients are scaled down to this length
    ema: float = 0.0  # weights averaged over steps, with this much of the average kept in each; 0: the last weights
    loss: Literal["clip", "siglip", "positives_only"] = "clip"  # positives_only is the counter-example: it collapses
    replay_share: float = 0.5  # fraction of each batch drawn from the replay table, when there is one
    distillation: float = 5.0  # weight of keeping the replayed pairs' features where the base model has them; 0: off
    distinct_captions: bool = False  # no caption twice in a batch, where the captions allow it
    # Counted as pairs, a caption that came twice is right for both pictures; most programs count it as wrong.
    shared_captions: Literal["positives", "negatives"] = "positives"  # what another picture's equal caption is
    augment: bool = True  # the random crops, flips, turns and colours below; off: every picture as in evaluation
    min_crop: float = 0.6  # least area of a random crop, as a fraction of the picture; 1: no crops
    flip: bool = True  # mirror left and right, top and bottom; captions that name a direction follow
    rotate: bool = True  # turn by right angles; captions that name a direction follow
    colour_jitter: float = 1.0  # strength of the light changes of contrast, tint and brightness; 0: none
    freeze_image: int | Literal["all"] = 0  # so many first layers of the image tower keep their weights, or "all"
    freeze_text: int | Literal["all"] = 0  # so many first layers of the text tower keep their weights, or "all"
    freeze_temperature: bool = False  # the logit scale, and SigLIP's bias, keep their values
    freeze_batch_norm: bool | None = None  # keep batch-norm statistics; None: in published weights, not in `tiny`
    lora_rank: int = 0  # train low-rank additions to the transformers' matrices only, of this rank; 0: all weights
    patience: int = 0  # epochs without a better validation recall before stopping; 0: never stop early
    collapse_alarm: float | None = None  # off-diagonal cosine that stops a run; None: 0.9, never in positives_only
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"  # "auto": what the device is fast and safe at
    compile: bool = False  # torch.compile the towers: minutes at the start, faster steps on some GPUs
    save_minutes: float = 5.0  # between checkpoints in the run's folder
    seed: int = 0  # of shuffling, drawn captions, augmentation and dropout

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for field in fields(self):
            value = getattr(self, field.name)
            if not _fits(value, hints[field.name]):
                raise TypeError(f"FinetuneConfig({field.name}={value!r}): {field.name} must be {field.type}")
            choices = _choices(hints[field.name])
            if isinstance(value, str) and value not in choices:
                rule = f"one of {', '.join(choices)}" if len(choices) > 1 else f'a number of layers or "{choices[0]}"'
                raise ValueError(f"FinetuneConfig({field.name}={value!r}): {field.name} must be {rule}")
        for name, ok, rule in self._rules():
            if not ok:
                raise ValueError(f"FinetuneConfig({name}={getattr(self, name)!r}): {name} must be {rule}")

    def _rules(self):
        rate, alarm = self.learning_rate, self.collapse_alarm
        yield "epochs", self.epochs >= 1, "at least 1"
        yield (
            "batch_size",
            self.batch_size >= 2,
            "at least 2: a batch of one has no negatives, its loss is always 0",
        )
        yield "chunk_size", self.chunk_size >= 0, "0 or more"
        yield "learning_rate", rate is None or 0 < rate < 1, "between 0 and 1, or None"
        yield "warmup", 0 <= self.warmup < 1, "a fraction of all steps, from 0 to below 1"
        yield "layer_decay", 0 < self.layer_decay <= 1, "above 0 and at most 1"
        yield "weight_decay", 0 <= self.weight_decay < math.inf, "0 or more"
        yield "max_grad_norm", 0 < self.max_grad_norm < math.inf, "above 0 and finite"
        yield "ema", 0 <= self.ema < 1, "from 0 to below 1"
        yield "replay_share", 0 < self.replay_share < 1, "a fraction of the batch, between 0 and 1"
        yield "distillation", 0 <= self.distillation < math.inf, "0 or more, and finite"
        yield "min_crop", 0 < self.min_crop <= 1, "a fraction of the picture's area, above 0 and at most 1"
        yield "colour_jitter", 0 <= self.colour_jitter <= 2, "from 0 to 2"
        for name in ("freeze_image", "freeze_text"):
            value = getattr(self, name)
            yield name, value == "all" or value >= 0, '0 or more, or "all"'
        yield (
            "freeze_text",
            not self.freeze_image == self.freeze_text == "all",
            'another value than freeze_image="all": with both towers frozen nothing is left to learn',
        )
        yield "lora_rank", self.lora_rank >= 0, "0 or more"
        yield (
            "optimizer",
            not (self.lora_rank and self.optimizer == "adafactor"),
            "adamw or adam with lora_rank: adafactor's steps are relative to a matrix's size, and these begin at 0",
        )
        yield "patience", self.patience >= 0, "0 or more"
        yield "collapse_alarm", alarm is None or 0 < alarm <= 1, "above 0 and at most 1 (1: never), or None"
        yield "save_minutes", 0 <= self.save_minutes < math.inf, "0 (after each step) or more, and finite"
        yield "seed", 0 <= self.seed < MOST_SEEDS, f"from 0 to below {MOST_SEEDS}"

    def to_dict(self) -> dict:
        """The fields as a plain dictionary, for the run's record in clip.json."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> FinetuneConfig:
        """The configuration that `to_dict` gave, of an earlier version too. TypeError for a field that is unknown."""
        if not isinstance(values, dict):
            raise TypeError(f"a configuration is a dictionary, not {values!r}")
        values = dict(values)
        values.setdefault("distillation", 0.0)  # runs that were kept before there was distillation had none
        if former := values.pop("freeze", None):
            values |= {f"freeze_{former}": "all"} if former != "none" else {}
        return cls(**values)

    def resolved(self, model) -> FinetuneConfig:
        """The same configuration with the values that None stands for with this model."""
        small = is_small(model)
        rate = self._suggested_rate(model) if self.learning_rate is None else self.learning_rate
        freeze = not small if self.freeze_batch_norm is None else self.freeze_batch_norm
        alarm = self.collapse_alarm
        if alarm is None:
            alarm = 1.0 if self.loss == "positives_only" else COLLAPSED
        return replace(self, learning_rate=rate, freeze_batch_norm=freeze, collapse_alarm=alarm)

    def _suggested_rate(self, model) -> float:
        rate = suggested_learning_rate(model)
        if self.lora_rank and rate < LORA_RATE:
            rate = LORA_RATE
        return rate * (ADAFACTOR if self.optimizer == "adafactor" else 1)


def _fits(value: object, hint: object) -> bool:
    """Whether a value is of the type that a field is annotated with; whole numbers do for fractions."""
    kinds = {bool: bool, int: Integral, float: Real, NoneType: NoneType}
    parts = [hint] if hint in kinds or get_origin(hint) is Literal else get_args(hint)
    allowed = tuple(kinds.get(part, str) for part in parts)
    return isinstance(value, allowed) and (bool in allowed or not isinstance(value, bool))


def _choices(hint: object) -> tuple[str, ...]:
    """The words that a field may be."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    return next((get_args(part) for part in get_args(hint) if get_origin(part) is Literal), ())


def is_small(model) -> bool:
    """Whether a network is small enough to be trained as a whole on a small set, norms included, as `tiny` is."""
    return sum(p.numel() for p in model.net.parameters()) < SMALL_NETWORK


def suggested_learning_rate(model) -> float:
    """5e-6 for published weights, SMALL_RATE for a small network such as `tiny`.

    Large pretrained networks lose what they know at higher rates (open_clip issue #1093, CLIP issue #150;
    clip-rsicd-v2 used 5e-6); small ones stand, and need, larger steps.
    """
    return SMALL_RATE if is_small(model) else 5e-6


def learning_rate_at(step: int, total_steps: int, config: FinetuneConfig) -> float:
    """Learning rate of step 0 … total_steps - 1: a linear warmup to the peak, then the schedule, to 0.

    The warmup is a fraction of the run, so it can never be longer than the run.
    """
    warmup_steps = int(config.warmup * total_steps)
    if step < warmup_steps:
        return config.learning_rate * (step + 1) / (warmup_steps + 1)
    done = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    left = {"cosine": (1 + math.cos(math.pi * done)) / 2, "linear": 1 - done, "constant": 1.0}
    return config.learning_rate * left[config.schedule]
