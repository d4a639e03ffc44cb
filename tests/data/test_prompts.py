"""Labels become captions; what a picture already says is not said twice."""

import pytest

from rsclip_lab.data import CaptionError, read_captions
from rsclip_lab.data.table import COLUMNS
from rsclip_lab.data.wording.prompts import (
    REMOTE_SENSING_TEMPLATES,
    TEMPLATES,
    checked_templates,
    label_captions,
    written_into,
)


@pytest.fixture
def captions(picture_folder):
    return read_captions(picture_folder)


def of_picture(table, name):
    return table.loc[table["image"].str.endswith(f"/{name}"), "caption"].tolist()


def test_every_labelled_picture_gets_a_caption_from_each_template_after_its_own(captions):
    table = label_captions(captions)
    own = ["a satellite view of harbour", "picture 1 shows harbour from above"]
    new = [template.replace("{label}", "harbour") for template in TEMPLATES]
    assert of_picture(table, "harbour_1.png") == own + [text for text in new if text not in own]
    assert len(table) == len(captions) + 12 * (len(TEMPLATES) - 1)  # one of them stood there before


def test_rows_of_a_picture_stand_together_in_the_order_of_first_appearance(captions):
    mixed = captions.sample(frac=1, random_state=0).reset_index(drop=True)
    table = label_captions(mixed)
    runs = (table["image"] != table["image"].shift()).sum()
    assert runs == table["image"].nunique() == 12
    assert list(table["image"].unique()) == list(mixed["image"].unique())


def test_identity_split_and_label_stay_those_of_the_picture(captions):
    table = label_captions(captions, "an aerial image with {label}")
    facts = ["image", "image_id", "split", "label"]
    assert table[facts].drop_duplicates().equals(captions[facts].drop_duplicates().set_axis(range(0, 36, 3)))
    assert list(table.columns) == COLUMNS and table["caption"].dtype == object
    assert list(table.index) == list(range(36))


def test_prompts_take_the_place_of_captions_where_that_is_asked(captions):
    captions.loc[captions["label"] == "forest", "label"] = None
    table = label_captions(captions, ["{label} from above"], keep=False)
    assert of_picture(table, "beach_0.png") == ["beach from above"]
    assert of_picture(table, "forest_2.png") == of_picture(captions, "forest_2.png")
    assert list(table["image"].unique()) == list(captions["image"].unique())


def test_pictures_without_a_label_keep_the_captions_they_have(captions):
    captions.loc[captions["label"] == "forest", "label"] = None
    captions.loc[captions["label"] == "beach", "label"] = ""
    table = label_captions(captions)
    for name in ("forest_2.png", "beach_0.png"):
        assert of_picture(table, name) == of_picture(captions, name)
    assert len(of_picture(table, "harbour_1.png")) > 2


def test_asking_twice_changes_nothing(captions):
    once = label_captions(captions)
    assert label_captions(once).equals(once)


def test_a_table_without_labels_is_refused_with_the_remedy(captions):
    with pytest.raises(CaptionError, match="no picture of the table has a label.*one folder a class"):
        label_captions(captions.assign(label=None))


@pytest.mark.parametrize(
    ("templates", "message"), [("a view", "lacks {label}"), (["{}"], "lacks {label}"), ([], "no templates")]
)
def test_a_template_without_a_place_for_the_label_is_refused(captions, templates, message):
    with pytest.raises(ValueError, match=message):
        label_captions(captions, templates)


def test_a_number_may_be_the_name_of_a_class(captions):
    numbered = captions.assign(label=captions["label"].map({"beach": 0, "harbour": 1, "forest": None}))
    assert of_picture(label_captions(numbered, "class {label}", keep=False), "beach_0.png") == ["class 0"]
    table = label_captions(numbered, "class {label}")
    assert of_picture(table, "forest_2.png") == of_picture(captions, "forest_2.png")


def test_a_table_of_other_columns_is_refused(captions):
    with pytest.raises(CaptionError, match="the table of captions has no column image_id, label; make it with"):
        label_captions(captions[["image", "caption", "split"]])


@pytest.mark.parametrize(
    ("template", "label", "text"),
    [
        ("a photo of a {label}", "harbour", "a photo of a harbour"),
        ("a photo of a {label}", "airport", "a photo of an airport"),
        ("a photo of an {label}", "harbour", "a photo of a harbour"),
        ("a photo of a {label}.", "industrial area", "a photo of an industrial area."),
        ("a photo of a {label}", "university campus", "a photo of a university campus"),
        ("a photo of a {label}", "UK port", "a photo of a UK port"),
        ("a photo of a {label}", "farmland", "a photo of farmland"),
        ("a photo of a {label}", "construction land", "a photo of construction land"),
        ("a photo of a {label}", "rope-anchored aquaculture", "a photo of rope-anchored aquaculture"),
        ("a photo of a {label}", "storage tanks", "a photo of storage tanks"),
        ("a photo of a {label}", "tennis court", "a photo of a tennis court"),
        ("a photo of a {label}", "overpass", "a photo of an overpass"),
        ("a photo of a {label}", "the sea", "a photo of the sea"),
        ("a photo of a {label}", "two ships", "a photo of two ships"),
        ("A {label} from above, an {label}", "airport", "An airport from above, an airport"),
        ("a photo of {label}", "airport", "a photo of airport"),  # as written: no article was asked for
        ("a large {label}", "airport", "a large airport"),
        ("data {label}", "airport", "data airport"),
        ("{0} a {label}", "a {x}", "{0} a {x}"),
    ],
)
def test_the_article_before_the_place_goes_with_the_label(template, label, text):
    assert written_into(template, label) == text


def test_captions_have_the_right_article(captions):
    table = label_captions(captions.assign(label="airport"), "a view of a {label}", keep=False)
    assert set(table["caption"]) == {"a view of an airport"}


def test_the_templates_for_ensembles_hold_the_published_ones_and_no_two_alike():
    assert {"a satellite photo of a {label}", "An aerial photograph of {label}"} <= set(REMOTE_SENSING_TEMPLATES)
    written = {written_into(template, "airport").lower() for template in REMOTE_SENSING_TEMPLATES}
    assert 10 <= len(written) == len(REMOTE_SENSING_TEMPLATES) <= 20
    assert checked_templates(REMOTE_SENSING_TEMPLATES) == list(REMOTE_SENSING_TEMPLATES)
