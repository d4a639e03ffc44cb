"""The retrieval benchmark compares equal things; what it finds is for a quiet machine to say."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

pytest.importorskip("clip_benchmark", reason="it is the peer")


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    return import_module("retrieval")


def test_both_find_the_same_which_is_neither_nothing_nor_all(benchmark):
    figures = benchmark.timed(benchmark.make_pairs(400, 64), rounds=1)
    assert figures["largest difference of a recall"] < 1e-6
    assert 10 < figures["text to image R@1, %"] < 90 and 10 < figures["image to text R@1, %"] < 90
    assert figures["ours, ms"] > 0 and figures["CLIP_benchmark, ms"] > 0


def test_a_disagreement_ends_it(benchmark, monkeypatch):
    monkeypatch.setitem(benchmark.WAYS, "ours", lambda *pairs: benchmark.retrieval_recall(*pairs[:2], pairs[2] * 0))
    with pytest.raises(AssertionError, match="disagree"):
        benchmark.timed(benchmark.make_pairs(60, 16), rounds=1)


def test_memory_is_what_was_held_at_most_after_the_start(benchmark):
    # In a process of its own: this one may give back memory of earlier tests at any time.
    code = (
        "import numpy as np, retrieval\n"
        "earlier = np.ones(200 * 10**6, np.uint8); del earlier\n"
        "before = retrieval.fresh_peak()\n"
        "held = np.ones(60 * 10**6, np.uint8); del held\n"
        "print(retrieval.peak() - before)"
    )
    folder = Path(benchmark.__file__).parent
    said = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert float(said.stdout) == pytest.approx(60, abs=10)


def test_ratios_are_those_of_the_figures(benchmark, monkeypatch, tmp_path):
    grown = {"CLIP_benchmark": [{"MB": 100.0}], "ours": [{"MB": 10.0}]}
    monkeypatch.setattr(benchmark, "memory", lambda pairs, rounds, ways: grown)
    benchmark.main(["--images", "60", "--dim", "32", "--rounds", "1", "--json", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["ratios"]["memory_vs_clip_benchmark"] == 0.1
    figures = found["figures"]
    assert found["ratios"]["speed_vs_clip_benchmark"] == figures["CLIP_benchmark, ms"] / figures["ours, ms"]
