"""The loop's own promises: clipping, float16's scaler, what counts as a step's time."""

import math
import time
from dataclasses import replace

import pytest
import torch

from rsclip_lab.data import read_captions
from rsclip_lab.environment import Precision
from rsclip_lab.training import Diverged, FinetuneConfig, TrainingState, finetune
from rsclip_lab.training.batches import CaptionBatches
from rsclip_lab.training.fetch import BatchSource
from rsclip_lab.training.loop import MOST_SKIPPED, train

CONFIG = FinetuneConfig(epochs=4, batch_size=3, learning_rate=1e-3, precision="fp32", ema=0.5)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def captions(picture_folder):
    return read_captions(picture_folder, split="train")


def run(clip, captions, config, scaler, callbacks=()):
    """The state that a run of the loop ends in; the scaler works on a CPU as it does on a GPU."""
    batches = CaptionBatches(captions, config.batch_size, config.seed)
    precision = Precision(torch.float32, autocast=False, scaler=scaler, reason="a test")
    state = TrainingState(clip.copy(), clip, config.resolved(clip), precision, batches.steps_per_epoch)
    train(state, BatchSource(state.model, batches, state.config, progress=False), callbacks)
    return state


def same_weights(one, other):
    pairs = zip(one.model.net.parameters(), other.model.net.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("max_grad_norm", [1e9, 0.1])
def test_scaled_gradients_give_the_same_weights_clipped_or_not(random_clip, captions, max_grad_norm):
    config = replace(CONFIG, max_grad_norm=max_grad_norm)
    plain, scaled = (run(random_clip, captions, config, scaler) for scaler in (False, True))
    assert plain.step == scaled.step == 8 and scaled.scaler.get_scale() == 65536
    assert same_weights(plain, scaled)


def test_gradients_are_clipped_to_the_length_asked_for(random_clip, captions):
    lengths = []

    class Length:
        def on_step(self, state):
            grads = [p.grad.norm() for p in state.model.net.parameters() if p.grad is not None]
            lengths.append((float(torch.stack(grads).norm()), state.record["grad_norm"]))

    run(random_clip, captions, replace(CONFIG, max_grad_norm=0.25), False, [Length()])
    assert all(length == pytest.approx(min(0.25, before), rel=1e-3) for length, before in lengths)
    assert max(before for _, before in lengths) > 0.5


class SpoilGradients:
    """From a step on no gradient is a number."""

    def __init__(self, first, last=10**9):
        self.first, self.last = first, last

    def on_start(self, state):
        def spoil(gradient):
            return gradient * math.nan if self.first <= state.step <= self.last else gradient

        self.hook = state.model.net.visual.proj.register_hook(spoil)

    def on_end(self, state):
        self.hook.remove()


def test_a_step_that_the_scaler_skips_changes_nothing_but_the_scale(random_clip, captions):
    averages = {}

    class Note:
        def on_step(self, state):
            proj = state.model.net.visual.proj.detach().clone()
            averages[state.step] = (proj, state.ema.weights["visual.proj"].clone())

    state = run(random_clip, captions, CONFIG, True, [SpoilGradients(3, 3), Note()])
    assert state.step == 8 and state.scaler.get_scale() == 32768
    assert all(torch.equal(*pair) for pair in zip(averages[3], averages[4], strict=True))
    assert not torch.equal(averages[4][0], averages[5][0])


def test_gradients_that_stay_no_numbers_stop_a_scaled_run_too(random_clip, captions):
    config = replace(CONFIG, epochs=50)
    with pytest.raises(Diverged, match=f"step {3 + MOST_SKIPPED - 1}: the grad norm is nan"):
        run(random_clip, captions, config, True, [SpoilGradients(3)])
    with pytest.raises(Diverged, match="step 3: the grad norm is nan"):
        run(random_clip, captions, config, False, [SpoilGradients(3)])


class Watcher:
    """Notes what it is told; fails where it is asked to."""

    def __init__(self, heard, fails=False):
        self.heard, self.fails = heard, fails

    def on_start(self, state):
        if self.fails:
            raise OSError("no log here")
        self.heard.append("start")

    def on_end(self, state):
        self.heard.append("end")


def test_only_callbacks_whose_start_went_well_are_told_of_the_end(random_clip, captions):
    heard, late = [], []
    with pytest.raises(OSError, match="no log here"):
        run(random_clip, captions, CONFIG, False, [Watcher(heard), Watcher(late, fails=True), Watcher(late)])
    assert heard == ["start", "end"] and not late


def test_a_run_that_stops_as_it_starts_says_why(random_clip, captions, tmp_path):
    class Early:
        def on_start(self, state):
            raise Diverged("no use")

    with pytest.raises(Diverged, match="no use; .*run has no checkpoint"):
        finetune(random_clip, captions, CONFIG, folder=tmp_path / "run", callbacks=[Early()], progress=False)


def test_what_callbacks_do_between_epochs_is_no_steps_time(random_clip, captions):
    class Slow:
        def on_start(self, state):
            time.sleep(1.0)

        on_epoch = on_start

    history = finetune(random_clip, captions, CONFIG, callbacks=[Slow()], progress=False).history
    assert (history["samples_per_second"] > CONFIG.batch_size / 1.0).all()
