"""Lesson 04: the losses, the loop and what a run leaves behind.

The names are looked up when they are first used: the terminal's help reads `config` and needs no torch for that.
"""

from importlib import import_module

_HOME = {
    "callbacks": ("CollapseAlarm", "ProgressBar", "TensorBoard", "Validate"),
    "config": ("FinetuneConfig", "learning_rate_at", "suggested_learning_rate"),
    "config_file": ("read_config", "write_config"),
    "saved.folders": ("run_folder",),
    "launch": ("finetune_in_processes",),
    "losses": ("clip_loss", "clip_loss_floor", "feature_distillation", "positives_only_loss", "siglip_loss"),
    "trials.ablation": ("ablation",),
    "trials.ablation_result": ("Ablation", "main_effects"),
    "trials.overfit": ("NotLearned", "Overfit", "overfit"),
    "trials.range_test": ("RangeTest", "learning_rate_range_test"),
    "saved.outcome": ("Run",),
    "run": ("finetune",),
    "saved.runs": ("keep_run", "load_or_finetune", "load_run"),
    "state": ("Collapsed", "Diverged", "Interrupted", "NotSaved", "TrainingState", "TrainingStopped"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str):
    if name in _MODULE_OF:
        return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
