"""Runs of ten short steps, and what makes them stop: for the tests of what outlives that."""

import signal

import pandas as pd
import torch

from rsclip_lab.data import read_captions
from rsclip_lab.models import new_clip
from rsclip_lab.training import FinetuneConfig, finetune

TIMES = ["samples_per_second", "waiting"]
ARCHITECTURE = {  # small, as it is saved at every step, and with dropout
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8}
    | {"patch_dropout": 0.3},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
CONFIG = FinetuneConfig(epochs=2, batch_size=4, learning_rate=5e-3, precision="fp32", save_minutes=0, ema=0.5)


def small_clip():
    return new_clip(ARCHITECTURE, seed=0, name="small")


def small_run(clip, picture_folder, folder=None, config=CONFIG, **changes):
    """`finetune` on ten pictures, two more to replay, six to validate: five steps an epoch, ten in all."""
    table = read_captions(picture_folder)
    tables = {"captions": table[table.image_id < 10], "replay": table[table.image_id >= 10]}
    tables["validation"] = table[table.image_id < 6]
    return finetune(clip, **{**tables, **changes}, config=config, folder=folder, progress=False)


def whole_run(picture_folder, _known=[]):  # noqa: B006
    """The run that never stops and is not saved, once: the pictures of every test are the same."""
    if not _known:
        _known.append(small_run(small_clip(), picture_folder))
    return _known[0]


def files_in(folder):
    return sorted(path.name for path in folder.iterdir() if path.is_file())  # tensorboard's lie in a folder


class At:
    """Does something when a step, or an epoch, is done: the first is number 1."""

    def __init__(self, action, step=None, epoch=None):
        self.action, self.step, self.epoch = action, step, epoch

    def on_step(self, state):
        if state.step == self.step:
            self.action(state)

    def on_epoch(self, state):
        if state.epoch + 1 == self.epoch:
            self.action(state)


class Broken(Exception):
    pass


def fail(state):
    raise Broken


def press_ctrl_c(state):
    signal.raise_signal(signal.SIGINT)


def assert_same(run, other):
    """The same weights bit for bit, and the same history but for its times."""
    ours, theirs = run.model.net.state_dict(), other.model.net.state_dict()
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)
    histories = [one.history.drop(columns=TIMES) for one in (run, other)]
    pd.testing.assert_frame_equal(*histories, check_exact=True)
    pd.testing.assert_frame_equal(run.validation, other.validation, check_exact=True)
