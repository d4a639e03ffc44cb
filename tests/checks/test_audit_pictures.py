"""Files and pixels: each fault planted is found at its row, and sound pictures are left in peace."""

from pathlib import Path

import numpy as np
import pytest
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


def test_a_missing_folder_is_named_without_its_place_on_this_machine(captions, tmp_path):
    moved = captions.assign(image=[str(tmp_path / "gone" / Path(file).name) for file in captions["image"]])
    report = audit(moved)
    assert len(found(report, "missing_file")) == 12 and "the folder 'gone'" in str(report)
    assert str(tmp_path) not in str(report) + report._repr_html_()


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
