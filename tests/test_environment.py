"""The machine is judged by what it can do, and the judgement has its reason with it."""

import random

import numpy as np
import pytest
import torch

from rsclip_lab import environment
from rsclip_lab.environment import precision as rule


@pytest.fixture
def cpu_flags(monkeypatch):
    def set_flags(*flags):
        monkeypatch.setattr(
            rule.Path, "read_text", lambda self: f"model: x\nflags\t: fpu {' '.join(flags)}\nz"
        )

    return set_flags


def with_gpu(monkeypatch, capability):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: capability)


def test_auto_prefers_cuda_then_mps_then_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert environment.select_device().type == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert environment.select_device().type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert environment.select_device("auto").type == "cuda"
    assert environment.select_device(torch.device("cpu")).type == "cpu"


def test_a_device_that_is_not_there_is_refused_with_the_remedy(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match='"cuda" is not available.*device="auto"'):
        environment.select_device("cuda")
    with pytest.raises(ValueError, match="unknown device"):
        environment.select_device("gpu")


@pytest.mark.parametrize("capability", [(6, 1), (7, 0), (7, 5)])
def test_gpus_that_emulate_bfloat16_get_float16_with_a_scaler(monkeypatch, capability):
    with_gpu(monkeypatch, capability)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *args: True)  # as a T4 claims
    t4 = environment.select_precision("cuda")
    assert (t4.dtype, t4.autocast, t4.scaler, t4.device_type) == (torch.float16, True, True, "cuda")
    assert t4.reason == (
        f"float16 with a gradient scaler: compute capability {capability[0]}.{capability[1]} only emulates bfloat16"
    )


@pytest.mark.parametrize("capability", [(8, 0), (8, 9), (9, 0), (10, 0), (12, 1)])
def test_gpus_from_compute_capability_8_get_bfloat16(monkeypatch, capability):
    with_gpu(monkeypatch, capability)
    a100 = environment.select_precision("cuda")
    assert (a100.dtype, a100.autocast, a100.scaler) == (torch.bfloat16, True, False)
    assert "{}.{} has units for it".format(*capability) in a100.reason


@pytest.mark.parametrize("flag", ["avx512_bf16", "amx_bf16"])
def test_a_cpu_gets_bfloat16_where_it_has_instructions_and_they_pay(cpu_flags, monkeypatch, flag):
    cpu_flags("avx2", flag)
    monkeypatch.setattr(rule, "_bfloat16_gain", lambda: 1.43)
    precision = environment.select_precision("cpu")
    assert precision.dtype == torch.bfloat16 and not precision.scaler
    assert precision.reason == f"bfloat16: 1.4 times as fast on this CPU ({flag})"
    assert dtype_within(precision) == torch.bfloat16
    monkeypatch.setattr(rule, "_bfloat16_gain", lambda: 1.1)
    precision = environment.select_precision("cpu")
    assert precision.reason == "float32: bfloat16 is only 1.1 times as fast on this CPU"
    assert dtype_within(precision) == torch.float32


def test_a_cpu_without_instructions_is_not_even_measured(cpu_flags, monkeypatch):
    cpu_flags("avx2", "avx512f")
    monkeypatch.setattr(rule, "_bfloat16_gain", lambda: pytest.fail("emulated bfloat16 takes long to measure"))
    precision = environment.select_precision("cpu")
    assert precision.dtype == torch.float32 and not precision.autocast and "no instructions" in precision.reason
    assert dtype_within(precision) == torch.float32


def test_an_arm_cpu_lists_its_instructions_under_another_name(monkeypatch):
    monkeypatch.setattr(rule.Path, "read_text", lambda self: "processor\t: 0\nFeatures\t: fp asimd i8mm bf16\n")
    monkeypatch.setattr(rule, "_bfloat16_gain", lambda: 2.0)
    assert environment.select_precision("cpu").reason == "bfloat16: 2.0 times as fast on this CPU (bf16)"


def dtype_within(precision):
    with precision.context():
        return (torch.ones(2, 2) @ torch.ones(2, 2)).dtype


def test_the_measurement_is_quick_repeatable_and_leaves_no_trace():
    measure = rule._bfloat16_gain.__wrapped__  # without its memory
    random, threads = torch.get_rng_state(), torch.get_num_threads()
    gains = [measure() for _ in range(3)]
    assert torch.equal(torch.get_rng_state(), random) and torch.get_num_threads() == threads
    assert 0 < max(gains) < 2 * min(gains)
    assert rule._bfloat16_gain() is rule._bfloat16_gain()


def test_the_measurement_works_where_gradients_are_switched_off():
    with torch.inference_mode():
        assert rule._bfloat16_gain.__wrapped__() > 0


def test_the_format_of_this_cpu_is_the_one_that_was_measured_faster():
    pays = rule._bfloat16_instructions() and rule._bfloat16_gain() >= rule.WORTHWHILE
    wanted = torch.bfloat16 if pays else torch.float32
    assert environment.select_precision("cpu").dtype == wanted


def test_a_format_may_be_asked_for(cpu_flags, monkeypatch):
    cpu_flags("avx2", "amx_bf16")
    assert environment.select_precision("cpu", "fp32").reason == "float32: asked for"
    assert dtype_within(environment.select_precision("cpu", "fp32")) == torch.float32
    assert environment.select_precision("cpu", "bf16").reason == "bfloat16: asked for"
    with_gpu(monkeypatch, (9, 0))
    half = environment.select_precision("cuda", "fp16")
    assert (half.dtype, half.autocast, half.scaler) == (torch.float16, True, True)
    assert environment.select_precision("cuda", "fp32").reason == "float32: asked for"


def test_emulated_bfloat16_is_given_with_a_word_of_warning(cpu_flags, monkeypatch):
    cpu_flags("avx2")
    slow = environment.select_precision("cpu", "bf16")
    assert dtype_within(slow) == torch.bfloat16 and "emulates it, slowly" in slow.reason
    with_gpu(monkeypatch, (7, 5))
    slow = environment.select_precision("cuda", "bf16")
    assert (slow.dtype, slow.scaler) == (torch.bfloat16, False) and "emulates it, slowly" in slow.reason


def test_a_format_that_makes_no_sense_is_refused_with_the_remedy(monkeypatch):
    with pytest.raises(ValueError, match='"fp16" needs a CUDA GPU.*use "auto"'):
        environment.select_precision("cpu", "fp16")
    with pytest.raises(ValueError, match="'half': use one of auto, fp32, bf16, fp16"):
        environment.select_precision("cpu", "half")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert environment.select_precision("mps").dtype == torch.float32


def test_a_seed_repeats_the_numbers_of_all_three_sources():
    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()

    environment.set_seed(7)
    first = draw()
    assert draw() != first
    environment.set_seed(7)
    assert draw() == first


def test_the_report_has_a_verdict_for_every_item():
    report = environment.environment_report()
    assert list(report.columns) == ["item", "value", "verdict"]
    assert {"python", "torch", "device", "precision", "CPU cores"} <= set(report["item"])
    assert report["verdict"].str.len().gt(0).all()


def test_throughput_counts_items_not_calls():
    calls = []
    rate = environment.throughput(lambda: calls.append(1), items=10, seconds=0.02)
    # One call is the warm-up; the rest share at least 0.02 s.
    assert 0 < rate <= 10 * (len(calls) - 1) / 0.02


def test_progress_yields_everything_and_is_silent_for_short_work(capfd):
    assert list(environment.progress(range(5), desc="short")) == [0, 1, 2, 3, 4]
    assert capfd.readouterr() == ("", "")


def test_progress_shows_itself_for_longer_work_on_stderr(capfd):
    bar = environment.progress(total=4, desc="longer")
    bar.start_t -= 5
    bar.last_print_t -= 5
    bar.update(2)
    bar.close()
    out, err = capfd.readouterr()
    assert out == "" and "longer" in err and "2/4" in err


def test_the_first_line_of_an_error_is_short_and_never_empty():
    assert environment.first_line(ValueError("\n  no such model\nTraceback: …")) == "no such model"
    assert environment.first_line(TimeoutError()) == "TimeoutError"
    assert len(environment.first_line(OSError("x" * 1000))) == 160


def test_work_within_work_that_has_a_bar_gets_none():
    with environment.progress(total=2, desc="outer") as outer:
        assert environment.progress(total=2, desc="inner").disable and not outer.disable
    assert not environment.progress(total=2, desc="afterwards").disable
