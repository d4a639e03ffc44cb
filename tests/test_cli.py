"""The commands do what the functions do, with the same configuration, and fail in one line."""

import json
import shutil
import subprocess
import sys
from dataclasses import fields

import pandas as pd
import pytest

from rsclip_lab import course, data
from rsclip_lab.cli import main, make_parser
from rsclip_lab.cli.arguments import config_from
from rsclip_lab.data import read_captions
from rsclip_lab.models import load_model
from rsclip_lab.models.zoo import ZOO
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
    assert "passes over the captions' pictures (default 18)" in text
    assert "peak, of AdamW; by default 5e-6 for published weights, 1.5e-3 for small networks" in text
    assert "None" not in text


@pytest.mark.parametrize("command", ["", "finetune", "audit", "back-translate"])
def test_help_comes_at_once_without_torch(command):
    code = (
        "import sys; from rsclip_lab.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: print([name for name in ('torch', 'numpy', 'pandas') if name in sys.modules])"
    )
    arguments = [*command.split(), "--help"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: ") and done.stdout.splitlines()[-1] == "[]"


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
    assert "control top-1" in printed  # of the earlier data's test split: what was forgotten
    assert json.loads((out / "clip.json").read_text())["training"]["config"]["epochs"] == 2
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


def test_without_earlier_test_pictures_nothing_is_said_of_forgetting(picture_folder, saved_model, tmp_path, capsys):
    earlier = shutil.copytree(picture_folder, tmp_path / "earlier") / "caption.csv"
    earlier.write_text(earlier.read_text().replace(",test\n", ",val\n"))
    arguments = ["finetune", str(picture_folder), "--model", saved_model, "--out", str(tmp_path / "run")]
    assert main([*arguments, "--replay", str(earlier), "--epochs", "1", "--batch-size", "4"]) == 0
    printed = capsys.readouterr().out
    assert "mean recall" in printed and "control" not in printed


def test_a_broken_earlier_test_picture_is_refused_before_training(picture_folder, saved_model, tmp_path, capsys):
    earlier = shutil.copytree(picture_folder, tmp_path / "earlier")
    (earlier / "images" / "forest_11.png").write_bytes(b"")
    arguments = ["finetune", str(picture_folder), "--model", saved_model, "--out", str(tmp_path / "run")]
    assert main([*arguments, "--replay", str(earlier)]) == 2
    assert "earlier/images/forest_11.png: the file is empty" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_pictures_may_lie_anywhere(picture_folder, saved_model, tmp_path, capsys):
    images = shutil.move(picture_folder / "images", tmp_path / "far")
    arguments = [str(picture_folder / "caption.csv"), "--images", str(images)]
    assert main(["audit", *arguments]) == 0
    tuning = ["--model", saved_model, "--out", str(tmp_path / "run"), "--epochs", "1", "--batch-size", "4"]
    assert main(["finetune", *arguments, *tuning]) == 0
    assert main(["audit", *arguments[:1]]) == 1
    assert "none of 12 pictures is in" in " ".join(capsys.readouterr().out.split())


def test_audit_writes_the_repaired_captions_and_says_what_went(picture_folder, tmp_path, capsys):
    (picture_folder / "images" / "forest_11.png").write_bytes(b"")
    fixed = picture_folder / "fixed.csv"
    assert main(["audit", str(picture_folder), "--fix", str(fixed)]) == 1
    printed = capsys.readouterr().out
    assert "Repair: 22 captions; 2 unreadable_picture removed" in printed and str(fixed) in printed
    captions = read_captions(picture_folder)
    kept = captions[~captions["image"].str.endswith("forest_11.png")]
    pd.testing.assert_frame_equal(read_captions(fixed), kept)
    assert main(["audit", str(fixed)]) == 0
    assert fixed.read_text().splitlines()[:2] == [
        "filename,caption,label,split",
        "beach_0.png,a satellite view of beach,beach,train",
    ]


def test_a_table_whose_pictures_are_all_missing_is_not_repaired(picture_folder, tmp_path, capsys):
    (picture_folder / "images").rename(tmp_path / "far")
    fixed = tmp_path / "fixed.csv"
    assert main(["audit", str(picture_folder / "caption.csv"), "--fix", str(fixed)]) == 2
    printed = capsys.readouterr()
    assert "missing_folder" in printed.out and not fixed.exists()
    assert f"nothing would be left of it: none of 12 pictures is in {picture_folder}; give" in printed.err


def test_a_file_that_is_there_is_not_written_over(picture_folder, capsys):
    source = picture_folder / "caption.csv"
    before = source.read_text()
    with pytest.raises(SystemExit):
        main(["audit", str(picture_folder), "--fix", str(source)])
    assert "is there already" in capsys.readouterr().err and source.read_text() == before


def test_fetch_passes_its_options_on_and_counts(monkeypatch, picture_folder, tmp_path, capsys):
    from rsclip_lab.data import public

    calls = []

    def fetch_data(name, folder=None):
        calls.append((name, folder))
        return read_captions(picture_folder)

    monkeypatch.setattr(public, "fetch_data", fetch_data)
    assert main(["fetch", "rsicd", "--folder", str(tmp_path)]) == 0
    assert calls == [("rsicd", tmp_path)]
    assert "rsicd: 12 pictures, 24 captions" in capsys.readouterr().out


def test_an_interrupted_command_ends_without_a_traceback(monkeypatch, picture_folder, capsys):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(data, "read_captions", interrupted)
    assert main(["audit", str(picture_folder)]) == 130
    assert capsys.readouterr().err == "rsclip-lab: interrupted\n"


def test_audit_says_by_its_status_whether_there_are_errors(picture_folder, capsys):
    assert main(["audit", str(picture_folder)]) == 0
    assert "12 pictures" in capsys.readouterr().out
    next((picture_folder / "images").iterdir()).write_bytes(b"")
    assert main(["audit", str(picture_folder)]) == 1
    assert "empty" in capsys.readouterr().out


def test_models_lists_the_zoo(capsys):
    assert main(["models"]) == 0
    assert "RemoteCLIP-ViT-B-32" in capsys.readouterr().out


def test_the_facts_of_the_zoo_are_printed_in_full(capsys):
    assert main(["models", "--facts"]) == 0
    printed = capsys.readouterr().out
    for entry in ZOO.values():
        assert all(fact in printed for fact in (entry.revision, entry.sha256 or "", *entry.sources.values()))
    assert "None" not in printed and "nan" not in printed


def test_export_writes_the_layout_asked_for(saved_model, tmp_path, capsys):
    out = tmp_path / "exported"
    assert main(["export", saved_model, "--to", "transformers", "--out", str(out)]) == 0
    assert str(out) in capsys.readouterr().out and (out / "preprocessor_config.json").is_file()
    assert main(["export", saved_model, "--to", "transformers", "--out", str(out)]) == 2
    assert "holds something already" in capsys.readouterr().err


def test_push_uploads_as_it_was_told_to(hub, hub_clients, saved_model):
    arguments = ["push", saved_model, "tester/from-the-terminal", "--private", "--licence", "cc-by-4.0"]
    assert hub_clients["tester"](main, arguments) == 0
    assert "tester/from-the-terminal" in hub.private
    assert "license: cc-by-4.0" in hub.files("tester/from-the-terminal")["README.md"].decode()


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
