"""Lesson 04: the losses, the loop and what a run leaves behind."""

from rsclip_lab.training.callbacks import ProgressBar, TrainingState, Validate
from rsclip_lab.training.config import FinetuneConfig, learning_rate_at, suggested_learning_rate
from rsclip_lab.training.losses import clip_loss, clip_loss_floor, feature_distillation, positives_only_loss
from rsclip_lab.training.run import Run, finetune
from rsclip_lab.training.saved import keep_run, load_or_finetune, load_run

__all__ = [
    "FinetuneConfig",
    "ProgressBar",
    "Run",
    "TrainingState",
    "Validate",
    "clip_loss",
    "clip_loss_floor",
    "feature_distillation",
    "finetune",
    "keep_run",
    "learning_rate_at",
    "load_or_finetune",
    "load_run",
    "positives_only_loss",
    "suggested_learning_rate",
]
