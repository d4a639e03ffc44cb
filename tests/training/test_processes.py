"""Several processes: the loss, the gradients and the weights that one process has with the whole batch."""

import itertools
import os
from dataclasses import asdict, replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
import torch
import torch.distributed as dist
from gloo_processes import in_processes
from PIL import Image
from torch import nn

from rsclip_lab.environment import select_precision
from rsclip_lab.models import new_clip
from rsclip_lab.training import processes as module
from rsclip_lab.training.batches import CaptionBatches
from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.fetch import BatchSource
from rsclip_lab.training.loop import train
from rsclip_lab.training.processes import (
    ProcessLost,
    World,
    device_of_this_process,
    in_buckets,
    join_processes,
    leave_processes,
)
from rsclip_lab.training.state import TrainingState

FP32 = select_precision("cpu", "fp32")
VIT = {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8}
RESNET = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None, "head_width": 32}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2}
# Gradients are noted as they are, not cut to a length. The rate is low because Adam makes a step of any rounding that
# stands where the gradient is 0, as it is for the biases of attention's keys.
CONFIG = FinetuneConfig(
    epochs=2, batch_size=10, learning_rate=2e-5, max_grad_norm=1e9, freeze_batch_norm=True, precision="fp32"
)
# By number of processes: the network, what else is configured, and which tables are learnt and replayed.
CASES = {
    2: {
        "plain": ("vit", {"augment": False}, "all", None),
        "chunks": ("resnet", {"chunk_size": 2}, "all", None),
    },
    4: {
        "uneven": ("resnet", {}, "all", None),  # 10 pictures in 4 processes: 3, 3, 2 and 2
        "chunks and replay": ("vit", {"chunk_size": 1, "distillation": 3.0}, "all", "old"),
        "three captions": ("vit", {}, "three captions", None),
        "as negatives": ("vit", {"chunk_size": 1, "shared_captions": "negatives"}, "three captions", None),
        "three pictures": ("vit", {"batch_size": 4}, "six pictures", None),  # two steps of three
    },
}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """20 noisy pictures to learn, with a caption of their own each and one that every third shares; 12 to replay."""
    random, rows, folder = np.random.default_rng(0), [], tmp_path_factory.mktemp("pictures")
    for n in range(32):
        path = str(folder / f"{n}.png")
        Image.fromarray(random.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(path)
        for caption in (f"picture {n} north of a road", f"noise {n % 3}"):
            rows.append((path, caption, n, "train", None))
    table = pd.DataFrame(rows, columns=["image", "caption", "image_id", "split", "label"])
    new, shared = table[table.image_id < 20], table[table.caption.str.startswith("noise")]
    three, six = shared[shared.image_id < 20], shared[shared.image_id < 6]
    return {"all": new, "old": table[table.image_id >= 20], "three captions": three, "six pictures": six}


@pytest.fixture(scope="module")
def in_several(tables):
    """What each process has of each case: {name: [results]}; all cases of as many processes in one set of them."""
    found = {}
    for count, cases in CASES.items():
        results = in_processes(count, all_trained, cases, tables)
        found |= {name: [of_process[name] for of_process in results] for name in cases}
    return found


class Gradients:
    """Notes the gradients of the first step, and how many captions each step had."""

    def on_step(self, state):
        if state.step == 1:
            self.first = {name: p.grad.numpy().copy() for name, p in state.model.net.named_parameters()}


def all_trained(world, cases, tables):
    return {name: trained(world, tables, *case) for name, case in cases.items()}


def trained(world, tables, network, changes, own, replay):
    """The history, the first gradients, the last weights and the first of a run of the loop in this world."""
    config = replace(CONFIG, **changes)
    vision = {"vit": VIT, "resnet": RESNET}[network]
    model = new_clip({"embed_dim": 16, "quick_gelu": True, "vision_cfg": vision, "text_cfg": TEXT}, seed=0)
    base, gradients = model.copy(), Gradients()
    with torch.no_grad():  # another network than the base, or there would be no drift to distil
        for parameter in model.net.parameters():
            parameter.mul_(1.05)
    start = vector(model)
    batches = CaptionBatches(tables[own], config.batch_size, 0, replay and tables[replay], config.replay_share)
    state = TrainingState(model, base, config.resolved(model), FP32, batches.steps_per_epoch, world)
    train(state, BatchSource(model, batches, config, progress=False, world=world), [gradients])
    return pd.DataFrame(state.history), gradients.first, vector(model), start


def vector(model):
    return nn.utils.parameters_to_vector(model.net.parameters()).detach().numpy().copy()


CASE_NAMES = [name for cases in CASES.values() for name in cases]


@pytest.mark.parametrize("name", CASE_NAMES)
def test_processes_train_as_one_process_does_with_the_whole_batch(name, tables, in_several):
    case = next(cases[name] for cases in CASES.values() if name in cases)
    history, gradients, weights, start = trained(World(), tables, *case)
    measured = [column for column in history if column not in ("samples_per_second", "waiting")]
    assert ("replay_drift" in measured) == (case[3] is not None) and len(history) >= 4
    sizes = {parameter: np.abs(gradient).max() for parameter, gradient in gradients.items()}
    way = np.linalg.norm(weights - start)
    assert max(sizes.values()) > 0.1 and sizes["logit_scale"] > 0.01 and way > 0.002  # there is something to compare
    for found_history, found_gradients, found_weights, _ in in_several[name]:
        pd.testing.assert_frame_equal(found_history[measured], history[measured], rtol=1e-5, atol=1e-5)
        for parameter, gradient in gradients.items():
            off = np.abs(found_gradients[parameter] - gradient).max()
            assert off < 1e-5 * max(1, sizes[parameter]), parameter
        assert np.abs(found_weights - weights).max() < 1e-5
        assert np.linalg.norm(found_weights - weights) < 1e-3 * way
        np.testing.assert_array_equal(found_weights, in_several[name][0][2])  # the same network in every process


def shared(world, parts):
    return world.gather(torch.from_numpy(parts[world.share]), len(parts)).numpy()


@pytest.mark.parametrize("rows", [1, 3, 4, 9])
def test_all_rows_come_back_in_their_order(rows):
    parts = np.random.default_rng(0).normal(size=(rows, 2, 3)).astype(np.float32)
    for gathered in in_processes(4, shared, parts):
        np.testing.assert_array_equal(gathered, parts)


def summed(world):
    """Two shared parameters, one of them known to the last process only; one that nobody uses; one alike in all."""
    names = ("everywhere", "last", "nowhere", "alike")
    parameters = {name: nn.Parameter(torch.zeros(2, 3)) for name in names}
    parameters["everywhere"].grad = torch.full((2, 3), 1.0 + world.rank).to(memory_format=torch.contiguous_format)
    if world.rank == world.size - 1:
        parameters["last"].grad = torch.arange(6.0).view(2, 3)
    parameters["alike"].grad = torch.full((2, 3), 5.0 + 1e-6 * world.rank)
    alike = parameters["alike"]
    world.sum_gradients([p for p in parameters.values() if p is not alike], [alike])
    return {name: None if p.grad is None else p.grad.numpy() for name, p in parameters.items()}


def test_gradients_are_summed_once_and_what_nobody_uses_stays_without():
    for gradients in in_processes(4, summed):
        np.testing.assert_array_equal(gradients["everywhere"], np.full((2, 3), 1.0 + 2 + 3 + 4))
        np.testing.assert_array_equal(gradients["last"], np.arange(6.0).reshape(2, 3))
        np.testing.assert_array_equal(gradients["alike"], np.full((2, 3), 5.0))
        assert gradients["nowhere"] is None


def told(world):
    return {
        "first": world.first,
        "any": [world.any(world.rank == only, torch.device("cpu")) for only in (1, 9)],
        "from_first": world.from_first({"rank": world.rank}),
        "from_all": world.from_all(world.rank),
        "by_first": world.by_first(lambda: world.rank),
        "raised": raised(world),
    }


def raised(world):
    try:
        world.by_first(lambda: 1 / 0)
    except ZeroDivisionError as error:
        return str(error)


def test_what_processes_tell_each_other():
    for rank, heard in enumerate(in_processes(2, told)):
        assert heard.pop("first") == (rank == 0)
        assert heard == {
            "any": [True, False],
            "from_first": {"rank": 0},
            "from_all": [0, 1],
            "by_first": 0,
            "raised": "division by zero",
        }
    alone = told(World())
    assert alone["any"] == [False, False] and alone["from_all"] == [0] and alone["from_first"] == {"rank": 0}


def left_alone(world):
    """What each way of telling says in the first process when the other one has gone."""
    dist.barrier()  # it goes when both have come
    if not world.first:
        leave_processes()
        return None
    parameter = nn.Parameter(torch.zeros(2))
    ways = {
        "any": lambda: world.any(True, torch.device("cpu")),
        "from_first": lambda: world.from_first(1),
        "from_all": lambda: world.from_all(1),
        "by_first": lambda: world.by_first(lambda: 1),
        "gather": lambda: world.gather(torch.zeros(1, 2), 2),
        "sum_gradients": lambda: world.sum_gradients([parameter]),
    }
    said = {}
    for name, way in ways.items():
        try:
            way()
        except ProcessLost as error:
            said[name] = str(error)
    leave_processes()
    return said


def test_a_process_that_has_ended_is_one_clear_error_in_the_others():
    said, _ = in_processes(2, left_alone)
    assert set(said) == {"any", "from_first", "from_all", "by_first", "gather", "sum_gradients"}
    assert all(words.startswith("another process of this run has ended; its own") for words in said.values())
    assert not any("\n" in words for words in said.values())


def test_a_process_that_never_comes_is_not_waited_for_as_long_as_one_that_validates(monkeypatch):
    """As torchrun's first process of two, of which the other ends before it joins."""
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": store.port, "RANK": 0, "LOCAL_RANK": 0, "WORLD_SIZE": 2}
    torchrun = {"TORCHELASTIC_RUN_ID": "test", "TORCHELASTIC_USE_AGENT_STORE": True, "TORCHELASTIC_RESTART_COUNT": 0}
    for name, value in (place | torchrun).items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(module, "JOINING", timedelta(seconds=0.6))
    monkeypatch.setattr(module, "_joined", itertools.count())
    with pytest.raises(ProcessLost, match="of 2 processes number 1 did not join within 0.01"), join_processes():
        raise AssertionError
    assert not dist.is_initialized() and module.PATIENCE > timedelta(hours=1)


def test_buckets_hold_all_tensors_in_order_and_no_more_bytes_than_asked_for():
    tensors = [torch.zeros(n) for n in (10, 20, 500, 1, 30, 30, 30, 10)]
    buckets = list(in_buckets(tensors, most_bytes=400))
    assert [[len(tensor) for tensor in bucket] for bucket in buckets] == [[10, 20], [500], [1, 30, 30, 30], [10]]
    assert list(in_buckets([])) == []


def test_a_world_says_how_many_negatives_there_are_and_refuses_a_batch_smaller_than_itself():
    assert World(1, 2).describe(32) == "up to 32 pictures a step in 2 processes, 31 negatives for each"
    assert World().describe(32) == "up to 32 pictures a step, 31 negatives for each"
    World(0, 4).require_shares(4)
    with pytest.raises(ValueError, match="batch_size=3 is less than the 4 processes .* at least 4"):
        World(0, 4).require_shares(3)


def test_without_torchrun_a_process_is_alone_and_computes_where_the_model_is(monkeypatch):
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    with join_processes() as world:
        assert asdict(world) == {"rank": 0, "size": 1}
    assert device_of_this_process(torch.device("cuda", 3)) == torch.device("cuda", 3)


def test_under_torchrun_each_process_has_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "test")
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(module.torch.cuda, "device_count", lambda: 2)
    assert device_of_this_process(torch.device("cuda", 0)) == torch.device("cuda", 1)
    assert device_of_this_process(torch.device("cpu")) == torch.device("cpu")
    with pytest.raises(ValueError, match="process 2 of this machine has no GPU of its own"):
        device_of_this_process(torch.device("mps"))
    monkeypatch.setattr(module.torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match="CUDA can use 1 here"):
        device_of_this_process(torch.device("cuda", 0))
    assert "RANK" not in os.environ
