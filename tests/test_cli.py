"""The commands do what the functions do, with the same configuration, and fail in one line."""

import json
import shutil
from dataclasses import fields

import pytest

from rsclip_lab import course
from rsclip_lab.cli import config_from, main, make_parser
from rsclip_lab.models import load_model
from rsclip_lab.training import FinetuneConfig


@pytest.fixture
def saved_model(random_clip, tmp_path):
    return str(random_clip.save(tmp_path / "model"))


def test_every_field_of_the_configuration_is_an_option_with_its_comment(capsys):
    with pytest.raises(SystemExit):
        main(["finetune", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for field in fields(FinetuneConfig):
        assert f"--{field.name.replace('_', '-')}" in text
    assert "passes over the captions' pictures (default" in text


def test_options_become_the_configuration_and_the_rest_keeps_its_default():
    chosen = make_parser().parse_args(["finetune", "x", "--epochs", "3", "--learning-rate", "1e-4", "--no-augment"])
    assert config_from(chosen) == FinetuneConfig(epochs=3, learning_rate=1e-4, augment=False)
    assert config_from(make_parser().parse_args(["finetune", "x"])) == FinetuneConfig()


def test_finetune_writes_a_run_folder_and_prints_before_and_after(picture_folder, saved_model, tmp_path, capsys):
    out, earlier = tmp_path / "run", tmp_path / "earlier"
    shutil.copytree(picture_folder, earlier)
    arguments = ["finetune", str(picture_folder), "--model", saved_model, "--out", str(out), "--replay", str(earlier)]
    assert main([*arguments, "--epochs", "2", "--batch-size", "4"]) == 0
    printed = capsys.readouterr().out
    assert "mean recall" in printed and "before" in printed and str(out) in printed
    assert json.loads((out / "config.json").read_text())["config"]["epochs"] == 2
    assert load_model(out).image_size == 32


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["audit", "/no/such/folder"], "/no/such/folder"),
        (["finetune", "/no/such/folder"], "/no/such/folder"),
        (["finetune", "{folder}", "--batch-size", "1"], "no negatives"),
        (["finetune", "{folder}", "--loss", "hinge"], "one of clip, positives_only"),
        (["finetune", "{folder}", "--model", "no-such-model"], "no-such-model"),
    ],
)
def test_input_that_cannot_be_used_ends_in_one_line_and_status_2(picture_folder, arguments, words, capsys):
    arguments = [argument.format(folder=picture_folder) for argument in arguments]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error
    assert error.startswith("rsclip-lab: ") and len(error.strip().splitlines()) == 1


def test_audit_says_by_its_status_whether_there_are_errors(picture_folder, capsys):
    assert main(["audit", str(picture_folder)]) == 0
    assert "12 pictures" in capsys.readouterr().out
    next((picture_folder / "images").iterdir()).write_bytes(b"")
    assert main(["audit", str(picture_folder)]) == 1
    assert "empty" in capsys.readouterr().out


def test_models_lists_the_zoo(capsys):
    assert main(["models"]) == 0
    assert "RemoteCLIP-ViT-B-32" in capsys.readouterr().out


def test_course_passes_its_options_on_and_prints_the_table(monkeypatch, capsys, tmp_path):
    calls = []

    def run_course(seeds, model, folder):
        calls.append((seeds, model, folder))
        return {"runs": {"base": {"coast_top1": 0.125}}, "device": "cpu", "precision": "float32"}

    monkeypatch.setattr(course, "run_course", run_course)
    assert main(["course", "--seeds", "3", "--out", str(tmp_path)]) == 0
    assert calls == [(3, "tiny", tmp_path)]
    printed = capsys.readouterr().out
    assert "0.125" in printed and "coast top-1" in printed and "drawn" in printed


def test_no_seeds_are_refused(capsys):
    with pytest.raises(SystemExit):
        main(["course", "--seeds", "0"])
    assert "1 or more" in capsys.readouterr().err
