"""What is in a folder decides how it is read; what cannot be told apart is an error that lists it."""

import json
import os

import pytest

from rsclip_lab.data import CaptionError, read_captions
from rsclip_lab.data.readers.records import ImageFolder

ENTRY = '{"filename": "rsicd_images/%s_%d.jpg", "captions": ["one %d", "two"]}\n'


@pytest.fixture
def lines(tmp_path):
    """Three files of JSON lines, one a split, with no pictures beside them."""
    for number, split in enumerate(("train", "valid", "test")):
        text = "".join(ENTRY % (name, number, number) for name in ("airport", "denseresidential"))
        (tmp_path / f"textaug_{split}_rsicd.jsonl").write_text(text)
    return tmp_path


def test_a_folder_and_its_file_give_the_same_table(picture_folder):
    table = read_captions(picture_folder)
    assert list(table.columns) == ["image", "caption", "image_id", "split", "label"] and len(table) == 24
    assert table.equals(read_captions(picture_folder / "caption.csv"))
    assert table.equals(read_captions(str(picture_folder), image_dir=picture_folder / "images"))
    assert all(os.path.isabs(image) and os.path.isfile(image) for image in table["image"])
    assert table["image_id"].tolist() == [i for i in range(12) for _ in range(2)]


def test_the_files_of_the_splits_in_a_folder_become_one_table(lines):
    table = read_captions(lines)
    assert table["split"].value_counts().to_dict() == {"train": 4, "val": 4, "test": 4}
    assert table.drop_duplicates("image")["image_id"].tolist() == list(range(6))
    assert set(table["label"]) == {"airport", "dense residential area"}
    assert (table["image"] == str(lines / "rsicd_images" / "airport_1.jpg")).sum() == 2
    alone = read_captions(lines / "textaug_valid_rsicd.jsonl")
    assert alone.equals(read_captions(lines, split="val").assign(image_id=alone["image_id"]))


def test_a_picture_shared_by_two_splits_keeps_one_id(tmp_path):
    for split in ("train", "test"):
        (tmp_path / f"{split}.csv").write_text(f"filename,caption\nshared.jpg,x\n{split}.jpg,y\n")
    table = read_captions(tmp_path)
    assert table["split"].tolist() == ["test", "test", "train", "train"]
    assert table["image_id"].tolist() == [0, 1, 0, 2]


def test_pictures_are_looked_for_in_the_one_folder_called_images(lines):
    (lines / "RSICD_images").mkdir()
    (lines / "RSICD_images" / "airport_1.jpg").touch()
    table = read_captions(lines)
    assert table["image"].map(os.path.isfile).sum() == 2
    (lines / "other_imgs").mkdir()
    assert ImageFolder.beside(lines).root == str(lines)  # which of the two cannot be told


def test_caption_csv_comes_before_others(lines):
    (lines / "caption.csv").write_text("a.jpg,x\n")
    assert read_captions(lines)["caption"].tolist() == ["x"]


@pytest.mark.parametrize("name", ["anything.csv", "words.tsv", "dataset_ucm.json", "x.jsonl", "annotations/x.json"])
def test_a_single_file_of_any_name_is_found(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    text = "a.jpg\tx\n" if name.endswith("sv") else '{"filename": "a.jpg", "caption": "x"}\n'
    (tmp_path / name).write_text(text if "jsonl" in name or "sv" in name else f"[{text}]")
    for extra in ("readme.txt", "dataset_infos.json", "classes.json", ".hidden.csv"):
        (tmp_path / extra).write_text("no captions")
    table = read_captions(tmp_path)
    assert table["caption"].tolist() == ["x"] and table["image"].tolist() == [str(tmp_path / "a.jpg")]


@pytest.mark.parametrize("names", [("a.csv", "b.csv"), ("train.csv", "train.jsonl"), ("train_a.csv", "test_b.csv")])
def test_files_that_are_no_splits_of_each_other_are_listed(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text("a.jpg,x\n")
    with pytest.raises(CaptionError, match=rf"several files .*{'.*'.join(sorted(names))}.*; name the one"):
        read_captions(tmp_path)


def test_boxes_become_captions(picture_folder, tmp_path):
    images = [{"id": 1, "file_name": "beach_0.png", "width": 60, "height": 40}]
    boxes = [{"id": n, "image_id": 1, "category_id": 1, "bbox": [5 + n, 5, 8, 8]} for n in range(3)]
    document = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "ship"}]}
    (picture_folder / "instances_val.json").write_text(json.dumps(document))
    table = read_captions(picture_folder / "instances_val.json")
    assert len(table) == 5 and table["caption"].str.contains("ship").any() and set(table["split"]) == {"val"}


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("x.tar", "lab.ShardStream"),
        ("x.zip", "unpack it"),
        ("x.xlsx", "CSV"),
        ("x.docx", "expected one of .csv"),
        ("x", "expected one of"),
    ],
)
def test_other_files_are_refused_with_a_remedy(tmp_path, name, remedy):
    (tmp_path / name).touch()
    with pytest.raises(CaptionError, match=f"{name}: captions are not read from .*; .*{remedy}"):
        read_captions(tmp_path / name)


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(CaptionError, match="nothing_here: no such file or folder"):
        read_captions(tmp_path / "nothing_here")
    with pytest.raises(CaptionError, match="no captions in this folder .0 pictures.; put caption.csv there"):
        read_captions(tmp_path)
    (tmp_path / "a.csv").write_text("a.png,x\n")
    with pytest.raises(CaptionError, match="elsewhere: no such image folder; correct image_dir"):
        read_captions(tmp_path, image_dir=tmp_path / "elsewhere")
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "00000.tar").touch()
    with pytest.raises(CaptionError, match="shards ..tar. in this folder; read shards with lab.ShardStream"):
        read_captions(tmp_path / "shards")


def test_each_folder_is_listed_once(picture_folder, monkeypatch):
    listed = []
    real = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: listed.append(str(path)) or real(path))
    monkeypatch.setattr(os.path, "exists", None)
    lines = "".join(f"images/x/{n}.png,a\nimages/y/{n}.png,b\n" for n in range(50))
    (picture_folder / "caption.csv").write_text(lines)
    assert len(read_captions(picture_folder)) == 100
    assert len(listed) == len(set(listed)) <= 5


def test_names_that_differ_in_folders_only_stay_apart(tmp_path):
    for folder in ("x", "y"):
        (tmp_path / "images" / folder).mkdir(parents=True)
        (tmp_path / "images" / folder / "1.png").touch()
    (tmp_path / "caption.csv").write_text("x/1.png,a\ny/1.png,b\n")
    assert read_captions(tmp_path)["image_id"].tolist() == [0, 1]
