"""The pointing game and the indicators of semantic localisation, against definitions written out by hand."""

import math
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from rsclip_lab.evaluation.localisation import Localisation, localisation, localisation_questions
from rsclip_lab.evaluation.localisation.pointing import box_mask, centre_hit, pointing_hit, random_hit
from rsclip_lab.evaluation.localisation.semantic_localisation import (
    attention_shift,
    discrete_attention,
    mean_indicator,
    peaks,
    significant_area_proportion,
    stretched,
)


def peak_at(*places, height=40, width=60):
    """A map with a smooth hill at each (x, y)."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    hills = [np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18) for x, y in places]
    return np.max(hills, axis=0)


def objects(*rows, size=(40, 60)):
    """Rows (image, kind, left, top, right, bottom) as the table of `read_objects`."""
    table = pd.DataFrame(rows, columns=["image", "kind", "left", "top", "right", "bottom"])
    return table.assign(crowd=False, height=size[0], width=size[1], split="test")


def by_hand(boxes, height, width, tolerance):
    """Every pixel asked one by one whether its middle is near enough to a box of whole pixels."""
    mask = np.zeros((height, width), bool)
    for row in range(height):
        for column in range(width):
            for left, top, right, bottom in boxes:
                x = min(max(column + 0.5, math.floor(left)), math.ceil(right))
                y = min(max(row + 0.5, math.floor(top)), math.ceil(bottom))
                mask[row, column] |= math.dist((x, y), (column + 0.5, row + 0.5)) <= tolerance
    return mask


@pytest.mark.parametrize("tolerance", [0, 1.3, 4])
def test_the_mask_is_every_pixel_asked_by_itself(tolerance):
    random = np.random.default_rng(0)
    corners = random.uniform(0, 12, (3, 2))
    boxes = np.hstack([corners, corners + random.uniform(0.2, 5, (3, 2))])
    expected = by_hand(boxes, 14, 19, tolerance)
    assert (box_mask(boxes, 14, 19, tolerance) == expected).all()
    assert random_hit(boxes, 14, 19, tolerance) == pytest.approx(expected.mean())


def test_a_box_thinner_than_a_pixel_has_one():
    assert np.argwhere(box_mask([[3.2, 1.1, 3.4, 1.3]], 4, 6)).tolist() == [[1, 3]]


def test_the_maximum_must_lie_in_a_box_rows_and_columns_not_mixed_up():
    heatmap = np.zeros((10, 30))
    heatmap[2, 25] = 1
    assert pointing_hit(heatmap, [[25, 2, 26, 3]]) == 1
    assert pointing_hit(heatmap, [[24, 2, 25, 3]]) == 0
    assert pointing_hit(heatmap, [[0, 8, 2, 9], [20, 0, 30, 5]]) == 1  # any of them
    assert pointing_hit(heatmap, [[20, 2, 22, 3]], tolerance=3.5) == 1
    assert pointing_hit(heatmap, [[20, 2, 22, 3]], tolerance=3.4) == 0


def test_a_flat_map_earns_what_a_random_pixel_earns():
    box = [[3, 2, 9, 7]]
    assert pointing_hit(np.full((20, 30), 0.7), box) == pytest.approx(random_hit(box, 20, 30)) == 30 / 600


def test_random_pixels_hit_as_often_as_the_boxes_are_large():
    random, box = np.random.default_rng(0), [[3, 2, 9, 17]]
    hits = [pointing_hit(random.random((20, 30)), box) for _ in range(3000)]
    assert np.mean(hits) == pytest.approx(random_hit(box, 20, 30), abs=0.02)


def test_the_centre_is_the_middle_of_the_picture():
    assert centre_hit([[29, 19, 31, 21]], 40, 60) == 1
    assert centre_hit([[0, 0, 28, 40]], 40, 60) == 0
    assert centre_hit([[0, 0, 28, 40]], 40, 60, tolerance=2) == 1


def test_significant_area_by_hand():
    random = np.random.default_rng(1)
    heatmap, box = random.random((8, 11)), [[2, 1, 7, 5]]
    inside, total = heatmap[1:5, 2:7].sum(), heatmap.sum()
    expected = 1 - math.exp(-0.707 * inside / (total - inside) * (88 - 20) / 20)
    assert significant_area_proportion(heatmap, box) == pytest.approx(expected)
    assert significant_area_proportion(np.ones((8, 11)), box) == pytest.approx(1 - math.exp(-0.707))
    assert math.isnan(significant_area_proportion(heatmap, [[0, 0, 11, 8]]))
    with pytest.raises(ValueError, match="goes down to -"):
        significant_area_proportion(heatmap - 1, box)


def test_peaks_are_the_hills_in_x_and_y():
    found = peaks(peak_at((10.5, 8.5), (45.5, 30.5)))
    assert sorted(map(tuple, found)) == [(10.5, 8.5), (45.5, 30.5)]
    assert len(peaks(0.4 * peak_at((10.5, 8.5)))) == 0  # below one half
    assert len(peaks(np.zeros((9, 9)))) == 0
    ties = np.zeros((30, 30))
    ties[10, 10:13] = 1
    assert peaks(ties).tolist() == [[11.5, 10.5]]  # the middle of pixels that tie


def test_attention_shift_by_hand():
    box = [[20, 10, 32, 19]]  # middle (26, 14.5), half diagonal 7.5, radius 11.25
    assert attention_shift(peak_at((26.5, 14.5)), box) == pytest.approx(math.expm1(3 * 0.5 / 11.25) / math.expm1(3))
    assert attention_shift(peak_at((2.5, 38.5)), box) == pytest.approx(1)  # beyond the radius
    both = [*box, [50, 30, 56, 38]]
    shift = (0.5 / 11.25 + 1) / 2
    assert attention_shift(peak_at((26.5, 14.5)), both) == pytest.approx(math.expm1(3 * shift) / math.expm1(3))


def test_discrete_attention_counts_and_gathers():
    box = [[20, 10, 44, 28]]  # middle (32, 19), radius 22.5
    assert discrete_attention(peak_at((2.5, 38.5)), box) == 0
    assert discrete_attention(peak_at((30.5, 20.5)), box) == 1
    two = discrete_attention(peak_at((24.5, 19.5), (40.5, 19.5)), box)
    assert two == pytest.approx(0.5 * (1 - 8 / 22.5) + math.exp(-0.5 * 4))


def test_the_mean_indicator_weighs_as_published():
    assert mean_indicator(1, 0, 1) == pytest.approx(1)
    assert mean_indicator(0.6920, 0.3323, 0.6667) == pytest.approx(0.6772, abs=1e-3)  # a row of the authors' table
    assert mean_indicator(0.5844, 0.5026, 0.5670) == pytest.approx(0.5496, abs=1e-3)


def test_stretching_keeps_the_order_and_a_flat_map_flat():
    assert stretched([[2, 4], [3, 2]]).tolist() == [[0, 1], [0.5, 0]]
    assert not stretched(np.full((3, 3), 0.4)).any()


SCENES = objects(
    ("a", "car", 40, 30, 44, 33),
    ("a", "car", 5, 5, 8, 8),
    ("a", "house", 10, 10, 20, 20),
    ("b", "car", 1, 1, 3, 3),  # alone
    ("c", "stadium", 0, 0, 55, 40),  # fills the picture
    ("c", "truck", 30, 20, 33, 22),
)


def test_questions_are_the_difficult_ones():
    asked = localisation_questions(SCENES)
    assert asked[["image", "kind"]].apply(tuple, axis=1).tolist() == [("a", "car"), ("a", "house"), ("c", "truck")]
    assert asked["share"].tolist() == pytest.approx([21 / 2400, 100 / 2400, 6 / 2400])
    assert len(localisation_questions(SCENES, largest=None, kinds=1)) == 5


def test_a_function_sees_each_picture_once_and_gets_the_table():
    seen = []

    def heatmaps(image, kinds):
        seen.append((image, kinds))
        return [peak_at((41.5, 31.5)) if kind == "car" else peak_at((50.5, 5.5)) for kind in kinds]

    result = localisation(heatmaps, SCENES)
    assert seen == [("a", ["car", "house"]), ("c", ["truck"])]
    assert result.table["pointing"].tolist() == [1, 0, 0]
    assert result.table["centre"].tolist() == [0, 0, 1]
    assert result.summary["questions"] == 3
    assert result.summary["pointing"] == pytest.approx(1 / 3)
    assert result.summary["times_centre"] == pytest.approx(1)
    assert result.by_kind.loc["car", "pointing"] == 1
    assert result.table.loc[0, "r_su"] == pytest.approx(
        significant_area_proportion(stretched(peak_at((41.5, 31.5))), [[40, 30, 44, 33], [5, 5, 8, 8]])
    )
    assert "times_centre" in result._repr_html_()


@pytest.mark.parametrize(
    ("pointing", "centre", "expected"), [(1, 0, math.inf), (0, 0, math.nan), (0, 1, 0), (1, 0.5, 2)]
)
def test_nothing_is_how_many_times_nothing(pointing, centre, expected):
    columns = {"image": "a", "kind": "car", "pointing": pointing, "centre": centre, "random": 0.1}
    table = pd.DataFrame([columns | dict.fromkeys(["r_su", "r_as", "r_da", "r_mi"], 0.5)])
    assert Localisation(table).summary["times_centre"] == pytest.approx(expected, nan_ok=True)


def test_the_peaks_of_a_map_are_looked_for_once(monkeypatch):
    module, seen = import_module("rsclip_lab.evaluation.localisation.localisation"), []
    monkeypatch.setattr(module, "peaks", lambda heatmap: seen.append(1) or peaks(heatmap))
    hills = peak_at((41.5, 31.5), (6.5, 6.5))
    table = localisation({("a", "car"): hills, ("a", "house"): hills, ("c", "truck"): hills}, SCENES).table
    assert len(seen) == 3
    boxes = [[40, 30, 44, 33], [5, 5, 8, 8]]
    assert table.loc[0, "r_as"] == attention_shift(stretched(hills), boxes)
    assert table.loc[0, "r_da"] == discrete_attention(stretched(hills), boxes) == 1


def test_a_mask_looks_only_around_its_boxes(monkeypatch):
    pixels, hypot = [], np.hypot
    monkeypatch.setattr(np, "hypot", lambda x, y: pixels.append(np.size(x) * np.size(y)) or hypot(x, y))
    box_mask([[300, 200, 310, 220]] * 5, 1000, 1000, tolerance=2)
    assert sum(pixels) == 5 * 14 * 24


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((70, 10, 80, 20), r"outside its picture of 60 x 40 pixels; give left, top"),
        ((10, 40, 20, 45), "outside its picture"),
        ((-9, 10, 0, 20), "outside its picture"),
        ((10, 10, 10, 20), "has no extent; right must be beyond left"),
        ((10, 10, 20, math.nan), "has no extent"),
    ],
)
def test_a_box_that_cannot_be_asked_about_is_named(box, message):
    scenes = pd.concat([SCENES, objects(("c", "truck", *box))], ignore_index=True)
    with pytest.raises(ValueError, match=rf"row 6, c, truck: the box \[{box[0]}.*{message}"):
        localisation({}, scenes)


def test_a_box_over_the_edge_counts_as_far_as_it_is_seen():
    scenes = objects(("a", "car", 55, 35, 70, 50), ("a", "house", 10, 10, 20, 20))
    assert localisation_questions(scenes)["share"].tolist() == pytest.approx([25 / 2400, 100 / 2400])


@pytest.mark.parametrize("given", [np.zeros((40, 60)), "tiny", None])
def test_what_gives_no_heatmaps_is_told_what_is_wanted(given):
    with pytest.raises(TypeError, match=rf"heatmaps is a {type(given).__name__}: give a function .image, kinds."):
        localisation(given, SCENES)


def test_a_model_is_told_to_be_asked_for_its_heatmaps(random_clip):
    with pytest.raises(TypeError, match=r"heatmaps is a Clip: .*text_heatmaps\(model, image, kinds\)"):
        localisation(random_clip, SCENES)


def test_a_mapping_gives_the_same_as_a_function():
    maps = {(image, kind): peak_at((31.5, 21.5)) for image in "abc" for kind in ("car", "house", "truck")}
    by_mapping = localisation(maps, SCENES, tolerance=2)
    by_function = localisation(lambda image, kinds: [maps[image, kind] for kind in kinds], SCENES, tolerance=2)
    pd.testing.assert_frame_equal(by_mapping.table, by_function.table)


@pytest.mark.parametrize(
    ("heatmaps", "message"),
    [
        ({}, "a: no heatmap for car, house"),
        (lambda image, kinds: [np.zeros((60, 40))] * len(kinds), r"\[60, 40\] for boxes in a picture \[40, 60\]"),
        (lambda image, kinds: [np.zeros((40, 60))], "1 heatmaps for 2 kinds"),
        (lambda image, kinds: [np.full((40, 60), np.nan)] * len(kinds), "2400 pixels of a heatmap are NaN"),
    ],
)
def test_what_is_no_heatmap_is_named(heatmaps, message):
    with pytest.raises(ValueError, match=message):
        localisation(heatmaps, SCENES)


def test_what_is_no_box_and_no_question_is_named():
    with pytest.raises(ValueError, match="at least one"):
        pointing_hit(np.ones((4, 4)), [])
    with pytest.raises(ValueError, match="without an extent"):
        pointing_hit(np.ones((4, 4)), [[2, 2, 2, 3]])
    with pytest.raises(ValueError, match="no question in 1 objects"):
        localisation({}, SCENES.iloc[3:4])
