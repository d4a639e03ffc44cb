"""A kept run comes back as it was, and is taken again only where it answers the same question."""

import errno
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pandas as pd
import pytest
import torch

from rsclip_lab.data import read_captions
from rsclip_lab.models import ModelError, load_model
from rsclip_lab.models.publish.card import model_card
from rsclip_lab.training import Diverged, FinetuneConfig, finetune, keep_run, load_or_finetune, load_run
from rsclip_lab.training.saved.folders import run_folder

QUICK = FinetuneConfig(epochs=1, batch_size=6, learning_rate=1e-3, precision="fp32")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def captions(picture_folder):
    return read_captions(picture_folder, split="train")


def weights_equal(a, b):
    ours, theirs = a.net.state_dict(), b.net.state_dict()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_kept_run_comes_back_whole(random_clip, captions, tmp_path):
    run = keep_run(finetune(random_clip, captions, QUICK, progress=False), tmp_path / "run")
    back = load_run(tmp_path / "run", device="cpu")
    assert weights_equal(back.model, run.model)
    assert back.config == run.config and back.notes == run.notes and back.folder == run.folder
    pd.testing.assert_frame_equal(back.history, run.history)
    assert back.validation.empty


def test_keeping_replaces_an_earlier_run_and_nothing_else(random_clip, captions, tmp_path):
    run = finetune(random_clip, captions, QUICK, progress=False)
    keep_run(run, tmp_path / "run")
    keep_run(replace(run, history=run.history[:0]), tmp_path / "run")
    assert load_run(tmp_path / "run").history.empty
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("five years of work")
    with pytest.raises(FileExistsError, match="holds something"):
        keep_run(run, tmp_path / "other")
    assert (tmp_path / "other" / "thesis.txt").exists()


def test_a_tilde_is_the_home(random_clip, captions, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    run = finetune(random_clip, captions, QUICK, folder="~/run", cache="~/pixels", progress=False)
    assert run.folder == tmp_path / "run" == load_run("~/run").folder
    assert keep_run(run, "~/kept").folder == tmp_path / "kept"
    assert load_or_finetune("~/run", random_clip, captions, QUICK, progress=False).seconds == run.seconds
    assert not (tmp_path / "~").exists() and (tmp_path / "pixels").is_dir()


@pytest.mark.parametrize(("path", "words"), [("thesis.txt/run", "thesis.txt is a file"), ("x" * 300, "too long")])
def test_a_path_that_no_folder_can_have_is_told_before_training(random_clip, captions, tmp_path, path, words):
    (tmp_path / "thesis.txt").write_text("five years of work")
    folder = tmp_path / path
    calls = [
        lambda: finetune(random_clip, captions, QUICK, folder=folder),
        lambda: finetune(random_clip, captions, QUICK, cache=folder),
        lambda: load_or_finetune(folder, random_clip, captions, QUICK),
        lambda: load_run(folder),
    ]
    for call in calls:
        with pytest.raises(OSError, match=f"cannot be a folder.*{words}.*name another one"):
            call()


def test_a_file_is_no_folder_for_a_run(random_clip, captions, tmp_path):
    (tmp_path / "thesis.txt").write_text("five years of work")
    with pytest.raises(FileExistsError, match="thesis.txt: holds something already"):
        finetune(random_clip, captions, QUICK, folder=tmp_path / "thesis.txt", progress=False)


def test_a_run_that_cannot_be_saved_leaves_the_former_one(random_clip, captions, tmp_path, monkeypatch):
    run = finetune(random_clip, captions, QUICK, progress=False)
    kept = keep_run(run, tmp_path / "run")
    before = {path.name: path.read_bytes() for path in kept.folder.iterdir() if path.is_file()}

    def broken(self, *args, **kwargs):
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(pd.DataFrame, "to_csv", broken)
    with pytest.raises(ModelError, match="the disk is full"):
        keep_run(run, tmp_path / "run")
    assert {path.name: path.read_bytes() for path in kept.folder.iterdir() if path.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pictures", "run"]


def test_the_current_folder_may_be_that_of_a_run(random_clip, captions, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    first, second = (load_or_finetune(".", random_clip, captions, QUICK, progress=False) for _ in range(2))
    assert first.seconds == second.seconds


def test_an_unfinished_run_is_no_model_and_is_named_as_what_it_is(random_clip, captions, tmp_path):
    class Stop:
        def on_step(self, state):
            raise Diverged("stop")

    with pytest.raises(Diverged):
        load_or_finetune(tmp_path / "run", random_clip, captions, QUICK, callbacks=[Stop()], progress=False)
    with pytest.raises(ModelError, match="holds a fine-tuning that is not finished"):
        load_model(tmp_path / "run")


def test_a_run_kept_with_another_validation_is_trained_anew(random_clip, captions, tmp_path):
    def started(**validation):
        return load_or_finetune(tmp_path / "run", random_clip, captions, QUICK, progress=False, **validation)

    validated = started(validation=captions)
    assert len(validated.validation) and len(started(validation=captions).validation)
    assert started().notes["started"] == validated.notes["started"]  # any will do
    other = captions[captions["image"].isin(captions["image"].unique()[:4])]
    assert started(validation=other).notes["data"]["validation"] != validated.notes["data"]["validation"]


def test_an_absent_run_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no run here"):
        load_run(tmp_path / "nothing")


def test_a_run_is_trained_once_and_then_taken_from_its_folder(random_clip, captions, tmp_path):
    first = load_or_finetune(tmp_path / "run", random_clip, captions, QUICK, progress=False)
    longer = replace(QUICK, epochs=7)
    again = load_or_finetune(tmp_path / "run", random_clip, captions, longer, progress=False, any_epochs=True)
    assert again.seconds == first.seconds and again.config.epochs == 1
    assert weights_equal(first.model, again.model)
    anew = load_or_finetune(tmp_path / "run", random_clip, captions, replace(QUICK, epochs=2), progress=False)
    assert len(anew.history) == 2 * len(first.history)


def as_it_was_kept_formerly(folder):
    """The run with its record in config.json, and a clip.json that knows nothing of it."""
    path = folder / "clip.json"
    description = json.loads(path.read_text())
    record = description.pop("training")
    del record["steps"], record["config"]["distillation"]
    for table in record["data"].values():
        del table["labels"], table["labelled"]
    path.write_text(json.dumps(description | {"name": "random", "created_from": {"seed": 0}}))
    (folder / "config.json").write_text(json.dumps(record))


def test_a_run_kept_by_an_earlier_version_is_read_and_taken_again(random_clip, captions, tmp_path):
    config = replace(QUICK, distillation=0.0)
    new = load_or_finetune(tmp_path / "run", random_clip, captions, config, progress=False)
    as_it_was_kept_formerly(tmp_path / "run")
    old = load_run(tmp_path / "run", device="cpu")
    assert old.config == new.config and old.seconds == new.seconds and weights_equal(old.model, new.model)
    again = load_or_finetune(tmp_path / "run", random_clip, captions, config, progress=False)
    assert (tmp_path / "run" / "config.json").is_file() and again.seconds == new.seconds
    again.record(tuned={"top1": 0.5})
    assert load_run(tmp_path / "run").notes == old.notes  # the record has come into clip.json
    assert load_run(tmp_path / "run").model.name == "random-finetuned"


def test_the_model_of_a_run_kept_by_an_earlier_version_knows_its_training(random_clip, captions, tmp_path):
    new = finetune(random_clip, captions, QUICK, folder=tmp_path / "run", progress=False)
    as_it_was_kept_formerly(tmp_path / "run")
    description = load_model(tmp_path / "run", device="cpu").description
    assert description["name"] == "random-finetuned" == new.model.name
    assert description["created_from"] == new.model.description["created_from"]
    assert description["training"]["data"]["captions"]["sha256"] == new.notes["data"]["captions"]["sha256"]
    card = model_card(load_model(tmp_path / "run", device="cpu"))
    assert "fine-tuned with rsclip-lab from random" in card and "| batch_size | 6 |" in card


@pytest.mark.parametrize("text", ["{", "[]", '{"config": 3, "seconds": 1}', '{"model_type": "clip"}', "\udcff"])
def test_another_config_json_beside_a_model_is_no_training(random_clip, tmp_path, text):
    random_clip.save(tmp_path)
    (tmp_path / "config.json").write_text(text, encoding="utf-8", errors="surrogateescape")
    assert load_model(tmp_path, device="cpu").description == random_clip.description


def test_a_run_that_finetune_saved_itself_is_taken_again(random_clip, captions, tmp_path):
    run = finetune(random_clip, captions, QUICK, folder=tmp_path / "run", progress=False)
    again = load_or_finetune(tmp_path / "run", random_clip, captions, QUICK, progress=False)
    assert again.seconds == run.seconds and weights_equal(again.model, run.model)


def test_a_run_that_was_validated_is_taken_again(random_clip, captions, tmp_path):
    run = finetune(random_clip, captions, QUICK, validation=captions, folder=tmp_path / "run", progress=False)
    again = load_or_finetune(tmp_path / "run", random_clip, captions, QUICK, progress=False)
    assert again.seconds == run.seconds and len(again.validation) == len(run.validation) > 0


@pytest.mark.parametrize("record", [None, {}, {"config": {"knob": 1}}, {"config": {"epochs": 0}}, {"config": []}])
def test_a_record_that_is_not_understood_is_named(random_clip, captions, tmp_path, record):
    keep_run(finetune(random_clip, captions, QUICK, progress=False), tmp_path / "run")
    path = tmp_path / "run" / "clip.json"
    description = json.loads(path.read_text()) | {"training": record}
    if record is None:
        del description["training"]
    path.write_text(json.dumps(description))
    with pytest.raises(ModelError, match="clip.json.*fine-tune again"):
        load_run(tmp_path / "run")


@pytest.mark.parametrize("change", ["seed", "captions", "replay", "weights"])
def test_another_question_is_trained_anew(change, random_clip, captions, tmp_path):
    load_or_finetune(tmp_path / "run", random_clip, captions, QUICK, progress=False)
    config, replay = QUICK, None
    if change == "seed":
        config = replace(QUICK, seed=5)
    elif change == "captions":
        captions = captions.assign(caption=captions["caption"] + " in winter")
    elif change == "replay":
        copies = {image: str(shutil.copy(image, tmp_path)) for image in captions["image"].unique()}
        replay = captions.assign(image=captions["image"].map(copies))
    else:  # a base model that was trained anew keeps its name
        with torch.no_grad():
            random_clip.net.logit_scale += 0.1
    before = (tmp_path / "run" / "clip.json").read_bytes()
    load_or_finetune(tmp_path / "run", random_clip, captions, config, replay, progress=False)
    assert (tmp_path / "run" / "clip.json").read_bytes() != before


def test_a_run_is_kept_on_this_machine_or_on_the_drive_that_colab_mounts(monkeypatch):
    assert run_folder("this machine", "coast") == Path("outputs/coast")
    mounted = []
    colab = ModuleType("google.colab")
    colab.drive = SimpleNamespace(mount=mounted.append)
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    assert run_folder("Google Drive", "coast") == Path("/content/drive/MyDrive/rsclip-lab/coast")
    assert mounted == ["/content/drive"]


def test_a_drive_that_cannot_be_mounted_is_told():
    with pytest.raises(ValueError, match='not Colab; choose "this machine", or give finetune a folder on a drive'):
        run_folder("Google Drive", "coast")


@pytest.mark.parametrize(("where", "name"), [("the cloud", "coast"), ("this machine", "../x"), ("this machine", "")])
def test_a_place_or_name_that_cannot_be_is_told(where, name):
    with pytest.raises(ValueError, match='must be "this machine" or|name is that of one folder'):
        run_folder(where, name)
