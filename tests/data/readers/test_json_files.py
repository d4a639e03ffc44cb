"""JSON and JSON lines in the published forms and in simpler ones; wrong entries are named."""

import json
import os

import pytest

from rsclip_lab.data import CaptionError, read_captions
from rsclip_lab.data.readers import json_files


def rows(table):
    columns = ("image", "caption", "split", "label")
    return [(os.path.basename(row[0]), *row[1:]) for row in zip(*(table[c] for c in columns), strict=True)]


def karpathy(name, split, *sentences):
    listed = [{"raw": raw, "tokens": raw.split(), "imgid": 0, "sentid": n} for n, raw in enumerate(sentences)]
    return {"filename": name, "imgid": 0, "sentids": [0], "split": split, "sentences": listed}


def test_the_form_of_rsicd_and_its_kin_with_its_splits(write):
    images = [
        karpathy("a.png", "train", "a boat .", "boats ."),
        karpathy("b.png", "val", "x"),
        karpathy("c.png", "test", "y"),
    ]
    table = read_captions(write(json.dumps({"images": images, "dataset": "rsicd"}), name="dataset_rsicd.json"))
    assert rows(table) == [
        ("a.png", "a boat .", "train", None),
        ("a.png", "boats .", "train", None),
        ("b.png", "x", "val", None),
        ("c.png", "y", "test", None),
    ]
    assert all(map(os.path.isfile, table["image"])) and table["image_id"].tolist() == [0, 0, 1, 2]


def test_tokens_stand_in_where_a_sentence_has_no_raw_text(write):
    entry = {
        "filename": "a.png",
        "sentences": [{"tokens": ["a", "boat"]}, {"raw": "", "tokens": ["b"]}, {"raw": "c"}],
    }
    assert read_captions(write(json.dumps([entry]), name="x.json"))["caption"].tolist() == ["a boat", "b", "c"]


def test_the_form_of_nwpu_captions_one_list_a_class(write):
    entry = {"filename": "airplane_001.jpg", "imgid": 0, "raw": "x", "raw_1": "y", "raw_2": "z", "split": "test"}
    table = read_captions(write(json.dumps({"airplane": [entry], "sea_ice": []}), name="dataset_nwpu.json"))
    assert rows(table) == [("airplane_001.jpg", caption, "test", "airplane") for caption in "xyz"]


@pytest.mark.parametrize(
    "document",
    [
        [{"filename": "a.png", "captions": ["x", "y"]}, {"filename": "b.png", "captions": "z"}],
        [{"file_name": "a.png", "caption": c} for c in "xy"] + [{"file_name": "b.png", "caption": "z"}],
        [{"image": "images/a.png", "text": ["x", "y"], "id": 7}, {"image": "/gone/b.png", "text": "z"}],
        {"data": [{"filename": "a.png", "captions": ["x", "y"]}, {"filename": "b.png", "captions": ["z"]}]},
        {"a.png": ["x", "y"], "b.png": "z"},
        {"a.png": {"captions": ["x", "y"]}, "b.png": {"captions": ["z"]}},
    ],
)
def test_simpler_forms(write, document):
    expected = [("a.png", "x", None, None), ("a.png", "y", None, None), ("b.png", "z", None, None)]
    assert rows(read_captions(write(json.dumps(document, indent=1), name="x.json"))) == expected
    if isinstance(document, list):
        lines = "\r\n".join(map(json.dumps, document)) + "\r\n\r\n"
        for name in ("x.jsonl", "x.ndjson", "x.json"):  # lines are recognised under .json too
            assert rows(read_captions(write(lines, name=name))) == expected


def test_the_split_is_the_entrys_own_else_what_the_files_name_says(write):
    lines = '{"filename": "a.png", "caption": "x", "split": "validation"}\n{"filename": "b.png", "caption": "y"}\n'
    assert read_captions(write(lines, name="textaug_test_rsicd.jsonl"))["split"].tolist() == ["val", "test"]
    assert read_captions(write(lines, name="latest_rsicd.jsonl"))["split"].tolist() == ["val", None]


def test_labels_may_be_numbers_and_empty_captions_are_left_to_the_audit(write):
    document = [
        {"filename": "a.png", "captions": [], "label": 3},
        {"filename": "b.png", "caption": " ", "label": None},
    ]
    assert rows(read_captions(write(json.dumps(document), name="x.json"))) == [
        ("a.png", "", None, "3"),
        ("b.png", "", None, None),
    ]


@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
def test_null_and_nan_are_empty_as_pandas_writes_them(write, name):
    entries = [
        {"filename": "a.png", "caption": None, "label": None, "split": float("nan")},
        {"filename": "b.png", "caption": float("nan"), "label": float("nan")},
        {"filename": "c.png", "caption_1": "x", "caption_2": None},
    ]
    text = json.dumps(entries) if name == "x.json" else "\n".join(map(json.dumps, entries))
    assert rows(read_captions(write(text, name=name))) == [
        ("a.png", "", None, None),
        ("b.png", "", None, None),
        ("c.png", "x", None, None),
    ]


def test_keys_that_are_all_splits_are_no_classes(write):
    entries = {name: [{"filename": f"{name}.png", "caption": name}] for name in ("train", "validation", "test")}
    assert rows(read_captions(write(json.dumps(entries), name="x.json"))) == [
        ("train.png", "train", "train", None),
        ("validation.png", "validation", "val", None),
        ("test.png", "test", "test", None),
    ]


def test_the_file_of_karpathy_for_coco(write, tmp_path):
    (tmp_path / "images" / "val2014").mkdir()
    (tmp_path / "images" / "a.png").rename(tmp_path / "images" / "val2014" / "a.png")
    images = [{**karpathy("a.png", "restval", "x"), "filepath": "val2014"}]
    table = read_captions(write(json.dumps({"images": images, "dataset": "coco"}), name="dataset_coco.json"))
    assert rows(table) == [("a.png", "x", "train", None)] and os.path.isfile(table["image"][0])


def test_labels_alone_become_captions(write):
    document = [{"filename": "a.png", "label": "SeaLake"}]
    expected = [("a.png", "a satellite view of sea or lake", None, "sea or lake")]
    assert rows(read_captions(write(json.dumps(document), name="x.json"))) == expected


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            [{"filename": "a.png", "caption": "x"}, {"filename": "b.png", "caption": 7}],
            "image 2 .b.png.: the caption is a number, not text; correct",
        ),
        ([{"filename": "a.png", "caption": 7}], "the caption is a number, not text"),
        ([{"filename": "a.png", "captions": ["x", True]}], "the caption is true or false"),
        ([{"filename": "a.png", "captions": [["x"]]}], "the caption is a list"),
        ([{"filename": "a.png", "caption": {"a": {"b": "x"}}}], 'an object without "raw" and "tokens"'),
        ([{"filename": "a.png", "sentences": [{"tokens": ["x", 1]}]}], "in its tokens, is a number"),
        ([{"filename": 7, "caption": "x"}], "image 1: the file name is a number"),
        ([{"filename": "", "caption": "x"}], "image 1: no file name"),
        ([{"filename": "a.png", "caption": "x", "split": 1.5}], "the split is a number"),
        ([{"filename": "a.png", "caption": "x", "label": ["y"]}], "the label is a list"),
        ([{"filename": "a.png", "caption": "\ud800"}], "half a character"),
        ([{"caption": "x"}], "no file name among the keys .'caption'.; name it"),
        ([{"filename": "a.png", "words": "x"}], "no caption among the keys .*name it"),
        (["a.png"], "image 1: text is no .*filename"),
        ({"version": "1", "name": "x"}, "key 'version': neither the file name of a picture nor a class"),
        ({"images": {}}, "key 'images'"),
        ("text", "text where a list of entries is expected"),
        ([], "no captions in it"),
        ({}, "no captions in it"),
        ([{"filename": "../../x.png", "caption": "x"}], "image 1: '../../x.png' leads out of the image folder"),
    ],
)
def test_wrong_entries_are_named(write, document, message):
    path = write(json.dumps(document), name="captions.json")
    with pytest.raises(CaptionError, match=message) as raised:
        read_captions(path)
    assert str(path) in str(raised.value) and "; " in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column 1: not JSON .Expecting value.; correct"),
        ('[\n{"filename": "a.png",}\n]', "line 2, column .*: not JSON"),
        ('[\n{"filename": "a.png", "caption": "x"}\n]\n]', "line 4, column 1: not JSON .Extra data"),
        ('{"a.png": "x", "a.png": "y"}', "the key 'a.png' occurs twice in one object; correct"),
        ("[" * 200_000, "nested without end"),
        ('{"a":' * 200_000, "nested without end"),
        ("[" + "9" * 5000 + "]", "limit.*digits"),
        ('{"filename": "a.png", "caption": "x"}\n{"filename": "b.png"\n', "line 2, column .*: not JSON"),
        ('{"filename": "a.png", "caption": "x"}\n\n[]\n', "line 3: a list is no"),
    ],
)
def test_damaged_json_is_named_with_its_place(write, text, message):
    path = write(text, name="captions.json")
    with pytest.raises(CaptionError, match=message) as raised:
        read_captions(path)
    assert str(path) in str(raised.value) and "; " in str(raised.value)


def test_a_line_and_a_document_beyond_the_limits_are_refused(write, monkeypatch):
    monkeypatch.setattr(json_files, "MAX_LINE", 100)
    long = '{"filename": "a.png", "caption": "%s"}\n'
    assert len(read_captions(write(long % "x", name="x.jsonl"))) == 1
    with pytest.raises(CaptionError, match="line 1: longer than 100 characters; write one entry a line"):
        read_captions(write(long % ("x" * 100), name="x.jsonl"))
    monkeypatch.setattr(json_files, "MAX_BYTES", 100)
    with pytest.raises(CaptionError, match="x.json: .*more than the limit"):
        read_captions(write(json.dumps([{"filename": "a.png", "caption": "x" * 100}]), name="x.json"))
