"""The one table: its splits are by picture, and its pictures are counted once."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rsclip_lab.data import CaptionError, distinct_images, read_captions, split_by_image
from rsclip_lab.data.table import SPLITS, is_split, require_columns, split_name, text_of


def test_a_split_keeps_the_ids_of_the_whole(picture_folder):
    whole, test = read_captions(picture_folder), read_captions(picture_folder, split="test")
    assert set(test["split"]) == {"test"} and list(test.index) == list(range(6))
    ids = whole.set_index("image")["image_id"].to_dict()
    assert all(ids[image] == i for image, i in zip(test["image"], test["image_id"], strict=True))
    with pytest.raises(CaptionError, match="no rows of split 'holdout'; splits there: test, train, val"):
        read_captions(picture_folder, split="holdout")


def test_distinct_images_gives_one_row_a_picture(picture_folder):
    table = read_captions(picture_folder)
    pictures = distinct_images(table)
    assert list(pictures.columns) == ["image", "image_id", "split", "label"]
    assert pictures["image"].tolist() == list(dict.fromkeys(table["image"]))


@pytest.fixture
def many(tmp_path):
    lines = [f"{label}_{i}.jpg,caption {i} {k},{label}" for label in ("x", "y") for i in range(20) for k in range(3)]
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


def test_tables_put_together_keep_all_their_pictures(picture_folder):
    table = read_captions(picture_folder)
    other = table.assign(image=table["image"] + ".other")  # its image_id counts from 0 again
    assert len(distinct_images(pd.concat([table, other]))) == 2 * len(distinct_images(table))


@pytest.mark.parametrize("each", [1, 2, 3, 4, 7])
def test_small_classes_give_their_share_too(each):
    rows = [(f"{label}_{n}.png", f"{n}", f"class {label:02}") for label in range(30) for n in range(each)]
    table = pd.DataFrame(rows, columns=["image", "caption", "label"]).assign(image_id=0, split=None)
    counts = split_by_image(table)["split"].value_counts()
    assert counts.to_dict() == {"train": 21 * each, "test": 6 * each, "val": 3 * each}
    chosen = [frozenset(split_by_image(table, seed=s).query("split == 'test'")["label"]) for s in range(20)]
    assert len(set(chosen)) > 1 or each > 3  # which classes, is drawn


@pytest.mark.parametrize("name", ["train", "Training", "val", "valid", "dev", " TEST "])
def test_the_usual_names_of_splits_are_known(name):
    assert is_split(name) and split_name(name) in SPLITS
    assert not is_split(f"{name}s")


def test_a_table_without_its_columns_is_refused(picture_folder):
    table = read_captions(picture_folder)
    require_columns(table)
    with pytest.raises(CaptionError, match="^mine has no column image_id, label; make it with read_captions"):
        require_columns(table[["image", "caption", "split"]], "mine")


def test_cells_are_text_or_written_out_or_unknown():
    known = {"a": "a", Path("a/b"): "a/b", 7: "7", np.int64(8): "8", 9.0: "9", np.float64(0.5): "0.5"}
    assert {cell: text_of(cell, "x") for cell in known} == known
    assert [text_of(cell, "x") for cell in (None, float("nan"), pd.NA, pd.NaT)] == [None] * 4
    for cell in (b"a", ["a"], {"a": 1}):
        with pytest.raises(CaptionError, match="^row 3: .* is neither text nor a number; write it as text"):
            text_of(cell, "row 3")
