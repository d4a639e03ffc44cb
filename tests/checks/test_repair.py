"""After `fix` the audit passes; what was removed is in the log, and the table given stays as it was."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from rsclip_lab.checks import audit, require_trainable
from rsclip_lab.checks.tokens import shortened
from rsclip_lab.data import CaptionError, distinct_images, open_image, sample


@pytest.fixture
def broken(tmp_path):
    """Six kinds of the coast sample with every fault at once, and where each was planted."""
    table = sample("coast")
    kinds = sorted(table["label"].unique())[:6]
    table = table[table["label"].isin(kinds)].groupby("image", sort=False).head(3)
    table = table.reset_index(drop=True).astype(object)
    for file in table["image"].unique():
        shutil.copy(file, tmp_path)
    table["image"] = [str(tmp_path / Path(file).name) for file in table["image"]]
    files = distinct_images(table).groupby("split")["image"].agg(list)
    train, test, val = files["train"], files["test"], files["val"]
    Path(train[0]).unlink()
    Path(train[1]).write_bytes(b"")
    Path(train[2]).write_text("<html>404</html>")
    open_image(train[3]).resize((16, 16)).save(train[3])
    Image.new("RGB", (128, 128)).save(train[4])
    shutil.copy(train[5], test[0])  # leak
    shutil.copy(train[6], val[0])  # leak
    shutil.copy(test[1], val[1])  # leak between val and test
    open_image(train[7]).transpose(Image.Transpose.ROTATE_90).save(test[2], quality=60)  # near leak
    shutil.copy(train[8], train[9])  # twice in one split
    first = table.drop_duplicates("image").reset_index().set_index("image")["index"]
    for number, caption in enumerate(["", None, np.nan, 5, "nan"], 10):
        table.at[first[train[number]], "caption"] = caption
    table.at[first[train[20]], "caption"] = "A port. " + "many boats, " * 60
    table.at[first[train[21]], "split"] = "test"  # one file in two splits
    table.at[first[train[22]], "image"] = None
    return table, {"train": train, "test": test, "val": val}


@pytest.mark.parametrize("cut", ["leave", "shorten"])
def test_every_fault_at_once_is_repaired(broken, random_clip, cut):
    table, files = broken
    before = table.copy(deep=True)
    report = audit(table, random_clip)
    planted = {"missing_file", "unreadable_picture", "tiny_picture", "blank_picture", "leak", "near_leak", "not_text"}
    planted |= {"repeated_picture", "empty_caption", "placeholder_caption", "cut_caption", "no_file_name"}
    assert planted <= set(report.problems["kind"]) and not report.ok
    repair = report.fix(cut_captions=cut)
    again = audit(repair.captions, random_clip)
    assert again.ok and repair.captions.index.tolist() == list(range(len(repair.captions)))
    require_trainable(repair.captions, batch_size=32)
    assert ("cut_caption" in set(again.problems["kind"])) == (cut == "leave")
    pd.testing.assert_frame_equal(table, before)


def test_the_training_side_is_kept_and_the_log_names_every_row(broken, random_clip):
    table, files = broken
    repair = audit(table, random_clip).fix()
    kept = set(repair.captions["image"])
    train, test, val = files["train"], files["test"], files["val"]
    assert not kept & {*train[:5], test[0], test[2], *val[:2], train[9]}
    assert kept > {*train[5:9], test[1], train[21]}
    assert set(repair.captions.loc[repair.captions["image"] == train[21], "split"]) == {"train"}
    assert len(repair.log) == len(table) - len(repair.captions) and repair.log["row"].is_unique
    assert list(repair.log.columns) == ["row", "file", "kind", "action"]


def test_sound_data_comes_back_as_it_is(random_clip):
    table = sample("coast", "test")
    repair = audit(table, random_clip).fix(cut_captions="shorten")
    pd.testing.assert_frame_equal(repair.captions, table)
    assert repair.log.empty and "nothing to repair" in repr(repair)


def test_a_word_that_is_not_known_and_shortening_without_a_model_are_refused(broken):
    report = audit(broken[0])
    with pytest.raises(ValueError, match='"leave" or "shorten"'):
        report.fix(cut_captions="cut")
    with pytest.raises(ValueError, match="audit with a model"):
        report.fix(cut_captions="shorten")


def test_a_table_is_not_emptied(tmp_path):
    report = audit(sample("coast", "val").assign(image=lambda t: [str(tmp_path / Path(i).name) for i in t["image"]]))
    with pytest.raises(CaptionError, match="nothing would be left of it: none of .* is in .*; give their folder as"):
        report.fix()
    empty = sample("coast", "val").assign(caption="")
    with pytest.raises(CaptionError, match="nothing would be left of it: no caption; write one"):
        audit(empty).fix()
    assert audit(empty[:0]).fix().captions.empty


def test_a_run_of_blanks_is_shortened_in_a_moment():
    assert shortened("a pier" + " " * 200_000 + "and a reef", lambda text: len(text) < 20) == "a pier"
