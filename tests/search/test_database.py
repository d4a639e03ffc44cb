"""`SearchDatabase` in a folder: the answers of exact numpy and of SearchIndex; killed, shared, and refused."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rsclip_lab.data import CaptionError, ImageError, sample
from rsclip_lab.models import ModelError, load_model, new_clip
from rsclip_lab.search import database, embedding, vector_table
from rsclip_lab.search.database import SearchDatabase
from rsclip_lab.search.index import SearchIndex
from rsclip_lab.search.parts import Part
from rsclip_lab.search.store_errors import StoreError
from rsclip_lab.search.vector_table import VectorTable

ROOT = Path(__file__).parents[2]
TINY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1},
}
# A process of its own, which may be killed: `change` is run first.
CHILD = """
import json, os, signal, sys
architecture, url, images, change = map(json.loads, sys.argv[1:])
from rsclip_lab.models import new_clip
from rsclip_lab.search import database, embedding, vector_table
database.STORED_EVERY, embedding.PART = 0, 2
exec(change)
database.SearchDatabase.build(new_clip(architecture), images, url)
"""


@pytest.fixture(scope="module")
def model():
    return new_clip(TINY)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Paths of 12 pictures of random pixels."""
    folder, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for row in range(12):
        Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(folder / f"it's {row:02} é.png")
    return sorted(map(str, folder.iterdir()))


@pytest.fixture(scope="module", autouse=True)
def killed(pictures, tmp_path_factory):
    """Where a process stored four pictures and then killed itself; it begins early, to be done when asked for."""
    kill = (
        "put, done = vector_table.VectorTable.put, []\n"
        "def killed(table, part):\n"
        "    if len(done) == 2: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    done.append(put(table, part))\n"
        "vector_table.VectorTable.put = killed"
    )
    url = str(tmp_path_factory.mktemp("killed") / "base")
    process = child(TINY, url, pictures, kill)
    yield url, process
    process.communicate()


@pytest.fixture
def built(model, pictures, tmp_path):
    return SearchDatabase.build(model, pictures, tmp_path / "base")


@pytest.fixture
def encoded(monkeypatch):
    """The pictures that are encoded, in order."""
    seen, real = [], database.embed_parts

    def noted(model, stamps, identity):
        seen.extend(stamps)
        return real(model, stamps, identity)

    monkeypatch.setattr(database, "embed_parts", noted)
    return seen


def child(*arguments):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *map(json.dumps, arguments)], cwd=ROOT, stderr=subprocess.PIPE
    )


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def part(names, vectors):
    return Part(list(names), [(1, 2)] * len(names), vectors, {})


def test_cosines_and_order_are_numpys(built, model, pictures):
    query = np.random.default_rng(1).standard_normal((3, 32)).astype(np.float32)
    cosines = unit(query) @ model.encode_images(pictures).numpy().T
    for row, found in enumerate(built.search_vectors(query * 7, k=5)):
        assert found.query == f"vector {row}"
        assert found.images == [pictures[best] for best in np.argsort(-cosines[row])[:5]]
        assert np.abs(np.array(found.scores) - np.sort(cosines[row])[::-1][:5]).max() < 1e-6


def test_answers_as_the_exact_index_on_the_drawn_sample(tmp_path):
    tiny, table = load_model("tiny", device="cpu"), sample("coast", "test").drop_duplicates("image")
    table = table.iloc[::4]
    index = SearchIndex.build(tiny, table)
    SearchDatabase.build(tiny, table, tmp_path / "base")
    loaded = SearchDatabase.load(tmp_path / "base", tiny)
    assert len(loaded) == len(index) == len(table)
    first = table["image"].iloc[0]
    for ask in (
        lambda one: one.search_text("a sandy beach", k=20),
        lambda one: one.search_image(first, k=20),
        lambda one: one.search_image(first, k=20, itself=False),
        lambda one: one.search_image(Image.open(first).rotate(90), k=20),
    ):
        ours, theirs = ask(loaded), ask(index)
        assert ours.query == theirs.query and list(ours.images) == list(theirs.images)
        assert np.abs(np.array(ours.scores) - np.array(theirs.scores)).max() < 1e-6


def test_a_picture_finds_itself_first_or_is_left_out(built, pictures):
    assert built.search_image(pictures[3], k=2).images[0] == pictures[3]
    assert built.search_image(pictures[3], k=2).scores[0] == pytest.approx(1, abs=1e-6)
    others = built.search_image(pictures[3], k=99, itself=False)
    assert len(others) == 11 and pictures[3] not in others.images


def test_copies_come_after_the_picture_itself(model, pictures, tmp_path):
    copies = [str(shutil.copy(pictures[0], tmp_path / f"{name}.png")) for name in "abc"]
    built = SearchDatabase.build(model, [*copies, *pictures], tmp_path / "base")
    for image in copies:
        found = built.search_image(image, k=2)
        assert found.images[0] == image and found.scores[0] == 1 and len(found) == 2
        assert built.search_image(image, k=1).images == [image]
        assert {*built.search_image(image, k=4).images} == {*copies, pictures[0]}
        assert image not in built.search_image(image, k=3, itself=False).images
    assert len(built.search_image(copies[0], k=99)) == 15


def test_a_model_that_was_changed_in_place_adds_nothing(pictures, tmp_path):
    model = new_clip(TINY)
    built = SearchDatabase.build(model, pictures[:6], tmp_path / "base")
    model.net.visual.proj.data.mul_(2)
    with pytest.raises(ModelError, match="not the same: weights"):
        built.append(pictures)
    assert built.images == pictures[:6]


def test_names_that_are_not_utf8_are_unreadable(model, pictures, tmp_path):
    strange = os.fsdecode(os.fsencode(shutil.copy(pictures[0], tmp_path)) + b"\xfc.png")
    os.rename(tmp_path / os.path.basename(pictures[0]), strange)
    with pytest.warns(UserWarning, match="its name is not UTF-8; rename it"):
        built = SearchDatabase.build(model, [*pictures, strange], tmp_path / "base")
    assert built.images == pictures and built.unreadable["image"].tolist() == [strange]
    assert built.search_image(strange, k=1).images == [pictures[0]]


def test_stored_pictures_are_not_encoded_again_and_changed_ones_are_replaced(built, model, tmp_path, encoded):
    path, other = str(tmp_path / "a.png"), str(tmp_path / "b.png")
    for one, colour in ((path, "red"), (other, "blue")):
        Image.new("RGB", (32, 32), colour).save(one)
    assert built.append([path, other]) is built and encoded == [path, other]
    encoded.clear()
    SearchDatabase.build(model, [path, other], tmp_path / "base")
    assert encoded == []
    Image.effect_noise((32, 32), 80).convert("RGB").save(path)
    os.utime(path, ns=(1, 1))
    built.append([path, other])
    assert encoded == [path] and len(built) == 14
    assert built.search_image(Image.open(path), k=1).images == [path]
    os.remove(other)
    encoded.clear()
    assert built.append([other]).gone() == [other] and encoded == []  # keeps the vector it had


def test_delete(built, pictures, tmp_path):
    assert built.delete(pictures[:2]) is built
    assert built.images == pictures[2:] and len(built) == 10
    with pytest.raises(ValueError, match="nowhere.png"):
        built.delete([pictures[2], "nowhere.png"])
    assert len(built) == 10
    built.delete(Path(pictures[0]).parent)
    assert len(built) == 0 and built.images == []
    assert len(built.search_text("a beach")) == 0 and len(built.search_image(pictures[0])) == 0


def test_killed_in_the_middle_the_same_call_goes_on(killed, model, pictures, encoded):
    url, process = killed
    assert process.wait(300) == -signal.SIGKILL
    assert SearchDatabase.load(url, model).images == pictures[:4]
    built = SearchDatabase.build(model, pictures, url)
    assert encoded == pictures[4:]
    assert built.images == pictures and len(built) == 12


def test_two_writers_at_once_lose_nothing_and_double_nothing(model, pictures, tmp_path, monkeypatch):
    url = str(tmp_path / "base")
    slowly = (
        "import time\n"
        "put, vector_table.FRAGMENTED = vector_table.VectorTable.put, 2\n"  # each tidies up while the other writes
        "vector_table.VectorTable.put = lambda table, part: put(table, part) or time.sleep(0.1)"
    )
    other = child(TINY, url, pictures[:9], slowly)
    while not VectorTable.open(url, None) and other.poll() is None:
        time.sleep(0.01)
    for name, value in ((database, "STORED_EVERY"), 0), ((embedding, "PART"), 2), ((vector_table, "FRAGMENTED"), 2):
        monkeypatch.setattr(*name, value)
    SearchDatabase.build(model, pictures[3:][::-1], url)
    _, words = other.communicate(timeout=300)
    assert other.returncode == 0, words.decode()[-2000:]
    both = SearchDatabase.load(url, model)
    assert both.images == pictures and len(both) == 12
    assert both.search_image(pictures[5], k=1).images == [pictures[5]]


def test_another_models_database_is_refused(built, pictures, tmp_path):
    other = new_clip(TINY, seed=1, name="other")
    for call in (SearchDatabase.load, lambda url, model: SearchDatabase.build(model, pictures, url)):
        with pytest.raises(ModelError, match="other.*weights"):
            call(tmp_path / "base", other)
    assert len(built) == 12


def test_unreadable_pictures_are_left_out_and_told(model, pictures, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    with pytest.warns(UserWarning, match="broken.png"):
        built = SearchDatabase.build(model, [*pictures, broken], tmp_path / "base")
    assert built.unreadable["image"].tolist() == [str(broken)] and built.images == pictures
    with pytest.raises(ImageError, match="broken.png"):
        SearchDatabase.build(model, [broken], tmp_path / "other")


@pytest.mark.parametrize("words", [{"k": 0}, {"text": "  "}])
def test_bad_questions(built, words):
    with pytest.raises(ValueError):
        built.search_text(**{"text": "a beach", "k": 3} | words)


def test_vectors_of_other_lengths_or_nan_are_refused(built):
    for wrong in (np.ones((1, 31)), np.full((1, 32), np.nan)):
        with pytest.raises(ValueError):
            built.search_vectors(wrong)


def test_where_no_database_is(model, pictures, tmp_path):
    with pytest.raises(StoreError, match="nowhere: no database here; correct the url, or make it with build"):
        SearchDatabase.load(tmp_path / "nowhere", model)
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(StoreError, match="no database here"):
        SearchDatabase.load(tmp_path, model)
    with pytest.raises(TypeError, match="name a folder"):
        SearchDatabase.build(model, pictures, None)
    with pytest.raises(CaptionError, match="no pictures"):
        SearchDatabase.build(model, [], tmp_path / "empty")
    assert not (tmp_path / "empty").exists()
    with pytest.raises(TypeError, match="load"):
        SearchDatabase.load(tmp_path, "tiny")


def test_a_file_or_another_programs_table_is_no_database(model, pictures, tmp_path):
    import lancedb

    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file: is a file, and a database is a folder; name another one"):
        SearchDatabase.build(model, pictures, tmp_path / "file")
    lancedb.connect(tmp_path / "theirs").create_table("images", [{"text": "x"}])
    with pytest.raises(StoreError, match="another program"):
        SearchDatabase.load(tmp_path / "theirs", model)


def test_damaged_files_are_told_without_lancedbs_own_places(built, model, tmp_path):
    for path in (tmp_path / "base" / "images.lance").rglob("*.lance"):
        path.write_bytes(path.read_bytes()[:-99])
    with pytest.raises(StoreError, match="If its files are damaged, take a copy of it") as error:
        SearchDatabase.load(tmp_path / "base", model).search_text("a beach")
    assert ".rs:" not in str(error.value)


def test_a_missing_lancedb_is_named(model, pictures, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lancedb", None)
    with pytest.raises(ImportError, match=r'pip install "rsclip-lab\[database\]"'):
        SearchDatabase.build(model, pictures, tmp_path / "base")


def clustered(count, dim, random):
    centres = unit(random.standard_normal((60, dim)))[random.integers(0, 60, count)]
    return unit(centres + random.standard_normal((count, dim)) * 0.6 / np.sqrt(dim))


def test_a_large_table_is_indexed_and_finds_pictures_and_texts(tmp_path, monkeypatch):
    """Through the inverted file, in lists so small that only a third of them is read."""
    monkeypatch.setattr(vector_table, "LIST", 64)
    random, dim = np.random.default_rng(0), 64
    vectors = clustered(12_000, dim, random)
    table = VectorTable.create(tmp_path / "base", None, dim, {})
    table.put(part([f"{row}" for row in range(12_000)], vectors))
    assert table._indexed() == 0
    table.tidy()
    assert table._indexed() == 12_000
    stored = vectors[random.integers(0, 12_000, 20)]
    noise = random.standard_normal(stored.shape)
    noise = unit(noise - (noise * stored).sum(1, keepdims=True) * stored)
    for cosine in (0.95, 0.3):
        queries = unit(cosine * stored + np.sqrt(1 - cosine**2) * noise)
        truth = np.argsort(-queries @ vectors.T, axis=1)[:, :10]
        near = [table.nearest(query, 10) for query in queries]
        hits = [len({int(image) for image, _ in one} & {*two}) for one, two in zip(near, truth.tolist(), strict=True)]
        assert np.mean(hits) / 10 >= 0.95
        for query, one in zip(queries, near, strict=True):  # compared by the true vectors in the end, not by codes
            true = [float(query @ vectors[int(image)]) for image, _ in one]
            assert np.abs(np.array(true) - [score for _, score in one]).max() < 1e-6
    for query in stored[:2]:
        image, _ = table.nearest(query, 1)[0]
        assert table.nearest(query, 1, but=image)[0][0] != image
    assert len(table.nearest(stored[0], 11_000)) == 11_000  # more than the lists that are read first hold
    table.put(part(["new"], -stored[:1]))
    assert table.nearest(-stored[0], 1)[0][0] == "new"  # not indexed yet, found all the same


def test_the_same_pictures_from_two_at_the_same_moment_are_one_row_each(tmp_path):
    VectorTable.create(tmp_path / "base", None, 4, {})
    tables = [VectorTable.open(tmp_path / "base", None) for _ in range(3)]
    vectors = np.eye(4, dtype=np.float32)
    with ThreadPoolExecutor(3) as pool:
        for turn in range(5):
            names = [f"{turn}{letter}" for letter in "abcd"]
            list(pool.map(lambda table, names=names: table.put(part(names, vectors)), tables))
    assert len(VectorTable.open(tmp_path / "base", None)) == 20


def test_many_small_files_are_joined(tmp_path, monkeypatch):
    monkeypatch.setattr(vector_table, "FRAGMENTED", 3)
    table = VectorTable.create(tmp_path / "base", None, 4, {})
    for row in range(5):
        table.put(part([str(row)], unit(np.eye(4, dtype=np.float32)[[row % 4]])))
    assert table._fragments() == 5
    table.tidy()
    assert table._fragments() == 1 and list(table.stamps()) == [*"01234"]


# LanceDB's own connections are made outside Python, so the system is asked which sockets this process has open.
REACHED = """
import os, sys
from pathlib import Path
import numpy as np
from rsclip_lab.search.parts import Part
from rsclip_lab.search.vector_table import VectorTable
table = VectorTable.create(sys.argv[1], None, 4, {})
table.put(Part(["a"], [(1, 1)], np.eye(4, dtype=np.float32)[:1], {}))
assert table.nearest(np.eye(4, dtype=np.float32)[0], 1)
ours = {os.readlink(one)[8:-1] for one in Path("/proc/self/fd").iterdir() if one.is_socket()}
for protocol in ("tcp", "tcp6", "udp", "udp6"):
    lines = [line.split() for line in Path(f"/proc/self/net/{protocol}").read_text().splitlines()[1:]]
    print(*(line[2] for line in lines if line[9] in ours), end="")
"""


def test_nothing_but_the_folder_is_reached(tmp_path):
    command = [sys.executable, "-c", REACHED, str(tmp_path / "base")]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == ""
