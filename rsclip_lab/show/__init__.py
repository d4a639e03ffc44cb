"""Plain results in, a matplotlib Figure or a table out; and panels of widgets, which need ipywidgets."""

from importlib import import_module

from rsclip_lab.show.ablation_figures import plot_ablation, plot_effects
from rsclip_lab.show.before_after import BeforeAfterReport, before_after_report
from rsclip_lab.show.circle_figures import plot_circle
from rsclip_lab.show.curves import plot_comparison, plot_history, plot_run
from rsclip_lab.show.data_figures import (
    plot_activations,
    plot_caption_lengths,
    plot_confidence,
    plot_shared_captions,
    plot_throughput,
)
from rsclip_lab.show.heatmap_figures import plot_heatmap, plot_localisation
from rsclip_lab.show.lesson_figures import (
    plot_intervals,
    plot_loss_pieces,
    plot_per_class,
    plot_similarity_matrices,
    recall_table,
    topk_table,
)
from rsclip_lab.show.live import LivePlot
from rsclip_lab.show.loading_figures import plot_boxes, plot_false_negatives, plot_passes
from rsclip_lab.show.pictures import plot_batch, plot_class_grid, plot_failures, plot_predictions
from rsclip_lab.show.probe_figures import plot_counting, plot_few_shot
from rsclip_lab.show.range_figures import plot_range_test
from rsclip_lab.show.report import plot_course
from rsclip_lab.show.results import (
    before_after_table,
    plot_before_after,
    plot_confusion,
    plot_interpolation,
    plot_similarity_matrix,
    plot_topk,
)
from rsclip_lab.show.search_figures import plot_results
from rsclip_lab.show.zero_shot_figures import plot_prompt_table, plot_reliability

PANELS = {
    "CircleWidget": "circle",
    "DataBrowser": "browser",
    "PredictionWidget": "prediction",
    "SearchWidget": "searching",
    "TrainingWidget": "training",
}

__all__ = [
    "BeforeAfterReport",
    "LivePlot",
    *PANELS,
    "before_after_report",
    "before_after_table",
    "plot_ablation",
    "plot_activations",
    "plot_batch",
    "plot_before_after",
    "plot_boxes",
    "plot_caption_lengths",
    "plot_circle",
    "plot_class_grid",
    "plot_comparison",
    "plot_confidence",
    "plot_confusion",
    "plot_counting",
    "plot_course",
    "plot_effects",
    "plot_failures",
    "plot_false_negatives",
    "plot_few_shot",
    "plot_heatmap",
    "plot_history",
    "plot_interpolation",
    "plot_intervals",
    "plot_localisation",
    "plot_loss_pieces",
    "plot_passes",
    "plot_per_class",
    "plot_predictions",
    "plot_prompt_table",
    "plot_range_test",
    "plot_reliability",
    "plot_results",
    "plot_run",
    "plot_shared_captions",
    "plot_similarity_matrices",
    "plot_similarity_matrix",
    "plot_throughput",
    "plot_topk",
    "recall_table",
    "topk_table",
]


def __getattr__(name: str):
    """The panels, looked up when they are first used: only they need ipywidgets."""
    if name not in PANELS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.widgets.{PANELS[name]}"), name)
    except ModuleNotFoundError as missing:
        if (missing.name or "").split(".")[0] not in ("ipywidgets", "IPython"):
            raise
        raise ModuleNotFoundError(
            f'{name} needs ipywidgets: pip install "rsclip-lab[notebooks]"', name=missing.name
        ) from None
