"""The folder of a run: while it trains, what it needs to go on; finished, the model and how it came about.

An unfinished run has run.json, the record of how it began, and soon checkpoint.pt (see `training.checkpoints`).
A finished one has model.safetensors and clip.json with the record, history.csv and, if it was validated,
validation.csv. Every file is whole at any time; what makes a run finished is that run.json is gone.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from rsclip_lab.data.disk import check_new_folder, in_words, new_folder, partial, replacing
from rsclip_lab.evaluation.record import describe_tables
from rsclip_lab.models import ModelError
from rsclip_lab.models.saved.description import plain
from rsclip_lab.models.saved.files import STAGE
from rsclip_lab.training.config import FinetuneConfig

RECORD, CHECKPOINT, BEST = "run.json", "checkpoint.pt", "best-*.safetensors"
NO_MATTER = {"save_minutes"}  # fields of the configuration that do not change what a run comes to
DRIVE = Path("/content/drive")


def run_folder(where: str, name: str) -> Path:
    """The folder of the run `name` on "this machine" (outputs/name) or, in Colab, on "Google Drive", where it
    outlives the machine (MyDrive/rsclip-lab/name; Colab asks for leave to mount the drive).

    Raises ValueError for another place, a name that is no folder's, and for the drive outside of Colab.
    """
    if name in ("", "..") or Path(name).name != name:
        raise ValueError(f"run_folder(name={name!r}): a run's name is that of one folder; leave out slashes")
    if where == "this machine":
        return Path("outputs", name)
    if where != "Google Drive":
        raise ValueError(f'run_folder(where={where!r}): must be "this machine" or "Google Drive"')
    try:
        from google.colab import drive
    except ImportError:
        raise ValueError(
            'run_folder("Google Drive", …): only Colab can mount the drive, and this is not Colab; choose "this '
            'machine", or give finetune a folder on a drive that is mounted here'
        ) from None
    drive.mount(str(DRIVE))
    return DRIVE / "MyDrive" / "rsclip-lab" / name


def is_run(folder: Path) -> bool:
    """Whether `folder` has the files of a finished run."""
    return not is_unfinished(folder) and all((folder / name).is_file() for name in ("clip.json", "history.csv"))


def is_unfinished(folder: Path) -> bool:
    """Whether a run has begun in `folder`, and not ended."""
    return (folder / RECORD).is_file()


def unfinished_run(folder: Path) -> dict | None:
    """The record of the unfinished run in `folder`, None where one may begin; FileExistsError for anything else."""
    if is_unfinished(folder):
        return _read_record(folder / RECORD)
    if is_run(folder):
        remove_traces(folder)  # of a process that was killed in its last moment
        raise FileExistsError(
            f"{folder}: holds a finished run; read it with load_run, let load_or_finetune train only where there is "
            "none, or name another folder"
        )
    partial(folder / RECORD).unlink(missing_ok=True)
    check_new_folder(folder)
    return None


def begin_run(folder: Path, notes: dict) -> None:
    """Write run.json, the first file of a run."""
    with in_words(folder, ModelError):
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / RECORD) as part:
            part.write_text(json.dumps(notes, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def require_same_start(folder: Path, was: dict, now: dict) -> None:
    """Raise FileExistsError, with what differs, unless the run of the record `was` began like that of `now`."""
    if differing := "; ".join(_differences(was, now)):
        raise FileExistsError(
            f"{folder}: holds an unfinished run that began otherwise: {differing}. Go on with what it began with, or "
            "name another folder, or remove this one"
        )


def _differences(was: dict, now: dict) -> Iterator[str]:
    before = plain(FinetuneConfig().to_dict()) | was["config"]  # written by a version with fewer fields, perhaps
    for name in sorted({*before, *now["config"]} - NO_MATTER):
        if before.get(name) != now["config"].get(name):
            yield f"{name} was {before.get(name)!r}, now {now['config'].get(name)!r}"
    for name in ("captions", "replay", "validation"):
        old, new = (_table_in_words(record["data"].get(name)) for record in (was, now))
        if old != new:
            yield f"the {name} table was {old}, now {new}"
    old, new = (f"{record['base_model']} {record['base_weights_sha256'][:8]}…" for record in (was, now))
    if was["base_weights_sha256"] != now["base_weights_sha256"]:
        yield f"the weights of the model were {old}, now {new}"


def _table_in_words(table: dict | None) -> str:
    return f"{table['captions']} captions ({table['sha256'][:8]}…)" if table else "none"


def _read_record(path: Path) -> dict:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        require_same_start(path.parent, record, record)  # reads all that it is compared by
        return record | {name: str(record[name]) for name in ("dtype", "started")}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ModelError(f"{path} is not the record of a run; name another folder, or remove this one") from None


def finish_run(run) -> None:
    """Turn the unfinished run in run.folder into a finished one; its checkpoint and best weights go, being large and
    of no further use."""
    write_tables(run.folder, run.history, run.validation)
    run.model.save(run.folder)
    remove_traces(run.folder)


def remove_traces(folder: Path) -> None:
    """Remove what only an unfinished run has; run.json first, so that a run is never without what it needs."""
    for pattern in (RECORD, CHECKPOINT, BEST, ".*.part"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
    for stage in folder.glob(f"{STAGE}*"):  # of a process that was killed as it saved the model
        shutil.rmtree(stage, ignore_errors=True)


def save_run(run) -> None:
    """Write the model, whose clip.json has the record of the training, history.csv and validation.csv to run.folder,
    all of them or nothing.

    `load_model(run.folder)` reads the model back, `load_run(run.folder)` the run.
    """
    with in_words(run.folder, ModelError), new_folder(run.folder) as stage:
        write_tables(stage, run.history, run.validation)
        run.model.save(stage)


def write_tables(folder: Path, history: pd.DataFrame, validation: pd.DataFrame) -> None:
    """history.csv and, where there is any, validation.csv; ModelError where the disk does not take them."""
    with in_words(folder, ModelError):
        for name, table in (("history.csv", history), ("validation.csv", validation)):
            if len(table) or name == "history.csv":
                with replacing(folder / name) as part:
                    table.to_csv(part, index=False)


def describe_inputs(model, precision, **tables: pd.DataFrame | None) -> dict:
    """What a reader needs to repeat the run: base model, data with their hashes, device, versions, when it began."""
    return {
        "base_model": model.name,
        "base_weights_sha256": fingerprint(model),
        "data": describe_tables(**tables),
        "device": str(model.device),
        "precision": precision.reason,
        "dtype": str(precision.dtype).removeprefix("torch."),
        "versions": {name: version(name) for name in ("torch", "open_clip_torch", "timm", "numpy")},
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def fingerprint(model) -> str:
    """A hash of the network's weights: a base model that was trained anew keeps its name, not its weights."""
    digest = hashlib.sha256()
    for name, value in sorted(model.net.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
