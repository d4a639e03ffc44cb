"""VOC, DOTA and YOLO folders as people have them: layouts, splits, class lists, and errors with file and line."""

import re

import pytest
from detection_sets import Object, read, write_dota, write_pictures, write_voc, write_yolo
from PIL import Image

from rsclip_lab.data.readers import read_captions
from rsclip_lab.data.readers.detection import detection_reader
from rsclip_lab.data.readers.detection.dota import dota_scenes
from rsclip_lab.data.readers.detection.voc import voc_scenes
from rsclip_lab.data.readers.detection.yolo import yolo_scenes
from rsclip_lab.data.readers.records import ImageFolder
from rsclip_lab.data.table import CaptionError

SHIP = Object("ship", 2, 3, 12, 9)
VOC_SHIP = (
    "<object><name>ship</name><bndbox><xmin>3</xmin><ymin>4</ymin><xmax>12</xmax><ymax>9</ymax></bndbox></object>"
)


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (60, 60)).save(path)


def splits(table):
    return {image.rpartition("/")[2]: split for image, split in zip(table["image"], table["split"], strict=True)}


@pytest.mark.parametrize(
    "write, scenes", [(write_voc, voc_scenes), (write_dota, dota_scenes), (write_yolo, yolo_scenes)]
)
def test_the_box_is_where_it_was_written(tmp_path, write, scenes):
    source = write(tmp_path, {"a": [SHIP]})
    (scene,) = scenes(source, ImageFolder.beside(source))
    (box,) = scene.boxes
    scale = 61 / scene.width, 49 / scene.height  # YOLO's are fractions
    edges = [box.left * scale[0], box.top * scale[1], box.right * scale[0], box.bottom * scale[1]]
    assert edges == pytest.approx([2, 3, 12, 9]) and box.kind == "ship"


def test_voc_splits_come_from_the_lists_and_a_test_picture_stays_one(tmp_path):
    write_voc(tmp_path, {name: [SHIP] for name in "abcd"})
    for split, names in {"train": "a\nb\n", "val": "c 1\n", "test": "b\n"}.items():
        put(tmp_path / "ImageSets" / "Main" / f"{split}.txt", names)
    assert splits(read(tmp_path)) == {"a.png": "train", "b.png": "test", "c.png": "val", "d.png": None}


def test_voc_files_beside_the_pictures_of_each_split(tmp_path):
    for split in ("train", "valid"):
        picture(tmp_path / split / f"{split}.jpg")
        put(tmp_path / split / f"{split}.xml", f"<annotation>{VOC_SHIP}</annotation>")
        put(tmp_path / split / f"{split}.jpg.aux.xml", "<PAMDataset/>")
    assert splits(read(tmp_path)) == {"train.jpg": "train", "valid.jpg": "val"}


def test_a_voc_picture_is_found_by_the_xml_files_name_where_filename_is_stale(tmp_path):
    write_voc(tmp_path, {"a": [SHIP]})
    path = tmp_path / "Annotations" / "a.xml"
    path.write_text(path.read_text().replace("a.png", "/home/somebody/old_name.jpg"))
    assert set(read(tmp_path)["image"]) == {str(tmp_path / "JPEGImages" / "a.png")}


def test_a_voc_picture_that_is_missing_is_the_audits_to_name(tmp_path):
    write_voc(tmp_path, {"a": [SHIP]})
    (tmp_path / "JPEGImages" / "a.png").unlink()
    assert set(read(tmp_path)["image"]) == {str(tmp_path / "JPEGImages" / "a.png")}


def test_a_voc_file_without_a_size_takes_the_pictures(tmp_path):
    picture(tmp_path / "a.png")
    middle = VOC_SHIP.replace("12", "57").replace("9", "56")
    put(tmp_path / "Annotations" / "a.xml", f"<annotation>{middle}<size><width>0</width></size></annotation>")
    assert re.search("centre|middle", read(tmp_path)["caption"][0]) and "away" not in read(tmp_path)["caption"][1]


@pytest.mark.parametrize(
    "labels, row",
    [
        ("labelTxt", "1 1 9 1 9 9 1 9 ship 0"),
        ("labelTxt-v1.5", "1 1 9 1 9 9 1 9 ship 0"),
        ("labels", "0 0.1 0.1 0.1 0.1"),
    ],
)
@pytest.mark.parametrize(
    "pictures, texts",
    [("{split}/images", "{split}/{labels}"), ("images/{split}", "{labels}/{split}"), ("{split}", "{split}/{labels}")],
)
def test_dota_and_yolo_take_the_picture_of_their_own_split(tmp_path, labels, row, pictures, texts):
    for split in ("train", "val", "test"):  # all pictures have the same name
        picture(tmp_path / pictures.format(split=split) / "a.png")
        put(tmp_path / texts.format(split=split, labels=labels) / "a.txt", row)
    put(tmp_path / "classes.txt", "ship")
    table = read(tmp_path)
    assert len(table) == 15
    for image, split in zip(table["image"], table["split"], strict=True):
        assert f"/{split}/" in image.removeprefix(str(tmp_path))


def test_dota_header_lines_blank_lines_and_difficult_objects(tmp_path):
    write_pictures(tmp_path / "images", "a")
    rows = "imagesource:GoogleEarth\r\ngsd:null\r\n\r\n1 1 9 1 9 9 1 9 ship 1\r\n1 20 9 20 9 30 1 30 ship\r\n"
    put(tmp_path / "labelTxt" / "a.txt", "\ufeff" + rows)
    assert all("two ships" in caption for caption in read(tmp_path)["caption"])


def test_a_yolo_polygon_becomes_the_box_around_it(tmp_path):
    write_pictures(tmp_path / "images", "a")
    put(tmp_path / "labels" / "a.txt", "1 0.1 0.5 0.3 0.2 0.4 0.9")
    put(tmp_path / "classes.txt", "ship\nharbour\n")
    ((box,),) = (scene.boxes for scene in yolo_scenes(tmp_path, ImageFolder.beside(tmp_path)))
    assert (box.kind, box.left, box.top, box.right, box.bottom) == ("harbour", 0.1, 0.2, 0.4, 0.9)


@pytest.mark.parametrize(
    "name, text",
    [("data.yaml", "names: [ship, bus]"), ("data.yaml", "names:\n  1: bus\n  0: ship"), ("classes.txt", "ship\nbus"),
     ("obj.names", "\ufeffship\r\nbus\r\n"), ("labels/classes.txt", "ship\nbus")],
)  # fmt: skip
def test_yolo_class_names_from_any_of_their_files(tmp_path, name, text):
    write_yolo(tmp_path, {"a": [Object("bus", 1, 1, 9, 9)]})
    (tmp_path / "data.yaml").unlink()
    put(tmp_path / "labels" / "a.txt", "1 0.1 0.1 0.1 0.1")
    put(tmp_path / name, text)
    assert set(read(tmp_path)["label"]) == {"bus"}


def test_yolo_rows_beside_the_pictures_and_other_texts_there(tmp_path):
    picture(tmp_path / "a.jpg")
    put(tmp_path / "a.txt", "0 0.5 0.5 0.1 0.1\n")
    put(tmp_path / "readme.txt", "Boxes drawn by hand.\n")
    put(tmp_path / "classes.txt", "tennis-court\n")
    assert set(read(tmp_path)["label"]) == {"tennis court"}


def test_pictures_elsewhere_are_found_by_their_stem(tmp_path):
    put(tmp_path / "set" / "labelTxt" / "P1.txt", "1 1 9 1 9 9 1 9 ship 0")
    picture(tmp_path / "pictures" / "part 1" / "P1.png")
    table = read(tmp_path / "set" / "labelTxt", tmp_path / "pictures")
    assert set(table["image"]) == {str(tmp_path / "pictures" / "part 1" / "P1.png")}


def test_a_picture_without_objects_is_left_out_and_counted(tmp_path):
    write_yolo(tmp_path, {"a": [SHIP], "b": [], "c": []})
    with pytest.warns(UserWarning, match=r"without captions: 2 .*b.png, ….") as caught:
        assert len(read_captions(tmp_path)) == 5
    assert [warning.filename for warning in caught] == [__file__]


def test_folders_of_other_kinds_are_left_to_other_readers(tmp_path, picture_folder):
    picture(tmp_path / "classes" / "labels" / "a.png")  # a class of that name
    picture(tmp_path / "texts" / "a.jpg")
    put(tmp_path / "texts" / "a.txt", "a caption of five words or more")
    put(tmp_path / "texts" / "classes.txt", "ship")
    put(tmp_path / "xml" / "a.xml", "<PAMDataset/>")
    (tmp_path / "empty" / "Annotations").mkdir(parents=True)
    for folder in ("classes", "texts", "xml", "empty", "missing", "null\0byte"):
        assert detection_reader(tmp_path / folder) is None
    assert detection_reader(picture_folder) is None


GOOD_DOTA = "1 1 9 1 9 9 1 9 ship 0\n"


@pytest.mark.parametrize(
    "file, text, words",
    [
        ("labelTxt/a.txt", GOOD_DOTA + "1 1 9 1 9 9 1 ship 0", "a.txt, line 2:.*not all numbers"),
        ("labelTxt/a.txt", GOOD_DOTA + "1 1 9 1 9 9", "a.txt, line 2: 6 fields where x1 y1"),
        ("labelTxt/a.txt", "x 1 9 1 9 9 1 9 ship 0", "a.txt, line 1:.*not all numbers"),
        ("labelTxt/a.txt", b"\x81\x8d\x8f ship", "a.txt.*UTF-8"),
        ("labelTxt/z.txt", GOOD_DOTA, r"z.txt: no picture z\.\* in"),
        ("labels/a.txt", "0 0.1 0.1 0.1 0.1\n0 0.1 0.1 0.1", "a.txt, line 2: 4 fields where class x y"),
        ("labels/a.txt", "0 0.1 0.1 0.1 0.1 0.9 0.8 0.7", "a.txt, line 1: 8 fields"),
        ("labels/a.txt", "0 320 240 50 60", "a.txt, line 1: coordinates above 1, so pixels"),
        ("labels/a.txt", "9 0.1 0.1 0.1 0.1", "a.txt, line 1: class 9 is not among the 2 names"),
        ("labels/a.txt", "ship 0.1 0.1 0.1 0.1", "a.txt, line 1:.*not all numbers"),
        ("Annotations/a.xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "a.xml: XML with a DOCTYPE"),
        ("Annotations/a.xml", "<annotation><object>", "a.xml: not XML"),
        ("Annotations/a.xml", "", "a.xml: not XML"),
        ("Annotations/a.xml", "<a><object><name>b</name></object></a>", "a.xml, object 1: no bndbox"),
        ("Annotations/a.xml", f"<a>{VOC_SHIP.replace('ship', ' ')}</a>", "a.xml, object 1: no name"),
        ("Annotations/a.xml", f"<a>{VOC_SHIP.replace('12', 'x')}</a>", "a.xml, object 1:.*not all numbers"),
        ("Annotations/z.xml", f"<a>{VOC_SHIP}</a>", "z.xml: no filename"),
        ("Annotations/z.xml", "<a><filename>../../b.jpg</filename><size><width>9</width><height>9</height></size>"
         f"{VOC_SHIP}</a>", "z.xml: '../../b.jpg' leads out of the image folder"),
    ],
)  # fmt: skip
def test_errors_name_the_file_the_line_and_a_remedy(tmp_path, file, text, words):
    picture(tmp_path / "images" / "a.png")
    put(tmp_path / "classes.txt", "ship\nbus\n")
    put(tmp_path / file, text)
    with pytest.raises(CaptionError, match=f"(?s)({words}).*; "):
        read(tmp_path)


@pytest.mark.parametrize(
    "text, words",
    [("names: 3", "no list of class names"), ("names: [[1]]", "no list of class names"), ("a: [", "not YAML"),
     ("names: !!python/object/apply:os.system ['true']", "not YAML"), ("- 1", "no list of class names")],
)  # fmt: skip
def test_a_broken_list_of_classes_is_named(tmp_path, text, words):
    write_yolo(tmp_path, {"a": [SHIP]})
    put(tmp_path / "data.yaml", text)
    with pytest.raises(CaptionError, match=f"data.yaml.*{words}.*; "):
        read(tmp_path)


def test_yolo_without_a_list_of_classes_is_an_error(tmp_path):
    write_yolo(tmp_path, {"a": [SHIP]})
    (tmp_path / "data.yaml").unlink()
    with pytest.raises(CaptionError, match="no class names; put a data.yaml"):
        read(tmp_path)


def test_two_pictures_or_two_annotation_files_of_one_name_are_refused(tmp_path):
    write_dota(tmp_path, {"a": [SHIP]})
    picture(tmp_path / "images" / "a.jpg")
    with pytest.raises(CaptionError, match="a.txt: belongs to any of a.jpg, a.png; keep one"):
        read(tmp_path)
    (tmp_path / "images" / "a.jpg").unlink()
    put(tmp_path / "labelTxt" / "again" / "a.txt", GOOD_DOTA)
    with pytest.raises(CaptionError, match="again/a.txt: belongs to a.png, as .*a.txt does; keep one"):
        read(tmp_path)


def test_a_file_of_gigantic_size_is_refused_unread(tmp_path):
    write_dota(tmp_path, {"a": [SHIP]})
    with open(tmp_path / "labelTxt" / "a.txt", "wb") as file:
        file.truncate(10 * 2**30)
    with pytest.raises(CaptionError, match="a.txt: .*GB of text, more than the limit"):
        read(tmp_path)


def test_a_picture_of_another_split_is_not_taken_for_the_annotations(tmp_path):
    picture(tmp_path / "images" / "val" / "a.png")
    put(tmp_path / "labelTxt" / "train" / "a.txt", GOOD_DOTA)
    with pytest.raises(CaptionError, match=r"train/a.txt: no picture a\.\*"):
        read(tmp_path)


def test_yolo_as_darknet_keeps_it(tmp_path):
    picture(tmp_path / "obj_train_data" / "a.jpg")
    put(tmp_path / "obj_train_data" / "a.txt", "1 0.5 0.5 0.1 0.1\n")
    put(tmp_path / "obj.names", "ship\nbus\n")
    assert set(read(tmp_path)["label"]) == {"bus"}
