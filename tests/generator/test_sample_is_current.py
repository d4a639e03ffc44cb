"""The committed sample is what the generator draws: the same annotations, the same pixels but for rounding."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from data.generator import sample
from data.generator.folder import QUALITY, write_picture
from data.generator.kinds import SIDES

DATA = Path(__file__).resolve().parents[2] / "data"
TOLERANCE = 2.0  # mean absolute difference of two JPEGs, of 255; other scenes differ by 20 and more


def committed_captions(side: str) -> dict[str, list[dict]]:
    rows: dict[str, list[dict]] = {}
    with (DATA / side / "caption.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["filename"], []).append(row)
    return rows


@pytest.mark.parametrize("side", SIDES)
def test_files_and_splits_are_the_ordered_ones(side):
    rows = committed_captions(side)
    expected = {order.filename: (order.label, order.split) for order in sample.orders(side)}
    assert {name: (found[0]["label"], found[0]["split"]) for name, found in rows.items()} == expected
    assert {path.name for path in (DATA / side / "images").iterdir()} == set(expected)


@pytest.mark.parametrize("side", SIDES)
def test_a_picture_of_each_kind_is_drawn_again_alike(side, tmp_path):
    (tmp_path / "images").mkdir()
    rows = committed_captions(side)
    for order in sample.orders(side)[7::20]:
        again = write_picture(order, tmp_path, 128, QUALITY)
        assert [row["caption"] for row in rows[order.filename]] == again.captions, order.filename
        kept, new = (cv2.imread(str(folder / "images" / order.filename)) for folder in (DATA / side, tmp_path))
        assert np.abs(kept.astype(float) - new).mean() < TOLERANCE, order.filename
