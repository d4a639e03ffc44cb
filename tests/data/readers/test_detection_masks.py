"""Masks become boxes: the same pieces as a flood fill by hand finds, and folders of masks in every form."""

import json

import numpy as np
import pytest
from detection_sets import read, write_pictures
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from rsclip_lab.data.readers.detection import detection_reader, masks_to_boxes
from rsclip_lab.data.readers.detection import masks as module
from rsclip_lab.data.table import CaptionError


def flooded(mask, value, min_area):
    """(left, top, right, bottom) of every piece, by walking from pixel to pixel."""
    left_over = {(y, x) for y, x in np.ndindex(mask.shape) if mask[y, x] == value}
    boxes = []
    while left_over:
        piece, edge = set(), [left_over.pop()]
        while edge:
            y, x = edge.pop()
            piece.add((y, x))
            near = {(y + a, x + b) for a in (-1, 0, 1) for b in (-1, 0, 1)} & left_over
            left_over -= near
            edge += near
        ys, xs = zip(*piece, strict=True)
        if len(piece) >= min_area:
            boxes.append((min(xs), min(ys), max(xs) + 1, max(ys) + 1))
    return boxes


SIDES = st.integers(1, 9)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
@given(st.tuples(SIDES, SIDES).flatmap(lambda s: arrays(np.uint8, s, elements=st.integers(0, 3))), st.integers(1, 6))
def test_boxes_are_those_of_a_flood_fill(mask, min_area):
    kinds = {1: "ship", 3: "house"}
    boxes = masks_to_boxes(mask, kinds, min_area)
    for value, kind in kinds.items():
        own = sorted((b.left, b.top, b.right, b.bottom) for b in boxes if b.kind == kind)
        assert own == sorted(flooded(mask, value, min_area))
    assert {b.kind for b in boxes} <= set(kinds.values())


def test_a_value_without_a_name_and_specks_give_no_box():
    mask = np.zeros((20, 20), np.int32)
    mask[2:6, 2:6], mask[10, 10], mask[15:, 15:] = 7, 7, 9
    (box,) = masks_to_boxes(mask, {7: "ship"})
    assert (box.kind, box.left, box.top, box.right, box.bottom) == ("ship", 2, 2, 6, 6)


def test_noise_is_refused_rather_than_boxed(monkeypatch):
    monkeypatch.setattr(module, "MAX_PIECES", 20)
    mask = np.zeros((20, 20), np.uint8)
    mask[::2, ::2] = 1
    with pytest.raises(ValueError, match="'ship' is in 100 pieces, more than 20"):
        masks_to_boxes(mask, {1: "ship"}, min_area=1)


def two_ships(value):
    mask = np.zeros((49, 61), np.uint8)
    mask[2:9, 2:9], mask[20:30, 25:35] = value, value
    return mask


def folder_with(tmp_path, mask, classes, where="masks/a.png"):
    write_pictures(tmp_path / "images", "a")
    (tmp_path / where).parent.mkdir(parents=True)
    image = mask if isinstance(mask, Image.Image) else Image.fromarray(mask)
    image.save(tmp_path / where)
    if classes is not None:
        name = "classes.txt" if isinstance(classes, str) else "classes.json"
        (tmp_path / name).write_text(classes if name == "classes.txt" else json.dumps(classes))
    return tmp_path


def in_palette(mask):
    image = Image.fromarray(mask)
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 0, 255, *[7] * 759])
    return image


def in_colour(mask, colour):
    return np.stack([np.where(mask > 0, channel, 0).astype(np.uint8) for channel in colour], axis=-1)


@pytest.mark.parametrize(
    "mask, classes",
    [
        (two_ships(1), "background\nship\n"),
        (two_ships(2), "background\nland\nship"),
        (two_ships(255), "ship"),
        (two_ships(1), "ship"),
        (two_ships(255) > 0, "ship"),
        (two_ships(255), {"255": "ship"}),
        (two_ships(7).astype(np.uint16) * 300, {"2100": "ship"}),
        (in_palette(two_ships(1)), {"1": "ship"}),
        (in_palette(two_ships(1)), {"#ff0000": "ship"}),
        (in_colour(two_ships(1), (0, 10, 255)), {"#000aff": "ship", "9,9,9": "house"}),
        (in_colour(two_ships(1), (0, 10, 255)), {"0, 10, 255": "ship", "0,0,0": "background"}),
        (in_colour(two_ships(1), (1, 1, 1)), {"1": "ship"}),
        (np.where(two_ships(1) > 0, 4, 255).astype(np.uint8), {"4": "ship", "5": "house"}),
        (np.where(two_ships(1) > 0, 4, 255).astype(np.uint8), {"4": "ship", "255": "ignore"}),
    ],
)
def test_masks_in_every_form_give_the_same_captions(tmp_path, mask, classes):
    table = read(folder_with(tmp_path, mask, classes))
    assert set(table["label"]) == {"ship"} and "two ships" in table["caption"][2]
    assert all("a ship" in caption for caption in table["caption"][:2])  # one at the centre, one not


def test_a_mask_may_say_that_it_is_one(tmp_path):
    assert len(read(folder_with(tmp_path, two_ships(1), "background\nship", "masks/a_mask.png"))) == 5


@pytest.mark.parametrize("where", ["labels/a.png", "annotations/a.tif", "masks/deeper/a.png"])
def test_folders_of_masks_by_their_other_names(tmp_path, where):
    assert set(read(folder_with(tmp_path, two_ships(1), "ship", where))["label"]) == {"ship"}


def test_splits_of_masks_come_from_their_folders(tmp_path):
    for split in ("train", "val"):
        folder_with(tmp_path / split, two_ships(1), None)
    (tmp_path / "classes.txt").write_text("ship")
    table = read(tmp_path)
    assert list(table["split"]) == ["train"] * 5 + ["val"] * 5
    assert {image.removeprefix(str(tmp_path)) for image in table["image"]} == {
        "/train/images/a.png",
        "/val/images/a.png",
    }


def test_masks_without_pictures_beside_them_are_no_detection_set(tmp_path):
    (tmp_path / "masks").mkdir()
    Image.new("L", (9, 9)).save(tmp_path / "masks" / "a.png")
    assert detection_reader(tmp_path) is None


@pytest.mark.parametrize(
    "mask, classes, words",
    [
        (two_ships(1), None, "no names of the classes; put a classes.json"),
        (two_ships(9), "background\nship\nhouse", "a.png: value 9 has no name; add it"),
        (two_ships(255), "background\nship", r'a.png: value 255 has no name; .*classes.json, as {"255": "ship"}'),
        (two_ships(255), {"1": "ship"}, "a.png: value 255 has no name; add it"),
        (in_colour(two_ships(1), (9, 8, 7)), {"1": "ship"}, "a.png: a mask of colours; name them in a classes.json"),
        (in_colour(two_ships(1), (9, 8, 7)), {"#ff0000": "ship"}, "a.png: colour #090807 has no name; add it"),
        (two_ships(1), {"one": "ship"}, "classes.json: 'one' is no value of a mask; write"),
        (two_ships(1), {"0,0,256": "ship"}, "classes.json: '0,0,256' is no value of a mask; write"),
        (two_ships(1), {"1": "ship", "#ff0000": "house"}, "classes.json: numbers and colours are mixed; use one"),
        (two_ships(1), {"1": 5}, "classes.json: not a table of names; write"),
        (two_ships(1), {}, "classes.json: names 0 classes; name 1 to"),
        (two_ships(1).astype(np.float32), "ship\nhouse", "a.tif: values with fractions; save the mask as PNG"),
    ],
)
def test_errors_name_the_mask_the_cause_and_a_remedy(tmp_path, mask, classes, words):
    where = "masks/a.tif" if mask.dtype == np.float32 else "masks/a.png"
    with pytest.raises(CaptionError, match=words):
        read(folder_with(tmp_path, mask, classes, where))


def test_masks_that_are_broken_or_too_large_are_refused(tmp_path, monkeypatch):
    source = folder_with(tmp_path, two_ships(1), "ship")
    monkeypatch.setattr(module, "MAX_PIXELS", 61 * 49 - 1)
    with pytest.raises(CaptionError, match="a.png: 61 x 49 pixels, more than the limit.*; cut"):
        read(source)
    monkeypatch.undo()
    path = source / "masks" / "a.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(CaptionError, match="a.png: cannot be read as a picture.*; replace"):
        read(source)
    Image.fromarray(two_ships(255)).save(path, "JPEG")
    with pytest.raises(CaptionError, match="a.png: a JPEG file, which blurs values; save the mask as PNG"):
        read(source)
