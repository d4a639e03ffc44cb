"""The COCO file: read by COCO's own tools, boxes and masks of what is visible, counts that the captions state."""

import numpy as np
from pycocotools.coco import COCO

from data.generator import coco, truth
from data.generator.draw import draw
from data.generator.kinds import COAST, LAND
from data.generator.order import Order


def written(tmp_path, pictures) -> COCO:
    path = tmp_path / "annotations.json"
    orders = [Order("land", "kind", i, f"{i}.jpg", "train") for i in range(len(pictures))]
    coco.write(path, zip(orders, map(coco.annotate, pictures), strict=True), 128)
    return COCO(str(path))


def test_boxes_areas_masks_and_counts_agree(tmp_path):
    kinds = (LAND["storage tanks"], LAND["parking lot"], COAST["cargo ship"])
    pictures = [draw(kind, seed) for kind in kinds for seed in range(3)]
    file = written(tmp_path, pictures)
    found = 0
    for image, picture in zip(file.loadImgs(file.getImgIds()), pictures, strict=True):
        assert image["counts"] == truth.counts(picture.scene)
        for annotation in file.loadAnns(file.getAnnIds(image["id"])):
            mask = file.annToMask(annotation).astype(bool)
            rows, columns = np.nonzero(mask)
            box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
            assert annotation["bbox"] == box and annotation["area"] == mask.sum()
            found += 1
    assert found >= 9


def test_more_than_ten_of_a_kind_become_one_crowd(tmp_path):
    pictures = [draw(LAND["parking lot"], seed) for seed in range(12)]
    file = written(tmp_path, pictures)
    names = {category["id"]: category["name"] for category in file.loadCats(file.getCatIds())}
    crowds = 0
    for image in file.loadImgs(file.getImgIds()):
        annotations = file.loadAnns(file.getAnnIds(image["id"]))
        for kind, count in image["counts"].items():
            own = [a for a in annotations if names[a["category_id"]] == kind]
            if count > coco.MOST_SINGLE:
                assert len(own) == 1 and own[0]["iscrowd"] == 1
                crowds += 1
            else:  # a thing of a pixel or two can vanish at the picture's size
                assert len(own) <= count and not any(a["iscrowd"] for a in own)
    assert crowds
