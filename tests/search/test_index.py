"""The index as it is used: asked in words and pictures, saved, loaded, changed, and what is wrong told."""

import hashlib
import json
import multiprocessing
import os
import re
import shutil
import signal
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from rsclip_lab.data import CaptionError, ImageError, open_image, read_captions, sample
from rsclip_lab.models import ModelError, load_model
from rsclip_lab.search import embedding, saved
from rsclip_lab.search import neighbours as neighbours_module
from rsclip_lab.search.identity import model_identity
from rsclip_lab.search.index import SearchIndex
from rsclip_lab.search.results import SearchResults
from rsclip_lab.search.saved import SearchIndexError

THEIRS = (
    "images.json",
    "vectors.npy",
    "vectors.json",
    "neighbours.faiss",
    ".images.json.part",
    "vectors-0123456789abcdef.npy",
    "images-0123456789abcdef.npy",
)


@pytest.fixture
def pictures(picture_folder):
    return sorted(map(str, (picture_folder / "images").glob("*.png")))


@pytest.fixture
def index(random_clip, pictures):
    return SearchIndex.build(random_clip, pictures)


@pytest.fixture
def approximate(random_clip, monkeypatch):
    """An index of 600 vectors through faiss."""
    monkeypatch.setattr(neighbours_module, "EXACT_BELOW", 400)
    monkeypatch.setattr("rsclip_lab.search.inverted_file.HELD_OUT", 50)
    vectors = np.random.default_rng(0).standard_normal((600, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = embedding.embedded([f"/nowhere/{row}.png" for row in range(600)], [(1, 1)] * 600, vectors)
    neighbours = neighbours_module.Neighbours.build(vectors)
    return SearchIndex(random_clip, model_identity(random_clip), found, neighbours)


def by_hand(model, vector, pictures):
    """Pictures by their cosine with a vector, and the cosines."""
    cosines = {image: float(model.encode_images(image)[0].double() @ vector.double()) for image in pictures}
    return sorted(cosines.items(), key=lambda one: -one[1])


def assert_same(found, expected):
    assert list(found.images) == [image for image, _ in expected]
    np.testing.assert_allclose(found.scores, [score for _, score in expected], atol=1e-6)


def files_of(folder):
    """What an index's folder holds, without hashes and without hidden files."""
    return sorted(re.sub("-[0-9a-f]{16}", "", path.name) for path in folder.iterdir() if path.name[0] != ".")


def say_otherwise(folder, kind, **words):
    """Change index.json, or the file of images, which index.json then fits."""
    path = next(folder.glob(f"{kind}*.json"))
    values = json.loads(path.read_text())
    path.write_text(json.dumps({key: value for key, value in (values | words).items() if value != "missing"}))
    if kind != "index":
        refit(folder, kind, path)


def refit(folder, kind, path):
    """Let index.json name this file."""
    words = json.loads((folder / "index.json").read_text())
    digest = saved.sha256_of(path)
    name = f"{kind}-{digest[:16]}{path.suffix}"
    os.rename(path, folder / name)
    words["files"][kind] = {"name": name, "sha256": digest}
    (folder / "index.json").write_text(json.dumps(words))


def test_a_text_finds_the_pictures_with_the_largest_cosine(random_clip, index, pictures):
    vector = random_clip.encode_texts("a sandy beach")[0]
    assert_same(index.search_text("a sandy beach", 5), by_hand(random_clip, vector, pictures)[:5])
    assert list(index.search_text("a sandy beach", 3).table.columns) == ["rank", "image", "score", "there"]


def test_a_stored_picture_finds_itself_first_and_is_left_out_when_asked(random_clip, index, pictures, monkeypatch):
    vector = random_clip.encode_images(pictures[4])[0]
    expected = by_hand(random_clip, vector, pictures)
    assert_same(index.search_image(pictures[4], 4), expected[:4])
    assert index.search_image(pictures[4], 4).images[0] == pictures[4]
    assert_same(index.search_image(pictures[4], 4, itself=False), expected[1:5])
    assert len(index.search_image(pictures[4], 99)) == 12
    assert len(index.search_image(pictures[4], 99, itself=False)) == 11
    monkeypatch.setattr(random_clip, "encode_images", None)  # not encoded again, not even as another path
    assert index.search_image(os.path.relpath(pictures[4]), 1).images == [pictures[4]]


def test_other_pictures_are_paths_pil_images_or_arrays(random_clip, index, pictures, tmp_path):
    image = open_image(pictures[2])
    copy = tmp_path / "copy.png"
    shutil.copy(pictures[2], copy)
    for query in (image, np.asarray(image), copy):
        found = index.search_image(query, 3)
        assert found.images[0] == pictures[2] and found.scores[0] == pytest.approx(1, abs=1e-6)
    with pytest.raises(TypeError, match="one picture"):
        index.search_image([image])


def test_a_copy_in_the_index_comes_after_the_picture_itself(random_clip, pictures, tmp_path):
    copies = [str(shutil.copy(pictures[0], tmp_path / f"{name}.png")) for name in "abc"]
    index = SearchIndex.build(random_clip, [*copies, *pictures])
    for image in (*copies, pictures[0]):
        assert index.search_image(image, 1).images == [image]
        assert image not in index.search_image(image, 3, itself=False).images
        assert set(index.search_image(image, 4).images) == {*copies, pictures[0]}


def test_many_vectors_at_once(random_clip, index):
    vectors = random_clip.encode_texts(["a beach", "a forest"])
    for found, text in zip(index.search_vectors(3 * vectors, 4), ["a beach", "a forest"], strict=True):
        assert_same(found, list(index.search_text(text, 4)))
    assert len(index.search_vectors(vectors[0].numpy())) == 1
    for wrong in (vectors[:, :5], torch.zeros(1, 32), torch.full((1, 32), torch.nan)):
        with pytest.raises(ValueError, match="dimensions|zero, NaN"):
            index.search_vectors(wrong)


@pytest.mark.parametrize(
    ("text", "k", "error", "words"),
    [
        ("", 5, ValueError, "the text is empty"),
        (" \n", 5, ValueError, "the text is empty"),
        (["a beach"], 5, TypeError, "one text"),
        (None, 5, TypeError, "one text"),
        ("x" * 5000, 5, ValueError, "5,000 letters"),
        ("a beach", 0, ValueError, "1 or more"),
        ("a beach", 2.0, TypeError, "whole number"),
        ("a beach", True, TypeError, "whole number"),
    ],
)
def test_what_cannot_be_asked(index, text, k, error, words):
    with pytest.raises(error, match=words):
        index.search_text(text, k)


def test_more_than_there_are_gives_all(index):
    assert len(index.search_text("a beach", 1000)) == 12


def test_five_hundred_words_are_cut_and_it_is_said_how_many_are_lost(random_clip, index):
    words = [f"word{row}" for row in range(500)]
    with pytest.warns(UserWarning, match="too long for random: its last") as caught:
        found = index.search_text(" ".join(words), 3)
    said = str(caught[0].message)
    lost = int(said.split("its last ")[1].split()[0])
    tokens = [len(random_clip.tokenizer.encode(word)) for word in words]
    assert sum(tokens[: 500 - lost]) <= 75 < sum(tokens[: 501 - lost])
    assert f"'word{500 - lost} " in said
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kept = " ".join(words[: 500 - lost])
        index.search_text(kept, 3)
    assert len(found) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("гавань с лодками", "not in Latin letters"),
        ("沿岸的港口", "not in Latin letters"),
        ("un port avec des bateaux", r"in another language \(fr\)"),
    ],
)
def test_another_language_is_answered_with_a_warning(index, text, words):
    with pytest.warns(UserWarning, match=f"{words}.*made for English"):
        assert len(index.search_text(text, 3)) == 3


def test_english_is_answered_without_one(index):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for text in ("a beach", "baseball diamond", "boats in the harbour, seen from above", "a café", "10 m²"):
            index.search_text(text)


def test_saved_and_loaded_it_answers_the_same(random_clip, index, tmp_path):
    index.save(tmp_path / "index")
    again = SearchIndex.load(tmp_path / "index", random_clip)
    assert repr(again) == repr(index) == "SearchIndex(12 pictures, 32 dimensions, all compared, of 'random')"
    assert again.images == index.images
    assert_same(again.search_text("a beach", 12), list(index.search_text("a beach", 12)))
    assert files_of(tmp_path / "index") == ["images.json", "index.json", "vectors.npy"]


def test_another_models_index_is_refused_and_both_are_named(random_clip, index, tmp_path):
    index.save(tmp_path / "index")
    other = random_clip.copy()
    other.description["name"] = "tuned"
    other.net.visual.proj.data.mul_(2)
    with pytest.raises(ModelError, match="the model 'random' .* this one is 'tuned'"):
        SearchIndex.load(tmp_path / "index", other)
    theirs = SearchIndex.build(other, index.images)
    with pytest.raises(ModelError, match="'random'.*'tuned'"):
        theirs.save(tmp_path / "index")
    with pytest.raises(ModelError, match="'random'.*'tuned'"):
        SearchIndex.build(other, index.images, tmp_path / "index")
    assert len(SearchIndex.load(tmp_path / "index", random_clip)) == 12
    with pytest.raises(TypeError, match="load_model"):
        SearchIndex.load(tmp_path / "index", "tiny")


@pytest.mark.parametrize("kind", ["vectors", "images", "index"])
@pytest.mark.parametrize("damage", ["changed", "cut", "removed"])
def test_a_file_that_is_not_as_it_was_saved_is_refused(random_clip, index, tmp_path, kind, damage):
    folder = index.save(tmp_path / "index")
    (path,) = folder.glob(f"{kind}*")
    data = path.read_bytes()
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(data[:-9] if damage == "cut" else data[:-9] + b"?" * 9)
    with pytest.raises(SearchIndexError, match=str(path.name) + "|no search index"):
        SearchIndex.load(folder, random_clip)
    if (kind, damage) != ("index", "removed"):
        with pytest.warns(UserWarning, match="That is what happens now"):
            assert len(SearchIndex.build(random_clip, index.images, folder)) == 12
        assert len(SearchIndex.load(folder, random_clip)) == 12


def test_index_json_leads_nowhere_else(random_clip, index, tmp_path):
    folder = index.save(tmp_path / "index")
    words = json.loads((folder / "index.json").read_text())
    for name in ("../secret.npy", "/etc/passwd", "vectors.npy"):
        words["files"]["vectors"]["name"] = name
        (folder / "index.json").write_text(json.dumps(words))
        with pytest.raises(SearchIndexError, match="does not name the files"):
            SearchIndex.load(folder, random_clip)


def test_a_folder_with_something_else_is_not_written_over(random_clip, index, tmp_path):
    (tmp_path / "index.json").write_text('{"mine": 1}')
    with pytest.raises(SearchIndexError, match="stands in the way"):
        index.save(tmp_path)
    random_clip.net.encode_image = None  # said before anything is encoded
    with pytest.raises(SearchIndexError, match="stands in the way"):
        SearchIndex.build(random_clip, index.images, tmp_path)
    assert (tmp_path / "index.json").read_text() == '{"mine": 1}'
    with pytest.raises(SearchIndexError, match="no search index in"):
        SearchIndex.load(tmp_path / "none", random_clip)


def test_a_save_cut_short_anywhere_leaves_the_former_index(random_clip, index, pictures, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    folder, real, after = index.save(tmp_path / "index"), os.replace, 0
    changed = SearchIndex.build(random_clip, pictures[:7])
    while True:
        left = [after]

        def replace(*paths, left=left):
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return real(*paths)

        monkeypatch.setattr(os, "replace", replace)
        try:
            changed.save(folder)
        except Killed:
            assert len(SearchIndex.load(folder, random_clip)) == 12
            after += 1
            continue
        break
    assert after == 6 and len(SearchIndex.load(folder, random_clip)) == 7
    assert files_of(folder) == ["images.json", "index.json", "vectors.npy"]  # nothing of what was cut short is left


def save_for_ever(folder, model, images):
    torch.set_num_threads(1)
    index = SearchIndex.load(folder, load_model(model, device="cpu"))
    several = [index, SearchIndex.build(index.model, images[:5])]
    (folder / "ready").touch()
    while True:
        for one in several:
            one.save(folder)


def test_a_save_that_is_killed_leaves_an_index(random_clip, index, pictures, tmp_path):
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["rsclip_lab.search", "rsclip_lab.models"])
    model, folder = random_clip.save(tmp_path / "model"), index.save(tmp_path / "index")
    process = processes.Process(target=save_for_ever, args=(folder, model, pictures))
    process.start()
    while not (folder / "ready").exists():
        process.join(0.01)
    process.join(0.0713)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert len(SearchIndex.load(folder, random_clip)) in (5, 12)


def test_building_again_in_the_folder_encodes_only_what_is_new(random_clip, pictures, tmp_path, monkeypatch):
    names, real = [], embedding.open_image
    monkeypatch.setattr(embedding, "open_image", lambda path: names.append(path) or real(path))
    SearchIndex.build(random_clip, pictures[:8], tmp_path / "index")
    again = SearchIndex.build(random_clip, pictures[:8], tmp_path / "index")
    assert names == pictures[:8] and len(again) == 8
    more = SearchIndex.build(random_clip, pictures[4:], tmp_path / "index")
    assert names == pictures and more.images == pictures[4:]
    assert SearchIndex.load(tmp_path / "index", random_clip).images == pictures[4:]


def test_append_and_delete_equal_a_fresh_build(random_clip, pictures, tmp_path):
    index = SearchIndex.build(random_clip, pictures[:6])
    assert index.append(pictures[4:]) is index
    index.delete(pictures[1:3]).append(pictures[2])
    expected = [*pictures[:1], *pictures[3:], pictures[2]]
    fresh = SearchIndex.build(random_clip, expected)
    assert index.images == fresh.images == expected and len(index) == 11
    for one in (index, SearchIndex.load(index.save(tmp_path / "index"), random_clip), index):
        assert_same(one.search_text("a beach", 99), list(fresh.search_text("a beach", 99)))
        assert_same(one.search_image(pictures[5], 4), list(fresh.search_image(pictures[5], 4)))


def test_the_same_in_an_approximate_index(random_clip, approximate, picture_folder, tmp_path):
    index, vectors = approximate, approximate._neighbours.base
    names = index.images
    assert index.approximate is not None and "recall@10 about" in repr(index)
    index.append(picture_folder).delete(names[:20])
    fresh = np.concatenate([vectors[20:], index._neighbours.tail])
    query = random_clip.encode_texts("a beach")
    expected = set(np.argsort(-(fresh @ query[0].numpy()))[:10])
    for one in (index, SearchIndex.load(index.save(tmp_path / "index"), random_clip)):
        images = one.images
        assert len(images) == len(fresh) == 592
        got = {images.index(image) for image in one.search_vectors(query, 10)[0].images}
        assert len(got & expected) >= 9
    assert files_of(tmp_path / "index") == ["images.json", "index.json", "neighbours.faiss", "vectors.npy"]


def test_appending_pictures_that_changed_replaces_them(random_clip, index, pictures):
    Image.new("RGB", (30, 30), "red").save(pictures[3])
    index.append(pictures[:4])
    assert len(index) == 12 and len(set(index.images)) == 12
    found = index.search_image(Image.new("RGB", (30, 30), "red"), 1)
    assert found.images == [pictures[3]] and found.scores[0] == pytest.approx(1, abs=1e-6)


def test_a_query_that_changed_since_is_encoded_anew(random_clip, index, pictures):
    Image.new("RGB", (30, 30), "red").save(pictures[3])
    expected = random_clip.encode_images(pictures[3])[0] @ torch.from_numpy(index._neighbours.base[3])
    found = dict(index.search_image(pictures[3], 12))
    assert found[pictures[3]] == pytest.approx(float(expected), abs=1e-6) and found[pictures[3]] < 0.999
    assert pictures[3] not in index.search_image(pictures[3], 12, itself=False).images


def test_pictures_that_disappeared_stay_in_the_answer_and_are_marked(random_clip, index, pictures, tmp_path):
    os.unlink(pictures[4])
    found = index.search_image(pictures[4], 3)  # by the vector it had
    assert found.images[0] == pictures[4] and found.table["there"].tolist() == [False, True, True]
    assert "no longer there" in repr(found) and "no longer there" in found._repr_html_()
    assert index.gone() == [pictures[4]] and index.append(pictures).gone() == [pictures[4]]
    index.delete(index.gone())
    assert index.gone() == [] and len(index) == 11
    with pytest.raises(ValueError, match="cannot be read|no such file"):
        index.search_image(pictures[4])


def test_delete_by_folder_and_what_is_not_there(index, pictures):
    with pytest.raises(ValueError, match="not stored: /no/a.png"):
        index.delete([pictures[0], "/no/a.png"])
    with pytest.raises(ValueError, match="no such picture is stored, nor any below"):
        index.delete("/no/such/folder")
    with pytest.raises(ValueError, match="no picture would be left"):
        index.delete(os.path.dirname(pictures[0]))
    with pytest.raises(CaptionError, match="empty"):
        index.delete([])
    assert len(index) == 12
    assert index.delete(pd.DataFrame({"image": pictures[:2]})).images == pictures[2:]


def test_unreadable_ones_are_kept_in_mind(random_clip, pictures, tmp_path):
    with open(pictures[0], "wb"):
        pass
    with pytest.warns(UserWarning, match="1 of 12 pictures cannot be read"):
        index = SearchIndex.build(random_clip, pictures, tmp_path / "index")
    assert "1 unreadable left out" in repr(index)
    index = SearchIndex.load(tmp_path / "index", random_clip)
    assert index.unreadable["image"].tolist() == [pictures[0]]
    Image.new("RGB", (9, 9)).save(pictures[0])
    assert index.append(pictures).unreadable.empty and len(index) == 12


@pytest.mark.parametrize("images", [[], pd.DataFrame({"image": []})])
def test_an_empty_collection(random_clip, images):
    with pytest.raises(CaptionError, match="the collection is empty"):
        SearchIndex.build(random_clip, images)


def test_results_in_a_notebook_show_thumbnails_and_escape_names(random_clip, pictures, tmp_path):
    strange = tmp_path / "<script>alert(1).png"
    shutil.copy(pictures[0], strange)
    html = SearchIndex.build(random_clip, [strange, *pictures]).search_text("a <b>bold</b> beach", 13)._repr_html_()
    assert html.count("<img ") == 13 and "<script>" not in html and "<b>bold" not in html
    assert "&lt;script&gt;" in html and "data:image/jpeg;base64," in html


def test_the_embedded_sample_is_found_as_retrieval_ranks_it():
    """Drawn pictures, the model in the package: the order of all, beside one product in torch."""
    model, captions = load_model("tiny", device="cpu"), sample("land", split="test")
    images = captions["image"].drop_duplicates().tolist()[:40]
    index = SearchIndex.build(model, captions[captions["image"].isin(images)])
    vectors = model.encode_images(images)
    for caption in captions["caption"].iloc[:3]:
        cosines = vectors @ model.encode_texts(caption)[0]
        best = cosines.argsort(descending=True)[:5]
        assert_same(index.search_text(caption, 5), [(images[row], float(cosines[row])) for row in best])


def test_captions_tables_give_each_picture_once(random_clip, picture_folder):
    assert len(SearchIndex.build(random_clip, read_captions(picture_folder))) == 12


def test_saving_uses_no_pickle(random_clip, index, tmp_path):
    folder = index.save(tmp_path / "index")
    (path,) = folder.glob("vectors-*.npy")
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    refit(folder, "vectors", path)
    with pytest.raises(SearchIndexError, match="holds no vectors"):
        SearchIndex.load(folder, random_clip)


def test_results_are_written_as_seen_from_the_current_folder(tmp_path, monkeypatch):
    inside, outside = str(tmp_path / "mine" / "a.png"), str(tmp_path.parent / "b.png")
    monkeypatch.chdir(tmp_path)
    lines = repr(SearchResults("boats", [inside, outside], [0.5, 0.4])).splitlines()
    assert "  mine/a.png" in lines[1] and f"  {outside}" in lines[2]


def test_files_of_others_in_the_folder_stay(random_clip, pictures, tmp_path):
    """Whatever they are called, unless an index wrote them."""
    folder = tmp_path / "mine"
    folder.mkdir()
    theirs = {name: f"mine: {name}".encode() for name in THEIRS}
    for name, content in theirs.items():
        (folder / name).write_bytes(content)
    for count in (12, 7):
        SearchIndex.build(random_clip, pictures[:count], folder)
        assert {name: (folder / name).read_bytes() for name in theirs} == theirs
    assert len(SearchIndex.load(folder, random_clip)) == 7
    for name in theirs:
        (folder / name).unlink()
    assert files_of(folder) == ["images.json", "index.json", "vectors.npy"]


def test_what_a_killed_save_left_is_removed(random_clip, index, pictures, tmp_path):
    folder = index.save(tmp_path / "index")
    (tmp_path / "index" / ".index-saving-abc").mkdir()
    (tmp_path / "index" / ".index-saving-abc" / "vectors.npy").write_bytes(b"half")
    (old,) = folder.glob("vectors-*")
    data = old.read_bytes() + b"of a save that was killed before its index.json"
    (folder / f"vectors-{hashlib.sha256(data).hexdigest()[:16]}.npy").write_bytes(data)
    SearchIndex.build(random_clip, pictures[:7], folder)
    assert files_of(folder) == ["images.json", "index.json", "vectors.npy"]
    assert [path.name for path in folder.glob(".*")] == [".index.lock"]


def test_a_model_that_was_changed_in_place_adds_nothing(random_clip, pictures, tmp_path):
    model = random_clip.copy()
    index = SearchIndex.build(model, pictures[:6])
    model.net.visual.proj.data.mul_(2)
    with pytest.raises(ModelError, match="not the same: weights"):
        index.append(pictures)
    assert index.images == pictures[:6]
    other = SearchIndex.build(model, pictures[:3])
    with pytest.raises(ModelError, match="not the same: weights"):  # of the vectors, not of what the model is now
        index.save(other.save(tmp_path / "index"))
    assert len(SearchIndex.load(tmp_path / "index", model)) == 3


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("index", {"count": True}),
        ("index", {"model": None}),
        ("index", {"model": {}}),
        ("index", {"loaded_from": 1}),
        ("images", {"stamps": "missing"}),
        ("images", {"stamps": 12 * [1]}),
        ("images", {"stamps": 12 * [[1, "2"]]}),
        ("images", {"images": None}),
        ("images", {"images": list(range(12))}),
        ("images", {"images": 12 * ["/a.png"]}),
        ("images", {"unreadable": "missing"}),
        ("images", {"unreadable": [1, 2]}),
    ],
)
def test_damaged_words_are_told_and_built_over(random_clip, index, tmp_path, kind, words):
    folder = index.save(tmp_path / "index")
    say_otherwise(folder, kind, **words)
    with pytest.raises(SearchIndexError, match=f"{kind}.*build the index again"):
        SearchIndex.load(folder, random_clip)
    with pytest.warns(UserWarning, match="That is what happens now"):
        SearchIndex.build(random_clip, index.images, folder)
    assert SearchIndex.load(folder, random_clip).images == index.images


@pytest.mark.parametrize("length", [0, 1, 20, 60, 300])
def test_an_index_json_that_was_cut_short_is_built_over(random_clip, index, tmp_path, length):
    folder = index.save(tmp_path / "index")
    text = (folder / "index.json").read_text()
    (folder / "index.json").write_text(text[:length])
    with pytest.warns(UserWarning, match="index.json is not readable JSON.*That is what happens now"):
        SearchIndex.build(random_clip, index.images, folder)
    assert (folder / "index.json").read_text() == text
    (folder / "index.json").write_text("")
    index.save(folder)
    assert len(SearchIndex.load(folder, random_clip)) == 12


@pytest.mark.parametrize(
    "words", [{"lists_read": 0}, {"lists_read": "missing"}, {"recall": {}}, {"recall": {"image-like": 2}}]
)
def test_damaged_words_of_an_approximate_index(random_clip, approximate, pictures, tmp_path, words):
    folder = approximate.save(tmp_path / "index")
    say_otherwise(folder, "index", **words)
    with pytest.raises(SearchIndexError, match="lists_read, recall.*build the index again"):
        SearchIndex.load(folder, random_clip)
    with pytest.warns(UserWarning, match="That is what happens now"):
        assert len(SearchIndex.build(random_clip, pictures, folder)) == 12


def test_a_faiss_file_that_faiss_cannot_read_is_built_over(random_clip, approximate, pictures, tmp_path):
    folder = approximate.save(tmp_path / "index")
    (path,) = folder.glob("*.faiss")
    path.write_bytes(b"nothing")
    refit(folder, "neighbours", path)
    with pytest.raises(SearchIndexError, match="faiss cannot read it"):
        SearchIndex.load(folder, random_clip)
    with pytest.warns(UserWarning, match="That is what happens now"):
        assert len(SearchIndex.build(random_clip, pictures, folder)) == 12


def test_new_files_that_are_all_unreadable_are_listed(index, pictures, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"")
    with pytest.warns(UserWarning, match="1 of 13 pictures cannot be read"):
        index.append([*pictures, broken])
    assert len(index) == 12 and index.unreadable["image"].tolist() == [str(broken)]
    with pytest.raises(ImageError, match="1 of 1 pictures cannot be read"):
        index.append([broken])


def test_many_write_and_read_the_same_folder(random_clip, index, pictures, tmp_path):
    folder = index.save(tmp_path / "index")
    several = [index, SearchIndex.build(random_clip, pictures[:5])]

    def write(number):
        for turn in range(8):
            several[(number + turn) % 2].save(folder)

    def read(number):
        return {len(SearchIndex.load(folder, random_clip)) for _ in range(12)}

    with ThreadPoolExecutor(5) as pool:
        writers, readers = (
            [pool.submit(write, number) for number in range(3)],
            [pool.submit(read, 0), pool.submit(read, 1)],
        )
    assert all(writer.result() is None for writer in writers)
    assert set().union(*(reader.result() for reader in readers)) <= {5, 12}
    assert files_of(folder) == ["images.json", "index.json", "vectors.npy"]


def test_an_index_that_was_replaced_while_it_was_read_is_read_again(
    random_clip, index, pictures, tmp_path, monkeypatch
):
    folder, real = index.save(tmp_path / "index"), saved.read_words
    changed = SearchIndex.build(random_clip, pictures[:5])

    def read_words(where):
        words = real(where)
        monkeypatch.setattr(saved, "read_words", real)
        changed.save(folder)
        return words

    monkeypatch.setattr(saved, "read_words", read_words)
    assert len(SearchIndex.load(folder, random_clip)) == 5


def test_a_full_disk_is_told_as_such(index, tmp_path):
    resource = pytest.importorskip("resource")
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, former[1]))
    try:
        with pytest.raises(CaptionError, match="the disk is full"):
            index.save(tmp_path / "index")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    assert files_of(tmp_path / "index") == []


def test_no_vectors_find_nothing(index):
    assert index.search_vectors(np.empty((0, 32), np.float32)) == []


@pytest.mark.parametrize("wrong", [None, "abc", [[1.0], [1.0, 2.0]]])
def test_what_is_no_vector_and_no_picture(index, wrong):
    with pytest.raises(TypeError, match=r"search_vectors takes an array or a tensor \[n, 32\]"):
        index.search_vectors(wrong)
    if not isinstance(wrong, str):
        with pytest.raises(TypeError, match="search_image takes"):
            index.search_image(wrong)


def test_a_file_is_no_folder(index, pictures):
    for call in (index.save, lambda folder: SearchIndex.build(index.model, pictures, folder)):
        with pytest.raises(NotADirectoryError, match="is a file, and an index is a folder; name another one"):
            call(pictures[0])


def test_the_home_is_known_by_its_sign(random_clip, pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    shutil.copy(pictures[0], tmp_path / "a.png")
    shutil.copy(pictures[1], tmp_path / "b.png")
    index = SearchIndex.build(random_clip, ["~/a.png", *pictures[2:]])
    assert index.images[0] == str(tmp_path / "a.png")
    assert index.search_image("~/a.png", 1).images == [str(tmp_path / "a.png")]
    assert len(index.search_image("~/b.png", 1)) == 1
