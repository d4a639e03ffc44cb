"""`index` and `search` do what SearchIndex does."""

import io
import os

import pandas as pd
import pytest
import tyro

from rsclip_lab.cli.search_commands import Index, Search
from rsclip_lab.models import ModelError, load_model
from rsclip_lab.search import SearchIndex


def run(*arguments):
    return tyro.cli(Index | Search, prog="rsclip-lab", args=list(map(str, arguments))).run()


@pytest.fixture
def saved_model(random_clip, tmp_path):
    return random_clip.save(tmp_path / "model")


@pytest.fixture
def folder(saved_model, picture_folder, tmp_path, capsys):
    assert run("index", saved_model, picture_folder / "images", "--out", tmp_path / "index") == 0
    assert "SearchIndex(12 pictures" in capsys.readouterr().out
    return tmp_path / "index"


def test_words_and_pictures_find_what_the_index_does(folder, saved_model, picture_folder, tmp_path, capsys):
    index = SearchIndex.load(folder, load_model(saved_model, device="cpu"))
    found, table = index.search_text("a beach", 3), tmp_path / "found.csv"
    assert run("search", folder, "a beach", "--model", saved_model, "--top", 3, "--csv", table) == 0
    assert str(found) in capsys.readouterr().out
    pd.testing.assert_frame_equal(pd.read_csv(table), found.table, check_dtype=False)
    picture = picture_folder / "images" / "beach_0.png"
    assert run("search", folder, "--image", picture, "--model", saved_model) == 0
    assert f"   1  +1.000  {picture}" in capsys.readouterr().out


def test_the_same_command_again_embeds_only_what_is_new(folder, saved_model, picture_folder, capsys):
    (picture_folder / "images" / "beach_0.png").unlink()
    (picture_folder / "images" / "beach_3.png").write_bytes(b"")
    with pytest.warns(UserWarning, match="1 of 11 pictures cannot be read"):
        assert run("index", saved_model, picture_folder / "images", "--out", folder) == 0
    printed = capsys.readouterr().out
    assert "left out: " in printed and "beach_3.png" in printed and "SearchIndex(10 pictures" in printed


def test_captions_name_the_pictures_too(saved_model, picture_folder, tmp_path, capsys):
    assert run("index", saved_model, picture_folder / "caption.csv", "--out", tmp_path / "index") == 0
    assert "SearchIndex(12 pictures" in capsys.readouterr().out


def test_what_cannot_be_searched_is_said(folder, saved_model, picture_folder):
    for arguments in ([], ["a beach", "--image", picture_folder / "images" / "beach_0.png"]):
        with pytest.raises(ValueError, match="say what to look for"):
            run("search", folder, *arguments, "--model", saved_model)
    with pytest.raises(ModelError, match="'random'.*'tiny'"):
        run("search", folder, "a beach", "--model", "tiny")
    with pytest.raises(ValueError, match="no search index in"):
        run("search", picture_folder, "a beach")


def test_a_model_known_by_name_needs_no_option(picture_folder, tmp_path, capsys):
    assert run("index", "tiny", picture_folder / "images", "--out", tmp_path / "index", "--device", "cpu") == 0
    assert run("search", tmp_path / "index", "a beach", "--top", 2, "--device", "cpu") == 0
    assert "2 pictures for 'a beach'" in capsys.readouterr().out


def test_an_index_says_where_its_model_lies(folder, saved_model, random_clip, picture_folder, tmp_path, capsys):
    assert run("search", folder, "a beach", "--top", 2) == 0
    assert "2 pictures for 'a beach'" in capsys.readouterr().out
    SearchIndex.build(load_model(saved_model, device="cpu"), picture_folder / "images", folder)  # keeps it
    assert run("search", folder, "a beach", "--top", 2) == 0
    saved_model.rename(tmp_path / "elsewhere")
    with pytest.raises(
        ValueError, match="of the model 'random', no longer in .*model: say where that lies by --model"
    ):
        run("search", folder, "a beach")
    SearchIndex.build(random_clip, picture_folder / "images", tmp_path / "other")
    with pytest.raises(ValueError, match="is of the model 'random': say where that lies by --model"):
        run("search", tmp_path / "other", "a beach")


def test_another_model_of_the_same_name_leads_to_the_option(picture_folder, tmp_path):
    model = load_model("tiny", device="cpu")
    model.net.visual.head.proj.weight.data.mul_(2)
    SearchIndex.build(model, picture_folder / "images", tmp_path / "index")
    with pytest.raises(ModelError, match="'tiny' was loaded: say where that lies by --model"):
        run("search", tmp_path / "index", "a beach")


def test_names_in_another_encoding_are_printed_and_written(saved_model, picture_folder, tmp_path, monkeypatch):
    images = picture_folder / "images"
    strange = os.fsencode(images) + b"/gr\xfcn.png"
    os.rename(images / "beach_0.png", strange)
    with open(images / "broken.png", "w"):
        pass
    os.rename(images / "broken.png", os.fsencode(images) + b"/br\xfcn.png")
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    monkeypatch.setattr("sys.stdout", printed)
    with pytest.warns(UserWarning, match="cannot be read"):
        assert run("index", saved_model, images, "--out", tmp_path / "index") == 0
    table = tmp_path / "found.csv"
    assert run("search", tmp_path / "index", "a beach", "--csv", table, "--top", 20) == 0
    assert strange in table.read_bytes()
    assert (
        r"gr\udcfcn.png" in printed.buffer.getvalue().decode()
        and r"br\udcfcn.png" in printed.buffer.getvalue().decode()
    )
