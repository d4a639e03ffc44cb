"""Names of pictures from other machines find the picture that is here, and never one of another name."""

import os
import unicodedata

import numpy as np
import pytest

from rsclip_lab.data import CaptionError, read_captions


@pytest.fixture
def resolved(tmp_path):
    """Writes pictures into images/ and their written names into caption.csv; gives the paths inside images/."""

    def resolve(there, written):
        for name in there:
            (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "images" / name).touch()
        text = "filename,caption\n" + "".join(f"{name},x\n" for name in written)
        (tmp_path / "caption.csv").write_text(text, encoding="utf-8")
        table = read_captions(tmp_path)
        assert (table.drop_duplicates("image")["image_id"] == np.arange(table["image"].nunique())).all()
        return [os.path.relpath(path, tmp_path / "images") for path in table["image"]]

    return resolve


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("train\\a.jpg", "train/a.jpg"),
        ("images/train/a.jpg", "train/a.jpg"),
        ("/content/drive/MyDrive/data/images/train/a.jpg", "train/a.jpg"),
        ("C:\\Users\\x\\images\\train\\a.jpg", "train/a.jpg"),
        ("../images/elsewhere/b.jpg", "b.jpg"),
        ("b.jpg", "b.jpg"),
    ],
)
def test_the_longest_end_of_a_name_that_is_there_is_meant(resolved, written, meant):
    assert resolved(["train/a.jpg", "a.jpg", "b.jpg"], [written]) == [meant]


def test_different_names_are_never_shortened_to_one_picture(resolved):
    with pytest.raises(CaptionError, match=r"line 3: 'test/a.jpg' and 'train/a.jpg' would both be .*a.jpg; put"):
        resolved(["a.jpg"], ["train/a.jpg", "test/a.jpg"])
    assert resolved(["a.jpg"], ["A.jpg", "a.JPG"]) == ["a.jpg"] * 2
    assert resolved(["a.jpg"], ["data/train/a.jpg", "train\\a.jpg", "a.jpg"]) == ["a.jpg"] * 3


def test_a_picture_of_another_machine_that_is_not_here_is_left_to_the_audit(resolved):
    written = ["/gone/data/nowhere.jpg", "D:\\gone\\missing.jpg", "a.jpg"]
    assert resolved(["a.jpg"], written) == ["nowhere.jpg", "missing.jpg", "a.jpg"]


@pytest.mark.parametrize("name", ["/gone/../x.jpg", "/../gone/x.jpg"])
def test_an_absolute_name_that_goes_upwards_is_refused(resolved, name):
    with pytest.raises(CaptionError, match="line 2.*leads out of the image folder"):
        resolved(["a.jpg"], [name])


@pytest.mark.parametrize(
    ("there", "written"),
    [
        ("a.JPG", "a.jpg"),
        ("Train/Airport_1.jpg", "train/airport_1.JPG"),
        (unicodedata.normalize("NFD", "größe.jpg"), unicodedata.normalize("NFC", "größe.jpg")),
        (unicodedata.normalize("NFC", "größe.jpg"), unicodedata.normalize("NFD", "größe.jpg")),
        ("my pic.jpg", "my%20pic.jpg"),
        ("00012.tif", "00012"),
        ("v1.2.png", "v1.2"),
    ],
)
def test_a_name_written_in_another_way_means_the_picture_that_is_there(resolved, there, written):
    assert resolved([there, "other.jpg"], [written]) == [there]


@pytest.mark.parametrize(
    ("there", "written"),
    [(["a.JPG", "A.jpg"], "a.jpg"), (["a.jpg", "a.png"], "a"), (["a.png"], "a.jpg"), (["100%.jpg"], "100%25.png")],
)
def test_what_may_mean_several_pictures_or_another_means_none(resolved, there, written):
    assert resolved(there, [written]) == [written]


def test_names_without_endings_need_no_header(tmp_path):
    (tmp_path / "images").mkdir()
    for stem in ("00001", "00002"):
        (tmp_path / "images" / f"{stem}.jpg").touch()
    (tmp_path / "caption.csv").write_text("00001,a boat\n00002,a pier\n")
    assert read_captions(tmp_path)["image"].map(os.path.isfile).tolist() == [True, True]


def test_a_column_of_numbers_is_not_taken_for_the_names_beside_it(tmp_path):
    (tmp_path / "images").mkdir()
    for stem in ("0", "1"):
        (tmp_path / "images" / f"{stem}.jpg").touch()
    (tmp_path / "caption.csv").write_text("0,1.jpg,a boat\n1,0.jpg,a pier\n")
    assert read_captions(tmp_path)["image"].map(os.path.basename).tolist() == ["1.jpg", "0.jpg"]
