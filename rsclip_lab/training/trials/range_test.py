"""Which learning rate? Raise it at each step of a short run, and look where the loss falls and where it turns
(Smith 2015, arXiv:1506.01186)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from rsclip_lab.environment import progress as progress_bar
from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.inputs import require_kinds
from rsclip_lab.training.state import TrainingState
from rsclip_lab.training.trials.trial import try_out

MOST_OF_THE_FALL = 0.9
TURNED = 0.25  # of the whole fall: having made half of it, a loss that rises by so much has turned
LEAST_FALL = 0.05  # of the first loss; less is noise
STILL_FALLING = 0.95  # of the steps: a loss that is lowest later has not shown where it turns
EXPLODED = 2  # times the first loss
STEADY = 5  # steps in a mean


@dataclass(frozen=True)
class RangeTest:
    """What the loss did while the learning rate rose.

    table: one row a step: `learning_rate`; `loss`, less the floor that shared captions leave; `smoothed`, the mean of
    the tenth of all losses around it. stop: why it ended before the highest rate, or None.
    """

    table: pd.DataFrame
    stop: str | None = None

    @property
    def suggested(self) -> float | None:
        """The peak learning rate to train with: the one at which the smoothed loss has made nine tenths of its
        fall, before it turns. None where it never fell.

        Higher rates gain little and are about to undo it; the lowest loss itself may be that of a network that has
        collapsed, ln(batch), which from an overconfident start is a fall, too. From seed to seed and with half the
        steps this place moves by a factor of two or three, that of the steepest fall by more than ten (measured on
        `tiny` and the coast's captions: 1.5e-3, the rate that was found by trying). It comes from few steps and the
        training loss alone: it fits these captions fast; what forgets least may be lower.
        """
        rates, loss = self.table["learning_rate"].to_numpy(), self.table["smoothed"].to_numpy()
        lowest_yet, whole = np.minimum.accumulate(loss), loss[0] - loss.min()
        has_turned = (lowest_yet < loss[0] - whole / 2) & (loss > lowest_yet + TURNED * whole)
        turned = int(np.argmax(has_turned)) or len(loss)
        fall = loss[0] - loss[:turned].min()
        if not fall > LEAST_FALL * loss[0]:
            return None
        return float(rates[np.argmax(loss <= loss[0] - MOST_OF_THE_FALL * fall)])

    def __repr__(self) -> str:
        first, last = self.table["learning_rate"].iloc[[0, -1]]
        advice = "the loss never fell" if self.suggested is None else f"suggested learning_rate {self.suggested:.1e}"
        if self.suggested and self.table["smoothed"].idxmin() > STILL_FALLING * len(self.table):
            advice += ", but the loss still fell at the end: take more steps, or a higher `highest`"
        return f"RangeTest({advice}; {len(self.table)} steps from {first:.0e} to {last:.0e})"


def learning_rate_range_test(
    model,
    captions: pd.DataFrame,
    config: FinetuneConfig | None = None,
    replay: pd.DataFrame | None = None,
    lowest: float = 1e-7,
    highest: float = 0.1,
    steps: int = 100,
    progress: bool = True,
) -> RangeTest:
    """Train a copy of `model` for so many steps while the learning rate rises from `lowest` to `highest`, each rate
    the same multiple of the one before. Ends early when the loss explodes or is no number.

    Everything else is as in `finetune` with this configuration and these tables; config.seed repeats the test.
    Raises ValueError for rates or steps that cannot give a curve, otherwise what `finetune` raises before training.
    """
    require_kinds("learning_rate_range_test", model, config, captions=captions, replay=replay)
    if not 0 < lowest < highest < 1 or steps < 2 * STEADY:
        raise ValueError(
            f"lowest={lowest:g}, highest={highest:g}, steps={steps}: a range test needs 0 < lowest < highest < 1 and "
            f"at least {2 * STEADY} steps"
        )
    config = replace(
        config or FinetuneConfig(), learning_rate=lowest, schedule="constant", warmup=0.0, ema=0.0, epochs=steps
    ).resolved(model)
    state = try_out(model, captions, config, [RisingRate(lowest, highest, steps, progress)], replay, progress)
    if not state.history:
        raise ValueError(f"the first step at the lowest rate failed already, the model is not sound: {state.stop}")
    history = pd.DataFrame(state.history)
    table = pd.DataFrame({"learning_rate": history["learning_rate"], "loss": history["loss"] - history["floor"]})
    around = max(3, len(table) // 10) | 1  # odd, so that it is centred
    table["smoothed"] = table["loss"].rolling(around, center=True, min_periods=1).mean()
    return RangeTest(table, state.stop if len(table) < steps else None)


class RisingRate:
    """A callback that sets each step's learning rate, and ends the run when the loss has exploded."""

    def __init__(self, lowest: float, highest: float, steps: int, progress: bool) -> None:
        self.lowest, self.highest, self.steps, self.progress = lowest, highest, steps, progress

    def on_start(self, state: TrainingState) -> None:
        self.bar = progress_bar(total=self.steps, desc="range test", disable=not self.progress)

    def on_step(self, state: TrainingState) -> None:
        self.bar.update()
        losses = [row["loss"] for row in state.history]
        if np.mean(losses[-STEADY:]) > EXPLODED * np.mean(losses[:STEADY]):
            state.stop = f"the loss has exploded at learning rate {state.record['learning_rate']:.1e}"
        elif state.step == self.steps:
            state.stop = "all steps are done"
        else:
            rate = self.lowest * (self.highest / self.lowest) ** (state.step / (self.steps - 1))
            state.config = replace(state.config, learning_rate=rate)  # the schedule is constant: this one's rate

    def on_end(self, state: TrainingState) -> None:
        self.bar.close()
