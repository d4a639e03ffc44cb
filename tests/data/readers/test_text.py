"""Text is read in the encoding it was saved in, or refused: never as other letters."""

import random
from pathlib import Path

import pytest

from rsclip_lab.data import CaptionError, read_captions
from rsclip_lab.data.readers import text
from rsclip_lab.data.readers.detection.classes import read_classes
from rsclip_lab.data.readers.text import parse_json

WESTERN = """bâtiment près du port
deux piétons traversent la forêt à côté de l’étang
« très calme » : la mer est à marée basse
l’église est entourée d’arbres
ÉGLISE ET CHÂTEAU
Straßen und Häuser am Fluß
eine größere Grünfläche neben dem Flughafen
Größe
Öltanks – „rund“, 45 °C
un campo de béisbol junto a la autopista
¿Ésta es una montaña?
muchos árboles pequeños y una cañería de 30 m²
área residencial densa com árvores
uma praia próxima à água, não há ninguém
många träd står längs ån
la città è vicina al mare; più in là c’è un’isola""".splitlines()
CHINESE = """一个港口和许多船
许多绿树在河的两岸
机场有很多飞机停在航站楼旁边。
一座白色的桥横跨在河上，两边是绿色的树木
海
密集的住宅区里有许多红色屋顶的房子
瀑布旁边是碎石
棒球场附近有停车场。
农田被分成许多块，颜色不同
礁石与浪花
沼泽
棕色的荒漠""".splitlines()


def table_bytes(captions, encoding):
    return "".join(["filename,caption\n", *(f'a{n}.jpg,"{one}"\n' for n, one in enumerate(captions))]).encode(
        encoding
    )


def read_back(folder, data):
    (folder / "captions.csv").write_bytes(data)
    return read_captions(folder / "captions.csv")["caption"].tolist()


@pytest.mark.parametrize(
    ("captions", "encoding"),
    [(one, "cp1252") for one in WESTERN] + [(one, "gb18030") for one in CHINESE],
)
def test_one_caption_is_enough_to_tell_western_from_chinese_text(tmp_path, captions, encoding):
    assert read_back(tmp_path, table_bytes([captions], encoding)) == [captions]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le with mark", "utf-16-be with mark"])
def test_unicode_is_read_with_its_mark_or_as_utf8(tmp_path, encoding):
    codec, _, marked = encoding.partition(" ")
    mark = "\ufeff".encode(codec) if marked else b""
    assert read_back(tmp_path, mark + table_bytes(WESTERN + CHINESE, codec)) == WESTERN + CHINESE


def test_long_files_are_told_apart_too(tmp_path):
    for sentences, encoding in ((WESTERN, "cp1252"), (CHINESE, "gb18030")):
        captions = random.Random(0).choices(sentences, k=3000)
        assert read_back(tmp_path, table_bytes(captions, encoding)) == captions


def test_latin1_without_the_signs_of_cp1252_is_read(tmp_path):
    captions = [one for one in WESTERN if not set("’–„“") & set(one)]
    assert read_back(tmp_path, table_bytes(captions, "latin-1")) == captions


@pytest.mark.parametrize("sentences", [WESTERN, CHINESE])
def test_utf8_with_a_broken_character_is_refused_with_its_line(tmp_path, sentences):
    data = table_bytes(sentences, "utf-8").splitlines(keepends=True)
    data[3] = data[3].replace(max(c for c in sentences[2] if ord(c) > 127).encode(), b"\xe9 ", 1)
    with pytest.raises(CaptionError, match="line 4: bytes that are not UTF-8, as the rest is; correct the line"):
        read_back(tmp_path, b"".join(data))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x81\x8d\x8f", "neither UTF-8 nor GB18030 nor Windows-1252 text; save it as UTF-8"),
        (b"\xff\xfeab\x00\xd8", "not utf-16"),
        (b"\xef\xbb\xbfa.png,\xff\n", "line 1: bytes that are not utf-8"),
        ("a.png,x".encode("utf-16-le"), "a null byte, so this is no text; save it as UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "line 3: a null byte"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, data, message):
    with pytest.raises(CaptionError, match=message):
        read_back(tmp_path, data)


def test_a_character_across_two_chunks_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "CHUNK", 7)
    assert read_back(tmp_path, table_bytes(CHINESE, "utf-8")) == CHINESE


def test_more_text_than_the_limit_is_refused_before_it_is_read(tmp_path):
    with open(tmp_path / "captions.csv", "wb") as file:
        file.truncate(text.MAX_BYTES + 1)  # takes no room on the disk
    with pytest.raises(CaptionError, match="captions.csv: 1.0 GB of text, more than the limit.*several files"):
        read_captions(tmp_path)


def test_a_key_that_occurs_twice_is_noticed_in_every_kind_of_json(tmp_path):
    for name, read in (("instances.json", read_captions), ("classes.json", read_classes)):
        path = tmp_path / name
        path.write_text('{"images": [],\n "annotations": [{"id": 1, "id": 2}], "1": "ship"}')
        with pytest.raises(CaptionError, match=f"{name}: the key 'id' occurs twice in one object; correct"):
            read(path)


def test_json_of_one_line_of_a_file_names_that_line():
    with pytest.raises(CaptionError, match="x.jsonl, line 7, column 2: not JSON .*; correct or remove it"):
        parse_json("{", Path("x.jsonl"), line=7)
    kept = parse_json('{"a": NaN, "b": {"c": 1}}', Path("x"), object_hook=sorted, allow_nan=True)
    assert kept == ["a", "b"]
