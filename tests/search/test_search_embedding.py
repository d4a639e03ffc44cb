"""Hours of embedding: nothing twice, nothing lost, the same bits, and unreadable files told of."""

import multiprocessing
import os
import shutil
import signal
import threading
import time

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from tqdm.std import tqdm

from rsclip_lab.data import CaptionError, ImageError, read_captions
from rsclip_lab.models import load_model
from rsclip_lab.search import embedding
from rsclip_lab.search.embedding import embed_images
from rsclip_lab.search.index import SearchIndex

PICTURES, PART = 30, 4


@pytest.fixture
def encoded(monkeypatch):
    """Names of the pictures that are decoded to be encoded."""
    names, real = [], embedding.open_image

    def noted(path):
        names.append(os.path.basename(path))
        return real(path)

    monkeypatch.setattr(embedding, "open_image", noted)
    return names


def parts_in(folder):
    return sorted(folder.glob("vectors-*/part-*.safetensors"))


def test_vectors_are_those_of_the_model(random_clip, picture_folder):
    captions = read_captions(picture_folder)
    found = embed_images(random_clip, captions)
    assert found.images == list(captions["image"].unique()) and found.unreadable.empty
    expected = torch.cat([random_clip.encode_images(image) for image in found.images]).numpy()
    np.testing.assert_allclose(found.vectors, expected, atol=1e-6)
    assert found.vectors.dtype == np.float32


def test_a_folder_a_table_and_paths_are_the_same_pictures(random_clip, picture_folder):
    folder = embed_images(random_clip, picture_folder / "images")
    assert folder.images == sorted(map(str, (picture_folder / "images").glob("*.png")))
    table = embed_images(random_clip, pd.DataFrame({"image": folder.images * 2}))
    paths = embed_images(random_clip, [os.path.relpath(image) for image in folder.images])
    assert table.images == paths.images == folder.images
    assert np.array_equal(table.vectors, folder.vectors) and np.array_equal(paths.vectors, folder.vectors)


def test_what_is_in_the_folder_is_not_encoded_again(random_clip, picture_folder, tmp_path, encoded):
    pictures = sorted((picture_folder / "images").glob("*.png"))
    first = embed_images(random_clip, pictures[:8], tmp_path / "parts")
    assert len(encoded) == 8
    more = embed_images(random_clip, pictures[::-1], tmp_path / "parts")
    assert sorted(encoded[8:]) == sorted(path.name for path in pictures[8:])
    assert np.array_equal(more.vectors[::-1][:8], first.vectors)
    assert more.images == list(map(str, pictures[::-1]))


def test_a_changed_picture_is_encoded_again_and_it_alone(random_clip, picture_folder, tmp_path, encoded):
    first = embed_images(random_clip, picture_folder / "images", tmp_path / "parts")
    changed = picture_folder / "images" / "beach_3.png"
    Image.new("RGB", (20, 20), "red").save(changed)
    encoded.clear()
    second = embed_images(random_clip, picture_folder / "images", tmp_path / "parts")
    assert encoded == ["beach_3.png"]
    row = second.images.index(str(changed))
    expected = random_clip.encode_images(changed).numpy()
    np.testing.assert_allclose(second.vectors[[row]], expected, atol=1e-6)
    assert np.array_equal(np.delete(second.vectors, row, 0), np.delete(first.vectors, row, 0))
    embed_images(random_clip, picture_folder / "images", tmp_path / "parts")
    assert encoded == ["beach_3.png"]


def test_two_models_may_share_a_folder(random_clip, picture_folder, tmp_path):
    other = random_clip.copy()
    other.net.visual.proj.data.neg_()
    first = embed_images(random_clip, picture_folder / "images", tmp_path)
    assert np.array_equal(embed_images(other, picture_folder / "images", tmp_path).vectors, -first.vectors)


@pytest.mark.parametrize("damage", [lambda data: data[:-10], lambda data: b"", lambda data: data[:-4] + b"\x7f" * 4])
def test_a_damaged_part_is_encoded_again(random_clip, picture_folder, tmp_path, damage):
    first = embed_images(random_clip, picture_folder / "images", tmp_path / "parts")
    (part,) = parts_in(tmp_path / "parts")
    part.write_bytes(damage(part.read_bytes()))
    again = embed_images(random_clip, picture_folder / "images", tmp_path / "parts")
    assert np.array_equal(again.vectors, first.vectors)


def test_unreadable_pictures_are_left_out_and_told(random_clip, picture_folder, tmp_path, encoded):
    images = picture_folder / "images"
    (images / "beach_0.png").write_bytes(b"")
    (images / "beach_3.png").write_bytes(b"no picture")
    pictures = [*sorted(images.glob("*.png")), images / "missing.png"]
    with pytest.warns(UserWarning, match=r"3 of 13 pictures cannot be read: .*beach_0.png \(the file is empty"):
        found = embed_images(random_clip, pictures, tmp_path / "parts")
    names = [os.path.basename(image) for image in found.unreadable["image"]]
    assert names == ["beach_0.png", "beach_3.png", "missing.png"]
    assert found.unreadable["cause"].iloc[2] == "no such file"
    assert len(found) == 10 and not {*found.unreadable["image"]} & {*found.images}
    encoded.clear()
    with pytest.warns(UserWarning, match="3 of 13"):
        again = embed_images(random_clip, pictures, tmp_path / "parts")
    assert {*encoded} <= {"beach_0.png", "beach_3.png"}  # tried again, in case the disk had failed
    assert np.array_equal(again.vectors, found.vectors)
    Image.new("RGB", (9, 9)).save(images / "missing.png")
    Image.new("RGB", (9, 9)).save(images / "beach_0.png")
    with pytest.warns(UserWarning, match="1 of 13"):
        assert len(embed_images(random_clip, pictures, tmp_path / "parts")) == 12


def test_nothing_readable_is_an_error(random_clip, tmp_path):
    with pytest.raises(ImageError, match="2 of 2 pictures cannot be read"):
        embed_images(random_clip, [tmp_path / "a.png", tmp_path / "b.png"])


@pytest.mark.parametrize(
    ("images", "error", "words"),
    [
        ([], CaptionError, "the collection is empty"),
        (pd.DataFrame({"image": []}), CaptionError, "the collection is empty"),
        (pd.DataFrame({"file": ["a.png"]}), CaptionError, "no column 'image'"),
        ([Image.new("RGB", (4, 4))], TypeError, "picture 0 is a Image, not a path"),
        (3, TypeError, "a int is no collection"),
        ("/no/such/folder", FileNotFoundError, "/no/such/folder: no such folder"),
    ],
)
def test_what_is_no_collection_is_said(random_clip, images, error, words):
    with pytest.raises(error, match=words):
        embed_images(random_clip, images)


def test_a_folder_without_pictures_is_said(random_clip, tmp_path):
    with pytest.raises(CaptionError, match="no pictures in this folder"):
        embed_images(random_clip, tmp_path)


def test_several_devices_share_the_work(random_clip, picture_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(embedding, "PART", PART)
    alone = embed_images(random_clip, picture_folder / "images")
    monkeypatch.setattr(random_clip, "copy", lambda: load_model(tmp_path / "model", device="cpu"))
    random_clip.save(tmp_path / "model")
    shared = embed_images(random_clip, picture_folder / "images", tmp_path / "parts", devices=["cpu", "cpu"])
    assert shared.images == alone.images and np.array_equal(shared.vectors, alone.vectors)
    assert len(parts_in(tmp_path / "parts")) == 3


# Killed: a process of its own, which takes its time over each picture, so that it is met in the middle.


def build_slowly(model, images, folder, seconds):
    torch.set_num_threads(1)
    tqdm.set_lock(threading.RLock())  # its own is a semaphore of the system, and would outlive a killed process
    embedding.PART = PART
    real = embedding.open_image

    def slow(path):
        time.sleep(seconds)
        return real(path)

    embedding.open_image = slow
    SearchIndex.build(load_model(model, device="cpu"), images, folder=folder)


@pytest.fixture(scope="module")
def start():
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["rsclip_lab.search", "rsclip_lab.models"])

    def started(*arguments):
        process = processes.Process(target=build_slowly, args=arguments)
        process.start()
        return process

    return started


def test_killed_at_several_moments_it_goes_on_and_gives_the_same_bits(start, random_clip, tmp_path, monkeypatch):
    model, images = random_clip.save(tmp_path / "model"), tmp_path / "images"
    images.mkdir()
    random = np.random.default_rng(0)
    for row in range(PICTURES):
        Image.fromarray(random.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(images / f"{row:02}.png")
    process = start(model, images, tmp_path / "whole", 0)
    process.join()
    assert process.exitcode == 0
    folder, kills = tmp_path / "killed", 0
    for finished in (0, 2, 4):  # parts, of 8
        process, began = start(model, images, folder, 0.05), time.monotonic()
        while len(parts_in(folder)) <= finished and time.monotonic() - began < 60:
            time.sleep(0.005)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        kills += 1
        assert not (folder / "index.json").exists()
    there = len(parts_in(folder))
    assert kills == 3 and 0 < there < 8
    shutil.copytree(folder, tmp_path / "left")
    process = start(model, images, folder, 0)
    process.join()
    assert process.exitcode == 0
    clip = load_model(model, device="cpu")
    whole, resumed = SearchIndex.load(tmp_path / "whole", clip), SearchIndex.load(folder, clip)
    assert resumed.images == whole.images and len(whole) == PICTURES
    assert np.array_equal(resumed._neighbours.base, whole._neighbours.base)
    left = sorted(path.suffix for path in folder.iterdir() if path.name[0] != ".")
    assert left == [".json", ".json", ".npy"]  # no part
    # And here, where it can be counted: what is in finished parts is not encoded again.
    names, real = [], embedding.open_image
    monkeypatch.setattr(embedding, "open_image", lambda path: names.append(path) or real(path))
    monkeypatch.setattr(embedding, "PART", PART)
    SearchIndex.build(clip, images, folder=tmp_path / "left")
    assert len(names) == PICTURES - PART * there
