"""rsclip-lab: fine-tune CLIP on remote-sensing images. `import rsclip_lab as lab`.

The public names are looked up when they are first used, so that the import itself is quick and silent.
"""

from importlib import import_module

_HOME = {
    "environment": ("environment_report", "progress", "select_device", "select_precision", "set_seed"),
    "data": (
        "REMOTE_SENSING_TEMPLATES",
        "TEMPLATES",
        "Augmentation",
        "CacheError",
        "CaptionError",
        "DistinctCaptionSampler",
        "ImageError",
        "ImageTextDataset",
        "PixelStore",
        "ShardStream",
        "augment",
        "back_translate",
        "box_captions",
        "class_words",
        "distinct_images",
        "false_negative_shares",
        "fetch_data",
        "label_captions",
        "normalise",
        "open_image",
        "read_captions",
        "read_objects",
        "sample",
        "sample_counts",
        "sample_objects",
        "split_by_image",
        "thumbnail_grid",
    ),
    "checks": ("AuditReport", "Repair", "audit", "require_trainable"),
    "models": ("Clip", "ModelError", "NotFetched", "export", "load_model", "models", "new_clip", "push"),
    "evaluation": (
        "calibration_error",
        "compare",
        "counting_accuracy",
        "evaluate",
        "interpolate",
        "interpolation_sweep",
        "localisation",
        "off_diagonal_cosine",
        "paired_test",
        "per_class_table",
        "predict",
        "probe",
        "prompt_doctor",
        "prompt_table",
        "recommended_alpha",
        "record_metrics",
        "reliability_table",
        "retrieval_recall",
        "topk_accuracy",
        "zero_shot_classifier",
    ),
    "search": ("SearchDatabase", "SearchIndex", "text_heatmap", "text_heatmaps"),
    "show": ("DataBrowser", "PredictionWidget", "SearchWidget", "TrainingWidget"),
    "training": (
        "FinetuneConfig",
        "Run",
        "ablation",
        "clip_loss",
        "clip_loss_floor",
        "finetune",
        "learning_rate_range_test",
        "overfit",
        "positives_only_loss",
        "siglip_loss",
        "suggested_learning_rate",
    ),
}
_ROOMS = ("checks", "course", "data", "environment", "evaluation", "exercises", "search", "show", "training")
_ROOM_OF = {name: room for room, names in _HOME.items() for name in names}

__all__ = sorted(_ROOM_OF)
__version__ = "0.1.0"


def __getattr__(name: str):
    if name in _ROOM_OF:
        value = getattr(import_module(f".{_ROOM_OF[name]}", __name__), name)
        globals()[name] = value  # importing a room of the same name (models) would otherwise hide it
        return value
    if name in _ROOMS:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ROOMS})
