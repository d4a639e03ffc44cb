"""The machine is judged by what it can do, and the judgement has its reason with it."""

import random

import numpy as np
import pytest
import torch

from rsclip_lab import environment


@pytest.fixture
def cpu_flags(monkeypatch):
    def set_flags(*flags):
        monkeypatch.setattr(
            environment.Path, "read_text", lambda self: f"model: x\nflags\t: fpu {' '.join(flags)}\nz"
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


def test_a_t4_gets_float16_with_a_scaler_and_an_a100_bfloat16(monkeypatch):
    with_gpu(monkeypatch, (7, 5))
    t4 = environment.select_precision("cuda")
    assert (t4.dtype, t4.autocast, t4.scaler) == (torch.float16, True, True)
    assert "7.5" in t4.reason
    with_gpu(monkeypatch, (8, 0))
    a100 = environment.select_precision("cuda")
    assert (a100.dtype, a100.autocast, a100.scaler) == (torch.bfloat16, True, False)


@pytest.mark.parametrize("flag", ["avx512_bf16", "amx_bf16"])
def test_a_cpu_gets_bfloat16_only_with_instructions_for_it(cpu_flags, flag):
    cpu_flags("avx2", flag)
    precision = environment.select_precision("cpu")
    assert precision.dtype == torch.bfloat16 and not precision.scaler and flag in precision.reason
    with precision.context():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
    cpu_flags("avx2", "avx512f")
    precision = environment.select_precision("cpu")
    assert precision.dtype == torch.float32 and not precision.autocast
    with precision.context():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


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
