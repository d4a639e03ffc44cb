"""The folder of a run: written whole or not at all, with what a reader needs to repeat it."""

from __future__ import annotations

import hashlib
from importlib.metadata import version

import pandas as pd

from rsclip_lab.data.disk import new_folder
from rsclip_lab.evaluation.record import describe_tables


def save_run(run) -> None:
    """Write the model, whose clip.json has the record of the training, history.csv and validation.csv to run.folder,
    all of them or nothing.

    `load_model(run.folder)` reads the model back, `load_run(run.folder)` the run.
    """
    with new_folder(run.folder) as stage:
        run.model.save(stage)
        run.history.to_csv(stage / "history.csv", index=False)
        if len(run.validation):
            run.validation.to_csv(stage / "validation.csv", index=False)


def describe_inputs(model, precision, **tables: pd.DataFrame | None) -> dict:
    """What a reader needs to repeat the run: base model, data with their hashes, device, versions."""
    return {
        "base_model": model.name,
        "base_weights_sha256": fingerprint(model),
        "data": describe_tables(**tables),
        "device": str(model.device),
        "precision": precision.reason,
        "versions": {name: version(name) for name in ("torch", "open_clip_torch", "timm", "numpy")},
    }


def fingerprint(model) -> str:
    """A hash of the network's weights: a base model that was trained anew keeps its name, not its weights."""
    digest = hashlib.sha256()
    for name, value in sorted(model.net.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
