"""Whatever the layout, one table; whatever is wrong, a message that says where and what to do."""

import os

import pandas as pd
import pytest
from PIL import Image

from rsclip_lab.data import CaptionError, distinct_images, read_captions, split_by_image

COLUMNS = ["image", "caption", "image_id", "split", "label"]


@pytest.fixture
def write(tmp_path):
    """Writes a caption.csv beside an images folder with a.png, b.png and c.png, and gives its path."""
    (tmp_path / "images").mkdir()
    for name in "abc":
        Image.new("RGB", (4, 4), name and "green").save(tmp_path / "images" / f"{name}.png")

    def write_text(text, encoding="utf-8"):
        path = tmp_path / "caption.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write_text


def test_a_folder_and_its_file_give_the_same_table(picture_folder):
    table = read_captions(picture_folder)
    assert list(table.columns) == COLUMNS and len(table) == 24
    assert table.equals(read_captions(picture_folder / "caption.csv"))
    assert table.equals(read_captions(str(picture_folder), image_dir=picture_folder / "images"))
    assert all(os.path.isabs(image) and os.path.isfile(image) for image in table["image"])
    assert table["image_id"].tolist() == [i for i in range(12) for _ in range(2)]


def test_a_split_keeps_the_ids_of_the_whole(picture_folder):
    whole, test = read_captions(picture_folder), read_captions(picture_folder, split="test")
    assert set(test["split"]) == {"test"} and list(test.index) == list(range(6))
    ids = whole.set_index("image")["image_id"].to_dict()
    assert all(ids[image] == i for image, i in zip(test["image"], test["image_id"], strict=True))
    with pytest.raises(CaptionError, match="no rows of split 'holdout'; splits there: test, train, val"):
        read_captions(picture_folder, split="holdout")


@pytest.mark.parametrize(
    "text",
    [
        "filename,caption\na.png,a boat\nb.png,a pier\n",
        "a.png,a boat\nb.png,a pier\n",  # no header
        "caption,filename\na boat,a.png\na pier,b.png\n",
        "photo,words\na.png,a boat\n\nb.png,a pier",  # other words, a blank line, no last newline
        "filepath,title\r\na.png,a boat\r\nb.png,a pier\r\n",
        "\ufefffilename,caption\nimages/a.png, a boat \nC:\\data\\b.png,a pier\n",
        "id,caption,Image\n7,a boat,a.png\n8,a pier,b.png\n",
    ],
)
def test_layouts_seen_in_the_wild(write, text):
    table = read_captions(write(text))
    assert table["caption"].tolist() == ["a boat", "a pier"]
    assert [os.path.basename(image) for image in table["image"]] == ["a.png", "b.png"]
    assert all(map(os.path.isfile, table["image"]))
    assert table["split"].tolist() == table["label"].tolist() == [None, None]


def test_label_and_split_are_found_by_name_and_split_names_are_made_one(write):
    table = read_captions(
        write("split,filename,label,caption\nvalid,a.png,port,x\nTraining,b.png,,y\n,c.png,bay,z\n")
    )
    assert table["split"].tolist() == ["val", "train", None]
    assert table["label"].tolist() == ["port", None, "bay"]
    assert (
        len(read_captions(table["image"][0].replace("images/a.png", "caption.csv"), split="validation")) == 1
    )


def test_captions_with_commas_quotes_and_other_letters(write):
    text = 'filename,caption\na.png,"boats, ""many"" of them"\nb.png,一个港口\n'
    for encoding in ("utf-8", "gb18030"):
        table = read_captions(write(text, encoding))
        assert table["caption"].tolist() == ['boats, "many" of them', "一个港口"]


def test_a_missing_picture_is_left_to_the_audit(write):
    table = read_captions(write("filename,caption\nnowhere.png,x\n"))
    assert table["image"][0].endswith("nowhere.png")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("filename,caption\n", "no captions in it"),
        ("filename,label\na.png,port\n", 'line 1: no column of captions.*name it "caption"'),
        ("filename,words\na.png,port\n", "no column of captions among .*words"),
        ("label,caption\nport,x\n", "no column of file names"),
        ("filename\na.png\n", "no column of captions"),
        ("a.png\nb.png\n", "no column of captions"),
        ("filename,caption\na.png,boats, many\n", "line 2: 3 cells where 2 are expected; .*double quotes"),
        ("filename,caption\na.png,x\nb.png\n", "line 3: 1 cells"),
        ("filename,caption\na.png,x\n,y\n", "line 3: no file name"),
        ('filename,caption\na.png,"x\nb.png,y\n', "line 3: .*double quotes"),
    ],
)
def test_errors_name_file_line_cause_and_remedy(write, text, message):
    path = write(text)
    with pytest.raises(CaptionError, match=message) as raised:
        read_captions(path)
    assert str(path) in str(raised.value)


def test_missing_files_and_folders_are_named(tmp_path, write):
    with pytest.raises(CaptionError, match="nothing_here: no such file or folder"):
        read_captions(tmp_path / "nothing_here")
    with pytest.raises(CaptionError, match="images: no caption.csv in this folder"):
        read_captions(tmp_path / "images")
    with pytest.raises(CaptionError, match="elsewhere: no such image folder; correct image_dir"):
        read_captions(write("a.png,x\n"), image_dir=tmp_path / "elsewhere")


def test_bytes_that_are_no_text_are_refused(write):
    path = write("")
    path.write_bytes(b"\xff\xff\xff\xff")
    with pytest.raises(CaptionError, match="save it as UTF-8"):
        read_captions(path)


def test_distinct_images_gives_one_row_a_picture(picture_folder):
    table = read_captions(picture_folder)
    pictures = distinct_images(table)
    assert list(pictures.columns) == ["image", "image_id", "split", "label"]
    assert pictures["image"].tolist() == list(dict.fromkeys(table["image"]))


@pytest.fixture
def many(tmp_path):
    lines = [
        f"{label}_{i}.jpg,caption {i} {k},{label}"
        for label in ("x", "y")
        for i in range(20)
        for k in range(3)
    ]
    (tmp_path / "caption.csv").write_text("filename,caption,label\n" + "\n".join(lines))
    return read_captions(tmp_path)


def test_a_split_is_by_picture_in_equal_shares_of_each_label(many):
    split = split_by_image(many, validation=0.1, test=0.2, seed=3)
    assert split.groupby("image_id")["split"].nunique().eq(1).all()
    counts = distinct_images(split).groupby(["label", "split"]).size()
    for label in ("x", "y"):
        assert counts[label].to_dict() == {"test": 4, "train": 14, "val": 2}
    assert many["split"].isna().all()  # the table given is not changed


def test_the_seed_decides_the_split_and_unlabelled_pictures_are_split_too(many):
    first = split_by_image(many, seed=3)
    assert first.equals(split_by_image(many, seed=3))
    assert not first.equals(split_by_image(many, seed=4))
    counts = distinct_images(split_by_image(many.assign(label=None)))["split"].value_counts()
    assert counts.to_dict() == {"train": 28, "test": 8, "val": 4}
    with pytest.raises(CaptionError, match="leave nothing to train on"):
        split_by_image(many, validation=0.5, test=0.5)


@pytest.mark.parametrize("name", ["../outside.jpg", "../../etc/hostname", "/etc/hostname"])
def test_a_file_name_that_leaves_the_image_folder_is_refused_with_its_line(tmp_path, name):
    (tmp_path / "images").mkdir()
    (tmp_path / "caption.csv").write_text(f"filename,caption\na.jpg,a pier\n{name},a secret\n")
    with pytest.raises(CaptionError, match="line 3.*leads out of the image folder"):
        read_captions(tmp_path)


def test_western_single_byte_text_is_refused_and_chinese_is_read(tmp_path):
    western, chinese = tmp_path / "western.csv", tmp_path / "chinese.csv"
    western.write_bytes("filename,caption\na.jpg,bâtiment près du port\n".encode("cp1252"))
    chinese.write_bytes("filename,caption\na.jpg,一个港口和许多船\n".encode("gb18030"))
    with pytest.raises(CaptionError, match="western.csv.*save it as UTF-8"):
        read_captions(western)
    assert read_captions(chinese)["caption"].tolist() == ["一个港口和许多船"]


@pytest.mark.parametrize("text", ["a.jpg;a pier, long\nb.jpg;a reef, wide\n", "filename;caption\na.jpg;a pier\n"])
def test_another_separator_is_named(tmp_path, text):
    (tmp_path / "caption.csv").write_text(text)
    with pytest.raises(CaptionError, match="separated by semicolons"):
        read_captions(tmp_path / "caption.csv")


def test_tables_put_together_keep_all_their_pictures(picture_folder):
    table = read_captions(picture_folder)
    other = table.assign(image=table["image"] + ".other")  # its image_id counts from 0 again
    assert len(distinct_images(pd.concat([table, other]))) == 2 * len(distinct_images(table))
