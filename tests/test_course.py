"""The course's own bookkeeping, with a tiny random network and random pictures."""

import json
import math
import shutil

import pytest

from rsclip_lab.course import CourseData, run_course
from rsclip_lab.data import read_captions
from rsclip_lab.evaluation import evaluate
from rsclip_lab.training import FinetuneConfig

COLUMNS = {"coast_top1", "all_top1", "land_top1", "mean_recall", "off_diagonal_cosine", "seconds"}


@pytest.fixture
def data(picture_folder, tmp_path):
    coast, land = (read_captions(shutil.copytree(picture_folder, tmp_path / side)) for side in ("coast", "land"))
    land["label"] = "inland " + land["label"]
    land["caption"] = "inland " + land["caption"]
    train, test = "split == 'train'", "split == 'test'"
    return CourseData(coast.query(train), coast.query(test), land.query(train), land.query(test))


def test_course_json_has_the_four_runs_as_means_over_the_seeds(random_clip, data, tmp_path):
    config = FinetuneConfig(epochs=1, batch_size=4, learning_rate=1e-3)
    results = run_course(2, random_clip, config, tmp_path / "out", data, progress=False)
    kept = json.loads((tmp_path / "out" / "course.json").read_text())
    assert kept == json.loads(json.dumps(results))
    assert list(kept["runs"]) == ["base", "positives_only", "clip", "replay"]
    assert all(set(row) == COLUMNS for row in kept["runs"].values())
    assert all(math.isfinite(value) for row in kept["runs"].values() for value in row.values())
    for name, rows in kept["each_seed"].items():
        assert len(rows) == 2
        assert kept["runs"][name]["mean_recall"] == pytest.approx(sum(row["mean_recall"] for row in rows) / 2)
    assert "drawn" in kept["note"]
    assert (tmp_path / "out" / "course.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["course.json", "course.png"]


def test_the_base_row_is_the_untouched_model_on_the_test_splits(random_clip, data, tmp_path):
    config = FinetuneConfig(epochs=1, batch_size=4, learning_rate=1e-2)
    base = run_course(1, random_clip, config, tmp_path, data, progress=False)["runs"]["base"]
    metrics = evaluate(random_clip, data.test, control=data.land_test)
    assert base["land_top1"] == metrics["control_top1"] and base["mean_recall"] == metrics["mean_recall"]
    assert base["seconds"] == 0
