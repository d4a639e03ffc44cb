"""The knobs of a fine-tuning, in one frozen place: the same in a notebook cell and on the command line."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from numbers import Integral, Real

LOSSES = ("clip", "positives_only")
FREEZABLE = ("none", "image", "text")
MAX_LOGIT_SCALE = 100.0  # CLIP's own clamp: the temperature never falls below 1/100
SMALL_NETWORK = 50_000_000  # parameters
SMALL_RATE = 1.5e-3


@dataclass(frozen=True)
class FinetuneConfig:
    """What `finetune` does. ValueError for a value that cannot work."""

    epochs: int = 18  # passes over the captions' pictures
    # On small sets of a few kinds more and smaller steps learn more in the same time; large sets want 256 and more.
    batch_size: int = 32  # pictures a step, replayed ones included; every other picture is a negative
    learning_rate: float | None = None  # peak, of AdamW; None: 5e-6 for published weights, 1.5e-3 for small networks
    weight_decay: float = 0.05  # per unit of learning rate; not on norms, biases and the logit scale
    warmup: float = 0.1  # fraction of all steps with a rising learning rate; a cosine to 0 follows
    loss: str = "clip"  # "clip", or "positives_only", the counter-example
    replay_share: float = 0.5  # fraction of each batch drawn from the replay table, when there is one
    distillation: float = 5.0  # weight of keeping the replayed pairs' features where the base model has them; 0: off
    distinct_captions: bool = False  # no caption twice in a batch, where the captions allow it
    augment: bool = True  # the random crops, flips, turns and colours below; off: every picture as in evaluation
    min_crop: float = 0.6  # least area of a random crop, as a fraction of the picture; 1: no crops
    flip: bool = True  # mirror left and right, top and bottom; captions that name a direction follow
    rotate: bool = True  # turn by right angles; captions that name a direction follow
    colour_jitter: float = 1.0  # strength of the light changes of contrast, tint and brightness; 0: none
    freeze: str = "none"  # "image" or "text": that tower keeps its weights
    freeze_batch_norm: bool | None = None  # keep batch-norm statistics; None: in published weights, not in `tiny`
    max_grad_norm: float = 1.0  # gradients are scaled down to this length
    patience: int = 0  # epochs without a better validation recall before stopping; 0: never stop early
    precision: str = "auto"  # "auto": what the device is fast and safe at; "fp32": full precision
    seed: int = 0  # of shuffling, drawn captions and augmentation

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not _fits(value, field.type):
                raise TypeError(f"FinetuneConfig({field.name}={value!r}): {field.name} must be {field.type}")
        for name, ok, rule in self._rules():
            if not ok:
                raise ValueError(f"FinetuneConfig({name}={getattr(self, name)!r}): {name} must be {rule}")

    def _rules(self):
        rate = self.learning_rate
        yield "epochs", self.epochs >= 1, "at least 1"
        yield (
            "batch_size",
            self.batch_size >= 2,
            "at least 2: a batch of one has no negatives, its loss is always 0",
        )
        yield "learning_rate", rate is None or 0 < rate < 1, "between 0 and 1, or None"
        yield "weight_decay", self.weight_decay >= 0, "0 or more"
        yield "warmup", 0 <= self.warmup < 1, "a fraction of all steps, from 0 to below 1"
        yield "loss", self.loss in LOSSES, f"one of {', '.join(LOSSES)}"
        yield "replay_share", 0 < self.replay_share < 1, "a fraction of the batch, between 0 and 1"
        yield "distillation", 0 <= self.distillation < math.inf, "0 or more, and finite"
        yield "min_crop", 0 < self.min_crop <= 1, "a fraction of the picture's area, above 0 and at most 1"
        yield "colour_jitter", 0 <= self.colour_jitter <= 2, "from 0 to 2"
        yield "freeze", self.freeze in FREEZABLE, f"one of {', '.join(FREEZABLE)}"
        yield "max_grad_norm", self.max_grad_norm > 0, "above 0"
        yield "patience", self.patience >= 0, "0 or more"
        yield "seed", self.seed >= 0, "0 or more"
        yield "precision", self.precision in ("auto", "fp32"), "'auto' or 'fp32'"

    def to_dict(self) -> dict:
        """The fields as a plain dictionary, for the run's record in clip.json."""
        return asdict(self)

    def resolved(self, model) -> FinetuneConfig:
        """The same configuration with the values that None stands for with this model."""
        small = is_small(model)
        rate = suggested_learning_rate(model) if self.learning_rate is None else self.learning_rate
        freeze = not small if self.freeze_batch_norm is None else self.freeze_batch_norm
        return replace(self, learning_rate=rate, freeze_batch_norm=freeze)


def _fits(value: object, annotation: str) -> bool:
    """Whether a value is of the type that a field is annotated with; whole numbers do for fractions."""
    kinds = {"bool": bool, "int": Integral, "float": Real, "str": str, "None": type(None)}
    allowed = tuple(kinds[name] for name in annotation.split(" | "))
    return isinstance(value, allowed) and (bool in allowed or not isinstance(value, bool))


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
    """Learning rate of step 0 … total_steps - 1: a linear warmup to the peak, then half a cosine to 0.

    The warmup is a fraction of the run, so it can never be longer than the run.
    """
    warmup_steps = int(config.warmup * total_steps)
    if step < warmup_steps:
        return config.learning_rate * (step + 1) / (warmup_steps + 1)
    done = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return config.learning_rate * (1 + math.cos(math.pi * done)) / 2
