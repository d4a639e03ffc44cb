"""A run is watched: in one line of a terminal, in TensorBoard, by an alarm, and by what others hang on."""

import errno
import io
import json
import math
import textwrap
from dataclasses import replace

import pytest

from rsclip_lab.data import read_captions
from rsclip_lab.environment import select_precision
from rsclip_lab.training import Collapsed, FinetuneConfig, TrainingState, callbacks, finetune
from rsclip_lab.training.callbacks import CollapseAlarm, ProgressBar, TensorBoard, tensorboard_callbacks
from rsclip_lab.training.callbacks.collapse_alarm import WINDOW
from rsclip_lab.training.processes import World

QUICK = FinetuneConfig(epochs=2, batch_size=4, learning_rate=1e-3, precision="fp32")  # 3 steps an epoch

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def captions(picture_folder):
    return read_captions(picture_folder)


@pytest.fixture
def state_of(random_clip):
    """A state that stands after so many steps of one cosine each."""

    def make(cosines, total=100, **config):
        config = replace(QUICK, epochs=1, **{"collapse_alarm": 0.9, "warmup": 0.1} | config)
        state = TrainingState(random_clip, random_clip, config, select_precision("cpu", "fp32"), total)
        for step, cosine in enumerate(cosines):
            state.record = {"step": step, "epoch": 0, "off_diagonal_cosine": cosine}
            state.history.append(state.record)
            state.step += 1
        return state

    return make


def fired_at(state):
    """After how many steps an alarm that looks on after each of them fires first; None for never."""
    rows, state.history = state.history, []
    for state.step, state.record in enumerate(rows, 1):
        state.history.append(state.record)
        try:
            CollapseAlarm().on_step(state)
        except Collapsed:
            return state.step
    return None


# ---- the bar


def on_screen(text):
    """What is written between returns to the line's start."""
    return [line for part in text.split("\n") for line in part.split("\r") if line.strip()]


def watched_run(monkeypatch, model, captions, config=QUICK, **options):
    """What a run writes to a terminal that is no terminal, when every step is shown."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    shown_at_once = {"delay": 1e-9, "mininterval": 0, "miniters": 1}
    real = callbacks.progress_bar.progress
    monkeypatch.setattr(callbacks.progress_bar, "progress", lambda **given: real(**given | shown_at_once))
    finetune(model, captions, config, callbacks=[ProgressBar()], progress=False, **options)
    return on_screen(stream.getvalue())


def test_the_bar_begins_with_what_is_trained_on_what(monkeypatch, random_clip, captions):
    config = replace(QUICK, freeze_image="all")
    said = " ".join(watched_run(monkeypatch, random_clip, captions, config))
    parameters = dict(random_clip.net.named_parameters())
    text = sum(p.numel() for name, p in parameters.items() if not name.startswith("visual."))
    total = sum(p.numel() for p in parameters.values())
    assert "cpu, float32: asked for" in said
    assert f"{text / 1e6:.2f} of {total / 1e6:.2f} million parameters trained" in said and text < total
    assert "up to 4 pictures a step, 3 negatives for each; 6 steps" in said


def test_the_bar_says_of_each_step_how_it_went(monkeypatch, random_clip, captions):
    lines = watched_run(monkeypatch, random_clip, captions)
    assert [line for line in lines if len(line) > 80] == []
    steps = [line for line in lines if "loss" in line]
    assert len(steps) >= 6 and "epoch 1/2" in steps[0] and "epoch 2/2" in steps[-1] and "6/6" in steps[-1]
    for word in ("ETA", "loss", "R@1", "cos", "/s", "wait"):
        assert word in steps[-1]


@pytest.fixture
def bar_of(monkeypatch):
    """The bar that is begun for a state."""

    def begin(state):
        monkeypatch.setattr("sys.stderr", io.StringIO())
        callback = ProgressBar()
        callback.on_start(state)
        return callback

    return begin


def test_the_bar_of_a_resumed_run_begins_where_it_stood(state_of, bar_of):
    callback = bar_of(state_of([0.1] * 40))
    assert (callback.bar.n, callback.bar.initial, callback.bar.total) == (40, 40, 100)
    assert "100 steps, 40 of them done" in callback.bar.fp.getvalue().replace("\n", " ")
    callback.on_end(state_of([]))


def test_the_bar_closes_when_the_run_breaks_off_and_says_why_one_ended_early(state_of, bar_of):
    state = state_of([0.1] * 40)
    callback = bar_of(state)
    state.stop = "no better validation recall for 2 epochs"
    callback.on_end(state)
    assert callback.bar.disable  # as tqdm's are once they are closed
    last_line = callback.bar.fp.getvalue().splitlines()[-1]
    assert last_line.endswith("ended after step 40 of 100: no better validation recall for 2 epochs")
    ProgressBar().on_end(state)  # another callback failed before this one began


def test_only_the_first_process_has_a_bar(state_of, bar_of, capfd):
    state = state_of([0.1])
    state.world = World(rank=1, size=2)
    callback = bar_of(state)
    callback.on_step(state)
    callback.on_end(state)
    assert callback.bar is None and capfd.readouterr() == ("", "")


# ---- the alarm


def test_the_alarm_stops_a_run_that_collapses_and_explains(random_clip, captions):
    config = replace(QUICK, epochs=12, learning_rate=2e-3, loss="positives_only", collapse_alarm=0.9)
    with pytest.raises(Collapsed) as raised:
        finetune(random_clip, captions, config, callbacks=[CollapseAlarm()], progress=False)
    said = str(raised.value)
    assert "\n" not in said
    for word in ("off-diagonal cosine", "alarm is at 0.9", "without negatives", "learning_rate is 0.002", "alarm=1"):
        assert word in said
    history = raised.value.run.history
    assert WINDOW < len(history) < 36
    assert history.off_diagonal_cosine.tail(WINDOW).mean() >= 0.9 > history.off_diagonal_cosine[:WINDOW].min()


def test_a_run_with_the_right_loss_may_begin_collapsed(random_clip, captions):
    wrong = replace(QUICK, epochs=4, learning_rate=2e-3, loss="positives_only")
    collapsed = finetune(random_clip, captions, wrong, progress=False).model
    config = replace(QUICK, epochs=14, learning_rate=1e-3, augment=False, collapse_alarm=0.9)
    history = finetune(collapsed, captions, config, callbacks=[CollapseAlarm()], progress=False).history
    warmup = 4  # a tenth of the steps
    assert history.off_diagonal_cosine[warmup : warmup + WINDOW].mean() > 0.9 > history.off_diagonal_cosine.iloc[-1]


def test_healthy_cosines_never_fire(state_of):
    assert fired_at(state_of([0.1 + 0.4 * math.sin(step / 7) ** 2 for step in range(100)])) is None


def test_a_single_batch_is_no_collapse(state_of):
    assert fired_at(state_of([0.2] * 30 + [1.0, 1.0] + [0.2] * 68)) is None


def test_the_alarm_fires_once_the_mean_of_the_window_is_there(state_of):
    assert fired_at(state_of([0.2] * 30 + [0.95] * 70)) == 30 + WINDOW
    assert fired_at(state_of([0.2] * 30 + [0.95] * 70, collapse_alarm=0.96)) is None


def test_the_alarm_waits_for_the_warmup_and_a_window(state_of):
    assert fired_at(state_of([0.2] + [0.95] * 99, warmup=0.3)) == 30 + WINDOW
    assert fired_at(state_of([0.2] + [0.99] * 99, warmup=0.0)) == WINDOW


def test_a_run_that_begins_collapsed_has_half_of_its_steps_to_come_down(state_of):
    stuck = [0.98] * 100
    assert fired_at(state_of(stuck)) == 50
    assert fired_at(state_of([0.98] * 40 + [0.3] * 60)) is None
    slowly_down = [0.98 - 0.001 * step for step in range(100)]  # half the way to 0.9 after 40 steps
    assert fired_at(state_of(slowly_down)) is None


def test_a_resumed_run_is_judged_as_a_whole(state_of):
    state = state_of([0.98] * 45)  # began collapsed, before the break
    CollapseAlarm().on_step(state)
    with pytest.raises(Collapsed):
        CollapseAlarm().on_step(state_of([0.2] + [0.98] * 44))


def test_at_one_the_alarm_never_fires_and_batches_without_a_cosine_do_not_count(state_of):
    assert fired_at(state_of([0.2] + [1.0000001] * 99, collapse_alarm=1.0)) is None
    assert fired_at(state_of([math.nan] * 100)) is None
    assert fired_at(state_of([math.nan] + [0.2] * 29 + [0.95, math.nan] * 35)) is not None


# ---- TensorBoard


def events(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    return {tag: {e.step: e.value for e in found.Scalars(tag)} for tag in found.Tags()["scalars"]}


def test_tensorboard_has_every_number_of_every_step_and_epoch(random_clip, captions, tmp_path):
    pytest.importorskip("tensorboard")
    hooks = [TensorBoard(tmp_path / "board")]
    run = finetune(random_clip, captions, QUICK, validation=captions, callbacks=hooks, progress=False)
    read = events(tmp_path / "board")
    for name in run.history.columns.drop(["step", "epoch"]):
        assert list(read[f"train/{name}"]) == list(range(6))
        assert list(read[f"train/{name}"].values()) == pytest.approx(run.history[name].tolist(), rel=1e-6)
    recall = dict(zip([2, 5], run.validation.mean_recall, strict=True))  # at the last step of each epoch
    assert read["validation/mean_recall"] == pytest.approx(recall)


def test_tensorboard_of_a_resumed_run_forgets_what_was_trained_again(state_of, tmp_path):
    pytest.importorskip("tensorboard")

    def write(cosines, start):
        state = state_of([])
        rows = state_of(cosines).history
        state.step = start
        board = TensorBoard(tmp_path)
        board.on_start(state)
        for state.record in rows[start:]:
            board.on_step(state)
        board.on_end(state)

    write([0.1] * 8, start=0)
    write([0.5] * 10, start=5)  # the last checkpoint was after five steps
    assert events(tmp_path)["train/off_diagonal_cosine"] == pytest.approx(dict(enumerate([0.1] * 5 + [0.5] * 5)))


def test_tensorboard_keeps_what_there_is_when_a_run_breaks_off(random_clip, captions, tmp_path):
    pytest.importorskip("tensorboard")

    class Broken:
        def on_step(self, state):
            if state.step == 4:
                raise RuntimeError("lightning")

    with pytest.raises(RuntimeError, match="lightning"):
        finetune(random_clip, captions, QUICK, callbacks=[TensorBoard(tmp_path), Broken()], progress=False)
    assert list(events(tmp_path)["train/loss"]) == [0, 1, 2, 3]


def test_a_run_outlives_a_disk_that_tensorboard_cannot_be_kept_on(random_clip, captions, tmp_path):
    pytest.importorskip("tensorboard")
    (tmp_path / "file").touch()
    board = TensorBoard(tmp_path / "board")
    board.folder = tmp_path / "file" / "board"
    with pytest.warns(UserWarning, match="board: cannot be written to .*the run goes on without TensorBoard") as told:
        run = finetune(random_clip, captions, QUICK, callbacks=[board], progress=False)
    assert len(run.history) == 6 and len([one for one in told if "TensorBoard" in str(one.message)]) == 1


@pytest.mark.parametrize("fault", ["add_scalar", "close"])
def test_a_run_outlives_a_disk_that_is_full_before_its_end(random_clip, captions, tmp_path, fault):
    pytest.importorskip("tensorboard")

    class Full:
        def on_step(self, state):
            if state.step == 4:
                setattr(board.writer, fault, full)

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    board = TensorBoard(tmp_path)
    with pytest.warns(UserWarning, match=r"cannot be written to \(No space left on device\)"):
        run = finetune(random_clip, captions, QUICK, callbacks=[board, Full()], progress=False)
    assert len(run.history) == 6 and board.writer is None


def test_only_the_first_process_writes_for_tensorboard(state_of, tmp_path):
    pytest.importorskip("tensorboard")
    state = state_of([0.1])
    state.world = World(rank=1, size=2)
    board = TensorBoard(tmp_path / "board")
    for event in (board.on_start, board.on_step, board.on_epoch, board.on_end):
        event(state)
    assert not (tmp_path / "board").exists()


def test_a_kept_run_has_tensorboard_where_it_is_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(callbacks.tensorboard, "find_spec", lambda name: object())
    (board,) = tensorboard_callbacks(tmp_path)
    assert board.folder == tmp_path / "tensorboard" and tensorboard_callbacks(None) == []
    monkeypatch.setattr(callbacks.tensorboard, "find_spec", lambda name: None)
    assert tensorboard_callbacks(tmp_path) == []
    with pytest.raises(ImportError, match=r'pip install "rsclip-lab\[tensorboard\]"'):
        TensorBoard(tmp_path)


# ---- others


def test_the_logger_of_the_documentation_works(random_clip, captions, tmp_path):
    example = textwrap.dedent("    class Logger:" + callbacks.__doc__.partition("    class Logger:")[2])
    names = {"json": json}
    exec(example, names)
    run = finetune(random_clip, captions, QUICK, callbacks=[names["Logger"](tmp_path / "log.jsonl")], progress=False)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert rows == run.history.to_dict("records")
