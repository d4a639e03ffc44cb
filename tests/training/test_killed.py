"""Runs that are killed, twenty times: what they leave is whole, and they end with the weights they would have had."""

import multiprocessing
import random
import signal
import threading
import time

import pytest
import torch
from safetensors.torch import load_file
from small_runs import files_in
from tqdm.std import tqdm

from rsclip_lab.data import sample
from rsclip_lab.models import new_clip
from rsclip_lab.training import FinetuneConfig, finetune
from rsclip_lab.training.saved.folders import is_run, unfinished_run

KILLS, PICTURES = 20, 64
ARCHITECTURE = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
CONFIG = FinetuneConfig(epochs=3, batch_size=16, learning_rate=2e-3, precision="fp32", save_minutes=0, ema=0.5)


def train(folder, cache):
    torch.set_num_threads(1)
    tqdm.set_lock(threading.RLock())  # its own is a semaphore of the system, and would outlive a killed process
    captions = sample("coast", "train")
    captions = captions[captions["image"].isin(captions["image"].unique()[:PICTURES])]
    validation = sample("coast", "val")[:40]
    finetune(new_clip(ARCHITECTURE, 0), captions, CONFIG, validation, folder=folder, progress=False, cache=cache)


@pytest.fixture(scope="module")
def start():
    """Starts `train` in a process of its own, quickly, as the libraries are imported already where it comes from."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["rsclip_lab.training.run", "rsclip_lab.models", "torch.utils.tensorboard"])

    def started(*arguments):
        process = processes.Process(target=train, args=arguments)
        process.start()
        return process

    return started


def stamp(folder):
    """What changes with each checkpoint: every one is a new file."""
    try:
        return (folder / "checkpoint.pt").stat().st_mtime_ns
    except FileNotFoundError:  # not yet, or no more
        return None


def wait_for_a_checkpoint(process, folder, before):
    while process.is_alive() and stamp(folder) in (before, None):
        time.sleep(0.001)


def test_a_run_killed_twenty_times_always_goes_on_and_ends_as_if_it_had_not_been(start, tmp_path):
    cache, moments = tmp_path / "cache", random.Random(0)
    first = start(tmp_path / "whole", cache)
    first.join()
    assert first.exitcode == 0
    whole, folders, kills, left = load_file(tmp_path / "whole" / "model.safetensors"), [], 0, set()
    began = time.monotonic()
    start(tmp_path / "again", cache).join()
    seconds = time.monotonic() - began  # of a run that is not killed
    while kills < KILLS or not is_run(folders[-1]):
        if not folders or is_run(folders[-1]):
            folders.append(tmp_path / f"killed {len(folders)}")
        before = stamp(folders[-1])
        process = start(folders[-1], cache)
        if kills < KILLS:
            if kills % 2:  # anywhere, or while it trains, which may take a small part of the time
                process.join(moments.uniform(0.1, 0.9) * seconds)
            else:
                wait_for_a_checkpoint(process, folders[-1], before)
                process.join(moments.uniform(0, 0.1) * seconds)
            process.kill()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        kills += process.exitcode != 0
        left |= {path.name for path in folders[-1].glob("*")}
    for folder in folders:
        with pytest.raises(FileExistsError, match="holds a finished run"):
            unfinished_run(folder)  # what the next `finetune` does first: it sweeps up after a kill at the very end
        tuned = load_file(folder / "model.safetensors")
        assert all(torch.equal(tuned[name], whole[name]) for name in whole)
        assert files_in(folder) == ["clip.json", "history.csv", "model.safetensors", "validation.csv"]
    assert {"run.json", "checkpoint.pt"} < left  # it was killed in the middle, too
