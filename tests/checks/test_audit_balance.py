"""Classes and splits: too few, too uneven, missing, or spelled in two ways."""

import pytest

from rsclip_lab.checks import audit
from rsclip_lab.data import read_captions, sample


@pytest.fixture
def captions(picture_folder):
    return read_captions(picture_folder)


def details(captions, kind):
    problems = audit(captions).problems
    return problems.loc[problems["kind"] == kind, "detail"].tolist()


def test_rare_classes_are_counted_in_training_pictures(captions):
    assert details(captions, "rare_class") == [f"'{name}': 2 for training" for name in ("beach", "harbour", "forest")]
    assert details(sample("coast", "test"), "rare_class") == []  # a test split alone is not for training


def test_one_label_spelled_in_several_ways(captions):
    captions.loc[[0, 1], "label"] = "Beach "
    assert details(captions, "label_spelling") == ["one label in several ways: 'beach' (3), 'Beach ' (1)"]


def test_a_class_of_the_test_that_was_never_trained_and_one_that_is_never_tested(captions):
    captions.loc[captions["split"].eq("test") & captions["label"].eq("forest"), "label"] = "desert"
    assert details(captions, "unknown_class") == ["'desert' is in test, not in train"]
    assert details(captions, "absent_class") == ["1 class of train not in test: 'forest'"]


def test_uneven_classes_are_told(captions):
    assert details(captions, "imbalance") == []
    captions.loc[captions["split"].eq("train") & captions["label"].eq("forest"), "label"] = "beach"
    captions.loc[0, "label"] = captions.loc[1, "label"] = "forest"
    assert "'beach' has 3 training pictures, 'forest' 1" in details(captions, "imbalance")[0]


def test_what_has_no_negatives_is_an_error(captions):
    assert details(captions.assign(caption="a view"), "no_negatives") and not audit(captions.iloc[:2]).ok
    assert not audit(captions[captions["label"] == "beach"]).ok
