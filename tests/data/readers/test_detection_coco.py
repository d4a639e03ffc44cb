"""COCO's JSON: the boxes its own tools read, its captions as they are, and errors that name the annotation."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from detection_sets import Object, read, write_coco
from pycocotools.coco import COCO
from test_detection_sentences import WORDS

from rsclip_lab.data.readers.detection import detection_reader
from rsclip_lab.data.readers.detection.boxes import within
from rsclip_lab.data.readers.detection.coco import coco_scenes, load_coco
from rsclip_lab.data.readers.records import ImageFolder
from rsclip_lab.data.table import CaptionError

COAST = Path(__file__).parents[3] / "data" / "coast" / "annotations.json"
GOOD = {
    "images": [{"id": 1, "file_name": "a.png", "width": 90, "height": 90}],
    "annotations": [{"id": 5, "image_id": 1, "category_id": 2, "bbox": [1, 1, 9, 9]}],
    "categories": [{"id": 2, "name": "ship"}],
}


def written(tmp_path, data):
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def coast():
    with pytest.warns(UserWarning, match="without captions: 131"):
        return read(COAST)


def test_the_boxes_are_those_of_cocos_own_tools(capsys):
    coco = COCO(str(COAST))
    names = {category["id"]: category["name"] for category in coco.loadCats(coco.getCatIds())}
    scenes = list(coco_scenes(load_coco(COAST), COAST, ImageFolder.beside(COAST)))
    assert len(scenes) == len(coco.getImgIds()) == 840
    for scene in scenes:
        image = coco.imgs[int(scene.where.removeprefix("image "))]
        annotations = coco.loadAnns(coco.getAnnIds(image["id"]))
        boxes = [(names[a["category_id"]], *a["bbox"], bool(a["iscrowd"])) for a in annotations]
        assert scene.file == image["file_name"] and (scene.width, scene.height) == (image["width"], image["height"])
        assert [(b.kind, b.left, b.top, b.right - b.left, b.bottom - b.top, b.crowd) for b in scene.boxes] == boxes
        assert within(scene.boxes, scene.width, scene.height) == list(scene.boxes)


def test_captions_of_the_sample_say_the_numbers_its_annotations_have(coast):
    data = json.loads(COAST.read_text(encoding="utf-8"))
    kinds = {category["id"]: category["name"] for category in data["categories"]}
    counts = Counter((a["image_id"], kinds[a["category_id"]]) for a in data["annotations"] if not a["iscrowd"])
    captions = {Path(image).name: own["caption"].iloc[2] for image, own in coast.groupby("image")}
    checked = 0
    for image in data["images"]:
        for kind in ("cargo ship", "submarine", "truck", "small boat"):
            if 2 <= (count := counts[image["id"], kind]) <= 10:
                assert re.search(rf"\b{WORDS[count]} {kind}s\b", captions[image["file_name"]])
                checked += 1
    assert checked > 50


def test_every_picture_with_objects_has_five_captions_its_split_and_perhaps_a_label(coast):
    assert set(coast.groupby("image").size()) == {5}
    assert set(coast["split"]) == {"train", "val", "test"}
    cages = coast[coast["image"].str.endswith("aquaculture_cages_029.jpg")]
    assert set(cages["label"]) == {"cage"} and coast["label"].isna().any()


def test_caption_files_give_their_captions_as_they_are(tmp_path):
    annotations = [{"id": 1, "image_id": 7, "caption": "A ship. "}, {"id": 2, "image_id": 7, "caption": "Blue sea"}]
    images = [{"id": 7, "file_name": "x.jpg"}, {"id": 8, "file_name": "y.jpg"}]
    path = tmp_path / "captions_val2017.json"
    path.write_text(json.dumps({"info": {}, "images": images, "annotations": annotations}))
    table = read(path)
    assert list(table["caption"]) == ["A ship.", "Blue sea"]
    assert set(table["split"]) == {"val"} and set(table["label"]) == {None}


def test_other_json_is_left_to_other_readers(tmp_path):
    karpathy = {"images": [{"filename": "a.jpg", "sentences": [{"raw": "a", "tokens": ["annotations"]}]}]}
    for name, text in {
        "karpathy.json": json.dumps(karpathy), "list.json": "[]", "empty.json": "", "a.txt": json.dumps(GOOD),
        "lines.json": '{"filename": "a", "captions": ["b"]}\n' * 2, "scalar.json": "3", "odd.json": "\udcff" * 4,
    }.items():  # fmt: skip
        (tmp_path / name).write_text(text, encoding="utf-8", errors="surrogateescape")
        assert detection_reader(tmp_path / name) is None
    (tmp_path / "folder.json").mkdir()
    assert detection_reader(tmp_path / "folder.json") is None
    assert detection_reader(tmp_path / "missing.json") is None


def test_a_picture_without_a_stated_size_is_asked_for_it(tmp_path):
    path = write_coco(tmp_path, {"a": [Object("ship", 25, 20, 35, 30)]})
    expected = list(read(path)["caption"])
    data = json.loads(path.read_text())
    del data["images"][0]["width"]
    path.write_text(json.dumps(data))
    assert list(read(path)["caption"]) == expected
    (tmp_path / "images" / "a.png").unlink()
    with pytest.raises(CaptionError, match="image 0: the size of its picture.*no such file.*; put the picture"):
        read(path)


def test_boxes_are_cut_to_the_picture_and_those_without_area_there_left_out(tmp_path):
    for bbox in ([-5, -5, 9, 9], [80, 80, 1e9, 1e9]):
        data = {**GOOD, "annotations": [{**GOOD["annotations"][0], "bbox": bbox}]}
        assert set(read(written(tmp_path, data))["label"]) == {"ship"}
    lost = ([90, 1, 5, 5], [1, 1, 0, 5], [1, 1, -3, 5], [float("nan"), 1, 5, 5], [1, 1, 10**400, 5], [-9, 1, 8, 8])
    for bbox in lost:
        annotations = [{**GOOD["annotations"][0], "bbox": bbox}, {**GOOD["annotations"][0], "id": 6}]
        assert "a ship" in read(written(tmp_path, {**GOOD, "annotations": annotations}))["caption"][2]


@pytest.mark.parametrize(
    "change, words",
    [
        ({"annotations": [{"id": 5, "image_id": 1, "category_id": 9}]}, "annotation 5: category_id '9' is not among"),
        ({"annotations": [{"id": 5, "image_id": 4, "category_id": 2}]}, "annotation 5: image_id '4' is not among"),
        ({"annotations": [{"id": 5, "image_id": [1], "category_id": 2}]}, "annotation 5: no image_id"),
        ({"annotations": [{"id": 5, "image_id": 1, "category_id": 2}]}, "annotation 5: no bbox"),
        ({"annotations": [{"image_id": 1, "category_id": 2, "bbox": [1, 2, 3]}]}, "annotation number 1: no bbox"),
        ({"annotations": [{"id": 5, "image_id": 1, "category_id": 2, "bbox": [1, 2, 3, "x"]}]}, "not all numbers"),
        ({"annotations": []}, "no annotations in it"),
        ({"annotations": [3]}, "'annotations' is not a list of objects"),
        ({"categories": [{"id": 2}]}, "category 2: no name"),
        ({"images": GOOD["images"] * 2}, "image 1: the id occurs twice"),
        ({"images": [{"id": 1, "width": 3, "height": 3}]}, "image 1: no file_name"),
    ],
)  # fmt: skip
def test_errors_name_the_file_the_entry_and_a_remedy(tmp_path, change, words):
    path = written(tmp_path, {**GOOD, **change})
    with pytest.raises(CaptionError, match=f"instances.json.*{words}.*; "):
        read(path)


def test_broken_json_is_named_with_its_line(tmp_path):
    path = tmp_path / "cut.json"
    path.write_text(json.dumps(GOOD, indent=1)[:-20])
    with pytest.raises(CaptionError, match=r"cut.json, line \d+, column \d+: not JSON"):
        read(path)
    path.write_text('{"images": [], "annotations": [' + "[" * 100_000)
    with pytest.raises(CaptionError, match="cut.json: nested without end"):
        read(path)


def test_a_file_name_that_leads_out_of_the_folder_is_refused(tmp_path):
    data = {**GOOD, "images": [{**GOOD["images"][0], "file_name": "../../etc/passwd"}]}
    with pytest.raises(CaptionError, match="image 1.*leads out of the image folder"):
        read(written(tmp_path, data))
