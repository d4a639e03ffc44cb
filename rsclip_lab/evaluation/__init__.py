"""Is it better, at what, and what did it forget: zero-shot, retrieval, probes, comparisons (notebook 05)."""

from rsclip_lab.evaluation.calibration import calibration_error, fitted_temperature, reliability_table
from rsclip_lab.evaluation.classes import confusion, mean_per_class, per_class_table
from rsclip_lab.evaluation.comparison import Comparison, compare
from rsclip_lab.evaluation.evaluate import evaluate
from rsclip_lab.evaluation.interpolation import interpolate, interpolation_sweep, recommended_alpha
from rsclip_lab.evaluation.intervals import (
    bootstrap_interval,
    holm,
    paired_difference,
    paired_test,
    wilson_interval,
)
from rsclip_lab.evaluation.localisation import Localisation, localisation
from rsclip_lab.evaluation.metrics import off_diagonal_cosine, topk_accuracy
from rsclip_lab.evaluation.probes import (
    counting_accuracy,
    few_shot,
    knn_probe,
    linear_probe,
    probe,
    probe_table,
)
from rsclip_lab.evaluation.prompts import PromptReport, prompt_doctor, prompt_table
from rsclip_lab.evaluation.record import record_metrics
from rsclip_lab.evaluation.retrieval import retrieval_ranks, retrieval_recall
from rsclip_lab.evaluation.zero_shot import class_scores, predict, zero_shot_classifier

__all__ = [
    "Comparison",
    "Localisation",
    "PromptReport",
    "bootstrap_interval",
    "calibration_error",
    "class_scores",
    "compare",
    "confusion",
    "counting_accuracy",
    "evaluate",
    "few_shot",
    "fitted_temperature",
    "holm",
    "interpolate",
    "interpolation_sweep",
    "knn_probe",
    "linear_probe",
    "localisation",
    "mean_per_class",
    "off_diagonal_cosine",
    "paired_difference",
    "paired_test",
    "per_class_table",
    "predict",
    "probe",
    "probe_table",
    "prompt_doctor",
    "prompt_table",
    "recommended_alpha",
    "record_metrics",
    "reliability_table",
    "retrieval_ranks",
    "retrieval_recall",
    "topk_accuracy",
    "wilson_interval",
    "zero_shot_classifier",
]
