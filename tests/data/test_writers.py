"""A written table reads back as it was, from the folder that the writer names."""

import json
import os
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def filled(captions, column, value):
    """The table with one value in all of a column; pandas' own text columns would not take each."""
    return captions.assign(**{column: pd.Series([value] * len(captions), dtype=object)})


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
    with pytest.raises(CaptionError, match="half a character"):
        write(filled(captions, "caption", HARD + "\ud800"), path)
    assert path.read_text() == "as it was"
    assert sorted(os.listdir(tmp_path)) == ["other", "out", "pictures"]


# No null characters and no lone surrogates: they are refused, below.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
TEXTS |= st.lists(st.sampled_from(['"', "'", ",", ";", "\t", "\r", "\n", "[", "]", '["a"]', "x"])).map("".join)
SPLITS_AND_LABELS = st.tuples(st.sampled_from(["train", "val", "test", None]), st.none() | TEXTS)


def written_back(write, rows, suffix):
    """What read_captions makes of rows of (name, caption, split, label) that a writer has written."""
    with tempfile.TemporaryDirectory() as folder:
        table = pd.DataFrame(rows, columns=["image", "caption", "split", "label"], dtype=object)
        table["image"] = [f"{folder}/{name}" for name in table["image"]]
        path = f"{folder}/out{suffix}"
        write(table.assign(image_id=pd.factorize(table["image"])[0]), path, folder)
        read = read_captions(path, folder)
        read["image"] = [os.path.relpath(image, folder) for image in read["image"]]
        return [tuple(row) for row in read[["image", "caption", "split", "label"]].to_numpy(object)]


WRITERS = [(write_csv, ".csv"), (write_csv, ".tsv"), (write_json_lines, ".jsonl")]


@pytest.mark.parametrize(("write", "suffix"), WRITERS)
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TEXTS, SPLITS_AND_LABELS), min_size=1, max_size=5))
def test_a_table_of_any_texts_reads_back(write, suffix, texts):
    rows = [(f"{number}.png", caption, *known) for number, (caption, known) in enumerate(texts)]
    expected = [
        (name, caption.strip(), split, (label or "").strip() or None)
        for name, caption, split, label in rows
        if write is write_csv or caption.strip()
    ]
    if expected:
        assert written_back(write, rows, suffix) == expected


@pytest.mark.parametrize("write", [write_csv, write_json_lines])
def test_paths_and_numbers_are_written_as_text(captions, tmp_path, write):
    path = tmp_path / "pictures" / "again.csv"
    path = path if write is write_csv else path.with_suffix(".jsonl")
    numbered = captions.assign(image=captions["image"].map(Path), label=captions["image_id"].astype(float))
    write(numbered, path)
    expected = captions.assign(label=captions["image_id"].astype(str).astype(object))
    pd.testing.assert_frame_equal(read_captions(path), expected)


@pytest.mark.parametrize("write", [write_csv, write_json_lines])
@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("caption", "a\0b", "out, row 0 of the table to write: the caption holds a null byte or half"),
        ("caption", "a\ud800", "row 0 of the table to write: the caption holds a null byte or half"),
        ("image", None, "row 0 of the table to write: no file name; fill it in"),
        ("label", b"x", "row 0 of the table to write: the label: bytes is neither text nor a number"),
    ],
)
def test_cells_that_no_file_can_hold_are_named(captions, tmp_path, write, column, value, message):
    with pytest.raises(CaptionError, match=message):
        write(filled(captions, column, value), tmp_path / "out")
    with pytest.raises(CaptionError, match="the table to write has no column split, label; make it with"):
        write(captions.drop(columns=["label", "split"]), tmp_path / "out")
    assert os.listdir(tmp_path) == ["pictures"]


@pytest.mark.parametrize("write", [write_csv, write_json_lines])
def test_a_tilde_is_the_home_folder(captions, tmp_path, monkeypatch, write):
    monkeypatch.setenv("HOME", str(tmp_path))
    name = "out.csv" if write is write_csv else "out.jsonl"
    write(captions, f"~/{name}", "~/pictures/images")
    assert (tmp_path / name).is_file()
    pd.testing.assert_frame_equal(read_captions(f"~/{name}", "~/pictures/images"), captions)
