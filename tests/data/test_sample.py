"""The embedded sample is there, whole, and as its card says."""

import pytest

from rsclip_lab.checks import audit
from rsclip_lab.data import CaptionError, distinct_images, open_image, sample


@pytest.mark.parametrize(
    ("name", "kinds", "shares"),
    [("coast", 14, {"train": 30, "val": 10, "test": 20}), ("land", 28, {"train": 20, "test": 20})],
)
def test_kinds_splits_and_captions(name, kinds, shares):
    captions = sample(name)
    pictures = distinct_images(captions)
    assert pictures["label"].nunique() == kinds
    counts = pictures.groupby(["label", "split"]).size().unstack()
    assert all((counts[split] == number).all() for split, number in shares.items())
    assert captions.groupby("image_id").size().eq(5).all()
    assert open_image(pictures["image"][0]).size == (128, 128)


@pytest.mark.parametrize("name", ["coast", "land"])
def test_the_sample_passes_the_audit(name):
    assert audit(sample(name)).ok


def test_no_kind_is_in_both():
    assert not set(sample("coast")["label"]) & set(sample("land")["label"])


def test_a_split_and_an_unknown_name():
    assert set(sample("coast", "val")["split"]) == {"val"}
    with pytest.raises(CaptionError, match="no embedded sample named 'sea'; there are: coast, land"):
        sample("sea")
