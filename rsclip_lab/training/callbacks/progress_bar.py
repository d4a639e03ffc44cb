"""How far a run is."""

from __future__ import annotations

import textwrap

from rsclip_lab.environment import progress
from rsclip_lab.training.network.preparation import trained_count
from rsclip_lab.training.state import TrainingState


class ProgressBar:
    """What is trained on what, once; then one bar over the steps of the run, in a terminal or a notebook.

    The bar has the epoch, the steps and the time left; of the newest step the loss, the recall within the batch,
    the off-diagonal cosine, pictures a second, and the share of its time spent waiting for data.
    """

    LAYOUT = "{desc} |{bar}| {n_fmt}/{total_fmt} ETA {remaining}{postfix}"
    COLUMNS = 80  # where no terminal says how wide it is

    def __init__(self, description: str = "") -> None:
        self.description = description
        self.bar = None

    def on_start(self, state: TrainingState) -> None:
        if not state.world.first:
            return
        self.bar = progress(total=state.total_steps, initial=state.step, bar_format=self.LAYOUT)
        self.bar.ncols = self.bar.ncols or self.COLUMNS
        self._say(textwrap.fill(headline(state), self.COLUMNS))

    def on_step(self, state: TrainingState) -> None:
        if self.bar is None:
            return
        epoch = f"{self.description} epoch {state.epoch + 1}/{state.config.epochs}"
        self.bar.set_description_str(epoch.strip(), refresh=False)
        self.bar.set_postfix_str(summary(state.record), refresh=False)
        self.bar.update()

    def on_end(self, state: TrainingState) -> None:
        if self.bar is None:
            return
        self.bar.close()
        if state.stop:
            self._say(f"ended after step {state.step} of {state.total_steps}: {state.stop}")

    def _say(self, text: str) -> None:
        print(text, file=self.bar.fp, flush=True)


def headline(state: TrainingState) -> str:
    """What is trained on what: device, number format, trained parameters, negatives, steps."""
    trained = trained_count(state.model.net)
    total = sum(parameter.numel() for parameter in state.model.net.parameters())
    done = f", {state.step} of them done" if state.step else ""
    return (
        f"{state.model.device}, {state.precision.reason}; {trained / 1e6:.2f} of {total / 1e6:.2f} million "
        f"parameters trained; {state.world.describe(state.config.batch_size)}; {state.total_steps} steps{done}"
    )


def summary(record: dict) -> str:
    """One step in 40 characters."""
    return (
        f"loss {record['loss']:.2f} R@1 {record['batch_recall']:.2f} cos {record['off_diagonal_cosine']:.2f} "
        f"{record['samples_per_second']:.0f}/s wait {record['waiting']:.0%}"
    )
