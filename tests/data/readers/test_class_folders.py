"""One folder a class: labels in words, captions from templates, splits from folders."""

import os

import pytest
from PIL import Image

from rsclip_lab.data import CaptionError, read_captions
from rsclip_lab.data.formats.signatures import IMAGE_SUFFIXES


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


@pytest.mark.parametrize(
    ("names", "obstacle"),
    [
        (["overview.jpg", "Forest/a.jpg", "River/b.jpg"], "the picture overview.jpg is not in as many folders"),
        (["Forest/a.jpg", "River/b.jpg", "River/old/c.jpg"], "the picture River/old/c.jpg is not in as many"),
        (["train/Forest/a.jpg", "train/River/a.jpg", "holdout/River/b.jpg"], "holdout is not called train, val or"),
        (["Forest/a.jpg", "River/a.jpg", "masks/a.jpg"], "the folder masks is not called after a class"),
    ],
)
def test_what_keeps_folders_from_being_classes_is_named(draw, names, obstacle):
    with pytest.raises(CaptionError, match=f"{obstacle}.*; move or rename it, or name the folder they are in"):
        read_captions(draw(*names))


def test_a_table_of_something_else_beside_folders_of_classes_is_named(draw):
    folder = draw("Forest/a.jpg", "River/b.jpg")
    (folder / "areas.csv").write_text("class,hectares\nForest,7\nRiver,8\n")
    with pytest.raises(CaptionError, match="areas.csv, line 1: .*where areas.csv is not about captions, move it"):
        read_captions(folder)


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


def test_folders_that_links_lead_to_are_classes_too(draw, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    draw("elsewhere/a.png", "set/Forest/b.png")
    (tmp_path / "set" / "River").symlink_to("../elsewhere")
    table = read_captions(tmp_path / "set")
    assert table["label"].tolist() == ["forest", "river"]
    assert table["image"].tolist() == [str(tmp_path / "set" / name) for name in ("Forest/b.png", "River/a.png")]


def test_links_in_circles_are_followed_once(draw):
    folder = draw("Forest/a.png", "River/b.png")
    for link, target in (("A", "River"), ("River/to", "../Forest"), ("River/up", ".."), ("River/me", "me")):
        (folder / link).symlink_to(target)
    assert [os.path.relpath(image, folder) for image in read_captions(folder)["image"]] == [
        "Forest/a.png",
        "River/b.png",
    ]


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_pictures_of_every_ending_that_is_opened_are_found(tmp_path, suffix):
    for name in ("Forest", "River"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"a{suffix.upper()}").touch()
    assert len(read_captions(tmp_path)) == 2
    (tmp_path / "x.csv").write_text(f"a harbour with many ships,a{suffix}\n")
    assert read_captions(tmp_path / "x.csv")["caption"].tolist() == ["a harbour with many ships"]
