"""The audit finds what is wrong and says what to do; training is refused before it starts."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from rsclip_lab.checks import audit, require_trainable
from rsclip_lab.data import CaptionError, read_captions


@pytest.fixture
def captions(picture_folder):
    return read_captions(picture_folder)


def found(report, kind):
    return report.problems[report.problems["kind"] == kind]


def test_sound_data_has_no_errors(captions):
    report = audit(captions, batch_size=4)
    assert report.ok and report.images == 12 and report.captions == 24
    assert list(report.problems.columns) == ["row", "file", "kind", "severity", "detail", "remedy"]
    # One of the two captions of each picture is its label's, so three captions stand at four pictures each.
    assert found(report, "shared_caption")["detail"].item().startswith("3 of 15 distinct captions")
    assert set(report.problems["kind"]) == {"shared_caption", "rare_class", "mixed_sizes"}


def test_missing_empty_and_cut_pictures_are_told_apart(captions):
    images = captions["image"].drop_duplicates().tolist()
    Path(images[0]).unlink()
    data = Path(images[1]).read_bytes()
    Path(images[1]).write_bytes(data[: len(data) // 2])
    Path(images[2]).write_bytes(b"")
    report = audit(captions)
    assert not report.ok
    missing, unreadable = found(report, "missing_file"), found(report, "unreadable_picture")
    assert missing["file"].tolist() == images[:1] and missing["row"].tolist() == [0]
    assert unreadable["file"].tolist() == images[1:3] and unreadable["row"].tolist() == [2, 4]
    assert "the file is empty" in unreadable["detail"].iloc[1]
    assert report.problems["remedy"].str.len().gt(0).all()
    assert report.problems["severity"].iloc[:3].tolist() == ["error"] * 3  # the worst first


def test_empty_captions_are_errors_in_their_row(captions):
    captions.loc[5, "caption"] = "  "
    captions.loc[7, "caption"] = None
    report = audit(captions)
    assert found(report, "empty_caption")["row"].tolist() == [5, 7] and not report.ok


def test_the_same_picture_in_two_splits_is_a_leak_even_under_another_name_and_format(captions):
    train, test = captions.loc[0, "image"], captions.loc[20, "image"]
    with Image.open(train) as image:
        image.save(test, format="BMP")
    leak = found(audit(captions), "leak")
    assert leak["severity"].item() == "error" and leak["file"].item() == test and leak["row"].item() == 20
    assert "test and train" in leak["detail"].item() and "beach_0.png" in leak["detail"].item()


def test_one_file_with_rows_in_two_splits_is_a_leak(captions):
    captions.loc[1, "split"] = "test"
    assert found(audit(captions), "leak")["row"].tolist() == [1]


def test_a_picture_repeated_within_a_split_is_a_warning(captions):
    shutil.copy(captions.loc[0, "image"], captions.loc[2, "image"])
    report = audit(captions)
    assert found(report, "repeated_picture")["severity"].tolist() == ["warning"] and report.ok


def test_captions_beyond_the_context_are_counted_in_the_models_tokens(captions, random_clip):
    captions.loc[3, "caption"] = "boat " * 75  # 75 words of one token each and two marks: 77, just fits
    assert len(found(audit(captions, random_clip), "cut_caption")) == 0
    captions.loc[3, "caption"] = "boat " * 76
    cut = found(audit(captions, random_clip), "cut_caption")
    assert cut["row"].tolist() == [3] and "78 tokens, the model reads 77" in cut["detail"].item()


def test_tiny_small_huge_and_other_modes(captions, random_clip, monkeypatch):
    images = captions["image"].drop_duplicates().tolist()
    Image.fromarray(np.zeros((10, 200, 3), np.uint8)).save(images[0])
    Image.fromarray(np.full((40, 40), 9, np.uint8)).save(images[1])
    Image.fromarray(np.full((200, 300, 3), 9, np.uint8)).save(images[2])
    monkeypatch.setattr("rsclip_lab.checks.pixels.HUGE_PIXELS", 50_000)
    random_clip.image_size = 50
    report = audit(captions, random_clip)
    assert found(report, "tiny_picture")["file"].tolist() == images[:1]
    assert found(report, "huge_picture")["file"].tolist() == images[2:3]
    assert "1 picture stored as L" in found(report, "not_rgb")["detail"].item()
    # The pictures are 40 + row high and 60 - row wide; the first three were replaced, one by 40 x 40.
    small = 1 + sum(min(40 + row, 60 - row) < 50 for row in range(3, 12))
    assert (
        found(report, "small_pictures")["detail"]
        .item()
        .startswith(f"{small} pictures are below the model's 50")
    )


def test_one_class_and_too_few_pictures(captions):
    one = captions[captions["label"] == "beach"]
    report = audit(one, batch_size=3)
    assert set(report.problems["kind"]) >= {"one_class", "few_pictures"}  # two of its four are for training
    assert found(report, "few_pictures")["detail"].item().startswith("2 pictures")


def test_an_empty_table_is_an_error(captions):
    assert audit(captions.iloc[:0]).problems["kind"].tolist() == ["no_captions"]


def test_trainable_data_passes(captions):
    require_trainable(captions, batch_size=4)
    require_trainable(captions.assign(label=None), batch_size=500, class_names=["a", "b"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.iloc[:0], "table of captions is empty"),
        (lambda table: table.iloc[:2], "batch of 1 has no negatives"),
        (lambda table: table.assign(caption="a view"), "one caption 'a view'.*no negatives"),
        (lambda table: table.assign(image="/no/such/place/a.png"), "row 0, /no/such/place/a.png: the folder"),
        (lambda table: table.replace({table["image"][4]: table["image"][4] + "x"}), "row 4, .*no such file"),
        (
            lambda table: table.replace({table["image"][4]: table["image"][4].replace("forest_2", "Forest_2")}),
            "row 4, .*there is 'forest_2.png'",
        ),
        (lambda table: table.assign(caption=["x", " "] * 12), "row 1, .*empty caption"),
    ],
)
def test_what_training_refuses(captions, change, message):
    with pytest.raises(CaptionError, match=message):
        require_trainable(change(captions), batch_size=4)


def test_training_refuses_a_batch_of_one_a_class_of_one_and_a_file_that_is_no_picture(captions):
    with pytest.raises(CaptionError, match="batch of 1 has no negatives"):
        require_trainable(captions, batch_size=1)
    with pytest.raises(CaptionError, match="fewer than two classes"):
        require_trainable(captions, batch_size=4, class_names=["beach"])
    Path(captions["image"][8]).write_text("text")
    with pytest.raises(CaptionError, match="row 8, .*plain text, not a picture; "):
        require_trainable(captions, batch_size=4)


def test_what_is_no_table_or_no_model_is_said_in_words(captions):
    with pytest.raises(CaptionError, match="is no table but NoneType; make it with read_captions"):
        audit(None)
    with pytest.raises(CaptionError, match="is no table but str"):
        audit("data/rsicd")
    with pytest.raises(TypeError, match=r"load it first: load_model\('tiny'\)"):
        audit(captions, "tiny")


def test_rows_of_tables_put_together_are_positions(captions):
    twice = pd.concat([captions[12:], captions[:12].assign(caption="")])
    twice.index = [0] * 24
    assert found(audit(twice), "empty_caption")["row"].tolist() == list(range(12, 24))


def test_the_table_given_is_not_changed(captions):
    before = captions.copy()
    audit(captions)
    pd.testing.assert_frame_equal(captions, before)
