"""`rsclip-lab ablation` runs the grid that it is told, keeps it, and says what it left out."""

import sys
from pathlib import Path

import pandas as pd
import pytest
import tyro

from rsclip_lab import course
from rsclip_lab.cli import ablation_command
from rsclip_lab.cli.ablation_command import Ablation, plain_value
from rsclip_lab.course import CourseData
from rsclip_lab.data import read_captions
from rsclip_lab.training.trials.ablation_result import Ablation as Result

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
import publish_ablation  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def parsed(*arguments):
    return tyro.cli(Ablation, args=list(arguments))


@pytest.fixture
def few_pictures(picture_folder, monkeypatch):
    """The course's data are 12 pictures."""
    table = read_captions(picture_folder)
    new, old = table[table.image_id < 8], table[table.image_id >= 8]
    monkeypatch.setattr(course.CourseData, "embedded", classmethod(lambda cls: CourseData(new, new, old, old)))


def test_a_grid_is_run_kept_and_published(few_pictures, random_clip, tmp_path, capsys):
    model, folder = str(random_clip.save(tmp_path / "model")), tmp_path / "grid"
    options = ["--model", model, "--folder", str(folder), "--device", "cpu", "--epochs", "1", "--seeds", "1"]
    factors = ["--factors", "loss=clip,positives_only", "duplicates=positives,negatives"]
    assert parsed(*options, *factors).run() == 0
    printed = capsys.readouterr().out
    assert "before training" in printed and "negatives instead of positives" in printed
    assert "3 runs; 1 settings left out." in printed and course.DRAWN in printed and "Wilson" in printed
    result = Result.load(folder)
    assert len(result.runs) == 3 and result.notes["config"]["epochs"] == 1
    assert (folder / "settings.png").is_file() and (folder / "effects.png").is_file()

    target = publish_ablation.publish(folder, tmp_path / "published")
    pd.testing.assert_frame_equal(Result.load(target).runs, result.runs)
    readme = (target / "README.md").read_text()
    assert "3 fine-tunings" in readme and "positives_only has no negatives" in readme and "(1 settings)" in readme
    for cell in result.table()["k=1"]:
        assert f"| {cell} |" in readme
    assert sorted(path.name for path in target.iterdir()) == [
        "README.md", "ablation.csv", "ablation.json", "effects.png", "settings.png"
    ]  # fmt: skip


def test_one_level_alone_has_no_effects(few_pictures, random_clip, tmp_path, capsys):
    model, folder = str(random_clip.save(tmp_path / "model")), tmp_path / "grid"
    options = ["--model", model, "--folder", str(folder), "--device", "cpu", "--epochs", "1", "--seeds", "1"]
    assert parsed(*options, "--factors", "loss=clip").run() == 0
    printed = capsys.readouterr().out
    assert "Empty DataFrame" not in printed and "1 runs; 0 settings left out." in printed
    assert "effects.png" not in printed and not (folder / "effects.png").exists()


def test_what_is_asked_for_is_what_is_run(few_pictures, random_clip, tmp_path, monkeypatch):
    asked = {}

    def stop(*arguments, **options):
        asked.update(options)
        raise ValueError("enough")

    monkeypatch.setattr("rsclip_lab.training.trials.ablation.ablation", stop)
    model = str(random_clip.save(tmp_path / "model"))
    with pytest.raises(ValueError, match="enough"):
        parsed("--model", model, "--device", "cpu", "--one-at-a-time").run()
    assert asked["design"] == "one_at_a_time" and asked["seeds"] == 3 and asked["factors"] is None
    assert asked["config"].epochs == ablation_command.FULL_EPOCHS
    with pytest.raises(ValueError, match="enough"):
        parsed("--model", model, "--device", "cpu", "--factors", "batch-size=16,32", "replay=off,on").run()
    assert asked["factors"] == {"batch_size": (16, 32), "replay": ("off", "on")} and asked["design"] == "full"


@pytest.mark.parametrize(("text", "value"), [("3", 3), ("1e-4", 1e-4), ("true", True), ("clip", "clip")])
def test_levels_are_read_as_what_they_are(text, value):
    assert plain_value(text) == value and type(plain_value(text)) is type(value)


@pytest.mark.parametrize("wrong", ["loss", "loss=", "=clip"])
def test_a_factor_without_levels_is_refused(wrong, capsys):
    with pytest.raises(SystemExit):
        parsed("--factors", wrong)
    assert "write FACTOR=LEVEL,LEVEL" in " ".join(capsys.readouterr().err.split())
