"""Is it better, at what, and what did it forget: zero-shot, retrieval, weight interpolation (notebook 05)."""

from rsclip_lab.evaluation.evaluate import evaluate
from rsclip_lab.evaluation.interpolation import interpolate, interpolation_sweep, recommended_alpha
from rsclip_lab.evaluation.intervals import paired_difference, wilson_interval
from rsclip_lab.evaluation.metrics import off_diagonal_cosine, topk_accuracy
from rsclip_lab.evaluation.record import record_metrics
from rsclip_lab.evaluation.retrieval import retrieval_recall
from rsclip_lab.evaluation.zero_shot import class_scores, predict, zero_shot_classifier

__all__ = [
    "class_scores",
    "evaluate",
    "interpolate",
    "interpolation_sweep",
    "off_diagonal_cosine",
    "paired_difference",
    "predict",
    "recommended_alpha",
    "record_metrics",
    "retrieval_recall",
    "topk_accuracy",
    "wilson_interval",
    "zero_shot_classifier",
]
