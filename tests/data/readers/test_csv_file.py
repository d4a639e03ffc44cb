"""CSV and TSV in the layouts people have; whatever is wrong, a message that says where and what to do."""

import os

import pytest

from rsclip_lab.data import CaptionError, read_captions


def names_and_captions(table):
    return [
        (os.path.basename(image), caption) for image, caption in zip(table["image"], table["caption"], strict=True)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "filename,caption\na.png,a boat\nb.png,a pier\n",
        "a.png,a boat\nb.png,a pier\n",  # no header
        "caption,filename\na boat,a.png\na pier,b.png\n",
        "photo,words\na.png,a boat\n\nb.png,a pier",  # other words, a blank line, no last newline
        "filepath,title\r\na.png,a boat\r\nb.png,a pier\r\n",
        "filename,caption\ra.png,a boat\rb.png,a pier\r",  # an old Mac's line ends
        "\ufefffilename,caption\nimages/a.png, a boat \nC:\\data\\b.png,a pier\n",
        "id,caption,Image\n7,a boat,a.png\n8,a pier,b.png\n",
        ",filename,caption\n0,a.png,a boat\n1,b.png,a pier\n",  # as pandas writes its index
        "1,a.png,a boat\n2,b.png,a pier\n",
        "a boat,a.png,7\na pier,b.png,8\n",
        "source,photo,words\nSentinel-2,a.png,a boat\nSentinel-2,b.png,a pier\n",
        'filename, caption\na.png, "a boat"\nb.png, "a pier"\n',  # spaces after the commas
        "filename,caption,,\na.png,a boat,,\nb.png,a pier,,\n,,,\n",  # a spreadsheet's empty columns and rows
        "\n\nfilename,caption\n\na.png,a boat\nb.png,a pier\n",
        "filename;caption\na.png;a boat\nb.png;a pier\n",
        "filepath\ttitle\na.png\ta boat\nb.png\ta pier\n",  # tabs in a .csv
        "a boat\ta.png\na pier\tb.png\n",
        "sep=;\r\nfilename;caption\r\na.png;a boat\r\nb.png;a pier\r\n",  # Excel
        "# made by hand, in May\n#\nfilename,caption\na.png,a boat\nb.png,a pier\n",
        "image_name| comment_number| comment\na.png| 0| a boat\nb.png| 0| a pier\n",  # Flickr30k
        "a.png#0\ta boat\nb.png#0\ta pier\n",  # Flickr8k
    ],
)
def test_layouts_seen_in_the_wild(write, text):
    table = read_captions(write(text))
    assert names_and_captions(table) == [("a.png", "a boat"), ("b.png", "a pier")]
    assert all(map(os.path.isfile, table["image"]))
    assert table["split"].tolist() == table["label"].tolist() == [None, None]


@pytest.mark.parametrize(
    ("text", "captions"),
    [
        ("a.jpg;a pier, long\nb.jpg;a reef, wide\n", ["a pier, long", "a reef, wide"]),
        ("a.jpg,a pier; long\nb.jpg,a reef; wide\n", ["a pier; long", "a reef; wide"]),
        ("a pier, long;a.jpg\na reef, wide;b.jpg\n", ["a pier, long", "a reef, wide"]),
        ("a pier; long,a.jpg\na reef; wide,b.jpg\n", ["a pier; long", "a reef; wide"]),
        ('a.jpg\t"a pier, ""long""\n; wide"\nb.jpg\tx\n', ['a pier, "long"\n; wide', "x"]),
    ],
)
def test_the_separator_is_the_one_that_shows_file_names(write, text, captions):
    assert read_captions(write(text))["caption"].tolist() == captions


def test_file_names_without_endings_are_known_from_the_folder(write, tmp_path):
    (tmp_path / "images" / "a.png").rename(tmp_path / "images" / "a")
    assert names_and_captions(read_captions(write("a boat,a\n"))) == [("a", "a boat")]


def test_label_and_split_are_found_by_name_and_split_names_are_made_one(write):
    path = write("split,filename,label,caption\nvalid,a.png,port,x\nTraining,b.png,,y\n,c.png,bay,z\n")
    table = read_captions(path)
    assert table["split"].tolist() == ["val", "train", None]
    assert table["label"].tolist() == ["port", None, "bay"]
    assert len(read_captions(path, split="validation")) == 1


@pytest.mark.parametrize(
    "header",
    [
        "caption_1,caption_2,caption_3",
        "caption1,caption2,caption3",
        "caption,caption.1,caption.2",
        "Sentences 1,Sentences 2,Sentences 3",
    ],
)
def test_several_columns_of_captions_give_several_rows_and_blank_cells_none(write, header):
    table = read_captions(write(f"filename,{header}\na.png,x,y,z\nb.png,u,,\nc.png,,,\n"))
    assert names_and_captions(table) == [
        ("a.png", "x"),
        ("a.png", "y"),
        ("a.png", "z"),
        ("b.png", "u"),
        ("c.png", ""),
    ]
    assert table["image_id"].tolist() == [0, 0, 0, 1, 2]


def test_without_a_header_all_columns_of_words_are_captions(write):
    table = read_captions(write("a.png,many boats here,boats here too,x y z\nb.png,u v,w x,\n"))
    assert names_and_captions(table) == [
        ("a.png", "many boats here"),
        ("a.png", "boats here too"),
        ("a.png", "x y z"),
        ("b.png", "u v"),
        ("b.png", "w x"),
    ]


def test_captions_in_several_languages_are_all_read(write):
    table = read_captions(write("filename,caption_en,caption_de,caption_id\na.png,a pier,ein Steg,7\n"))
    assert table["caption"].tolist() == ["a pier", "ein Steg"]


@pytest.mark.parametrize("header", ["filename,caption,remark,id", "photo,words,remark,id"])
def test_a_warning_names_the_columns_of_words_that_are_not_read(write, header):
    path = write(f"{header}\na.png,a pier at the sea,taken in May,7\n")
    with pytest.warns(UserWarning, match=rf"{path}, line 1: .*not read as captions: \['remark'\]") as caught:
        assert read_captions(path)["caption"].tolist() == ["a pier at the sea"]
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize("name", ["set", "Fold", "subset", "partition"])
def test_a_column_of_splits_may_have_another_name(write, name):
    assert read_captions(write(f"filename,caption,{name}\na.png,x,train\nb.png,y,valid\n"))["split"].tolist() == [
        "train",
        "val",
    ]
    assert read_captions(write(f"filename,caption,{name}\na.png,x,train\nb.png,y,3\n"))["split"].isna().all()


@pytest.mark.parametrize("separator", ["\t", "|"])
def test_between_tabs_and_bars_a_caption_may_begin_with_a_quoted_word(write, separator):
    lines = ['a.png,"Dock 5" is empty', 'b.png,"A" and "B", two piers', 'c.png,"one,\n""two"" boats"']
    text = "".join(f"{line}\n".replace(",", separator, 1) for line in lines)
    assert read_captions(write(text))["caption"].tolist() == [
        '"Dock 5" is empty',
        '"A" and "B", two piers',
        'one,\n"two" boats',
    ]


@pytest.mark.parametrize(
    "cell",
    [
        '["it\'s a pier", "a reef, wide"]',  # JSON
        "[\"it's a pier\", 'a reef, wide']",  # Python
        "[\"it's a pier\"\n 'a reef, wide']",  # numpy
    ],
)
def test_a_list_in_a_cell_gives_several_rows(write, cell):
    quoted = cell.replace('"', '""')
    table = read_captions(write(f'filename,captions\na.png,"{quoted}"\n'))
    assert table["caption"].tolist() == ["it's a pier", "a reef, wide"]


@pytest.mark.parametrize(
    "cell", ["[unclear] a boat [2]", "[1, 2]", "['a' + 'b']", "[f'{1}']", "[" * 5000 + "]", "12"]
)
def test_what_only_looks_like_a_list_or_a_number_stays_text(write, cell):
    assert read_captions(write(f'filename,captions\na.png,"{cell}"\n'))["caption"].tolist() == [cell]


def test_labels_without_captions_become_captions(write):
    text = ",Filename,Label,ClassName\n0,AnnualCrop/a.png,0,AnnualCrop\n1,Forest/b.png,1,Forest\n"
    table = read_captions(write(text), templates=["{label} from above", "this is {label}"])
    assert table["label"].tolist() == ["annual crop land"] * 2 + ["forest"] * 2
    assert table["caption"].tolist()[1:3] == ["this is annual crop land", "forest from above"]


def test_captions_with_commas_quotes_and_line_breaks(write):
    table = read_captions(write('filename,caption\na.png,"boats, ""many"" of them"\nb.png,"two\nlines"\nc.png,x\n'))
    assert table["caption"].tolist() == ['boats, "many" of them', "two\nlines", "x"]


def test_a_missing_picture_and_an_empty_caption_are_left_to_the_audit(write):
    table = read_captions(write("filename,caption\nnowhere.png,\n"))
    assert table["image"][0].endswith("nowhere.png") and table["caption"].tolist() == [""]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("\n\n  \n", "the file is empty"),
        ("filename,caption\n", "no captions in it"),
        ("filename,width\na.png,300\n", 'line 1: no column of captions.*name it "caption"'),
        ("00001,a boat\n00002,a pier\n", 'line 1: no column of file names.*"filename" and "caption".*endings'),
        ("label,caption\nport,x\n", "no column of file names"),
        ("filename\na.png\n", "no column of captions"),
        ("a.png\nb.png\n", "no column of captions"),
        ("filename,caption\na.png,boats, many\n", "line 2: 3 cells where 2 are expected; .*double quotes"),
        ("filename,caption\na.png,x\nb.png\n", r"line 3: 1 cells.* no \['caption'\] for 'b.png'; fill in"),
        ("# one\n# two\nfilename,caption\nb.png\n", "line 4: 1 cells"),
        ("filename,caption\n\na.png,x\n,y\n", "line 4: no file name"),
        ('filename,caption\na.png,"x\ny"\nb.png\n', "line 4: 1 cells"),  # lines are those of the file
        ('filename,caption\na.png,"x\nb.png,y\n', "line 2: unexpected end of data; .*double quotes"),
        ('filename,caption\na.png,"x" y\n', "line 2: .*double quotes"),
        ("filename,label\na.png,port\nb.png,\n", "line 3: neither a caption nor a label"),
        ("filename,caption\na.png," + "x" * 200_000, "line 2: field larger than field limit"),
        ("filename,caption\na.png,x\0y\n", "line 2: a null byte"),
    ],
)
def test_errors_name_file_line_cause_and_remedy(write, text, message):
    path = write(text)
    with pytest.raises(CaptionError, match=message) as raised:
        read_captions(path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("name", ["../outside.jpg", "../../etc/hostname", __file__, ".."])
def test_a_file_name_that_leaves_the_image_folder_is_refused_with_its_line(write, name):
    with pytest.raises(CaptionError, match="line 3.*leads out of the image folder"):
        read_captions(write(f"filename,caption\na.jpg,a pier\n{name},a secret\n"))
