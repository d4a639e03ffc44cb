"""The commands do what the functions do, with the same configuration, and fail in one line."""

import json
import shutil

import pandas as pd
import pytest

from rsclip_lab import course, data
from rsclip_lab.cli import main
from rsclip_lab.data import read_captions
from rsclip_lab.evaluation import class_scores, evaluate, predict, zero_shot_classifier
from rsclip_lab.models import load_model
from rsclip_lab.models.zoo import ZOO


@pytest.fixture
def saved_model(random_clip, tmp_path):
    return str(random_clip.save(tmp_path / "model"))


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
        (["check", "/no/such/folder"], "/no/such/folder"),
        (["finetune", "/no/such/folder"], "/no/such/folder"),
        (["finetune", "{folder}", "--batch-size", "1"], "no negatives"),
        (["finetune", "{folder}", "--config", "/no/such.toml"], "`rsclip-lab config > /no/such.toml` writes one"),
        (["evaluate", "tiny", "--data", "{folder}/none.csv"], "none.csv"),
        (["predict", "tiny", "{folder}/images/beach_0.png"], "give --prompts with whole sentences, or --labels"),
        (["predict", "tiny", "{folder}", "--labels", "a", "b"], "a folder, not a picture"),
        (["predict", "tiny", "{folder}/a.png", "--labels", "a", "b", "--several"], "give them as --prompts"),
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


def test_a_run_that_diverges_ends_in_one_line_and_status_2(picture_folder, random_clip, tmp_path, capsys):
    random_clip.net.visual.proj.data.fill_(1e38)  # features overflow
    model, out = str(random_clip.save(tmp_path / "broken")), tmp_path / "run"
    arguments = ["finetune", str(picture_folder), "--model", model, "--out", str(out), "--batch-size", "4"]
    assert main([*arguments, "--device", "cpu"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("rsclip-lab: ") and "the loss is nan" in error and not (out / "clip.json").exists()


def test_pictures_may_lie_anywhere(picture_folder, saved_model, tmp_path, capsys):
    images = shutil.move(picture_folder / "images", tmp_path / "far")
    arguments = [str(picture_folder / "caption.csv"), "--images", str(images)]
    assert main(["check", *arguments]) == 0
    tuning = ["--model", saved_model, "--out", str(tmp_path / "run"), "--epochs", "1", "--batch-size", "4"]
    assert main(["finetune", *arguments, *tuning]) == 0
    assert main(["check", *arguments[:1]]) == 1
    assert "none of 12 pictures is in" in " ".join(capsys.readouterr().out.split())


def test_check_writes_the_repaired_captions_and_says_what_went(picture_folder, tmp_path, capsys):
    (picture_folder / "images" / "forest_11.png").write_bytes(b"")
    fixed = picture_folder / "fixed.csv"
    assert main(["check", str(picture_folder), "--fix", str(fixed)]) == 1
    printed = capsys.readouterr().out
    assert "Repair: 22 captions; 2 unreadable_picture removed" in printed and str(fixed) in printed
    captions = read_captions(picture_folder)
    kept = captions[~captions["image"].str.endswith("forest_11.png")]
    pd.testing.assert_frame_equal(read_captions(fixed), kept)
    assert main(["check", str(fixed)]) == 0
    assert fixed.read_text().splitlines()[:2] == [
        "filename,caption,label,split",
        "beach_0.png,a satellite view of beach,beach,train",
    ]


def test_a_table_whose_pictures_are_all_missing_is_not_repaired(picture_folder, tmp_path, capsys):
    (picture_folder / "images").rename(tmp_path / "far")
    fixed = tmp_path / "fixed.csv"
    assert main(["check", str(picture_folder / "caption.csv"), "--fix", str(fixed)]) == 2
    printed = capsys.readouterr()
    assert "missing_folder" in printed.out and not fixed.exists()
    assert f"nothing would be left of it: none of 12 pictures is in {picture_folder}; give" in printed.err


def test_a_file_that_is_there_is_not_written_over(picture_folder, capsys):
    source = picture_folder / "caption.csv"
    before = source.read_text()
    with pytest.raises(SystemExit):
        main(["check", str(picture_folder), "--fix", str(source)])
    said = " ".join(capsys.readouterr().err.replace("│", " ").split())  # of a box, whose lines break anywhere
    assert "is there already" in said and source.read_text() == before


def test_evaluate_prints_a_row_a_model_and_writes_what_the_function_gives(
    picture_folder, random_clip, saved_model, tmp_path, capsys
):
    out, other = tmp_path / "metrics.json", random_clip.copy()
    for parameter in other.net.parameters():
        parameter.data.mul_(1.5)
    names = [saved_model, str(other.save(tmp_path / "other"))]
    arguments = ["--data", str(picture_folder), "--control", str(picture_folder), "--classes", "beach", "harbour"]
    assert main(["evaluate", *names, *arguments, "forest", "--json", str(out), "--device", "cpu"]) == 0
    captions = read_captions(picture_folder)
    test = captions[captions["split"] == "test"]
    found = json.loads(out.read_text())
    assert found["measured_on"]["captions"]["pictures"] == test["image"].nunique() == 3
    printed = capsys.readouterr().out
    for name, model in zip(names, (random_clip, other), strict=True):
        expected = evaluate(model, test, test, ["beach", "harbour", "forest"])
        assert found["metrics"][name]["mean_recall"] == pytest.approx(expected["mean_recall"])
        assert found["metrics"][name]["topk"]["1"] == pytest.approx(expected["top1"])
        (row,) = (line.split() for line in printed.splitlines() if line.startswith(name))
        assert float(row[-1]) == pytest.approx(expected["off_diagonal_cosine"], abs=1e-3)
    assert "3 pictures, 6 captions (test)" in printed and "control top-1" in printed


def test_evaluate_repeats_what_finetune_measured_where_the_data_name_no_split(
    picture_folder, saved_model, tmp_path, capsys
):
    table = picture_folder / "caption.csv"
    pd.read_csv(table).drop(columns="split").to_csv(table, index=False)
    run, out = str(tmp_path / "run"), tmp_path / "metrics.json"
    tuning = ["--epochs", "1", "--batch-size", "4", "--seed", "3", "--device", "cpu"]
    assert main(["finetune", str(picture_folder), "--model", saved_model, "--out", run, *tuning]) == 0
    assert "not validated: the val split has one picture" in capsys.readouterr().out
    measuring = ["--data", str(picture_folder), "--seed", "3", "--json", str(out), "--device", "cpu"]
    assert main(["evaluate", run, *measuring]) == 0
    measured, found = json.loads((tmp_path / "run" / "clip.json").read_text()), json.loads(out.read_text())
    assert found["measured_on"] == measured["measured_on"]
    assert found["metrics"][run]["mean_recall"] == pytest.approx(measured["metrics"]["tuned"]["mean_recall"])


def test_captions_of_which_only_some_name_a_split_are_refused(picture_folder, capsys):
    table = picture_folder / "caption.csv"
    table.write_text(table.read_text().replace(",test\n", ",\n"))
    for command in (["finetune", str(picture_folder)], ["evaluate", "tiny", "--data", str(picture_folder)]):
        assert main(command) == 2
        assert "6 of 24 captions name no split, the others do: fill in" in capsys.readouterr().err


def test_evaluate_says_which_splits_there_are(picture_folder, saved_model, capsys):
    table = picture_folder / "caption.csv"
    table.write_text(table.read_text().replace(",test\n", ",val\n"))
    assert main(["evaluate", saved_model, "--data", str(picture_folder)]) == 2
    assert "nothing in the test split, only in train, val; choose one by --split" in capsys.readouterr().err
    assert main(["evaluate", saved_model, "--data", str(picture_folder), "--split", "all"]) == 0
    assert "12 pictures, 24 captions (all)" in capsys.readouterr().out


def test_predict_prints_the_best_texts_and_writes_all_probabilities(
    picture_folder, random_clip, saved_model, tmp_path, capsys
):
    pictures = sorted((picture_folder / "images").iterdir())[:3]
    prompts, out = ["a beach", "many trees", "a harbour with boats"], tmp_path / "table.csv"
    arguments = [saved_model, *map(str, pictures), "--top", "2", "--csv", str(out), "--device", "cpu"]
    assert main(["predict", *arguments, "--prompts", *prompts]) == 0
    expected = predict(random_clip, pictures, prompts)
    pd.testing.assert_frame_equal(pd.read_csv(out, index_col="image"), expected, atol=1e-6, check_dtype=False)
    lines = capsys.readouterr().out.splitlines()
    for line, (name, row) in zip(lines, expected.iterrows(), strict=False):
        first, second = row.nlargest(2).index
        assert line.startswith(name) and line.index(first) < line.index(second) and f"{row[first]:.0%}" in line


def test_predict_judges_each_prompt_by_itself(picture_folder, random_clip, saved_model, tmp_path):
    pictures, out = sorted((picture_folder / "images").iterdir())[:2], tmp_path / "table.csv"
    prompts = ["a beach", "many trees"]
    arguments = [saved_model, *map(str, pictures), "--prompts", *prompts, "--several"]
    assert main(["predict", *arguments, "--csv", str(out), "--device", "cpu"]) == 0
    table, expected = pd.read_csv(out, index_col="image"), predict(random_clip, pictures, prompts, several=True)
    pd.testing.assert_frame_equal(table, expected, atol=1e-6, check_dtype=False)
    assert (table.sum(axis=1) - 1).abs().min() > 0.01  # no choice between them


def test_predict_averages_the_templates_of_a_label(picture_folder, random_clip, saved_model, tmp_path):
    pictures, out = sorted((picture_folder / "images").iterdir())[:2], tmp_path / "table.csv"
    labels, templates = ["beach", "forest"], ["a photo of {label}", "{label} from above, in winter"]
    arguments = [saved_model, *map(str, pictures), "--labels", *labels, "--templates", *templates]
    assert main(["predict", *arguments, "--csv", str(out), "--device", "cpu"]) == 0
    classifier = zero_shot_classifier(random_clip, labels, templates)
    expected = class_scores(random_clip, random_clip.encode_images(pictures), classifier).softmax(dim=-1)
    table = pd.read_csv(out, index_col="image")
    assert list(table.columns) == labels and list(table.index) == [path.name for path in pictures]
    assert table.to_numpy() == pytest.approx(expected.numpy(), abs=1e-6)


def test_predict_tells_pictures_of_one_file_name_apart(picture_folder, saved_model, tmp_path, capsys):
    source = next((picture_folder / "images").iterdir())
    pictures = [tmp_path / folder / "1.png" for folder in ("a", "b")]
    for picture in pictures:
        picture.parent.mkdir()
        picture.write_bytes(source.read_bytes())
    for texts in (["--labels", "beach", "forest"], ["--prompts", "a beach", "a forest"]):
        assert main(["predict", saved_model, *map(str, pictures), *texts, "--device", "cpu"]) == 0
        assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["a/1.png", "b/1.png"]


def test_a_table_that_cannot_be_written_is_told_in_words(picture_folder, saved_model, tmp_path, capsys):
    picture, place = str(next((picture_folder / "images").iterdir())), tmp_path / "none" / "table"
    predicting = ["predict", saved_model, picture, "--labels", "a", "b", "--csv", f"{place}.csv"]
    evaluating = ["evaluate", saved_model, "--data", str(picture_folder), "--split", "all", "--json", f"{place}.json"]
    for command in (predicting, evaluating):
        assert main([*command, "--device", "cpu"]) == 2
        said = capsys.readouterr().err
        assert f"{command[-1]}: cannot be written to (" in said and "Errno" not in said and ".part" not in said


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
    assert main(["check", str(picture_folder)]) == 130
    assert capsys.readouterr().err == "rsclip-lab: interrupted\n"


def test_check_says_by_its_status_whether_there_are_errors(picture_folder, capsys):
    assert main(["check", str(picture_folder)]) == 0
    assert "12 pictures" in capsys.readouterr().out
    next((picture_folder / "images").iterdir()).write_bytes(b"")
    assert main(["check", str(picture_folder)]) == 1
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
