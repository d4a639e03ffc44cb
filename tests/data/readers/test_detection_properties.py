"""Whatever the boxes, all formats give the same captions; whatever the bytes, captions or an error in words."""

import json
import tempfile
import warnings
from pathlib import Path

import pytest
from detection_sets import KINDS, WRITERS, Object, read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rsclip_lab.data.readers.detection import detection_reader
from rsclip_lab.data.readers.detection.coco import read_coco
from rsclip_lab.data.readers.records import ImageFolder, table_of
from rsclip_lab.data.table import CaptionError

BUSY = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}  # a busy machine is no failure
CELL = 12  # an object a cell, with a gap, so that masks do not run into each other
START, LENGTH = st.integers(0, 3), st.integers(4, 8)


@st.composite
def objects(draw):
    left, top = draw(st.integers(0, 4)) * CELL + draw(START), draw(st.integers(0, 3)) * CELL + draw(START)
    return Object(draw(st.sampled_from(KINDS)), left, top, left + draw(LENGTH), top + draw(LENGTH))


SCENES = st.dictionaries(
    st.text("abc019", min_size=1, max_size=4),
    st.lists(objects(), min_size=1, max_size=20, unique_by=lambda o: (o.left // CELL, o.top // CELL)),
    min_size=1,
    max_size=3,
)
ROWS = ["image", "caption", "split", "label"]


@settings(max_examples=12, **BUSY)
@given(SCENES)
def test_all_formats_give_the_same_captions(scenes):
    tables = {}
    for name, write in WRITERS.items():
        with tempfile.TemporaryDirectory() as folder:
            table = read(write(Path(folder), scenes))
        table["image"] = [Path(image).name for image in table["image"]]
        tables[name] = sorted(table[ROWS].fillna("").itertuples(index=False, name=None))
    assert len(tables["coco"]) == 5 * len(scenes)
    for name, table in tables.items():
        assert table == tables["coco"], name


# One annotation file of each format, and one list of classes.
TARGETS = {
    "voc": "Annotations/a.xml", "dota": "labelTxt/a.txt", "yolo": "labels/a.txt", "masks": "masks/a.png",
    "yolo corners": "data.yaml", "coco": "instances.json",
}  # fmt: skip
SCENE = {"a": [Object("ship", 1, 1, 12, 9), Object("bus", 30, 20, 44, 31)]}


@st.composite
def damage(draw):
    """A function that puts random bytes into a file's, or in their place."""
    noise, share, length = draw(st.binary(max_size=60)), draw(st.floats(0, 1)), draw(st.integers(0, 40))
    if draw(st.booleans()):
        return lambda data: noise
    return lambda data: data[: int(share * len(data))] + noise + data[int(share * len(data)) + length :]


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=30, **BUSY)
@given(hurt=damage())
def test_any_bytes_give_captions_or_an_error_in_words(name, hurt):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pictures that lost their objects; broken TIFF tags
        source = WRITERS[name](Path(folder), SCENE)
        target = Path(folder, TARGETS[name])
        target.write_bytes(hurt(target.read_bytes()))
        reader = detection_reader(source)
        if reader is None:
            return
        try:
            images = ImageFolder.beside(source)
            table = table_of(reader(source, images), images, source)
        except CaptionError as error:
            assert str(folder) in str(error) and "; " in str(error)
        else:
            assert table["caption"].str.len().gt(8).all()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
KEYS = [
    ("images",), ("annotations",), ("categories",), ("images", 0), ("annotations", 0), ("images", 0, "id"),
    ("images", 0, "file_name"), ("images", 0, "width"), ("images", 0, "split"), ("annotations", 0, "image_id"),
    ("annotations", 1, "category_id"), ("annotations", 0, "bbox"), ("annotations", 0, "bbox", 2),
    ("annotations", 0, "iscrowd"), ("annotations", 0, "id"), ("annotations", 0, "caption"), ("categories", 0, "name"),
    ("categories", 0, "id"),
]  # fmt: skip


@settings(max_examples=80, **BUSY)
@given(st.sampled_from(KEYS), VALUES)
def test_any_value_anywhere_in_coco_json_gives_captions_or_an_error_in_words(keys, value):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = WRITERS["coco"](Path(folder), SCENE)
        data = json.loads(path.read_text())
        place = data
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
        path.write_text(json.dumps(data))
        images = ImageFolder.beside(path)
        try:
            table_of(read_coco(path, images), images, path)
        except CaptionError as error:
            assert str(path) in str(error) and "; " in str(error)
