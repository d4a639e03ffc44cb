"""Tables of captions that lie, lead elsewhere, are damaged, or ask for more memory or time than there is."""

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from cases import Case
from PIL import Image

from rsclip_lab.data import read_captions

Content = bytes | str | Callable[[Path], None]
DEEP = "[" * 1_000_000
BOTH = "filename,caption\na.png,a boat\nb.png,a pier\n"
FRENCH = "filename;caption\na.png;forêt près de l’étang\nb.png;château à côté\n"
NUMPY = """filename,captions\na.png,"[""it's a boat""\n 'a boat']"\nb.png,['a pier']\n"""


def refused(name: str, source: str, content: Content, *words: str) -> Case:
    """A file of captions that is an error."""

    def make(folder: Path):
        _write(folder / source, content)
        return lambda: read_captions(folder / source)

    return Case(name, make, "error", (source.rpartition("/")[2].replace(".", r"\."), *words))


def repaired(
    name: str, source: str, content: Content, expected: list[tuple[str, str]], read: str | None = None
) -> Case:
    """A file of captions that is read as these file names and captions; `read` names the source, if not the file."""

    def make(folder: Path):
        _write(folder / source, content)

        def run() -> bool:
            table = read_captions(folder / (read or source))
            found = [
                (os.path.relpath(image, folder), text)
                for image, text in zip(table["image"], table["caption"], strict=True)
            ]
            return found == expected

        return run

    return Case(name, make, "repaired")


def refused_folder(name: str, files: dict[str, Content], *words: str) -> Case:
    """A folder that cannot be read as one set of captions."""

    def make(folder: Path):
        for path, content in files.items():
            _write(folder / path, content)
        return lambda: read_captions(folder)

    return Case(name, make, "error", words)


def _write(path: Path, content: Content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if callable(content):
        content(path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def gigantic(path: Path) -> None:
    with open(path, "wb") as file:
        file.truncate(20 * 2**30)  # takes no room on the disk


def large(path: Path) -> None:
    """Three million empty lists: 9 MB of text, more than twenty times as much once parsed."""
    path.write_text("[" + "[],".join([""] * 3_000_000) + "[]]")


def link_to_the_secret(path: Path) -> None:
    os.symlink(path.parents[1] / "beside" / "gone.csv", path)


def png(seed: int = 0) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def leftovers(path: Path) -> None:
    """Two classes of a picture each, and what file managers and notebooks leave beside them."""
    names = (
        "AnnualCrop/a.png",
        "01_SeaLake/b.png",
        "__MACOSX/AnnualCrop/._a.png",
        "AnnualCrop/.ipynb_checkpoints/a.png",
    )
    for name in names:
        _write(path.parents[1] / name, png())


def links_in_circles(path: Path) -> None:
    """Two classes of a picture each, with links to each other, to what holds them all, and to the whole disk."""
    folder = path.parents[1]
    for name in ("Forest/a.png", "River/b.png"):
        _write(folder / name, png())
    for link, target in (("Forest/to", "../River"), ("River/to", "../Forest"), ("River/up", ".."), ("root", "/")):
        (folder / link).symlink_to(target)


def parquet(*rows: dict) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), stream)
    return stream.getvalue()


def row(name: str | None, seed: int = 0, caption: object = "a boat") -> dict:
    return {"filename": name, "caption": caption, "image": {"bytes": png(seed), "path": None}}


def torn(data: bytes) -> bytes:
    """The same file with noise where its first column is."""
    return data[:8] + np.random.default_rng(0).bytes(60) + data[68:]


def many_rows(path: Path) -> None:
    """Thirty million rows in some kilobytes: run lengths of dictionary values."""
    schema = pa.schema(
        [("filename", pa.dictionary(pa.int32(), pa.string())), ("caption", pa.dictionary(pa.int32(), pa.string()))]
    )
    zeros = pa.DictionaryArray.from_arrays(np.zeros(1_000_000, np.int32), ["a.png"])
    with pq.ParquetWriter(path, schema) as writer:
        for _ in range(30):
            writer.write_table(pa.table([zeros, zeros], schema=schema))


def entries(*listed: object) -> str:
    return json.dumps(list(listed))


CASES = [
    # CSV
    refused("csv_empty", "x.csv", "", "is empty"),
    refused("csv_of_blank_lines", "x.csv", "\n \n,,,\n" * 50, "is empty"),
    refused("csv_header_alone", "x.csv", "filename,caption\n", "no captions"),
    refused("csv_name_up_and_out", "x.csv", BOTH + "../beside/secret.txt,x\n", "line 4", "leads out"),
    refused("csv_name_from_the_root", "x.csv", BOTH + "/etc/passwd,x\n", "line 4", "leads out"),
    refused("csv_name_out_by_detours", "x.csv", BOTH + "a/../../beside/secret.txt,x\n", "line 4", "leads out"),
    refused("csv_null_byte", "x.csv", BOTH + "c.png,x\0y\n", "line 4", "null byte"),
    refused("csv_is_a_picture", "x.csv", png(), "null byte", "save it as UTF-8"),
    refused(
        "csv_one_quote_never_closed", "x.csv", BOTH + 'c.png,"a boat\n' + "d.png,x\n" * 3, "line 4", "double quotes"
    ),
    refused(
        "csv_cell_of_five_megabytes", "x.csv", "filename,caption\na.png," + "x" * 5_000_000, "line 2", "field larger"
    ),
    refused("csv_quote_swallows_megabytes", "x.csv", BOTH + 'c.png,"' + "d.png,x\n" * 500_000, "line 4", "quotes"),
    refused("csv_of_20_gigabytes", "x.csv", gigantic, r"21\.5 GB", "several files"),
    refused("csv_unquoted_comma", "x.csv", BOTH + "c.png,boats, many\n", "line 4: 3 cells where 2", "double quotes"),
    refused("csv_row_without_a_name", "x.csv", BOTH + ",a reef\n", "line 4: no file name"),
    refused("csv_without_any_file_names", "x.csv", "1,2\n3,4\n", "line 1: no column of file names"),
    refused("csv_of_numbers", "x.csv", "filename,width\na.png,300\n", "no column of captions"),
    refused(
        "csv_utf8_with_one_broken_letter",
        "x.csv",
        "a.png,forêt à côté\n".encode() + b"b.png,\xe9t\xc3\xa9\n",
        "line 2",
    ),
    refused("csv_utf16_cut_in_half_a_letter", "x.csv", BOTH.encode("utf-16")[:-1], "utf-16", "line"),
    refused("csv_utf16_without_its_mark", "x.csv", BOTH.encode("utf-16-le"), "null byte"),
    refused("csv_link_to_nowhere", "x.csv", link_to_the_secret, "no such file"),
    repaired(
        "csv_latin_with_semicolons",
        "x.csv",
        FRENCH.encode("cp1252"),
        [("a.png", "forêt près de l’étang"), ("b.png", "château à côté")],
    ),
    repaired(
        "csv_chinese_in_gb18030",
        "x.csv",
        "a.png,一个港口和许多船\n".encode("gb18030"),
        [("a.png", "一个港口和许多船")],
    ),
    repaired(
        "csv_list_as_numpy_prints_it",
        "x.csv",
        NUMPY,
        [("a.png", "it's a boat"), ("a.png", "a boat"), ("b.png", "a pier")],
    ),
    repaired(
        "csv_code_in_a_list_stays_text",
        "x.csv",
        "a.png,[__import__('os').getcwd()]\n",
        [("a.png", "[__import__('os').getcwd()]")],
    ),
    repaired(
        "csv_list_of_a_hundred_thousand_brackets",
        "x.csv",
        f"filename,captions\na.png,{DEEP[:100_000]}]\n",
        [("a.png", DEEP[:100_000] + "]")],
    ),
    repaired(
        "csv_formula_stays_text", "x.csv", 'a.png,"=HYPERLINK(""http://x"")"\n', [("a.png", '=HYPERLINK("http://x")')]
    ),
    # JSON
    refused("json_lists_in_lists_without_end", "x.json", DEEP, "nested without end"),
    refused("json_objects_in_objects_without_end", "x.json", '{"a":' * 500_000, "nested without end"),
    refused("json_of_20_gigabytes", "x.json", gigantic, r"21\.5 GB"),
    refused("json_of_three_million_empty_lists", "x.json", large, "image 1: a list"),
    refused("json_number_of_a_million_digits", "x.json", "[" + "9" * 1_000_000 + "]", "digits"),
    repaired("json_not_a_number", "x.json", '[{"filename": "a.png", "caption": NaN}]', [("a.png", "")]),
    refused("json_cut_short", "x.json", entries({"filename": "a.png", "caption": "x"})[:-9], "not JSON"),
    repaired("json_caption_null", "x.json", entries({"filename": "a.png", "caption": None}), [("a.png", "")]),
    refused(
        "json_caption_number", "x.json", entries({"filename": "a.png", "captions": ["x", 3]}), "a number, not text"
    ),
    refused("json_caption_object", "x.json", entries({"filename": "a.png", "caption": {"a": {}}}), "an object"),
    refused("json_half_a_letter", "x.json", '[{"filename": "a.png", "caption": "\\ud800"}]', "surrogate"),
    refused(
        "json_name_up_and_out", "x.json", entries({"filename": "../../x", "caption": "x"}), "image 1", "leads out"
    ),
    refused(
        "json_name_with_a_null", "x.json", entries({"filename": "a\0.png", "caption": "x"}), "image 1", "no file name"
    ),
    refused("json_name_twice", "x.json", '{"a.png": "x", "a.png": "y"}', "occurs twice"),
    refused("json_settings_of_a_program", "x.json", '{"name": "x", "version": "1"}', "key 'name'"),
    refused("json_empty_object", "x.json", "{}", "no captions"),
    refused(
        "json_lines_one_cut_short", "x.jsonl", '{"filename": "a.png", "caption": "x"}\n{"filena', "line 2", "not JSON"
    ),
    refused("json_lines_one_endless", "x.jsonl", " " * 30_000_000 + "{}", "line 1: longer than"),
    refused(
        "json_lines_karpathy_splits_of_numbers", "x.jsonl", '{"filename": "a", "caption": "x", "split": 0.5}', "split"
    ),
    # folders
    refused_folder("folder_of_nothing", {}, "0 pictures", "put caption.csv"),
    refused_folder(
        "folder_of_two_caption_files", {"a.csv": BOTH, "b.jsonl": "{}"}, "several files", r"a\.csv, b\.jsonl"
    ),
    refused_folder("folder_of_one_class", {"Forest/a.png": png()}, "1 pictures", "two or more"),
    repaired(
        "folder_of_classes_with_links_in_circles",
        "Forest/a.png",
        links_in_circles,
        [("Forest/a.png", "a satellite view of forest"), ("River/b.png", "a satellite view of river")],
        read=".",
    ),
    refused_folder("folder_of_shards", {"00000.tar": b""}, "ShardStream"),
    repaired(
        "folder_of_classes_with_leftovers",
        "AnnualCrop/a.png",
        leftovers,
        [
            ("01_SeaLake/b.png", "a satellite view of sea or lake"),
            ("AnnualCrop/a.png", "a satellite view of annual crop land"),
        ],
        read=".",
    ),
    # parquet
    refused("parquet_empty", "x.parquet", b"", "no readable parquet"),
    refused("parquet_is_text", "x.parquet", BOTH, "no readable parquet", "download"),
    refused("parquet_cut_short", "x.parquet", parquet(row("a.png"))[:-20], "no readable parquet"),
    refused("parquet_torn_inside", "x.parquet", torn(parquet(row("a.png"))), "x.parquet"),
    refused(
        "parquet_picture_written_up_and_out",
        "x.parquet",
        parquet(row("../../beside/secret.txt")),
        "row 1",
        "leads out",
    ),
    refused(
        "parquet_picture_written_to_the_root", "x.parquet", parquet(row("a.png"), row("/x.png")), "row 2", "leads out"
    ),
    refused(
        "parquet_two_pictures_of_one_name",
        "x.parquet",
        parquet(row("a.png"), row("a.png", 1)),
        "row 2: another picture",
    ),
    refused("parquet_name_too_long", "x.parquet", parquet(row("x" * 5000 + ".png")), "row 1: .*cannot be written"),
    repaired(
        "parquet_caption_null",
        "x.parquet",
        parquet(row("a.png"), row("b.png", 1, None)),
        [("x_images/a.png", "a boat"), ("x_images/b.png", "")],
    ),
    refused("parquet_of_thirty_million_rows", "x.parquet", many_rows, "20,000,000 rows"),
    repaired(
        "parquet_script_for_a_picture", "x.parquet", parquet(row("run.sh")), [("x_images/run.sh.png", "a boat")]
    ),
]
