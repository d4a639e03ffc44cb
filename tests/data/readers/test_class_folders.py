"""One folder a class: labels in words, captions from templates, splits from folders."""

import os

import pytest
from PIL import Image

from rsclip_lab.data import CaptionError, read_captions


@pytest.fixture
def draw(tmp_path):
    def draw_pictures(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (4, 4)).save(tmp_path / name)
        return tmp_path

    return draw_pictures


def test_a_folder_a_class(draw):
    table = read_captions(draw("AnnualCrop/AnnualCrop_1.jpg", "AnnualCrop/x.png", "SeaLake/x.png"))
    assert [os.path.relpath(image, os.path.dirname(os.path.dirname(image))) for image in table["image"]] == [
        "AnnualCrop/AnnualCrop_1.jpg",
        "AnnualCrop/x.png",
        "SeaLake/x.png",
    ]
    assert table["label"].tolist() == ["annual crop land", "annual crop land", "sea or lake"]
    assert table["caption"].tolist() == [f"a satellite view of {label}" for label in table["label"]]
    assert table["image_id"].tolist() == [0, 1, 2] and table["split"].isna().all()


def test_a_folder_a_split_above_the_classes(draw):
    folder = draw("train/Forest/a.jpg", "validation/Forest/b.jpg", "test/River/a.jpg")
    table = read_captions(folder)
    assert sorted(zip(table["split"], table["label"], strict=True)) == [
        ("test", "river"),
        ("train", "forest"),
        ("val", "forest"),
    ]
    assert read_captions(folder, split="test")["label"].tolist() == ["river"]
    with pytest.raises(CaptionError, match="no captions in this folder"):
        read_captions(folder / "test")  # one class: nothing to tell apart


def test_folders_around_the_classes_do_no_harm(draw):
    table = read_captions(
        draw("UCMerced_LandUse/Images/golfcourse/golfcourse00.tif", "UCMerced_LandUse/Images/beach/beach00.tif")
    )
    assert table["label"].tolist() == ["beach", "golf course"]


def test_what_systems_leave_behind_is_no_picture(draw):
    folder = draw("a/x.jpg", "b/x.jpg", "a/.ipynb_checkpoints/x.jpg", "__MACOSX/a/x.jpg", "b/._x.jpg")
    assert len(read_captions(folder)) == 2


def test_templates_give_one_caption_each(draw):
    folder = draw("Forest/a.jpg", "River/a.jpg")
    table = read_captions(folder, templates=["{label} from above", "an image of {label}, {label}"])
    assert table["caption"].tolist()[:2] == ["forest from above", "an image of forest, forest"]
    assert table["image_id"].tolist() == [0, 0, 1, 1]
    assert read_captions(folder, templates="{label}")["caption"].tolist() == ["forest", "river"]
    for wrong in ([], "no place", ["{label}", 7]):
        with pytest.raises(CaptionError, match="templates?.*label"):
            read_captions(folder, templates=wrong)


@pytest.mark.parametrize(
    "names",
    [
        ["images/a.jpg"],
        ["images/a.jpg", "more/a.jpg"],
        ["train/a.jpg", "test/a.jpg"],
        ["a.jpg", "Forest/a.jpg", "River/b.jpg"],
        ["Forest/a.jpg", "River/deep/b.jpg"],
        [],
    ],
)
def test_other_folders_of_pictures_are_not_taken_for_classes(draw, names):
    with pytest.raises(CaptionError, match=rf"no captions in this folder .{len(names)} pictures.; put caption.csv"):
        read_captions(draw(*names))
