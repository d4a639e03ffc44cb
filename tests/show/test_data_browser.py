"""The data browser: the pictures that fit, what the audit says of them, and edits that touch nothing but a copy."""

import hashlib
import html
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rsclip_lab import data
from rsclip_lab.checks import audit
from rsclip_lab.data import CaptionError
from rsclip_lab.show.widgets.browser import DataBrowser


@pytest.fixture
def table(picture_folder):
    return data.read_captions(picture_folder)


@pytest.fixture
def broken(table):
    """The table with a cut file, a missing one, and a caption that is a file's name."""
    images = table["image"].unique()
    with open(images[1], "r+b") as file:
        file.truncate(80)
    os.remove(images[2])
    table.loc[0, "caption"] = "IMG_0001.jpg"
    return table


@pytest.fixture
def panel(table, tmp_path):
    (tmp_path / "out").mkdir()
    return DataBrowser(table, folder=tmp_path / "out")


def captions_shown(panel):
    return [field.field.value for field in panel.fields[: len(panel.editors.children)]]


def digests(folder):
    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_one_goes_from_picture_to_picture_each_with_all_its_captions(panel, table):
    for place, (image, rows) in enumerate(table.groupby("image", sort=False)):
        assert panel.image == image and captions_shown(panel) == rows["caption"].tolist()
        assert f"{place + 1} of 12" in panel.count.value
        assert f"alt='{rows['caption'].iloc[0]}'" in panel.picture.value
        assert panel.back.disabled == (place == 0) and panel.forth.disabled == (place == 11)
        panel.forth.click()
    panel.back.click()
    assert panel.image == table["image"].unique()[10]
    panel.number.value = 3
    assert panel.image == table["image"].unique()[2] and "3 of 12" in panel.count.value


def test_filters_show_what_pandas_chooses(panel, table):
    def expected(rows):
        return list(table[rows]["image"].unique())

    panel.split.value = "train"
    assert panel.chosen == expected(table["split"] == "train")
    panel.label.value = "beach"
    assert panel.chosen == expected((table["split"] == "train") & (table["label"] == "beach"))
    panel.split.value = ""
    panel.words.value = "above PICTURE 3"
    has = table["caption"].str.contains("picture") & table["caption"].str.contains("3")
    assert has.sum() == 1  # the other captions have some of the words
    assert panel.chosen == expected((table["label"] == "beach") & has)
    assert ("beach (4)", "beach") in panel.label.options and ("train (6)", "train") in panel.split.options
    panel.words.value = "no such words ("
    assert panel.chosen == [] and panel.image is None and "no picture fits" in panel.count.value
    assert panel.forth.disabled and panel.back.disabled and captions_shown(panel) == []
    assert "no picture fits" in panel.figure().texts[0].get_text()
    panel.words.value = ""
    assert len(panel.chosen) == 4


def test_a_filter_keeps_the_picture_that_is_shown_where_it_fits(panel, table):
    panel.show_picture(3)
    image = panel.image
    panel.label.value = table.set_index("image")["label"][image].iloc[0]
    assert panel.image == image and panel.place == 1


def test_the_audit_is_read_out_with_its_remedy_and_filters_by_kind(broken):
    report = audit(broken)
    panel = DataBrowser(broken, report)
    assert "file name caption, caption 1" in panel.said.value and "describe what is seen" in panel.said.value
    for kind in report.problems["kind"][report.problems["file"].notna()].unique():
        panel.kind.value = kind
        of_kind = report.problems[report.problems["kind"] == kind]
        by_row = set(broken.loc[of_kind["row"].dropna().astype(int), "image"])
        assert set(panel.chosen) == by_row | set(of_kind["file"].dropna()), kind
    panel.kind.value = "missing_file"
    (found,) = report.problems[report.problems["kind"] == "missing_file"].itertuples()
    assert (
        panel.image == found.file and "Error: missing file" in panel.said.value and found.remedy in panel.said.value
    )
    assert any(words.startswith("Error: missing file (1)") for words, _ in panel.kind.options)
    assert "no longer there" in panel.picture.value


def test_rows_of_other_indexes_are_found(table):
    table.loc[5, "caption"] = ""
    for captions in (table.iloc[::-1], table.set_index(table["caption"] + "x"), pd.concat([table, table])):
        panel = DataBrowser(captions, audit(captions))
        panel.kind.value = "empty_caption"
        assert panel.chosen == [table["image"][5]] and "empty caption, caption" in panel.said.value


def test_a_picture_that_cannot_be_read_says_why_and_the_next_ones_are_shown(broken):
    panel = DataBrowser(broken)
    panel.forth.click()
    assert "cannot be read" in panel.picture.value and "<img" not in panel.picture.value
    panel.forth.click()
    assert "no longer there" in panel.picture.value
    panel.forth.click()
    assert "<img" in panel.picture.value and panel.message.value == ""
    panel.show_picture(0)
    sheet = panel.figure()
    sheet.canvas.draw()
    words = [text.get_text() for axes in sheet.axes for text in axes.texts]
    assert any("cannot be read" in text for text in words) and "no picture" in words
    sizes = np.array([axes.get_window_extent().size for axes in sheet.axes if axes.images])
    assert np.ptp(sizes, axis=0).max() < 1  # a taller place would have its words under the next row


def test_an_edit_is_in_the_copy_and_nowhere_else(panel, table, picture_folder):
    before, files = table.copy(), digests(picture_folder)
    panel.fields[1].field.value = "  a sandy beach\nfrom above "
    assert panel.captions["caption"][1] == "a sandy beach from above"
    pd.testing.assert_frame_equal(panel.captions.drop(index=1), before.drop(index=1))
    pd.testing.assert_frame_equal(table, before)
    assert digests(picture_folder) == files
    assert "Edited." in panel.fields[1].mark.value and before["caption"][1] in panel.fields[1].mark.value
    assert panel.fields[0].mark.value == "" and "1 caption edited, not saved yet" in panel.state.value
    (edit,) = panel.edits.itertuples(index=False)
    assert tuple(edit) == (1, before["image"][1], before["caption"][1], "a sandy beach from above")
    handed_out = panel.captions
    handed_out.loc[1, "caption"] = "another"
    assert panel.captions["caption"][1] == "a sandy beach from above"


def test_edits_are_undone_one_by_one_on_their_own_pictures(panel, table):
    panel.edit(0, "first")
    panel.edit(0, "second")
    panel.show_picture(4)
    panel.edit(8, "third")
    panel.show_picture(9)
    panel.undo_button.click()
    assert panel.place == 4 and panel.fields[0].field.value == table["caption"][8] and len(panel.edits) == 1
    panel.undo_button.click()
    assert panel.place == 0 and panel.captions["caption"][0] == "first"
    panel.undo_button.click()
    pd.testing.assert_frame_equal(panel.captions, table)
    assert panel.undo_button.disabled and "nothing edited" in panel.state.value


def test_an_edit_without_words_is_refused_and_the_field_has_the_caption_again(panel, table):
    panel.fields[0].field.value = "   "
    assert "a caption needs words" in panel.message.value
    assert panel.fields[0].field.value == table["caption"][0] and panel.edits.empty


def test_saved_captions_are_read_back_as_they_stand(panel, table, tmp_path):
    panel.edit(0, 'a "beach", seen\tfrom above')
    panel.save_button.click()
    path = tmp_path / "out" / "captions_edited.csv"
    assert str(path) in panel.message.value and "1 caption edited, saved" in panel.state.value
    image_dir = os.path.dirname(table["image"][0])
    assert f"image_dir={image_dir!r}" in html.unescape(panel.message.value)
    read = data.read_captions(path, image_dir=image_dir)
    pd.testing.assert_frame_equal(read, panel.captions)
    panel.edit(1, "another")
    assert "not saved yet" in panel.state.value
    panel.save()  # its own file it may replace
    assert data.read_captions(path, image_dir=image_dir)["caption"][1] == "another"
    assert sorted(os.listdir(path.parent)) == ["captions_edited.csv"]


@pytest.mark.parametrize("name", ["caption.csv", "link.csv"])
def test_the_source_is_never_written_over(panel, picture_folder, name):
    os.symlink("caption.csv", picture_folder / "link.csv")
    files = digests(picture_folder)
    panel.edit(0, "a beach")
    panel.save(picture_folder / name)
    assert "is there already and stays as it is" in panel.message.value and "another name" in panel.message.value
    assert digests(picture_folder) == files and "not saved yet" in panel.state.value


def test_what_somebody_else_wrote_there_meanwhile_is_never_written_over(panel, tmp_path):
    panel.edit(0, "a beach")
    panel.save()
    path = tmp_path / "out" / "captions_edited.csv"
    path.write_text("somebody else's")
    panel.edit(1, "another")
    panel.save()
    assert "somebody else&#x27;s" in panel.message.value and "not saved yet" in panel.state.value
    assert path.read_text() == "somebody else's"


def test_a_refused_edit_is_told_of_while_one_goes_on(panel):
    panel.edit(0, "  ")
    panel.forth.click()
    assert "a caption needs words" in panel.message.value
    panel.forth.click()
    assert panel.message.value == ""


@pytest.mark.parametrize(
    "name, words",
    [
        ("captions.json", ".csv or .tsv"),
        ("  ", "no name for the file"),
        ("nowhere/captions.csv", "nowhere: there is no such folder; make it, or name another"),
        ("~nobody-of-that-name/captions.csv", "there is no such folder"),
        ("a\0b.csv", "table of text"),
        ("a" * 300 + ".csv", "cannot be written (File name too long); name another place"),
    ],
)
def test_a_name_that_is_none_of_a_csv_file_is_refused(panel, name, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    panel.save(name)
    assert os.listdir(tmp_path / "out") == [] and not (tmp_path / "nowhere").exists()
    assert words in panel.message.value and "Not possible" in panel.message.value


def test_a_table_of_pictures_and_captions_alone_does(table, tmp_path):
    panel = DataBrowser(table[["image", "caption"]], folder=tmp_path)
    assert len(panel.split.options) == len(panel.label.options) == 1
    assert panel.split not in panel.filters.children and panel.words in panel.filters.children
    assert panel.captions["image_id"].tolist() == table["image_id"].tolist()
    assert "label" not in panel.facts.value
    panel.save()
    assert "Saved 24 captions" in panel.message.value


def test_cells_that_hold_no_text_are_shown_as_empty(table):
    table["caption"] = table["caption"].astype(object)
    for row, value in enumerate((None, float("nan"), 7.0, ["a list"])):
        table.at[row, "caption"] = value
    table["label"] = None
    panel = DataBrowser(table)
    assert captions_shown(panel) == ["", ""] and "without a caption" in panel.picture.value
    panel.forth.click()
    assert captions_shown(panel) == ["7", ""] and panel.edits.empty


def test_what_is_no_table_or_another_ones_report_is_refused(table):
    with pytest.raises(CaptionError, match="no column caption"):
        DataBrowser(table[["image"]])
    with pytest.raises(CaptionError, match="another table"):
        DataBrowser(table, audit(table.head(4)))
    with pytest.raises(CaptionError, match="lab.audit"):
        DataBrowser(table, report="report")


def test_text_of_files_is_text_on_the_page(table):
    table.loc[0, "caption"] = "<b>bold</b> & 'quoted'"
    panel = DataBrowser(table, audit(table))
    assert "<b>bold" not in panel.picture.value + panel.said.value.replace("<b>The", "")
    panel.edit(0, "plain")
    assert "&lt;b&gt;bold" in panel.fields[0].mark.value
