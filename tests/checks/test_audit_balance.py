"""Classes and splits: too few, too uneven, missing, or spelled in two ways."""

import pandas as pd
import pytest

from rsclip_lab.checks import audit, require_trainable
from rsclip_lab.checks.balance import class_problems
from rsclip_lab.data import CaptionError, read_captions, sample


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


def test_one_label_alone_is_a_warning_where_the_captions_differ(captions):
    one = captions[captions["label"] == "beach"]
    report = audit(one)
    assert report.ok and details(one, "one_class")
    require_trainable(one, batch_size=2)
    same = one.assign(caption=["a beach", "a view of a beach"] * 4)  # as templates make them of one label
    assert not audit(same).ok and "the same for every picture" in details(same, "no_negatives")[0]
    with pytest.raises(CaptionError, match="same 2 captions and the one label 'beach'.*pictures of other kinds"):
        require_trainable(same, batch_size=2)


def test_labels_that_are_numbers_say_nothing(captions):
    assert details(captions, "number_labels") == []
    numbered = captions.assign(label=captions["label"].map({"beach": "0", "harbour": "1", "forest": "12"}))
    assert details(numbered, "number_labels") == [
        "labels that are numbers ('0', '1', '12'): captions and prompts made from them mean nothing"
    ]
    numbered.loc[0, "label"] = "beach"
    assert details(numbered, "number_labels") == []


def test_a_row_that_is_there_twice_is_told_and_stays(captions):
    captions.loc[[1, 3], "caption"] = captions.loc[[0, 2], "caption"].tolist()
    report = audit(captions)
    repeated = report.problems[report.problems["kind"] == "repeated_row"]
    assert repeated["row"].tolist() == [1, 3] and set(repeated["severity"]) == {"info"}
    repair = report.fix()
    pd.testing.assert_frame_equal(repair.captions, captions)  # RSICD's own people repeat themselves
    assert repair.log.empty


def test_large_numbers_have_separators():
    rows = [{"image": f"{i}.png", "caption": f"view {i}", "label": "sea"} for i in range(3000)]
    table = pd.DataFrame([*rows, {"image": "x.png", "caption": "view", "label": "land"}])
    problem = next(p for p in class_problems(table.assign(split=None)) if p.kind == "imbalance")
    assert problem.detail == "'sea' has 3,000 training pictures, 'land' 1"
