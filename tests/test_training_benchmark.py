"""The training benchmark runs from end to end; what it finds is for a quiet machine to say."""

import json
import logging
from importlib import import_module
from pathlib import Path

import pytest
import torch

pytest.importorskip("webdataset", reason="open_clip_train reads with it")
BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a toy's steps are too short for more
    yield import_module("training")
    torch.set_num_threads(threads)
    logging.disable(logging.NOTSET)


def test_a_toy_goes_through_both_programs_and_the_ratios_are_those_of_the_figures(benchmark, tmp_path):
    benchmark.main(["--smoke", "--json", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    figures, ratios = found["figures"], found["ratios"]
    assert all(figure > 0 for figure in figures.values())
    theirs = next(
        f for name, f in figures.items() if name.startswith("open_clip") and name.endswith("distinct captions")
    )
    assert ratios["ours_vs_open_clip_train"] == figures["ours, distinct captions"] / theirs
    assert {"ours_vs_open_clip_train_16_captions", "fed_vs_memory"} <= set(ratios)


def test_both_programs_have_the_same_pictures_captions_and_settings(benchmark, tmp_path):
    clip, config = benchmark.new_clip(benchmark.TOY, name="toy"), benchmark.FinetuneConfig(batch_size=8)
    table = benchmark.caption_table([f"{n}.jpg" for n in range(40)], distinct=16)
    assert table["caption"].nunique() == 16 and len(table) == 40
    peer = benchmark.OpenClipTrain(clip, config.resolved(clip), tmp_path)
    arguments = peer.arguments(table, workers=0, epochs=2)
    assert (arguments.batch_size, arguments.lr, arguments.wd) == (8, 1.5e-3, 0.05)
    read = benchmark.pd.read_csv(arguments.train_data, sep="\t")
    assert (read["filepath"].tolist(), read["title"].tolist()) == (table["image"].tolist(), table["caption"].tolist())
