"""A written table reads back as it was, from the folder that the writer names."""

import json
import os

import pandas as pd
import pytest

from rsclip_lab.data import CaptionError, read_captions
from rsclip_lab.data.writers import write_csv, write_json_lines

HARD = 'boats, "three" of them,\nleft of a pier — 港口'


@pytest.fixture
def captions(picture_folder):
    table = read_captions(picture_folder)
    table.loc[0, "caption"] = HARD
    table.loc[table["image_id"] == 5, ["split", "label"]] = None
    return table


@pytest.mark.parametrize("write", [write_csv, write_json_lines])
@pytest.mark.parametrize("place", ["pictures/again", "elsewhere/again"])
def test_what_is_written_reads_back_the_same(captions, tmp_path, write, place):
    path = tmp_path / f"{place}.{'csv' if write is write_csv else 'jsonl'}"
    folder = write(captions, path)
    assert folder == str(tmp_path / "pictures" / "images")
    pd.testing.assert_frame_equal(read_captions(path, folder), captions)
    if place.startswith("pictures"):
        pd.testing.assert_frame_equal(read_captions(path), captions)


def test_a_tsv_file_has_tabs(captions, tmp_path):
    folder = write_csv(captions, tmp_path / "again.tsv")
    assert (tmp_path / "again.tsv").read_text("utf-8").startswith("filename\tcaption\tlabel\tsplit\n")
    pd.testing.assert_frame_equal(read_captions(tmp_path / "again.tsv", folder), captions)


def lines_written(captions, path):
    write_json_lines(captions, path)
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_json_lines_have_one_picture_a_line_and_say_only_what_is_known(captions, tmp_path):
    lines = lines_written(captions, tmp_path / "out.jsonl")
    assert len(lines) == 12
    name = "pictures/images/harbour_1.png"  # where read_captions looks for the pictures of that file
    second = ["a satellite view of harbour", "picture 1 shows harbour from above"]
    assert lines[1] == {"filename": name, "captions": second, "split": "train", "label": "harbour"}
    assert set(lines[5]) == {"filename", "captions"}


def test_a_picture_in_two_splits_stays_in_both(captions, tmp_path):
    twice = pd.concat([captions[:2], captions[:2].assign(split="test")], ignore_index=True)
    lines = lines_written(twice, tmp_path / "out.jsonl")
    assert [line["filename"] for line in lines] == ["pictures/images/beach_0.png"] * 2
    assert [line["split"] for line in lines] == ["train", "test"]


def test_file_names_keep_the_folders_below_the_one_that_is_named(captions, tmp_path):
    assert write_csv(captions, tmp_path / "out.csv", tmp_path / "pictures") == str(tmp_path / "pictures")
    assert (tmp_path / "out.csv").read_text("utf-8").splitlines()[-1].startswith("images/forest_11.png,")
    pd.testing.assert_frame_equal(read_captions(tmp_path / "out.csv", tmp_path / "pictures"), captions)


@pytest.mark.parametrize("write", [write_csv, write_json_lines])
def test_what_cannot_be_written_leaves_what_was_there(captions, tmp_path, write):
    path, other = tmp_path / "out", tmp_path / "other"
    path.write_text("as it was")
    other.mkdir()
    with pytest.raises(CaptionError, match="beach_0.png: not in the image folder .*other; name a folder"):
        write(captions, path, other)
    with pytest.raises(CaptionError, match="out: the table to write is empty"):
        write(captions[:0], path)
    with pytest.raises(UnicodeEncodeError):
        write(captions.assign(caption=HARD + "\ud800"), path)
    assert path.read_text() == "as it was"
    assert sorted(os.listdir(tmp_path)) == ["other", "out", "pictures"]
