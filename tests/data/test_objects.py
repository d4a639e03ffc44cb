"""Boxes and counts of the objects in pictures."""

import json

import pytest
from PIL import Image

from rsclip_lab.data import CaptionError, sample
from rsclip_lab.data.objects import read_objects, sample_counts, sample_objects


@pytest.fixture
def coco(tmp_path):
    (tmp_path / "images").mkdir()
    Image.new("RGB", (40, 30)).save(tmp_path / "images" / "a.png")
    images = [
        {"id": 1, "file_name": "a.png", "width": 40, "height": 30, "split": "test"},
        {"id": 2, "file_name": "gone.png", "width": 40, "height": 30, "split": "train"},
    ]
    boxes = [[2, 3, 10, 5], [30, 20, 20, 20], [50, 0, 5, 5]]
    of_first = {"image_id": 1, "category_id": 7}
    annotations = [{"id": i, **of_first, "bbox": box, "iscrowd": i % 2} for i, box in enumerate(boxes)]
    annotations.append({"id": 9, "image_id": 2, "category_id": 7, "bbox": [0, 0, 4, 4]})
    data = {"images": images, "annotations": annotations, "categories": [{"id": 7, "name": "car"}]}
    file = tmp_path / "boxes.json"
    file.write_text(json.dumps(data))
    return file


def test_boxes_are_edges_cut_to_the_picture(coco):
    objects = read_objects(coco)
    assert objects[["left", "top", "right", "bottom"]].to_numpy().tolist() == [[2, 3, 12, 8], [30, 20, 40, 30]]
    assert objects["crowd"].tolist() == [False, True] and set(objects["kind"]) == {"car"}
    assert set(objects["image"]) == {str(coco.parent / "images" / "a.png")} and set(objects["split"]) == {"test"}


def test_a_split_that_is_not_there(coco):
    with pytest.raises(CaptionError, match="no rows of split 'val'; splits there: test"):
        read_objects(coco, split="val")


@pytest.mark.parametrize("name", ["coast", "land"])
def test_the_samples_objects_are_of_its_pictures(name):
    objects, counts, pictures = sample_objects(name, "test"), sample_counts(name, "test"), sample(name, "test")
    assert set(objects["image"]) <= set(pictures["image"]) and set(counts["image"]) <= set(pictures["image"])
    assert (objects["right"] <= objects["width"]).all() and (objects["left"] < objects["right"]).all()
    # Where nothing is grouped, the boxes are as many as were counted.
    single = objects[~objects["crowd"]].groupby(["image", "kind"]).size()
    grouped = objects[objects["crowd"]].groupby(["image", "kind"]).size()
    counted = counts.set_index(["image", "kind"])["count"]
    plain = single.index.difference(grouped.index)
    assert len(plain) > 100 and (counted.reindex(plain) == single[plain]).all()
