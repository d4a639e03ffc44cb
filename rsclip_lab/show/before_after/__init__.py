"""The before/after report: one call that gives table, figures and a page that stands alone."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

import rsclip_lab
from rsclip_lab.data.disk import in_words, named_folder, replacing
from rsclip_lab.data.wording.prompts import DEFAULT_TEMPLATES, checked_templates
from rsclip_lab.evaluation.comparison import Comparison, compare
from rsclip_lab.show.before_after.figures import report_figures
from rsclip_lab.show.before_after.page import short_form, whole_page

LIBRARIES = ("torch", "open_clip_torch", "timm", "numpy", "pandas")


@dataclass(frozen=True, repr=False)
class BeforeAfterReport:
    """What `before_after_report` gives; it shows its headline and its metrics in a notebook.

    comparison: every answer and what follows from them (`evaluation.comparison.Comparison`). descriptions: the
    models' own (`Clip.description`), with the configuration of the run. made_with: date, device, versions.
    """

    comparison: Comparison
    descriptions: dict[str, dict]
    made_with: dict[str, str]

    @property
    def table(self) -> pd.DataFrame:
        """One row a metric: before, after, difference with its interval, p and verdict."""
        return self.comparison.metrics

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """By name: "differences", "topk", "classes", "control", "retrieval", "calibration"; what was measured."""
        return report_figures(self.comparison)

    def save(self, path: str | Path) -> Path:
        """Write the page, a file that needs no other and no network; a former one is replaced when it is whole.

        Raises ValueError for a path that is no HTML file's, CaptionError or OSError where it cannot be written.
        """
        path = require_page(path)
        page, folder = whole_page(self), path.parent
        with in_words(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(path) as part:
                part.write_text(page, encoding="utf-8")
        return path

    def __repr__(self) -> str:
        return f"BeforeAfterReport({self.comparison!r}; .table, .figures, .save('report.html'))"

    def _repr_html_(self) -> str:
        return short_form(self)


def require_page(path: str | Path) -> Path:
    """The path, of a name that browsers take for a web page, and where a file can be written: it is tried.

    Raises ValueError for another name, CaptionError or OSError for another place.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"{path}: the report is a web page; name it with .html at the end")
    folder = named_folder(path.parent)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder}: is a file, so that nothing can be written into it; name another place")
    there = next(place for place in (folder, *folder.parents) if place.exists())
    with in_words(folder), tempfile.TemporaryFile(dir=there):
        return path


def before_after_report(
    before,
    after,
    captions: pd.DataFrame,
    control: pd.DataFrame | None = None,
    class_names: Sequence[str] | None = None,
    templates: Sequence[str] | None = None,
    **features,
) -> BeforeAfterReport:
    """Compare two models on the same pictures, and put it into a page: what improved, what was forgotten, pictures.

    before, after: `Clip`s, such as a model and `finetune(model, …).model`, whose description has the run's
    configuration. captions, control: rows of a test split; see `evaluate`, also for class_names and templates.
    features: `image_features` and `control_features` of both models, as `compare` takes them.
    `.table`, `.figures`, `.save("report.html")`. Errors as `evaluate`.
    """
    comparison = compare(before, after, captions, control, class_names, templates, **features)
    descriptions = {"before": before.description, "after": after.description}
    return BeforeAfterReport(comparison, descriptions, made_with(after, templates))


def made_with(model, templates: Sequence[str] | None) -> dict[str, str]:
    """Date, device, prompts and versions, as text."""
    prompts = checked_templates(DEFAULT_TEMPLATES if templates is None else templates)
    known = {"date": datetime.now().astimezone().isoformat(" ", "minutes"), "device": str(model.device)}
    known |= {"prompts": "; ".join(prompts), "rsclip-lab": rsclip_lab.__version__}
    known["python"] = platform.python_version()
    return known | {name: version(name) for name in LIBRARIES}
