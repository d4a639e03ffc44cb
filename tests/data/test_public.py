"""Public sets by one word, against a hub on this machine and against none."""

import contextlib
import hashlib
import io
import json
import resource
import shutil
import time
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hub_server import REVISION
from PIL import Image

from rsclip_lab.data import CaptionError, open_image, split_by_image
from rsclip_lab.data import public as public_module
from rsclip_lab.data.disk import require_free
from rsclip_lab.data.public import SETS, PublicSet, fetch_data
from rsclip_lab.data.public import archive as archive_module
from rsclip_lab.data.public.archive import unpack


def jpeg(number, size=12):
    file = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (size, size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


def zip_of(files, compression=zipfile.ZIP_DEFLATED):
    """files: {name: bytes}."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def class_folders():
    """As EuroSAT.zip: one folder a class in one folder, and what macOS adds to archives."""
    classes = ("AnnualCrop", "SeaLake")
    files = {f"2750/{name}/{name}_{i}.jpg": jpeg(i) for name in classes for i in range(1, 11)}
    return zip_of({**files, "__MACOSX/2750/._AnnualCrop": b"x"})


def karpathy():
    """As Sydney_captions.zip: dataset.json beside the folder of pictures."""
    images = [
        {
            "filename": f"{i}.jpg",
            "imgid": i,
            "split": split,
            "sentences": [{"raw": f"caption {j} of {i}.", "tokens": ["caption"]} for j in range(5)],
        }
        for i, split in enumerate(("train", "train", "val", "test"))
    ]
    pictures = {f"images/{i}.jpg": jpeg(i) for i in range(4)}
    return zip_of({"dataset.json": json.dumps({"images": images}).encode(), **pictures})


def parquet(start, stop):
    """As arampacha/rsicd: `filename`, `captions`, `image` with the file's bytes."""
    rows = range(start, stop)
    table = pa.table(
        {
            "filename": [f"rsicd_images/airport_{i}.jpg" for i in rows],
            "captions": [[f"caption {j} of {i}" for j in range(5)] for i in rows],
            "image": [{"bytes": jpeg(i), "path": None} for i in rows],
        }
    )
    file = io.BytesIO()
    pyarrow.parquet.write_table(table, file)
    return file.getvalue()


FILES = {
    ("test/classes", "EuroSAT.zip"): class_folders(),
    ("test/sydney", "Sydney_captions.zip"): karpathy(),
    ("test/rsicd", "data/train-00000-of-00001.parquet"): parquet(0, 6),
    ("test/rsicd", "data/valid-00000-of-00001.parquet"): parquet(6, 8),
    ("test/rsicd", "data/test-00000-of-00001.parquet"): parquet(8, 10),
    ("test/large", "large.zip"): zip_of({f"x/c{i % 2}/{i}.jpg": jpeg(i, 200) for i in range(40)}),
    ("test/slip", "slip.zip"): zip_of({"x/a/1.jpg": jpeg(1), "x/../../../outside.jpg": jpeg(2)}),
    ("test/broken", "broken.zip"): class_folders()[:-600],
    ("test/other", "other.zip"): zip_of({"elsewhere/a/1.jpg": jpeg(1)}),
}


def entry(repository, **changes):
    """The fields of a PublicSet for a repository of the server; its hashes are right unless changed."""
    files = {
        file: hashlib.sha256(content).hexdigest()
        for (known, file), content in FILES.items()
        if known == repository
    }
    return {
        "name": repository.partition("/")[2],
        "repository": repository,
        "revision": REVISION,
        "files": files,
        "megabytes": 1,
        "contents": "a stand-in",
        "licence": "CC0",
        "citation": "A paper, 2026",
        "keep": "x",
        "draws_split": False,
        **changes,
    }


CLASSES = entry("test/classes", keep="2750", draws_split=True)
SYDNEY = entry("test/sydney", keep="**/dataset.json")
RSICD = entry("test/rsicd", keep=None)
LARGE = entry("test/large")


def fetch_known(entry, folder, split=None, largest_file=None):
    """In a process of its own: what `fetch_data` gives for a set of these fields, or its error."""
    SETS[entry["name"]] = PublicSet(**entry)
    printed = io.StringIO()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file or before[0], before[1]))
    try:
        with contextlib.redirect_stdout(printed):
            table = fetch_data(entry["name"], folder, split)
        return {"table": table.to_dict("list"), "printed": printed.getvalue()}
    except CaptionError as error:
        return {"error": str(error)}
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def fetch(hub, hub_clients):
    for (repository, file), content in FILES.items():
        hub.put(repository, file, content)
    return partial(hub_clients["online"], fetch_known)


def table_of(answer):
    assert "table" in answer, answer["error"]
    return answer["table"]


def test_class_folders_are_fetched_once_and_then_read_without_network(fetch, hub_clients, hub, tmp_path):
    folder = tmp_path / "mounted drive" / "eurosat"
    first = fetch(CLASSES, folder)
    table = table_of(first)
    assert len(set(table["label"])) == 2
    assert all(label in caption for label, caption in zip(table["label"], table["caption"], strict=True))
    assert all(Path(image).is_relative_to(folder) and open_image(image).size == (12, 12) for image in table["image"])
    pictures = dict(zip(table["image"], table["split"], strict=True))
    assert len(pictures) == 20 and sorted(pictures.values()) == ["test"] * 4 + ["train"] * 14 + ["val"] * 2
    for shown in ("a stand-in; 1 MB", str(folder), "licence: CC0", "please cite: A paper, 2026"):
        assert shown in first["printed"]
    assert not folder.with_name("eurosat.partial").exists()
    record = (folder / "SOURCE.txt").read_text()
    for stated in (REVISION, CLASSES["files"]["EuroSAT.zip"], "licence: CC0", "citation: A paper, 2026"):
        assert stated in record
    hub.asked.clear()
    for name in ("online", "offline"):
        again = hub_clients[name](fetch_known, CLASSES, folder)
        assert table_of(again) == table and again["printed"] == ""
    assert hub.asked == []


def test_a_set_with_captions_keeps_its_own_splits(fetch, tmp_path):
    table = table_of(fetch(SYDNEY, tmp_path / "sydney"))
    assert table["split"] == ["train"] * 10 + ["val"] * 5 + ["test"] * 5
    assert table["caption"][5] == "caption 0 of 1." and open_image(table["image"][5]).size == (12, 12)
    assert table_of(fetch(SYDNEY, tmp_path / "sydney", split="val"))["caption"][0] == "caption 0 of 2."


def test_parquet_files_give_pictures_captions_and_splits(fetch, hub_clients, tmp_path):
    table = table_of(fetch(RSICD, tmp_path / "rsicd"))
    by_split = {split: table["split"].count(split) for split in set(table["split"])}
    assert by_split == {"train": 30, "val": 10, "test": 10}
    at = table["caption"].index("caption 3 of 7")
    expected = open_image(Image.open(io.BytesIO(jpeg(7))))
    assert np.array_equal(np.asarray(open_image(table["image"][at])), np.asarray(expected))
    assert table_of(hub_clients["offline"](fetch_known, RSICD, tmp_path / "rsicd")) == table


def test_a_download_whose_connection_breaks_goes_on_where_it_was(fetch, hub, tmp_path):
    hub.cuts["large.zip"] = [100_000, 50_000]
    assert len(table_of(fetch(LARGE, tmp_path / "set"))["image"]) == 40
    assert hub.downloads("large.zip") == [None, "bytes=100000-", "bytes=150000-"]


def test_a_download_whose_process_died_goes_on_where_it_was(hub, fetch, tmp_path):
    part = tmp_path / "set.partial" / "large.zip.part"
    part.parent.mkdir()
    content = FILES["test/large", "large.zip"]
    part.write_bytes(content[:123_456])  # as a killed process leaves it
    assert len(table_of(fetch(LARGE, tmp_path / "set"))["image"]) == 40
    assert hub.downloads("large.zip") == ["bytes=123456-"]


def test_a_call_that_was_interrupted_while_unpacking_leaves_no_half_set(fetch, hub, tmp_path):
    stage = tmp_path / "set.partial"
    (stage / "content" / "x" / "c0").mkdir(parents=True)
    (stage / "content" / "x" / "c0" / "half.jpg").write_bytes(jpeg(0)[:50])
    (stage / "large.zip").write_bytes(FILES["test/large", "large.zip"])
    assert len(table_of(fetch(LARGE, tmp_path / "set"))["image"]) == 40
    assert hub.downloads("large.zip") == [] and not list((tmp_path / "set").rglob("half.jpg"))


def test_a_file_downloaded_by_hand_is_taken_without_network(hub_clients, tmp_path):
    error = hub_clients["offline"](fetch_known, CLASSES, tmp_path / "set")["error"]
    place = error.partition("download it by hand to ")[2].partition(" and call again")[0]
    Path(place).write_bytes(FILES["test/classes", "EuroSAT.zip"])
    assert len(table_of(hub_clients["offline"](fetch_known, CLASSES, tmp_path / "set"))["image"]) == 20


def test_another_file_than_expected_is_refused_and_removed(fetch, hub, tmp_path):
    wrong = {**CLASSES, "files": {"EuroSAT.zip": "0" * 64}}
    error = fetch(wrong, tmp_path / "set")["error"]
    assert "EuroSAT.zip.part: not the expected file" in error and "removed; call again" in error
    assert not (tmp_path / "set").exists()
    assert [file.name for file in (tmp_path / "set.partial").iterdir()] in ([], ["lock"])
    assert "table" in fetch(CLASSES, tmp_path / "set")


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"revision": "f" * 40}, "Invalid rev id"),
        ({"repository": "test/nothing"}, "404"),
        ({"files": {"Other.zip": "0" * 64}}, "Entry"),
    ],
)
def test_what_the_hub_does_not_have_is_named(fetch, tmp_path, change, cause):
    changed = {**CLASSES, **change}
    error = fetch(changed, tmp_path / "set")["error"]
    assert changed["repository"] in error and "could not be fetched" in error and "check the network" in error
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("network", ["offline", "dead"])
def test_without_network_one_paragraph_says_what_to_do(hub_clients, tmp_path, network):
    start = time.monotonic()
    error = hub_clients[network](fetch_known, CLASSES, tmp_path / "set")["error"]
    assert time.monotonic() - start < 20 and "\n" not in error and len(error) < 800
    for part in ("check the network and call again", "download it by hand to", "lab.sample('coast')", "EuroSAT.zip"):
        assert part in error


def test_an_archive_that_leads_out_of_its_folder_is_not_unpacked(fetch, tmp_path):
    error = fetch(entry("test/slip"), tmp_path / "a" / "set")["error"]
    assert "slip.zip, 'x/../../../outside.jpg': leads out of the folder; do not use" in error
    assert not list(tmp_path.rglob("*.jpg")) and not (tmp_path / "a" / "set").exists()


def test_a_damaged_archive_or_one_of_other_contents_makes_no_set(fetch, tmp_path):
    assert "broken.zip: damaged (" in fetch(entry("test/broken"), tmp_path / "set")["error"]
    assert "other.zip: there is no x in it; " in fetch(entry("test/other"), tmp_path / "set2")["error"]
    assert not (tmp_path / "set").exists() and not (tmp_path / "set2").exists()


def test_a_full_disk_is_said_and_what_has_arrived_is_used_later(fetch, hub, tmp_path):
    error = fetch(LARGE, tmp_path / "set", largest_file=100_000)["error"]
    assert "set.partial: the disk is full; make room there, or name a folder on another disk" in error
    arrived = (tmp_path / "set.partial" / "large.zip.part").stat().st_size
    assert 0 < arrived <= 100_000
    hub.asked.clear()
    assert "table" in fetch(LARGE, tmp_path / "set")
    assert hub.downloads("large.zip") == [f"bytes={arrived}-"]


def test_too_little_room_is_said_before_anything_is_downloaded(fetch, hub, tmp_path):
    error = fetch({**LARGE, "megabytes": 10**9}, tmp_path / "set")["error"]
    assert "MB are needed and" in error and "another disk" in error and hub.asked == []
    with pytest.raises(CaptionError, match="new/folder: 1000000000000 MB are needed"):
        require_free(tmp_path / "new" / "folder", 10**18)


def test_a_folder_that_holds_something_else_is_left_alone(fetch, hub, tmp_path):
    (tmp_path / "mine.txt").write_text("my own")
    error = fetch(CLASSES, tmp_path)["error"]
    assert f"{tmp_path}: holds something else" in error and str(tmp_path / "classes") in error
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"] and hub.asked == []
    (tmp_path / "empty").mkdir()
    assert "table" in fetch(CLASSES, tmp_path / "empty")
    assert "holds test/classes" in fetch(SYDNEY, tmp_path / "empty")["error"]


def test_a_set_that_has_lost_pictures_since_is_an_error(fetch, tmp_path):
    table = table_of(fetch(CLASSES, tmp_path / "set"))
    Path(table["image"][3]).unlink()
    error = fetch(CLASSES, tmp_path / "set")["error"]
    assert "set: 19 captions are there and 20 were fetched; delete the folder" in error
    (tmp_path / "set" / "SOURCE.txt").write_text("{")
    assert "SOURCE.txt: cannot be read" in fetch(CLASSES, tmp_path / "set")["error"]


def test_a_set_whose_captions_have_outlived_its_pictures_is_an_error(fetch, tmp_path):
    table = table_of(fetch(RSICD, tmp_path / "set"))
    Path(table["image"][0]).unlink()
    error = fetch(RSICD, tmp_path / "set")["error"]
    assert "set: 9 pictures are there and 10 were fetched; delete the folder" in error
    shutil.rmtree(tmp_path / "set" / "images")
    assert "set: 0 pictures are there and 10 were fetched" in fetch(RSICD, tmp_path / "set")["error"]


def test_a_second_process_waits_for_the_first_and_takes_what_it_fetched(fetch, hub, hub_clients, tmp_path):
    hub.gate.clear()
    first = hub_clients["online"].submit(fetch_known, LARGE, tmp_path / "set")
    while not hub.downloads("large.zip"):
        time.sleep(0.01)
    second = hub_clients["offline"].submit(fetch_known, LARGE, tmp_path / "set")
    time.sleep(0.3)
    hub.gate.set()
    first, second = first.result(), second.result()
    assert table_of(first) == table_of(second) and second["printed"] == ""
    assert len(hub.downloads("large.zip")) == 1


def test_the_known_sets_are_pinned_to_commits_and_hashes():
    assert list(SETS) == ["rsicd", "eurosat", "resisc45", "ucmerced", "sydney"]
    for known in SETS.values():
        assert len(known.revision) == 40 and set(known.revision) <= set("0123456789abcdef")
        assert all(len(sha256) == 64 for sha256 in known.files.values())
        assert known.licence and known.citation and 50 < known.megabytes < 1000


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(CaptionError, match="no public set named 'aid'; there are: rsicd, eurosat.*read_captions"):
        fetch_data("AID")


def test_a_missing_pyarrow_is_named_before_anything_is_downloaded(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(public_module, "find_spec", lambda name: None)
    with pytest.raises(CaptionError, match=r'rsicd: .* needs pyarrow; pip install "rsclip-lab\[parquet\]"'):
        fetch_data("rsicd", tmp_path / "set")
    assert capsys.readouterr().out == "" and not list(tmp_path.iterdir())


def test_the_default_folder_is_seen_below_the_current_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CaptionError, match="download it by hand to .*data.rsicd.partial"):
        fetch_data("RSICD")  # no test has a network
    assert str(tmp_path / "data" / "rsicd") in capsys.readouterr().out


def test_the_drawn_split_is_that_of_split_by_image_with_seed_0(fetch, tmp_path):
    table = pd.DataFrame(table_of(fetch(CLASSES, tmp_path / "set")))
    assert table["split"].tolist() == split_by_image(table, seed=0)["split"].tolist()
    assert table.groupby("image")["split"].nunique().max() == 1


@pytest.mark.parametrize(("limit", "value"), [("MAX_FILES", 3), ("MAX_RATIO", 2)])
def test_an_archive_that_unpacks_to_far_more_than_pictures_do_is_refused(tmp_path, monkeypatch, limit, value):
    monkeypatch.setattr(archive_module, limit, value)
    (tmp_path / "bomb.zip").write_bytes(zip_of({f"{i}.jpg": bytes(10_000) for i in range(5)}))
    with pytest.raises(CaptionError, match="bomb.zip: 5 files of together 0 MB from an archive of 0.0 MB, more than"):
        unpack(tmp_path / "bomb.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()
