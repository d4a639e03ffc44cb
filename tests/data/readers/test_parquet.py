"""Parquet as the hub has it: pictures become files, byte for byte and once; captions become the table."""

import builtins
import io
import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from rsclip_lab.data import CaptionError, read_captions
from rsclip_lab.data.readers import parquet
from rsclip_lab.data.readers.records import ImageFolder


def encoded(seed, kind="JPEG"):
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def row(number, **other):
    name = f"rsicd_images/airport_{number}.jpg"
    picture = {"bytes": encoded(number), "path": None}
    return {"filename": name, "captions": [f"x{number}", f"y{number}"], "image": picture, **other}


def save(path, rows, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path, **options)
    return path


@pytest.fixture
def hub(tmp_path):
    """Two training shards and a validation one, as `arampacha/rsicd` has them."""
    folder = tmp_path / "rsicd"
    hashed = "-0a1b2c3d4e5f6a7b"
    save(folder / "data" / f"train-00000-of-00002{hashed}.parquet", [row(n) for n in range(3)])
    save(folder / "data" / f"train-00001-of-00002-ff{hashed[3:]}.parquet", [row(n) for n in range(3, 5)])
    save(folder / "data" / "valid-00000-of-00001.parquet", [row(5)])
    return folder


def test_the_shards_of_a_hub_set_become_one_table_and_its_pictures_files(hub):
    table = read_captions(hub)
    assert table["caption"].tolist() == [f"{letter}{n}" for n in range(6) for letter in "xy"]
    assert table["split"].tolist() == ["train"] * 10 + ["val"] * 2
    assert table["image_id"].tolist() == [n for n in range(6) for _ in range(2)]
    assert set(table["label"]) == {"airport"}
    for number, image in enumerate(table["image"].unique()):
        assert image == str(hub.parent / "rsicd_images" / "rsicd_images" / f"airport_{number}.jpg")
        assert open(image, "rb").read() == encoded(number)  # verbatim
    assert read_captions(hub, split="val")["image_id"].tolist() == [5, 5]


def test_reading_again_writes_nothing_and_mends_what_is_missing(hub):
    images = read_captions(hub)["image"].unique()
    for image in images:
        os.utime(image, (1, 1))
    os.remove(images[2])
    assert read_captions(hub)["image"].unique().tolist() == images.tolist()
    assert [os.path.getmtime(image) == 1 for image in images] == [True, True, False, True, True, True]
    assert open(images[2], "rb").read() == encoded(2)
    assert not list(hub.parent.rglob("*.part"))


def test_the_folder_for_the_pictures_may_be_given_and_need_not_be_there(hub, tmp_path):
    file = hub / "data" / "valid-00000-of-00001.parquet"
    table = read_captions(file, image_dir=tmp_path / "new" / "place")
    assert table["image"][0] == str(tmp_path / "new" / "place" / "rsicd_images" / "airport_5.jpg")
    assert read_captions(file)["image"][0].startswith(str(hub / "data" / "valid-00000-of-00001_images"))


def test_pictures_of_classes_get_the_names_that_the_hub_keeps(tmp_path):
    features = {"image": {"_type": "Image"}, "label": {"names": ["AnnualCrop", "SeaLake"], "_type": "ClassLabel"}}
    rows = [{"image": {"bytes": encoded(n, "PNG"), "path": f"/gone/{n}"}, "label": n % 2} for n in range(3)]
    table = pa.Table.from_pylist(rows)
    pq.write_table(
        table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})}),
        tmp_path / "e.parquet",
    )
    read = read_captions(tmp_path / "e.parquet")
    assert read["label"].tolist() == ["annual crop land", "sea or lake", "annual crop land"]
    assert [os.path.basename(image) for image in read["image"]] == ["0.png", "1.png", "2.png"]  # by what is in them


def test_pictures_without_any_name_get_one(tmp_path):
    rows = [{"caption": "x", "picture": encoded(n)} for n in range(2)]
    table = read_captions(save(tmp_path / "part-7.parquet", rows))
    assert [os.path.basename(image) for image in table["image"]] == ["part-7_000001.jpg", "part-7_000002.jpg"]


def test_file_names_and_captions_alone_are_read_too(tmp_path):
    rows = [
        {"filename": "a.jpg", "caption": "x", "split": "dev"},
        {"filename": "b.jpg", "caption": "", "split": None},
    ]
    rows.append({"filename": "c.jpg", "caption": None, "split": None})
    table = read_captions(save(tmp_path / "captions.parquet", rows))
    assert table["image"].tolist() == [str(tmp_path / f"{name}.jpg") for name in "abc"]
    assert table["split"].tolist() == ["val", None, None] and table["caption"].tolist() == ["x", "", ""]


def test_a_row_without_its_picture_is_left_to_the_audit(tmp_path):
    table = read_captions(save(tmp_path / "x.parquet", [row(1), row(2, image={"bytes": None, "path": None})]))
    assert [os.path.isfile(image) for image in table["image"].unique()] == [True, False]


def test_memory_does_not_hold_the_file(tmp_path):
    """Pictures of 40 MB in all, in groups of 4 MB; a reader that took the file whole would hold them all."""
    big = np.random.default_rng(0).bytes(200_000)
    rows = [row(n, image={"bytes": n.to_bytes(4, "big") + big, "path": None}) for n in range(200)]
    path = save(tmp_path / "x.parquet", rows, row_group_size=20)
    before, peak = pa.total_allocated_bytes(), 0
    for _ in parquet.read_parquet(path, ImageFolder(tmp_path / "pictures"), set()):
        peak = max(peak, pa.total_allocated_bytes() - before)
    assert 0 < peak < 20_000_000
    assert len(os.listdir(tmp_path / "pictures" / "rsicd_images")) == 200


@pytest.mark.parametrize("name", ["../escape.jpg", "/tmp/escape.jpg", "x/../../escape.jpg"])
def test_pictures_cannot_be_written_outside_the_folder(tmp_path, name):
    path = save(tmp_path / "deep" / "x.parquet", [row(1), row(2, filename=name)])
    with pytest.raises(CaptionError, match="row 2: .*escape.jpg' leads out of the image folder"):
        read_captions(path)
    assert [file.name for file in tmp_path.rglob("*.jpg")] == ["airport_1.jpg"]


def test_a_name_that_is_no_pictures_gets_an_ending_that_is(tmp_path):
    table = read_captions(save(tmp_path / "x.parquet", [row(1, filename="run_me.py")]))
    assert os.path.basename(table["image"][0]) == "run_me.py.jpg"


def test_two_pictures_of_one_name_are_refused_across_shards_too(tmp_path):
    rows = [{"filename": "0.jpg", "caption": "x", "image": {"bytes": encoded(n), "path": None}} for n in range(2)]
    save(tmp_path / "s" / "train.parquet", rows[:1])
    save(tmp_path / "s" / "test.parquet", rows[1:])
    with pytest.raises(CaptionError, match="row 1: another picture is called '0.jpg' too; give each"):
        read_captions(tmp_path / "s")


def test_pictures_that_are_there_are_never_written_over(tmp_path):
    (tmp_path / "images").mkdir()
    mine = tmp_path / "images" / "a.jpg"
    mine.write_bytes(b"my own picture")
    path = save(tmp_path / "x.parquet", [row(1, filename="a.jpg")])
    with pytest.raises(CaptionError, match="row 1: .*a.jpg is there already, with other content; .*empty folder"):
        read_captions(path, image_dir=tmp_path / "images")
    assert mine.read_bytes() == b"my own picture"


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("no folder")
    path = save(tmp_path / "x.parquet", [row(1)])
    with pytest.raises(
        CaptionError, match="row 1: its picture cannot be written to .*; make room, or give another folder"
    ):
        read_captions(path, image_dir=tmp_path / "file")


def test_one_place_spelled_in_two_ways_is_one_name(tmp_path):
    path = save(tmp_path / "x.parquet", [row(1, filename="a.jpg"), row(2, filename="./b/../a.jpg")])
    with pytest.raises(CaptionError, match="row 2: another picture is called"):
        read_captions(path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"filename": "a.jpg", "caption": 3}], "row 1 .a.jpg.: the caption is a number"),
        ([{"filename": None, "caption": "x"}], "row 1: the file name is null"),
        ([{"words": "x"}], "row 1: no file name among the keys"),
        ([{"filename": "a.jpg", "width": 7}], "row 1 .a.jpg.: no caption among the keys"),
        ([{"filename": 7, "caption": "x", "image": {"bytes": b"BM", "path": ""}}], "row 1: the file name is no text"),
        ([{"caption": "x", "image": {"bytes": b"BM", "path": 7}}], "row 1: the file name is no text"),
    ],
)
def test_wrong_rows_are_named(tmp_path, rows, message):
    path = save(tmp_path / "x.parquet", rows)
    with pytest.raises(CaptionError, match=f"x.parquet, {message}"):
        read_captions(path)


def test_damaged_files_are_named(hub):
    file = hub / "data" / "valid-00000-of-00001.parquet"
    whole = file.read_bytes()
    for data in (b"", b"PAR1", whole[:-50], b"\0" * 200):
        file.write_bytes(data)
        with pytest.raises(CaptionError, match="valid-.*no readable parquet file .*; download it again"):
            read_captions(file)
    damaged = bytearray(whole)
    damaged[30:200] = os.urandom(170)
    file.write_bytes(damaged)
    with pytest.raises(CaptionError, match="valid-"):
        read_captions(file)


def test_without_pyarrow_the_message_says_what_to_install(hub, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(CaptionError, match=r'pip install "rsclip-lab\[parquet\]"'):
        read_captions(hub)


def test_a_picture_of_equal_size_from_another_revision_is_not_taken_for_the_same(tmp_path):
    old, new = encoded(1, "BMP"), encoded(2, "BMP")
    assert len(old) == len(new) and old != new
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.bmp").write_bytes(old)
    path = save(tmp_path / "x.parquet", [row(1, filename="a.bmp", image={"bytes": new, "path": None})])
    with pytest.raises(CaptionError, match="row 1: .*a.bmp is there already, with other content; remove it"):
        read_captions(path, image_dir=tmp_path / "images")
    assert (tmp_path / "images" / "a.bmp").read_bytes() == old


def test_a_picture_that_comes_once_a_caption_is_one_file(tmp_path):
    rows = [row(1, captions=[text]) for text in ("x", "y")]
    table = read_captions(save(tmp_path / "x.parquet", rows))
    assert table["caption"].tolist() == ["x", "y"] and table["image_id"].tolist() == [0, 0]


@pytest.mark.parametrize("column", ["file_name", "filename", "path", "name"])
def test_the_table_names_the_file_that_was_written(tmp_path, column):
    rows = [{column: f"tile_{n}", "image": encoded(n, "PNG"), "caption": f"x{n}"} for n in range(2)]
    table = read_captions(save(tmp_path / "x.parquet", rows))
    assert [os.path.basename(image) for image in table["image"]] == ["tile_0.png", "tile_1.png"]
    assert [open(image, "rb").read() for image in table["image"]] == [encoded(n, "PNG") for n in range(2)]


@pytest.mark.parametrize(("kind", "suffix"), [("WEBP", ".webp"), ("JPEG2000", ".jp2"), ("TIFF", ".tif")])
def test_the_ending_of_a_nameless_picture_is_that_of_its_format(tmp_path, kind, suffix):
    table = read_captions(save(tmp_path / "x.parquet", [{"caption": "x", "picture": encoded(1, kind)}]))
    assert table["image"][0].endswith(f"x_000001{suffix}")
