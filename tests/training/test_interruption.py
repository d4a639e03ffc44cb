"""Ctrl-C and SIGTERM, sent by the system to this process: the step ends, the state is kept, nothing hangs on."""

import signal
import threading
from functools import partial

import pytest
from small_runs import At, Broken, assert_same, fail, press_ctrl_c, small_clip, small_run, whole_run

from rsclip_lab.training import load_run
from rsclip_lab.training.interruption import Interruption
from rsclip_lab.training.processes import ProcessLost
from rsclip_lab.training.state import Interrupted

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def handlers():
    """What Python does by itself with both signals, also where the tests were started in the background."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield usual
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def clip():
    return small_clip()


@pytest.fixture
def tune(clip, picture_folder):
    return partial(small_run, clip, picture_folder)


def current():
    return {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}


@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_the_first_signal_lets_the_step_end_and_keeps_the_run(tune, picture_folder, tmp_path, handlers, number, name):
    def send(state):
        signal.raise_signal(number)

    after = []
    with pytest.raises(Interrupted) as stopped:
        tune(tmp_path / "run", callbacks=[At(send, 3), At(lambda state: after.append(state.record["step"]), 3)])
    assert after == [2]  # what comes after the signal in its step is done
    assert str(stopped.value) == (
        f"{name}: stopped after step 3 of 10; {tmp_path}/run has "
        "the checkpoint after step 3. The same call, in a terminal the same command, goes on from there"
    )
    run = stopped.value.run
    assert len(run.history) == run.notes["steps"] == 3 and run.folder is None
    assert run.model.encode_texts(["a beach"]).shape == (1, 16) and not run.model.net.training
    assert current() == handlers
    assert_same(tune(tmp_path / "run"), whole_run(picture_folder))


def test_an_interruption_is_no_exception_that_a_script_would_pass_over(tune):
    words = "step 2 of 10.*nothing is on the disk, as no folder was given: .* this error.s .run$"
    with pytest.raises(KeyboardInterrupt, match=words):
        try:
            tune(callbacks=[At(press_ctrl_c, 2)])
        except Exception:
            pytest.fail("caught as an ordinary error")


def test_a_second_signal_interrupts_at_once(tune, picture_folder, tmp_path, handlers):
    after = []

    def press_twice(state):
        press_ctrl_c(state)
        press_ctrl_c(state)
        after.append(state.step)

    with pytest.raises(KeyboardInterrupt) as stopped:
        tune(tmp_path / "run", callbacks=[At(press_twice, 4)])
    assert type(stopped.value) is KeyboardInterrupt and after == []
    assert "second signal: interrupted at once" in str(stopped.value) and "goes on from there" in str(stopped.value)
    assert current() == handlers
    assert_same(tune(tmp_path / "run"), whole_run(picture_folder))  # from the checkpoint after step 3


def test_a_signal_before_the_first_step_interrupts_at_once(tune, picture_folder, clip, tmp_path, handlers):
    tokenizer = clip.tokenizer

    def tokenise(texts):
        press_ctrl_c(None)
        return tokenizer(texts)

    clip.tokenizer = tokenise
    with pytest.raises(KeyboardInterrupt) as stopped:
        tune(tmp_path / "run")
    assert type(stopped.value) is KeyboardInterrupt
    clip.tokenizer = tokenizer
    assert current() == handlers
    assert_same(tune(tmp_path / "run"), whole_run(picture_folder))


def test_a_signal_while_an_epoch_is_measured_keeps_what_was_measured(tune, tmp_path):
    with pytest.raises(Interrupted) as stopped:
        tune(tmp_path / "run", callbacks=[At(press_ctrl_c, epoch=1)])
    assert len(stopped.value.run.validation) == 1
    measured = []
    run = tune(tmp_path / "run", callbacks=[At(lambda state: measured.append(1), epoch=1)])
    assert measured == [] and len(run.validation) == 2


class Last:
    def on_end(self, state):
        press_ctrl_c(state)


def test_a_signal_when_all_is_trained_comes_after_the_run_is_saved(tune, picture_folder, tmp_path, handlers):
    words = f"Ctrl-C: it came when all steps were done; the run is saved in {tmp_path}/run$"
    with pytest.raises(Interrupted, match=words) as stopped:
        tune(tmp_path / "run", callbacks=[Last()])
    assert current() == handlers
    for run in (stopped.value.run, load_run(tmp_path / "run", device="cpu")):
        assert_same(run, whole_run(picture_folder))


def test_a_signal_when_all_is_trained_loses_no_run_without_a_folder(tune, picture_folder):
    with pytest.raises(Interrupted, match="the run is in this error's .run$") as stopped:
        tune(callbacks=[Last()])
    assert_same(stopped.value.run, whole_run(picture_folder))


def test_a_process_that_has_lost_another_obeys_torchrun():
    heard = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        with pytest.raises(ProcessLost), Interruption() as interruption:
            interruption.on_start(None)
            signal.raise_signal(signal.SIGTERM)
            assert interruption.received == signal.SIGTERM and not heard
            raise ProcessLost("the other one was killed")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]


def test_handlers_come_back_when_a_run_ends_or_fails(tune, handlers):
    seen = []
    tune(callbacks=[At(lambda state: seen.append(current()), 1)])
    assert not set(seen[0].values()) & set(handlers.values()) and current() == handlers
    with pytest.raises(Broken):
        tune(callbacks=[At(fail, 1)])
    assert current() == handlers


def test_a_signal_that_is_ignored_stays_ignored(tune):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run = tune(callbacks=[At(press_ctrl_c, 2)])
    assert len(run.history) == 10 and signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_run_in_another_thread_leaves_the_signals_alone(tune, handlers):
    seen, runs = [], []
    thread = threading.Thread(
        target=lambda: runs.append(tune(callbacks=[At(lambda state: seen.append(current()), 1)]))
    )
    thread.start()
    thread.join()
    assert seen == [handlers] and len(runs[0].history) == 10
