"""What is in a folder decides how it is read; what cannot be told apart is an error that lists it."""

import errno
import json
import os
import warnings

import pandas as pd
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


@pytest.fixture
def locked(monkeypatch):
    """Makes a folder one that cannot be listed, for root too."""

    def lock(folder):
        for name in ("scandir", "listdir"):
            real = getattr(os, name)

            def refusing(path=".", real=real):
                if str(path) == str(folder):
                    raise PermissionError(errno.EACCES, "Permission denied", str(path))
                return real(path)

            monkeypatch.setattr(os, name, refusing)

    return lock


@pytest.mark.parametrize("place", ["", "River", "River/deeper"])
def test_a_folder_that_cannot_be_listed_is_named_rather_than_passed_over(tmp_path, locked, place):
    for name in ("Forest/a.png", "River/b.png", "River/deeper/c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    locked(tmp_path / place)
    with pytest.raises(CaptionError, match=rf"{tmp_path / place}: cannot be listed .Permission denied.; make it"):
        read_captions(tmp_path)


def test_a_folder_of_annotations_that_cannot_be_listed_is_named(tmp_path, locked):
    for name in ("images/a.png", "Annotations/train/a.xml", "Annotations/val/b.xml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    locked(tmp_path / "Annotations" / "val")
    with pytest.raises(CaptionError, match="Annotations/val: cannot be listed"):
        read_captions(tmp_path)


def test_the_place_of_the_pictures_must_be_listed_too(picture_folder, locked):
    with pytest.raises(CaptionError, match="gone: cannot be listed .No such file or directory.; make it readable"):
        ImageFolder.beside(picture_folder / "gone" / "x.csv")
    locked(picture_folder)
    with pytest.raises(CaptionError, match="pictures: cannot be listed"):
        read_captions(picture_folder / "caption.csv")


def test_a_tilde_is_the_home_folder(picture_folder, monkeypatch):
    monkeypatch.setenv("HOME", str(picture_folder.parent))
    assert read_captions("~/pictures", image_dir="~/pictures/images").equals(read_captions(picture_folder))


def test_each_folder_is_listed_once(picture_folder, monkeypatch):
    listed = []
    real = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: listed.append(str(path)) or real(path))
    monkeypatch.setattr(os.path, "exists", None)
    lines = "".join(f"images/x/{n}.png,a\nimages/y/{n}.png,b\n" for n in range(50))
    (picture_folder / "caption.csv").write_text(lines)
    assert len(read_captions(picture_folder)) == 100
    assert len(listed) == len(set(listed)) <= 5


COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 9, "height": 9}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 2, 4, 4]}],
    "categories": [{"id": 1, "name": "ship"}],
}


@pytest.mark.parametrize(
    ("annotations", "pictures"),
    [
        ("annotations/instances_{split}2017.json", "images/{split}2017/a.png"),
        ("annotations/instances_{split}2017.json", "{split}2017/a.png"),
        ("annotations/instances_{split}.json", "images/default/{split}/a.png"),
        ("{split}/_annotations.coco.json", "{split}/a.png"),  # Roboflow
    ],
)
def test_the_layouts_of_coco_files(tmp_path, annotations, pictures):
    for split in ("train", "val"):
        for name in (annotations, pictures):
            (tmp_path / name.format(split=split)).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / annotations.format(split=split)).write_text(json.dumps(COCO))
        (tmp_path / pictures.format(split=split)).touch()
    expected = {str(tmp_path / pictures.format(split=split)): split for split in ("train", "val")}
    table = read_captions(tmp_path)
    assert dict(zip(table["image"], table["split"], strict=True)) == expected and len(table) == 10
    alone = read_captions(tmp_path / annotations.format(split="val"))
    assert set(alone["image"]) == {str(tmp_path / pictures.format(split="val"))}


def test_a_table_beside_the_pictures_of_each_split(tmp_path):
    for split in ("train", "validation"):
        (tmp_path / split).mkdir()
        (tmp_path / split / "a.jpg").touch()
        (tmp_path / split / "metadata.csv").write_text(f"file_name,text\na.jpg,{split}\n")
    table = read_captions(tmp_path)
    assert table["image"].tolist() == [str(tmp_path / split / "a.jpg") for split in ("train", "validation")]
    assert table["split"].tolist() == ["train", "val"] and table["image_id"].tolist() == [0, 1]


@pytest.mark.parametrize("kind", ["csv", "folders", "parquet"])
def test_labels_that_are_numbers_are_kept_with_a_warning(tmp_path, kind):
    source = tmp_path if kind == "folders" else tmp_path / f"labels.{kind}"
    if kind == "folders":
        for label in (0, 1, 10):
            (tmp_path / str(label)).mkdir()
            (tmp_path / str(label) / "x.jpg").touch()
    table = pd.DataFrame({"filename": ["0/x.jpg", "1/x.jpg", "10/x.jpg"], "label": [0, 1, 10]})
    {"csv": lambda path: table.to_csv(path, index=False), "parquet": table.to_parquet, "folders": str}[kind](source)
    with pytest.warns(UserWarning, match=f"{source}: the labels are numbers, .*; give their names") as caught:
        assert sorted(read_captions(source)["label"]) == ["0", "1", "10"]
    assert [warning.filename for warning in caught] == [__file__]


def test_names_that_differ_in_folders_only_stay_apart(tmp_path):
    for folder in ("x", "y"):
        (tmp_path / "images" / folder).mkdir(parents=True)
        (tmp_path / "images" / folder / "1.png").touch()
    (tmp_path / "caption.csv").write_text("x/1.png,a\ny/1.png,b\n")
    assert read_captions(tmp_path)["image_id"].tolist() == [0, 1]


def test_a_guessed_encoding_is_told_and_can_be_stated(tmp_path):
    path = tmp_path / "captions.csv"
    path.write_bytes("filename,caption\na.jpg,un château près de l'été\n".encode("cp1252"))
    with pytest.warns(UserWarning, match=f"{path}: read as cp1252, a guess; give encoding=") as caught:
        read_captions(path)
    assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings(action="error"):
        assert read_captions(path, encoding="latin-1")["caption"].tolist() == ["un château près de l'été"]
    with pytest.raises(CaptionError, match=f"{path}, line 2: bytes that are not utf-8; give another"):
        read_captions(path, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "text"), [("x.json", '[{"filename": "a.jpg", "caption": "é"}]'), ("x.tsv", "a.jpg\té\n")]
)
def test_every_text_file_takes_an_encoding(tmp_path, name, text):
    (tmp_path / name).write_bytes(text.encode("utf-16-le"))
    assert read_captions(tmp_path / name, encoding="utf-16-le")["caption"].tolist() == ["é"]


def test_no_source_and_no_encoding_are_told(tmp_path):
    with pytest.raises(CaptionError, match="None is no file or folder; give the path"):
        read_captions(None)
    for encoding in ("utf-99", "hex"):
        with pytest.raises(CaptionError, match=f"no encoding is called '{encoding}'; give one"):
            read_captions(tmp_path, encoding=encoding)
