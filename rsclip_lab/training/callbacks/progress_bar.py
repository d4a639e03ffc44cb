"""How far a run is."""

from __future__ import annotations

from rsclip_lab.environment import progress
from rsclip_lab.training.state import TrainingState


class ProgressBar:
    """One bar over the steps of the run, with the loss and the recall within the batch."""

    def __init__(self, description: str = "fine-tune") -> None:
        self.description = description

    def on_start(self, state: TrainingState) -> None:
        self.bar = progress(total=state.total_steps, desc=self.description)

    def on_step(self, state: TrainingState) -> None:
        record = state.record
        text = f"epoch {state.epoch + 1} loss {record['loss']:.3f} R@1 {record['batch_recall']:.2f}"
        self.bar.set_postfix_str(text, refresh=False)
        self.bar.update()

    def on_end(self, state: TrainingState) -> None:
        self.bar.close()
