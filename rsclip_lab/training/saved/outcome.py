"""What comes out of a fine-tuning: the run, whole or as far as it came, and in words what ended it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rsclip_lab.evaluation.record import record_metrics
from rsclip_lab.models.saved.files import update_description
from rsclip_lab.models.saved.provenance import describe_finetuned
from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.interruption import Interruption
from rsclip_lab.training.saved.checkpoints import Checkpoints
from rsclip_lab.training.state import Interrupted, NotSaved, TrainingState, TrainingStopped


@dataclass(frozen=True)
class Run:
    """What `finetune` gives back.

    model: the tuned Clip; its description holds the record of the run, and keeps it wherever the model is saved.
    history: one row a step. validation: one row an epoch, empty without a validation table.
    folder: where it is saved, or None; of several processes that train together only the first one has it.
    """

    model: object
    history: pd.DataFrame
    validation: pd.DataFrame
    folder: Path | None = None

    @property
    def notes(self) -> dict:
        """The record: config, base model, data with their hashes, device, precision, versions, when it began, number
        of processes, steps, seconds, and as `stop` why it ended before its last step, or None."""
        return self.model.description["training"]

    @property
    def config(self) -> FinetuneConfig:
        """The configuration, with the learning rate that was used."""
        return FinetuneConfig.from_dict(self.notes["config"])

    @property
    def seconds(self) -> float:
        """All of `finetune`."""
        return self.notes["seconds"]

    def record(self, captions: pd.DataFrame | None = None, control: pd.DataFrame | None = None, /, **metrics) -> None:
        """`record_metrics` of the tuned model and, if the run is saved, in its clip.json.

        `run.record(test, control, base=evaluate(base, test, control), tuned=evaluate(run.model, test, control))`
        """
        record_metrics(self.model, captions, control, **metrics)
        if self.folder:
            update_description(self.folder, self.model.description)

    def __repr__(self) -> str:
        if self.history.empty:
            return "Run(0 steps)"
        last = self.history.iloc[-1]
        return (
            f"Run({len(self.history)} steps in {self.seconds:.0f} s, loss {last.loss:.3f}, "
            f"R@1 in the batch {last.batch_recall:.2f}, off-diagonal cosine {last.off_diagonal_cosine:.2f}, "
            f"folder={str(self.folder) if self.folder else None})"
        )


def run_so_far(state: TrainingState, notes: dict, stop: str | None, folder: Path | None = None) -> Run:
    """The run as its state stands, with the record in the model's description."""
    notes = {**notes, "steps": len(state.history), "seconds": round(state.seconds, 2), "stop": stop}
    state.model.description = describe_finetuned(state.model.description, notes)
    return Run(state.model, pd.DataFrame(state.history), pd.DataFrame(state.validation), folder)


def not_kept(error: Exception, run: Run, checkpoints: Checkpoints) -> NotSaved:
    """For a finished run that the disk does not take."""
    words = f"all steps are done, but the run could not be saved: {error}; {checkpoints.kept}"
    failure = NotSaved(f"{words}. The run is in this error's .run; keep_run(error.run, folder) saves it elsewhere")
    failure.run = run
    return failure


def late(interruption: Interruption, run: Run) -> Interrupted:
    """For a signal that came when all was trained."""
    where = f"the run is saved in {run.folder}" if run.folder else "the run is in this error's .run"
    error = Interrupted(f"{interruption.cause}: it came when all steps were done; {where}")
    error.run = run
    return error


def in_full(error: TrainingStopped | Interrupted, checkpoints: Checkpoints, state: TrainingState) -> str:
    """What ended a run, where it is kept, and what to do."""
    words = f"{error}; {checkpoints.kept}"
    if not checkpoints.folder:
        return f"{words}: what there is of the run is in this error's .run"
    if isinstance(error, NotSaved):
        return words
    if isinstance(error, Interrupted):
        return f"{words}. The same call, in a terminal the same command, goes on from there"
    if state.step == state.total_steps:
        return f"{words}. It was the last step: the same call keeps the run as it is"
    return (
        f"{words}. The same call would go on from there and stop again: change the configuration, and name another "
        "folder"
    )
