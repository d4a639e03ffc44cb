"""Can this network learn these pairs by heart? If not even 128 of them, then no amount of training will help."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from rsclip_lab.data.sampler import CaptionPool
from rsclip_lab.evaluation.evaluate import TestTable
from rsclip_lab.evaluation.retrieval import retrieval_recall
from rsclip_lab.training.callbacks import ProgressBar
from rsclip_lab.training.config import COLLAPSED, FinetuneConfig
from rsclip_lab.training.inputs import require_kinds
from rsclip_lab.training.state import TrainingState
from rsclip_lab.training.trials.trial import try_out

WARMUP_STEPS = 5
NEARLY = 0.9  # of the pairs known in training, with its dropout: all may be known without
HARDLY = 0.25  # of the pairs, or four of few: below it next to nothing was learned


@dataclass(frozen=True)
class Overfit:
    """An overfit test that was passed. steps: after how many all pairs were known. history: as that of a `Run`."""

    pairs: int
    steps: int
    history: pd.DataFrame

    def __repr__(self) -> str:
        loss = self.history["loss"].iloc[-1]
        return f"Overfit({self.pairs} pairs to R@1 = 1.0 in {self.steps} steps, loss {loss:.3f})"


class NotLearned(RuntimeError):
    """An overfit test that was not passed; `history` has its steps."""

    history: pd.DataFrame


def overfit(
    model,
    captions: pd.DataFrame,
    pairs: int = 128,
    steps: int = 100,
    config: FinetuneConfig | None = None,
    progress: bool = True,
) -> Overfit:
    """Train a copy of `model` on so many pictures with a caption each, all in one batch and without augmentation,
    until R@1 is 1.0: in evaluation mode every picture finds its caption among all, and every caption its picture.

    `tiny` takes 33 to 35 steps on the coast's captions. The pairs are drawn by config.seed; no two captions say the
    same. Of the configuration the loss, the optimizer, the learning rate (constant after five steps), what is frozen
    and the precision are tried.
    Raises NotLearned, with the likely cause, when that takes more than `steps`; ValueError where the table has too
    few pictures with captions of their own.
    """
    require_kinds("overfit", model, config, captions=captions)
    if pairs < 2 or steps < 1:
        raise ValueError(f"pairs={pairs}, steps={steps}: an overfit test needs at least two pairs and one step")
    config = replace(
        (config or FinetuneConfig()).resolved(model),
        batch_size=pairs, epochs=steps, schedule="constant", warmup=min(0.5, WARMUP_STEPS / steps),
        ema=0.0, augment=False, distinct_captions=False,
    )  # fmt: skip
    chosen = distinct_pairs(captions, pairs, config.seed)
    learned = UntilLearned(chosen)
    state = try_out(model, chosen, config, [learned] + ([ProgressBar("overfit")] if progress else []))
    history = pd.DataFrame(state.history)
    if learned.recall < 1:
        failure = NotLearned(explanation(state, learned.recall))
        failure.history = history
        raise failure
    return Overfit(pairs, state.step, history)


def distinct_pairs(captions: pd.DataFrame, pairs: int, seed: int = 0) -> pd.DataFrame:
    """Rows of the table: so many pictures at random, one caption each, of which no two say the same."""
    pool, generator = CaptionPool.from_table(captions), np.random.default_rng(seed)
    pictures = generator.permutation(len(pool.images))
    places, _ = pool.draw_distinct(pictures, 1, generator)
    _, first = np.unique(pool.said[places], return_index=True)
    if len(first) < pairs:
        raise ValueError(
            f"{pairs} pairs to overfit, but only {len(first)} of the {len(pool.images)} pictures can have a caption "
            f"of their own: ask for pairs={len(first)} or fewer, or write captions that tell the pictures apart"
        )
    return captions.iloc[pool.rows[places[np.sort(first)[:pairs]]]]


class UntilLearned:
    """Stops a run as soon as all its pairs are known; `recall` is the lower R@1 of the two directions."""

    def __init__(self, pairs: pd.DataFrame) -> None:
        self.pairs, self.recall = pairs, 0.0

    def on_start(self, state: TrainingState) -> None:
        self.table = TestTable.of(self.pairs).decoded(state.model)

    def on_step(self, state: TrainingState) -> None:
        if state.record["batch_recall"] >= NEARLY or state.step == state.total_steps:  # else it is not worth its time
            self.recall = self._measured(state.model)
        if self.recall == 1:
            state.stop = "all pairs are known"

    def _measured(self, model) -> float:
        images, texts = model.encode_images(self.table.images), model.encode_texts(self.table.captions)
        recall = retrieval_recall(images, texts[self.table.caption_of_text], self.table.image_of_text, ks=(1,))
        return min(recall["image_to_text"][1], recall["text_to_image"][1])


def explanation(state: TrainingState, recall: float) -> str:
    """What came out instead, the likely cause and its remedy."""
    config, last = state.config, state.record
    pairs, rate = config.batch_size, f"learning_rate={config.learning_rate:g}"
    said = f"after {state.step} steps on {pairs} pairs R@1 is {recall:.2f} and not 1.0"
    if state.stop:
        return f"{said}: {state.stop}"
    numbers = f"loss {last['loss']:.2f}, off-diagonal cosine {last['off_diagonal_cosine']:.2f}"
    if last["off_diagonal_cosine"] > COLLAPSED:
        return (
            f"{said} ({numbers}): pictures and captions have become one point. A loss without negatives does that, "
            f"and so does too large a step: train with loss='clip' and less than {rate}"
        )
    if last["batch_recall"] < max(HARDLY, 4 / pairs):
        return (
            f"{said} ({numbers}): next to nothing was learned; who knows nothing has a CLIP loss of ln({pairs}) = "
            f"{math.log(pairs):.2f}. {rate} may be far off (learning_rate_range_test finds one), too much may be "
            "frozen, or pictures and captions do not belong together: look at some with show.plot_class_grid"
        )
    return (
        f"{said} ({numbers}): it was learning. Give it more steps or a higher rate than {rate}; should it stay just "
        "below 1, look for a picture that is there twice with audit(captions)"
    )
