"""A run in TensorBoard, while it trains."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from numbers import Real
from pathlib import Path

from rsclip_lab.data.disk import named_folder
from rsclip_lab.training.state import TrainingState

SAVE_SECONDS = 10  # between writes: what a viewer waits for at most, and what a killed run can lose


class TensorBoard:
    """Writes each step's numbers as train/…, and each epoch's as validation/…, to `folder`.

    On a disk that takes no more it stops writing, with a warning; the run goes on.
    A resumed run goes on at its step: what an interrupted one wrote beyond it is taken out of the curves.
    Raises ImportError where tensorboard is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        if not installed():
            raise ImportError('TensorBoard needs the package tensorboard: pip install "rsclip-lab[tensorboard]"')
        self.folder = named_folder(folder)
        self.writer = None  # in all processes but the first
        self.written = 0  # epochs

    def on_start(self, state: TrainingState) -> None:
        self.written = len(state.validation)
        if state.world.first:
            from torch.utils.tensorboard import SummaryWriter

            with self._spared():
                self.writer = SummaryWriter(str(self.folder), purge_step=state.step, flush_secs=SAVE_SECONDS)

    def on_step(self, state: TrainingState) -> None:
        self._write("train", state.record, state.record["step"])

    def on_epoch(self, state: TrainingState) -> None:
        for row in state.validation[self.written :]:
            self._write("validation", row, (row["epoch"] + 1) * state.steps_per_epoch - 1)
        self.written = len(state.validation)

    def on_end(self, state: TrainingState) -> None:
        self.on_epoch(state)  # what was measured after this callback's turn
        if self.writer is not None:
            with self._spared():
                self.writer.close()

    def _write(self, group: str, row: dict, step: int) -> None:
        if self.writer is None:
            return
        with self._spared():
            numbers = {name for name, value in row.items() if isinstance(value, Real)}
            for name in numbers - {"step", "epoch"}:
                self.writer.add_scalar(f"{group}/{name}", row[name], step)

    @contextmanager
    def _spared(self) -> Iterator[None]:
        """No run ends because its curves cannot be written."""
        try:
            yield
        except OSError as error:
            self.writer = None
            warnings.warn(
                f"{self.folder}: cannot be written to ({error.strerror or error}); the run goes on without "
                "TensorBoard. Its numbers are in the history all the same",
                stacklevel=2,
            )


def tensorboard_callbacks(folder: str | Path | None) -> list[TensorBoard]:
    """The callback for a run that is kept in `folder`, where tensorboard is installed; else none."""
    return [TensorBoard(Path(folder) / "tensorboard")] if folder is not None and installed() else []


def installed() -> bool:
    """Whether tensorboard is there, without importing it."""
    return find_spec("tensorboard") is not None
