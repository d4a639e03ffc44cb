"""The folder of a run: while it trains, what it needs to go on; finished, the model and how it came about.

An unfinished run has run.json, the record of how it began, and soon checkpoint.pt (see `training.saved.checkpoints`).
A finished one has model.safetensors and clip.json with the record, history.csv and, if it was validated,
validation.csv. Every file is whole at any time; what makes a run finished is that run.json is gone.
"""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path

import pandas as pd

from rsclip_lab.data.disk import check_new_folder, in_words, new_folder, partial, replacing
from rsclip_lab.models import ModelError
from rsclip_lab.models.saved.description import UNFINISHED
from rsclip_lab.models.saved.files import STAGE
from rsclip_lab.training.saved.alone import LOCK, remove_lock
from rsclip_lab.training.saved.start import differences, start_of

RECORD, CHECKPOINT, BEST = UNFINISHED, "checkpoint.pt", "best-*.safetensors"
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
        remove_lock(folder)
        raise FileExistsError(
            f"{folder}: holds a finished run; read it with load_run, let load_or_finetune train only where there is "
            "none, or name another folder (in a terminal --out)"
        )
    with suppress(NotADirectoryError):  # a file of this name: what follows says so
        partial(folder / RECORD).unlink(missing_ok=True)
    check_new_folder(folder, but=LOCK)
    return None


def run_to_go_on_with(folder: Path) -> dict | None:
    """The record of the unfinished run in `folder` if it has a checkpoint; without one nothing is lost when another
    run begins there. FileExistsError where none may begin."""
    former = unfinished_run(folder)
    return former if (folder / CHECKPOINT).exists() else None


def begin_run(folder: Path, notes: dict, former: dict | None) -> None:
    """Write run.json, the first file of a run, unless the one of `former` is gone on with.

    FileExistsError when the folder is not any more what `run_to_go_on_with` found: another process was faster.
    """
    if run_to_go_on_with(folder) != former:
        raise FileExistsError(f"{folder}: another process has just trained in this folder; name another one")
    if former:
        return
    with in_words(folder, ModelError):
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / RECORD) as part:
            part.write_text(json.dumps(notes, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _read_record(path: Path) -> dict:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        list(differences(record, record)), start_of(record)  # reads all that it is compared by
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
