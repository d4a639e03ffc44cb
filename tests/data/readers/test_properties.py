"""Whatever the texts are, they read back as they were written; whatever the bytes are, a table or a CaptionError."""

import csv
import io
import json
import os
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsclip_lab.data import CaptionError, read_captions
from rsclip_lab.data.readers.records import ImageFolder

FEW = settings(max_examples=25, deadline=None)
# No lone surrogates (no encoding has them) and no null characters (no text file has them).
ANYTHING = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
# A sentence first: two or three letters alone may be right in several encodings.
CHINESE = st.text("一个港口和许多船只机场停在旁边河绿树白色的桥，。ab 12\"'\n,;\t", max_size=30).map(
    "许多绿树在河的两岸".__add__
)
WESTERN = st.lists(
    st.sampled_from('forêt près "du château", große;Straße\tel\nniño café l’été — água'.split(" ")), max_size=8
)
PLAIN = st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=30)
CAPTIONS = {
    "utf-8": ANYTHING,
    "utf-8-sig": ANYTHING,
    "utf-16": ANYTHING,
    "ascii": PLAIN,
    "gb18030": CHINESE,
    "cp1252": WESTERN.map(" ".join),
}
NAME = st.from_regex(r"[a-z]{1,6}[0-9]{1,3}\.(jpg|PNG|tif)", fullmatch=True)


def read_bytes(data, name):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return read_captions(path)


def pairs(table):
    return [
        (os.path.basename(image), caption) for image, caption in zip(table["image"], table["caption"], strict=True)
    ]


@pytest.mark.parametrize("encoding", CAPTIONS)
@pytest.mark.parametrize("separator", [",", "\t", ";"])
@FEW
@given(st.data())
def test_any_texts_written_as_csv_read_back(encoding, separator, data):
    captions = CAPTIONS[encoding].filter(lambda text: not text.strip().startswith("["))  # it may be a list
    rows = data.draw(st.lists(st.tuples(NAME, captions), min_size=1, max_size=5))
    header = data.draw(st.booleans()) or not all(any(map(str.isalpha, caption)) for _, caption in rows)
    swapped = header and data.draw(st.booleans())
    stream = io.StringIO(newline="")
    # Python's writer leaves a lone \r unquoted, which is then a line end.
    bare_return = any("\r" in caption for _, caption in rows)
    quoting = csv.QUOTE_ALL if bare_return or data.draw(st.booleans()) else csv.QUOTE_MINIMAL
    ends = data.draw(st.sampled_from(["\n", "\r\n"]))
    writer = csv.writer(stream, delimiter=separator, lineterminator=ends, quoting=quoting)
    writer.writerows([("filename", "caption")[:: -1 if swapped else 1]] * header)
    writer.writerows(row[:: -1 if swapped else 1] for row in rows)
    text = stream.getvalue()
    table = read_bytes(text.encode(encoding), "x.tsv" if separator == "\t" and data.draw(st.booleans()) else "x.csv")
    assert pairs(table) == [(name, caption.strip()) for name, caption in rows]


@FEW
@given(st.lists(st.tuples(NAME, st.lists(ANYTHING, min_size=1, max_size=3)), min_size=1, max_size=5), st.booleans())
def test_any_texts_written_as_json_lines_or_karpathys_form_read_back(entries, escaped):
    expected = [(name, caption.strip()) for name, captions in entries for caption in captions]
    lines = [json.dumps({"filename": name, "captions": captions}, ensure_ascii=escaped) for name, captions in entries]
    assert pairs(read_bytes("\n".join(lines).encode(), "x.jsonl")) == expected
    images = [{"filename": name, "sentences": [{"raw": raw} for raw in captions]} for name, captions in entries]
    document = json.dumps({"images": images}, ensure_ascii=escaped)
    assert pairs(read_bytes(document.encode(), "dataset_x.json")) == expected


SHARDS = [
    b"a.jpg,a pier\n",
    b'"',
    b"filename,caption\n",
    b"[",
    b"{",
    b'{"filename": "a.jpg", "caption": ',
    b"}",
    b"]",
    b"null",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    "é港".encode(),
    "é".encode("cp1252"),
    "港".encode("gb18030"),
    b"PAR1",
    b"../x.jpg,y\n",
    b'["a", ',
    b"'b']",
    b";",
    b"\t",
    b"\r",
    b"\n",
    b"1e999",
    b"NaN",
]


@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.txt", "x.json", "x.jsonl", "x.parquet"])
@FEW
@given(st.lists(st.sampled_from(SHARDS) | st.binary(max_size=12), max_size=12).map(b"".join))
def test_any_bytes_give_a_table_or_a_caption_error_with_a_remedy(name, data):
    try:
        table = read_bytes(data, name)
    except CaptionError as error:
        assert name in str(error) and "; " in str(error)
    else:
        assert isinstance(table, pd.DataFrame) and len(table) and table["caption"].map(type).eq(str).all()


@FEW
@given(
    st.lists(
        st.sampled_from(["..", ".", "/", "\\", "a", "C:", "images", "x.jpg", " ", "\n"]) | ANYTHING, max_size=8
    ).map("".join)
)
def test_no_file_name_leads_out_of_the_folder(name):
    with tempfile.TemporaryDirectory() as root:
        inside = Path(root, "images")
        inside.mkdir()
        for path in (Path(root, "x.jpg"), inside / "x.jpg"):
            path.touch()
        for resolve in (ImageFolder(inside).path_of, ImageFolder(inside).new_path):
            try:
                found = resolve(name, Path("source"), "line 1")
            except CaptionError as error:
                assert "source, line 1: " in str(error)
            else:
                assert os.path.commonpath([os.path.realpath(found), os.path.realpath(inside)]) == os.path.realpath(
                    inside
                )
                assert os.path.abspath(found) == found != str(inside)
