"""Files and pixels: each fault planted is found at its row, and sound pictures are left in peace."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from rsclip_lab.checks import audit
from rsclip_lab.data import read_captions, sample


@pytest.fixture
def captions(picture_folder):
    return read_captions(picture_folder)


def found(report, kind):
    return report.problems[report.problems["kind"] == kind]


def files_of(captions):
    return captions["image"].drop_duplicates().tolist()


@pytest.mark.parametrize("name", ["coast", "land"])
def test_an_embedded_sample_has_nothing_but_shared_captions_and_directions(name, random_clip):
    report = audit(sample(name), random_clip)
    assert report.ok and set(report.problems["kind"]) == {"shared_caption", "directions"}


@pytest.mark.parametrize("written", ["Beach_0.PNG", "beach_0.jpg", "beach_0_.png"])
def test_for_a_missing_file_the_nearest_name_is_given(captions, written):
    first = files_of(captions)[0]
    wrong = captions.replace({first: str(Path(first).with_name(written))})
    missing = found(audit(wrong), "missing_file")
    assert missing["row"].tolist() == [0] and "there is 'beach_0.png'" in missing["detail"].item()


def test_another_number_is_no_similar_name(captions):
    Path(files_of(captions)[0]).unlink()
    assert "nor one of a similar name" in found(audit(captions), "missing_file")["detail"].item()


def moved(captions, folder):
    return captions.assign(image=[str(folder / Path(file).name) for file in captions["image"]])


def test_a_wrong_folder_is_one_error_that_says_its_whole_path(captions, tmp_path):
    missing = found(audit(moved(captions, tmp_path / "gone")), "missing_folder")
    assert missing["severity"].tolist() == ["error"] and missing["row"].isna().all()
    assert missing["detail"].item() == f"none of 12 pictures is in {tmp_path / 'gone'}: the folder does not exist"
    assert missing["remedy"].item().startswith("give their folder as image_dir")
    by_class = captions.assign(image=[str(tmp_path / f"{i % 3}" / "x.png") + str(i) for i in range(24)])
    assert found(audit(by_class), "missing_folder")["detail"].item() == f"none of 24 pictures is in {tmp_path}"


def test_one_wrong_folder_of_two_and_a_wrong_suffix_all_over(captions, tmp_path):
    both = pd.concat([captions, moved(captions, tmp_path / "gone")], ignore_index=True)
    report = audit(both)
    assert found(report, "missing_folder")["file"].tolist() == [str(tmp_path / "gone")]
    assert found(report, "missing_file").empty
    assert report.fix().captions["image"].tolist() == captions["image"].tolist()
    renamed = captions.assign(image=captions["image"].str.replace(".png", ".jpg"))
    assert "no 'beach_0.jpg', but there is 'beach_0.png'" in found(audit(renamed), "missing_folder")["detail"].item()


def test_all_but_one_missing_are_still_a_wrong_folder(captions, tmp_path):
    table = pd.concat([captions.assign(image=[f"{tmp_path}/{i}.png" for i in range(24)]), captions[:1]])
    assert f"only 1 of 25 pictures is in {tmp_path}" in found(audit(table), "missing_folder")["detail"].item()


def test_relative_and_bare_names_mean_the_current_folder(captions, monkeypatch):
    folder = Path(captions["image"][0]).parent
    monkeypatch.chdir(folder)
    bare = captions.assign(image=[Path(file).name for file in captions["image"]])
    assert audit(bare).ok
    bare.loc[:1, "image"] = "Beach_0.PNG"
    assert "there is 'beach_0.png'" in found(audit(bare), "missing_file")["detail"].item()
    bare.loc[:1, "image"] = "gone/beach_0.png"
    assert f"the folder '{folder}/gone' does not exist" in found(audit(bare), "missing_file")["detail"].item()


@pytest.mark.parametrize("lost", [-9999, -32768])
def test_a_deep_picture_that_is_mostly_one_value_may_have_nodata_without_a_tag(captions, lost):
    files = files_of(captions)
    deep = np.random.default_rng(1).integers(0, 3000, (64, 64, 3))
    empty = np.arange(64)[:, None, None] < 40
    tifffile.imwrite(files[0], np.where(empty, lost, deep)[..., 0].astype(np.int16))
    save(files[1], np.where(empty, 0, 50 + deep // 20))
    nodata = found(audit(captions), "mostly_nodata")
    assert nodata["file"].tolist() == files[:2]
    assert "perhaps nodata without a tag" in nodata["detail"].iloc[0] and "gdal_edit" in nodata["remedy"].iloc[0]
    assert "tag" not in nodata["detail"].iloc[1] + nodata["remedy"].iloc[1]


def test_many_missing_files_are_one_line_of_the_report_and_all_rows_of_the_table(captions):
    for file in files_of(captions)[:9]:
        Path(file).unlink()
    report = audit(captions)
    assert len(found(report, "missing_file")) == 9 and str(report).count("missing_file") == 1


@pytest.mark.parametrize(
    ("name", "kind"),
    [(None, "no_file_name"), (float("nan"), "no_file_name"), ("a\0b", "missing_file"), ("", "no_file_name")],
)
def test_a_cell_without_a_usable_file_name_is_a_finding(captions, name, kind):
    captions["image"] = captions["image"].astype(object)
    captions.loc[3, "image"] = name
    assert found(audit(captions), kind)["row"].tolist() == [3]


def save(file, pixels):
    Image.fromarray(pixels.astype(np.uint8)).save(file)


def test_pixels_in_which_there_is_nothing_to_see(captions):
    files = files_of(captions)
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3))
    save(files[0], np.zeros((64, 64, 3)))
    save(files[1], np.full((64, 64, 3), (9, 80, 7)))
    save(files[2], np.where(np.arange(64)[:, None, None] < 40, 0, noise))
    save(files[3], noise // 20)
    save(files[4], np.where(np.arange(64)[:, None, None] < 30, 0, noise))
    report = audit(captions)
    blank = found(report, "blank_picture")
    assert blank["file"].tolist() == files[:2] and "black" in blank["detail"].iloc[0]
    assert found(report, "mostly_nodata")["file"].tolist() == [files[2]]
    assert "63% of it is black" in found(report, "mostly_nodata")["detail"].item()
    assert found(report, "dark_picture")["file"].tolist() == [files[3]]


def test_long_pictures_and_what_the_crop_loses(captions):
    files = files_of(captions)
    save(files[0], np.random.default_rng(1).integers(0, 256, (50, 200, 3)))
    report = audit(captions)
    assert found(report, "long_picture")["file"].tolist() == [files[0]]
    assert "loses 75%" in found(report, "long_picture")["detail"].item()
    assert "12 sizes from" in found(report, "mixed_sizes")["detail"].item()


def test_sixteen_bits_are_told_and_a_name_that_lies(captions):
    files = files_of(captions)
    deep = np.random.default_rng(1).integers(0, 3000, (60, 60)).astype(np.uint16)
    Image.fromarray(deep).save(files[0])
    Image.open(files[1]).convert("RGB").save(files[1], format="JPEG")
    report = audit(captions)
    stretched, wrong = found(report, "deep_picture"), found(report, "wrong_suffix")
    assert stretched["row"].tolist() == [0] and "16 bits" in stretched["detail"].item()
    assert wrong["file"].tolist() == [files[1]] and "named .png, but its content is JPEG" in wrong["detail"].item()
    assert {*stretched["severity"], *wrong["severity"]} == {"info"}
