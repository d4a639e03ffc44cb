"""Between two networks: weight interpolation (WiSE-FT, Wortsman et al. 2022, arXiv:2109.01903), a remedy for
forgetting."""

from collections.abc import Iterable, Sequence

import pandas as pd
import torch

from rsclip_lab.evaluation.evaluate import TestTable, measure
from rsclip_lab.models import Clip, ModelError
from rsclip_lab.models.inputs import require_loaded
from rsclip_lab.models.saved.provenance import describe_descendant, origin


def interpolate(base: Clip, tuned: Clip, alpha: float) -> Clip:
    """A new model with the weights (1 - alpha) · base + alpha · tuned, on the device of `tuned`.

    alpha 0 gives the weights of `base` exactly, 1 those of `tuned`. Makes sense where `tuned` was fine-tuned
    from `base`. Batch-norm statistics lie between the two like the weights. A `logit_bias` that only `tuned` has
    (SigLIP's loss added it) stays as it is. `record_metrics` notes what the new model reaches, for its card.
    Raises ModelError for two architectures, ValueError for an alpha outside 0…1.
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha is {alpha}: choose it from 0 (base) to 1 (tuned)")
    if _architecture(base) != _architecture(tuned):
        raise ModelError(
            f"{base.name} and {tuned.name} differ in architecture: interpolate a model with its tuned self"
        )
    mixed = tuned.copy()
    name = f"{base.name} to {tuned.name} at {alpha:g}"
    ends = [origin(model.description) for model in (base, tuned)]
    mixed.description = describe_descendant(tuned.description, name, {"interpolation": ends, "alpha": float(alpha)})
    start = base.net.state_dict()
    with torch.no_grad():
        for name, value in mixed.net.state_dict().items():
            if value.is_floating_point() and name in start:  # a batch norm's step counter is not
                value.copy_(torch.lerp(start[name].to(value.device), value, alpha))
    return mixed


def _architecture(model: Clip) -> dict:
    """What decides about the features."""
    return {key: value for key, value in model.description["architecture"].items() if key != "init_logit_bias"}


def interpolation_sweep(
    base: Clip,
    tuned: Clip,
    captions: pd.DataFrame,
    control: pd.DataFrame | None = None,
    alphas: Iterable[float] = (0.0, 0.25, 0.5, 0.75, 1.0),
    templates: Sequence[str] | None = None,
) -> pd.DataFrame:
    """`evaluate` along the way, one row an alpha; pictures are decoded once for all of them.

    Columns `alpha`, `top1`, `mean_recall`, `off_diagonal_cosine` and, with `control`, `all_top1` and
    `control_top1`: choose the alpha on a validation split (`recommended_alpha`), and report it on the test split.
    """
    for model in (base, tuned):
        require_loaded(model, "interpolation_sweep")
    table = TestTable.of(captions).decoded(tuned)
    control = None if control is None else TestTable.of(control).decoded(tuned)
    rows = []
    for alpha in alphas:
        results = measure(interpolate(base, tuned, alpha), table, control, templates=templates)
        numbers = {name: value for name, value in results.items() if isinstance(value, float)}
        rows.append({"alpha": alpha, **numbers})
    return pd.DataFrame(rows)


def recommended_alpha(sweep: pd.DataFrame) -> float:
    """The alpha of a sweep with the highest mean of what is new and what is old.

    New is `new_metric`, old is `control_top1`, where it was measured. Of equals the largest: it has learned most.
    The best of several measured numbers flatters itself, so sweep a validation split, and report the chosen alpha on
    the test split. Raises ValueError where no alpha has both numbers.
    """
    wanted = [new_metric(sweep)] + (["control_top1"] if _measured(sweep, "control_top1") else [])
    score = sweep[wanted].mean(axis=1, skipna=False)
    if score.isna().all():
        raise ValueError(
            f"no row of this sweep has a number for {' and '.join(wanted)}, so there is no alpha to recommend: sweep "
            "captions with pictures to be found"
        )
    return float(sweep["alpha"][score > score.max() - 1e-9].max())


def new_metric(sweep: pd.DataFrame) -> str:
    """What tells how much of the new was learned: "top1", or "mean_recall" where the captions had no kinds."""
    return "top1" if _measured(sweep, "top1") else "mean_recall"


def _measured(sweep: pd.DataFrame, metric: str) -> bool:
    return metric in sweep and bool(sweep[metric].notna().any())
